//! A client proves who it is by the certificate of its connection (RFC 8705 §2).
//!
//! Must never ask anybody about a certificate that is not genuine, and never take one whose issuer
//! does not say that it is a system's.

use std::sync::Arc;

use super::settled::Settled;
use crate::oidc::client::{Client, ClientAuthentication};
use crate::oidc::client_auth::{AuthenticatedClient, ClientAuthFault};
use crate::oidc::tls_client_auth::{by_registration, by_subject, fault_of};
use crate::pki::{
    PresentedCertificate, PresentedChain, RejectedSystem, SystemCertificate, SystemRejection,
};
use crate::state::App;

/// The client that a request names, by the certificate of the connection.
///
/// # Errors
/// [`ClientAuthFault`]: no certificate, one that is worth nothing, another client's; or the client is
/// registered for another method.
pub async fn authenticated(
    app: &App,
    client: Arc<Client>,
    chain: Option<&PresentedChain>,
) -> Result<AuthenticatedClient, ClientAuthFault> {
    match client.authentication {
        ClientAuthentication::TlsClientAuth => {
            let chain = chain.ok_or(ClientAuthFault::CertificateMissing)?;
            let certificate = system(app, &client, chain).await?;
            by_subject(client, &certificate)
        }
        ClientAuthentication::SelfSignedTlsClientAuth => {
            let chain = chain.ok_or(ClientAuthFault::CertificateMissing)?;
            let certificate =
                PresentedCertificate::read(chain).ok_or(ClientAuthFault::CertificateUntrusted)?;
            by_registration(client, &certificate, app.clock.now())
        }
        ClientAuthentication::SecretBasic { .. }
        | ClientAuthentication::SecretPost { .. }
        | ClientAuthentication::PrivateKeyJwt
        | ClientAuthentication::None => Err(ClientAuthFault::Missing),
    }
}

/// The certificate as a system's: judged, and its revocation asked for as a card's is.
async fn system(
    app: &App,
    client: &Client,
    chain: &PresentedChain,
) -> Result<SystemCertificate, ClientAuthFault> {
    let now = app.clock.now();
    let told = |rejected: RejectedSystem| {
        tell(client, &rejected);
        fault_of(rejected.cause)
    };
    let authentic = app.trust.verify_system(chain, now).map_err(told)?;
    let findings = app.revocation.ask(authentic.links(), now).await;
    for settled in Settled::all(authentic.links(), &findings).iter().filter(|s| s.is_doubtful()) {
        tracing::warn!(
            client = client.id,
            verdict = settled.verdict.name(),
            detail = settled.detail,
            "revocation of a client certificate is not determined"
        );
    }
    let verdicts: Vec<_> = findings.iter().map(|finding| finding.verdict).collect();
    authentic.settle(&verdicts).map_err(told)
}

// What a person's certificate says is not for the log: a client has shown a card.
fn tell(client: &Client, rejected: &RejectedSystem) {
    let facts = rejected.facts.as_ref().filter(|_| rejected.cause != SystemRejection::Person);
    tracing::info!(
        client = client.id,
        cause = rejected.cause.name(),
        detail = %rejected.detail,
        issuer = facts.map(|facts| facts.issuer_cn.as_str()),
        serial = facts.map(|facts| facts.serial.as_str()),
        "client certificate rejected"
    );
}
