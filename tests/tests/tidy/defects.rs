//! Deliberate mistakes: each can be made in today's sources, and the sources have none.

use crate::documents::invariants;
use crate::{assert_clean, contains_word, read, root, sources};
use std::collections::BTreeSet;
use xtask::defect::Finder;

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
