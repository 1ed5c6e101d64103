//! `pinpoint run`: the proxy.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

use super::{Exit, Failure, ModeArgument, RuleArguments};
use crate::admin::{self, Admin};
use crate::audit_log::AuditLog;
use crate::config::CommandLine;
use crate::config::files::Disk;
use crate::control::Control;
use crate::demo;
use crate::live::{Live, Origin, Reporter};
use crate::metrics::Metrics;
use crate::server::Server;
use crate::service_manager;
use crate::site::{Site, today};

/// Run the proxy. Without a configuration: the built-in rules on 127.0.0.1:8080, the admin listener
/// on 127.0.0.1:9090 and a built-in demo origin.
///
/// SIGTERM and SIGINT stop it within seconds, SIGHUP reloads, SIGUSR1 opens the audit log anew.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The configuration
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Listen here instead
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Send every request there
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// Whether blocks are carried out; `detect` beats every route (the emergency switch)
    #[arg(long, value_enum)]
    mode: Option<ModeArgument>,
    #[command(flatten)]
    rules: RuleArguments,
    /// Append decision records to this file instead
    #[arg(long, value_name = "PATH")]
    audit_log: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    log_to_stderr();
    let origin = Origin {
        config: arguments.config.clone(),
        command_line: CommandLine {
            listen: arguments.listen,
            upstream: arguments.upstream.clone(),
            mode: arguments.mode.map(Into::into),
            rules: arguments.rules.rules.clone(),
            audit_log: arguments.audit_log.clone(),
        },
    };
    let site = Site::load(&Disk, origin.config.as_deref(), &origin.command_line)?;
    let reporter = reporter(&site)?;
    let demo = site.config.has_demo().then(demo::start).transpose();
    let demo = demo.map_err(|error| Failure::usage(format!("cannot start the demo: {error}")))?;
    let server = Server::bind(&site.config.listeners, site.config.threads)
        .map_err(|error| Failure::usage(error.to_string()))?;
    let control = control_runtime()?;
    let admin_socket = bind_admin(&control, site.config.admin.address)?;
    let (metrics, audit_log) = (Arc::clone(&reporter.metrics), Arc::clone(&reporter.audit_log));
    let admin_settings = site.config.admin.clone();
    let live = Live::new(origin, site, reporter, demo)?;
    live.listening(server.certificates());
    // A reload may be asked for as soon as we are said to be ready.
    let signals = Signals::listen(&control)
        .map_err(|error| Failure::usage(format!("cannot listen to signals: {error}")))?;
    announce(&live, &server);
    service_manager::ready("serving");
    let admin = Admin::new(admin_settings, Arc::clone(&live) as _, metrics, Arc::clone(&audit_log));
    let (stop, stopped) = watch::channel(false);
    control.spawn(admin::serve(admin_socket, admin, stopped.clone()));
    control.spawn(signals.obey(Arc::clone(&live), stop));
    control.spawn(upkeep(Arc::clone(&live)));
    let mut stopped = stopped;
    server.run(live.shared(), async move {
        // An error means that the sender is gone, which is the same.
        let _ = stopped.wait_for(|stop| *stop).await;
    });
    audit_log.close();
    control.shutdown_background();
    tracing::info!("stopped");
    Ok(Exit::Fine)
}

/// `RUST_LOG` beats the default; the audit log has standard output for itself.
fn log_to_stderr() {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("waf_proxy=info,warn"));
    // Fails only where a test has set one already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(is_colourful())
        .try_init();
}

fn is_colourful() -> bool {
    use std::io::IsTerminal;
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && io::stderr().is_terminal()
}

fn reporter(site: &Site) -> Result<Reporter, Failure> {
    let metrics = Metrics::new().map_err(|error| Failure::usage(error.to_string()))?;
    let audit = &site.config.audit;
    let audit_log = AuditLog::open(audit, metrics.of_audit_log())
        .map_err(|error| Failure::usage(format!("cannot open the audit log {error}")))?;
    Ok(Reporter { metrics: Arc::new(metrics), audit_log: Arc::new(audit_log) })
}

/// Admin and signals have a thread of their own: traffic cannot keep operators out.
fn control_runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("control")
        .enable_all()
        .build()
        .map_err(|error| Failure::usage(format!("cannot start threads: {error}")))
}

fn bind_admin(runtime: &Runtime, address: SocketAddr) -> Result<TcpListener, Failure> {
    runtime
        .block_on(TcpListener::bind(address))
        .map_err(|error| Failure::usage(format!("cannot listen on {address} (admin): {error}")))
}

/// What runs, in one line, and what is odd about it.
fn announce(live: &Live, server: &Server) {
    let site = live.site();
    let listen: Vec<String> = server.addresses().iter().map(ToString::to_string).collect();
    tracing::info!(
        listen = %listen.join(" "),
        admin = %site.config.admin.address,
        rules = %site.summary,
        mode = site.config.global.policy.mode.name(),
        "pinpoint {} is ready",
        env!("CARGO_PKG_VERSION")
    );
    if site.config.has_demo() {
        tracing::info!("no upstream is configured: the built-in demo origin answers");
        if let Some(address) = server.addresses().first() {
            println!("{}", invitation(address));
        }
    }
    for warning in &site.warnings {
        tracing::warn!("{warning}");
    }
}

/// Two requests to try: one that passes, one that is blocked.
fn invitation(address: &SocketAddr) -> String {
    format!(
        "Try a request that passes, and one that is blocked:\n\n  \
         curl -i 'http://{address}/?q=hello'\n  \
         curl -i 'http://{address}/' -d \"name=x' UNION SELECT password FROM users--\"\n\n\
         Then ask why: pinpoint why <the x-request-id of the answer>"
    )
}

/// What the process is told by signals.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    reopen: Signal,
}

impl Signals {
    /// From here on none of them ends the process by itself.
    fn listen(control: &Runtime) -> io::Result<Self> {
        let _within = control.enter();
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            reopen: signal(SignalKind::user_defined1())?,
        })
    }

    /// Stops on SIGTERM and SIGINT, reloads on SIGHUP, reopens on SIGUSR1.
    async fn obey(mut self, live: Arc<Live>, stop: watch::Sender<bool>) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
                _ = self.hangup.recv() => reload(&live).await,
                _ = self.reopen.recv() => live.reopen_audit_log(),
            }
        }
        tracing::info!("stopping");
        service_manager::stopping();
        // Nobody listens any more when the server has ended by itself.
        let _ = stop.send(true);
    }
}

async fn reload(live: &Arc<Live>) {
    let live = Arc::clone(live);
    // The result is in the log and in the metrics.
    let _ = tokio::task::spawn_blocking(move || live.reload()).await;
}

/// What is to be done now and then. Exclusions end with their last day (UTC): the rules are loaded
/// anew when a day begins. Tables that somebody has filled are begun anew, once a second at most.
async fn upkeep(live: Arc<Live>) {
    let mut day = today();
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let site = live.site();
        let renewed = tokio::task::spawn_blocking(move || site.renew_full_tables()).await;
        if renewed.unwrap_or(false) {
            tracing::debug!("the tables of the automata were full and are begun anew");
        }
        let now = today();
        if now != day && live.site().has_exclusions() {
            reload(&live).await;
        }
        day = now;
    }
}
