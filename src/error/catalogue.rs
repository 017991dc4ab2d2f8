//! The catalogue: every code with its facts, one row each. A promise to relying parties.
//!
//! A code is never renamed, renumbered or reused.

/// Who is told first of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// The person: a page with a way forward and "back to the system".
    Person,
    /// The relying party: redirected (or answered) at once.
    RelyingParty,
    /// A page is all there can be: nobody is known to redirect to.
    PageOnly,
}

macro_rules! catalogue {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $oauth:literal, $status:literal, $first:ident, $again:literal;)*) => {
        /// A code: what went wrong, in the words that relying parties are promised.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// Every code, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name: `error_code` on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The code of a stable name.
            #[must_use]
            pub fn by_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.name() == name)
            }

            /// The OAuth or OpenID `error` it is sent under (RFC 6749 §4.1.2.1, §5.2; RFC 6750 §3.1;
            /// OpenID Connect Core 1.0 §3.1.2.6).
            #[must_use]
            pub const fn oauth(self) -> &'static str {
                match self { $(Self::$variant => $oauth,)* }
            }

            /// The HTTP status where it is answered directly (page, JSON), not by a redirect.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// Who is told first.
            #[must_use]
            pub const fn first(self) -> First {
                match self { $(Self::$variant => First::$first,)* }
            }

            /// Whether another attempt at once can help.
            #[must_use]
            pub const fn again(self) -> bool {
                match self { $(Self::$variant => $again,)* }
            }
        }
    };
}

catalogue! {
    // What happens at the card.
    /// The browser sent no certificate.
    CertificateMissing = "certificate_missing", "access_denied", 403, Person, true;
    /// A Person ID certificate (personnummer) was chosen.
    CertificateWrongType = "certificate_wrong_type", "access_denied", 403, Person, true;
    /// The signing certificate of the pair was chosen.
    CertificateForSigning = "certificate_for_signing", "access_denied", 403, Person, true;
    /// A function (server) certificate.
    CertificateNotPersonal = "certificate_not_personal", "access_denied", 403, Person, true;
    /// The chain does not end in a trusted SITHS root, or its issuing CA is not allowed.
    CertificateUntrusted = "certificate_untrusted", "access_denied", 403, Person, true;
    /// Past its validity.
    CertificateExpired = "certificate_expired", "access_denied", 403, Person, true;
    /// Before its validity.
    CertificateNotYetValid = "certificate_not_yet_valid", "access_denied", 403, Person, true;
    /// Revoked by its issuer.
    CertificateRevoked = "certificate_revoked", "access_denied", 403, RelyingParty, false;
    /// Whether it is revoked could not be determined, and the configuration refuses then.
    CertificateStatusUnknown = "certificate_status_unknown", "temporarily_unavailable", 503, RelyingParty, true;
    /// No HSA-id in it, more than one, or not in the grammar; weak algorithm; broken encoding.
    CertificateUnusable = "certificate_unusable", "access_denied", 403, Person, true;
    /// A reserve card (LoA 2) where the client asks for LoA 3.
    AssuranceTooLow = "assurance_too_low", "unmet_authentication_requirements", 403, RelyingParty, false;
    /// A card of another level than any that `acr_values` names, and not too low a one.
    AssuranceNotAskedFor = "assurance_not_asked_for", "unmet_authentication_requirements", 403, RelyingParty, false;

    // What happens with the user.
    /// The HSA-id is not registered.
    UserUnknown = "user_unknown", "access_denied", 403, RelyingParty, false;
    /// Registered, but switched off.
    UserDisabled = "user_disabled", "access_denied", 403, RelyingParty, false;
    /// Outside the dates of the registration.
    UserNotCurrent = "user_not_current", "access_denied", 403, RelyingParty, false;
    /// A user, but without a role in this system.
    RoleMissing = "role_missing", "access_denied", 403, RelyingParty, false;

    // What happens with the login.
    /// It took longer than a login may.
    LoginExpired = "login_expired", "access_denied", 403, Person, true;
    /// Its ticket was used already.
    LoginReplayed = "login_replayed", "access_denied", 403, Person, true;
    /// Started in another browser, or cookies are blocked, or the address was altered.
    LoginLost = "login_lost", "access_denied", 403, PageOnly, true;
    /// `prompt=none`, and no session that is good enough.
    LoginRequired = "login_required", "login_required", 403, RelyingParty, false;
    /// Another person than the request names.
    UserNotExpected = "user_not_expected", "login_required", 403, RelyingParty, false;
    /// Too many failed logins from this address.
    Busy = "busy", "temporarily_unavailable", 503, RelyingParty, true;
    /// The database or another part is away.
    Unavailable = "unavailable", "temporarily_unavailable", 503, RelyingParty, true;
    /// A fault of ours.
    Internal = "internal", "server_error", 500, RelyingParty, false;

    // What happens to an authorization request.
    /// No `client_id`.
    ClientMissing = "client_missing", "invalid_request", 400, PageOnly, false;
    /// A `client_id` that is not registered, or switched off.
    ClientUnknown = "client_unknown", "invalid_request", 400, PageOnly, false;
    /// No `redirect_uri`.
    RedirectUriMissing = "redirect_uri_missing", "invalid_request", 400, PageOnly, false;
    /// A `redirect_uri` that is not, to the letter, one of the client's.
    RedirectUriUnregistered = "redirect_uri_unregistered", "invalid_request", 400, PageOnly, false;
    /// A parameter was sent more than once.
    ParameterRepeated = "parameter_repeated", "invalid_request", 400, RelyingParty, false;
    /// The request is longer than is read.
    RequestTooLong = "request_too_long", "invalid_request", 400, PageOnly, false;
    /// The body of the request did not come in time.
    RequestTooSlow = "request_too_slow", "invalid_request", 408, PageOnly, true;
    /// The request is not form-encoded UTF-8.
    RequestMalformed = "request_malformed", "invalid_request", 400, PageOnly, false;
    /// No `response_type`.
    ResponseTypeMissing = "response_type_missing", "invalid_request", 400, RelyingParty, false;
    /// Another `response_type` than `code`.
    ResponseTypeUnsupported = "response_type_unsupported", "unsupported_response_type", 400, RelyingParty, false;
    /// A `response_mode` that is not served, or not with this redirect URI.
    ResponseModeUnsupported = "response_mode_unsupported", "invalid_request", 400, RelyingParty, false;
    /// A `scope` without `openid`, or none.
    ScopeOpenidMissing = "scope_openid_missing", "invalid_scope", 400, RelyingParty, false;
    /// A scope that exists and that the client is not registered for.
    ScopeUnregistered = "scope_unregistered", "invalid_scope", 400, RelyingParty, false;
    /// No `code_challenge` from a client that must send one.
    PkceMissing = "pkce_missing", "invalid_request", 400, RelyingParty, false;
    /// `code_challenge_method` is `plain` (also by being left out).
    PkcePlain = "pkce_plain", "invalid_request", 400, RelyingParty, false;
    /// A `code_challenge` that is no SHA-256 in base64url, or an unknown method.
    PkceMalformed = "pkce_malformed", "invalid_request", 400, RelyingParty, false;
    /// An unknown value of `prompt`, or `none` together with another.
    PromptInvalid = "prompt_invalid", "invalid_request", 400, RelyingParty, false;
    /// A `max_age` that is no number of seconds.
    MaxAgeInvalid = "max_age_invalid", "invalid_request", 400, RelyingParty, false;
    /// `request` from a client that registered no keys.
    RequestObjectUnsupported = "request_object_unsupported", "request_not_supported", 400, RelyingParty, false;
    /// A `request_uri` that was not given by the endpoint for pushed requests.
    RequestUriUnsupported = "request_uri_unsupported", "request_uri_not_supported", 400, RelyingParty, false;
    /// `registration` is not supported.
    RegistrationUnsupported = "registration_unsupported", "registration_not_supported", 400, RelyingParty, false;
    /// A `claims` that is not the JSON of OpenID Connect Core 1.0 §5.5.
    ClaimsMalformed = "claims_malformed", "invalid_request", 400, RelyingParty, false;
    /// A `claims` that is longer than is read.
    ClaimsTooLong = "claims_too_long", "invalid_request", 400, RelyingParty, false;
    /// An essential `acr` that no card gives.
    AcrUnsupported = "acr_unsupported", "unmet_authentication_requirements", 400, RelyingParty, false;
    /// An `id_token_hint` that is no ID token which this client was given.
    IdTokenHintInvalid = "id_token_hint_invalid", "invalid_request", 400, RelyingParty, false;
    /// A `resource` that is no absolute URI without fragment.
    ResourceMalformed = "resource_malformed", "invalid_target", 400, RelyingParty, false;
    /// A `resource` that the client is not registered for.
    ResourceUnregistered = "resource_unregistered", "invalid_target", 400, RelyingParty, false;
    /// A `dpop_jkt` that is no SHA-256 in base64url.
    DpopJktMalformed = "dpop_jkt_malformed", "invalid_request", 400, RelyingParty, false;

    // What a profile asks of a request.
    /// No `nonce` from a client whose profile demands one.
    NonceMissing = "nonce_missing", "invalid_request", 400, RelyingParty, false;
    /// No `state`, or a short one, from a client whose profile demands 128 random bits.
    StateTooShort = "state_too_short", "invalid_request", 400, RelyingParty, false;

    // What happens to a request object and to a pushed request.
    /// `request` together with `request_uri` (RFC 9101 §5).
    RequestGivenTwice = "request_given_twice", "invalid_request", 400, RelyingParty, false;
    /// No request object from a client that must sign its requests.
    RequestObjectMissing = "request_object_missing", "invalid_request", 400, RelyingParty, false;
    /// A request object that is no JWT of the shape of RFC 9101 §4.
    RequestObjectMalformed = "request_object_malformed", "invalid_request_object", 400, RelyingParty, false;
    /// A request object that is not signed, signed by a shared secret, or by another algorithm than the client registered.
    RequestObjectAlgorithmWrong = "request_object_algorithm_wrong", "invalid_request_object", 400, RelyingParty, false;
    /// A request object that none of the client's keys has signed.
    RequestObjectSignatureWrong = "request_object_signature_wrong", "invalid_request_object", 400, RelyingParty, false;
    /// An encrypted request object that does not open, or that holds no JWT.
    RequestObjectEncryptedWrong = "request_object_encrypted_wrong", "invalid_request_object", 400, RelyingParty, false;
    /// `iss` or `client_id` of a request object is not the client that asks.
    RequestObjectClientWrong = "request_object_client_wrong", "invalid_request_object", 400, RelyingParty, false;
    /// A request object for another audience.
    RequestObjectAudienceWrong = "request_object_audience_wrong", "invalid_request_object", 400, RelyingParty, false;
    /// A request object past its `exp`, before its `nbf` or `iat`, or valid for too long.
    RequestObjectExpired = "request_object_expired", "invalid_request_object", 400, RelyingParty, false;
    /// A request object with `request` or `request_uri` in it (RFC 9101 §4).
    RequestObjectNested = "request_object_nested", "invalid_request_object", 400, RelyingParty, false;
    /// `response_type` beside a request object is another than the one in it (OpenID Connect Core 1.0 §6.1).
    RequestObjectContradicted = "request_object_contradicted", "invalid_request_object", 400, RelyingParty, false;
    /// A request object whose `jti` was used before.
    RequestObjectReplayed = "request_object_replayed", "invalid_request_object", 400, RelyingParty, false;
    /// Not pushed, by a client that must push its requests (RFC 9126 §6).
    RequestNotPushed = "request_not_pushed", "invalid_request", 400, RelyingParty, false;
    /// `request_uri` in a pushed request (RFC 9126 §2.1).
    RequestUriPushed = "request_uri_pushed", "invalid_request", 400, RelyingParty, false;
    /// A `request_uri` that was never given, or is forgotten.
    RequestUriUnknown = "request_uri_unknown", "invalid_request_uri", 400, PageOnly, false;
    /// A `request_uri` that another client was given.
    RequestUriOfOtherClient = "request_uri_of_other_client", "invalid_request_uri", 400, PageOnly, false;
    /// A `request_uri` past its time.
    RequestUriExpired = "request_uri_expired", "invalid_request_uri", 400, RelyingParty, false;
    /// A `request_uri` that has led to a login already (RFC 9126 §7.3).
    RequestUriReplayed = "request_uri_replayed", "invalid_request_uri", 400, RelyingParty, false;
    /// More pushed requests than a client may send in a minute (RFC 9126 §2.3).
    PushedTooOften = "pushed_too_often", "temporarily_unavailable", 429, RelyingParty, true;

    // What happens to client authentication.
    /// No client authentication.
    ClientAuthenticationMissing = "client_authentication_missing", "invalid_client", 401, RelyingParty, false;
    /// More than one way of client authentication in one request.
    ClientAuthenticationRepeated = "client_authentication_repeated", "invalid_request", 400, RelyingParty, false;
    /// Credentials that cannot be read.
    ClientAuthenticationMalformed = "client_authentication_malformed", "invalid_client", 401, RelyingParty, false;
    /// Another way of authenticating than the client is registered with.
    ClientMethodUnregistered = "client_method_unregistered", "invalid_client", 401, RelyingParty, false;
    /// A client that is not registered, or switched off, tried to authenticate.
    ClientNotRegistered = "client_not_registered", "invalid_client", 401, RelyingParty, false;
    /// The client secret is wrong.
    ClientSecretWrong = "client_secret_wrong", "invalid_client", 401, RelyingParty, false;
    /// A client assertion that is no JWT of the shape of RFC 7523 §3.
    AssertionMalformed = "assertion_malformed", "invalid_client", 401, RelyingParty, false;
    /// A client assertion that none of the client's keys has signed.
    AssertionSignatureWrong = "assertion_signature_wrong", "invalid_client", 401, RelyingParty, false;
    /// A client assertion past its `exp`, before its `nbf`, or valid for too long.
    AssertionExpired = "assertion_expired", "invalid_client", 401, RelyingParty, false;
    /// A client assertion for another audience.
    AssertionAudienceWrong = "assertion_audience_wrong", "invalid_client", 401, RelyingParty, false;
    /// A client assertion whose `jti` was used before.
    AssertionReplayed = "assertion_replayed", "invalid_client", 401, RelyingParty, false;
    /// A public client called where a proof of who it is is needed.
    ClientPublic = "client_public", "invalid_client", 401, RelyingParty, false;
    /// A client assertion whose `typ` is that of another kind of JWT, or left out where it must be there.
    AssertionTypeWrong = "assertion_type_wrong", "invalid_client", 401, RelyingParty, false;
    /// A client assertion signed with another algorithm than is registered, or than its profile takes.
    AssertionAlgWrong = "assertion_alg_wrong", "invalid_client", 401, RelyingParty, false;

    // What happens to a client certificate.
    /// A client certificate, and no `client_id` that says whose it is.
    ClientIdMissing = "client_id_missing", "invalid_client", 401, RelyingParty, false;
    /// No client certificate on the connection of a client that authenticates by one.
    ClientCertificateMissing = "client_certificate_missing", "invalid_client", 401, RelyingParty, false;
    /// A client certificate that is no system's under a trusted authority.
    ClientCertificateUntrusted = "client_certificate_untrusted", "invalid_client", 401, RelyingParty, false;
    /// Another client certificate than the client is registered with.
    ClientCertificateMismatch = "client_certificate_mismatch", "invalid_client", 401, RelyingParty, false;
    /// A client certificate past its validity, or before it.
    ClientCertificateExpired = "client_certificate_expired", "invalid_client", 401, RelyingParty, false;
    /// A client certificate that its issuer has revoked.
    ClientCertificateRevoked = "client_certificate_revoked", "invalid_client", 401, RelyingParty, false;
    /// Whether a client certificate is revoked could not be determined.
    ClientCertificateStatusUnknown = "client_certificate_status_unknown", "temporarily_unavailable", 503, RelyingParty, true;
    /// A client whose tokens are bound to its certificate came without one.
    ClientCertificateRequired = "client_certificate_required", "invalid_request", 400, RelyingParty, false;

    // What happens to a DPoP proof.
    /// No DPoP proof, from a client or beside a token that must have one.
    DpopMissing = "dpop_missing", "invalid_dpop_proof", 400, RelyingParty, false;
    /// More than one DPoP field.
    DpopRepeated = "dpop_repeated", "invalid_dpop_proof", 400, RelyingParty, false;
    /// A DPoP proof that is no JWT of type `dpop+jwt` with all its claims.
    DpopMalformed = "dpop_malformed", "invalid_dpop_proof", 400, RelyingParty, false;
    /// A DPoP proof signed with an algorithm that is not taken: `none` and symmetric ones never are.
    DpopAlgUnsupported = "dpop_alg_unsupported", "invalid_dpop_proof", 400, RelyingParty, false;
    /// A DPoP proof whose `jwk` is missing, private, symmetric, too short, or none for its algorithm.
    DpopKeyUnusable = "dpop_key_unusable", "invalid_dpop_proof", 400, RelyingParty, false;
    /// A DPoP proof that its own key has not signed.
    DpopSignatureWrong = "dpop_signature_wrong", "invalid_dpop_proof", 400, RelyingParty, false;
    /// A DPoP proof for another method or address.
    DpopWrongEndpoint = "dpop_wrong_endpoint", "invalid_dpop_proof", 400, RelyingParty, false;
    /// A DPoP proof that is too old, or made in the future.
    DpopExpired = "dpop_expired", "invalid_dpop_proof", 400, RelyingParty, false;
    /// A DPoP proof without a nonce where one is demanded, or with one that is not good now.
    DpopNonceWrong = "dpop_nonce_wrong", "use_dpop_nonce", 400, RelyingParty, false;
    /// A DPoP proof whose `jti` was used before.
    DpopReplayed = "dpop_replayed", "invalid_dpop_proof", 400, RelyingParty, false;
    /// A DPoP proof for another access token than the one beside it.
    DpopTokenHashWrong = "dpop_token_hash_wrong", "invalid_dpop_proof", 400, RelyingParty, false;
    /// `dpop_jkt` names another key than the DPoP proof beside it.
    DpopJktMismatch = "dpop_jkt_mismatch", "invalid_dpop_proof", 400, RelyingParty, false;
    /// A code or refresh token that is bound to another key than was proved.
    GrantKeyMismatch = "grant_key_mismatch", "invalid_grant", 400, RelyingParty, false;

    // What happens to a token request.
    /// No `grant_type`.
    GrantTypeMissing = "grant_type_missing", "invalid_request", 400, RelyingParty, false;
    /// A `grant_type` that is not served here.
    GrantTypeUnsupported = "grant_type_unsupported", "unsupported_grant_type", 400, RelyingParty, false;
    /// A `grant_type` that the client is not registered for.
    GrantTypeUnregistered = "grant_type_unregistered", "unauthorized_client", 400, RelyingParty, false;
    /// No `code`.
    CodeMissing = "code_missing", "invalid_request", 400, RelyingParty, false;
    /// A code that was never issued, or so long ago that it is forgotten, or to another client.
    CodeUnknown = "code_unknown", "invalid_grant", 400, RelyingParty, false;
    /// A code past its time.
    CodeExpired = "code_expired", "invalid_grant", 400, RelyingParty, false;
    /// A code that was redeemed before; all that it gave is revoked.
    CodeReplayed = "code_replayed", "invalid_grant", 400, RelyingParty, false;
    /// The `redirect_uri` is not that of the authorization request.
    RedirectUriMismatch = "redirect_uri_mismatch", "invalid_grant", 400, RelyingParty, false;
    /// No `code_verifier` though the authorization request had a challenge.
    VerifierMissing = "verifier_missing", "invalid_grant", 400, RelyingParty, false;
    /// A `code_verifier` that is not of RFC 7636 §4.1, or does not fit the challenge.
    VerifierMismatch = "verifier_mismatch", "invalid_grant", 400, RelyingParty, false;
    /// A `code_verifier` though the authorization request had no challenge (RFC 9700 §2.1.1).
    VerifierUnexpected = "verifier_unexpected", "invalid_grant", 400, RelyingParty, false;
    /// Revoked or disabled between code and token.
    GrantRevoked = "grant_revoked", "invalid_grant", 400, RelyingParty, false;
    /// What the client is registered to get encrypted, no key of it can be encrypted to.
    EncryptionKeyMissing = "encryption_key_missing", "invalid_request", 400, RelyingParty, false;

    // What happens to a refresh token, and to a token that is asked about.
    /// No `refresh_token`.
    RefreshTokenMissing = "refresh_token_missing", "invalid_request", 400, RelyingParty, false;
    /// A refresh token that was never issued, or so long ago that it is forgotten, or to another client.
    RefreshTokenUnknown = "refresh_token_unknown", "invalid_grant", 400, RelyingParty, false;
    /// A refresh token past its time.
    RefreshTokenExpired = "refresh_token_expired", "invalid_grant", 400, RelyingParty, false;
    /// A refresh token that was used before; all that the login gave is revoked (RFC 9700 §4.14.2).
    RefreshTokenReplayed = "refresh_token_replayed", "invalid_grant", 400, RelyingParty, false;
    /// A refresh token that is bound to another key than the call proves.
    RefreshTokenKeyMismatch = "refresh_token_key_mismatch", "invalid_grant", 400, RelyingParty, false;
    /// More scopes than the login was granted (RFC 6749 §6).
    ScopeExceedsGrant = "scope_exceeds_grant", "invalid_scope", 400, RelyingParty, false;
    /// A `resource` that the authorization request did not name, or that is no longer registered.
    ResourceNotGranted = "resource_not_granted", "invalid_target", 400, RelyingParty, false;
    /// No `resource` of a client that is registered for several.
    ResourceMissing = "resource_missing", "invalid_target", 400, RelyingParty, false;
    /// No `token` to revoke or to ask about.
    TokenParameterMissing = "token_parameter_missing", "invalid_request", 400, RelyingParty, false;
    /// A token to revoke that was issued to another client (RFC 7009 §2.1).
    TokenOfAnotherClient = "token_of_another_client", "invalid_grant", 400, RelyingParty, false;

    // What happens to an access token.
    /// No access token.
    TokenMissing = "token_missing", "invalid_token", 401, RelyingParty, false;
    /// Sent in more than one way (RFC 6750 §2).
    TokenRepeated = "token_repeated", "invalid_request", 400, RelyingParty, false;
    /// In the address, where logs and histories keep it (RFC 9700 §4.3.2).
    TokenInQuery = "token_in_query", "invalid_request", 400, RelyingParty, false;
    /// No access token of ours.
    TokenMalformed = "token_malformed", "invalid_token", 401, RelyingParty, false;
    /// Past its time.
    TokenExpired = "token_expired", "invalid_token", 401, RelyingParty, false;
    /// For another resource than the one that was called (RFC 9068 §4).
    TokenAudienceWrong = "token_audience_wrong", "invalid_token", 401, RelyingParty, false;
    /// Without the scope `openid`: of a system, or narrowed (RFC 6750 §3.1).
    TokenScopeInsufficient = "token_scope_insufficient", "insufficient_scope", 403, RelyingParty, false;
    /// Revoked, or its user is no longer allowed to log in.
    TokenRevoked = "token_revoked", "invalid_token", 401, RelyingParty, false;
    /// An access token that is bound to a certificate, over a connection without one.
    TokenCertificateMissing = "token_certificate_missing", "invalid_token", 401, RelyingParty, false;
    /// An access token that is bound to another certificate than the connection's.
    TokenCertificateMismatch = "token_certificate_mismatch", "invalid_token", 401, RelyingParty, false;
    /// An access token that is bound to another key than the DPoP proof beside it.
    DpopKeyMismatch = "dpop_key_mismatch", "invalid_token", 401, RelyingParty, false;
    /// An access token bound to a key that is used as a bearer token, or the reverse.
    TokenSchemeWrong = "token_scheme_wrong", "invalid_token", 401, RelyingParty, false;

    // What happens to a logout.
    /// An `id_token_hint` that is no ID token issued here.
    LogoutHintInvalid = "logout_hint_invalid", "invalid_request", 400, PageOnly, false;
    /// A `client_id` that is not that of the `id_token_hint`.
    LogoutClientMismatch = "logout_client_mismatch", "invalid_request", 400, PageOnly, false;
    /// A `post_logout_redirect_uri` without `id_token_hint` or `client_id`.
    PostLogoutRedirectUriUnaddressed = "post_logout_redirect_uri_unaddressed", "invalid_request", 400, PageOnly, false;
    /// A `post_logout_redirect_uri` that is not, to the letter, one of the client's.
    PostLogoutRedirectUriUnregistered = "post_logout_redirect_uri_unregistered", "invalid_request", 400, PageOnly, false;
    /// A confirmation that was not made on a page of ours.
    LogoutUnconfirmed = "logout_unconfirmed", "invalid_request", 403, PageOnly, true;

    // What happens to a request for a login error, and to any request.
    /// No such attempt of this client in the last ten minutes.
    LoginErrorUnknown = "login_error_unknown", "invalid_request", 404, RelyingParty, false;
    /// No such address.
    NotFound = "not_found", "invalid_request", 404, PageOnly, false;
    /// Another HTTP method than the address takes.
    MethodNotAllowed = "method_not_allowed", "invalid_request", 405, PageOnly, false;
    /// Another content type than `application/x-www-form-urlencoded`.
    ContentTypeUnsupported = "content_type_unsupported", "invalid_request", 400, RelyingParty, false;
    /// The Host header is not the host of the TLS connection (RFC 9110 §15.5.20).
    Misdirected = "misdirected", "invalid_request", 421, PageOnly, true;
}
