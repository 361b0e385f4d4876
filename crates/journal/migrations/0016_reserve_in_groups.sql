-- The slot in which the order of a reservation landed: from then on only balances of earlier slots need it. Null while
-- the order is open, and where no node showed its landing. So what is summed are the open orders, however many have
-- landed and are not finalized yet.
SET LOCAL lock_timeout = '500ms';
ALTER TABLE reservations ADD COLUMN landed_slot bigint;
UPDATE reservations SET landed_slot = landings.slot FROM landings WHERE landings.order_id = reservations.order_id;
DROP INDEX reservations_wallet;
CREATE INDEX reservations_wallet ON reservations (wallet, mint, coalesce(landed_slot, 9223372036854775807));

-- As before, by that slot.
CREATE OR REPLACE FUNCTION reserve(
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
      AND coalesce(landed_slot, 9223372036854775807) = 9223372036854775807
      AND NOT EXISTS (SELECT FROM ONLY orders WHERE id = reservations.order_id AND ended_at IS NULL)
      AND NOT EXISTS (SELECT FROM landings WHERE landings.order_id = reservations.order_id);
    SELECT sum(reservations.amount) INTO reserved FROM reservations
    WHERE wallet = of_wallet AND reservations.mint = asked.mint AND reservations.order_id <> of_order
      AND coalesce(landed_slot, 9223372036854775807) > at_slot;
    IF reserved + asked.amount > asked.balance THEN
      short := asked.mint;
      RETURN NEXT;
      RETURN;
    END IF;
  END LOOP;
  INSERT INTO reservations (order_id, wallet, mint, amount) SELECT of_order, of_wallet, * FROM unnest(mints, amounts)
  ON CONFLICT (order_id, mint) DO UPDATE SET wallet = excluded.wallet, amount = excluded.amount, landed_slot = NULL;
END
$$;

-- Reserves amounts of wallets for many orders at once, one row of the arrays an order and mint. Returns the orders
-- whose amounts it has reserved: for the others nothing is. It counts what others have reserved once for all, and so
-- rather too much: all that the group asks for before, and what landed after the earliest of its slots. `reserve`
-- says exactly what one of the others lacks.
CREATE FUNCTION reserve_many(
  order_ids uuid[], wallets text[], mints text[], amounts numeric[], balances numeric[], slots bigint[]
) RETURNS SETOF uuid LANGUAGE plpgsql
-- By the indexes, whatever the plan was made for.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  -- The locks of `reserve`, in its order.
  PERFORM pg_advisory_xact_lock(hashtextextended(wallet || ' ' || mint, 7305804402463171446))
  FROM (SELECT DISTINCT wallet, mint FROM unnest(wallets, mints) AS input (wallet, mint) ORDER BY wallet, mint) AS pairs;
  DELETE FROM reservations
  USING (SELECT DISTINCT wallet, mint FROM unnest(wallets, mints) AS input (wallet, mint)) AS pairs
  WHERE reservations.wallet = pairs.wallet AND reservations.mint = pairs.mint
    AND coalesce(landed_slot, 9223372036854775807) = 9223372036854775807
    AND NOT EXISTS (SELECT FROM ONLY orders WHERE id = reservations.order_id AND ended_at IS NULL)
    AND NOT EXISTS (SELECT FROM landings WHERE landings.order_id = reservations.order_id);
  RETURN QUERY
  WITH asked AS MATERIALIZED (
    SELECT * FROM unnest(order_ids, wallets, mints, amounts, balances, slots) WITH ORDINALITY
      AS input (order_id, wallet, mint, amount, balance, slot, place)
  ), kept AS MATERIALIZED (
    SELECT pairs.wallet, pairs.mint, (
      SELECT sum(reservations.amount) FROM reservations
      WHERE reservations.wallet = pairs.wallet AND reservations.mint = pairs.mint
        AND coalesce(landed_slot, 9223372036854775807) > pairs.slot
    ) AS amount
    FROM (SELECT wallet, mint, min(slot) AS slot FROM asked GROUP BY wallet, mint) AS pairs
  ), fitting AS (
    SELECT asked.*, coalesce(kept.amount, 0)
      + sum(asked.amount) OVER (PARTITION BY asked.wallet, asked.mint ORDER BY asked.place) <= asked.balance
      -- One that shares a balance with none is not looked at.
      OR kept.amount IS NULL AND row_number() OVER (PARTITION BY asked.wallet, asked.mint ORDER BY asked.place) = 1 AS fits
    FROM asked JOIN kept ON kept.wallet = asked.wallet AND kept.mint = asked.mint
  ), granted AS MATERIALIZED (
    SELECT order_id FROM fitting GROUP BY order_id HAVING bool_and(fits)
  ), reserved AS (
    INSERT INTO reservations (order_id, wallet, mint, amount)
    SELECT asked.order_id, asked.wallet, asked.mint, asked.amount FROM asked JOIN granted USING (order_id)
    ON CONFLICT (order_id, mint) DO UPDATE SET wallet = excluded.wallet, amount = excluded.amount, landed_slot = NULL
  )
  SELECT order_id FROM granted;
END
$$;

-- Its plan may have been made for an empty table.
ALTER FUNCTION require_order() SET enable_seqscan = off;
