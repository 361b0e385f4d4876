//! Starts the whole system as real processes, and takes it down again.
//!
//! Architecture invariants: every process is in a group of its own, is ended when the one that started
//! it ends for whatever reason, and nothing else is ever ended. Readiness is asked for, never assumed
//! after a pause. It knows the services by their environment variables and ports alone, so it is built
//! before all of them, in seconds.

pub mod alerts;
pub mod browser;
pub mod configuration;
pub mod defect;
mod guardian;
mod http;
pub mod install;
pub mod login;
pub mod metric_table;
pub mod patch;
pub mod port;
pub mod postgres;
pub mod process;
mod scram;
pub mod servers;
pub mod stack;
mod user;
pub mod validator;
pub mod workspace;

pub use login::Login;
pub use process::{Process, Signal, Supervisor};
pub use servers::Servers;
pub use stack::Stack;
