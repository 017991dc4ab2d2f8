//! Cookies: those that this provider sets, read and written.
//!
//! Always `__Host-` (RFC 6265bis §4.1.3.2): no other host, not even a card host, can set or get them.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

use crate::flow::answer::Cookie;

/// The value of a cookie; none when it was sent twice, because one of them is not ours.
#[must_use]
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(found, _)| *found == name)
        .map(|(_, value)| value);
    let first = values.next();
    if values.next().is_some() { None } else { first }
}

/// The `Set-Cookie` field of a cookie.
///
/// `Lax` and not `Strict`: the browser comes from the relying party's site and must be known.
#[must_use]
pub fn set_cookie(cookie: &Cookie) -> Option<HeaderValue> {
    let max_age =
        cookie.max_age.map_or_else(String::new, |age| format!("; Max-Age={}", age.num_seconds()));
    let field = format!(
        "{}={}; Path=/; Secure; HttpOnly; SameSite=Lax{max_age}",
        cookie.name, cookie.value
    );
    HeaderValue::from_str(&field).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (COOKIE, HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        assert_eq!(cookie(&headers(&["a=1; b=2", "c=3"]), "b"), Some("2"));
        assert_eq!(cookie(&headers(&["a=1", "c=3"]), "c"), Some("3"));
        assert_eq!(cookie(&headers(&["a=1"]), "b"), None);
    }

    #[test]
    fn a_cookie_that_was_sent_twice_is_none() {
        assert_eq!(cookie(&headers(&["a=1; a=2"]), "a"), None);
        assert_eq!(cookie(&headers(&["a=1", "a=1"]), "a"), None);
    }
}
