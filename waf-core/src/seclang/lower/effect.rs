//! What a match does: `setvar` and `ctl`.

use super::super::action::{Action, ActionKind};
use super::super::complaints::Complaints;
use super::super::ctl::{BodyProcessor, Ctl as Written, RuleSet};
use super::super::setvar::{Change as WrittenChange, SetVar};
use super::super::variable::Variable;
use super::text::{About, text};
use super::{engine, target};
use crate::rule::{Change, Ctl, Effect, RuleScope};
use crate::source::Report;

/// Lowers the effects of a link, in order; `None` when something is wrong with one.
///
/// Nothing is kept between requests: `setvar` of a persistent collection, `initcol` and `expirevar`
/// are left out.
pub(super) fn effects(
    actions: &[Action],
    about: &About,
    complaints: &mut Complaints,
) -> Option<Vec<Effect>> {
    let before = complaints.errors();
    let mut effects = Vec::new();
    for action in actions {
        match &action.kind {
            ActionKind::SetVar(set) if set.collection == Variable::Tx => {
                effects.push(setvar(set, about));
            }
            ActionKind::Ctl(written) => {
                let read = ctl(written);
                let changes = complaints.note(read).unwrap_or_default();
                effects.extend(changes.into_iter().map(Effect::Ctl));
            }
            _ => {}
        }
    }
    (complaints.errors() == before).then_some(effects)
}

fn setvar(set: &SetVar, about: &About) -> Effect {
    let change = match &set.change {
        WrittenChange::Set(value) => Change::Set(text(value, about)),
        WrittenChange::Add(value) => Change::Add(text(value, about)),
        WrittenChange::Subtract(value) => Change::Subtract(text(value, about)),
        WrittenChange::Unset => Change::Unset,
    };
    Effect::SetVar { name: text(&set.key, about), change }
}

fn ctl(written: &Written) -> Result<Vec<Ctl>, Report> {
    Ok(match written {
        Written::RuleEngine(mode) => vec![Ctl::Engine(engine(*mode))],
        Written::RemoveRules(rules) => scopes(rules).into_iter().map(Ctl::Remove).collect(),
        Written::RemoveTargets(rules, targets) => {
            let targets = targets.iter().map(target::any_target).collect::<Result<Vec<_>, _>>()?;
            let each = |scope: RuleScope| {
                targets.iter().map(move |target| Ctl::RemoveTarget(scope.clone(), target.clone()))
            };
            scopes(rules).into_iter().flat_map(each).collect()
        }
        Written::RequestBodyAccess(access) => vec![Ctl::RequestBodyAccess(*access)],
        Written::RequestBodyProcessor(processor) => {
            vec![Ctl::RequestBodyProcessor(processor_name(*processor).to_owned())]
        }
        Written::ForceRequestBodyVariable(force) => vec![Ctl::ForceRequestBodyVariable(*force)],
        Written::ResponseBodyAccess(access) => vec![Ctl::ResponseBodyAccess(*access)],
        Written::RequestBodyLimit(_)
        | Written::ResponseBodyLimit(_)
        | Written::AuditEngine(_)
        | Written::AuditLogParts(_) => vec![Ctl::Ignored],
    })
}

fn scopes(rules: &RuleSet) -> Vec<RuleScope> {
    match rules {
        RuleSet::Ids(ranges) => {
            ranges.iter().map(|range| RuleScope::Ids(range.first, range.last)).collect()
        }
        RuleSet::Tag(regex) => vec![RuleScope::Tag(regex.pattern.text.clone())],
        RuleSet::Message(regex) => vec![RuleScope::Message(regex.pattern.text.clone())],
    }
}

fn processor_name(processor: BodyProcessor) -> &'static str {
    match processor {
        BodyProcessor::UrlEncoded => "URLENCODED",
        BodyProcessor::Multipart => "MULTIPART",
        BodyProcessor::Xml => "XML",
        BodyProcessor::Json => "JSON",
    }
}
