//! The configuration: [`written`] is what the file says, [`Config`] what it means. It is checked
//! once, here; nothing behind this module meets a wrong setting.
//!
//! What the command line says is put over what the file says before anything is checked, so both
//! are checked alike. Paths in a file are relative to its folder, those of the command line to the
//! working directory.

mod audit;
mod candidate;
mod check;
pub mod files;
mod limits;
mod listeners;
mod reload;
mod routes;
pub mod units;
mod upstreams;
pub mod written;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use waf_core::record::{Masking, Mode};
use waf_core::source::{Report, Source, Span};

pub use audit::{Audit, AuditLevel, Destination, Format, OnFull, Output, Sample};
pub use candidate::Candidate;
pub use listeners::{Admin, Secret};
pub use reload::fixed_keys_changed;
pub use routes::{Route, RouteSettings};

use crate::settings::{BodySettings, Clients, Listener, OnError, Timeouts, Upstream};
use check::Checker;
use files::Files;
use routes::Base;
use waf_core::yaml::Located;
use written::Written;

/// What the command line says, over the file.
#[derive(Clone, Debug, Default)]
pub struct CommandLine {
    /// `--listen`: the only listener.
    pub listen: Option<SocketAddr>,
    /// `--upstream`: where every route goes.
    pub upstream: Option<String>,
    /// `--mode`: `detect` beats routes too.
    pub mode: Option<Mode>,
    /// `--rules`, in order; empty when not given.
    pub rules: Vec<String>,
    /// `--audit-log`.
    pub audit_log: Option<PathBuf>,
}

/// Settings as meant.
#[derive(Debug)]
pub struct Config {
    /// The file it came from; `None` for the defaults.
    pub source: Option<Arc<Source>>,
    /// Worker threads.
    pub threads: usize,
    /// What a bug of ours does to the request it meets.
    pub on_error: OnError,
    /// `rules:`, in order.
    pub rules: Vec<Entry>,
    /// Where traffic comes in; at least one.
    pub listeners: Vec<Listener>,
    /// Where operators come in.
    pub admin: Admin,
    /// Who may ask, and whose word about addresses is taken.
    pub clients: Clients,
    /// The applications, in the order of the file.
    pub upstreams: Vec<Arc<Upstream>>,
    /// In the order of the file.
    pub routes: Vec<Route>,
    /// The settings where no route is known.
    pub global: RouteSettings,
    /// How bodies are held.
    pub body: BodySettings,
    /// Requests at the same time; more get 503.
    pub in_flight: usize,
    /// Concurrent streams of one HTTP/2 connection.
    pub h2_streams: u32,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// The audit log.
    pub audit: Audit,
    /// What records do not tell.
    pub masking: Arc<Masking>,
    /// What runs beside the routes' own rules and has no say.
    pub candidate: Option<Candidate>,
}

/// An entry of `rules:` or `exclusions:`.
#[derive(Clone, Debug)]
pub struct Entry {
    /// As written: a name such as `builtin`, or a path.
    pub text: String,
    /// The same as a path.
    pub path: PathBuf,
    /// Where it was written; `None` for the command line.
    pub span: Option<Span>,
}

impl Config {
    /// Reads and checks the file at `path`; without one, the defaults with the demo origin.
    pub fn load(
        files: &dyn Files,
        path: Option<&Path>,
        command_line: &CommandLine,
    ) -> Result<Self, Vec<Report>> {
        let Some(path) = path else {
            return Builder::new(files, None, PathBuf::new(), command_line)
                .build(None, &Written::default());
        };
        let text = files.read(path).map_err(|error| {
            vec![Report::error(None, format!("cannot read {}: {error}", path.display()))]
        })?;
        let source = Source::new(path.display().to_string(), text);
        let (written, located) =
            waf_core::yaml::read_located(&source).map_err(|report| vec![report])?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Builder::new(files, Some(&located), folder, command_line).build(Some(source), &written)
    }

    /// Whether the built-in demo origin is an upstream.
    pub fn has_demo(&self) -> bool {
        self.upstreams.iter().any(|upstream| upstream.servers.is_empty())
    }
}

/// Turns a configuration as written into one as meant. Each module beside this one adds the part it
/// knows.
struct Builder<'a> {
    files: &'a dyn Files,
    check: Checker<'a>,
    /// The folder that paths in the file are relative to.
    folder: PathBuf,
    command_line: &'a CommandLine,
    has_file: bool,
}

impl<'a> Builder<'a> {
    fn new(
        files: &'a dyn Files,
        located: Option<&'a Located>,
        folder: PathBuf,
        command_line: &'a CommandLine,
    ) -> Self {
        let check = Checker::new(located);
        Self { files, check, folder, command_line, has_file: located.is_some() }
    }

    fn build(
        mut self,
        source: Option<Arc<Source>>,
        written: &Written,
    ) -> Result<Config, Vec<Report>> {
        let listeners = self.listeners(written.listeners.as_deref());
        let admin = self.admin(written.admin.as_ref(), &listeners);
        let upstreams = self.upstreams(written.upstreams.as_ref(), admin.address);
        let global = self.global(Base::of(written));
        let config = Config {
            source,
            threads: self.threads(written.threads),
            on_error: match written.on_error {
                Some(written::OnError::Pass) => OnError::Pass,
                Some(written::OnError::Block) | None => OnError::Block,
            },
            rules: self.rules(written.rules.as_deref()),
            clients: clients(written.clients.as_ref()),
            routes: self.routes(written, &upstreams, &global),
            body: self.body(written.body.as_ref()),
            in_flight: self.in_flight(written.limits.as_ref()),
            h2_streams: self.h2_streams(written.limits.as_ref()),
            timeouts: self.timeouts(written.timeouts.as_ref()),
            audit: self.audit(written.audit.as_ref()),
            masking: Arc::new(self.masking(written.masking.as_ref())),
            candidate: self.candidate(written),
            listeners,
            admin,
            upstreams,
            global,
        };
        self.check.finish(config)
    }

    /// 0 means one per core.
    fn threads(&mut self, written: Option<usize>) -> usize {
        let most = 1_024;
        match self.check.between("threads", written.unwrap_or(0), (0, most)) {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        }
    }

    fn rules(&mut self, written: Option<&[String]>) -> Vec<Entry> {
        if !self.command_line.rules.is_empty() {
            let entry = |text: &String| Entry { text: text.clone(), path: text.into(), span: None };
            return self.command_line.rules.iter().map(entry).collect();
        }
        match written {
            Some(entries) => self.entries("rules", entries),
            None => vec![Entry { text: "builtin".into(), path: "builtin".into(), span: None }],
        }
    }

    /// The paths of a list in the file.
    fn entries(&self, path: &str, written: &[String]) -> Vec<Entry> {
        let entry = |(index, text): (usize, &String)| Entry {
            text: text.clone(),
            path: self.folder.join(text),
            span: self.check.span(&format!("{path}[{index}]")),
        };
        written.iter().enumerate().map(entry).collect()
    }

    /// The text of a file that the configuration names.
    fn read(&mut self, path: &str, file: &Path) -> Option<String> {
        let file = self.folder.join(file);
        match self.files.read(&file) {
            Ok(text) => Some(text),
            Err(error) => {
                self.check.error(path, format!("cannot read {}: {error}", file.display()));
                None
            }
        }
    }
}

fn clients(written: Option<&written::Clients>) -> Clients {
    let networks = |list: Option<&Vec<units::Network>>| {
        list.map(|list| list.iter().map(|network| network.0).collect()).unwrap_or_default()
    };
    Clients {
        trusted_proxies: networks(written.and_then(|w| w.trusted_proxies.as_ref())),
        allow: networks(written.and_then(|w| w.allow.as_ref())),
        deny: networks(written.and_then(|w| w.deny.as_ref())),
    }
}

#[cfg(test)]
mod tests;
