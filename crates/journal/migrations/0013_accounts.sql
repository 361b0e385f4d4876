-- Accounts, which own orders, and their API keys. Lists and statistics are of one account: the months' indexes
-- begin with it. `migrate` builds those of the months that are there beside the work.
SET LOCAL lock_timeout = '500ms';

CREATE TABLE accounts (
  id         text        NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),

  CONSTRAINT accounts_pkey PRIMARY KEY (id),
  CONSTRAINT accounts_id_form CHECK (id ~ '^[a-z0-9_-]{1,64}$')
);
-- The owner of all orders so far.
INSERT INTO accounts (id) VALUES ('operator');

CREATE TABLE api_keys (
  -- The part of the key that is no secret.
  id           text        NOT NULL,
  account      text        NOT NULL,
  label        text        NOT NULL,
  -- SHA-256 of the secret, which has 256 random bits: nothing is gained by a slow hash.
  secret_hash  bytea       NOT NULL,
  scopes       text[]      NOT NULL,
  -- Networks that the key may be used from; from everywhere if there are none.
  networks     text[]      NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz,
  revoked_at   timestamptz,
  -- To the minute.
  last_used_at timestamptz,

  CONSTRAINT api_keys_pkey PRIMARY KEY (id),
  CONSTRAINT api_keys_account_fkey FOREIGN KEY (account) REFERENCES accounts (id),
  CONSTRAINT api_keys_label_length CHECK (octet_length(label) <= 255),
  CONSTRAINT api_keys_secret_hash_length CHECK (octet_length(secret_hash) = 32),
  CONSTRAINT api_keys_scopes_known CHECK (cardinality(scopes) > 0 AND scopes <@ '{read,trade,admin}'::text[]),
  CONSTRAINT api_keys_networks_bound CHECK (cardinality(networks) <= 100)
);
CREATE INDEX api_keys_account ON api_keys (account);

-- Empty tables: months are made like them.
DROP INDEX ended_orders_status, ended_orders_dex, ended_orders_token_in, ended_orders_token_out, ended_orders_pair,
  ended_orders_ended_at;
CREATE INDEX ended_orders_owner_status ON ended_orders (owner, status, id);
CREATE INDEX ended_orders_owner_dex ON ended_orders (owner, dex, status, id);
CREATE INDEX ended_orders_owner_token_in ON ended_orders (owner, token_in, status, id);
CREATE INDEX ended_orders_owner_token_out ON ended_orders (owner, token_out, status, id);
CREATE INDEX ended_orders_owner_pair ON ended_orders (owner, token_in, token_out, status, id);
CREATE INDEX ended_orders_owner_ended_at ON ended_orders (owner, ended_at DESC, status);

-- As the function of nine arguments, which gateways of the version before call: of one owner.
CREATE FUNCTION ended_page(
  low uuid, high uuid, since timestamptz, until timestamptz,
  of_status text, of_dex text, of_token_in text, of_token_out text, wanted bigint, of_owner text
) RETURNS SETOF uuid LANGUAGE plpgsql STABLE AS $$
DECLARE
  month record;
  tables text[];
  branches text;
  found bigint;
  beyond boolean := EXISTS (SELECT FROM month_beyond.ended_orders);
  statuses text[] := CASE WHEN of_status IS NOT NULL THEN ARRAY[of_status]
    ELSE '{confirmed,failed,cancelled,expired}' END;
  filter text := 'owner = $9 AND id >= $1 AND id < $2'
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
    SELECT string_agg(format('(SELECT id FROM %I.ended_orders WHERE %s AND status = %L ORDER BY id DESC LIMIT $8)',
      of_table, filter, status), ' UNION ALL ')
    INTO branches
    FROM unnest(tables) AS of_table CROSS JOIN unnest(statuses) AS status;
    RETURN QUERY EXECUTE 'SELECT id FROM (' || branches || ') AS found ORDER BY id DESC LIMIT $8'
      USING greatest(low, month.first), high, since, until, of_dex, of_token_in, of_token_out, wanted, of_owner;
    GET DIAGNOSTICS found = ROW_COUNT;
    wanted := wanted - found;
    high := month.first;
  END LOOP;
END
$$;
