//! Makes the local cluster lie, through its admin port.

use crate::schedule::Lie;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(2);

/// Slots of a fork that is given up: more than real clusters ever did, for confirmed blocks are among them, and
/// blockhashes, so that some landings are gone for good.
const ROLLED_BACK_SLOTS: u64 = 4;
const LAND_AGAIN_AFTER_SLOTS: u64 = 3;

/// Begins a lie, of one node or of all, that lasts until [`heal`].
pub(crate) fn begin(cluster: SocketAddr, node: Option<usize>, lie: Lie) -> Result<()> {
    let (path, mut body) = request(lie);
    if let Some(node) = node {
        body["node"] = node.into();
    }
    call(cluster, "POST", path, &body)
}

/// Ends all lies.
pub(crate) fn heal(cluster: SocketAddr) -> Result<()> {
    call(cluster, "DELETE", "/admin/faults", &Value::Null)
}

fn request(lie: Lie) -> (&'static str, Value) {
    const FAULTS: &str = "/admin/faults";
    match lie {
        Lie::DropTransactions => (FAULTS, json!({ "fault": "dropTransactions", "probabilityBps": 5_000 })),
        Lie::HideTransactions => (FAULTS, json!({ "fault": { "hideTransactions": {} } })),
        Lie::NotFound => (FAULTS, json!({ "fault": { "hideTransactions": { "fromHistory": true } } })),
        Lie::HistoryHole => (FAULTS, json!({ "fault": { "historyHole": {} } })),
        Lie::Withhold => (FAULTS, json!({ "fault": "withholdTransactions" })),
        Lie::ForgeRevert => (FAULTS, json!({ "fault": "forgeRevert" })),
        Lie::ForgeFill => (FAULTS, json!({ "fault": { "forgeFill": { "lessOutputBps": 5_000 } } })),
        Lie::LastValidHeight => {
            (FAULTS, json!({ "fault": { "claimLastValidBlockHeight": { "height": 1 } } }))
        }
        Lie::Height => (FAULTS, json!({ "fault": { "claimBlockHeight": { "ahead": 1_000_000 } } })),
        Lie::Dead => (FAULTS, json!({ "fault": { "fail": { "how": "reset" } } })),
        Lie::Silent => (FAULTS, json!({ "fault": { "fail": { "how": "hang" } } })),
        Lie::Lag(slots) => (FAULTS, json!({ "fault": { "lag": { "slots": slots } } })),
        Lie::Fail => {
            let fail = json!({ "how": { "http": { "status": 503 } }, "performed": true });
            (FAULTS, json!({ "fault": { "fail": fail }, "probabilityBps": 3_300 }))
        }
        Lie::Slow(milliseconds) => (FAULTS, json!({ "fault": { "slow": { "milliseconds": milliseconds } } })),
        Lie::Freeze => (FAULTS, json!({ "fault": "freezeSlots" })),
        Lie::Limited(code) => {
            let error = json!({ "code": code, "message": "Too many requests" });
            let body = json!({ "jsonrpc": "2.0", "error": error, "id": 1 }).to_string();
            let how = json!({ "http": { "status": 429, "body": body, "contentType": "application/json" } });
            (FAULTS, json!({ "fault": { "fail": { "how": how } }, "probabilityBps": 5_000 }))
        }
        Lie::CutSubscriptions => (FAULTS, json!({ "fault": "cutSubscriptions" })),
        Lie::RollBack => (
            "/admin/roll-back",
            json!({ "slots": ROLLED_BACK_SLOTS, "landAgainAfterSlots": LAND_AGAIN_AFTER_SLOTS }),
        ),
        Lie::ExpireBlockhashes => ("/admin/expire-blockhashes", json!({})),
    }
}

fn call(cluster: SocketAddr, method: &str, path: &str, body: &Value) -> Result<()> {
    let body = body.to_string();
    let mut stream = TcpStream::connect_timeout(&cluster, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {cluster}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).context("an answer without a status")?;
    ensure!(status == "200", "{method} {path}: {answer}");
    Ok(())
}
