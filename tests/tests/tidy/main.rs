//! The shape of the project, held by a test: which crate may use which, what is named where, how long
//! a file may be. Each failure says the rule.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod defects;
mod documents;
mod metrics;
mod names;
mod promql;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The arrows of the map in ARCHITECTURE.md: what each crate may use of ours.
const ARROWS: [(&str, &[&str]); 17] = [
    ("faults", &[]),
    ("order-core", &[]),
    ("service", &[]),
    ("amm", &["order-core"]),
    ("amm-programs", &["amm", "order-core"]),
    ("journal", &["faults", "order-core"]),
    ("chain", &["faults", "order-core"]),
    ("swap", &["amm", "chain", "order-core"]),
    ("cache", &["order-core"]),
    ("proto", &["order-core"]),
    ("gateway", &["journal", "cache", "proto", "service", "order-core"]),
    ("router", &["amm", "chain", "swap", "proto", "service", "order-core"]),
    ("executor", &["faults", "amm", "chain", "swap", "journal", "cache", "proto", "service", "order-core"]),
    ("sandbox", &["amm", "amm-programs", "service", "order-core"]),
    ("ops", &["amm", "chain", "swap", "journal", "executor", "order-core"]),
    ("xtask", &[]),
    ("system-tests", &["xtask", "proto", "order-core"]),
];

/// Names that only some folders may contain. A crate's own tests may speak to it as its clients do.
const TECHNOLOGIES: [(&str, &[&str]); 14] = [
    ("sqlx", &["crates/journal"]),
    ("async_nats", &["crates/journal"]),
    ("deadpool_redis", &["crates/cache"]),
    ("prost", &["crates/proto"]),
    ("opentelemetry", &["crates/service"]),
    ("tracing_opentelemetry", &["crates/service"]),
    ("tracing_subscriber", &["crates/service"]),
    ("amm::venues", &["crates/amm-programs"]),
    ("axum", &["crates/gateway", "crates/service", "crates/sandbox"]),
    ("litesvm", &["crates/sandbox"]),
    ("reqwest", &["crates/chain", "tests"]),
    ("tokio_tungstenite", &["crates/chain", "tests"]),
    ("solana_keypair", &["crates/chain", "crates/sandbox", "tests"]),
    ("Command::new", &["crates/xtask"]),
];

/// Modules from the bottom to the top: a file may import from modules below its own only. Each list is for the
/// files of some folders, and for the imports that begin with a word.
const LAYERS: [(&str, &str, &[&str]); 4] = [
    (
        "crates/amm/src/",
        "crate::",
        &[
            "account",
            "changes",
            "clock",
            "math",
            "program_error",
            "token_extension",
            "token",
            "swap",
            "venue",
            "concentrated",
            "venues",
            "registry",
            "market",
            "named",
        ],
    ),
    (
        "crates/amm/src/venues/*/",
        "super::",
        &[
            "program",
            "price",
            "offset",
            "amounts",
            "base_fee",
            "fee",
            "dynamic_fee",
            "oracle",
            "bin_array",
            "tick_array",
            "bitmap",
            "vault",
            "layout",
            "fees",
            "loaded",
            "walk",
            "totals",
            "reach",
            "instruction",
            "curve",
            "mod",
        ],
    ),
    (
        "crates/amm-programs/src/",
        "crate::",
        &[
            "bytes",
            "root",
            "full_range",
            "token",
            "anchor",
            "seed",
            "instruction",
            "execution",
            "program",
            "venues",
            "registry",
        ],
    ),
    (
        "crates/journal/src/",
        "crate::",
        &[
            "testing", "database", "accounts", "reading", "orders", "queue", "trading", "chain", "upkeep",
            "journal",
        ],
    ),
];

/// Where money is, floating point numbers are not.
const NO_FLOATS: [&str; 5] =
    ["crates/core", "crates/amm", "crates/amm-programs", "crates/journal", "crates/chain"];

/// A longer file holds more than one thing.
const LINES_MAX: usize = 500;

/// Names that say nothing about what is in a file.
const VAGUE_NAMES: [&str; 8] = ["utils", "util", "common", "helpers", "helper", "manager", "misc", "types"];

#[test]
fn dependencies_point_down_the_map() {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.into();
    let mut wrong = Vec::new();
    for manifest in manifests() {
        let text = read(&manifest);
        let package = package_name(&text);
        let Some(may) = allowed.get(package) else {
            wrong.push(format!("{package} is not on the map: add it to ARROWS and to ARCHITECTURE.md"));
            continue;
        };
        for used in dependencies(&text).filter(|used| allowed.contains_key(used)) {
            if !may.contains(&used) {
                wrong.push(format!("{package} may not depend on {used}"));
            }
        }
    }
    assert_clean(&wrong);
}

#[test]
fn each_technology_is_named_in_its_crate_alone() {
    let mut wrong = Vec::new();
    for (path, text) in sources().into_iter().filter(|(path, _)| !path.contains("/tests/")) {
        for (number, line) in code_lines(&text) {
            for (name, folders) in TECHNOLOGIES {
                if contains_word(line, name) && !folders.iter().any(|folder| path.starts_with(folder)) {
                    wrong.push(format!("{path}:{number}: `{name}` belongs in {}", folders.join(", ")));
                }
            }
        }
    }
    assert_clean(&wrong);
}

#[test]
fn imports_point_down_the_layers() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        for (folder, prefix, layers) in LAYERS {
            let Some(module) = module_in(folder, &path).filter(|module| *module != "lib") else { continue };
            let Some(own) = layers.iter().position(|layer| *layer == module) else {
                wrong.push(format!("{path}: `{module}` is in no layer: add it to LAYERS"));
                continue;
            };
            for (number, line) in code_lines(&text) {
                for used in line.split(prefix).skip(1).map(first_word) {
                    let above = layers.iter().skip(own + 1).any(|layer| *layer == used);
                    if above {
                        wrong.push(format!("{path}:{number}: `{used}` is above `{module}`"));
                    }
                }
            }
        }
    }
    assert_clean(&wrong);
}

/// The module in a folder that a file belongs to. A folder's `*` stands for one name.
fn module_in<'a>(folder: &str, path: &'a str) -> Option<&'a str> {
    let rest = match folder.split_once("*/") {
        None => path.strip_prefix(folder)?,
        Some((parent, _)) => path.strip_prefix(parent)?.split_once('/')?.1,
    };
    rest.split(['/', '.']).next()
}

fn first_word(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
}

#[test]
fn no_float_is_where_money_is() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        if NO_FLOATS.iter().any(|folder| path.starts_with(folder)) {
            for (number, line) in code_lines(&text) {
                if contains_word(line, "f64") || contains_word(line, "f32") {
                    wrong.push(format!("{path}:{number}: amounts are integers: {}", line.trim()));
                }
            }
        }
    }
    assert_clean(&wrong);
}

#[test]
fn files_are_short_and_say_what_is_in_them() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let lines = text.lines().count();
        if lines > LINES_MAX {
            wrong.push(format!("{path} has {lines} lines, more than {LINES_MAX}: split it by what it holds"));
        }
        if Path::new(&path)
            .iter()
            .any(|part| VAGUE_NAMES.contains(&part.to_string_lossy().trim_end_matches(".rs")))
        {
            wrong.push(format!("{path}: name it for what is in it"));
        }
        if path.ends_with("src/lib.rs") && !text.starts_with("//! ") {
            wrong.push(format!("{path}: the first line says what the crate is (`//! …`)"));
        }
    }
    assert_clean(&wrong);
}

fn assert_clean(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

fn root() -> PathBuf {
    xtask::workspace::root()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("reading {}: {error}", path.display()))
}

fn manifests() -> Vec<PathBuf> {
    let crates = std::fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let all: Vec<PathBuf> =
        crates.chain([root().join("tests")]).map(|folder| folder.join("Cargo.toml")).collect();
    all.into_iter().filter(|path| path.is_file()).collect()
}

fn package_name(manifest: &str) -> &str {
    let line = manifest.lines().find_map(|line| line.strip_prefix("name = ")).expect("a package has a name");
    line.trim_matches('"')
}

/// The keys of `[dependencies]` and `[build-dependencies]`.
fn dependencies(manifest: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    manifest.lines().filter_map(move |line| {
        if line.starts_with('[') {
            inside = ["[dependencies]", "[build-dependencies]"].contains(&line.trim());
            return None;
        }
        line.split(['.', ' ', '=']).next().filter(|key| inside && !key.is_empty() && !key.starts_with('#'))
    })
}

/// Every source file of the project, with its path from the root.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in ["crates", "tests"] {
        collect(&root().join(folder), &mut found);
    }
    assert!(found.len() > 20, "the sources were not found");
    found
}

fn collect(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.starts_with(root().join("tests/tests/tidy"))
        {
            let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            found.push((name, read(&path)));
        }
    }
}

/// The numbered lines without the comments.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines()).map(|(number, line)| (number, line.split("//").next().unwrap_or_default()))
}

fn contains_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(is_part) && !text[at + word.len()..].starts_with(is_part))
}

fn last_segment(name: &str) -> &str {
    name.trim_end_matches("()").rsplit("::").next().unwrap_or(name)
}
