//! `cargo xtask bench`: what orders, quotes and events cost, and how long they take.
//!
//! On a machine that others use, throughput says little. Processor time for each order does: the operating system
//! counts it by process. Builds are compared in turns, so that both meet the same machine.

mod client;
mod machine;
mod plot;
mod report;
mod series;
mod stage;
mod statements;
mod usage;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use machine::Machine;
use report::Report;
use series::Series;
use stage::Engine;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

/// Measures the engine in every way.
#[derive(Debug, Parser)]
struct Options {
    /// A build to measure, as NAME=FOLDER: with several, each series is run on them in turns
    #[arg(long = "build", required = true)]
    builds: Vec<Build>,
    /// How long each load is kept up, in seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Number of times that everything is measured
    #[arg(long, default_value_t = 1)]
    rounds: usize,
    /// Only these series
    #[arg(long)]
    only: Vec<Series>,
    /// Print how long PostgreSQL took for each statement, after each series. Counting costs some time itself
    #[arg(long)]
    statements: bool,
    /// The folder for the tables, the JSON and the pictures
    #[arg(long)]
    output: PathBuf,
}

/// The services of one revision.
#[derive(Debug, Clone)]
struct Build {
    name: String,
    programs: PathBuf,
}

impl FromStr for Build {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, folder) = text.split_once('=').ok_or("a build is written NAME=FOLDER")?;
        Ok(Self { name: name.to_owned(), programs: folder.into() })
    }
}

// One thread: the load takes as little of the machine as it can.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<()> {
    // The clients want to know who does their TLS, even where there is none.
    let _ = rustls::crypto::ring::default_provider().install_default();
    rustix::process::setrlimit(rustix::process::Resource::Nofile, open_files())
        .context("asking for more open files")?;
    let mut report = Report { machine: Machine::this()?, rows: Vec::new() };
    println!("{}\n", report.machine);
    let wanted = if options.only.is_empty() { Series::ALL.to_vec() } else { options.only.clone() };
    for series in wanted {
        for round in 1..=options.rounds {
            for build in &options.builds {
                measure(&mut report, series, build, round, options).await?;
            }
        }
    }
    write(&report, options)
}

/// As many open files as the system allows.
fn open_files() -> rustix::process::Rlimit {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    rustix::process::Rlimit { current: limit.maximum, ..limit }
}

async fn measure(
    report: &mut Report,
    series: Series,
    build: &Build,
    round: usize,
    options: &Options,
) -> Result<()> {
    let Build { name, programs } = build;
    let engine = Engine { programs, counts_statements: options.statements };
    let rows = series
        .run(engine, Duration::from_secs(options.seconds))
        .await
        .with_context(|| format!("{series:?} of {name}"))?;
    for row in rows {
        if let Some(first) = row.refusals.first() {
            println!("{} of {} were refused, the first with: {first}", row.refusals.len(), row.setting);
        }
        let figures = row.figures(name, round);
        println!("{}", serde_json::to_string(&figures).context("writing a row")?);
        report.rows.push(figures);
    }
    Ok(())
}

fn write(report: &Report, options: &Options) -> Result<()> {
    let folder = &options.output;
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let save = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    };
    save("bench.json", serde_json::to_string_pretty(report).context("writing the report")?)?;
    save("bench.md", report.tables())?;
    plot::latency(&report.rows, &folder.join("latency.svg"))?;
    plot::processor(&report.rows, &folder.join("processor.svg"))?;
    println!("\n{}\nWritten to {}", report.tables(), folder.display());
    if report.rows.iter().all(|row| row.count == 0) {
        bail!("nothing was measured");
    }
    Ok(())
}
