use super::*;
use crate::witness::{Recorded, Transaction};
use order_core::order::{Event, Fill, Intent, Observation, SignedTransaction};
use order_core::route::{Hop, Path, Route};
use order_core::{
    AccountId, Atoms, Fraction, PoolAddress, Quote, Signature, Slippage, Timestamp, Token, Venue, quote,
    token,
};
use serde_json::json;

const ID: &str = "00000000-0000-0000-0000-000000000007";
const KEY: &str = "client-1-order-1";

fn moment(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(seconds, 0).unwrap()
}

fn known(symbol: &str) -> Token {
    token::known().find(|token| token.symbol == symbol).unwrap()
}

fn signature(number: u8) -> Signature {
    Signature::new([number; 64])
}

fn quoted() -> Quote {
    let hop = Hop {
        venue: Venue::RaydiumCpmm,
        pool: PoolAddress::new([3; 32]),
        mint_in: known("SOL").mint,
        mint_out: known("USDC").mint,
        amount_in: Atoms::new(1_000),
        amount_out: Atoms::new(150),
    };
    Quote {
        id: quote::Id(uuid::Uuid::nil()),
        fee: Fraction::ZERO,
        price_impact: Fraction::ZERO,
        transfer_fee: Fraction::ZERO,
        route: Route::new(vec![Path::direct(Fraction::ONE, hop)]).unwrap(),
        alternatives: Vec::new(),
        slot: 5,
        state_age_ms: 0,
        created_at: moment(2),
        expires_at: moment(9),
    }
}

fn story() -> Vec<Event> {
    let slippage = Slippage::parse("0.05").unwrap();
    let intent = Intent::market(known("SOL"), known("USDC"), Atoms::new(1_000), slippage, None).unwrap();
    let transaction = SignedTransaction {
        signature: signature(1),
        bytes: vec![1],
        last_valid_block_height: 20,
        blockhash_slot: Some(1),
        marker: None,
        tip: None,
    };
    let fill = Fill {
        amount_in: Atoms::new(1_000),
        amount_out: Atoms::new(149),
        network_fee: Atoms::new(5),
        tip: Atoms::ZERO,
        leftovers: Vec::new(),
        slot: 11,
    };
    vec![
        Event::Accepted { account: AccountId::operator(), intent },
        Event::RoutingStarted { attempt: 1 },
        Event::RouteChosen { quote: quoted() },
        Event::TransactionSigned { transaction },
        Event::Observed { observation: Observation::Landed { fill: Some(fill) } },
    ]
}

fn order() -> Order {
    let events = (1..).zip(story()).map(|(seq, event)| Recorded {
        seq,
        attempt: u32::from(seq > 1),
        fence: u64::from(seq > 1),
        event,
        at: moment(i64::try_from(seq).unwrap()),
        committed: i64::try_from(seq).unwrap() * 1_000_000,
    });
    let transaction = Transaction {
        signature: signature(1).to_string(),
        state: "landed".to_owned(),
        last_valid_block_height: 20,
        signed: 4_000_000,
        observed: Some(5_000_000),
    };
    Order {
        id: ID.to_owned(),
        key: Some(KEY.to_owned()),
        status: "confirmed".to_owned(),
        seq: 5,
        fence: 1,
        age_ms: 4_000,
        events: events.collect(),
        transactions: vec![transaction],
    }
}

fn updates() -> Vec<Value> {
    let statuses = ["pending", "routing", "building", "submitted", "confirmed"];
    let update = |(seq, status): (u64, &str)| {
        let data = json!({
            "minimumOutput": (seq > 2).then_some("0.000142"),
            "executedOutput": (seq == 5).then_some("0.000149"),
        });
        json!({ "type": "order_update", "orderId": ID, "seq": seq, "status": status,
            "attempt": u64::from(seq > 1), "data": data })
    };
    (1..).zip(statuses).map(update).collect()
}

/// One order, asked for once, executed in good order and told of over two connections.
fn evidence() -> Evidence {
    let follow = |connection, after: usize, until: usize| {
        let order_id = ID.to_owned();
        let begin = Line::Following { connection, order_id, after: u64::try_from(after).unwrap() };
        let frames = updates().into_iter().take(until).skip(after);
        let frames = frames.map(move |frame| Line::Frame { connection, order_id: ID.to_owned(), frame });
        std::iter::once(begin).chain(frames).collect::<Vec<_>>()
    };
    let mut lines = vec![
        Line::Asked { key: KEY.to_owned() },
        Line::Answered { key: KEY.to_owned(), status: 202, order_id: Some(ID.to_owned()), code: None },
        Line::Asked { key: "refused".to_owned() },
        Line::Answered {
            key: "refused".to_owned(),
            status: 422,
            order_id: None,
            code: Some("invalid_amount".to_owned()),
        },
    ];
    lines.insert(0, Line::Quoted { key: KEY.to_owned(), minimum_output: "0.000142".to_owned() });
    lines.extend(follow(1, 0, 2));
    lines.extend(follow(2, 2, 5));
    lines.push(Line::Closed { connection: 2, code: Some(1000) });
    let signature = signature(1).to_string();
    Evidence {
        lines,
        orders: BTreeMap::from([(ID.to_owned(), order())]),
        ledger: vec![
            Entry::Received { signature: signature.clone(), at: moment(4) },
            Entry::Landed { signature, err: Value::Null },
            Entry::Finalized { height: 20, at: moment(5) },
            Entry::Finalized { height: 21, at: moment(6) },
        ],
        balances_before: BTreeMap::from([("SOL", 10_000), ("USDC", 0)]),
        balances_after: BTreeMap::from([("SOL", 8_995), ("USDC", 149)]),
        replays: BTreeMap::from([(ID.to_owned(), updates())]),
        queue: Queue { messages: vec![ID.to_owned()], deliverable: 0, killed: true, parked: Vec::new() },
        secrets: vec![Secret { name: "the wallet's key", text: "1,2,3".to_owned() }],
        writings: vec![Writing { place: "executor-1.log".to_owned(), text: "one\n1,2,4\n".to_owned() }],
        leftovers: Vec::new(),
        lost: None,
        unknown: Vec::new(),
        breakdowns: Vec::new(),
    }
}

#[test]
fn what_went_well_is_no_violation() {
    assert_eq!(check(&evidence()), Vec::<String>::new());
}

/// Spoils the evidence, and expects that a violation of this invariant is found.
#[track_caller]
fn expect(invariant: &str, spoil: impl FnOnce(&mut Evidence)) {
    let mut spoilt = evidence();
    spoil(&mut spoilt);
    let violations = check(&spoilt);
    let found = violations.iter().any(|text| text.split(' ').next() == Some(invariant));
    assert!(found, "no violation of {invariant}: {violations:?}");
}

fn only(evidence: &mut Evidence) -> &mut Order {
    evidence.orders.get_mut(ID).unwrap()
}

#[test]
fn a_promise_that_was_not_kept_is_seen() {
    expect("I1", |evidence| evidence.orders.clear());
    expect("I1", |evidence| {
        let twin = Order { id: "twin".to_owned(), ..order() };
        evidence.orders.insert("twin".to_owned(), twin);
    });
    expect("I2", |evidence| only(evidence).key = Some("somebody".to_owned()));
    expect("I3", |evidence| only(evidence).status = "submitted".to_owned());
    expect("I18", |evidence| {
        let ghost = Order { id: "ghost".to_owned(), key: Some("refused".to_owned()), ..order() };
        evidence.orders.insert("ghost".to_owned(), ghost);
    });
}

#[test]
fn a_story_that_may_not_happen_is_seen() {
    expect("I4", |evidence| only(evidence).events.swap(1, 2));
    expect("I4", |evidence| {
        let last = only(evidence).events[4].clone();
        only(evidence).events.push(Recorded { seq: 6, ..last });
    });
    expect("I5", |evidence| only(evidence).seq = 6);
    expect("I5", |evidence| drop(only(evidence).events.remove(2)));
    expect("I11", |evidence| only(evidence).events[2].fence = 2);
    expect("I12", |evidence| {
        only(evidence).events[1].event = Event::RoutingStarted { attempt: 2 };
    });
}

#[test]
fn a_landing_that_the_order_does_not_know_is_seen() {
    let other = signature(2).to_string();
    expect("I6", |evidence| {
        let second = Transaction { signature: other.clone(), ..order().transactions[0].clone() };
        only(evidence).transactions.push(second);
        evidence.ledger.push(Entry::Landed { signature: other.clone(), err: Value::Null });
    });
    expect("I6", |evidence| {
        evidence.ledger.push(Entry::Landed { signature: signature(1).to_string(), err: Value::Null });
    });
    expect("I6", |evidence| drop(evidence.ledger.remove(1)));
    expect("I6", |evidence| {
        evidence.ledger.push(Entry::RolledBack { signature: signature(1).to_string() });
    });
    expect("I7", |evidence| {
        evidence.ledger.push(Entry::Received { signature: other.clone(), at: moment(9) });
    });
    expect("I7", |evidence| only(evidence).events[3].committed += 1);
}

#[test]
fn a_second_signature_before_the_chain_has_spoken_is_seen() {
    let second = |evidence: &mut Evidence, state: &str, observed| {
        let first = &mut only(evidence).transactions[0];
        (first.state, first.observed) = (state.to_owned(), observed);
        let signature = signature(2).to_string();
        let next = Transaction { signature, signed: 6_000_000, ..order().transactions[0].clone() };
        only(evidence).transactions.push(next);
    };
    expect("I8", |evidence| second(evidence, "open", None));
    expect("I8", |evidence| second(evidence, "landed", Some(5_000_000)));
    expect("I8", |evidence| second(evidence, "reverted", Some(7_000_000)));
    expect("I8", |evidence| second(evidence, "expired", Some(7_000_000)));
}

#[test]
fn an_expiry_before_its_height_was_finalized_is_seen() {
    let expired = |evidence: &mut Evidence, observed| {
        let first = &mut only(evidence).transactions[0];
        (first.state, first.observed) = ("expired".to_owned(), Some(observed));
    };
    // The block 20 is the last one that it may be in.
    expect("I8", |evidence| expired(evidence, 5_500_000));
    expect("I8", |evidence| expired(evidence, 3_000_000));
    let mut late = evidence();
    expired(&mut late, 6_000_000);
    assert!(check(&late).iter().all(|text| !text.starts_with("I8")), "{:?}", check(&late));
}

#[test]
fn money_that_does_not_add_up_is_seen() {
    expect("I9", |evidence| *evidence.balances_after.get_mut("USDC").unwrap() += 1);
    expect("I10", |evidence| {
        evidence.replays.get_mut(ID).unwrap()[4]["data"]["executedOutput"] = json!("0.000141");
    });
    expect("I10", |evidence| {
        evidence.replays.get_mut(ID).unwrap()[3]["data"]["minimumOutput"] = json!("0.000141");
    });
}

#[test]
fn a_minimum_that_is_not_that_of_the_quote_is_seen() {
    expect("I10", |evidence| {
        evidence.lines[0] = Line::Quoted { key: KEY.to_owned(), minimum_output: "0.000143".to_owned() };
    });
}

#[test]
fn a_fill_below_what_the_first_quote_allows_is_seen() {
    expect("I10", |evidence| match &mut only(evidence).events[4].event {
        Event::Observed { observation: Observation::Landed { fill: Some(fill) } } => {
            fill.amount_out = Atoms::new(141)
        }
        other => panic!("not the landing: {other:?}"),
    });
}

#[test]
fn what_should_not_be_on_the_queue_is_seen() {
    expect("I14", |evidence| evidence.queue.deliverable = 1);
    expect("I14", |evidence| evidence.queue.killed = false);
    expect("I14", |evidence| evidence.queue.parked.push(ID.to_owned()));
    expect("I14", |evidence| evidence.queue.messages.push("no order".to_owned()));
    expect("I14", |evidence| only(evidence).status = "submitted".to_owned());
}

#[test]
fn a_secret_in_a_log_is_seen() {
    expect("I16", |evidence| evidence.writings[0].text.push_str("the key is [1,2,3]"));
}

#[test]
fn a_rolling_restart_that_clients_feel_is_seen() {
    let during = |evidence: &mut Evidence, lines: Vec<Line>| {
        evidence.lines.push(Line::RollBegins);
        evidence.lines.extend(lines);
        evidence.lines.push(Line::RollEnds);
    };
    let asked = |status: u16| {
        let (key, order_id, code) = ("refused".to_owned(), None, Some("internal".to_owned()));
        vec![Line::Asked { key: key.clone() }, Line::Answered { key, status, order_id, code }]
    };
    let opened = |code: Option<u16>| {
        let order_id = ID.to_owned();
        vec![Line::Following { connection: 9, order_id, after: 5 }, Line::Closed { connection: 9, code }]
    };
    for status in [500, 504, 429] {
        expect("I17", |evidence| during(evidence, asked(status)));
    }
    for code in [None, Some(1006), Some(1011)] {
        expect("I17", |evidence| during(evidence, opened(code)));
    }
    let mut well = evidence();
    during(&mut well, asked(503));
    during(&mut well, opened(Some(1001)));
    assert_eq!(check(&well), Vec::<String>::new());
}

#[test]
fn a_socket_that_told_it_otherwise_is_seen() {
    let is_frame = |line: &Line, seq: u64| matches!(line, Line::Frame { frame, .. } if frame["seq"] == seq);
    expect("I13", |evidence| evidence.lines.retain(|line| !is_frame(line, 4)));
    expect("I13", |evidence| evidence.lines.retain(|line| !is_frame(line, 5)));
    expect("I13", |evidence| {
        let again = evidence.lines.iter().find(|line| is_frame(line, 5)).unwrap().clone();
        evidence.lines.push(again);
    });
    expect("I13", |evidence| {
        for line in &mut evidence.lines {
            if let Line::Frame { frame, .. } = line {
                frame["message"] = json!("something else");
            }
        }
    });
    expect("I13", |evidence| drop(evidence.replays.get_mut(ID).unwrap().pop()));
}

#[test]
fn leftovers_and_breakdowns_are_violations() {
    expect("I15", |evidence| evidence.leftovers.push("1 advisory lock".to_owned()));
    expect("I21", |evidence| evidence.lines.push(Line::Spied { order_id: ID.to_owned(), status: 200 }));
    expect("I20", |evidence| evidence.breakdowns.push("it ended by itself".to_owned()));
}

#[test]
fn after_a_restore_no_order_swaps_twice_and_operators_know_of_every_landing() {
    let restored = |lost: Option<Order>| {
        let mut evidence = evidence();
        let lost = lost.map(|order| (order.id.clone(), order));
        evidence.lost = Some(lost.into_iter().collect());
        evidence
    };
    assert_eq!(check(&restored(None)), Vec::<String>::new());
    // The order swapped by a transaction of the lost database, and again.
    let mut before = order();
    before.transactions[0].signature = signature(2).to_string();
    let mut twice = restored(Some(before));
    twice.ledger.push(Entry::Landed { signature: signature(2).to_string(), err: Value::Null });
    twice.unknown.push(signature(2).to_string());
    let violations = check(&twice);
    assert!(violations.iter().any(|violation| violation.starts_with("I6")), "{violations:?}");
    assert!(violations.iter().any(|violation| violation.starts_with("I19")), "{violations:?}");
    let mut nobody = restored(None);
    nobody.ledger.push(Entry::Landed { signature: signature(3).to_string(), err: Value::Null });
    assert!(check(&nobody)[0].starts_with("I7"));
}
