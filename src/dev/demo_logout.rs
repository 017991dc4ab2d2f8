//! How a relying party logs its users out: what it remembers of them, where it sends their browsers, and
//! what it does when the provider tells it that a session ended.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use url::Url;

use crate::keys::jwt::{PublicKey, unverified_header, verify_with_any};

/// Logged in browsers that are remembered.
const MOST: usize = 1000;

/// Who is logged in, by the browser's cookie.
#[derive(Default)]
pub(super) struct LoggedInHere(Mutex<HashMap<String, Login>>);

struct Login {
    id_token: String,
    sid: String,
}

impl LoggedInHere {
    pub(super) fn remember(&self, cookie: &str, id_token: &str, claims: &Value) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.clear();
        }
        let sid = claims["sid"].as_str().unwrap_or_default().to_owned();
        all.insert(cookie.to_owned(), Login { id_token: id_token.to_owned(), sid });
    }

    /// Forgets a browser; the ID token that it was logged in by.
    pub(super) fn forget(&self, cookie: &str) -> Option<String> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(cookie).map(|login| login.id_token)
    }

    /// Forgets every browser of a session of the provider.
    pub(super) fn forget_session(&self, sid: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, login| login.sid != sid);
    }
}

/// Where the browser is sent to log out at the provider (OpenID Connect RP-Initiated Logout 1.0 §2).
///
/// # Errors
/// When the provider cannot be reached, or has no such endpoint.
pub(super) async fn logout_url(
    http: &reqwest::Client,
    issuer: &str,
    parameters: &[(&str, &str)],
) -> anyhow::Result<Url> {
    let metadata = discovery(http, issuer).await?;
    let endpoint = metadata["end_session_endpoint"].as_str().context("no end_session_endpoint")?;
    let mut url = Url::parse(endpoint)?;
    url.query_pairs_mut().extend_pairs(parameters);
    Ok(url)
}

/// The session that a logout token tells the end of, once the token is known to be the provider's and for
/// this client (OpenID Connect Back-Channel Logout 1.0 §2.6).
///
/// # Errors
/// When it is not.
pub(super) async fn ended_session(
    http: &reqwest::Client,
    issuer: &str,
    client_id: &str,
    token: &str,
) -> anyhow::Result<String> {
    let metadata = discovery(http, issuer).await?;
    let jwks = metadata["jwks_uri"].as_str().context("no jwks_uri")?;
    let keys: Value = http.get(jwks).send().await?.json().await?;
    ensure!(unverified_header(token)?.typ.as_deref() == Some("logout+jwt"), "another type");
    let claims: Value = verify_with_any(&PublicKey::from_jwks(&keys)?, token)?;
    ensure!(claims["iss"] == issuer && claims["aud"] == client_id, "another issuer or client");
    ensure!(claims.get("nonce").is_none(), "a nonce");
    let event = &claims["events"]["http://schemas.openid.net/event/backchannel-logout"];
    ensure!(event.is_object(), "another event");
    Ok(claims["sid"].as_str().context("no sid")?.to_owned())
}

async fn discovery(http: &reqwest::Client, issuer: &str) -> anyhow::Result<Value> {
    let url = format!("{issuer}/.well-known/openid-configuration");
    Ok(http.get(url).send().await?.json().await?)
}
