//! The FAPI 2.0 Security Profile, §5.3.2 (authorization servers) and §5.4 (cryptography).

use super::Rules;
use crate::keys::{ClientAlg, SigningAlg};
use crate::oidc::client::{AuthMethod, Client, Pkce};
use crate::oidc::client_metadata::AssertionAudience;
use crate::oidc::redirect_uri::is_encrypted_or_loopback;
use crate::oidc::registration::RegistrationFault;

/// §5.4.1: PS256, ES256 and EdDSA with Ed25519, and no other.
const CLIENT_ALGS: [ClientAlg; 3] = [ClientAlg::Ps256, ClientAlg::Es256, ClientAlg::EdDsa];
const SIGNING_ALGS: [SigningAlg; 3] = [SigningAlg::Ps256, SigningAlg::Es256, SigningAlg::EdDsa];

pub(super) fn narrow(registered: Rules, client: &Client) -> Rules {
    Rules {
        // §5.3.2.2 (3): authorization requests without PAR are rejected.
        pushed_requests: true,
        // §5.3.2.2 (5).
        pkce: Pkce::Required,
        // §5.3.2.1 (8): the issuer alone, as a string.
        assertion_audience: AssertionAudience::Issuer,
        client_algs: &CLIENT_ALGS,
        // §5.3.2.1 (9): refresh tokens are bound to a key, and rotation would lose some; who registers it all
        // the same says that the circumstances are extraordinary.
        rotates_refresh_tokens: client.metadata.refresh_token_rotation == Some(true),
        ..registered
    }
}

pub(super) fn check(client: &Client) -> Result<(), RegistrationFault> {
    let metadata = &client.metadata;
    // §5.3.2.1 (3), (6): confidential clients, by mTLS or private_key_jwt.
    let method = client.authentication.method();
    let methods =
        [AuthMethod::PrivateKeyJwt, AuthMethod::TlsClientAuth, AuthMethod::SelfSignedTlsClientAuth];
    if !methods.contains(&method) {
        return refuse(
            "profile fapi2 takes private_key_jwt, tls_client_auth and self_signed_tls_client_auth",
        );
    }
    // §5.3.2.1 (4), (5).
    if !metadata.dpop_bound_access_tokens && !metadata.tls_client_certificate_bound_access_tokens {
        return refuse(
            "profile fapi2 binds access tokens: register dpop_bound_access_tokens or \
             tls_client_certificate_bound_access_tokens",
        );
    }
    // §5.4.1.
    let signed_for_it = [
        metadata.userinfo_signed_response_alg,
        metadata.authorization_signed_response_alg,
        metadata.introspection_signed_response_alg,
    ];
    let mut signed = signed_for_it.into_iter().flatten().chain([client.signing_alg]);
    if !signed.all(|alg| SIGNING_ALGS.contains(&alg)) {
        return refuse("profile fapi2 signs with PS256, ES256 or EdDSA");
    }
    let signs_with =
        [metadata.token_endpoint_auth_signing_alg, metadata.request_object_signing_alg];
    if signs_with.into_iter().flatten().any(|alg| !CLIENT_ALGS.contains(&alg)) {
        return refuse("profile fapi2 takes signatures by PS256, ES256 or EdDSA");
    }
    // §5.3.2.2 (8): no authorization response over an unencrypted connection.
    if !client.redirect_uris.iter().all(|uri| is_encrypted_or_loopback(uri)) {
        return refuse("profile fapi2 takes https redirect URIs, and loopback ones of native apps");
    }
    Ok(())
}

fn refuse(text: &str) -> Result<(), RegistrationFault> {
    Err(RegistrationFault(text.to_owned()))
}
