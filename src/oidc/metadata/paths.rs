//! Paths of the endpoints, under the issuer.

/// OpenID Connect Discovery 1.0 §4.
pub const DISCOVERY: &str = "/.well-known/openid-configuration";
/// RFC 8414 §3.
pub const AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";
/// RFC 7517 §5.
pub const JWKS: &str = "/jwks";
/// RFC 6749 §3.1.
pub const AUTHORIZE: &str = "/authorize";
/// RFC 9126 §2.
pub const PAR: &str = "/par";
/// RFC 6749 §3.2.
pub const TOKEN: &str = "/token";
/// RFC 7009 §2.
pub const REVOKE: &str = "/revoke";
/// RFC 7662 §2.
pub const INTROSPECT: &str = "/introspect";
/// OpenID Connect Core 1.0 §5.3.
pub const USERINFO: &str = "/userinfo";
/// OpenID Connect RP-Initiated Logout 1.0 §2.
pub const LOGOUT: &str = "/logout";
/// Where a person confirms that they want to log out.
pub const LOGOUT_CONFIRMED: &str = "/logout/confirmed";
/// The catalogue of error codes.
pub const ERRORS: &str = "/errors";
/// What a client may know of a failed login.
pub const LOGIN_ERRORS: &str = "/login-errors";
