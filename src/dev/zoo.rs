//! `dev zoo`: which odd cards there are, and their files for a browser.

use std::io::Write;

use anyhow::Context as _;

use super::folder::Folder;
use super::pki::Pki;
use super::pki::card::P12_PASSWORD;
use super::pki::zoo::{Keeper, Outcome, Specimen, specimen, specimens};
use super::run::{Options, table, whole};
use crate::clock::Clock;
use crate::error::Code;

/// Lists every specimen, or writes the files of those that are named.
///
/// # Errors
/// An unknown name, or files that cannot be written.
pub fn run(
    options: &Options,
    names: &[String],
    out: &mut (dyn Write + Send),
) -> anyhow::Result<()> {
    if names.is_empty() {
        writeln!(out, "{}", listed())?;
        writeln!(
            out,
            "\n    cargo run -- dev login --as sha1    one login, step by step\n    \
             cargo run -- dev zoo sha1 …          files to import into a browser"
        )?;
        return Ok(());
    }
    let chosen = names.iter().map(|name| named(name)).collect::<anyhow::Result<Vec<_>>>()?;
    let folder = Folder::open(&options.folder)?;
    let now = Clock::system().now();
    let pki = Pki::load_or_create(&folder.pki(), now)?;
    let keeper = Keeper::new(&pki, now)?;
    for specimen in chosen {
        for file in specimen.write(&keeper, &folder.zoo())? {
            writeln!(out, "{}", file.display())?;
        }
    }
    writeln!(out, "The password is {P12_PASSWORD}.")?;
    Ok(())
}

/// The specimen of a name, with or without `zoo:` before it.
///
/// # Errors
/// None is called so.
pub(super) fn named(name: &str) -> anyhow::Result<&'static Specimen> {
    let bare = name.strip_prefix("zoo:").unwrap_or(name);
    specimen(bare).with_context(|| format!("no card of the zoo is called {bare}: see `dev zoo`"))
}

fn listed() -> String {
    let mut rows = table(&["--as", "what is odd", "what becomes of it"]);
    for Specimen { name, oddity, outcome, .. } in specimens() {
        let ending = match outcome {
            Outcome::LogsIn => "logs in",
            Outcome::Refused(cause) => cause.code().name(),
            Outcome::NotSent => Code::CertificateMissing.name(),
            Outcome::BreaksOff => "the browser's own error",
        };
        rows.add_row([name, oddity, ending]);
    }
    whole(&mut rows, &[0, 2]);
    rows.to_string()
}
