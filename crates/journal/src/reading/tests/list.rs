use crate::testing::*;
use crate::{Error, Filter};
use order_core::Dex;
use order_core::order::Status;

async fn listed(journal: &Journal, filter: Filter) -> Vec<order::Id> {
    journal
        .reports
        .list(&account("tester"), &filter, None, 100)
        .await
        .unwrap()
        .into_iter()
        .map(|listed| listed.id)
        .collect()
}

#[tokio::test]
async fn a_list_is_newest_first_page_by_page_with_whole_histories() {
    let (_database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), route()]).await;
    let mut ids = vec![claim.order().id()];
    for _ in 0..4 {
        ids.push(accepted(&journal).await);
    }
    ids.sort();
    ids.reverse();
    let first = journal.reports.list(&account("tester"), &Filter::default(), None, 2).await.unwrap();
    assert_eq!(first.iter().map(|listed| listed.id).collect::<Vec<_>>(), ids[..2]);
    let rest = journal.reports.list(&account("tester"), &Filter::default(), Some(ids[1]), 100).await.unwrap();
    assert_eq!(rest.iter().map(|listed| listed.id).collect::<Vec<_>>(), ids[2..]);
    let id = claim.order().id();
    let history = journal.history.read(id, 0).await.unwrap().unwrap();
    assert!(rest.iter().any(|listed| listed.id == id && listed.history.as_ref().unwrap() == &history));
}

#[tokio::test]
async fn a_list_is_restricted_by_each_filter() {
    let (_database, journal) = journal().await;
    let other_pair = Acceptance { intent: intent_of(token("USDT"), token("BONK"), 5), ..acceptance() };
    let usdt = other_pair.id;
    journal.orders.accept(other_pair).await.unwrap();
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), route()]).await;
    let sol = claim.order().id();
    let created_at = claim.created_at();
    let filter = Filter::default();
    assert_eq!(listed(&journal, filter.clone()).await, [sol, usdt]);
    for (filter, expected) in [
        (Filter { status: Some(Status::Building), ..filter.clone() }, sol),
        (Filter { status: Some(Status::Pending), ..filter.clone() }, usdt),
        (Filter { dex: Some(Dex::Raydium), ..filter.clone() }, sol),
        (Filter { token_in: Some(token("SOL").mint), ..filter.clone() }, sol),
        (Filter { token_out: Some(token("BONK").mint), ..filter.clone() }, usdt),
        (Filter { from: Some(created_at), ..filter.clone() }, sol),
        (Filter { to: Some(created_at), ..filter.clone() }, usdt),
    ] {
        assert_eq!(listed(&journal, filter.clone()).await, [expected], "{filter:?}");
    }
    assert_eq!(listed(&journal, Filter { dex: Some(Dex::Meteora), ..filter }).await, []);
}

#[tokio::test]
async fn an_event_of_a_later_version_hides_no_other_order() {
    let (database, journal) = journal().await;
    let (before, strange, after) =
        (accepted(&journal).await, accepted(&journal).await, accepted(&journal).await);
    sqlx::query(
        "INSERT INTO order_events (order_id, seq, attempt, fence, body, at)
         VALUES ($1, 2, 1, 9, '{\"kind\": \"of a later version\"}', now()), ($1, 3, 1, 9, '{\"kind\": \"failed\"}', now())",
    )
    .bind(strange.0)
    .execute(&mut database.witness().await)
    .await
    .unwrap();
    let listed = journal.reports.list(&account("tester"), &Filter::default(), None, 3).await.unwrap();
    let readable: Vec<_> = listed.iter().map(|listed| (listed.id, listed.history.is_ok())).collect();
    assert_eq!(readable, [(after, true), (strange, false), (before, true)]);
    assert!(matches!(&listed[1].history, Err(Error::Corrupt { id, .. }) if *id == strange));
    let histories = journal.history.read_many(&[(before, 0), (strange, 1), (after, 0)]).await.unwrap();
    assert_eq!((histories[&before].len(), histories.get(&strange), histories[&after].len()), (1, None, 1));
}

#[tokio::test]
async fn the_latest_route_counts_for_lists_and_statistics() {
    let (_database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    let id = claim.order().id();
    append_all(&journal, &mut claim, [routing(1), route(), retry(0)]).await;
    let mut claim = journal.orders.claim(id, LONG).await.unwrap().unwrap();
    assert_eq!(listed(&journal, Filter { dex: Some(Dex::Raydium), ..Filter::default() }).await, [id]);
    let route = quote(Venue::MeteoraDammV2, Atoms::new(u64::MAX), u64::MAX);
    let route = Event::RouteChosen { quote: route };
    append_all(&journal, &mut claim, [routing(2), route, failed()]).await;
    let ended = journal.reports.ended(&account("tester"), 10).await.unwrap();
    assert_eq!((ended[0].dex, ended[0].quoted_out), (Some(Dex::Meteora), Some(Atoms::new(u64::MAX))));
}
