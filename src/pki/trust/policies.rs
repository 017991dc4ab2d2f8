//! The policies that hold along a path (RFC 5280 §6.1), beyond what webpki looks at.
//!
//! The initial policy set is anyPolicy, and nothing is inhibited or demanded at the outset. What
//! RFC 5280 keeps as a tree is kept here as the set of policies that the next certificate may
//! assert: with such an outset the tree has a node for a policy exactly where this set has it, and
//! qualifiers are not looked at.

use std::collections::BTreeSet;

use crate::pki::profile::Policies;

/// 2.5.29.32.0: any policy.
const ANY: &str = "2.5.29.32.0";

/// Why the policies of a path do not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PolicyFault {
    /// A mapping from or to anyPolicy (RFC 5280 §6.1.4 a).
    AnyMapped,
    /// A CA of the path demands that a policy holds, and none does (RFC 5280 §6.1.5 g).
    NoneHolds,
}

impl PolicyFault {
    pub(super) const fn detail(self) -> &'static str {
        match self {
            Self::AnyMapped => "anyPolicy is mapped (RFC 5280 §6.1.4)",
            Self::NoneHolds => "a policy is demanded and none holds (RFC 5280 §6.1.5)",
        }
    }
}

/// The policies that a path allows its next certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Allowed {
    /// Any at all: every certificate of the path has anyPolicy.
    any: bool,
    these: BTreeSet<String>,
}

impl Allowed {
    fn is_empty(&self) -> bool {
        !self.any && self.these.is_empty()
    }

    fn allows(&self, policy: &str) -> bool {
        self.any || self.these.contains(policy)
    }
}

/// One certificate of a path.
pub(super) struct Step<'a> {
    pub(super) policies: &'a Policies,
    /// Its issuer and its subject have one name (RFC 5280 §6.1).
    pub(super) self_issued: bool,
}

/// The policies of the last certificate of `path` that hold, anyPolicy apart; the path begins below
/// the root.
pub(super) fn hold(path: &[Step<'_>]) -> Result<BTreeSet<String>, PolicyFault> {
    // RFC 5280 §6.1.2 (d) to (f): n + 1, where nothing is demanded at the outset.
    let unlimited = u32::try_from(path.len()).unwrap_or(u32::MAX).saturating_add(1);
    let (mut explicit, mut mapping, mut any) = (unlimited, unlimited, unlimited);
    let mut allowed = Allowed { any: true, these: BTreeSet::new() };
    let Some((leaf, cas)) = path.split_last() else { return Ok(BTreeSet::new()) };
    for ca in cas {
        // §6.1.3 (d) to (f).
        allowed = asserted(&allowed, ca.policies, any > 0 || ca.self_issued);
        // §6.1.4 (a) and (b).
        allowed = mapped(allowed, &ca.policies.mappings, mapping > 0)?;
        // §6.1.4 (h) to (j).
        if !ca.self_issued {
            explicit = explicit.saturating_sub(1);
            mapping = mapping.saturating_sub(1);
            any = any.saturating_sub(1);
        }
        explicit = ca.policies.require_explicit.map_or(explicit, |skip| skip.min(explicit));
        mapping = ca.policies.inhibit_mapping.map_or(mapping, |skip| skip.min(mapping));
        any = ca.policies.inhibit_any.map_or(any, |skip| skip.min(any));
    }
    // §6.1.3 (d) to (f) and §6.1.5 (a), (b) and (g). Once nothing is allowed or a policy is demanded
    // it stays so: the last certificate tells of all.
    allowed = asserted(&allowed, leaf.policies, any > 0);
    explicit = explicit.saturating_sub(1);
    if leaf.policies.require_explicit == Some(0) {
        explicit = 0;
    }
    if explicit == 0 && allowed.is_empty() {
        return Err(PolicyFault::NoneHolds);
    }
    Ok(allowed.these)
}

/// What is left of `allowed` by what a certificate asserts.
fn asserted(allowed: &Allowed, policies: &Policies, any_counts: bool) -> Allowed {
    let Some(asserted) = &policies.asserted else { return Allowed::default() };
    let own = asserted.iter().filter(|policy| *policy != ANY && allowed.allows(policy));
    let mut left = Allowed { any: false, these: own.cloned().collect() };
    if any_counts && asserted.iter().any(|policy| policy == ANY) {
        left.any = allowed.any;
        left.these.extend(allowed.these.iter().cloned());
    }
    left
}

/// `allowed` in the terms of the certificates that a CA issues.
fn mapped(
    allowed: Allowed,
    mappings: &[(String, String)],
    may_map: bool,
) -> Result<Allowed, PolicyFault> {
    if mappings.iter().any(|(issuer, subject)| issuer == ANY || subject == ANY) {
        return Err(PolicyFault::AnyMapped);
    }
    let issuers: BTreeSet<&String> = mappings.iter().map(|(issuer, _)| issuer).collect();
    let kept = allowed.these.iter().filter(|policy| !issuers.contains(policy)).cloned();
    let mut these: BTreeSet<String> = kept.collect();
    if may_map {
        let subjects = mappings.iter().filter(|(issuer, _)| allowed.allows(issuer));
        these.extend(subjects.map(|(_, subject)| subject.clone()));
    }
    Ok(Allowed { any: allowed.any, these })
}
