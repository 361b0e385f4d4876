use crate::{LogFormat, Options};
use anyhow::Context as _;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::io::IsTerminal as _;
use std::time::Duration;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterFn, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

/// From half a millisecond, where a write to the journal lies, to two minutes, where a transaction
/// expires.
const SECONDS: [f64; 18] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0,
    120.0,
];

/// Hundredths of a percent: from a tenth lost to a tenth won, finest where nothing is lost.
const BPS: [f64; 19] = [
    -1_000.0, -100.0, -50.0, -20.0, -10.0, -5.0, -2.0, -1.0, -0.1, 0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0,
    100.0, 200.0, 1_000.0,
];

/// Callers that one statement serves, up to the most that there can be.
const ITEMS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// How often histograms take in what was recorded, so that they stay small where nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// How long the last spans may take to leave.
const FLUSH: Duration = Duration::from_secs(3);

/// The installed telemetry, to be ended with the process.
pub(crate) struct Telemetry {
    provider: SdkTracerProvider,
    pub(crate) metrics: PrometheusHandle,
}

/// Installs logging, tracing and metrics for the whole process.
pub(crate) fn install(name: &'static str, options: &Options) -> anyhow::Result<Telemetry> {
    let provider = provider(name, options.otlp_endpoint.as_deref())?;
    subscriber(&options.log, options.log_format, &provider, std::io::stdout)?
        .try_init()
        .context("installing the logger: something else has installed one")?;
    let metrics = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_bps".to_owned()), &BPS))
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_items".to_owned()), &ITEMS))
        .and_then(PrometheusBuilder::install_recorder)
        .context("installing the metrics recorder")?;
    tokio::spawn(upkeep(metrics.clone()));
    crate::metrics::describe();
    crate::metrics::built();
    log_panics();
    Ok(Telemetry { provider, metrics })
}

impl Telemetry {
    /// Sends the last spans. What cannot be sent in time is lost.
    pub(crate) async fn flush(self) {
        let flushed = tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(FLUSH)).await;
        match flushed {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last spans were not sent"),
            Err(error) => tracing::warn!(%error, "the last spans were not sent"),
        }
    }
}

/// Makes trace ids, and sends spans where an endpoint is given.
pub(crate) fn provider(name: &'static str, endpoint: Option<&str>) -> anyhow::Result<SdkTracerProvider> {
    let resource = Resource::builder().with_service_name(name).build();
    let provider = SdkTracerProvider::builder().with_resource(resource);
    let Some(endpoint) = endpoint else { return Ok(provider.build()) };
    let exporter =
        SpanExporter::builder().with_tonic().with_endpoint(endpoint).build().with_context(|| {
            format!("preparing to send traces to {endpoint}; check OTEL_EXPORTER_OTLP_ENDPOINT")
        })?;
    Ok(provider.with_batch_exporter(exporter).build())
}

/// Logs to `writer` the events that `directives` let through.
pub(crate) fn subscriber<W>(
    directives: &str,
    format: LogFormat,
    provider: &SdkTracerProvider,
    writer: W,
) -> anyhow::Result<impl tracing::Subscriber + Send + Sync + use<W>>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let directives: Targets =
        directives.parse().with_context(|| format!("reading the log filter `{directives}`; check LOG"))?;
    let lines = fmt::layer().with_writer(writer);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(std::io::stdout().is_terminal()).boxed(),
        LogFormat::Json => lines.json().with_current_span(false).with_span_list(true).boxed(),
    };
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("orders"));
    Ok(tracing_subscriber::registry().with(admission(directives)).with(lines).with(spans))
}

/// The filter of logs and traces. Spans pass, whatever is logged, because their context travels on
/// to other processes. One filter for both layers: filters of single layers lose spans where a
/// library asks whether something is enabled and then does not say it.
fn admission(directives: Targets) -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    let most = directives.iter().map(|(_, level)| level).chain(directives.default_level()).max();
    let most = most.unwrap_or(LevelFilter::OFF).max(LevelFilter::INFO);
    let admitted = move |metadata: &Metadata<'_>| {
        let traced = metadata.is_span() && *metadata.level() <= Level::INFO;
        traced || directives.would_enable(metadata.target(), metadata.level())
    };
    FilterFn::new(admitted).with_max_level_hint(most)
}

async fn upkeep(metrics: PrometheusHandle) {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        ticks.tick().await;
        metrics.run_upkeep();
    }
}

/// A panic ends one task, not the process: without this nobody would hear of it.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        crate::metrics::panicked();
        let backtrace = std::backtrace::Backtrace::capture();
        tracing::error!(%panic, %backtrace, "a task panicked");
    }));
}
