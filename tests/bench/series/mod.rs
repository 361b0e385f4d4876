//! The series: each starts an engine, puts one kind of load on it, and says what came of it.

mod accept;
mod events;
mod executors;
mod idle;
mod memory;
mod orders;
mod quotes;

use crate::report::Row;
use crate::stage::{Engine, Stage};
use crate::usage::Usage;
use anyhow::Result;
use bytes::Bytes;
use serde_json::json;
use std::time::{Duration, Instant};
use system_tests::Times;

/// A kind of load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Series {
    /// Orders are accepted, and nobody executes them
    Accept,
    /// Orders from the request to confirmed, as many as the engine can
    Orders,
    /// One order after the other on an idle engine
    Idle,
    /// Quotes over HTTP and gRPC
    Quotes,
    /// Events on their way to a thousand WebSockets
    Events,
    /// One, two and four executors, where the cluster's slots bind
    Executors,
    /// Memory, of an idle engine and after load
    Memory,
}

impl Series {
    /// All, in the order in which they are run.
    pub(crate) const ALL: [Self; 7] =
        [Self::Accept, Self::Orders, Self::Idle, Self::Quotes, Self::Events, Self::Executors, Self::Memory];

    /// Runs it on an engine, each of its loads for this long.
    ///
    /// # Errors
    /// The engine does not start, ends, or breaks a connection.
    pub(crate) async fn run(self, engine: Engine<'_>, length: Duration) -> Result<Vec<Row>> {
        match self {
            Self::Accept => accept::run(engine, length).await,
            Self::Orders => orders::run(engine, length).await,
            Self::Idle => idle::run(engine).await,
            Self::Quotes => quotes::run(engine, length).await,
            Self::Events => events::run(engine).await,
            Self::Executors => executors::run(engine, length).await,
            Self::Memory => memory::run(engine, length).await,
        }
    }
}

/// The load of a connection: how long each request took, and those that were refused.
#[derive(Debug, Default)]
struct Answers {
    times: Times,
    refusals: Vec<String>,
}

impl Answers {
    fn join(all: impl IntoIterator<Item = Self>) -> Self {
        let mut joined = Self::default();
        for answers in all {
            joined.times.extend(answers.times);
            joined.refusals.extend(answers.refusals);
        }
        joined
    }
}

/// A load that has begun.
struct Begun {
    at: Instant,
    usage: Usage<Duration>,
}

impl Begun {
    fn now(stage: &Stage) -> Result<Self> {
        Ok(Self { usage: stage.processor_time()?, at: Instant::now() })
    }

    /// The row of a load that ends now.
    fn end(self, stage: &Stage, series: &'static str, setting: String, answers: Answers) -> Result<Row> {
        let length = self.at.elapsed();
        let usage = stage.processor_time()?.since(&self.usage);
        let Answers { times, refusals } = answers;
        Ok(Row { series, setting, length, times, refusals, usage, memory: Usage::default() })
    }
}

/// The body of an order. Every second one sells what the others have bought, so that prices stay.
fn order(number: usize) -> Bytes {
    let [token_in, token_out, amount] =
        if number.is_multiple_of(2) { ["SOL", "USDC", "0.01"] } else { ["USDC", "SOL", "1.5"] };
    let order =
        json!({ "tokenIn": token_in, "tokenOut": token_out, "amount": amount, "maxSlippage": "0.05" });
    Bytes::from(order.to_string())
}
