//! The decision record of a transaction: what the engine knows, and what only the proxy knows.

use super::Transaction;
use crate::decide::{Fired, Match, ProgramState};
use crate::field::Collection;
use crate::limits::RECORD_TEXT;
use crate::parse::uri::TargetParts;
use crate::record::{
    ClientRecord, CoverageRecord, Decision, DecisionRecord, ExcludedRecord, InexactRecord, Masking,
    MatchRecord, RequestRecord, ScoreRecord, Source, Stop, TimingRecord,
};
use crate::rule::{Disruptive, Phase, Text};
use crate::ruleset::{ExclusionId, RuleIndex};
use crate::scan::Evidence;

/// What only the proxy knows of a request.
#[derive(Clone, Debug)]
pub struct About<'a> {
    /// When the head was complete: RFC 3339, UTC, milliseconds.
    pub time: String,
    /// Our id of the request.
    pub request_id: &'a str,
    /// The client's own, from a trusted proxy.
    pub client_request_id: Option<&'a str>,
    /// The route's name.
    pub route: &'a str,
    /// The client, after trusted proxies.
    pub client_ip: &'a str,
    /// The status the client saw.
    pub status: Option<u16>,
    /// The status it should have seen.
    pub intended_status: Option<u16>,
    /// Who answered, where it was neither the engine nor the origin.
    pub source: Option<Source>,
    /// What the proxy itself decided, such as the refusal of an address.
    pub decision: Option<Decision>,
    /// Names of the request headers to be listed, in lower case.
    pub audit_headers: &'a [String],
    /// What must not be shown.
    pub masking: &'a Masking,
    /// Microseconds from the complete head to the end.
    pub total_us: u64,
    /// Bytes of the body, where they are known beforehand.
    pub body_total: Option<u64>,
}

impl Transaction {
    /// The record as of now.
    pub fn record(&self, about: &About<'_>) -> DecisionRecord {
        let settings = self.policy.settings();
        let decision = about.decision.unwrap_or_else(|| self.decision());
        let source = about.source.unwrap_or(match self.decider.verdict() {
            Some(verdict) if verdict.enforced => verdict.refusal.source,
            _ => Source::Origin,
        });
        DecisionRecord {
            time: about.time.clone(),
            request_id: about.request_id.to_owned(),
            client_request_id: about.client_request_id.map(str::to_owned),
            mode: settings.mode,
            decision,
            status: about.status,
            intended_status: about.intended_status,
            source,
            route: about.route.to_owned(),
            client: ClientRecord { ip: about.client_ip.to_owned() },
            request: self.request_record(about),
            score: self.score_record(),
            matches: self.match_records(about.masking),
            bookkeeping: self.bookkeeping(about.masking),
            excluded: self.excluded(),
            verdict_offset: self.decider.verdict().and_then(|verdict| verdict.offset),
            coverage: self.coverage(about),
            ruleset: self.policy.ruleset().hash().to_owned(),
            timing_us: TimingRecord {
                inspect: u64::try_from(self.spent.as_micros()).unwrap_or(u64::MAX),
                total: about.total_us,
            },
            candidate: None,
        }
    }

    /// What was decided.
    pub fn decision(&self) -> Decision {
        match self.decider.verdict() {
            Some(verdict) if verdict.enforced => Decision::Block,
            Some(_) => Decision::WouldBlock,
            None if self.decider.on_trial(self.phase) => Decision::WouldBlock,
            None => Decision::Pass,
        }
    }

    fn request_record(&self, about: &About<'_>) -> RequestRecord {
        let target = TargetParts::of(&self.head.target);
        let listed = |name: &[u8]| {
            about.audit_headers.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
        };
        let headers = self.head.headers.iter().filter(|(name, _)| listed(name));
        RequestRecord {
            method: printable(&self.head.method),
            host: self.head.value("host").map(printable).unwrap_or_default(),
            path: about.masking.path(target.path),
            query: target.query.map(|query| about.masking.query(query)).unwrap_or_default(),
            protocol: printable(&self.head.version),
            content_type: self.head.value("content-type").map(printable),
            body_bytes: about.body_total.unwrap_or_else(|| self.seen()),
            headers: headers
                .map(|(name, value)| {
                    let name = printable(name).to_ascii_lowercase();
                    let value = about.masking.header(&name, value);
                    (name, value)
                })
                .collect(),
        }
    }

    /// Bytes of the body that were looked at. After a refusal what else had come depends on how the
    /// body was cut, so it is not counted.
    fn seen(&self) -> u64 {
        self.refused_at(true).filter(|_| !self.ended).unwrap_or(self.coded.received())
    }

    /// Where in the request, or in the response, a refusal fell.
    fn refused_at(&self, of_request: bool) -> Option<u64> {
        let verdict = self.decider.verdict().filter(|verdict| verdict.enforced)?;
        (verdict.phase.is_request() == of_request).then(|| verdict.offset.unwrap_or(0))
    }

    fn coverage(&self, about: &About<'_>) -> CoverageRecord {
        let whole = self.ended.then(|| self.coded.received());
        let cut = self.refused_at(true).filter(|_| !self.ended);
        let response_cut = self.refused_at(false).filter(|_| self.response.is_open());
        let refused = self.decider.enforced() && (!self.ended || response_cut.is_some());
        let mut inexact = self.inexact.until(cut.unwrap_or(u64::MAX));
        inexact.extend(self.response.inexact_until(response_cut.unwrap_or(u64::MAX)));
        let by_rules = self.decider.program().map(ProgramState::inexact).unwrap_or_default();
        if !by_rules.is_empty() {
            inexact.push(InexactRecord { field: "SecLang".to_owned(), what: by_rules });
        }
        CoverageRecord {
            body_seen: self.seen(),
            body_total: about.body_total.or(whole),
            // What else stopped it stands behind the verdict, or is its cause.
            stop: if refused { Some(Stop::Verdict) } else { self.stop },
            inexact,
            response_seen: self.response.received().map(|all| response_cut.unwrap_or(all)),
        }
    }

    /// YAML rules and SecLang rules score apart; what decided is shown.
    fn score_record(&self) -> ScoreRecord {
        let settings = self.policy.settings();
        let scores = self.decider.scores();
        let program = self.decider.program_score();
        let ours = |sum: u32, threshold: u32| sum > 0 && sum >= threshold;
        let shown = |sum: u32, threshold: u32, theirs: Option<(u32, u32)>| match theirs {
            Some(held) if !ours(sum, threshold) && (held.0 >= held.1 || sum == 0) => held,
            _ => (sum, threshold),
        };
        let (inbound, inbound_threshold) =
            shown(scores.inbound, settings.inbound_threshold, program.inbound);
        let (outbound, outbound_threshold) =
            shown(scores.outbound, settings.outbound_threshold, program.outbound);
        ScoreRecord { inbound, inbound_threshold, outbound, outbound_threshold }
    }

    /// Heaviest first, then in canonical order.
    fn match_records(&self, masking: &Masking) -> Vec<MatchRecord> {
        let of_facts = self.decider.matches().iter();
        let mut matches: Vec<MatchRecord> =
            of_facts.map(|known| self.match_record(known, masking)).collect();
        matches.extend(self.fired(false, masking));
        matches.sort_by_key(|known| (!known.counted, std::cmp::Reverse(known.score)));
        matches.truncate(self.policy.settings().limits.record_matches);
        matches
    }

    /// What exclusions have changed.
    fn excluded(&self) -> Vec<ExcludedRecord> {
        let record = |(rule, exclusion, evidence): (RuleIndex, ExclusionId, &Evidence)| {
            let exclusion = self.policy.exclusions.get(exclusion.index())?;
            Some(ExcludedRecord {
                rule_id: self.policy.ruleset().rules[rule.index()].rule.id.to_string(),
                target: target(evidence),
                exclusion: exclusion.place(),
            })
        };
        self.decider.excluded().into_iter().filter_map(record).collect()
    }

    /// Rules that looked at nothing but the transaction's own variables, in order.
    fn bookkeeping(&self, masking: &Masking) -> Vec<MatchRecord> {
        let limit = self.policy.settings().limits.record_matches;
        self.fired(true, masking).take(limit).collect()
    }

    /// The SecLang rules that matched and tell it.
    fn fired<'a>(
        &'a self,
        bookkeeping: bool,
        masking: &'a Masking,
    ) -> impl Iterator<Item = MatchRecord> + 'a {
        let rules = &self.policy.ruleset().program.rules;
        let told = move |(fired, _): &(Fired, u32)| {
            rules[fired.ordinal as usize].bookkeeping == bookkeeping
        };
        let fired = self.decider.fired().into_iter().filter(told);
        fired.map(move |(fired, score)| self.fired_record(&fired, score, masking))
    }

    fn fired_record(&self, fired: &Fired, score: u32, masking: &Masking) -> MatchRecord {
        let ruleset = self.policy.ruleset();
        let known = Match {
            rule: ruleset.program.rules[fired.ordinal as usize].rule,
            counted: true,
            after_verdict: fired.after_verdict,
            evidence: fired.evidence.clone(),
        };
        let chain = ruleset.rules[known.rule.index()].rule.chain.as_deref();
        let record = self.match_record(&known, masking);
        // What the rule's own text quotes of the value is masked as the value is.
        let class = &ruleset.rules[known.rule.index()].rule.class;
        let quoted = |written: Option<&Text>, text: &[u8]| match written.and_then(Text::as_literal)
        {
            Some(literal) => printable(literal),
            None => masking.quoting_of(class, &record.target, text),
        };
        let also: Vec<String> = fired.also.iter().map(|(of, name)| named(*of, name)).collect();
        let is_hidden = |field: &String| masking.hides(class, field);
        MatchRecord {
            score,
            phase: fired.phase.name().to_owned(),
            alphabet: record.alphabet.filter(|_| !also.iter().any(is_hidden)),
            also,
            message: quoted(chain.and_then(|chain| chain.message.as_ref()), &fired.message),
            data: quoted(chain.and_then(|chain| chain.data.as_ref()), &fired.data),
            blocks: chain.is_some_and(|chain| chain.disruptive == Disruptive::Deny),
            ..record
        }
    }

    fn match_record(&self, known: &Match, masking: &Masking) -> MatchRecord {
        let rule = &self.policy.ruleset().rules[known.rule.index()].rule;
        let evidence = &known.evidence;
        let target = target(evidence);
        let phase = evidence.collection.map_or(rule.phase, Phase::of);
        let in_body = phase == Phase::RequestBody && evidence.collection.is_some();
        MatchRecord {
            rule_id: rule.id.to_string(),
            name: rule.name.clone(),
            severity: rule.severity.name().to_owned(),
            score: self.policy.stance(known.rule).score,
            paranoia: rule.paranoia,
            phase: phase.name().to_owned(),
            alphabet: evidence.alphabet.filter(|_| !masking.hides(&rule.class, &target)),
            decode: self.decode(evidence, phase),
            offset: evidence.offset,
            length: evidence.length,
            at: in_body.then_some(evidence.at),
            excerpt: masking.excerpt_of(&rule.class, &target, &evidence.excerpt),
            target,
            also: Vec::new(),
            message: rule.name.clone(),
            data: String::new(),
            tags: rule.tags.clone(),
            file: rule.span.source.name.clone(),
            line: u32::try_from(rule.span.line()).unwrap_or(u32::MAX),
            counted: known.counted,
            after_verdict: known.after_verdict,
            blocks: rule.action == crate::rule::Action::Block,
        }
    }

    fn decode(&self, evidence: &Evidence, phase: Phase) -> Vec<String> {
        let coding = match phase {
            Phase::RequestBody if self.coded.is_coded() => {
                self.head.value("content-encoding").map(printable)
            }
            Phase::ResponseBody => self.response.coding().map(str::to_owned),
            _ => None,
        };
        let parser = parser(evidence).map(str::to_owned);
        let steps = evidence.changed.iter().map(|step| step.name().to_owned());
        coding.into_iter().chain(parser).chain(steps).collect()
    }
}

/// The field as records name it: `ARGS_POST:$.user.name`.
pub(super) fn target(evidence: &Evidence) -> String {
    match evidence.collection {
        Some(collection) => named(collection, &evidence.name),
        None => "REQUEST".to_owned(),
    }
}

fn named(collection: Collection, name: &[u8]) -> String {
    match (collection.is_keyed(), name.is_empty()) {
        (true, false) => format!("{}:{}", collection.name(), printable(name)),
        _ => collection.name().to_owned(),
    }
}

/// How the field was read.
pub(super) fn parser(evidence: &Evidence) -> Option<&'static str> {
    match evidence.collection? {
        Collection::ArgsGet | Collection::ArgsGetNames => Some("query"),
        Collection::RequestCookies | Collection::RequestCookiesNames => Some("cookie"),
        Collection::ArgsPost | Collection::ArgsPostNames if evidence.name.starts_with(b"$") => {
            Some("json")
        }
        Collection::ArgsPost | Collection::ArgsPostNames => evidence.parser.or(Some("form")),
        Collection::Files
        | Collection::FilesNames
        | Collection::FilesTmpContent
        | Collection::MultipartPartHeaders => Some("multipart"),
        Collection::Xml => Some("xml"),
        Collection::DecodedFilename | Collection::DecodedBasename => Some("path"),
        _ => None,
    }
}

/// A short text of the request: every byte that is not printable is written out.
fn printable(bytes: &[u8]) -> String {
    crate::record::printable(bytes, RECORD_TEXT)
}
