//! `*`, `+`, `?`, `{n,m}`; lazy with `?`, possessive with `+` behind them.

use super::{PcreError, Rewriter};

impl Rewriter<'_> {
    /// Repeats what stands before it.
    pub(super) fn quantifier(&mut self, offset: usize, text: &str) -> Result<(), PcreError> {
        let Some(start) = self.atom.take() else {
            return Err(PcreError::new(offset, "there is nothing to repeat"));
        };
        self.out.push_str(text);
        if self.input.eat(b"+") {
            // Elsewhere this reads as a repeat of the repeat.
            self.backtrack("possessive quantifier", offset);
            self.out.insert_str(start, "(?>");
            self.out.push(')');
        } else if self.input.eat(b"?") != self.flags.ungreedy {
            self.out.push('?');
        }
        Ok(())
    }
}
