//! Why a request cannot be served: told to the client, by the way of answering that it asked for.

use crate::error::Code;
use crate::oidc::params::ParamsFault;
use crate::oidc::pkce::ChallengeFault;
use crate::oidc::profile::ProfileFault;

/// Why a request cannot be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestFault {
    /// A parameter sent more than once.
    #[error(transparent)]
    Params(#[from] ParamsFault),
    /// PKCE.
    #[error(transparent)]
    Challenge(#[from] ChallengeFault),
    /// Outside the profile of the client.
    #[error(transparent)]
    Profile(#[from] ProfileFault),
    /// A `registration`.
    #[error("registration is not supported")]
    Registration,
    /// No `response_type`.
    #[error("no response_type")]
    ResponseTypeMissing,
    /// Another than `code`.
    #[error("response_type is not code")]
    ResponseType,
    /// One that is not served, or does not fit the redirect URI.
    #[error("response_mode is none of those served, or does not fit the redirect URI")]
    ResponseMode,
    /// No `openid` among the scopes.
    #[error("scope lacks openid")]
    ScopeOpenidMissing,
    /// A scope that exists and that the client may not ask for.
    #[error("a scope that the client is not registered for")]
    ScopeUnregistered,
    /// An unknown value, or `none` with another.
    #[error("prompt")]
    Prompt,
    /// No number of seconds.
    #[error("max_age")]
    MaxAge,
    /// `claims` is not the JSON of OpenID Connect Core 1.0 §5.5.
    #[error("claims is not a JSON object as OpenID Connect Core 1.0 section 5.5 has it")]
    ClaimsMalformed,
    /// `claims` is longer than is read.
    #[error("claims is too long")]
    ClaimsTooLong,
    /// Essential, and no card gives it.
    #[error("an essential acr that no card gives")]
    Acr,
    /// Not an ID token that this client was given.
    #[error("id_token_hint is not an ID token of this client")]
    IdTokenHint,
    /// Not an absolute URI without fragment.
    #[error("resource is not an absolute URI without fragment")]
    ResourceMalformed,
    /// Not one of the client's.
    #[error("a resource that the client is not registered for")]
    ResourceUnregistered,
    /// Not a thumbprint.
    #[error("dpop_jkt is not a SHA-256 thumbprint")]
    DpopJkt,
}

impl RequestFault {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Params(fault) => fault.code(),
            Self::Challenge(fault) => fault.code(),
            Self::Profile(fault) => fault.code(),
            Self::Registration => Code::RegistrationUnsupported,
            Self::ResponseTypeMissing => Code::ResponseTypeMissing,
            Self::ResponseType => Code::ResponseTypeUnsupported,
            Self::ResponseMode => Code::ResponseModeUnsupported,
            Self::ScopeOpenidMissing => Code::ScopeOpenidMissing,
            Self::ScopeUnregistered => Code::ScopeUnregistered,
            Self::Prompt => Code::PromptInvalid,
            Self::MaxAge => Code::MaxAgeInvalid,
            Self::ClaimsMalformed => Code::ClaimsMalformed,
            Self::ClaimsTooLong => Code::ClaimsTooLong,
            Self::Acr => Code::AcrUnsupported,
            Self::IdTokenHint => Code::IdTokenHintInvalid,
            Self::ResourceMalformed => Code::ResourceMalformed,
            Self::ResourceUnregistered => Code::ResourceUnregistered,
            Self::DpopJkt => Code::DpopJktMalformed,
        }
    }
}
