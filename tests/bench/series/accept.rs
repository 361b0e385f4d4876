use super::{Answers, Begun, order};
use crate::client::Connection;
use crate::report::Row;
use crate::stage::{Engine, Setup, Stage};
use anyhow::Result;
use futures_util::future::try_join_all;
use hyper::StatusCode;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Connections that place orders at the same time.
const CONNECTIONS: [usize; 3] = [10, 100, 1_000];

/// Requests that open database connections and fill caches, before anything is measured.
const FIRST_REQUESTS: usize = 200;

pub(super) async fn run(engine: Engine<'_>, length: Duration) -> Result<Vec<Row>> {
    // The stream of orders is made by an executor.
    let mut stage = Stage::start(engine, Setup::USUAL)?;
    stage.stop_executors()?;
    warm_up(stage.gateway()).await?;
    let mut rows = Vec::new();
    for connections in CONNECTIONS {
        let mut open = Vec::new();
        for _ in 0..connections {
            open.push(Connection::open(stage.gateway()).await?);
        }
        let begun = Begun::now(&stage)?;
        let until = begun.at + length;
        let placing = open.iter_mut().enumerate().map(|(first, connection)| place(connection, first, until));
        let answers = Answers::join(try_join_all(placing).await?);
        rows.push(begun.end(&stage, "accept", format!("{connections} connections"), answers)?);
    }
    stage.stop()?;
    Ok(rows)
}

async fn warm_up(gateway: SocketAddr) -> Result<()> {
    let mut connection = Connection::open(gateway).await?;
    for number in 0..FIRST_REQUESTS {
        connection.post("/api/orders/execute", order(number)).await?;
    }
    Ok(())
}

async fn place(connection: &mut Connection, first: usize, until: Instant) -> Result<Answers> {
    let mut answers = Answers::default();
    let mut number = first;
    while Instant::now() < until {
        let started = Instant::now();
        let (status, body) = connection.post("/api/orders/execute", order(number)).await?;
        if status == StatusCode::ACCEPTED {
            answers.times.add(started.elapsed());
        } else {
            answers.refusals.push(format!("{status}: {}", String::from_utf8_lossy(&body)));
        }
        number += 1;
    }
    Ok(answers)
}
