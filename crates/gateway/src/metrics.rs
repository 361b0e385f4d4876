//! Prometheus metrics of the gateway.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Describes every metric; called once, at the start.
pub(crate) fn describe() {
    describe_counter!("gateway_requests_total", "Requests by route, method and status");
    describe_histogram!("gateway_request_duration_seconds", Unit::Seconds, "Time to answer, by route");
    describe_gauge!("gateway_connections", "Open TCP connections, without those upgraded to WebSockets");
    describe_counter!(
        "gateway_connections_refused_total",
        "Connections refused because the client has its share, or all are taken"
    );
    describe_gauge!("gateway_sockets", "Open WebSockets");
    describe_counter!("gateway_sockets_closed_total", "Closed WebSockets by close code");
    describe_counter!("gateway_rate_limited_total", "Requests rejected by the rate limit");
    describe_counter!(
        "gateway_dispatches_skipped_total",
        "Orders not published to NATS because too many are being published"
    );
    describe_gauge!("gateway_halted", "1 while trading is halted");
    describe_counter!("orders_accepted_total", "Orders accepted, without replays");
}
