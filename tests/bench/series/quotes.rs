use super::{Answers, Begun};
use crate::client::Connection;
use crate::report::Row;
use crate::stage::{Engine, Setup, Stage};
use anyhow::{Context as _, Result};
use bytes::Bytes;
use futures_util::future::try_join_all;
use hyper::StatusCode;
use order_core::Atoms;
use proto::wire::router_service_client::RouterServiceClient;
use proto::wire::{ListPoolsRequest, ListPoolsResponse, QuoteMode, QuoteRequest};
use serde_json::json;
use std::time::{Duration, Instant};
use tonic::transport::{Channel, Endpoint};

/// Callers at the same time.
const CALLERS: [usize; 3] = [1, 10, 100];

/// The quotes that are asked for: each pair with a small amount, and with one that is worth dividing among pools.
const PAIRS: [(&str, &str, [&str; 2]); 4] = [
    ("SOL", "USDC", ["1", "2000"]),
    ("USDC", "SOL", ["100", "250000"]),
    ("USDT", "SOL", ["100", "50000"]),
    ("SOL", "USDT", ["1", "400"]),
];

pub(super) async fn run(engine: Engine<'_>, length: Duration) -> Result<Vec<Row>> {
    let stage = Stage::start(engine, Setup::USUAL)?;
    let endpoint = Endpoint::from_shared(format!("http://{}", stage.router()))?;
    let mut router = RouterServiceClient::new(endpoint.connect().await.context("reaching the router")?);
    let listed = router.list_pools(ListPoolsRequest {}).await?.into_inner();
    let requests = requests(&listed)?;
    let mut rows = Vec::new();
    for callers in CALLERS {
        let setting = format!("{callers} callers, {} pools", listed.pools.len());
        let begun = Begun::now(&stage)?;
        let until = begun.at + length;
        let asking = (0..callers).map(|caller| over_http(&stage, caller, until));
        let answers = Answers::join(try_join_all(asking).await?);
        rows.push(begun.end(&stage, "HTTP quotes", setting, answers)?);
    }
    for callers in CALLERS {
        let setting = format!("{callers} callers, {} pools", listed.pools.len());
        let begun = Begun::now(&stage)?;
        let until = begun.at + length;
        let asking = (0..callers).map(|caller| over_grpc(router.clone(), &requests, caller, until));
        let answers = Answers::join(try_join_all(asking).await?);
        rows.push(begun.end(&stage, "gRPC quotes", setting, answers)?);
    }
    stage.stop()?;
    Ok(rows)
}

async fn over_http(stage: &Stage, caller: usize, until: Instant) -> Result<Answers> {
    let bodies: Vec<Bytes> = PAIRS
        .iter()
        .flat_map(|(token_in, token_out, amounts)| {
            amounts.map(|amount| {
                let body = json!({ "tokenIn": token_in, "tokenOut": token_out, "amount": amount });
                Bytes::from(body.to_string())
            })
        })
        .collect();
    let mut connection = Connection::open(stage.gateway()).await?;
    let mut answers = Answers::default();
    for body in bodies.iter().cycle().skip(caller) {
        let started = Instant::now();
        if started >= until {
            break;
        }
        let (status, answer) = connection.post("/api/orders/quote", body.clone()).await?;
        if status == StatusCode::OK {
            answers.times.add(started.elapsed());
        } else {
            answers.refusals.push(format!("{status}: {}", String::from_utf8_lossy(&answer)));
        }
    }
    Ok(answers)
}

async fn over_grpc(
    mut router: RouterServiceClient<Channel>,
    requests: &[QuoteRequest],
    caller: usize,
    until: Instant,
) -> Result<Answers> {
    let mut answers = Answers::default();
    for request in requests.iter().cycle().skip(caller) {
        let started = Instant::now();
        if started >= until {
            break;
        }
        match router.quote(request.clone()).await {
            Ok(_) => answers.times.add(started.elapsed()),
            Err(status) => answers.refusals.push(status.to_string()),
        }
    }
    Ok(answers)
}

fn requests(listed: &ListPoolsResponse) -> Result<Vec<QuoteRequest>> {
    let token = |symbol: &str| {
        let found = listed.tokens.iter().find(|token| token.symbol == symbol);
        found.with_context(|| format!("no pool trades {symbol}"))
    };
    let mut requests = Vec::new();
    for (token_in, token_out, amounts) in PAIRS {
        let (token_in, token_out) = (token(token_in)?, token(token_out)?);
        for amount in amounts {
            requests.push(QuoteRequest {
                mint_in: token_in.mint.clone(),
                mint_out: token_out.mint.clone(),
                amount: Atoms::parse(amount, u8::try_from(token_in.decimals)?)?.get(),
                mode: QuoteMode::ExactIn.into(),
                ..Default::default()
            });
        }
    }
    Ok(requests)
}
