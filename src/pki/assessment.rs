//! A judgement told step by step: what was looked at, what was found, what was not reached.
//!
//! For those who ask why: the check page and `siths-idp inspect`. Must never hold a name or an
//! identifier in a step's detail; what is personal is in [`Description`] alone, and not in `Debug`.

use std::fmt;

use super::certificate::{Authentic, CertificateFacts, Rejected};
use super::trust::Kind;
use crate::identity::assurance::Loa;
use crate::named::named;

named! {
    /// What is looked at, in the order of judgement: what another choice of certificate can cure
    /// comes before what only the card supplier can.
    pub enum Check {
        /// The chain is no longer and no larger than is read.
        ChainSize = "chain-size",
        /// The leaf is an X.509 certificate of version 3 in DER.
        Reading = "reading",
        /// The leaf has a path to a configured root, with every signature right.
        Path = "path",
        /// The CA that signed the leaf is configured, by its key.
        Issuer = "issuer",
        /// The certificate policies, and the row of configuration that they lead to.
        Policy = "policy",
        /// It is of the kind that logs in: a person, by HSA-id.
        Kind = "kind",
        /// Key usage allows handshakes.
        KeyUsage = "key-usage",
        /// Extended key usage allows client authentication.
        Purpose = "purpose",
        /// The moment is within the leaf's validity.
        Validity = "validity",
        /// The leaf is well-formed by RFC 5280: serial number, extensions, names, algorithms.
        Form = "form",
        /// Every CA of the path may do what it did, at this moment.
        Authorities = "authorities",
        /// The leaf's key is strong enough.
        Key = "key",
        /// Exactly one identifier, and it is an HSA-id.
        Identifier = "identifier",
        /// Nobody has revoked it: not asked here, for those who ask it.
        Revocation = "revocation",
    }
}

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepResult {
    /// As it should be.
    Passed,
    /// As it should be, with something that an operator should know.
    Warned,
    /// Wrong: the judgement ends here.
    Failed,
    /// The judgement ended before.
    NotReached,
}

impl StepResult {
    /// Its name, for people and programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Warned => "warned",
            Self::Failed => "failed",
            Self::NotReached => "not-reached",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What.
    pub check: Check,
    /// What became of it.
    pub result: StepResult,
    /// What was found, in English for operators, without personal data. Empty where there is
    /// nothing to add.
    pub detail: String,
}

/// A chain, judged step by step.
#[derive(Clone, Debug)]
pub struct Assessment {
    /// A step for every [`Check`], in their order.
    pub steps: Vec<Step>,
    /// What the leaf is, where it could be read. Nothing in it is believed but by `outcome`.
    pub certificate: Option<Description>,
    /// The policies that no configured row names, on a certificate that a configured CA signed,
    /// refused or not: to be logged, once each. Empty on any other, which a stranger may have made.
    pub unknown_policies: Vec<String>,
    /// The judgement.
    pub outcome: Result<Authentic, Rejected>,
}

/// What a certificate says of itself.
#[derive(Clone)]
pub struct Description {
    /// Which certificate it is.
    pub facts: CertificateFacts,
    /// What it is for by the configured rows; `None` where it was not judged that far.
    pub kind: Option<Kind>,
    /// Its level of assurance by the configured rows.
    pub loa: Option<Loa>,
    /// The policy OIDs, dotted.
    pub policies: Vec<String>,
    /// The key usages by their names in RFC 5280 §4.2.1.3.
    pub key_usage: Vec<&'static str>,
    /// The extended key usages: names where they are known, else OIDs.
    pub purposes: Vec<String>,
    /// The public key: `RSA 2048`, `EC P-256`.
    pub key: String,
    /// The algorithm that the issuer signed with.
    pub signature_algorithm: String,
    /// The subject's serialNumber as sent, at most 64 characters: personal, perhaps a
    /// personnummer.
    pub submitted: Option<String>,
}

impl fmt::Debug for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Description")
            .field("facts", &self.facts)
            .field("kind", &self.kind)
            .field("loa", &self.loa)
            .field("policies", &self.policies)
            .finish_non_exhaustive()
    }
}

/// The steps of a judgement as it goes.
#[derive(Debug, Default)]
pub(super) struct Steps(Vec<Step>);

impl Steps {
    pub(super) fn pass(&mut self, check: Check, detail: impl Into<String>) {
        self.note(check, StepResult::Passed, detail.into());
    }

    pub(super) fn warn(&mut self, check: Check, detail: impl Into<String>) {
        self.note(check, StepResult::Warned, detail.into());
    }

    /// Notes the failure of `check`, if it is one.
    pub(super) fn hold<T>(
        &mut self,
        check: Check,
        result: Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        if let Err((cause, detail)) = &result {
            let told = if detail.is_empty() { cause.name() } else { detail };
            self.note(check, StepResult::Failed, told.to_owned());
        }
        result
    }

    /// [`Steps::hold`], and the passing noted as well.
    pub(super) fn check(
        &mut self,
        check: Check,
        result: Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        self.hold(check, result)?;
        self.pass(check, "");
        Ok(())
    }

    fn note(&mut self, check: Check, result: StepResult, detail: String) {
        self.0.push(Step { check, result, detail });
    }

    /// All steps, also those that were not reached.
    pub(super) fn finish(mut self) -> Vec<Step> {
        for check in Check::ALL {
            if !self.0.iter().any(|step| step.check == check) {
                self.note(check, StepResult::NotReached, String::new());
            }
        }
        self.0.sort_by_key(|step| step.check);
        self.0
    }
}

/// A cause and its detail.
pub(super) type Refusal = (super::CertificateRejection, String);
