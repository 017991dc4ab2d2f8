//! The certificate of the demonstration's web servers, by an authority that is none of SITHS.
//!
//! Its authority is imported into people's browsers, so it must never be able to speak for a name
//! outside `localhost`: name constraints see to that.

use chrono::{DateTime, TimeDelta, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CidrSubnet, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints,
    date_time_ymd,
};
use rustls::pki_types::CertificateDer;

use super::PkiError;
use super::authority::serial;
use super::card::since_epoch;

/// The hosts of the demonstration.
const HOSTS: [&str; 8] = [
    "idp.localhost",
    "card.idp.localhost",
    "*.card.idp.localhost",
    "mtls.idp.localhost",
    "symfoni.localhost",
    "localhost",
    "127.0.0.1",
    "::1",
];

/// How long a server's certificate lasts: browsers take at most 398 days.
pub(super) const LIFETIME: TimeDelta = TimeDelta::days(397);

/// The web authority, and the server's certificate with its key.
pub(super) struct Web {
    pub(super) authority: CertificateDer<'static>,
    pub(super) server: CertificateDer<'static>,
    pub(super) key: KeyPair,
}

impl Web {
    /// Both are EC P-256. The authority's key is not kept.
    pub(super) fn create(now: DateTime<Utc>) -> Result<Self, PkiError> {
        let epoch = date_time_ymd(1970, 1, 1);
        let mut params = CertificateParams::default();
        params.distinguished_name = name("DEV siths-idp Web CA");
        params.not_before = epoch + since_epoch(now - TimeDelta::days(1));
        params.not_after = epoch + since_epoch(now + LIFETIME + TimeDelta::days(1));
        params.serial_number = Some(serial());
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![
                GeneralSubtree::DnsName("localhost".to_owned()),
                GeneralSubtree::IpAddress(CidrSubnet::V4([127, 0, 0, 1], [255; 4])),
                GeneralSubtree::IpAddress(CidrSubnet::V6(LOOPBACK_V6, [255; 16])),
            ],
            excluded_subtrees: Vec::new(),
        });
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

        let mut params = CertificateParams::new(HOSTS.map(ToOwned::to_owned))?;
        params.distinguished_name = name("idp.localhost");
        params.not_before = epoch + since_epoch(now - TimeDelta::days(1));
        params.not_after = epoch + since_epoch(now + LIFETIME - TimeDelta::days(1));
        params.serial_number = Some(serial());
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let server = params.signed_by(&key, &authority)?.der().clone();
        Ok(Self { authority: authority.der().clone(), server, key })
    }
}

const LOOPBACK_V6: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

fn name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}
