//! Sender-constrained tokens (RFC 9700 §2.2.1): who asks for tokens says by which key they are to be
//! bound, who uses one proves to hold that key.
//!
//! Must never take a token by the other scheme than it was issued for, and never a proof twice.

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::binding;
use super::client_call::Call;
use crate::config::DpopNonce;
use crate::error::Code;
use crate::keys::ClientAlg;
use crate::oidc::client::Client;
use crate::oidc::confirmation::{Confirmation, TokenScheme};
use crate::oidc::dpop::{Called, Proof, ProofFault};
use crate::oidc::dpop_nonce;
use crate::oidc::profile::Rules;
use crate::state::App;
use crate::store::{StoreError, dpop_proofs};

/// Why a call does not prove what it must.
#[derive(Debug, thiserror::Error)]
pub enum SenderFault {
    /// A DPoP proof that proves nothing.
    #[error("DPoP proof: {0}")]
    Proof(#[from] ProofFault),
    /// No DPoP proof, where there must be one.
    #[error("no DPoP proof")]
    ProofMissing,
    /// No nonce where there must be one, or none of ours, or an old one.
    #[error("no nonce in the DPoP proof that is good now")]
    Nonce,
    /// Used before.
    #[error("DPoP proof used before")]
    ProofReplayed,
    /// `dpop_jkt` names another key than the proof beside it.
    #[error("dpop_jkt is not the key of the DPoP proof")]
    RequestKey,
    /// No certificate to bind tokens to, from a client that is registered so (RFC 8705 §3.4).
    #[error("no client certificate to bind tokens to")]
    CertificateRequired,
    /// The token is bound to a certificate, and none was shown.
    #[error("the token is bound to a certificate that was not shown")]
    CertificateMissing,
    /// The token is bound to another certificate.
    #[error("the token is bound to another certificate")]
    CertificateMismatch,
    /// The token is bound to another key.
    #[error("the token is bound to another key")]
    TokenKey,
    /// The token is not for the scheme that it is used by.
    #[error("the token is used by another scheme than it was issued for")]
    Scheme,
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl SenderFault {
    /// The code of the catalogue.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Proof(ProofFault::Repeated) => Code::DpopRepeated,
            Self::Proof(ProofFault::Malformed) => Code::DpopMalformed,
            Self::Proof(ProofFault::Alg) => Code::DpopAlgUnsupported,
            Self::Proof(ProofFault::Key) => Code::DpopKeyUnusable,
            Self::Proof(ProofFault::Signature) => Code::DpopSignatureWrong,
            Self::Proof(ProofFault::Endpoint) => Code::DpopWrongEndpoint,
            Self::Proof(ProofFault::Expired) => Code::DpopExpired,
            Self::Proof(ProofFault::TokenHash) => Code::DpopTokenHashWrong,
            Self::ProofMissing => Code::DpopMissing,
            Self::Nonce => Code::DpopNonceWrong,
            Self::ProofReplayed => Code::DpopReplayed,
            Self::RequestKey => Code::DpopJktMismatch,
            Self::CertificateRequired => Code::ClientCertificateRequired,
            Self::CertificateMissing => Code::TokenCertificateMissing,
            Self::CertificateMismatch => Code::TokenCertificateMismatch,
            Self::TokenKey => Code::DpopKeyMismatch,
            Self::Scheme => Code::TokenSchemeWrong,
            Self::Store(error) => error.code(),
        }
    }
}

/// An access token as it was presented to a protected resource.
#[derive(Debug)]
pub struct PresentedToken {
    /// By which scheme.
    pub scheme: TokenScheme,
    /// The token.
    pub token: SecretString,
}

/// What tokens that this call asks for are bound to. Asked before anything is redeemed: a client that
/// must send another proof sends the same code again (RFC 9449 §8).
///
/// # Errors
/// [`SenderFault`].
pub async fn confirmation(
    app: &App,
    call: &Call<'_>,
    client: &Client,
) -> Result<Confirmation, SenderFault> {
    let certificate = binding::of_certificate(client, call.chain)?;
    let jkt = proved_key(app, call, Asked::by(client)).await?;
    // RFC 9449 §5.2.
    if client.metadata.dpop_bound_access_tokens && jkt.is_none() {
        return Err(SenderFault::ProofMissing);
    }
    Ok(Confirmation { jkt, certificate })
}

/// The key that the code of a pushed request is bound to (RFC 9449 §10.1): that of the proof beside it,
/// or of `dpop_jkt`.
///
/// # Errors
/// [`SenderFault`]: also where the two differ.
pub async fn request_key(
    app: &App,
    call: &Call<'_>,
    client: &Client,
    dpop_jkt: Option<&str>,
) -> Result<Option<String>, SenderFault> {
    match (proved_key(app, call, Asked::by(client)).await?, dpop_jkt) {
        (Some(proved), Some(named)) if proved != named => Err(SenderFault::RequestKey),
        (proved, named) => Ok(proved.or_else(|| named.map(str::to_owned))),
    }
}

/// Whether a call to a protected resource proves what its access token is bound to (RFC 9449 §7;
/// RFC 8705 §3), by an algorithm that its client may sign with.
///
/// # Errors
/// [`SenderFault`].
pub async fn satisfies(
    app: &App,
    call: &Call<'_>,
    (bound, algs): (&Confirmation, &[ClientAlg]),
    presented: &PresentedToken,
) -> Result<(), SenderFault> {
    // RFC 9449 §7.1, §7.2: neither as the other.
    if bound.scheme() != presented.scheme {
        return Err(SenderFault::Scheme);
    }
    binding::must_hold_certificate(bound, call.chain)?;
    if let Some(bound) = &bound.jkt {
        let token = Some(presented.token.expose_secret());
        let asked = Asked { algs, token };
        let proof = proof(app, call, asked)?.ok_or(SenderFault::ProofMissing)?;
        if proof.jkt != *bound {
            return Err(SenderFault::TokenKey);
        }
        mark(app, &proof).await?;
    }
    Ok(())
}

/// What a proof is looked at for.
struct Asked<'a> {
    algs: &'a [ClientAlg],
    token: Option<&'a str>,
}

impl Asked<'_> {
    /// By a client that asks for tokens.
    fn by(client: &Client) -> Self {
        Self { algs: Rules::of(client).client_algs, token: None }
    }
}

async fn proved_key(
    app: &App,
    call: &Call<'_>,
    asked: Asked<'_>,
) -> Result<Option<String>, SenderFault> {
    let Some(proof) = proof(app, call, asked)? else { return Ok(None) };
    mark(app, &proof).await?;
    Ok(Some(proof.jkt))
}

// RFC 9449 §4.3: everything but `jti`, which is marked last, so that what is refused costs no row.
fn proof(app: &App, call: &Call<'_>, asked: Asked<'_>) -> Result<Option<Proof>, SenderFault> {
    let now = app.clock.now();
    let address = address(app, call);
    let called = Called {
        method: call.method,
        address: &address,
        access_token: asked.token,
        algs: asked.algs,
        now,
    };
    let Some(proof) = Proof::of(call.dpop, called)? else { return Ok(None) };
    let is_good = match &proof.nonce {
        Some(nonce) => dpop_nonce::is_good(&app.sealer, nonce, now),
        None => app.dpop_nonce == DpopNonce::Offered,
    };
    if is_good { Ok(Some(proof)) } else { Err(SenderFault::Nonce) }
}

async fn mark(app: &App, proof: &Proof) -> Result<(), SenderFault> {
    if dpop_proofs::mark(&app.pool, proof, app.clock.now()).await? {
        Ok(())
    } else {
        Err(SenderFault::ProofReplayed)
    }
}

/// Where the call went: the issuer host, or the host of `mtls_endpoint_aliases`.
fn address(app: &App, call: &Call<'_>) -> Url {
    let mut address = app.issuer.clone();
    if let Some(host) = call.alias_host {
        // A host that listens is one that a URL can have.
        let _ = address.set_host(Some(host));
    }
    address.set_path(call.path);
    address
}
