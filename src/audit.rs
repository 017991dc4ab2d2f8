//! What is recorded for an inspector: the names of the events of a login.
//!
//! Must never name or hold a personnummer. Events of the registry (`user.added` …) are named where
//! the registry is changed.

crate::named::named! {
    /// An event of a login.
    pub enum Event {
        /// A person was let in, by card.
        LoginSucceeded = "login.succeeded",
        /// A session stood in for the card.
        LoginContinued = "login.continued",
        /// A judged certificate let nobody in; the code is among the details.
        LoginFailed = "login.failed",
        /// A code was redeemed for the first time.
        CodeRedeemed = "code.redeemed",
        /// A code was presented again, and all that it gave was revoked.
        CodeReplayed = "code.replayed",
        /// A session was ended before its time: by whom or what is among the details.
        SessionEnded = "session.ended",
        /// A relying party took a logout token.
        LogoutDelivered = "logout.delivered",
        /// A relying party answered a logout token by 400: it is not sent again.
        LogoutRefused = "logout.refused",
        /// A relying party could not be told of a logout for so long that it is given up.
        LogoutGivenUp = "logout.given_up",
        /// A refresh token was used.
        TokenRefreshed = "token.refreshed",
        /// A refresh token was presented again, and all that the login gave was revoked.
        RefreshTokenReplayed = "refresh_token.replayed",
        /// A client was given an access token of its own (RFC 6749 §4.4).
        TokenIssued = "token.issued",
        /// A client gave a token back (RFC 7009).
        TokenRevoked = "token.revoked",
        /// A relying party read the story of a failed login.
        LoginErrorRead = "login_error.read",
        /// A signing key was made because the installation had none.
        SigningKeyAdded = "signing_key.added",
    }
}
