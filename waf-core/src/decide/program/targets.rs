//! The values a link looks at, in the order of its targets, then of the fields.

use super::answer::Asked;
use super::names::{Named, key};
use super::{ProgramState, Turn};
use crate::compile::{covers, selects};
use crate::field::Collection;
use crate::finding::Finding;
use crate::rule::{Exclusion, LinkVariable, State, TargetKind, Variable};
use crate::ruleset::{ExclusionId, Names, ProgramLink, ProgramTarget, RuleIndex, Slots};
use crate::scan::Row;

/// Takes the values of a variable, each with its name where it has one.
pub(super) type Tell<'a> = dyn FnMut(Option<&[u8]>, &[u8]) + 'a;

/// A value to be asked.
pub(super) enum Item<'a> {
    /// A field with its number, under the variable that named it.
    Row(u32, &'a Row, Variable),
    /// Something the transaction knows. Owned: what matches may change it.
    Value(Named, Vec<u8>),
}

impl Item<'_> {
    /// The value as it came; `None` where it was not kept.
    pub(super) fn value(&self) -> Option<&[u8]> {
        match self {
            Self::Row(_, row, _) => row.value.as_deref(),
            Self::Value(_, value) => Some(value),
        }
    }

    /// What it is called.
    pub(super) fn named(&self) -> Named {
        match self {
            Self::Row(_, row, variable) => {
                Named { variable: LinkVariable::Fields(*variable), key: Some(key(&row.name)) }
            }
            Self::Value(named, _) => named.clone(),
        }
    }
}

/// The values of a link.
pub(super) struct Items<'a> {
    /// To be asked.
    pub(super) asked: Vec<Item<'a>>,
    /// Taken away by exclusions.
    pub(super) excluded: Vec<(Item<'a>, ExclusionId)>,
}

/// The values of a link's targets. An exclusion takes away what stands before it.
/// What the operator's exclusions take away comes apart, each with the exclusion.
pub(super) fn items<'a>(state: &ProgramState, asked: &Asked<'_>, turn: &Turn<'a>) -> Items<'a> {
    let mut items = Vec::new();
    let slots = &turn.program().slots;
    for target in &asked.link.targets {
        match target.kind {
            TargetKind::Exclude => items.retain(|item| !is_of(item, target, slots)),
            TargetKind::Count => {
                let named = Named::only(target.variable);
                let count = count(state, target, turn).to_string();
                items.push(Item::Value(named, count.into_bytes()));
            }
            TargetKind::Include => match target.variable {
                LinkVariable::Fields(variable) => rows(state, target, variable, turn, &mut items),
                _ => values(state, target, turn, &mut items),
            },
        }
    }
    for removed in state.removed_from(asked.ordinal, turn) {
        items.retain(|item| !is_of(item, removed, slots));
    }
    let exclusions = exclusions(asked.rule.rule, turn);
    if exclusions.is_empty() {
        return Items { asked: items, excluded: Vec::new() };
    }
    let mut found = Items { asked: Vec::new(), excluded: Vec::new() };
    for item in items {
        match exclusions.iter().find(|(_, exclusion)| takes(exclusion, &item, turn)) {
            Some((id, _)) => found.excluded.push((item, *id)),
            None => found.asked.push(item),
        }
    }
    found
}

/// Fields of a target that may be seen, collection by collection.
fn rows<'a>(
    state: &ProgramState,
    target: &ProgramTarget,
    variable: Variable,
    turn: &Turn<'a>,
    items: &mut Vec<Item<'a>>,
) {
    for &collection in variable.collections() {
        if !state.shows(collection, turn) {
            continue;
        }
        let rows = turn.rows.of(collection);
        items.reserve(rows.len());
        let rows = rows.iter().map(|&at| (at, turn.rows.row(at)));
        let meant = rows.filter(|(_, row)| target.names.has_class(row.class));
        items.extend(meant.map(|(at, row)| Item::Row(at, row, variable)));
    }
}

/// Whether something holds of any field of a target.
pub(super) fn any_row_of(
    state: &ProgramState,
    target: &ProgramTarget,
    variable: Variable,
    turn: &Turn<'_>,
    holds: &impl Fn(&Row) -> bool,
) -> bool {
    variable.collections().iter().any(|&collection| {
        state.shows(collection, turn)
            && turn.rows.of(collection).iter().any(|&at| {
                let row = turn.rows.row(at);
                target.names.has_class(row.class) && holds(row)
            })
    })
}

/// The same of any field that a link looks at, whatever is taken away from it.
pub(super) fn any_row(
    state: &ProgramState,
    link: &ProgramLink,
    turn: &Turn<'_>,
    holds: impl Fn(&Row) -> bool,
) -> bool {
    link.targets.iter().any(|target| match (target.kind, target.variable) {
        (TargetKind::Include, LinkVariable::Fields(variable)) => {
            any_row_of(state, target, variable, turn, &holds)
        }
        _ => false,
    })
}

/// Values of a target that is not fields.
fn values(
    state: &ProgramState,
    target: &ProgramTarget,
    turn: &Turn<'_>,
    items: &mut Vec<Item<'_>>,
) {
    state.each(target.variable, &target.names, turn, &mut |key, value| {
        let named = Named { variable: target.variable, key: key.map(<[u8]>::to_vec) };
        items.push(Item::Value(named, value.to_vec()));
    });
}

/// The number of values of a target.
pub(super) fn count(state: &ProgramState, target: &ProgramTarget, turn: &Turn<'_>) -> u64 {
    if let LinkVariable::Fields(variable) = target.variable {
        let mut count = 0;
        for &collection in variable.collections() {
            if state.shows(collection, turn) {
                for (class, total) in turn.totals.of(collection) {
                    let meant = target.names.has_class(class);
                    count += if meant { total.count - total.guessed } else { 0 };
                }
            }
        }
        return count;
    }
    let mut count = 0;
    state.each(target.variable, &target.names, turn, &mut |_, _| count += 1);
    count
}

/// Whether an item is one of a target's, under the same variable.
fn is_of(item: &Item<'_>, target: &ProgramTarget, slots: &Slots) -> bool {
    match item {
        Item::Row(_, row, variable) => {
            target.variable == LinkVariable::Fields(*variable) && target.names.has_class(row.class)
        }
        Item::Value(named, _) => {
            target.variable == named.variable && has_key(&target.names, slots, named.key.as_deref())
        }
    }
}

/// Whether a value with this name is meant; what has none is meant with all.
fn has_key(names: &Names, slots: &Slots, key: Option<&[u8]>) -> bool {
    let Some(key) = key else { return matches!(names, Names::All) };
    match names {
        Names::All => true,
        Names::Slot(slot) => slots.name(*slot).eq_ignore_ascii_case(key),
        Names::Named(name) => name.eq_ignore_ascii_case(key),
        Names::Regex(regex) => regex.is_match(key),
        Names::Classes(_) => false,
    }
}

/// The operator's exclusions that are about the rule.
fn exclusions<'a>(rule: RuleIndex, turn: &Turn<'a>) -> Vec<(ExclusionId, &'a Exclusion)> {
    let rule = &turn.policy.ruleset().rules[rule.index()].rule;
    let numbered = turn.policy.exclusions.iter().enumerate();
    let active = numbered.filter(|(at, _)| turn.exclusions.get(*at) == Some(&true));
    active
        .filter(|(_, exclusion)| covers(&exclusion.scope, rule))
        .map(|(at, exclusion)| (ExclusionId(at as u16), exclusion))
        .collect()
}

/// Whether the operator's exclusions may take fields away from a rule.
pub(super) fn is_excluded(ordinal: u32, turn: &Turn<'_>) -> bool {
    !exclusions(turn.program().rules[ordinal as usize].rule, turn).is_empty()
}

/// Whether an exclusion takes a field away. One with `characters` needs the whole value.
fn takes(exclusion: &Exclusion, item: &Item<'_>, turn: &Turn<'_>) -> bool {
    let Item::Row(_, row, _) = item else { return exclusion.targets.is_empty() };
    let names = &turn.policy.ruleset().names;
    let named = exclusion.targets.is_empty()
        || selects(names, &exclusion.targets, row.collection.written(), row.class);
    named
        && exclusion.characters.is_none_or(|set| {
            row.value.as_ref().is_some_and(|value| value.iter().all(|&byte| set.contains(byte)))
        })
}

impl ProgramState {
    /// The values of a variable that is not fields, with their keys.
    pub(super) fn each(
        &self,
        variable: LinkVariable,
        names: &Names,
        turn: &Turn<'_>,
        tell: &mut Tell<'_>,
    ) {
        match variable {
            LinkVariable::Tx => self.each_tx(names, turn, tell),
            LinkVariable::State(state) => self.each_state(state, names, turn, tell),
            LinkVariable::Fields(_) => {}
        }
    }

    fn each_tx(&self, names: &Names, turn: &Turn<'_>, tell: &mut Tell<'_>) {
        let slots = &turn.program().slots;
        match names {
            Names::Slot(slot) => {
                if let Some(value) = self.tx.slot(*slot) {
                    tell(Some(slots.name(*slot)), &value.text());
                }
            }
            Names::Named(name) => {
                let digit = name.first().map_or(0, |digit| usize::from(digit.wrapping_sub(b'0')));
                if let Some(capture) = self.captures.get(digit, turn.policy.ruleset()) {
                    tell(Some(name), capture);
                }
            }
            Names::Regex(regex) => {
                for &slot in regex.slots(slots) {
                    if let Some(value) = self.tx.slot(slot) {
                        tell(Some(slots.name(slot)), &value.text());
                    }
                }
                for (name, value) in self.tx.iter_named().filter(|(name, _)| regex.is_match(name)) {
                    tell(Some(name), &value.text());
                }
            }
            Names::All => {
                for (name, value) in self.tx.iter(slots) {
                    tell(Some(name), &value.text());
                }
            }
            Names::Classes(_) => {}
        }
    }

    fn each_state(&self, state: State, names: &Names, turn: &Turn<'_>, tell: &mut Tell<'_>) {
        let found = |findings: &[Finding]| -> &'static [u8] {
            match findings.iter().any(|&finding| turn.facts.has(finding)) {
                true => b"1",
                false => b"0",
            }
        };
        match state {
            State::MatchedVar => {
                if let Some(matched) = &self.matched {
                    tell(None, &matched.value);
                }
            }
            State::MatchedVarName => {
                if let Some(matched) = &self.matched {
                    tell(None, &matched.name.text());
                }
            }
            State::MatchedVars | State::MatchedVarsNames => {
                let slots = &turn.program().slots;
                for matched in &self.matches {
                    let name = matched.name.text();
                    if has_key(names, slots, Some(&name)) {
                        let of_name = state == State::MatchedVarsNames;
                        tell(Some(&name), if of_name { &name } else { &matched.value });
                    }
                }
            }
            State::ReqbodyProcessor => tell(None, self.body_processor(turn).as_bytes()),
            State::ReqbodyError | State::ReqbodyProcessorError => tell(None, found(BODY_ERRORS)),
            State::ReqbodyErrorMsg | State::ReqbodyProcessorErrorMsg => {
                let first = BODY_ERRORS.iter().find(|&&finding| turn.facts.has(finding));
                tell(None, first.map_or("", |finding| finding.id()).as_bytes());
            }
            State::MultipartStrictError => tell(None, found(MULTIPART_ERRORS)),
            // Such a line ends the body for our parser, which tells it as a broken body.
            State::MultipartUnmatchedBoundary => tell(None, found(&[])),
            State::UrlencodedError => tell(None, found(&[Finding::ParseUrlencoded])),
            State::InboundDataError => tell(None, found(&[Finding::LimitBody])),
            State::OutboundDataError => tell(None, found(&[])),
            State::UniqueId => tell(None, format!("{:020}", self.unique_id).as_bytes()),
            State::Duration => tell(None, b"0"),
            // Nothing is kept between requests, and nothing outside the request is known.
            _ => {}
        }
    }

    /// The parser of the body, as a rule or its type has chosen it.
    pub(super) fn body_processor<'a>(&'a self, turn: &Turn<'a>) -> &'a str {
        self.processor.as_deref().unwrap_or(turn.processor)
    }

    /// Whether rules see the fields of a collection. `REQUEST_BODY` holds the body of forms, and
    /// where a rule asks for it.
    pub(crate) fn shows(&self, collection: Collection, turn: &Turn<'_>) -> bool {
        match self.body_processor(turn) {
            _ if collection != Collection::RequestBody => true,
            "URLENCODED" => true,
            "" => self.force_body,
            _ => false,
        }
    }
}

/// What makes `REQBODY_ERROR` 1: the body could not be parsed.
const BODY_ERRORS: &[Finding] = &[
    Finding::ParseJson,
    Finding::ParseXml,
    Finding::ParseMultipart,
    Finding::ParseEncoding,
    Finding::LimitDepth,
    Finding::LimitParts,
];

/// What makes `MULTIPART_STRICT_ERROR` 1.
const MULTIPART_ERRORS: &[Finding] = &[Finding::ParseMultipart, Finding::LimitParts];
