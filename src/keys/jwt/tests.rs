use super::*;
use crate::keys::SigningAlg;
use crate::keys::signer::PrivateKey;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

fn key(alg: SigningAlg) -> PrivateKey {
    PrivateKey::from_pkcs8(alg, &PrivateKey::generate(alg).unwrap()).unwrap()
}

fn public(key: &PrivateKey) -> PublicKey {
    PublicKey::from_jwk(&key.public_jwk()).unwrap()
}

/// A key whose JWK says nothing of what it is for, and the same for another implementation.
fn silent(alg: SigningAlg) -> (Value, EncodingKey) {
    let pkcs8 = PrivateKey::generate(alg).unwrap();
    let mut jwk = PrivateKey::from_pkcs8(alg, &pkcs8).unwrap().public_jwk();
    for member in ["alg", "use", "kid"] {
        jwk.as_object_mut().unwrap().remove(member);
    }
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(pkcs8.as_slice())
    );
    let theirs = match alg {
        SigningAlg::Rs256 | SigningAlg::Ps256 => EncodingKey::from_rsa_pem(pem.as_bytes()),
        SigningAlg::Es256 | SigningAlg::Es384 => EncodingKey::from_ec_pem(pem.as_bytes()),
        SigningAlg::EdDsa => EncodingKey::from_ed_pem(pem.as_bytes()),
    };
    (jwk, theirs.unwrap())
}

#[test]
fn a_token_is_verified_by_its_own_key_alone() {
    for alg in SigningAlg::ALL {
        let (ours, other) = (key(alg), key(alg));
        let token = ours.sign_jwt("k", "at+jwt", &json!({ "sub": "x" })).unwrap();
        assert_eq!(public(&ours).verify::<Value>(&token).unwrap()["sub"], "x", "{alg}");
        let refused = public(&other).verify::<Value>(&token).unwrap_err();
        assert_eq!(refused, VerifyFault::Signature, "{alg}");
    }
}

#[test]
fn what_another_implementation_signs_is_verified_by_every_algorithm_of_the_key() {
    let claims = json!({ "sub": "x" });
    let rsa = [
        Algorithm::RS256,
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
    ];
    for (kind, algorithms) in [
        (SigningAlg::Rs256, &rsa[..]),
        (SigningAlg::Es256, &[Algorithm::ES256]),
        (SigningAlg::Es384, &[Algorithm::ES384]),
        (SigningAlg::EdDsa, &[Algorithm::EdDSA]),
    ] {
        let (jwk, theirs) = silent(kind);
        let keys = PublicKey::from_jwks(&json!({ "keys": [jwk] })).unwrap();
        for algorithm in algorithms {
            let token = jsonwebtoken::encode(&Header::new(*algorithm), &claims, &theirs).unwrap();
            let name: ClientAlg = format!("{algorithm:?}").parse().unwrap();
            assert_eq!(verify_with_any::<Value>(&keys, &token).unwrap(), claims, "{name}");
            assert!(verify_with_any_by::<Value>(&keys, &token, &[name]).is_ok());
            // Narrowed: every other algorithm of the same key is refused.
            let others: Vec<_> = ClientAlg::ALL.into_iter().filter(|alg| *alg != name).collect();
            let refused = verify_with_any_by::<Value>(&keys, &token, &others).unwrap_err();
            assert_eq!(refused, VerifyFault::Signature, "{name}");
        }
    }
}

#[test]
fn es512_is_verified() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap();
    let jwk = jwk::ec("P-521", pair.public_key().as_ref());
    let public = PublicKey::from_jwk(&jwk).unwrap();
    let signed = [r#"{"alg":"ES512"}"#, r#"{"sub":"x"}"#].map(|part| URL_SAFE_NO_PAD.encode(part));
    let signed = signed.join(".");
    let signature = pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
    assert_eq!(public.verify::<Value>(&token).unwrap()["sub"], "x");
}

#[test]
fn fapi_takes_ps256_es256_and_eddsa_alone() {
    for alg in SigningAlg::ALL {
        let ours = key(alg);
        let kid = ours.public_jwk()["kid"].as_str().unwrap().to_owned();
        let token = ours.sign_jwt(&kid, None, &json!({})).unwrap();
        let taken = verify_with_any_by::<Value>(&[public(&ours)], &token, &ClientAlg::FAPI).is_ok();
        assert_eq!(taken, ["PS256", "ES256", "EdDSA"].contains(&alg.name()), "{alg}");
    }
}

#[test]
fn an_extension_that_must_be_understood_is_refused() {
    let ours = key(SigningAlg::Es256);
    for crit in ["[\"b64\"]", "[]", "null"] {
        let header = format!(r#"{{"alg":"ES256","crit":{crit},"b64":false}}"#);
        let signed = [header.as_str(), r#"{"sub":"x"}"#].map(|part| URL_SAFE_NO_PAD.encode(part));
        let signed = signed.join(".");
        let signature = URL_SAFE_NO_PAD.encode(ours.sign(signed.as_bytes()).unwrap());
        let token = format!("{signed}.{signature}");
        assert_eq!(public(&ours).verify::<Value>(&token).unwrap_err(), VerifyFault::Malformed);
    }
}

/// RFC 8725 §2.1, §3.1: neither another algorithm, nor none, nor the public key as a secret.
#[test]
fn no_other_algorithm_than_the_keys_is_taken() {
    for kind in SigningAlg::ALL {
        let ours = key(kind);
        let token = ours.sign_jwt("k", "JWT", &json!({ "sub": "x" })).unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let payload = signed.split_once('.').unwrap().1;
        let others = ["none", "None", "HS256", "RSA1_5", "ES256K", ""];
        for alg in others.into_iter().chain(ClientAlg::ALL.map(ClientAlg::name)) {
            let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{alg}","kid":"k"}}"#));
            let original = signed == format!("{header}.{payload}");
            for signature in ["", signature] {
                let forged = format!("{header}.{payload}.{signature}");
                assert!(original || public(&ours).verify::<Value>(&forged).is_err(), "{alg}");
            }
        }
        let jwk = ours.public_jwk().to_string();
        let secret = EncodingKey::from_secret(jwk.as_bytes());
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let token = jsonwebtoken::encode(&Header::new(algorithm), &json!({}), &secret).unwrap();
            assert!(public(&ours).verify::<Value>(&token).is_err());
        }
    }
}

#[test]
fn a_header_with_a_member_twice_is_refused() {
    let claims = URL_SAFE_NO_PAD.encode("{}");
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","alg":"none"}"#);
    assert!(unverified_header(&format!("{header}.{claims}.AA")).is_err());
    for token in ["", ".", "..", "a.b", "e30.e30.", "e30", "\u{0}.\u{0}.\u{0}"] {
        assert_eq!(unverified_header(token).unwrap_err(), VerifyFault::Malformed, "{token}");
    }
}

#[test]
fn symmetric_private_and_short_keys_are_no_keys() {
    let mut private = key(SigningAlg::Es256).public_jwk();
    private["d"] = "AAAA".into();
    for jwk in [
        private,
        json!({ "kty": "oct", "k": "AAAA" }),
        json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" }),
        json!({ "kty": "RSA", "n": "A".repeat(342), "e": "AQAB" }),
        json!({ "kty": "RSA", "n": "_".repeat(1400), "e": "AQAB" }),
        json!({ "kty": "EC", "crv": "P-521", "x": "AA", "y": "AA" }),
        json!({ "kty": "EC", "crv": "P-256", "x": "A".repeat(43), "y": "A".repeat(43) }),
        json!({ "kty": "OKP", "crv": "Ed25519", "x": "AA" }),
        json!({ "kty": "OKP", "crv": "X25519", "x": "A".repeat(43) }),
        json!("key"),
    ] {
        assert_eq!(PublicKey::from_jwk(&jwk).unwrap_err(), VerifyFault::NotAKey, "{jwk}");
    }
    assert_eq!(PublicKey::from_jwks(&json!({ "keys": [] })).unwrap_err(), VerifyFault::NotAKey);
}

/// RFC 7517 §4.2, §4.3, §4.4, and §5: keys that are not understood are passed over.
#[test]
fn use_key_ops_and_alg_narrow_what_a_key_is_taken_for() {
    let with = |name: &str, value: Value| {
        let mut jwk = silent(SigningAlg::Rs256).0;
        jwk[name] = value;
        jwk
    };
    for (jwk, taken) in [
        (with("use", "sig".into()), true),
        (with("use", "enc".into()), false),
        (with("key_ops", json!(["verify"])), true),
        (with("key_ops", json!(["encrypt"])), false),
        (with("key_ops", "verify".into()), false),
        (with("alg", "PS512".into()), true),
        (with("alg", "RSA-OAEP".into()), false),
        (with("alg", 7.into()), false),
    ] {
        assert_eq!(PublicKey::from_jwk(&jwk).is_ok(), taken, "{jwk}");
    }
    let set = json!({ "keys": [{ "kty": "new" }, with("use", "enc".into()), silent(SigningAlg::EdDsa).0] });
    assert_eq!(PublicKey::from_jwks(&set).unwrap().len(), 1);
}
