//! The only bridge outward: answers become responses, problems become pages, redirects and JSON.
//!
//! Logs each problem once, by code and reference. Must never be given the source of an error.

use axum::Json;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, PRAGMA, RETRY_AFTER,
    SET_COOKIE, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{Html, IntoResponse as _, Response};

use super::cookies::set_cookie;
use super::pages::{FormPostPage, PageDetail, ProblemPage};
use crate::error::{Code, Language};
use crate::flow::answer::{Answer, Cookie, ProblemAnswer};
use crate::oidc::confirmation::TokenScheme;
use crate::oidc::dpop::SIGNING_ALGS;
use crate::oidc::params::Params;
use crate::oidc::problem::Problem;
use crate::oidc::reply_to::Reply;
use crate::state::App;

/// What a request says of the language of pages, and of itself.
pub struct Reader {
    ui_locales: Option<String>,
    accept_language: Option<String>,
    uri: Uri,
}

impl Reader {
    /// Reads `ui_locales` and `Accept-Language`.
    #[must_use]
    pub fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        // Addresses with something sealed in them are read here, too.
        let ui_locales = Params::parse_sealed(uri.query().unwrap_or(""))
            .ok()
            .and_then(|params| params.get("ui_locales").ok().flatten().map(str::to_owned));
        let accept_language =
            headers.get("accept-language").and_then(|v| v.to_str().ok()).map(str::to_owned);
        Self { ui_locales, accept_language, uri: uri.clone() }
    }

    /// The language of a page: as this address asks, else as the request of the relying party did,
    /// else as the browser does.
    #[must_use]
    pub fn language(&self, asked: Option<&str>) -> Language {
        let asked = self.ui_locales.as_deref().or(asked);
        Language::negotiate(asked, self.accept_language.as_deref())
    }

    /// The language that this address asks for, as a query; nothing where it asks for none.
    #[must_use]
    pub fn asked(&self) -> String {
        let asked = self.ui_locales.as_ref().map(|_| self.language(None));
        asked.map_or_else(String::new, |language| format!("?ui_locales={}", language.tag()))
    }

    /// The same address with another ui_locales.
    #[must_use]
    pub fn in_other_language(&self, language: Language) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in url::form_urlencoded::parse(self.uri.query().unwrap_or("").as_bytes())
        {
            if name != "ui_locales" {
                query.append_pair(&name, &value);
            }
        }
        query.append_pair("ui_locales", language.other().tag());
        format!("{}?{}", self.uri.path(), query.finish())
    }
}

/// Renders what a story ended in.
#[must_use]
pub fn answer(answer: Answer, reader: &Reader) -> Response {
    match answer {
        Answer::Redirect { location, cookies } => redirect(&location, &cookies),
        Answer::Reply { reply, cookies, told } => {
            if let Some(problem) = told {
                log(&problem, "told the relying party");
            }
            match reply {
                Reply::Redirect { location } => redirect(&location, &cookies),
                Reply::Form { action, fields } => {
                    let language = reader.language(None);
                    form_post(
                        &FormPostPage { language, action: &action, fields: &fields },
                        &cookies,
                    )
                }
            }
        }
        Answer::Page(page) => problem_page(&page, reader),
    }
}

/// 303 See Other (RFC 9700 §4.12: never 307, which would send a form on).
#[must_use]
pub fn redirect(location: &str, cookies: &[Cookie]) -> Response {
    let Ok(location) = HeaderValue::from_str(location) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response();
    set_cookies(response.headers_mut(), cookies);
    response
}

fn set_cookies(headers: &mut HeaderMap, cookies: &[Cookie]) {
    for field in cookies.iter().filter_map(set_cookie) {
        headers.append(SET_COOKIE, field);
    }
}

// OAuth 2.0 Form Post Response Mode §2, appendix A: kept nowhere.
fn form_post(page: &FormPostPage<'_>, cookies: &[Cookie]) -> Response {
    let Ok(policy) = HeaderValue::from_str(&page.content_security_policy()) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = Html(page.render()).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    no_store(headers);
    set_cookies(headers, cookies);
    response
}

/// A page about a code where nobody can be redirected to.
#[must_use]
pub fn page(app: &App, code: Code, reader: &Reader) -> Response {
    answer(Answer::page(code, app.random.reference(), None), reader)
}

fn problem_page(page: &ProblemAnswer, reader: &Reader) -> Response {
    let code = page.problem.code;
    log(&page.problem, "told the person");
    let language = reader.language(page.ui_locales.as_deref());
    let other_language = reader.in_other_language(language);
    let detail = page.certificate.as_ref().map_or_else(PageDetail::default, |facts| PageDetail {
        issuer: Some(&facts.issuer_cn),
        valid_from: (code == Code::CertificateNotYetValid).then(|| facts.not_before.date_naive()),
        valid_until: (code == Code::CertificateExpired).then(|| facts.not_after.date_naive()),
    });
    let html = ProblemPage {
        language,
        code,
        reference: Some(&page.problem.reference),
        system: page.system.as_deref(),
        retry: page.retry.as_deref(),
        shows_more: page.shows_more,
        back: page.back.as_deref(),
        other_language: Some(&other_language),
        detail,
    }
    .render();
    (status(code), Html(html)).into_response()
}

/// The JSON error of an endpoint that a client calls (RFC 6749 §5.2). A 401 always has a challenge
/// (RFC 9110 §15.5.2), whichever way the client tried.
#[must_use]
pub fn json_problem(app: &App, problem: &Problem) -> Response {
    log(problem, "told the client");
    let mut response = (status(problem.code), Json(problem.to_json(&app.issuer))).into_response();
    let headers = response.headers_mut();
    no_store(headers);
    if status(problem.code) == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(r#"Basic realm="siths-idp""#));
    }
    // RFC 6585 §4: what is counted is counted by the minute.
    if status(problem.code) == StatusCode::TOO_MANY_REQUESTS {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("60"));
    }
    response
}

/// The error of an endpoint that an access token opens (RFC 6750 §3; RFC 9449 §7.1), told by the scheme
/// that was used; who uses a bearer token is told of DPoP, too.
#[must_use]
pub fn token_problem(app: &App, problem: &Problem, used: TokenScheme) -> Response {
    log(problem, "told the client");
    let status = match problem.code.oauth() {
        // RFC 9449 §7.1, §9: 400 at the token endpoint, a challenge here.
        "invalid_dpop_proof" | "use_dpop_nonce" => StatusCode::UNAUTHORIZED,
        _ => status(problem.code),
    };
    let mut response = (status, Json(problem.to_json(&app.issuer))).into_response();
    let headers = response.headers_mut();
    no_store(headers);
    // RFC 6750 §3.1: without a token, no error code in the challenge.
    let error = if problem.code == Code::TokenMissing {
        String::new()
    } else {
        let members = problem.members(&app.issuer);
        let listed = members.iter().map(|(name, value)| format!(r#", {name}="{value}""#));
        listed.collect()
    };
    let bearer = format!(r#"Bearer realm="siths-idp"{error}"#);
    let algs = SIGNING_ALGS.map(|alg| alg.name()).join(" ");
    let dpop = |error: &str| format!(r#"DPoP realm="siths-idp", algs="{algs}"{error}"#);
    let challenges = match used {
        TokenScheme::Bearer => vec![bearer, dpop("")],
        TokenScheme::Dpop => vec![dpop(&error)],
    };
    for challenge in challenges.into_iter().filter_map(|text| HeaderValue::try_from(text).ok()) {
        headers.append(WWW_AUTHENTICATE, challenge);
    }
    response
}

/// Problem details (RFC 9457 §3) that are an answer, not a failure of the request.
#[must_use]
pub fn story(story: &serde_json::Value) -> Response {
    let mut response = (StatusCode::OK, story.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    no_store(headers);
    response
}

/// RFC 6749 §5.1: tokens and what goes with them are kept nowhere.
pub fn no_store(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
}

fn status(code: Code) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn log(problem: &Problem, told: &str) {
    let (code, reference) = (problem.code.name(), &problem.reference);
    match problem.code {
        Code::Internal | Code::Unavailable => tracing::error!(code, %reference, "{told}"),
        _ => tracing::info!(code, %reference, "{told}"),
    }
}
