//! Relying parties on other people's libraries: whatever they check of an answer, they check.
//!
//! The browser is ours, with a card in its reader; discovery, the request, the exchange of the code and
//! the verification of tokens are theirs.

mod further;
mod logout;
mod refresh;
mod rust;

use serde_json::{Value, json};
use siths_idp::dev::browser::Browser;
use siths_idp::keys::SigningAlg;
use siths_idp::oidc::client::{AuthMethod, Client, ClientAuthentication};
use siths_idp::secret::sha256;

use crate::harness::answer::posted;
use crate::harness::apache_site::{self, ApacheSite};
use crate::harness::assertion::p256;
use crate::harness::library::{Library, Party};
use crate::harness::{CLIENT_SECRET, REDIRECT_URI, TestIdp};

/// What everybody asks for.
const SCOPE: &str = "openid profile employeeHsaId systemRole";
/// How they prove who they are; the others are of TLS, or no proof.
const METHODS: [AuthMethod; 3] =
    [AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost, AuthMethod::PrivateKeyJwt];
const SECRET_BY_BASIC: &str =
    "OIDCProviderTokenEndpointAuth client_secret_basic\nOIDCClientSecret @SECRET@";
const SECRET_BY_POST: &str =
    "OIDCProviderTokenEndpointAuth client_secret_post\nOIDCClientSecret @SECRET@";

/// A relying party on a library that is registered, and has fetched discovery.
async fn party(
    idp: &TestIdp,
    library: Library,
    method: AuthMethod,
    edit: impl FnOnce(&mut Client),
) -> Party {
    party_using(idp, (library, method), &[], edit).await
}

/// The same, with parts of the protocol that its library is told to use.
async fn party_using(
    idp: &TestIdp,
    (library, method): (Library, AuthMethod),
    uses: &[&str],
    edit: impl FnOnce(&mut Client),
) -> Party {
    let id = format!("{library:?}-{}", method.name());
    let client = idp
        .register(|client| {
            client.id = id;
            authenticate(client, method);
            edit(client);
        })
        .await;
    let mut party = library.start(idp);
    let mut settings = settings(idp, library, &client);
    if !uses.is_empty() {
        settings["uses"] = json!(uses);
    }
    let metadata = party.done("discover", settings).await;
    assert_eq!(metadata["issuer"], idp.config.issuer_identifier());
    party
}

fn authenticate(client: &mut Client, method: AuthMethod) {
    let hash = sha256(CLIENT_SECRET.as_bytes());
    match method {
        AuthMethod::ClientSecretBasic => {
            client.authentication = ClientAuthentication::SecretBasic { hash };
        }
        AuthMethod::ClientSecretPost => {
            client.authentication = ClientAuthentication::SecretPost { hash };
        }
        AuthMethod::PrivateKeyJwt => p256().register(client),
        other => panic!("{other:?}"),
    }
}

/// What a relying party is told of itself.
fn settings(idp: &TestIdp, library: Library, client: &Client) -> Value {
    let method = client.authentication.method();
    let mut settings = json!({
        "issuer": idp.config.issuer_identifier(),
        "client_id": client.id,
        "method": method.name(),
        "redirect_uri": client.redirect_uris[0],
    });
    match method {
        AuthMethod::PrivateKeyJwt => settings["key"] = p256().pem.clone().into(),
        _ => settings["secret"] = CLIENT_SECRET.into(),
    }
    match library {
        Library::OpenidClient => settings["algorithm"] = client.signing_alg.name().into(),
        Library::Authlib => settings["scope"] = SCOPE.into(),
    }
    settings
}

/// Logs somebody in: what the library told of the callback.
async fn logged_in(idp: &TestIdp, party: &mut Party, person: &str) -> Result<Value, Value> {
    logged_in_by(idp, party, &mut idp.browser(person)).await
}

/// The same, in a browser that stays.
async fn logged_in_by(
    idp: &TestIdp,
    party: &mut Party,
    browser: &mut Browser,
) -> Result<Value, Value> {
    let url = party.done("begin", json!({ "parameters": { "scope": SCOPE } })).await;
    let url = url.as_str().unwrap().parse().unwrap();
    let callback = idp.walk(browser, &url).await.callback();
    assert!(callback.as_str().starts_with(REDIRECT_URI));
    party.ask("callback", json!({ "url": callback })).await
}

/// By code with PKCE, state and nonce, by every method of client authentication, ending in UserInfo.
async fn logs_in(library: Library) {
    if !library.is_installed() {
        return;
    }
    let idp = TestIdp::start().await;
    for method in METHODS {
        let mut party = party(&idp, library, method, |_| {}).await;
        let told = logged_in(&idp, &mut party, "clinician").await;
        let told = told.unwrap_or_else(|failed| panic!("{library:?} {method:?}: {failed}"));
        let claims = &told["claims"];
        assert_eq!(claims["name"], "Anna Testsson", "{library:?} {method:?}");
        assert_eq!(claims["employeeHsaId"], "SE2321000222-DEV1");
        assert_eq!(claims["acr"], "http://id.sambi.se/loa/loa3");
        let user_info = party.step("user_info").await;
        assert_eq!(user_info["sub"], claims["sub"]);
        assert_eq!(user_info["systemRole"], claims["systemRole"]);
    }
}

#[tokio::test]
async fn openid_client_logs_in() {
    logs_in(Library::OpenidClient).await;
}

#[tokio::test]
async fn authlib_logs_in() {
    logs_in(Library::Authlib).await;
}

/// Every algorithm that ID tokens are signed with.
async fn verifies_each_algorithm(library: Library) {
    if !library.is_installed() {
        return;
    }
    let idp = TestIdp::start().await;
    for algorithm in SigningAlg::ALL {
        let method = AuthMethod::ClientSecretBasic;
        let mut party = party(&idp, library, method, |client| client.signing_alg = algorithm).await;
        let told = logged_in(&idp, &mut party, "clinician").await;
        told.unwrap_or_else(|failed| panic!("{library:?} {algorithm:?}: {failed}"));
    }
}

#[tokio::test]
async fn openid_client_verifies_each_algorithm() {
    verifies_each_algorithm(Library::OpenidClient).await;
}

#[tokio::test]
async fn authlib_verifies_each_algorithm() {
    verifies_each_algorithm(Library::Authlib).await;
}

/// Errors reach whoever wrote the relying party by the library's own means.
async fn tells_what_failed(library: Library) {
    if !library.is_installed() {
        return;
    }
    let idp = TestIdp::start().await;
    let mut party = party(&idp, library, AuthMethod::ClientSecretBasic, |_| {}).await;

    // An error redirect (RFC 6749 §4.1.2.1).
    let failed = logged_in(&idp, &mut party, "unknown").await.unwrap_err();
    assert_eq!(failed["error"], "access_denied", "{library:?}: {failed}");
    assert!(failed["error_description"].as_str().is_some_and(|text| !text.is_empty()));
    if library == Library::OpenidClient {
        assert_eq!(failed["error_code"], "user_unknown");
        assert_eq!(failed["iss"], idp.config.issuer_identifier());
    }

    // A JSON error of the token endpoint (RFC 6749 §5.2).
    let url = party.done("begin", json!({ "parameters": { "scope": SCOPE } })).await;
    let url = url.as_str().unwrap().parse().unwrap();
    let callback = idp.walk(&mut idp.browser("clinician"), &url).await.callback();
    idp.advance(61);
    let failed = party.fails("callback", json!({ "url": callback })).await;
    assert_eq!(failed["error"], "invalid_grant", "{library:?}: {failed}");
    if library == Library::OpenidClient {
        assert_eq!(failed["error_code"], "code_expired");
    }
}

#[tokio::test]
async fn openid_client_tells_what_failed() {
    tells_what_failed(Library::OpenidClient).await;
}

#[tokio::test]
async fn authlib_tells_what_failed() {
    tells_what_failed(Library::Authlib).await;
}

/// An answer that was meant for another login, or comes from another issuer (RFC 9207), is noticed.
#[tokio::test]
async fn openid_client_notices_an_answer_of_another_issuer_or_login() {
    let library = Library::OpenidClient;
    if !library.is_installed() {
        return;
    }
    let idp = TestIdp::start().await;
    let mut party = party(&idp, library, AuthMethod::ClientSecretBasic, |_| {}).await;
    for (name, value) in [("iss", "https://idp.attacker.example"), ("state", "another")] {
        let url = party.done("begin", json!({ "parameters": { "scope": SCOPE } })).await;
        let url = url.as_str().unwrap().parse().unwrap();
        let mut callback = idp.walk(&mut idp.browser("clinician"), &url).await.callback();
        let kept: Vec<_> = callback.query_pairs().into_owned().filter(|(n, _)| n != name).collect();
        callback.query_pairs_mut().clear().extend_pairs(kept).append_pair(name, value);
        let failed = party.fails("callback", json!({ "url": callback })).await;
        assert!(failed["cause"].as_str().unwrap().contains("unexpected"), "{name}: {failed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mod_auth_openidc_logs_in() {
    if !apache_site::is_installed() {
        return;
    }
    let idp = TestIdp::start().await;
    let site = ApacheSite::start(&idp, SECRET_BY_BASIC, |_, _| {}).await;
    let mut browser = idp.browser("clinician");
    let answers = browser.follow(&site.at("page"), |_| false).await.unwrap();
    let page = answers.last().unwrap();
    let log = || site.running.log();
    assert_eq!((page.status, page.body.as_str()), (200, "this is page"), "{}", log());
    assert_eq!(page.headers["x-name"], "Anna Testsson", "{}", log());
    assert_eq!(page.headers["x-hsa-id"], "SE2321000222-DEV1");
    assert_eq!(page.headers["x-acr"], "http://id.sambi.se/loa/loa3");
    // It asked for PKCE by S256, state and nonce.
    let asked = answers.iter().find(|answer| answer.url.path() == "/authorize").unwrap();
    let asked: Vec<String> = asked.url.query_pairs().map(|(name, _)| name.into_owned()).collect();
    for name in ["code_challenge", "code_challenge_method", "state", "nonce"] {
        assert!(asked.iter().any(|found| found == name), "{name} in {asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mod_auth_openidc_authenticates_by_secret_in_the_form() {
    if !apache_site::is_installed() {
        return;
    }
    let idp = TestIdp::start().await;
    let method = AuthMethod::ClientSecretPost;
    let register = |client: &mut Client, _: &_| authenticate(client, method);
    // By a key it does not: the version that Debian 12 has ends by SIGSEGV.
    let site = ApacheSite::start(&idp, SECRET_BY_POST, register).await;
    let mut browser = idp.browser("clinician");
    let answers = browser.follow(&site.at("page"), |_| false).await.unwrap();
    assert_eq!(answers.last().unwrap().status, 200, "{}", site.running.log());
}

/// Before 2.4.13 it takes an error redirect with `iss` (RFC 9207) for somebody who wants to log in
/// (OpenID Connect Core 1.0 §4); posted by a form it is an error.
#[tokio::test(flavor = "multi_thread")]
async fn mod_auth_openidc_is_told_by_a_form_what_failed() {
    if !apache_site::is_installed() {
        return;
    }
    let idp = TestIdp::start().await;
    let further = format!("{SECRET_BY_BASIC}\nOIDCResponseMode form_post");
    let site = ApacheSite::start(&idp, &further, |_, _| {}).await;
    let callback = site.at("callback");
    for (person, told) in [("clinician", "this is page"), ("unknown", "access_denied")] {
        let mut browser = idp.browser(person);
        let answers = browser.follow(&site.at("page"), |_| false).await.unwrap();
        let form = posted(answers.last().unwrap(), callback.as_str());
        let form: Vec<_> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let mut page = browser.post(&callback, &form).await.unwrap();
        if let Some(location) = page.location() {
            page = browser.get(&location).await.unwrap();
        }
        assert!(page.body.contains(told), "{person}: {} {}", page.status, page.body);
    }
}
