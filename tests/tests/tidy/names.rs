//! Names and comments: words of the glossary, each word for one thing, and the noun first.

use crate::{assert_clean, code_lines, sources};
use std::collections::BTreeMap;

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

/// First words of doc comments that make the reader wait for the noun.
const LATE_NOUNS: [&str; 3] = ["What", "Whether", "Whoever"];

#[test]
fn doc_comments_name_the_noun_first() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let mut before = "";
        for (number, line) in (1usize..).zip(text.lines().map(str::trim_start)) {
            let comment = line.strip_prefix("/// ").or_else(|| line.strip_prefix("//! "));
            let first = comment.and_then(|comment| comment.split_whitespace().next());
            if first.is_some_and(|first| LATE_NOUNS.contains(&first)) && !continues(before) {
                wrong.push(format!("{path}:{number}: name the noun first: {line}"));
            }
            before = line;
        }
    }
    assert_clean(&wrong);
}

/// True for a line of a comment whose sentence goes on in the next one.
fn continues(line: &str) -> bool {
    (line.starts_with("/// ") || line.starts_with("//! ")) && !line.ends_with(['.', ':'])
}
