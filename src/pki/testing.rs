//! Certificates for tests: a root, issuing CAs, cards, and ways to spoil them.

use chrono::{DateTime, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, DnValue, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SignatureAlgorithm, SigningKey as _,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::PresentedChain;

/// The moment of most tests: everything that [`Ca`] makes is valid then.
pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

/// A certification authority with a P-256 key.
pub(crate) struct Ca {
    params: CertificateParams,
    key: KeyPair,
    pub(crate) certificate: CertificateDer<'static>,
}

impl Ca {
    pub(crate) fn root(name: &str) -> Self {
        let params = ca_params(name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self { params, key, certificate }
    }

    pub(crate) fn under(&self, name: &str) -> Self {
        self.under_with(name, KeyPair::generate().unwrap(), |_| {})
    }

    pub(crate) fn under_with(
        &self,
        name: &str,
        key: KeyPair,
        edit: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let mut params = ca_params(name);
        edit(&mut params);
        let certificate = params.signed_by(&key, &self.issuer()).unwrap().der().clone();
        Self { params, key, certificate }
    }

    /// Another certificate for this CA's name and key.
    pub(crate) fn again_under(
        &self,
        root: &Self,
        edit: impl FnOnce(&mut CertificateParams),
    ) -> CertificateDer<'static> {
        let mut params = self.params.clone();
        edit(&mut params);
        params.signed_by(&self.key, &root.issuer()).unwrap().der().clone()
    }

    /// A card for `SE2321000016-1003` in the profile of SITHS, spoilt by `edit`.
    pub(crate) fn card(&self, edit: impl FnOnce(&mut CertificateParams)) -> Leaf {
        let key = KeyPair::generate().unwrap();
        let certificate = self.certify(&key, edit);
        Leaf { certificate, key }
    }

    /// A card's certificate for a foreign public key.
    pub(crate) fn certify(
        &self,
        key: &impl PublicKeyData,
        edit: impl FnOnce(&mut CertificateParams),
    ) -> CertificateDer<'static> {
        let mut params = card_params();
        edit(&mut params);
        params.signed_by(key, &self.issuer()).unwrap().der().clone()
    }

    /// Changes what was signed (`from` to `to`, of equal length) and signs it again.
    pub(crate) fn resign(
        &self,
        certificate: &CertificateDer<'_>,
        from: &[u8],
        to: &[u8],
    ) -> CertificateDer<'static> {
        let altered = replaced(certificate, from, to);
        // SEQUENCE (4 bytes of header), then tbsCertificate (4 bytes of header, then its length).
        let length = 4 + usize::from(u16::from_be_bytes([altered[6], altered[7]]));
        let message = altered[4..4 + length].to_vec();
        let signature = self.key.sign(&message).unwrap();
        let ecdsa_with_sha256 = [0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
        let bits = [&[0][..], &signature].concat();
        let bits = [&[3, u8::try_from(bits.len()).unwrap()][..], &bits].concat();
        let inner = [&message[..], &ecdsa_with_sha256, &bits].concat();
        let header = u16::try_from(inner.len()).unwrap().to_be_bytes();
        CertificateDer::from([&[0x30, 0x82, header[0], header[1]][..], &inner].concat())
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }
}

/// A certificate with its private key.
pub(crate) struct Leaf {
    pub(crate) certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Leaf {
    pub(crate) fn new(certificate: CertificateDer<'static>, key: KeyPair) -> Self {
        Self { certificate, key }
    }

    pub(crate) fn chain(&self) -> PresentedChain {
        chain([&self.certificate])
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }
}

pub(crate) fn chain<const N: usize>(certificates: [&CertificateDer<'static>; N]) -> PresentedChain {
    PresentedChain::new(certificates.into_iter().cloned().collect()).unwrap()
}

/// Sets the serialNumber of the subject.
pub(crate) fn identify(params: &mut CertificateParams, value: &str) {
    params.distinguished_name.push(serial_number(), printable(value));
}

pub(crate) fn serial_number() -> DnType {
    DnType::CustomDnType(vec![2, 5, 4, 5])
}

pub(crate) fn printable(value: &str) -> DnValue {
    DnValue::PrintableString(value.try_into().unwrap())
}

/// A certificatePolicies extension (RFC 5280 §4.2.1.4) of policies `1.2.752.74.8.<512 + last>`.
pub(crate) fn policies(last: &[u8]) -> CustomExtension {
    let oids = last.iter().flat_map(|last| [0x30, 9, 6, 7, 0x2a, 0x85, 0x70, 0x4a, 8, 0x84, *last]);
    let oids: Vec<u8> = oids.collect();
    let content = [&[0x30, u8::try_from(oids.len()).unwrap()][..], &oids].concat();
    CustomExtension::from_oid_content(&[2, 5, 29, 32], content)
}

/// A certificatePolicies extension of anyPolicy (2.5.29.32.0), as SITHS's CAs have.
pub(crate) fn any_policy() -> CustomExtension {
    let content = vec![0x30, 8, 0x30, 6, 6, 4, 0x55, 0x1d, 32, 0];
    CustomExtension::from_oid_content(&[2, 5, 29, 32], content)
}

/// The public key of another certificate, for a certificate of our own.
pub(crate) struct Borrowed(pub(crate) Vec<u8>, pub(crate) &'static SignatureAlgorithm);

impl PublicKeyData for Borrowed {
    fn subject_public_key_info(&self) -> Vec<u8> {
        self.0.clone()
    }

    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.1
    }
}

/// `bytes` with every `from` made `to`.
pub(crate) fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut out = bytes.to_vec();
    let mut found = false;
    for at in 0..=out.len() - from.len() {
        if out[at..].starts_with(from) {
            out[at..at + to.len()].copy_from_slice(to);
            found = true;
        }
    }
    assert!(found, "nothing to replace");
    out
}

fn ca_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, printable("SE"));
    params.distinguished_name.push(DnType::OrganizationName, "Inera AB");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.custom_extensions = vec![any_policy()];
    params.not_before = date_time_ymd(2019, 4, 1);
    params.not_after = date_time_ymd(2049, 9, 15);
    params
}

fn card_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, printable("SE"));
    params.distinguished_name.push(DnType::CommonName, "Berit Björk");
    identify(&mut params, "SE2321000016-1003");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(2028, 1, 1);
    params
}
