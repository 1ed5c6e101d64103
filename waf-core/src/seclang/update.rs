//! Directives that change rules loaded before them.

use super::action::{Action, actions};
use super::complaints::Complaints;
use super::ctl::{RuleSet, rules};
use super::ids::ids;
use super::regex::Regex;
use super::statement::Directive;
use super::target::{Target, targets};
use super::text::Text;
use super::value::number;
use crate::source::Report;

/// `SecRuleUpdateTargetById` and its kin.
#[derive(Clone, Debug)]
pub struct UpdateTargets {
    /// Whose targets.
    pub rules: RuleSet,
    /// What comes behind them, or in the place of `replaced`.
    pub targets: Vec<Target>,
    /// What is taken away.
    pub replaced: Vec<Target>,
}

/// `SecRuleUpdateActionById`.
#[derive(Clone, Debug)]
pub struct UpdateActions {
    /// The rule.
    pub id: u64,
    /// Which rule of its chain: 0 is the head.
    pub link: usize,
    /// What takes the place of actions of the same name, or comes behind them.
    pub actions: Vec<Action>,
}

/// Reads the ids behind `SecRuleRemoveById`.
pub(super) fn remove_by_id(words: &[Text]) -> Result<Directive, Report> {
    let ranges: Result<Vec<_>, _> = words.iter().map(ids).collect();
    Ok(Directive::RemoveRules(RuleSet::Ids(ranges?.concat())))
}

/// Reads the patterns behind `SecRuleRemoveByTag` and `SecRuleRemoveByMsg`.
pub(super) fn remove_by(word: &Text, of: fn(Regex) -> RuleSet) -> Result<Directive, Report> {
    rules(word, of).map(Directive::RemoveRules)
}

/// Reads the targets behind the rules of `SecRuleUpdateTargetBy…`.
pub(super) fn update_targets(
    rules: RuleSet,
    words: &[Text],
    complaints: &mut Complaints,
) -> Directive {
    let mut lists = words.iter().map(|word| targets(word, complaints));
    let (targets, replaced) = (lists.next().unwrap_or_default(), lists.next().unwrap_or_default());
    Directive::UpdateTargets(UpdateTargets { rules, targets, replaced })
}

/// Reads the words behind `SecRuleUpdateActionById`.
pub(super) fn update_actions(
    rule: &Text,
    list: &Text,
    complaints: &mut Complaints,
) -> Result<Directive, Report> {
    let (id, link) = match rule.split_once(b':') {
        Some((id, link)) => (number(&id)?, number(&link)?),
        None => (number(rule)?, 0),
    };
    Ok(Directive::UpdateActions(UpdateActions { id, link, actions: actions(list, complaints) }))
}
