use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Child;
use std::time::{Duration, Instant};

use super::harness::{Folder, ask, free_port, get, pinpoint, rule, signal, spawn, wait};

/// A running proxy with the demo origin; killed where a test fails.
struct Proxy {
    child: Child,
    port: u16,
    admin: u16,
    folder: Folder,
    config: String,
}

impl Proxy {
    /// The built-in demo cannot be had with a file, so its own address serves as the origin.
    fn start(name: &str) -> Self {
        Self::before(1, name)
    }

    /// In front of an origin at this port.
    fn before(origin: u16, name: &str) -> Self {
        let folder = Folder::new(name);
        folder.write("shop/a.yaml", &rule("shop-a", "critical"));
        let (port, admin) = (free_port(), free_port());
        let text = configuration(port, admin, "");
        let text = text.replace("127.0.0.1:1\"", &format!("127.0.0.1:{origin}\""));
        let config = folder.write("p.yaml", &text);
        let child = spawn(&["run", "-c", &config]);
        let proxy = Self { child, port, admin, folder, config };
        proxy.wait_until_ready();
        proxy
    }

    fn wait_until_ready(&self) {
        let start = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.admin)).is_err() {
            assert!(start.elapsed() < Duration::from_secs(10), "it does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(get(self.admin, "/readyz").starts_with("HTTP/1.1 200"));
    }

    fn metric(&self, series: &str) -> Option<String> {
        let text = get(self.admin, "/metrics");
        text.lines().find_map(|line| line.strip_prefix(series)).map(|value| value.trim().to_owned())
    }

    fn reload(&self) -> String {
        ask(
            self.admin,
            "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nX-Pinpoint: 1\r\nConnection: close\r\n\r\n",
        )
    }

    fn stop(mut self) -> Option<i32> {
        signal(self.child.id(), "TERM");
        wait(&mut self.child)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Gone already where the test has stopped it.
        let _ = self.child.kill();
    }
}

/// No origin answers on port 1: what is not blocked gets 502.
fn configuration(port: u16, admin: u16, more: &str) -> String {
    format!(
        "listeners: [{{address: \"127.0.0.1:{port}\"}}]\nadmin: {{address: \"127.0.0.1:{admin}\"}}\n\
         upstreams: {{app: {{servers: [\"127.0.0.1:1\"]}}}}\nrules: [shop/*.yaml]\n\
         timeouts: {{stop: 1s}}\n{more}"
    )
}

fn request_id(answer: &str) -> String {
    let line = answer.lines().find_map(|line| line.strip_prefix("x-request-id: "));
    line.unwrap_or_else(|| panic!("no id in {answer}")).to_owned()
}

#[test]
fn health_is_fine_while_it_takes_requests() {
    let proxy = Proxy::start("health");
    let config = proxy.config.clone();
    let health = || pinpoint(&["health", "-c", &config]);
    assert_eq!(health().status, Some(0));
    // The file is the proxy's: it goes with it.
    let text = std::fs::read_to_string(&config).unwrap();
    assert_eq!(proxy.stop(), Some(0));
    let gone = Folder::new("health-gone");
    let config = gone.write("p.yaml", &text);
    let asked = pinpoint(&["health", "-c", &config]);
    assert_eq!(asked.status, Some(1));
    assert!(asked.stderr.starts_with("cannot ask 127.0.0.1:"), "{}", asked.stderr);
}

#[test]
fn a_block_is_explained_from_memory_and_after_the_end_from_the_log() {
    let proxy = Proxy::start("run");
    let blocked = get(proxy.port, "/?q=zzz");
    assert!(blocked.starts_with("HTTP/1.1 403"), "{blocked}");
    let id = request_id(&blocked);
    let why = pinpoint(&["why", &id, "-c", &proxy.config]);
    assert!(why.stdout.contains("shop-a") && why.stderr.contains("found in the proxy's memory"));
    let matches = r#"pinpoint_rule_matches_total{decision="block",rule_id="shop-a"}"#;
    assert_eq!(proxy.metric(matches).as_deref(), Some("1"));

    let passed = get(proxy.port, "/?q=hello");
    assert!(passed.starts_with("HTTP/1.1 502"), "{passed}");
    let why_not = pinpoint(&["why", &request_id(&passed), "-c", &proxy.config]);
    assert!(why_not.stdout.contains("could not be reached"), "{why_not:?}");

    let config = proxy.config.clone();
    signal(proxy.child.id(), "TERM");
    let mut proxy = proxy;
    let start = Instant::now();
    assert_eq!(wait(&mut proxy.child), Some(0));
    assert!(start.elapsed() < Duration::from_secs(5));
    let why = pinpoint(&["why", &id, "-c", &config]);
    assert!(why.stdout.contains("shop-a") && why.stderr.contains("found in the audit log"));
}

#[test]
fn phases_and_upstreams_are_timed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = Proxy::before(listener.local_addr().unwrap().port(), "timed");
    let took = Duration::from_millis(30);
    let origin = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        std::thread::sleep(took);
        stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").unwrap();
        // From here on nobody listens.
    });
    assert!(get(proxy.port, "/?q=hello").starts_with("HTTP/1.1 200"));
    origin.join().unwrap();
    assert!(get(proxy.port, "/?q=hello").starts_with("HTTP/1.1 502"));
    assert!(get(proxy.port, "/?q=zzz").starts_with("HTTP/1.1 403"));

    let number = |series: &str| proxy.metric(series)?.parse::<f64>().ok();
    // Three heads; the block ends its request before a body; one response.
    for (phase, count) in
        [("request_headers", 3.0), ("request_body", 2.0), ("response_headers", 1.0)]
    {
        let series = |part| format!("pinpoint_inspect_seconds_{part}{{phase=\"{phase}\"}}");
        until(|| number(&series("count")) == Some(count));
        assert!(number(&series("sum")).is_some_and(|seconds| seconds > 0.0), "{phase}");
    }
    let requests = |result: &str| {
        number(&format!("pinpoint_upstream_requests_total{{result=\"{result}\",upstream=\"app\"}}"))
    };
    assert_eq!((requests("answered"), requests("broken")), (Some(1.0), None));
    assert_eq!(requests("connect"), Some(2.0), "the attempt and its retry, each told once");
    let seconds = number("pinpoint_upstream_seconds_sum{upstream=\"app\"}");
    assert!(seconds.is_some_and(|seconds| seconds >= took.as_secs_f64()), "{seconds:?}");
}

#[test]
fn a_reload_takes_all_or_nothing() {
    let proxy = Proxy::start("reload");
    proxy.folder.write("shop/b.yaml", &rule("shop-b", "notice").replace("zzz", "yyy"));
    assert!(get(proxy.port, "/?q=yyy").starts_with("HTTP/1.1 502"));
    let answer = proxy.reload();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(get(proxy.admin, "/version").contains("shop/*.yaml (2 rules)"));

    proxy.folder.write("shop/b.yaml", "id: broken\n");
    let answer = proxy.reload();
    assert!(answer.starts_with("HTTP/1.1 422") && answer.contains("shop/b.yaml"), "{answer}");
    assert!(get(proxy.admin, "/version").contains("shop/*.yaml (2 rules)"), "the old rules stay");

    proxy.folder.write("shop/b.yaml", &rule("shop-b", "critical"));
    let moved = configuration(free_port(), proxy.admin, "threads: 7\n");
    proxy.folder.write("p.yaml", &moved);
    let answer = proxy.reload();
    assert!(answer.contains("`listeners` has changed") && answer.contains("`threads` has changed"));
    assert_eq!(proxy.metric(r#"pinpoint_reloads_total{result="ok"}"#).as_deref(), Some("1"));
    assert_eq!(proxy.metric(r#"pinpoint_reloads_total{result="refused"}"#).as_deref(), Some("2"));
    assert_eq!(proxy.stop(), Some(0));
}

#[test]
fn sighup_reloads_and_sigusr1_reopens_the_log() {
    let proxy = Proxy::start("signals");
    get(proxy.port, "/?q=zzz");
    until(|| proxy.folder.read("pinpoint-audit.jsonl").lines().count() == 1);
    let log = proxy.folder.path("pinpoint-audit.jsonl");
    std::fs::rename(&log, proxy.folder.path("rotated")).unwrap();
    signal(proxy.child.id(), "USR1");
    until(|| std::path::Path::new(&log).exists());
    get(proxy.port, "/?q=zzz");
    until(|| proxy.folder.read("pinpoint-audit.jsonl").lines().count() == 1);
    assert_eq!(proxy.folder.read("rotated").lines().count(), 1);

    signal(proxy.child.id(), "HUP");
    let done = r#"pinpoint_reloads_total{result="ok"}"#;
    until(|| proxy.metric(done).as_deref() == Some("1"));
    signal(proxy.child.id(), "INT");
    let mut proxy = proxy;
    assert_eq!(wait(&mut proxy.child), Some(0));
}

#[test]
fn a_taken_port_is_status_2() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    let folder = Folder::new("taken");
    let (free, other) = (free_port(), free_port());
    for (port, admin) in [(taken.port(), free), (other, taken.port())] {
        let config = folder.write(
            "p.yaml",
            &configuration(port, admin, "rules: [none]\n").replacen(
                "rules: [shop/*.yaml]\n",
                "",
                1,
            ),
        );
        let output = pinpoint(&["run", "-c", &config]);
        assert_eq!(output.status, Some(2), "{output:?}");
        assert!(output.stderr.contains(&taken.to_string()), "{}", output.stderr);
    }
}

#[test]
fn a_start_without_loadable_rules_is_status_2() {
    let folder = Folder::new("norules");
    folder.write("shop/a.yaml", "id: broken\n");
    let config = folder.write("p.yaml", &configuration(free_port(), free_port(), ""));
    assert_eq!(pinpoint(&["run", "-c", &config]).status, Some(2));
}

/// Waits until it is so, at most ten seconds.
fn until(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(10), "it never came");
        std::thread::sleep(Duration::from_millis(20));
    }
}
