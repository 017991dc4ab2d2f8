//! The extensions of certificates and CRLs that say which certificates a CRL is about.

use der::asn1::UintRef;
use der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::CrlDistributionPoints;
use x509_cert::ext::pkix::crl::IssuingDistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::{Extension, Extensions};

use super::crl::CrlFault;
use super::{Link, Subject};

/// The most octets of a CRL number (RFC 5280 §5.2.3).
const MAX_NUMBER: usize = 20;

/// What the extensions of a complete CRL say.
#[derive(Debug)]
pub(super) struct CrlExtensions {
    /// The CRL number without leading zeros.
    pub(super) number: Vec<u8>,
    pub(super) scope: Scope,
}

/// Which of its issuer's certificates a CRL is about (RFC 5280 §5.2.5).
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// Persons' or CAs' alone.
    only: Option<Subject>,
    /// Those alone that name one of these points; all where there are none.
    points: Option<Vec<Vec<u8>>>,
}

impl Scope {
    /// Whether a certificate that is not listed is thereby not revoked (RFC 5280 §6.3.3 (b)).
    pub(super) fn covers(&self, link: &Link) -> bool {
        let subject = self.only.is_none_or(|only| only == link.subject);
        let point = self.points.as_ref();
        let point = point.is_none_or(|own| own.iter().any(|name| link.points.contains(name)));
        subject && point
    }

    /// The heap that it takes.
    pub(super) fn bytes(&self) -> usize {
        self.points.iter().flatten().map(|name| size_of::<Vec<u8>>() + name.capacity()).sum()
    }
}

impl CrlExtensions {
    pub(super) fn read(extensions: &Extensions) -> Result<Self, CrlFault> {
        let mut number = None;
        let mut scope = Scope::default();
        let mut seen = Vec::new();
        for extension in extensions {
            if seen.contains(&extension.extn_id) {
                return Err(CrlFault::ExtensionRepeated(extension.extn_id.to_string()));
            }
            seen.push(extension.extn_id);
            match extension.extn_id.to_string().as_str() {
                "2.5.29.20" => number = Some(crl_number(extension)?),
                "2.5.29.27" => return Err(CrlFault::Delta),
                "2.5.29.28" => scope = issuing_distribution_point(extension)?,
                // authorityKeyIdentifier: the key is known, and the signature decides.
                "2.5.29.35" => {}
                _ if extension.critical => {
                    return Err(CrlFault::ExtensionUnknown(extension.extn_id.to_string()));
                }
                _ => {}
            }
        }
        Ok(Self { number: number.ok_or(CrlFault::NumberMissing)?, scope })
    }
}

fn crl_number(extension: &Extension) -> Result<Vec<u8>, CrlFault> {
    // RFC 5280 §5.2.3: a non-critical extension.
    if extension.critical {
        return Err(CrlFault::Number);
    }
    let number =
        UintRef::from_der(extension.extn_value.as_bytes()).map_err(|_| CrlFault::Number)?;
    if number.as_bytes().len() > MAX_NUMBER {
        return Err(CrlFault::Number);
    }
    Ok(number.as_bytes().to_vec())
}

fn issuing_distribution_point(extension: &Extension) -> Result<Scope, CrlFault> {
    let unreadable = |_| CrlFault::Unreadable("issuingDistributionPoint");
    let point =
        IssuingDistributionPoint::from_der(extension.extn_value.as_bytes()).map_err(unreadable)?;
    if point.indirect_crl {
        return Err(CrlFault::Indirect);
    }
    if point.only_some_reasons.is_some() {
        return Err(CrlFault::SomeReasons);
    }
    if point.only_contains_attribute_certs {
        return Err(CrlFault::AttributeCertificates);
    }
    let only = match (point.only_contains_user_certs, point.only_contains_ca_certs) {
        (false, false) => None,
        (true, false) => Some(Subject::Person),
        (false, true) => Some(Subject::Ca),
        (true, true) => return Err(CrlFault::Unreadable("issuingDistributionPoint")),
    };
    let points = match point.distribution_point {
        None => None,
        Some(DistributionPointName::FullName(names)) => {
            Some(encoded(&names).ok_or(CrlFault::Unreadable("issuingDistributionPoint"))?)
        }
        Some(DistributionPointName::NameRelativeToCRLIssuer(_)) => {
            return Err(CrlFault::RelativePoint);
        }
    };
    Ok(Scope { only, points })
}

/// The full names of a certificate's CRL distribution points (RFC 5280 §4.2.1.13): of those points
/// alone that are for all reasons and for the certificate's own issuer. None where they cannot be
/// read: then a CRL for some points alone is not about this certificate.
pub(super) fn points(extension: &[u8]) -> Vec<Vec<u8>> {
    let Ok(points) = CrlDistributionPoints::from_der(extension) else {
        return Vec::new();
    };
    let whole = points.0.into_iter().filter(|p| p.reasons.is_none() && p.crl_issuer.is_none());
    let names = whole.filter_map(|point| match point.distribution_point? {
        DistributionPointName::FullName(names) => encoded(&names),
        DistributionPointName::NameRelativeToCRLIssuer(_) => None,
    });
    names.flatten().collect()
}

fn encoded(names: &[GeneralName]) -> Option<Vec<Vec<u8>>> {
    names.iter().map(|name| name.to_der().ok()).collect()
}
