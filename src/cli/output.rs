//! What commands write: text for people, one JSON document for scripts.

use std::io::{IsTerminal as _, Write, stderr};

use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;

use super::Exit;
use crate::config::{ConfigError, Log, LogFormat};
use crate::error::Code;
use crate::store::StoreError;

/// What a command came to.
pub(super) struct Report {
    /// For scripts.
    pub json: Value,
    /// For people.
    pub text: String,
    /// What to look at, though the command did what was asked: told on standard error, and to scripts
    /// as `warnings` besides.
    pub warnings: Vec<String>,
    /// How the command ends: done, unless its answer is a no.
    pub exit: Exit,
}

impl Report {
    pub fn new(json: Value, text: impl Into<String>) -> Self {
        Self { json, text: text.into(), warnings: vec![], exit: Exit::Done }
    }
}

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(super) struct Failure {
    /// For scripts: never renamed.
    pub code: &'static str,
    /// For people.
    pub message: String,
    pub exit: Exit,
}

impl Failure {
    /// Refused, or something failed.
    pub fn failed(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), exit: Exit::Failed }
    }

    /// Wrong arguments.
    pub fn usage(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), exit: Exit::Usage }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage("config", error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        if error.is_unmigrated() {
            return Self::failed("unmigrated", "the database has no tables yet: siths-idp migrate");
        }
        if let StoreError::Insecure { .. } = error {
            return Self::usage("config", error.to_string());
        }
        let code = if error.code() == Code::Unavailable { "unavailable" } else { "internal" };
        Self::failed(code, error.to_string())
    }
}

/// Writes a result.
pub(super) fn succeed(
    report: &Report,
    json: bool,
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
) -> Exit {
    for warning in &report.warnings {
        let _ = if json {
            writeln!(err, "{}", json!({ "warning": warning }))
        } else {
            writeln!(err, "warning: {warning}")
        };
    }
    let written = if json {
        let mut document = report.json.clone();
        if let Some(members) = document.as_object_mut().filter(|_| !report.warnings.is_empty()) {
            members.insert("warnings".to_owned(), json!(report.warnings));
        }
        writeln!(out, "{document}")
    } else {
        writeln!(out, "{}", report.text.trim_end())
    };
    // A secret that could not be written is lost: that is a failure to be told.
    if written.and_then(|()| out.flush()).is_ok() { report.exit } else { Exit::Failed }
}

/// Ends a command that wrote its results while it ran.
pub(super) fn finish(done: Result<(), Failure>, json: bool, err: &mut (dyn Write + Send)) -> Exit {
    match done {
        Ok(()) => Exit::Done,
        Err(failure) => fail(&failure, json, err),
    }
}

/// Writes a failure.
pub(super) fn fail(failure: &Failure, json: bool, err: &mut (dyn Write + Send)) -> Exit {
    let Failure { code, message, exit } = failure;
    let _ = if json {
        writeln!(err, "{}", json!({ "error": { "code": code, "message": message } }))
    } else {
        writeln!(err, "error: {message}")
    };
    *exit
}

/// Columns under their heads, as wide as they need.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().map(|title| (*title).to_owned()).collect();
    let width = |column: usize| {
        let cells = std::iter::once(&head).chain(rows).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    for row in std::iter::once(&head).chain(rows) {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Starts the log, on standard error; does nothing where one was started before.
pub(super) fn start_tracing(log: &Log) {
    let filter = EnvFilter::try_new(&log.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // Colours are for terminals: in a journal they are noise between a field and its name.
        .with_ansi(stderr().is_terminal())
        .with_writer(stderr);
    let _ = match log.format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().try_init(),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_letters_not_their_bytes() {
        let rows = [vec!["Åsa".to_owned(), "x".to_owned()], vec!["Bo".to_owned(), "y".to_owned()]];
        assert_eq!(table(&["NAME", "R"], &rows), "NAME  R\nÅsa   x\nBo    y\n");
    }
}
