//! Text with macros.

use super::super::action::ActionKind;
use super::super::macro_text::{MacroPart, MacroText};
use super::super::statement::Link;
use super::super::variable::Variable;
use super::rule::message;
use super::target::variable;
use crate::rule::{Text, TextPart};

/// What `%{rule.…}` stands for: known while the file is read.
pub(super) struct About {
    parts: Vec<(&'static str, String)>,
}

impl About {
    pub(super) fn of(head: &Link) -> Self {
        let mut parts = Vec::new();
        parts.extend(head.id().map(|id| ("id", id.to_string())));
        parts.extend(message(&head.actions).map(|message| ("msg", message.shown())));
        for action in &head.actions {
            match &action.kind {
                ActionKind::Severity(severity) => parts.push(("severity", severity.to_string())),
                ActionKind::Revision(revision) => parts.push(("rev", revision.clone())),
                ActionKind::Version(version) => parts.push(("ver", version.clone())),
                _ => {}
            }
        }
        Self { parts }
    }

    fn part(&self, key: &[u8]) -> Option<&str> {
        let is_it = |(name, _): &&(&str, String)| name.as_bytes().eq_ignore_ascii_case(key);
        self.parts.iter().rev().find(is_it).map(|(_, text)| text.as_str())
    }
}

/// Lowers a text.
pub(super) fn text(written: &MacroText, about: &About) -> Text {
    Text(written.parts.iter().map(|part| self::part(part, about)).collect())
}

fn part(part: &MacroPart, about: &About) -> TextPart {
    let (variable, key) = match part {
        MacroPart::Text(bytes) => return TextPart::Literal(bytes.as_slice().into()),
        MacroPart::Macro { variable, key } => (*variable, key.as_deref()),
    };
    if variable == Variable::Rule
        && let Some(text) = key.and_then(|key| about.part(key))
    {
        return TextPart::Literal(text.as_bytes().into());
    }
    match self::variable(variable) {
        Some(known) => {
            let key = key.map(|key| String::from_utf8_lossy(key).into_owned());
            TextPart::Macro(known, key)
        }
        None => TextPart::Unknown(variable.name().to_owned()),
    }
}
