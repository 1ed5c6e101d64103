//! What goes to standard output.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use waf_core::record::printable;

/// Text for people, JSON for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
}

/// Prints a text. A reader that has gone away, such as `head`, is no error.
pub(super) fn print(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Prints one line of JSON.
pub(super) fn print_json(value: &impl Serialize) {
    let mut text = serde_json::to_string(value).unwrap_or_default();
    text.push('\n');
    print(&text);
}

/// How text stands out on a terminal.
#[derive(Clone, Copy, Debug)]
pub(super) enum Style {
    Bold,
    Red,
    Green,
}

/// The text in a style, where standard output is a terminal and `NO_COLOR` is not set
/// (<https://no-color.org>).
pub(super) fn styled(text: &str, style: Style) -> Cow<'_, str> {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if no_colour || !io::stdout().is_terminal() {
        return Cow::Borrowed(text);
    }
    let code = match style {
        Style::Bold => 1,
        Style::Red => 31,
        Style::Green => 32,
    };
    Cow::Owned(format!("\x1b[{code}m{text}\x1b[0m"))
}

/// Text of a record, safe on a terminal even where somebody else wrote the file it was read from.
pub(super) fn safe(text: &str) -> Cow<'_, str> {
    let shown = printable(text.as_bytes(), usize::MAX);
    // A record's text is spelled already: spelling it again doubles its backslashes, no more.
    if shown.replace("\\\\", "\\") == text { Cow::Borrowed(text) } else { Cow::Owned(shown) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelled_text_stays_and_controls_are_spelled() {
        assert_eq!(safe(r"a\x1B[31m \\ größe"), r"a\x1B[31m \\ größe");
        assert_eq!(safe("a\x1b[31m"), r"a\x1B[31m");
        assert_eq!(safe("line\nline"), r"line\x0Aline");
    }
}
