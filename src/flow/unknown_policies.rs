//! Certificate policies that the configuration does not name: told to the operator, once each.

use crate::pki::Assessment;
use crate::state::App;

/// Tells in the log of the policies of a card that no configured row names, whether or not it is
/// refused. A policy is told once while a node runs: it is a matter of configuration, not of a card.
/// Only configured CAs have one told ([`Assessment::unknown_policies`]), and only so many are.
pub(super) fn tell(app: &App, assessment: &Assessment) {
    let issuer = assessment.certificate.as_ref().map(|certificate| &certificate.facts.issuer_cn);
    for policy in &assessment.unknown_policies {
        if app.told_policies.is_first(policy) {
            tracing::warn!(policy, issuer, "a certificate policy is not configured");
        }
    }
}
