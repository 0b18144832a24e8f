//! A headless Chromium, driven through the Chrome DevTools Protocol.

use std::collections::VecDeque;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

/// What Debian, Fedora and Google call it.
const NAMES: &[&str] = &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// Set where a browser has to be there: without one, the tests fail instead of being skipped.
const REQUIRED: &str = "STALEMAP_REQUIRE_BROWSER";
/// How long the browser may take for anything.
const PATIENCE: Duration = Duration::from_mins(2);

/// A running browser with one page.
pub(crate) struct Browser {
    process: Child,
    _profile: TempDir,
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    session: Option<String>,
    sent: u64,
    /// What the page has reported and nobody has looked at.
    events: VecDeque<Value>,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The browser of this machine.
fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|dir| NAMES.iter().map(move |name| dir.join(name)))
        .find(|file| file.is_file())
}

impl Browser {
    /// Starts a browser with a window of the given size; `None`, with a word about it, where none is installed.
    pub(crate) fn start(width: u32, height: u32) -> Option<Browser> {
        let Some(program) = installed() else {
            assert!(std::env::var_os(REQUIRED).is_none(), "{REQUIRED} is set, and there is no browser");
            eprintln!("skipped: none of {} is installed", NAMES.join(", "));
            return None;
        };
        let profile = tempfile::tempdir().expect("a folder for the profile");
        let mut process = Command::new(program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--remote-debugging-port=0",
            ])
            .arg(format!("--window-size={width},{height}"))
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the browser starts");
        let address = address(profile.path(), &mut process);
        let (socket, _) = tungstenite::connect(address).expect("the browser listens");
        if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
            stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        }
        let mut browser =
            Browser { process, _profile: profile, socket, session: None, sent: 0, events: VecDeque::new() };
        let target = browser.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", &attach);
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        Some(browser)
    }

    /// Calls a method and returns its result.
    pub(crate) fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.sent += 1;
        let id = self.sent;
        let mut request = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            request["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(request.to_string())).expect("the browser listens");
        loop {
            let message = self.read();
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
            self.events.push_back(message);
        }
    }

    fn read(&mut self) -> Value {
        let message = self.socket.read().expect("the browser answers");
        serde_json::from_str(message.to_text().unwrap_or("null")).unwrap_or_default()
    }

    /// Opens an address and waits until it has loaded. Returns what it reported meanwhile.
    pub(crate) fn open(&mut self, url: &str) -> Vec<Value> {
        self.events.clear();
        // A change of the fragment alone would load nothing.
        self.call("Page.navigate", &json!({ "url": "about:blank" }));
        self.loaded();
        self.events.clear();
        self.call("Page.navigate", &json!({ "url": url }));
        self.loaded()
    }

    fn loaded(&mut self) -> Vec<Value> {
        let is_loaded = |event: &Value| event["method"] == "Page.loadEventFired";
        while !self.events.iter().any(is_loaded) {
            let event = self.read();
            self.events.push_back(event);
        }
        self.events.drain(..).collect()
    }

    /// What the page has reported since.
    pub(crate) fn reported(&mut self) -> Vec<Value> {
        // What came before the answer to this has been read with it.
        self.evaluate("new Promise((done) => setTimeout(done, 50))");
        self.events.drain(..).collect()
    }

    /// The value of an expression in the page.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let result = self.call("Runtime.evaluate", &parameters);
        let shown: String = expression.chars().take(200).collect();
        assert!(result["exceptionDetails"].is_null(), "{shown}: {}", result["exceptionDetails"]);
        result["result"]["value"].clone()
    }

    /// Presses and releases a key.
    pub(crate) fn press(&mut self, key: &str) {
        let text = if key.chars().count() == 1 { key } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            self.call("Input.dispatchKeyEvent", &json!({ "type": kind, "key": key, "text": text }));
        }
    }

    /// Shows the page as to somebody who prefers a colour scheme.
    pub(crate) fn prefer(&mut self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", &json!({ "features": features }));
    }

    /// Gives the page a width.
    pub(crate) fn resize(&mut self, width: u32, height: u32) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", &metrics);
    }
}

/// Where the browser can be reached: it writes that into its profile.
fn address(profile: &Path, process: &mut Child) -> String {
    let started = Instant::now();
    loop {
        if let Ok(text) = fs::read_to_string(profile.join("DevToolsActivePort"))
            && let Some((port, path)) = text.trim_end().split_once('\n')
        {
            return format!("ws://127.0.0.1:{port}{path}");
        }
        if let Ok(Some(status)) = process.try_wait() {
            panic!("the browser ended at once: {status}");
        }
        assert!(started.elapsed() < PATIENCE, "the browser does not start");
        std::thread::sleep(Duration::from_millis(100));
    }
}
