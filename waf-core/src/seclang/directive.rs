//! One line to one statement.

use std::path::Path;

use super::action::{Action, ActionKind, Disruptive, actions};
use super::complaints::Complaints;
use super::ctl::{RuleSet, rules};
use super::data::DataFiles;
use super::ids::ids;
use super::operator::{Operator, operator};
use super::regex::Regex;
use super::setting::{IGNORED, SETTINGS, Setting, UNSUPPORTED};
use super::statement::{Directive, Link};
use super::target::{Target, targets};
use super::text::Text;
use super::update::{remove_by, remove_by_id, update_actions, update_targets};
use super::value::name;
use crate::source::Report;
use crate::suggest;

/// What a line is.
pub(super) enum Line {
    /// A rule; the flag says that nothing was wrong with its actions.
    Rule(Link, bool),
    /// Any other directive with a meaning.
    Other(Directive),
    /// `Include`: the pattern, and whether nothing may be found.
    Include { pattern: Text, optional: bool },
    /// Nothing that means anything here.
    Nothing,
}

#[derive(Clone, Copy)]
enum Kind {
    Rule,
    Action,
    Marker,
    DefaultAction,
    Include { optional: bool },
    RemoveById,
    RemoveBy(fn(Regex) -> RuleSet),
    UpdateTargetsById,
    UpdateTargetsBy(fn(Regex) -> RuleSet),
    UpdateActions,
}

/// The directives that are no settings, and how many words they take.
const DIRECTIVES: &[(&str, usize, usize, Kind)] = &[
    ("SecRule", 2, 3, Kind::Rule),
    ("SecAction", 1, 1, Kind::Action),
    ("SecMarker", 1, 1, Kind::Marker),
    ("SecDefaultAction", 1, 1, Kind::DefaultAction),
    ("Include", 1, 1, Kind::Include { optional: false }),
    ("IncludeOptional", 1, 1, Kind::Include { optional: true }),
    ("SecRuleRemoveById", 1, usize::MAX, Kind::RemoveById),
    ("SecRuleRemoveByTag", 1, 1, Kind::RemoveBy(RuleSet::Tag)),
    ("SecRuleRemoveByMsg", 1, 1, Kind::RemoveBy(RuleSet::Message)),
    ("SecRuleUpdateTargetById", 2, 3, Kind::UpdateTargetsById),
    ("SecRuleUpdateTargetByTag", 2, 3, Kind::UpdateTargetsBy(RuleSet::Tag)),
    ("SecRuleUpdateTargetByMsg", 2, 3, Kind::UpdateTargetsBy(RuleSet::Message)),
    ("SecRuleUpdateActionById", 2, 2, Kind::UpdateActions),
];

/// Reads a line. `rules` is the file it stands in.
pub(super) fn line(
    words: &[Text],
    rules: &Path,
    data: &mut DataFiles<'_>,
    complaints: &mut Complaints,
) -> Result<Line, Report> {
    let Some((directive, words)) = words.split_first() else { return Ok(Line::Nothing) };
    let shown = directive.shown();
    let is_it = |known: &str| known.eq_ignore_ascii_case(&shown);
    if let Some(&(known, least, most, kind)) = DIRECTIVES.iter().find(|known| is_it(known.0)) {
        check_count(known, directive, words, least, most)?;
        return of_kind(kind, directive, words, rules, data, complaints);
    }
    if let Some(&(known, most, read)) = SETTINGS.iter().find(|known| is_it(known.0)) {
        check_count(known, directive, words, 1, most)?;
        let Some(first) = words.first() else { return Ok(Line::Nothing) };
        return read(words, first).map(Directive::Setting).map(Line::Other);
    }
    if is_it("SecResponseBodyMimeTypesClear") {
        check_count("SecResponseBodyMimeTypesClear", directive, words, 0, 0)?;
        let clear = Setting::ResponseBodyMimeTypesClear;
        return Ok(Line::Other(Directive::Setting(clear)));
    }
    if IGNORED.iter().any(|known| is_it(known)) {
        return Ok(Line::Nothing);
    }
    Err(unknown(directive, &shown))
}

fn of_kind(
    kind: Kind,
    directive: &Text,
    words: &[Text],
    rules: &Path,
    data: &mut DataFiles<'_>,
    complaints: &mut Complaints,
) -> Result<Line, Report> {
    let directive = match (kind, words) {
        (Kind::Rule, [list, test, rest @ ..]) => {
            let targets = targets(list, complaints);
            let operator = operator(test, rules, data, complaints);
            let operator =
                complaints.note(operator).unwrap_or_else(|| Operator::always(test.span()));
            return Ok(rule(targets, operator, directive, rest.first(), complaints));
        }
        (Kind::Action, [list]) => {
            let operator = Operator::always(directive.span());
            return Ok(rule(Vec::new(), operator, directive, Some(list), complaints));
        }
        (Kind::Include { optional }, [pattern]) => {
            return Ok(Line::Include { pattern: pattern.clone(), optional });
        }
        (Kind::Marker, [label]) => Directive::Marker(name(label)?),
        (Kind::DefaultAction, [list]) => default_action(list, complaints),
        (Kind::RemoveById, words) => remove_by_id(words)?,
        (Kind::RemoveBy(rules), [pattern]) => remove_by(pattern, rules)?,
        (Kind::UpdateTargetsById, [list, words @ ..]) => {
            update_targets(RuleSet::Ids(ids(list)?), words, complaints)
        }
        (Kind::UpdateTargetsBy(rules), [pattern, words @ ..]) => {
            update_targets(self::rules(pattern, rules)?, words, complaints)
        }
        (Kind::UpdateActions, [rule, list]) => update_actions(rule, list, complaints)?,
        _ => return Ok(Line::Nothing),
    };
    Ok(Line::Other(directive))
}

fn rule(
    targets: Vec<Target>,
    operator: Operator,
    directive: &Text,
    list: Option<&Text>,
    complaints: &mut Complaints,
) -> Line {
    let before = complaints.errors();
    let actions = list.map(|list| actions(list, complaints)).unwrap_or_default();
    let sound = complaints.errors() == before;
    Line::Rule(Link { targets, operator, actions, span: directive.span() }, sound)
}

fn default_action(list: &Text, complaints: &mut Complaints) -> Directive {
    let before = complaints.errors();
    let actions = actions(list, complaints);
    let has = |is_it: fn(&ActionKind) -> bool| actions.iter().any(|action| is_it(&action.kind));
    if complaints.errors() > before {
        return Directive::DefaultAction(actions);
    }
    if !has(|kind| matches!(kind, ActionKind::Phase(_))) {
        complaints.push(list.error("a phase is missing").help("as in `phase:2,log,pass`"));
    }
    if !has(|kind| matches!(kind, ActionKind::Disruptive(_))) {
        let report = list.error("a disruptive action is missing");
        complaints.push(report.help("`pass` where matches are only scored, or `deny`"));
    }
    for action in actions.iter().filter(|action| !may_be_default(action)) {
        let span = Some(action.span.clone());
        complaints.push(Report::error(span, "this cannot be a default"));
    }
    Directive::DefaultAction(actions)
}

/// What rules may inherit.
fn may_be_default(action: &Action) -> bool {
    use ActionKind::{AuditLog, Disruptive as Disrupts, Log, LogData, Phase, Status, Transform};
    match action.kind {
        Disrupts(Disruptive::Block) => false,
        AuditLog(_) | Disrupts(_) | Log(_) | LogData(_) | Phase(_) | Status(_) | Transform(_) => {
            true
        }
        _ => false,
    }
}

/// Whether so many words are right.
fn check_count(
    known: &str,
    directive: &Text,
    words: &[Text],
    least: usize,
    most: usize,
) -> Result<(), Report> {
    let count = words.len();
    if (least..=most).contains(&count) {
        return Ok(());
    }
    let wanted = match (least, most) {
        (0, 0) => "no word".to_owned(),
        (1, 1) => "one word".to_owned(),
        (least, usize::MAX) => format!("{least} or more words"),
        (least, most) if least == most => format!("{least} words"),
        _ => format!("{least} to {most} words"),
    };
    let place = words.get(most).unwrap_or(directive);
    let message = format!("`{known}` takes {wanted}, this has {count}");
    Err(place.error(message).help("what holds blanks is in double quotes"))
}

fn unknown(directive: &Text, shown: &str) -> Report {
    if let Some((known, why)) =
        UNSUPPORTED.iter().find(|(known, _)| known.eq_ignore_ascii_case(shown))
    {
        return directive.error(format!("`{known}` is not supported: {why}"));
    }
    let report = directive.error(format!("unknown directive `{shown}`"));
    if shown.starts_with('<') {
        return report.help("sections of Apache's configuration cannot stand in a rule file");
    }
    let names = DIRECTIVES.iter().map(|known| known.0);
    let names = names.chain(SETTINGS.iter().map(|known| known.0)).chain(IGNORED.iter().copied());
    match suggest::nearest(shown, names) {
        Some(nearest) => report.help(format!("did you mean `{nearest}`?")),
        None if shown.starts_with(['"', '\'']) || shown.contains(':') => {
            report.help("a line that goes on in the next one ends in `\\`")
        }
        None => report,
    }
}
