//! Who a person is to a client: the one place that makes `sub` (OpenID Connect Core 1.0 §8).
//!
//! Must never make it from an HSA-id, nor of anything that changes while the person stays the same.

use std::fmt;

use url::Url;
use uuid::Uuid;

use super::client::Client;
use super::client_metadata::SubjectType;
use crate::keys::pairwise;

/// What pairwise subjects are made with: kept as long as the installation lives, or every client would
/// see new people.
#[derive(Clone, Copy, Default)]
pub struct Subjects {
    salt: [u8; 32],
}

/// The hosts of loopback redirect URIs (RFC 8252 §7.3).
const LOOPBACK: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

impl fmt::Debug for Subjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subjects").finish_non_exhaustive()
    }
}

impl Subjects {
    /// With the salt of the installation.
    #[must_use]
    pub const fn new(salt: [u8; 32]) -> Self {
        Self { salt }
    }

    /// `sub` of a person for a client: the user's id, or what only its sector knows the person by (§8.1).
    #[must_use]
    pub fn of(&self, client: &Client, user: Uuid) -> String {
        match client.metadata.subject_type {
            SubjectType::Public => user.to_string(),
            SubjectType::Pairwise => {
                // Registration demands a sector; without one, a client is a sector of its own.
                let sector = sector(client).unwrap_or_else(|| format!("client {}", client.id));
                pairwise::subject(&self.salt, &sector, user.as_bytes())
            }
        }
    }
}

/// The sector of a client (§8.1): the host of `sector_identifier_uri`, else that of all its redirect URIs;
/// `None` where they have several, or one has none, or the own machine of the person, which is everybody's.
#[must_use]
pub fn sector(client: &Client) -> Option<String> {
    let host = |uri: &str| {
        let host = Url::parse(uri).ok()?.host_str()?.to_ascii_lowercase();
        (!LOOPBACK.contains(&host.as_str())).then_some(host)
    };
    if let Some(uri) = &client.metadata.sector_identifier_uri {
        return host(uri);
    }
    let mut hosts = client.redirect_uris.iter().map(|uri| host(uri));
    let first = hosts.next()??;
    hosts.all(|other| other.as_deref() == Some(first.as_str())).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oidc::client::testing::client;

    const USER: Uuid = Uuid::from_u128(7);

    fn pairwise(redirect_uris: &[&str], sector_identifier_uri: Option<&str>) -> Client {
        let mut client = client("c");
        client.redirect_uris = redirect_uris.iter().map(ToString::to_string).collect();
        client.metadata.subject_type = SubjectType::Pairwise;
        client.metadata.sector_identifier_uri = sector_identifier_uri.map(str::to_owned);
        client
    }

    #[test]
    fn a_public_subject_is_the_users_id_for_every_client() {
        assert_eq!(Subjects::new([1; 32]).of(&client("c"), USER), USER.to_string());
    }

    #[test]
    fn a_pairwise_subject_is_the_same_within_a_sector_and_another_outside() {
        let subjects = Subjects::new([1; 32]);
        let of = |client: &Client| subjects.of(client, USER);
        let one = of(&pairwise(&["https://a.example/cb"], None));
        assert_eq!(
            one,
            of(&pairwise(&["https://A.example:8443/other", "https://a.example/"], None))
        );
        assert_eq!(
            one,
            of(&pairwise(&["https://b.example/"], Some("https://a.example/uris.json")))
        );
        assert_ne!(one, of(&pairwise(&["https://b.example/cb"], None)));
        assert_ne!(
            one,
            subjects.of(&pairwise(&["https://a.example/cb"], None), Uuid::from_u128(8))
        );
        assert_ne!(
            one,
            Subjects::new([2; 32]).of(&pairwise(&["https://a.example/cb"], None), USER)
        );
        assert!(!one.contains(&USER.to_string()) && one.len() == 43);
    }

    #[test]
    fn several_hosts_and_addresses_without_one_are_no_sector() {
        assert_eq!(sector(&pairwise(&["https://a.example/", "https://b.example/"], None)), None);
        assert_eq!(sector(&pairwise(&["com.example.app:/cb"], None)), None);
        for own in ["http://127.0.0.1/cb", "http://[::1]:7000/cb", "http://localhost/cb"] {
            assert_eq!(sector(&pairwise(&[own], None)), None, "{own}");
        }
        assert_eq!(sector(&pairwise(&[], None)), None);
    }
}
