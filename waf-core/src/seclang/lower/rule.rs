//! One chain.

use super::super::action::{Action, ActionKind, AllowScope, Disruptive as Written, Phase as When};
use super::super::complaints::Complaints;
use super::super::macro_text::MacroText;
use super::super::statement::Link as WrittenLink;
use super::text::{About, text};
use super::{LoadedRule, effect, operator, target};
use crate::rule::{
    self, Allow, Chain, Disruptive, Expression, Link, Phase, Rule, RuleId, RuleMode, Severity,
    Transformation,
};

/// The class of rules that no tag gives one.
const CLASS: &str = "seclang";

/// Lowers a rule; `None` when something is wrong with it.
pub(super) fn rule(
    loaded: &LoadedRule,
    skip_to: Option<u32>,
    complaints: &mut Complaints,
) -> Option<Rule> {
    let head = loaded.links.first()?;
    let about = About::of(head);
    let chain = chain(loaded, skip_to, &about, complaints)?;
    let tags = tags(&head.actions);
    Some(Rule {
        id: RuleId::new(&head.id()?.to_string()),
        name: message(&head.actions).map(MacroText::shown).unwrap_or_default(),
        why: String::new(),
        references: Vec::new(),
        severity: severity(&head.actions),
        // What it adds, it adds by `setvar`.
        score: 0,
        action: match chain.disruptive {
            Disruptive::Deny => rule::Action::Block,
            _ => rule::Action::Score,
        },
        mode: RuleMode::Block,
        paranoia: paranoia(&tags),
        phase: lowered_phase(phase(&head.actions)),
        class: class(&tags),
        tags,
        same_value: false,
        expression: Expression::Any(Vec::new()),
        chain: Some(Box::new(chain)),
        attacks: Vec::new(),
        benign: Vec::new(),
        span: head.span.clone(),
    })
}

fn chain(
    loaded: &LoadedRule,
    skip_to: Option<u32>,
    about: &About,
    complaints: &mut Complaints,
) -> Option<Chain> {
    let head = loaded.links.first()?;
    let phase = phase(&head.actions);
    let inherited = || loaded.defaults.of(phase);
    let links: Vec<_> =
        loaded.links.iter().map(|written| link(written, inherited(), about, complaints)).collect();
    let own = || head.actions.iter().map(|action| &action.kind);
    // Of what is said several times the last counts, and before it what the rule itself says.
    let last = || own().rev().chain(inherited().rev());
    Some(Chain {
        links: links.into_iter().collect::<Option<_>>()?,
        disruptive: disruptive(own().rev(), inherited().rev()),
        status: last().find_map(|kind| match kind {
            ActionKind::Status(status) => Some(*status),
            _ => None,
        }),
        skip_to,
        log: last().find_map(log).unwrap_or(true),
        message: message(&head.actions).map(|message| text(message, about)),
        data: last().find_map(|kind| match kind {
            ActionKind::LogData(data) => Some(text(data, about)),
            _ => None,
        }),
    })
}

/// The last disruptive action of a rule; `block`, or none, is what it inherits.
fn disruptive<'a>(
    mut own: impl Iterator<Item = &'a ActionKind>,
    mut inherited: impl Iterator<Item = &'a ActionKind>,
) -> Disruptive {
    let of = |kind: &'a ActionKind| match kind {
        ActionKind::Disruptive(written) => Some(written),
        _ => None,
    };
    let written = own.find_map(of).filter(|written| **written != Written::Block);
    match written.or_else(|| inherited.find_map(of)) {
        None | Some(Written::Block | Written::Pass) => Disruptive::Pass,
        Some(Written::Deny | Written::Drop | Written::Redirect(_)) => Disruptive::Deny,
        Some(Written::Allow(AllowScope::Transaction)) => Disruptive::Allow(Allow::All),
        Some(Written::Allow(AllowScope::Phase)) => Disruptive::Allow(Allow::Phase),
        Some(Written::Allow(AllowScope::Request)) => Disruptive::Allow(Allow::Request),
    }
}

fn log(kind: &ActionKind) -> Option<bool> {
    match kind {
        ActionKind::Log(log) => Some(*log),
        _ => None,
    }
}

fn link<'a>(
    written: &'a WrittenLink,
    inherited: impl Iterator<Item = &'a ActionKind>,
    about: &About,
    complaints: &mut Complaints,
) -> Option<Link> {
    let own = || written.actions.iter().map(|action| &action.kind);
    let targets: Vec<_> =
        written.targets.iter().map(|entry| complaints.note(target::target(entry))).collect();
    operator::warn(&written.operator, complaints);
    let operator = operator::operator(&written.operator, about);
    let operator = complaints.note(operator);
    Some(Link {
        targets: targets.into_iter().collect::<Option<_>>()?,
        transformations: transformations(inherited.chain(own())),
        operator: operator?,
        negated: written.operator.negated,
        capture: own().any(|kind| matches!(kind, ActionKind::Capture)),
        multi_match: own().any(|kind| matches!(kind, ActionKind::MultiMatch)),
        effects: effect::effects(&written.actions, about, complaints)?,
        span: written.operator.span.clone(),
    })
}

/// In order; `t:none` removes all before it.
fn transformations<'a>(kinds: impl Iterator<Item = &'a ActionKind>) -> Vec<Transformation> {
    let mut list = Vec::new();
    for kind in kinds {
        match kind {
            ActionKind::Transform(Some(transformation)) => list.push(*transformation),
            ActionKind::Transform(None) => list.clear(),
            _ => {}
        }
    }
    list
}

/// The phase that actions name; 2 where they name none.
pub(super) fn phase(actions: &[Action]) -> When {
    let named = actions.iter().rev().find_map(|action| match action.kind {
        ActionKind::Phase(phase) => Some(phase),
        _ => None,
    });
    named.unwrap_or(When::RequestBody)
}

fn lowered_phase(phase: When) -> Phase {
    match phase {
        When::RequestHeaders => Phase::RequestHeaders,
        When::RequestBody => Phase::RequestBody,
        When::ResponseHeaders => Phase::ResponseHeaders,
        When::ResponseBody => Phase::ResponseBody,
        When::Logging => Phase::Logging,
    }
}

/// `msg`.
pub(super) fn message(actions: &[Action]) -> Option<&MacroText> {
    actions.iter().rev().find_map(|action| match &action.kind {
        ActionKind::Message(message) => Some(message),
        _ => None,
    })
}

/// `tag`, in order, macros as written.
pub(super) fn tags(actions: &[Action]) -> Vec<String> {
    let tags = actions.iter().filter_map(|action| match &action.kind {
        ActionKind::Tag(tag) => Some(tag.shown()),
        _ => None,
    });
    tags.collect()
}

/// The four severities of the engine; what is worse than critical is critical.
fn severity(actions: &[Action]) -> Severity {
    let named = actions.iter().rev().find_map(|action| match action.kind {
        ActionKind::Severity(severity) => Some(severity),
        _ => None,
    });
    match named {
        Some(0..=2) => Severity::Critical,
        Some(3) => Severity::Error,
        Some(4) => Severity::Warning,
        _ => Severity::Notice,
    }
}

/// What the tag `paranoia-level/N` says; rules without it are of the first level.
fn paranoia(tags: &[String]) -> u8 {
    let level = tags.iter().find_map(|tag| tag.strip_prefix("paranoia-level/")?.parse().ok());
    level.map_or(1, |level: u8| level.clamp(1, 4))
}

/// What the first tag `attack-…` says.
fn class(tags: &[String]) -> String {
    let class = tags.iter().find_map(|tag| tag.strip_prefix("attack-"));
    class.unwrap_or(CLASS).to_owned()
}
