//! A stand-in for the engine, with its signatures and one rule: `<script>` in target or body
//! blocks. To be deleted.

use std::sync::Arc;

use waf_core::finding::{Finding, Origin};
use waf_core::parse::head::RequestHead;
use waf_core::parse::request::ResponseHead;
use waf_core::policy::PolicySettings;
use waf_core::record::*;
use waf_core::verdict::{Progress, Refusal};

const RULE: &[u8] = b"<script>";
/// A body with it makes the stub panic.
const PANIC: &[u8] = b"PANIC-IN-ENGINE";

pub struct RuleSet;
impl RuleSet {
    pub fn hash(&self) -> &str {
        "sha256:stub"
    }
}
pub struct Policy {
    settings: PolicySettings,
}
impl Policy {
    pub fn new(settings: PolicySettings) -> Arc<Self> {
        Arc::new(Self { settings })
    }
    pub fn settings(&self) -> &PolicySettings {
        &self.settings
    }
}
#[derive(Default)]
pub struct Scratch(());
pub struct About<'a> {
    pub time: String,
    pub request_id: &'a str,
    pub client_request_id: Option<&'a str>,
    pub route: &'a str,
    pub client_ip: &'a str,
    pub status: Option<u16>,
    pub intended_status: Option<u16>,
    pub source: Option<Source>,
    pub audit_headers: &'a [String],
    pub masking: &'a Masking,
    pub total_us: u64,
    pub body_total: Option<u64>,
}

pub struct Transaction {
    policy: Arc<Policy>,
    head: RequestHead,
    findings: Vec<Finding>,
    seen: u64,
    tail: Vec<u8>,
    verdict: Option<Option<u64>>,
    refusal: Option<Refusal>,
    stop: Option<Stop>,
}

impl Transaction {
    pub fn new(policy: Arc<Policy>) -> Self {
        Self {
            policy,
            head: RequestHead::default(),
            findings: Vec::new(),
            seen: 0,
            tail: Vec::new(),
            verdict: None,
            refusal: None,
            stop: None,
        }
    }
    fn blocks(&self) -> bool {
        self.policy.settings.mode == Mode::Block
    }
    fn rule(&mut self, offset: Option<u64>) {
        self.verdict.get_or_insert(offset);
        if self.blocks() {
            self.refusal.get_or_insert(Refusal { status: 403, source: Source::Waf });
        }
    }
    pub fn request_head(
        &mut self,
        head: &RequestHead,
        _remote_addr: &str,
        findings: &[(Finding, u64)],
        _scratch: &mut Scratch,
    ) -> Option<Refusal> {
        self.head = head.clone();
        for (finding, _) in findings {
            let _ = self.finding(*finding);
        }
        if head.target.windows(RULE.len()).any(|w| w == RULE) {
            self.rule(None);
        }
        self.refusal
    }
    pub fn finding(&mut self, finding: Finding) -> Option<Refusal> {
        self.findings.push(finding);
        let scores = matches!(
            finding,
            Finding::ProtocolTargetCharacters
                | Finding::ProtocolContentTypeMissing
                | Finding::ProtocolPathAmbiguous
                | Finding::ProtocolBodyUnexpected
                | Finding::ProtocolHeaderTrick
        );
        if finding.always_refused() || (self.blocks() && !scores) {
            let source = match finding.origin() {
                Origin::Waf => Source::Waf,
                Origin::Protocol => Source::Protocol,
                Origin::Size => Source::Size,
            };
            self.refusal.get_or_insert(Refusal { status: finding.status(), source });
        }
        self.refusal
    }
    pub fn request_body(&mut self, piece: &[u8], _scratch: &mut Scratch) -> Progress {
        for byte in piece {
            if self.refusal.is_some() {
                break;
            }
            self.seen += 1;
            self.tail.push(*byte);
            if self.tail.len() > PANIC.len() {
                self.tail.remove(0);
            }
            assert!(!self.tail.ends_with(PANIC), "asked to panic");
            if self.tail.ends_with(RULE) {
                self.rule(Some(self.seen));
            }
        }
        Progress { forward: self.seen, refusal: self.refusal }
    }
    pub fn request_end(&mut self, _scratch: &mut Scratch) -> Progress {
        Progress { forward: self.seen, refusal: self.refusal }
    }
    pub fn response_head(
        &mut self,
        head: &ResponseHead,
        _scratch: &mut Scratch,
    ) -> Option<Refusal> {
        let leak = head.headers.iter().any(|(name, _)| name == b"x-leak");
        (leak && self.blocks()).then_some(Refusal { status: 403, source: Source::Waf })
    }
    pub fn stop(&mut self, stop: Stop) {
        self.stop.get_or_insert(stop);
    }
    pub fn record(&self, about: &About<'_>) -> DecisionRecord {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let matched = |id: &str| MatchRecord {
            rule_id: id.into(),
            name: String::new(),
            severity: String::new(),
            score: 5,
            paranoia: 1,
            phase: String::new(),
            target: String::new(),
            decode: Vec::new(),
            offset: self.verdict.flatten(),
            length: None,
            at: None,
            excerpt: String::new(),
            message: String::new(),
            data: String::new(),
            tags: Vec::new(),
            file: String::new(),
            line: 0,
            counted: true,
            after_verdict: false,
            blocks: true,
        };
        let mut matches: Vec<_> = self.findings.iter().map(|f| matched(f.id())).collect();
        if self.verdict.is_some() {
            matches.push(matched("stub-script"));
        }
        let decision = match (&self.refusal, matches.is_empty()) {
            (Some(_), _) => Decision::Block,
            (None, true) => Decision::Pass,
            (None, false) => Decision::WouldBlock,
        };
        let source = about.source.or(self.refusal.map(|r| r.source)).unwrap_or(Source::Origin);
        DecisionRecord {
            time: about.time.clone(),
            request_id: about.request_id.into(),
            client_request_id: about.client_request_id.map(Into::into),
            mode: self.policy.settings.mode,
            decision,
            status: about.status,
            intended_status: about.intended_status,
            source,
            route: about.route.into(),
            client: ClientRecord { ip: about.client_ip.into() },
            request: RequestRecord {
                method: text(&self.head.method),
                host: self.head.value("host").map(text).unwrap_or_default(),
                path: text(&self.head.target),
                query: String::new(),
                content_type: None,
                body_bytes: self.seen,
                headers: Vec::new(),
            },
            score: ScoreRecord::default(),
            matches,
            verdict_offset: self.verdict.flatten(),
            coverage: CoverageRecord {
                body_seen: self.seen,
                body_total: about.body_total,
                stop: self.stop,
                inexact: Vec::new(),
            },
            ruleset: "sha256:stub".into(),
            timing_us: TimingRecord { inspect: 0, total: about.total_us },
        }
    }
}
