-- Pool programs that no order is to go over: while a row has no end. Rows stay, as the record.
CREATE TABLE venue_disablings (
  id         bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
  venue      text        NOT NULL,
  reason     text        NOT NULL,
  at         timestamptz NOT NULL DEFAULT now(),
  enabled_at timestamptz,

  CONSTRAINT venue_disablings_pkey PRIMARY KEY (id),
  CONSTRAINT venue_disablings_reason_length CHECK (octet_length(reason) BETWEEN 1 AND 1000)
);
CREATE UNIQUE INDEX venue_disablings_one_at_a_time ON venue_disablings (venue) WHERE enabled_at IS NULL;

-- Pools whose program did something else in a simulation than was calculated, and the orders that met
-- it. The amounts are the whole route's, in atoms of the order's tokens; null where nothing was swapped.
CREATE TABLE drift_observations (
  order_id      uuid        NOT NULL,
  pool          text        NOT NULL,
  venue         text        NOT NULL,
  expected_in   numeric(20, 0),
  expected_out  numeric(20, 0),
  simulated_in  numeric(20, 0),
  simulated_out numeric(20, 0),
  at            timestamptz NOT NULL DEFAULT now(),

  CONSTRAINT drift_observations_pkey PRIMARY KEY (order_id, pool),
  CONSTRAINT drift_observations_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (id)
);
CREATE INDEX drift_observations_venue ON drift_observations (venue, at);

-- Records what an order met, disables each of its venues that enough orders have met it on, and answers
-- with those. A function, because each of its statements sees what was committed before it: whoever has
-- waited for the lock counts what it has waited for. What was met before a venue was enabled again does
-- not count.
CREATE FUNCTION observe_drift(
  by_order uuid, on_venues text[], on_pools text[], amounts numeric[],
  enough bigint, within_ms bigint, reason_given text
) RETURNS TABLE (disabled text) LANGUAGE plpgsql AS $$
BEGIN
  LOCK TABLE drift_observations IN SHARE ROW EXCLUSIVE MODE;
  INSERT INTO drift_observations
    (order_id, venue, pool, expected_in, expected_out, simulated_in, simulated_out)
  SELECT by_order, met.venue, met.pool, amounts[1], amounts[2], amounts[3], amounts[4]
  FROM unnest(on_venues, on_pools) AS met (venue, pool)
  ON CONFLICT DO NOTHING;
  RETURN QUERY
  INSERT INTO venue_disablings AS made (venue, reason)
  SELECT met.venue, reason_given
  FROM drift_observations AS met
  WHERE met.venue = ANY (on_venues)
    AND met.at > now() - within_ms * interval '1 millisecond'
    AND met.at > coalesce(
      (SELECT max(ended.enabled_at) FROM venue_disablings AS ended WHERE ended.venue = met.venue),
      '-infinity')
  GROUP BY met.venue HAVING count(DISTINCT met.order_id) >= enough
  ON CONFLICT DO NOTHING
  RETURNING made.venue;
END
$$;
