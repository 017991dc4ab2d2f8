//! `siths-idp trust`: which authorities are believed, and how another one comes to be.
//!
//! Must never write anything that was not asked for, and never take a name for a proof.

mod add;
mod list;

use std::io::{BufRead, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::certificates::ca_certificate;
use super::context::Context;
use super::output::{Failure, Report};
use crate::config::siths::{Authority, Hierarchy};
use crate::config::{IssuerKind, RevocationOrders, TrustFiles};
use crate::pki::CaCertificate;

#[derive(Subcommand)]
pub(super) enum Trust {
    /// Which roots and issuing CAs are configured, and which of SITHS e-id are missing
    List,
    /// What a CA's certificate is, without believing it
    Show(Which),
    /// Put an issuing CA's certificate, as Inera gave it, where the configuration finds it
    Add(add::Add),
}

#[derive(Args)]
pub(super) struct Which {
    /// The certificate, PEM or DER
    file: PathBuf,
}

/// Whoever typed the command, where somebody is there to answer.
pub(super) struct Person<'a, 'w> {
    pub input: Option<&'w mut (dyn BufRead + Send)>,
    pub err: &'a mut (dyn Write + Send + 'w),
}

pub(super) fn run(
    command: Trust,
    context: &Context,
    person: Person<'_, '_>,
) -> Result<Report, Failure> {
    let config = context.config_file();
    let files = TrustFiles::load_with(config.as_deref(), &context.environment)?;
    match command {
        Trust::List => {
            let rows = RevocationOrders::load_with(config.as_deref(), &context.environment)?;
            Ok(list::run((&files, &rows), config.as_deref(), context.clock.now()))
        }
        Trust::Show(Which { file }) => {
            let seen = Seen::of(ca_certificate(&file)?, &files);
            Ok(Report::new(seen.json(), seen.text()))
        }
        Trust::Add(add) => add::run(&add, &files, config.as_deref(), context, person),
    }
}

/// A CA's certificate beside what is known of its name and its root.
struct Seen {
    certificate: CaCertificate,
    /// What SITHS e-id has of that name.
    by_name: Option<(Hierarchy, Authority)>,
    /// What signed it, among what is configured and the shipped roots.
    signer: Option<Signer>,
}

struct Signer {
    name: String,
    is_shipped: bool,
    place: SignerPlace,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum SignerPlace {
    Root,
    /// An issuing CA or an intermediate.
    Below,
    /// A root that is shipped alone.
    Unconfigured,
}

impl Seen {
    fn of(certificate: CaCertificate, files: &TrustFiles) -> Self {
        let by_name = Authority::by_common_name(&certificate.common_name);
        let signed = |signer: &CaCertificate| certificate.is_signed_by(signer);
        let shipped = shipped_roots().find(signed);
        let configured = readable(&files.roots).find(signed).map(|root| (root, SignerPlace::Root));
        let below = || links(files).into_iter().find(signed).map(|ca| (ca, SignerPlace::Below));
        let unconfigured = || Some((shipped.clone()?, SignerPlace::Unconfigured));
        let signer =
            configured.or_else(below).or_else(unconfigured).map(|(signer, place)| Signer {
                is_shipped: shipped.as_ref().is_some_and(|shipped| shipped.sha256 == signer.sha256),
                name: signer.common_name,
                place,
            });
        Self { certificate, by_name, signer }
    }

    fn json(&self) -> Value {
        let mut json = certificate_json(&self.certificate);
        json["signed_by"] = self.signer.as_ref().map_or(Value::Null, |signer| {
            json!({
                "name": signer.name,
                "shipped": signer.is_shipped,
                "configured": signer.place != SignerPlace::Unconfigured,
            })
        });
        json["by_name"] = self.by_name.map_or(Value::Null, |(hierarchy, authority)| {
            json!({
                "hierarchy": hierarchy,
                "kind": authority.kind,
                "loa": authority.loa,
            })
        });
        json
    }

    fn text(&self) -> String {
        let signed_by = self.signer.as_ref().map_or_else(
            || "nothing that is configured, and no root that is shipped".to_owned(),
            |signer| {
                let shipped = if signer.is_shipped { ", shipped with this program" } else { "" };
                let place = match signer.place {
                    SignerPlace::Root => "in trust.roots",
                    SignerPlace::Below => "configured below a root",
                    SignerPlace::Unconfigured => "NOT in trust.roots",
                };
                format!("{}{shipped}, {place}: signature verified", signer.name)
            },
        );
        let by_name = self.by_name.map_or_else(
            || "unknown: no authority of SITHS e-id".to_owned(),
            |(hierarchy, authority)| {
                format!(
                    "{hierarchy}, {}: {}",
                    level(authority.kind, authority.loa),
                    authority.issues
                )
            },
        );
        let mut facts = certificate_facts(&self.certificate);
        facts.push(("signed by", signed_by));
        facts.push(("by its name", by_name));
        lines(&facts)
    }
}

/// The certificates of files that hold one.
fn readable(files: &[PathBuf]) -> impl Iterator<Item = CaCertificate> {
    files.iter().filter_map(|file| ca_certificate(file).ok())
}

/// What may stand between a root and a CA: the intermediates, and the issuing CAs.
fn links(files: &TrustFiles) -> Vec<CaCertificate> {
    let issuers = files.issuers.iter().filter_map(|row| ca_certificate(&row.certificate).ok());
    readable(&files.intermediates).chain(issuers).collect()
}

fn shipped_roots() -> impl Iterator<Item = CaCertificate> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    Hierarchy::ALL.into_iter().filter_map(|hierarchy| {
        let der = CertificateDer::from_pem_slice(hierarchy.root().as_bytes()).ok()?;
        CaCertificate::read(der).ok()
    })
}

fn certificate_json(certificate: &CaCertificate) -> Value {
    json!({
        "name": certificate.common_name,
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "sha256": certificate.sha256,
        "sha1": certificate.sha1,
        "serial": certificate.serial,
        "not_before": certificate.not_before,
        "not_after": certificate.not_after,
        "key": certificate.key,
        "signature_algorithm": certificate.signature_algorithm,
        "path_length": certificate.path_length,
        "key_usage": certificate.key_usage,
    })
}

fn certificate_facts(certificate: &CaCertificate) -> Vec<(&'static str, String)> {
    let length = certificate.path_length;
    let below =
        length.map_or_else(|| ", no path length".to_owned(), |n| format!(", path length {n}"));
    let usage = if certificate.key_usage.is_empty() {
        "none: anything".to_owned()
    } else {
        certificate.key_usage.join(", ")
    };
    vec![
        ("subject", certificate.subject.clone()),
        ("issuer", certificate.issuer.clone()),
        ("SHA-256", colons(&certificate.sha256)),
        ("SHA-1", colons(&certificate.sha1)),
        ("serial", certificate.serial.clone()),
        ("valid", validity(certificate)),
        ("key", certificate.key.clone()),
        ("signature", certificate.signature_algorithm.clone()),
        ("constraints", format!("CA{below}")),
        ("key usage", usage),
    ]
}

fn validity(certificate: &CaCertificate) -> String {
    let day = |moment: chrono::DateTime<chrono::Utc>| moment.date_naive();
    format!("{} to {}", day(certificate.not_before), day(certificate.not_after))
}

/// A row's kind and level, as the configuration has them.
fn level(kind: IssuerKind, loa: Option<crate::identity::assurance::Loa>) -> String {
    loa.map_or_else(|| kind.to_string(), |loa| format!("{kind} {loa}"))
}

/// `87:67:26…`, as openssl writes a fingerprint.
fn colons(hex: &str) -> String {
    let pairs = hex.as_bytes().chunks(2).map(String::from_utf8_lossy);
    pairs.collect::<Vec<_>>().join(":").to_ascii_uppercase()
}

/// Names and values in two columns.
fn lines(facts: &[(&str, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    facts.iter().map(|(name, value)| format!("  {name:<width$}  {value}\n")).collect()
}
