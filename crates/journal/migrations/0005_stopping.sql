-- An order stops: by its expiry, by a cancel, or because trading is halted. None of the three is ever
-- followed by a signature, whoever waits for whom.

ALTER TABLE orders
  -- Nothing is signed after this moment. A cancel moves it to the beginning of time, which no clock
  -- that is set back undoes. Null for orders of before there was an expiry: they have none.
  ADD COLUMN expires_at timestamptz,
  -- When a cancel was first asked for.
  ADD COLUMN cancel_requested_at timestamptz;

ALTER TABLE orders DROP CONSTRAINT orders_status_known;
ALTER TABLE orders ADD CONSTRAINT orders_status_known CHECK (status IN
  ('pending', 'routing', 'building', 'submitted', 'confirmed', 'failed', 'cancelled', 'expired'));
ALTER TABLE orders DROP CONSTRAINT orders_ended_whole;
ALTER TABLE orders ADD CONSTRAINT orders_ended_whole
  CHECK ((status IN ('confirmed', 'failed', 'cancelled', 'expired')) = (ended_at IS NOT NULL));

-- What has expired and is still open.
CREATE INDEX orders_open_expiry ON orders (expires_at) WHERE ended_at IS NULL;
-- What is open by owner, so that executors serve the owners in turn.
CREATE INDEX orders_open_owner ON orders (owner, id) WHERE ended_at IS NULL;

-- The lock that signatures share and a halt takes alone: a halt returns when every signature before it
-- is recorded, and those after it see the halt. An advisory lock, because a row that every signature
-- locks would be written by each of them.
CREATE FUNCTION signatures_lock() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 7305804402463171445';

CREATE FUNCTION wait_for_signatures() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(signatures_lock());
  RETURN NEW;
END
$$;
CREATE TRIGGER halts_wait_for_signatures BEFORE INSERT ON halts
  FOR EACH ROW EXECUTE FUNCTION wait_for_signatures();

-- The statement that records a signature may have waited for its order's row: what it saw before is
-- old. Each statement of these functions sees what was committed before it, and the row is locked.
CREATE FUNCTION refuse_while_halted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(signatures_lock());
  IF EXISTS (SELECT FROM halts WHERE resumed_at IS NULL) THEN
    RAISE EXCEPTION 'trading is halted' USING
      ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER transactions_not_while_halted BEFORE INSERT ON transactions
  FOR EACH ROW EXECUTE FUNCTION refuse_while_halted();

CREATE FUNCTION refuse_after_expiry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM orders WHERE id = NEW.order_id AND expires_at <= clock_timestamp()) THEN
    RAISE EXCEPTION 'order % is cancelled or expired', NEW.order_id USING
      ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER transactions_not_after_expiry BEFORE INSERT ON transactions
  FOR EACH ROW EXECUTE FUNCTION refuse_after_expiry();

-- Keys that all processes share and Redis does not have. Random: a UUID of version 4 has 122 bits of it.
CREATE TABLE shared_keys (
  name  text  NOT NULL,
  value bytea NOT NULL,

  CONSTRAINT shared_keys_pkey PRIMARY KEY (name),
  CONSTRAINT shared_keys_length CHECK (octet_length(value) = 32)
);
INSERT INTO shared_keys (name, value) VALUES ('quotes', sha256(
  uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

-- A day's sum is what was risked: an order that ended without a swap gives its amount back, to the day
-- that it was counted on.
CREATE FUNCTION give_back_spending() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  WITH given AS (
    DELETE FROM spending WHERE order_id = NEW.id RETURNING day, usd_micros
  )
  UPDATE spending_days SET usd_micros = spending_days.usd_micros - given.usd_micros
  FROM given WHERE spending_days.day = given.day;
  RETURN NULL;
END
$$;
CREATE TRIGGER orders_give_back_spending AFTER UPDATE ON orders
  FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL AND NEW.status <> 'confirmed')
  EXECUTE FUNCTION give_back_spending();
