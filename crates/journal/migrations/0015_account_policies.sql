-- What operators allow an account, and what its wallet's orders in flight may still spend. A month waits for its
-- landings before it is detached.
SET LOCAL lock_timeout = '500ms';

-- Null is no bound.
ALTER TABLE accounts
  ADD COLUMN max_order_usd_micros    bigint,
  ADD COLUMN max_day_usd_micros      bigint,
  ADD COLUMN max_slippage_billionths integer,
  -- Mints that orders may spend and buy.
  ADD COLUMN tokens                  text[],
  -- Venues that orders may go over.
  ADD COLUMN venues                  text[],
  -- Orders that executors work on at the same time.
  ADD COLUMN max_working             integer,
  -- The wallet that signs; the first of each executor if null.
  ADD COLUMN wallet                  text,
  ADD CONSTRAINT accounts_values_not_negative CHECK (max_order_usd_micros >= 0 AND max_day_usd_micros >= 0),
  ADD CONSTRAINT accounts_slippage_range CHECK (max_slippage_billionths BETWEEN 0 AND 999999999),
  ADD CONSTRAINT accounts_lists_bound CHECK (cardinality(tokens) BETWEEN 1 AND 1000 AND cardinality(venues) BETWEEN 1 AND 100),
  ADD CONSTRAINT accounts_max_working_range CHECK (max_working BETWEEN 1 AND 10000);

CREATE TABLE account_spending_days (
  account    text   NOT NULL,
  day        date   NOT NULL,
  usd_micros bigint NOT NULL,

  CONSTRAINT account_spending_days_pkey PRIMARY KEY (account, day),
  CONSTRAINT account_spending_days_not_negative CHECK (usd_micros >= 0)
);
-- Null for orders that were counted before there was a sum of each account.
ALTER TABLE spending ADD COLUMN account text;

-- Counts an order once, if the sums of the day stay within `per_day`, and its account's within the account's own
-- limit. Returns the sum that would have been exceeded, and its limit; nothing if the order is counted. The rows of
-- the day are locked first, so that each caller sees what the one before it has left.
CREATE FUNCTION count_spending(of_order uuid, of_account text, amount bigint, per_day bigint)
RETURNS TABLE (of_one_account boolean, spent bigint, most bigint) LANGUAGE plpgsql AS $$
DECLARE
  today date := (now() AT TIME ZONE 'UTC')::date;
  own_limit bigint;
BEGIN
  INSERT INTO spending_days VALUES (today, 0) ON CONFLICT DO NOTHING;
  INSERT INTO account_spending_days VALUES (of_account, today, 0) ON CONFLICT DO NOTHING;
  SELECT usd_micros INTO spent FROM spending_days WHERE day = today FOR UPDATE;
  IF EXISTS (SELECT FROM spending WHERE order_id = of_order) THEN
    RETURN;
  END IF;
  IF spent > per_day - amount THEN
    of_one_account := false;
    most := per_day;
    RETURN NEXT;
    RETURN;
  END IF;
  SELECT max_day_usd_micros INTO own_limit FROM accounts WHERE id = of_account;
  SELECT usd_micros INTO spent FROM account_spending_days WHERE account = of_account AND day = today FOR UPDATE;
  IF spent > own_limit - amount THEN
    of_one_account := true;
    most := own_limit;
    RETURN NEXT;
    RETURN;
  END IF;
  UPDATE spending_days SET usd_micros = usd_micros + amount WHERE day = today;
  UPDATE account_spending_days SET usd_micros = usd_micros + amount WHERE account = of_account AND day = today;
  INSERT INTO spending (order_id, account, day, usd_micros) VALUES (of_order, of_account, today, amount);
END
$$;

-- As before, and the account's sum too.
CREATE OR REPLACE FUNCTION give_back_spending() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  WITH given AS (
    DELETE FROM spending WHERE order_id = NEW.id RETURNING account, day, usd_micros
  ), own AS (
    UPDATE account_spending_days AS days SET usd_micros = days.usd_micros - given.usd_micros
    FROM given WHERE days.account = given.account AND days.day = given.day
  )
  UPDATE spending_days SET usd_micros = spending_days.usd_micros - given.usd_micros
  FROM given WHERE spending_days.day = given.day;
  RETURN NULL;
END
$$;

-- What orders may take from a wallet from their signature on, until a balance that is read shows it.
CREATE TABLE reservations (
  order_id uuid           NOT NULL,
  wallet   text           NOT NULL,
  mint     text           NOT NULL,
  amount   numeric(20, 0) NOT NULL,

  CONSTRAINT reservations_pkey PRIMARY KEY (order_id, mint),
  CONSTRAINT reservations_not_negative CHECK (amount >= 0)
);
CREATE INDEX reservations_wallet ON reservations (wallet, mint);

-- Reserves amounts for an order, if the balances of its wallet, as they were in a slot, cover them beside those that
-- other orders have reserved: open ones, and ones that landed in a later slot. Returns the mint of which there is too
-- little, and what others have reserved of it. An order that shares a balance with none is not looked at: its
-- simulation has said that it can pay.
CREATE FUNCTION reserve(
  of_order uuid, of_wallet text, mints text[], amounts numeric[], balances numeric[], at_slot bigint
) RETURNS TABLE (short text, reserved numeric) LANGUAGE plpgsql AS $$
DECLARE
  asked record;
BEGIN
  -- What a crash loses costs a reverted transaction at most.
  PERFORM set_config('synchronous_commit', 'off', true);
  FOR asked IN SELECT * FROM unnest(mints, amounts, balances) AS input (mint, amount, balance) ORDER BY mint LOOP
    PERFORM pg_advisory_xact_lock(hashtextextended(of_wallet || ' ' || asked.mint, 7305804402463171446));
    DELETE FROM reservations WHERE wallet = of_wallet AND reservations.mint = asked.mint
      AND NOT EXISTS (SELECT FROM ONLY orders WHERE id = reservations.order_id AND ended_at IS NULL)
      AND NOT EXISTS (SELECT FROM landings WHERE landings.order_id = reservations.order_id);
    SELECT sum(reservations.amount) INTO reserved FROM reservations
    WHERE wallet = of_wallet AND reservations.mint = asked.mint AND reservations.order_id <> of_order
      AND NOT EXISTS (SELECT FROM landings WHERE landings.order_id = reservations.order_id AND slot <= at_slot);
    IF reserved + asked.amount > asked.balance THEN
      short := asked.mint;
      RETURN NEXT;
      RETURN;
    END IF;
  END LOOP;
  INSERT INTO reservations SELECT of_order, of_wallet, * FROM unnest(mints, amounts)
  ON CONFLICT (order_id, mint) DO UPDATE SET wallet = excluded.wallet, amount = excluded.amount;
END
$$;

-- As before, and the landings of the month are known to be finalized: one that the cluster drops changes its order.
CREATE OR REPLACE FUNCTION detach_month(month text) RETURNS void LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
DECLARE
  taken order_months;
  refused text;
BEGIN
  SELECT * INTO taken FROM order_months WHERE name = month AND detached_at IS NULL FOR UPDATE;
  -- First, as those that read and write take it first: from here on nothing of the month changes.
  LOCK TABLE order_events IN ACCESS EXCLUSIVE MODE;
  refused := CASE
    WHEN taken.name IS NULL THEN format('there is no month %s, or it is detached', month)
    WHEN NOT (SELECT entire FROM ended_counts) THEN 'what has ended is not counted: run `ops migrate`'
    WHEN taken.until > first_id(now() - interval '1 day') THEN format('%s is not over since a day', month)
    WHEN EXISTS (SELECT FROM ONLY orders WHERE id >= taken.since AND id < taken.until)
      THEN format('an order of %s is open', month)
    WHEN EXISTS (SELECT FROM order_markers WHERE order_id >= taken.since AND order_id < taken.until)
      THEN format('the lamports of a marker of %s are not taken back', month)
    WHEN EXISTS (SELECT FROM landings WHERE order_id >= taken.since AND order_id < taken.until)
      THEN format('a landing of %s is not known to be finalized', month)
  END;
  IF refused IS NOT NULL THEN
    RAISE EXCEPTION '%', refused USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  EXECUTE format('ALTER TABLE %I.ended_orders NO INHERIT ended_orders', month);
  EXECUTE format('ALTER TABLE order_events DETACH PARTITION %I.order_events', month);
  UPDATE order_months SET detached_at = now() WHERE name = month;
END
$$;
