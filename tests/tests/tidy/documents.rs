//! Documents: links, settings, numbers of invariants and decisions.

use crate::{assert_clean, contains_word, last_segment, read, root, sources};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

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
pub(crate) fn invariants() -> BTreeMap<String, Vec<String>> {
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

/// Every document of the project.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    folders.extend(
        ["tests", "tests/contract", "deploy", "deploy/k8s", "deploy/live", "deploy/systemd"]
            .map(|at| root().join(at)),
    );
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
pub(crate) fn headings(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter_map(|line| {
        let heading = line.strip_prefix('#')?.trim_start_matches('#').trim().to_lowercase();
        Some(heading.replace(' ', "-").replace(|c: char| !c.is_alphanumeric() && c != '-', ""))
    })
}
