//! Swaps against the built-in pool programs: what `amm` quotes is what is executed, to the unit.

use crate::support::{Cluster, cluster, gained, mint, sent};
use amm::{Limit, Market, SwapQuote, Trader};
use order_core::quote::Mode;
use order_core::{Atoms, Mint, Venue};
use serde_json::{Value, json};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer as _;

/// Each program's code for a limit that is not met.
const SLIPPAGE: [(Venue, u32); 8] = [
    (Venue::RaydiumCpmm, 6005),
    (Venue::RaydiumAmmV4, 30),
    (Venue::MeteoraDammV1, 6004),
    (Venue::MeteoraDammV2, 6002),
    (Venue::MeteoraDlmm, 6003),
    (Venue::RaydiumClmm, 6018),
    (Venue::OrcaWhirlpool, 6036),
    (Venue::PumpSwap, 6040),
];

fn other(market: &Market, mint: Mint) -> Mint {
    market.mints().into_iter().find(|each| *each != mint).unwrap()
}

fn swap(cluster: &Cluster, market: &Market, mint_in: Mint, limit: Limit) -> Instruction {
    let tokens = market.tokens();
    let (source, destination) = tokens.iter().partition::<Vec<_>, _>(|token| token.mint == mint_in);
    let trader = Trader {
        owner: cluster.wallet.pubkey(),
        source: cluster.account_of(source[0]),
        destination: cluster.account_of(destination[0]),
    };
    market.instruction(&trader, mint_in, limit).unwrap()
}

/// The quote for spending an amount, or for buying as much as that buys, and the limits that hold it
/// to this.
fn exact(market: &Market, mint_in: Mint, mode: Mode, amount: u64) -> (SwapQuote, Limit) {
    let spent = market.quote(mint_in, Mode::ExactIn, Atoms::new(amount)).unwrap();
    match mode {
        Mode::ExactIn => (spent, Limit::ExactIn { amount_in: spent.amount_in, min_out: spent.amount_out }),
        Mode::ExactOut => {
            let quote = market.quote(mint_in, mode, spent.amount_out).unwrap();
            (quote, Limit::ExactOut { amount_out: spent.amount_out, max_in: quote.amount_in })
        }
    }
}

/// True if the venue's program swaps exact outputs for this token, always. PumpSwap sells none of what its base token
/// is paid in.
fn swaps(venue: Venue, mode: Mode, mint_in: Mint, paid_in: Mint) -> bool {
    mode == Mode::ExactIn
        || match venue {
            Venue::MeteoraDammV1 | Venue::MeteoraDlmm => false,
            Venue::PumpSwap => mint_in == paid_in,
            _ => true,
        }
}

/// By how much everybody else's balances of a token have grown: the pool's, and who takes its fees.
fn gained_by_others(landed: &Value, owner: &Pubkey, mint: Mint) -> i128 {
    let sum = |balances: &Value| -> i128 {
        let balances = balances.as_array().unwrap().iter();
        let others = balances
            .filter(|balance| balance["mint"] == mint.to_string() && balance["owner"] != owner.to_string());
        let amounts = others.map(|balance| balance["uiTokenAmount"]["amount"].as_str().unwrap());
        amounts.map(|amount| amount.parse::<i128>().unwrap()).sum()
    };
    sum(&landed["meta"]["postTokenBalances"]) - sum(&landed["meta"]["preTokenBalances"])
}

async fn wrap(cluster: &Cluster, lamports: u64) {
    let owner = cluster.wallet.pubkey().to_string();
    let body = json!({ "address": owner, "mint": mint("SOL").to_string(), "amount": lamports });
    cluster.admin("airdrop", body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quoted_is_executed_on_each_venue_in_each_direction_and_mode() {
    let cluster = cluster(20).await;
    wrap(&cluster, 1_000_000_000_000).await;
    let owner = cluster.wallet.pubkey();
    for venue in Venue::ALL {
        let pool = cluster.pool(venue, ["SOL", "USDC"]).await;
        for (mint_in, amount) in [(mint("SOL"), 123_456_789_012), (mint("USDC"), 9_876_543_210)] {
            for mode in [Mode::ExactIn, Mode::ExactOut] {
                if !swaps(venue, mode, mint_in, mint("USDC")) {
                    continue;
                }
                let market = cluster.market(pool).await;
                let (quote, limit) = exact(&market, mint_in, mode, amount);
                let landed = cluster.land(&[swap(&cluster, &market, mint_in, limit)]).await;
                let name = format!("{venue} {mode:?} of {mint_in}: {landed}");
                assert_eq!(landed["meta"]["err"], Value::Null, "{name}");
                let mint_out = other(&market, mint_in);
                assert_eq!(gained(&landed, &owner, mint_in), -i128::from(quote.amount_in.get()), "{name}");
                assert_eq!(gained(&landed, &owner, mint_out), i128::from(quote.amount_out.get()), "{name}");
                let taken = i128::from(quote.amount_in.get());
                assert_eq!(gained_by_others(&landed, &owner, mint_in), taken, "{name}");
            }
        }
    }
}

/// The token's own program withholds a part of what is sent to the pool and of what the pool sends.
#[tokio::test(flavor = "multi_thread")]
async fn quoted_is_executed_for_a_token_whose_transfers_cost_a_fee() {
    let cluster = cluster(20).await;
    wrap(&cluster, 100_000_000_000).await;
    let owner = cluster.wallet.pubkey();
    for (venue, other_token) in [
        (Venue::RaydiumCpmm, "USDC"),
        (Venue::RaydiumClmm, "USDC"),
        (Venue::MeteoraDammV2, "SOL"),
        (Venue::MeteoraDlmm, "SOL"),
        (Venue::OrcaWhirlpool, "SOL"),
    ] {
        let pool = cluster.pool(venue, ["BERN", other_token]).await;
        let tokens = cluster.market(pool).await.tokens();
        let taxed = tokens.into_iter().find(|token| token.transfer_fee.basis_points == 690).unwrap().mint;
        for (mint_in, amount) in [(taxed, 12_345_678_901), (mint(other_token), 4_321_987)] {
            for mode in [Mode::ExactIn, Mode::ExactOut] {
                if !swaps(venue, mode, mint_in, mint(other_token)) {
                    continue;
                }
                let market = cluster.market(pool).await;
                let (quote, limit) = exact(&market, mint_in, mode, amount);
                let landed = cluster.land(&[swap(&cluster, &market, mint_in, limit)]).await;
                let name = format!("{venue} {mode:?} of {mint_in}: {landed}");
                assert_eq!(landed["meta"]["err"], Value::Null, "{name}");
                let (sent, received) = (quote.amount_in.get(), quote.amount_out.get());
                assert_eq!(gained(&landed, &owner, mint_in), -i128::from(sent), "{name}");
                let mint_out = other(&market, mint_in);
                assert_eq!(gained(&landed, &owner, mint_out), i128::from(received), "{name}");
                // What the pool's account can use of it is less by what is withheld.
                let fee = market.tokens().into_iter().find(|token| token.mint == mint_in).unwrap();
                let arrived = i128::from(fee.transfer_fee.after(sent));
                assert_eq!(gained_by_others(&landed, &owner, mint_in), arrived, "{name}");
                assert_eq!(arrived < i128::from(sent), mint_in == taxed, "{name}");
            }
        }
    }
}

/// A swap that is larger than one account's part of the liquidity, and the way back.
#[tokio::test(flavor = "multi_thread")]
async fn a_swap_through_several_bin_arrays_is_executed_as_quoted() {
    let cluster = cluster(20).await;
    wrap(&cluster, 2_000_000_000_000).await;
    let owner = cluster.wallet.pubkey();
    let pool = cluster.pool(Venue::MeteoraDlmm, ["SOL", "USDC"]).await;
    let mut fees = Vec::new();
    for (mint_in, amount) in [(mint("USDC"), 300_000_000_000), (mint("SOL"), 1_900_000_000_000)] {
        let market = cluster.market(pool).await;
        let quote = market.quote(mint_in, Mode::ExactIn, Atoms::new(amount)).unwrap();
        // Seventy bins of 0.04 % each are an array: this ends in another one than it began in.
        assert!(quote.price_impact.billionths() > 14_000_000, "{quote:?}");
        let limit = Limit::ExactIn { amount_in: quote.amount_in, min_out: quote.amount_out };
        let landed = cluster.land(&[swap(&cluster, &market, mint_in, limit)]).await;
        assert_eq!(landed["meta"]["err"], Value::Null, "{landed}");
        let mint_out = other(&market, mint_in);
        assert_eq!(gained(&landed, &owner, mint_out), i128::from(quote.amount_out.get()), "{landed}");
        let moved = cluster.market(pool).await;
        fees.push(moved.fee());
        assert_ne!(moved.reserves(), market.reserves());
    }
    assert_eq!(fees[0], fees[1], "the fee of a seeded pool stands still");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_not_met_reverts_with_the_programs_own_code() {
    let cluster = cluster(20).await;
    let owner = cluster.wallet.pubkey();
    let usdc = mint("USDC");
    for (venue, code) in SLIPPAGE {
        let market = cluster.market(cluster.pool(venue, ["SOL", "USDC"]).await).await;
        let quote = market.quote(usdc, Mode::ExactIn, Atoms::new(1_000_000_000)).unwrap();
        let min_out = Atoms::new(quote.amount_out.get() + 1);
        wrap(&cluster, 1_000_000).await;
        let instruction =
            swap(&cluster, &market, usdc, Limit::ExactIn { amount_in: quote.amount_in, min_out });
        let expected = json!({ "InstructionError": [0, { "Custom": code }] });

        let (transaction, signature) = cluster.sign(&[instruction]).await;
        let error = cluster.error("sendTransaction", json!([transaction, sent(false)])).await;
        assert_eq!((&error["code"], &error["data"]["err"]), (&json!(-32002), &expected));
        let logs = error["data"]["logs"].to_string();
        let (_, name) = amm::failure(venue, code);
        assert!(logs.contains(&format!("Error Code: {name}. Error Number: {code}.")), "{logs}");
        assert!(logs.contains(&format!("failed: custom program error: {code:#x}")), "{logs}");

        cluster.call("sendTransaction", json!([transaction, sent(true)])).await;
        let landed = cluster.landed(&signature).await;
        assert_eq!((&landed["meta"]["err"], &landed["meta"]["fee"]), (&expected, &json!(5_000)));
        assert_eq!(gained(&landed, &owner, usdc), 0);
        assert_eq!(cluster.status(&signature).await["err"], expected);
        assert_eq!(cluster.ledger(&signature).1[0]["err"], expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_purchase_on_pump_swap_makes_the_account_that_counts_them() {
    let mut cluster = cluster(20).await;
    cluster.wallet = Keypair::new();
    let owner = cluster.wallet.pubkey();
    cluster.admin("airdrop", json!({ "address": owner.to_string(), "amount": 1_000_000_000u64 })).await;
    let (usdc, usdt) = (mint("USDC"), mint("USDT"));
    for mint in [usdc, usdt] {
        let body =
            json!({ "address": owner.to_string(), "mint": mint.to_string(), "amount": 100_000_000u64 });
        cluster.admin("airdrop", body).await;
    }
    let [counted] = amm::trader_accounts(&owner);
    let pool = cluster.pool(Venue::PumpSwap, ["USDC", "USDT"]).await;
    let mut paid = Vec::new();
    for amount in [5_000_000, 7_000_000] {
        let market = cluster.market(pool).await;
        let (quote, limit) = exact(&market, usdt, Mode::ExactIn, amount);
        let landed = cluster.land(&[swap(&cluster, &market, usdt, limit)]).await;
        assert_eq!(gained(&landed, &owner, usdc), i128::from(quote.amount_out.get()), "{landed}");
        let lamports = |of: &str| landed["meta"][of][0].as_u64().unwrap();
        paid.push(
            lamports("preBalances") - lamports("postBalances") - landed["meta"]["fee"].as_u64().unwrap(),
        );
        let held = cluster
            .call("getBalance", json!([counted.to_string(), { "commitment": "processed" }]))
            .await["value"]
            .as_u64();
        assert_eq!(held, Some(1_844_400));
    }
    assert_eq!(paid, [1_844_400, 0], "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_shows_what_the_swap_would_leave() {
    let cluster = cluster(20).await;
    let (usdc, usdt) = (mint("USDC"), mint("USDT"));
    for venue in Venue::ALL {
        let market = cluster.market(cluster.pool(venue, ["USDC", "USDT"]).await).await;
        let quote = market.quote(usdc, Mode::ExactIn, Atoms::new(5_000_000)).unwrap();
        let limit = Limit::ExactIn { amount_in: quote.amount_in, min_out: quote.amount_out };
        let instruction = swap(&cluster, &market, usdc, limit);
        let message = solana_message::v0::Message::try_compile(
            &cluster.wallet.pubkey(),
            &[instruction],
            &[],
            solana_hash::Hash::default(),
        );
        let unsigned = solana_transaction::versioned::VersionedTransaction {
            signatures: vec![solana_signature::Signature::default()],
            message: solana_message::VersionedMessage::V0(message.unwrap()),
        };
        let config = json!({
            "encoding": "base64", "sigVerify": false, "replaceRecentBlockhash": true, "commitment": "processed",
            "accounts": { "encoding": "base64", "addresses": [cluster.token_account(usdt).to_string()] },
        });
        let answer =
            cluster.call("simulateTransaction", json!([crate::support::encode(&unsigned), config])).await;
        let value = &answer["value"];
        assert_eq!(value["err"], Value::Null);
        let after = crate::support::account(&value["accounts"][0]).data;
        let after = u64::from_le_bytes(after[64..72].try_into().unwrap());
        assert_eq!(after, 1_000_000_000_000 + quote.amount_out.get());
        let owner = cluster.wallet.pubkey();
        let gain = gained(&json!({ "meta": value }), &owner, usdt);
        assert_eq!(gain, i128::from(quote.amount_out.get()));
        let lamports = |key: &str| value[key][0].as_u64().unwrap();
        assert_eq!(lamports("preBalances") - lamports("postBalances"), 5_000);
        assert!(value["unitsConsumed"].as_u64().unwrap() > 10_000);
        assert!(value["replacementBlockhash"]["lastValidBlockHeight"].is_u64());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pools_are_drained_and_prices_moved_from_outside() {
    let cluster = cluster(20).await;
    let (sol, amount) = (mint("SOL"), Atoms::new(1_000_000_000));
    for venue in Venue::ALL {
        let pool = cluster.pool(venue, ["SOL", "USDC"]).await;
        let quoted = async || cluster.market(pool).await.quote(sol, Mode::ExactIn, amount);
        let before = quoted().await.unwrap().amount_out.get();
        cluster.admin(&format!("pools/{pool}/price"), json!({ "changeBps": -100 })).await;
        let cheaper = quoted().await.unwrap().amount_out.get();
        assert!((9_890..=9_910).contains(&(cheaper * 10_000 / before)), "{venue}: {before} to {cheaper}");

        cluster.admin(&format!("pools/{pool}/drain"), json!({})).await;
        let rest = quoted().await.map_or(0, |quote| quote.amount_out.get());
        assert!(rest < before / 1_000, "{venue} still gives {rest}");

        let body = json!({ "reserves": ["2000000000000", 400_000_000_000_u64] });
        cluster.admin(&format!("pools/{pool}/reserves"), body).await;
        let filled = quoted().await.unwrap().amount_out.get();
        assert!((199_000_000..200_000_000).contains(&filled), "{venue}: {filled}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_price_process_moves_pools_until_it_is_stopped() {
    let cluster = cluster(20).await;
    let pool = cluster.pool(Venue::RaydiumCpmm, ["SOL", "USDC"]).await;
    let first = cluster.market(pool).await.reserves();
    cluster.admin("prices", json!({ "volatilityBps": 50 })).await;
    crate::support::until(async || (cluster.market(pool).await.reserves() != first).then_some(())).await;
    cluster.admin("prices", json!({ "volatilityBps": 0 })).await;
    let refused = cluster.http("POST", "/admin/prices", r#"{"volatilityBps":1001}"#).await;
    assert_eq!(refused["error"], "volatilityBps may be at most 1000");
}
