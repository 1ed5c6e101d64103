//! One request and its answer, from the complete head to the record: what is known about it apart
//! from Pingora.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use waf_core::finding::{Finding, Origin};
use waf_core::limits::Limits;
use waf_core::parse::head::RequestHead;
use waf_core::parse::request::{HeadPolicy, validate};
use waf_core::policy::{Policy, ResponseBody};
use waf_core::record::{Decision, DecisionRecord, Mode, Source, Stop};
use waf_core::verdict::Refusal;

use crate::block::{Answer, Details, Page};
use crate::clients::Client;
use crate::engine::Inspection;
use crate::engine::api::About;
use crate::ids;
use crate::routes;
use crate::settings::{BlockPage, Route, Settings};
use crate::shared::{InFlight, Shared};

/// One request. It is recorded exactly once: by [`Self::finish`], or when it is dropped.
pub struct Exchange {
    /// The settings it began with.
    pub settings: Arc<Settings>,
    /// The head as received.
    pub head: Arc<RequestHead>,
    /// Who asks.
    pub client: Client,
    /// Ours.
    pub request_id: String,
    /// What the rules say.
    pub inspection: Inspection,
    /// What we answer instead of the origin, once that is decided.
    pub answer: Option<Answer>,
    /// The length of the body, when it is known.
    pub body_total: Option<u64>,
    shared: Arc<Shared>,
    route: Option<usize>,
    in_flight: InFlight,
    time: SystemTime,
    began: Instant,
    recorded: bool,
}

impl Exchange {
    /// A request whose head has come.
    pub fn new(
        shared: &Arc<Shared>,
        settings: Arc<Settings>,
        head: RequestHead,
        peer: IpAddr,
    ) -> Self {
        let route = routes::find(&settings.routes, &head);
        let time = SystemTime::now();
        let request_id = ids::request_id(time);
        let inspection =
            inspection(&settings, route.map(|index| &settings.routes[index]), &request_id);
        Self {
            client: Client::of(&head, peer, &settings.clients),
            request_id,
            inspection,
            answer: None,
            body_total: None,
            shared: Arc::clone(shared),
            route,
            in_flight: shared.enter(),
            time,
            began: Instant::now(),
            recorded: false,
            settings,
            head: head.into(),
        }
    }

    /// The route that serves it.
    pub fn route(&self) -> Option<&Route> {
        self.route.map(|index| &self.settings.routes[index])
    }

    /// The bounds that hold for it.
    pub fn limits(&self) -> &Limits {
        &self.policy().settings().limits
    }

    /// Whether the client waits before it sends a body (RFC 9110 section 10.1.1).
    pub fn expects_continue(&self) -> bool {
        self.head.version == b"HTTP/1.1"
            && self.head.value("expect").is_some_and(|it| it.eq_ignore_ascii_case(b"100-continue"))
    }

    /// What all requests share.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Judges the head. `found` is what is wrong with it, where that is known already. The answer,
    /// if any, is to be carried out.
    pub fn judge_head(&mut self, found: Option<Vec<(Finding, u64)>>) -> Option<Answer> {
        let findings = found.unwrap_or_else(|| validate(&self.head, self.head_policy()));
        let client = self.client.ip.to_string();
        let refusal = self.inspection.head(&self.head, &client, &findings);
        let unsafe_one = findings.iter().find(|(finding, _)| finding.always_refused());
        let unsafe_one = unsafe_one.map(|(finding, _)| refusal_of(*finding));
        self.answer = self.precedence(refusal.or(unsafe_one));
        self.answer
    }

    /// Something that the proxy found itself.
    pub fn find(&mut self, finding: Finding) -> Option<Answer> {
        let refusal = self.inspection.finding(finding);
        self.refuse(refusal.or(finding.always_refused().then(|| refusal_of(finding))))
    }

    /// Takes a refusal over, unless there is an answer already.
    pub fn refuse(&mut self, refusal: Option<Refusal>) -> Option<Answer> {
        self.answer = self.answer.or(refusal.map(Answer::from));
        self.answer
    }

    /// The page for an answer of ours.
    pub fn page(&self, answer: Answer) -> Page {
        let rules = if self.look().reveal_rules { self.matched_rules() } else { Vec::new() };
        let details = Details { allow: &self.head_policy().methods, rules: &rules };
        Page::new(answer, &self.head, &self.request_id, self.look(), &details)
    }

    /// Records it, once. `seen` is the status that the client saw.
    pub fn finish(&mut self, seen: Option<u16>) {
        if std::mem::replace(&mut self.recorded, true) {
            return;
        }
        self.inspection.finish();
        for &(phase, time) in self.inspection.spent() {
            self.shared.observer.inspected(phase, time);
        }
        match self.record(seen) {
            Some(record) => self.shared.observer.decided(record),
            None => tracing::error!(id = self.request_id, "the engine could not make a record"),
        }
    }

    fn record(&self, seen: Option<u16>) -> Option<DecisionRecord> {
        let intended = self.answer.map(|answer| answer.status);
        let total = self.began.elapsed().as_micros();
        self.inspection.record(&About {
            time: ids::timestamp(self.time),
            request_id: &self.request_id,
            client_request_id: self.client.request_id.as_deref(),
            route: self.route().map_or("", |route| &route.name),
            client_ip: &self.client.ip.to_string(),
            status: seen,
            intended_status: intended.filter(|intended| Some(*intended) != seen),
            source: self.answer.map(|answer| answer.source),
            decision: self.is_turned_away().then_some(Decision::Block),
            audit_headers: &self.settings.audit_headers,
            masking: &self.settings.masking,
            total_us: u64::try_from(total).unwrap_or(u64::MAX),
            body_total: self.body_total,
        })
    }

    fn matched_rules(&self) -> Vec<String> {
        let matches = self.record(None).map(|record| record.matches).unwrap_or_default();
        matches.into_iter().filter(|known| known.counted).map(|known| known.rule_id).collect()
    }

    /// Who answers first when several could: the cheapest to tell.
    fn precedence(&self, refusal: Option<Refusal>) -> Option<Answer> {
        if self.in_flight.count() > self.settings.in_flight {
            return Some(Answer::proxy(503));
        }
        if !self.settings.clients.admits(self.client.ip) {
            return Some(Answer { status: 403, source: Source::Ip });
        }
        let no_route = self.route.is_none().then_some(Answer { status: 404, source: Source::Waf });
        refusal.map(Answer::from).or(no_route)
    }

    /// Refused for its address.
    fn is_turned_away(&self) -> bool {
        self.answer.is_some_and(|answer| answer.source == Source::Ip)
    }

    /// Whether bodies of responses are looked at.
    pub fn reads_response_bodies(&self) -> bool {
        self.policy().settings().response.body != ResponseBody::Off
    }

    /// Whether bodies of responses are judged before they go on.
    pub fn blocks_response_bodies(&self) -> bool {
        let settings = self.policy().settings();
        settings.mode == Mode::Block && settings.response.body == ResponseBody::Block
    }

    /// What its head may hold.
    pub fn head_policy(&self) -> &HeadPolicy {
        self.route().map_or(&self.settings.head, |route| &route.head)
    }

    fn policy(&self) -> &Policy {
        self.inspection.policy()
    }

    fn look(&self) -> &BlockPage {
        self.route().map_or(&self.settings.block_page, |route| &route.block_page)
    }
}

/// The inspection of a request: which of the route's policies decides, and what runs beside it, is
/// up to the request's id.
fn inspection(settings: &Settings, route: Option<&Route>, request_id: &str) -> Inspection {
    let Some(route) = route else {
        return Inspection::new(Arc::clone(&settings.fallback), settings.on_error);
    };
    let eased = route.easing.as_ref().filter(|easing| !easing.enforce.takes("enforce", request_id));
    let policy = eased.map_or(&route.policy, |easing| &easing.detect);
    let inspection = Inspection::new(Arc::clone(policy), settings.on_error);
    match &route.candidate {
        Some(candidate) if settings.candidate_share.takes("candidate", request_id) => {
            inspection.beside(Arc::clone(candidate))
        }
        _ => inspection,
    }
}

/// What must not go on does not, even where no rule names the finding.
fn refusal_of(finding: Finding) -> Refusal {
    let source = match finding.origin() {
        Origin::Waf => Source::Waf,
        Origin::Protocol => Source::Protocol,
        Origin::Size => Source::Size,
    };
    Refusal { status: finding.status(), source }
}

impl Drop for Exchange {
    /// Reached without a record only when a hook never ran: a panic, or the process ends.
    fn drop(&mut self) {
        if !self.recorded {
            self.inspection.stop(Stop::Error);
            self.finish(None);
        }
    }
}
