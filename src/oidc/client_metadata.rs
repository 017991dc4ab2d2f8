//! What a relying party registers beyond how it authenticates: client metadata by the names of the
//! IANA registry "OAuth Dynamic Client Registration Metadata" (RFC 7591 §4.1), and a few of our own.
//!
//! What is left out has its default, which is the most careful one. Whether a registration holds
//! together is [`super::registration`]'s to say. Must never hold a secret.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::keys::{ClientAlg, JweAlg, JweEnc, SigningAlg};
use crate::named::named;

/// Client metadata; a member that does not exist is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientMetadata {
    /// The profile that its requests are held to.
    #[serde(skip_serializing_if = "is_default")]
    pub profile: Profile,
    /// `grant_types` (RFC 7591 §2); left out: `authorization_code` alone.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub grant_types: BTreeSet<GrantType>,

    // Authorization requests.
    /// It must push its requests (RFC 9126 §6).
    #[serde(skip_serializing_if = "is_default")]
    pub require_pushed_authorization_requests: bool,
    /// It must sign its requests (RFC 9101 §10.5).
    #[serde(skip_serializing_if = "is_default")]
    pub require_signed_request_object: bool,
    /// What its request objects are signed with; left out: any that its keys can.
    #[serde(skip_serializing_if = "is_default")]
    pub request_object_signing_alg: Option<ClientAlg>,
    /// What answers to authorization requests are signed with (JARM §3); left out: as its ID tokens.
    #[serde(skip_serializing_if = "is_default")]
    pub authorization_signed_response_alg: Option<SigningAlg>,
    /// What they are encrypted to it by (JARM §3).
    #[serde(skip_serializing_if = "is_default")]
    pub authorization_encrypted_response_alg: Option<JweAlg>,
    /// The content encryption of those answers; left out: A128CBC-HS256.
    #[serde(skip_serializing_if = "is_default")]
    pub authorization_encrypted_response_enc: Option<JweEnc>,
    /// `default_max_age` in seconds (OpenID Connect Registration 1.0 §2).
    #[serde(skip_serializing_if = "is_default")]
    pub default_max_age: Option<u32>,
    /// `default_acr_values` (OpenID Connect Registration 1.0 §2).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub default_acr_values: Vec<String>,

    // Tokens.
    /// Whether access tokens are JWTs (RFC 9068) or tell nothing.
    #[serde(skip_serializing_if = "is_default")]
    pub access_token_format: AccessTokenFormat,
    /// What the life of its refresh tokens is bound to.
    #[serde(skip_serializing_if = "is_default")]
    pub refresh_tokens: RefreshTokens,
    /// Whether each use of a refresh token gives another in its place (RFC 9700 §4.14.2); left out: it
    /// does, but not under `fapi2`, where tokens are bound to a key (FAPI 2.0 §5.3.2.1).
    #[serde(skip_serializing_if = "is_default")]
    pub refresh_token_rotation: Option<bool>,
    /// The resources that it may name (RFC 8707 §2), to the letter; of one that introspects, its own.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub resources: BTreeSet<String>,
    /// What ID tokens are encrypted to it by.
    #[serde(skip_serializing_if = "is_default")]
    pub id_token_encrypted_response_alg: Option<JweAlg>,
    /// The content encryption of ID tokens; left out: A128CBC-HS256.
    #[serde(skip_serializing_if = "is_default")]
    pub id_token_encrypted_response_enc: Option<JweEnc>,
    /// UserInfo is a JWT that is signed with this; left out: plain JSON.
    #[serde(skip_serializing_if = "is_default")]
    pub userinfo_signed_response_alg: Option<SigningAlg>,
    /// What UserInfo is encrypted to it by.
    #[serde(skip_serializing_if = "is_default")]
    pub userinfo_encrypted_response_alg: Option<JweAlg>,
    /// The content encryption of UserInfo; left out: A128CBC-HS256.
    #[serde(skip_serializing_if = "is_default")]
    pub userinfo_encrypted_response_enc: Option<JweEnc>,
    /// It may ask what tokens of other clients are worth (RFC 7662): it is a protected resource.
    #[serde(skip_serializing_if = "is_default")]
    pub introspects: bool,
    /// Answers to introspection are JWTs that are signed with this (RFC 9701 §6); left out: plain JSON,
    /// or a JWT as `Accept` asks.
    #[serde(skip_serializing_if = "is_default")]
    pub introspection_signed_response_alg: Option<SigningAlg>,

    // Subjects and claims.
    /// `subject_type` (OpenID Connect Core 1.0 §8).
    #[serde(skip_serializing_if = "is_default")]
    pub subject_type: SubjectType,
    /// Whose host is the sector of pairwise subjects (OpenID Connect Core 1.0 §8.1).
    #[serde(skip_serializing_if = "is_default")]
    pub sector_identifier_uri: Option<String>,
    /// The names that claims go by: `standard`, `inera`, `oidc-se` or one of the configuration's.
    #[serde(skip_serializing_if = "is_default")]
    pub claim_profile: Option<String>,

    // Client authentication.
    /// Where its public keys are (RFC 7591 §2), in place of keys by value.
    #[serde(skip_serializing_if = "is_default")]
    pub jwks_uri: Option<String>,
    /// What its assertions are signed with; left out: any that its keys can.
    #[serde(skip_serializing_if = "is_default")]
    pub token_endpoint_auth_signing_alg: Option<ClientAlg>,
    /// What the `aud` of its assertions may be.
    #[serde(skip_serializing_if = "is_default")]
    pub assertion_audience: AssertionAudience,
    /// Their `typ` must be `client-authentication+jwt` (Ena OAuth 2.0 profile).
    #[serde(skip_serializing_if = "is_default")]
    pub require_client_assertion_typ: bool,
    /// The subject of its certificate (RFC 8705 §2.1.2), as RFC 4514 writes it.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_client_auth_subject_dn: Option<String>,
    /// A dNSName of its certificate.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_client_auth_san_dns: Option<String>,
    /// A uniformResourceIdentifier of its certificate.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_client_auth_san_uri: Option<String>,
    /// An iPAddress of its certificate.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_client_auth_san_ip: Option<String>,
    /// An rfc822Name of its certificate.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_client_auth_san_email: Option<String>,
    /// Its tokens are bound to its certificate (RFC 8705 §3.4).
    #[serde(skip_serializing_if = "is_default")]
    pub tls_client_certificate_bound_access_tokens: bool,
    /// Its tokens are bound to a key by DPoP (RFC 9449 §5.2).
    #[serde(skip_serializing_if = "is_default")]
    pub dpop_bound_access_tokens: bool,

    // Logout.
    /// Where browsers may be sent after a logout (RP-Initiated Logout 1.0 §3.1), to the letter.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub post_logout_redirect_uris: BTreeSet<String>,
    /// Where logout tokens go (Back-Channel Logout 1.0 §2.2).
    #[serde(skip_serializing_if = "is_default")]
    pub backchannel_logout_uri: Option<String>,
    /// They must hold `sid`.
    #[serde(skip_serializing_if = "is_default")]
    pub backchannel_logout_session_required: bool,
    /// What is shown in a frame at logout (Front-Channel Logout 1.0 §2).
    #[serde(skip_serializing_if = "is_default")]
    pub frontchannel_logout_uri: Option<String>,
    /// It must be told `iss` and `sid`.
    #[serde(skip_serializing_if = "is_default")]
    pub frontchannel_logout_session_required: bool,

    // Browsers.
    /// Origins whose scripts may call token and UserInfo (Fetch §3.2.5), to the letter.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub cors_origins: BTreeSet<String>,
}

impl ClientMetadata {
    /// Whether its tokens are bound to a key (RFC 9449, RFC 8705 §3).
    #[must_use]
    pub const fn binds_tokens(&self) -> bool {
        self.dpop_bound_access_tokens || self.tls_client_certificate_bound_access_tokens
    }

    /// The resources that it may ask access tokens for (RFC 8707). Those of a protected resource are its own
    /// names, for which others ask.
    #[must_use]
    pub fn may_ask_for(&self) -> &BTreeSet<String> {
        const NONE: &BTreeSet<String> = &BTreeSet::new();
        if self.introspects { NONE } else { &self.resources }
    }

    /// Whether it may use a grant type.
    #[must_use]
    pub fn may_use(&self, grant_type: GrantType) -> bool {
        if self.grant_types.is_empty() {
            return grant_type == GrantType::AuthorizationCode;
        }
        self.grant_types.contains(&grant_type)
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

named! {
    /// The rules that a client's requests are held to.
    #[derive(Default)]
    pub enum Profile {
        /// OpenID Connect Core 1.0 with RFC 9700.
        #[default]
        Oidc = "oidc",
        /// The Swedish OpenID Connect Profile 1.0.
        Sweden = "sweden",
        /// The FAPI 2.0 Security Profile.
        Fapi2 = "fapi2",
    }
}

named! {
    /// `grant_type` (RFC 7591 §2).
    pub enum GrantType {
        /// RFC 6749 §4.1.
        AuthorizationCode = "authorization_code",
        /// RFC 6749 §6.
        RefreshToken = "refresh_token",
        /// RFC 6749 §4.4.
        ClientCredentials = "client_credentials",
    }
}

named! {
    /// What an access token is to look at.
    #[derive(Default)]
    pub enum AccessTokenFormat {
        /// A JWT that a resource can check by itself (RFC 9068).
        #[default]
        Jwt = "jwt",
        /// Tells nothing; a resource asks (RFC 7662).
        Opaque = "opaque",
    }
}

named! {
    /// What the life of refresh tokens is bound to.
    #[derive(Default)]
    pub enum RefreshTokens {
        /// They end with the session of the card.
        #[default]
        Session = "session",
        /// They outlive it (`offline_access`, OpenID Connect Core 1.0 §11), but not a logout of the person.
        Offline = "offline",
    }
}

named! {
    /// `subject_type` (OpenID Connect Core 1.0 §8).
    #[derive(Default)]
    pub enum SubjectType {
        /// One `sub` for all clients.
        #[default]
        Public = "public",
        /// Another `sub` for each sector.
        Pairwise = "pairwise",
    }
}

named! {
    /// What the `aud` of client assertions may be.
    #[derive(Default)]
    pub enum AssertionAudience {
        /// The issuer, or the endpoint that is called (OpenID Connect Core 1.0 §9).
        #[default]
        IssuerOrEndpoint = "issuer-or-endpoint",
        /// The issuer alone, as the only value (FAPI 2.0 §5.3.2.1, Ena profile).
        Issuer = "issuer",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_registered_is_an_empty_document() {
        let default = ClientMetadata::default();
        assert_eq!(serde_json::to_value(&default).unwrap(), json!({}));
        assert_eq!(serde_json::from_value::<ClientMetadata>(json!({})).unwrap(), default);
        assert!(default.may_use(GrantType::AuthorizationCode));
        assert!(!default.may_use(GrantType::RefreshToken));
    }

    #[test]
    fn a_member_that_does_not_exist_is_refused() {
        for document in [json!({"redirect_uri": "x"}), json!({"profile": "fapi1"})] {
            assert!(serde_json::from_value::<ClientMetadata>(document).is_err());
        }
    }
}
