//! `%{…}`: a variable's first value, in a text.

use std::borrow::Cow;

use super::{ProgramState, Turn};
use crate::limits;
use crate::rule::LinkVariable;
use crate::ruleset::{Names, ProgramPart, ProgramText, Value};

impl ProgramState {
    /// Appends a text with its macros expanded, up to `limit` bytes in all.
    pub(super) fn expand(
        &self,
        text: &ProgramText,
        turn: &Turn<'_>,
        limit: usize,
        out: &mut Vec<u8>,
    ) {
        for part in &text.parts {
            match part {
                ProgramPart::Literal(text) => out.extend_from_slice(text),
                ProgramPart::Slot(slot) => {
                    if let Some(value) = self.tx.slot(*slot) {
                        out.extend_from_slice(&value.text());
                    }
                }
                ProgramPart::Value(variable, names) => self.first(*variable, names, turn, out),
            }
            if out.len() > limit {
                out.truncate(limit);
                return;
            }
        }
    }

    /// A text with its macros expanded, up to `limits::TX_VALUE` bytes.
    pub(super) fn expanded<'a>(&'a self, text: &'a ProgramText, turn: &Turn<'_>) -> Cow<'a, [u8]> {
        match text.parts.as_slice() {
            [ProgramPart::Literal(text)] => {
                Cow::Borrowed(&text[..text.len().min(limits::TX_VALUE)])
            }
            // No value of `TX` is longer.
            [ProgramPart::Slot(slot)] => self.tx.slot(*slot).map_or(Cow::default(), Value::text),
            _ => {
                let mut out = Vec::new();
                self.expand(text, turn, limits::TX_VALUE, &mut out);
                Cow::Owned(out)
            }
        }
    }

    fn first(&self, variable: LinkVariable, names: &Names, turn: &Turn<'_>, out: &mut Vec<u8>) {
        let LinkVariable::Fields(fields) = variable else {
            let mut done = false;
            self.each(variable, names, turn, &mut |_, value| {
                if !std::mem::replace(&mut done, true) {
                    out.extend_from_slice(value);
                }
            });
            return;
        };
        let rows = fields.collections().iter().flat_map(|&collection| turn.rows.of(collection));
        let mut rows = rows.map(|&at| turn.rows.row(at));
        if let Some(row) = rows.find(|row| names.has_class(row.class)) {
            out.extend_from_slice(row.value.as_deref().unwrap_or_default());
        }
    }
}
