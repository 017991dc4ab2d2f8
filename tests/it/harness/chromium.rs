//! A real Chromium without a window: its own profile, and a certificate store with the cards of a test.
//!
//! Nobody sits at its chooser of certificates. A setting of the profile, which enterprises set by the
//! policy `AutoSelectCertificateForUrls`, takes the first one that the server's hints leave; where they
//! leave none it sends none. Nothing of the machine is changed.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use siths_idp::dev::pki::Pki;
use siths_idp::dev::pki::card::P12_PASSWORD;
use tokio::sync::{Mutex, MutexGuard};
use url::Url;

const PROGRAMS: [&str; 4] = ["chromium", "chromedriver", "certutil", "pk12util"];

// Chromium wants a whole processor to itself.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// Whether the programs are installed. Where they are not, says on stderr that the test is skipped;
/// in continuous integration (`CI=true`) the test fails instead.
pub fn is_installed() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_found = |name: &&str| std::env::split_paths(&path).any(|dir| dir.join(name).is_file());
    let missing: Vec<&str> = PROGRAMS.into_iter().filter(|name| !is_found(name)).collect();
    if missing.is_empty() {
        return true;
    }
    let line = format!("not installed: {}; run tests/browser/install", missing.join(", "));
    assert!(!std::env::var("CI").is_ok_and(|ci| ci == "true"), "{line}");
    static TOLD: Once = Once::new();
    // Not by eprintln!, whose lines are shown of failed tests alone.
    TOLD.call_once(|| {
        let _ = writeln!(std::io::stderr(), "browser tests are skipped, {line}");
    });
    false
}

/// A browser under remote control. Dropping it ends it and removes its profile.
pub struct Chromium {
    session: Session,
    // Ended before its home is removed.
    _driver: Driver,
    home: Home,
    _turn: MutexGuard<'static, ()>,
}

impl Chromium {
    /// A Swedish browser which trusts the servers of the PKI, with the cards of these people.
    pub async fn start(pki: &Pki, cards: &[&str]) -> Self {
        let turn = ONE_AT_A_TIME.lock().await;
        let home = Home::create();
        home.nss("certutil", &["-N", "--empty-password"]);
        let web_ca = pki.web_ca_pem().to_str().unwrap();
        home.nss("certutil", &["-A", "-n", "web", "-t", "C,,", "-i", web_ca]);
        for person in cards {
            home.import(pki, person);
        }
        let driver = Driver::start(&home.0);
        let session = Session::open(driver.port, capabilities(&home.0)).await;
        Self { session, home, _driver: driver, _turn: turn }
    }

    /// Puts another card into the store while the browser runs.
    pub fn import(&self, pki: &Pki, person: &str) {
        self.home.import(pki, person);
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
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots");
        fs::create_dir_all(&folder).unwrap();
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
            fs::write(folder.join(format!("{name}-{width}.png")), picture).unwrap();
        }
        self.devtools("Emulation.clearDeviceMetricsOverride", json!({})).await;
    }

    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.session.post("goog/cdp/execute", body).await
    }
}

fn capabilities(home: &Path) -> Value {
    let profile = format!("--user-data-dir={}", home.join("profile").display());
    let automatic = json!({ "setting": { "filters": [{}] } });
    json!({
        "goog:chromeOptions": {
            "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
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
        "timeouts": { "pageLoad": 30_000 },
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
    fn start(home: &Path) -> Self {
        let mut child = Command::new("chromedriver")
            .arg("--port=0")
            .env("HOME", home)
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

/// The home folder of a browser; its certificate store lies where Chromium looks for it.
struct Home(PathBuf);

impl Home {
    fn create() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("browser-{}-{number}", std::process::id());
        let home = Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
        fs::create_dir_all(home.store()).unwrap();
        home
    }

    fn store(&self) -> PathBuf {
        self.0.join(".pki/nssdb")
    }

    fn import(&self, pki: &Pki, person: &str) {
        let person = pki.person(person).unwrap_or_else(|| panic!("nobody is {person}"));
        self.nss("pk12util", &["-i", person.p12.to_str().unwrap(), "-W", P12_PASSWORD]);
    }

    fn nss(&self, program: &str, arguments: &[&str]) {
        let store = format!("sql:{}", self.store().display());
        let done = Command::new(program)
            .args(["-d", &store])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // The browser's last processes may still be writing: what is left lies in the target folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}
