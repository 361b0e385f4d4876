use super::stores::clock;
use super::wallets::funded;
use super::*;
use clap::Parser as _;
use order_core::{Atoms, Pubkey, Timestamp};

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
