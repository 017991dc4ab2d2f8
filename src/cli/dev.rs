//! `siths-idp dev`: a throw-away installation, and logins without a browser.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::output::{Failure, start_tracing};
use crate::config::{Log, LogFormat};
use crate::dev::run::{DEFAULT_DEMO_PORT, DEFAULT_PORT, DEFAULT_STATUS_PORT, Options};
use crate::dev::{login, run, switch, zoo};
use crate::identity::assurance::Loa;

#[derive(Args)]
pub(super) struct Dev {
    /// Install PostgreSQL where there is none
    #[arg(long, global = true)]
    install_postgres: bool,
    /// Keep the data of the database below the folder
    #[arg(long, global = true)]
    keep: bool,
    /// Where keys and cards lie between two starts
    #[arg(long, global = true, value_name = "DIR", default_value = ".dev")]
    folder: PathBuf,
    /// The port of the provider
    #[arg(long, global = true, default_value_t = DEFAULT_PORT)]
    port: u16,
    /// The port of Demo-Symfoni
    #[arg(long, global = true, default_value_t = DEFAULT_DEMO_PORT)]
    demo_port: u16,
    /// The port of revocation lists and OCSP
    #[arg(long, global = true, default_value_t = DEFAULT_STATUS_PORT)]
    status_port: u16,
    /// What is logged, as `info` or `siths_idp=debug`
    #[arg(long, global = true, value_name = "FILTER", default_value = "warn")]
    log: String,
    #[command(subcommand)]
    command: Option<DevCommand>,
}

#[derive(Subcommand)]
enum DevCommand {
    /// Log a person in without a browser, and print every step
    Login {
        /// Who: a name of the table that `dev` prints, a card of `dev zoo`, or `none` for no card
        #[arg(long = "as", value_name = "PERSON", default_value = "clinician")]
        who: String,
        /// The level of assurance that the relying party demands: loa2 or loa3
        #[arg(long)]
        loa: Option<Loa>,
    },
    /// List the odd cards, or write the files of some, to import into a browser
    Zoo {
        /// Which
        #[arg(value_name = "CARD")]
        cards: Vec<String>,
    },
    /// Switch faults of revocation lists and OCSP in a `dev` that runs, or say which are on
    Fault {
        /// `none` alone for both, or as crl=stale or ocsp=down: none, slow, slow:SECONDS, down, stale, wrong-signer, unknown,
        /// huge, redirecting, redirecting:URL, garbage
        #[arg(value_name = "WHAT=FAULT")]
        faults: Vec<String>,
    },
    /// Revoke somebody's card in a `dev` that runs
    Revoke {
        /// Whose
        #[arg(value_name = "PERSON")]
        who: String,
    },
}

pub(super) async fn run(
    dev: Dev,
    database_url: Option<&str>,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    start_tracing(&Log { format: LogFormat::Text, filter: dev.log });
    let options = Options {
        folder: dev.folder,
        database_url: database_url.map(str::to_owned),
        keep: dev.keep,
        install_postgres: dev.install_postgres,
        port: dev.port,
        demo_port: dev.demo_port,
        status_port: dev.status_port,
    };
    let done = match dev.command {
        None => run::run(&options, out).await,
        Some(DevCommand::Login { who, loa }) => {
            login::run(&options, &login::Wish { who: &who, loa }, out).await
        }
        Some(DevCommand::Zoo { cards }) => zoo::run(&options, &cards, out),
        Some(DevCommand::Fault { faults }) => switch::faults(&options, &faults, out).await,
        Some(DevCommand::Revoke { who }) => switch::revoke(&options, &who, out).await,
    };
    done.map_err(|error| Failure::failed("dev", format!("{error:#}")))
}
