use super::*;
use order_core::PoolAddress;
use proptest::prelude::*;
use prost::Message;
use std::collections::BTreeSet;
use uuid::Uuid;

const SOL: Mint = order_core::token::NATIVE_MINT;
const OTHER: Mint = Mint::new([7; 32]);

fn request(mode: Mode, amount: u64) -> Request {
    Request {
        mint_in: SOL,
        mint_out: OTHER,
        amount: Atoms::new(amount),
        mode,
        input_buffer: InputBuffer::STANDARD,
        use_full_input: false,
        excluded: Exclusions {
            venues: BTreeSet::from([Venue::RaydiumClmm]),
            pools: BTreeSet::from([PoolAddress::new([9; 32])]),
        },
    }
}

fn hop(pool: u8, amount_in: u64, amount_out: u64) -> Hop {
    Hop {
        venue: Venue::RaydiumCpmm,
        pool: PoolAddress::new([pool; 32]),
        mint_in: SOL,
        mint_out: OTHER,
        amount_in: Atoms::new(amount_in),
        amount_out: Atoms::new(amount_out),
    }
}

fn direct(hop: Hop) -> Route {
    Route::new(vec![Path::direct(Fraction::ONE, hop)]).unwrap()
}

/// Two halves side by side, the second over two pools.
fn split(amounts: [u64; 2]) -> Quote {
    let half = Fraction::from_billionths(500_000_000);
    let between = Mint::new([8; 32]);
    let first = Hop { mint_out: between, ..hop(2, amounts[1], 7) };
    let second = Hop { mint_in: between, ..hop(3, 7, 90) };
    let paths = vec![Path::direct(half, hop(1, amounts[0], 60)), Path::through(half, first, second)];
    Quote { route: Route::new(paths).unwrap(), ..quote(1, 1) }
}

fn quote(amount_in: u64, amount_out: u64) -> Quote {
    Quote {
        id: Id(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001)),
        fee: Fraction::from_billionths(2_500_000),
        price_impact: Fraction::from_billionths(-1),
        transfer_fee: Fraction::ZERO,
        route: direct(hop(1, amount_in, amount_out)),
        alternatives: vec![
            Alternative {
                venue: Venue::MeteoraDammV2,
                pool: PoolAddress::new([2; 32]),
                amount: Some(Atoms::ZERO),
                reason: "gives less".to_owned(),
            },
            Alternative {
                venue: Venue::RaydiumCpmm,
                pool: PoolAddress::new([3; 32]),
                amount: None,
                reason: "is closed".to_owned(),
            },
        ],
        slot: u64::MAX,
        state_age_ms: 412,
        created_at: DateTime::from_timestamp_millis(1_795_000_000_123).unwrap(),
        expires_at: DateTime::from_timestamp_millis(1_795_000_010_123).unwrap(),
    }
}

#[test]
fn the_message_is_what_the_contract_says() {
    let message = to_wire(&quote(1_000, 150), "0.15".to_owned());
    assert_eq!(message.quote_id, "01920000-0000-7000-8000-000000000001");
    assert_eq!((message.fee.as_str(), message.price_impact.as_str()), ("0.0025", "-0.000000001"));
    assert_eq!((message.price.as_str(), message.slot, message.state_age_ms), ("0.15", u64::MAX, 412));
    assert_eq!((message.created_at_ms, message.expires_at_ms), (1_795_000_000_123, 1_795_000_010_123));
    assert_eq!(message.paths[0].share, "1");
    let hop = &message.paths[0].hops[0];
    assert_eq!((hop.venue.as_str(), hop.share.as_str()), ("raydium_cpmm", "1"));
    assert_eq!(hop.mint_in, "So11111111111111111111111111111111111111112");
    assert_eq!((message.alternatives[0].amount, message.alternatives[1].amount), (Some(0), None));
}

#[test]
fn field_numbers_and_types_stay() {
    let message = wire::QuoteRequest {
        mint_in: "a".to_owned(),
        mint_out: "b".to_owned(),
        amount: 300,
        mode: 2,
        input_buffer: "0".to_owned(),
        excluded_venues: vec!["c".to_owned()],
        excluded_pools: vec!["d".to_owned()],
        use_full_input: true,
    };
    assert_eq!(
        message.encode_to_vec(),
        [
            0x0a, 1, b'a', 0x12, 1, b'b', 0x18, 0xac, 0x02, 0x20, 0x02, 0x2a, 1, b'c', 0x32, 1, b'0', 0x3a,
            1, b'd', 0x40, 1
        ],
        "1: string, 2: string, 3: uint64, 4: enum, 5: strings, 6: string, 7: strings, 8: bool"
    );
}

#[test]
fn a_request_reads_back_and_its_mode_may_be_left_out() {
    for mode in [Mode::ExactIn, Mode::ExactOut] {
        let request = Request { use_full_input: true, ..request(mode, u64::MAX) };
        assert_eq!(Request::from_wire(&request.to_wire()), Ok(request));
    }
    let mut message = request(Mode::ExactIn, 1).to_wire();
    message.mode = 0;
    message.input_buffer = String::new();
    assert_eq!(Request::from_wire(&message), Ok(request(Mode::ExactIn, 1)));
}

#[test]
fn a_wrong_request_is_refused_with_its_field() {
    let good = || request(Mode::ExactIn, 1).to_wire();
    for (field, message) in [
        ("mint_in", wire::QuoteRequest { mint_in: String::new(), ..good() }),
        ("mint_in", wire::QuoteRequest { mint_in: "1".repeat(1 << 20), ..good() }),
        ("mint_out", wire::QuoteRequest { mint_out: "USDC".to_owned(), ..good() }),
        ("mint_out", wire::QuoteRequest { mint_out: SOL.to_string(), ..good() }),
        ("amount", wire::QuoteRequest { amount: 0, ..good() }),
        ("mode", wire::QuoteRequest { mode: 3, ..good() }),
        ("mode", wire::QuoteRequest { mode: -1, ..good() }),
        ("input_buffer", wire::QuoteRequest { input_buffer: "0.2".to_owned(), ..good() }),
        ("excluded_venues", wire::QuoteRequest { excluded_venues: vec!["serum".to_owned()], ..good() }),
        ("excluded_pools", wire::QuoteRequest { excluded_pools: vec!["0".to_owned()], ..good() }),
        (
            "excluded_pools",
            wire::QuoteRequest {
                excluded_pools: vec![PoolAddress::new([1; 32]).to_string(); EXCLUDED_POOLS_MAX + 1],
                ..good()
            },
        ),
    ] {
        let error = Request::from_wire(&message).unwrap_err();
        assert_eq!(error.field, field, "{error}");
        assert!(error.to_string().len() < 300, "a hostile text does not come back whole");
    }
}

#[test]
fn a_reply_that_does_not_answer_is_no_quote() {
    let asked = request(Mode::ExactIn, 1_000);
    let good = || to_wire(&quote(1_000, 150), "0.15".to_owned());
    assert!(from_wire(&good(), &asked).is_ok());
    assert!(from_wire(&to_wire(&quote(999, 150), String::new()), &asked).is_ok());
    let with = |change: fn(&mut wire::QuoteResponse)| {
        let mut message = good();
        change(&mut message);
        from_wire(&message, &asked).unwrap_err().field
    };
    assert_eq!(with(|m| m.quote_id = "1".to_owned()), "quote_id");
    assert_eq!(with(|m| m.amount_in = 1_001), "amount_in");
    assert_eq!(with(|m| m.amount_in = 999), "amount_in");
    assert_eq!(with(|m| m.amount_out = 151), "amount_out");
    assert_eq!(with(|m| m.paths[0].hops.clear()), "paths.hops");
    assert_eq!(with(|m| m.paths[0].hops = vec![m.paths[0].hops[0].clone(); 3]), "paths.hops");
    assert_eq!(with(|m| m.paths[0].hops[0].mint_out = SOL.to_string()), "paths");
    assert_eq!(with(|m| m.paths[0].hops[0].mint_out = Mint::new([6; 32]).to_string()), "paths");
    assert_eq!(with(|m| m.paths = vec![m.paths[0].clone(); 2]), "paths", "a pool occurs twice");
    assert_eq!(with(|m| m.paths = vec![m.paths[0].clone(); HOPS_MAX + 1]), "paths");
    assert_eq!(with(|m| m.paths[0].hops[0].venue = "mango".to_owned()), "hops.venue");
    assert_eq!(
        with(|m| m.paths[0].hops[0].venue = Venue::RaydiumClmm.to_string()),
        "paths",
        "it was excluded"
    );
    assert_eq!(
        with(|m| m.paths[0].hops[0].pool = PoolAddress::new([9; 32]).to_string()),
        "paths",
        "so was it"
    );
    assert_eq!(with(|m| m.paths[0].hops[0].pool = "0".to_owned()), "hops.pool");
    assert_eq!(with(|m| m.paths[0].share = "1.1".to_owned()), "paths.share");
    assert_eq!(with(|m| m.paths[0].share = "0.9".to_owned()), "paths");
    assert_eq!(with(|m| m.fee = "-0.1".to_owned()), "fee");
    assert_eq!(with(|m| m.price_impact = "NaN".to_owned()), "price_impact");
    assert_eq!(with(|m| m.created_at_ms = i64::MAX), "created_at_ms");
    assert_eq!(with(|m| m.expires_at_ms = m.created_at_ms), "expires_at_ms");
    assert_eq!(
        with(|m| m.alternatives = vec![m.alternatives[0].clone(); ALTERNATIVES_MAX + 1]),
        "alternatives"
    );
}

#[test]
fn a_reply_may_give_more_than_was_asked_for_but_not_less() {
    let message = to_wire(&quote(1_000, 150), String::new());
    assert!(from_wire(&message, &request(Mode::ExactOut, 150)).is_ok());
    assert!(from_wire(&message, &request(Mode::ExactOut, 149)).is_ok());
    assert_eq!(from_wire(&message, &request(Mode::ExactOut, 151)).unwrap_err().field, "amount_in");
}

#[test]
fn a_reply_that_leaves_some_of_a_full_input_is_refused() {
    let message = to_wire(&quote(999, 150), String::new());
    let asked = |amount, use_full_input| Request { use_full_input, ..request(Mode::ExactIn, amount) };
    assert!(from_wire(&message, &asked(1_000, false)).is_ok());
    assert!(from_wire(&message, &asked(999, true)).is_ok());
    assert!(from_wire(&message, &asked(1_000, true)).is_ok(), "a unit is left by rounding");
    assert_eq!(from_wire(&message, &asked(1_001, true)).unwrap_err().field, "amount_in");
}

#[test]
fn amounts_of_paths_are_added_without_overflow() {
    let good = to_wire(&split([400, 600]), String::new());
    assert!(from_wire(&good, &request(Mode::ExactIn, 1_000)).is_ok());
    let mut message = good;
    message.paths[0].hops[0].amount_in = u64::MAX;
    assert_eq!(from_wire(&message, &request(Mode::ExactIn, 1_000)).unwrap_err().field, "paths");
}

/// A router of before there were paths, as it is met while an upgrade rolls.
#[test]
fn a_reply_with_the_list_of_hops_alone_is_read() {
    let expected = split([400, 600]);
    let mut message = to_wire(&expected, String::new());
    message.paths.clear();
    let asked = request(Mode::ExactIn, 1_000);
    assert_eq!(from_wire(&message, &asked), Ok(expected));
    #[expect(deprecated, reason = "it is what is tested")]
    message.route.truncate(2);
    assert_eq!(from_wire(&message, &asked).unwrap_err().field, "paths");
    #[expect(deprecated, reason = "it is what is tested")]
    message.route.clear();
    assert_eq!(from_wire(&message, &asked).unwrap_err().field, "paths");
}

proptest! {
    #[test]
    fn every_quote_reads_back(
        amount_in in 1u64.., amount_out in 1u64.., fee in 0i64..=1_000_000_000, price_impact in -i64::MAX..,
        slot: u64, state_age_ms: u64, reason in ".{0,40}", at in 0i64..4_000_000_000_000,
    ) {
        let mut expected = quote(amount_in, amount_out);
        expected.fee = Fraction::from_billionths(fee);
        expected.price_impact = Fraction::from_billionths(price_impact);
        (expected.slot, expected.state_age_ms) = (slot, state_age_ms);
        expected.alternatives[0].reason = reason;
        expected.created_at = DateTime::from_timestamp_millis(at).unwrap();
        expected.expires_at = DateTime::from_timestamp_millis(at + 1).unwrap();
        let bytes = to_wire(&expected, String::new()).encode_to_vec();
        let message = wire::QuoteResponse::decode(bytes.as_slice()).unwrap();
        prop_assert_eq!(from_wire(&message, &request(Mode::ExactIn, amount_in)), Ok(expected));
    }

    #[test]
    fn no_reply_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(message) = wire::QuoteResponse::decode(bytes.as_slice()) {
            prop_assert!(from_wire(&message, &request(Mode::ExactIn, 1)).is_err());
        }
    }
}
