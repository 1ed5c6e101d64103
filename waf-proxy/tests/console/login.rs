//! Logging in to a real proxy, whose console is open to the network.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::browser::Browser;

/// The binary, stopped at the end.
struct Proxy {
    process: Child,
    folder: PathBuf,
    traffic: u16,
    admin: u16,
}

impl Proxy {
    fn start() -> Self {
        let name = format!("console-login-{}", std::process::id());
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let (admin, traffic) = (free_port(), free_port());
        // No request of the test gets to the application.
        let config = format!(
            "admin: {{address: \"0.0.0.0:{admin}\", token_file: token, hosts: [pinpoint.test]}}\n\
             listeners: [{{address: \"127.0.0.1:{traffic}\"}}]\n\
             upstreams: {{app: {{servers: [\"127.0.0.1:9\"]}}}}\n\
             routes: [{{name: default, match: {{}}, upstream: app}}]\n"
        );
        std::fs::write(folder.join("pinpoint.yaml"), config).unwrap();
        std::fs::write(folder.join("token"), "correct horse\n").unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_pinpoint"))
            .args(["run", "--config", "pinpoint.yaml"])
            .current_dir(&folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let proxy = Self { process, folder, traffic, admin };
        wait_for(traffic);
        wait_for(admin);
        proxy
    }

    /// Sends an attack; the id that the client is shown.
    fn attack(&self) -> String {
        let query = "q=%3Cscript%3Ealert(document.cookie)%3C/script%3E";
        let head =
            format!("GET /?{query} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n");
        let mut stream = TcpStream::connect(("127.0.0.1", self.traffic)).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
        let lower = answer.to_ascii_lowercase();
        lower.split("x-request-id: ").nth(1).unwrap().split("\r\n").next().unwrap().to_owned()
    }

    fn at(&self, path: &str) -> String {
        format!("http://pinpoint.test:{}{path}", self.admin)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn an_operator_shows_the_token_and_asks_why() {
    let Some(browser) = Browser::start("login") else { return };
    let proxy = Proxy::start();
    let id = proxy.attack();
    let story = format!("/console/why?id={id}");

    browser.open(&proxy.at(&story));
    assert!(!browser.text().contains("script-tag"), "{}", browser.text());
    browser.type_into("[name=token]", "correct donkey");
    browser.click(".login button");
    browser.wait_for("return document.body.textContent.includes('This is not the token.')");
    browser.type_into("[name=token]", "correct horse");
    browser.picture("login", 1_440, "light");
    browser.click(".login button");
    browser.wait_for("return location.pathname === '/console/why'");
    assert!(browser.text().contains("Pinpoint answered 403"), "{}", browser.text());
    assert!(browser.text().contains(&id));

    // A script cannot read the cookie, and under another name nothing is answered at all.
    assert_eq!(browser.run("return document.cookie", &[]), "");
    let foreign = format!("http://localhost:{}{story}", proxy.admin);
    browser.open(&foreign);
    assert!(browser.text().contains("unknown host"), "{}", browser.text());

    // A page of another site cannot send our forms: the session is still open afterwards.
    let form = format!("<form method=post action={}><button>", proxy.at("/console/logout"));
    browser.open(&format!("data:text/html,{form}"));
    browser.click("button");
    browser.wait_for("return document.body.textContent.includes('other sites are refused')");

    browser.open(&proxy.at("/console"));
    browser.click("td.time a");
    browser.wait_for("return location.pathname === '/console/why'");
    browser.click("header form button");
    browser.wait_for("return document.querySelector('[name=token]') !== null");
    browser.open(&proxy.at(&story));
    assert!(!browser.text().contains(&format!("{id}</code>")));
    assert!(browser.text().contains("Log in"));
}

/// Waits until somebody listens.
fn wait_for(port: u16) {
    let start = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(start.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(20));
    }
}
