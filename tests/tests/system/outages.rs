//! Each server and service is lost while orders are being placed. No accepted order is lost or executed
//! twice, and the services recover by themselves: nobody restarts them.

use crate::load::Load;
use std::io::Write as _;
use std::net::TcpStream;
use system_tests::{Ailment, Engine, Gateway, Part, Proxy, eventually, setting};
use xtask::Login;

const GATEWAY: Part = Part::Gateway(0);
const EXECUTOR: Part = Part::Executor(0);

/// Enough orders to have some in every state.
const SOME: usize = 10;

/// An engine under load.
struct Scene {
    engine: Engine,
    gateway: Gateway,
    load: Load,
    /// The processes that go through the outage.
    processes: Vec<(Part, u32)>,
}

impl Scene {
    async fn start(mut engine: Engine) -> Self {
        let gateway = engine.gateway(0);
        let load = Load::start(&gateway);
        load.accepts(SOME).await;
        let processes = [GATEWAY, EXECUTOR].map(|part| (part, engine.service(part).unwrap().process.id()));
        Self { engine, gateway, load, processes: processes.to_vec() }
    }

    /// Waits until the gateway says that a dependency is down, and these services that they are not
    /// ready.
    async fn is_out(&mut self, dependency: &str, unready: &[Part]) {
        eventually(&format!("{dependency} is seen to be down"), async || {
            (self.dependency(dependency).await == "down").then_some(())
        })
        .await;
        for part in unready {
            eventually(&format!("{part:?} is not ready"), async || {
                self.engine.service(*part).unwrap().ready().is_err().then_some(())
            })
            .await;
        }
    }

    /// Waits until everything is well again, and more orders are accepted; then all have to end well.
    async fn recovers(mut self, dependency: &str) {
        for part in [Part::Router, GATEWAY, EXECUTOR] {
            eventually(&format!("{part:?} is ready"), async || {
                self.engine.service(part).unwrap().ready().ok()
            })
            .await;
        }
        eventually(&format!("{dependency} is seen to be back"), async || {
            (self.dependency(dependency).await == "ok").then_some(())
        })
        .await;
        self.load.accepts(SOME).await;
        for (part, id) in &self.processes {
            let process = &mut self.engine.service(*part).unwrap().process;
            process.expect_running().unwrap();
            assert_eq!(process.id(), *id, "{part:?} was restarted");
        }
        self.load.all_end_well(&self.engine).await;
    }

    async fn dependency(&self, name: &str) -> String {
        // 503 without PostgreSQL, with the same body.
        let health = self.gateway.send(self.gateway.request(reqwest::Method::GET, "/health")).await;
        health.body["dependencies"][name]["status"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_postgresql_loses_nothing() {
    let mut scene = Scene::start(Engine::start_with_postgres(1, 1, vec![])).await;
    scene.engine.kill(Part::Postgres);
    scene.is_out("postgres", &[GATEWAY, EXECUTOR]).await;
    scene.engine.restart(Part::Postgres);
    scene.recovers("postgres").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_and_wiped_nats_loses_nothing() {
    let mut scene = Scene::start(Engine::start(1, 1, vec![])).await;
    scene.engine.kill(Part::Nats);
    scene.engine.wipe_nats();
    // The executor stays ready: it finds orders without NATS.
    scene.is_out("nats", &[]).await;
    scene.load.accepts(SOME).await;
    assert_eq!(scene.gateway.get("/health").await["accepting"], true);
    scene.engine.restart(Part::Nats);
    scene.recovers("nats").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_and_flushed_redis_loses_nothing() {
    let mut scene = Scene::start(Engine::start(1, 1, vec![])).await;
    // It keeps nothing on disk: killed, it is empty.
    scene.engine.kill(Part::Redis);
    scene.is_out("redis", &[]).await;
    scene.load.accepts(SOME).await;
    scene.engine.restart(Part::Redis);
    scene.load.accepts(SOME).await;
    let Login { address, user, password } = &scene.engine.redis.operator;
    write!(TcpStream::connect(address).unwrap(), "AUTH {user} {password}\r\nFLUSHALL\r\n").unwrap();
    scene.recovers("redis").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_router_loses_nothing() {
    let mut scene = Scene::start(Engine::start(1, 1, vec![])).await;
    scene.engine.kill(Part::Router);
    scene.is_out("router", &[EXECUTOR]).await;
    scene.load.accepts(SOME).await;
    scene.engine.restart(Part::Router);
    scene.recovers("router").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_cut_off_loses_nothing() {
    let node = xtask::port::free().unwrap();
    let cluster = Proxy::start(node).await.unwrap();
    let url = format!("http://{}", cluster.address);
    let settings = vec![
        setting("sandbox", "LISTEN", &node.to_string()),
        setting("router", "SOLANA_RPC_URL", &url),
        setting("executor", "SOLANA_RPC_URL", &url),
    ];
    let mut scene = Scene::start(Engine::start(1, 1, settings)).await;
    cluster.set(Some(Ailment::Reset));
    // Without fresh state the router does not quote.
    scene.is_out("router", &[Part::Router, EXECUTOR]).await;
    scene.load.accepts(SOME).await;
    cluster.set(None);
    scene.recovers("router").await;
}
