use super::*;
use crate::keys::jwe::{DecryptionKey, KeyFamily};
use crate::keys::{JweAlg, JweEnc};
use crate::oidc::client::testing::client;
use serde_json::{Value, json};

fn refusal(edit: impl FnOnce(&mut Client)) -> Option<String> {
    let mut client = client("c");
    edit(&mut client);
    check(&client).err().map(|fault| fault.0)
}

/// OpenID Connect Core 1.0 §8.1.
#[test]
fn pairwise_subjects_of_several_hosts_need_a_sector_identifier() {
    let several = |client: &mut Client| {
        client.redirect_uris =
            ["https://a.example/", "https://b.example/"].map(str::to_owned).into();
        client.metadata.subject_type = SubjectType::Pairwise;
    };
    assert_eq!(refusal(|client| client.metadata.subject_type = SubjectType::Pairwise), None);
    assert!(refusal(several).unwrap().contains("sector_identifier_uri"));
    let with = |uri: &str| {
        refusal(|client| {
            several(client);
            client.metadata.sector_identifier_uri = Some(uri.to_owned());
        })
    };
    assert_eq!(with("https://sector.example/uris.json"), None);
    for uri in ["http://sector.example/", "sector.example", ""] {
        assert!(with(uri).unwrap().contains("https"), "{uri}");
    }
}

fn set(family: KeyFamily) -> Value {
    let pkcs8 = DecryptionKey::generate(family).unwrap();
    json!({ "keys": [DecryptionKey::from_pkcs8(family, &pkcs8).unwrap().public_jwk()] })
}

/// OpenID Connect Dynamic Client Registration 1.0 §2.
#[test]
fn what_is_encrypted_to_a_client_needs_a_key_of_it() {
    let alg = |client: &mut Client| {
        client.metadata.id_token_encrypted_response_alg = Some(JweAlg::EcdhEs);
    };
    assert!(refusal(alg).unwrap().contains("P-256"));
    let with = |jwks: Value| {
        refusal(|client| {
            alg(client);
            client.jwks = Some(jwks);
        })
    };
    assert_eq!(with(set(KeyFamily::Ec)), None);
    assert!(with(set(KeyFamily::Rsa)).is_some());
    let by_address = refusal(|client| {
        alg(client);
        client.metadata.jwks_uri = Some("https://rp.example/jwks".to_owned());
    });
    assert_eq!(by_address, None);
    let enc = |client: &mut Client| {
        client.metadata.userinfo_encrypted_response_enc = Some(JweEnc::A256Gcm);
    };
    assert!(refusal(enc).unwrap().contains("userinfo_encrypted_response_alg"));
}
