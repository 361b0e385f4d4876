//! Records orders in every state, and prints their rows as SQL. `record.sh` compiles it into an earlier revision,
//! whose types and statements it uses. The owner of an order says which state it is in.

use super::*;
use order_core::AccountAddress;
use order_core::order::{Expiry, Marker};

/// Tables in the order in which they can be filled. Those that a revision lacks are left out.
const TABLES: [&str; 7] = [
    "cluster",
    "orders",
    "order_events",
    "transactions",
    "order_markers",
    "landings",
    "adopted_transactions",
];

async fn of(journal: &Journal, owner: &str) -> Claim {
    let acceptance = Acceptance { owner: owner.to_owned(), ..with_key(owner, 1) };
    let id = acceptance.id;
    journal.accept(acceptance).await.unwrap();
    journal.claim(id, Duration::ZERO).await.unwrap().unwrap()
}

async fn after(journal: &Journal, owner: &str, events: impl IntoIterator<Item = Event>) -> Claim {
    let mut claim = of(journal, owner).await;
    append_all(journal, &mut claim, events).await;
    claim
}

fn swap(venue: Venue, pool: u8, from: u8, to: u8, amounts: (u64, u64), share: i64) -> Swap {
    Swap {
        venue,
        pool: PoolAddress::new([pool; 32]),
        mint_in: Mint::new([from; 32]),
        mint_out: Mint::new([to; 32]),
        amount_in: Atoms::new(amounts.0),
        amount_out: Atoms::new(amounts.1),
        share: Fraction::from_billionths(share),
    }
}

/// A route of two pools side by side, and of two hops beside them.
fn split() -> Event {
    let quote = Quote {
        amount_in: Atoms::new(999_000),
        amount_out: Atoms::new(99_900),
        route: vec![
            swap(Venue::RaydiumClmm, 1, 1, 2, (400_000, 40_000), 400_000_000),
            swap(Venue::OrcaWhirlpool, 2, 1, 2, (300_000, 30_000), 300_000_000),
            swap(Venue::MeteoraDlmm, 3, 1, 3, (299_000, 7_000), 300_000_000),
            swap(Venue::MeteoraDammV2, 4, 3, 2, (7_000, 29_900), 300_000_000),
        ],
        ..quote(Venue::RaydiumCpmm, Atoms::new(0), 0)
    };
    Event::RouteChosen { quote }
}

fn marked(claim: &Claim, generation: u32) -> Event {
    let Event::TransactionSigned { transaction } = signed() else { unreachable!() };
    let mut address = [0; 32];
    address[..16].copy_from_slice(claim.order().id().0.as_bytes());
    let marker = Marker {
        address: AccountAddress::new(address),
        wallet: AccountAddress::new([5; 32]),
        seed: "abcdefghijklmnop".to_owned(),
        generation,
    };
    Event::TransactionSigned { transaction: SignedTransaction { marker: Some(marker), ..transaction } }
}

fn observed(observation: Observation) -> Event {
    Event::Observed { observation }
}

fn reverted() -> Event {
    let failure = Failure::new(failure::Code::TransactionReverted, "custom program error: 0x1771");
    observed(Observation::Reverted { failure, network_fee: Atoms::new(5000), slot: 6 })
}

#[tokio::test]
async fn record() {
    let (database, journal) = journal().await;
    journal.bind_cluster("5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d").await.unwrap();
    open(&journal).await;
    ended(&journal).await;
    print(&mut database.witness().await).await;
}

async fn open(journal: &Journal) {
    of(journal, "pending").await;
    after(journal, "retrying", [routing(1), retry(60_000)]).await;
    after(journal, "routing", [routing(1)]).await;
    after(journal, "retry due", [routing(1), route(), retry(0)]).await;
    after(journal, "building", [routing(1), split()]).await;
    after(journal, "submitted", [routing(1), route(), signed()]).await;
    let mut claim = after(journal, "submitted with a marker", [routing(1), route()]).await;
    let event = marked(&claim, 0);
    append_all(journal, &mut claim, [event]).await;
    after(journal, "expired on the chain", [routing(1), route(), signed(), observed(Observation::Expired)])
        .await;
    after(journal, "reverted", [routing(1), route(), signed(), reverted()]).await;
    let claim = after(journal, "submitted and to be cancelled", [routing(1), route(), signed()]).await;
    journal.cancel(claim.order().id()).await.unwrap();
    let claim =
        after(journal, "reverted and to be cancelled", [routing(1), route(), signed(), reverted()]).await;
    journal.cancel(claim.order().id()).await.unwrap();
    let mut claim =
        after(journal, "found", [routing(1), route(), signed(), observed(Observation::Expired)]).await;
    let transaction = claim.order().transactions()[0].clone();
    append_all(journal, &mut claim, [Event::TransactionFound { transaction }]).await;
    // An attempt that follows one whose marker another has occupied.
    let mut claim = after(journal, "second attempt", [routing(1), route()]).await;
    let event = marked(&claim, 0);
    let failure = Failure::new(failure::Code::MarkerInUse, "occupied");
    let failed = Event::AttemptFailed { failure, retry_in_ms: 0 };
    append_all(journal, &mut claim, [event, reverted(), failed]).await;
    let mut claim = journal.claim(claim.order().id(), Duration::ZERO).await.unwrap().unwrap();
    append_all(journal, &mut claim, [routing(2), route(), signed()]).await;
}

async fn ended(journal: &Journal) {
    after(journal, "confirmed", [routing(1), route(), signed(), landed()]).await;
    after(journal, "confirmed over a split", [routing(1), split(), signed(), landed()]).await;
    let unknown = observed(Observation::Landed { fill: None });
    after(journal, "confirmed without amounts", [routing(1), route(), signed(), unknown]).await;
    after(journal, "failed", [routing(1), failed()]).await;
    after(journal, "failed after a revert", [routing(1), route(), signed(), reverted(), failed()]).await;
    for (owner, landed) in [("settled as landed", true), ("settled as not landed", false)] {
        let claim = after(journal, owner, [routing(1), route(), signed()]).await;
        journal.settle(claim.order().id(), landed, "two explorers").await.unwrap();
    }
    let claim = after(journal, "cancelled", [routing(1), route()]).await;
    journal.cancel(claim.order().id()).await.unwrap();
    let expiring = Acceptance { owner: "expired".to_owned(), ..acceptance() };
    let expiring = Acceptance { intent: expiring.intent.expiring(Expiry::AfterMs(1)), ..expiring };
    journal.accept(expiring).await.unwrap();
    until("it expired", async || !journal.end_expired(9).await.unwrap().is_empty()).await;
    let claim = after(journal, "rolled back", [routing(1), route(), signed(), landed()]).await; // since landings
    journal.roll_back(claim.order().id(), Observation::Expired).await.unwrap(); // since landings
}

async fn print(witness: &mut PgConnection) {
    const COLUMNS: &str = "SELECT column_name::text FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER' AND is_identity = 'NO'
        ORDER BY ordinal_position";
    for table in TABLES {
        let columns: Vec<String> =
            sqlx::query_scalar(COLUMNS).bind(table).fetch_all(&mut *witness).await.unwrap();
        if columns.is_empty() {
            continue;
        }
        let values: Vec<String> =
            columns.iter().map(|column| format!("quote_nullable({column}::text)")).collect();
        let order = if table == "order_events" { "order_id, seq" } else { "1" };
        let select = format!(
            "SELECT '(' || concat_ws(', ', {}) || ')' FROM {table} ORDER BY {order}",
            values.join(", ")
        );
        let rows: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(select)).fetch_all(&mut *witness).await.unwrap();
        if rows.is_empty() {
            continue;
        }
        println!("INSERT INTO {table} ({}) VALUES\n{};", columns.join(", "), rows.join(",\n"));
    }
}
