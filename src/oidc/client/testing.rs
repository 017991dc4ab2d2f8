//! A client for unit tests.

use super::*;

/// With nothing but what every client has.
pub(crate) fn client(id: &str) -> Client {
    Client {
        id: id.to_owned(),
        name: "Test".to_owned(),
        system: None,
        enabled: true,
        authentication: ClientAuthentication::SecretBasic { hash: [0; 32] },
        redirect_uris: vec!["https://rp.example/cb".to_owned()],
        scopes: [Scope::OpenId].into(),
        system_scopes: BTreeSet::new(),
        signing_alg: SigningAlg::Es256,
        pkce: Pkce::Required,
        sign_on: SignOn::Card,
        required_loa: None,
        told_first: ToldFirst::Catalogue,
        jwks: None,
        metadata: ClientMetadata::default(),
    }
}
