//! An admin listener in this process, with records that the test makes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::runtime::Runtime;
use tokio::sync::watch;
use waf_core::record::{DecisionRecord, Mode};
use waf_core::source::Report;
use waf_proxy::admin::{self, Admin};
use waf_proxy::audit_log::AuditLog;
use waf_proxy::config::{self, Audit};
use waf_proxy::control::{Control, Reload, Standing};
use waf_proxy::metrics::Metrics;

/// A console on loopback.
pub struct Site {
    _runtime: Runtime,
    _stop: watch::Sender<bool>,
    log: Arc<AuditLog>,
    address: SocketAddr,
}

impl Site {
    /// With these records in memory, the last the newest; `text` is all that the proxy says itself.
    pub fn new(records: impl IntoIterator<Item = DecisionRecord>, text: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let metrics = Arc::new(Metrics::new().unwrap());
        let audit = Audit { file: None, ..Audit::default() };
        let log = Arc::new(AuditLog::open(&audit, metrics.of_audit_log()).unwrap());
        for record in records {
            metrics.decided(&record);
            log.write(record);
        }
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let settings = config::Admin { address, token: None, hosts: vec!["127.0.0.1".into()] };
        let control = Arc::new(Fake(text.to_owned()));
        let admin = Admin::new(settings, control, metrics, Arc::clone(&log));
        let (stop, stopped) = watch::channel(false);
        runtime.spawn(admin::serve(listener, admin, stopped));
        Self { _runtime: runtime, _stop: stop, log, address }
    }

    pub fn at(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn decide(&self, record: DecisionRecord) {
        self.log.write(record);
    }
}

struct Fake(String);

impl Control for Fake {
    fn reload(&self) -> Result<String, Vec<Report>> {
        Ok(String::new())
    }

    fn is_ready(&self) -> bool {
        true
    }

    fn rules(&self) -> (String, String) {
        (self.0.clone(), self.0.clone())
    }

    fn held_bytes(&self) -> u64 {
        0
    }

    fn standing(&self) -> Standing {
        let last_reload = Reload { at: SystemTime::now(), result: Err(self.0.clone()) };
        Standing {
            since: SystemTime::now() - Duration::from_secs(12_345),
            config: Some(self.0.clone()),
            mode: Mode::Detect,
            in_flight: 3,
            warnings: vec![self.0.clone()],
            last_reload: Some(last_reload),
        }
    }
}
