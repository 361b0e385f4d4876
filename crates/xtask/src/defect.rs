//! The deliberate mistakes that the checks must find: each a patch in `tests/defects`.

use crate::patch::{Files, Patch};
use crate::workspace;
use anyhow::{Context, Result};
use std::path::Path;

/// The folder with the patches.
const FOLDER: &str = "tests/defects";

/// The line of a patch that names the finder.
const FOUND_BY: &str = "Found by: ";

/// A mistake that a patched service makes when its environment has `DEFECT` with this name.
#[derive(Debug)]
pub struct Defect {
    /// The name of the patch, without its ending.
    pub name: String,
    /// The mistake in words: the first line of the patch, without its full stop.
    pub mistake: String,
    /// The check that must find it.
    pub finder: Finder,
    patch: Patch,
}

/// The check that must find a defect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finder {
    /// The chaos check, by one of these invariants: a run that breaks others has found something else.
    Chaos(Vec<String>),
    /// A system test that passes without the defect.
    Test(String),
}

/// Reads every defect, in the order of their names.
///
/// # Errors
/// A patch cannot be read, or does not say what it is and what finds it.
pub fn all() -> Result<Vec<Defect>> {
    let folder = workspace::root().join(FOLDER);
    let entries = std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut defects = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("reading {}", folder.display()))?.path();
        defects.push(read(&path).with_context(|| format!("reading {}", path.display()))?);
    }
    defects.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(defects)
}

/// The files that the patches of all `defects` change together, as they are then.
///
/// # Errors
/// The sources have changed where a patch belongs, or two patches change the same lines.
pub fn patched(defects: &[Defect]) -> Result<Files> {
    let read = |path: &str| {
        std::fs::read_to_string(workspace::root().join(path)).with_context(|| format!("reading {path}"))
    };
    let mut files = Files::new();
    for defect in defects {
        let renew =
            || format!("{FOLDER}/{}.patch does not apply; tests/README.md says how to renew it", defect.name);
        defect.patch.apply(&mut files, read).with_context(renew)?;
    }
    Ok(files)
}

fn read(path: &Path) -> Result<Defect> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    parse(name, &std::fs::read_to_string(path)?)
}

fn parse(name: String, text: &str) -> Result<Defect> {
    let patch = Patch::parse(text)?;
    let mistake = patch.header.lines().next().context("it does not say what the mistake is")?;
    let mistake = mistake.trim_end_matches('.').to_owned();
    let finder = patch.header.lines().find_map(|line| line.strip_prefix(FOUND_BY));
    let finder = finder.with_context(|| format!("it has no line `{FOUND_BY}…`"))?;
    let finder = match finder.contains("::") {
        true => Finder::Test(finder.to_owned()),
        false => Finder::Chaos(finder.split(", ").map(str::to_owned).collect()),
    };
    Ok(Defect { name, mistake, finder, patch })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_says_what_it_is_and_what_finds_it() {
        let change = "diff --git a/one b/one\n--- a/one\n+++ b/one\n@@ -1 +1 @@\n-old\n+new\n";
        let defect = |header: &str| parse("name".to_owned(), &format!("{header}\n{change}"));
        let by_chaos = defect("A mistake.\n\nFound by: I4, I11\n").unwrap();
        assert_eq!(by_chaos.mistake, "A mistake");
        assert_eq!(by_chaos.finder, Finder::Chaos(vec!["I4".to_owned(), "I11".to_owned()]));
        let by_test = defect("A mistake.\n\nFound by: file::test\n").unwrap();
        assert_eq!(by_test.finder, Finder::Test("file::test".to_owned()));
        assert!(defect("A mistake.\n").is_err());
    }
}
