//! Which requests go where, and what differs for them.

use std::path::Path;
use std::sync::Arc;

use waf_core::parse::media_type::MediaType;
use waf_core::policy::{
    OnPartial, Override, OverrideScope, PolicySettings, ResponseBody, ResponsePolicy,
};
use waf_core::record::Mode;
use waf_core::rule::{PathPattern, RuleMode};

use super::{Builder, Entry, written};
use crate::settings::{BlockPage, HostMatch, PathMatch, Upstream};
use crate::share::Share;
use written::{Scoring, Websocket, Written};

/// What applications use; TRACE and CONNECT only help attackers.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// One route.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its name in records and metrics; unique.
    pub name: String,
    /// The hosts it takes.
    pub host: HostMatch,
    /// The clean paths it takes.
    pub path: PathMatch,
    /// The methods it takes; empty for all.
    pub methods: Vec<String>,
    /// The name of its upstream.
    pub upstream: String,
    /// How its requests are treated.
    pub settings: RouteSettings,
}

/// What may differ from route to route.
#[derive(Clone, Debug)]
pub struct RouteSettings {
    /// For the engine; its exclusions are those of `exclusions`, once they are read.
    pub policy: PolicySettings,
    /// The exclusion files, the global ones first.
    pub exclusions: Vec<Entry>,
    /// Methods that are not refused.
    pub methods: Vec<String>,
    /// Whether a WebSocket may be opened.
    pub websocket: bool,
    /// The requests whose blocks are carried out, in block mode.
    pub enforce: Share,
    /// What a blocked client sees.
    pub block_page: Arc<BlockPage>,
}

impl Builder<'_> {
    /// The settings where no route is known.
    pub(super) fn global(&mut self, base: Base<'_>) -> RouteSettings {
        self.route_settings("", &written::Route::default(), base)
    }

    pub(super) fn routes(
        &mut self,
        written: &Written,
        upstreams: &[Arc<Upstream>],
        global: &RouteSettings,
    ) -> Vec<Route> {
        let Some(routes) = &written.routes else { return self.default_route(upstreams, global) };
        if routes.is_empty() {
            self.check.error("routes", "no route: every request would get 404");
        }
        let mut names: Vec<&str> = Vec::new();
        let mut meant = Vec::new();
        for (index, route) in routes.iter().enumerate() {
            let path = format!("routes[{index}]");
            let name = route.name.as_deref().unwrap_or_default();
            if name.is_empty() {
                self.check.error(&path, "a route needs a `name`");
            } else if names.contains(&name) {
                self.check.error(&format!("{path}.name"), format!("two routes are named `{name}`"));
            }
            names.push(name);
            meant.push(self.route(&path, route, written, upstreams));
        }
        meant
    }

    /// Without routes everything goes to the only upstream.
    fn default_route(&mut self, upstreams: &[Arc<Upstream>], global: &RouteSettings) -> Vec<Route> {
        if upstreams.len() > 1 {
            self.check.error_help(
                "upstreams",
                "several upstreams and no `routes`",
                "say which requests go where, such as `routes: [{name: all, upstream: app}]`",
            );
        }
        let Some(upstream) = upstreams.first() else { return Vec::new() };
        vec![Route {
            name: "default".into(),
            host: HostMatch::Any,
            path: PathMatch::Any,
            methods: Vec::new(),
            upstream: upstream.name.clone(),
            settings: global.clone(),
        }]
    }

    fn route(
        &mut self,
        path: &str,
        written: &written::Route,
        file: &Written,
        upstreams: &[Arc<Upstream>],
    ) -> Route {
        let matched = written.r#match.clone().unwrap_or_default();
        let host = self.host(&format!("{path}.match.host"), matched.host.as_deref());
        let path_match = self.path(&format!("{path}.match.path"), matched.path.as_deref());
        self.refuse_global_keys(path, written);
        Route {
            name: written.name.clone().unwrap_or_default(),
            host,
            path: path_match,
            methods: self.methods(&format!("{path}.match.methods"), matched.methods.as_deref()),
            upstream: self.upstream_name(path, written.upstream.as_deref(), upstreams),
            settings: self.route_settings(&format!("{path}."), written, Base::of(file)),
        }
    }

    fn upstream_name(
        &mut self,
        path: &str,
        written: Option<&str>,
        upstreams: &[Arc<Upstream>],
    ) -> String {
        if self.command_line.upstream.is_some() {
            return upstreams.first().map(|only| only.name.clone()).unwrap_or_default();
        }
        match written {
            Some(name) if upstreams.iter().any(|upstream| upstream.name == name) => name.to_owned(),
            Some(name) => {
                let names: Vec<_> = upstreams.iter().map(|u| u.name.as_str()).collect();
                let help = format!("one of: {}", names.join(", "));
                let message = format!("there is no upstream `{name}`");
                self.check.error_help(&format!("{path}.upstream"), message, help);
                name.to_owned()
            }
            None => {
                self.check.error(path, "a route needs an `upstream`");
                String::new()
            }
        }
    }

    /// These keys bound the whole process and cannot differ by route.
    fn refuse_global_keys(&mut self, path: &str, written: &written::Route) {
        let body = written.body.as_ref();
        let limits = written.limits.as_ref();
        let set = [
            ("body.hold_total", body.is_some_and(|body| body.hold_total.is_some())),
            ("body.hold_full", body.is_some_and(|body| body.hold_full.is_some())),
            ("body.hold_unknown_length", body.is_some_and(|b| b.hold_unknown_length.is_some())),
            ("limits.in_flight", limits.is_some_and(|limits| limits.in_flight.is_some())),
            ("limits.h2_streams", limits.is_some_and(|limits| limits.h2_streams.is_some())),
        ];
        for (key, _) in set.into_iter().filter(|(_, set)| *set) {
            let message = format!("`{key}` holds for all routes together");
            self.check.error_help(
                &format!("{path}.{key}"),
                message,
                "set it at the top of the file",
            );
        }
    }

    /// The settings of a route over those of the file; `path` is `""` or `routes[n].`.
    pub(super) fn route_settings(
        &mut self,
        path: &str,
        route: &written::Route,
        base: Base<'_>,
    ) -> RouteSettings {
        let file = base.file;
        let body = over(route.body.as_ref(), file.body.as_ref(), written::Body::over);
        let limits = over(route.limits.as_ref(), file.limits.as_ref(), written::Limits::over);
        let scoring = over(route.scoring.as_ref(), Some(&base.scoring()), Scoring::over);
        let page =
            over(route.block_page.as_ref(), file.block_page.as_ref(), written::BlockPage::over);
        let response =
            over(route.response.as_ref(), file.response.as_ref(), written::Response::over);
        let policy = PolicySettings {
            mode: self.mode(route.mode, file.mode),
            overrides: self.overrides(path, route, base),
            limits: self.limits(path, &limits, &body),
            on_partial: match body.on_partial {
                None | Some(written::OnPartial::Pass) => OnPartial::Pass,
                Some(written::OnPartial::Block) => OnPartial::Block,
            },
            response: self.response(path, &response),
            block_status: self.check.between(
                &format!("{path}block_page.status"),
                page.status.unwrap_or(403),
                (400, 599),
            ),
            ..self.scoring(&format!("{path}scoring"), &scoring)
        };
        let methods = route.methods.as_deref().or(file.methods.as_deref());
        RouteSettings {
            policy,
            exclusions: self.exclusions(path, route, base),
            enforce: route.enforce.or(file.enforce).unwrap_or(Share::ALL),
            methods: match methods {
                Some(methods) => self.methods(&format!("{path}methods"), Some(methods)),
                None => METHODS.map(str::to_owned).to_vec(),
            },
            websocket: route.websocket == Some(Websocket::Allow),
            block_page: Arc::new(self.block_page(path, &page)),
        }
    }

    fn response(&mut self, path: &str, written: &written::Response) -> ResponsePolicy {
        let default = ResponsePolicy::default();
        ResponsePolicy {
            headers: written.headers.unwrap_or(default.headers),
            body: match written.body {
                None => default.body,
                Some(written::ResponseBody::Off) => ResponseBody::Off,
                Some(written::ResponseBody::Detect) => ResponseBody::Detect,
                Some(written::ResponseBody::Block) => ResponseBody::Block,
            },
            types: match &written.types {
                None => default.types,
                Some(types) => self.media_types(&format!("{path}response.types"), types),
            },
        }
    }

    /// Types without parameters; they ignore case (RFC 9110 section 8.3.1).
    fn media_types(&mut self, path: &str, written: &[String]) -> Vec<String> {
        for (index, name) in written.iter().enumerate() {
            let media_type = MediaType::parse(name.as_bytes());
            if media_type.malformed || name.contains([';', '*']) {
                let message = format!("`{name}` is no media type");
                self.check.error_help(
                    &format!("{path}[{index}]"),
                    message,
                    "such as text/html, without parameters",
                );
            }
        }
        written.iter().map(|name| name.trim().to_ascii_lowercase()).collect()
    }

    /// Route beats global, `--mode` beats global, `--mode detect` beats everything.
    fn mode(&self, route: Option<Mode>, file: Option<Mode>) -> Mode {
        match self.command_line.mode {
            Some(Mode::Detect) => Mode::Detect,
            global => route.or(global).or(file).unwrap_or_default(),
        }
    }

    pub(super) fn scoring(&mut self, path: &str, written: &Scoring) -> PolicySettings {
        let default = PolicySettings::default();
        let threshold = (1, 10_000);
        let paranoia = written.paranoia.unwrap_or(default.paranoia);
        let mut at =
            |key: &str, value, range| self.check.between(&format!("{path}.{key}"), value, range);
        let inbound = written.inbound_threshold.unwrap_or(default.inbound_threshold);
        let outbound = written.outbound_threshold.unwrap_or(default.outbound_threshold);
        let settings = PolicySettings {
            inbound_threshold: at("inbound_threshold", inbound, threshold),
            outbound_threshold: at("outbound_threshold", outbound, threshold),
            ..default
        };
        let paranoia = self.check.between(&format!("{path}.paranoia"), paranoia, (1, 4));
        let key = format!("{path}.detection_paranoia");
        let detection_paranoia = match written.detection_paranoia {
            Some(level) => self.check.between(&key, level, (paranoia, 4)),
            None => paranoia,
        };
        PolicySettings { paranoia, detection_paranoia, ..settings }
    }

    /// The file's, the candidate's, then the route's: later ones win.
    fn overrides(&mut self, path: &str, route: &written::Route, base: Base<'_>) -> Vec<Override> {
        let mut overrides = Vec::new();
        let candidate = base.candidate.and_then(|candidate| candidate.overrides.as_ref());
        for (path, written) in [
            ("", base.file.overrides.as_ref()),
            ("candidate.", candidate),
            (path, route.overrides.as_ref()),
        ] {
            for (scope, change) in written.iter().flat_map(|written| &written.0) {
                let place = format!("{path}overrides.{scope}");
                overrides.push(self.r#override(&place, scope, change));
            }
        }
        overrides
    }

    fn r#override(&mut self, path: &str, scope: &str, written: &written::Override) -> Override {
        if written.mode.is_none() && written.score.is_none() {
            self.check.error(path, format!("`{scope}` changes neither `mode` nor `score`"));
        }
        let score = written.score;
        let score =
            score.map(|score| self.check.between(&format!("{path}.score"), score, (0, 100)));
        Override {
            scope: match scope.strip_prefix("class:") {
                Some(class) => OverrideScope::Class(class.to_owned()),
                None => OverrideScope::Rule(scope.to_owned()),
            },
            mode: written.mode.map(|mode| match mode {
                written::RuleMode::Block => RuleMode::Block,
                written::RuleMode::Detect => RuleMode::Detect,
                written::RuleMode::Off => RuleMode::Off,
            }),
            score,
            span: self.check.key(path),
        }
    }

    /// The file's, or in their place the candidate's, then the route's.
    fn exclusions(&self, path: &str, route: &written::Route, base: Base<'_>) -> Vec<Entry> {
        let candidate = base.candidate.and_then(|candidate| candidate.exclusions.as_deref());
        let mut entries = match candidate {
            Some(exclusions) => self.entries("candidate.exclusions", exclusions),
            None => self.entries("exclusions", base.file.exclusions.as_deref().unwrap_or_default()),
        };
        let own = route.exclusions.as_deref().unwrap_or_default();
        entries.extend(self.entries(&format!("{path}exclusions"), own));
        entries
    }

    fn block_page(&mut self, path: &str, written: &written::BlockPage) -> BlockPage {
        let html = written.html.as_deref();
        let place = format!("{path}block_page.html");
        BlockPage {
            html: html.and_then(|file: &Path| self.read(&place, file)),
            retry_after: written.retry_after.map(|time| time.0.as_secs()),
            reveal_rules: written.reveal_rules.unwrap_or(false),
        }
    }

    /// Exact, or `*.` and a name: every host below it.
    fn host(&mut self, path: &str, written: Option<&str>) -> HostMatch {
        let Some(written) = written else { return HostMatch::Any };
        let name = written.strip_prefix("*.").unwrap_or(written);
        let has_port = name.contains(':') && !name.ends_with(']');
        if name.is_empty() || name.contains(['*', '/']) || has_port {
            let message = format!("`{written}` is no host");
            self.check.error_help(path, message, "such as shop.example or *.example, without port");
        }
        let lower = written.to_ascii_lowercase();
        match lower.strip_prefix('*') {
            Some(suffix) => HostMatch::Suffix(suffix.to_owned()),
            None => HostMatch::Exact(lower),
        }
    }

    /// Exact, or with `*` at its end.
    fn path(&mut self, path: &str, written: Option<&str>) -> PathMatch {
        let Some(written) = written else { return PathMatch::Any };
        if PathPattern::new(written).is_none() {
            let message = format!("`{written}` is no path");
            self.check.error_help(path, message, "it starts with `/` and may end with `*`");
        }
        match written.strip_suffix('*') {
            Some(prefix) => PathMatch::Prefix(prefix.to_owned()),
            None => PathMatch::Exact(written.to_owned()),
        }
    }

    /// Methods are tokens, and differ by case (RFC 9110 section 9.1).
    fn methods(&mut self, path: &str, written: Option<&[String]>) -> Vec<String> {
        let written = written.unwrap_or_default();
        for (index, method) in written.iter().enumerate() {
            let is_token =
                |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            if method.is_empty() || !method.bytes().all(is_token) {
                let place = format!("{path}[{index}]");
                self.check.error(&place, format!("`{method}` is no method"));
            }
        }
        written.to_vec()
    }
}

/// What the settings of a route stand over: the file's own, or, for the candidate, the file's with
/// the candidate's keys in their place.
#[derive(Clone, Copy)]
pub(super) struct Base<'a> {
    pub(super) file: &'a Written,
    pub(super) candidate: Option<&'a written::Candidate>,
}

impl<'a> Base<'a> {
    pub(super) fn of(file: &'a Written) -> Self {
        Self { file, candidate: None }
    }

    pub(super) fn scoring(&self) -> Scoring {
        let candidate = self.candidate.and_then(|candidate| candidate.scoring.as_ref());
        over(candidate, self.file.scoring.as_ref(), Scoring::over)
    }
}

/// The keys of one over those of the other, either of which may be missing.
fn over<T: Clone + Default>(own: Option<&T>, base: Option<&T>, join: fn(&T, &T) -> T) -> T {
    match (own, base) {
        (Some(own), Some(base)) => join(own, base),
        (own, base) => own.or(base).cloned().unwrap_or_default(),
    }
}
