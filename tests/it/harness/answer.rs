//! What every refusal looks like, whatever its code: each function checks the form and tells the code.

use std::collections::BTreeMap;

use serde_json::Value;
use siths_idp::dev::browser::Response;
use siths_idp::error::Code;
use url::Url;

use super::page_code;

/// What is checked of an answer of the token endpoint and its like.
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: String,
}

impl Answer {
    pub async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, body: response.text().await.unwrap() }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    /// The code of a JSON error (RFC 6749 §5.2).
    pub fn problem(&self, issuer: &Url) -> String {
        let json = self.json();
        let members: BTreeMap<String, String> = serde_json::from_value(json).unwrap();
        let code = check_members(&members, issuer, &[]);
        assert_eq!(self.status, code.status(), "{}", self.body);
        assert_eq!(self.header("content-type"), "application/json");
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.header("pragma"), "no-cache");
        assert!(self.status != 401 || self.headers.contains_key("www-authenticate"));
        code.name().to_owned()
    }
}

/// The code of an error redirect (RFC 6749 §4.1.2.1, RFC 9207 §2), which has these parameters and no
/// other.
pub fn told_by_redirect(answer: &Response, redirect_uri: &str, issuer: &Url) -> String {
    assert_eq!(answer.status, 303, "{}", answer.body);
    let parameters = handed_back(answer, redirect_uri);
    check_members(&parameters, issuer, &["iss", "state"]).name().to_owned()
}

/// The code of a page, which is no redirect.
pub fn told_by_page(answer: &Response) -> String {
    assert_eq!(answer.location(), None);
    let code = page_code(&answer.body).unwrap_or_else(|| panic!("no code: {}", answer.body));
    assert_eq!(answer.status, Code::by_name(&code).unwrap().status());
    assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(answer.headers["cache-control"], "no-store");
    code
}

/// The parameters that a redirect hands to the relying party, each of them once.
pub fn handed_back(answer: &Response, redirect_uri: &str) -> BTreeMap<String, String> {
    let location = answer.headers["location"].to_str().unwrap();
    let separator = if redirect_uri.contains('?') { '&' } else { '?' };
    let query = location.strip_prefix(redirect_uri).and_then(|rest| rest.strip_prefix(separator));
    let query = query.unwrap_or_else(|| panic!("to {location}"));
    let mut parameters = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let earlier = parameters.insert(name.clone().into_owned(), value.into_owned());
        assert_eq!(earlier, None, "{name} twice");
    }
    parameters
}

/// The fields of a page that posts itself to the relying party (OAuth 2.0 Form Post Response Mode §2), each
/// of them once.
pub fn posted(answer: &Response, redirect_uri: &str) -> BTreeMap<String, String> {
    assert_eq!((answer.status, answer.location()), (200, None), "{}", answer.body);
    assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["pragma"], "no-cache");
    let attribute = |tag: &str, name: &str| {
        let (_, rest) = tag.split_once(&format!("{name}=\""))?;
        Some(unescaped(rest.split('"').next()?))
    };
    let tags = |name: &str| -> Vec<String> {
        let beginning = format!("<{name}");
        let tags = answer.body.split(&beginning).skip(1);
        tags.map(|rest| rest.split('>').next().unwrap().to_owned()).collect()
    };
    let form = tags("form");
    assert_eq!(form.len(), 1, "{}", answer.body);
    assert_eq!(attribute(&form[0], "method").as_deref(), Some("post"));
    assert_eq!(attribute(&form[0], "action").as_deref(), Some(redirect_uri));
    let mut fields = BTreeMap::new();
    for input in tags("input") {
        assert_eq!(attribute(&input, "type").as_deref(), Some("hidden"));
        let name = attribute(&input, " name").unwrap();
        let earlier = fields.insert(name.clone(), attribute(&input, "value").unwrap());
        assert_eq!(earlier, None, "{name} twice");
    }
    fields
}

fn unescaped(text: &str) -> String {
    let signs = [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
    signs.iter().fold(text.to_owned(), |text, (escaped, sign)| text.replace(escaped, sign))
}

/// The code of an error answer, however it travelled.
pub fn told_by(parameters: &BTreeMap<String, String>, issuer: &Url) -> String {
    check_members(parameters, issuer, &["iss", "state"]).name().to_owned()
}

fn check_members(members: &BTreeMap<String, String>, issuer: &Url, further: &[&str]) -> Code {
    let mut names = vec!["error", "error_code", "error_description", "error_ref", "error_uri"];
    names.extend(further);
    names.sort_unstable();
    assert_eq!(members.keys().map(String::as_str).collect::<Vec<_>>(), names);
    let code = Code::by_name(&members["error_code"]).expect("a code of the catalogue");
    assert_eq!(members["error"], code.oauth());
    // %x20-21 / %x23-5B / %x5D-7E
    let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    let description = &members["error_description"];
    assert!(!description.is_empty() && description.chars().all(allowed), "{description}");
    let issuer = issuer.as_str().trim_end_matches('/');
    assert_eq!(members["error_uri"], format!("{issuer}/errors/{}", code.name()));
    assert!(is_reference(&members["error_ref"]), "{}", members["error_ref"]);
    if let Some(iss) = members.get("iss") {
        assert_eq!(iss, issuer);
    }
    code
}

/// `XXXX-XXXX`, as people read it aloud.
pub fn is_reference(text: &str) -> bool {
    let sign = |b: u8| b.is_ascii_digit() || b.is_ascii_uppercase();
    text.len() == 9
        && text.bytes().enumerate().all(|(at, b)| if at == 4 { b == b'-' } else { sign(b) })
}
