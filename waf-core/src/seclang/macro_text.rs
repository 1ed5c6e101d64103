//! Text with macros: `inbound score %{TX.inbound_anomaly_score}`.

use super::complaints::Complaints;
use super::text::Text;
use super::variable::Variable;
use crate::suggest;

/// Text with macros, read once at load.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MacroText {
    /// Its parts in order; no two [`MacroPart::Text`] stand side by side, and none is empty.
    pub parts: Vec<MacroPart>,
}

/// A part of a text with macros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MacroPart {
    /// Bytes as they stand.
    Text(Vec<u8>),
    /// `%{NAME}` or `%{NAME.key}`: what the variable holds at the time; nothing where it is absent.
    Macro {
        /// The variable.
        variable: Variable,
        /// What stands behind the first dot.
        key: Option<Vec<u8>>,
    },
}

impl MacroText {
    /// Text without macros.
    pub fn plain(bytes: &[u8]) -> Self {
        let part = (!bytes.is_empty()).then(|| MacroPart::Text(bytes.to_vec()));
        Self { parts: part.into_iter().collect() }
    }

    /// The bytes, where there is no macro in it.
    pub fn literal(&self) -> Option<&[u8]> {
        match self.parts.as_slice() {
            [] => Some(b""),
            [MacroPart::Text(bytes)] => Some(bytes),
            _ => None,
        }
    }

    /// The text with its macros as they are written.
    pub fn shown(&self) -> String {
        let part = |part: &MacroPart| match part {
            MacroPart::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            MacroPart::Macro { variable, key: None } => format!("%{{{}}}", variable.name()),
            MacroPart::Macro { variable, key: Some(key) } => {
                format!("%{{{}.{}}}", variable.name(), String::from_utf8_lossy(key))
            }
        };
        self.parts.iter().map(part).collect()
    }

    /// Reads a text. A macro of an unknown variable is nothing, as in ModSecurity 2, and warned of.
    pub(super) fn read(text: &Text, complaints: &mut Complaints) -> Self {
        Self::pieces(text, |_, from, to| warn(text, from, to, complaints))
    }

    /// Reads a regex, in which `%{` may be just that: only macros of known variables count.
    pub(super) fn read_regex(text: &Text) -> Self {
        Self::pieces(text, |read, from, to| read.push(stretch(text, from, to)))
    }

    /// Reads a text; `unknown` is told what is written like a macro and is none.
    fn pieces(text: &Text, mut unknown: impl FnMut(&mut Self, usize, usize)) -> Self {
        let mut read = Self::default();
        for piece in pieces(text.bytes()) {
            match piece {
                Piece::Text(from, to) => read.push(stretch(text, from, to)),
                Piece::Macro(from, to) => match macro_part(text, from, to) {
                    Some(part) => read.parts.push(part),
                    None => unknown(&mut read, from, to),
                },
            }
        }
        read
    }

    fn push(&mut self, bytes: &[u8]) {
        match self.parts.last_mut() {
            Some(MacroPart::Text(text)) => text.extend_from_slice(bytes),
            _ if bytes.is_empty() => {}
            _ => self.parts.push(MacroPart::Text(bytes.to_vec())),
        }
    }
}

fn stretch(text: &Text, from: usize, to: usize) -> &[u8] {
    text.bytes().get(from..to).unwrap_or_default()
}

/// A stretch of bytes: text, or a macro with its `%{` and `}`.
enum Piece {
    Text(usize, usize),
    Macro(usize, usize),
}

fn pieces(bytes: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let length = rest
            .strip_prefix(b"%{")
            .and_then(|name| name.iter().position(|&byte| byte == b'}').filter(|&end| end > 0));
        if let Some(length) = length {
            let end = at + length + b"%{}".len();
            pieces.extend([Piece::Text(start, at), Piece::Macro(at, end)]);
            (start, at) = (end, end);
        } else {
            at += 1;
        }
    }
    pieces.push(Piece::Text(start, bytes.len()));
    pieces
}

/// The macro that stands from `from` to `to`, `None` when its variable is unknown.
fn macro_part(text: &Text, from: usize, to: usize) -> Option<MacroPart> {
    let inner = text.bytes().get(from + 2..to - 1)?;
    let mut parts = inner.splitn(2, |&byte| byte == b'.');
    let variable = Variable::from_name(parts.next()?)?;
    Some(MacroPart::Macro { variable, key: parts.next().map(<[u8]>::to_vec) })
}

fn warn(text: &Text, from: usize, to: usize, complaints: &mut Complaints) {
    let inner = text.slice(from + 2..to - 1).shown();
    let name = inner.split('.').next().unwrap_or_default();
    let mut report = text
        .slice(from..to)
        .warning(format!("there is no variable `{name}`: the macro stands for no text"));
    if name.contains(':') {
        report = report.help("in a macro a key stands behind a dot: `%{ARGS.name}`");
    } else if let Some(known) =
        suggest::nearest(name, Variable::ALL.iter().map(|variable| variable.name()))
    {
        report = report.help(format!("did you mean `{known}`?"));
    }
    complaints.push(report);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    fn text(text: &str) -> Text {
        let mut whole = Text::new(&Source::new("a.conf", text), 0);
        whole.push(text.as_bytes(), 0);
        whole
    }

    fn read(line: &str) -> (Vec<MacroPart>, usize) {
        let mut complaints = Complaints::default();
        let read = MacroText::read(&text(line), &mut complaints);
        (read.parts, complaints.count())
    }

    fn plain(text: &str) -> MacroPart {
        MacroPart::Text(text.into())
    }

    fn of(variable: Variable, key: Option<&str>) -> MacroPart {
        MacroPart::Macro { variable, key: key.map(Into::into) }
    }

    #[test]
    fn macros_and_text() {
        let parts =
            vec![plain("a "), of(Variable::Tx, Some("B.c")), of(Variable::MatchedVar, None)];
        assert_eq!(read("a %{tx.B.c}%{MATCHED_VAR}"), (parts, 0));
        assert_eq!(read(""), (vec![], 0));
        assert_eq!(read("100%{tx.a"), (vec![plain("100%{tx.a")], 0));
        assert_eq!(read("%%{}%{tx.0}"), (vec![plain("%%{}"), of(Variable::Tx, Some("0"))], 0));
    }

    #[test]
    fn unknown_variables_are_nothing_and_told() {
        assert_eq!(read("a%{matched_war}b"), (vec![plain("ab")], 1));
        assert_eq!(read("%{ARGS:x}"), (vec![], 1));
    }

    #[test]
    fn a_regex_may_hold_what_looks_like_a_macro() {
        let parts = MacroText::read_regex(&text("^%{2}a%{tx.p}$")).parts;
        assert_eq!(parts, [plain("^%{2}a"), of(Variable::Tx, Some("p")), plain("$")]);
    }
}
