use crate::testing::*;
use crate::{ApiKey, Error, KeyId, KeyRequest, StoredKey};
use order_core::{AccountAddress, AccountPolicy, Scope, UsdMicros};
use std::collections::BTreeSet;
use std::num::NonZeroU32;

fn key(fill: u8) -> ApiKey {
    ApiKey::from_random(&[fill; ApiKey::RANDOM_LENGTH])
}

fn request(name: &str) -> KeyRequest {
    KeyRequest {
        account: account(name),
        label: "a desk's program".to_owned(),
        scopes: BTreeSet::from([Scope::Read, Scope::Trade]),
        networks: vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
        lifetime: None,
    }
}

async fn valid(journal: &Journal, key: &ApiKey) -> Option<StoredKey> {
    journal.accounts.valid_key(key.id()).await.unwrap()
}

#[tokio::test]
async fn a_key_is_valid_from_its_issue_to_its_revocation() {
    let (_database, journal) = journal().await;
    let accounts = &journal.accounts;
    assert!(!accounts.has_keys().await.unwrap());
    assert!(accounts.create(&account("desk")).await.unwrap());
    assert!(!accounts.create(&account("desk")).await.unwrap(), "it exists");
    let names: Vec<AccountId> =
        accounts.list().await.unwrap().into_iter().map(|account| account.id).collect();
    assert_eq!(names, [account("desk"), AccountId::operator()]);

    accounts.issue(&key(1), &request("desk")).await.unwrap();
    let stored = valid(&journal, &key(1)).await.unwrap();
    assert!(key(1).matches(&stored.secret_hash));
    assert_eq!(stored.account, account("desk"));
    assert_eq!(stored.scopes, request("desk").scopes);
    assert_eq!(stored.networks, request("desk").networks);
    assert!(accounts.has_keys().await.unwrap());

    accounts.record_use(&[key(1).id().clone()]).await.unwrap();
    let issued = accounts.keys(Some(&account("desk"))).await.unwrap();
    assert_eq!((issued.len(), issued[0].label.as_str()), (1, "a desk's program"));
    assert!(issued[0].last_used_at.is_some() && issued[0].revoked_at.is_none());
    assert!(accounts.keys(Some(&AccountId::operator())).await.unwrap().is_empty());

    assert!(accounts.revoke(key(1).id()).await.unwrap());
    assert!(accounts.revoke(key(1).id()).await.unwrap(), "it stays revoked");
    assert_eq!(valid(&journal, &key(1)).await, None);
    assert!(accounts.has_keys().await.unwrap(), "a revoked key does not open the gateway again");
    assert!(!accounts.revoke(key(2).id()).await.unwrap());
    assert!(accounts.keys(None).await.unwrap()[0].revoked_at.is_some());
}

#[tokio::test]
async fn a_key_of_no_account_or_without_a_right_is_refused() {
    let (_database, journal) = journal().await;
    let nobody = journal.accounts.issue(&key(1), &request("nobody")).await;
    assert!(
        matches!(&nobody, Err(Error::Refused { rule, .. }) if rule.contains("account that exists")),
        "{nobody:?}"
    );
    let nothing = KeyRequest { scopes: BTreeSet::new(), ..request("operator") };
    let nothing = journal.accounts.issue(&key(1), &nothing).await;
    assert!(
        matches!(&nothing, Err(Error::Refused { rule, .. }) if rule.contains("one scope")),
        "{nothing:?}"
    );
    journal.accounts.issue(&key(1), &request("operator")).await.unwrap();
    let again = journal.accounts.issue(&key(1), &request("operator")).await;
    assert!(matches!(again, Err(Error::Refused { .. })), "{again:?}");
}

#[tokio::test]
async fn a_key_expires_by_the_databases_clock() {
    let (_database, journal) = journal().await;
    let short = KeyRequest { lifetime: Some(Duration::ZERO), ..request("operator") };
    journal.accounts.issue(&key(1), &short).await.unwrap();
    assert_eq!(valid(&journal, &key(1)).await, None);
    let long = KeyRequest { lifetime: Some(LONG), ..request("operator") };
    journal.accounts.issue(&key(2), &long).await.unwrap();
    assert!(valid(&journal, &key(2)).await.is_some());
}

#[tokio::test]
async fn a_rotated_key_overlaps_with_its_successor() {
    let (database, journal) = journal().await;
    let accounts = &journal.accounts;
    let limited = KeyRequest { lifetime: Some(LONG), ..request("operator") };
    accounts.issue(&key(1), &limited).await.unwrap();
    assert!(accounts.rotate(key(1).id(), &key(2), LONG * 2).await.unwrap());
    let [first, second] = [&key(1), &key(2)].map(|key| key.clone());
    let (old, new) = (valid(&journal, &first).await.unwrap(), valid(&journal, &second).await.unwrap());
    assert_eq!((&old.account, &old.scopes, &old.networks), (&new.account, &new.scopes, &new.networks));
    assert_ne!(old.secret_hash, new.secret_hash);
    let mut witness = database.witness().await;
    let ends = "SELECT count(DISTINCT expires_at) FROM api_keys WHERE expires_at IS NOT NULL";
    assert_eq!(number(&mut witness, ends).await, 1, "neither lives longer than the first was to");

    assert!(accounts.rotate(second.id(), &key(3), Duration::ZERO).await.unwrap());
    assert_eq!(valid(&journal, &second).await, None);
    assert!(valid(&journal, &key(3)).await.is_some());
    assert!(
        !accounts.rotate(second.id(), &key(4), LONG).await.unwrap(),
        "what is not valid has no successor"
    );
    let unknown: KeyId = "0123456789ab".parse().unwrap();
    assert!(!accounts.rotate(&unknown, &key(4), LONG).await.unwrap());
}

#[tokio::test]
async fn an_order_is_read_listed_and_cancelled_by_its_account_alone() {
    let (_database, journal) = journal().await;
    let (mine, theirs) = (account("mine"), account("theirs"));
    let acceptance = Acceptance { account: mine.clone(), ..with_key("key", 1) };
    let id = acceptance.id;
    journal.orders.accept(acceptance.clone()).await.unwrap();
    let (history, reports) = (&journal.history, &journal.reports);
    let everything = crate::Filter::default();

    assert_eq!(history.read_for(&mine, id, 0).await.unwrap().unwrap().len(), 1);
    assert_eq!(history.read_for(&mine, id, 1).await.unwrap().unwrap(), []);
    assert_eq!(history.read_for(&theirs, id, 0).await.unwrap(), None);
    assert_eq!(history.read_for(&theirs, id, 1).await.unwrap(), None);
    assert_eq!(reports.list(&mine, &everything, None, 10).await.unwrap()[0].id, id);
    assert!(reports.list(&theirs, &everything, None, 10).await.unwrap().is_empty());
    let idempotency = acceptance.idempotency.unwrap();
    assert!(journal.orders.accepted(&mine, &idempotency).await.unwrap().is_some());
    assert_eq!(journal.orders.accepted(&theirs, &idempotency).await.unwrap(), None);

    assert_eq!(journal.orders.cancel(&theirs, id).await.unwrap(), None);
    assert_eq!(history.read_for(&mine, id, 0).await.unwrap().unwrap().len(), 1, "nothing was cancelled");
    assert!(journal.orders.cancel(&mine, id).await.unwrap().is_some());
    assert_eq!(journal.orders.cancel(&theirs, id).await.unwrap(), None, "nor is it found once it has ended");
    assert!(journal.orders.cancel(&mine, id).await.unwrap().is_some());
    assert_eq!(reports.list(&mine, &everything, None, 10).await.unwrap().len(), 1);
    assert!(reports.list(&theirs, &everything, None, 10).await.unwrap().is_empty());
    assert_eq!(reports.ended(&mine, 10).await.unwrap().len(), 1);
    assert!(reports.ended(&theirs, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_policy_is_kept_whole_and_known_soon() {
    let (_database, journal) = journal().await;
    let desk = account("desk");
    let policy = AccountPolicy {
        max_order_value: Some(UsdMicros::new(1_000_000)),
        max_day_value: Some(UsdMicros::new(u64::from(u32::MAX))),
        max_slippage: Some(Slippage::parse("0.01").unwrap()),
        tokens: Some(BTreeSet::from([token("SOL").mint, token("USDC").mint])),
        venues: Some(BTreeSet::from([Venue::RaydiumClmm])),
        max_working: NonZeroU32::new(3),
        wallet: Some(AccountAddress::new([7; 32])),
    };
    assert!(!journal.accounts.set_policy(&desk, &policy).await.unwrap(), "there is no such account");
    journal.accounts.create(&desk).await.unwrap();
    assert_eq!(*journal.policies.of(&desk).await.unwrap(), AccountPolicy::default());
    assert!(journal.accounts.set_policy(&desk, &policy).await.unwrap());
    until("the policy is known", async || *journal.policies.of(&desk).await.unwrap() == policy).await;
    let listed = journal.accounts.list().await.unwrap();
    let policies: Vec<_> = listed.iter().map(|account| (account.id.as_str(), &account.policy)).collect();
    assert_eq!(policies, [("desk", &policy), ("operator", &AccountPolicy::default())]);

    let nothing = AccountPolicy { venues: Some(BTreeSet::new()), ..policy };
    let refused = journal.accounts.set_policy(&desk, &nothing).await;
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
}
