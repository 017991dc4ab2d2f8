//! A screen that nobody sees, with a keyboard and a camera: Xvfb, xdotool, ImageMagick.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::time::Instant;

use super::token::PIN;

pub const PROGRAMS: [&str; 3] = ["Xvfb", "xdotool", "import"];

/// A display of one's own; gone when dropped.
pub struct Display {
    child: Child,
    pub name: String,
}

impl Display {
    pub fn start() -> Self {
        let mut child = Command::new("Xvfb")
            // It takes the first number that is free, and says it.
            .args(["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"])
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let display = Self { child, name: format!(":{}", line.trim()) };
        assert!(display.name.len() > 1, "Xvfb says its display");
        display
    }

    /// Presses keys, one after the other, in the window that has the keyboard.
    pub async fn press(&self, keys: &[&str]) {
        self.xdotool(&[&["key"], keys].concat()).await;
    }

    /// Waits for a dialog that asks for a PIN, types it, and waits for the dialog to go.
    pub async fn unlock(&self) {
        let window = self.until_pin_dialog(true).await.unwrap();
        // Nobody else hands out the keyboard here: there is no window manager.
        self.xdotool(&["windowfocus", "--sync", &window]).await;
        self.xdotool(&["type", "--delay", "50", PIN]).await;
        self.press(&["Return"]).await;
        self.until_pin_dialog(false).await;
    }

    /// Waits for a dialog that asks for a PIN, or for none.
    async fn until_pin_dialog(&self, is_there: bool) -> Option<String> {
        let titles = "Unlock Security Device|Password Required";
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let found = self.xdotool(&["search", "--onlyvisible", "--name", titles]).await;
            let found = found.lines().next().map(str::to_owned);
            if found.is_some() == is_there {
                return found;
            }
            assert!(Instant::now() < deadline, "no PIN dialog, or one that stays");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What xdotool says; nothing where it finds nothing.
    async fn xdotool(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("xdotool");
        command.args(arguments).env("DISPLAY", &self.name).stdin(Stdio::null());
        let done = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        String::from_utf8(done.stdout).unwrap()
    }

    /// How bright a spot of the screen is, 0 to 255.
    pub async fn brightness(&self, x: u16, y: u16) -> u8 {
        let spot = format!("1x1+{x}+{y}");
        let arguments = ["-window", "root", "-crop", &spot, "-depth", "8", "gray:-"];
        self.run("import", arguments.map(String::from).to_vec()).await[0]
    }

    /// A picture of the whole screen.
    pub async fn picture(&self, file: &Path) {
        let arguments = vec!["-window".to_owned(), "root".to_owned(), file.display().to_string()];
        self.run("import", arguments).await;
    }

    async fn run(&self, program: &'static str, arguments: Vec<String>) -> Vec<u8> {
        let mut command = Command::new(program);
        command.args(arguments).env("DISPLAY", &self.name).stdin(Stdio::null());
        let done = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
        done.stdout
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}
