//! The promises of the engine, shown on real processes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod accounts;
mod ailing_nodes;
mod amounts;
mod bad_input;
mod browsers;
mod conversation;
mod crash;
mod discovery;
mod doorbell;
mod drift;
mod evidence;
mod finality;
mod going_live;
mod guards;
mod limits;
mod load;
mod lookup_tables;
mod many_orders;
mod nodes;
mod one_order;
mod outages;
mod pages;
mod privileges;
mod routes;
mod senders;
mod sharing;
mod stopping;
mod subscribers;
mod surfaces;
mod tracing;
mod transaction_versions;
mod venues;
mod wallets;
