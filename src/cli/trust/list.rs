//! `siths-idp trust list`: what is configured, and what of SITHS e-id is missing.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::super::certificates::ca_certificate;
use super::super::output::{Failure, Report, table};
use super::{certificate_json, colons, level, lines, links, readable, validity};
use crate::config::siths::{Hierarchy, ISSUING, file_stem};
use crate::config::{IssuerFile, RevocationOrder, RevocationOrders, TrustFiles};
use crate::pki::CaCertificate;

/// A certificate of the configuration.
struct Configured<'a> {
    file: &'a Path,
    role: Role<'a>,
    certificate: Result<CaCertificate, Failure>,
    /// The configured CA that signed it.
    under: Option<String>,
}

#[derive(Clone, Copy)]
enum Role<'a> {
    Root,
    /// Between a root and an issuing CA.
    Link,
    Issuing(&'a IssuerFile),
}

pub(super) fn run(
    (files, revocation): (&TrustFiles, &RevocationOrders),
    config: Option<&Path>,
    now: DateTime<Utc>,
) -> Report {
    let above = reached(files);
    let roots = files.roots.iter().map(|file| Configured::of(file, Role::Root, &above));
    let roots: Vec<_> = roots.collect();
    let between = files.intermediates.iter();
    let between = between.map(|file| Configured::of(file, Role::Link, &above));
    let between: Vec<_> = between.collect();
    let issuers = files.issuers.iter();
    let issuers = issuers.map(|row| Configured::of(&row.certificate, Role::Issuing(row), &above));
    let issuers: Vec<_> = issuers.collect();
    let missing = missing(&roots, &issuers, config);
    let all = roots.iter().chain(&between).chain(&issuers);
    let mut warnings: Vec<String> = all.clone().flat_map(|one| one.warnings(now)).collect();
    warnings.extend(unasked(all, revocation));
    let list = |all: &[Configured<'_>]| all.iter().map(Configured::json).collect::<Vec<_>>();
    let json = json!({
        "config": config,
        "roots": list(&roots),
        "intermediates": list(&between),
        "issuers": list(&issuers),
        "missing": missing.iter().map(Missing::json).collect::<Vec<_>>(),
    });
    let mut text = String::new();
    let sections = [("Roots", &roots), ("Intermediates", &between), ("Issuing CAs", &issuers)];
    for (title, all) in sections {
        if all.is_empty() && title == "Intermediates" {
            continue;
        }
        text += &format!("{title}\n");
        if all.is_empty() {
            text += "  none is configured\n";
        }
        text.extend(all.iter().map(|one| one.text()));
        text.push('\n');
    }
    text += &missing_text(&missing);
    Report { warnings, ..Report::new(json, text) }
}

/// The roots, and what signatures lead to from them.
fn reached(files: &TrustFiles) -> Vec<CaCertificate> {
    let mut reached: Vec<CaCertificate> = readable(&files.roots).collect();
    let mut others = links(files);
    while let Some(next) =
        others.iter().position(|ca| reached.iter().any(|above| ca.is_signed_by(above)))
    {
        reached.push(others.swap_remove(next));
    }
    reached
}

/// Authorities without a row of `[revocation]`, by key: they stop a node from starting.
fn unasked<'a>(
    all: impl Iterator<Item = &'a Configured<'a>>,
    revocation: &RevocationOrders,
) -> Vec<String> {
    if revocation.default == RevocationOrder::Off {
        return Vec::new();
    }
    let files: Vec<_> = revocation.authorities.iter().map(|(file, _)| file.clone()).collect();
    let mut seen: Vec<CaCertificate> = readable(&files).collect();
    let mut warnings = Vec::new();
    for one in all {
        let Ok(certificate) = &one.certificate else { continue };
        if seen.iter().any(|other| other.has_key_of(certificate)) {
            continue;
        }
        seen.push(certificate.clone());
        warnings.push(format!(
            "{} has no [[revocation.authorities]]: a node does not start without one for {}, or \
             revocation.order = \"off\", by which its revoked certificates log in",
            certificate.common_name,
            one.file.display()
        ));
    }
    warnings
}

impl<'a> Configured<'a> {
    fn of(file: &'a Path, role: Role<'a>, above: &[CaCertificate]) -> Self {
        let certificate = ca_certificate(file);
        let signer = certificate.as_ref().ok().and_then(|certificate| {
            let mut others = above.iter().filter(|other| other.sha256 != certificate.sha256);
            others.find(|other| certificate.is_signed_by(other))
        });
        Self { file, role, under: signer.map(|signer| signer.common_name.clone()), certificate }
    }

    fn bears(&self, common_name: &str) -> bool {
        self.certificate.as_ref().is_ok_and(|one| one.common_name == common_name)
    }

    fn json(&self) -> Value {
        let mut json = match &self.certificate {
            Ok(certificate) => certificate_json(certificate),
            Err(failure) => {
                json!({ "error": { "code": failure.code, "message": failure.message } })
            }
        };
        json["file"] = json!(self.file);
        json["readable"] = json!(self.certificate.is_ok());
        if !matches!(self.role, Role::Root) {
            json["under"] = json!(self.under);
        }
        if let Role::Issuing(row) = self.role {
            json["kind"] = json!(row.kind);
            json["loa"] = json!(row.loa);
            let policies = row
                .policies
                .iter()
                .map(|policy| json!({ "oid": policy.oid, "kind": policy.kind, "loa": policy.loa }));
            json["policies"] = json!(policies.collect::<Vec<_>>());
        }
        json
    }

    fn text(&self) -> String {
        let mut facts = vec![("file", self.file.display().to_string())];
        let name = match &self.certificate {
            Ok(certificate) => {
                facts.push(("SHA-256", colons(&certificate.sha256)));
                facts.push(("valid", validity(certificate)));
                facts.push(("key", certificate.key.clone()));
                certificate.subject.clone()
            }
            Err(failure) => {
                facts.push(("problem", failure.message.clone()));
                "(not read)".to_owned()
            }
        };
        if self.certificate.is_ok() && !matches!(self.role, Role::Root) {
            let none = || "nothing that is configured has signed it".to_owned();
            let verified = |ca: &String| format!("{ca}: signature verified");
            facts.push(("under", self.under.as_ref().map_or_else(none, verified)));
        }
        let Role::Issuing(row) = self.role else {
            return format!(" {name}\n{}", lines(&facts));
        };
        for policy in &row.policies {
            let loa = policy.loa.or(row.loa);
            facts.push(("policy", format!("{}: {}", policy.oid, level(policy.kind, loa))));
        }
        format!(" {}: {name}\n{}", level(row.kind, row.loa), lines(&facts))
    }

    /// What will stop a node from starting, or its cards from logging in.
    fn warnings(&self, now: DateTime<Utc>) -> Vec<String> {
        let certificate = match &self.certificate {
            Ok(certificate) => certificate,
            Err(failure) => return vec![failure.message.clone()],
        };
        let name = &certificate.common_name;
        let mut warnings = Vec::new();
        if now > certificate.not_after {
            warnings.push(format!("{name} has expired"));
        }
        if now < certificate.not_before {
            warnings.push(format!("{name} is not valid yet"));
        }
        if !matches!(self.role, Role::Root) && self.under.is_none() {
            warnings
                .push(format!("{name} is not signed by a configured root, nor by a CA below one"));
        }
        warnings
    }
}

/// An authority of SITHS e-id that no row names.
struct Missing {
    name: String,
    hierarchy: Hierarchy,
    what: String,
    issues: &'static str,
    /// Where the configuration would have it.
    file: String,
    /// Whether it lies there, though no row names it.
    is_there: bool,
}

impl Missing {
    fn new(
        name: String,
        hierarchy: Hierarchy,
        (what, issues): (String, &'static str),
        config: Option<&Path>,
    ) -> Self {
        let file = format!("trust/{hierarchy}/{}.pem", file_stem(&name));
        let folder = config.and_then(Path::parent).unwrap_or(Path::new("config"));
        let is_there = folder.join(&file).exists();
        Self { name, hierarchy, what, issues, file, is_there }
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name,
            "hierarchy": self.hierarchy,
            "row": self.what,
            "file": self.file,
            "there": self.is_there,
        })
    }
}

/// Of the hierarchies whose root is configured; of production where none is.
fn missing(
    roots: &[Configured<'_>],
    issuers: &[Configured<'_>],
    config: Option<&Path>,
) -> Vec<Missing> {
    let has = |all: &[Configured<'_>], name: &str| all.iter().any(|one| one.bears(name));
    let used = |hierarchy: &Hierarchy| has(roots, &hierarchy.root_name());
    let mut hierarchies: Vec<Hierarchy> = Hierarchy::ALL.into_iter().filter(used).collect();
    let mut missing = Vec::new();
    if hierarchies.is_empty() {
        let hierarchy = Hierarchy::Production;
        hierarchies.push(hierarchy);
        let root = ("root".to_owned(), "the issuing CAs below");
        missing.push(Missing::new(hierarchy.root_name(), hierarchy, root, config));
    }
    for hierarchy in hierarchies {
        for authority in ISSUING {
            let name = authority.common_name(hierarchy);
            if !has(issuers, &name) {
                let what = (level(authority.kind, authority.loa), authority.issues);
                missing.push(Missing::new(name, hierarchy, what, config));
            }
        }
    }
    missing
}

fn missing_text(missing: &[Missing]) -> String {
    if missing.is_empty() {
        return "Nothing of SITHS e-id is missing.\n".to_owned();
    }
    let rows = missing.iter().map(|one| {
        let there = if one.is_there { " (is there: name it in a row)" } else { "" };
        let file = format!("{}{there}", one.file);
        vec![one.name.clone(), one.what.clone(), one.issues.to_owned(), file]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    format!(
        "Missing of SITHS e-id; config/trust/README.md says where to get it, trust add puts it there\n{}",
        table(&["NAME", "ROW", "ISSUES", "FILE"], &rows)
    )
}
