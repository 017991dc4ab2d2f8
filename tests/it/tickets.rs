//! What travels between the hosts: sealed, bound to a browser and a host, used once, and not for long.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use siths_idp::dev::browser::Browser;
use siths_idp::flow::login::{Login, Ticket};
use siths_idp::keys::{Purpose, Sealer};
use url::Url;

use crate::harness::site::SEALING_KEY;
use crate::harness::{TestIdp, page_code};

/// The address of the card host that a browser is sent to.
async fn begun(idp: &TestIdp, browser: &mut Browser) -> Url {
    begun_by(idp, browser).await.0
}

/// The same, with name and value of the cookie that binds the login to the browser.
async fn begun_by(idp: &TestIdp, browser: &mut Browser) -> (Url, (String, String)) {
    let answer = browser.get(&idp.authorize().url()).await.unwrap();
    let field = answer.headers["set-cookie"].to_str().unwrap();
    let (name, value) = field.split(';').next().unwrap().split_once('=').unwrap();
    (answer.location().unwrap(), (name.to_owned(), value.to_owned()))
}

/// The address that a judged login comes back to.
async fn judged(idp: &TestIdp, browser: &mut Browser) -> Url {
    judged_by(idp, browser).await.0
}

/// The same, with name and value of the cookie.
async fn judged_by(idp: &TestIdp, browser: &mut Browser) -> (Url, (String, String)) {
    let (card, cookie) = begun_by(idp, browser).await;
    (browser.get(&card).await.unwrap().location().unwrap(), cookie)
}

/// The sealed text in an address.
fn sealed(url: &Url) -> String {
    url.query_pairs().next().unwrap().1.into_owned()
}

fn with_ticket(idp: &TestIdp, ticket: &str) -> Url {
    idp.at(&format!("/resume?ticket={ticket}"))
}

async fn told(idp: &TestIdp, browser: &mut Browser, url: &Url) -> String {
    idp.walk(browser, url).await.error_code()
}

#[tokio::test]
async fn another_browser_gets_nothing_and_spends_nothing() {
    let idp = TestIdp::start().await;
    for holder in ["clinician", "expired"] {
        let mut owner = idp.browser(holder);
        let (resume, (name, value)) = judged_by(&idp, &mut owner).await;
        let before = idp.traces().await;
        let mut bare = idp.browser("clinician");
        assert_eq!(told(&idp, &mut bare, &resume).await, "login_lost");
        let mut other = idp.browser("clinician");
        begun(&idp, &mut other).await;
        assert_eq!(told(&idp, &mut other, &resume).await, "login_lost");
        // The name of the cookie is no secret, its value is.
        for forged in ["", "x", &"A".repeat(43)] {
            let field = format!("{name}={forged}");
            let request = idp.http().get(resume.clone()).header("cookie", field);
            let page = request.send().await.unwrap().text().await.unwrap();
            assert_eq!(page_code(&page).as_deref(), Some("login_lost"), "{forged}");
        }
        // Cookies that were blocked, or went with a closed browser.
        owner.forget(&name);
        assert_eq!(told(&idp, &mut owner, &resume).await, "login_lost");
        assert_eq!(idp.traces().await, before);

        // It is still the owner's.
        let field = format!("{name}={value}");
        let answer = idp.http().get(resume.clone()).header("cookie", field).send().await.unwrap();
        assert_eq!(answer.status() == 303, holder == "clinician");
        assert!(idp.traces().await > before);
    }
}

#[tokio::test]
async fn a_ticket_that_let_somebody_in_lets_nobody_in_again() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let (resume, (name, value)) = judged_by(&idp, &mut browser).await;
    assert!(idp.walk(&mut browser, &resume).await.parameters().contains_key("code"));
    let before = idp.traces().await;
    // Back and forward in the browser; and its cookie in the hands of another.
    assert_eq!(told(&idp, &mut browser, &resume).await, "login_replayed");
    let kept = idp.http().get(resume).header("cookie", format!("{name}={value}"));
    let page = kept.send().await.unwrap().text().await.unwrap();
    assert_eq!(page_code(&page).as_deref(), Some("login_replayed"));
    assert_eq!(idp.traces().await, before);
    assert_eq!(idp.count("select count(*) from codes").await, 1);
}

/// What twenty uses of a ticket at once are told: `true` where it is a code.
async fn twenty_at_once(idp: &TestIdp, resume: &Url, cookie: &str) -> Vec<String> {
    let uses = (0..20).map(|_| {
        // A client each: they would share a connection.
        let request = idp.http().get(resume.clone()).header("cookie", cookie).send();
        tokio::spawn(async move {
            let answer = request.await.unwrap();
            match answer.headers().get("location") {
                Some(location) => location.to_str().unwrap().contains("code=").to_string(),
                None => page_code(&answer.text().await.unwrap()).unwrap(),
            }
        })
    });
    let mut told = Vec::new();
    for used in uses.collect::<Vec<_>>() {
        told.push(used.await.unwrap());
    }
    told
}

#[tokio::test]
async fn twenty_readers_of_one_failure_are_told_the_same() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("expired");
    let (resume, (name, value)) = judged_by(&idp, &mut browser).await;
    let told = twenty_at_once(&idp, &resume, &format!("{name}={value}")).await;
    assert!(told.iter().all(|told| told == "certificate_expired"), "{told:?}");
    assert_eq!(idp.count("select count(*) from login_attempts").await, 1);
}

#[tokio::test]
async fn of_twenty_uses_at_once_one_gives_a_code() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let (resume, (name, value)) = judged_by(&idp, &mut browser).await;
    let cookie = format!("{name}={value}");
    let told = twenty_at_once(&idp, &resume, &cookie).await;
    assert_eq!(told.iter().filter(|told| *told == "true").count(), 1, "{told:?}");
    assert_eq!(told.iter().filter(|told| *told == "login_replayed").count(), 19, "{told:?}");
    let rows = "select (select count(*) from codes) * 100 + (select count(*) from sessions) * 10
        + (select count(*) from audit_events where event = 'login.succeeded')";
    assert_eq!(idp.count(rows).await, 111);
}

#[tokio::test]
async fn an_altered_or_cut_or_foreign_ticket_is_lost() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let resume = judged(&idp, &mut browser).await;
    let ticket = sealed(&resume);
    let bytes = URL_SAFE_NO_PAD.decode(&ticket).unwrap();
    let stride = bytes.len() / 40;
    let altered = (0..bytes.len()).step_by(stride).map(|at| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        URL_SAFE_NO_PAD.encode(bytes)
    });
    let cut = [0, 1, 5, 17, ticket.len() / 2, ticket.len() - 1].map(|at| ticket[..at].to_owned());
    for bad in altered.chain(cut).chain([format!("{ticket}A"), format!("{ticket}&ticket=x")]) {
        let url = with_ticket(&idp, &bad);
        assert_eq!(told(&idp, &mut browser, &url).await, "login_lost", "{bad}");
    }
    assert_eq!(told(&idp, &mut browser, &idp.at("/resume")).await, "login_lost");

    // What another installation would seal.
    let judged: Ticket =
        Sealer::new(&SEALING_KEY).open_value(Purpose::Ticket, &ticket).expect("our own ticket");
    let foreign = Sealer::new(&[8; 32]).seal_value(Purpose::Ticket, &judged).unwrap();
    let url = with_ticket(&idp, &foreign);
    assert_eq!(told(&idp, &mut browser, &url).await, "login_lost");
    assert_eq!(idp.traces().await, 0);
    assert!(idp.walk(&mut browser, &resume).await.parameters().contains_key("code"));
}

#[tokio::test]
async fn a_login_is_no_ticket_and_a_ticket_no_login() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let card = begun(&idp, &mut browser).await;
    let login = sealed(&card);
    let ticket = sealed(&browser.get(&card).await.unwrap().location().unwrap());

    let url = with_ticket(&idp, &login);
    assert_eq!(told(&idp, &mut browser, &url).await, "login_lost");
    let again = idp.at(&format!("/again?login={ticket}"));
    assert_eq!(told(&idp, &mut browser, &again).await, "login_lost");
    let mut at_card = card.clone();
    at_card.set_query(Some(&format!("login={ticket}")));
    assert_eq!(told(&idp, &mut browser, &at_card).await, "login_lost");
    assert_eq!(idp.traces().await, 0);
}

#[tokio::test]
async fn a_login_is_judged_on_its_own_host_alone() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let card = begun(&idp, &mut browser).await;
    for host in ["card.idp.localhost", "other.card.idp.localhost"] {
        let mut elsewhere = card.clone();
        elsewhere.set_host(Some(host)).unwrap();
        assert_eq!(told(&idp, &mut browser, &elsewhere).await, "login_lost", "{host}");
    }
    let mut none = card.clone();
    none.set_query(None);
    assert_eq!(told(&idp, &mut browser, &none).await, "login_lost");
    assert_eq!(idp.traces().await, 0);
    assert!(idp.walk(&mut browser, &card).await.parameters().contains_key("code"));
}

#[tokio::test]
async fn a_ticket_lives_a_minute() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let late = judged(&idp, &mut browser).await;
    idp.advance(61);
    let walk = idp.walk(&mut browser, &late).await;
    assert_eq!(walk.error_code(), "login_expired");
    assert!(walk.link(idp.at("/again").as_str()).is_some());
    assert_eq!(idp.count("select count(*) from codes").await, 0);
    let in_time = judged(&idp, &mut browser).await;
    idp.advance(60);
    assert!(idp.walk(&mut browser, &in_time).await.parameters().contains_key("code"));
}

#[tokio::test]
async fn a_login_lives_ten_minutes() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let late = begun(&idp, &mut browser).await;
    idp.advance(601);
    assert_eq!(told(&idp, &mut browser, &late).await, "login_expired");
    assert_eq!(idp.count("select count(*) from codes").await, 0);
    let in_time = begun(&idp, &mut browser).await;
    idp.advance(600);
    assert!(idp.walk(&mut browser, &in_time).await.parameters().contains_key("code"));
}

#[tokio::test]
async fn a_page_that_is_reloaded_is_the_same_and_is_written_once() {
    let idp = TestIdp::start().await;
    for name in ["expired", "wrong-certificate"] {
        idp.sql("delete from login_attempts").await;
        let mut browser = idp.browser(name);
        let resume = judged(&idp, &mut browser).await;
        let facts = |html: &str| {
            let (_, reference) = html.split_once("translate=\"no\">").unwrap();
            let reference = reference.split('<').next().unwrap().to_owned();
            (page_code(html).unwrap(), reference)
        };
        let first = browser.get(&resume).await.unwrap();
        let events = idp.count("select count(*) from audit_events").await;
        // Also when the ticket is over.
        for seconds in [0, 30, 120] {
            idp.advance(seconds);
            let again = browser.get(&resume).await.unwrap();
            assert_eq!(again.status, first.status);
            assert_eq!(facts(&again.body), facts(&first.body));
        }
        assert_eq!(idp.attempts().await, 1);
        assert_eq!(idp.count("select count(*) from audit_events").await, events);
    }
}

#[tokio::test]
async fn a_refusal_that_the_relying_party_was_told_is_told_again_the_same() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("unknown");
    let resume = judged(&idp, &mut browser).await;
    let first = browser.get(&resume).await.unwrap().location().unwrap();
    assert_eq!(browser.get(&resume).await.unwrap().location().unwrap(), first);
    assert_eq!(idp.attempts().await, 1);
}

#[tokio::test]
async fn a_login_under_way_holds_no_cookie_and_no_address_that_tells_who() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let walk = idp.walk(&mut browser, &idp.authorize().url()).await;
    for answer in &walk.0 {
        for secret in ["SE2321000222", "Testsson"] {
            assert!(!answer.url.as_str().contains(secret));
            assert!(!format!("{:?}", answer.headers).contains(secret));
        }
    }
    let login: Login = Sealer::new(&SEALING_KEY)
        .open_value(Purpose::Login, &sealed(&walk.0[1].url))
        .expect("a sealed login");
    let field = walk.0[0].headers["set-cookie"].to_str().unwrap();
    let cookie = field.split(';').next().unwrap().split_once('=').unwrap().1;
    // The cookie itself is not in it: an address that leaks does not bring its browser along.
    assert!(!serde_json::to_string(&login).unwrap().contains(cookie));
}
