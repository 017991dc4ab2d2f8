//! Certificate files that an operator names: PEM or DER.
//!
//! Must never print what is in a file that is none: it may be a private key.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::output::Failure;
use crate::pki::CaCertificate;

/// More than any chain of certificates has.
const MAX_FILE: u64 = 1024 * 1024;

/// The certificates of a file, in its order: all of PEM, or the one of DER.
pub(super) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes));
    let read = read.map_err(|error| {
        Failure::failed("file_unreadable", format!("{}: {error}", file.display()))
    })?;
    if read as u64 > MAX_FILE {
        return Err(unreadable(file, "is too long for certificates"));
    }
    let text = String::from_utf8_lossy(&bytes);
    if text.contains("PRIVATE KEY-----") {
        let what = "holds a private key: give the certificates alone, and keep the key secret";
        return Err(Failure::failed("private_key", named(file, what)));
    }
    if !text.contains("-----BEGIN ") {
        return Ok(vec![CertificateDer::from(bytes)]);
    }
    let found = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(unreadable(file, "holds no certificate in PEM")),
        Err(error) => Err(unreadable(file, &format!("is no whole PEM: {error}"))),
    }
}

/// The one CA certificate of a file.
pub(super) fn ca_certificate(file: &Path) -> Result<CaCertificate, Failure> {
    let mut found = certificates(file)?;
    let (Some(certificate), true) = (found.pop(), found.is_empty()) else {
        let what = "holds more than one certificate: give each in a file of its own";
        return Err(Failure::failed("several_certificates", named(file, what)));
    };
    CaCertificate::read(certificate).map_err(|fault| match fault {
        crate::pki::NoCaCertificate::Unreadable => unreadable(file, &fault.to_string()),
        crate::pki::NoCaCertificate::NotACa => {
            Failure::failed("not_a_ca", named(file, &fault.to_string()))
        }
    })
}

fn unreadable(file: &Path, what: &str) -> Failure {
    Failure::failed("certificate_unreadable", named(file, what))
}

fn named(file: &Path, what: &str) -> String {
    format!("{} {what}", file.display())
}
