//! What is encrypted to a client: a signed JWT, or claims, in a JWE to one of its keys.
//!
//! Must never send in the clear what the client is registered to get encrypted.

use serde_json::Value;

use super::client_keys;
use crate::error::Code;
use crate::keys::jwe::EncryptFault;
use crate::keys::{JweAlg, JweEnc};
use crate::oidc::client::Client;
use crate::state::App;

/// Why something cannot be encrypted to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtectFault {
    /// None of its keys fits what it is registered for.
    #[error("no key of the client fits its registered encryption")]
    NoKey,
    /// The library refused.
    #[error(transparent)]
    Encrypt(#[from] EncryptFault),
}

impl ProtectFault {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::NoKey => Code::EncryptionKeyMissing,
            Self::Encrypt(_) => Code::Internal,
        }
    }
}

/// How a client has something encrypted: `…_encrypted_response_alg` and `…_enc`.
#[derive(Clone, Copy, Debug)]
pub struct Encryption {
    /// None: not at all.
    pub alg: Option<JweAlg>,
    /// Left out: A128CBC-HS256 (OpenID Connect Dynamic Client Registration 1.0 §2).
    pub enc: Option<JweEnc>,
}

impl Encryption {
    /// How ID tokens are, for a client.
    #[must_use]
    pub const fn of_id_tokens(client: &Client) -> Self {
        let metadata = &client.metadata;
        Self {
            alg: metadata.id_token_encrypted_response_alg,
            enc: metadata.id_token_encrypted_response_enc,
        }
    }

    /// Whether there is a key: asked before anything is redeemed that would be lost without one.
    ///
    /// # Errors
    /// [`ProtectFault::NoKey`].
    pub async fn check(self, app: &App, client: &Client) -> Result<(), ProtectFault> {
        let Some(alg) = self.alg else { return Ok(()) };
        let key = client_keys::encrypting_to(app, client, alg).await;
        key.map(drop).ok_or(ProtectFault::NoKey)
    }

    fn enc(self) -> JweEnc {
        self.enc.unwrap_or(JweEnc::A128CbcHs256)
    }

    /// A signed JWT as it is sent: itself, or nested (RFC 7519 §5.2).
    ///
    /// # Errors
    /// [`ProtectFault`].
    pub async fn jwt(
        self,
        app: &App,
        client: &Client,
        jwt: String,
    ) -> Result<String, ProtectFault> {
        let Some(alg) = self.alg else { return Ok(jwt) };
        let key = client_keys::encrypting_to(app, client, alg).await.ok_or(ProtectFault::NoKey)?;
        Ok(key.nest(self.enc(), &jwt)?)
    }

    /// Claims that nobody signs, encrypted; `None` where they are not to be.
    ///
    /// # Errors
    /// [`ProtectFault`].
    pub async fn claims(
        self,
        app: &App,
        client: &Client,
        claims: &Value,
    ) -> Result<Option<String>, ProtectFault> {
        let Some(alg) = self.alg else { return Ok(None) };
        let key = client_keys::encrypting_to(app, client, alg).await.ok_or(ProtectFault::NoKey)?;
        Ok(Some(key.enclose(self.enc(), claims)?))
    }
}
