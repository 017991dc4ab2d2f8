//! The names that claims go by: which fact is told under which name.
//!
//! Must never decide whether a claim is told: that is [`super::release`]'s.

use std::collections::{BTreeMap, BTreeSet};

use super::client::Client;
use super::scope::Scope;
use crate::identity::fact::Fact;

/// What a client without a `claim_profile` has.
const DEFAULT: &str = "standard";

/// Names of OpenID Connect Core 1.0 §5.1, and of Inera's IdP for what it does not name.
const STANDARD: &[(&str, Fact)] = &[
    ("given_name", Fact::GivenName),
    ("family_name", Fact::FamilyName),
    ("name", Fact::Name),
    ("employeeHsaId", Fact::HsaId),
    ("systemRole", Fact::SystemRoles),
];

/// Names of Inera's IdP.
const INERA: &[(&str, Fact)] = &[
    ("given_name", Fact::GivenName),
    ("family_name", Fact::FamilyName),
    ("name", Fact::Name),
    ("employeeHsaId", Fact::HsaId),
    ("credentialEmployeeHsaId", Fact::CredentialHsaId),
    ("allEmployeeHsaIds", Fact::AllHsaIds),
    ("systemRole", Fact::SystemRoles),
];

/// Names of the Swedish OpenID Connect claims specification, which leaves those of a sector to the sector.
const OIDC_SE: &[(&str, Fact)] = &[
    ("given_name", Fact::GivenName),
    ("family_name", Fact::FamilyName),
    ("name", Fact::Name),
    ("https://id.oidc.se/claim/credentialValidTo", Fact::CredentialValidTo),
    ("http://sambi.se/attributes/1/employeeHsaId", Fact::HsaId),
    ("http://sambi.se/attributes/1/systemRole", Fact::SystemRoles),
];

/// The profiles that every installation has.
pub const BUILT_IN: &[(&str, &[(&str, Fact)])] =
    &[(DEFAULT, STANDARD), ("inera", INERA), ("oidc-se", OIDC_SE)];

/// Claims by name, each with the fact that it tells.
pub type ClaimProfile = BTreeMap<String, Fact>;

/// Every claim profile of the installation.
#[derive(Clone, Debug)]
pub struct ClaimProfiles(BTreeMap<String, ClaimProfile>);

impl ClaimProfiles {
    /// The built-in ones, and those of the configuration beside them.
    #[must_use]
    pub fn new(configured: &BTreeMap<String, ClaimProfile>) -> Self {
        let built_in = BUILT_IN.iter().map(|(name, claims)| {
            let claims = claims.iter().map(|(claim, fact)| ((*claim).to_owned(), *fact));
            ((*name).to_owned(), claims.collect())
        });
        let configured = configured.iter().map(|(name, claims)| (name.clone(), claims.clone()));
        Self(configured.chain(built_in).collect())
    }

    /// The profile of a client. `None`: this node's configuration does not have it, and nothing is told.
    #[must_use]
    pub fn of(&self, client: &Client) -> Option<&ClaimProfile> {
        self.0.get(client.metadata.claim_profile.as_deref().unwrap_or(DEFAULT))
    }

    /// Every claim that some profile names.
    #[must_use]
    pub fn claims(&self) -> BTreeSet<&str> {
        self.0.values().flat_map(BTreeMap::keys).map(String::as_str).collect()
    }

    /// The names of the profiles.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// When a fact may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// With the scope, and by the `claims` parameter to who is registered for it.
    WithScope(&'static [Scope]),
    /// By the `claims` parameter alone, to who is registered for the scope.
    WhenAsked(Scope),
}

/// When a fact is told. A scope tells what it names: what only rests on it has to be asked for by name.
#[must_use]
pub const fn rule(fact: Fact) -> Rule {
    match fact {
        Fact::GivenName | Fact::FamilyName | Fact::Name => {
            Rule::WithScope(&[Scope::Profile, Scope::NaturalPersonInfo])
        }
        Fact::HsaId => Rule::WithScope(&[Scope::EmployeeHsaId]),
        Fact::AllHsaIds | Fact::CredentialHsaId => Rule::WhenAsked(Scope::EmployeeHsaId),
        Fact::SystemRoles | Fact::Roles => Rule::WithScope(&[Scope::SystemRole]),
        Fact::CredentialValidTo => Rule::WhenAsked(Scope::OpenId),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oidc::client::testing::client;

    #[test]
    fn a_client_has_the_profile_that_it_names_or_the_standard_one() {
        let own: ClaimProfile = [("hsa".to_owned(), Fact::HsaId)].into();
        let profiles = ClaimProfiles::new(&[("own".to_owned(), own)].into());
        let mut client = client("c");
        assert!(profiles.of(&client).unwrap().contains_key("employeeHsaId"));
        client.metadata.claim_profile = Some("own".to_owned());
        assert_eq!(profiles.of(&client).unwrap().keys().collect::<Vec<_>>(), ["hsa"]);
        client.metadata.claim_profile = Some("gone".to_owned());
        assert!(profiles.of(&client).is_none());
    }

    #[test]
    fn a_built_in_profile_cannot_be_replaced() {
        let profiles = ClaimProfiles::new(&[("standard".to_owned(), ClaimProfile::new())].into());
        assert!(!profiles.of(&client("c")).unwrap().is_empty());
    }
}
