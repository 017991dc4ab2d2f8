//! `GET /check`: on a card host what a card is, without a login; on the issuer host the way there.
//!
//! Always 200 on card hosts: some browsers open the chooser again on an error status. Must never set
//! a cookie, and never answer what another site embeds or fetches.

use axum::Extension;
use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::{Html, IntoResponse as _, Response};

use super::card::elsewhere;
use super::pages::CheckPage;
use super::render::{self, Reader};
use crate::flow::check as flow;
use crate::state::App;
use crate::tls::{Host, Peer, TlsFacts};

/// On a card host: tries the card.
pub async fn check(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let Host::Card { name: host, .. } = &peer.host else { return elsewhere(State(app)).await };
    // Fetch Metadata: a page that is opened, and neither framed nor fetched, not by this site either.
    if headers.get("sec-fetch-dest").is_some_and(|destination| destination != "document") {
        return elsewhere(State(app)).await;
    }
    if !flow::is_for_trials(&app, host) {
        return entrance(State(app), uri, headers).await;
    }
    let reader = Reader::of(&uri, &headers);
    let language = reader.language(None);
    let visit = flow::Visit { host, chain: peer.chain.as_ref(), address: peer.addr.ip() };
    let checked = flow::check(&app, visit).await;
    let issuer = flow::issuer(&app);
    let page = CheckPage {
        language,
        checked: &checked,
        tls: &negotiated(&peer.tls),
        now: app.clock.now(),
        issuer,
        next: &(checked.next.clone() + &reader.asked()),
        other_language: &reader.in_other_language(language),
    };
    let mut response = Html(page.render()).into_response();
    let fields = response.headers_mut();
    // The style sheet is the issuer host's: from here it would cost another handshake with the card.
    let policy = format!(
        "default-src 'none'; style-src {issuer}; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        fields.insert(CONTENT_SECURITY_POLICY, policy);
    }
    for name in ["cross-origin-resource-policy", "cross-origin-opener-policy"] {
        fields.insert(HeaderName::from_static(name), HeaderValue::from_static("same-origin"));
    }
    response
}

/// To a card host where no choice of a certificate is remembered.
pub async fn entrance(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Response {
    let asked = Reader::of(&uri, &headers).asked();
    render::redirect(&(flow::trial_address(&app, None) + &asked), &[])
}

/// Nothing where TLS ended at a proxy before us.
fn negotiated(tls: &TlsFacts) -> Vec<String> {
    let seen = [Some(tls.version.clone()), Some(tls.cipher.clone()), tls.signature.clone()];
    seen.into_iter().flatten().filter(|text| !text.is_empty()).collect()
}
