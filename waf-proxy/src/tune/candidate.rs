//! Exclusions that could be proposed: every narrow one that takes a match from some records.

use std::collections::{BTreeMap, HashMap};

use waf_core::field::Collection;
use waf_core::finding::Finding;
use waf_core::record::Alphabet;

use super::gather::Shape;
use super::limits;
use super::place::{collection, field_pattern, wider};
use super::spelling::Spelling;
use super::weighed::Hit;

/// Clients from which on a field is named: leaving any one of them out would propose the same, while
/// what one client did need not happen again.
const FEWEST: usize = 2;

/// Fields, and paths, from which on it is the collection that a rule matches in: what comes next will
/// be in another one.
const SPREAD: usize = 3;

/// Findings in requests that everybody reads alike, so that a site may have them everywhere. What is
/// malformed stays an exception, on the paths where it is known.
const HABITS: [Finding; 2] = [Finding::ProtocolUpgrade, Finding::ProtocolMethod];

/// What a record weighs that one point keeps from passing.
const WHOLE: u64 = 1_000;

/// An exclusion, as far as records tell it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Candidate {
    /// The rule.
    pub rule: Box<str>,
    /// The fields; none for the whole rule, where it looks at no field.
    pub targets: Vec<Box<str>>,
    /// The path, exact or with `*` at its end; `None` for every path.
    pub path: Option<Box<str>>,
    /// Only while a value consists of these; `None` for any value.
    pub characters: Option<Alphabet>,
}

impl Candidate {
    /// Whether it takes a match on this path away, in a value that is as it asks.
    pub fn takes(&self, hit: &Hit, path: Option<&str>) -> bool {
        hit.rule == self.rule && self.is_on(path) && self.names(&hit.target)
    }

    /// Whether it holds for a value.
    pub fn is_of(&self, value: Alphabet) -> bool {
        self.characters.is_none_or(|characters| characters.contains(value))
    }

    /// Whether it holds on the path; `None` for one that exclusions with a path do not hold on.
    pub fn is_on(&self, path: Option<&str>) -> bool {
        let Some(pattern) = self.path.as_deref() else { return true };
        let Some(path) = path else { return false };
        match pattern.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => path == pattern,
        }
    }

    fn names(&self, target: &str) -> bool {
        let is = |known: &str| {
            known == target
                || field_pattern(known) == target
                || target.strip_prefix(known).is_some_and(|rest| rest.starts_with(':'))
        };
        self.targets.is_empty() || self.targets.iter().any(|known| is(known))
    }

    /// How much more than a field on a path it opens: 1 for that, more for more.
    pub fn width(&self) -> f64 {
        let path = match self.path.as_deref() {
            Some(path) if path.ends_with('*') => 1.0 + 0.4 / path.matches('/').count() as f64,
            Some(_) => 1.0,
            None => 2.0,
        };
        let opens_all = self.targets.iter().any(|target| is_collection(target));
        let fields = match self.targets.len() {
            0 => 2.0,
            _ if opens_all => 2.0,
            many => 1.0 + 0.03 * (many - 1) as f64,
        };
        path * fields
    }
}

/// Where an exclusion holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place<'a> {
    /// On this path.
    At(&'a str),
    /// On the paths that begin so.
    Under(&'a str),
    /// On every path.
    Anywhere,
}

impl Place<'_> {
    fn pattern(self) -> Option<Box<str>> {
        match self {
            Self::At(path) => Some(path.into()),
            Self::Under(prefix) => Some(format!("{prefix}*").into()),
            Self::Anywhere => None,
        }
    }
}

/// A candidate and the matches that it takes away.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    pub(super) candidate: Candidate,
    /// Shapes, each with a bit for every hit that goes.
    pub(super) takes: Vec<(u32, u128)>,
}

/// What was seen of a rule in some fields.
type Fields<'a> = BTreeMap<&'a str, Support<'a>>;

/// What was seen of a rule in a field at a place.
#[derive(Default)]
struct Support<'a> {
    weight: u64,
    /// No more than `FEWEST` of them.
    clients: Vec<u64>,
    /// No more than `SPREAD` of them.
    paths: Vec<&'a str>,
}

impl<'a> Support<'a> {
    fn add(&mut self, shape: &'a Shape) {
        // A match that is alone in its records is worth more than one of many.
        self.weight += shape.seen.records * WHOLE / u64::from(shape.weighed.excess(0).max(1));
        for &client in shape.seen.clients.sample() {
            add_new(&mut self.clients, client, FEWEST);
        }
        add_new(&mut self.paths, shape.path.as_deref().unwrap_or_default(), SPREAD);
    }

    /// Whether without any one client it would be known all the same.
    fn is_known(&self) -> bool {
        self.clients.len() >= FEWEST
    }
}

/// Takes what is new, until there are enough.
fn add_new<T: PartialEq>(known: &mut Vec<T>, next: T, enough: usize) {
    if known.len() < enough && !known.contains(&next) {
        known.push(next);
    }
}

/// The candidates for shapes of which only the hits in `open` may be excluded.
pub(super) fn candidates(shapes: &[&Shape], open: &[u128]) -> Vec<Reach> {
    let mut fields: HashMap<(&str, Place<'_>), Fields<'_>> = HashMap::new();
    for (shape, open) in shapes.iter().zip(open) {
        for hit in hits(shape, *open) {
            for place in places(shape) {
                let of_place = fields.entry((&*hit.rule, place)).or_default();
                of_place.entry(&*hit.target).or_default().add(shape);
            }
        }
    }
    let mut by_place: HashMap<(&str, Place<'_>), Vec<Reach>> = HashMap::new();
    for (&(rule, place), of_place) in &fields {
        let made = of_fields(rule, place, of_place);
        let reach = |candidate| Reach { candidate, takes: Vec::new() };
        by_place.insert((rule, place), made.into_iter().map(reach).collect());
    }
    for (number, (shape, open)) in shapes.iter().zip(open).enumerate() {
        for place in places(shape) {
            for (at, hit) in
                shape.weighed.hits.iter().enumerate().filter(|(at, _)| open & 1 << at != 0)
            {
                for reach in by_place.get_mut(&(&*hit.rule, place)).into_iter().flatten() {
                    if reach.candidate.names(&hit.target) {
                        reach.take(number as u32, at);
                    }
                }
            }
        }
    }
    let mut all: Vec<Reach> = by_place.into_values().flatten().collect();
    let records = |reach: &Reach| -> u64 {
        reach.takes.iter().map(|(shape, _)| shapes[*shape as usize].seen.records).sum()
    };
    all.sort_by(|a, b| records(b).cmp(&records(a)).then_with(|| a.candidate.cmp(&b.candidate)));
    all.truncate(limits::CANDIDATES);
    all.iter_mut().for_each(|reach| reach.narrow(shapes));
    all
}

impl Reach {
    fn take(&mut self, shape: u32, hit: usize) {
        match self.takes.last_mut() {
            Some((known, bits)) if *known == shape => *bits |= 1 << hit,
            _ => self.takes.push((shape, 1 << hit)),
        }
    }

    /// To the characters of the values in which its matches are, where no others are to be expected.
    fn narrow(&mut self, shapes: &[&Shape]) {
        let mut all = Spelling::default();
        for &(shape, bits) in &self.takes {
            let numbered = shapes[shape as usize].spellings.iter().enumerate();
            let taken = numbered.filter(|(at, _)| bits & 1 << at != 0);
            taken.for_each(|(_, spelling)| all.merge(spelling));
        }
        // What is sent may be narrowed, not what the application answers.
        let mut targets = self.candidate.targets.iter();
        let is_sent = targets.len() > 0 && targets.all(|target| !target.starts_with("RESPONSE"));
        self.candidate.characters = all.settled().filter(|_| is_sent);
    }
}

fn hits(shape: &Shape, open: u128) -> impl Iterator<Item = &Hit> {
    let numbered = shape.weighed.hits.iter().enumerate();
    numbered.filter(move |(at, _)| open & 1 << at != 0).map(|(_, hit)| hit)
}

/// The paths that an exclusion for a shape may name, narrowest first, and every path.
fn places(shape: &Shape) -> impl Iterator<Item = Place<'_>> {
    let pattern = shape.path.as_deref();
    let own = pattern.map(|pattern| match pattern.strip_suffix('*') {
        Some(prefix) => Place::Under(prefix),
        None => Place::At(pattern),
    });
    let above = pattern.into_iter().flat_map(wider).map(Place::Under);
    own.into_iter().chain(above).chain([Place::Anywhere])
}

/// Exclusions of one rule on one path, whose matches there were in these fields.
fn of_fields(rule: &str, place: Place<'_>, fields: &Fields<'_>) -> Vec<Candidate> {
    let path = place.pattern();
    let is_placed = path.is_some();
    let make = |targets: Vec<&str>| Candidate {
        rule: rule.into(),
        targets: targets.into_iter().map(Into::into).collect(),
        path: path.clone(),
        characters: None,
    };
    if fields.keys().all(|target| !can_be_named(rule, target)) {
        // Nothing narrower can be said of it than where.
        return if is_placed || is_habit(rule, fields) {
            vec![make(Vec::new())]
        } else {
            Vec::new()
        };
    }
    let can_be_named = |field: &str| can_be_named(rule, field);
    let known = fields.iter().filter(|(field, support)| support.is_known() && can_be_named(field));
    let mut ranked: Vec<(&str, u64)> =
        known.map(|(field, support)| (*field, support.weight)).collect();
    ranked.sort_by_key(|&(field, weight)| (std::cmp::Reverse(weight), field));
    ranked.truncate(limits::FIELDS);
    let may_stand = |field: &str| is_placed || !is_collection(field);
    let named: Vec<&str> =
        ranked.iter().map(|(field, _)| *field).filter(|f| may_stand(f)).collect();
    let mut made: Vec<Candidate> = named.iter().map(|&field| make(vec![field])).collect();
    for together in named.chunks(limits::TARGETS).filter(|together| together.len() > 1) {
        let mut together = together.to_vec();
        together.sort_unstable();
        made.push(make(together));
    }
    made.extend(
        collections(fields, is_placed)
            .filter(|name| !named.contains(name))
            .map(|name| make(vec![name])),
    );
    made
}

/// Whether a site does something everywhere: on so many paths that the next will be another one.
fn is_habit(rule: &str, fields: &Fields<'_>) -> bool {
    let mut paths = Vec::new();
    let of_all = fields.values().flat_map(|support| &support.paths);
    of_all.for_each(|path| add_new(&mut paths, *path, SPREAD));
    Finding::from_id(rule).is_some_and(|it| HABITS.contains(&it)) && paths.len() >= SPREAD
}

/// The collections in which a rule matches here and there: in so many fields that the next will be
/// another one, and where nothing is said of the path on as many paths.
fn collections<'a>(fields: &Fields<'a>, is_placed: bool) -> impl Iterator<Item = &'a str> {
    let mut spread: BTreeMap<&str, (usize, Vec<&str>)> = BTreeMap::new();
    for (field, support) in fields {
        if let Some(name) = collection(field) {
            let (count, paths) = spread.entry(name).or_default();
            *count += 1;
            support.paths.iter().for_each(|path| add_new(paths, *path, SPREAD));
        }
    }
    let is_spread = move |(count, paths): &(usize, Vec<&str>)| {
        *count >= SPREAD && (is_placed || paths.len() >= SPREAD)
    };
    spread.into_iter().filter(move |(_, spread)| is_spread(spread)).map(|(name, _)| name)
}

/// Whether an exclusion can name such a field of the rule: findings and variables of SecLang alone
/// have none.
fn can_be_named(rule: &str, target: &str) -> bool {
    let name = target.split(':').next().unwrap_or_default();
    Finding::from_id(rule).is_none()
        && (Collection::from_name(name).is_some() || name == "ARGS" || name == "ARGS_NAMES")
}

/// A collection of many fields, without a name.
fn is_collection(target: &str) -> bool {
    Collection::from_name(target).is_some_and(Collection::is_keyed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(recorded: &str) -> Hit {
        Hit {
            rule: "a".into(),
            target: (&*field_pattern(recorded)).into(),
            outbound: false,
            blocks: false,
            score: 5,
        }
    }

    #[test]
    fn an_exclusion_takes_what_its_fields_name() {
        for (target, recorded, takes) in [
            ("ARGS_POST:text", "ARGS_POST:text", true),
            ("ARGS_POST:text", "ARGS_POST:texts", false),
            ("ARGS_POST", "ARGS_POST:text", true),
            ("ARGS_POST:$.events[*].text", "ARGS_POST:$.events[8].text", true),
            ("ARGS_POST:$.events[*].text", "ARGS_POST:$.events[8].name", false),
            // As a person writes it, who asks for the price of one element.
            ("ARGS_POST:$.events[8].text", "ARGS_POST:$.events[8].text", true),
        ] {
            let targets = vec![target.into()];
            let path = Some("/b/*".into());
            let candidate = Candidate { rule: "a".into(), targets, path, characters: None };
            assert_eq!(candidate.takes(&hit(recorded), Some("/b/c")), takes, "{target} {recorded}");
            assert!(!candidate.takes(&hit(recorded), Some("/c")));
            assert!(!candidate.takes(&hit(recorded), None));
        }
    }
}
