-- Growth, step 1 of 3: what the step after it needs, beside the tables of today. Each step is one short
-- transaction: it waits at most this long for a lock, and then fails without a change. Run it again.
SET LOCAL lock_timeout = '500ms';
-- First, and alone, as those that write take it first: else they and this would wait for each other.
LOCK TABLE orders IN EXCLUSIVE MODE;

-- Keys outlive the month of their order: one table for all, so that they are unique per owner for ever.
CREATE TABLE idempotency_keys (
  owner           text  NOT NULL,
  idempotency_key text  NOT NULL,
  request_hash    bytea NOT NULL,
  order_id        uuid  NOT NULL,

  CONSTRAINT idempotency_keys_pkey PRIMARY KEY (owner, idempotency_key)
);

-- The months of orders by their ids, which begin with the time. The tables of a month are in a schema of its
-- name; the first one is all that came before.
CREATE TABLE order_months (
  name        text NOT NULL,
  -- From this id on, and below that one.
  since       uuid NOT NULL,
  until       uuid NOT NULL,
  detached_at timestamptz,

  CONSTRAINT order_months_pkey PRIMARY KEY (since),
  CONSTRAINT order_months_name_key UNIQUE (name),
  CONSTRAINT order_months_span CHECK (since < until)
);

-- The least id of a moment: 48 bits of milliseconds, then nothing.
CREATE FUNCTION first_id(at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT rpad(lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0'), 32, '0')::uuid
$$;

-- No order of the months to come exists yet, and none does before step 2: that has a month's time.
INSERT INTO order_months (name, since, until) VALUES ('month_before', '00000000-0000-0000-0000-000000000000',
  first_id(date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + interval '2 months'));

DO $$
DECLARE
  bound text := quote_literal((SELECT until FROM order_months));
BEGIN
  EXECUTE 'ALTER TABLE order_events ADD CONSTRAINT order_events_before CHECK (order_id < ' || bound || ') NOT VALID';
END
$$;

-- Of two requests with one key the second writes nothing: as the unique constraint had it while all orders
-- were in one table. It waits for the first. Nor is an order taken on twice.
CREATE FUNCTION keep_idempotency_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM order_events WHERE order_id = NEW.id AND seq = 1) THEN
    RETURN NULL;
  END IF;
  IF NEW.idempotency_key IS NOT NULL THEN
    -- Until step 2 is done, keys of before are only here.
    IF EXISTS (SELECT FROM orders WHERE owner = NEW.owner AND idempotency_key = NEW.idempotency_key) THEN
      RETURN NULL;
    END IF;
    INSERT INTO idempotency_keys (owner, idempotency_key, request_hash, order_id)
    VALUES (NEW.owner, NEW.idempotency_key, NEW.request_hash, NEW.id)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
      RETURN NULL;
    END IF;
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER orders_keep_idempotency_key BEFORE INSERT ON orders
  FOR EACH ROW EXECUTE FUNCTION keep_idempotency_key();
