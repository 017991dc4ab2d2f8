//! The authorization code at the token endpoint: what is checked once it has been redeemed.
//!
//! That it is redeemed once is settled before, by one SQL statement; here is the rest of RFC 6749
//! §4.1.3 and RFC 7636 §4.6, in that order.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::client::Client;
use super::confirmation::Confirmation;
use super::params::{Params, ParamsFault};
use super::pkce;
use super::resource::{self, ResourceFault};
use super::scope::Scope;
use super::terms::GrantTerms;
use crate::error::Code;
use crate::identity::admission::RoleDemand;
use crate::identity::assurance::Loa;
use crate::identity::user::{ActiveUser, User};
use crate::secret::equal;

/// What a client was given by one login.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Its id: what access tokens refer to.
    pub id: Uuid,
    /// The scopes granted.
    pub scopes: BTreeSet<Scope>,
    /// The `nonce` of the request.
    pub nonce: Option<String>,
    /// What the request asked for beyond that.
    pub terms: GrantTerms,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// The login that it rests on.
    pub authentication: Authentication,
    /// The person as registered now.
    pub user: User,
}

/// A login by card, as tokens tell of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Authentication {
    /// The session: `sid`.
    pub session_id: Uuid,
    /// The level of assurance of the card: `acr`.
    pub loa: Loa,
    /// When the card was shown: `auth_time`.
    pub auth_time: DateTime<Utc>,
    /// When the session ended, if before its time.
    pub ended_at: Option<DateTime<Utc>>,
    /// The HSA-id on the card, as received.
    pub hsa_id: String,
    /// Every HSA-id of the person, as received.
    pub all_hsa_ids: Vec<String>,
    /// The end of the validity of the card's certificate, where it was kept.
    pub certificate_not_after: Option<DateTime<Utc>>,
}

impl std::fmt::Debug for Authentication {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authentication")
            .field("session_id", &self.session_id)
            .field("loa", &self.loa)
            .field("auth_time", &self.auth_time)
            .finish_non_exhaustive()
    }
}

/// A grant that is in force, of a person who may still log in.
#[derive(Clone, Debug)]
pub struct LiveGrant {
    /// Its id.
    pub id: Uuid,
    /// The scopes granted.
    pub scopes: BTreeSet<Scope>,
    /// The `nonce` of the request.
    pub nonce: Option<String>,
    /// What the request asked for beyond that.
    pub terms: GrantTerms,
    /// The login that it rests on.
    pub authentication: Authentication,
    /// The person.
    pub user: ActiveUser,
}

impl Grant {
    /// The grant, if neither it nor its session was revoked and the person may still log in, within what the
    /// client is registered for now: its scopes and its level of assurance.
    #[must_use]
    pub fn live(
        self,
        client: &Client,
        demand: RoleDemand,
        now: DateTime<Utc>,
    ) -> Option<LiveGrant> {
        if self.revoked_at.is_some() || self.authentication.ended_at.is_some() {
            return None;
        }
        if client.required_loa.is_some_and(|required| self.authentication.loa < required) {
            return None;
        }
        let is_registered = |scope: &Scope| client.scopes.contains(scope);
        let kept = |scope: &Scope| *scope == Scope::OfflineAccess || is_registered(scope);
        Some(LiveGrant {
            id: self.id,
            scopes: self.scopes.into_iter().filter(kept).collect(),
            nonce: self.nonce,
            terms: self.terms,
            authentication: self.authentication,
            user: self.user.admit(now, demand).ok()?,
        })
    }
}

/// The parameters of a token request (RFC 6749 §4.1.3).
#[derive(Clone)]
pub struct TokenRequest {
    /// The code, as sent.
    pub code: String,
    /// The redirect URI of the authorization request.
    pub redirect_uri: Option<String>,
    /// The PKCE verifier.
    pub code_verifier: Option<String>,
    /// The resources that the access token is to be for (RFC 8707 §2.2).
    pub resources: BTreeSet<String>,
}

/// Why a token request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantFault {
    /// A parameter sent more than once.
    #[error(transparent)]
    Params(#[from] ParamsFault),
    /// No `grant_type`.
    #[error("no grant_type")]
    GrantTypeMissing,
    /// One that is not served here.
    #[error("an unknown grant_type")]
    GrantType,
    /// One that the client is not registered for.
    #[error("a grant_type that the client is not registered for")]
    GrantTypeUnregistered,
    /// No `code`.
    #[error("no code")]
    CodeMissing,
    /// Never issued to this client, or forgotten.
    #[error("unknown code")]
    CodeUnknown,
    /// Past its time.
    #[error("the code has expired")]
    CodeExpired,
    /// Redeemed before.
    #[error("the code was redeemed before")]
    CodeReplayed,
    /// Not that of the authorization request.
    #[error("redirect_uri differs from the authorization request")]
    RedirectUri,
    /// None, though there was a challenge.
    #[error("no code_verifier")]
    VerifierMissing,
    /// Does not fit the challenge.
    #[error("code_verifier does not fit")]
    Verifier,
    /// Sent though there was no challenge.
    #[error("code_verifier without a code_challenge")]
    VerifierUnexpected,
    /// Bound to another key than was proved.
    #[error("bound to another key than was proved")]
    Key,
    /// Revoked, logged out, disabled or without a role since.
    #[error("the grant is no longer in force")]
    Revoked,
    /// No `refresh_token`.
    #[error("no refresh_token")]
    RefreshTokenMissing,
    /// Never issued to this client, or forgotten.
    #[error("unknown refresh token")]
    RefreshTokenUnknown,
    /// Past its time.
    #[error("the refresh token has expired")]
    RefreshTokenExpired,
    /// Used before, by somebody.
    #[error("the refresh token was used before")]
    RefreshTokenReplayed,
    /// Bound to a key that was not proved.
    #[error("the refresh token is bound to another key")]
    RefreshTokenKey,
    /// More scopes than were granted.
    #[error("scopes that were not granted")]
    ScopeExceedsGrant,
    /// A scope that a client may not ask for on its own behalf.
    #[error("a scope that the client is not registered for")]
    ScopeUnregistered,
    /// For whom the access token is to be.
    #[error(transparent)]
    Resource(#[from] ResourceFault),
}

impl GrantFault {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Params(fault) => fault.code(),
            Self::GrantTypeMissing => Code::GrantTypeMissing,
            Self::GrantType => Code::GrantTypeUnsupported,
            Self::GrantTypeUnregistered => Code::GrantTypeUnregistered,
            Self::CodeMissing => Code::CodeMissing,
            Self::CodeUnknown => Code::CodeUnknown,
            Self::CodeExpired => Code::CodeExpired,
            Self::CodeReplayed => Code::CodeReplayed,
            Self::RedirectUri => Code::RedirectUriMismatch,
            Self::VerifierMissing => Code::VerifierMissing,
            Self::Verifier => Code::VerifierMismatch,
            Self::VerifierUnexpected => Code::VerifierUnexpected,
            Self::Key => Code::GrantKeyMismatch,
            Self::Revoked => Code::GrantRevoked,
            Self::RefreshTokenMissing => Code::RefreshTokenMissing,
            Self::RefreshTokenUnknown => Code::RefreshTokenUnknown,
            Self::RefreshTokenExpired => Code::RefreshTokenExpired,
            Self::RefreshTokenReplayed => Code::RefreshTokenReplayed,
            Self::RefreshTokenKey => Code::RefreshTokenKeyMismatch,
            Self::ScopeExceedsGrant => Code::ScopeExceedsGrant,
            Self::ScopeUnregistered => Code::ScopeUnregistered,
            Self::Resource(fault) => fault.code(),
        }
    }
}

impl TokenRequest {
    /// Reads the parameters.
    ///
    /// # Errors
    /// [`GrantFault`]: repeated parameters, no `code`.
    pub fn parse(params: &Params) -> Result<Self, GrantFault> {
        Ok(Self {
            code: params.get("code")?.ok_or(GrantFault::CodeMissing)?.to_owned(),
            redirect_uri: params.get("redirect_uri")?.map(str::to_owned),
            code_verifier: params.get("code_verifier")?.map(str::to_owned),
            resources: resource::asked(params)?,
        })
    }
}

/// A code as it was issued, redeemed just now and for the first time.
#[derive(Clone, Debug)]
pub struct IssuedCode {
    /// The redirect URI of the authorization request.
    pub redirect_uri: String,
    /// Its S256 challenge.
    pub code_challenge: Option<String>,
    /// The first moment at which it is too late.
    pub expires_at: DateTime<Utc>,
    /// What it stands for.
    pub grant: Grant,
}

impl IssuedCode {
    /// Checks that the key was proved that the authorization request named (RFC 9449 §10).
    ///
    /// # Errors
    /// [`GrantFault::Key`]; the code is spent all the same.
    pub fn check_key(&self, proved: &Confirmation) -> Result<(), GrantFault> {
        let bound = Confirmation { jkt: self.grant.terms.dpop_jkt.clone(), certificate: None };
        if bound.is_held_by(proved) { Ok(()) } else { Err(GrantFault::Key) }
    }

    /// Checks what the client sent against what it was issued for.
    ///
    /// # Errors
    /// [`GrantFault`]; the code is spent all the same.
    pub fn check(
        self,
        request: &TokenRequest,
        (client, demand): (&Client, RoleDemand),
        now: DateTime<Utc>,
    ) -> Result<LiveGrant, GrantFault> {
        if now >= self.expires_at {
            return Err(GrantFault::CodeExpired);
        }
        // RFC 6749 §4.1.3: required, because OpenID Connect requires it in the authorization request.
        let redirect_uri = request.redirect_uri.as_deref().unwrap_or("");
        if !equal(redirect_uri.as_bytes(), self.redirect_uri.as_bytes()) {
            return Err(GrantFault::RedirectUri);
        }
        match (&self.code_challenge, &request.code_verifier) {
            (Some(challenge), Some(verifier)) if pkce::verifier_fits(verifier, challenge) => {}
            (Some(_), Some(_)) => return Err(GrantFault::Verifier),
            (Some(_), None) => return Err(GrantFault::VerifierMissing),
            // RFC 9700 §2.1.1: refuses a PKCE downgrade.
            (None, Some(_)) => return Err(GrantFault::VerifierUnexpected),
            (None, None) => {}
        }
        self.grant.live(client, demand, now).ok_or(GrantFault::Revoked)
    }
}
