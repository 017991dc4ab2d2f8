//! What tokens and UserInfo hold: claims released by scope, and the ID token.
//!
//! Must never release a claim whose scope was not granted, nor use an HSA-id as `sub`.

use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::core::{
    CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
};
use openidconnect::{
    AccessToken, AdditionalClaims, Audience, AuthenticationContextClass,
    AuthenticationMethodReference, EndUserFamilyName, EndUserGivenName, EndUserName, IdToken,
    IdTokenClaims, IssuerUrl, LocalizedClaim, Nonce, PrivateSigningKey, SigningError,
    StandardClaims, SubjectIdentifier,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::client::Client;
use super::code::{Authentication, LiveGrant};
use super::reply_to::issuer_identifier;
use super::scope::Scope;
use crate::identity::user::ActiveUser;
use crate::keys::keyring::KeyRecord;

/// How the card was shown (RFC 8176 §2): a smart card, and its PIN beside it.
pub const AMR: [&str; 2] = ["sc", "mfa"];

/// Claims beyond those of OpenID Connect, by the names of Inera's IdP.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CareClaims {
    /// The session of the login (OpenID Connect Front-Channel Logout 1.0 §3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<Uuid>,
    /// The HSA-id of the card that was shown.
    #[serde(rename = "employeeHsaId", skip_serializing_if = "Option::is_none")]
    pub employee_hsa_id: Option<String>,
    /// Roles in the client's system, as `SYMFONI;Handläggare`.
    #[serde(rename = "systemRole", skip_serializing_if = "Option::is_none")]
    pub system_role: Option<Vec<String>>,
}

impl AdditionalClaims for CareClaims {}

/// An ID token as it is issued here.
pub type CareIdToken = IdToken<
    CareClaims,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

/// What an ID token is made from.
#[derive(Clone, Copy)]
pub struct Issue<'a> {
    /// The issuer.
    pub issuer: &'a Url,
    /// The client.
    pub client: &'a Client,
    /// What it was granted.
    pub grant: &'a LiveGrant,
    /// The key that signs.
    pub key: &'a KeyRecord,
    /// The present moment.
    pub now: DateTime<Utc>,
    /// How long the token lives.
    pub lifetime: TimeDelta,
}

impl std::fmt::Debug for Issue<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issue").field("grant", &self.grant.id).finish_non_exhaustive()
    }
}

/// The ID token (OpenID Connect Core 1.0 §2) with `at_hash` of the access token (§3.1.3.6).
///
/// # Errors
/// [`SigningError`] as text when it cannot be signed.
pub fn id_token(issue: &Issue<'_>, access_token: &str) -> Result<String, SigningError> {
    let other = |error: &dyn std::fmt::Display| SigningError::Other(error.to_string());
    let (standard, care) = released(issue.client, issue.grant);
    let Authentication { loa, auth_time, .. } = issue.grant.authentication;
    let issuer = IssuerUrl::new(issuer_identifier(issue.issuer).to_owned())
        .map_err(|error| other(&error))?;
    let claims = IdTokenClaims::new(
        issuer,
        vec![Audience::new(issue.client.id.clone())],
        issue.now + issue.lifetime,
        issue.now,
        standard,
        CareClaims { sid: Some(issue.grant.authentication.session_id), ..care },
    )
    .set_auth_time(Some(auth_time))
    .set_auth_context_ref(Some(AuthenticationContextClass::new(loa.acr().to_owned())))
    .set_auth_method_refs(Some(
        AMR.iter().map(|amr| AuthenticationMethodReference::new((*amr).to_owned())).collect(),
    ))
    .set_nonce(issue.grant.nonce.clone().map(Nonce::new));
    let key = SigningKey::new(issue.key).map_err(|error| other(&error))?;
    let alg = key.alg();
    let access_token = AccessToken::new(access_token.to_owned());
    let token = CareIdToken::new(claims, &key, alg, Some(&access_token), None)
        .map_err(|error| other(&error))?;
    Ok(token.to_string())
}

/// The UserInfo answer (OpenID Connect Core 1.0 §5.3.2): `sub` and the claims of the scopes.
///
/// # Errors
/// When the claims do not serialise.
pub fn user_info(client: &Client, grant: &LiveGrant) -> Result<Value, serde_json::Error> {
    let (standard, care) = released(client, grant);
    let mut answer = serde_json::to_value(standard)?;
    if let (Value::Object(answer), Value::Object(care)) = (&mut answer, serde_json::to_value(care)?)
    {
        answer.extend(care);
    }
    Ok(answer)
}

// Each claim stands beside the scope that releases it.
fn released(client: &Client, grant: &LiveGrant) -> (StandardClaims<CoreGenderClaim>, CareClaims) {
    let user = &grant.user;
    let has = |scope: Scope| grant.scopes.contains(&scope);
    let mut standard = StandardClaims::new(SubjectIdentifier::new(user.id().to_string()));
    if has(Scope::Profile) {
        standard = standard
            .set_given_name(Some(localized(EndUserGivenName::new(user.given_name().to_owned()))))
            .set_family_name(Some(localized(EndUserFamilyName::new(user.family_name().to_owned()))))
            .set_name(Some(localized(EndUserName::new(user.name()))));
    }
    let care = CareClaims {
        sid: None,
        employee_hsa_id: has(Scope::EmployeeHsaId).then(|| grant.authentication.hsa_id.clone()),
        system_role: has(Scope::SystemRole).then(|| system_roles(client, user)),
    };
    (standard, care)
}

fn system_roles(client: &Client, user: &ActiveUser) -> Vec<String> {
    let Some(system) = &client.system else { return Vec::new() };
    user.roles().iter().map(|role| format!("{system};{role}")).collect()
}

fn localized<T>(value: T) -> LocalizedClaim<T> {
    let mut claim = LocalizedClaim::new();
    claim.insert(None, value);
    claim
}

/// Our key, as openidconnect asks for one: it signs with ours, never with its own.
struct SigningKey<'a> {
    record: &'a KeyRecord,
    public: CoreJsonWebKey,
}

impl<'a> SigningKey<'a> {
    fn new(record: &'a KeyRecord) -> Result<Self, serde_json::Error> {
        Ok(Self { record, public: serde_json::from_value(record.public_jwk.clone())? })
    }

    const fn alg(&self) -> CoreJwsSigningAlgorithm {
        match self.record.alg {
            crate::keys::SigningAlg::Es256 => CoreJwsSigningAlgorithm::EcdsaP256Sha256,
            crate::keys::SigningAlg::Rs256 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        }
    }
}

impl PrivateSigningKey for SigningKey<'_> {
    type VerificationKey = CoreJsonWebKey;

    fn sign(
        &self,
        signature_alg: &CoreJwsSigningAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, SigningError> {
        if *signature_alg != self.alg() {
            return Err(SigningError::UnsupportedAlg(format!("{signature_alg:?}")));
        }
        self.record.private.sign(message).map_err(|_| SigningError::CryptoError)
    }

    fn as_verification_key(&self) -> CoreJsonWebKey {
        self.public.clone()
    }
}
