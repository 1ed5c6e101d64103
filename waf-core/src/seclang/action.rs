//! The third word of `SecRule`: what a match does, and what is told about it.

use super::action_text::{Written, actions as written};
use super::complaints::Complaints;
use super::ctl::{Ctl, ctl};
use super::macro_text::MacroText;
use super::setvar::{ExpireVar, InitCollection, SetVar, expirevar, initcol, setvar};
use super::text::Text;
use super::transformation::transformation;
use super::value::{name, number, word};
use crate::rule::Transformation;
use crate::source::{Report, Span};
use crate::suggest;

/// One action, in the order written.
#[derive(Clone, Debug)]
pub struct Action {
    /// What it says.
    pub kind: ActionKind,
    /// Where it was written.
    pub span: Span,
}

/// What an action says.
#[derive(Clone, Debug)]
pub enum ActionKind {
    /// `id`
    Id(u64),
    /// `phase`
    Phase(Phase),
    /// `msg`
    Message(MacroText),
    /// `logdata`
    LogData(MacroText),
    /// `tag`
    Tag(MacroText),
    /// `ver`
    Version(String),
    /// `rev`
    Revision(String),
    /// `severity`, from 0 (emergency) to 7 (debug)
    Severity(u8),
    /// What happens to the transaction; the last one counts.
    Disruptive(Disruptive),
    /// `status`: what a denial answers
    Status(u16),
    /// `chain`: the next rule must match too
    Chain,
    /// `skip`: so many rules or chains are left out
    Skip(u32),
    /// `skipAfter`: up to this marker, or behind the rule with this id
    SkipAfter(String),
    /// `capture`
    Capture,
    /// `multiMatch`
    MultiMatch,
    /// `t`; `None` (`t:none`) removes all before it
    Transform(Option<Transformation>),
    /// `setvar`
    SetVar(SetVar),
    /// `initcol`
    InitCollection(InitCollection),
    /// `expirevar`
    ExpireVar(ExpireVar),
    /// `log`, `nolog`
    Log(bool),
    /// `auditlog`, `noauditlog`
    AuditLog(bool),
    /// `ctl`
    Ctl(Ctl),
}

/// What happens to the transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disruptive {
    /// `allow`
    Allow(AllowScope),
    /// `block`: what `SecDefaultAction` says
    Block,
    /// `deny`
    Deny,
    /// `drop`: the connection is closed
    Drop,
    /// `pass`
    Pass,
    /// `redirect`: to this URL
    Redirect(MacroText),
}

/// How far `allow` reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowScope {
    /// `allow`: all phases but logging.
    Transaction,
    /// `allow:phase`: the rest of this phase.
    Phase,
    /// `allow:request`: up to the response.
    Request,
}

/// When a rule runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// 1
    RequestHeaders,
    /// 2, `request`
    RequestBody,
    /// 3
    ResponseHeaders,
    /// 4, `response`
    ResponseBody,
    /// 5, `logging`
    Logging,
}

const PHASES: &[(&str, Phase)] = &[
    ("1", Phase::RequestHeaders),
    ("2", Phase::RequestBody),
    ("request", Phase::RequestBody),
    ("3", Phase::ResponseHeaders),
    ("4", Phase::ResponseBody),
    ("response", Phase::ResponseBody),
    ("5", Phase::Logging),
    ("logging", Phase::Logging),
];

const SEVERITIES: &[(&str, u8)] = &[
    ("EMERGENCY", 0),
    ("ALERT", 1),
    ("CRITICAL", 2),
    ("ERROR", 3),
    ("WARNING", 4),
    ("NOTICE", 5),
    ("INFO", 6),
    ("DEBUG", 7),
    ("0", 0),
    ("1", 1),
    ("2", 2),
    ("3", 3),
    ("4", 4),
    ("5", 5),
    ("6", 6),
    ("7", 7),
];

const ALLOW: &[(&str, AllowScope)] =
    &[("phase", AllowScope::Phase), ("request", AllowScope::Request)];

/// How the action of a name is read.
#[derive(Clone, Copy)]
enum Kind {
    /// It takes no argument.
    Bare(fn() -> ActionKind),
    /// It takes one.
    With(fn(&Text, &mut Complaints) -> Result<ActionKind, Report>),
    /// It is `allow`: it may take one.
    Allow,
    /// It takes one, and means nothing or something only in some cases.
    Ctl,
    /// It says nothing that is used.
    Ignored,
    /// It does something that this engine does not; the rule works without it.
    NoEffect,
    /// A rule with it would not do what it says.
    Unsupported,
}

/// Every action of ModSecurity 2.9.
const ACTIONS: &[(&str, Kind)] = &[
    ("id", Kind::With(|text, _| number(text).map(ActionKind::Id))),
    ("phase", Kind::With(|text, _| word(text, PHASES).map(ActionKind::Phase))),
    ("msg", Kind::With(|text, c| Ok(ActionKind::Message(MacroText::read(text, c))))),
    ("logdata", Kind::With(|text, c| Ok(ActionKind::LogData(MacroText::read(text, c))))),
    ("tag", Kind::With(|text, c| Ok(ActionKind::Tag(MacroText::read(text, c))))),
    ("ver", Kind::With(|text, _| Ok(ActionKind::Version(text.shown())))),
    ("rev", Kind::With(|text, _| Ok(ActionKind::Revision(text.shown())))),
    ("severity", Kind::With(|text, _| word(text, SEVERITIES).map(ActionKind::Severity))),
    ("allow", Kind::Allow),
    ("block", Kind::Bare(|| ActionKind::Disruptive(Disruptive::Block))),
    ("deny", Kind::Bare(|| ActionKind::Disruptive(Disruptive::Deny))),
    ("drop", Kind::Bare(|| ActionKind::Disruptive(Disruptive::Drop))),
    ("pass", Kind::Bare(|| ActionKind::Disruptive(Disruptive::Pass))),
    ("redirect", Kind::With(redirect)),
    ("status", Kind::With(|text, _| status(text))),
    ("chain", Kind::Bare(|| ActionKind::Chain)),
    ("skip", Kind::With(|text, _| number(text).map(ActionKind::Skip))),
    ("skipAfter", Kind::With(|text, _| name(text).map(ActionKind::SkipAfter))),
    ("capture", Kind::Bare(|| ActionKind::Capture)),
    ("multiMatch", Kind::Bare(|| ActionKind::MultiMatch)),
    ("t", Kind::With(|text, _| transformation(text).map(ActionKind::Transform))),
    ("setvar", Kind::With(|text, c| setvar(text, c).map(ActionKind::SetVar))),
    ("initcol", Kind::With(|text, c| initcol(text, c).map(ActionKind::InitCollection))),
    ("expirevar", Kind::With(|text, c| expirevar(text, c).map(ActionKind::ExpireVar))),
    ("log", Kind::Bare(|| ActionKind::Log(true))),
    ("nolog", Kind::Bare(|| ActionKind::Log(false))),
    ("auditlog", Kind::Bare(|| ActionKind::AuditLog(true))),
    ("noauditlog", Kind::Bare(|| ActionKind::AuditLog(false))),
    ("ctl", Kind::Ctl),
    ("accuracy", Kind::Ignored),
    ("maturity", Kind::Ignored),
    ("xmlns", Kind::Ignored),
    ("append", Kind::NoEffect),
    ("deprecatevar", Kind::NoEffect),
    ("pause", Kind::NoEffect),
    ("prepend", Kind::NoEffect),
    ("sanitiseArg", Kind::NoEffect),
    ("sanitiseMatched", Kind::NoEffect),
    ("sanitiseMatchedBytes", Kind::NoEffect),
    ("sanitiseRequestHeader", Kind::NoEffect),
    ("sanitiseResponseHeader", Kind::NoEffect),
    ("setenv", Kind::NoEffect),
    ("setrsc", Kind::NoEffect),
    ("setsid", Kind::NoEffect),
    ("setuid", Kind::NoEffect),
    ("exec", Kind::Unsupported),
    ("proxy", Kind::Unsupported),
];

/// Reads the third word.
pub(super) fn actions(text: &Text, complaints: &mut Complaints) -> Vec<Action> {
    let mut actions = Vec::new();
    for one in written(text, complaints) {
        let read = action(&one, complaints);
        let kind = complaints.note(read).flatten();
        actions.extend(kind.map(|kind| Action { kind, span: one.whole.span() }));
    }
    actions
}

/// Reads one action; `None` when it does nothing here.
fn action(written: &Written, complaints: &mut Complaints) -> Result<Option<ActionKind>, Report> {
    let (known, kind) = known(&written.name)?;
    let argument = written.argument.as_ref();
    let needed = || {
        argument.ok_or_else(|| {
            written.name.error(format!("`{known}` takes an argument, as in `{known}:…`"))
        })
    };
    match (kind, argument) {
        (Kind::Bare(_), Some(argument)) => {
            Err(argument.error(format!("`{known}` takes no argument")))
        }
        (Kind::Bare(action), None) => Ok(Some(action())),
        (Kind::With(read), _) => read(needed()?, complaints).map(Some),
        (Kind::Ctl, _) => Ok(ctl(needed()?, complaints)?.map(ActionKind::Ctl)),
        (Kind::Allow, argument) => allow(argument).map(Some),
        (Kind::Ignored, _) => Ok(None),
        (Kind::NoEffect, _) => {
            complaints.push(written.whole.warning(format!("`{known}` has no effect here")));
            Ok(None)
        }
        (Kind::Unsupported, _) => {
            Err(written.whole.error(format!("the action `{known}` is not supported")))
        }
    }
}

fn known(name: &Text) -> Result<(&'static str, Kind), Report> {
    let shown = name.shown();
    // English has two spellings, and so has ModSecurity.
    let spelled = shown.to_ascii_lowercase().replace("sanitize", "sanitise");
    let known = ACTIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(&spelled));
    known.copied().ok_or_else(|| {
        let report = name.error(format!("unknown action `{shown}`"));
        match suggest::nearest(&shown, ACTIONS.iter().map(|&(known, _)| known)) {
            Some(nearest) => report.help(format!("did you mean `{nearest}`?")),
            None => report.help("text that holds a comma is in quotes: `msg:'one, two'`"),
        }
    })
}

fn allow(argument: Option<&Text>) -> Result<ActionKind, Report> {
    let scope = argument.map_or(Ok(AllowScope::Transaction), |text| word(text, ALLOW))?;
    Ok(ActionKind::Disruptive(Disruptive::Allow(scope)))
}

fn redirect(text: &Text, complaints: &mut Complaints) -> Result<ActionKind, Report> {
    if text.is_empty() {
        return Err(text.error("a URL is expected behind `redirect:`"));
    }
    Ok(ActionKind::Disruptive(Disruptive::Redirect(MacroText::read(text, complaints))))
}

fn status(text: &Text) -> Result<ActionKind, Report> {
    match number::<u16>(text)? {
        status @ 100..=599 => Ok(ActionKind::Status(status)),
        _ => Err(text.error("a status is a number from 100 to 599")),
    }
}
