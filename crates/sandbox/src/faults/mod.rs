//! Faults: what nodes do wrong on purpose, for as long as a script says.

mod script;

pub(crate) use script::{Failure, Fault, Script};

use crate::cluster::Delay;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde::Serialize;
use solana_signature::Signature;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// The most faults that are remembered, those that are over included.
const FAULTS_MAX: usize = 1_000;

/// The most transactions whose choice a fault keeps; later ones are drawn anew each time.
const CHOICES_MAX: usize = 100_000;

/// All faults.
#[derive(Default)]
pub(crate) struct Faults {
    scripts: Mutex<Scripts>,
    changes: watch::Sender<()>,
}

#[derive(Default)]
struct Scripts {
    last_id: u64,
    running: BTreeMap<u64, Running>,
}

/// A fault and what became of it.
struct Running {
    script: Script,
    ends: Option<Instant>,
    struck: u64,
    random: StdRng,
    choices: HashMap<Signature, bool>,
}

/// A fault as an operator sees it.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    id: u64,
    #[serde(flatten)]
    script: Script,
    /// True if it may still strike.
    active: bool,
    /// How many times it did.
    struck: u64,
}

/// The fate of a transaction that a node takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is in the next block.
    Executed,
    /// It is in a later block.
    Delayed(Delay),
    /// Nothing.
    Dropped,
}

/// How a transaction's balances are altered, in ten-thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Forgery {
    /// By how much less the payer received.
    pub(crate) less_output_bps: u16,
    /// By how much more the payer spent.
    pub(crate) more_input_bps: u16,
}

/// Where a fault has a chance to strike.
#[derive(Clone, Copy, Default)]
struct Chance<'a> {
    node: Option<usize>,
    method: Option<&'a str>,
    signature: Option<&'a Signature>,
}

impl Faults {
    /// Begins a fault, and answers with its number. The script has been checked.
    ///
    /// # Errors
    /// There are too many.
    pub(crate) fn add(&self, script: Script) -> anyhow::Result<u64> {
        let id = self.lock().add(script)?;
        self.changes.send_replace(());
        Ok(id)
    }

    /// All that are remembered, the oldest first.
    pub(crate) fn list(&self) -> Vec<Report> {
        let scripts = self.lock();
        scripts.running.iter().map(|(id, running)| running.report(*id)).collect()
    }

    /// Ends a fault; None if there is none of this number.
    pub(crate) fn remove(&self, id: u64) -> Option<Report> {
        let removed = self.lock().running.remove(&id);
        removed.map(|running| running.report(id))
    }

    /// Ends all.
    pub(crate) fn clear(&self) -> Vec<Report> {
        let removed = std::mem::take(&mut self.lock().running);
        removed.into_iter().map(|(id, running)| running.report(id)).collect()
    }

    /// Tells of each fault that begins.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// By how many slots a node is behind, in one answer.
    pub(crate) fn lag(&self, node: usize) -> u64 {
        let lag = self.strike(Chance { node: Some(node), ..Chance::default() }, |fault| {
            if let Fault::Lag { slots } = fault { Some(*slots) } else { None }
        });
        lag.unwrap_or(0)
    }

    /// By how many slots a node claims to be further than it is.
    pub(crate) fn claims(&self, node: usize) -> u64 {
        let ahead = self.strike(Chance { node: Some(node), ..Chance::default() }, |fault| {
            if let Fault::ClaimSlot { ahead } = fault { Some(*ahead) } else { None }
        });
        ahead.unwrap_or(0)
    }

    /// By how many slots each second account of a node's answer is older than the others.
    pub(crate) fn mixes(&self, node: usize) -> u64 {
        let slots = self.strike(Chance { node: Some(node), ..Chance::default() }, |fault| {
            if let Fault::MixAccounts { slots } = fault { Some(*slots) } else { None }
        });
        slots.unwrap_or(0)
    }

    /// By how much an answer of a node comes later.
    pub(crate) fn slowness(&self, node: usize, method: &str) -> Duration {
        let chance = Chance { node: Some(node), method: Some(method), signature: None };
        let slowness = self.strike(chance, |fault| {
            if let Fault::Slow { milliseconds } = fault {
                Some(Duration::from_millis(*milliseconds))
            } else {
                None
            }
        });
        slowness.unwrap_or(Duration::ZERO)
    }

    /// How a call of a method fails, and whether it is performed all the same.
    pub(crate) fn failure(&self, node: usize, method: &str) -> Option<(Failure, bool)> {
        let chance = Chance { node: Some(node), method: Some(method), signature: None };
        self.strike(chance, |fault| {
            if let Fault::Fail { how, performed } = fault { Some((how.clone(), *performed)) } else { None }
        })
    }

    /// The fate of a transaction that a node takes.
    pub(crate) fn fate(&self, node: usize, signature: &Signature) -> Fate {
        let chance = Chance { node: Some(node), method: None, signature: Some(signature) };
        let fate = self.strike(chance, |fault| {
            if let Fault::DelayTransactions(delay) = fault {
                Some(Fate::Delayed(*delay))
            } else {
                (*fault == Fault::DropTransactions).then_some(Fate::Dropped)
            }
        });
        fate.unwrap_or(Fate::Executed)
    }

    /// True if a node does not find a transaction that landed; `searched` when it looks into its
    /// history.
    pub(crate) fn hides(&self, node: usize, searched: bool) -> bool {
        let chance = Chance { node: Some(node), ..Chance::default() };
        let hides = self.strike(chance, |fault| {
            let hidden =
                matches!(fault, Fault::HideTransactions { from_history } if *from_history || !searched);
            hidden.then_some(())
        });
        hides.is_some()
    }

    /// True if a node tells a transaction's status without the transaction.
    pub(crate) fn withholds(&self, node: usize, signature: &Signature) -> bool {
        let chance = Chance { node: Some(node), method: None, signature: Some(signature) };
        self.strike(chance, |fault| (*fault == Fault::WithholdTransactions).then_some(())).is_some()
    }

    /// True if a node tells a transaction that landed well as reverted.
    pub(crate) fn forges_revert(&self, node: usize, signature: &Signature) -> bool {
        let chance = Chance { node: Some(node), method: None, signature: Some(signature) };
        self.strike(chance, |fault| (*fault == Fault::ForgeRevert).then_some(())).is_some()
    }

    /// How a node alters a transaction's balances.
    pub(crate) fn forged_fill(&self, node: usize, signature: &Signature) -> Option<Forgery> {
        let chance = Chance { node: Some(node), method: None, signature: Some(signature) };
        self.strike(chance, |fault| {
            if let Fault::ForgeFill { less_output_bps, more_input_bps } = fault {
                Some(Forgery { less_output_bps: *less_output_bps, more_input_bps: *more_input_bps })
            } else {
                None
            }
        })
    }

    /// True if a node's history lacks a slot, without its saying so.
    pub(crate) fn lacks(&self, node: usize, slot: u64) -> bool {
        let chance = Chance { node: Some(node), ..Chance::default() };
        let lacks = self.strike(chance, |fault| {
            let lacks =
                matches!(fault, Fault::HistoryHole { from, until } if (*from..=*until).contains(&slot));
            lacks.then_some(())
        });
        lacks.is_some()
    }

    /// The last valid block height that a node gives with a blockhash, in place of the right one.
    pub(crate) fn last_valid_block_height(&self, node: usize) -> Option<u64> {
        self.strike(Chance { node: Some(node), ..Chance::default() }, |fault| {
            if let Fault::ClaimLastValidBlockHeight { height } = fault { Some(*height) } else { None }
        })
    }

    /// By how much the block heights are too great that a node gives.
    pub(crate) fn heights_ahead(&self, node: usize) -> u64 {
        let ahead = self.strike(Chance { node: Some(node), ..Chance::default() }, |fault| {
            if let Fault::ClaimBlockHeight { ahead } = fault { Some(*ahead) } else { None }
        });
        ahead.unwrap_or(0)
    }

    /// The genesis hash that a node gives in place of the right one.
    pub(crate) fn genesis_hash(&self, node: usize) -> Option<String> {
        self.strike(Chance { node: Some(node), ..Chance::default() }, |fault| {
            if let Fault::ClaimGenesisHash { hash } = fault { Some(hash.clone()) } else { None }
        })
    }

    /// How many slots of history a node has left; None if it has all.
    pub(crate) fn history_slots(&self, node: usize) -> Option<u64> {
        self.strike(Chance { node: Some(node), ..Chance::default() }, |fault| {
            if let Fault::PruneHistory { slots } = fault { Some(*slots) } else { None }
        })
    }

    /// True if the next block is not produced.
    pub(crate) fn freezes(&self) -> bool {
        self.strike(Chance::default(), |fault| (*fault == Fault::FreezeSlots).then_some(())).is_some()
    }

    /// True if a node's connection with subscriptions is cut.
    pub(crate) fn cuts(&self, node: usize) -> bool {
        let chance = Chance { node: Some(node), ..Chance::default() };
        self.strike(chance, |fault| (*fault == Fault::CutSubscriptions).then_some(())).is_some()
    }

    /// True if a connection's notifications of a block are left out.
    pub(crate) fn mutes(&self, node: usize) -> bool {
        let chance = Chance { node: Some(node), ..Chance::default() };
        self.strike(chance, |fault| (*fault == Fault::MuteSubscriptions).then_some(())).is_some()
    }

    /// True if a connection's notifications of a block's accounts are left out.
    pub(crate) fn mutes_accounts(&self, node: usize) -> bool {
        let chance = Chance { node: Some(node), ..Chance::default() };
        self.strike(chance, |fault| (*fault == Fault::MuteAccounts).then_some(())).is_some()
    }

    /// The effect of the oldest fault that strikes.
    fn strike<T>(&self, chance: Chance<'_>, pick: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        let mut scripts = self.lock();
        let running = &mut scripts.running;
        running.values_mut().find_map(|running| {
            let picked = pick(&running.script.fault)?;
            running.strikes(chance).then_some(picked)
        })
    }

    fn lock(&self) -> MutexGuard<'_, Scripts> {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Scripts {
    fn add(&mut self, script: Script) -> anyhow::Result<u64> {
        if self.running.len() >= FAULTS_MAX {
            let over = self.running.iter().find(|(_, running)| !running.is_active()).map(|(id, _)| *id);
            let Some(over) = over else { anyhow::bail!("{FAULTS_MAX} faults are enough; remove some") };
            self.running.remove(&over);
        }
        self.last_id = self.last_id.saturating_add(1);
        let ends = script.duration_ms.map(Duration::from_millis);
        let running = Running {
            ends: ends.and_then(|duration| Instant::now().checked_add(duration)),
            struck: 0,
            random: StdRng::seed_from_u64(script.seed),
            choices: HashMap::new(),
            script,
        };
        self.running.insert(self.last_id, running);
        Ok(self.last_id)
    }
}

impl Running {
    fn strikes(&mut self, chance: Chance<'_>) -> bool {
        let elsewhere = self.script.node.is_some_and(|node| chance.node != Some(node));
        let other = self.script.method.as_deref().is_some_and(|method| chance.method != Some(method));
        if elsewhere || other || self.is_over() {
            return false;
        }
        let kept = chance.signature.filter(|_| self.script.keeps_choices());
        if let Some(choice) = kept.and_then(|signature| self.choices.get(signature)) {
            return *choice;
        }
        if self.is_spent() {
            return false;
        }
        let random = &mut self.random;
        let struck = self.script.is_struck_by(|all| random.random_range(0..all));
        self.struck = self.struck.saturating_add(u64::from(struck));
        if let Some(signature) = kept.filter(|_| self.choices.len() < CHOICES_MAX) {
            self.choices.insert(*signature, struck);
        }
        struck
    }

    fn is_active(&self) -> bool {
        !self.is_over() && (!self.is_spent() || self.script.keeps_choices())
    }

    fn is_over(&self) -> bool {
        self.ends.is_some_and(|ends| Instant::now() >= ends)
    }

    fn is_spent(&self) -> bool {
        self.script.count.is_some_and(|count| self.struck >= count)
    }

    fn report(&self, id: u64) -> Report {
        Report { id, script: self.script.clone(), active: self.is_active(), struck: self.struck }
    }
}

#[cfg(test)]
mod tests;
