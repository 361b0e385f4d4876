-- Landings that are not known to be finalized yet. A row goes with the finalized chain's word.
CREATE TABLE landings (
  order_id  uuid        NOT NULL,
  -- Null where no node showed the transaction.
  slot      bigint,
  landed_at timestamptz NOT NULL DEFAULT now(),
  -- When somebody last asked for it.
  looked_at timestamptz,

  CONSTRAINT landings_pkey PRIMARY KEY (order_id)
);

-- What has ended stays, but for a landing that the cluster drops before it is finalized: then the event that says
-- so is there first.
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_NAME = 'orders_ended_is_final' THEN
    IF OLD.status = 'confirmed' AND NEW.status IN ('confirmed', 'failed') AND NEW.ended_at = OLD.ended_at
      AND NEW.seq = OLD.seq + 1
      AND EXISTS (SELECT FROM order_events WHERE order_id = OLD.id AND seq = NEW.seq AND kind = 'rolled_back') THEN
      RETURN NEW;
    END IF;
  ELSIF TG_NAME = 'transactions_observed_is_final' THEN
    IF OLD.state = 'landed' AND NEW.state IN ('reverted', 'expired')
      AND EXISTS (SELECT FROM order_events WHERE order_id = OLD.order_id AND kind = 'rolled_back') THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION '% of % refused by %', TG_OP, TG_TABLE_NAME, TG_NAME
    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END
$$;
