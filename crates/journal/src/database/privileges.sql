-- All that the services' roles may do in this database. `ops migrate` runs this each time, in one transaction: a
-- role has what is here, and nothing else. A table that a migration adds is named here if a service needs it.

-- `CREATE` only in what is the owner's; a database of before PostgreSQL 15 lets everybody.
REVOKE ALL ON SCHEMA public FROM PUBLIC, order_gateway, order_executor;
GRANT USAGE ON SCHEMA public TO order_gateway, order_executor;
-- Of what is the owner's: an extension's tables and functions stay as they are.
DO $$
DECLARE
  owned record;
BEGIN
  FOR owned IN
    SELECT 'TABLE' AS kind, oid::regclass::text AS name FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'S') AND pg_has_role(relowner, 'USAGE')
    UNION ALL
    SELECT 'FUNCTION', oid::regprocedure::text FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND prokind = 'f' AND pg_has_role(proowner, 'USAGE')
  LOOP
    EXECUTE format('REVOKE ALL ON %s %s FROM PUBLIC, order_gateway, order_executor', owned.kind, owned.name);
  END LOOP;
  -- Nobody connects by right of being there: each login is let in by name.
  IF EXISTS (SELECT FROM pg_database WHERE datname = current_database() AND pg_has_role(datdba, 'USAGE')) THEN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  END IF;
END
$$;

-- What both read.
GRANT SELECT ON _sqlx_migrations, cluster, halts, venue_disablings, orders, ended_orders, open_orders, order_events,
  open_mark, parked_messages TO order_gateway, order_executor;
GRANT EXECUTE ON FUNCTION first_id(timestamptz), id_time(uuid) TO order_gateway, order_executor;

-- The gateway takes orders on, and cancels them.
GRANT INSERT (id, owner, idempotency_key, request_hash, intent, traceparent, status, seq, attempt, token_in, token_out,
  amount_in, expires_at, genesis_hash) ON orders TO order_gateway;
GRANT UPDATE (status, seq, fence, lease_until, next_attempt_at, expires_at, cancel_requested_at, updated_at, ended_at)
  ON orders TO order_gateway;
GRANT INSERT (order_id, seq, attempt, fence, body, at) ON order_events TO order_gateway;
GRANT SELECT, INSERT ON idempotency_keys TO order_gateway;
GRANT INSERT ON open_stragglers TO order_gateway;
-- It lists and counts them.
GRANT SELECT ON ended_counts, ended_uncounted TO order_gateway;
GRANT EXECUTE ON FUNCTION
  ended_page(uuid, uuid, timestamptz, timestamptz, text, text, text, text, bigint),
  ended_page(uuid, uuid, timestamptz, timestamptz, text, text, text, text, bigint, text) TO order_gateway;
-- It authenticates quotes and callers, and administers keys for those that may.
GRANT SELECT ON shared_keys TO order_gateway;
GRANT SELECT, INSERT ON api_keys TO order_gateway;
GRANT UPDATE (expires_at, revoked_at, last_used_at) ON api_keys TO order_gateway;
-- For those keys it creates accounts, too, and sets what their orders may be.
GRANT SELECT, INSERT (id), UPDATE (max_order_usd_micros, max_day_usd_micros, max_slippage_billionths, tokens, venues,
  max_working, wallet) ON accounts TO order_gateway;

-- The executor moves orders on.
GRANT UPDATE (status, seq, attempt, fence, lease_until, next_attempt_at, dex, quoted_out, executed_out,
  expires_at, updated_at, ended_at) ON orders TO order_executor;
GRANT INSERT (order_id, seq, attempt, fence, body, at) ON order_events TO order_executor;
GRANT SELECT, INSERT ON transactions TO order_executor;
GRANT UPDATE (state, observed_at) ON transactions TO order_executor;
-- It follows what landed, and takes markers' lamports back.
GRANT SELECT, INSERT, DELETE ON landings, order_markers TO order_executor;
GRANT UPDATE (looked_at) ON landings TO order_executor;
GRANT UPDATE (last_valid_block_height, signed_at, tried_at) ON order_markers TO order_executor;
GRANT SELECT ON adopted_transactions TO order_executor;
-- It keeps the limits: what was counted goes down by the end of an order alone.
GRANT SELECT ON accounts, spending_days TO order_executor;
GRANT EXECUTE ON FUNCTION count_spending(uuid, text, bigint, bigint),
  reserve(uuid, text, text[], numeric[], numeric[], bigint),
  reserve_many(uuid[], text[], text[], numeric[], numeric[], bigint[]) TO order_executor;
GRANT SELECT, INSERT, UPDATE, DELETE ON reservations TO order_executor;
-- It binds the database to its cluster, and halts trading; it does not resume it.
GRANT INSERT (genesis_hash) ON cluster TO order_executor;
GRANT INSERT (reason) ON halts TO order_executor;
-- It records what orders met on pools, and which messages nobody can work on.
GRANT SELECT ON drift_observations TO order_executor;
GRANT SELECT, INSERT ON pool_refusals TO order_executor;
GRANT INSERT (subject, payload, traceparent, order_id, reason) ON parked_messages TO order_executor;
GRANT UPDATE (times, last_at, reason) ON parked_messages TO order_executor;
GRANT EXECUTE ON FUNCTION observe_drift(uuid, text[], text[], numeric[], bigint, bigint, text), signatures_lock(),
  count_ended(), move_open_mark(), find_stragglers(), make_month(timestamptz) TO order_executor;

-- What triggers and upkeep do beyond these rights runs as the owner: filing orders that have ended, counting them and
-- what they come to, making months, disabling a venue after drift, reading the months. The search path is
-- pinned: no caller's table takes the place of one of these.
DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY[
    'file_ended_orders()', 'count_spending(uuid, text, bigint, bigint)', 'give_back_spending()', 'count_corrected()', 'count_ended()', 'move_open_mark()',
    'find_stragglers()', 'make_month(timestamptz)',
    'observe_drift(uuid, text[], text[], numeric[], bigint, bigint, text)',
    'ended_page(uuid, uuid, timestamptz, timestamptz, text, text, text, text, bigint)',
    'ended_page(uuid, uuid, timestamptz, timestamptz, text, text, text, text, bigint, text)']
  LOOP
    EXECUTE 'ALTER FUNCTION ' || wanted || ' SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp';
  END LOOP;
END
$$;

-- The gateway writes two kinds of events, and moves orders to the states that go with them. The owner passes by
-- these rules, and whoever has been granted a table reads all of it.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_policies WHERE policyname = 'gateway_accepts_and_cancels') THEN
    CREATE POLICY all_is_read ON order_events FOR SELECT USING (true);
    CREATE POLICY executor_appends ON order_events FOR INSERT TO order_executor WITH CHECK (kind <> 'accepted');
    CREATE POLICY gateway_accepts_and_cancels ON order_events FOR INSERT TO order_gateway
      WITH CHECK (kind IN ('accepted', 'cancelled'));
    ALTER TABLE order_events ENABLE ROW LEVEL SECURITY;
    CREATE POLICY all_is_read ON orders FOR SELECT USING (true);
    CREATE POLICY executor_moves_on ON orders FOR UPDATE TO order_executor USING (true);
    CREATE POLICY gateway_accepts ON orders FOR INSERT TO order_gateway WITH CHECK (status = 'pending' AND seq = 1);
    CREATE POLICY gateway_cancels ON orders FOR UPDATE TO order_gateway USING (true)
      WITH CHECK (status = 'cancelled' OR status = 'submitted' AND expires_at = '-infinity');
    ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
  END IF;
END
$$;
