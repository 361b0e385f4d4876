//! The generated messages, client and server of `proto/dex/router/v1/router.proto`.
#![allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated code")]

tonic::include_proto!("dex.router.v1");

/// The descriptors of the whole contract, as gRPC reflection serves them.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/router_descriptor.bin"));
