//! `ctl`: settings and rules changed for one transaction.

use super::complaints::Complaints;
use super::ids::{IdRange, ids};
use super::regex::Regex;
use super::target::{Target, targets};
use super::text::Text;
use super::value::{SWITCH, number, word};
use crate::rule::TargetKind;
use crate::source::Report;
use crate::suggest;

/// What a `ctl` action changes from now on.
#[derive(Clone, Debug)]
pub enum Ctl {
    /// `ruleEngine`
    RuleEngine(EngineMode),
    /// `ruleRemoveById`, `ruleRemoveByTag`, `ruleRemoveByMsg`: the rules are not run.
    RemoveRules(RuleSet),
    /// `ruleRemoveTargetById` and its kin: the rules do not look at the targets.
    RemoveTargets(RuleSet, Vec<Target>),
    /// `requestBodyAccess`
    RequestBodyAccess(bool),
    /// `requestBodyProcessor`
    RequestBodyProcessor(BodyProcessor),
    /// `forceRequestBodyVariable`
    ForceRequestBodyVariable(bool),
    /// `requestBodyLimit`, bytes
    RequestBodyLimit(u64),
    /// `responseBodyAccess`
    ResponseBodyAccess(bool),
    /// `responseBodyLimit`, bytes
    ResponseBodyLimit(u64),
    /// `auditEngine`
    AuditEngine(AuditMode),
    /// `auditLogParts`: letters, with `+` or `-` before them to add or to take away.
    AuditLogParts(String),
}

/// Some of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleSet {
    /// Those with one of these ids.
    Ids(Vec<IdRange>),
    /// Those with a tag that the regex matches somewhere.
    Tag(Regex),
    /// Those with a message that the regex matches somewhere.
    Message(Regex),
}

/// `SecRuleEngine`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineMode {
    /// Rules run and block.
    On,
    /// No rule runs.
    Off,
    /// Rules run, and nothing is blocked.
    DetectionOnly,
}

/// `SecAuditEngine`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditMode {
    /// Every transaction is logged.
    On,
    /// None is.
    Off,
    /// Those that matched a rule, or ended with a status of `SecAuditLogRelevantStatus`.
    RelevantOnly,
}

/// Who reads a request body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is its name in rules")]
pub enum BodyProcessor {
    UrlEncoded,
    Multipart,
    Xml,
    Json,
}

/// The words of `SecRuleEngine`.
pub(super) const ENGINE: &[(&str, EngineMode)] = &[
    ("On", EngineMode::On),
    ("Off", EngineMode::Off),
    ("DetectionOnly", EngineMode::DetectionOnly),
];

/// The words of `SecAuditEngine`.
pub(super) const AUDIT: &[(&str, AuditMode)] =
    &[("On", AuditMode::On), ("Off", AuditMode::Off), ("RelevantOnly", AuditMode::RelevantOnly)];

const PROCESSORS: &[(&str, BodyProcessor)] = &[
    ("URLENCODED", BodyProcessor::UrlEncoded),
    ("MULTIPART", BodyProcessor::Multipart),
    ("XML", BodyProcessor::Xml),
    ("JSON", BodyProcessor::Json),
];

type Read = fn(&Text, &mut Complaints) -> Result<Ctl, Report>;

/// Every setting of `ctl` that has a meaning here.
const SETTINGS: &[(&str, Read)] = &[
    ("ruleEngine", |text, _| word(text, ENGINE).map(Ctl::RuleEngine)),
    ("ruleRemoveById", |text, _| ids(text).map(RuleSet::Ids).map(Ctl::RemoveRules)),
    ("ruleRemoveByTag", |text, _| rules(text, RuleSet::Tag).map(Ctl::RemoveRules)),
    ("ruleRemoveByMsg", |text, _| rules(text, RuleSet::Message).map(Ctl::RemoveRules)),
    ("ruleRemoveTargetById", |text, complaints| {
        remove_targets(text, |list| ids(list).map(RuleSet::Ids), complaints)
    }),
    ("ruleRemoveTargetByTag", |text, complaints| {
        remove_targets(text, |tag| rules(tag, RuleSet::Tag), complaints)
    }),
    ("ruleRemoveTargetByMsg", |text, complaints| {
        remove_targets(text, |message| rules(message, RuleSet::Message), complaints)
    }),
    ("requestBodyAccess", |text, _| word(text, SWITCH).map(Ctl::RequestBodyAccess)),
    ("requestBodyProcessor", |text, _| word(text, PROCESSORS).map(Ctl::RequestBodyProcessor)),
    ("forceRequestBodyVariable", |text, _| word(text, SWITCH).map(Ctl::ForceRequestBodyVariable)),
    ("requestBodyLimit", |text, _| number(text).map(Ctl::RequestBodyLimit)),
    ("responseBodyAccess", |text, _| word(text, SWITCH).map(Ctl::ResponseBodyAccess)),
    ("responseBodyLimit", |text, _| number(text).map(Ctl::ResponseBodyLimit)),
    ("auditEngine", |text, _| word(text, AUDIT).map(Ctl::AuditEngine)),
    ("auditLogParts", |text, _| audit_parts(text).map(Ctl::AuditLogParts)),
];

/// Settings without a meaning: there is no debug log, and no response is rewritten.
const IGNORED: &[&str] = &["debugLogLevel", "hashEngine", "hashEnforcement"];

/// Reads the argument of `ctl`; `None` where the setting has no meaning here.
pub(super) fn ctl(text: &Text, complaints: &mut Complaints) -> Result<Option<Ctl>, Report> {
    let Some((setting, value)) = text.split_once(b'=') else {
        return Err(text.error("`ctl` takes `setting=value`"));
    };
    let shown = setting.trim().shown();
    if IGNORED.iter().any(|known| known.eq_ignore_ascii_case(&shown)) {
        return Ok(None);
    }
    let Some((_, read)) = SETTINGS.iter().find(|(known, _)| known.eq_ignore_ascii_case(&shown))
    else {
        let report = setting.error(format!("`ctl` knows no setting `{shown}`"));
        let names = SETTINGS.iter().map(|&(known, _)| known);
        return Err(match suggest::help(&shown, names) {
            Some(help) => report.help(help),
            None => report,
        });
    };
    read(&value.trim(), complaints).map(Some)
}

/// Reads the regex that tags or messages must match.
pub(super) fn rules(text: &Text, of: fn(Regex) -> RuleSet) -> Result<RuleSet, Report> {
    if text.is_empty() {
        return Err(text.error("a regex is expected here: nothing would match every rule"));
    }
    Regex::read(text).map(of)
}

/// Reads `rules;targets`.
fn remove_targets(
    text: &Text,
    rules: impl Fn(&Text) -> Result<RuleSet, Report>,
    complaints: &mut Complaints,
) -> Result<Ctl, Report> {
    let Some((written, list)) = text.split_once(b';') else {
        return Err(text.error("the targets are missing").help("as in `100200;ARGS:comment`"));
    };
    let rules = rules(&written.trim())?;
    let targets = targets(&list, complaints);
    if let Some(target) = targets.iter().find(|target| target.kind != TargetKind::Include) {
        let report = Report::error(Some(target.span.clone()), "a removed target has no prefix");
        return Err(report.help("without `!`: it is taken away already"));
    }
    Ok(Ctl::RemoveTargets(rules, targets))
}

fn audit_parts(text: &Text) -> Result<String, Report> {
    let letters = text.bytes();
    let letters = letters.strip_prefix(b"+").or(letters.strip_prefix(b"-")).unwrap_or(letters);
    if !letters.is_empty() && letters.iter().all(u8::is_ascii_alphabetic) {
        return Ok(text.shown());
    }
    Err(text.error("letters of audit log parts are expected, as in `+E` or `ABIJDEFHZ`"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

    use super::super::pcre::{Case, rewrite};
    use super::super::target::Selector;
    use super::super::variable::Variable;
    use super::*;
    use crate::source::Source;

    fn read(text: &str) -> Result<Option<Ctl>, String> {
        let mut whole = Text::new(&Source::new("a.conf", text), 0);
        whole.push(text.as_bytes(), 0);
        ctl(&whole, &mut Complaints::default()).map_err(|report| report.message)
    }

    #[track_caller]
    fn assert_ctl(text: &str, expected: &str) {
        assert_eq!(format!("{:?}", read(text).unwrap()), expected, "{text}");
    }

    #[test]
    fn settings() {
        assert_ctl("ruleEngine=detectiononly", "Some(RuleEngine(DetectionOnly))");
        assert_ctl("requestBodyAccess=Off", "Some(RequestBodyAccess(false))");
        assert_ctl("RequestBodyProcessor=xml", "Some(RequestBodyProcessor(Xml))");
        assert_ctl("forceRequestBodyVariable=On", "Some(ForceRequestBodyVariable(true))");
        assert_ctl("requestBodyLimit=10", "Some(RequestBodyLimit(10))");
        assert_ctl("responseBodyAccess=on", "Some(ResponseBodyAccess(true))");
        assert_ctl("responseBodyLimit=11", "Some(ResponseBodyLimit(11))");
        assert_ctl("auditEngine=RelevantOnly", "Some(AuditEngine(RelevantOnly))");
        assert_ctl("auditLogParts=+E", "Some(AuditLogParts(\"+E\"))");
        assert_ctl("debugLogLevel=3", "None");
    }

    #[test]
    fn rules() {
        let rules = |text: &str| match read(text).unwrap() {
            Some(Ctl::RemoveRules(rules)) => rules,
            _ => RuleSet::Ids(Vec::new()),
        };
        let regex = |text: &str| {
            let pattern = rewrite(text.as_bytes(), Case::Sensitive).unwrap();
            Regex { written: text.into(), pattern }
        };
        let range = |first, last| IdRange { first, last };
        let expected = RuleSet::Ids(vec![range(1, 1), range(3, 5)]);
        assert_eq!(rules("ruleRemoveById=1,3-5"), expected);
        assert_eq!(rules("ruleRemoveByTag=attack-.*"), RuleSet::Tag(regex("attack-.*")));
        assert_eq!(rules("ruleRemoveByMsg=a b"), RuleSet::Message(regex("a b")));
    }

    #[test]
    fn targets_of_rules() {
        let Some(Ctl::RemoveTargets(rules, targets)) =
            read("ruleRemoveTargetById=5-7;ARGS:/^a|b/").unwrap()
        else {
            unreachable!("it is read as targets")
        };
        assert_eq!(rules, RuleSet::Ids(vec![IdRange { first: 5, last: 7 }]));
        assert_eq!(targets[0].variable, Variable::Args);
        let Selector::Regex(regex) = &targets[0].selector else { unreachable!("it is one") };
        assert_eq!(regex.written, b"^a|b");
        let by_tag = read("ruleRemoveTargetByTag=x;ARGS|FILES").unwrap();
        assert!(matches!(by_tag, Some(Ctl::RemoveTargets(_, targets)) if targets.len() == 2));
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, message) in [
            ("ruleEngine", "`ctl` takes `setting=value`"),
            ("ruleEngin=On", "`ctl` knows no setting `ruleEngin`"),
            ("ruleEngine=Of", "`Of` is not known here"),
            ("ruleRemoveById=", "the id of a rule is expected here"),
            ("ruleRemoveById=5-3", "this range of ids ends before it begins"),
            ("ruleRemoveTargetById=5", "the targets are missing"),
            ("ruleRemoveTargetById=5;!ARGS", "a removed target has no prefix"),
            ("requestBodyLimit=1k", "a number is expected here, this is `1k`"),
            (
                "auditLogParts=",
                "letters of audit log parts are expected, as in `+E` or `ABIJDEFHZ`",
            ),
        ] {
            assert_eq!(read(text).unwrap_err(), message, "{text}");
        }
    }
}
