//! The discovery document (OpenID Connect Discovery 1.0 §3): what is true of this provider.

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

use super::reply_to::issuer_identifier;
use super::scope::Scope;
use crate::identity::assurance::Loa;

/// Paths of the endpoints, under the issuer.
pub mod paths {
    /// OpenID Connect Discovery 1.0 §4.
    pub const DISCOVERY: &str = "/.well-known/openid-configuration";
    /// RFC 7517 §5.
    pub const JWKS: &str = "/jwks";
    /// RFC 6749 §3.1.
    pub const AUTHORIZE: &str = "/authorize";
    /// RFC 6749 §3.2.
    pub const TOKEN: &str = "/token";
    /// RFC 7009 §2.
    pub const REVOKE: &str = "/revoke";
    /// RFC 7662 §2.
    pub const INTROSPECT: &str = "/introspect";
    /// OpenID Connect Core 1.0 §5.3.
    pub const USERINFO: &str = "/userinfo";
    /// The catalogue of error codes.
    pub const ERRORS: &str = "/errors";
    /// What a client may know of a failed login.
    pub const LOGIN_ERRORS: &str = "/login-errors";
}

/// Members that openidconnect does not know.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct FurtherMetadata {
    /// RFC 8414 §2.
    pub code_challenge_methods_supported: Vec<String>,
    /// RFC 9207 §3.
    pub authorization_response_iss_parameter_supported: bool,
    /// OpenID Connect Prompt Create 1.0 §4.
    pub prompt_values_supported: Vec<String>,
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

/// What the provider at `issuer` can do.
///
/// # Errors
/// When the issuer is no URL that endpoints can be made from.
pub fn metadata(issuer: &Url) -> Result<Metadata, ParseError> {
    let issuer = issuer_identifier(issuer);
    let at = |path: &str| format!("{issuer}{path}");
    let signing = || {
        vec![
            CoreJwsSigningAlgorithm::EcdsaP256Sha256,
            CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        ]
    };
    let names = ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid"];
    let by_scope = ["given_name", "family_name", "name", "employeeHsaId", "systemRole"];
    let metadata = Metadata::new(
        IssuerUrl::new(issuer.to_owned())?,
        AuthUrl::new(at(paths::AUTHORIZE))?,
        JsonWebKeySetUrl::new(at(paths::JWKS))?,
        vec![ResponseTypes::new(vec![CoreResponseType::Code])],
        vec![CoreSubjectIdentifierType::Public],
        signing(),
        FurtherMetadata {
            code_challenge_methods_supported: vec!["S256".to_owned()],
            authorization_response_iss_parameter_supported: true,
            prompt_values_supported: vec!["none".to_owned(), "login".to_owned()],
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
    .set_token_endpoint_auth_methods_supported(Some(vec![
        CoreClientAuthMethod::ClientSecretBasic,
        CoreClientAuthMethod::ClientSecretPost,
        CoreClientAuthMethod::PrivateKeyJwt,
    ]))
    // Those of the keys that can be registered: RSA and P-256 (keys::public_jwk).
    .set_token_endpoint_auth_signing_alg_values_supported(Some(vec![
        CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        CoreJwsSigningAlgorithm::EcdsaP384Sha384,
        CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        CoreJwsSigningAlgorithm::RsaSsaPssSha256,
        CoreJwsSigningAlgorithm::EdDsa,
    ]))
    .set_claim_types_supported(Some(vec![CoreClaimType::Normal]))
    .set_claims_supported(Some(
        names.into_iter().chain(by_scope).map(|n| CoreClaimName::new(n.to_owned())).collect(),
    ))
    .set_claims_parameter_supported(Some(false))
    .set_request_parameter_supported(Some(false))
    .set_request_uri_parameter_supported(Some(false))
    .set_ui_locales_supported(Some(vec![
        LanguageTag::new("sv".to_owned()),
        LanguageTag::new("en".to_owned()),
    ]));
    Ok(metadata)
}
