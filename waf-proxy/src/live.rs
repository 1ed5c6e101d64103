//! The running proxy: what is in force, how it is replaced, and who is told.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use waf_core::parse::request::HeadPolicy;
use waf_core::policy::Policy;
use waf_core::record::{DecisionRecord, Mode};
use waf_core::rule::Phase;
use waf_core::source::Report;

use crate::audit_log::AuditLog;
use crate::config::files::Disk;
use crate::config::{self, CommandLine, RouteSettings, fixed_keys_changed};
use crate::control::{Control, Reload, Standing, told};
use crate::metrics::Metrics;
use crate::observer::Observer;
use crate::service_manager;
use crate::settings::{Easing, Route, Settings, Upstream};
use crate::share::Share;
use crate::shared::Shared;
use crate::site::Site;
use crate::tls::Tls;

/// Where the configuration is read from, again and again.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The file; `None` for the defaults.
    pub config: Option<PathBuf>,
    /// What stands over it.
    pub command_line: CommandLine,
}

/// The running proxy.
pub struct Live {
    origin: Origin,
    demo: Option<SocketAddr>,
    site: ArcSwap<Site>,
    shared: Arc<Shared>,
    reporter: Arc<Reporter>,
    /// The certificates of the listeners, set once they are bound.
    certificates: OnceLock<Vec<Arc<Tls>>>,
    /// One reload at a time.
    reloading: Mutex<()>,
    since: SystemTime,
    last_reload: Mutex<Option<Reload>>,
}

/// Tells the audit log and the metrics.
pub struct Reporter {
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What is recorded.
    pub audit_log: Arc<AuditLog>,
}

impl Observer for Reporter {
    fn decided(&self, record: DecisionRecord) {
        self.metrics.decided(&record);
        self.audit_log.write(record);
    }

    fn inspected(&self, phase: Phase, time: Duration) {
        self.metrics.inspected(phase, time);
    }

    fn upstream_answered(&self, upstream: &str, time: Duration) {
        self.metrics.upstream_answered(upstream, time);
    }

    fn upstream_failed(&self, upstream: &str, reason: &'static str) {
        self.metrics.upstream_failed(upstream, reason);
    }
}

impl Live {
    /// A proxy that has loaded `site` and has not begun to listen. `demo` is where the built-in
    /// origin answers, when the configuration asks for it.
    pub fn new(
        origin: Origin,
        site: Site,
        reporter: Reporter,
        demo: Option<SocketAddr>,
    ) -> Result<Arc<Self>, Vec<Report>> {
        let reporter = Arc::new(reporter);
        let observer: Arc<dyn Observer> = Arc::clone(&reporter) as _;
        let settings = settings(&site, demo)?;
        site.warm();
        reporter.metrics.loaded(&site.names());
        Ok(Arc::new(Self {
            origin,
            demo,
            shared: Shared::new(settings, observer),
            reporter,
            site: ArcSwap::from_pointee(site),
            certificates: OnceLock::new(),
            reloading: Mutex::new(()),
            since: SystemTime::now(),
            last_reload: Mutex::default(),
        }))
    }

    /// What all requests share.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// What is in force.
    pub fn site(&self) -> Arc<Site> {
        self.site.load_full()
    }

    /// The listeners are bound: from now on the proxy is ready.
    pub fn listening(&self, certificates: Vec<Arc<Tls>>) {
        // Set once, by the one who binds.
        let _ = self.certificates.set(certificates);
    }

    /// Opens the audit log anew.
    pub fn reopen_audit_log(&self) {
        self.reporter.audit_log.reopen();
    }

    /// Reads everything anew and puts it in force, or changes nothing.
    fn replace(&self) -> Result<String, Vec<Report>> {
        let _one = self.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        let site = Site::load(&Disk, self.origin.config.as_deref(), &self.origin.command_line)?;
        let changed = fixed_keys_changed(&self.site.load().config, &site.config);
        if !changed.is_empty() {
            return Err(changed.into_iter().map(refused).collect());
        }
        let settings = settings(&site, self.demo)?;
        site.warm();
        for certificate in self.certificates.get().into_iter().flatten() {
            certificate
                .reload()
                .map_err(|error| vec![Report::error(None, format!("certificate: {error}"))])?;
        }
        let ruleset = site.ruleset.hash().to_owned();
        self.reporter.metrics.loaded(&site.names());
        self.reporter.audit_log.reconfigure(&site.config.audit);
        for warning in &site.warnings {
            tracing::warn!("{warning}");
        }
        tracing::info!(rules = %site.summary, %ruleset, "reloaded");
        self.shared.settings.store(Arc::new(settings));
        self.site.store(Arc::new(site));
        Ok(ruleset)
    }
}

impl Control for Live {
    fn reload(&self) -> Result<String, Vec<Report>> {
        service_manager::reloading();
        let result = self.replace();
        service_manager::ready(match result {
            Ok(_) => "reloaded",
            Err(_) => "a reload was refused, the old rules stay",
        });
        self.reporter.metrics.reloaded(result.is_ok());
        if let Err(reports) = &result {
            for report in reports {
                tracing::error!("reload refused, the old rules stay: {report}");
            }
        }
        let told = result.clone().map_err(|reports| told(&reports));
        let last = Reload { at: SystemTime::now(), result: told };
        *self.last_reload.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
        result
    }

    fn is_ready(&self) -> bool {
        self.certificates.get().is_some() && !self.shared.is_draining()
    }

    fn rules(&self) -> (String, String) {
        let site = self.site.load();
        (site.ruleset.hash().to_owned(), site.summary.clone())
    }

    fn held_bytes(&self) -> u64 {
        self.shared.held.now() as u64
    }

    fn standing(&self) -> Standing {
        let site = self.site.load();
        let last_reload = self.last_reload.lock().unwrap_or_else(PoisonError::into_inner);
        Standing {
            since: self.since,
            config: self.origin.config.as_ref().map(|file| file.display().to_string()),
            mode: site.config.global.policy.mode,
            in_flight: self.shared.in_flight(),
            warnings: site.warnings.iter().map(ToString::to_string).collect(),
            last_reload: last_reload.clone(),
        }
    }
}

fn refused(key: &str) -> Report {
    let message = format!("`{key}` has changed, and a reload cannot change it");
    Report::error(None, message).help("restart the proxy, or take the change back")
}

/// The site as requests need it.
fn settings(site: &Site, demo: Option<SocketAddr>) -> Result<Settings, Vec<Report>> {
    let config = &site.config;
    let upstreams: Vec<Arc<Upstream>> =
        config.upstreams.iter().map(|upstream| served_by(upstream, demo)).collect();
    let mut routes = Vec::with_capacity(config.routes.len());
    for (index, (route, policy)) in config.routes.iter().zip(&site.policies).enumerate() {
        let upstream = upstreams.iter().find(|upstream| upstream.name == route.upstream);
        let Some(upstream) = upstream else { continue };
        routes.push(Route {
            name: route.name.clone(),
            host: route.host.clone(),
            path: route.path.clone(),
            match_methods: route.methods.clone(),
            upstream: Arc::clone(upstream),
            policy: Arc::clone(policy),
            easing: easing(route.settings.enforce, policy),
            candidate: site.candidate_of(index).cloned(),
            head: head(&route.settings),
            block_page: Arc::clone(&route.settings.block_page),
        });
    }
    let nothing = || vec![Report::error(None, "there is no policy")];
    let fallback: &Arc<Policy> = site.global().ok_or_else(nothing)?;
    Ok(Settings {
        routes,
        fallback: Arc::clone(fallback),
        head: widest_head(config),
        clients: config.clients.clone(),
        body: config.body.clone(),
        timeouts: config.timeouts.clone(),
        in_flight: config.in_flight,
        h2_streams: config.h2_streams,
        on_error: config.on_error,
        block_page: Arc::clone(&config.global.block_page),
        audit_headers: config.audit.headers.clone(),
        masking: Arc::clone(&config.masking),
        candidate_share: config.candidate.as_ref().map_or(Share::ALL, |known| known.share),
    })
}

/// Where blocks are carried out on every request, or on none, one policy is enough.
fn easing(enforce: Share, policy: &Policy) -> Option<Easing> {
    (enforce != Share::ALL && policy.settings().mode == Mode::Block)
        .then(|| Easing { enforce, detect: Arc::new(policy.in_mode(Mode::Detect)) })
}

fn head(settings: &RouteSettings) -> HeadPolicy {
    HeadPolicy {
        methods: settings.methods.clone(),
        websocket: settings.websocket,
        limits: settings.policy.limits.clone(),
    }
}

/// Before a route is known a head may be as long as the most generous route lets it be.
fn widest_head(config: &config::Config) -> HeadPolicy {
    let mut widest = head(&config.global);
    for route in &config.routes {
        let limits = &route.settings.policy.limits;
        widest.limits.url = widest.limits.url.max(limits.url);
        widest.limits.header_bytes = widest.limits.header_bytes.max(limits.header_bytes);
        widest.limits.headers = widest.limits.headers.max(limits.headers);
    }
    widest
}

/// The upstream, or the built-in demo origin where it has no servers.
fn served_by(upstream: &Arc<Upstream>, demo: Option<SocketAddr>) -> Arc<Upstream> {
    match demo.filter(|_| upstream.servers.is_empty()) {
        Some(address) => Arc::new(Upstream::plain(&upstream.name, vec![address])),
        None => Arc::clone(upstream),
    }
}
