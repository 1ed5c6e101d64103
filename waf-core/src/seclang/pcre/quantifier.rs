//! `*`, `+`, `?`, `{n,m}`; lazy with `?`, possessive with `+` behind them.

use super::{PcreError, Rewriter};

impl Rewriter<'_> {
    /// Repeats what stands before it.
    pub(super) fn quantifier(&mut self, offset: usize, text: &str) -> Result<(), PcreError> {
        let Some(start) = self.atom else {
            return Err(PcreError::new(offset, "there is nothing to repeat"));
        };
        if self.quantified {
            self.wrap(start, "(?:");
        }
        self.quantified = true;
        self.out.push_str(text);
        if self.input.eat(b"+") {
            // Elsewhere this reads as a repeat of the repeat.
            self.backtrack("possessive quantifier", offset);
            self.wrap(start, "(?>");
            self.quantified = false;
        } else if self.input.eat(b"?") != self.flags.ungreedy {
            self.out.push('?');
        }
        Ok(())
    }

    fn wrap(&mut self, start: usize, open: &str) {
        self.out.insert_str(start, open);
        self.out.push(')');
    }
}
