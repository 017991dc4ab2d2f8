//! A certificate's fields in words, for people who ask why. Nothing is decided by them.

use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// The names of key usages in the order of their bits (RFC 5280 §4.2.1.3).
const KEY_USAGES: [&str; 9] = [
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
];

/// OIDs with the names that people know them by.
const NAMES: &[(&str, &str)] = &[
    ("1.2.840.113549.1.1.4", "md5WithRSAEncryption"),
    ("1.2.840.113549.1.1.5", "sha1WithRSAEncryption"),
    ("1.2.840.113549.1.1.10", "RSASSA-PSS"),
    ("1.2.840.113549.1.1.11", "sha256WithRSAEncryption"),
    ("1.2.840.113549.1.1.12", "sha384WithRSAEncryption"),
    ("1.2.840.113549.1.1.13", "sha512WithRSAEncryption"),
    ("1.2.840.10045.4.1", "ecdsa-with-SHA1"),
    ("1.2.840.10045.4.3.2", "ecdsa-with-SHA256"),
    ("1.2.840.10045.4.3.3", "ecdsa-with-SHA384"),
    ("1.2.840.10045.4.3.4", "ecdsa-with-SHA512"),
    ("1.2.840.10045.3.1.7", "P-256"),
    ("1.3.132.0.34", "P-384"),
    ("1.3.132.0.35", "P-521"),
    ("1.3.101.112", "Ed25519"),
    ("1.3.6.1.5.5.7.3.1", "serverAuth"),
    ("1.3.6.1.5.5.7.3.2", "clientAuth"),
    ("1.3.6.1.5.5.7.3.3", "codeSigning"),
    ("1.3.6.1.5.5.7.3.4", "emailProtection"),
    ("1.3.6.1.4.1.311.20.2.2", "smartcardLogon"),
    ("2.5.29.37.0", "anyExtendedKeyUsage"),
];

fn name(oid: &str) -> String {
    let known = NAMES.iter().find(|(known, _)| *known == oid);
    known.map_or(oid, |(_, name)| *name).to_owned()
}

pub(in crate::pki) fn key_usage(
    certificate: &X509Certificate<'_>,
) -> Result<Vec<&'static str>, X509Error> {
    let flags = certificate.key_usage()?.map_or(0, |usage| usage.value.flags);
    let set = KEY_USAGES.iter().enumerate().filter(|(bit, _)| flags & (1 << bit) != 0);
    Ok(set.map(|(_, name)| *name).collect())
}

pub(in crate::pki) fn purposes(
    certificate: &X509Certificate<'_>,
) -> Result<Vec<String>, X509Error> {
    let Some(usage) = certificate.extended_key_usage()? else { return Ok(Vec::new()) };
    let usage = usage.value;
    let known = [
        (usage.any, "anyExtendedKeyUsage"),
        (usage.server_auth, "serverAuth"),
        (usage.client_auth, "clientAuth"),
        (usage.code_signing, "codeSigning"),
        (usage.email_protection, "emailProtection"),
        (usage.time_stamping, "timeStamping"),
        (usage.ocsp_signing, "OCSPSigning"),
    ];
    let known = known.into_iter().filter(|(is, _)| *is).map(|(_, name)| name.to_owned());
    Ok(known.chain(usage.other.iter().map(|oid| name(&oid.to_id_string()))).collect())
}

pub(in crate::pki) fn key(key: &SubjectPublicKeyInfo<'_>) -> String {
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) => format!("RSA {}", rsa.key_size()),
        Ok(PublicKey::EC(_)) => {
            let curve = key.algorithm.parameters.as_ref().and_then(|curve| curve.as_oid().ok());
            format!("EC {}", curve.map_or_else(String::new, |oid| name(&oid.to_id_string())))
        }
        _ => name(&key.algorithm.algorithm.to_id_string()),
    }
}

pub(in crate::pki) fn signature_algorithm(certificate: &X509Certificate<'_>) -> String {
    name(&certificate.signature_algorithm.algorithm.to_id_string())
}
