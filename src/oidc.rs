//! OpenID Connect and OAuth 2.0 as pure rules: what a request may say, what an answer holds.
//!
//! Pure and synchronous: no axum, no sqlx, given `now`. Must never redirect before a client and its
//! redirect URI are known: [`reply_to::ReplyTo`] exists only after that check.

pub mod access_token;
pub mod address;
pub mod audience;
pub mod claims;
pub mod client;
pub mod client_auth;
pub mod client_metadata;
pub mod code;
pub mod confirmation;
pub mod introspection;
pub mod metadata;
pub mod params;
pub mod pkce;
pub mod problem;
pub mod redirect_uri;
pub mod refresh;
pub mod registration;
pub mod reply_to;
pub mod request;
pub mod resource;
pub mod scope;
pub mod system_scope;
pub mod terms;
