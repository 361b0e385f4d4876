//! Trace context across processes, in the form of the W3C's `traceparent`.

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use std::collections::HashMap;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The header, metadata key and column that carry the context.
pub const TRACEPARENT: &str = "traceparent";

/// The context of the current span, to be sent along with what it asks of others.
/// None outside of any span.
pub fn traceparent() -> Option<String> {
    let context = tracing::Span::current().context();
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&context, &mut carrier);
    carrier.remove(TRACEPARENT)
}

/// Makes `span` a child of the span that sent `traceparent`. Call it before the span is entered.
/// A text that is no `traceparent` leaves the span as it was.
pub fn continue_from(span: &tracing::Span, traceparent: &str) {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let context = TraceContextPropagator::new().extract(&carrier);
    if !context.span().span_context().is_valid() {
        return;
    }
    if let Err(error) = span.set_parent(context) {
        tracing::debug!(%error, "the span does not continue its sender's trace");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry;
    use std::sync::{Arc, Mutex};

    const SENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn trace_id(traceparent: &str) -> &str {
        traceparent.split('-').nth(1).unwrap()
    }

    #[test]
    fn a_trace_survives_the_way_through_a_child_span_even_where_little_is_logged() {
        let provider = telemetry::provider("test", None).unwrap();
        let subscriber =
            telemetry::subscriber("error", crate::LogFormat::Text, &provider, std::io::sink).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            let parent = tracing::info_span!("parent");
            continue_from(&parent, SENT);
            let passed_on = parent.in_scope(|| tracing::info_span!("child").in_scope(traceparent)).unwrap();
            assert_eq!(trace_id(&passed_on), trace_id(SENT));
            assert_ne!(passed_on, SENT);
            assert!(passed_on.ends_with("-01"));
        });
    }

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// Asked before each line by logs of the `log` crate.
    #[test]
    fn a_question_whether_something_is_logged_loses_no_span() {
        let provider = telemetry::provider("test", None).unwrap();
        let written = Written::default();
        let writer = written.clone();
        let log = "info,service=debug";
        let subscriber =
            telemetry::subscriber(log, crate::LogFormat::Text, &provider, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            for _ in 0..2 {
                let asked = tracing::debug_span!(target: "elsewhere", "asked");
                let asked = asked.metadata().unwrap();
                let _ = tracing::dispatcher::get_default(|dispatch| dispatch.enabled(asked));
                let span = tracing::info_span!("order");
                continue_from(&span, SENT);
                span.in_scope(|| tracing::info!("heard"));
                assert_eq!(span.in_scope(traceparent).as_deref().map(trace_id), Some(trace_id(SENT)));
            }
        });
        let lines = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert_eq!(lines.matches("order: service::trace::tests: heard").count(), 2, "{lines}");
    }

    #[test]
    fn a_span_without_a_sender_begins_a_trace_and_nonsense_is_ignored() {
        let provider = telemetry::provider("test", None).unwrap();
        let subscriber =
            telemetry::subscriber("info", crate::LogFormat::Json, &provider, std::io::sink).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            assert_eq!(traceparent(), None);
            let span = tracing::info_span!("root");
            continue_from(&span, "00-zero-zero-01");
            let root = span.in_scope(traceparent).unwrap();
            assert_eq!(root.len(), SENT.len());
        });
    }
}
