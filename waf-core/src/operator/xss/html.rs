//! HTML to tokens: the states of the standard's tokenizer that libinjection has, by their names.
//!
//! It departs from the standard where old browsers did: NULs are white space, and passed over in
//! the names of tags; a backquote quotes a value; `<%` begins a comment. References are to
//! the HTML Standard, section 13.2.5.

use crate::operator::search;

/// What stands before the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Context {
    /// Text.
    Data,
    /// The blank behind an attribute's value without quotes.
    Unquoted,
    /// An attribute's value in this quote.
    Quoted(u8),
}

/// What the rules are asked about. Text and the ends of tags are of no consequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'v> {
    Text,
    TagOpen(&'v [u8]),
    TagClose,
    AttributeName(&'v [u8]),
    AttributeValue(&'v [u8]),
    Comment(&'v [u8]),
    Doctype,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Data,
    TagOpen,
    TagNameClose,
    SelfClosingStartTag,
    BeforeAttributeName,
    AfterAttributeName,
    BeforeAttributeValue,
    AttributeValueQuoted(u8),
    AfterAttributeValueQuoted,
    End,
}

/// The tokens of a value, one after the other.
pub(super) struct Html<'v> {
    value: &'v [u8],
    /// The byte that comes next.
    at: usize,
    state: State,
    /// Whether the tag is an end tag. A `/` sets it, only some ends of tags take it back.
    is_close: bool,
}

/// What of the names and values of attributes a byte ends.
const WHITE: u8 = 1;
const SLASH: u8 = 2;
const EQUALS: u8 = 4;
const GREATER: u8 = 8;

const ENDS: [u8; 256] = {
    let mut ends = [0; 256];
    let white = b" \t\n\x0b\x0c\r\0";
    let mut at = 0;
    while at < white.len() {
        ends[white[at] as usize] = WHITE;
        at += 1;
    }
    ends[b'/' as usize] = SLASH;
    ends[b'=' as usize] = EQUALS;
    ends[b'>' as usize] = GREATER;
    ends
};

fn is_white(byte: u8) -> bool {
    ENDS[usize::from(byte)] == WHITE
}

impl<'v> Html<'v> {
    pub(super) fn new(value: &'v [u8], context: Context) -> Self {
        let state = match context {
            Context::Data => State::Data,
            Context::Unquoted => State::BeforeAttributeName,
            Context::Quoted(quote) => State::AttributeValueQuoted(quote),
        };
        Self { value, at: 0, state, is_close: false }
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Option<Token<'v>> {
        search::count(1);
        match self.state {
            State::Data => self.data(),
            State::TagOpen => self.tag_open(),
            State::TagNameClose => Some(self.tag_name_close()),
            State::SelfClosingStartTag => self.self_closing_start_tag(),
            State::BeforeAttributeName => self.before_attribute_name(),
            State::AfterAttributeName => self.after_attribute_name(),
            State::BeforeAttributeValue => self.before_attribute_value(),
            State::AttributeValueQuoted(quote) => Some(self.attribute_value_quoted(0, quote)),
            State::AfterAttributeValueQuoted => self.after_attribute_value_quoted(),
            State::End => None,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.value.get(self.at).copied()
    }

    fn rest(&self) -> &'v [u8] {
        self.value.get(self.at..).unwrap_or_default()
    }

    /// The next `length` bytes; goes on `over` bytes behind them.
    fn take(&mut self, length: usize, over: usize, then: State) -> &'v [u8] {
        let taken = self.rest().get(..length).unwrap_or_default();
        self.at += length + over;
        self.state = then;
        taken
    }

    /// All that is left.
    fn take_rest(&mut self) -> &'v [u8] {
        self.take(self.rest().len(), 0, State::End)
    }

    /// The bytes before what `find` finds `length` bytes of, or else all.
    fn take_until(&mut self, end: Option<usize>, length: usize, then: State) -> &'v [u8] {
        match end {
            Some(end) => self.take(end, length, then),
            None => self.take_rest(),
        }
    }

    /// The byte behind white space. 0xff ends the value: it is libinjection's sign for the end.
    fn skip_white(&mut self) -> Option<u8> {
        self.at += search::span(self.rest(), is_white);
        self.peek().filter(|&byte| byte != 0xff)
    }

    /// 13.2.5.1
    fn data(&mut self) -> Option<Token<'v>> {
        let end = search::byte(self.rest(), b'<');
        let text = self.take_until(end, 1, State::TagOpen);
        match self.state {
            State::TagOpen if text.is_empty() => self.tag_open(),
            State::End if text.is_empty() => None,
            _ => Some(Token::Text),
        }
    }

    /// 13.2.5.6
    fn tag_open(&mut self) -> Option<Token<'v>> {
        match self.peek()? {
            b'!' => {
                self.at += 1;
                Some(self.markup_declaration_open())
            }
            b'/' => {
                self.at += 1;
                self.is_close = true;
                self.end_tag_open()
            }
            b'?' => {
                self.at += 1;
                Some(self.bogus_comment())
            }
            // Of Internet Explorer up to 9.
            b'%' => {
                self.at += 1;
                let end = search::text(self.rest(), b"%>");
                Some(Token::Comment(self.take_until(end, 2, State::Data)))
            }
            0 | b'a'..=b'z' | b'A'..=b'Z' => Some(self.tag_name()),
            _ => {
                self.state = State::Data;
                Some(Token::Text)
            }
        }
    }

    /// 13.2.5.7
    fn end_tag_open(&mut self) -> Option<Token<'v>> {
        match self.peek()? {
            b'>' => self.data(),
            b'a'..=b'z' | b'A'..=b'Z' => Some(self.tag_name()),
            _ => {
                self.is_close = false;
                Some(self.bogus_comment())
            }
        }
    }

    fn tag_name_close(&mut self) -> Token<'v> {
        self.is_close = false;
        self.take(1, 0, State::Data);
        Token::TagClose
    }

    /// 13.2.5.8
    fn tag_name(&mut self) -> Token<'v> {
        let ends = |byte: u8| byte != 0 && ENDS[usize::from(byte)] & !EQUALS != 0;
        let Some(length) = search::any(self.rest(), ends) else {
            return Token::TagOpen(self.take_rest());
        };
        match self.rest()[length] {
            b'>' if self.is_close => {
                self.is_close = false;
                self.take(length, 1, State::Data);
                Token::TagClose
            }
            b'>' => Token::TagOpen(self.take(length, 0, State::TagNameClose)),
            b'/' => Token::TagOpen(self.take(length, 1, State::SelfClosingStartTag)),
            _ => Token::TagOpen(self.take(length, 1, State::BeforeAttributeName)),
        }
    }

    /// 13.2.5.32
    fn before_attribute_name(&mut self) -> Option<Token<'v>> {
        loop {
            match self.skip_white()? {
                b'/' => {
                    self.at += 1;
                    if self.peek()? == b'>' {
                        return self.self_closing_start_tag();
                    }
                }
                b'>' => {
                    self.take(1, 0, State::Data);
                    return Some(Token::TagClose);
                }
                _ => return Some(self.attribute_name()),
            }
        }
    }

    /// 13.2.5.33. Its first byte is part of it, whatever it is.
    fn attribute_name(&mut self) -> Token<'v> {
        let ends = |byte: u8| ENDS[usize::from(byte)] != 0;
        let behind = self.rest().get(1..).unwrap_or_default();
        let Some(length) = search::any(behind, ends).map(|at| at + 1) else {
            return Token::AttributeName(self.take_rest());
        };
        Token::AttributeName(match self.rest()[length] {
            b'/' => self.take(length, 1, State::SelfClosingStartTag),
            b'=' => self.take(length, 1, State::BeforeAttributeValue),
            b'>' => self.take(length, 0, State::TagNameClose),
            _ => self.take(length, 1, State::AfterAttributeName),
        })
    }

    /// 13.2.5.34
    fn after_attribute_name(&mut self) -> Option<Token<'v>> {
        match self.skip_white()? {
            b'/' => {
                self.at += 1;
                self.self_closing_start_tag()
            }
            b'=' => {
                self.at += 1;
                self.before_attribute_value()
            }
            b'>' => Some(self.tag_name_close()),
            _ => Some(self.attribute_name()),
        }
    }

    /// 13.2.5.35
    fn before_attribute_value(&mut self) -> Option<Token<'v>> {
        Some(match self.skip_white()? {
            quote @ (b'"' | b'\'' | b'`') => self.attribute_value_quoted(1, quote),
            _ => self.attribute_value_unquoted(),
        })
    }

    /// 13.2.5.36 and 13.2.5.37, `skip` bytes ahead.
    fn attribute_value_quoted(&mut self, skip: usize, quote: u8) -> Token<'v> {
        self.at += skip;
        let end = search::byte(self.rest(), quote);
        Token::AttributeValue(self.take_until(end, 1, State::AfterAttributeValueQuoted))
    }

    /// 13.2.5.38
    fn attribute_value_unquoted(&mut self) -> Token<'v> {
        let ends = |byte: u8| ENDS[usize::from(byte)] & (WHITE | GREATER) != 0;
        let Some(length) = search::any(self.rest(), ends) else {
            return Token::AttributeValue(self.take_rest());
        };
        Token::AttributeValue(match self.rest()[length] {
            b'>' => self.take(length, 0, State::TagNameClose),
            _ => self.take(length, 1, State::BeforeAttributeName),
        })
    }

    /// 13.2.5.39
    fn after_attribute_value_quoted(&mut self) -> Option<Token<'v>> {
        match self.peek()? {
            b'/' => {
                self.at += 1;
                self.self_closing_start_tag()
            }
            _ => self.before_attribute_name(),
        }
    }

    /// 13.2.5.40
    fn self_closing_start_tag(&mut self) -> Option<Token<'v>> {
        match self.peek()? {
            b'>' => {
                self.take(1, 0, State::Data);
                Some(Token::TagClose)
            }
            _ => self.before_attribute_name(),
        }
    }

    /// 13.2.5.41
    fn bogus_comment(&mut self) -> Token<'v> {
        let end = search::byte(self.rest(), b'>');
        Token::Comment(self.take_until(end, 1, State::Data))
    }

    /// 13.2.5.42
    fn markup_declaration_open(&mut self) -> Token<'v> {
        let rest = self.rest();
        if rest.get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b"DOCTYPE")) {
            self.state = State::End;
            return Token::Doctype;
        }
        if rest.starts_with(b"[CDATA[") {
            self.at += 7;
            let end = search::text(self.rest(), b"]]>");
            self.take_until(end, 3, State::Data);
            return Token::Text;
        }
        if rest.starts_with(b"--") {
            self.at += 2;
            return self.comment();
        }
        self.bogus_comment()
    }

    /// 13.2.5.43 to 13.2.5.52: a comment ends at `-->` and `-!>`, NULs behind the first dash.
    fn comment(&mut self) -> Token<'v> {
        let rest = self.rest();
        let mut from = 0;
        while let Some(dash) = search::byte(&rest[from..], b'-').map(|at| from + at) {
            let behind = rest.get(dash + 1..).unwrap_or_default();
            let nuls = search::span(behind, |byte| byte == 0);
            if let [b'-' | b'!', b'>', ..] = behind[nuls..] {
                return Token::Comment(self.take(dash, nuls + 3, State::Data));
            }
            from = dash + 1;
        }
        Token::Comment(self.take_rest())
    }
}
