//! The settings of the programs, from their own `--help`, as the table in `deploy/README.md`.

use crate::workspace;
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// The programs with settings, in the order of the table.
const PROGRAMS: [&[&str]; 6] =
    [&["gateway"], &["router"], &["executor"], &["sandbox"], &["ops"], &["ops", "lookup-table"]];

/// The document with the table.
const DOCUMENT: &str = "deploy/README.md";

/// The lines around the table.
const BEGIN: &str = "<!-- settings: written by `cargo xtask configuration` -->\n";
const END: &str = "<!-- end of the settings -->\n";

/// One setting of one or several programs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Setting {
    variable: String,
    default: String,
    meaning: String,
}

/// Replaces the table in the document.
///
/// # Errors
/// A program does not run, or the document has no place for the table.
pub fn write(programs: &Path) -> Result<()> {
    let (document, table) = (read()?, table(programs)?);
    let (before, rest) = document.split_once(BEGIN).context("the document has no place for the table")?;
    let (_, after) = rest.split_once(END).context("the place for the table has no end")?;
    let path = workspace::root().join(DOCUMENT);
    std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}"))
        .with_context(|| format!("writing {}", path.display()))
}

/// Checks that the document has the table of the programs as they are.
///
/// # Errors
/// It has not, or a program does not run.
pub fn check(programs: &Path) -> Result<()> {
    let table = table(programs)?;
    ensure!(read()?.contains(&table), "{DOCUMENT} is out of date: run `cargo xtask configuration`");
    Ok(())
}

fn read() -> Result<String> {
    let path = workspace::root().join(DOCUMENT);
    std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
}

/// A line for each setting, with the programs that have it. Programs whose setting differs have a line each.
fn table(programs: &Path) -> Result<String> {
    let mut lines: Vec<(Setting, Vec<String>)> = Vec::new();
    for program in PROGRAMS {
        let name = program.join(" ");
        for setting in settings(&help(programs, program)?) {
            match lines.iter_mut().find(|(known, _)| *known == setting) {
                Some((_, of)) if of.iter().any(|of| name.starts_with(of)) => {}
                Some((_, of)) => of.push(name.clone()),
                None => lines.push((setting, vec![name.clone()])),
            }
        }
    }
    let order: BTreeMap<&str, usize> = lines
        .iter()
        .enumerate()
        .rev()
        .map(|(place, (setting, _))| (setting.variable.as_str(), place))
        .collect();
    let mut sorted: Vec<_> = lines.iter().collect();
    sorted.sort_by_key(|(setting, _)| order.get(setting.variable.as_str()).copied());
    let mut table = "| Variable | Of | Default | Meaning |\n|---|---|---|---|\n".to_owned();
    for (Setting { variable, default, meaning }, of) in sorted {
        table.push_str(&format!("| `{variable}` | {} | {default} | {meaning} |\n", of.join(", ")));
    }
    Ok(table)
}

fn help(programs: &Path, program: &[&str]) -> Result<String> {
    let (name, subcommands) = program.split_first().context("a program has a name")?;
    let path = programs.join(name);
    let shown = || format!("asking {} for its settings", path.display());
    // Without variables: those that are set would be shown.
    let output = Command::new(&path).args(subcommands).arg("-h").env_clear().output().with_context(shown)?;
    ensure!(output.status.success(), "{}: {}", shown(), String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).with_context(shown)
}

/// The settings that a help text lists: those with an environment variable.
fn settings(help: &str) -> Vec<Setting> {
    // A description is on the line of its option, or on the next.
    help.lines().filter_map(setting).collect()
}

fn setting(line: &str) -> Option<Setting> {
    let (meaning, rest) = line.split_once("[env: ")?;
    let (variable, rest) = rest.split_once(']')?;
    let default = rest.split_once("[default: ").and_then(|(_, rest)| rest.split_once(']'));
    let values = rest.split_once("[possible values: ").and_then(|(_, rest)| rest.split_once(']'));
    let meaning = meaning.trim().rsplit(">  ").next().unwrap_or_default().trim();
    let meaning = meaning.replace('|', "\\|");
    Some(Setting {
        variable: variable.trim_end_matches('=').to_owned(),
        default: default.map_or_else(String::new, |(default, _)| format!("`{default}`")),
        meaning: match values {
            None => meaning,
            Some((values, _)) => format!("{meaning}: {values}"),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_help_text_is_read() {
        let help = "
Options:
      --keypair <KEYPAIR>  The wallet [env: KEYPAIR=]
      --log-format <LOG_FORMAT>
          The form | of log lines [env: LOG_FORMAT=] [default: text] [possible values: text, json]
  -h, --help
          Print help
";
        let expected = [
            ("KEYPAIR", "", "The wallet"),
            ("LOG_FORMAT", "`text`", "The form \\| of log lines: text, json"),
        ]
        .map(|(variable, default, meaning)| Setting {
            variable: variable.to_owned(),
            default: default.to_owned(),
            meaning: meaning.to_owned(),
        });
        assert_eq!(settings(help), expected);
    }
}
