//! A real Chromium: its own profile, and a certificate store with the cards of a test.
//!
//! Without a window nobody sits at its chooser of certificates: a setting of the profile, which
//! enterprises set by the policy `AutoSelectCertificateForUrls`, takes the first one that the server's
//! hints leave; where they leave none it sends none. In a window, on a screen that nobody sees, the
//! chooser opens, and keys are pressed in it. Nothing of the machine is changed.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use siths_idp::dev::pki::{IssuerName, Pki};
use tokio::sync::MutexGuard;
use tokio::time::Instant;
use url::Url;

use super::display::{self, Display};
use super::person::Person;
use super::store::{Home, ONE_AT_A_TIME, are_installed, picture_file};
use super::token::{self, Token};

const PROGRAMS: [&str; 4] = ["chromium", "chromedriver", "certutil", "pk12util"];

/// Whether Chromium can be driven here.
pub fn is_installed() -> bool {
    are_installed(&PROGRAMS)
}

/// Whether Chromium and its chooser can be driven here.
pub fn is_installed_with_a_screen() -> bool {
    are_installed(&PROGRAMS) && are_installed(&display::PROGRAMS)
}

/// Whether Chromium and a card reader can be driven here.
pub fn is_installed_with_a_reader() -> bool {
    is_installed_with_a_screen() && are_installed(&token::PROGRAMS)
}

/// A browser under remote control. Dropping it ends it and removes its profile.
pub struct Chromium {
    session: Session,
    // Ended before its home is removed.
    _driver: Driver,
    display: Option<Display>,
    home: Home,
    _turn: MutexGuard<'static, ()>,
}

/// A spot of the page, whose pages are all bright: dark while a dialog lies over it.
const PAGE: (u16, u16) = (20, 600);

impl Chromium {
    /// A Swedish browser without a window which trusts the servers of the PKI, with the cards of these
    /// people.
    pub async fn start(pki: &Pki, cards: &[&str]) -> Self {
        let browser = Self::start_on(None, pki, None).await;
        for person in cards {
            browser.import(pki, person);
        }
        browser
    }

    /// The same with a window, and without cards.
    pub async fn start_in_a_window(pki: &Pki) -> Self {
        Self::start_on(Some(Display::start()), pki, None).await
    }

    /// The same with a card reader.
    pub async fn start_with_a_reader(pki: &Pki, reader: &Token) -> Self {
        Self::start_on(Some(Display::start()), pki, Some(reader)).await
    }

    async fn start_on(display: Option<Display>, pki: &Pki, reader: Option<&Token>) -> Self {
        let turn = ONE_AT_A_TIME.lock().await;
        let home = Home::create(".pki/nssdb", pki);
        if reader.is_some() {
            home.connect();
        }
        let driver = Driver::start(&home.folder, display.as_ref(), reader);
        let session =
            Session::open(driver.port, capabilities(&home.folder, display.is_some())).await;
        Self { session, home, display, _driver: driver, _turn: turn }
    }

    /// Puts another card into the store while the browser runs.
    pub fn import(&self, pki: &Pki, person: &str) {
        let person = pki.person(person).unwrap_or_else(|| panic!("nobody is {person}"));
        self.home.insert(&person.p12);
    }

    pub async fn open(&self, address: &str) {
        self.session.post("url", json!({ "url": address })).await;
    }

    /// Presses the button with this label, and waits for the page that it leads to.
    pub async fn press(&self, label: &str) {
        let link = self.session.element("link text", label).await;
        self.session.post(&format!("element/{link}/click"), json!({})).await;
    }

    pub async fn reload(&self) {
        self.session.post("refresh", json!({})).await;
    }

    pub async fn back(&self) {
        self.session.post("back", json!({})).await;
    }

    /// What a person reads.
    pub async fn text(&self) -> String {
        self.text_of("body").await
    }

    pub async fn heading(&self) -> String {
        self.text_of("h1").await
    }

    async fn text_of(&self, selector: &str) -> String {
        let element = self.session.element("css selector", selector).await;
        text(&self.session.get(&format!("element/{element}/text")).await)
    }

    pub async fn html(&self) -> String {
        text(&self.session.get("source").await)
    }

    /// The hosts of the addresses that were asked for as pages since the last call, redirects too.
    pub async fn hosts_visited(&self) -> Vec<String> {
        let entries = self.session.post("se/log", json!({ "type": "performance" })).await;
        let messages = entries.as_array().unwrap().iter().map(|entry| {
            let message: Value = serde_json::from_str(entry["message"].as_str().unwrap()).unwrap();
            message["message"].clone()
        });
        let is_page = |message: &Value| {
            message["method"] == "Network.requestWillBeSent"
                && message["params"]["type"] == "Document"
        };
        let address = |message: Value| message["params"]["request"]["url"].as_str()?.parse().ok();
        let host = |url: Url| Some(url.host_str()?.to_owned());
        messages.filter(is_page).filter_map(address).filter_map(host).collect()
    }

    /// Every address that was asked for since the last look into the log, whatever for.
    pub async fn addresses_asked(&self) -> Vec<Url> {
        let entries = self.session.post("se/log", json!({ "type": "performance" })).await;
        let sent = entries.as_array().unwrap().iter().filter_map(|entry| {
            let message: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
            let message = &message["message"];
            let is_sent = message["method"] == "Network.requestWillBeSent";
            is_sent.then(|| message["params"]["request"]["url"].as_str()?.parse().ok()).flatten()
        });
        sent.collect()
    }

    /// What a script of a test finds on the page; the page itself has none.
    pub async fn find(&self, script: &str) -> Value {
        self.session.post("execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// Pictures of the whole page as a telephone and as a screen show it, below `screenshots` of the
    /// target folder.
    pub async fn picture(&self, name: &str) {
        for width in [390, 768, 1280] {
            let size = |height| json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
            self.devtools("Emulation.setDeviceMetricsOverride", size(800)).await;
            let script = "return document.documentElement.scrollHeight";
            let script = json!({ "script": script, "args": [] });
            let height = self.session.post("execute/sync", script).await;
            self.devtools("Emulation.setDeviceMetricsOverride", size(height.as_u64().unwrap()))
                .await;
            let picture = self.devtools("Page.captureScreenshot", json!({})).await;
            let picture = STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
            fs::write(picture_file(&format!("{name}-{width}")), picture).unwrap();
        }
        self.devtools("Emulation.clearDeviceMetricsOverride", json!({})).await;
    }

    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.session.post("goog/cdp/execute", body).await
    }
}

impl Person for Chromium {
    fn reader(&self) -> &Home {
        &self.home
    }

    async fn open(&self, address: &str) {
        Self::open(self, address).await;
    }

    async fn press(&self, label: &str) {
        Self::press(self, label).await;
    }

    // The window tells nothing of what it offers, but it has an order: certificates that are valid
    // longer come first. What was taken shows.
    async fn press_and_choose(
        &self,
        label: &str,
        offered: &[IssuerName],
        takes: Option<IssuerName>,
        picture: &str,
    ) {
        let at = takes.map(|name| offered.iter().position(|offered| *offered == name).unwrap());
        let keys = match at {
            None => vec!["Escape"],
            Some(0) => vec!["Home", "Return"],
            Some(at) if at + 1 == offered.len() => vec!["End", "Return"],
            Some(_) => panic!("the first or the last"),
        };
        // The driver answers the click when the page that it leads to is there.
        tokio::join!(Self::press(self, label), self.answer(&keys, picture));
    }

    async fn heading(&self) -> String {
        Self::heading(self).await
    }

    async fn html(&self) -> String {
        Self::html(self).await
    }

    async fn picture(&self, name: &str) {
        self.screen().picture(&picture_file(&format!("chromium-{name}"))).await;
    }
}

impl Chromium {
    /// Presses a button, types the PIN, takes the only certificate that is offered then, and waits for
    /// the page.
    pub async fn press_and_unlock(&self, label: &str) {
        let answer = async {
            self.screen().unlock().await;
            self.answer(&["Return"], "reader").await;
        };
        tokio::join!(Self::press(self, label), answer);
    }

    fn screen(&self) -> &Display {
        self.display.as_ref().expect("a window")
    }

    /// Waits for the chooser, presses keys in it, and waits for it to go.
    async fn answer(&self, keys: &[&str], picture: &str) {
        self.until_dialog(true).await;
        Person::picture(self, picture).await;
        self.screen().press(keys).await;
        self.until_dialog(false).await;
    }

    async fn until_dialog(&self, is_there: bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while (self.screen().brightness(PAGE.0, PAGE.1).await < 160) != is_there {
            if Instant::now() > deadline {
                Person::picture(self, "failed").await;
                panic!("no dialog, or one that stays: see the picture chromium-failed");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn capabilities(home: &Path, in_a_window: bool) -> Value {
    let profile = format!("--user-data-dir={}", home.join("profile").display());
    let (window, automatic) = if in_a_window {
        (["--window-size=1200,850", "--window-position=0,0"], json!({}))
    } else {
        (["--headless", "--mute-audio"], json!({ "setting": { "filters": [{}] } }))
    };
    json!({
        "goog:chromeOptions": {
            "args": [
                window[0], window[1], "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", profile,
            ],
            "prefs": {
                "intl.accept_languages": "sv",
                "profile.content_settings.exceptions.auto_select_certificate":
                    { "https://[*.]card.idp.localhost,*": automatic },
            },
        },
        "goog:loggingPrefs": { "performance": "ALL" },
        "timeouts": { "pageLoad": 90_000 },
    })
}

/// A session of WebDriver (W3C Recommendation of 5 June 2018): the few commands that are needed here.
struct Session {
    http: reqwest::Client,
    address: String,
}

impl Session {
    async fn open(port: u16, capabilities: Value) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut session = Self { http, address: format!("http://127.0.0.1:{port}") };
        let wanted = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let opened = session.post("session", wanted).await;
        session.address = format!("{}/session/{}", session.address, text(&opened["sessionId"]));
        session
    }

    async fn element(&self, strategy: &str, value: &str) -> String {
        let found = self.post("element", json!({ "using": strategy, "value": value })).await;
        // §11: "web element identifier".
        text(&found["element-6066-11e4-a52e-4f735466cecf"])
    }

    async fn get(&self, command: &str) -> Value {
        self.send(self.http.get(format!("{}/{command}", self.address))).await
    }

    async fn post(&self, command: &str, body: Value) -> Value {
        self.send(self.http.post(format!("{}/{command}", self.address)).json(&body)).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Value {
        let mut answer: Value = request.send().await.unwrap().json().await.unwrap();
        let value = answer["value"].take();
        assert!(value["error"].is_null(), "{}: {}", value["error"], value["message"]);
        value
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// chromedriver with the browser that it starts: one process group.
struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    fn start(home: &Path, display: Option<&Display>, reader: Option<&Token>) -> Self {
        let mut child = Command::new("chromedriver")
            .arg("--port=0")
            .env("HOME", home)
            .env("DISPLAY", display.map_or("", |display| &display.name))
            .envs(reader.map(|reader| ("SOFTHSM2_CONF", &reader.settings)))
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.ok()?;
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse().ok()
        });
        // Read on, so that it never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        let mut driver = Self { child, port: 0 };
        driver.port = port.expect("chromedriver says its port");
        driver
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}
