//! Prometheus metrics of the gateway.

use metrics::{
    Counter, Gauge, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use order_core::Timestamp;
use std::time::Duration;

/// Describes every metric; called once, at the start.
pub(crate) fn describe() {
    describe_counter!("gateway_requests_total", "Requests, by route, method and status.");
    describe_histogram!("gateway_request_duration_seconds", "Time to answer a request, by route.");
    describe_gauge!("gateway_connections", "Open TCP connections, without those upgraded to WebSockets.");
    describe_counter!(
        "gateway_connections_refused_total",
        "Connections refused because the client has its share, or all are taken, by limit."
    );
    describe_gauge!("gateway_sockets", "Open WebSockets.");
    describe_counter!("gateway_sockets_closed_total", "Closed WebSockets, by close code.");
    describe_counter!("gateway_rate_limited_total", "Requests rejected by the rate limit, by kind.");
    describe_counter!("gateway_unauthorized_total", "Requests rejected for a missing or invalid key.");
    describe_counter!(
        "gateway_dispatches_skipped_total",
        "Orders not published to NATS because too many are being published."
    );
    describe_histogram!(
        "gateway_event_delivery_seconds",
        "Time from the record of an event to its send on a WebSocket that waits for it."
    );
    describe_gauge!("gateway_backlog", "Open orders, as this gateway's admission counts them.");
    describe_gauge!("gateway_backlog_limit", "MAX_BACKLOG: open orders at which new ones are rejected.");
    describe_gauge!("gateway_halted", "1 while trading is halted.");
    describe_counter!("orders_accepted_total", "Orders accepted, without replays.");
    describe_counter!("orders_cancelled_total", "Orders that their owners cancelled before the signature.");
}

pub(crate) fn answered(route: String, method: &'static str, status: &str, took: Duration) {
    histogram!("gateway_request_duration_seconds", "route" => route.clone()).record(took);
    let status = status.to_owned();
    counter!("gateway_requests_total", "route" => route, "method" => method, "status" => status).increment(1);
}

pub(crate) fn connections() -> Gauge {
    gauge!("gateway_connections")
}

/// The counter of connections that a limit has refused.
pub(crate) fn connections_refused(limit: &'static str) -> Counter {
    counter!("gateway_connections_refused_total", "limit" => limit)
}

pub(crate) fn sockets() -> Gauge {
    gauge!("gateway_sockets")
}

pub(crate) fn socket_closed(code: String) {
    counter!("gateway_sockets_closed_total", "code" => code).increment(1);
}

pub(crate) fn rate_limited(kind: &'static str) {
    counter!("gateway_rate_limited_total", "kind" => kind).increment(1);
}

pub(crate) fn unauthorized() {
    counter!("gateway_unauthorized_total").increment(1);
}

pub(crate) fn dispatch_skipped() {
    counter!("gateway_dispatches_skipped_total").increment(1);
}

/// An event was sent that was recorded at this moment by the database's clock.
pub(crate) fn event_delivered(recorded_at: Timestamp) {
    let took = service::now().signed_duration_since(recorded_at).to_std().unwrap_or_default();
    histogram!("gateway_event_delivery_seconds").record(took);
}

pub(crate) fn backlog(open: u64) {
    gauge!("gateway_backlog").set(u32::try_from(open).unwrap_or(u32::MAX));
}

pub(crate) fn backlog_limit(most: u64) {
    gauge!("gateway_backlog_limit").set(u32::try_from(most).unwrap_or(u32::MAX));
}

pub(crate) fn halted(halted: bool) {
    gauge!("gateway_halted").set(u32::from(halted));
}

pub(crate) fn accepted() {
    counter!("orders_accepted_total").increment(1);
}

pub(crate) fn cancelled() {
    counter!("orders_cancelled_total").increment(1);
}
