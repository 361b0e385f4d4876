//! Asks a running router for the best price by gRPC, once or as a stream, and prints what it says.
//!
//! The contract is `proto/dex/router/v1/router.proto`; the client used here is generated from it, as one
//! in any language can be: `cargo run --example quotes -- --in SOL --out USDC --amount 10 --stream`

use anyhow::{Context, Result};
use clap::Parser;
use order_core::Atoms;
use proto::wire::router_service_client::RouterServiceClient;
use proto::wire::{ListPoolsRequest, QuoteMode, QuoteRequest, QuoteResponse, Token};
use std::time::Duration;
use tonic::transport::Channel;

/// A quote takes milliseconds.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Prints the best price, and how it comes about.
#[derive(Debug, Clone, Parser)]
struct Options {
    /// Where the router is; `cargo xtask up` prints it
    #[arg(long, env = "ROUTER_URL", default_value = "http://127.0.0.1:50051")]
    url: String,
    /// Token that is sold: a symbol, or the address of a mint
    #[arg(long = "in", default_value = "SOL")]
    token_in: String,
    /// Token that is bought
    #[arg(long = "out", default_value = "USDC")]
    token_out: String,
    /// How much of what is sold, as a decimal number
    #[arg(long, default_value = "10")]
    amount: String,
    /// Print a new quote whenever the price changes, until Ctrl-C
    #[arg(long)]
    stream: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let channel = Channel::from_shared(options.url.clone())?.connect().await;
    let channel = channel.with_context(|| format!("reaching {}: does a router run?", options.url))?;
    let mut router = RouterServiceClient::new(channel);

    // The router speaks of mints and smallest units; it knows the tokens of all the pools it follows.
    let tokens = router.list_pools(ListPoolsRequest {}).await?.into_inner().tokens;
    let token_in = find(&tokens, &options.token_in)?;
    let token_out = find(&tokens, &options.token_out)?;
    let request = QuoteRequest {
        mint_in: token_in.mint.clone(),
        mint_out: token_out.mint.clone(),
        amount: Atoms::parse(&options.amount, decimals(token_in)?)?.get(),
        mode: QuoteMode::ExactIn.into(),
        ..Default::default()
    };

    if options.stream {
        // Each message is the best quote from then on. The stream ends with an error when there is none.
        let mut quotes = router.stream_quotes(request).await?.into_inner();
        while let Some(quote) = quotes.message().await? {
            show(&quote, token_in, token_out)?;
        }
    } else {
        let mut request = tonic::Request::new(request);
        request.set_timeout(TIMEOUT);
        // A refusal is a status; its details have a code of the page /docs/errors.
        let quote = router.quote(request).await?.into_inner();
        show(&quote, token_in, token_out)?;
    }
    Ok(())
}

fn find<'a>(tokens: &'a [Token], name: &str) -> Result<&'a Token> {
    let found = tokens.iter().find(|token| token.symbol == name || token.mint == name);
    found.with_context(|| format!("no pool that the router follows trades `{name}`"))
}

fn decimals(token: &Token) -> Result<u8> {
    u8::try_from(token.decimals).context("reading a token's decimals")
}

/// The quote in whole tokens, and every swap of its route.
fn show(quote: &QuoteResponse, token_in: &Token, token_out: &Token) -> Result<()> {
    let whole = |amount: u64, token: &Token| -> Result<String> {
        Ok(format!("{} {}", Atoms::new(amount).to_decimal(decimals(token)?), token.symbol))
    };
    println!(
        "{} for {} at {}: state of slot {}, {} ms old",
        whole(quote.amount_out, token_out)?,
        whole(quote.amount_in, token_in)?,
        quote.price,
        quote.slot,
        quote.state_age_ms
    );
    for path in &quote.paths {
        let hops: Vec<String> = path.hops.iter().map(|hop| format!("{} {}", hop.venue, hop.pool)).collect();
        println!("  {} of it over {}", path.share, hops.join(", then "));
    }
    Ok(())
}
