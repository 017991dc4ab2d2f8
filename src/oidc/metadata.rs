//! The discovery document (OpenID Connect Discovery 1.0 §3; RFC 8414 §2): what is true of this
//! installation.
//!
//! Values come from the types that decide, so that what is added there is told here. Must never tell of
//! anything that no request can have.

pub mod paths;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;

use super::claim_profile::ClaimProfiles;
use super::client::AuthMethod;
use super::client_metadata::{GrantType, SubjectType};
use super::reply_to::issuer_identifier;
use super::request::Prompt;
use super::response_mode::ResponseMode;
use super::scope::Scope;
use crate::identity::assurance::Loa;
use crate::keys::jwe::KeyFamily;
use crate::keys::keyring::RingAt;
use crate::keys::{ClientAlg, JweAlg, JweEnc, SigningAlg};

/// Claims that every ID token may hold, whatever was asked for.
const CLAIMS: [&str; 10] =
    ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid"];

/// What an installation is, as far as its metadata tells of it.
#[derive(Clone, Copy, Debug)]
pub struct Installation<'a> {
    /// The issuer.
    pub issuer: &'a Url,
    /// The host where clients show certificates, where there is one.
    pub mtls_host: Option<&'a str>,
    /// The names that claims go by.
    pub profiles: &'a ClaimProfiles,
    /// The keys that it has now: what no key is active for is not offered.
    pub ring: RingAt<'a>,
}

/// The discovery document; members stand in the order of the specifications that define them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "each member is defined by the specification that is named above it"
)]
#[expect(clippy::struct_excessive_bools, reason = "so the specifications have it")]
pub struct Metadata {
    // OpenID Connect Discovery 1.0 §3.
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub userinfo_endpoint: String,
    pub jwks_uri: String,
    pub scopes_supported: Vec<String>,
    pub response_types_supported: Vec<String>,
    pub response_modes_supported: Vec<String>,
    pub grant_types_supported: Vec<String>,
    pub acr_values_supported: Vec<String>,
    pub subject_types_supported: Vec<String>,
    pub id_token_signing_alg_values_supported: Vec<String>,
    pub id_token_encryption_alg_values_supported: Vec<String>,
    pub id_token_encryption_enc_values_supported: Vec<String>,
    pub userinfo_signing_alg_values_supported: Vec<String>,
    pub userinfo_encryption_alg_values_supported: Vec<String>,
    pub userinfo_encryption_enc_values_supported: Vec<String>,
    pub request_object_signing_alg_values_supported: Vec<String>,
    pub request_object_encryption_alg_values_supported: Vec<String>,
    pub request_object_encryption_enc_values_supported: Vec<String>,
    pub token_endpoint_auth_methods_supported: Vec<String>,
    pub token_endpoint_auth_signing_alg_values_supported: Vec<String>,
    pub claim_types_supported: Vec<String>,
    pub claims_supported: Vec<String>,
    pub ui_locales_supported: Vec<String>,
    pub claims_parameter_supported: bool,
    pub request_parameter_supported: bool,
    pub request_uri_parameter_supported: bool,
    // RFC 8414 §2.
    pub revocation_endpoint: String,
    pub revocation_endpoint_auth_methods_supported: Vec<String>,
    pub revocation_endpoint_auth_signing_alg_values_supported: Vec<String>,
    pub introspection_endpoint: String,
    pub introspection_endpoint_auth_methods_supported: Vec<String>,
    pub introspection_endpoint_auth_signing_alg_values_supported: Vec<String>,
    pub code_challenge_methods_supported: Vec<String>,
    // RFC 9701 §7.
    pub introspection_signing_alg_values_supported: Vec<String>,
    // RFC 9207 §3.
    pub authorization_response_iss_parameter_supported: bool,
    // RFC 9126 §5.
    pub pushed_authorization_request_endpoint: String,
    pub require_pushed_authorization_requests: bool,
    // RFC 9101 §10.5.
    pub require_signed_request_object: bool,
    // JARM §4.
    pub authorization_signing_alg_values_supported: Vec<String>,
    // RFC 9449 §5.1.
    pub dpop_signing_alg_values_supported: Vec<String>,
    // OpenID Connect Prompt Create 1.0 §4.
    pub prompt_values_supported: Vec<String>,
    // RFC 8705 §3.3, §5; left out where no host asks for certificates.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tls_client_certificate_bound_access_tokens: bool,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mtls_endpoint_aliases: BTreeMap<String, String>,
    // RP-Initiated Logout 1.0 §2.1, Back-Channel Logout 1.0 §2.1, Front-Channel Logout 1.0 §3.
    pub end_session_endpoint: String,
    pub backchannel_logout_supported: bool,
    pub backchannel_logout_session_supported: bool,
    pub frontchannel_logout_supported: bool,
    pub frontchannel_logout_session_supported: bool,
}

/// What an installation can do.
#[must_use]
pub fn metadata(of: Installation<'_>) -> Metadata {
    let issuer = issuer_identifier(of.issuer);
    let at = |path: &str| format!("{issuer}{path}");
    let methods = |without: &[AuthMethod]| {
        let by_certificate = [AuthMethod::TlsClientAuth, AuthMethod::SelfSignedTlsClientAuth];
        let is_served = |method: &AuthMethod| {
            !without.contains(method)
                && (of.mtls_host.is_some() || !by_certificate.contains(method))
        };
        AuthMethod::ALL.into_iter().filter(is_served).map(|method| method.name().into()).collect()
    };
    let signing = || {
        let algs = SigningAlg::ALL.into_iter().filter(|alg| of.ring.signing(*alg).is_some());
        algs.map(|alg| alg.name().to_owned()).collect()
    };
    let decrypting = |alg: &JweAlg| of.ring.can_decrypt(KeyFamily::of(*alg));
    Metadata {
        issuer: issuer.to_owned(),
        authorization_endpoint: at(paths::AUTHORIZE),
        token_endpoint: at(paths::TOKEN),
        userinfo_endpoint: at(paths::USERINFO),
        jwks_uri: at(paths::JWKS),
        scopes_supported: owned(Scope::NAMES),
        response_types_supported: owned(&["code"]),
        response_modes_supported: owned(&ResponseMode::PARAMETERS),
        grant_types_supported: owned(GrantType::NAMES),
        acr_values_supported: owned(&Loa::ALL.map(Loa::acr)),
        subject_types_supported: owned(SubjectType::NAMES),
        id_token_signing_alg_values_supported: signing(),
        id_token_encryption_alg_values_supported: owned(JweAlg::NAMES),
        id_token_encryption_enc_values_supported: owned(JweEnc::NAMES),
        userinfo_signing_alg_values_supported: signing(),
        userinfo_encryption_alg_values_supported: owned(JweAlg::NAMES),
        userinfo_encryption_enc_values_supported: owned(JweEnc::NAMES),
        request_object_signing_alg_values_supported: owned(ClientAlg::NAMES),
        request_object_encryption_alg_values_supported: JweAlg::ALL
            .into_iter()
            .filter(decrypting)
            .map(|alg| alg.name().to_owned())
            .collect(),
        request_object_encryption_enc_values_supported: owned(JweEnc::NAMES),
        token_endpoint_auth_methods_supported: methods(&[]),
        token_endpoint_auth_signing_alg_values_supported: owned(ClientAlg::NAMES),
        claim_types_supported: owned(&["normal"]),
        claims_supported: CLAIMS
            .into_iter()
            .chain(of.profiles.claims())
            .map(str::to_owned)
            .collect(),
        ui_locales_supported: owned(&["sv", "en"]),
        claims_parameter_supported: true,
        request_parameter_supported: true,
        request_uri_parameter_supported: false,
        revocation_endpoint: at(paths::REVOKE),
        revocation_endpoint_auth_methods_supported: methods(&[]),
        revocation_endpoint_auth_signing_alg_values_supported: owned(ClientAlg::NAMES),
        introspection_endpoint: at(paths::INTROSPECT),
        // RFC 7662 §2.1: whoever asks must have proved who it is.
        introspection_endpoint_auth_methods_supported: methods(&[AuthMethod::None]),
        introspection_endpoint_auth_signing_alg_values_supported: owned(ClientAlg::NAMES),
        code_challenge_methods_supported: owned(&["S256"]),
        introspection_signing_alg_values_supported: signing(),
        authorization_response_iss_parameter_supported: true,
        pushed_authorization_request_endpoint: at(paths::PAR),
        // Each client is registered by itself: no rule holds for all.
        require_pushed_authorization_requests: false,
        require_signed_request_object: false,
        authorization_signing_alg_values_supported: signing(),
        dpop_signing_alg_values_supported: owned(ClientAlg::NAMES),
        prompt_values_supported: owned(&Prompt::VALUES),
        tls_client_certificate_bound_access_tokens: of.mtls_host.is_some(),
        mtls_endpoint_aliases: of
            .mtls_host
            .map(|host| aliases(of.issuer, host))
            .unwrap_or_default(),
        end_session_endpoint: at(paths::LOGOUT),
        backchannel_logout_supported: true,
        backchannel_logout_session_supported: true,
        frontchannel_logout_supported: true,
        frontchannel_logout_session_supported: true,
    }
}

/// RFC 8705 §5: every endpoint that clients call themselves, and none that browsers are sent to.
fn aliases(issuer: &Url, host: &str) -> BTreeMap<String, String> {
    const CALLED: [(&str, &str); 5] = [
        ("token_endpoint", paths::TOKEN),
        ("userinfo_endpoint", paths::USERINFO),
        ("pushed_authorization_request_endpoint", paths::PAR),
        ("revocation_endpoint", paths::REVOKE),
        ("introspection_endpoint", paths::INTROSPECT),
    ];
    let port = issuer.port().map_or_else(String::new, |port| format!(":{port}"));
    CALLED.map(|(name, path)| (name.to_owned(), format!("https://{host}{port}{path}"))).into()
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}
