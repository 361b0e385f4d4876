-- The chain that this database belongs to: the genesis hash, written by the first executor that starts. A
-- process that sees another chain refuses to start.
CREATE TABLE cluster (
  singleton    boolean     NOT NULL DEFAULT true,
  genesis_hash text        NOT NULL,
  bound_at     timestamptz NOT NULL DEFAULT now(),

  CONSTRAINT cluster_pkey PRIMARY KEY (singleton),
  CONSTRAINT cluster_one_row CHECK (singleton)
);

-- The chain that an order was accepted for. Null in orders from before this was recorded.
ALTER TABLE orders ADD COLUMN genesis_hash text;

-- A landing whose amounts no node shows has none.
ALTER TABLE orders DROP CONSTRAINT orders_executed_when_confirmed;
ALTER TABLE orders ADD CONSTRAINT orders_executed_when_confirmed
  CHECK (executed_out IS NULL OR status = 'confirmed') NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT orders_executed_when_confirmed;

-- A transaction that counted as expired may be found on the chain after all: then it is open again.
DROP TRIGGER transactions_observed_is_final ON transactions;
CREATE TRIGGER transactions_observed_is_final BEFORE UPDATE ON transactions
  FOR EACH ROW WHEN (OLD.state <> 'open' AND NOT (OLD.state = 'expired' AND NEW.state = 'open'))
  EXECUTE FUNCTION refuse_change();

-- It is no new signature, so neither a halt nor an expiry refuses it.
ALTER TABLE transactions ADD COLUMN found boolean NOT NULL DEFAULT false;
DROP TRIGGER transactions_not_while_halted ON transactions;
CREATE TRIGGER transactions_not_while_halted BEFORE INSERT ON transactions
  FOR EACH ROW WHEN (NOT NEW.found) EXECUTE FUNCTION refuse_while_halted();
DROP TRIGGER transactions_not_after_expiry ON transactions;
CREATE TRIGGER transactions_not_after_expiry BEFORE INSERT ON transactions
  FOR EACH ROW WHEN (NOT NEW.found) EXECUTE FUNCTION refuse_after_expiry();

-- Order markers whose lamports were not taken back yet: as many as there were orders in the last hour or so.
-- A marker keeps the chain from executing its order twice, so its row goes only with its lamports.
CREATE TABLE order_markers (
  address                 text           NOT NULL,
  order_id                uuid           NOT NULL,
  wallet                  text           NOT NULL,
  seed                    text           NOT NULL,
  generation              bigint         NOT NULL,
  -- The highest of all transactions with this marker.
  last_valid_block_height numeric(20, 0) NOT NULL,
  -- When the latest of them was signed.
  signed_at               timestamptz    NOT NULL,
  -- When somebody last tried to take the lamports back.
  tried_at                timestamptz,

  CONSTRAINT order_markers_pkey PRIMARY KEY (address)
);
CREATE INDEX order_markers_signed_at ON order_markers (signed_at);

-- Transactions of ours that this database did not know, as after a restore, and that an operator has seen.
CREATE TABLE adopted_transactions (
  signature text        NOT NULL,
  reason    text        NOT NULL,
  at        timestamptz NOT NULL DEFAULT now(),

  CONSTRAINT adopted_transactions_pkey PRIMARY KEY (signature),
  CONSTRAINT adopted_transactions_reason_length CHECK (octet_length(reason) BETWEEN 1 AND 1000)
);
