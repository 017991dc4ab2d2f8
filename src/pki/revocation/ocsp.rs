//! OCSP: a question about one certificate, and an answer that is believed (RFC 6960).
//!
//! Must never believe an answer about another certificate, by another signer, or of another time;
//! nothing in an answer is read before its signature holds but what is needed to verify that.

mod signer;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};
use der::asn1::{AnyRef, ObjectIdentifier, OctetString};
use der::{Decode as _, Encode as _, Tag};
use x509_cert::ext::{Extension, Extensions};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_ocsp::ext::Nonce as NonceValue;
use x509_ocsp::{
    CertId, CertStatus, OcspRequest, OcspResponse, OcspResponseStatus, ResponseData,
    SingleResponse, TbsRequest,
};

use self::signer::Signer;
use super::authority::{sha1, sha256};
use super::policy::Status;
use super::signature::{Signed, sequence};
use super::{Authority, Revocation, SKEW, Serial, moment};

/// The most bytes of an answer that are read.
pub const MAX_BYTES: usize = 64 * 1024;

/// The bytes of a nonce (RFC 9654 §2.1).
pub type Nonce = [u8; 32];

const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");
const NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.2");
const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

/// A question about one certificate.
#[derive(Clone, Debug)]
pub struct Request {
    der: Vec<u8>,
    nonce: Option<Nonce>,
    serial: SerialNumber,
}

/// What an answer must hold to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How long an answer without nextUpdate holds, from its thisUpdate on.
    pub max_age: TimeDelta,
    /// Whether an answer must repeat the nonce. One that has a nonce must have ours all the same.
    pub nonce_required: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { max_age: TimeDelta::hours(1), nonce_required: false }
    }
}

/// What an answer is read for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The question.
    pub request: &'a Request,
    /// Who issued the certificate.
    pub authority: &'a Authority,
    /// What the answer must hold to.
    pub rules: Rules,
}

/// An answer, verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it says of the certificate.
    pub status: Status,
    /// When that was known to be right.
    pub this_update: DateTime<Utc>,
    /// When newer knowledge is due, where it says.
    pub next_update: Option<DateTime<Utc>>,
    /// When it was signed.
    pub produced_at: DateTime<Utc>,
    /// Until when it holds: nextUpdate, or thisUpdate and the greatest age.
    pub until: DateTime<Utc>,
}

/// Why there is no answer that can be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OcspFault {
    /// The serial number is one that no request can hold.
    #[error("the serial number is no positive number of at most 20 octets")]
    Serial,
    /// More bytes than are read.
    #[error("the answer is larger than the limit")]
    TooLarge,
    /// No DER of an answer, or bytes after it: which part.
    #[error("its {0} cannot be read")]
    Unreadable(&'static str),
    /// The responder did not answer the question (RFC 6960 §2.3).
    #[error("the responder says {0}")]
    NotSuccessful(&'static str),
    /// Not id-pkix-ocsp-basic.
    #[error("the answer is of an unknown type")]
    Type,
    /// Neither the CA nor a certificate in the answer is who it says that signed it.
    #[error("its signer is neither the CA nor in the answer")]
    SignerMissing,
    /// The delegate's certificate cannot be read.
    #[error("the delegate's certificate cannot be read")]
    DelegateUnreadable,
    /// The delegate's certificate is not issued by the CA itself (RFC 6960 §4.2.2.2).
    #[error("the delegate's certificate is not issued by the CA itself")]
    DelegateNotIssued,
    /// The delegate's certificate is outside its validity.
    #[error("the delegate's certificate is outside its validity")]
    DelegateNotCurrent,
    /// The delegate's extended key usage is not there or has no id-kp-OCSPSigning.
    #[error("the delegate's certificate is not for signing OCSP answers")]
    DelegatePurpose,
    /// The delegate's key usage is there without digitalSignature.
    #[error("the delegate's key usage has no digitalSignature")]
    DelegateKeyUsage,
    /// Nobody says that the delegate need not be asked about.
    #[error("the delegate's certificate has no id-pkix-ocsp-nocheck and is not short-lived")]
    DelegateRevocable,
    /// A weak or unknown signature algorithm, or one that does not fit the signer's key.
    #[error("its signature algorithm is not allowed")]
    Algorithm,
    /// Not signed by who it says.
    #[error("its signature is not its signer's")]
    Signature,
    /// A critical extension that is not understood: its OID.
    #[error("it has a critical extension that is not understood ({0})")]
    ExtensionUnknown(String),
    /// It says nothing of the certificate that was asked about.
    #[error("it is about other certificates")]
    Other,
    /// It says more than one thing of the certificate.
    #[error("it answers the question more than once")]
    Repeated,
    /// The nonce is missing and required.
    #[error("it has no nonce")]
    NonceMissing,
    /// The nonce is another one: the answer to another request.
    #[error("its nonce is not the request's")]
    NonceOther,
    /// thisUpdate or producedAt lies ahead.
    #[error("its thisUpdate or producedAt lies in the future")]
    NotYet,
    /// nextUpdate, or the greatest age, has passed.
    #[error("it is no longer current")]
    Stale,
    /// nextUpdate lies before thisUpdate, or thisUpdate after producedAt.
    #[error("its times contradict each other")]
    DatesDisagree,
}

impl Request {
    /// The question about `serial` of `authority`, by the SHA-1 hashes that responders know. The
    /// nonce is of the caller's randomness; an answer read again from a store is read with a request
    /// without one.
    ///
    /// # Errors
    /// [`OcspFault::Serial`].
    pub fn new(
        authority: &Authority,
        serial: &Serial,
        nonce: Option<Nonce>,
    ) -> Result<Self, OcspFault> {
        let fault = |_| OcspFault::Serial;
        // What begins with the highest bit set is negative (X.690 §8.3.3).
        if serial.as_bytes().first().is_none_or(|first| first & 0x80 != 0) {
            return Err(OcspFault::Serial);
        }
        let serial = AnyRef::new(Tag::Integer, serial.as_bytes()).and_then(|any| any.to_der());
        let serial = serial.and_then(|der| SerialNumber::from_der(&der)).map_err(fault)?;
        let hash = |bytes: Vec<u8>| OctetString::new(bytes).map_err(fault);
        let req_cert = CertId {
            hash_algorithm: AlgorithmIdentifierOwned {
                oid: SHA1,
                parameters: Some(AnyRef::NULL.into()),
            },
            issuer_name_hash: hash(sha1(&authority.name))?,
            issuer_key_hash: hash(sha1(&authority.key_bits))?,
            serial_number: serial.clone(),
        };
        let request_extensions = match nonce {
            None => None,
            Some(nonce) => Some(vec![Extension {
                extn_id: NONCE,
                critical: false,
                extn_value: hash(NonceValue::new(nonce).and_then(|n| n.to_der()).map_err(fault)?)?,
            }]),
        };
        let request = OcspRequest {
            tbs_request: TbsRequest {
                request_list: vec![x509_ocsp::Request {
                    req_cert,
                    single_request_extensions: None,
                }],
                request_extensions,
                ..TbsRequest::default()
            },
            optional_signature: None,
        };
        Ok(Self { der: request.to_der().map_err(fault)?, nonce, serial })
    }

    /// What is sent, `application/ocsp-request`.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Whether an answer's CertID is ours. The responder may use another hash than we did.
    fn is_about(&self, authority: &Authority, id: &CertId) -> bool {
        let hash = match id.hash_algorithm.oid {
            SHA1 => sha1,
            SHA256 => sha256,
            _ => return false,
        };
        id.issuer_name_hash.as_bytes() == hash(&authority.name)
            && id.issuer_key_hash.as_bytes() == hash(&authority.key_bits)
            && id.serial_number == self.serial
    }
}

impl Answer {
    /// Verifies an answer, `application/ocsp-response`, at `now`. One that was stored is verified
    /// again at the moment when it was received, and with a request without a nonce.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn read(der: &[u8], asked: &Asked<'_>, now: DateTime<Utc>) -> Result<Self, OcspFault> {
        let response = basic_response(der)?;
        let unreadable = |_| OcspFault::Unreadable("basic response");
        let mut content = sequence(response.as_bytes()).map_err(unreadable)?;
        let signed = Signed::cut(&mut content).map_err(unreadable)?;
        let certificates = signer::certificates(content).map_err(unreadable)?;
        let data = ResponseData::from_der(signed.message)
            .map_err(|_| OcspFault::Unreadable("response data"))?;
        Signer { id: &data.responder_id, certificates: &certificates, authority: asked.authority }
            .verify(&signed, now)?;

        understand(data.response_extensions.as_ref())?;
        check_nonce(&data, asked)?;
        let single = single(&data, asked)?;
        understand(single.single_extensions.as_ref())?;
        Self::of(single, &data, asked.rules)?.check_times(now)
    }

    fn of(single: &SingleResponse, data: &ResponseData, rules: Rules) -> Result<Self, OcspFault> {
        let time = |time: &x509_ocsp::OcspGeneralizedTime| {
            moment(time.0.to_date_time()).ok_or(OcspFault::Unreadable("times"))
        };
        let this_update = time(&single.this_update)?;
        let next_update = single.next_update.as_ref().map(time).transpose()?;
        let oldest = || this_update.checked_add_signed(rules.max_age);
        let status = match &single.cert_status {
            CertStatus::Good(_) => Status::Good,
            CertStatus::Unknown(_) => Status::Unknown,
            CertStatus::Revoked(info) => Status::Revoked(Revocation {
                at: time(&info.revocation_time)?,
                reason: info.revocation_reason.map(Into::into),
            }),
        };
        Ok(Self {
            status,
            this_update,
            next_update,
            produced_at: time(&data.produced_at)?,
            until: next_update.or_else(oldest).ok_or(OcspFault::Unreadable("times"))?,
        })
    }

    fn check_times(self, now: DateTime<Utc>) -> Result<Self, OcspFault> {
        if self.this_update > now + SKEW || self.produced_at > now + SKEW {
            return Err(OcspFault::NotYet);
        }
        if self.next_update.is_some_and(|next| next < self.this_update)
            || self.produced_at + SKEW < self.this_update
        {
            return Err(OcspFault::DatesDisagree);
        }
        if now > self.until {
            return Err(OcspFault::Stale);
        }
        Ok(self)
    }
}

/// The basic response in an answer (RFC 6960 §4.2.1), still in DER.
fn basic_response(der: &[u8]) -> Result<OctetString, OcspFault> {
    if der.len() > MAX_BYTES {
        return Err(OcspFault::TooLarge);
    }
    let answer =
        OcspResponse::from_der(der).map_err(|_| OcspFault::Unreadable("outer structure"))?;
    let refused = match answer.response_status {
        OcspResponseStatus::Successful => None,
        OcspResponseStatus::MalformedRequest => Some("malformedRequest"),
        OcspResponseStatus::InternalError => Some("internalError"),
        OcspResponseStatus::TryLater => Some("tryLater"),
        OcspResponseStatus::SigRequired => Some("sigRequired"),
        OcspResponseStatus::Unauthorized => Some("unauthorized"),
    };
    if let Some(word) = refused {
        return Err(OcspFault::NotSuccessful(word));
    }
    let bytes = answer.response_bytes.ok_or(OcspFault::Unreadable("outer structure"))?;
    if bytes.response_type != BASIC {
        return Err(OcspFault::Type);
    }
    Ok(bytes.response)
}

/// The one thing that is said of the certificate.
fn single<'a>(data: &'a ResponseData, asked: &Asked<'_>) -> Result<&'a SingleResponse, OcspFault> {
    let about = |single: &&SingleResponse| asked.request.is_about(asked.authority, &single.cert_id);
    let mut ours = data.responses.iter().filter(about);
    match (ours.next(), ours.next()) {
        (Some(single), None) => Ok(single),
        (None, _) => Err(OcspFault::Other),
        (Some(_), Some(_)) => Err(OcspFault::Repeated),
    }
}

/// RFC 5280 §4.2: what is critical and not understood spoils the whole.
fn understand(extensions: Option<&Extensions>) -> Result<(), OcspFault> {
    let unknown = |extension: &&Extension| extension.critical && extension.extn_id != NONCE;
    match extensions.into_iter().flatten().find(unknown) {
        Some(extension) => Err(OcspFault::ExtensionUnknown(extension.extn_id.to_string())),
        None => Ok(()),
    }
}

/// RFC 6960 §4.4.1. Where we sent none, one in the answer means nothing.
fn check_nonce(data: &ResponseData, asked: &Asked<'_>) -> Result<(), OcspFault> {
    let Some(sent) = &asked.request.nonce else {
        return Ok(());
    };
    let extensions = data.response_extensions.iter().flatten();
    let mut nonces = extensions.filter(|extension| extension.extn_id == NONCE).peekable();
    if nonces.peek().is_none() && asked.rules.nonce_required {
        return Err(OcspFault::NonceMissing);
    }
    let ours = |extension: &Extension| {
        let nonce = NonceValue::from_der(extension.extn_value.as_bytes());
        nonce.is_ok_and(|nonce| nonce.0.as_bytes() == sent)
    };
    if nonces.all(ours) { Ok(()) } else { Err(OcspFault::NonceOther) }
}
