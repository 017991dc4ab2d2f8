//! Certificate policies that the configuration does not name: told to the operator, once each.

use crate::pki::Authentic;
use crate::state::App;

/// Tells in the log of the policies of a card that no configured row names, where it follows its
/// CA's row. A policy is told once while a node runs: it is a matter of configuration, not of a
/// card.
pub(super) fn tell(app: &App, authentic: &Authentic) {
    for policy in authentic.unknown_policies() {
        if app.told_policies.is_first(policy) {
            tracing::warn!(
                policy,
                issuer = %authentic.facts().issuer_cn,
                "a certificate policy is not configured; its certificates follow their issuer's row"
            );
        }
    }
}
