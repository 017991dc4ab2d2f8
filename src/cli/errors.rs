//! `siths-idp errors`: the catalogue of error codes.

use clap::{Args, ValueEnum};

use super::output::{Failure, Report};

#[derive(Args)]
pub(super) struct Errors {
    /// How it is written
    #[arg(long, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For a terminal
    Text,
    /// As GET /errors answers
    Json,
    /// For a spreadsheet
    Csv,
    /// The README's table
    Markdown,
}

pub(super) fn run(command: &Errors) -> Result<Report, Failure> {
    // Wiring: the renderer of the catalogue, by format.
    let message = format!("errors --format {:?} is not wired yet", command.format);
    Err(Failure::failed("not_wired", message))
}
