//! Oddities of keys and signatures.

use rcgen::{KeyPair, RsaKeySize};

use super::{Cause, Outcome, Specimen, logs_in, refused};
use crate::dev::pki::authority::rsa;
use crate::dev::pki::mould::Mould;
use crate::dev::pki::raw_rsa::RawRsa;

pub(super) const SPECIMENS: &[Specimen] = &[
    refused("sha1", "signed with SHA-1", Cause::SignatureAlgorithmWeak, |keeper| {
        let mut files = keeper.issue(keeper.card())?;
        let mould = Mould::of(&files.chain[0])?;
        files.chain[0] = mould.sign_sha1(&keeper.hsa_raw_key()?);
        Ok(files)
    }),
    Specimen {
        name: "rsa-1024",
        oddity: "an RSA key of 1024 bits",
        outcome: Outcome::BreaksOff,
        build: |keeper| keeper.with_raw_key(&RawRsa::generate_1024()),
    },
    Specimen {
        name: "rsa-pss",
        oddity: "a key for RSASSA-PSS alone",
        outcome: Outcome::NotSent,
        build: |keeper| {
            let key = RawRsa::from_pkcs8(keeper.key.serialized_der());
            let key = key.ok_or(rcgen::Error::CouldNotParseKeyPair)?;
            keeper.with_raw_key(&key.for_pss())
        },
    },
    logs_in("rsa-3072", "an RSA key of 3072 bits", |keeper| {
        keeper.with_key(&rsa(RsaKeySize::_3072)?)
    }),
    logs_in("p256", "a key on P-256", |keeper| {
        keeper.with_key(&KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?)
    }),
    logs_in("p384", "a key on P-384", |keeper| {
        keeper.with_key(&KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384)?)
    }),
    refused("p521", "a key on P-521", Cause::KeyWeak, |keeper| {
        keeper.with_key(&KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512)?)
    }),
    refused("ed25519", "an Ed25519 key", Cause::KeyWeak, |keeper| {
        keeper.with_key(&KeyPair::generate_for(&rcgen::PKCS_ED25519)?)
    }),
];
