//! The discovery document (OpenID Connect Discovery 1.0 §3): what is true of this provider.

use std::collections::BTreeMap;

use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType,
    CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
    CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::url::ParseError;
use openidconnect::{
    AdditionalProviderMetadata, AuthUrl, AuthenticationContextClass, IssuerUrl, JsonWebKeySetUrl,
    LanguageTag, ProviderMetadata, ResponseTypes, TokenUrl, UserInfoUrl,
};
use serde::{Deserialize, Serialize};
use url::Url;

use super::claim_profile::ClaimProfiles;
use super::client::AuthMethod;
use super::reply_to::issuer_identifier;
use super::scope::Scope;
use crate::identity::assurance::Loa;
use crate::keys::{ClientAlg, JweAlg, JweEnc};

/// Paths of the endpoints, under the issuer.
pub mod paths {
    /// OpenID Connect Discovery 1.0 §4.
    pub const DISCOVERY: &str = "/.well-known/openid-configuration";
    /// RFC 8414 §3.
    pub const AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";
    /// RFC 7517 §5.
    pub const JWKS: &str = "/jwks";
    /// RFC 6749 §3.1.
    pub const AUTHORIZE: &str = "/authorize";
    /// RFC 9126 §2.
    pub const PAR: &str = "/par";
    /// RFC 6749 §3.2.
    pub const TOKEN: &str = "/token";
    /// OpenID Connect Core 1.0 §5.3.
    pub const USERINFO: &str = "/userinfo";
    /// OpenID Connect RP-Initiated Logout 1.0 §2.
    pub const LOGOUT: &str = "/logout";
    /// Where a person confirms that they want to log out.
    pub const LOGOUT_CONFIRMED: &str = "/logout/confirmed";
    /// The catalogue of error codes.
    pub const ERRORS: &str = "/errors";
    /// What a client may know of a failed login.
    pub const LOGIN_ERRORS: &str = "/login-errors";
}

/// Members that openidconnect does not know.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct FurtherMetadata {
    /// OpenID Connect Discovery 1.0 §3.
    pub userinfo_encryption_alg_values_supported: Vec<String>,
    /// OpenID Connect Discovery 1.0 §3.
    pub userinfo_encryption_enc_values_supported: Vec<String>,
    /// OpenID Connect Discovery 1.0 §3.
    pub id_token_encryption_alg_values_supported: Vec<String>,
    /// OpenID Connect Discovery 1.0 §3.
    pub id_token_encryption_enc_values_supported: Vec<String>,
    /// RFC 8414 §2.
    pub code_challenge_methods_supported: Vec<String>,
    /// RFC 9207 §3.
    pub authorization_response_iss_parameter_supported: bool,
    /// RFC 9126 §5.
    pub pushed_authorization_request_endpoint: String,
    /// OpenID Connect Prompt Create 1.0 §4.
    pub prompt_values_supported: Vec<String>,
    /// RFC 8705 §3.3; left out where no host asks for certificates.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tls_client_certificate_bound_access_tokens: bool,
    /// RFC 8705 §5: the same endpoints on the host that asks for certificates.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mtls_endpoint_aliases: BTreeMap<String, String>,
    /// OpenID Connect RP-Initiated Logout 1.0 §2.1.
    pub end_session_endpoint: String,
    /// OpenID Connect Back-Channel Logout 1.0 §2.1.
    pub backchannel_logout_supported: bool,
    /// The same: logout tokens hold `sid`.
    pub backchannel_logout_session_supported: bool,
    /// OpenID Connect Front-Channel Logout 1.0 §3.
    pub frontchannel_logout_supported: bool,
    /// The same: frames are given `iss` and `sid`.
    pub frontchannel_logout_session_supported: bool,
}

impl AdditionalProviderMetadata for FurtherMetadata {}

/// The discovery document of this provider.
pub type Metadata = ProviderMetadata<
    FurtherMetadata,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// What the provider at `issuer` can do, with a host where clients show certificates, or without.
///
/// # Errors
/// When the issuer is no URL that endpoints can be made from.
pub fn metadata(
    issuer: &Url,
    mtls_host: Option<&str>,
    profiles: &ClaimProfiles,
) -> Result<Metadata, ParseError> {
    let aliases = mtls_host.map(|host| mtls_endpoint_aliases(issuer, host)).transpose()?;
    let issuer = issuer_identifier(issuer);
    let at = |path: &str| format!("{issuer}{path}");
    let signing = || {
        vec![
            CoreJwsSigningAlgorithm::EcdsaP256Sha256,
            CoreJwsSigningAlgorithm::EcdsaP384Sha384,
            CoreJwsSigningAlgorithm::RsaSsaPssSha256,
            CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
            CoreJwsSigningAlgorithm::EdDsa,
        ]
    };
    let names = ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid"];
    let metadata = Metadata::new(
        IssuerUrl::new(issuer.to_owned())?,
        AuthUrl::new(at(paths::AUTHORIZE))?,
        JsonWebKeySetUrl::new(at(paths::JWKS))?,
        vec![ResponseTypes::new(vec![CoreResponseType::Code])],
        vec![CoreSubjectIdentifierType::Public, CoreSubjectIdentifierType::Pairwise],
        signing(),
        FurtherMetadata {
            userinfo_encryption_alg_values_supported: owned(JweAlg::NAMES),
            userinfo_encryption_enc_values_supported: owned(JweEnc::NAMES),
            id_token_encryption_alg_values_supported: owned(JweAlg::NAMES),
            id_token_encryption_enc_values_supported: owned(JweEnc::NAMES),
            code_challenge_methods_supported: vec!["S256".to_owned()],
            authorization_response_iss_parameter_supported: true,
            pushed_authorization_request_endpoint: at(paths::PAR),
            prompt_values_supported: vec!["none".to_owned(), "login".to_owned()],
            tls_client_certificate_bound_access_tokens: mtls_host.is_some(),
            mtls_endpoint_aliases: aliases.unwrap_or_default(),
            end_session_endpoint: at(paths::LOGOUT),
            backchannel_logout_supported: true,
            backchannel_logout_session_supported: true,
            frontchannel_logout_supported: true,
            frontchannel_logout_session_supported: true,
        },
    )
    .set_token_endpoint(Some(TokenUrl::new(at(paths::TOKEN))?))
    .set_userinfo_endpoint(Some(UserInfoUrl::new(at(paths::USERINFO))?))
    .set_scopes_supported(Some(
        Scope::ALL.iter().map(|s| openidconnect::Scope::new(s.name().to_owned())).collect(),
    ))
    .set_response_modes_supported(Some(vec![CoreResponseMode::Query]))
    .set_grant_types_supported(Some(vec![CoreGrantType::AuthorizationCode]))
    .set_acr_values_supported(Some(
        Loa::ALL.iter().map(|l| AuthenticationContextClass::new(l.acr().to_owned())).collect(),
    ))
    .set_token_endpoint_auth_methods_supported(Some(auth_methods(mtls_host.is_some())))
    .set_token_endpoint_auth_signing_alg_values_supported(Some(
        ClientAlg::ALL.into_iter().map(jws_alg).collect(),
    ))
    .set_userinfo_signing_alg_values_supported(Some(signing()))
    .set_claim_types_supported(Some(vec![CoreClaimType::Normal]))
    .set_claims_supported(Some(
        names
            .into_iter()
            .chain(profiles.claims())
            .map(|n| CoreClaimName::new(n.to_owned()))
            .collect(),
    ))
    .set_claims_parameter_supported(Some(false))
    .set_request_parameter_supported(Some(true))
    .set_request_uri_parameter_supported(Some(false))
    .set_ui_locales_supported(Some(vec![
        LanguageTag::new("sv".to_owned()),
        LanguageTag::new("en".to_owned()),
    ]));
    Ok(metadata)
}

fn auth_methods(has_mtls: bool) -> Vec<CoreClientAuthMethod> {
    let by_certificate = [AuthMethod::TlsClientAuth, AuthMethod::SelfSignedTlsClientAuth];
    let by_certificate = by_certificate.into_iter().filter(|_| has_mtls);
    [
        CoreClientAuthMethod::ClientSecretBasic,
        CoreClientAuthMethod::ClientSecretPost,
        CoreClientAuthMethod::PrivateKeyJwt,
    ]
    .into_iter()
    .chain(by_certificate.map(|one| CoreClientAuthMethod::Extension(one.name().to_owned())))
    .collect()
}

/// RFC 8705 §5: every endpoint that clients call themselves, and none that browsers are sent to.
fn mtls_endpoint_aliases(issuer: &Url, host: &str) -> Result<BTreeMap<String, String>, ParseError> {
    const CALLED: [(&str, &str); 3] = [
        ("token_endpoint", paths::TOKEN),
        ("userinfo_endpoint", paths::USERINFO),
        ("pushed_authorization_request_endpoint", paths::PAR),
    ];
    let mut base = issuer.clone();
    base.set_host(Some(host))?;
    let base = issuer_identifier(&base);
    Ok(CALLED.map(|(name, path)| (name.to_owned(), format!("{base}{path}"))).into())
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

const fn jws_alg(alg: ClientAlg) -> CoreJwsSigningAlgorithm {
    match alg {
        ClientAlg::Rs256 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        ClientAlg::Rs384 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
        ClientAlg::Rs512 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
        ClientAlg::Ps256 => CoreJwsSigningAlgorithm::RsaSsaPssSha256,
        ClientAlg::Ps384 => CoreJwsSigningAlgorithm::RsaSsaPssSha384,
        ClientAlg::Ps512 => CoreJwsSigningAlgorithm::RsaSsaPssSha512,
        ClientAlg::Es256 => CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        ClientAlg::Es384 => CoreJwsSigningAlgorithm::EcdsaP384Sha384,
        ClientAlg::Es512 => CoreJwsSigningAlgorithm::EcdsaP521Sha512,
        ClientAlg::EdDsa => CoreJwsSigningAlgorithm::EdDsa,
    }
}
