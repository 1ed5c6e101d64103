//! What a match does: `setvar` and `ctl`. And who added what to a score.

use waf_core::limits;
use waf_core::rule::{
    Chain, Change, Ctl, Disruptive, Effect, Link, LinkOperator, LinkVariable, MacroOperator,
    Selector, Text, TextPart,
};

use super::super::operators::integer;
use super::state::{Held, Shares, Variable};
use super::{Run, Seen, cut, is_bookkeeping};

impl<'a> Run<'a> {
    /// The actions of a link that matches.
    pub(super) fn act(&mut self, at: usize, link: &'a Link, seen: Seen<'_>) {
        for effect in &link.effects {
            match effect {
                Effect::SetVar { name, change } => self.set(at, name, change, seen),
                Effect::Ctl(Ctl::Engine(engine)) => self.engine = *engine,
                Effect::Ctl(Ctl::RequestBodyProcessor(name)) => self.processor = Some(name),
                Effect::Ctl(Ctl::ForceRequestBodyVariable(force)) => self.force_body = *force,
                Effect::Ctl(Ctl::Remove(scope)) => self.removed.push(scope),
                Effect::Ctl(Ctl::RemoveTarget(scope, target)) => {
                    self.removed_targets.push((scope, target));
                }
                Effect::Ctl(
                    Ctl::RequestBodyAccess(_) | Ctl::ResponseBodyAccess(_) | Ctl::Ignored,
                ) => {}
            }
        }
    }

    fn set(&mut self, at: usize, name: &Text, change: &Change, seen: Seen<'_>) {
        let name = cut(self.expand(name, seen), limits::TX_VALUE);
        let known = self.tx.get(&name).cloned().unwrap_or_default();
        let value = |text: &Text| cut(self.expand(text, seen), limits::TX_VALUE);
        let variable = match change {
            Change::Unset => None,
            Change::Set(text) => {
                let from = self.carried(at, text).cloned().unwrap_or_default();
                Some(Variable { text: value(text), from })
            }
            Change::Add(text) => Some(self.sum(at, known, text, integer(&value(text)), 1)),
            Change::Subtract(text) => Some(self.sum(at, known, text, integer(&value(text)), -1)),
        };
        self.tx.set(&name, variable);
    }

    /// A number with another added to it; never below 0, as in `ModSecurity` 2.
    fn sum(&self, at: usize, known: Variable, text: &Text, amount: i64, sign: i64) -> Variable {
        let number = integer(&known.text).saturating_add(amount.saturating_mul(sign)).max(0);
        let mut from = known.from;
        if self.is_bookkeeping_rule(at) {
            for (rule, share) in self.carried(at, text).into_iter().flatten() {
                *from.entry(*rule).or_default() += share * sign;
            }
        } else {
            *from.entry(at).or_default() += amount * sign;
        }
        Variable { text: number.to_string().into_bytes(), from }
    }

    /// Whose number it is that a bookkeeping rule carries on: of a text that is one variable.
    fn carried(&self, at: usize, text: &Text) -> Option<&Shares> {
        let [TextPart::Macro(LinkVariable::Tx, Some(name))] = text.0.as_slice() else {
            return None;
        };
        let variable = self.tx.get(name.as_bytes())?;
        self.is_bookkeeping_rule(at).then_some(&variable.from)
    }

    fn is_bookkeeping_rule(&self, at: usize) -> bool {
        self.rules[at].0.chain.as_deref().is_some_and(is_bookkeeping)
    }

    /// A rule that refuses and looks at nothing but `TX` holds the score against a threshold.
    pub(super) fn note_threshold(&mut self, at: usize, chain: &Chain, link: &Link, seen: Seen<'_>) {
        let LinkOperator::Macro(MacroOperator::Ge | MacroOperator::Gt, text) = &link.operator
        else {
            return;
        };
        if !is_bookkeeping(chain) || chain.disruptive != Disruptive::Deny {
            return;
        }
        let threshold = integer(&self.expand(text, seen));
        for target in &link.targets {
            let Selector::Name(name) = &target.selector else { continue };
            let Some(known) = self.tx.get(name.as_bytes()) else { continue };
            let (number, from) = (integer(&known.text), known.from.clone());
            let held = Some(Held { number, threshold, from });
            match self.rules[at].0.phase.is_request() {
                true => self.inbound = held,
                false => self.outbound = held,
            }
        }
    }
}
