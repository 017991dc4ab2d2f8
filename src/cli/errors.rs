//! `siths-idp errors`: the catalogue of error codes.

use clap::{Args, ValueEnum};

use super::output::Report;
use crate::error::tables;

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

pub(super) fn run(command: &Errors) -> Report {
    let text = match command.format {
        Format::Text => tables::as_text(),
        Format::Json => format!("{:#}\n", tables::as_json()),
        Format::Csv => tables::as_csv(),
        Format::Markdown => tables::as_markdown(),
    };
    Report::new(tables::as_json(), text)
}
