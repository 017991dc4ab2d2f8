use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::keys::client_alg::{JweAlg, JweEnc};

fn key(family: KeyFamily) -> DecryptionKey {
    DecryptionKey::from_pkcs8(family, &DecryptionKey::generate(family).unwrap()).unwrap()
}

fn set(keys: &[&DecryptionKey]) -> Value {
    json!({ "keys": keys.iter().map(|key| key.public_jwk()).collect::<Vec<_>>() })
}

/// A JWE whose parts can be replaced.
fn with_part(jwe: &str, at: usize, part: &str) -> String {
    let mut parts: Vec<&str> = jwe.split('.').collect();
    parts[at] = part;
    parts.join(".")
}

fn header(jwe: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwe.split('.').next().unwrap()).unwrap())
        .unwrap()
}

#[test]
fn what_is_encrypted_by_every_algorithm_opens_with_its_key_alone() {
    let keys = [key(KeyFamily::Rsa), key(KeyFamily::Ec)];
    let others = [key(KeyFamily::Rsa), key(KeyFamily::Ec)];
    let set = set(&[&keys[0], &keys[1]]);
    for alg in JweAlg::ALL {
        for enc in JweEnc::ALL {
            let jwe = RecipientKey::choose(&set, alg).unwrap().nest(enc, "a.b.c").unwrap();
            let told = header(&jwe);
            assert_eq!([&told["alg"], &told["enc"], &told["cty"]], [alg.name(), enc.name(), "JWT"]);
            assert_eq!(*decrypt(&jwe, keys.iter()).unwrap(), b"a.b.c", "{alg} {enc}");
            assert_eq!(decrypt(&jwe, others.iter()), Err(JweFault), "{alg} {enc}");
        }
    }
}

/// RFC 7516 §5.2: each part is looked at, and each fault is the same one.
#[test]
fn whatever_is_altered_does_not_open_and_does_not_say_why() {
    let keys = [key(KeyFamily::Rsa), key(KeyFamily::Ec)];
    let set = set(&[&keys[0], &keys[1]]);
    for alg in JweAlg::ALL {
        let recipient = RecipientKey::choose(&set, alg).unwrap();
        let jwe = recipient.nest(JweEnc::A128CbcHs256, "a.b.c").unwrap();
        let parts: Vec<&str> = jwe.split('.').collect();
        for (at, part) in parts.iter().enumerate() {
            let mut bytes = URL_SAFE_NO_PAD.decode(part).unwrap();
            if let Some(last) = bytes.last_mut() {
                *last ^= 1;
            }
            let altered = URL_SAFE_NO_PAD.encode(&bytes);
            let longer = URL_SAFE_NO_PAD.encode([&bytes[..], &[0]].concat());
            for part in [altered.as_str(), longer.as_str(), "", "?"] {
                let forged = with_part(&jwe, at, part);
                let same = forged == jwe;
                assert!(
                    same || decrypt(&forged, keys.iter()) == Err(JweFault),
                    "{alg} {at} {part}"
                );
            }
        }
        for odd in [format!("{jwe}.e30"), jwe.rsplit_once('.').unwrap().0.to_owned(), String::new()]
        {
            assert_eq!(decrypt(&odd, keys.iter()), Err(JweFault));
        }
    }
}

#[test]
fn headers_that_are_not_taken_are_refused() {
    let keys = [key(KeyFamily::Ec)];
    let recipient = RecipientKey::choose(&set(&[&keys[0]]), JweAlg::EcdhEs).unwrap();
    let jwe = recipient.nest(JweEnc::A256Gcm, "a.b.c").unwrap();
    for (member, value) in [
        ("zip", json!("DEF")),
        ("crit", json!(["exp"])),
        ("crit", json!(null)),
        ("alg", json!("RSA1_5")),
        ("alg", json!("dir")),
        ("alg", json!("A128KW")),
        ("alg", json!("PBES2-HS256+A128KW")),
        ("alg", json!("none")),
        ("enc", json!("none")),
        ("enc", json!("A192GCM")),
        ("cty", json!("text")),
        ("kid", json!("another")),
        ("epk", json!({ "kty": "EC", "crv": "P-256", "x": "A".repeat(43), "y": "A".repeat(43) })),
        ("epk", json!({ "kty": "EC", "crv": "P-384", "x": "AA", "y": "AA" })),
        ("epk", json!(null)),
        ("apu", json!("not base64url!")),
    ] {
        let mut told = header(&jwe);
        told[member] = value.clone();
        // The header is authenticated, and so it is sealed anew where that is possible.
        let forged = with_part(&jwe, 0, &URL_SAFE_NO_PAD.encode(told.to_string()));
        assert_eq!(decrypt(&forged, keys.iter()), Err(JweFault), "{member} {value}");
    }
    let huge = with_part(&jwe, 3, &"A".repeat(LONGEST));
    assert_eq!(decrypt(&huge, keys.iter()), Err(JweFault));
}

/// A header that is authentic: what refuses it is not the tag.
#[test]
fn zip_crit_and_another_content_are_refused_where_the_tag_is_right() {
    let key = key(KeyFamily::Ec);
    for (member, value) in [
        ("zip", json!("DEF")),
        ("crit", json!(["exp"])),
        ("crit", json!(null)),
        ("cty", json!("x")),
    ] {
        let jwe = authentic(&key, |header| header[member] = value.clone());
        assert_eq!(decrypt(&jwe, [&key].into_iter()), Err(JweFault), "{member}");
    }
    for (member, value) in [("cty", json!("jwt")), ("typ", json!("JWE")), ("apu", json!("QQ"))] {
        let jwe = authentic(&key, |header| header[member] = value.clone());
        assert!(decrypt(&jwe, [&key].into_iter()).is_ok(), "{member}");
    }
    // Without kid, any key that opens it.
    let jwe = authentic(&key, |_| {});
    let other = self::key(KeyFamily::Ec);
    assert!(decrypt(&jwe, [&other, &key].into_iter()).is_ok());
}

/// A JWE to a key under a header of one's own.
fn authentic(to: &DecryptionKey, edit: impl FnOnce(&mut Value)) -> String {
    use agreement::{Parties, curve, point_on};
    use aws_lc_rs::agreement::PrivateKey;
    let curve = curve("P-256").unwrap();
    let ephemeral = PrivateKey::generate(curve).unwrap();
    let epk = crate::keys::jwk::ec("P-256", ephemeral.compute_public_key().unwrap().as_ref());
    let mut header = json!({ "alg": "ECDH-ES", "enc": "A256GCM", "epk": epk });
    edit(&mut header);
    let apu = header.get("apu").and_then(Value::as_str).unwrap_or_default();
    let apu = URL_SAFE_NO_PAD.decode(apu).unwrap();
    let (alg, enc) = (JweAlg::EcdhEs, JweEnc::A256Gcm);
    let point = point_on(curve, to.public_jwk()).unwrap();
    let cek = Parties { alg, enc, apu: &apu, apv: b"" }.agreed(&ephemeral, &point).unwrap();
    let header = URL_SAFE_NO_PAD.encode(header.to_string());
    let sealed = enc.seal(&cek, &[0; 12], header.as_bytes(), b"a.b.c").unwrap();
    let parts = [&[0; 12][..], &sealed.ciphertext, &sealed.tag];
    format!("{header}..{}", parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join("."))
}

#[test]
fn a_client_is_encrypted_to_by_a_key_that_is_for_that() {
    let (rsa, ec) = (key(KeyFamily::Rsa), key(KeyFamily::Ec));
    let edited = |key: &DecryptionKey, edits: &[(&str, Value)]| {
        let mut jwk = key.public_jwk().clone();
        jwk.as_object_mut().unwrap().remove("use");
        for (member, value) in edits {
            jwk[*member] = value.clone();
        }
        jwk
    };
    let kid = |keys: &[Value], alg| {
        let recipient = RecipientKey::choose(&json!({ "keys": keys }), alg)?;
        let jwe = recipient.nest(JweEnc::A128Gcm, "a.b.c").unwrap();
        header(&jwe).get("kid").and_then(Value::as_str).map(str::to_owned)
    };
    let (oaep, es) = (JweAlg::RsaOaep256, JweAlg::EcdhEsA256Kw);
    // One that says what it is for goes before one that says nothing.
    let silent = edited(&rsa, &[("kid", "silent".into())]);
    let told = edited(&rsa, &[("kid", "told".into()), ("use", "enc".into())]);
    let named = edited(&rsa, &[("kid", "named".into()), ("alg", oaep.name().into())]);
    let keys = [silent.clone(), told.clone(), named];
    assert_eq!(kid(&keys, oaep).unwrap(), "named");
    assert_eq!(kid(&keys, JweAlg::RsaOaep).unwrap(), "told");
    assert_eq!(kid(&keys, es), None);
    assert_eq!(kid(&[silent], oaep).unwrap(), "silent");
    for unfit in [
        edited(&ec, &[("use", "sig".into())]),
        edited(&ec, &[("alg", "ES256".into())]),
        edited(&ec, &[("alg", "ECDH-ES".into())]),
        edited(&ec, &[("key_ops", json!(["verify"]))]),
        edited(&ec, &[("d", "AA".into())]),
        edited(&ec, &[("crv", "P-384".into())]),
        edited(&ec, &[("x", "A".repeat(43).into())]),
    ] {
        assert_eq!(kid(std::slice::from_ref(&unfit), es), None, "{unfit}");
    }
}

mod vectors;
