use clap::builder::Resettable;
use clap::{Args, Command, Parser, ValueEnum};
use std::ffi::{OsStr, OsString};
use std::net::{Ipv4Addr, SocketAddr};

/// The settings of every service: `#[command(flatten)]` it.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Where /livez, /readyz and /metrics answer; port 0 takes a free one and logs it.
    #[arg(long, env = "ADMIN_LISTEN", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))]
    pub admin_listen: SocketAddr,
    /// Log level, or directives such as `info,gateway=debug`.
    #[arg(long, env = "LOG", default_value = "info")]
    pub log: String,
    /// How it is logged: lines for people, or JSON for machines.
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value = "text")]
    pub log_format: LogFormat,
    /// Where traces are sent, by OTLP over gRPC, e.g. http://localhost:4317; nowhere if not given.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<String>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The configuration of this process. An environment variable without a value counts as not set, as in an environment
/// file whose line ends with the equals sign.
pub(crate) fn read<C: Parser>() -> C {
    parse(std::env::args_os()).unwrap_or_else(|error| error.exit())
}

/// A program's configuration, from its name and arguments, and from the environment of this process.
///
/// # Errors
/// A setting is missing or not valid.
pub fn parse<C: Parser>(arguments: impl IntoIterator<Item = OsString>) -> Result<C, clap::Error> {
    let command = without_blanks(C::command(), |name| std::env::var_os(name));
    C::from_arg_matches(&command.try_get_matches_from(arguments)?)
}

fn without_blanks(command: Command, value: impl Fn(&OsStr) -> Option<OsString>) -> Command {
    command.mut_args(|argument| {
        let blank = argument.get_env().and_then(&value).is_some_and(|value| value.is_empty());
        if blank { argument.env(Resettable::Reset) } else { argument }
    })
}

/// A service's configuration, read from arguments and the environment.
pub trait Configuration: Parser {
    /// The part that every service has.
    fn options(&self) -> &Options;
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[derive(Parser)]
    struct Example {
        #[command(flatten)]
        options: Options,
    }

    #[test]
    fn nothing_needs_to_be_set() {
        let example = Example::parse_from(["example"]);
        assert_eq!(example.options.admin_listen.to_string(), "127.0.0.1:0");
        assert_eq!(example.options.log_format, LogFormat::Text);
    }

    #[test]
    fn a_variable_without_a_value_is_not_set() {
        let read = |value: &'static str| {
            let command = without_blanks(Example::command(), |_| Some(value.into()));
            command.get_arguments().filter(|argument| argument.get_env().is_some()).count()
        };
        assert_eq!((read(""), read("x")), (0, 4));
    }

    #[test]
    fn arguments_win() {
        let example =
            Example::parse_from(["example", "--admin-listen", "0.0.0.0:9100", "--log-format", "json"]);
        assert_eq!(example.options.admin_listen.port(), 9100);
        assert_eq!(example.options.log_format, LogFormat::Json);
    }
}
