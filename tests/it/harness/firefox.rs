//! A real Firefox, driven by Marionette, the protocol that it speaks itself: its own profile, and a
//! certificate store with the cards of a test.
//!
//! The chooser of certificates is a page of the browser's own, read and pressed like any other.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use siths_idp::dev::pki::{IssuerName, Pki};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, timeout};

use super::display::{self, Display};
use super::person::Person;
use super::store::{Home, ONE_AT_A_TIME, are_installed, picture_file};
use super::token::{self, Token};

const PROGRAMS: [&str; 3] = ["firefox-esr", "certutil", "pk12util"];

/// How long anything is waited for.
const LONG: Duration = Duration::from_secs(90);

/// Nothing is fetched that no test asks for, and nothing is asked but for certificates.
const PREFERENCES: &[(&str, &str)] = &[
    ("marionette.port", "0"),
    ("intl.accept_languages", "\"sv\""),
    ("app.normandy.enabled", "false"),
    ("app.update.disabledForTesting", "true"),
    ("browser.backup.enabled", "false"),
    ("browser.newtabpage.enabled", "false"),
    ("browser.region.update.enabled", "false"),
    ("browser.safebrowsing.update.enabled", "false"),
    ("browser.search.update", "false"),
    ("browser.shell.checkDefaultBrowser", "false"),
    ("browser.startup.homepage", "\"about:blank\""),
    ("datareporting.policy.dataSubmissionEnabled", "false"),
    ("extensions.update.enabled", "false"),
    ("messaging-system.rsexperimentloader.enabled", "false"),
    ("network.captive-portal-service.enabled", "false"),
    ("network.connectivity-service.enabled", "false"),
    ("services.settings.server", "\"data:,#remote-settings-dummy/v1\""),
];

/// What is going on: which document is shown, and what the chooser offers where there is one.
const STATE: &str = r#"
    const browser = Services.wm.getMostRecentWindow("navigator:browser").gBrowser;
    const shown = browser.selectedBrowser;
    const dialogs = browser.getTabDialogBox(shown).getTabDialogManager()._dialogs;
    const chooser = dialogs.map(one => one.frameContentWindow)
        .find(one => one?.location.href.endsWith("/clientauthask.xhtml"));
    const told = chooser?.document.getElementById("clientAuthCertDetailsIssuedBy")?.textContent;
    const isReady = chooser?.certArray && told;
    return {
        // There is none while the browser changes processes.
        document: shown.innerWindowID ?? 0,
        address: shown.documentURI?.spec ?? "",
        loading: !shown.documentURI || shown.webProgress.isLoadingDocument,
        chooser: chooser ? isReady ? chooser.certArray.map(one => one.issuerCommonName) : [] : null,
    };
"#;

/// Takes a certificate of the chooser, by its place, or cancels.
const CHOOSE: &str = r#"
    const [place] = arguments;
    const browser = Services.wm.getMostRecentWindow("navigator:browser").gBrowser;
    const dialogs = browser.getTabDialogBox(browser.selectedBrowser).getTabDialogManager()._dialogs;
    const {document} = dialogs[0].frameContentWindow;
    if (place !== null) document.getElementById("nicknames").selectedIndex = place;
    const button = place === null ? "cancel" : "accept";
    document.getElementById("certAuthAsk").getButton(button).click();
"#;

/// Whether Firefox can be driven here.
pub fn is_installed() -> bool {
    are_installed(&PROGRAMS)
}

/// Whether Firefox and a card reader can be driven here.
pub fn is_installed_with_a_reader() -> bool {
    is_installed() && are_installed(&display::PROGRAMS) && are_installed(&token::PROGRAMS)
}

/// A browser under remote control. Dropping it ends it and removes its profile.
pub struct Firefox {
    wire: Mutex<Wire>,
    // Ended before its home is removed.
    _process: Process,
    display: Option<Display>,
    home: Home,
    _turn: MutexGuard<'static, ()>,
}

struct State {
    document: u64,
    address: String,
    is_loading: bool,
    /// The names of the issuers in the order of the chooser, where there is one.
    chooser: Option<Vec<String>>,
}

impl Firefox {
    /// A Swedish browser which trusts the servers of the PKI, without cards, with settings of the
    /// test's besides.
    pub async fn start(pki: &Pki, preferences: &[(&str, &str)]) -> Self {
        Self::start_on(None, pki, preferences, None).await
    }

    /// The same in a window, and with a card reader.
    pub async fn start_with_a_reader(pki: &Pki, reader: &Token) -> Self {
        Self::start_on(Some(Display::start()), pki, &[], Some(reader)).await
    }

    async fn start_on(
        display: Option<Display>,
        pki: &Pki,
        preferences: &[(&str, &str)],
        reader: Option<&Token>,
    ) -> Self {
        let turn = ONE_AT_A_TIME.lock().await;
        let home = Home::create("profile", pki);
        if reader.is_some() {
            home.connect();
        }
        let profile = home.folder.join("profile");
        let lines = PREFERENCES.iter().chain(preferences);
        let lines = lines.map(|(name, value)| format!("user_pref(\"{name}\", {value});\n"));
        fs::write(profile.join("user.js"), lines.collect::<String>()).unwrap();
        let process = Process::start(&home.folder, display.as_ref(), reader);
        let wire = Wire::open(process.port(&profile).await).await;
        let browser =
            Self { wire: Mutex::new(wire), _process: process, display, home, _turn: turn };
        let capabilities = json!({ "alwaysMatch": { "pageLoadStrategy": "none" } });
        browser.command("WebDriver:NewSession", json!({ "capabilities": capabilities })).await;
        browser
    }

    /// Presses a button, and types the PIN before it is asked to choose.
    pub async fn press_and_unlock(&self, label: &str, offered: &[IssuerName], takes: IssuerName) {
        let display = self.display.as_ref().expect("a window");
        // Marionette may be silent while the dialog is there.
        let (before, ()) = tokio::join!(self.click(label), display.unlock());
        self.choose(before, offered, Some(takes), "reader").await;
    }

    async fn command(&self, name: &str, parameters: Value) -> Value {
        let done = self.wire.lock().await.command(name, parameters).await;
        done.unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Runs a script with the rights of the browser itself.
    async fn script(&self, script: &str, arguments: Value) -> Value {
        let mut wire = self.wire.lock().await;
        let context = |name: &str| json!({ "value": name });
        wire.command("Marionette:SetContext", context("chrome")).await.unwrap();
        let body = json!({ "script": script, "args": arguments });
        let done = wire.command("WebDriver:ExecuteScript", body).await;
        wire.command("Marionette:SetContext", context("content")).await.unwrap();
        done.unwrap_or_else(|error| panic!("{error}"))["value"].clone()
    }

    async fn state(&self) -> State {
        let state = self.script(STATE, json!([])).await;
        let names = |list: &Vec<Value>| list.iter().map(text).collect();
        State {
            document: state["document"].as_u64().unwrap(),
            address: text(&state["address"]),
            is_loading: state["loading"].as_bool().unwrap(),
            chooser: state["chooser"].as_array().map(names),
        }
    }

    /// Waits for a state.
    async fn until(&self, what: &str, is_so: impl Fn(&State) -> bool) -> State {
        let deadline = Instant::now() + LONG;
        loop {
            let state = self.state().await;
            if is_so(&state) {
                return state;
            }
            if Instant::now() > deadline {
                self.picture("failed").await;
                panic!("{what}, at {}: see the picture firefox-failed", state.address);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits for another page than the one of `before`, whole and without a chooser over it.
    async fn arrive(&self, before: u64) {
        let is_new = |state: &State| state.document != before && !state.is_loading;
        let is_asked = |state: &State| state.chooser.is_some();
        let state = self.until("no page", |state| is_asked(state) || is_new(state)).await;
        assert!(!is_asked(&state), "asked to choose among {:?}", state.chooser);
    }

    /// Waits for the chooser, takes a certificate or cancels, and waits for another page than the one
    /// of `before`.
    async fn choose(
        &self,
        before: u64,
        offered: &[IssuerName],
        takes: Option<IssuerName>,
        picture: &str,
    ) {
        let is_filled = |state: &State| state.chooser.as_ref().is_some_and(|list| !list.is_empty());
        let found = self.until("no chooser", is_filled).await.chooser.unwrap();
        let mut expected: Vec<&str> = offered.iter().map(|name| name.common_name()).collect();
        let mut sorted = found.clone();
        expected.sort_unstable();
        sorted.sort_unstable();
        assert_eq!(sorted, expected);
        self.picture(picture).await;
        let place = takes.map(|name| {
            found.iter().position(|found| found == name.common_name()).expect("it is offered")
        });
        self.script(CHOOSE, json!([place])).await;
        self.until("a chooser that stays", |state| state.chooser.is_none()).await;
        self.arrive(before).await;
    }

    /// Presses a button, and tells which document it was on.
    async fn click(&self, label: &str) -> u64 {
        let before = self.until("no page", |state| !state.is_loading).await.document;
        let link = self.element("link text", label).await;
        self.command("WebDriver:ElementClick", json!({ "id": link })).await;
        before
    }

    async fn element(&self, strategy: &str, value: &str) -> String {
        let wanted = json!({ "using": strategy, "value": value });
        let found = self.command("WebDriver:FindElement", wanted).await;
        text(&found["value"]["element-6066-11e4-a52e-4f735466cecf"])
    }
}

impl Person for Firefox {
    fn reader(&self) -> &Home {
        &self.home
    }

    async fn open(&self, address: &str) {
        let before = self.state().await.document;
        self.command("WebDriver:Navigate", json!({ "url": address })).await;
        self.arrive(before).await;
    }

    async fn press(&self, label: &str) {
        let before = self.click(label).await;
        self.arrive(before).await;
    }

    async fn press_and_choose(
        &self,
        label: &str,
        offered: &[IssuerName],
        takes: Option<IssuerName>,
        picture: &str,
    ) {
        let before = self.click(label).await;
        self.choose(before, offered, takes, picture).await;
    }

    async fn heading(&self) -> String {
        let heading = self.element("css selector", "h1").await;
        text(&self.command("WebDriver:GetElementText", json!({ "id": heading })).await["value"])
    }

    async fn html(&self) -> String {
        text(&self.command("WebDriver:GetPageSource", json!({})).await["value"])
    }

    async fn picture(&self, name: &str) {
        let mut wire = self.wire.lock().await;
        let context = |name: &str| json!({ "value": name });
        // Of the window with its dialogs, not of the page alone.
        wire.command("Marionette:SetContext", context("chrome")).await.unwrap();
        let taken = wire.command("WebDriver:TakeScreenshot", json!({ "full": false })).await;
        wire.command("Marionette:SetContext", context("content")).await.unwrap();
        let picture = STANDARD.decode(text(&taken.unwrap()["value"])).unwrap();
        fs::write(picture_file(&format!("firefox-{name}")), picture).unwrap();
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// Marionette, protocol 3: JSON texts, each after its length in bytes and a colon. A command is
/// `[0, number, name, parameters]`, its answer `[1, number, error, result]`.
struct Wire {
    stream: TcpStream,
    number: u64,
}

impl Wire {
    async fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let mut wire = Self { stream, number: 0 };
        let hello = wire.read().await;
        assert_eq!(hello["marionetteProtocol"], 3, "{hello}");
        wire
    }

    async fn command(&mut self, name: &str, parameters: Value) -> Result<Value, Value> {
        self.number += 1;
        let message = json!([0, self.number, name, parameters]).to_string();
        let message = format!("{}:{message}", message.len());
        self.stream.write_all(message.as_bytes()).await.unwrap();
        let mut answer =
            timeout(LONG, self.read()).await.unwrap_or_else(|_| panic!("{name} hangs"));
        assert_eq!(answer[1], self.number);
        match answer[2].take() {
            Value::Null => Ok(answer[3].take()),
            error => Err(error),
        }
    }

    async fn read(&mut self) -> Value {
        let mut length = String::new();
        loop {
            match self.stream.read_u8().await.unwrap() {
                b':' => break,
                digit => length.push(digit.into()),
            }
        }
        let mut message = vec![0; length.parse().unwrap()];
        self.stream.read_exact(&mut message).await.unwrap();
        serde_json::from_slice(&message).unwrap()
    }
}

/// The browser with its children: one process group.
struct Process(Child);

impl Process {
    fn start(home: &Path, display: Option<&Display>, reader: Option<&Token>) -> Self {
        let child = Command::new("firefox-esr")
            .args(display.is_none().then_some("--headless"))
            .args(["--no-remote", "--marionette", "--remote-allow-system-access", "--profile"])
            .arg(home.join("profile"))
            .env("DISPLAY", display.map_or("", |display| &display.name))
            .envs(reader.map(|reader| ("SOFTHSM2_CONF", &reader.settings)))
            .env("HOME", home)
            .env("MOZ_CRASHREPORTER_DISABLE", "1")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Firefox starts");
        Self(child)
    }

    /// The port that it chose, once it has said so.
    async fn port(&self, profile: &Path) -> u16 {
        let deadline = Instant::now() + LONG;
        loop {
            let said = fs::read_to_string(profile.join("MarionetteActivePort")).unwrap_or_default();
            if let Ok(port) = said.trim().parse() {
                return port;
            }
            assert!(Instant::now() < deadline, "Firefox does not say its port");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        let _ = self.0.wait();
    }
}
