use super::senders::{account_fault, cap, sender};
use super::stores::clock;
use super::wallets::funded;
use super::*;
use crate::tips::Tips;
use chain::{Account, SenderForm, SenderPlace};
use clap::Parser as _;
use order_core::{AccountAddress, Atoms, Pubkey, Timestamp};

const NEEDED: [&str; 5] =
    ["executor", "--database-url", "postgres://localhost/orders", "--keypair", "wallet.json"];

#[test]
fn a_balance_is_judged_by_what_orders_lock() {
    let severity = |lamports| funded(&Pubkey::default(), Atoms::new(lamports), 100, 1_000).severity;
    assert_eq!([99, 100, 999, 1_000].map(severity), {
        use Severity::{Fault, Fine, Warning};
        [Fault, Warning, Warning, Fine]
    });
}

#[test]
fn clocks_may_differ_a_little() {
    let at = |seconds: i64| Timestamp::from_timestamp(1_700_000_000 + seconds, 0).unwrap();
    assert_eq!(clock(at(2), at(0)).severity, Severity::Fine);
    assert_eq!(clock(at(0), at(3)).severity, Severity::Warning);
    assert!(clock(at(90), at(0)).told.contains("90 s"));
}

#[test]
fn limits_are_told() {
    let of = |more: &[&str]| {
        let findings = limits(&Configuration::parse_from(NEEDED.iter().chain(more)));
        let [finding] = findings.as_slice() else { panic!("{findings:?}") };
        (finding.severity, finding.told.clone())
    };
    assert_eq!(of(&[]).0, Severity::Fine);
    assert_eq!(of(&["--live"]).0, Severity::Fault);
    let (severity, told) = of(&["--max-order-value=10", "--max-day-value=5"]);
    assert!(severity == Severity::Warning && told.contains("10") && told.contains('5'), "{told}");
    assert_eq!(of(&["--max-day-value=5"]).1, "one order not limited, a day's orders 5 USD at most");
}

#[tokio::test]
async fn all_settings_that_are_missing_are_named() {
    let findings = check([]).await;
    let [Finding { severity: Severity::Fault, subject: "settings", told }] = findings.as_slice() else {
        panic!("{findings:?}")
    };
    assert!(told.contains("--database-url") && told.contains("--keypair"), "{told}");
    assert!(!told.contains("Usage"), "{told}");
}

fn tips(most: u64) -> Tips {
    Tips::new(vec![AccountAddress::new([1; 32])], Atoms::new(1_000), Atoms::new(most), 3).unwrap()
}

#[test]
fn senders_are_judged_by_their_place_their_tip_and_their_answer() {
    let told = |form, is_exposed, has_key, most, reached: Result<u16, &str>| {
        let place = SenderPlace { name: "relay.example".to_owned(), form, is_exposed, has_key };
        let findings = sender(&place, &reached.map_err(str::to_owned), &tips(most));
        assert!(findings.iter().all(|finding| finding.told.contains("relay.example")), "{findings:?}");
        findings.into_iter().map(|finding| finding.severity).collect::<Vec<_>>()
    };
    use Severity::{Fault, Fine, Warning};
    assert_eq!(told(SenderForm::Jito, false, true, 5_000, Ok(405)), [Fine]);
    assert_eq!(told(SenderForm::Jito, false, false, 0, Ok(405)), [Warning, Fine], "no tip");
    assert_eq!(told(SenderForm::Rpc, false, false, 0, Ok(200)), [Fine]);
    assert_eq!(told(SenderForm::Rpc, true, false, 0, Ok(200)), [Warning, Fine], "http");
    assert_eq!(told(SenderForm::Submit, true, true, 5_000, Ok(200)), [Fault, Fine], "a key over http");
    assert_eq!(told(SenderForm::Rpc, false, false, 0, Err("refused")), [Warning]);
    assert_eq!(told(SenderForm::Submit, false, true, 5_000, Ok(401)), [Warning]);
}

#[test]
fn a_cap_that_is_absurd_or_pays_nobody_is_told() {
    let severity = |most, senders| cap(&tips(most), senders).map(|finding| finding.severity);
    assert_eq!(severity(0, true), Some(Severity::Warning), "accounts without a cap");
    assert_eq!(severity(100_000_000, true), Some(Severity::Fine));
    assert_eq!(severity(100_000_001, true), Some(Severity::Warning));
    assert_eq!(severity(5_000, false), Some(Severity::Warning));
    let none = Tips::new(Vec::new(), Atoms::new(1_000), Atoms::ZERO, 3).unwrap();
    assert_eq!(cap(&none, true), None);
}

#[test]
fn an_account_that_cannot_get_the_smallest_tip_is_a_fault() {
    let address = Pubkey::new_from_array([1; 32]);
    let judge = |lamports: Option<u64>, executable, least, wallets: &[Pubkey]| {
        let account = lamports.map(|lamports| Account { lamports, executable, ..Account::default() });
        let found =
            account_fault(&address, account.as_ref(), Atoms::new(least), Atoms::new(890_880), wallets);
        found.map(|finding| finding.severity)
    };
    assert_eq!(judge(Some(1_000_000), false, 1_000, &[]), None);
    assert_eq!(judge(Some(1_000_000), true, 1_000, &[]), Some(Severity::Fault));
    assert_eq!(judge(Some(0), false, 1_000, &[]), Some(Severity::Fault));
    assert_eq!(judge(None, false, 1_000, &[]), Some(Severity::Fault));
    assert_eq!(judge(None, false, 890_880, &[]), Some(Severity::Warning));
    assert_eq!(judge(Some(1_000_000), false, 1_000, &[address]), Some(Severity::Fault));
}
