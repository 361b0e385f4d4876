//! Who is at work: each process reports itself, and is forgotten when it stops.

use super::{Cache, Error};
use deadpool_redis::redis;
use order_core::{AccountAddress, order};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a report counts. Processes report three times as often.
const REPORT_TTL: Duration = Duration::from_secs(15);

const EXECUTORS: &str = "executors";
const GATEWAYS: &str = "gateways";

/// An executor's report of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutorReport {
    /// The process.
    pub id: uuid::Uuid,
    /// How many orders it works on at once, at most.
    pub capacity: u32,
    /// How many attempts it makes at an order, at most.
    pub attempts: u32,
    /// How long an attempt may take before anything is signed.
    pub attempt_timeout_seconds: u64,
    /// The orders it works on now.
    pub active: Vec<order::Id>,
    /// How many transactions wait for a human, because no node decides them.
    #[serde(default)]
    pub undecided: u64,
    /// The wallets that it signs with.
    #[serde(default)]
    pub wallets: Vec<AccountAddress>,
    /// The dependencies without which it cannot work and that do not answer it.
    #[serde(default)]
    pub missing: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct GatewayReport {
    connections: u64,
}

impl Cache {
    /// How often a process reports itself.
    pub const REPORT_EVERY: Duration = Duration::from_secs(5);

    /// Tells what an executor is doing. Best effort; repeat it every [`Cache::REPORT_EVERY`].
    pub async fn report_executor(&self, report: &ExecutorReport) {
        self.report(EXECUTORS, report.id, report).await;
    }

    /// Every executor that reported itself lately.
    ///
    /// # Errors
    /// Redis is of no help.
    pub async fn executors(&self) -> Result<Vec<ExecutorReport>, Error> {
        self.reports(EXECUTORS).await
    }

    /// Tells how many WebSockets a gateway holds open. Best effort; repeat it every
    /// [`Cache::REPORT_EVERY`].
    pub async fn report_connections(&self, gateway: uuid::Uuid, connections: u64) {
        self.report(GATEWAYS, gateway, &GatewayReport { connections }).await;
    }

    /// How many WebSockets all gateways together hold open.
    ///
    /// # Errors
    /// Redis is of no help.
    pub async fn connections(&self) -> Result<u64, Error> {
        let reports: Vec<GatewayReport> = self.reports(GATEWAYS).await?;
        Ok(reports.iter().map(|report| report.connections).fold(0, u64::saturating_add))
    }

    async fn report(&self, kind: &str, id: uuid::Uuid, report: &impl Serialize) {
        if let Err(error) = self.try_report(kind, id, report).await {
            tracing::debug!(%error, kind, "a report did not reach Redis");
        }
    }

    async fn try_report(&self, kind: &str, id: uuid::Uuid, report: &impl Serialize) -> Result<(), Error> {
        let body = serde_json::to_string(report).map_err(|error| Error::Refused(error.to_string()))?;
        let ttl_ms = u64::try_from(REPORT_TTL.as_millis()).unwrap_or(u64::MAX);
        let mut member = redis::cmd("SADD");
        member.arg(self.key(kind)).arg(id.to_string());
        self.command::<redis::Value>(&member).await?;
        let mut set = redis::cmd("SET");
        set.arg(self.report_key(kind, &id.to_string())).arg(body).arg("PX").arg(ttl_ms);
        self.command::<redis::Value>(&set).await.map(drop)
    }

    async fn reports<T: DeserializeOwned>(&self, kind: &str) -> Result<Vec<T>, Error> {
        let mut members = redis::cmd("SMEMBERS");
        members.arg(self.key(kind));
        let ids: Vec<String> = self.command(&members).await?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut get = redis::cmd("MGET");
        for id in &ids {
            get.arg(self.report_key(kind, id));
        }
        let bodies: Vec<Option<Vec<u8>>> = self.command(&get).await?;
        let mut reports = Vec::new();
        for (id, body) in ids.iter().zip(bodies) {
            match body {
                // A report of another version is as good as none.
                Some(body) => reports.extend(serde_json::from_slice(&body).ok()),
                None => self.forget(kind, id).await?,
            }
        }
        Ok(reports)
    }

    async fn forget(&self, kind: &str, id: &str) -> Result<(), Error> {
        let mut command = redis::cmd("SREM");
        command.arg(self.key(kind)).arg(id);
        self.command::<redis::Value>(&command).await.map(drop)
    }

    fn report_key(&self, kind: &str, id: &str) -> String {
        self.key(&format!("{kind}:{id}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use uuid::Uuid;

    #[tokio::test]
    async fn executors_are_known_by_their_latest_report() {
        let cache = testing::cache();
        let report = |id: u128, capacity, active: &[u128]| ExecutorReport {
            id: Uuid::from_u128(id),
            capacity,
            attempts: 3,
            attempt_timeout_seconds: 30,
            active: active.iter().map(|id| order::Id(Uuid::from_u128(*id))).collect(),
            undecided: 0,
            wallets: vec![AccountAddress::new([9; 32])],
            missing: vec!["cluster".to_owned()],
        };
        for said in [report(1, 10, &[]), report(2, 4, &[]), report(1, 10, &[7, 8])] {
            cache.report_executor(&said).await;
        }
        let mut known = cache.executors().await.unwrap();
        known.sort_by_key(|report| report.id);
        assert_eq!(known, [report(1, 10, &[7, 8]), report(2, 4, &[])]);
    }

    #[tokio::test]
    async fn who_stops_reporting_is_forgotten() {
        let cache = testing::cache();
        let silent = Uuid::from_u128(1);
        cache.report_connections(silent, 3).await;
        cache.report_connections(Uuid::from_u128(2), 4).await;
        assert_eq!(cache.connections().await.unwrap(), 7);
        let mut expire = redis::cmd("DEL");
        expire.arg(cache.report_key(GATEWAYS, &silent.to_string()));
        cache.command::<redis::Value>(&expire).await.unwrap();
        assert_eq!(cache.connections().await.unwrap(), 4);
        let mut members = redis::cmd("SMEMBERS");
        members.arg(cache.key(GATEWAYS));
        let members: Vec<String> = cache.command(&members).await.unwrap();
        assert_eq!(members, [Uuid::from_u128(2).to_string()]);
    }

    #[tokio::test]
    async fn without_redis_reports_are_dropped_and_reads_say_so() {
        let cache = testing::without_redis();
        cache.report_connections(Uuid::nil(), 1).await;
        assert!(cache.connections().await.is_err());
    }
}
