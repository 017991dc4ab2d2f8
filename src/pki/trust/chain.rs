//! What RFC 5280 §6.1 asks of a path and webpki does not look at. `docs/rfc5280.md` lists what is
//! done where.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::is_current;
use super::path::refusal;
use super::policies::{self, Step};
use crate::pki::assessment::Refusal;
use crate::pki::certificate::CertificateRejection;
use crate::pki::constraints::{self, Names};
use crate::pki::profile::Profile;
use crate::pki::revocation::{CaId, Link, Subject};

/// A path that holds.
pub(super) struct Held {
    /// The key of the CA that signed the leaf.
    pub(super) issuer_key: Vec<u8>,
    /// Who issued what, the leaf first: whose revocation is to be asked for.
    pub(super) links: Vec<Link>,
    /// The policies of the leaf that every CA of the path allows.
    pub(super) policies: BTreeSet<String>,
    /// The names of the CAs, from the leaf's issuer to the root.
    pub(super) names: Vec<String>,
}

/// Looks at a path that webpki found good: the root, the CAs below it from the root on, the leaf.
///
/// # Errors
/// What of it may not be, and why.
pub(super) fn hold(
    root: &Profile,
    cas: &[&Profile],
    leaf: &Profile,
    now: DateTime<Utc>,
) -> Result<Held, Refusal> {
    // webpki's anchors carry no dates.
    if !is_current(root, now) {
        return Err(refusal(CertificateRejection::IssuerNotCurrent, "the root"));
    }
    for ca in cas {
        must_be_fit(ca)?;
    }
    must_be_short(root, cas)?;
    must_keep_to_names(root, cas, leaf)?;
    let policies = hold_policies(cas, leaf)?;

    // From the leaf up.
    let issuers: Vec<&Profile> = cas.iter().rev().copied().chain([root]).collect();
    let subjects = std::iter::once(leaf).chain(cas.iter().rev().copied());
    let kinds = std::iter::once(Subject::Person).chain(std::iter::repeat(Subject::Ca));
    let links = issuers.iter().zip(subjects).zip(kinds).map(|((issuer, certificate), subject)| {
        let (serial, points) = (certificate.serial.clone(), certificate.points.clone());
        Link { issuer: CaId::of(&issuer.key), serial, subject, points }
    });
    Ok(Held {
        issuer_key: issuers.first().map(|issuer| issuer.key.clone()).unwrap_or_default(),
        links: links.collect(),
        policies,
        names: issuers.iter().map(|ca| ca.subject_cn.clone()).collect(),
    })
}

/// Key usage, key and form of a CA. webpki has looked at basicConstraints.
fn must_be_fit(ca: &Profile) -> Result<(), Refusal> {
    let unfit = |detail: &str| {
        Err((CertificateRejection::IssuerUnfit, format!("{}: {detail}", ca.subject_cn)))
    };
    if !ca.may_issue() {
        return unfit("no keyCertSign");
    }
    if !ca.key_is_strong {
        return unfit(&format!("its key is {}", ca.key_name));
    }
    match ca.serial_fault.or(ca.fault) {
        Some(fault) => unfit(fault),
        None => Ok(()),
    }
}

/// RFC 5280 §6.1.4 (l) and (m), the root's own constraint among them.
fn must_be_short(root: &Profile, cas: &[&Profile]) -> Result<(), Refusal> {
    let mut left = root.path_length;
    for ca in cas {
        if !ca.is_self_issued() {
            left = match left {
                Some(0) => {
                    let detail = format!("{}: beyond a pathLenConstraint", ca.subject_cn);
                    return Err((CertificateRejection::PathInvalid, detail));
                }
                left => left.map(|left| left - 1),
            };
        }
        left = match (left, ca.path_length) {
            (Some(left), Some(own)) => Some(left.min(own)),
            (left, own) => left.or(own),
        };
    }
    Ok(())
}

/// RFC 5280 §6.1.3 (b) and (c), for the forms that webpki leaves.
fn must_keep_to_names(root: &Profile, cas: &[&Profile], leaf: &Profile) -> Result<(), Refusal> {
    let mut constraints: Vec<&[u8]> = root.name_constraints.as_deref().into_iter().collect();
    let path = cas.iter().copied().chain([leaf]).enumerate();
    for (place, certificate) in path {
        let is_leaf = place == cas.len();
        if !constraints.is_empty() && (is_leaf || !certificate.is_self_issued()) {
            let alternative = certificate.alternative_name.as_deref();
            let names = Names::read(&certificate.subject, alternative);
            let kept = names.is_some_and(|names| {
                constraints.iter().all(|constraints| constraints::hold(constraints, &names))
            });
            if !kept {
                return Err(refusal(CertificateRejection::PathInvalid, "name constraints"));
            }
        }
        constraints.extend(certificate.name_constraints.as_deref());
    }
    Ok(())
}

fn hold_policies(cas: &[&Profile], leaf: &Profile) -> Result<BTreeSet<String>, Refusal> {
    let steps: Vec<Step<'_>> = cas
        .iter()
        .copied()
        .chain([leaf])
        .map(|certificate| Step {
            policies: &certificate.policies,
            self_issued: certificate.is_self_issued(),
        })
        .collect();
    policies::hold(&steps)
        .map_err(|fault| refusal(CertificateRejection::PathInvalid, fault.detail()))
}
