use super::*;
use order_core::Failure;
use order_core::failure::Code;
use order_core::order::{Intent, SignedTransaction, Tip};
use order_core::route::{Hop, Path, Route};
use order_core::{AccountAddress, AccountId, Mint, PoolAddress, Signature, Slippage, Venue, token};

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

fn id() -> order::Id {
    ID.parse().unwrap()
}

fn token(symbol: &str) -> Token {
    token::known().find(|token| token.symbol == symbol).unwrap()
}

fn accepted() -> Event {
    let slippage = Slippage::parse("0.01").unwrap();
    let amount = Atoms::new(100_000_000_000);
    let intent = Intent::market(token("SOL"), token("USDC"), amount, slippage, None).unwrap();
    Event::Accepted { account: AccountId::operator(), intent }
}

fn route() -> Event {
    let hop = |venue, pool: u8, amount_in, amount_out| Hop {
        venue,
        pool: PoolAddress::new([pool; 32]),
        mint_in: Mint::new([pool; 32]),
        mint_out: Mint::new([pool.wrapping_add(1); 32]),
        amount_in: Atoms::new(amount_in),
        amount_out: Atoms::new(amount_out),
    };
    let path =
        Path::direct(order_core::Fraction::ONE, hop(Venue::RaydiumCpmm, 1, 100_000_000_000, 15_000_000_000));
    let quote = Quote {
        id: order_core::quote::Id(id().0),
        fee: Fraction::from_billionths(2_500_000),
        price_impact: Fraction::from_billionths(1_200_000),
        transfer_fee: Fraction::ZERO,
        route: Route::new(vec![path]).unwrap(),
        alternatives: Vec::new(),
        slot: 5,
        state_age_ms: 120,
        created_at: Timestamp::UNIX_EPOCH,
        expires_at: Timestamp::UNIX_EPOCH,
    };
    Event::RouteChosen { quote }
}

fn signed() -> Event {
    Event::TransactionSigned {
        transaction: SignedTransaction {
            signature: Signature::new([1; 64]),
            bytes: vec![1],
            last_valid_block_height: 150,
            blockhash_slot: None,
            marker: None,
            tip: None,
        },
    }
}

fn landed(amount_out: u64) -> Event {
    let fill = Fill {
        amount_in: Atoms::new(100_000_000_000),
        amount_out: Atoms::new(amount_out),
        network_fee: Atoms::new(5_000),
        tip: Atoms::ZERO,
        leftovers: Vec::new(),
        slot: 7,
    };
    Event::Observed { observation: Observation::Landed { fill: Some(fill) } }
}

/// Events a quarter of a second apart.
fn history(events: impl IntoIterator<Item = Event>) -> Vec<Recorded> {
    let record = |(seq, event): (u64, Event)| Recorded {
        seq,
        attempt: u32::from(seq > 1),
        event,
        at: Timestamp::from_timestamp_millis(i64::try_from(seq).unwrap() * 250).unwrap(),
    };
    (1..).zip(events).map(record).collect()
}

fn standing(now_ms: i64) -> Standing {
    Standing {
        now: Timestamp::from_timestamp_millis(now_ms).unwrap(),
        leased_until: None,
        due_at: None,
        expires_at: None,
        cancelled: false,
        parked: false,
        wallet: None,
    }
}

fn advised(events: &[Recorded], standing: &Standing) -> Option<String> {
    Story::of(id(), events, Some(standing), None).unwrap().advice
}

#[test]
fn an_order_is_told_from_its_acceptance_to_its_fill() {
    let events = history([
        accepted(),
        Event::RoutingStarted { attempt: 1 },
        route(),
        signed(),
        landed(14_998_500_000),
    ]);
    let text = Story::of(id(), &events, None, None).unwrap().text();
    let expected = format!(
        "order    {ID}
account  operator
intent   100 SOL to USDC, slippage 0.01 at most
status   confirmed, 1.000 s after its acceptance

1970-01-01 00:00:00.250    +0.000 s  accepted
1970-01-01 00:00:00.500    +0.250 s  attempt 1 begins
1970-01-01 00:00:00.750    +0.250 s  route over raydium_cpmm: 15000 USDC quoted, price impact 0.12 %, state 120 ms old
1970-01-01 00:00:01.000    +0.250 s  signed {}: lands up to block 150
1970-01-01 00:00:01.250    +0.250 s  landed in slot 7: 100 SOL for 14998.5 USDC, 0.01 % less than quoted, fee 5000 lamports",
        Signature::new([1; 64])
    );
    assert_eq!(text, expected);
}

#[test]
fn a_tip_is_told_where_it_is_offered_and_where_it_is_paid() {
    let tip = Tip { account: AccountAddress::new([8; 32]), lamports: Atoms::new(250_000) };
    let mut events = history([
        accepted(),
        Event::RoutingStarted { attempt: 1 },
        route(),
        signed(),
        landed(14_998_500_000),
    ]);
    for recorded in &mut events {
        match &mut recorded.event {
            Event::TransactionSigned { transaction } => transaction.tip = Some(tip),
            Event::Observed { observation: Observation::Landed { fill: Some(fill) } } => {
                fill.tip = tip.lamports;
            }
            _ => {}
        }
    }
    let text = Story::of(id(), &events, None, None).unwrap().text();
    assert!(text.contains("lands up to block 150, tip 250000 lamports"), "{text}");
    assert!(text.ends_with("fee 5000 lamports, tip 250000 lamports"), "{text}");
}

#[test]
fn a_failed_attempt_says_why_and_when_the_next_follows() {
    let failure = Failure::new(Code::NoRoute, "no pool of this pair");
    let events = history([
        accepted(),
        Event::RoutingStarted { attempt: 1 },
        Event::AttemptFailed { failure, retry_in_ms: 1_000 },
    ]);
    let text = Story::of(id(), &events, None, None).unwrap().text();
    assert!(text.ends_with("attempt failed, the next in 1.000 s: no_route: no pool of this pair"), "{text}");
    let due = Standing { due_at: Timestamp::from_timestamp_millis(1_800), ..standing(1_000) };
    assert_eq!(advised(&events, &due).unwrap(), "Its next attempt begins in 0.800 s.");
}

#[test]
fn an_order_that_nobody_takes_names_the_wallet_that_it_needs() {
    let events = history([accepted()]);
    assert_eq!(advised(&events, &standing(1_000)), None, "executors look each second");
    let advice = advised(&events, &standing(10_250)).unwrap();
    assert!(advice.starts_with("No executor has taken it for 10.000 s."), "{advice}");
    assert!(advice.contains("the first wallet of an executor's KEYPAIR"), "{advice}");
    let wallet = "So11111111111111111111111111111111111111112".parse().unwrap();
    let bound = Standing { wallet: Some(wallet), ..standing(10_250) };
    assert!(advised(&events, &bound).unwrap().contains(&format!("the wallet {wallet}")));
    let held = Standing { leased_until: Timestamp::from_timestamp_millis(20_000), ..standing(10_250) };
    assert_eq!(advised(&events, &held), None, "an executor works on it");
}

#[test]
fn an_order_that_is_kept_back_says_by_what() {
    let events = history([accepted()]);
    let halt = Halt { reason: "prices look wrong".to_owned(), at: Timestamp::UNIX_EPOCH };
    let halted = Story::of(id(), &events, Some(&standing(500)), Some(&halt)).unwrap().advice.unwrap();
    assert!(halted.contains("prices look wrong") && halted.contains("ops resume"), "{halted}");
    let parked = Standing { parked: true, ..standing(500) };
    assert!(advised(&events, &parked).unwrap().contains("ops parked list"));
    let expired = Standing { expires_at: Timestamp::from_timestamp_millis(400), ..standing(500) };
    assert!(advised(&events, &expired).unwrap().starts_with("It has expired."));
}

#[test]
fn an_undecided_transaction_is_for_an_operator() {
    let events = history([accepted(), Event::RoutingStarted { attempt: 1 }, route(), signed()]);
    let held = |now_ms| Standing {
        leased_until: Timestamp::from_timestamp_millis(i64::MAX / 1_000_000),
        ..standing(now_ms)
    };
    assert_eq!(advised(&events, &held(60_000)), None, "transactions take their time");
    let advice = advised(&events, &held(301_000)).unwrap();
    let settle = format!("ops order settle {ID}");
    assert!(advice.contains(&Signature::new([1; 64]).to_string()) && advice.contains(&settle), "{advice}");
    assert!(advised(&events, &standing(60_000)).unwrap().contains("no executor follows it"));
}
