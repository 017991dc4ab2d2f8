//! `GET` and `POST /authorize` (OpenID Connect Core 1.0 §3.1.2.1).

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::cookies::cookie;
use super::form::{FormFault, form};
use super::render::{self, Reader};
use crate::flow::answer::{Answer, SESSION_COOKIE};
use crate::flow::authorize::{Visit, authorize};
use crate::oidc::metadata::paths;
use crate::oidc::params::{Params, ParamsFault};
use crate::state::App;
use crate::tls::Peer;

/// The request in the query.
pub async fn by_query(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let params = Params::parse(uri.query().unwrap_or(""));
    respond(&app, &peer, &uri, &headers, params).await
}

/// The longest address that every browser and proxy carries, in bytes.
const LONGEST_ADDRESS: usize = 4096;

/// Whether a form came from another site, with which browsers send no `Lax` cookie (Fetch Metadata Request
/// Headers §2.3): it is sent here again by 303, and the session comes with it.
fn lacks_cookies(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site")
        && cookie(headers, SESSION_COOKIE).is_none()
}

/// Whether nothing in a request may name a person: addresses end up in histories and logs, and a form is how
/// a relying party keeps such things out of them.
fn may_be_in_an_address(params: &Params) -> bool {
    const MAY_NAME_A_PERSON: [&str; 4] = ["id_token_hint", "login_hint", "claims", "request"];
    MAY_NAME_A_PERSON.iter().all(|name| params.get(name) == Ok(None))
}

/// The request in a form.
pub async fn by_form(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match form(&headers, body).await {
        Ok(params) if lacks_cookies(&headers) && may_be_in_an_address(&params) => {
            let location = format!("{}?{}", paths::AUTHORIZE, params.encode());
            if location.len() <= LONGEST_ADDRESS {
                render::answer(Answer::redirect(location, Vec::new()), &Reader::of(&uri, &headers))
            } else {
                respond(&app, &peer, &uri, &headers, Ok(params)).await
            }
        }
        Ok(params) => respond(&app, &peer, &uri, &headers, Ok(params)).await,
        Err(FormFault::Params(fault)) => respond(&app, &peer, &uri, &headers, Err(fault)).await,
        Err(fault @ (FormFault::ContentType | FormFault::TooSlow)) => {
            render::page(&app, fault.code(), &Reader::of(&uri, &headers))
        }
    }
}

async fn respond(
    app: &App,
    peer: &Peer,
    uri: &Uri,
    headers: &HeaderMap,
    params: Result<Params, ParamsFault>,
) -> Response {
    let visit = Visit {
        params,
        session: cookie(headers, SESSION_COOKIE),
        address: &peer.addr.ip().to_string(),
    };
    let answer = authorize(app, visit).await;
    render::answer(answer, &Reader::of(uri, headers))
}
