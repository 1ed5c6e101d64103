//! The narrowest change that would let a request pass.

use std::fmt::Write;

use serde::Serialize;
use waf_core::finding::Finding;
use waf_core::record::{Decision, DecisionRecord, MatchRecord, Source};
use waf_core::rule::PathPattern;

use crate::rules::is_seclang_id;
use crate::tune::write::yaml_text as text;
use crate::tune::{Candidate, Choice, Evidence};

/// A change that would let the request pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proposal {
    /// Where the text belongs.
    pub file: &'static str,
    /// To copy.
    pub yaml: String,
}

const EXCLUSIONS: &str = "an exclusion file, named in `exclusions:`";
const ROUTE: &str = "the route, in the configuration";

/// The fewest changes, heaviest rules first, after which the request would have passed. Empty where
/// nothing was blocked by rules, or where nothing can or should be changed.
pub fn propose(record: &DecisionRecord) -> Vec<Proposal> {
    causes(record).into_iter().filter_map(|cause| proposal(record, cause)).collect()
}

/// The matches that must go: all that block by themselves, then the heaviest until the score is
/// under the threshold.
pub(super) fn causes(record: &DecisionRecord) -> Vec<&MatchRecord> {
    if record.decision == Decision::Pass {
        return Vec::new();
    }
    let counts = |one: &&MatchRecord| {
        (one.counted || record.decision == Decision::WouldBlock) && !one.after_verdict
    };
    let (blocking, scoring): (Vec<_>, Vec<_>) =
        record.matches.iter().filter(counts).partition(|one| one.blocks);
    let is_inbound = |one: &&MatchRecord| one.phase.starts_with("request");
    let mut causes = blocking;
    let sides = [
        (true, record.score.inbound, record.score.inbound_threshold),
        (false, record.score.outbound, record.score.outbound_threshold),
    ];
    for (inbound, score, threshold) in sides {
        let mut left = score;
        let gone: u32 = causes.iter().filter(|c| is_inbound(c) == inbound).map(|c| c.score).sum();
        left = left.saturating_sub(gone);
        for one in scoring.iter().filter(|one| is_inbound(one) == inbound) {
            if left < threshold {
                break;
            }
            left = left.saturating_sub(one.score);
            causes.push(one);
        }
    }
    causes
}

fn proposal(record: &DecisionRecord, cause: &MatchRecord) -> Option<Proposal> {
    match Finding::from_id(&cause.rule_id) {
        Some(finding) => for_finding(record, finding),
        None => Some(Proposal { file: EXCLUSIONS, yaml: exclusion(record, cause) }),
    }
}

/// A finding has no field to exclude: its limit is raised, its key set, or it is recorded only.
fn for_finding(record: &DecisionRecord, finding: Finding) -> Option<Proposal> {
    if record.source == Source::Size
        && let Some(key) = limit(finding)
    {
        let yaml = format!("limits: {{{key}: …}}   # more than this request needed\n");
        return Some(Proposal { file: ROUTE, yaml });
    }
    if finding.always_refused() || finding == Finding::EngineError {
        return None;
    }
    let yaml = match (finding, method(record)) {
        (Finding::ProtocolUpgrade, _) => {
            "websocket: allow   # what is sent over it is not inspected\n".to_owned()
        }
        (Finding::ProtocolMethod, Some(method)) => {
            format!("methods: […, {method}]   # those that it takes now, and this one\n")
        }
        _ => format!("overrides: {{{finding}: {{mode: detect}}}}\n"),
    };
    Some(Proposal { file: ROUTE, yaml })
}

/// The key in `limits:` that a finding is about.
fn limit(finding: Finding) -> Option<&'static str> {
    Some(match finding {
        Finding::LimitFields => "fields",
        Finding::LimitDepth => "depth",
        Finding::LimitName => "field_name",
        Finding::LimitParts => "parts",
        Finding::LimitInflate => "inflate_ratio",
        Finding::LimitHeaders => "headers",
        Finding::LimitUrl => "url",
        Finding::LimitBody => "body",
        _ => return None,
    })
}

/// The fields in which it matched: with one of them left the rule would match as before.
fn targets(cause: &MatchRecord) -> impl Iterator<Item = &str> {
    std::iter::once(cause.target.as_str()).chain(cause.also.iter().map(String::as_str))
}

/// Said of a rule that counts once a request: its record names the field in which it did.
const FIRST: &str = "   # the first in which it matched: its record names no other";

/// The fields of one rule, on one path, for one method.
fn exclusion(record: &DecisionRecord, cause: &MatchRecord) -> String {
    let mut yaml = format!("- rule: {}\n", text(&cause.rule_id));
    // Writing to a String cannot fail.
    let targets: Vec<String> = targets(cause).map(text).collect();
    let names_one = cause.also.is_empty() && !is_seclang_id(&cause.rule_id);
    let only = if names_one { FIRST } else { "" };
    let _ = writeln!(yaml, "  targets: [{}]{only}", targets.join(", "));
    match path(&record.request.path) {
        Some(path) => {
            let _ = writeln!(yaml, "  path: {}", text(&path));
        }
        None => yaml.push_str("  # path: the recorded one is not plain; write its decoded form\n"),
    }
    if let Some(method) = method(record) {
        let _ = writeln!(yaml, "  methods: [{method}]");
    }
    yaml.push_str("  reason: …                 # why this text is harmless here\n");
    yaml.push_str("  owner: …                  # who answers for it\n");
    yaml.push_str("  expires: …                # a day, such as 2027-06-30\n");
    yaml
}

/// The recorded path, where its clean form is the same: exclusions are compared with that.
fn path(recorded: &str) -> Option<String> {
    let is_odd = recorded.contains(['%', '\\', '*', '…'])
        || recorded.contains("//")
        || recorded.split('/').any(|part| part == "." || part == "..");
    PathPattern::new(recorded).filter(|_| !is_odd).map(|_| recorded.to_owned())
}

/// The exclusions among the proposals, as they can be priced.
pub fn choices(record: &DecisionRecord) -> Vec<Choice> {
    let rules =
        causes(record).into_iter().filter(|cause| Finding::from_id(&cause.rule_id).is_none());
    let choice = |cause: &MatchRecord| Choice {
        candidate: Candidate {
            rule: cause.rule_id.as_str().into(),
            targets: targets(cause).map(Into::into).collect(),
            path: path(&record.request.path).map(Into::into),
            characters: None,
        },
        methods: method(record).into_iter().map(Into::into).collect(),
        evidence: Evidence::none(),
        passing: 1,
    };
    rules.map(choice).collect()
}

/// The method, where an exclusion can name it.
fn method(record: &DecisionRecord) -> Option<&str> {
    let method = record.request.method.as_str();
    method.bytes().all(|byte| byte.is_ascii_uppercase()).then_some(method)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a failed test should stop where it fails"
    )]

    use waf_core::source::Source as Text;

    use super::*;
    use crate::test_record::{blocked, passed, union_select};

    fn scoring(rule_id: &str, score: u32) -> MatchRecord {
        MatchRecord { rule_id: rule_id.into(), score, ..union_select() }
    }

    fn ids(record: &DecisionRecord) -> Vec<&str> {
        causes(record).into_iter().map(|cause| cause.rule_id.as_str()).collect()
    }

    #[test]
    fn the_proposal_is_an_exclusion_once_its_blanks_are_filled() {
        let proposals = propose(&blocked("a"));
        let yaml = &proposals[0].yaml;
        let filled = yaml.replacen("reason: …", "reason: r", 1).replacen("owner: …", "owner: o", 1);
        let filled = filled.replacen("expires: …", "expires: 2027-06-30", 1);
        let exclusions = waf_core::yaml::exclusions(&Text::new("e.yaml", filled.as_str()))
            .unwrap_or_else(|reports| panic!("{filled}\n{}", reports[0]));
        assert_eq!(exclusions[0].targets.len(), 1);
        assert_eq!(exclusions[0].path.as_ref().unwrap().as_str(), "/login");
        assert_eq!(exclusions[0].methods, ["POST"]);
        // As long as nobody has filled them in, it is none.
        assert!(waf_core::yaml::exclusions(&Text::new("e.yaml", yaml.as_str())).is_err());
    }

    #[test]
    fn a_record_that_may_not_name_every_field_says_so() {
        let mut record = blocked("a");
        let told = |record: &DecisionRecord| propose(record)[0].yaml.contains(FIRST);
        assert!(told(&record));
        record.matches[0].rule_id = "100100".into();
        assert!(!told(&record));
        record.matches[0].also = vec!["ARGS_POST:other".into()];
        assert!(propose(&record)[0].yaml.contains("user.name\", \"ARGS_POST:other\"]\n"));
    }

    #[test]
    fn no_more_rules_than_needed_are_excluded() {
        let mut record = blocked("a");
        record.matches = vec![scoring("a", 5), scoring("b", 3), scoring("c", 2)];
        record.score.inbound = 10;
        assert_eq!(ids(&record), ["a", "b"], "5 + 3 leaves 2, which is under 5");
        record.score.inbound_threshold = 6;
        assert_eq!(ids(&record), ["a"]);
        record.matches[1].blocks = true;
        record.score.inbound_threshold = 20;
        assert_eq!(ids(&record), ["b"]);
    }

    #[test]
    fn what_did_not_decide_is_left_alone() {
        let mut record = blocked("a");
        let mut late = scoring("late", 5);
        late.after_verdict = true;
        let mut trial = scoring("trial", 5);
        trial.counted = false;
        record.matches = vec![scoring("a", 5), late, trial];
        assert_eq!(ids(&record), ["a"]);
        assert_eq!(propose(&passed("a")), []);
    }

    #[test]
    fn findings_are_switched_or_their_limit_raised_or_nothing() {
        let of = |finding: &str, source: Source| {
            let mut record = blocked("a");
            record.matches = vec![MatchRecord { blocks: true, ..scoring(finding, 5) }];
            record.source = source;
            propose(&record).first().map(|proposal| proposal.yaml.clone())
        };
        let json = of("parse-json", Source::Protocol).unwrap();
        assert_eq!(json, "overrides: {parse-json: {mode: detect}}\n");
        assert!(of("limit-fields", Source::Size).unwrap().starts_with("limits: {fields: …}"));
        // Without the handshake the override alone would bring no socket about.
        let upgrade = of("protocol-upgrade", Source::Protocol).unwrap();
        assert!(upgrade.starts_with("websocket: allow "), "{upgrade}");
        assert!(of("protocol-method", Source::Protocol).unwrap().starts_with("methods: […, POST]"));
        assert_eq!(of("protocol-framing", Source::Protocol), None);
    }

    #[test]
    fn an_odd_path_is_not_guessed() {
        for odd in ["/a%20b", "/a/../b", "/a//b", "/a*", "/a\\x00", "/long…", "*"] {
            assert_eq!(path(odd), None, "{odd}");
        }
        assert_eq!(path("/blog/2026").as_deref(), Some("/blog/2026"));
    }

    #[test]
    fn texts_are_quoted_where_yaml_needs_it() {
        assert_eq!(text("100200"), "\"100200\"");
        assert_eq!(text("sqli-union-select"), "sqli-union-select");
        assert_eq!(text("ARGS_POST:$.a[0].b"), "\"ARGS_POST:$.a[0].b\"");
        assert_eq!(text("a\"b"), "\"a\\\"b\"");
    }
}
