use crate::{Cluster, setting};
use std::net::{Ipv4Addr, SocketAddr};
use xtask::port;
use xtask::stack::Setting;

/// The nodes of one cluster, each on a host of its own.
#[derive(Debug, Clone)]
pub struct Nodes(Vec<SocketAddr>);

impl Nodes {
    /// Ports for so many nodes.
    ///
    /// # Panics
    /// There is no free port.
    pub fn new(count: u8) -> Self {
        Self((1..=count).map(free).collect())
    }

    /// Has the cluster listen on them, and executor and router read from them in this order.
    pub fn settings(&self) -> Vec<Setting> {
        let list = |prefix: &str| -> String {
            let nodes: Vec<String> = self.0.iter().map(|node| format!("{prefix}{node}")).collect();
            nodes.join(",")
        };
        vec![
            setting("sandbox", "LISTEN", &list("")),
            setting("router", "SOLANA_RPC_URL", &list("http://")),
            setting("executor", "SOLANA_RPC_URL", &list("http://")),
        ]
    }

    /// The nodes' URLs.
    pub fn urls(&self) -> Vec<String> {
        self.0.iter().map(|node| format!("http://{node}")).collect()
    }

    /// A client of the node with this index.
    pub fn cluster(&self, index: usize) -> Cluster {
        Cluster::new(self.0[index])
    }
}

/// A free port of one of this machine's own addresses.
fn free(host: u8) -> SocketAddr {
    let port = port::free().unwrap().port();
    SocketAddr::from((Ipv4Addr::new(127, 0, 0, host), port))
}
