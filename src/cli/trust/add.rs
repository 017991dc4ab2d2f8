//! `siths-idp trust add`: a CA's certificate is shown, asked about, and only then put into its place.
//!
//! The configuration itself is left alone: its rows are printed to be pasted, because the file is the
//! operator's, with comments and often under version control, and because a second look at a row that
//! lets people in is worth having (docs/decisions).

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::json;

use super::super::certificates::ca_certificate;
use super::super::context::Context;
use super::super::output::{Failure, Report};
use super::{Person, Seen, Signer, SignerPlace, level, links, readable};
use crate::config::siths::file_stem;
use crate::config::{IssuerKind, TrustFiles};
use crate::identity::assurance::Loa;
use crate::identity::hsa_id::HsaIdGrammar;
use crate::pki::{
    CaCertificate, IssuerRow, Trust, TrustFault, TrustFaultReason, TrustSource, UnknownPolicy,
};
use crate::serve::trust::kind;

#[derive(Args)]
pub(in crate::cli) struct Add {
    /// The certificate, PEM or DER
    file: PathBuf,
    /// What it issues [default: by its name, where that is one of SITHS e-id]
    #[arg(long, value_name = "KIND")]
    kind: Option<IssuerKind>,
    /// The level of assurance of its cards: loa2 or loa3
    #[arg(long, value_name = "LOA")]
    loa: Option<Loa>,
    /// The SHA-256 fingerprint that it must have, as Inera publishes it
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
    /// Do not ask; needs --sha256
    #[arg(long, requires = "sha256")]
    yes: bool,
}

/// What the certificates of a CA are, by the row that it gets.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Row {
    kind: IssuerKind,
    loa: Option<Loa>,
}

/// Where the certificate is put.
struct Place {
    /// As the configuration names it: relative to its own folder.
    relative: String,
    path: PathBuf,
}

pub(super) fn run(
    add: &Add,
    files: &TrustFiles,
    config: Option<&Path>,
    context: &Context,
    person: Person<'_, '_>,
) -> Result<Report, Failure> {
    let Some(config) = config else {
        let message = "the certificate is put beside the configuration: name it with --config FILE";
        return Err(Failure::usage("config_missing", message));
    };
    let seen = Seen::of(ca_certificate(&add.file)?, files);
    let certificate = &seen.certificate;
    must_have_fingerprint(certificate, add.sha256.as_deref())?;
    must_not_be_a_root(certificate)?;
    let row = row(add, &seen)?;
    must_be_acceptable(&seen, row, files, context.clock.now())?;
    let configured = configured(certificate, files)?;
    let place = Place::of(&seen, config);
    let is_there = place.holds(certificate)?;
    let is_known = configured.is_some();
    let is_written = !is_known && !is_there;
    if is_written {
        if !add.yes {
            ask(&seen, row, &place, person)?;
        }
        place.put(certificate)?;
    }
    let outcome = match (is_known, is_written) {
        (true, _) => "known",
        (false, true) => "added",
        (false, false) => "there",
    };
    // A row that is there already, for this file, is not to be pasted again.
    let waiting = files.issuers.iter().find(|issuer| same_file(&issuer.certificate, &place.path));
    let there =
        configured.or_else(|| waiting.map(|issuer| Row { kind: issuer.kind, loa: issuer.loa }));
    let rows = if there.is_some() { None } else { Some(rows(&seen, row, &place)) };
    let mut json = seen.json();
    json["outcome"] = json!(outcome);
    json["file"] = json!(place.path);
    json["rows"] = json!(rows);
    let mut report = Report::new(json, text(&seen, outcome, &place, rows.as_deref()));
    if let Some(there) = there.filter(|there| *there != row) {
        report.warnings.push(format!(
            "the configuration names this CA as {}, its name says {}",
            level(there.kind, there.loa),
            level(row.kind, row.loa)
        ));
    }
    Ok(report)
}

fn must_have_fingerprint(
    certificate: &CaCertificate,
    expected: Option<&str>,
) -> Result<(), Failure> {
    let Some(expected) = expected else { return Ok(()) };
    let digits: String = expected.chars().filter(|c| !matches!(c, ':' | ' ')).collect();
    if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let message = "--sha256 takes 64 hexadecimal digits, with or without colons";
        return Err(Failure::usage("usage", message));
    }
    if digits.eq_ignore_ascii_case(&certificate.sha256) {
        return Ok(());
    }
    let message = format!(
        "the certificate has another fingerprint: its SHA-256 is {}. Nothing was written",
        super::colons(&certificate.sha256)
    );
    Err(Failure::failed("fingerprint_differs", message))
}

fn must_not_be_a_root(certificate: &CaCertificate) -> Result<(), Failure> {
    if !certificate.is_self_issued {
        return Ok(());
    }
    let message = format!(
        "{} is a root: everything below it would be believed. Name its file in trust.roots by hand, \
         once its fingerprint is compared. Nothing was written",
        certificate.common_name
    );
    Err(Failure::failed("is_a_root", message))
}

/// The row by the name, or as told for names that are none of SITHS e-id.
fn row(add: &Add, seen: &Seen) -> Result<Row, Failure> {
    let told = (add.kind, add.loa);
    if let Some((_, authority)) = seen.by_name {
        let by_name = Row { kind: authority.kind, loa: authority.loa };
        let agrees = told.0.is_none_or(|kind| kind == by_name.kind)
            && told.1.is_none_or(|loa| Some(loa) == by_name.loa);
        if agrees {
            return Ok(by_name);
        }
        let message = format!(
            "by its name this CA is {}: leave --kind and --loa out, or write the row by hand. Nothing \
             was written",
            level(by_name.kind, by_name.loa)
        );
        return Err(Failure::usage("kind_differs", message));
    }
    let Some(kind) = told.0 else {
        let message = format!(
            "{} is no name of SITHS e-id. The file holds\n\n{}\n\
             Say with --kind what it issues ({}). Nothing was written",
            seen.certificate.common_name,
            seen.text(),
            IssuerKind::NAMES.join(", ")
        );
        return Err(Failure::usage("kind_missing", message));
    };
    Ok(Row { kind, loa: told.1 })
}

/// As a node would judge it at its start, under each configured root.
fn must_be_acceptable(
    seen: &Seen,
    row: Row,
    files: &TrustFiles,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let certificate = &seen.certificate;
    let refused = |code, what: &str| {
        Err(Failure::failed(
            code,
            format!("{} {what}. Nothing was written", certificate.common_name),
        ))
    };
    let links = links(files);
    let mut fault = None;
    let mut is_accepted = false;
    for root in readable(&files.roots) {
        match under(&root, &[], certificate, row, now) {
            Ok(_) => is_accepted = true,
            Err(found) if certificate.is_signed_by(&root) => fault = Some(found),
            // Perhaps below another CA of the configuration.
            Err(_) => is_accepted |= under(&root, &links, certificate, row, now).is_ok(),
        }
    }
    if is_accepted && now > certificate.not_after {
        return refused("expired", "has expired");
    }
    match (is_accepted, fault, &seen.signer) {
        (true, ..) => Ok(()),
        (_, Some(fault), _) => refused(fault_code(fault.reason), &fault.reason.to_string()),
        (_, None, Some(Signer { name, place: SignerPlace::Unconfigured, .. })) => refused(
            "root_not_configured",
            &format!("is under {name}, which trust.roots does not name"),
        ),
        (_, None, _) => refused(
            "not_under_a_root",
            "is not signed by a configured root or a CA below one, whatever its name says",
        ),
    }
}

fn under(
    root: &CaCertificate,
    links: &[CaCertificate],
    certificate: &CaCertificate,
    row: Row,
    now: DateTime<Utc>,
) -> Result<Trust, TrustFault> {
    let row = IssuerRow {
        certificate: certificate.der().clone(),
        kind: kind(row.kind),
        loa: row.loa,
        policies: Vec::new(),
    };
    let source = TrustSource {
        roots: vec![root.der().clone()],
        intermediates: links.iter().map(|link| link.der().clone()).collect(),
        issuers: vec![row],
        grammar: HsaIdGrammar::default(),
        unknown_policy: UnknownPolicy::default(),
    };
    Trust::new(source, now)
}

const fn fault_code(reason: TrustFaultReason) -> &'static str {
    match reason {
        TrustFaultReason::Unreadable => "certificate_unreadable",
        TrustFaultReason::NotACa => "not_a_ca",
        TrustFaultReason::NotCurrent => "root_not_current",
        TrustFaultReason::NotUnderARoot => "not_under_a_root",
        TrustFaultReason::Repeated => "key_known",
        TrustFaultReason::LoaMissing => "loa_missing",
        TrustFaultReason::KeyWeak => "key_weak",
        TrustFaultReason::Unfit { .. } => "unfit",
    }
}

/// The row of the configuration whose file is this certificate.
fn configured(certificate: &CaCertificate, files: &TrustFiles) -> Result<Option<Row>, Failure> {
    for issuer in &files.issuers {
        let Ok(other) = ca_certificate(&issuer.certificate) else { continue };
        if other.sha256 == certificate.sha256 {
            return Ok(Some(Row { kind: issuer.kind, loa: issuer.loa }));
        }
        if other.has_key_of(certificate) {
            let message = format!(
                "{} holds another certificate for the same key: put this one in its place by hand, \
                 or leave it. Nothing was written",
                issuer.certificate.display()
            );
            return Err(Failure::failed("key_known", message));
        }
    }
    Ok(None)
}

impl Place {
    fn of(seen: &Seen, config: &Path) -> Self {
        let folder = seen.by_name.map_or("other", |(hierarchy, _)| hierarchy.name());
        let stem = match file_stem(&seen.certificate.common_name) {
            empty if empty.is_empty() => format!("ca-{:.16}", seen.certificate.sha256),
            stem => stem,
        };
        let relative = format!("trust/{folder}/{stem}.pem");
        let path = config.parent().unwrap_or(Path::new("")).join(&relative);
        Self { relative, path }
    }

    /// Whether the certificate is there already. Another one in its place is left there.
    fn holds(&self, certificate: &CaCertificate) -> Result<bool, Failure> {
        if fs::symlink_metadata(&self.path).is_err() {
            return Ok(false);
        }
        if ca_certificate(&self.path).is_ok_and(|there| there.sha256 == certificate.sha256) {
            return Ok(true);
        }
        let message = format!(
            "{} is there already and holds something else: move it away first. Nothing was written",
            self.path.display()
        );
        Err(Failure::failed("file_exists", message))
    }

    fn put(&self, certificate: &CaCertificate) -> Result<(), Failure> {
        let write = || -> io::Result<()> {
            if let Some(folder) = self.path.parent() {
                fs::create_dir_all(folder)?;
            }
            // Never through a link, never over a file that came meanwhile.
            let mut file = OpenOptions::new().write(true).create_new(true).open(&self.path)?;
            file.write_all(pem(certificate).as_bytes())?;
            file.sync_all()
        };
        write().map_err(|error| {
            Failure::failed("not_written", format!("{}: {error}", self.path.display()))
        })
    }
}

/// RFC 7468 §5.1, with what it is above it (§5.2).
fn pem(certificate: &CaCertificate) -> String {
    let body = STANDARD.encode(certificate.der());
    let lines = body.as_bytes().chunks(64).map(String::from_utf8_lossy);
    format!(
        "# {}\n# SHA-256 {}\n-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        certificate.subject,
        super::colons(&certificate.sha256),
        lines.collect::<Vec<_>>().join("\n")
    )
}

fn ask(seen: &Seen, row: Row, place: &Place, person: Person<'_, '_>) -> Result<(), Failure> {
    let unconfirmed =
        |why: &str| Failure::failed("not_confirmed", format!("{why}: nothing was written"));
    let Person { input: Some(input), err } = person else {
        let why = "nobody is there to be asked (give --yes with --sha256 FINGERPRINT)";
        return Err(unconfirmed(why));
    };
    let asked = write!(
        err,
        "{}\nIt would be believed as {} and put into {}.\n\
         Compare the SHA-256 with the one that Inera publishes: trust/README.md says where.\n\
         Is it the same? Type yes to believe this CA: ",
        seen.text(),
        level(row.kind, row.loa),
        place.path.display()
    );
    asked.and_then(|()| err.flush()).map_err(|error| unconfirmed(&error.to_string()))?;
    let mut answer = String::new();
    input.read_line(&mut answer).map_err(|error| unconfirmed(&error.to_string()))?;
    if answer.trim() == "yes" { Ok(()) } else { Err(unconfirmed("not confirmed")) }
}

fn rows(seen: &Seen, row: Row, place: &Place) -> String {
    let Place { relative, .. } = place;
    let mut rows =
        format!("[[trust.issuers]]\ncertificate = \"{relative}\"\nkind = \"{}\"\n", row.kind);
    if let Some(loa) = row.loa {
        rows += &format!("loa = \"{loa}\"\n");
    }
    rows += &format!("\n[[revocation.authorities]]\ncertificate = \"{relative}\"\n");
    rows += &match seen.by_name {
        Some((hierarchy, _)) => {
            let (crl, ocsp) = hierarchy.revocation_addresses(&seen.certificate.common_name);
            format!(
                "# By the pattern of SITHS's addresses: compare with Inera's list.\n\
                 crl = [\"{crl}\"]\nocsp = [\"{ocsp}\"]\n"
            )
        }
        None => "# Fill in at least one, and order = \"crl\" where there is no OCSP (\"ocsp\" where there \
                 is no list).\n# crl = [\"http://…\"]\n# ocsp = [\"http://…\"]\n"
            .to_owned(),
    };
    rows
}

fn text(seen: &Seen, outcome: &str, place: &Place, rows: Option<&str>) -> String {
    let path = place.path.display();
    let done = match outcome {
        "added" => format!("added: {path}"),
        "there" => format!("{path} holds it already"),
        _ => "configured already: nothing to do".to_owned(),
    };
    let next = rows.map_or_else(
        || "The configuration names it already; restart the nodes.\n".to_owned(),
        |rows| format!("Paste into the configuration, then restart the nodes:\n\n{rows}"),
    );
    let next = if outcome == "known" { String::new() } else { format!("\n{next}") };
    format!("{}\n{done}\n{next}", seen.text())
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (fs::canonicalize(a), fs::canonicalize(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}
