//! The words of shell commands, as far as pasted `curl` commands need them: quotes of all kinds,
//! escapes, lines that go on. Nothing is expanded: where the shell would, that is an error.

use std::iter::Peekable;
use std::str::Chars;

/// One command with the line it begins in.
pub(super) type Command = (usize, Vec<String>);

/// The commands of a text. Comments and empty lines are passed over.
pub(super) fn commands(text: &str) -> Result<Vec<Command>, (Option<usize>, String)> {
    let text = text.replace("\r\n", "\n");
    let mut lexer = Lexer { chars: text.chars().peekable(), line: 1 };
    let mut commands = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut begun = 1;
    loop {
        match lexer.word().map_err(|why| (Some(lexer.line), why))? {
            Token::Word(word) => {
                if words.is_empty() {
                    begun = lexer.line;
                }
                words.push(word);
            }
            token => {
                if !words.is_empty() {
                    commands.push((begun, std::mem::take(&mut words)));
                }
                if token == Token::End {
                    return Ok(commands);
                }
            }
        }
    }
}

#[derive(PartialEq)]
enum Token {
    Word(String),
    /// The end of a command.
    Break,
    /// The end of the text.
    End,
}

struct Lexer<'a> {
    chars: Peekable<Chars<'a>>,
    line: usize,
}

impl Lexer<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.chars.next();
        self.line += usize::from(next == Some('\n'));
        next
    }

    fn word(&mut self) -> Result<Token, String> {
        loop {
            match self.chars.peek() {
                None => return Ok(Token::End),
                Some(' ' | '\t') => {
                    self.next();
                }
                Some('#') => {
                    while self.chars.peek().is_some_and(|&c| c != '\n') {
                        self.next();
                    }
                }
                Some('\n' | ';' | '&' | '|') => {
                    self.next();
                    return Ok(Token::Break);
                }
                Some('\\') => {
                    // A line that goes on, or the first character of a word.
                    self.next();
                    let escaped = self.chars.peek().copied();
                    match escaped {
                        None => return Err("a backslash ends the text".to_owned()),
                        Some('\n') => {
                            self.next();
                        }
                        _ => return self.rest_of_word(escaped),
                    }
                }
                Some(_) => return self.rest_of_word(None),
            }
        }
    }

    /// A word up to what ends it; `escaped` is a first character that a backslash stands before.
    fn rest_of_word(&mut self, escaped: Option<char>) -> Result<Token, String> {
        let mut word = String::new();
        if escaped.is_some() {
            word.extend(self.next());
        }
        while let Some(&c) = self.chars.peek() {
            match c {
                ' ' | '\t' | '\n' | ';' | '&' | '|' => break,
                '\'' => self.single(&mut word)?,
                '"' => self.double(&mut word)?,
                '$' => {
                    self.next();
                    match self.chars.peek() {
                        Some('\'') => self.ansi(&mut word)?,
                        Some(c) if c.is_alphanumeric() || matches!(c, '(' | '{' | '_') => {
                            return Err("a variable or command is not expanded".to_owned());
                        }
                        _ => word.push('$'),
                    }
                }
                '`' => return Err("a command is not expanded".to_owned()),
                '\\' => {
                    self.next();
                    match self.next() {
                        Some('\n') => {}
                        Some(c) => word.push(c),
                        None => return Err("a backslash ends the text".to_owned()),
                    }
                }
                _ => word.extend(self.next()),
            }
        }
        Ok(Token::Word(word))
    }

    fn single(&mut self, word: &mut String) -> Result<(), String> {
        self.next();
        loop {
            match self.next() {
                Some('\'') => return Ok(()),
                Some(c) => word.push(c),
                None => return Err("a quote is not closed".to_owned()),
            }
        }
    }

    fn double(&mut self, word: &mut String) -> Result<(), String> {
        self.next();
        loop {
            match self.next() {
                Some('"') => return Ok(()),
                Some('\\') => match self.next() {
                    Some('\n') => {}
                    Some(c @ ('"' | '\\' | '$' | '`')) => word.push(c),
                    Some(c) => word.extend(['\\', c]),
                    None => return Err("a quote is not closed".to_owned()),
                },
                Some('`') => return Err("a command is not expanded".to_owned()),
                Some('$') if self.chars.peek().is_some_and(|c| matches!(c, '(' | '{')) => {
                    return Err("a variable or command is not expanded".to_owned());
                }
                Some(c) => word.push(c),
                None => return Err("a quote is not closed".to_owned()),
            }
        }
    }

    /// `$'…'`: escapes as in C, which browsers write where they copy a request.
    fn ansi(&mut self, word: &mut String) -> Result<(), String> {
        self.next();
        loop {
            match self.next() {
                Some('\'') => return Ok(()),
                Some('\\') => match self.next() {
                    Some('n') => word.push('\n'),
                    Some('r') => word.push('\r'),
                    Some('t') => word.push('\t'),
                    Some('x') => word.extend(self.number(2)),
                    Some('u') => word.extend(self.number(4)),
                    Some(c @ ('\'' | '"' | '\\' | '?')) => word.push(c),
                    Some(c) => word.extend(['\\', c]),
                    None => return Err("a quote is not closed".to_owned()),
                },
                Some(c) => word.push(c),
                None => return Err("a quote is not closed".to_owned()),
            }
        }
    }

    /// A character by at most so many hexadecimal digits.
    fn number(&mut self, digits: usize) -> Option<char> {
        let mut number = 0;
        for _ in 0..digits {
            let Some(digit) = self.chars.peek().and_then(|c| c.to_digit(16)) else { break };
            number = number * 16 + digit;
            self.next();
        }
        char::from_u32(number)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]
mod tests {
    use super::*;

    /// As `bash -c 'printf "<%s>" …'` prints them.
    fn shown(text: &str) -> String {
        let commands = commands(text).unwrap();
        let words = |(line, words): &Command| format!("{line}:<{}>", words.join("><"));
        commands.iter().map(words).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn words_are_quoted_as_in_a_shell() {
        assert_eq!(
            shown(r#"a 'b "c\' "d 'e\"\\\n$ f" g\ h i'j'"k""#),
            r#"1:<a><b "c\><d 'e"\\n$ f><g h><ijk>"#
        );
        assert_eq!(shown(r"$'a\'b\x41\u00e9\n\q' x$"), "1:<a'bAé\n\\q><x$>");
    }

    #[test]
    fn commands_end_with_their_lines() {
        assert_eq!(
            shown("# c\n\na b \\\n  c\nd; e && f | g # h"),
            "3:<a><b><c> 5:<d> 5:<e> 5:<f> 5:<g>"
        );
        assert_eq!(shown("a '\n' b\nc"), "1:<a><\n><b> 3:<c>");
        assert_eq!(shown("a \\\r\n b"), "1:<a><b>");
    }

    #[test]
    fn nothing_is_expanded() {
        for text in
            ["a $HOME", "a \"$(id)\"", "a `id`", "a \"`id`\"", "a ${x}", "a 'b", "a \"b", "a \\"]
        {
            assert!(commands(text).is_err(), "{text}");
        }
    }
}
