//! A router alone before several nodes of one cluster, of which some lag, lie, hang or fall silent:
//! whatever it quotes meanwhile was true, and recently; afterwards it goes on by itself.

use proto::wire::QuoteRequest;
use proto::wire::router_service_client::RouterServiceClient;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use system_tests::eventually;
use tonic::transport::Channel;
use xtask::process::Signal;
use xtask::workspace::Directory;
use xtask::{Process, Supervisor, port};

/// Less than usual, so that a test sees states grow too old.
const MAX_AGE: Duration = Duration::from_millis(1_000);

/// How long a scenario goes on: several polls, and longer than any state is quoted.
const SCENARIO: Duration = Duration::from_millis(3_000);

/// The pool's reserves go round these.
const RESERVES: [[&str; 2]; 3] = [
    ["1000000000000", "20000000000000"],
    ["1100000000000", "18000000000000"],
    ["1300000000000", "15000000000000"],
];

/// A cluster of two or three nodes and a router that follows one pool of it, which no other pool rivals.
struct Stage {
    nodes: Vec<String>,
    http: reqwest::Client,
    router: RouterServiceClient<Channel>,
    request: QuoteRequest,
    pool: String,
    /// The quoted amount at each of the reserves.
    expected: Vec<u64>,
    /// Which reserves there were from which slot on, and since when at the latest.
    states: Vec<(u64, Instant, usize)>,
    _processes: [Process; 2],
    _supervisor: Supervisor,
    directory: Option<Directory>,
}

/// A quote that was given.
struct Given {
    asked: Instant,
    slot: u64,
    amount_out: u64,
}

impl Stage {
    async fn start(name: &str, nodes: usize) -> Self {
        let directory = Directory::fresh(&format!("test-nodes-{name}")).unwrap();
        let path = directory.path();
        let lock = directory.lock().unwrap();
        let supervisor = Supervisor::new(&path.join("logs"), false, Some(lock)).unwrap();
        let addresses: Vec<String> = (0..nodes).map(|_| port::free().unwrap().to_string()).collect();
        let mut sandbox = program("sandbox");
        sandbox.env("LISTEN", addresses.join(",")).env("WALLET", path.join("wallet")).env("SLOT_MS", "100");
        let sandbox = supervisor.spawn("sandbox", sandbox, Signal::Terminate).unwrap();
        let nodes: Vec<String> = addresses.iter().map(|address| format!("http://{address}")).collect();
        let http = system_tests::http();
        let pools = eventually("the cluster answers", async || {
            let answer = http.get(format!("{}/admin/pools", nodes[0])).send().await.ok()?;
            answer.json::<Vec<Value>>().await.ok()
        });
        let pools = pools.await;
        let pool = pools.iter().find(|pool| pool["venue"] == "raydium_cpmm").unwrap();
        let mint = |index: usize| pool["mints"][index].as_str().unwrap().to_owned();
        let request =
            QuoteRequest { mint_in: mint(0), mint_out: mint(1), amount: 1_000_000, ..Default::default() };
        let pool = pool["address"].as_str().unwrap().to_owned();
        let address = port::free().unwrap();
        let mut router = program("router");
        router.env("LISTEN", address.to_string()).env("SOLANA_RPC_URL", nodes.join(",")).env("POOLS", &pool);
        router.env("MAX_STATE_AGE_MS", MAX_AGE.as_millis().to_string());
        let process = supervisor.spawn("router", router, Signal::Terminate).unwrap();
        let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect_lazy();
        let router = RouterServiceClient::new(channel);
        let processes = [sandbox, process];
        let mut stage = Self {
            nodes,
            http,
            router,
            request,
            pool,
            expected: vec![],
            states: vec![],
            _processes: processes,
            _supervisor: supervisor,
            directory: Some(directory),
        };
        stage.learn().await;
        stage
    }

    /// Goes once round all reserves, in peace, and takes down what is quoted.
    async fn learn(&mut self) {
        for state in 0..RESERVES.len() {
            let slot = self.set(state).await;
            let quote = self.quoted_since(slot).await;
            self.expected.push(quote.amount_out);
        }
    }

    /// Waits for a quote of a state no older than this slot.
    async fn quoted_since(&self, slot: u64) -> Given {
        eventually("a quote", async || self.quote().await.filter(|quote| quote.slot >= slot)).await
    }

    async fn set(&mut self, state: usize) -> u64 {
        let path = format!("/admin/pools/{}/reserves", self.pool);
        let answer = self.admin(Method::POST, &path, &json!({ "reserves": RESERVES[state] })).await;
        let slot = answer["slot"].as_u64().unwrap();
        self.states.push((slot, Instant::now(), state));
        slot
    }

    async fn admin(&self, method: Method, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.nodes[0]);
        let answer = self.http.request(method, url).json(body).send().await.unwrap();
        let answer = answer.error_for_status().unwrap();
        answer.json().await.unwrap()
    }

    async fn quote(&self) -> Option<Given> {
        let asked = Instant::now();
        let quote = self.router.clone().quote(self.request.clone()).await.ok()?.into_inner();
        Some(Given { asked, slot: quote.slot, amount_out: quote.amount_out })
    }

    /// Lets something go wrong while the reserves change, and checks every quote; how many were given.
    async fn endure(&mut self, what: &str, faults: &[Value]) -> usize {
        for fault in faults {
            self.admin(Method::POST, "/admin/faults", fault).await;
        }
        let (began, mut given, mut changes) = (Instant::now(), Vec::new(), 0);
        while began.elapsed() < SCENARIO {
            changes += 1;
            self.set(changes % RESERVES.len()).await;
            for _ in 0..8 {
                given.extend(self.quote().await);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        for quote in &given {
            self.check(what, quote);
        }
        self.admin(Method::DELETE, "/admin/faults", &Value::Null).await;
        let slot = self.set(0).await;
        let quote = self.quoted_since(slot).await;
        self.check(what, &quote);
        given.len()
    }

    fn check(&self, what: &str, quote: &Given) {
        let place = self.states.iter().rposition(|(slot, _, _)| *slot <= quote.slot);
        let (slot, _, state) = self.states[place.unwrap()];
        assert_eq!(
            quote.amount_out, self.expected[state],
            "{what}: a quote of slot {} is not of the state of slot {slot}",
            quote.slot
        );
        if let Some((next, since, _)) = self.states.get(place.unwrap() + 1) {
            let late = quote.asked.saturating_duration_since(*since);
            assert!(
                late <= MAX_AGE,
                "{what}: the state of slot {} is quoted {late:?} after that of slot {next}",
                quote.slot
            );
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let Some(directory) = self.directory.take() else { return };
        if std::thread::panicking() {
            eprintln!("the logs of this test are in {}", directory.path().join("logs").display());
            return;
        }
        for process in &mut self._processes {
            let _ = self._supervisor.kill(process);
        }
        let _ = directory.remove();
    }
}

/// A program that cargo has put above the folder with this test.
fn program(name: &str) -> Command {
    let this = std::env::current_exe().unwrap();
    let mut command = Command::new(this.ancestors().nth(2).map(Path::to_owned).unwrap().join(name));
    command.env("ADMIN_LISTEN", "127.0.0.1:0");
    command
}

/// A fault of one node.
fn of(node: usize, fault: Value) -> Value {
    json!({ "fault": fault, "node": node })
}

#[tokio::test]
async fn a_node_that_lags_or_lies_is_not_quoted_while_two_others_are_well() {
    let mut stage = Stage::start("lies", 3).await;
    let lag = || json!({ "lag": { "slots": 30 } });
    let claim = |ahead: u64| json!({ "claimSlot": { "ahead": ahead } });
    let fail = |how: Value| json!({ "fail": { "how": how } });
    for (what, faults) in [
        ("a node lags", vec![of(0, lag())]),
        ("a node shows old accounts as new", vec![of(0, lag()), of(0, claim(30))]),
        ("a node claims a slot of the far future", vec![of(0, claim(1_000_000_000))]),
        ("a node claims a slot of the near future", vec![of(0, claim(100))]),
        ("a node hangs", vec![of(0, fail(json!("hang")))]),
        ("a node fails", vec![of(0, fail(json!({ "http": { "status": 503 } })))]),
        ("a node is slow", vec![of(0, json!({ "slow": { "milliseconds": 700 } }))]),
        ("a node tells of no account", vec![of(0, json!("muteAccounts"))]),
        ("every node falls silent", (0..3).map(|node| of(node, json!("muteSubscriptions"))).collect()),
        ("every connection is cut", (0..3).map(|node| of(node, json!("cutSubscriptions"))).collect()),
    ] {
        let given = stage.endure(what, &faults).await;
        assert!(given > 0, "{what}: the others could have been quoted");
    }
}

#[tokio::test]
async fn nothing_is_quoted_of_what_no_node_knows_well() {
    let mut stage = Stage::start("alone", 1).await;
    let old = [of(0, json!({ "lag": { "slots": 30 } })), of(0, json!({ "claimSlot": { "ahead": 30 } }))];
    for (what, faults) in [
        // Further than the clocks of a cluster and of this machine may differ: that is the only evidence.
        ("the only node falls back", vec![of(0, json!({ "lag": { "slots": 100 } }))]),
        ("the only node shows old accounts as new", old.to_vec()),
        ("the only node claims a far slot", vec![of(0, json!({ "claimSlot": { "ahead": 1_000_000_000 } }))]),
        ("the only node fails", vec![of(0, json!({ "fail": { "how": "reset" } }))]),
        (
            "the only node tells of slots alone and is not read",
            vec![of(0, json!("muteAccounts")), of(0, json!({ "fail": { "how": "hang" } }))],
        ),
    ] {
        let given = stage.endure(what, &faults).await;
        assert!(given < 100, "{what}: it was quoted all the time");
    }
}

#[tokio::test]
async fn of_two_nodes_that_contradict_each_other_none_is_quoted() {
    let mut stage = Stage::start("contradict", 2).await;
    stage.admin(Method::POST, "/admin/faults", &of(1, json!({ "mixAccounts": { "slots": 50 } }))).await;
    let slot = stage.set(1).await;
    // The honest node is asked first, and the other one is a witness at the next poll.
    eventually("it is refused", async || stage.quote().await.is_none().then_some(())).await;
    for _ in 0..20 {
        assert!(stage.quote().await.is_none(), "of slot {slot}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stage.admin(Method::DELETE, "/admin/faults", &Value::Null).await;
    let quote = stage.quoted_since(slot).await;
    stage.check("the nodes agree again", &quote);
}
