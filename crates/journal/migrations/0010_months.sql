-- Growth, step 3 of 3: orders that are open live in a small table of their own, the others in the tables of
-- their month. No row of the history is moved or read: today's tables become the first month.
SET LOCAL lock_timeout = '500ms';
LOCK TABLE spending, drift_observations, orders, order_events, transactions IN ACCESS EXCLUSIVE MODE;

-- What takes the place of foreign keys to `orders`, whose rows move now.
ALTER TABLE order_events DROP CONSTRAINT order_events_order_id_fkey;
ALTER TABLE transactions DROP CONSTRAINT transactions_order_id_fkey;
ALTER TABLE spending DROP CONSTRAINT spending_order_id_fkey;
ALTER TABLE drift_observations DROP CONSTRAINT drift_observations_order_id_fkey;

CREATE SCHEMA month_before;
ALTER TABLE orders SET SCHEMA month_before;
ALTER TABLE month_before.orders RENAME TO ended_orders;
ALTER TABLE order_events SET SCHEMA month_before;

-- orders: what is open. A query of `orders` reads the months too; one of `ONLY orders` what is open. The
-- months inherit rather than being partitions, because an order moves when it ends: a writer that waited for
-- its row finds it gone, where a move between partitions would be an error; and because programs of the
-- version before go on working.
CREATE TABLE orders (LIKE month_before.ended_orders INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
  CONSTRAINT orders_pkey PRIMARY KEY (id),
  CONSTRAINT orders_owner_idempotency_key_key UNIQUE (owner, idempotency_key)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000, autovacuum_vacuum_cost_delay = 0);
INSERT INTO orders SELECT * FROM month_before.ended_orders WHERE ended_at IS NULL;
-- The triggers go with them; its indexes need not: there is little to look through.
DO $$
DECLARE
  made record;
BEGIN
  FOR made IN
    SELECT tgname, pg_get_triggerdef(oid) AS definition FROM pg_trigger
    WHERE tgrelid = 'month_before.ended_orders'::regclass AND NOT tgisinternal
  LOOP
    IF made.tgname <> 'orders_kept' THEN
      EXECUTE replace(made.definition, ' ON month_before.ended_orders ', ' ON public.orders ');
    END IF;
    IF made.tgname <> 'orders_ended_is_final' THEN
      EXECUTE format('DROP TRIGGER %I ON month_before.ended_orders', made.tgname);
    END IF;
  END LOOP;
END
$$;
DELETE FROM month_before.ended_orders WHERE ended_at IS NULL;
DROP INDEX month_before.orders_open, month_before.orders_open_expiry, month_before.orders_open_owner;

-- Above the months, itself empty: a month is made like it. One index a filter of the list. Both ends of an
-- order are read and merged, so that a filter needs no index without the status.
CREATE TABLE ended_orders (
  CONSTRAINT ended_orders_pkey PRIMARY KEY (id)
) INHERITS (orders);
CREATE INDEX ended_orders_status ON ended_orders (status, id);
CREATE INDEX ended_orders_dex ON ended_orders (dex, status, id);
CREATE INDEX ended_orders_token_in ON ended_orders (token_in, status, id);
CREATE INDEX ended_orders_token_out ON ended_orders (token_out, status, id);
CREATE INDEX ended_orders_pair ON ended_orders (token_in, token_out, status, id);
CREATE INDEX ended_orders_ended_at ON ended_orders (ended_at DESC, status);

CREATE TABLE order_events (LIKE month_before.order_events INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS,
  CONSTRAINT order_events_pkey PRIMARY KEY (order_id, seq)
) PARTITION BY RANGE (order_id);
ALTER TABLE order_events DROP CONSTRAINT order_events_before;
-- `transactions` stays one table, as the idempotency keys do: a signature is known, and an order lands once,
-- for ever. No list reads it.

-- The rules of `orders` for the order of an event, of a transaction, and of what is counted for it.
CREATE FUNCTION require_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Nearly always it is open.
  IF NOT EXISTS (SELECT FROM ONLY orders WHERE id = NEW.order_id)
    AND NOT EXISTS (SELECT FROM ended_orders WHERE id = NEW.order_id) THEN
    RAISE EXCEPTION '% into % refused by %: there is no such order', TG_OP, TG_TABLE_NAME, TG_NAME
      USING ERRCODE = 'foreign_key_violation', CONSTRAINT = TG_NAME;
  END IF;
  RETURN NULL;
END
$$;
-- Of the first event alone: each other one has the one before it.
CREATE TRIGGER order_events_order_id_fkey AFTER INSERT ON order_events
  FOR EACH ROW WHEN (NEW.seq = 1) EXECUTE FUNCTION require_order();
-- One that has ended gets no transaction any more.
CREATE FUNCTION require_open_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM ONLY orders WHERE id = NEW.order_id) THEN
    RAISE EXCEPTION '% into % refused by %: there is no such open order', TG_OP, TG_TABLE_NAME, TG_NAME
      USING ERRCODE = 'foreign_key_violation', CONSTRAINT = TG_NAME;
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER transactions_order_id_fkey AFTER INSERT ON transactions
  FOR EACH ROW EXECUTE FUNCTION require_open_order();
CREATE TRIGGER spending_order_id_fkey AFTER INSERT ON spending
  FOR EACH ROW EXECUTE FUNCTION require_order();
CREATE TRIGGER drift_observations_order_id_fkey AFTER INSERT ON drift_observations
  FOR EACH ROW EXECUTE FUNCTION require_order();

CREATE TRIGGER order_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON order_events
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- The trigger below alone takes a row away, after it has written it elsewhere.
CREATE TRIGGER orders_kept BEFORE DELETE OR TRUNCATE ON orders
  FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION refuse_change();
-- A statement's trigger is that of the table it names: each table above the rows has one.
CREATE TRIGGER orders_kept BEFORE DELETE OR TRUNCATE ON ended_orders
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER orders_kept BEFORE DELETE OR TRUNCATE ON month_before.ended_orders
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Orders that have ended, counted, however many months are detached.
CREATE TABLE ended_counts (
  only_one  boolean NOT NULL DEFAULT true,
  confirmed bigint  NOT NULL,
  failed    bigint  NOT NULL,
  -- What `ended_uncounted` has of transactions before this one is counted, and gone.
  counted   xid8    NOT NULL,
  -- Whether what had ended before this migration is counted.
  entire    boolean NOT NULL,

  CONSTRAINT ended_counts_pkey PRIMARY KEY (only_one),
  CONSTRAINT ended_counts_only_one CHECK (only_one)
);
INSERT INTO ended_counts (confirmed, failed, counted, entire) VALUES (0, 0, '0', false);

-- What is to be added to them: a row each, so that nobody waits for another's count.
CREATE TABLE ended_uncounted (
  by        xid8   NOT NULL DEFAULT pg_current_xact_id(),
  confirmed bigint NOT NULL,
  failed    bigint NOT NULL
);
CREATE INDEX ended_uncounted_by ON ended_uncounted (by) INCLUDE (confirmed, failed);

-- Orders that have ended go to their month, whoever ended them. One statement with their last events. What was
-- changed in a month is in `changed` too, and stays where it is. By the index, whatever the plan was made for:
-- while a snapshot is held, a small table becomes a long one.
CREATE FUNCTION file_ended_orders() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  month text;
BEGIN
  IF NOT EXISTS (SELECT FROM changed WHERE ended_at IS NOT NULL) THEN
    RETURN NULL;
  END IF;
  FOR month IN
    SELECT DISTINCT month_of(orders.id) FROM ONLY orders JOIN changed ON orders.id = changed.id
    WHERE orders.ended_at IS NOT NULL
  LOOP
    EXECUTE format('WITH ended AS (DELETE FROM ONLY orders USING changed '
      'WHERE orders.id = changed.id AND orders.ended_at IS NOT NULL AND month_of(orders.id) = $1 RETURNING orders.*), '
      'filed AS (INSERT INTO %I.ended_orders SELECT * FROM ended) '
      'INSERT INTO ended_uncounted (confirmed, failed) '
      'SELECT count(*) FILTER (WHERE status = ''confirmed''), count(*) FILTER (WHERE status <> ''confirmed'') '
      'FROM ended', month) USING month;
  END LOOP;
  RETURN NULL;
END
$$;
CREATE TRIGGER orders_filed_when_ended AFTER UPDATE ON orders
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION file_ended_orders();
CREATE TRIGGER orders_filed_when_inserted AFTER INSERT ON orders
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION file_ended_orders();

-- An end that is corrected is counted as what it is.
CREATE FUNCTION count_corrected() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO ended_uncounted (confirmed, failed) VALUES
    ((NEW.status = 'confirmed')::int - (OLD.status = 'confirmed')::int,
     (NEW.status <> 'confirmed')::int - (OLD.status <> 'confirmed')::int);
  RETURN NULL;
END
$$;

-- Where the order of an id goes when it ends.
CREATE FUNCTION month_of(id uuid) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT name FROM order_months WHERE since <= id AND id < until AND detached_at IS NULL),
    'month_beyond')
$$;

-- Makes the tables of a month, for ids from `low` and below `high`; for all that no month has if they are null.
CREATE FUNCTION make_month_tables(month text, low uuid, high uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  bounds text := CASE WHEN low IS NULL THEN 'DEFAULT' ELSE format('FOR VALUES FROM (%L) TO (%L)', low, high) END;
  index_made text;
BEGIN
  EXECUTE format('CREATE SCHEMA %I', month);
  EXECUTE format('CREATE TABLE %I.ended_orders (LIKE ended_orders INCLUDING DEFAULTS INCLUDING CONSTRAINTS, '
    'CONSTRAINT ended_orders_pkey PRIMARY KEY (id), '
    'CONSTRAINT ended_orders_ended CHECK (ended_at IS NOT NULL))', month);
  -- Each under the name that it has above.
  FOR index_made IN
    SELECT replace(pg_get_indexdef(indexrelid), ' ON public.ended_orders ', format(' ON %I.ended_orders ', month))
    FROM pg_index WHERE indrelid = 'public.ended_orders'::regclass AND NOT indisprimary
  LOOP
    EXECUTE index_made;
  END LOOP;
  EXECUTE format('CREATE TABLE %I.order_events (LIKE order_events INCLUDING DEFAULTS INCLUDING GENERATED '
    'INCLUDING CONSTRAINTS, CONSTRAINT order_events_pkey PRIMARY KEY (order_id, seq))', month);
  IF low IS NOT NULL THEN
    EXECUTE format('ALTER TABLE %I.ended_orders ADD CONSTRAINT ended_orders_month CHECK (id >= %L AND id < %L)', month, low, high);
    EXECUTE format('ALTER TABLE %I.order_events ADD CONSTRAINT order_events_month CHECK (order_id >= %L AND order_id < %L)', month, low, high);
  END IF;
  EXECUTE format('ALTER TABLE %I.order_events ADD CONSTRAINT order_events_no_gap '
    'FOREIGN KEY (order_id, previous) REFERENCES %1$I.order_events (order_id, seq)', month);
  EXECUTE format('ALTER TABLE %I.ended_orders INHERIT ended_orders', month);
  EXECUTE format('ALTER TABLE order_events ATTACH PARTITION %I.order_events %s', month, bounds);
  EXECUTE format('CREATE TRIGGER orders_ended_is_final BEFORE UPDATE ON %I.ended_orders FOR EACH ROW EXECUTE FUNCTION refuse_change()', month);
  EXECUTE format('CREATE TRIGGER orders_corrected AFTER UPDATE ON %I.ended_orders FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION count_corrected()', month);
  EXECUTE format('CREATE TRIGGER orders_kept BEFORE DELETE OR TRUNCATE ON %I.ended_orders FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', month);
  EXECUTE format('CREATE TRIGGER order_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I.order_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', month);
END
$$;

-- Makes the month of a moment, in UTC, unless it is there: whether it did. It waits for no lock for long: a
-- backup holds some, and the month before has time.
CREATE FUNCTION make_month(at timestamptz) RETURNS boolean LANGUAGE plpgsql SET lock_timeout = '500ms' AS $$
DECLARE
  began timestamp := date_trunc('month', at AT TIME ZONE 'UTC');
  month text := 'month_' || to_char(began, 'YYYY_MM');
  low uuid := first_id(began AT TIME ZONE 'UTC');
  high uuid := first_id((began + interval '1 month') AT TIME ZONE 'UTC');
BEGIN
  IF EXISTS (SELECT FROM order_months WHERE since <= low AND low < until) THEN
    RETURN false;
  END IF;
  -- One at a time.
  LOCK TABLE order_months IN SHARE ROW EXCLUSIVE MODE;
  IF EXISTS (SELECT FROM order_months WHERE since <= low AND low < until) THEN
    RETURN false;
  END IF;
  PERFORM make_month_tables(month, low, high);
  INSERT INTO order_months (name, since, until) VALUES (month, low, high);
  RETURN true;
END
$$;

-- Takes a month away: its tables stay, in its schema, for pg_dump and DROP SCHEMA. Refused while something of
-- it is unfinished, or the month is not over.
CREATE FUNCTION detach_month(month text) RETURNS void LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
DECLARE
  taken order_months;
  refused text;
BEGIN
  SELECT * INTO taken FROM order_months WHERE name = month AND detached_at IS NULL FOR UPDATE;
  -- First, as those that read and write take it first: from here on nothing of the month changes.
  LOCK TABLE order_events IN ACCESS EXCLUSIVE MODE;
  refused := CASE
    WHEN taken.name IS NULL THEN format('there is no month %s, or it is detached', month)
    WHEN NOT (SELECT entire FROM ended_counts) THEN 'what has ended is not counted: run `journal migrate`'
    WHEN taken.until > first_id(now() - interval '1 day') THEN format('%s is not over since a day', month)
    WHEN EXISTS (SELECT FROM ONLY orders WHERE id >= taken.since AND id < taken.until)
      THEN format('an order of %s is open', month)
    WHEN EXISTS (SELECT FROM order_markers WHERE order_id >= taken.since AND order_id < taken.until)
      THEN format('the lamports of a marker of %s are not taken back', month)
  END;
  IF refused IS NOT NULL THEN
    RAISE EXCEPTION '%', refused USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  EXECUTE format('ALTER TABLE %I.ended_orders NO INHERIT ended_orders', month);
  EXECUTE format('ALTER TABLE order_events DETACH PARTITION %I.order_events', month);
  UPDATE order_months SET detached_at = now() WHERE name = month;
END
$$;

DO $$
DECLARE
  bound uuid := (SELECT until FROM order_months);
BEGIN
  EXECUTE format('ALTER TABLE order_events ATTACH PARTITION month_before.order_events FOR VALUES FROM (MINVALUE) TO (%L)', bound);
  EXECUTE format('ALTER TABLE month_before.ended_orders ADD CONSTRAINT ended_orders_month CHECK (id < %L) NOT VALID', bound);
END
$$;
ALTER TABLE month_before.order_events DROP CONSTRAINT order_events_before;
ALTER TABLE month_before.ended_orders ADD CONSTRAINT ended_orders_ended CHECK (ended_at IS NOT NULL) NOT VALID;
ALTER TABLE month_before.ended_orders INHERIT ended_orders;
CREATE TRIGGER orders_corrected AFTER UPDATE ON month_before.ended_orders
  FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION count_corrected();
SELECT make_month_tables('month_beyond', NULL, NULL);
SELECT make_month(now() + months * interval '1 month') FROM generate_series(1, 3) AS months;

-- Open orders are those from this id on, and these. A reader of the open orders skips with it what ended
-- before: of that the index has entries until a vacuum, which an open snapshot, as of a backup, puts off.
CREATE TABLE open_mark (
  only_one boolean NOT NULL DEFAULT true,
  id       uuid    NOT NULL,
  older    uuid[]  NOT NULL,
  -- Where it goes next, once every transaction before this one has come to its end.
  next_id  uuid    NOT NULL,
  next_xid xid8    NOT NULL,

  CONSTRAINT open_mark_pkey PRIMARY KEY (only_one),
  CONSTRAINT open_mark_only_one CHECK (only_one)
);
INSERT INTO open_mark (id, older, next_id, next_xid)
VALUES ('00000000-0000-0000-0000-000000000000', '{}', '00000000-0000-0000-0000-000000000000', '0');

-- Orders whose id was behind the mark when they came, or nearly: of a gateway that is slow, or whose clock is
-- late.
CREATE TABLE open_stragglers (
  id uuid NOT NULL,

  CONSTRAINT open_stragglers_pkey PRIMARY KEY (id)
);

CREATE VIEW open_orders AS
SELECT orders.* FROM ONLY orders WHERE id >= (SELECT open_mark.id FROM open_mark) AND ended_at IS NULL
UNION ALL
SELECT orders.* FROM ONLY orders
WHERE id = ANY ((SELECT open_mark.older || ARRAY(SELECT open_stragglers.id FROM open_stragglers) FROM open_mark)::uuid[])
  AND id < (SELECT open_mark.id FROM open_mark) AND ended_at IS NULL;

-- The moment in an id, to the millisecond.
CREATE FUNCTION id_time(id uuid) RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT to_timestamp(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0)
$$;

-- A page of ended orders, newest first, month by month until there are enough of them. A status and the filter
-- together have an index; statuses are merged. Where no month was made in time, `month_beyond` has the orders.
CREATE FUNCTION ended_page(
  low uuid, high uuid, since timestamptz, until timestamptz,
  of_status text, of_dex text, of_token_in text, of_token_out text, wanted bigint
) RETURNS SETOF uuid LANGUAGE plpgsql STABLE AS $$
DECLARE
  month record;
  tables text[];
  branches text;
  found bigint;
  beyond boolean := EXISTS (SELECT FROM month_beyond.ended_orders);
  statuses text[] := CASE
    WHEN of_status IS NOT NULL THEN ARRAY[of_status]
    WHEN of_dex IS NULL AND of_token_in IS NULL AND of_token_out IS NULL THEN NULL
    ELSE '{confirmed,failed,cancelled,expired}' END;
  filter text := 'id >= $1 AND id < $2'
    || CASE WHEN since IS NULL THEN '' ELSE ' AND created_at >= $3' END
    || CASE WHEN until IS NULL THEN '' ELSE ' AND created_at < $4' END
    || CASE WHEN of_dex IS NULL THEN '' ELSE ' AND dex = $5' END
    || CASE WHEN of_token_in IS NULL THEN '' ELSE ' AND token_in = $6' END
    || CASE WHEN of_token_out IS NULL THEN '' ELSE ' AND token_out = $7' END;
BEGIN
  IF of_status IN ('pending', 'routing', 'building', 'submitted') THEN
    RETURN;
  END IF;
  FOR month IN
    SELECT months.name, months.first FROM (
      SELECT order_months.name, order_months.since AS first FROM order_months WHERE detached_at IS NULL
      UNION ALL
      (SELECT NULL, order_months.until FROM order_months ORDER BY order_months.until DESC LIMIT 1)
      UNION ALL
      SELECT NULL, order_months.since FROM order_months
      WHERE detached_at IS NOT NULL AND order_months.since = '00000000-0000-0000-0000-000000000000'
    ) AS months WHERE months.first < high ORDER BY months.first DESC
  LOOP
    CONTINUE WHEN month.name IS NULL AND NOT beyond;
    EXIT WHEN wanted <= 0 OR high <= low;
    tables := array_remove(ARRAY[month.name, CASE WHEN beyond THEN 'month_beyond' END], NULL);
    SELECT string_agg(format('(SELECT id FROM %I.ended_orders WHERE %s%s ORDER BY id DESC LIMIT $8)',
      of_table, filter, CASE WHEN status IS NOT NULL THEN format(' AND status = %L', status) END), ' UNION ALL ')
    INTO branches
    FROM unnest(tables) AS of_table CROSS JOIN unnest(coalesce(statuses, ARRAY[NULL])) AS status;
    RETURN QUERY EXECUTE 'SELECT id FROM (' || branches || ') AS found ORDER BY id DESC LIMIT $8'
      USING greatest(low, month.first), high, since, until, of_dex, of_token_in, of_token_out, wanted;
    GET DIAGNOSTICS found = ROW_COUNT;
    wanted := wanted - found;
    high := month.first;
  END LOOP;
END
$$;

-- Counts what has ended since the last time. One at a time; whoever comes second has nothing to do. Transaction
-- numbers and not clocks tell what is new: a clock may be set back. A restored database has numbers of another
-- server, which may be higher than any of its own.
CREATE FUNCTION count_ended() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  last ended_counts;
  finished xid8;
BEGIN
  SELECT * INTO last FROM ended_counts FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  finished := pg_snapshot_xmin(pg_current_snapshot());
  IF last.counted > finished THEN
    UPDATE ended_uncounted SET by = DEFAULT WHERE by >= finished;
    UPDATE ended_counts SET counted = '0';
    RETURN;
  END IF;
  WITH gone AS (
    DELETE FROM ended_uncounted WHERE by < finished AND by >= last.counted RETURNING confirmed, failed
  ), new AS (
    SELECT count(*) AS rows, sum(confirmed) AS confirmed, sum(failed) AS failed FROM gone
  )
  UPDATE ended_counts SET counted = finished, confirmed = last.confirmed + new.confirmed, failed = last.failed + new.failed
  FROM new WHERE new.rows > 0;
END
$$;

-- Counts what had ended before there were counts: all there is, but for what was counted since.
CREATE FUNCTION count_history() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM ended_counts WHERE NOT entire FOR UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  -- One statement, so that both are of one moment.
  UPDATE ended_counts SET entire = true,
    confirmed = ended.confirmed - uncounted.confirmed, failed = ended.failed - uncounted.failed
  FROM (SELECT count(*) FILTER (WHERE status = 'confirmed') AS confirmed,
    count(*) FILTER (WHERE status <> 'confirmed') AS failed FROM ended_orders) AS ended,
    (SELECT coalesce(sum(added.confirmed), 0) AS confirmed, coalesce(sum(added.failed), 0) AS failed
    FROM ended_uncounted AS added) AS uncounted;
END
$$;

-- Moves the mark on, once a second at most; whoever comes second has nothing to do. Where it goes is three
-- seconds ago when it is chosen, and it goes there when all that was being written then is written: what is
-- accepted later with such an id is a straggler. At most four thousand orders are kept apart from it; beyond
-- that it stays behind.
CREATE FUNCTION move_open_mark() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  last open_mark;
  running pg_snapshot;
  chosen_at timestamptz;
  mark uuid;
  found_open uuid[];
  stragglers uuid[];
BEGIN
  SELECT * INTO last FROM open_mark FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  chosen_at := id_time(last.next_id) + interval '3 s';
  IF chosen_at <= clock_timestamp() AND chosen_at > clock_timestamp() - interval '1 s' THEN
    RETURN;
  END IF;
  running := pg_current_snapshot();
  IF last.next_xid > pg_snapshot_xmax(running) THEN
    -- The database was restored on another server.
    last.next_id := last.id;
  ELSIF last.next_xid > pg_snapshot_xmin(running) THEN
    RETURN;
  END IF;
  mark := last.next_id;
  WITH taken AS (DELETE FROM open_stragglers RETURNING id)
  SELECT coalesce(array_agg(id), '{}') INTO stragglers FROM taken;
  SELECT coalesce(array_agg(open.id ORDER BY open.id), '{}') INTO found_open FROM (
    SELECT orders.id FROM ONLY orders WHERE orders.id >= last.id AND orders.id < mark AND ended_at IS NULL
    UNION
    SELECT orders.id FROM ONLY orders
    WHERE orders.id = ANY (last.older || stragglers) AND orders.id < mark AND ended_at IS NULL
    ORDER BY 1 LIMIT 4001) AS open;
  IF cardinality(found_open) > 4000 THEN
    mark := found_open[4001];
  END IF;
  UPDATE open_mark SET id = mark, older = found_open[1:4000],
    next_id = first_id(clock_timestamp() - interval '3 s'), next_xid = pg_snapshot_xmax(pg_current_snapshot());
END
$$;

-- Looks for open orders behind the mark that it does not know, should one have been written there all the same:
-- by a server that was stopped for seconds in the middle of a statement.
CREATE FUNCTION find_stragglers() RETURNS void LANGUAGE sql AS $$
  INSERT INTO open_stragglers (id)
  (SELECT orders.id FROM ONLY orders WHERE orders.id < (SELECT open_mark.id FROM open_mark) AND ended_at IS NULL
  EXCEPT SELECT unnest(older) FROM open_mark)
  ON CONFLICT DO NOTHING
$$;

-- Of two requests with one key the second writes nothing, as the unique constraint had it while all orders
-- were in one table; it waits for the first. Nor is an order taken on twice.
CREATE OR REPLACE FUNCTION keep_idempotency_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM order_events WHERE order_id = NEW.id AND seq = 1) THEN
    RETURN NULL;
  END IF;
  IF NEW.idempotency_key IS NOT NULL THEN
    INSERT INTO idempotency_keys (owner, idempotency_key, request_hash, order_id)
    VALUES (NEW.owner, NEW.idempotency_key, NEW.request_hash, NEW.id)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
      RETURN NULL;
    END IF;
  END IF;
  -- A second before the mark can come there.
  IF NEW.id < greatest((SELECT id FROM open_mark), first_id(clock_timestamp() - interval '2 s')) THEN
    INSERT INTO open_stragglers (id) VALUES (NEW.id) ON CONFLICT DO NOTHING;
  END IF;
  RETURN NEW;
END
$$;

-- Only an open order is signed for, so the months need not be looked through.
CREATE OR REPLACE FUNCTION refuse_after_expiry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM ONLY orders WHERE id = NEW.order_id AND expires_at <= clock_timestamp()) THEN
    RAISE EXCEPTION 'order % is cancelled or expired', NEW.order_id USING
      ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
  END IF;
  RETURN NEW;
END
$$;
