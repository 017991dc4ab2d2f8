//! Logging out, as a relying party and a person do it.

use serde_json::Value;
use siths_idp::dev::browser::{Browser, Response};
use siths_idp::flow::answer::SESSION_COOKIE;
use url::Url;

use super::{Authorize, TestIdp};

/// The `post_logout_redirect_uri` of `demo-symfoni`.
pub const LEFT_URI: &str = "https://rp.localhost/left?x=%2f";

impl TestIdp {
    /// `demo-symfoni`, with an address to come back to.
    pub async fn register_return(&self) {
        self.register(|client| {
            client.metadata.post_logout_redirect_uris.insert(LEFT_URI.to_owned());
        })
        .await;
    }

    /// The tokens of a login in a browser.
    pub async fn log_in_by(&self, browser: &mut Browser, request: &Authorize) -> Value {
        let code = self.code(browser, request).await;
        self.tokens(&self.token_request(&code)).await
    }

    /// The logout endpoint with parameters.
    pub fn logout(&self, parameters: &[(&str, &str)]) -> Url {
        let mut url = self.at("/logout");
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        url
    }

    /// Whether a session of the browser answers without a card.
    pub async fn is_logged_in(&self, browser: &mut Browser) -> bool {
        let silent = self.authorize().set("prompt", "none");
        let told = self.walk(browser, &silent.url()).await.parameters();
        assert!(told.contains_key("code") || told["error_code"] == "login_required", "{told:?}");
        told.contains_key("code")
    }
}

/// The `id_token` of a token answer.
pub fn id_token(tokens: &Value) -> &str {
    tokens["id_token"].as_str().unwrap()
}

/// The `sid` of a token answer.
pub fn sid(tokens: &Value) -> Value {
    crate::token::claims(id_token(tokens))["sid"].clone()
}

/// What the form of a page asks to be sent back, where it is a page that asks.
pub fn question(answer: &Response) -> Option<String> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let (_, rest) = answer.body.split_once(r#"name="logout" value=""#)?;
    Some(rest.split('"').next().unwrap().to_owned())
}

/// Whether the browser was told to forget its session.
pub fn forgets_the_session(answer: &Response) -> bool {
    let fields = answer.headers.get_all("set-cookie").iter();
    let expected = format!("{SESSION_COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
    fields.into_iter().any(|field| field == expected.as_str())
}
