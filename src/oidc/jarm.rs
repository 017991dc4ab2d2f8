//! JWT Secured Authorization Response Mode (JARM): an answer that its client can check.
//!
//! Must never sign for another audience than the client whose request is answered.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::client::Client;
use super::reply_to::{Answering, issuer_identifier};
use crate::keys::SigningAlg;
use crate::keys::signer::KeyFault;

/// How long an answer is good for: JARM §2.1 recommends at most ten minutes.
const LIFETIME: TimeDelta = TimeDelta::minutes(5);

/// Whom a signed answer is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// The client: `aud`.
    #[serde(rename = "c")]
    client_id: String,
    /// What it expects the signature to be made with.
    #[serde(rename = "a")]
    alg: SigningAlg,
}

/// Why an answer cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum UnsignedFault {
    /// No key signs with the algorithm now.
    #[error("no key signs with {0} now")]
    NoKey(SigningAlg),
    /// The key failed.
    #[error(transparent)]
    Key(#[from] KeyFault),
}

impl Recipient {
    /// A client, with what it registered for its answers (JARM §3), or else for its ID tokens.
    #[must_use]
    pub fn of(client: &Client) -> Self {
        let alg = client.metadata.authorization_signed_response_alg;
        Self { client_id: client.id.clone(), alg: alg.unwrap_or(client.signing_alg) }
    }

    /// The members of an answer as a signed JWT (JARM §2.1): they, and `iss`, `aud`, `exp`.
    ///
    /// # Errors
    /// [`UnsignedFault`].
    pub fn sign(
        &self,
        members: &[(&'static str, String)],
        at: &Answering<'_>,
    ) -> Result<String, UnsignedFault> {
        let key = at.ring.signing(self.alg).ok_or(UnsignedFault::NoKey(self.alg))?;
        let mut claims: BTreeMap<&str, serde_json::Value> =
            members.iter().map(|(name, value)| (*name, json!(value))).collect();
        claims.insert("iss", json!(issuer_identifier(at.issuer)));
        claims.insert("aud", json!(self.client_id));
        claims.insert("exp", json!((at.now + LIFETIME).timestamp()));
        Ok(key.private.sign_jwt(&key.kid, "JWT", &claims)?)
    }
}
