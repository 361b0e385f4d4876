//! Which faults a seed draws, and when.

use std::time::Duration;
use system_tests::{Ailment, Random};

/// How many gateways and executors there are.
pub(crate) const GATEWAYS: usize = 2;
pub(crate) const EXECUTORS: usize = 3;

/// How many nodes the cluster has. That a transaction expired takes the word of two.
pub(crate) const NODES: usize = 3;

/// Short, so that many takeovers fit into a run.
pub(crate) const LEASE: Duration = Duration::from_secs(3);

/// How the executors see the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Witnesses {
    /// Each node on a host of its own.
    Hosts,
    /// Each node on a host of its own, and the first denies what landed, unless all are made honest.
    OneDenies,
    /// All nodes on one host, and so one witness.
    OneHost,
    /// One node alone.
    OneNode,
}

impl Witnesses {
    /// Those of a seed's run. Most operators are told to have several hosts.
    pub(crate) const fn of(seed: u64) -> Self {
        match seed % 5 {
            2 => Self::OneDenies,
            3 => Self::OneHost,
            4 => Self::OneNode,
            _ => Self::Hosts,
        }
    }
}

/// True if the database of a seed's run is restored from a backup in the middle of it.
pub(crate) const fn restores(seed: u64) -> bool {
    seed % 10 == 9
}

/// The engine works undisturbed for this long, so that there is something to disturb.
const HEAD_START_MS: u64 = 2_000;

/// The pause between the beginnings of two faults.
const PAUSE_MS: (u64, u64) = (300, 2_000);

/// A process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Gateway(usize),
    Router,
    Executor(usize),
    Sandbox,
    Postgres,
    Nats,
    Redis,
}

impl Who {
    /// The processes that may be killed. A cluster has no single process to kill: it is only cut off.
    pub(crate) const MORTAL: [Self; 9] = [
        Self::Gateway(0),
        Self::Gateway(1),
        Self::Router,
        Self::Executor(0),
        Self::Executor(1),
        Self::Executor(2),
        Self::Postgres,
        Self::Nats,
        Self::Redis,
    ];

    /// The services, in the order in which they are replaced by new ones.
    pub(crate) const SERVICES: [Self; 6] = [
        Self::Router,
        Self::Executor(0),
        Self::Executor(1),
        Self::Executor(2),
        Self::Gateway(0),
        Self::Gateway(1),
    ];

    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Gateway(_) => "gateway",
            Self::Router => "router",
            Self::Executor(_) => "executor",
            Self::Sandbox => "cluster",
            Self::Postgres => "PostgreSQL",
            Self::Nats => "NATS",
            Self::Redis => "Redis",
        }
    }
}

/// Connections between two kinds of processes, which go through a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Link {
    Client(usize),
    GatewayPostgres,
    GatewayNats,
    GatewayRedis,
    GatewayRouter,
    ExecutorPostgres,
    ExecutorNats,
    ExecutorRedis,
    ExecutorRouter,
    /// To the node with this number.
    ExecutorNode(usize),
    RouterNode(usize),
}

impl Link {
    pub(crate) const ALL: [Self; 16] = [
        Self::Client(0),
        Self::Client(1),
        Self::GatewayPostgres,
        Self::GatewayNats,
        Self::GatewayRedis,
        Self::GatewayRouter,
        Self::ExecutorPostgres,
        Self::ExecutorNats,
        Self::ExecutorRedis,
        Self::ExecutorRouter,
        Self::ExecutorNode(0),
        Self::ExecutorNode(1),
        Self::ExecutorNode(2),
        Self::RouterNode(0),
        Self::RouterNode(1),
        Self::RouterNode(2),
    ];
}

/// A lie of the cluster, as its admin port knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    /// Half of the transactions are taken and never executed.
    DropTransactions,
    /// Landed transactions are not found, unless the history is searched.
    HideTransactions,
    /// Landed transactions are not found, in the history either.
    NotFound,
    /// The history lacks everything, and says that it reaches back to the first block.
    HistoryHole,
    /// The status of what landed is told, and not the transaction.
    Withhold,
    /// Transactions that landed well are shown as finalized and reverted.
    ForgeRevert,
    /// Half of the calls are refused for their rate, with status 429 and this JSON-RPC error.
    Limited(i64),
    /// Half of the output is told.
    ForgeFill,
    /// A blockhash comes with a last valid block height of 1.
    LastValidHeight,
    /// The block height is a million too great.
    Height,
    /// All calls are reset.
    Dead,
    /// No call is answered.
    Silent,
    /// The node is so many slots behind.
    Lag(u64),
    /// A third of all calls fail, some after they were performed.
    Fail,
    /// Answers come so many milliseconds later.
    Slow(u64),
    /// No block is made.
    Freeze,
    /// The latest blocks are abandoned, and their transactions land again later.
    RollBack,
    /// No recent blockhash is valid any more.
    ExpireBlockhashes,
    /// WebSockets to the cluster are cut.
    CutSubscriptions,
}

impl Lie {
    const fn kind(self) -> &'static str {
        match self {
            Self::DropTransactions => "transactions dropped",
            Self::HideTransactions => "landings hidden",
            Self::NotFound => "landings denied",
            Self::HistoryHole => "hole in the history",
            Self::Withhold => "transactions withheld",
            Self::ForgeRevert => "reverts forged",
            Self::Limited(_) => "rate limits",
            Self::ForgeFill => "amounts forged",
            Self::LastValidHeight => "last valid height understated",
            Self::Height => "height overstated",
            Self::Dead => "dead",
            Self::Silent => "silent",
            Self::Lag(_) => "lagging",
            Self::Fail => "failing calls",
            Self::Slow(_) => "slow",
            Self::Freeze => "no blocks",
            Self::RollBack => "fork",
            Self::ExpireBlockhashes => "blockhashes expired",
            Self::CutSubscriptions => "subscriptions cut",
        }
    }
}

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// kill -9; started again when the fault is over.
    Kill(Who),
    /// NATS is killed and its streams are gone.
    WipeNats,
    /// SIGSTOP, then SIGCONT.
    Pause(Who),
    /// Each service in turn is asked to end, and replaced.
    Roll,
    /// kill -9 of an executor, which goes on with another wallet's keypair, and then again with its own.
    RotateKey(usize),
    /// FLUSHALL.
    FlushRedis,
    /// Every order that has not ended is put on the queue once more.
    Duplicate,
    /// A message that names no order.
    Poison,
    /// Bad connections.
    Link(Link, Ailment),
    /// A bad cluster.
    Cluster(Lie),
    /// A bad node of it.
    Node(usize, Lie),
}

const fn kind_of(ailment: Ailment) -> &'static str {
    match ailment {
        Ailment::Latency(_) => "latency",
        Ailment::Blackhole => "blackhole",
        Ailment::Reset => "reset",
        Ailment::HalfClose => "half-close",
        Ailment::Throttle(_) => "throttle",
        Ailment::LoseAnswers => "lost answers",
    }
}

impl Fault {
    /// The row of the table that it is counted in.
    pub(crate) fn kind(self) -> String {
        match self {
            Self::Kill(who) => format!("kill -9 {}", who.kind()),
            Self::WipeNats => "NATS wiped".to_owned(),
            Self::Pause(who) => format!("pause {}", who.kind()),
            Self::Roll => "rolling restart".to_owned(),
            Self::RotateKey(_) => "another keypair".to_owned(),
            Self::FlushRedis => "Redis flushed".to_owned(),
            Self::Duplicate => "duplicate deliveries".to_owned(),
            Self::Poison => "undecodable message".to_owned(),
            Self::Link(_, ailment) => format!("network: {}", kind_of(ailment)),
            Self::Cluster(lie) => format!("cluster: {}", lie.kind()),
            Self::Node(_, lie) => format!("one node: {}", lie.kind()),
        }
    }

    /// True if two faults would fight over the same thing.
    fn collides(self, other: Self) -> bool {
        match (self, other) {
            (Self::Kill(one) | Self::Pause(one), Self::Kill(two) | Self::Pause(two)) => one == two,
            (Self::Kill(Who::Nats) | Self::Pause(Who::Nats) | Self::WipeNats, Self::WipeNats)
            | (Self::WipeNats, Self::Kill(Who::Nats) | Self::Pause(Who::Nats)) => true,
            (Self::Roll, Self::Kill(who) | Self::Pause(who))
            | (Self::Kill(who) | Self::Pause(who), Self::Roll) => Who::SERVICES.contains(&who),
            (Self::Roll | Self::RotateKey(_), Self::Roll | Self::RotateKey(_)) => true,
            (Self::RotateKey(index), Self::Kill(who) | Self::Pause(who))
            | (Self::Kill(who) | Self::Pause(who), Self::RotateKey(index)) => who == Who::Executor(index),
            (Self::Link(one, _), Self::Link(two, _)) => one == two,
            (Self::Cluster(_) | Self::Node(..), Self::Cluster(_) | Self::Node(..)) => true,
            (Self::Cluster(_) | Self::Node(..), Self::Pause(who))
            | (Self::Pause(who), Self::Cluster(_) | Self::Node(..)) => who == Who::Sandbox,
            (_, _) => false,
        }
    }
}

/// A fault with its place in the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) at: Duration,
    pub(crate) until: Duration,
    pub(crate) fault: Fault,
}

/// The faults of a run, in the order of their beginnings. The same arguments give the same faults.
pub(crate) fn draw(seed: u64, length: Duration) -> Vec<Planned> {
    let mut random = Random::new(seed, 0);
    let mut planned: Vec<Planned> = Vec::new();
    let mut at = Duration::from_millis(HEAD_START_MS);
    while at < length {
        let (fault, lasts_ms) = draw_fault(&mut random);
        let until = at + Duration::from_millis(lasts_ms);
        let under_way = planned.iter().filter(|earlier| earlier.until >= at);
        if !under_way.into_iter().any(|earlier| earlier.fault.collides(fault)) {
            planned.push(Planned { at, until: until.min(length), fault });
        }
        at += Duration::from_millis(random.between(PAUSE_MS.0, PAUSE_MS.1));
    }
    planned
}

/// A fault, and how many milliseconds it lasts.
fn draw_fault(random: &mut Random) -> (Fault, u64) {
    let lease_ms = u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX);
    match random.between(0, 99) {
        0..=16 => (Fault::Kill(random.pick(&EXECUTOR)), random.between(0, 3_000)),
        17..=29 => (Fault::Kill(random.pick(&Who::MORTAL)), random.between(0, 4_000)),
        30..=38 => (Fault::Pause(random.pick(&EXECUTOR)), random.between(lease_ms + 500, lease_ms + 4_000)),
        39..=45 => (Fault::Pause(random.pick(&OTHERS)), random.between(500, 4_000)),
        46..=49 => (Fault::WipeNats, random.between(0, 2_000)),
        50..=52 => (Fault::FlushRedis, 0),
        53..=56 => (Fault::Duplicate, 0),
        57..=58 => (Fault::Poison, 0),
        59..=61 => (Fault::Roll, 12_000),
        62..=63 => (Fault::RotateKey(random.pick(&[0, 1, 2])), random.between(1_000, 5_000)),
        64..=70 => (Fault::Cluster(draw_lie(random)), random.between(1_000, 5_000)),
        71..=84 => {
            let node = random.pick(&[0, 1, 2]);
            (Fault::Node(node, draw_lie_of_a_node(random)), random.between(1_000, 8_000))
        }
        _ => (Fault::Link(random.pick(&Link::ALL), draw_ailment(random)), random.between(500, 5_000)),
    }
}

const EXECUTOR: [Who; EXECUTORS] = [Who::Executor(0), Who::Executor(1), Who::Executor(2)];

/// Who else may stand still for a while.
const OTHERS: [Who; 7] =
    [Who::Gateway(0), Who::Gateway(1), Who::Router, Who::Postgres, Who::Nats, Who::Redis, Who::Sandbox];

fn draw_lie(random: &mut Random) -> Lie {
    let (lag, slow) = (Lie::Lag(random.between(2, 20)), Lie::Slow(random.between(100, 2_000)));
    random.pick(&[
        Lie::DropTransactions,
        Lie::HideTransactions,
        lag,
        Lie::Fail,
        slow,
        Lie::Freeze,
        Lie::RollBack,
        Lie::ExpireBlockhashes,
        Lie::CutSubscriptions,
    ])
}

/// One node alone may do worse than all together: the others know better.
fn draw_lie_of_a_node(random: &mut Random) -> Lie {
    let (lag, slow) = (Lie::Lag(random.between(2, 60)), Lie::Slow(random.between(100, 3_000)));
    let limited = Lie::Limited(random.pick(&[-32_429, -32_603, -32_004, -32_005]));
    random.pick(&[
        lag,
        slow,
        limited,
        Lie::NotFound,
        Lie::HideTransactions,
        Lie::Dead,
        Lie::Silent,
        Lie::Fail,
        Lie::HistoryHole,
        Lie::Withhold,
        Lie::ForgeRevert,
        Lie::ForgeFill,
        Lie::LastValidHeight,
        Lie::Height,
    ])
}

fn draw_ailment(random: &mut Random) -> Ailment {
    let latency = Ailment::Latency(Duration::from_millis(random.between(20, 1_500)));
    let throttle = Ailment::Throttle(u32::try_from(random.between(500, 20_000)).unwrap_or(u32::MAX));
    random.pick(&[
        latency,
        Ailment::Blackhole,
        Ailment::Reset,
        Ailment::HalfClose,
        throttle,
        Ailment::LoseAnswers,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_seed_draws_the_same_faults_for_ever() {
        assert_eq!(draw(7, MINUTE), draw(7, MINUTE));
        assert_ne!(draw(7, MINUTE), draw(8, MINUTE));
    }

    #[test]
    fn a_few_seeds_draw_every_kind() {
        let kinds: BTreeSet<String> =
            (0..20).flat_map(|seed| draw(seed, MINUTE)).map(|planned| planned.fault.kind()).collect();
        for who in Who::MORTAL {
            assert!(kinds.contains(&Fault::Kill(who).kind()), "{who:?}: {kinds:?}");
        }
        let expected = 6 + 7 + 6 + 5 + 1 + 9 + 14;
        assert_eq!(kinds.len(), expected, "kills, pauses, networks, stores, keys, cluster, nodes: {kinds:?}");
    }

    #[test]
    fn nothing_is_broken_twice_at_once_and_all_ends_with_the_run() {
        for seed in 0..20 {
            let planned = draw(seed, MINUTE);
            for (place, one) in planned.iter().enumerate() {
                assert!(one.until <= MINUTE);
                for other in planned[place + 1..].iter().filter(|other| other.at <= one.until) {
                    assert!(!one.fault.collides(other.fault), "{one:?} and {other:?}");
                }
            }
        }
    }
}
