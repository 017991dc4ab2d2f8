//! What others have encrypted: the examples of RFC 7520, and every pair of algorithms by joserfc
//! (`fixtures/make`).

use super::*;
use aws_lc_rs::agreement::{ECDH_P256, ECDH_P384, PrivateKey};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeyPairComponents, PublicKeyComponents};
use base64::engine::general_purpose::STANDARD;

/// RFC 7520 figure 72.
const PLAIN: &str = "You can trust us to stick with you through thick and thin\u{2013}to the bitter \
    end. And you can trust us to keep any secret of yours\u{2013}closer than you keep it yourself. \
    But you cannot trust us to let you face trouble alone, and go off without a word. We are your \
    friends, Frodo.";

const OAEP: &str = include_str!("../fixtures/rfc7520-5.2.json");
const ES_A128KW: &str = include_str!("../fixtures/rfc7520-5.4.json");
const ES: &str = include_str!("../fixtures/rfc7520-5.5.json");

/// Key and JWE of an example.
fn example(text: &str) -> (impl Fn(&str) -> Vec<u8>, String) {
    let example: Value = serde_json::from_str(text).unwrap();
    let jwe = example["jwe"].as_str().unwrap().to_owned();
    (move |name: &str| URL_SAFE_NO_PAD.decode(example["key"][name].as_str().unwrap()).unwrap(), jwe)
}

fn opens(jwe: &str, key: DecryptionKey) {
    let key = key.named(header(jwe)["kid"].as_str().unwrap());
    assert_eq!(*decrypt(jwe, [&key].into_iter()).unwrap(), PLAIN.as_bytes());
}

#[test]
fn the_examples_of_rfc_7520_sections_5_4_and_5_5_open() {
    for (curve, text) in [(&ECDH_P384, ES_A128KW), (&ECDH_P256, ES)] {
        let (member, jwe) = example(text);
        let key = PrivateKey::from_private_key(curve, &member("d")).unwrap();
        opens(&jwe, DecryptionKey::ec(key).unwrap());
    }
}

#[test]
fn the_example_of_rfc_7520_section_5_2_opens() {
    let (member, jwe) = example(OAEP);
    let key = KeyPair::from_components(&KeyPairComponents {
        public_key: PublicKeyComponents { n: member("n"), e: member("e") },
        d: member("d"),
        p: member("p"),
        q: member("q"),
        dP: member("dp"),
        dQ: member("dq"),
        qInv: member("qi"),
    });
    let pkcs8: Pkcs8V1Der<'_> = key.unwrap().as_der().unwrap();
    opens(&jwe, DecryptionKey::from_pkcs8(KeyFamily::Rsa, pkcs8.as_ref()).unwrap());
}

#[test]
fn what_joserfc_encrypts_by_every_pair_of_algorithms_opens() {
    let made: Value = serde_json::from_str(include_str!("../fixtures/joserfc.json")).unwrap();
    let key = |family: KeyFamily, name: &str| {
        let pkcs8 = STANDARD.decode(made[name].as_str().unwrap()).unwrap();
        DecryptionKey::from_pkcs8(family, &pkcs8).unwrap()
    };
    let keys = [key(KeyFamily::Rsa, "rsa"), key(KeyFamily::Ec, "ec")];
    let tokens = made["tokens"].as_array().unwrap();
    assert_eq!(tokens.len(), JweAlg::ALL.len() * JweEnc::ALL.len());
    for token in tokens {
        let opened = decrypt(token.as_str().unwrap(), keys.iter()).unwrap();
        assert_eq!(opened.as_slice(), made["plain"].as_str().unwrap().as_bytes());
    }
}
