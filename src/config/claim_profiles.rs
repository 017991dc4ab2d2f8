//! Claim profiles of one's own: names of claims, each with the fact that it tells.
//!
//! Must never let a profile name a claim that the provider itself answers for.

use std::collections::BTreeMap;

use super::layers::Layers;
use crate::identity::fact::Fact;

/// The profiles that every installation has, which cannot be replaced.
const BUILT_IN: [&str; 3] = ["standard", "inera", "oidc-se"];

/// Claims of RFC 7519 §4.1, OpenID Connect Core 1.0 §2, RFC 9068 §2.2, RFC 7662 §2.2 and of logout.
const RESERVED: [&str; 25] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "azp",
    "at_hash",
    "c_hash",
    "s_hash",
    "sid",
    "events",
    "cnf",
    "client_id",
    "scope",
    "grant",
    "active",
    "act",
    "_claim_names",
    "_claim_sources",
];

/// Profiles by name.
pub(super) fn claim_profiles(
    raw: BTreeMap<String, BTreeMap<String, String>>,
    at: &mut Layers,
) -> BTreeMap<String, BTreeMap<String, Fact>> {
    let mut profiles = BTreeMap::new();
    for (name, claims) in raw {
        let key = format!("claim_profiles.{name}");
        if BUILT_IN.contains(&name.as_str()) {
            at.fault(&key, "is built in and cannot be replaced: give yours another name");
        }
        let facts = claims.into_iter().filter_map(|(claim, fact)| {
            let key = format!("{key}.{claim}");
            if RESERVED.contains(&claim.as_str()) {
                at.fault(&key, "the provider itself answers for this claim: give it another name");
            }
            match fact.parse::<Fact>() {
                Ok(fact) => Some((claim, fact)),
                Err(unknown) => {
                    at.wrong(&key, &fact, &unknown.to_string());
                    None
                }
            }
        });
        let facts = facts.collect();
        profiles.insert(name, facts);
    }
    profiles
}
