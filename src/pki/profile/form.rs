//! Whether a certificate has the form that RFC 5280 §4 gives it, where webpki does not look.
//!
//! webpki itself refuses another version than 3, unique identifiers, an inner signature algorithm
//! that is not the outer one, a validity that ends before it begins, and unknown critical
//! extensions, critical authority and subject key identifiers among them.

use std::collections::HashSet;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;

use crate::pki::view::{self, NAME_CONSTRAINTS, POLICY_CONSTRAINTS};

/// RFC 5280 §4.1.2.2.
const MAX_SERIAL: usize = 20;

/// The last arc of the critical extensions of id-ce (2.5.29) that are processed, by webpki or here.
const PROCESSED: [u8; 10] = [15, 17, 19, 30, 31, 32, 33, 36, 37, 54];

/// 2.5.29.19: basicConstraints.
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];

/// The first thing that is wrong, the serial number apart; for the log.
pub(super) fn fault(certificate: &X509Certificate<'_>, der: &[u8]) -> Option<&'static str> {
    extension_fault(certificate, der).or_else(|| consistency_fault(certificate))
}

/// What is wrong with a root besides: webpki takes anything for an anchor.
pub(in crate::pki) fn root_fault(der: &[u8]) -> Option<&'static str> {
    let Some((_, extensions)) = view::extensions(der) else {
        return Some("extensions that are not in DER");
    };
    let mut critical = extensions.iter().filter(|extension| extension.is_critical());
    let unknown = critical.any(|extension| match extension.oid {
        [0x55, 0x1d, last] => !PROCESSED.contains(last),
        _ => true,
    });
    if unknown {
        return Some("a critical extension that is not understood (RFC 5280 §4.2)");
    }
    // RFC 5280 §4.2.1.9.
    let constraints = extensions.iter().find(|extension| extension.oid == BASIC_CONSTRAINTS);
    let lax = constraints.is_none_or(|extension| !extension.is_critical());
    lax.then_some("basicConstraints that are not critical (RFC 5280 §4.2.1.9)")
}

pub(super) fn serial_fault(serial: &[u8]) -> Option<&'static str> {
    let negative = serial.first().is_none_or(|first| first & 0x80 != 0);
    let zeros = serial.iter().take_while(|byte| **byte == 0).count();
    match serial.len() - zeros {
        _ if negative => Some("a negative serial number (RFC 5280 §4.1.2.2)"),
        0 => Some("serial number 0 (RFC 5280 §4.1.2.2)"),
        length if length > MAX_SERIAL => {
            Some("a serial number of more than 20 octets (RFC 5280 §4.1.2.2)")
        }
        _ => None,
    }
}

fn extension_fault(certificate: &X509Certificate<'_>, der: &[u8]) -> Option<&'static str> {
    let Some((_, extensions)) = view::extensions(der) else {
        return Some("extensions that are not in DER");
    };
    let mut seen = HashSet::new();
    for extension in &extensions {
        if !seen.insert(extension.oid) {
            return Some("an extension twice (RFC 5280 §4.2)");
        }
        // RFC 5280 §4.2.1.10 and §4.2.1.11.
        let must_be_critical = [NAME_CONSTRAINTS, POLICY_CONSTRAINTS].contains(&extension.oid);
        if must_be_critical && !extension.is_critical() {
            return Some("nameConstraints or policyConstraints that are not critical");
        }
    }
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::ParseError { .. } => return Some("an extension that cannot be read"),
            ParsedExtension::CertificatePolicies(policies) => {
                let mut seen = HashSet::new();
                if !policies.iter().all(|policy| seen.insert(&policy.policy_id)) {
                    return Some("a policy twice (RFC 5280 §4.2.1.4)");
                }
            }
            _ => {}
        }
    }
    None
}

/// What the fields say together (RFC 5280 §4.1.2.4, §4.2.1.3, §4.2.1.9, §4.2.1.10). A CA without a
/// name can issue nothing, since an issuer has one.
fn consistency_fault(certificate: &X509Certificate<'_>) -> Option<&'static str> {
    let basic = certificate.basic_constraints().ok()?.map(|basic| basic.value);
    let is_ca = basic.is_some_and(|basic| basic.ca);
    let usage = certificate.key_usage().ok()?.map(|usage| usage.value);
    if certificate.issuer().as_raw().len() <= 2 {
        return Some("no issuer");
    }
    if is_ca {
        return None;
    }
    if usage.is_some_and(|usage| usage.key_cert_sign()) {
        return Some("keyCertSign without CA");
    }
    if basic.is_some_and(|basic| basic.path_len_constraint.is_some()) {
        return Some("pathLenConstraint without CA");
    }
    certificate.name_constraints().ok()?.map(|_| "nameConstraints without CA")
}
