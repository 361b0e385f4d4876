use super::*;

fn faults(scripts: &[&str]) -> Faults {
    let faults = Faults::default();
    for script in scripts {
        let script: Script = serde_json::from_str(script).unwrap();
        script.check(2).unwrap();
        faults.add(script).unwrap();
    }
    faults
}

#[test]
fn the_same_seed_chooses_the_same_transactions_and_keeps_its_choice() {
    let fates = |seed: u64| {
        let script = format!(r#"{{"fault":"dropTransactions","probabilityBps":3000,"seed":{seed}}}"#);
        let faults = faults(&[&script]);
        let all: Vec<_> = (0..200).map(|number| Signature::from([number; 64])).collect();
        let fates: Vec<_> = all.iter().map(|signature| faults.fate(0, signature)).collect();
        let again: Vec<_> = all.iter().map(|signature| faults.fate(1, signature)).collect();
        assert_eq!(fates, again);
        fates
    };
    let drawn = fates(7);
    assert_eq!(drawn, fates(7));
    assert_ne!(drawn, fates(8));
    let dropped = drawn.iter().filter(|fate| **fate == Fate::Dropped).count();
    assert!((30..90).contains(&dropped), "{dropped}");
}

#[test]
fn a_fault_strikes_in_its_scope_as_often_as_it_may() {
    let faults = faults(&[
        r#"{"fault":{"fail":{"how":"reset"}},"node":1,"method":"getSlot","count":2}"#,
        r#"{"fault":{"lag":{"slots":3}},"node":0}"#,
        r#"{"fault":{"delayTransactions":{"beforeExpiry":1}},"count":1}"#,
    ]);
    let reset = Some((Failure::Reset, false));
    let asked = [(0, "getSlot"), (1, "getBalance"), (1, "getSlot"), (1, "getSlot"), (1, "getSlot")];
    let failures = asked.map(|(node, method)| faults.failure(node, method));
    assert_eq!(failures, [None, None, reset.clone(), reset, None]);
    assert_eq!((faults.lag(0), faults.lag(1)), (3, 0));
    let [first, second] = [1, 2].map(|number| Signature::from([number; 64]));
    let fates = [first, second, first].map(|signature| faults.fate(0, &signature));
    let delayed = Fate::Delayed(Delay::BeforeExpiry(1));
    assert_eq!(fates, [delayed, Fate::Executed, delayed]);
    let reports = serde_json::to_value(faults.list()).unwrap();
    assert_eq!(
        reports[0],
        serde_json::json!({
            "id": 1, "fault": { "fail": { "how": "reset", "performed": false } }, "node": 1,
            "method": "getSlot", "probabilityBps": 10_000, "seed": 0, "count": 2,
            "active": false, "struck": 2,
        })
    );
    assert_eq!(faults.clear().len(), 3);
    assert_eq!(faults.lag(0), 0);
}

#[tokio::test(start_paused = true)]
async fn a_fault_is_over_after_its_time() {
    let faults = faults(&[r#"{"fault":"freezeSlots","durationMs":500}"#]);
    assert!(faults.freezes());
    tokio::time::advance(Duration::from_millis(499)).await;
    assert!(faults.freezes());
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(!faults.freezes());
}

#[test]
fn scripts_that_make_no_sense_are_refused() {
    for script in [
        r#"{"fault":"freezeSlots","node":0}"#,
        r#"{"fault":"dropTransactions","node":2}"#,
        r#"{"fault":"dropTransactions","method":"getSlot"}"#,
        r#"{"fault":"dropTransactions","count":0}"#,
        r#"{"fault":"dropTransactions","probabilityBps":10001}"#,
        r#"{"fault":{"lag":{"slots":101}}}"#,
        r#"{"fault":{"fail":{"how":{"http":{"status":200}}}}}"#,
        r#"{"fault":{"fail":{"how":{"http":{"status":200,"body":"","contentType":"a\nb"}}}}}"#,
        r#"{"fault":{"historyHole":{"from":2,"until":1}}}"#,
        r#"{"fault":{"forgeFill":{}}}"#,
        r#"{"fault":{"forgeFill":{"moreInputBps":10001}}}"#,
        r#"{"fault":{"claimGenesisHash":{"hash":"no hash"}}}"#,
        r#"{"fault":"withholdTransactions","method":"getTransaction"}"#,
    ] {
        assert!(serde_json::from_str::<Script>(script).unwrap().check(2).is_err(), "{script}");
    }
    for script in
        [r#"{"fault":"explode"}"#, r#"{"fault":"freezeSlots","duration":5}"#, r#"{"fault":{"lag":{}}}"#]
    {
        assert!(serde_json::from_str::<Script>(script).is_err(), "{script}");
    }
}
