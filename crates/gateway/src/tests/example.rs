//! Orders and quotes for tests.

use order_core::order::{
    Event, Expiry, Fill, Id, Intent, Observation, Recorded, RetryPolicy, SignedTransaction, Tip,
};
use order_core::quote::{self, Alternative};
use order_core::route::{Hop, Path, Route};
use order_core::{
    AccountAddress, AccountId, Atoms, Failure, Fraction, PoolAddress, Quote, Signature, Slippage, Timestamp,
    Token, Venue, failure, token,
};
use uuid::Uuid;

pub(crate) const AMOUNT_IN: Atoms = Atoms::new(100_000_000_000);

pub(crate) fn id() -> Id {
    Id(Uuid::from_u128(7))
}

pub(crate) fn token(symbol: &str) -> Token {
    token::known().find(|token| token.symbol == symbol).unwrap()
}

pub(crate) fn quote(amount_out: u64) -> Quote {
    quote_of(AMOUNT_IN, amount_out)
}

pub(crate) fn quote_of(amount_in: Atoms, amount_out: u64) -> Quote {
    let hop = Hop {
        venue: Venue::RaydiumCpmm,
        pool: PoolAddress::new([3; 32]),
        mint_in: token("SOL").mint,
        mint_out: token("USDC").mint,
        amount_in,
        amount_out: Atoms::new(amount_out),
    };
    Quote {
        id: quote::Id(Uuid::from_u128(5)),
        fee: Fraction::from_billionths(2_500_000),
        price_impact: Fraction::from_billionths(1_200_000),
        transfer_fee: Fraction::ZERO,
        route: Route::new(vec![Path::direct(Fraction::ONE, hop)]).unwrap(),
        alternatives: vec![Alternative {
            venue: Venue::MeteoraDammV2,
            pool: PoolAddress::new([4; 32]),
            amount: Some(Atoms::new(14_990_500_000)),
            reason: "gives less".to_owned(),
        }],
        slot: 5,
        state_age_ms: 20,
        created_at: Timestamp::UNIX_EPOCH,
        expires_at: Timestamp::from_timestamp(30, 0).unwrap(),
    }
}

/// The events of an order that was swapped at the first attempt.
pub(crate) fn confirmed() -> Vec<Recorded> {
    let fill = Fill {
        amount_in: AMOUNT_IN,
        amount_out: Atoms::new(14_992_500_000),
        network_fee: Atoms::new(5_000),
        tip: Atoms::ZERO,
        leftovers: Vec::new(),
        slot: 6,
    };
    recorded([
        accepted(),
        Event::RoutingStarted { attempt: 1 },
        Event::RouteChosen { quote: quote(15_000_000_000) },
        signed(),
        Event::Observed { observation: Observation::Landed { fill: Some(fill) } },
    ])
}

/// The same events with a tip of 250,000 lamports.
pub(crate) fn tipped() -> Vec<Recorded> {
    let tip = Tip { account: AccountAddress::new([8; 32]), lamports: Atoms::new(250_000) };
    let mut events = confirmed();
    for recorded in &mut events {
        match &mut recorded.event {
            Event::TransactionSigned { transaction } => transaction.tip = Some(tip),
            Event::Observed { observation: Observation::Landed { fill: Some(fill) } } => {
                fill.tip = tip.lamports
            }
            _ => {}
        }
    }
    events
}

/// The events of an order that was reverted once and then found no route until its end.
pub(crate) fn reverted_then_failed() -> Vec<Recorded> {
    let failure = Failure::new(failure::Code::SlippageExceeded, "6005");
    let reverted =
        Observation::Reverted { failure: failure.clone(), network_fee: Atoms::new(5_000), slot: 6 };
    recorded([
        accepted(),
        Event::RoutingStarted { attempt: 1 },
        Event::RouteChosen { quote: quote(15_000_000_000) },
        signed(),
        Event::Observed { observation: reverted },
        Event::AttemptFailed { failure: failure.clone(), retry_in_ms: RetryPolicy::default().pause_ms },
        Event::RoutingStarted { attempt: 2 },
        Event::Failed { failure },
    ])
}

fn accepted() -> Event {
    let slippage = Slippage::parse("0.01").unwrap();
    let intent = Intent::market(token("SOL"), token("USDC"), AMOUNT_IN, slippage, None).unwrap();
    Event::Accepted { account: AccountId::operator(), intent: intent.expiring(Expiry::AfterMs(60_000)) }
}

fn signed() -> Event {
    Event::TransactionSigned {
        transaction: SignedTransaction {
            signature: Signature::new([1; 64]),
            bytes: vec![1, 2, 3],
            last_valid_block_height: 150,
            blockhash_slot: Some(5),
            marker: None,
            tip: None,
        },
    }
}

/// The events one second apart.
fn recorded(events: impl IntoIterator<Item = Event>) -> Vec<Recorded> {
    let mut attempt = 0;
    let number = |(seq, event): (i64, Event)| {
        if let Event::RoutingStarted { attempt: begun } = event {
            attempt = begun;
        }
        let at = Timestamp::from_timestamp(seq, 0).unwrap();
        Recorded { seq: u64::try_from(seq).unwrap(), attempt, event, at }
    };
    (1..).zip(events).map(number).collect()
}
