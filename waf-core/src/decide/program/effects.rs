//! What a matching value does: variables change, rules and targets are taken away.

use super::answer::Asked;
use super::tx::Tx;
use super::{ProgramState, Turn};
use crate::limits;
use crate::operator::atoi;
use crate::ruleset::{
    Operand, ProgramChange, ProgramEffect, ProgramKey, ProgramPart, ProgramTarget, ProgramText,
    Value,
};

/// Room for most names and texts.
const USUAL: usize = 64;

/// Where the effect stands that took targets away: it says of which rules, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RemovedTarget {
    ordinal: u32,
    link: usize,
    effect: usize,
}

impl ProgramState {
    /// The effects of one match that stands for `times` fields.
    pub(super) fn act(&mut self, asked: &Asked<'_>, times: u64, turn: &Turn<'_>) {
        for (number, effect) in asked.link.effects.iter().enumerate() {
            match effect {
                ProgramEffect::Set(key, change) => self.set(asked, key, change, times, turn),
                ProgramEffect::Remove(rules) => self.remove(rules, turn),
                ProgramEffect::RemoveTarget(..) => {
                    let removed = RemovedTarget {
                        ordinal: asked.ordinal,
                        link: asked.number,
                        effect: number,
                    };
                    // No more of them than there are such effects.
                    if !self.removed_targets.contains(&removed) {
                        self.removed_targets.push(removed);
                    }
                }
                ProgramEffect::Engine(engine) => self.engine = *engine,
                ProgramEffect::Processor(name) => self.processor = Some(name.clone()),
                ProgramEffect::ForceBody(force) => self.force_body = *force,
            }
        }
    }

    /// The targets that are taken away from a rule.
    pub(super) fn removed_from<'a>(
        &self,
        ordinal: u32,
        turn: &Turn<'a>,
    ) -> impl Iterator<Item = &'a ProgramTarget> {
        let program = &turn.policy.ruleset().program;
        self.removed_targets.iter().filter_map(move |removed| {
            let link = &program.rules[removed.ordinal as usize].links[removed.link];
            match &link.effects[removed.effect] {
                ProgramEffect::RemoveTarget(rules, target) => {
                    rules.binary_search(&ordinal).is_ok().then_some(target)
                }
                _ => None,
            }
        })
    }

    fn remove(&mut self, rules: &[u32], turn: &Turn<'_>) {
        self.removed.resize(turn.program().rules.len(), false);
        for &ordinal in rules {
            self.removed[ordinal as usize] = true;
        }
    }

    fn set(
        &mut self,
        asked: &Asked<'_>,
        key: &ProgramKey,
        change: &ProgramChange,
        times: u64,
        turn: &Turn<'_>,
    ) {
        let mut name = Vec::new();
        let slot = match key {
            ProgramKey::Slot(slot) => Some(*slot),
            ProgramKey::Text(text) | ProgramKey::New(text) => {
                name.reserve(USUAL);
                self.expand(text, turn, limits::TX_VALUE, &mut name);
                name.make_ascii_lowercase();
                match key {
                    ProgramKey::New(_) => None,
                    _ => turn.program().slots.find(&name),
                }
            }
        };
        let number = |tx: &Tx| {
            let known = slot.map_or_else(|| tx.named(&name), |slot| tx.slot(slot));
            known.map_or(0, Value::number)
        };
        let times = i64::try_from(times).unwrap_or(i64::MAX);
        let value = match change {
            ProgramChange::Unset => None,
            ProgramChange::Set(text) => {
                self.carried(asked, slot, text);
                Some(self.made(text, turn))
            }
            ProgramChange::Add(operand) => {
                let amount = self.number(operand, turn).saturating_mul(times);
                self.added(asked, slot, operand, amount);
                // As ModSecurity has it, no sum is below zero.
                Some(Value::Number(number(&self.tx).saturating_add(amount).max(0)))
            }
            ProgramChange::Subtract(operand) => {
                let amount = self.number(operand, turn).saturating_mul(times);
                self.added(asked, slot, operand, amount.saturating_neg());
                Some(Value::Number(number(&self.tx).saturating_sub(amount).max(0)))
            }
        };
        match slot {
            Some(slot) => self.tx.set_slot(slot, value),
            None => self.tx.set_named(&name, value),
        }
    }

    fn made(&self, text: &ProgramText, turn: &Turn<'_>) -> Value {
        match text.parts.as_slice() {
            [] => Value::new(b""),
            [ProgramPart::Literal(text)] => Value::new(text),
            [ProgramPart::Slot(slot)] => {
                self.tx.slot(*slot).cloned().unwrap_or_else(|| Value::new(b""))
            }
            _ => {
                let mut out = Vec::with_capacity(USUAL);
                self.expand(text, turn, limits::TX_VALUE, &mut out);
                Value::new(&out)
            }
        }
    }

    /// A number as it is now.
    pub(super) fn number(&self, operand: &Operand, turn: &Turn<'_>) -> i64 {
        match operand {
            Operand::Number(number) => *number,
            Operand::Slot(slot) => self.tx.slot(*slot).map_or(0, Value::number),
            Operand::Text(text) => atoi(&self.expanded(text, turn)),
        }
    }

    fn added(&mut self, asked: &Asked<'_>, slot: Option<u16>, operand: &Operand, amount: i64) {
        let Some(slot) = slot else { return };
        match operand {
            Operand::Slot(from) if asked.rule.bookkeeping => self.ledger.carry(slot, *from),
            _ if asked.rule.bookkeeping => {}
            _ => self.ledger.add(slot, asked.ordinal, amount),
        }
    }

    fn carried(&mut self, asked: &Asked<'_>, slot: Option<u16>, text: &ProgramText) {
        if let (true, Some(to), [ProgramPart::Slot(from)]) =
            (asked.rule.bookkeeping, slot, text.parts.as_slice())
        {
            self.ledger.carry(to, *from);
        }
    }
}
