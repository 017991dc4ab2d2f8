//! `GET` and `POST /logout` (OpenID Connect RP-Initiated Logout 1.0 §2), and the person's yes.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderName, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::{Html, IntoResponse as _, Response};

use super::cookies::{cookie, set_cookie};
use super::form::{FormFault, form};
use super::pages::{LogOutPage, LoggedOutPage};
use super::render::{self, Reader};
use crate::flow::answer::SESSION_COOKIE;
use crate::flow::logout::{self as flow, Ending, Farewell, Question, Visit};
use crate::oidc::params::{Params, ParamsFault};
use crate::state::App;
use crate::tls::Peer;

/// How long the pages of relying parties have to load before the browser goes on, in seconds.
const FRAMES_TAKE: u8 = 3;

/// The request in the query.
pub async fn by_query(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    // It may be one of ours, sealed.
    let query = uri.query().unwrap_or("");
    let is_sealed = query.strip_prefix(flow::SEALED).is_some_and(|rest| rest.starts_with('='));
    let params = if is_sealed { Params::parse_sealed(query) } else { Params::parse(query) };
    let ending = flow::by_query(&app, visit(params, &peer, &headers)).await;
    respond(ending, &Reader::of(&uri, &headers))
}

/// The request in a form.
pub async fn by_form(State(app): State<App>, uri: Uri, headers: HeaderMap, body: Body) -> Response {
    match read(&app, &uri, &headers, body).await {
        Ok(params) => respond(flow::by_form(&app, &params), &Reader::of(&uri, &headers)),
        Err(response) => response,
    }
}

/// The person's yes.
pub async fn confirmed(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match read(&app, &uri, &headers, body).await {
        Ok(params) => {
            let ending = flow::confirmed(&app, visit(params, &peer, &headers)).await;
            respond(ending, &Reader::of(&uri, &headers))
        }
        Err(response) => response,
    }
}

async fn read(
    app: &App,
    uri: &Uri,
    headers: &HeaderMap,
    body: Body,
) -> Result<Result<Params, ParamsFault>, Response> {
    match form(headers, body).await {
        Ok(params) => Ok(Ok(params)),
        Err(FormFault::Params(fault)) => Ok(Err(fault)),
        Err(fault @ (FormFault::ContentType | FormFault::TooSlow)) => {
            Err(render::page(app, fault.code(), &Reader::of(uri, headers)))
        }
    }
}

fn visit<'h>(
    params: Result<Params, ParamsFault>,
    peer: &Peer,
    headers: &'h HeaderMap,
) -> Visit<'h> {
    Visit { params, session: cookie(headers, SESSION_COOKIE), address: peer.addr.ip() }
}

fn respond(ending: Ending, reader: &Reader) -> Response {
    match ending {
        Ending::Answer(answer) => render::answer(answer, reader),
        Ending::Ask(question) => ask(&question, reader),
        Ending::LoggedOut(farewell) => say_goodbye(&farewell, reader),
    }
}

fn ask(question: &Question, reader: &Reader) -> Response {
    let language = reader.language(question.ui_locales.as_deref());
    let other_language = reader.in_other_language(language);
    let html = LogOutPage {
        language,
        system: question.system.as_deref(),
        sealed: &question.sealed,
        other_language: &other_language,
    }
    .render();
    let targets: String =
        question.form_targets().iter().map(|target| format!(" {target}")).collect();
    under_policy(Html(html).into_response(), &format!("form-action 'self'{targets}"))
}

fn say_goodbye(farewell: &Farewell, reader: &Reader) -> Response {
    let language = reader.language(farewell.ui_locales.as_deref());
    let addresses: Vec<&str> = farewell.frames.iter().map(|frame| &*frame.address).collect();
    let html = LoggedOutPage {
        language,
        system: farewell.system.as_deref(),
        return_to: farewell.return_to.as_deref(),
        frames: &addresses,
    }
    .render();
    let origins: String = farewell.origins().iter().map(|origin| format!(" {origin}")).collect();
    let policy = if origins.is_empty() {
        "form-action 'none'".to_owned()
    } else {
        format!("form-action 'none'; frame-src{origins}")
    };
    let mut response = under_policy(Html(html).into_response(), &policy);
    let headers = response.headers_mut();
    for field in farewell.cookies.iter().filter_map(set_cookie) {
        headers.append(SET_COOKIE, field);
    }
    // Front-Channel Logout 1.0 §3: the browser goes on when the frames have had their time; without a
    // script, which no page here has.
    let refresh = farewell.return_to.as_ref().map(|to| format!("{FRAMES_TAKE}; url={to}"));
    if let Some(Ok(refresh)) = refresh.map(|text| HeaderValue::from_str(&text)) {
        headers.insert(HeaderName::from_static("refresh"), refresh);
    }
    response
}

/// The policy of all pages, with a few directives that are this page's alone.
fn under_policy(mut response: Response, own: &str) -> Response {
    let policy = format!(
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; {own}"
    );
    // Origins are of ASCII; where this failed, the stricter policy of all pages would stand.
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}
