//! `siths-idp inspect`: a certificate file judged as a node would judge it, step by step.
//!
//! With a database at hand the revocation lists there are looked into; without one it works as well.
//! Must never print a whole personnummer, and never a name: what is told of the subject is its
//! identifier alone.

mod lists;

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::{Value, json};

use self::lists::{Found, Word};
use super::Exit;
use super::certificates::certificates;
use super::context::{Context, moment};
use super::output::{Failure, Report};
use crate::config::{RevocationOrders, TrustFiles};
use crate::identity::personal_number::PersonalNumber;
use crate::pki::{Assessment, Check, Description, PresentedChain, StepResult, Trust};
use crate::serve::trust;

#[derive(Args)]
pub(super) struct Inspect {
    /// The certificate, PEM (with what a browser would send beside it) or DER
    file: PathBuf,
    /// Day (UTC) or moment to judge it at [default: now]
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    at: Option<DateTime<Utc>>,
}

/// What came of looking into the revocation lists.
type Looked = Result<Vec<Found>, String>;

pub(super) async fn run(inspect: &Inspect, context: &Context) -> Result<Report, Failure> {
    let at = inspect.at.unwrap_or_else(|| context.clock.now());
    let (files, orders, trust) = configured(context, at)?;
    let chain = PresentedChain::new(certificates(&inspect.file)?);
    let chain = chain.ok_or_else(|| empty(&inspect.file))?;
    let mut assessment = trust.assess(&chain, at);
    let looked = match &assessment.outcome {
        Ok(authentic) => lists::look(authentic.links(), (&files, &orders), context, at).await,
        Err(_) => Err("not reached".to_owned()),
    };
    if let Ok(found) = &looked {
        settle(&mut assessment, found);
    }
    let exit = match would_log_in(&assessment, &looked) {
        Some(true) => Exit::Done,
        Some(false) => Exit::Failed,
        None => Exit::Open,
    };
    let report = Report::new(as_json(&assessment, &looked, at), as_text(&assessment, &looked, at));
    Ok(Report { exit, ..report })
}

/// Whether a node would let it in; `None` where that hangs on a word on revocation that is not to be
/// had here.
fn would_log_in(assessment: &Assessment, looked: &Looked) -> Option<bool> {
    if assessment.outcome.is_err() {
        return Some(false);
    }
    let found = looked.as_ref().ok()?;
    found.iter().all(|found| found.word != Word::NotDetermined).then_some(true)
}

/// The judgement with what the lists say.
fn settle(assessment: &mut Assessment, found: &[Found]) {
    let Ok(authentic) = assessment.outcome.clone() else { return };
    let verdicts: Vec<_> = found.iter().map(Found::verdict).collect();
    let is_known = found.iter().all(|f| !matches!(f.word, Word::NotDetermined | Word::Off));
    let settled = authentic.settle(&verdicts);
    let result = match &settled {
        Err(_) => StepResult::Failed,
        Ok(_) if is_known => StepResult::Passed,
        Ok(_) => StepResult::Warned,
    };
    if let Some(step) = assessment.steps.iter_mut().find(|step| step.check == Check::Revocation) {
        step.result = result;
        step.detail = found.iter().map(Found::text).collect::<Vec<_>>().join("; ");
    }
    if let Err(rejected) = settled {
        assessment.outcome = Err(rejected);
    }
}

/// What a node with this configuration would trust.
fn configured(
    context: &Context,
    at: DateTime<Utc>,
) -> Result<(TrustFiles, RevocationOrders, Trust), Failure> {
    let config = context.config_file();
    let files = TrustFiles::load_with(config.as_deref(), &context.environment)?;
    if files.roots.is_empty() || files.issuers.is_empty() {
        let message = "no [trust] is configured: name the configuration with --config FILE";
        return Err(Failure::usage("config_missing", message));
    }
    let trust = trust::trust(&files, at);
    let trust = trust.map_err(|fault| Failure::failed("trust", fault.to_string()))?;
    let orders = RevocationOrders::load_with(config.as_deref(), &context.environment)?;
    Ok((files, orders, trust))
}

fn empty(file: &Path) -> Failure {
    let message = format!("{} holds no certificate", file.display());
    Failure::failed("certificate_unreadable", message)
}

fn as_json(assessment: &Assessment, looked: &Looked, at: DateTime<Utc>) -> Value {
    let rejected = assessment.outcome.as_ref().err();
    let steps = assessment.steps.iter().map(|step| {
        json!({ "check": step.check, "result": result(step.check, step.result), "detail": step.detail })
    });
    json!({
        "at": at,
        "would_log_in": would_log_in(assessment, looked),
        "code": rejected.map(|rejected| rejected.code().name()),
        "cause": rejected.map(|rejected| rejected.cause.name()),
        "certificate": assessment.certificate.as_ref().map(described),
        "steps": steps.collect::<Vec<_>>(),
        "revocation": match looked {
            Ok(found) => json!({ "lists": found.iter().map(Found::json).collect::<Vec<_>>() }),
            Err(why) => json!({ "not_asked": why }),
        },
    })
}

fn described(certificate: &Description) -> Value {
    json!({
        "issuer": certificate.facts.issuer_cn,
        "serial": certificate.facts.serial,
        "sha256": certificate.facts.sha256,
        "not_before": certificate.facts.not_before,
        "not_after": certificate.facts.not_after,
        "kind": certificate.kind,
        "loa": certificate.loa,
        "policies": certificate.policies,
        "key_usage": certificate.key_usage,
        "purposes": certificate.purposes,
        "key": certificate.key,
        "signature_algorithm": certificate.signature_algorithm,
        "identifier": certificate.submitted.as_deref().map(PersonalNumber::masked),
    })
}

fn as_text(assessment: &Assessment, looked: &Looked, at: DateTime<Utc>) -> String {
    let mut text = String::new();
    if let Some(certificate) = &assessment.certificate {
        text += "Certificate\n";
        text.extend(facts(certificate).into_iter().map(|(name, value)| line(name, &value)));
        text.push('\n');
    }
    text += &format!("Judged at {}\n", at.format("%Y-%m-%d %H:%M:%S UTC"));
    for step in &assessment.steps {
        let told = result(step.check, step.result);
        text += &line(told, format!("{:<11}  {}", step.check.name(), step.detail).trim_end());
    }
    text += &match (&assessment.outcome, looked) {
        (Ok(_), Err(why)) => {
            format!("\nNot determined: would log in if it is not revoked, and {why}.\n")
        }
        (Ok(_), Ok(found)) if found.iter().any(|found| found.word == Word::NotDetermined) => {
            "\nNot determined: would log in if it is not revoked, and the lists in the database do \
             not say.\n"
                .to_owned()
        }
        (Ok(_), Ok(found)) if found.iter().all(|found| found.word == Word::Off) => {
            "\nWould log in, revoked or not: by the configuration nobody is asked.\n".to_owned()
        }
        (Ok(_), Ok(_)) => {
            "\nWould log in, by the revocation lists in the database; OCSP was not asked.\n"
                .to_owned()
        }
        (Err(rejected), _) => {
            let (code, cause) = (rejected.code().name(), rejected.cause.name());
            format!("\nWould NOT log in: {code} ({cause})\n")
        }
    };
    text
}

/// Revocation is left open by the judgement, and may stay so.
const fn result(check: Check, result: StepResult) -> &'static str {
    match (check, result) {
        (Check::Revocation, StepResult::NotReached) => "not-asked",
        (_, result) => result.name(),
    }
}

fn facts(certificate: &Description) -> Vec<(&'static str, String)> {
    let facts = &certificate.facts;
    let kind = certificate.kind.map(|kind| json!(kind).as_str().unwrap_or_default().to_owned());
    let loa = certificate.loa.map(|loa| loa.to_string());
    let identifier = certificate.submitted.as_deref().map(PersonalNumber::masked);
    let unjudged = || "(not judged so far)".to_owned();
    let listed = |names: String| if names.is_empty() { "(none)".to_owned() } else { names };
    vec![
        ("issuer", facts.issuer_cn.clone()),
        ("serial", facts.serial.clone()),
        ("SHA-256", facts.sha256.clone()),
        ("valid", format!("{} to {}", facts.not_before, facts.not_after)),
        ("key", certificate.key.clone()),
        ("signature", certificate.signature_algorithm.clone()),
        ("key usage", listed(certificate.key_usage.join(", "))),
        ("purposes", listed(certificate.purposes.join(", "))),
        ("policies", listed(certificate.policies.join(", "))),
        ("kind", kind.unwrap_or_else(unjudged)),
        ("level", loa.unwrap_or_else(|| "(none)".to_owned())),
        ("identifier", identifier.unwrap_or_else(|| "(none)".to_owned())),
    ]
}

fn line(name: &str, value: &str) -> String {
    format!("  {name:<11}  {value}\n")
}
