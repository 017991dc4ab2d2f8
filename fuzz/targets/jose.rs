//! JWTs that clients sign, JWEs that they encrypt, and their JWK sets. First octet even: a compact
//! serialisation; odd: a set.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use siths_idp::keys::jwe::{self, DecryptionKey, KeyFamily, RecipientKey};
use siths_idp::keys::jwt::{self, PublicKey};
use siths_idp::keys::signer::PrivateKey;
use siths_idp::keys::{JweAlg, JweEnc, SigningAlg};

static OURS: LazyLock<DecryptionKey> = LazyLock::new(|| {
    let pkcs8 = DecryptionKey::generate(KeyFamily::Ec).expect("a key");
    DecryptionKey::from_pkcs8(KeyFamily::Ec, &pkcs8).expect("a key")
});

static THEIRS: LazyLock<Vec<PublicKey>> = LazyLock::new(|| {
    let pkcs8 = PrivateKey::generate(SigningAlg::Es256).expect("a key");
    let key = PrivateKey::from_pkcs8(SigningAlg::Es256, &pkcs8).expect("a key");
    vec![PublicKey::from_jwk(&key.public_jwk()).expect("a public key")]
});

fuzz_target!(|data: &[u8]| {
    let Some((mode, data)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(data) else { return };
    if mode % 2 == 0 {
        let _ = jwt::unverified_header(text);
        let _ = jwt::unverified_claims::<Value>(text);
        assert!(jwt::verify_with_any::<Value>(&THEIRS, text).is_err(), "nobody signed it");
        assert!(jwe::decrypt(text, std::iter::once(&*OURS)).is_err(), "nobody encrypted it");
    } else if let Ok(jwk) = serde_json::from_str::<Value>(text) {
        // Keys by address come from strangers too.
        let _ = PublicKey::from_jwks(&jwk);
        for alg in JweAlg::ALL {
            if let Some(key) = RecipientKey::choose(&jwk, alg) {
                let _ = key.nest(JweEnc::A256Gcm, "a.b.c");
            }
        }
    }
});
