//! `match:`: operators joined by `all`, `any` and `not`.

use serde_json::{Map, Value};

use super::checker::{Checker, kind};
use super::operator::{self, operator};
use super::rule::RuleContext;
use super::target::{check_looked_at, targets_of_rule};
use crate::limits;
use crate::rule::{Condition, Expression, Target, Transformation};
use crate::suggest;

/// What a condition has that says nothing of its own.
pub(super) struct Inherited {
    /// The rule's targets.
    pub(super) targets: Vec<Target>,
    /// The rule's transformations.
    pub(super) transformations: Vec<Transformation>,
}

/// A rule's `match:`.
pub(super) struct Match {
    /// What must hold.
    pub(super) expression: Expression,
    /// All of it for one value.
    pub(super) same_value: bool,
}

/// The words of `match:` that are no operators.
const WORDS: [&str; 6] = ["all", "any", "not", "targets", "transform", "same_value"];

/// Reads the mapping at the path `match`.
pub(super) fn expression(
    checker: &mut Checker<'_>,
    value: &Value,
    inherited: &Inherited,
    context: &RuleContext<'_>,
) -> Option<Match> {
    let mut reader = Reader { checker, inherited, context };
    let same_value = reader.same_value(value);
    let expression = reader.expression(value, "match", 0)?;
    reader.check_nots(&expression, "match", false);
    Some(Match { expression, same_value })
}

/// Reads a list of transformations at `path`.
pub(super) fn transformations(
    checker: &mut Checker<'_>,
    names: &[String],
    path: &str,
) -> Vec<Transformation> {
    let mut read = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        match Transformation::from_name(name) {
            Some(transformation) => read.push(transformation),
            None => {
                let known = Transformation::ALL.iter().map(|known| known.name());
                checker.unknown(&format!("{path}[{index}]"), "transformation", name, known);
            }
        }
    }
    read
}

struct Reader<'c, 'l, 'a> {
    checker: &'c mut Checker<'l>,
    inherited: &'a Inherited,
    context: &'a RuleContext<'a>,
}

impl Reader<'_, '_, '_> {
    /// `depth` counts the `all`, `any` and `not` around.
    fn expression(&mut self, value: &Value, path: &str, depth: usize) -> Option<Expression> {
        let Value::Object(map) = value else {
            let message = format!("a condition is a mapping, this is {}", kind(value));
            self.checker.wrong(path, message).help("as in `{rx: '…'}` or `{all: [{…}, {…}]}`");
            return None;
        };
        let name = self.the_word(map, path)?;
        let argument = map.get(name)?;
        let path = format!("{path}.{name}");
        if !matches!(name, "all" | "any" | "not") {
            return self.condition(map, name, &path);
        }
        if depth >= limits::MATCH_DEPTH {
            let message = format!("nested deeper than {} levels", limits::MATCH_DEPTH);
            self.checker.wrong_key(&path, message);
            return None;
        }
        self.refuse_beside(map, &path);
        match name {
            "all" => self.parts(argument, &path, depth + 1).map(Expression::All),
            "any" => self.parts(argument, &path, depth + 1).map(Expression::Any),
            _ => Some(Expression::Not(Box::new(self.expression(argument, &path, depth + 1)?))),
        }
    }

    /// The one operator, `all`, `any` or `not` of a mapping.
    fn the_word<'m>(&mut self, map: &'m Map<String, Value>, path: &str) -> Option<&'m str> {
        let mut found: Option<&str> = None;
        for key in map.keys().map(String::as_str) {
            let here = format!("{path}.{key}");
            let known = operator::NAMES.contains(&key) || matches!(key, "all" | "any" | "not");
            if known {
                if let Some(first) = found.replace(key) {
                    let message = format!("`{first}` and `{key}` stand in one condition");
                    self.checker
                        .wrong_key(&here, message)
                        .help("write `all: [{…}, {…}]` when both must hold");
                    return None;
                }
            } else if !WORDS.contains(&key) {
                let names = operator::NAMES.iter().chain(&WORDS).copied();
                let help = suggest::help(key, names);
                let message = format!("unknown operator `{key}`");
                self.checker.wrong_key(&here, message).maybe_help(help);
                return None;
            }
        }
        if found.is_none() {
            self.checker.wrong(path, "this condition has no operator");
        }
        found
    }

    fn condition(
        &mut self,
        map: &Map<String, Value>,
        name: &str,
        path: &str,
    ) -> Option<Expression> {
        let around = path.strip_suffix(name)?;
        if map.contains_key("same_value") && around != "match." {
            let path = format!("{around}same_value");
            self.checker.wrong_key(&path, "`same_value` belongs to the `all` of `match`");
        }
        let own_targets = match map.get("targets") {
            Some(list) => {
                let path = format!("{around}targets");
                let texts = self.texts(list, &path)?;
                let targets = targets_of_rule(self.checker, &texts, &path, self.context.regex);
                check_looked_at(self.checker, &targets, &path);
                Some(targets)
            }
            None => None,
        };
        let own_transformations = match map.get("transform") {
            Some(list) => {
                let path = format!("{around}transform");
                let texts = self.texts(list, &path)?;
                Some(transformations(self.checker, &texts, &path))
            }
            None => None,
        };
        let operator = operator(self.checker, name, map.get(name)?, path, self.context)?;
        Some(Expression::Condition(Condition {
            targets: own_targets.unwrap_or_else(|| self.inherited.targets.clone()),
            transformations: own_transformations
                .unwrap_or_else(|| self.inherited.transformations.clone()),
            operator,
            span: self.checker.span(path),
        }))
    }

    fn parts(&mut self, value: &Value, path: &str, depth: usize) -> Option<Vec<Expression>> {
        let Value::Array(values) = value else {
            let message = format!("a list of conditions is expected here, this is {}", kind(value));
            self.checker.wrong(path, message);
            return None;
        };
        if values.is_empty() {
            self.checker.wrong(path, "this list has no condition");
            return None;
        }
        let mut parts = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            parts.extend(self.expression(value, &format!("{path}[{index}]"), depth));
        }
        (parts.len() == values.len()).then_some(parts)
    }

    fn same_value(&mut self, value: &Value) -> bool {
        match value.get("same_value") {
            None => return false,
            Some(Value::Bool(true)) if value.get("all").is_none() => {
                self.checker
                    .wrong_key("match.same_value", "`same_value` belongs to `all`")
                    .help("it asks that every condition of `all` holds for the same value");
            }
            Some(Value::Bool(same)) => return *same,
            Some(other) => {
                let message = format!("`same_value` is true or false, this is {}", kind(other));
                self.checker.wrong("match.same_value", message);
            }
        }
        false
    }

    /// Beside `all`, `any` and `not` nothing else stands, but `same_value` at the top.
    fn refuse_beside(&mut self, map: &Map<String, Value>, path: &str) {
        let (around, word) = path.rsplit_once('.').unwrap_or(("", path));
        for key in ["targets", "transform", "same_value"] {
            if map.contains_key(key) && !(key == "same_value" && around == "match") {
                self.checker
                    .wrong_key(&format!("{around}.{key}"), format!("`{key}` beside `{word}`"))
                    .help("put it into each condition, or use the rule's own");
            }
        }
    }

    /// A `not` says only what must be absent: something beside it must say what is looked for.
    /// `anchored` tells whether something does.
    fn check_nots(&mut self, expression: &Expression, path: &str, anchored: bool) {
        match expression {
            Expression::Condition(_) => {}
            Expression::All(parts) => {
                let anchored = parts.iter().any(|part| !matches!(part, Expression::Not(_)));
                for (index, part) in parts.iter().enumerate() {
                    self.check_nots(part, &format!("{path}.all[{index}]"), anchored);
                }
            }
            Expression::Any(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    self.check_nots(part, &format!("{path}.any[{index}]"), false);
                }
            }
            Expression::Not(part) => {
                let path = format!("{path}.not");
                if !anchored {
                    let message = "`not` needs a condition beside it that must hold, in one `all`";
                    let help = "as in `all: [{rx: '…'}, {not: {contains: '…'}}]`";
                    self.checker.wrong_key(&path, message).help(help);
                }
                self.check_nots(part, &path, false);
            }
        }
    }

    fn texts(&mut self, value: &Value, path: &str) -> Option<Vec<String>> {
        let Value::Array(values) = value else {
            self.checker.wrong(path, format!("a list is expected here, this is {}", kind(value)));
            return None;
        };
        let mut texts = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            match value.as_str() {
                Some(text) => texts.push(text.to_owned()),
                None => {
                    let message = format!("text is expected here, this is {}", kind(value));
                    self.checker.wrong(&format!("{path}[{index}]"), message);
                }
            }
        }
        (texts.len() == values.len()).then_some(texts)
    }
}
