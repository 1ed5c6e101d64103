#![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

use std::sync::atomic::{AtomicUsize, Ordering};

use std::time::SystemTime;

use waf_core::record::{DecisionRecord, Mode};
use waf_core::source::Report;

use super::*;
use crate::config::{Audit, Secret};
use crate::control::{Reload, Standing};
use crate::test_record::blocked;

#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) reloads: AtomicUsize,
    pub(crate) refuses: bool,
}

impl Control for Fake {
    fn reload(&self) -> Result<String, Vec<Report>> {
        self.reloads.fetch_add(1, Ordering::SeqCst);
        if self.refuses {
            return Err(vec![Report::error(None, "the rules are bad")]);
        }
        Ok("sha256:11".into())
    }

    fn is_ready(&self) -> bool {
        !self.refuses
    }

    fn rules(&self) -> (String, String) {
        ("sha256:00".into(), "builtin (1 rule)".into())
    }

    fn held_bytes(&self) -> u64 {
        77
    }

    fn standing(&self) -> Standing {
        let result = Err("error: the rules are <bad>".to_owned());
        Standing {
            since: SystemTime::now(),
            config: Some("pinpoint.yaml".into()),
            mode: Mode::Block,
            in_flight: 3,
            warnings: Vec::new(),
            last_reload: self.refuses.then(|| Reload { at: SystemTime::now(), result }),
        }
    }
}

fn admin_with(address: &str, token: Option<&str>, control: Arc<Fake>) -> Admin {
    admin_of(address, token, control, [blocked("01JD")])
}

/// An admin listener of a proxy that has decided so.
pub(crate) fn admin_of(
    address: &str,
    token: Option<&str>,
    control: Arc<Fake>,
    records: impl IntoIterator<Item = DecisionRecord>,
) -> Admin {
    let metrics = Arc::new(Metrics::new().unwrap());
    let audit = Audit { file: None, ..Audit::default() };
    let audit_log = Arc::new(AuditLog::open(&audit, metrics.of_audit_log()).unwrap());
    for record in records {
        audit_log.write(record);
    }
    let settings = Settings {
        address: address.parse().unwrap(),
        token: token.map(Secret::new),
        hosts: ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned).to_vec(),
    };
    Admin::new(settings, control, metrics, audit_log)
}

fn local() -> Admin {
    admin_with("127.0.0.1:9090", None, Arc::default())
}

pub(crate) fn ask(admin: &Admin, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    ask_with(admin, method, path, headers, b"")
}

/// The answer to a request with a body.
pub(crate) fn ask_with(
    admin: &Admin,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    content: &[u8],
) -> Answer {
    let mut request = http::Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", "127.0.0.1:9090");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    admin.answer(&parts, content)
}

fn status(admin: &Admin, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
    ask(admin, method, path, headers).status().as_u16()
}

pub(crate) fn body(answer: &Answer) -> String {
    String::from_utf8(answer.body().clone()).unwrap()
}

#[test]
fn resources_answer() {
    let admin = local();
    let get = |path: &str| body(&ask(&admin, "GET", path, &[]));
    assert_eq!(get("/livez"), "live\n");
    assert_eq!(get("/readyz"), "ready\n");
    assert!(get("/metrics").contains("pinpoint_held_bytes 77"));
    assert!(get("/version").contains(r#""rules":"builtin (1 rule)""#));
    let record: DecisionRecord = serde_json::from_str(&get("/records/01JD")).unwrap();
    assert_eq!(record, blocked("01JD"));
    assert_eq!(status(&admin, "GET", "/records/other", &[]), 404);
    assert_eq!(status(&admin, "GET", "/nothing", &[]), 404);
}

#[test]
fn not_ready_is_503() {
    let admin =
        admin_with("127.0.0.1:9090", None, Arc::new(Fake { refuses: true, ..Fake::default() }));
    assert_eq!(status(&admin, "GET", "/readyz", &[]), 503);
}

#[test]
fn foreign_hosts_are_misdirected() {
    let admin = local();
    for host in ["evil.example", "evil.example:9090", "127.0.0.1.evil.example", "", "[::2]:9090"] {
        assert_eq!(status(&admin, "GET", "/metrics", &[("host", host)]), 421, "{host}");
    }
    for host in ["localhost", "LOCALHOST:9090", "127.0.0.1", "[::1]:9090", "[::1]"] {
        assert_eq!(status(&admin, "GET", "/metrics", &[("host", host)]), 200, "{host}");
    }
}

#[test]
fn requests_of_other_sites_are_refused() {
    let admin = local();
    for (name, value, expected) in [
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
        ("sec-fetch-site", "none", 200),
        ("sec-fetch-site", "same-origin", 200),
        ("origin", "http://evil.example", 403),
        ("origin", "null", 403),
        ("origin", "https://127.0.0.1:9090", 403),
        ("origin", "http://127.0.0.1:9090", 200),
    ] {
        assert_eq!(
            status(&admin, "GET", "/metrics", &[(name, value)]),
            expected,
            "{name}: {value}"
        );
        let post = [(name, value), ("x-pinpoint", "1")];
        assert_eq!(status(&admin, "POST", "/-/reload", &post), expected, "{name}: {value}");
    }
}

#[test]
fn a_reload_needs_the_header_or_the_token() {
    let control = Arc::<Fake>::default();
    let admin = admin_with("127.0.0.1:9090", Some("hush"), Arc::clone(&control));
    let post = |headers: &[(&str, &str)]| status(&admin, "POST", "/-/reload", headers);
    assert_eq!(post(&[]), 403);
    assert_eq!(post(&[("authorization", "Bearer no")]), 401);
    assert_eq!(post(&[("authorization", "Bearer no"), ("x-pinpoint", "1")]), 401);
    assert_eq!(control.reloads.load(Ordering::SeqCst), 0);
    assert_eq!(post(&[("x-pinpoint", "1")]), 200);
    assert_eq!(post(&[("authorization", "Bearer hush")]), 200);
    assert_eq!(control.reloads.load(Ordering::SeqCst), 2);
    assert_eq!(status(&admin, "GET", "/-/reload", &[("x-pinpoint", "1")]), 405);
    assert_eq!(control.reloads.load(Ordering::SeqCst), 2);
}

#[test]
fn off_loopback_everything_needs_the_token() {
    let admin = admin_with("0.0.0.0:9090", Some("hush"), Arc::default());
    for path in ["/metrics", "/livez", "/records/01JD", "/nothing"] {
        let answer = ask(&admin, "GET", path, &[("x-pinpoint", "1")]);
        assert_eq!(answer.status().as_u16(), 401);
        assert!(answer.headers().contains_key("www-authenticate"));
    }
    assert_eq!(status(&admin, "GET", "/metrics", &[("authorization", "Bearer hush")]), 200);
    assert_eq!(status(&admin, "GET", "/metrics", &[("authorization", "Basic hush")]), 401);
}

#[test]
fn a_refused_reload_says_why() {
    let admin =
        admin_with("127.0.0.1:9090", None, Arc::new(Fake { refuses: true, ..Fake::default() }));
    let answer = ask(&admin, "POST", "/-/reload", &[("x-pinpoint", "1")]);
    assert_eq!(answer.status().as_u16(), 422);
    assert!(body(&answer).contains("error: the rules are bad"));
}

#[test]
fn answers_are_not_cached_framed_or_run() {
    let admin = local();
    for (method, path) in [("GET", "/metrics"), ("GET", "/nothing"), ("DELETE", "/metrics")] {
        let answer = ask(&admin, method, path, &[("x-pinpoint", "1")]);
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let policy = answer.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers()["referrer-policy"], "no-referrer");
    }
}

#[test]
fn head_has_the_length_and_no_body() {
    let admin = local();
    let head = ask(&admin, "HEAD", "/livez", &[]);
    assert_eq!((head.headers()["content-length"].as_bytes(), head.body().len()), (&b"5"[..], 0));
}

#[test]
fn it_speaks_http_over_a_socket() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let serving = tokio::spawn(serve(listener, local(), stopped));
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\nGET /records/01JD HTTP/1.1\r\n\
                       Host: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answers = String::new();
        stream.read_to_string(&mut answers).await.unwrap();
        assert!(answers.starts_with("HTTP/1.1 200 OK\r\n"), "{answers}");
        stop.send(true).unwrap();
        serving.await.unwrap();
    });
}
