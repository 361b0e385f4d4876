use crate::cargo::{self, Interrupt};
use anyhow::{Context, Result};
use clap::Args;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;
use xtask::install;
use xtask::validator::{PROGRAM, VERSION};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The test validator; else the one on the PATH, or the one that an earlier run has built, or it is built now,
    /// which takes 20 minutes and more
    #[arg(long)]
    validator: Option<PathBuf>,
    /// A folder with pool programs, each an ELF file ADDRESS.so, and with accounts, each a file ADDRESS.json as
    /// `solana account --output json` writes it, which count before those of the sandbox
    #[arg(long)]
    given: Option<PathBuf>,
    /// Trades without a lookup table, so that swaps over several pools take transactions of version 1
    #[arg(long)]
    without_lookup_table: bool,
    /// Writes what the validator says into tests/real_node/recorded.json, which tests hold the sandbox to
    #[arg(long)]
    record: bool,
}

/// Builds the services and becomes the program that tries them on a real node.
pub(crate) fn run(options: &Options) -> Result<()> {
    let interrupt = Interrupt::install()?;
    println!("[1/2] Building the services");
    cargo::run(&["build", "--workspace", "--bins"], &[], &interrupt)?;
    println!("[2/2] Looking for {PROGRAM}");
    let validator = match &options.validator {
        Some(path) => path.clone(),
        None => find_or_build(&interrupt)?,
    };
    let program = cargo::programs()?.join("real-node");
    let mut command = Command::new(&program);
    command.arg("--validator").arg(validator);
    if let Some(given) = &options.given {
        command.arg("--given").arg(given);
    }
    if options.without_lookup_table {
        command.arg("--without-lookup-table");
    }
    if options.record {
        command.arg("--record");
    }
    Err(command.exec()).with_context(|| format!("starting {}", program.display()))
}

/// The validator on the PATH, or else one of the version that the sandbox is modelled on, built in the target folder.
fn find_or_build(interrupt: &Interrupt) -> Result<PathBuf> {
    if let Some(found) = install::find(PROGRAM) {
        return Ok(found);
    }
    let folder = cargo::target()?.join("agave");
    let built = folder.join("bin").join(PROGRAM);
    if built.is_file() {
        return Ok(built);
    }
    println!(
        "Building version {VERSION}; it needs clang, cmake, pkg-config, protoc and the headers of udev and OpenSSL"
    );
    let root = folder.display().to_string();
    let arguments =
        ["install", "agave-validator", "--version", VERSION, "--locked", "--bin", PROGRAM, "--root", &root];
    // Fast to build rather than fast: it serves one client.
    let environment = [
        ("CARGO_TARGET_DIR", folder.join("build").display().to_string()),
        ("CARGO_PROFILE_RELEASE_LTO", "off".to_owned()),
        ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1".to_owned()),
        ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16".to_owned()),
    ];
    cargo::run(&arguments, &environment, interrupt)
        .with_context(|| format!("building {PROGRAM}; give your own with --validator"))?;
    Ok(built)
}
