//! Follows landings that ended their orders until they are finalized: a cluster may drop a confirmed block.

use crate::cluster::{self, keeping};
use crate::metrics;
use cache::Cache;
use chain::finality::{Finality, Recorded};
use chain::landing::Lander;
use chain::{Client, Commitment, Trade};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use journal::{History, Landing, Landings};
use order_core::Order;
use order_core::order::{self, Observation, State};
use std::collections::HashSet;
use std::time::Duration;

/// The pause between two looks.
const EVERY: Duration = Duration::from_secs(5);
/// Landings are finalized after 32 slots, so none is asked for before.
const AGE: Duration = Duration::from_secs(15);
/// A landing that is not finalized after this time is doubted, whatever nodes say.
const DOUBTED_AFTER: Duration = Duration::from_secs(45);
/// Landings of one look: as many as nodes tell in one call.
const LOOK_MAX: usize = Client::SIGNATURES_MAX;
/// Doubtful landings that are seen to at the same time. The others wait.
const DOUBTFUL_MAX: usize = 64;

/// The pause after a look for so many landings. As many as fit in a look mean that there are more.
const fn pause_after(taken: usize) -> Duration {
    if taken < LOOK_MAX { EVERY } else { Duration::ZERO }
}

/// A look for landings.
#[derive(Default)]
struct Looked {
    /// The number of those that were asked for.
    taken: usize,
    doubtful: Vec<Landing>,
}

/// Follows the landings of confirmed orders.
pub(crate) struct FinalityFollower {
    pub(crate) landings: Landings,
    pub(crate) history: History,
    pub(crate) cache: Cache,
    pub(crate) cluster: Client,
}

impl FinalityFollower {
    /// Looks again and again. What is doubtful is sent again, so that it lands where it was dropped, and the
    /// finalized chain's word is waited for.
    pub(super) async fn run(&self) {
        let (lander, watch) =
            Lander::new(self.cluster.clone(), Commitment::Finalized, cluster::explain, None);
        tokio::join!(watch, self.look_for_finality(lander));
    }

    async fn look_for_finality(&self, lander: Lander) {
        let mut seen_to = HashSet::new();
        let mut doubtful = FuturesUnordered::new();
        let mut pause = EVERY;
        loop {
            tokio::select! {
                Some(id) = doubtful.next() => {
                    seen_to.remove(&id);
                }
                () = tokio::time::sleep(pause) => {
                    let looked = self.look().await;
                    pause = pause_after(looked.taken);
                    for landing in looked.doubtful {
                        if seen_to.len() < DOUBTFUL_MAX && seen_to.insert(landing.order_id) {
                            doubtful.push(self.see_to(&lander, landing.order_id));
                        }
                    }
                }
            }
        }
    }

    /// Asks for the landings that are old enough, and ends the following of those that are finalized.
    async fn look(&self) -> Looked {
        let limit = u32::try_from(LOOK_MAX).unwrap_or(u32::MAX);
        let taken = self.landings.take(AGE, EVERY, limit).await;
        metrics::task_ran("finality", taken.is_ok());
        let landings = match taken {
            Ok(landings) if !landings.is_empty() => landings,
            Ok(_) => return Looked::default(),
            Err(error) => {
                tracing::debug!(%error, "the next look for landings follows");
                return Looked::default();
            }
        };
        let taken = landings.len();
        let recorded = |landing: &Landing| Recorded { signature: landing.signature, slot: landing.slot };
        let asked: Vec<_> = landings.iter().map(recorded).collect();
        let (mut finalized, mut doubtful) = (Vec::new(), Vec::new());
        for (landing, finality) in landings.into_iter().zip(self.cluster.finality(&asked).await) {
            match finality {
                Finality::Final => finalized.push(landing.order_id),
                Finality::Open if landing.age < DOUBTED_AFTER => {}
                Finality::Open | Finality::Doubtful => doubtful.push(landing),
            }
        }
        self.forget(&finalized).await;
        Looked { taken, doubtful }
    }

    async fn forget(&self, finalized: &[order::Id]) {
        if let Err(error) = self.landings.finalized(finalized).await {
            tracing::debug!(%error, "landings that are finalized are asked for again");
        }
    }

    /// Waits for the finalized chain's word on an order's landing, and records it if it is another one.
    async fn see_to(&self, lander: &Lander, id: order::Id) -> order::Id {
        if let Err(error) = self.compare_with_finalized(lander, id).await {
            tracing::warn!(order.id = %id, %error, "a landing could not be followed; it is asked for again");
        }
        id
    }

    async fn compare_with_finalized(&self, lander: &Lander, id: order::Id) -> anyhow::Result<()> {
        let history = self.history.read(id, 0).await?.unwrap_or_default();
        let order = Order::replay(id, &history)?;
        let State::Confirmed { min_out, transaction, fill, .. } = order.state() else {
            self.forget(&[id]).await;
            return Ok(());
        };
        let signature = transaction.signature;
        tracing::warn!(order.id = %id, %signature, "a landing is not finalized in time; it is sent again");
        let trade = keeping(Trade::of(id, order.intent(), *min_out, transaction)?);
        match lander.land(transaction, &trade).await? {
            Observation::Landed { fill: told } if told.is_none() || told == *fill => self.forget(&[id]).await,
            observation => {
                // One of several executors records it, and alarms.
                if let Some(recorded) = self.landings.roll_back(id, observation.clone()).await? {
                    metrics::rolled_back(&observation);
                    tracing::error!(
                        order.id = %id, %signature, ?observation,
                        "the cluster has dropped the block in which an order landed: its end is corrected"
                    );
                    self.cache.publish(id, &recorded).await;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_that_was_full_is_followed_by_another_at_once() {
        assert_eq!(pause_after(0), EVERY);
        assert_eq!(pause_after(LOOK_MAX - 1), EVERY);
        assert_eq!(pause_after(LOOK_MAX), Duration::ZERO);
    }
}
