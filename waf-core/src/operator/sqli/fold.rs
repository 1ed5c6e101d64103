//! Tokens to a row of at most five: what says the same in SQL is folded to one.
//!
//! `1 + 2 * x` is a number, `a.b.c` a name, `UNION` and `ALL` one phrase. The rules and their order
//! are libinjection's (`libinjection_sqli_fold`), with all they do by accident: after most folds the
//! row is looked at again from its beginning, but what is dropped is dropped from its end.

use super::fingerprints::LENGTH;
use super::token::{Kind, Token};
use super::tokenizer::Tokenizer;

/// Room for the tokens of a row: a sixth shows what the fifth is; eight make indices easy to check.
pub(super) const ROOM: usize = 8;

/// Reads as many tokens of a value as a row takes, and returns how many it has, folded.
pub(super) fn fold<'v>(tokenizer: &mut Tokenizer<'v>, tokens: &mut [Token<'v>; ROOM]) -> usize {
    let mut fold = Fold { tokenizer, tokens, length: 0, left: 0, more: true, comment: None };
    fold.run().min(LENGTH)
}

struct Fold<'t, 'v> {
    tokenizer: &'t mut Tokenizer<'v>,
    tokens: &'t mut [Token<'v>; ROOM],
    /// Tokens in the row. `left <= length <= 6`.
    length: usize,
    /// Tokens at the beginning of the row that nothing folds with any more.
    left: usize,
    /// Whether the value may have more tokens.
    more: bool,
    /// The comment that was read last, if no other token has been since.
    comment: Option<Token<'v>>,
}

/// What became of the tokens from `left` on.
enum Folded {
    /// They were folded: look again.
    Again,
    /// No rule is about them.
    Kept,
    /// There are too few.
    Short,
    /// They are evil, and so is the value.
    Evil,
}

impl<'v> Fold<'_, 'v> {
    /// The length of the row. Every round folds a token away, gives one its last kind, or settles
    /// one; so there are a few for each token of the value.
    fn run(&mut self) -> usize {
        if !self.skip_beginning() {
            return 0;
        }
        loop {
            self.fold_five();
            if !self.more || self.left >= LENGTH {
                return self.end();
            }
            let folded = if self.fetch(2) { self.fold_two() } else { Folded::Short };
            match folded {
                Folded::Again => {}
                Folded::Kept if self.fetch(3) => {
                    if !self.fold_three() {
                        self.left += 1;
                    }
                }
                Folded::Kept | Folded::Short => self.left = self.length,
                Folded::Evil => {
                    self.tokens[0].kind = Kind::Evil;
                    return 1;
                }
            }
        }
    }

    /// The length, with the comment behind the last token, if there is room.
    fn end(&mut self) -> usize {
        if self.length < LENGTH
            && let Some(comment) = self.comment
        {
            self.tokens[self.length] = comment;
            return self.length + 1;
        }
        self.length
    }

    /// Passes over comments, parentheses, types and signs; whether there is something behind them.
    fn skip_beginning(&mut self) -> bool {
        while let Some(token) = self.tokenizer.next() {
            let is_skipped =
                matches!(token.kind, Kind::Comment | Kind::LeftParenthesis | Kind::SqlType)
                    || token.is_unary();
            if !is_skipped {
                self.tokens[0] = token;
                self.length = 1;
                return true;
            }
        }
        false
    }

    /// Reads until `wanted` tokens follow what is settled; whether there are as many.
    fn fetch(&mut self, wanted: usize) -> bool {
        while self.length < self.left + wanted {
            if !self.more || self.length > LENGTH {
                return false;
            }
            match self.tokenizer.next() {
                None => self.more = false,
                Some(token) if token.kind == Kind::Comment => self.comment = Some(token),
                Some(token) => {
                    self.comment = None;
                    self.tokens[self.length] = token;
                    self.length += 1;
                }
            }
        }
        true
    }

    /// The token `ahead` of what is settled.
    fn token(&mut self, ahead: usize) -> &mut Token<'v> {
        &mut self.tokens[(self.left + ahead) % ROOM]
    }

    fn kind(&self, ahead: usize) -> Kind {
        self.tokens[(self.left + ahead) % ROOM].kind
    }

    /// Drops tokens from the row's end, and looks again from its beginning.
    fn drop_last(&mut self, count: usize) -> Folded {
        self.length -= count;
        self.left = 0;
        Folded::Again
    }

    /// Drops the last token, and looks again from one before what was looked at.
    fn drop_and_step_back(&mut self) -> Folded {
        self.length -= 1;
        self.left = self.left.saturating_sub(1);
        Folded::Again
    }

    /// Rows of five that are one number or name: `1,(1)`, `n o(n)`, `1),(1`, `n)o(n`.
    fn fold_five(&mut self) {
        use Kind::{Bareword, Comma, LeftParenthesis, Number, Operator, RightParenthesis};
        if self.length < LENGTH || !matches!(self.tokens[0].kind, Number | Bareword) {
            return;
        }
        let is_one = matches!(
            [0, 1, 2, 3, 4].map(|at| self.tokens[at].kind),
            [Number, Operator | Comma, LeftParenthesis, Number, RightParenthesis]
                | [Bareword, Operator, LeftParenthesis, Bareword | Number, RightParenthesis]
                | [Number, RightParenthesis, Comma, LeftParenthesis, Number]
                | [Bareword, RightParenthesis, Operator, LeftParenthesis, Bareword]
        );
        if is_one && self.length > LENGTH {
            self.tokens[1] = self.tokens[LENGTH];
            (self.length, self.left) = (2, 0);
        } else if is_one {
            (self.length, self.left) = (1, 0);
        }
    }

    fn fold_two(&mut self) -> Folded {
        use Kind::{
            Backslash, Bareword, Collate, Function, LeftBrace, LeftParenthesis, Logic, Operator,
            RightBrace, RightParenthesis, Semicolon, SqlType, String, Variable,
        };
        match (self.kind(0), self.kind(1)) {
            (String, String) | (Semicolon, Semicolon) => {
                self.length -= 1;
                Folded::Again
            }
            // Transact-SQL's statement `IF`.
            (Semicolon, Function) if self.token(1).begins_with("IF") => {
                self.token(1).kind = Kind::Tsql;
                Folded::Again
            }
            (Operator | Logic, SqlType) => self.drop_last(1),
            (Operator | Logic, Operator) if self.token(1).is_unary() => self.drop_last(1),
            (LeftParenthesis, Operator) if self.token(1).is_unary() => self.drop_and_step_back(),
            (LeftParenthesis, LeftParenthesis) | (RightParenthesis, RightParenthesis) => {
                self.drop_last(1)
            }
            (Bareword | Variable, LeftParenthesis) if is_function_too(self.token(0)) => {
                self.token(0).kind = Function;
                Folded::Again
            }
            (Backslash, _) => self.fold_backslash(),
            (Collate, Bareword) => self.name_collation(),
            // MySQL takes {``.``.id} for a name.
            (LeftBrace, Bareword) if self.token(1).text.is_empty() => Folded::Evil,
            // ODBC's `{name expression}`.
            (LeftBrace, Bareword) => self.drop_last(2),
            (first, second) if is_phrase_word(first) => self.fold_words(first, second),
            (_, RightBrace) => self.drop_last(1),
            _ => Folded::Kept,
        }
    }

    /// Transact-SQL reads `\%1` as `0 % 1`, and `\1` as `1`.
    fn fold_backslash(&mut self) -> Folded {
        let following = *self.token(1);
        if following.is_arithmetic() {
            self.token(0).kind = Kind::Number;
            return self.drop_last(0);
        }
        *self.token(0) = following;
        self.drop_last(1)
    }

    /// There are too many collations for a table; they have a `_`.
    fn name_collation(&mut self) -> Folded {
        let name = self.token(1);
        let text = name.text.split(|&byte| byte == 0).next().unwrap_or_default();
        if text.contains(&b'_') {
            name.kind = Kind::SqlType;
            self.left = 0;
        }
        Folded::Kept
    }

    fn fold_words(&mut self, first: Kind, second: Kind) -> Folded {
        use Kind::{
            Bareword, Function, Keyword, LeftParenthesis, Number, Operator, RightBrace, SqlType,
            String, Variable,
        };
        if self.token(0).begins_phrase && self.merge(second) {
            return self.drop_and_step_back();
        }
        match (first, second) {
            (Keyword, _) if self.token(0).is("IN") || self.token(0).is("NOT IN") => {
                let is_list = second == LeftParenthesis;
                self.token(0).kind = if is_list { Operator } else { Bareword };
                Folded::Again
            }
            (Operator, LeftParenthesis) if is_like(self.token(0)) => {
                self.token(0).kind = Function;
                Folded::Kept
            }
            (Operator, RightBrace) if is_like(self.token(0)) => Folded::Kept,
            (
                SqlType,
                Bareword | Number | SqlType | LeftParenthesis | Function | Variable | String,
            ) => {
                *self.token(0) = *self.token(1);
                self.drop_last(1)
            }
            (_, RightBrace) => self.drop_last(1),
            _ => Folded::Kept,
        }
    }

    /// Makes two words one where they are a phrase.
    fn merge(&mut self, second: Kind) -> bool {
        if !is_phrase_word(second) && second != Kind::Logic {
            return false;
        }
        let (first, second) = (self.token(0).text, self.token(1).text);
        let Some(phrase) = self.tokenizer.keywords.find_phrase(first, second) else { return false };
        let Some(kind) = phrase.kind else { return false };
        let (text, begins_phrase) = (phrase.text.as_bytes(), phrase.begins_phrase);
        *self.token(0) = Token { kind, text, begins_phrase, ..*self.token(0) };
        true
    }

    /// Whether three tokens were folded.
    fn fold_three(&mut self) -> bool {
        use Kind::{Bareword, Dot, Function, LeftParenthesis, Operator, RightParenthesis};
        let kinds = (self.kind(0), self.kind(1), self.kind(2));
        if is_one_value(kinds) || (is_cast(kinds) && self.token(1).text == b"::") {
            self.drop_last(2);
            return true;
        }
        match kinds {
            (_, Operator, _) if self.token(1).is_unary() => self.drop_middle(kinds),
            (_, Dot, _) => self.drop_middle(kinds),
            // `USER()` is a function, `USER(name)` is not.
            (Function, LeftParenthesis, third) if third != RightParenthesis => {
                if self.token(0).is("USER") {
                    self.token(0).kind = Bareword;
                }
                false
            }
            _ => false,
        }
    }

    /// A sign, or a dot behind `SELECT`, says nothing.
    fn drop_middle(&mut self, kinds: (Kind, Kind, Kind)) -> bool {
        use Kind::{
            Bareword, Comma, Dot, Expression, Function, Group, Keyword, LeftParenthesis, Number,
            Operator, String, Variable,
        };
        let dropped = match kinds {
            (Expression | Group | Comma, Operator, LeftParenthesis)
            | (Comma, Operator, Function)
            | (Expression, Dot, Bareword)
            | (
                Keyword | Expression | Group,
                Operator,
                Number | Bareword | Variable | String | Function,
            ) => 1,
            // `1, -1` is to fold with what stands before the comma.
            (Comma, Operator, Number | Bareword | Variable | String) => 3,
            _ => return false,
        };
        *self.token(1) = *self.token(2);
        self.drop_last(dropped);
        true
    }
}

fn is_like(token: &Token<'_>) -> bool {
    token.is("LIKE") || token.is("NOT LIKE")
}

fn is_phrase_word(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Keyword
            | Kind::Bareword
            | Kind::Operator
            | Kind::Union
            | Kind::Function
            | Kind::Expression
            | Kind::Tsql
            | Kind::SqlType
    )
}

/// Names that are functions before a parenthesis.
fn is_function_too(token: &Token<'_>) -> bool {
    const NAMES: [&str; 11] = [
        "USER_ID",
        "USER_NAME",
        "DATABASE",
        "PASSWORD",
        "USER",
        "CURRENT_USER",
        "CURRENT_DATE",
        "CURRENT_TIME",
        "CURRENT_TIMESTAMP",
        "LOCALTIME",
        "LOCALTIMESTAMP",
    ];
    NAMES.iter().any(|name| token.is(name))
}

/// Whether three tokens are a value like the first alone: `1+1`, `a.b`, `1,2`, `AND 1 OR`.
fn is_one_value(kinds: (Kind, Kind, Kind)) -> bool {
    use Kind::{Bareword, Comma, Dot, LeftParenthesis, Logic, Number, Operator, String, Variable};
    match kinds {
        (Number | Bareword, Operator, Number | Bareword)
        | (Variable, Operator, Variable | Number | Bareword)
        | (Logic, _, Logic)
        | (Bareword, Dot, Bareword)
        | (Bareword | Number | String | Variable, Comma, Number | Bareword | String | Variable) => {
            true
        }
        (Operator, middle, Operator) => middle != LeftParenthesis,
        _ => false,
    }
}

/// Whether three tokens are a cast, `x::int`, if the second is `::`.
fn is_cast(kinds: (Kind, Kind, Kind)) -> bool {
    use Kind::{Bareword, Number, Operator, SqlType, String, Variable};
    matches!(kinds, (Bareword | Number | Variable | String, Operator, SqlType))
}
