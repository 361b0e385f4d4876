//! Compiles the wire contract, and keeps its descriptors for reflection. No protoc is needed.

use protox::prost::Message;
use std::error::Error;
use std::path::PathBuf;

const ROOT: &str = "../../proto";
const FILE: &str = "../../proto/dex/router/v1/router.proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={ROOT}");
    let descriptors = protox::compile([FILE], [ROOT])?;
    let target = PathBuf::from(std::env::var("OUT_DIR")?).join("router_descriptor.bin");
    std::fs::write(target, descriptors.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
