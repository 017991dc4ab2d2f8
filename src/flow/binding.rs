//! The certificate of a connection as what tokens are bound to (RFC 8705 §3).
//!
//! It binds by its hash alone: its chain need not be worth anything (RFC 8705 §6.2). Must never bind to
//! what was not proved in the handshake.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::sender::SenderFault;
use crate::oidc::client::Client;
use crate::oidc::confirmation::Confirmation;
use crate::pki::{PresentedCertificate, PresentedChain};

/// The certificate that new tokens of a client are bound to, by its connection: none, unless it is
/// registered so (RFC 8705 §3.4).
///
/// # Errors
/// [`SenderFault::CertificateRequired`]: tokens that are not bound are not what was registered.
pub fn of_certificate(
    client: &Client,
    chain: Option<&PresentedChain>,
) -> Result<Option<String>, SenderFault> {
    if !client.metadata.tls_client_certificate_bound_access_tokens {
        return Ok(None);
    }
    thumbprint(chain).map(Some).ok_or(SenderFault::CertificateRequired)
}

/// Whether a token that is bound so may be used over a connection (RFC 8705 §3).
///
/// # Errors
/// [`SenderFault`]: no certificate, or another.
pub fn must_hold_certificate(
    bound: &Confirmation,
    chain: Option<&PresentedChain>,
) -> Result<(), SenderFault> {
    let Some(bound) = &bound.certificate else { return Ok(()) };
    match thumbprint(chain) {
        None => Err(SenderFault::CertificateMissing),
        Some(presented) if presented == *bound => Ok(()),
        Some(_) => Err(SenderFault::CertificateMismatch),
    }
}

/// `x5t#S256` (RFC 8705 §3.1): base64url without padding.
fn thumbprint(chain: Option<&PresentedChain>) -> Option<String> {
    let certificate = PresentedCertificate::read(chain?)?;
    Some(URL_SAFE_NO_PAD.encode(certificate.thumbprint()))
}
