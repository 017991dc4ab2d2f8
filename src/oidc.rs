//! OpenID Connect and OAuth 2.0 as pure rules: what a request may say, what an answer holds.
//!
//! Pure and synchronous: no axum, no sqlx, given `now`. Must never redirect before a client and its
//! redirect URI are known: [`reply_to::ReplyTo`] exists only after that check.

pub mod access_token;
pub mod address;
pub mod audience;
pub mod claim_profile;
pub mod claims;
pub mod client;
pub mod client_auth;
pub mod client_metadata;
pub mod code;
pub mod confirmation;
pub mod dpop;
pub mod dpop_nonce;
pub mod id_token_hint;
pub mod introspection;
pub mod jarm;
pub mod logout;
pub mod metadata;
pub mod numeric_date;
pub mod params;
pub mod pkce;
pub mod problem;
pub mod profile;
pub mod redirect_uri;
pub mod refresh;
pub mod registration;
pub mod release;
pub mod reply_to;
pub mod request;
pub mod request_object;
pub mod request_uri;
pub mod resource;
pub mod response_mode;
pub mod scope;
pub mod subject;
pub mod system_scope;
pub mod terms;
pub mod tls_client_auth;
