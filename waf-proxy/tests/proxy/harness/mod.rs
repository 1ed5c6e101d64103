//! A proxy in this process, what it recorded, and the parts to talk to it.

pub mod bodies;
pub mod http1;
pub mod http2;
pub mod origin;
pub mod process;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use waf_core::compile::compile;
use waf_core::parse::request::HeadPolicy;
use waf_core::policy::{Override, OverrideScope, Policy, PolicySettings};
use waf_core::record::{DecisionRecord, Masking, Mode};
use waf_core::source::Source;
use waf_core::yaml::{RuleContext, rule};
use waf_proxy::observer::Observer;
use waf_proxy::server::Server;
use waf_proxy::settings::*;
use waf_proxy::share::Share;
use waf_proxy::shared::Shared;

pub use origin::Origin;

/// What makes the rules block.
pub const ATTACK: &[u8] = b"<script>";

/// Everything that was recorded.
#[derive(Default)]
pub struct Records(Mutex<Vec<DecisionRecord>>);

impl Observer for Records {
    fn decided(&self, record: DecisionRecord) {
        self.0.lock().unwrap().push(record);
    }
}

/// A running proxy in front of an origin.
pub struct Proxy {
    pub address: SocketAddr,
    pub secure: SocketAddr,
    pub shared: Arc<Shared>,
    pub certificate: Vec<u8>,
    records: Arc<Records>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// With the default settings.
    pub fn start(origin: &Origin) -> Self {
        Self::with(settings(origin.address, Mode::Block))
    }

    /// With these settings.
    pub fn with(settings: Settings) -> Self {
        Self::listening(settings, Certificate::new())
    }

    /// With these certificates.
    pub fn listening(settings: Settings, files: Certificate) -> Self {
        let any = "127.0.0.1:0".parse().unwrap();
        let listeners = [
            Listener { address: any, tls: None },
            Listener { address: any, tls: Some(files.tls.clone()) },
        ];
        let server = Server::bind(&listeners, 2).unwrap();
        let addresses = server.addresses();
        let records = Arc::new(Records::default());
        let shared = Shared::new(settings, records.clone());
        let (stop, stopped) = oneshot::channel();
        let running = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            server.run(&running, async {
                let _ = stopped.await;
            });
        });
        Self {
            address: addresses[0],
            secure: addresses[1],
            shared,
            certificate: files.der,
            records,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Waits until so many requests are recorded.
    pub async fn has_recorded(&self, count: usize) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.records.0.lock().unwrap().len() < count && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until so many requests are recorded, and no more follow.
    pub async fn records(&self, count: usize) -> Vec<DecisionRecord> {
        self.has_recorded(count).await;
        tokio::time::sleep(Duration::from_millis(30)).await;
        let records = self.records.0.lock().unwrap().clone();
        assert_eq!(records.len(), count, "records: {records:#?}");
        records
    }

    /// The only record.
    pub async fn record(&self) -> DecisionRecord {
        self.records(1).await.remove(0)
    }

    /// Signals to stop; returns how long it took.
    pub fn stop(mut self) -> Duration {
        let began = Instant::now();
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap();
        began.elapsed()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
    }
}

/// One route to this origin; waits are short.
pub fn settings(origin: SocketAddr, mode: Mode) -> Settings {
    settings_of(origin, PolicySettings { mode, ..PolicySettings::default() })
}

/// One route to this origin, under this policy.
pub fn settings_of(origin: SocketAddr, policy: PolicySettings) -> Settings {
    let policy = self::policy(policy);
    let route = Route {
        name: "default".into(),
        host: HostMatch::Any,
        path: PathMatch::Any,
        match_methods: Vec::new(),
        upstream: Arc::new(Upstream {
            connect: Duration::from_millis(500),
            read: Duration::from_secs(2),
            ..Upstream::plain("app", vec![origin])
        }),
        policy: Arc::clone(&policy),
        easing: None,
        candidate: None,
        head: HeadPolicy::default(),
        block_page: Arc::default(),
    };
    Settings {
        routes: vec![route],
        fallback: policy,
        head: HeadPolicy::default(),
        clients: Clients::default(),
        body: BodySettings::default(),
        timeouts: Timeouts { stop: Duration::from_secs(3), ..Timeouts::default() },
        in_flight: 4096,
        h2_streams: 100,
        on_error: OnError::Block,
        block_page: Arc::default(),
        audit_headers: Vec::new(),
        masking: Arc::new(Masking::default()),
        candidate_share: Share::ALL,
    }
}

const SCRIPT: &str = r#"
id: test-script
name: A script
why: It is what the tests look for.
references: [CWE-79]
severity: critical
action: block
targets: [REQUEST_URI_RAW, REQUEST_BODY]
match: {contains: "<script>"}
tests: {attack: ["<script>"], benign: ["script"]}
"#;

const LEAK: &str = r#"
id: test-leak
name: A leak
why: It is what the tests look for.
references: [CWE-200]
severity: critical
action: block
targets: ["RESPONSE_HEADERS:x-leak"]
match: {rx: "."}
tests: {attack: ["1"], benign: [""]}
"#;

const SECRET: &str = r#"
id: test-secret
name: A secret
why: It is what the tests look for.
references: [CWE-200]
severity: critical
targets: [RESPONSE_BODY]
match: {contains: "<secret>"}
tests: {attack: ["<secret>"], benign: ["secret"]}
"#;

/// The rules of the tests, and the built-in ones about findings. Those do not score here, so that
/// each answers with its own status.
pub fn policy(mut settings: PolicySettings) -> Arc<Policy> {
    let scope = OverrideScope::Class("protocol".into());
    settings.overrides.push(Override { scope, mode: None, score: Some(0), span: None });
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../rules/protocol");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let findings = files.map(|file| ("protocol", std::fs::read_to_string(file).unwrap()));
    let ours = [SCRIPT, LEAK, SECRET].map(|text| ("test", text.to_owned()));
    let rules = findings.chain(ours).map(|(class, text)| {
        let read = rule(&Source::new("test.yaml", text), class, &RuleContext::default());
        read.unwrap_or_else(|reports| panic!("{}", reports[0].message))
    });
    compile(rules.collect(), vec![settings]).unwrap().policies.remove(0)
}

/// A self-signed certificate for `localhost`, in files.
pub struct Certificate {
    pub tls: ListenerTls,
    pub der: Vec<u8>,
    pub key: Vec<u8>,
}

impl Certificate {
    pub fn new() -> Self {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let pair = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("pinpoint-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
        std::fs::write(&cert, pair.cert.pem()).unwrap();
        std::fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
        let tls = ListenerTls { cert, key, only_tls13: false, h2: true, client_ca: None };
        Self { tls, der: pair.cert.der().to_vec(), key: pair.signing_key.serialize_der() }
    }
}

/// A body without anything to match, that differs at every place.
pub fn benign(length: usize) -> Vec<u8> {
    (0..length).map(|at| b'a' + u8::try_from((at * 7 + at / 251) % 26).unwrap()).collect()
}

/// The same, with the attack as its last bytes (or as the whole).
pub fn attack_at_end(length: usize) -> Vec<u8> {
    let mut body = benign(length.max(ATTACK.len()));
    let at = body.len() - ATTACK.len();
    body[at..].copy_from_slice(ATTACK);
    body
}
