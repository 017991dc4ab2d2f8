//! The certification authorities of the look-alike SITHS PKI.
//!
//! Must never use a name that exists: every name begins with `DEV `, every policy lies under the
//! enterprise number that is reserved for documentation.

use rcgen::{
    BasicConstraints, CertificateParams, CrlDistributionPoint, CustomExtension, DistinguishedName,
    DnType, DnValue, IsCa, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, PKCS_RSA_SHA512, RsaKeySize,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use super::PkiError;
use super::der::{SEQUENCE, URI, oid, tlv};
use crate::random::Random;

/// The subject common name of the root.
pub const ROOT_NAME: &str = "DEV SITHS e-id Root CA v2";

/// The issuing authorities of SITHS e-id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IssuerName {
    /// Ordinary cards with an HSA-id, LoA 3: the ones that log in.
    HsaId3,
    /// Reserve cards with an HSA-id, LoA 2.
    HsaId2,
    /// Ordinary cards with a personnummer.
    PersonId3,
    /// Reserve cards with a personnummer.
    PersonId2,
    /// Mobile SITHS eID, with a personnummer.
    PersonIdMobile,
    /// Servers and systems.
    Function,
}

impl IssuerName {
    /// Every issuing authority.
    pub const ALL: [Self; 6] = [
        Self::HsaId3,
        Self::HsaId2,
        Self::PersonId3,
        Self::PersonId2,
        Self::PersonIdMobile,
        Self::Function,
    ];

    /// The subject common name.
    #[must_use]
    pub const fn common_name(self) -> &'static str {
        match self {
            Self::HsaId3 => "DEV SITHS e-id Person HSA-id 3 CA v1",
            Self::HsaId2 => "DEV SITHS e-id Person HSA-id 2 CA v1",
            Self::PersonId3 => "DEV SITHS e-id Person ID 3 CA v1",
            Self::PersonId2 => "DEV SITHS e-id Person ID 2 CA v1",
            Self::PersonIdMobile => "DEV SITHS e-id Person ID Mobile CA v1",
            Self::Function => "DEV SITHS e-id Function CA v1",
        }
    }

    /// The name of its files.
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::HsaId3 => "person-hsa-id-3",
            Self::HsaId2 => "person-hsa-id-2",
            Self::PersonId3 => "person-id-3",
            Self::PersonId2 => "person-id-2",
            Self::PersonIdMobile => "person-id-mobile",
            Self::Function => "function",
        }
    }

    /// The certificate policy of what it issues. Those of the real Person HSA-id authorities are
    /// not known, so all are invented, under 32473: documentation only (RFC 5612 §2).
    #[must_use]
    pub const fn policy(self) -> [u64; 10] {
        let number = match self {
            Self::HsaId3 => 3,
            Self::HsaId2 => 2,
            Self::PersonId3 => 13,
            Self::PersonId2 => 12,
            Self::PersonIdMobile => 23,
            Self::Function => 30,
        };
        [1, 3, 6, 1, 4, 1, 32473, 74, 8, number]
    }
}

/// Any authority of the look-alike PKI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CaName {
    /// The root.
    Root,
    /// One that issues certificates.
    Issuing(IssuerName),
}

impl CaName {
    /// All of them, the root first.
    pub fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Root).chain(IssuerName::ALL.map(Self::Issuing))
    }

    /// The subject common name.
    #[must_use]
    pub const fn common_name(self) -> &'static str {
        match self {
            Self::Root => ROOT_NAME,
            Self::Issuing(name) => name.common_name(),
        }
    }

    /// What its revocation list and its certificate are called on a web server.
    #[must_use]
    pub fn file_stem(self) -> String {
        file_stem(self.common_name())
    }
}

/// An issuing authority with its key: what certificates are issued by.
#[derive(Debug)]
pub struct Authority {
    pub(super) name: IssuerName,
    pub(super) certificate: CertificateDer<'static>,
    pub(super) issuer: rcgen::Issuer<'static, KeyPair>,
}

impl Authority {
    /// An authority with the very names of the look-alike PKI, root included, and other keys.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn impostor(name: IssuerName) -> Result<Self, PkiError> {
        let root = Root::create(rsa(RsaKeySize::_2048)?)?;
        root.authority(name, rsa(RsaKeySize::_2048)?)
    }

    /// The authority whose certificate and key were made before.
    pub(super) fn restore(
        name: IssuerName,
        certificate: CertificateDer<'static>,
        key: &PrivatePkcs8KeyDer<'_>,
    ) -> Result<Self, PkiError> {
        let issuer = issuer(&certificate, key)?;
        Ok(Self { name, certificate, issuer })
    }

    /// Its certificate.
    #[must_use]
    pub const fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }
}

/// The root; it issues authorities only.
pub(super) struct Root {
    pub(super) certificate: CertificateDer<'static>,
    issuer: rcgen::Issuer<'static, KeyPair>,
}

impl Root {
    /// A root signed by itself with SHA-256; what it issues it signs with SHA-512, as SITHS does.
    pub(super) fn create(key: KeyPair) -> Result<Self, PkiError> {
        let mut params = authority_params(ROOT_NAME);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key)?.der().clone();
        let key = sha512(&key)?;
        Ok(Self { certificate, issuer: rcgen::Issuer::new(params, key) })
    }

    pub(super) fn authority(&self, name: IssuerName, key: KeyPair) -> Result<Authority, PkiError> {
        let mut params = authority_params(name.common_name());
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.use_authority_key_identifier_extension = true;
        params.crl_distribution_points = vec![crl_address(ROOT_NAME)];
        // anyPolicy (RFC 5280 §4.2.1.4)
        params.custom_extensions = vec![policies(&[2, 5, 29, 32, 0]), access(ROOT_NAME)];
        let certificate = params.signed_by(&key, &self.issuer)?.der().clone();
        let issuer = rcgen::Issuer::new(params, sha512(&key)?);
        Ok(Authority { name, certificate, issuer })
    }
}

/// What a certificate and its key sign with, by SHA-512.
pub(super) fn issuer(
    certificate: &CertificateDer<'_>,
    key: &PrivatePkcs8KeyDer<'_>,
) -> Result<rcgen::Issuer<'static, KeyPair>, PkiError> {
    let key = KeyPair::from_pkcs8_der_and_sign_algo(key, &PKCS_RSA_SHA512)?;
    Ok(rcgen::Issuer::from_ca_cert_der(certificate, key)?)
}

/// A new RSA key.
pub(super) fn rsa(size: RsaKeySize) -> Result<KeyPair, PkiError> {
    Ok(KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, size)?)
}

/// Sixteen random bytes, as SITHS has them lately.
pub(super) fn serial() -> rcgen::SerialNumber {
    Random::system().bytes::<16>().to_vec().into()
}

/// `certificatePolicies` (RFC 5280 §4.2.1.4) with one policy.
pub(super) fn policies(policy: &[u64]) -> CustomExtension {
    let content = tlv(SEQUENCE, &tlv(SEQUENCE, &oid(policy)));
    CustomExtension::from_oid_content(&[2, 5, 29, 32], content)
}

/// Where the revocation list of an authority is. On this machine: nothing asks the real SITHS.
pub(super) fn crl_address(authority: &str) -> CrlDistributionPoint {
    let uri = format!("http://crl.idp.localhost:8445/{}.crl", file_stem(authority));
    CrlDistributionPoint { uris: vec![uri] }
}

/// `authorityInfoAccess` (RFC 5280 §4.2.2.1): OCSP, and the certificate of the authority.
pub(super) fn access(authority: &str) -> CustomExtension {
    let certificate = format!("http://aia.idp.localhost:8445/{}.cer", file_stem(authority));
    let entry = |method: u64, uri: &str| {
        let method = oid(&[1, 3, 6, 1, 5, 5, 7, 48, method]);
        tlv(SEQUENCE, &[method, tlv(URI, uri.as_bytes())].concat())
    };
    let content = [entry(1, "http://ocsp.idp.localhost:8445"), entry(2, &certificate)].concat();
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], tlv(SEQUENCE, &content))
}

/// PrintableString where the text allows, else UTF8String.
pub(super) fn printable(text: &str) -> DnValue {
    text.try_into().map_or_else(|_| text.into(), DnValue::PrintableString)
}

/// `testsithseidfunctioncav1` is the pattern of the real names.
fn file_stem(authority: &str) -> String {
    authority.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

fn authority_params(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut name = DistinguishedName::new();
    name.push(DnType::CountryName, printable("SE"));
    name.push(DnType::OrganizationName, "Inera AB");
    name.push(DnType::CommonName, common_name);
    params.distinguished_name = name;
    // The validity of the real authorities: all end with the root.
    params.not_before = date_time_ymd(2019, 5, 15);
    params.not_after = date_time_ymd(2049, 9, 15);
    params.serial_number = Some(serial());
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn sha512(key: &KeyPair) -> Result<KeyPair, PkiError> {
    let der = PrivatePkcs8KeyDer::from(key.serialized_der());
    Ok(KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_RSA_SHA512)?)
}
