//! One rule file: read as written, then checked key by key.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::checker::Checker;
use super::document;
use super::example::{Needed, WrittenTests, examples};
use super::expression::{Inherited, Match, expression, transformations};
use super::locate::Located;
use super::operator::no_phrases;
use super::pattern::check_regex;
use super::target::{CheckRegex, check_looked_at, targets_of_rule};
use crate::finding::Finding;
use crate::rule::{
    Action, Condition, Expression, Operator, Phase, Rule, RuleId, RuleMode, Severity, TargetKind,
};
use crate::source::{Report, Source};

/// Reads the text of a phrase file that the rule of a source names; the error says why not.
pub type ReadPhrases<'a> = &'a dyn Fn(&Source, &str) -> Result<String, String>;

/// What reading a rule needs from outside.
#[derive(Clone, Copy)]
pub struct RuleContext<'a> {
    /// Our own rules need more tests than others.
    pub builtin: bool,
    /// For `pm_from_file`.
    pub phrases: ReadPhrases<'a>,
    /// For `rx` and the regexes of selectors.
    pub regex: CheckRegex<'a>,
}

impl Default for RuleContext<'_> {
    /// No phrase files, the regexes of [`check_regex`], not built in.
    fn default() -> Self {
        Self { builtin: false, phrases: &no_phrases, regex: &check_regex }
    }
}

/// The class whose rules name findings.
const FINDINGS: &str = "protocol";

/// What ids of findings begin with.
const RESERVED: [&str; 4] = ["protocol-", "parse-", "limit-", "engine-"];

/// Reads one rule. `class` is the folder it lies in.
pub fn rule(
    source: &Arc<Source>,
    class: &str,
    context: &RuleContext<'_>,
) -> Result<Rule, Vec<Report>> {
    let (written, located) =
        document::read_located::<WrittenRule>(source).map_err(|report| vec![report])?;
    check(&located, &written, class, context)
}

/// A rule as written. Every key may be missing, so that all that do are told at once.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    id: Option<String>,
    name: Option<String>,
    why: Option<String>,
    references: Option<Vec<String>>,
    severity: Option<String>,
    score: Option<i64>,
    action: Option<String>,
    mode: Option<String>,
    paranoia: Option<i64>,
    phase: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    targets: Option<Vec<String>>,
    #[serde(default)]
    transform: Vec<String>,
    #[serde(rename = "match")]
    matching: Option<Value>,
    tests: Option<WrittenTests>,
}

fn check(
    located: &Located,
    written: &WrittenRule,
    class: &str,
    context: &RuleContext<'_>,
) -> Result<Rule, Vec<Report>> {
    let mut checker = Checker::new(located);
    let checker = &mut checker;
    let id = checker.text("id", written.id.as_deref());
    let about = about(checker, written);
    let weight = weight(checker, written);
    let matching = matching(checker, written, context);
    let finding = matching.as_ref().and_then(|matching| finding(&matching.expression));
    check_finding(checker, matching.as_ref(), finding, class);
    check_id(checker, id, finding);
    let phase = rule_phase(checker, written, matching.as_ref(), finding);
    let needed = Needed::of(context.builtin, names_finding(written));
    let (attacks, benign) = examples(checker, written.tests.as_ref(), needed);
    let tags = tags(checker, &written.tags, class);
    let span = checker.span("id");
    let reports = checker.take_reports();
    let (true, Some(id), Some(matching)) = (reports.is_empty(), id, matching) else {
        return Err(reports);
    };
    Ok(Rule {
        id: RuleId::new(id),
        name: about.name,
        why: about.why,
        references: about.references,
        severity: weight.severity,
        score: weight.score,
        action: weight.action,
        mode: weight.mode,
        paranoia: weight.paranoia,
        phase,
        class: class.to_owned(),
        tags,
        same_value: matching.same_value,
        expression: matching.expression,
        chain: None,
        attacks,
        benign,
        span,
    })
}

/// What a rule tells its readers.
struct About {
    name: String,
    why: String,
    references: Vec<String>,
}

fn about(checker: &mut Checker<'_>, written: &WrittenRule) -> About {
    let name = checker.text("name", written.name.as_deref()).unwrap_or_default().to_owned();
    let why = checker.text("why", written.why.as_deref()).unwrap_or_default().to_owned();
    if name.ends_with('.') {
        checker.wrong("name", "a title ends without a full stop");
    }
    let references = written.references.clone().unwrap_or_default();
    match &written.references {
        Some(list) if list.is_empty() => {
            checker.wrong("references", "name one reference at least").help(REFERENCES);
        }
        Some(_) => {}
        None => {
            checker.missing(
                "",
                "references",
                Some("`references`: URLs, `CWE-89`, `CVE-2021-44228`"),
            );
        }
    }
    for (index, text) in references.iter().enumerate() {
        if !is_reference(text) {
            let message = format!("`{text}` is no reference");
            checker.wrong(&format!("references[{index}]"), message).help(REFERENCES);
        }
    }
    About { name, why, references }
}

const REFERENCES: &str = "a URL, or as in `CWE-89` or `CVE-2021-44228`";

fn is_reference(text: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(rest) = text.strip_prefix("CWE-") {
        return number(rest);
    }
    if let Some(rest) = text.strip_prefix("CVE-") {
        let parts = rest.split_once('-');
        return parts.is_some_and(|(year, n)| year.len() == 4 && number(year) && number(n));
    }
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty() && !text.contains(char::is_whitespace))
}

/// How much a match weighs.
struct Weight {
    severity: Severity,
    score: u32,
    action: Action,
    mode: RuleMode,
    paranoia: u8,
}

fn weight(checker: &mut Checker<'_>, written: &WrittenRule) -> Weight {
    let severities = Severity::ALL.iter().map(|&severity| (severity.name(), severity));
    let severity = checker.word("severity", written.severity.as_deref(), severities);
    if written.severity.is_none() {
        checker.missing("", "severity", Some("`severity`: critical, error, warning, notice"));
    }
    let severity = severity.unwrap_or(Severity::Notice);
    let actions = [("score", Action::Score), ("block", Action::Block)];
    if written.action.as_deref() == Some("allow") {
        checker.wrong("action", "there is no action `allow`").help("write an exclusion");
    }
    let action = written.action.as_deref().filter(|&word| word != "allow");
    let modes = [("block", RuleMode::Block), ("detect", RuleMode::Detect)];
    Weight {
        severity,
        score: checker.bounded("score", written.score, 0..=100).unwrap_or(severity.score()),
        action: checker.word("action", action, actions).unwrap_or(Action::Score),
        mode: checker.word("mode", written.mode.as_deref(), modes).unwrap_or(RuleMode::Block),
        paranoia: checker.bounded("paranoia", written.paranoia, 1..=4).unwrap_or(1),
    }
}

fn matching(
    checker: &mut Checker<'_>,
    written: &WrittenRule,
    context: &RuleContext<'_>,
) -> Option<Match> {
    let targets = match &written.targets {
        Some(texts) => {
            let targets = targets_of_rule(checker, texts, "targets", context.regex);
            check_looked_at(checker, &targets, "targets");
            targets
        }
        None => {
            if !names_finding(written) {
                checker.missing("", "targets", Some("`targets`: what is looked at, as `[ARGS]`"));
            }
            Vec::new()
        }
    };
    let transformations = transformations(checker, &written.transform, "transform");
    let Some(value) = &written.matching else {
        checker.missing("", "match", Some("`match`: one operator, as `{rx: '…'}`"));
        return None;
    };
    expression(checker, value, &Inherited { targets, transformations }, context)
}

/// Whether `match` has the word `finding`, right or wrong.
fn names_finding(written: &WrittenRule) -> bool {
    written.matching.as_ref().is_some_and(|value| value.get("finding").is_some())
}

fn finding(expression: &Expression) -> Option<Finding> {
    match expression {
        Expression::Condition(Condition { operator: Operator::Finding(finding), .. }) => {
            Some(*finding)
        }
        _ => None,
    }
}

/// A finding stands alone, in the class kept for findings.
fn check_finding(
    checker: &mut Checker<'_>,
    matching: Option<&Match>,
    finding: Option<Finding>,
    class: &str,
) {
    let Some(matching) = matching else { return };
    let inside = matching.expression.conditions().into_iter();
    let mut inside = inside.filter(|condition| matches!(condition.operator, Operator::Finding(_)));
    if finding.is_none() && inside.next().is_some() {
        checker.wrong("match", "`finding` stands alone").help("as in `match: {finding: …}`");
    }
    if finding.is_some() && class != FINDINGS {
        let message =
            format!("only rules in `{FINDINGS}/` name findings, this one is in `{class}/`");
        checker.wrong_key("match.finding", message);
    }
    if finding.is_none() && class == FINDINGS {
        let message = format!("rules in `{FINDINGS}/` name findings");
        checker.wrong("match", message).help("as in `match: {finding: protocol-host}`");
    }
}

fn check_id(checker: &mut Checker<'_>, id: Option<&str>, finding: Option<Finding>) {
    let Some(id) = id else { return };
    if let Some(finding) = finding {
        if id != finding.id() {
            let message = format!("the id must be `{finding}`, the finding that this rule names");
            checker.wrong("id", message);
        }
    } else if !is_rule_id(id) {
        checker
            .wrong("id", format!("`{id}` is not an id"))
            .help("3 to 64 of a-z, 0-9 and `-`, a letter first");
    } else if let Some(prefix) = RESERVED.iter().find(|&&prefix| id.starts_with(prefix)) {
        let part = 0..prefix.len();
        checker.wrong_part("id", part, format!("ids in `{prefix}` are kept for findings"));
    }
}

/// `[a-z][a-z0-9-]{2,63}`
pub(super) fn is_rule_id(id: &str) -> bool {
    (3..=64).contains(&id.len())
        && id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// The phase written, or the earliest one that has all that is looked at.
fn rule_phase(
    checker: &mut Checker<'_>,
    written: &WrittenRule,
    matching: Option<&Match>,
    finding: Option<Finding>,
) -> Phase {
    let needed = match finding {
        Some(finding) => phase_of_finding(finding),
        None => matching.map_or(Phase::RequestHeaders, |read| earliest(&read.expression)),
    };
    let phases = Phase::ALL
        .iter()
        .filter(|&&phase| phase != Phase::Logging)
        .map(|&phase| (phase.name(), phase));
    let phase = checker.word("phase", written.phase.as_deref(), phases).unwrap_or(needed);
    if phase < needed {
        let message = format!("the targets are complete only in `{}`", needed.name());
        checker
            .wrong("phase", message)
            .help("leave `phase` out, or choose that one or a later one");
    }
    phase
}

fn earliest(expression: &Expression) -> Phase {
    let conditions = expression.conditions();
    let targets = conditions.iter().flat_map(|condition| &condition.targets);
    targets
        .filter(|target| target.kind != TargetKind::Exclude)
        .flat_map(|target| target.variable.collections())
        .map(|&collection| Phase::of(collection))
        .max()
        .unwrap_or(Phase::RequestHeaders)
}

/// What the head shows is decided with it; the parsers and their limits go on through the body.
fn phase_of_finding(finding: Finding) -> Phase {
    let of_head = finding.id().starts_with("protocol-")
        || matches!(finding, Finding::LimitHeaders | Finding::LimitUrl);
    if of_head { Phase::RequestHeaders } else { Phase::RequestBody }
}

/// The tags written and the one of the class.
fn tags(checker: &mut Checker<'_>, written: &[String], class: &str) -> Vec<String> {
    let mut tags = Vec::with_capacity(written.len() + 1);
    for (index, tag) in written.iter().enumerate() {
        if tag.is_empty() || tag.contains(char::is_whitespace) {
            checker.wrong(&format!("tags[{index}]"), "a tag is one word");
        }
        if !tags.contains(tag) {
            tags.push(tag.clone());
        }
    }
    let of_class = format!("attack-{class}");
    if !tags.contains(&of_class) {
        tags.push(of_class);
    }
    tags
}
