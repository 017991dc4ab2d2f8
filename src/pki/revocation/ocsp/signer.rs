//! Who signed an OCSP answer, and whether they may (RFC 6960 §4.2.2.2).
//!
//! The CA itself, or a delegate: a certificate that the CA issued directly for this purpose. Must
//! never take a certificate's word for who issued it: its path is webpki's to verify.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use der::asn1::AnyRef;
use der::{Encode as _, Reader as _, SliceReader, Tag, TagNumber, Tagged as _};
use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage};
use x509_ocsp::ResponderId;
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::{Oid, asn1_rs::oid};
use x509_parser::prelude::FromDer as _;

use super::super::Authority;
use super::super::authority::sha1;
use super::super::signature::{SignatureFault, Signed, sequence};
use super::OcspFault;

/// The most certificates of an answer that are looked at.
const MAX_CERTIFICATES: usize = 8;

/// How long a delegate's certificate may live that does not say id-pkix-ocsp-nocheck: there is
/// nobody to ask whether it was revoked (RFC 6960 §4.2.2.2.1 leaves it to us).
const SHORT_LIVED: TimeDelta = TimeDelta::days(8);

/// id-kp-OCSPSigning.
const OCSP_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 9];

const NO_CHECK: Oid<'static> = oid!(1.3.6.1.5.5.7.48.1.5);

/// The certificates after the signature, as they came; the reader must be at its end then.
pub(super) fn certificates<'a>(
    mut content: SliceReader<'a>,
) -> der::Result<Vec<CertificateDer<'a>>> {
    let mut found = Vec::new();
    if !content.is_finished() {
        let tagged: AnyRef<'a> = content.decode()?;
        tagged
            .tag()
            .assert_eq(Tag::ContextSpecific { constructed: true, number: TagNumber::N0 })?;
        let mut list = sequence(tagged.value())?;
        while !list.is_finished() && found.len() < MAX_CERTIFICATES {
            found.push(CertificateDer::from(list.tlv_bytes()?));
        }
    }
    content.finish(found)
}

/// Who may have signed an answer.
pub(super) struct Signer<'a> {
    /// Who it says that it was.
    pub(super) id: &'a ResponderId,
    /// The certificates that came with it.
    pub(super) certificates: &'a [CertificateDer<'a>],
    pub(super) authority: &'a Authority,
}

impl Signer<'_> {
    /// Whether the CA or a delegate of that name or key signed it.
    pub(super) fn verify(&self, signed: &Signed<'_>, now: DateTime<Utc>) -> Result<(), OcspFault> {
        let mut fault = OcspFault::SignerMissing;
        if self.is_named(&self.authority.name, &self.authority.key_bits) {
            match verify(signed, &self.authority.key) {
                Ok(()) => return Ok(()),
                Err(why) => fault = why,
            }
        }
        for der in self.certificates {
            let Ok((&[], certificate)) = X509Certificate::from_der(der) else {
                continue;
            };
            let key = certificate.public_key();
            if self.is_named(certificate.subject().as_raw(), &key.subject_public_key.data) {
                let may_sign = self.is_delegate(der, &certificate, now);
                match may_sign.and_then(|()| verify(signed, key.raw)) {
                    Ok(()) => return Ok(()),
                    Err(why) => fault = why,
                }
            }
        }
        Err(fault)
    }

    fn is_named(&self, name: &[u8], key_bits: &[u8]) -> bool {
        match self.id {
            ResponderId::ByName(own) => own.to_der().is_ok_and(|own| own == name),
            ResponderId::ByKey(own) => own.as_bytes() == sha1(key_bits),
        }
    }

    fn is_delegate(
        &self,
        der: &CertificateDer<'_>,
        certificate: &X509Certificate<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), OcspFault> {
        let unreadable = OcspFault::DelegateUnreadable;
        let delegate = EndEntityCert::try_from(der).map_err(|_| unreadable.clone())?;
        // The CA as the only anchor: a path of exactly one link.
        let anchor = webpki::anchor_from_trusted_cert(&self.authority.certificate);
        let anchors = [anchor.map_err(|_| OcspFault::DelegateNotIssued)?];
        let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
        let path = delegate.verify_for_usage(
            ALL_VERIFICATION_ALGS,
            &anchors,
            &[],
            UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
            KeyUsage::required(OCSP_SIGNING),
            None,
            None,
        );
        path.map_err(|error| match error {
            webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. } => {
                OcspFault::DelegateNotCurrent
            }
            webpki::Error::RequiredEkuNotFoundContext(_) | webpki::Error::EmptyEkuExtension => {
                OcspFault::DelegatePurpose
            }
            _ => OcspFault::DelegateNotIssued,
        })?;
        let usage = certificate.key_usage().map_err(|_| unreadable.clone())?;
        if usage.is_some_and(|usage| !usage.value.digital_signature()) {
            return Err(OcspFault::DelegateKeyUsage);
        }
        let validity = certificate.validity();
        let lives = validity.not_after.timestamp().saturating_sub(validity.not_before.timestamp());
        let no_check = certificate.get_extension_unique(&NO_CHECK).map_err(|_| unreadable)?;
        if no_check.is_none() && lives > SHORT_LIVED.num_seconds() {
            return Err(OcspFault::DelegateRevocable);
        }
        Ok(())
    }
}

fn verify(signed: &Signed<'_>, key: &[u8]) -> Result<(), OcspFault> {
    signed.verify(key).map_err(|fault| match fault {
        SignatureFault::Algorithm => OcspFault::Algorithm,
        SignatureFault::Wrong => OcspFault::Signature,
    })
}
