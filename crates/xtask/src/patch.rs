//! Patches in git's format. The lines themselves say where a change belongs, their numbers do not matter.

use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// The texts of files by their paths from the root of the project.
pub type Files = BTreeMap<String, String>;

/// Changes of some files, with a text that says what they are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// The lines before the first file.
    pub header: String,
    hunks: Vec<Hunk>,
}

/// Lines of a file, and the lines that take their place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Hunk {
    path: String,
    old: String,
    new: String,
}

impl Patch {
    /// Reads a patch as `git diff` writes it.
    ///
    /// # Errors
    /// It changes no line, or has a line that is not part of a patch.
    pub fn parse(text: &str) -> Result<Self> {
        let (header, changes) = text.split_once("diff --git ").context("it changes no file")?;
        let mut hunks: Vec<Hunk> = Vec::new();
        let mut path = "";
        // Until the first `@@` of a file its lines are about the file.
        let mut inside = false;
        for line in changes.lines().skip(1) {
            if line.starts_with("diff --git ") {
                inside = false;
            } else if line.starts_with("@@ ") {
                inside = true;
                hunks.push(Hunk { path: path.to_owned(), ..Hunk::default() });
            } else if !inside {
                path = line.strip_prefix("+++ b/").unwrap_or(path);
            } else {
                hunks.last_mut().context("a line without a place")?.read(line)?;
            }
        }
        ensure!(hunks.iter().any(|hunk| hunk.old != hunk.new), "it changes nothing");
        Ok(Self { header: header.to_owned(), hunks })
    }

    /// Applies the patch to `files`. `read` gives the text of a file that is not among them yet.
    ///
    /// # Errors
    /// The lines to change are not in their file, or are there more than once.
    pub fn apply(&self, files: &mut Files, read: impl Fn(&str) -> Result<String>) -> Result<()> {
        for hunk in &self.hunks {
            let text = match files.entry(hunk.path.clone()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(read(&hunk.path)?),
            };
            hunk.apply(text).with_context(|| format!("{} has changed", hunk.path))?;
        }
        Ok(())
    }
}

impl Hunk {
    fn read(&mut self, line: &str) -> Result<()> {
        let (kind, rest) = line.split_at_checked(1).unwrap_or((" ", ""));
        for (text, kinds) in [(&mut self.old, [" ", "-"]), (&mut self.new, [" ", "+"])] {
            if kinds.contains(&kind) {
                text.push_str(rest);
                text.push('\n');
            }
        }
        ensure!([" ", "-", "+"].contains(&kind), "`{line}` is no line of a patch");
        Ok(())
    }

    fn apply(&self, text: &mut String) -> Result<()> {
        let starts_a_line = |at: &usize| *at == 0 || text[..*at].ends_with('\n');
        let places: Vec<usize> =
            text.match_indices(&self.old).map(|(at, _)| at).filter(starts_a_line).collect();
        ensure!(places.len() == 1, "it has these lines {} times, not once:\n{}", places.len(), self.old);
        let range = places[0]..places[0] + self.old.len();
        text.replace_range(range, &self.new);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "Why.\n\ndiff --git a/one b/one\nindex 1..2 100644\n--- a/one\n+++ b/one\n\
                         @@ -7,3 +7,3 @@ fn somewhere()\n above\n--- old\n+++ new\n below\n\
                         @@ -20 +20,2 @@\n last\n+line\n\
                         diff --git a/two b/two\n--- a/two\n+++ b/two\n@@ -1 +1 @@\n-old\n+new\n";

    fn apply(one: &str, two: &str) -> Result<Files> {
        let mut files = Files::from([("one".to_owned(), one.to_owned())]);
        Patch::parse(PATCH)?.apply(&mut files, |path| {
            assert_eq!(path, "two");
            Ok(two.to_owned())
        })?;
        Ok(files)
    }

    #[test]
    fn lines_are_found_wherever_they_have_moved() {
        assert_eq!(Patch::parse(PATCH).unwrap().header, "Why.\n\n");
        let files = apply("x\nabove\n-- old\nbelow\ny\nlast\n", "old\n").unwrap();
        assert_eq!(files["one"], "x\nabove\n++ new\nbelow\ny\nlast\nline\n");
        assert_eq!(files["two"], "new\n");
    }

    #[test]
    fn lines_that_have_changed_or_are_there_twice_are_refused() {
        for (one, two) in [
            ("above\n-- older\nbelow\nlast\n", "old\n"),
            ("above\n-- old\nbelow\nlast\nlast\n", "old\n"),
            ("above\n-- old\nbelow\nlast\n", "very old\n"),
        ] {
            assert!(apply(one, two).is_err(), "{one}{two}");
        }
    }

    #[test]
    fn a_text_without_changes_is_no_patch() {
        for text in ["", "Why.\n", "diff --git a/one b/one\n@@ -1 +1 @@\n same\n"] {
            assert!(Patch::parse(text).is_err(), "{text}");
        }
        assert!(Patch::parse("diff --git a/one b/one\n@@ -1 +1 @@\n-old\n+new\n?\n").is_err());
    }
}
