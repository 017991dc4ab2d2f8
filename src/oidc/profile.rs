//! Profiles as switches: what a client's registration and its profile demand together.
//!
//! A profile narrows, it never widens: [`Rules::of`] is the stricter of both, and whoever checks a
//! request asks the rules and not the registration. What a registration may be in a profile is checked
//! when it is written ([`check_registration`]), so that a client outside its profile does not exist.

mod fapi2;
mod sweden;

use super::client::{Client, ClientAuthentication, Pkce};
use super::client_metadata::{AssertionAudience, Profile};
use super::params::{Params, ParamsFault};
use super::registration::RegistrationFault;
use crate::error::Code;
use crate::keys::{ClientAlg, SigningAlg};

/// What requests of a client are held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Authorization requests must be pushed (RFC 9126).
    pub pushed_requests: bool,
    /// Authorization requests must be signed (RFC 9101).
    pub signed_requests: bool,
    /// Whether a code challenge must be sent (RFC 7636).
    pub pkce: Pkce,
    /// A `nonce` must be sent.
    pub nonce: bool,
    /// A `state` of at least so many characters must be sent.
    pub shortest_state: usize,
    /// What the `aud` of client assertions may be.
    pub assertion_audience: AssertionAudience,
    /// What a client may sign with.
    pub client_algs: &'static [ClientAlg],
    /// What UserInfo is signed with; plain JSON where nothing.
    pub userinfo_alg: Option<SigningAlg>,
    /// Whether what scopes release is in the ID token too, and not by UserInfo alone.
    pub scope_claims_in_id_token: bool,
    /// Whether each use of a refresh token replaces it.
    pub rotates_refresh_tokens: bool,
}

impl Rules {
    /// The rules of a client: those that it registered, narrowed by its profile.
    #[must_use]
    pub fn of(client: &Client) -> Self {
        let metadata = &client.metadata;
        let registered = Self {
            pushed_requests: metadata.require_pushed_authorization_requests,
            signed_requests: metadata.require_signed_request_object,
            pkce: pkce(client),
            nonce: false,
            shortest_state: 0,
            assertion_audience: metadata.assertion_audience,
            client_algs: &ClientAlg::ALL,
            userinfo_alg: metadata.userinfo_signed_response_alg,
            scope_claims_in_id_token: true,
            rotates_refresh_tokens: metadata.refresh_token_rotation.unwrap_or(true),
        };
        match metadata.profile {
            Profile::Oidc => registered,
            Profile::Sweden => sweden::narrow(registered, client),
            Profile::Fapi2 => fapi2::narrow(registered, client),
        }
    }
}

// RFC 9700 §2.1.1: a public client sends a challenge always, whatever is registered.
const fn pkce(client: &Client) -> Pkce {
    match client.authentication {
        ClientAuthentication::None => Pkce::Required,
        _ => client.pkce,
    }
}

/// A request outside the profile of its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileFault {
    /// A parameter sent more than once.
    #[error(transparent)]
    Params(#[from] ParamsFault),
    /// No `nonce`.
    #[error("no nonce")]
    NonceMissing,
    /// No `state`, or one that can be guessed.
    #[error("state is missing or too short")]
    StateTooShort,
}

impl ProfileFault {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Params(fault) => fault.code(),
            Self::NonceMissing => Code::NonceMissing,
            Self::StateTooShort => Code::StateTooShort,
        }
    }
}

/// Whether an authorization request holds what its client's rules demand.
///
/// # Errors
/// [`ProfileFault`].
pub fn check_parameters(rules: &Rules, params: &Params) -> Result<(), ProfileFault> {
    if rules.nonce && params.get("nonce")?.is_none() {
        return Err(ProfileFault::NonceMissing);
    }
    if params.get("state")?.map_or(0, str::len) < rules.shortest_state {
        return Err(ProfileFault::StateTooShort);
    }
    Ok(())
}

/// Whether a registration is within its profile.
///
/// # Errors
/// The first demand that it does not meet, with what would.
pub fn check_registration(client: &Client) -> Result<(), RegistrationFault> {
    match client.metadata.profile {
        Profile::Oidc => Ok(()),
        Profile::Sweden => sweden::check(client),
        Profile::Fapi2 => fapi2::check(client),
    }
}
