//! Documents that others keep: named by their contents, so that asking again costs nothing (RFC 9110
//! §8.8.3, RFC 9111 §4.3). Must never be used for what one person or client alone may read.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use crate::secret::sha256;

/// How long relying parties may keep a document, in seconds: a new key is announced far longer before.
const MAX_AGE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// A JSON document, or 304 where whoever asks has it already.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn json(headers: &HeaderMap, document: &impl Serialize) -> serde_json::Result<Response> {
    let body = serde_json::to_vec(document)?;
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(sha256(&body)));
    let known = is_known(headers, &tag);
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(CONTENT_TYPE, "application/json")], body).into_response()
    };
    // RFC 9110 §15.4.5: 304 has the fields that 200 would have had.
    response.headers_mut().insert(CACHE_CONTROL, MAX_AGE);
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}

/// RFC 9110 §13.1.2: `*`, or one of a list, compared weakly.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let fields = headers.get_all(IF_NONE_MATCH).iter().filter_map(|field| field.to_str().ok());
    let mut listed = fields.flat_map(|field| field.split(',')).map(str::trim);
    listed.any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}
