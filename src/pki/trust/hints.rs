//! The issuers that browsers are told of: whose certificates to offer.
//!
//! Must never decide what is believed: a browser may send any certificate, and every one is judged.

use rustls::DistinguishedName;

use super::{Issuer, Kind, Trust};
use crate::card_hosts::Chooser;

/// The longest list, in bytes on the wire. Browsers break off handshakes with more than 32 KiB of
/// names (Keycloak PR #7641); the names of all SITHS CAs together are under 1 KiB.
const MOST_BYTES: usize = 8 * 1024;

impl Trust {
    /// The subjects of the issuing CAs whose certificates browsers are to offer, each once. None
    /// means any: so asked for, or because the names are too long for a handshake.
    #[must_use]
    pub fn hints(&self, chooser: Chooser) -> Vec<DistinguishedName> {
        let is_offered = |issuer: &&Issuer| match chooser {
            Chooser::HsaId => issuer.may_log_in(),
            Chooser::Siths => true,
            Chooser::Any => false,
        };
        let mut names: Vec<&[u8]> = Vec::new();
        for issuer in self.issuers.iter().filter(is_offered) {
            // Two CAs can bear one name, as when a key was renewed.
            if !names.contains(&issuer.profile.subject.as_slice()) {
                names.push(&issuer.profile.subject);
            }
        }
        bounded(&names).iter().map(|name| DistinguishedName::from(name.to_vec())).collect()
    }
}

impl Issuer {
    /// Whether any of its certificates can log in.
    fn may_log_in(&self) -> bool {
        self.kind == Kind::HsaId || self.policies.iter().any(|policy| policy.kind == Kind::HsaId)
    }
}

// All or none: whose certificate is left out of a chooser cannot log in, and is not told why.
fn bounded<'n>(names: &'n [&'n [u8]]) -> &'n [&'n [u8]] {
    let bytes: usize = names.iter().map(|name| 2 + name.len()).sum();
    if bytes > MOST_BYTES { &[] } else { names }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_no_browser_takes_is_left_out_whole() {
        let name: &[u8] = &[0; 1022];
        assert_eq!(bounded(&[name; 8]).len(), 8);
        assert_eq!(bounded(&[name; 9]).len(), 0);
    }
}
