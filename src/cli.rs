//! The commands: what an administrator types, and what a script reads.
//!
//! Must never print a secret but the one a command has just made, and never repeat an HSA-id that it
//! refuses: a personnummer may have been typed in its place.

mod certificates;
mod clients;
mod context;
#[cfg(feature = "dev")]
mod dev;
mod errors;
mod inspect;
mod migrate;
mod output;
mod roles;
mod trust;
mod users;

use std::ffi::OsString;
use std::io::{BufRead, Write};
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::clock::Clock;
use crate::config::Environment;
use crate::random::Random;
use crate::serve;
use context::Context;
use output::{Failure, Report};

/// What a command is given of the world around it.
pub struct Surroundings<'a> {
    /// Where `now` comes from.
    pub clock: Clock,
    /// Where identifiers and secrets come from.
    pub random: Random,
    /// Environment variables.
    pub environment: Environment,
    /// Where a person answers a question; nothing where nobody is there to be asked.
    pub input: Option<&'a mut (dyn BufRead + Send)>,
    /// Results: text, or one JSON document.
    pub out: &'a mut (dyn Write + Send),
    /// Warnings and errors.
    pub err: &'a mut (dyn Write + Send),
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done,
    /// Refused or failed.
    Failed,
    /// Wrong arguments or configuration: the same command will never succeed.
    Usage,
    /// Neither yes nor no: what it hangs on was not to be learnt.
    Open,
}

impl Exit {
    /// The exit code of the process.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Open => 3,
        }
    }
}

/// An OpenID Provider for Swedish health and dental care: login with SITHS cards.
#[derive(Parser)]
#[command(name = "siths-idp", version, arg_required_else_help = true)]
struct Cli {
    /// The configuration [default: config/siths-idp.toml, where it exists; or SITHS_IDP_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The database, in place of the configuration's; with a password in it, others on this machine
    /// may see it: use SITHS_IDP__DATABASE__URL then
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// Write one JSON document, for scripts
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve logins
    Serve,
    /// Show it all on this machine: a throw-away database, cards and a relying party
    #[cfg(feature = "dev")]
    Dev(dev::Dev),
    /// Bring the database's schema up to date
    Migrate,
    /// People and their HSA-ids
    #[command(subcommand)]
    Users(users::Users),
    /// Roles in systems, and who has them
    #[command(subcommand)]
    Roles(roles::Roles),
    /// Relying parties
    #[command(subcommand)]
    Clients(clients::Clients),
    /// Which authorities are believed
    #[command(subcommand)]
    Trust(trust::Trust),
    /// Judge a certificate file as a node would, and say why; exit code 0: it would log in, 1: it
    /// would not, 3: it would, unless it is revoked, which nobody here can say
    Inspect(inspect::Inspect),
    /// The catalogue of error codes
    Errors(errors::Errors),
}

/// Runs the command that `arguments` name, the program's name first.
pub async fn run(
    arguments: impl IntoIterator<Item = OsString>,
    surroundings: Surroundings<'_>,
) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let Surroundings { clock, random, environment, input, out, err } = surroundings;
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) if !error.use_stderr() => {
            // A reader that has gone away is no failure of ours, here and below.
            let _ = write!(out, "{error}");
            return Exit::Done;
        }
        Err(error) => {
            let json = arguments.iter().any(|argument| argument == "--json");
            let text = without_numbers(&error.to_string());
            let failure = Failure::usage("usage", text.trim_end().trim_start_matches("error: "));
            return output::fail(&failure, json, err);
        }
    };
    let context =
        Context { config: cli.config, database_url: cli.database_url, clock, random, environment };
    // Two commands speak while they run; the others answer once.
    let done = match cli.command {
        Command::Serve => return output::finish(serve(&context).await, cli.json, err),
        #[cfg(feature = "dev")]
        Command::Dev(command) => {
            let done = dev::run(command, context.database_url.as_deref(), out).await;
            return output::finish(done, cli.json, err);
        }
        Command::Trust(command) => {
            // A script that reads one document is asked nothing.
            let input = input.filter(|_| !cli.json);
            trust::run(command, &context, trust::Person { input, err })
        }
        command => dispatch(command, &context).await,
    };
    match done {
        Ok(report) => output::succeed(&report, cli.json, out, err),
        Err(failure) => output::fail(&failure, cli.json, err),
    }
}

async fn dispatch(command: Command, context: &Context) -> Result<Report, Failure> {
    match command {
        Command::Migrate => migrate::run(context).await,
        Command::Users(command) => users::run(command, context).await,
        Command::Roles(command) => roles::run(command, context).await,
        Command::Clients(command) => clients::run(command, context).await,
        Command::Inspect(command) => inspect::run(&command, context).await,
        Command::Errors(command) => Ok(errors::run(&command)),
        #[cfg(feature = "dev")]
        Command::Dev(_) => Err(Failure::usage("usage", "dev answers by itself")),
        Command::Trust(_) => Err(Failure::usage("usage", "trust answers by itself")),
        Command::Serve => Err(Failure::usage("usage", "serve answers by itself")),
    }
}

async fn serve(context: &Context) -> Result<(), Failure> {
    let config = context.config()?;
    output::start_tracing(&config.log);
    serve::run(&config, context.clock.clone(), context.random.clone()).await.map_err(|error| {
        if error.is_of_configuration() {
            Failure::usage("config", error.to_string())
        } else {
            Failure::failed("not_serving", error.to_string())
        }
    })
}

/// The text with every long number left out: clap repeats what was typed in the wrong place, and that
/// may be a personnummer.
fn without_numbers(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+');
    let mut rest = text;
    let mut out = String::new();
    while let Some(start) = rest.find(is_part) {
        let (before, from) = rest.split_at(start);
        let (run, after) = from.split_at(from.find(|c| !is_part(c)).unwrap_or(from.len()));
        let digits = run.bytes().filter(u8::is_ascii_digit).count();
        out.push_str(before);
        out.push_str(if digits < 10 { run } else { "(not repeated)" });
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_personnummer_in_the_wrong_place_is_not_repeated() {
        for typed in ["191212121212", "19121212-1212", "--121212-1212"] {
            let (mut out, mut err) = (vec![], vec![]);
            let surroundings = Surroundings {
                clock: Clock::system(),
                random: Random::system(),
                environment: Environment::new(),
                input: None,
                out: &mut out,
                err: &mut err,
            };
            let arguments = ["siths-idp", "users", "list", typed].map(OsString::from);
            assert_eq!(run(arguments, surroundings).await, Exit::Usage);
            let told = String::from_utf8(err).unwrap();
            assert!(told.contains("(not repeated)") && !told.contains("1212"), "{told}");
        }
    }

    #[test]
    fn the_arguments_are_well_formed() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
