//! The templates of `data`: Go's `text/template` with the functions of sprig, as far as the suite
//! uses them: `{{ "1" | repeat 64200 }}`.
//!
//! Go's client sends an empty body where it does not understand a template. Here that is an error:
//! a test of an empty body tests nothing.

/// Bytes that a template may grow to: the largest in use makes 64 KB.
const EXPANDED: usize = 16 << 20;

/// The text with what stands between `{{` and `}}` carried out.
pub(super) fn expand(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, action)) = rest.split_once("{{") {
        let (action, after) = action.split_once("}}").ok_or("`{{` without `}}`")?;
        // `{{- ` and ` -}}` take the blanks beside them away.
        let (before, action) = match action.strip_prefix("- ") {
            Some(action) => (before.trim_end(), action),
            None => (before, action),
        };
        let (after, action) = match action.strip_suffix(" -") {
            Some(action) => (after.trim_start(), action),
            None => (after, action),
        };
        out.push_str(before);
        out.push_str(&pipeline(action)?.text());
        if out.len() > EXPANDED {
            return Err(format!("it makes more than {EXPANDED} bytes"));
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Text(String),
    Number(i64),
}

impl Value {
    fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
        }
    }
}

enum Word {
    Literal(Value),
    Name(String),
    Pipe,
}

/// Commands joined by `|`; what one gives is the last argument of the next.
fn pipeline(text: &str) -> Result<Value, String> {
    let mut piped = None;
    let words = words(text)?;
    for command in words.split(|word| matches!(word, Word::Pipe)) {
        piped = Some(run(command, piped).map_err(|why| format!("`{{{{{text}}}}}`: {why}"))?);
    }
    piped.ok_or_else(|| format!("`{{{{{text}}}}}`: nothing to do"))
}

fn run(command: &[Word], piped: Option<Value>) -> Result<Value, String> {
    match command {
        [Word::Literal(value)] if piped.is_none() => Ok(value.clone()),
        [Word::Name(name), arguments @ ..] => {
            let literal = |word: &Word| match word {
                Word::Literal(value) => Ok(value.clone()),
                _ => Err(format!("the arguments of `{name}` are texts and numbers")),
            };
            let mut values = arguments.iter().map(literal).collect::<Result<Vec<_>, _>>()?;
            values.extend(piped);
            call(name, values)
        }
        _ => Err("a text, a number or a function is expected".to_owned()),
    }
}

/// The one function in use.
fn call(name: &str, arguments: Vec<Value>) -> Result<Value, String> {
    match (name, <[Value; 2]>::try_from(arguments)) {
        ("repeat", Ok([Value::Number(count), text])) => {
            let (text, count) = (text.text(), usize::try_from(count).unwrap_or(0));
            if text.len().saturating_mul(count) > EXPANDED {
                return Err(format!("it makes more than {EXPANDED} bytes"));
            }
            Ok(Value::Text(text.repeat(count)))
        }
        ("repeat", _) => Err("`repeat` takes a number and a text".to_owned()),
        _ => Err(format!("the function `{name}` is not known, only `repeat` is")),
    }
}

fn words(text: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, after) = match first {
            '|' => (Word::Pipe, &rest[1..]),
            '"' => quoted(&rest[1..])?,
            '`' => {
                let (raw, after) = rest[1..].split_once('`').ok_or("a quote is not closed")?;
                (Word::Literal(Value::Text(raw.to_owned())), after)
            }
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || c == '|').unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                let word = match word.parse() {
                    Ok(number) => Word::Literal(Value::Number(number)),
                    Err(_) => Word::Name(word.to_owned()),
                };
                (word, after)
            }
        };
        words.push(word);
        rest = after.trim_start();
    }
    Ok(words)
}

/// A text in double quotes, from behind the first on.
fn quoted(text: &str) -> Result<(Word, &str), String> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((Word::Literal(Value::Text(value)), &text[at + 1..])),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 'r')) => value.push('\r'),
                Some((_, 't')) => value.push('\t'),
                Some((_, c @ ('"' | '\\'))) => value.push(c),
                _ => return Err("an escape that is not known".to_owned()),
            },
            c => value.push(c),
        }
    }
    Err("a quote is not closed".to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]
mod tests {
    use super::*;

    #[test]
    fn text_without_a_template_stays() {
        for text in ["", "a=b", "{a}", "}} {", "a\r\n{%"] {
            assert_eq!(expand(text).unwrap(), text);
        }
    }

    #[test]
    fn repeat_takes_its_text_last_or_piped() {
        assert_eq!(expand(r#"a{{ "1" | repeat 3 }}b"#).unwrap(), "a111b");
        assert_eq!(expand(r#"{{repeat 2 "ab"}}{{ `\` }}"#).unwrap(), r"abab\");
        assert_eq!(expand(r#"{{ "a\"\n" | repeat 2 | repeat 2 }}"#).unwrap(), "a\"\n".repeat(4));
        assert_eq!(expand(r#"{{ "1" | repeat 64200 }}"#).unwrap().len(), 64_200);
        assert_eq!(expand(r#"{{ repeat 2 7 }}"#).unwrap(), "77");
    }

    #[test]
    fn dashes_trim_the_blanks_beside() {
        assert_eq!(expand("a \n{{- \"x\" -}}\n b").unwrap(), "axb");
        assert_eq!(expand("a {{ \"x\" }} b").unwrap(), "a x b");
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let refused = |text: &str, why: &str| {
            let told = expand(text).unwrap_err();
            assert!(told.contains(why), "{text}: {told}");
        };
        refused("{{constructor.constructor('alert(1)')()}}", "is not known");
        refused("{{ 7*7 }}", "is not known");
        refused("{{ upper \"a\" }}", "`upper`");
        refused("{{ repeat \"a\" }}", "a number and a text");
        refused("{{ \"a }}", "not closed");
        refused("{{ \"1\" | }}", "is expected");
        refused("{{", "without `}}`");
        refused("{{ \"1\" | repeat 99999999999 }}", "more than");
    }
}
