//! `siths-idp dev`: a throw-away installation, and logins without a browser.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::output::{Failure, start_tracing};
use crate::config::{Log, LogFormat};
use crate::dev::run::{DEFAULT_DEMO_PORT, DEFAULT_PORT, Options};
use crate::dev::{login, run};

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
        /// Who: a name of the table that `dev` prints, or `none` for no card
        #[arg(long = "as", value_name = "PERSON", default_value = "clinician")]
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
    };
    let done = match dev.command {
        None => run::run(&options, out).await,
        Some(DevCommand::Login { who }) => login::run(&options, &who, out).await,
    };
    done.map_err(|error| Failure::failed("dev", format!("{error:#}")))
}
