//! Regexes as ModSecurity has them (PCRE), rewritten for engines whose syntax differs.
//!
//! ```
//! use waf_core::seclang::pcre::{Case, rewrite};
//!
//! // A code of two bytes in UTF-8 is one byte here; a brace that starts no repeat is a brace.
//! let pattern = rewrite(br"[\x{c2}-\xff[]{a", Case::Sensitive)?;
//! assert_eq!(pattern.text, r"[\x5b\xc2-\xff]\{a");
//! assert_eq!(pattern.backtracking, None);
//!
//! let pattern = rewrite(br"a(?!b)", Case::Sensitive)?;
//! assert_eq!(pattern.backtracking.map(|construct| construct.what), Some("look-ahead"));
//! # Ok::<(), waf_core::seclang::pcre::PcreError>(())
//! ```
//!
//! The meaning is that of ModSecurity 2: bytes, DOTALL, DOLLAR_ENDONLY, neither MULTILINE nor UTF,
//! so that `\w \d \s \b` and `(?i)` are ASCII. The text that comes out is ASCII and says the same to
//! `automaton::syntax` and, where it needs backtracking, to `operator::Backtrack`. What PCRE has and
//! neither of them (recursion, conditions, verbs) is an error with its place. Every class comes out
//! as a list of bytes, every flag but `(?i)` is resolved here.
//!
//! Looser than PCRE 2 in what it takes: `-` beside `\d` in a class is a hyphen, as in PCRE 1 and
//! Perl. Stricter: look-around is not repeated. Different:
//! where a repeated group last matched nothing at all, as in `(a*)*`, PCRE remembers just that for
//! the group, and the automata what it matched before. Whether it matches is the same.

mod class;
mod escape;
mod group;
mod quantifier;
mod reader;
mod write;

use std::collections::HashMap;
use std::fmt;

use escape::Escape;
use group::{Flags, Group};
use reader::Reader;

/// Whether a pattern begins with case that matters. Those of selectors do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// `a` is not `A`, until `(?i)`.
    Sensitive,
    /// `a` is `A`. The text says so itself, by a `(?i)` at its start.
    Ignored,
}

/// A pattern in the syntax of our engines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The regex, in ASCII.
    pub text: String,
    /// How many groups capture; they keep their numbers, their names are gone.
    pub groups: u16,
    /// The first thing in it that no automaton can do; `None` for nearly all patterns.
    pub backtracking: Option<Construct>,
}

/// A part of a pattern that needs a backtracking engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Construct {
    /// Its name: `look-ahead`, `back reference`, `possessive quantifier` …
    pub what: &'static str,
    /// Where it begins in the pattern as written, in bytes.
    pub offset: usize,
}

/// A pattern that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PcreError {
    offset: usize,
    message: String,
}

impl PcreError {
    fn new(offset: usize, message: impl Into<String>) -> Self {
        Self { offset, message: message.into() }
    }

    /// The byte of the pattern at which the fault begins; its length for what is missing there.
    pub fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for PcreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for PcreError {}

/// Rewrites a pattern.
pub fn rewrite(pattern: &[u8], case: Case) -> Result<Pattern, PcreError> {
    let mut rewriter = Rewriter::new(pattern, case);
    loop {
        rewriter.input.skip_quotes();
        match rewriter.input.next() {
            Some(byte) if rewriter.input.is_quoting() => rewriter.literal(byte),
            Some(byte) => rewriter.item(byte)?,
            None => return rewriter.finish(),
        }
    }
}

struct Rewriter<'a> {
    input: Reader<'a>,
    out: String,
    flags: Flags,
    /// Groups that are open, the outermost first.
    open: Vec<Group>,
    /// Where in `out` stands what a quantifier would repeat; it repeats nothing twice.
    atom: Option<usize>,
    /// Groups that capture, those still open included.
    groups: u16,
    names: HashMap<Vec<u8>, u16>,
    /// Groups that were referred to by number, and where.
    references: Vec<(u16, usize)>,
    backtracking: Option<Construct>,
}

impl<'a> Rewriter<'a> {
    fn new(pattern: &'a [u8], case: Case) -> Self {
        let ignore_case = case == Case::Ignored;
        Self {
            input: Reader::new(pattern),
            out: String::from(if ignore_case { "(?i)" } else { "" }),
            flags: Flags { ignore_case, dot_all: true, ..Flags::default() },
            open: Vec::new(),
            atom: None,
            groups: 0,
            names: HashMap::new(),
            references: Vec::new(),
            backtracking: None,
        }
    }

    /// One item of the pattern; its first byte is read.
    fn item(&mut self, byte: u8) -> Result<(), PcreError> {
        let offset = self.input.offset() - 1;
        match byte {
            b' ' | b'\t'..=b'\r' if self.flags.extended => {}
            b'#' if self.flags.extended => self.input.skip_past(b'\n'),
            b'\\' => self.escape(offset)?,
            b'[' => self.class(offset)?,
            b'(' => self.open_group(offset)?,
            b')' => self.close_group(offset)?,
            b'|' => {
                self.out.push('|');
                self.atom = None;
            }
            b'*' => self.quantifier(offset, "*")?,
            b'+' => self.quantifier(offset, "+")?,
            b'?' => self.quantifier(offset, "?")?,
            b'{' => match self.input.counts(offset)? {
                Some(counts) => self.quantifier(offset, &counts)?,
                None => self.literal(b'{'),
            },
            b'.' if self.flags.dot_all => self.atom("."),
            b'.' => self.atom(r"[^\n]"),
            b'^' if self.flags.multi_line => {
                // Unlike elsewhere no line begins after a line feed that ends the value.
                self.backtrack("`^` in (?m)", offset);
                self.look(r"(?:^|(?<=\n)(?!$))");
            }
            b'^' => self.look("^"),
            b'$' if self.flags.multi_line => self.look("(?m:$)"),
            b'$' => self.look("$"),
            byte => self.literal(byte),
        }
        Ok(())
    }

    /// What follows a backslash.
    fn escape(&mut self, offset: usize) -> Result<(), PcreError> {
        match escape::read(&mut self.input, offset, self.groups)? {
            Escape::Byte(byte) => self.literal(byte),
            Escape::Set(set) => {
                self.begin_atom();
                write::class(&mut self.out, false, set);
            }
            Escape::Look(text) => self.look(text),
            Escape::Hard { text, what } => {
                self.backtrack(what, offset);
                self.atom(text);
            }
            Escape::Reference(group) => self.reference(group, offset),
            Escape::Named(name) => match self.names.get(name) {
                Some(&group) => self.reference(group, offset),
                None => return Err(PcreError::new(offset, "there is no group of this name")),
            },
        }
        Ok(())
    }

    fn class(&mut self, offset: usize) -> Result<(), PcreError> {
        let (negated, set) = class::read(&mut self.input, offset, self.flags.ignore_case)?;
        self.begin_atom();
        write::class(&mut self.out, negated, set);
        Ok(())
    }

    fn literal(&mut self, byte: u8) {
        self.begin_atom();
        write::literal(&mut self.out, byte);
    }

    fn atom(&mut self, text: &str) {
        self.begin_atom();
        self.out.push_str(text);
    }

    /// A place, which cannot be repeated.
    fn look(&mut self, text: &str) {
        self.out.push_str(text);
        self.atom = None;
    }

    fn reference(&mut self, group: u16, offset: usize) {
        self.backtrack("back reference", offset);
        self.references.push((group, offset));
        // The group keeps a digit that follows apart.
        self.atom(&format!(r"(?:\{group})"));
    }

    fn begin_atom(&mut self) {
        self.atom = Some(self.out.len());
    }

    fn backtrack(&mut self, what: &'static str, offset: usize) {
        self.backtracking.get_or_insert(Construct { what, offset });
    }

    fn finish(self) -> Result<Pattern, PcreError> {
        if let Some(group) = self.open.last() {
            return Err(PcreError::new(group.offset, "this group is not closed"));
        }
        if let Some((_, offset)) = self.references.iter().find(|(group, _)| *group > self.groups) {
            return Err(PcreError::new(*offset, "there is no group of this number"));
        }
        Ok(Pattern { text: self.out, groups: self.groups, backtracking: self.backtracking })
    }
}

#[cfg(test)]
mod tests;
