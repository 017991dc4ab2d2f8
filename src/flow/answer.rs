//! What a story ends in, before it is rendered.

use std::borrow::Cow;

use chrono::TimeDelta;

use crate::error::Code;
use crate::error::catalogue::First;
use crate::oidc::client::{Client, ToldFirst};
use crate::oidc::jarm::UnsignedFault;
use crate::oidc::problem::Problem;
use crate::oidc::reply_to::{Answering, Reply, ReplyTo};
use crate::pki::CertificateFacts;
use crate::state::{App, Registry};

/// The name of the cookie of a session.
pub const SESSION_COOKIE: &str = "__Host-siths-idp-session";

/// What the browser is answered. It has no `Debug`: addresses hold codes and sealed logins.
pub enum Answer {
    /// 303 to another step of the login.
    Redirect {
        /// Where to.
        location: String,
        /// Cookies to set on the way.
        cookies: Vec<Cookie>,
    },
    /// An answer to the relying party, by the way that it asked for.
    Reply {
        /// The answer.
        reply: Reply,
        /// Cookies to set on the way.
        cookies: Vec<Cookie>,
        /// What ended there, for the log.
        told: Option<Problem>,
    },
    /// A page about a problem.
    Page(Box<ProblemAnswer>),
}

/// A cookie to set: always `__Host-`, `Secure`, `HttpOnly`, `SameSite=Lax`.
pub struct Cookie {
    /// Its name.
    pub name: Cow<'static, str>,
    /// Its value.
    pub value: String,
    /// How long the browser keeps it; for its own session where there is none.
    pub max_age: Option<TimeDelta>,
}

impl std::fmt::Debug for Cookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cookie").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A problem for a page, with the ways forward.
pub struct ProblemAnswer {
    /// What went wrong.
    pub problem: Problem,
    /// The name of the system that the person came from.
    pub system: Option<String>,
    /// "Try again".
    pub retry: Option<String>,
    /// Whether the next attempt offers more certificates than the last.
    pub shows_more: bool,
    /// "Back to the system": what leads to the error answer.
    pub back: Option<String>,
    /// Which certificate.
    pub certificate: Option<CertificateFacts>,
    /// `ui_locales` of the request.
    pub ui_locales: Option<String>,
}

impl Answer {
    /// 303 to another step of the login.
    #[must_use]
    pub const fn redirect(location: String, cookies: Vec<Cookie>) -> Self {
        Self::Redirect { location, cookies }
    }

    /// A page where nobody is known to redirect to.
    #[must_use]
    pub fn page(code: Code, reference: String, ui_locales: Option<String>) -> Self {
        Self::Page(Box::new(ProblemAnswer {
            problem: Problem { code, reference },
            system: None,
            retry: None,
            shows_more: false,
            back: None,
            certificate: None,
            ui_locales,
        }))
    }
}

/// Whom a client wants told first of a code.
#[must_use]
pub const fn told_first(client: &Client, code: Code) -> First {
    match (client.told_first, code.first()) {
        // Nobody is there to look at a page when prompt=none was asked for.
        (ToldFirst::Person, First::RelyingParty) if !matches!(code, Code::LoginRequired) => {
            First::Person
        }
        (_, first) => first,
    }
}

/// What answers of this node are made with now.
#[must_use]
pub fn answering<'a>(app: &'a App, registry: &'a Registry) -> Answering<'a> {
    let now = app.clock.now();
    Answering { issuer: &app.issuer, ring: registry.keyring.at(now), now }
}

/// The error answer, by the way that the relying party asked for.
#[must_use]
pub fn told_by_reply(app: &App, reply_to: &ReplyTo, problem: Problem) -> Answer {
    let registry = app.registry.load();
    match reply_to.error(&problem, &answering(app, &registry)) {
        Ok(reply) => Answer::Reply { reply, cookies: Vec::new(), told: Some(problem) },
        Err(fault) => unsigned(&fault, problem.reference),
    }
}

/// The successful answer, by the way that the relying party asked for.
#[must_use]
pub fn succeeded(app: &App, by: &Success<'_>, cookies: Vec<Cookie>) -> Answer {
    let registry = app.registry.load();
    match by.reply_to.success(by.code, &answering(app, &registry)) {
        Ok(reply) => Answer::Reply { reply, cookies, told: None },
        Err(fault) => unsigned(&fault, by.reference.to_owned()),
    }
}

/// A code on its way. It has no `Debug`.
pub struct Success<'a> {
    /// Where to.
    pub reply_to: &'a ReplyTo,
    /// The code.
    pub code: &'a str,
    /// The reference of the attempt, where the answer cannot be signed.
    pub reference: &'a str,
}

// Whoever asked for a signed answer must not be given one that is not.
fn unsigned(fault: &UnsignedFault, reference: String) -> Answer {
    tracing::error!(%reference, error = %fault, "an answer could not be signed");
    Answer::page(Code::Internal, reference, None)
}
