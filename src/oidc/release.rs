//! Which claims about a person a client is told (OpenID Connect Core 1.0 §5.4, §5.5).
//!
//! Must never tell what the client is not registered for, whatever it asks, nor make up a value that is
//! not known.

use serde_json::{Map, Value, json};

use super::claim_profile::{ClaimProfile, Rule, rule};
use super::client::Client;
use super::code::LiveGrant;
use super::profile::Rules;
use super::scope::Scope;
use super::terms::ClaimDemand;
use crate::identity::fact::Fact;

/// Claims by name.
pub type Claims = Map<String, Value>;

/// Where claims are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the ID token.
    IdToken,
    /// By UserInfo.
    UserInfo,
}

/// The claims that are told there.
#[must_use]
pub fn released(
    client: &Client,
    grant: &LiveGrant,
    profile: Option<&ClaimProfile>,
    place: Place,
) -> Claims {
    let mut told = Claims::new();
    for (claim, fact) in profile.into_iter().flatten() {
        let Some(value) = value(*fact, client, grant) else { continue };
        let value = if by_scope(*fact, client, grant, place) {
            Some(value)
        } else {
            asked_for(claim, grant, place)
                .filter(|_| is_registered(*fact, client))
                .and_then(|demand| that_will_do(value, demand))
        };
        if let Some(value) = value {
            told.insert(claim.clone(), value);
        }
    }
    told
}

fn by_scope(fact: Fact, client: &Client, grant: &LiveGrant, place: Place) -> bool {
    let is_told_here = place == Place::UserInfo || Rules::of(client).scope_claims_in_id_token;
    match rule(fact) {
        Rule::WithScope(scopes) => is_told_here && scopes.iter().any(|s| grant.scopes.contains(s)),
        Rule::WhenAsked(_) => false,
    }
}

fn asked_for<'g>(claim: &str, grant: &'g LiveGrant, place: Place) -> Option<&'g ClaimDemand> {
    let asked = &grant.terms.claims;
    match place {
        Place::IdToken => asked.id_token.get(claim),
        Place::UserInfo => asked.userinfo.get(claim),
    }
}

fn is_registered(fact: Fact, client: &Client) -> bool {
    let may = |scope: &Scope| client.scopes.contains(scope);
    match rule(fact) {
        Rule::WithScope(scopes) => scopes.iter().any(may),
        Rule::WhenAsked(scope) => may(&scope),
    }
}

// §5.5.1: a value that was named, or none; of a list, those of its members that were.
fn that_will_do(value: Value, demand: &ClaimDemand) -> Option<Value> {
    if demand.values.is_empty() || demand.values.contains(&value) {
        return Some(value);
    }
    let Value::Array(mut members) = value else { return None };
    members.retain(|member| demand.values.contains(member));
    (!members.is_empty()).then_some(Value::Array(members))
}

fn value(fact: Fact, client: &Client, grant: &LiveGrant) -> Option<Value> {
    let user = &grant.user;
    let authentication = &grant.authentication;
    match fact {
        Fact::GivenName => Some(user.given_name().into()),
        Fact::FamilyName => Some(user.family_name().into()),
        Fact::Name => Some(user.name().into()),
        Fact::HsaId | Fact::CredentialHsaId => Some(authentication.hsa_id.as_str().into()),
        Fact::AllHsaIds => Some(json!(authentication.all_hsa_ids)),
        Fact::SystemRoles => {
            let system = client.system.iter();
            let roles = system.flat_map(|s| user.roles().iter().map(move |r| format!("{s};{r}")));
            Some(roles.collect::<Vec<_>>().into())
        }
        Fact::Roles => Some(json!(user.roles())),
        Fact::CredentialValidTo => {
            authentication.certificate_not_after.map(|at| at.timestamp().into())
        }
    }
}

#[cfg(test)]
mod tests;
