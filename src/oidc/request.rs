//! The authorization request (OpenID Connect Core 1.0 §3.1.2.1), parsed once, check by check.
//!
//! Where the parameters came from makes no difference: a query, a form, a request object or a pushed
//! request. Must never repeat or log a hint: it may name a person.

mod acr;
mod binding;
mod claims;
mod fault;
mod hint;
mod prompt;
mod response;
mod scopes;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::client::Client;
use super::params::Params;
use super::pkce;
use super::profile::{self, Rules};
use super::reply_to::ReplyTo;
use super::request_uri::RequestUriHash;
use super::scope::Scope;
use super::terms::GrantTerms;
use crate::identity::assurance::Loa;
pub use fault::RequestFault;
pub use hint::subject as hinted_subject;
pub use prompt::Prompt;

/// A request that may be served: what it asks for, in types.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// The client that asks.
    pub client_id: String,
    /// Where the answer goes.
    pub reply_to: ReplyTo,
    /// The scopes asked for that exist; others are ignored (OpenID Connect Core 1.0 §3.1.2.1).
    pub scopes: BTreeSet<Scope>,
    /// `nonce`, to be repeated in the ID token.
    pub nonce: Option<String>,
    /// The S256 challenge (RFC 7636 §4.2).
    pub code_challenge: Option<String>,
    /// What `prompt` says of asking the person.
    pub prompt: Prompt,
    /// `max_age` in seconds.
    pub max_age: Option<u32>,
    /// The levels that will do; any when empty.
    pub acr_values: Vec<Loa>,
    /// `ui_locales`, for pages.
    pub ui_locales: Option<String>,
    /// The `sub` of `id_token_hint`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hinted_sub: Option<String>,
    /// What it asks for beyond that, kept with the grant.
    #[serde(default)]
    pub terms: GrantTerms,
    /// Which pushed request it is (RFC 9126): used up by the code that it leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pushed: Option<RequestUriHash>,
}

impl AuthorizationRequest {
    /// Checks the parameters in the order of OpenID Connect Core 1.0 §3.1.2.1. What takes keys to check,
    /// `id_token_hint`, is left to [`hinted_subject`].
    ///
    /// # Errors
    /// The first [`RequestFault`] found.
    pub fn parse(
        params: &Params,
        client: &Client,
        reply_to: ReplyTo,
    ) -> Result<Self, RequestFault> {
        refuse_unsupported(params)?;
        response::check_type(params)?;
        response::check_mode(params, reply_to.redirect_uri())?;
        let rules = Rules::of(client);
        profile::check_parameters(&rules, params)?;
        let prompt = prompt::prompt(params)?;
        let scopes = scopes::scopes(params, client)?;
        let nonce = params.get("nonce")?.map(str::to_owned);
        let code_challenge = pkce::challenge(params, rules.pkce)?;
        let max_age = prompt::max_age(params, client)?;
        let claims = claims::claims(params)?;
        let acr_values = acr::levels(params, client, &claims)?;
        let resources = binding::resources(params, client)?;
        let dpop_jkt = binding::dpop_jkt(params)?;
        check_hints(params)?;
        Ok(Self {
            client_id: client.id.clone(),
            reply_to,
            scopes,
            nonce,
            code_challenge,
            prompt,
            max_age,
            acr_values,
            ui_locales: params.get("ui_locales")?.map(str::to_owned),
            hinted_sub: None,
            terms: GrantTerms { claims, resources, dpop_jkt },
            pushed: None,
        })
    }

    /// Whether the person with this `sub` may log in for it: whom `id_token_hint` and a `sub` with a value
    /// in `claims` name (OpenID Connect Core 1.0 §3.1.2.2).
    #[must_use]
    pub fn is_for(&self, sub: &str) -> bool {
        let claims = &self.terms.claims;
        let mut demands = claims.id_token.get("sub").into_iter().chain(claims.userinfo.get("sub"));
        self.hinted_sub.as_ref().is_none_or(|hinted| hinted == sub)
            && demands.all(|demand| demand.takes(&sub.into()))
    }
}

// OpenID Connect Core 1.0 §7.2.1: an OP that lacks it says so by this error.
fn refuse_unsupported(params: &Params) -> Result<(), RequestFault> {
    if params.get("registration")?.is_some() {
        return Err(RequestFault::Registration);
    }
    Ok(())
}

// The card says who it is, and pages have one form and no claims: these change nothing, but they are known
// here, and so may come once (RFC 6749 §3.1).
fn check_hints(params: &Params) -> Result<(), RequestFault> {
    for name in ["login_hint", "id_token_hint", "display", "claims_locales"] {
        params.get(name)?;
    }
    Ok(())
}
