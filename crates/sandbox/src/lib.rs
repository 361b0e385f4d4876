//! A local Solana cluster in one process: JSON-RPC and PubSub over an in-process VM, with seeded
//! pools whose programs are built in.
//!
//! Architecture invariants: nobody but this crate knows that the cluster is not a real one; it is
//! reached by the network only. What an account is at a commitment, which blockhashes are valid,
//! and what has landed follow the rules of real clusters. The ledger file is written before the
//! cluster answers, so that it can testify against everybody else.
//!
//! Each address that is listened on is a node of the one cluster. `POST /admin/faults` begins a
//! fault and answers with its `id`; `GET /admin/faults` lists all with how often they struck;
//! `DELETE /admin/faults/{id}` ends one, `DELETE /admin/faults` all. A script says what goes wrong,
//! and where, how often and for how long; everything but `fault` may be left out:
//!
//! ```json
//! { "fault": { "fail": { "how": { "http": { "status": 429, "retryAfterSeconds": 2 } } } },
//!   "node": 1, "method": "getSlot", "probabilityBps": 2500, "seed": 7, "count": 3, "durationMs": 5000 }
//! ```
//!
//! | `fault` | what goes wrong |
//! |---|---|
//! | `"dropTransactions"` | what is sent is taken and never executed, however often it is sent |
//! | `{"delayTransactions": {"slots": 5}}` | it is executed later; or `{"beforeExpiry": 0}`, in the last block its blockhash allows; or `{"afterExpiry": 1}`, too late |
//! | `{"hideTransactions": {"fromHistory": true}}` | what landed is not found; without `fromHistory` a search still finds it |
//! | `{"pruneHistory": {"slots": 100}}` | what landed earlier is not found, and `getFirstAvailableBlock` says so |
//! | `"withholdTransactions"` | a status is told, and `getTransaction` gives null |
//! | `"forgeRevert"` | what landed well is told as finalized and reverted |
//! | `{"forgeFill": {"lessOutputBps": 100, "moreInputBps": 100}}` | `getTransaction` tells of other amounts than were moved |
//! | `{"historyHole": {"from": 5, "until": 9}}` | the history lacks these slots, and `getFirstAvailableBlock` does not say so |
//! | `{"claimLastValidBlockHeight": {"height": 1}}` | `getLatestBlockhash` gives this height |
//! | `{"claimBlockHeight": {"ahead": 1000}}` | block heights are too great |
//! | `{"claimGenesisHash": {"hash": "…"}}` | `getGenesisHash` gives that of another cluster |
//! | `{"lag": {"slots": 40}}` | answers, simulations and notifications are of so many slots ago |
//! | `{"claimSlot": {"ahead": 40}}` | answers about accounts and slot notifications claim a later slot; with a lag of as many, old accounts look new |
//! | `{"mixAccounts": {"slots": 40}}` | in an answer with several accounts each second one is of so many slots before |
//! | `{"fail": {"how": …, "performed": true}}` | a method fails: `{"http": {"status": 500}}`, with `body` and `contentType` if they matter, `{"rpc": {"code": -32005}}`, `"reset"` or `"hang"`; with `performed` it does its work all the same |
//! | `{"slow": {"milliseconds": 400}}` | a method's answers come later |
//! | `"freezeSlots"` | no block is produced |
//! | `"cutSubscriptions"` | WebSockets are reset, at once and at each block |
//! | `"muteSubscriptions"` | notifications are left out without a word |
//! | `"muteAccounts"` | those of accounts are, and slots are told |
//!
//! `POST /admin/programs/{venue}` with `{"changed": true}` makes a built-in program keep a unit of what it
//! sells, `{"refuses": true}` makes it refuse every swap, and `{}` undoes it.
//!
//! `POST /admin/transaction-version-1` with `{"active": false}` has the cluster take no transactions of version 1 any
//! more, and with `true` take them again.
//!
//! Two things happen at once: `POST /admin/roll-back` with `{"slots": 5}` gives up the fork of the
//! last slots, whose transactions land again by themselves only with `"landAgainAfterSlots"`; and
//! `POST /admin/expire-blockhashes` makes so many blocks that no blockhash is valid any more.

mod admin;
mod cluster;
mod connection;
mod dump;
mod faults;
mod genesis;
mod listed;
mod network;
mod node;
mod pools;
mod prices;
mod programs;
mod pubsub;
mod rpc;
mod server;
mod token;
mod wallet;

pub use programs::ProgramFile;
pub use server::{Configuration, Server, bind, dump};

pub(crate) use server::App;
