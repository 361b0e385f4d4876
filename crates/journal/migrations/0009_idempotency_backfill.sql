-- no-transaction
-- Growth, step 2 of 3: reads all there is, beside the work, without a lock that writers wait for. Ten
-- thousand keys a transaction. It may be ended and run again.
DO $$
DECLARE
  reached uuid := '00000000-0000-0000-0000-000000000000';
  next uuid;
BEGIN
  LOOP
    SELECT id INTO next FROM (SELECT id FROM orders WHERE id > reached ORDER BY id LIMIT 10000) AS batch
    ORDER BY id DESC LIMIT 1;
    EXIT WHEN NOT FOUND;
    INSERT INTO idempotency_keys (owner, idempotency_key, request_hash, order_id)
    SELECT owner, idempotency_key, request_hash, id FROM orders
    WHERE id > reached AND id <= next AND idempotency_key IS NOT NULL
    ON CONFLICT DO NOTHING;
    reached := next;
    COMMIT;
  END LOOP;
  ALTER TABLE order_events VALIDATE CONSTRAINT order_events_before;
END
$$;
