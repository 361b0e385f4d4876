//! The settings of the programs, from their own `--help`: the table in `deploy/README.md`, what the compose files hand
//! to each service, and `.env.example`.

mod written;

use crate::workspace;
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;

/// The programs with settings, in the order of the table.
const PROGRAMS: [&[&str]; 6] =
    [&["gateway"], &["router"], &["executor"], &["sandbox"], &["ops"], &["ops", "lookup-table"]];

/// One setting of one or several programs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Setting {
    variable: String,
    default: String,
    meaning: String,
}

/// A program, such as `ops lookup-table`, with its settings.
#[derive(Debug)]
struct Program {
    name: String,
    settings: Vec<Setting>,
}

/// A part of a file that is written from the settings.
struct Part {
    /// The file, from the workspace's folder.
    file: &'static str,
    /// The lines around the part.
    begin: &'static str,
    end: &'static str,
    text: fn(&[Program]) -> String,
}

impl Part {
    fn path(&self) -> std::path::PathBuf {
        workspace::root().join(self.file)
    }

    fn read(&self) -> Result<String> {
        let path = self.path();
        std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
    }

    /// The file with the settings as they are.
    fn wanted(&self, programs: &[Program]) -> Result<String> {
        let Self { file, begin, end, text } = self;
        let document = self.read()?;
        let (before, rest) =
            document.split_once(begin).with_context(|| format!("{file} has no place for the settings"))?;
        let (_, after) =
            rest.split_once(end).with_context(|| format!("the settings in {file} have no end"))?;
        Ok(format!("{before}{begin}{}{end}{after}", text(programs)))
    }
}

/// Writes the settings into each file that has them.
///
/// # Errors
/// A program does not run, or a file has no place for the settings.
pub fn write(folder: &Path) -> Result<()> {
    let programs = programs(folder)?;
    for part in written::PARTS {
        let path = part.path();
        std::fs::write(&path, part.wanted(&programs)?)
            .with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

/// Checks that each file has the settings of the programs as they are, and each service of the compose files its own.
///
/// # Errors
/// One has not, or a program does not run.
pub fn check(folder: &Path) -> Result<()> {
    let programs = programs(folder)?;
    for part in written::PARTS {
        let current = part.read()? == part.wanted(&programs)?;
        ensure!(current, "{} is out of date: run `cargo xtask configuration`", part.file);
    }
    written::check_services()
}

fn programs(folder: &Path) -> Result<Vec<Program>> {
    let read = |program: &&[&str]| {
        Ok(Program { name: program.join(" "), settings: settings(&help(folder, program)?) })
    };
    PROGRAMS.iter().map(read).collect()
}

fn help(folder: &Path, program: &[&str]) -> Result<String> {
    let (name, subcommands) = program.split_first().context("a program has a name")?;
    let path = folder.join(name);
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
    Some(Setting {
        variable: variable.trim_end_matches('=').to_owned(),
        default: default.map_or_else(String::new, |(default, _)| default.to_owned()),
        meaning: match values {
            None => meaning.to_owned(),
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
        let expected =
            [("KEYPAIR", "", "The wallet"), ("LOG_FORMAT", "text", "The form | of log lines: text, json")]
                .map(|(variable, default, meaning)| Setting {
                    variable: variable.to_owned(),
                    default: default.to_owned(),
                    meaning: meaning.to_owned(),
                });
        assert_eq!(settings(help), expected);
    }
}
