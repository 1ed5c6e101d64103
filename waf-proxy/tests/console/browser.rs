//! Chromium, driven over WebDriver (<https://www.w3.org/TR/webdriver2/>): JSON over HTTP/1.1.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use serde_json::{Value, json};

/// A browser window of its own.
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    profile: PathBuf,
}

impl Browser {
    /// `None`, loudly, where Chromium is not installed; on CI that is a failure.
    pub fn start(name: &str) -> Option<Self> {
        let profile = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("chromium-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&profile).unwrap();
        let driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut driver) = driver else {
            let missing = "chromium and chromium-driver are not installed";
            assert!(std::env::var_os("CI").is_none(), "{missing}");
            eprintln!("SKIPPED: {missing}");
            return None;
        };
        let port = port_of(&mut driver);
        let mut browser = Self { driver, port, session: String::new(), profile };
        let made = browser.call("POST", "", Some(&browser.capabilities()));
        made["sessionId"].as_str().unwrap().clone_into(&mut browser.session);
        Some(browser)
    }

    fn capabilities(&self) -> Value {
        let profile = format!("--user-data-dir={}", self.profile.display());
        let flags = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            // A name that is no loopback: browsers say less about requests to those.
            "--host-resolver-rules=MAP pinpoint.test 127.0.0.1",
            "--hide-scrollbars",
            &profile,
        ];
        json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": flags},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}})
    }

    /// Goes to a page and waits until it is whole: the driver alone has come back before a long one
    /// was.
    pub fn open(&self, address: &str) {
        self.call("POST", "/url", Some(&json!({"url": address})));
        self.wait_for("return true");
    }

    pub fn address(&self) -> String {
        self.call("GET", "/url", None).as_str().unwrap().to_owned()
    }

    /// What a function body returns in the page.
    pub fn run(&self, script: &str, arguments: &[&str]) -> Value {
        self.call("POST", "/execute/sync", Some(&json!({"script": script, "args": arguments})))
    }

    /// The text of the page as it is seen, hidden parts too.
    pub fn text(&self) -> String {
        self.run("return document.body.textContent", &[]).as_str().unwrap().to_owned()
    }

    pub fn click(&self, selector: &str) {
        let element = self.find(selector);
        self.call("POST", &format!("/element/{element}/click"), Some(&json!({})));
    }

    pub fn type_into(&self, selector: &str, text: &str) {
        let element = self.find(selector);
        self.call("POST", &format!("/element/{element}/value"), Some(&json!({"text": text})));
    }

    fn find(&self, selector: &str) -> String {
        let wanted = json!({"using": "css selector", "value": selector});
        let found = self.call("POST", "/element", Some(&wanted));
        found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
    }

    /// Waits until the page is whole and a function body returns true.
    pub fn wait_for(&self, script: &str) {
        let both = format!("if (document.readyState !== 'complete') return false; {script}");
        let is_true = || self.run(&both, &[]) == Value::Bool(true);
        wait(is_true, || format!("{script}: {}", self.text()));
    }

    /// Waits until the address holds a text. Asks the browser, so pages without a script will do.
    pub fn wait_for_address(&self, part: &str) {
        let is_there = || self.address().contains(part);
        wait(is_there, || format!("{part}: {}", self.address()));
    }

    /// A command of the developer tools.
    pub fn tools(&self, command: &str, parameters: &Value) {
        self.call(
            "POST",
            "/goog/cdp/execute",
            Some(&json!({"cmd": command, "params": parameters})),
        );
    }

    /// What the browser complained about since the last time, such as a breach of the policy.
    pub fn complaints(&self) -> Vec<String> {
        let entries = self.call("POST", "/se/log", Some(&json!({"type": "browser"})));
        let message = |entry: &Value| entry["message"].as_str().unwrap().to_owned();
        entries.as_array().unwrap().iter().map(message).collect()
    }

    pub fn has_dialog(&self) -> bool {
        self.raw("GET", "/alert/text", None).unwrap().0 == 200
    }

    /// The page at a width, as long as it is, light or dark; a file beside what was built.
    pub fn picture(&self, name: &str, width: u32, scheme: &str) {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.tools("Emulation.setEmulatedMedia", &features);
        self.width(width);
        let height = self.run("return document.documentElement.scrollHeight", &[]);
        let height = height.as_u64().unwrap().clamp(600, 2_400);
        self.metrics(width, height);
        let picture = self.call("GET", "/screenshot", None);
        let bytes = base64::engine::general_purpose::STANDARD.decode(picture.as_str().unwrap());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("console");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}-{width}-{scheme}.png")), bytes.unwrap())
            .unwrap();
    }

    /// The page at a width.
    pub fn width(&self, width: u32) {
        self.metrics(width, 900);
    }

    fn metrics(&self, width: u32, height: u64) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.tools("Emulation.setDeviceMetricsOverride", &size);
    }

    /// The value of an answer that must be good.
    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let (status, value) = self.raw(method, path, body).unwrap();
        assert_eq!(status, 200, "{method} {path} {body:?}: {value}");
        value
    }

    fn raw(&self, method: &str, path: &str, body: Option<&Value>) -> io::Result<(u16, Value)> {
        let body = body.map(ToString::to_string).unwrap_or_default();
        let session = if self.session.is_empty() { "" } else { "/" };
        let head = format!(
            "{method} /session{session}{}{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: \
             application/json\r\nContent-Length: {}\r\n\r\n",
            self.session,
            body.len()
        );
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.write_all(&[head.as_bytes(), body.as_bytes()].concat())?;
        answer(&mut BufReader::new(stream))
    }
}

/// Waits until something holds, half a minute at most.
fn wait(holds: impl Fn() -> bool, complaint: impl Fn() -> String) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(30), "{}", complaint());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Status and value. The driver keeps connections open, so the length counts.
fn answer(stream: &mut impl BufRead) -> io::Result<(u16, Value)> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let mut length = 0;
    while line.trim() != "" {
        line.clear();
        stream.read_line(&mut line)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let body: Value = serde_json::from_slice(&body)?;
    Ok((status, body["value"].clone()))
}

impl Drop for Browser {
    fn drop(&mut self) {
        // This also runs where a test has failed: nothing here may.
        if !self.session.is_empty() {
            let _ = self.raw("DELETE", "", None);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

/// The port that the driver says it has taken.
fn port_of(driver: &mut Child) -> u16 {
    let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let said = lines.map_while(Result::ok).find_map(|line| {
        line.strip_prefix("ChromeDriver was started successfully on port ").map(str::to_owned)
    });
    said.unwrap().trim_end_matches('.').parse().unwrap()
}
