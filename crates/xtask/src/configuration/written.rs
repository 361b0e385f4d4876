//! The files that the settings are written into, and how each of them writes them.

use super::{Part, Program, Setting};
use crate::workspace;
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;

/// The lines around the settings in a compose file or an environment file.
const BEGIN: &str = "# settings: written by `cargo xtask configuration`\n";
const END: &str = "# end of the settings\n";

pub(super) const PARTS: [Part; 5] = [
    Part {
        file: "deploy/README.md",
        begin: "<!-- settings: written by `cargo xtask configuration` -->\n",
        end: "<!-- end of the settings -->\n",
        text: table,
    },
    Part {
        file: "docker-compose.yml",
        begin: BEGIN,
        end: END,
        text: |programs| blocks(programs, &["gateway", "router", "executor"]),
    },
    Part {
        file: "docker-compose.override.yml",
        begin: BEGIN,
        end: END,
        text: |programs| blocks(programs, &["sandbox"]),
    },
    Part {
        file: "deploy/live/compose.yml",
        begin: BEGIN,
        end: END,
        text: |programs| blocks(programs, &["executor"]),
    },
    Part { file: ".env.example", begin: BEGIN, end: END, text: example },
];

/// The services that get a block of settings, with their files and the programs. `check` reads the executor's.
const SERVICES: [(&str, &str, &str); 5] = [
    ("docker-compose.yml", "gateway", "gateway"),
    ("docker-compose.yml", "router", "router"),
    ("docker-compose.yml", "executor", "executor"),
    ("docker-compose.override.yml", "sandbox", "sandbox"),
    ("deploy/live/compose.yml", "check", "executor"),
];

/// Settings that the compose files fix: addresses and logins of containers, and the sandbox's wallet.
const FIXED: [&str; 6] = ["ADMIN_LISTEN", "LISTEN", "DATABASE_URL", "NATS_URL", "REDIS_URL", "WALLET"];

/// Settings that are another thing for each service: `.env` names them with the service before them.
const OF_EACH: [&str; 2] = ["TLS_CERTIFICATE", "TLS_KEY"];

/// Checks that each service takes its block of settings.
///
/// # Errors
/// One does not.
pub(super) fn check_services() -> Result<()> {
    for (file, service, program) in SERVICES {
        let path = workspace::root().join(file);
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let start = text.split_once(&format!("\n  {service}:\n")).map(|(_, rest)| rest);
        let part = start.and_then(|rest| rest.split("\n\n").next());
        let takes = part.is_some_and(|part| part.contains(&format!("<<: *{program}-settings\n")));
        ensure!(takes, "{file}: the service {service} does not get its settings");
    }
    Ok(())
}

/// Each setting once, with the programs that have it. Programs whose setting differs have one each.
fn merged(programs: &[Program]) -> Vec<(&Setting, Vec<&str>)> {
    let mut lines: Vec<(&Setting, Vec<&str>)> = Vec::new();
    for Program { name, settings } in programs {
        for setting in settings {
            match lines.iter_mut().find(|(known, _)| *known == setting) {
                Some((_, of)) if of.iter().any(|of| name.starts_with(of)) => {}
                Some((_, of)) => of.push(name),
                None => lines.push((setting, vec![name])),
            }
        }
    }
    let order: BTreeMap<&str, usize> = lines
        .iter()
        .enumerate()
        .rev()
        .map(|(place, (setting, _))| (setting.variable.as_str(), place))
        .collect();
    lines.sort_by_key(|(setting, _)| order.get(setting.variable.as_str()).copied());
    lines
}

/// A line of a Markdown table for each setting.
fn table(programs: &[Program]) -> String {
    let mut table = "| Variable | Of | Default | Meaning |\n|---|---|---|---|\n".to_owned();
    for (Setting { variable, default, meaning }, of) in merged(programs) {
        let default = if default.is_empty() { String::new() } else { format!("`{default}`") };
        let meaning = meaning.replace('|', "\\|");
        table.push_str(&format!("| `{variable}` | {} | {default} | {meaning} |\n", of.join(", ")));
    }
    table
}

/// A block of environment variables for each of these services.
fn blocks(programs: &[Program], services: &[&str]) -> String {
    let mut blocks = String::new();
    for service in services {
        blocks.push_str(&format!("x-{service}-settings: &{service}-settings\n"));
        for program in programs.iter().filter(|program| program.name == *service) {
            for Setting { variable, .. } in &program.settings {
                blocks.push_str(&line(service, variable));
            }
        }
    }
    blocks
}

/// A variable that compose takes from its own environment under the same name, and leaves out if it is not there.
fn line(service: &str, variable: &str) -> String {
    if OF_EACH.contains(&variable) {
        return format!("  {variable}: ${{{}_{variable}:-}}\n", service.to_uppercase());
    }
    format!("  {variable}:\n")
}

/// A line for each setting that an operator may set, commented out.
fn example(programs: &[Program]) -> String {
    let services = ["gateway", "router", "executor", "sandbox"];
    let mut entries: Vec<(String, String, &str)> = Vec::new();
    for (Setting { variable, default, meaning }, of) in merged(programs) {
        let of: Vec<&str> = of.into_iter().filter(|name| services.contains(name)).collect();
        if FIXED.contains(&variable.as_str()) || of.is_empty() {
            continue;
        }
        // An address of this machine is none inside a container.
        let default = if default.contains("127.0.0.1") { "" } else { default };
        if OF_EACH.contains(&variable.as_str()) {
            let name = |service: &str| format!("{}_{variable}", service.to_uppercase());
            entries
                .extend(of.iter().map(|service| (name(service), format!("{service}: {meaning}"), default)));
            continue;
        }
        let text = format!("{}: {meaning}", of.join(", "));
        match entries.iter_mut().find(|(name, ..)| name == variable) {
            Some((_, known, _)) => *known = format!("{known}\n{text}"),
            None => entries.push((variable.clone(), text, default)),
        }
    }
    let mut example = String::new();
    for (name, text, default) in entries {
        for line in text.lines() {
            example.push_str(&wrapped(line));
        }
        example.push_str(&format!("#{name}={default}\n\n"));
    }
    example
}

/// A text as comments of at most this many characters a line.
fn wrapped(text: &str) -> String {
    const WIDTH: usize = 110;
    let mut lines = vec!["#".to_owned()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("#   {word}")),
        }
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(name: &str, settings: &[(&str, &str)]) -> Program {
        let setting = |(variable, default): &(&str, &str)| Setting {
            variable: (*variable).to_owned(),
            default: (*default).to_owned(),
            meaning: format!("The {variable}"),
        };
        Program { name: name.to_owned(), settings: settings.iter().map(setting).collect() }
    }

    #[test]
    fn each_service_gets_its_settings() {
        let programs = [program("gateway", &[("LOG", "info"), ("TLS_KEY", "")]), program("router", &[])];
        let expected = "x-gateway-settings: &gateway-settings\n  LOG:\n  TLS_KEY: ${GATEWAY_TLS_KEY:-}\n";
        assert_eq!(blocks(&programs, &["gateway"]), expected);
    }

    #[test]
    fn the_example_has_what_an_operator_may_set() {
        let both = [("LOG", "info"), ("LISTEN", "127.0.0.1:1"), ("TLS_KEY", "")];
        let programs = [program("gateway", &both), program("router", &both)];
        let expected = "# gateway, router: The LOG\n#LOG=info\n\n# gateway: The TLS_KEY\n#GATEWAY_TLS_KEY=\n\n\
            # router: The TLS_KEY\n#ROUTER_TLS_KEY=\n\n";
        assert_eq!(example(&programs), expected);
    }

    #[test]
    fn long_explanations_are_wrapped() {
        let text = wrapped(&"word ".repeat(50));
        assert!(text.lines().count() > 1 && text.lines().all(|line| line.len() <= 110), "{text}");
    }
}
