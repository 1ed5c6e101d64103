//! A benign example proves something only when it comes close: each holds a literal of its rule's
//! patterns or the name of a field it looks at, or the first letters of one.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected should stop"
)]

mod common;

use regex_syntax::ast::parse::ParserBuilder;
use regex_syntax::ast::{Ast, ClassSet, ClassSetItem, Concat};
use serde_json::Value;
use waf_core::rule::{Example, Operator, Rule, Selector, TargetKind, Transformation};

/// How many characters of a literal an example has to hold, or all of a shorter one.
const PREFIX: usize = 3;
/// Single characters that are a literal by themselves: the marks of languages and addresses. Letters,
/// digits and the marks of sentences are in every text.
const MARKS: &str = "'\"`<>{}[]$&|;#%@=\\/*^~+-";

#[test]
fn benign_examples_come_close() {
    let rules = common::builtin_rules();
    let far: Vec<String> = rules.iter().flat_map(far_examples).collect();
    assert!(far.is_empty(), "{}:\n{}", far.len(), far.join("\n"));
}

#[test]
fn literals_are_those_of_every_branch() {
    let found = |pattern: &str| {
        let mut found = Vec::new();
        collect(&parse(pattern), &mut found);
        found
    };
    assert_eq!(
        found(r"union\s+(?:all |distinct )?select"),
        ["union", "all ", "distinct ", "select"]
    );
    assert_eq!(found(r"^/\.(?:env|git(?:hub)?)$|x{2}y"), ["/.", "env", "git", "hub", "x", "y"]);
    assert_eq!(found(r"['x]=[^y]"), ["'", "x", "="]);
}

/// The examples of a rule that hold no beginning of a literal. A rule without literals, such as one
/// that asks libinjection or counts fields, has none that could.
fn far_examples(rule: &Rule) -> Vec<String> {
    let literals = literals(rule);
    let close = |example: &&Example| {
        let texts = texts(example);
        literals.iter().any(|literal| texts.iter().any(|text| text.contains(literal)))
    };
    let far = rule.benign.iter().filter(|_| !literals.is_empty()).filter(|one| !close(one));
    far.map(|one| format!("{}:{}: {}", rule.id, one.span.line(), one.value)).collect()
}

/// The first letters of every literal of a rule's conditions, in lower case. What libinjection, check
/// digits or base64 tell has none.
fn literals(rule: &Rule) -> Vec<String> {
    let mut found = Vec::new();
    for condition in rule.expression.conditions() {
        if condition.transformations.contains(&Transformation::Base64Decode) {
            return Vec::new();
        }
        match &condition.operator {
            Operator::Rx(pattern) => collect(&parse(pattern), &mut found),
            Operator::Pm(phrases) => found.extend(phrases.iter().cloned()),
            Operator::Contains(text)
            | Operator::BeginsWith(text)
            | Operator::EndsWith(text)
            | Operator::Streq(text)
            | Operator::Within(text) => found.push(text.clone()),
            Operator::DetectSqli | Operator::DetectXss | Operator::Luhn | Operator::Iban => {
                return Vec::new();
            }
            _ => {}
        }
    }
    if !found.is_empty() {
        names(rule, &mut found);
    }
    let is_mark = |literal: &str| literal.chars().all(|c| c.is_control() || MARKS.contains(c));
    found.retain(|literal| literal.chars().count() > 1 || is_mark(literal));
    found.iter().map(|literal| literal.to_lowercase().chars().take(PREFIX).collect()).collect()
}

/// The names of the fields that a rule looks at.
fn names(rule: &Rule, found: &mut Vec<String>) {
    let targets = rule.expression.conditions().into_iter().flat_map(|one| &one.targets);
    for target in targets.filter(|one| one.kind != TargetKind::Exclude) {
        match &target.selector {
            Selector::Name(name) | Selector::Path(name) => found.push(name.clone()),
            Selector::Regex(pattern) => collect(&parse(pattern), found),
            Selector::All => {}
        }
    }
}

fn parse(pattern: &str) -> Ast {
    ParserBuilder::new().build().parse(pattern).unwrap()
}

/// Every run of literal characters in a pattern, one for each branch.
fn collect(ast: &Ast, found: &mut Vec<String>) {
    match ast {
        Ast::Literal(one) => found.push(one.c.to_string()),
        Ast::Concat(concat) => collect_runs(concat, found),
        Ast::Alternation(parts) => parts.asts.iter().for_each(|part| collect(part, found)),
        Ast::Group(group) => collect(&group.ast, found),
        Ast::Repetition(repeated) => collect(&repeated.ast, found),
        Ast::ClassBracketed(class) if !class.negated => collect_class(&class.kind, found),
        _ => {}
    }
}

fn collect_class(class: &ClassSet, found: &mut Vec<String>) {
    let ClassSet::Item(item) = class else { return };
    match item {
        ClassSetItem::Literal(one) => found.push(one.c.to_string()),
        ClassSetItem::Union(union) => {
            for item in &union.items {
                collect_class(&ClassSet::Item(item.clone()), found);
            }
        }
        _ => {}
    }
}

fn collect_runs(concat: &Concat, found: &mut Vec<String>) {
    let mut run = String::new();
    for part in &concat.asts {
        if let Ast::Literal(one) = part {
            run.push(one.c);
            continue;
        }
        if !run.is_empty() {
            found.push(std::mem::take(&mut run));
        }
        collect(part, found);
    }
    if !run.is_empty() {
        found.push(run);
    }
}

/// An example as it is written, unescaped, without its blanks, and byte by byte, all in lower case.
fn texts(example: &Example) -> Vec<String> {
    let mut written = String::new();
    write(&example.value, &mut written);
    let written = written.to_lowercase();
    let unescaped = unescape(&written);
    let tight = unescaped.split_whitespace().collect();
    let bytes = written.bytes().map(char::from).collect();
    vec![written, unescaped, tight, bytes]
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| write(item, text)),
        Value::Object(fields) => {
            for (name, field) in fields {
                text.push_str(name);
                text.push(' ');
                write(field, text);
            }
        }
        Value::String(one) => text.push_str(one),
        other => text.push_str(&other.to_string()),
    }
    text.push(' ');
}

fn unescape(text: &str) -> String {
    let mut rest = text.as_bytes();
    let mut bytes = Vec::new();
    while let Some((&byte, after)) = rest.split_first() {
        let escape = after.get(..2).filter(|_| byte == b'%');
        let digits = escape.and_then(|digits| std::str::from_utf8(digits).ok());
        let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(value.unwrap_or(if byte == b'+' { b' ' } else { byte }));
        rest = if value.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
