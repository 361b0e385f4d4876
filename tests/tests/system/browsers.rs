//! Web pages of strangers in stock browsers: they place no order, however they ask.

use crate::pages::{ATTACK, Site};
use serde_json::{Value, json};
use std::net::SocketAddr;
use system_tests::{Engine, Gateway, eventually};
use xtask::Supervisor;
use xtask::browser::Browser;
use xtask::workspace::Directory;

/// The name of the attacker's page, which comes to point at the gateway's machine.
const REBOUND: &str = "evil.example";

/// The report of the page on its attempts, from the browser.
async fn attack(site: &Site, browser: Browser, host: &str) -> Value {
    let directory = Directory::fresh(&format!("browser-{}", site.address.port())).unwrap();
    let supervisor = Supervisor::new(&directory.path().join("logs"), false, None).unwrap();
    let url = format!("http://{host}:{}{ATTACK}", site.address.port());
    let profile = directory.path().join("profile");
    let mut process = browser.open(&supervisor, &profile, REBOUND, &url).unwrap();
    let report = eventually(&format!("{browser:?} has tried everything at {host}"), async || {
        process.expect_running().unwrap();
        site.take_report()
    })
    .await;
    supervisor.kill(&mut process).unwrap();
    // Its helpers write into it until they have noticed.
    eventually("the profile can be removed", async || std::fs::remove_dir_all(&profile).ok()).await;
    directory.remove().unwrap();
    report
}

async fn placed(gateway: &Gateway) -> usize {
    gateway.get("/api/orders").await["orders"].as_array().unwrap().len()
}

/// The same page, three times: under a name of this machine, which shows that the attempts work; under a name
/// that points here; and with a key issued.
async fn pages_of_strangers_place_no_order(browser: Browser) {
    let engine = Engine::start(1, 1, Vec::new());
    let gateway = engine.gateway(0);
    let address: SocketAddr = engine.stack.gateways[0].address;
    let site = Site::start(address).await;

    // What a proxy on this machine does is allowed as long as there is no key. All else that the page tries
    // goes to the gateway's own address, from another origin.
    let control = attack(&site, browser, "127.0.0.1").await;
    assert_eq!(control["fetch from my name"], 202, "{control}");
    assert_eq!(control["socket from my name"], "order_update", "{control}");
    assert_eq!(placed(&gateway).await, 2, "{control}");
    refused(&control, ["json fetch", "socket"]);

    let rebound = attack(&site, browser, REBOUND).await;
    for attempt in ["fetch from my name", "read from my name", "ticket from my name"] {
        assert_eq!(rebound[attempt], 421, "{attempt}: {rebound}");
    }
    refused(&rebound, ["json fetch", "socket", "socket from my name"]);
    assert_eq!(placed(&gateway).await, 2, "{rebound}");

    let issued = engine.ops(&["key", "issue"]);
    eventually("a key is required", async || {
        let answer = gateway.send(gateway.request(reqwest::Method::GET, "/api/orders")).await;
        (answer.status == 401).then_some(())
    })
    .await;
    for host in ["127.0.0.1", REBOUND] {
        let keyed = attack(&site, browser, host).await;
        let expected = if host == REBOUND { 421 } else { 401 };
        assert_eq!(keyed["fetch from my name"], expected, "{keyed}");
        refused(&keyed, ["json fetch", "socket", "socket from my name"]);
    }
    let list = gateway.request(reqwest::Method::GET, "/api/orders").bearer_auth(issued.trim());
    let orders = gateway.send(list).await.body;
    assert_eq!(orders["orders"].as_array().map(Vec::len), Some(2), "{orders}");
}

/// These attempts did not come through; blind ones, as forms and beacons are, are told by the orders alone.
fn refused<const COUNT: usize>(report: &Value, attempts: [&str; COUNT]) {
    for attempt in attempts {
        let told = report[attempt].as_str().unwrap_or_default();
        assert!(told.starts_with("refused"), "{attempt}: {report}");
    }
    for attempt in ["blind fetch", "beacon", "form"] {
        assert_eq!(report[attempt], json!("sent"), "{attempt}: {report}");
    }
}

#[tokio::test]
async fn in_chromium_pages_of_strangers_place_no_order() {
    pages_of_strangers_place_no_order(Browser::Chromium).await;
}

#[tokio::test]
async fn in_firefox_pages_of_strangers_place_no_order() {
    pages_of_strangers_place_no_order(Browser::Firefox).await;
}
