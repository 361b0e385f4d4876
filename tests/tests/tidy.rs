//! The shape of the project, held by a test: which crate may use which, what is named where, how long
//! a file may be. Each failure says the rule.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use xtask::defect::Finder;

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
    ("ops", &["amm", "chain", "swap", "journal", "order-core"]),
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
    ("solana_keypair", &["crates/chain", "crates/sandbox"]),
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
            "bin_array",
            "tick_array",
            "vault",
            "layout",
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
        &["testing", "database", "reading", "orders", "queue", "trading", "chain", "upkeep", "journal"],
    ),
];

/// Where money is, floating point numbers are not.
const NO_FLOATS: [&str; 5] =
    ["crates/core", "crates/amm", "crates/amm-programs", "crates/journal", "crates/chain"];

/// A longer file holds more than one thing.
const LINES_MAX: usize = 500;

/// Names that say nothing about what is in a file.
const VAGUE_NAMES: [&str; 8] = ["utils", "util", "common", "helpers", "helper", "manager", "misc", "types"];

/// Names of types that have lost to another word of the glossary.
const LOST_NAMES: [&str; 10] =
    ["Anchor", "Backlog", "Bridge", "Catalogue", "Division", "Lane", "Leg", "Room", "Tradables", "Way"];

/// Public types that have their name from several crates; a new one is to have a name of its own.
const REPEATED_NAMES: [&str; 8] =
    ["Configuration", "Error", "Id", "Notice", "Pool", "Recorded", "Server", "Snapshot"];

#[test]
fn words_that_lost_do_not_come_back() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        for (number, name) in types(&text) {
            if LOST_NAMES.contains(&name) {
                wrong.push(format!("{path}:{number}: `{name}` has another word in crates/core/README.md"));
            }
        }
    }
    assert_clean(&wrong);
}

#[test]
fn public_types_have_names_of_their_own() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, text) in sources().into_iter().filter(|(path, _)| !path.contains("tests")) {
        for (number, line) in code_lines(&text).filter(|(_, line)| line.starts_with("pub ")) {
            if let Some((_, name)) = types(line).next() {
                places.entry(name.to_owned()).or_default().push(format!("{path}:{number}"));
            }
        }
    }
    let repeated = places.iter().filter(|(_, places)| places.len() > 1);
    let wrong: Vec<String> = repeated
        .clone()
        .filter(|(name, _)| !REPEATED_NAMES.contains(&name.as_str()))
        .map(|(name, places)| format!("`{name}` is the name of several types: {}", places.join(", ")))
        .collect();
    assert_clean(&wrong);
    let now: Vec<&str> = repeated.map(|(name, _)| name.as_str()).collect();
    assert_eq!(now, REPEATED_NAMES, "take what is repeated no more out of the list");
}

/// The types that a text defines, with their lines.
fn types(text: &str) -> impl Iterator<Item = (usize, &str)> {
    code_lines(text).filter_map(|(number, line)| {
        let words: Vec<&str> = line.split_whitespace().take(4).collect();
        let at = words.iter().position(|word| ["struct", "enum", "trait", "type"].contains(word))?;
        let name = words.get(at.checked_add(1)?)?.split(|c: char| !c.is_alphanumeric()).next()?;
        (words[..at].iter().all(|word| word.starts_with("pub"))).then_some((number, name))
    })
}

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

/// A link of the form [`name`](path.rs) in a document means that `name` is in that file. Any other link leads to a
/// file or a folder, and its anchor to a heading.
#[test]
fn links_of_the_documents_lead_somewhere() {
    let mut wrong = Vec::new();
    let mut links = 0;
    for document in documents() {
        let text = read(&document);
        let folder = document.parent().expect("a document is in a folder");
        for (name, target) in document_links(&text) {
            links += 1;
            if let Some(fault) = fault_of_link(&document, folder, name, target) {
                wrong.push(format!("{}: {fault}", document.display()));
            }
        }
    }
    assert!(links > 40, "the documents have lost their links");
    assert_clean(&wrong);
}

fn fault_of_link(document: &Path, folder: &Path, name: &str, target: &str) -> Option<String> {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() { document.to_owned() } else { folder.join(file) };
    if !path.exists() {
        return Some(format!("there is no {target}"));
    }
    if !anchor.is_empty() && !headings(&read(&path)).any(|heading| heading == anchor) {
        return Some(format!("{file} has no heading #{anchor}"));
    }
    let code = name.strip_prefix('`').and_then(|name| name.strip_suffix('`'))?;
    let names_a_place = code.contains('/') || Path::new(code).extension().is_some();
    let found = names_a_place || path.is_dir() || contains_word(&read(&path), last_segment(code));
    (!found).then(|| format!("there is no `{code}` in {target}"))
}

#[test]
fn settings_are_documented_as_the_programs_explain_them() {
    let this = std::env::current_exe().unwrap();
    let programs = this.ancestors().nth(2).expect("this program is in a folder of the programs' folder");
    xtask::configuration::check(programs).unwrap();
}

/// Every invariant of ARCHITECTURE.md is checked by its number in the chaos run, and no other is.
#[test]
fn invariants_have_one_numbering() {
    let listed: BTreeSet<String> = invariants().into_keys().filter(|number| !number.is_empty()).collect();
    let mut checked = BTreeSet::new();
    for (path, text) in sources() {
        if path.starts_with("tests/chaos/checker/") && !path.ends_with("tests.rs") {
            let reported = text.split("\"I").skip(1).filter_map(|rest| rest.split_once(' '));
            checked.extend(reported.map(|(number, _)| format!("I{number}")));
        }
    }
    assert_eq!(listed, checked);
}

/// The lines of the invariants in ARCHITECTURE.md by their number; those without a number have one of none.
fn invariants() -> BTreeMap<String, Vec<String>> {
    let text = read(&root().join("ARCHITECTURE.md"));
    let (_, section) = text.split_once("\n## Invariants\n").expect("ARCHITECTURE.md lists the invariants");
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut invariants: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in section.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let number = line.split('|').nth(1).unwrap_or_default().trim();
        invariants.entry(number.to_owned()).or_default().push(line.to_owned());
    }
    invariants
}

/// The decisions of ARCHITECTURE.md are numbered from 1 in their order, so that a number means one of them.
#[test]
fn decisions_are_numbered() {
    let text = read(&root().join("ARCHITECTURE.md"));
    let (_, section) = text.split_once("\n## Decisions\n").expect("ARCHITECTURE.md lists the decisions");
    let section = section.split("\n## ").next().unwrap_or_default();
    let decisions: Vec<&str> = section.lines().filter(|line| line.starts_with("* ")).collect();
    assert!(!decisions.is_empty());
    for (number, line) in (1..).zip(decisions) {
        assert!(line.starts_with(&format!("* **D{number}. ")), "expected D{number}: {line}");
    }
}

/// Each deliberate mistake has its place in the sources of today, a finder that exists, and its lines in the
/// documents.
#[test]
fn deliberate_mistakes_can_be_made_and_found() {
    let defects = xtask::defect::all().unwrap();
    xtask::defect::patched(&defects).unwrap_or_else(|error| panic!("{error:#}"));
    let invariants = invariants();
    let exists = |finder: &Finder| match finder {
        Finder::Chaos(broken) => broken.iter().all(|number| invariants.contains_key(number)),
        Finder::Test(name) => name.split_once("::").is_some_and(|(file, test)| {
            let path = root().join(format!("tests/tests/system/{file}.rs"));
            path.is_file() && contains_word(&read(&path), test)
        }),
    };
    let missing = defects.iter().filter(|defect| !exists(&defect.finder));
    assert_clean(&missing.map(|defect| format!("{}: nothing finds it", defect.name)).collect::<Vec<_>>());

    let text = read(&root().join("tests/README.md"));
    let rows = text.split_once("\n| mistake |").expect("tests/README.md lists the mistakes").1.lines();
    let rows = rows.skip(2).take_while(|row| row.starts_with('|'));
    let listed: BTreeSet<String> =
        rows.map(|row| row.split(" | ").take(2).collect::<Vec<_>>().join(" | ")).collect();
    let expected = defects.iter().map(|defect| format!("| `{}` | {}", defect.name, defect.mistake));
    assert_eq!(listed, expected.collect(), "the mistakes in tests/README.md");

    let shown = invariants.values().flatten().filter_map(|line| line.split('|').rev().nth(1));
    let shown: BTreeSet<&str> = shown.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    let names = defects.iter().map(|defect| defect.name.as_str());
    assert_eq!(shown, names.collect(), "the defects in ARCHITECTURE.md");
}

#[test]
fn shipped_sources_name_no_deliberate_mistake() {
    let defects = xtask::defect::all().unwrap();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let ships = path.starts_with("crates/") && !path.starts_with("crates/xtask/");
        let names = defects.iter().map(|defect| defect.name.as_str()).chain(["DEFECT"]);
        for name in names.filter(|name| ships && contains_word(&text, name)) {
            wrong.push(format!("{path}: `{name}` belongs in tests/defects"));
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
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tidy.rs") {
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

/// Every document of the project.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root(), root().join("tests"), root().join("deploy")];
    let crates = std::fs::read_dir(root().join("crates")).unwrap();
    folders.extend(crates.map(|entry| entry.unwrap().path()));
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        found.extend(files.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    found
}

/// The links to files of the project: text and target.
fn document_links(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('[').skip(1).filter_map(|rest| {
        let (name, rest) = rest.split_once("](")?;
        let (target, _) = rest.split_once(')')?;
        (!target.contains("://") && !name.contains('\n')).then_some((name, target))
    })
}

/// The anchors of a document's headings.
fn headings(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter_map(|line| {
        let heading = line.strip_prefix('#')?.trim_start_matches('#').trim().to_lowercase();
        Some(heading.replace(' ', "-").replace(|c: char| !c.is_alphanumeric() && c != '-', ""))
    })
}
