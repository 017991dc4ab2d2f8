//! NIST's Public Key Interoperability Test Suite, re-issued as client certificates: see
//! `tests/fixtures/pkits/README.md`.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

struct Case {
    name: String,
    verdict: String,
    source: TrustSource,
    leaf: CertificateDer<'static>,
}

fn cases() -> Vec<Case> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/pkits/cases.txt");
    let text = std::fs::read_to_string(file).unwrap();
    let der = |text: &str| CertificateDer::from(STANDARD.decode(text).unwrap());
    let mut cas = HashMap::new();
    let mut cases = Vec::new();
    for line in text.lines() {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["root", root] => {
                // Where nobody else is named, the root itself has issued the leaf.
                cas.insert("-", der(root));
            }
            ["ca", name, ca] => {
                cas.insert(name, der(ca));
            }
            ["case", name, verdict, issuers, others, leaf] => {
                let others: Vec<&str> = others.split(',').filter(|name| *name != "-").collect();
                let row = |name: &str| IssuerRow {
                    certificate: cas[name].clone(),
                    kind: Kind::HsaId,
                    loa: Some(Loa::Three),
                    policies: Vec::new(),
                };
                cases.push(Case {
                    name: name.to_owned(),
                    verdict: verdict.to_owned(),
                    source: TrustSource {
                        roots: vec![cas["-"].clone()],
                        issuers: issuers.split(',').map(row).collect(),
                        intermediates: others.iter().map(|name| cas[name].clone()).collect(),
                        grammar: HsaIdGrammar::default(),
                        unknown_policy: UnknownPolicy::FollowIssuer,
                    },
                    leaf: der(leaf),
                });
            }
            _ => panic!("{line}"),
        }
    }
    cases
}

/// Accepted, or why not: at the start, or at a login.
fn verdict_of(source: TrustSource, chain: &PresentedChain) -> Result<(), String> {
    let trust = Trust::new(source, now()).map_err(|fault| fault.to_string())?;
    let verdict = trust.verify(chain, now()).map(|_| ());
    verdict.map_err(|rejected| format!("{}: {}", rejected.cause.name(), rejected.detail))
}

#[test]
fn every_path_of_pkits_has_its_verdict() {
    let cases = cases();
    assert_eq!(cases.len(), 126);
    let mut wrong = Vec::new();
    for Case { name, verdict, source, leaf } in cases {
        let judged = verdict_of(source, &chain([&leaf]));
        if judged.is_ok() != (verdict == "valid") {
            wrong.push(format!("{name} ({verdict}): {judged:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_a_client_sends_beside_its_leaf_changes_no_verdict_of_pkits() {
    let mut wrong = Vec::new();
    for Case { name, verdict, mut source, leaf } in cases() {
        let issuers = source.issuers.iter().map(|row| row.certificate.clone());
        let mut all = vec![leaf];
        all.extend(source.intermediates.iter().cloned().chain(issuers).take(8));
        all.extend(source.roots.iter().cloned());
        // Of the CAs above the issuing ones nothing is configured where the root reaches those.
        let configured = std::mem::take(&mut source.intermediates);
        let sent = PresentedChain::new(all).unwrap();
        let mut judged = verdict_of(source.clone(), &sent);
        if judged.as_ref().is_err_and(|fault| fault.contains("not signed by a configured root")) {
            source.intermediates = configured;
            judged = verdict_of(source, &sent);
        }
        if judged.is_ok() != (verdict == "valid") {
            wrong.push(format!("{name} ({verdict}): {judged:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
