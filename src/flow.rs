//! The stories of the provider, each one function that reads like the specification.
//!
//! ```text
//! par        request, pushed by the client -> request_uri
//! asked      what is asked: in the query, in a request object, or pushed before
//! authorize  request -> a card host, or a session stands in for the card
//! card       certificate -> ticket                       (on the card host)
//! resume     ticket -> code, or why not                  (the first write)
//! again      "try again" -> a card host never used before
//! back       "back to the system" -> the error answer
//! check      certificate -> what it is, and what helps   (on a card host, without a login)
//! client_call  a client's proof of who it is, at any endpoint
//! token      which grant is exchanged for tokens?
//! redeem     code -> tokens
//! refresh    refresh token -> tokens, and another in its place
//! client_credentials  a client's own credentials -> an access token of its own
//! access_token  is it one of ours, and does all that it rests on still stand?
//! user_info  access token -> claims
//! revoke     a client gives a token back
//! introspect what is a token worth? asked by a protected resource, or by its client
//! login_error  reference -> the story of a failed login, for its client
//! logout     request -> the session ends, perhaps after the person was asked
//! readiness  is this node of use, and how old is what it knows of revocation?
//! ```
//! Must never answer by itself: it returns an [`answer::Answer`] or a typed result, and `http`
//! renders it.

pub mod access_token;
pub mod again;
pub mod answer;
mod asked;
pub mod authorize;
pub mod back;
pub mod binding;
pub mod card;
pub mod check;
pub mod client_call;
mod client_certificate;
pub mod client_credentials;
pub mod client_keys;
pub mod introspect;
pub mod issue;
pub mod login;
pub mod login_error;
pub mod logout;
pub mod par;
mod protected;
pub mod readiness;
pub mod redeem;
pub mod refresh;
pub mod resume;
pub mod revoke;
pub mod sender;
pub mod settled;
pub mod token;
pub mod tokens;

mod unknown_policies;
pub mod user_info;
