//! [`Sieve`]: which literals occur in a whole value at all? One pass, one load a byte, for the
//! literals of all patterns and the phrases of all lists together.
//!
//! Literals are cut to a few bytes and case is ignored: what is found may match, what is not found
//! does not. So the table stays small enough for the processor's cache, however long the phrases
//! are.

use std::collections::{HashMap, HashSet};

use super::needs::commonness_of;
use super::{PatternId, PatternSet};
use crate::limits::{PHRASE_PLACES, SIEVE_BYTES, SIEVE_ENTRIES};

/// Parts of a value that are looked through side by side.
const LANES: usize = 4;

/// Bytes of a part for which that is not worth it.
const SHORT: usize = 64;

/// Bytes of a value from which on it is remembered where phrases may stand.
const PLACED: usize = 512;

/// Of how many literals it is remembered that they were told.
const TOLD: usize = 64;

/// An Aho-Corasick automaton over cut literals.
#[derive(Debug)]
pub(super) struct Sieve {
    /// For each state and class the next state. Those of short beginnings, that all values meet, stand
    /// together.
    next: Box<[Row]>,
    /// States from here on end a literal.
    ending: usize,
    /// Of those, owners from here on have phrases of lists.
    listed: usize,
    /// Bytes of the longest literal, as it is cut.
    longest: usize,
    /// Whose literals end in each of them.
    owners: Box<[Owners]>,
}

/// Ways and lists, by the words of their sets.
#[derive(Debug)]
struct Owners {
    ways: Box<[(usize, u64)]>,
    lists: Box<[(usize, u64)]>,
}

/// The states that follow one, by class. Letters, digits and blanks stand in one line of a cache.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Row([u16; CLASS_COUNT]);

/// Whose literal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Way(PatternId),
    List(PatternId),
}

/// Whose literals occur in a value.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Ways to match, by the places of their literals.
    pub ways: PatternSet,
    /// Lists of phrases.
    pub lists: PatternSet,
    /// Whether it is known where phrases may stand: not of a short value, nor at too many places.
    is_placed: bool,
    /// Owners whose phrases they may be, by number, and one past where each may end as it is cut.
    places: Vec<(usize, usize)>,
}

impl Found {
    /// Nothing is found, and its memory is kept.
    pub fn clear(&mut self) {
        self.ways.clear();
        self.lists.clear();
        self.is_placed = false;
        self.places.clear();
    }
}

impl Sieve {
    /// The literals of patterns and the phrases of lists; ids are places. Empty ones are left out.
    pub(super) fn new<P: AsRef<[u8]>>(patterns: &[Vec<Vec<u8>>], lists: &[Vec<P>]) -> Self {
        let of_patterns = owned(patterns, Owner::Way);
        let of_lists = owned(lists, Owner::List);
        let literals: Vec<(Vec<u8>, Owner)> = of_patterns.into_iter().chain(of_lists).collect();
        let most = (SIEVE_ENTRIES >> WIDTH).min(usize::from(u16::MAX));
        // Single bytes need 256 states at most.
        let lengths = (1..=SIEVE_BYTES).rev();
        let cut = |length| {
            let one = move |text: &[u8]| classes_of(rarest(text, length));
            literals.iter().map(move |(text, owner)| (one(text), *owner))
        };
        let fits = |length: &usize| *length == 1 || count_states(cut(*length), most) <= most;
        let length = lengths.into_iter().find(fits).unwrap_or(1);
        Trie::new(cut(length)).into_sieve(length)
    }

    /// Adds to `found` whose literals occur in a value; of these lists also where.
    pub(super) fn sift(&self, value: &[u8], lists: &PatternSet, found: &mut Found) {
        // Texts say the same word again and again.
        let mut told = [usize::MAX; TOLD];
        let mut is_placed = value.len() >= PLACED;
        self.visit(value, |number, end| {
            if std::mem::replace(&mut told[number % TOLD], number) != number {
                let owners = &self.owners[number];
                found.ways.insert_sparse(&owners.ways);
                found.lists.insert_sparse(&owners.lists);
            }
            if is_placed && number >= self.listed && self.is_asked(number, lists) {
                is_placed = found.places.len() < PHRASE_PLACES;
                found.places.push((number, end));
            }
        });
        found.is_placed = is_placed;
    }

    /// Puts into `ends`, in order, one past each place where a phrase of these lists may end as it is
    /// cut. Whether there are at most so many.
    pub(super) fn ends(
        &self,
        value: &[u8],
        lists: &PatternSet,
        most: usize,
        ends: &mut Vec<usize>,
    ) -> bool {
        ends.clear();
        self.visit(value, |number, end| {
            if ends.len() <= most && self.is_asked(number, lists) {
                ends.push(end);
            }
        });
        ends.sort_unstable();
        ends.len() <= most
    }

    /// The same of a value that was sifted.
    pub(super) fn ends_found(
        &self,
        found: &Found,
        lists: &PatternSet,
        most: usize,
        ends: &mut Vec<usize>,
    ) -> bool {
        let asked = found.places.iter().filter(|(number, _)| self.is_asked(*number, lists));
        ends.clear();
        ends.extend(asked.map(|(_, end)| *end));
        ends.sort_unstable();
        found.is_placed && ends.len() <= most
    }

    /// Whether any of an owner's phrases is of these lists.
    #[cold]
    fn is_asked(&self, number: usize, lists: &PatternSet) -> bool {
        let words = lists.words();
        let is_one = |&(at, word): &(usize, u64)| words.get(at).is_some_and(|it| it & word != 0);
        self.owners[number].lists.iter().any(is_one)
    }

    /// Tells by the numbers of their [`Owners`] which literals end in a value, and one past where.
    fn visit(&self, value: &[u8], mut told: impl FnMut(usize, usize)) {
        let part = value.len() / LANES;
        if part < SHORT {
            self.visit_from(0, value, 0, &mut told);
            return;
        }
        // A step waits for the one before it, so parts go side by side. All but the first begin as
        // much before as the longest literal may have begun.
        let starts = std::array::from_fn(|lane| (lane * part).saturating_sub(self.longest));
        let states = self.visit_parts(value, starts, part, &mut told);
        for (lane, (start, state)) in starts.into_iter().zip(states).enumerate() {
            let end = if lane + 1 == LANES { value.len() } else { (lane + 1) * part };
            let at = start + part;
            self.visit_from(state, &value[at..end], at, &mut told);
        }
    }

    /// Goes on from a state, at a place.
    fn visit_from(
        &self,
        mut state: usize,
        value: &[u8],
        at: usize,
        told: &mut impl FnMut(usize, usize),
    ) {
        for (end, &byte) in (at + 1..).zip(value) {
            state = self.step(state, byte);
            if state >= self.ending {
                self.tell(state, end, told);
            }
        }
    }

    /// The states after so many bytes from each of some starts.
    #[inline(never)]
    fn visit_parts(
        &self,
        value: &[u8],
        starts: [usize; LANES],
        length: usize,
        told: &mut impl FnMut(usize, usize),
    ) -> [usize; LANES] {
        let [a, b, c, d] = starts.map(|start| &value[start..start + length]);
        let mut states = [0; LANES];
        for (taken, (((&a, &b), &c), &d)) in (1..).zip(a.iter().zip(b).zip(c).zip(d)) {
            let mut last = 0;
            for (state, byte) in states.iter_mut().zip([a, b, c, d]) {
                *state = self.step(*state, byte);
                last = last.max(*state);
            }
            if last >= self.ending {
                let ending = states.into_iter().zip(starts);
                for (state, start) in ending.filter(|(state, _)| *state >= self.ending) {
                    self.tell(state, start + taken, told);
                }
            }
        }
        states
    }

    #[inline(always)]
    fn step(&self, state: usize, byte: u8) -> usize {
        usize::from(self.next[state].0[usize::from(CLASSES[usize::from(byte)]) & (CLASS_COUNT - 1)])
    }

    #[cold]
    fn tell(&self, state: usize, end: usize, told: &mut impl FnMut(usize, usize)) {
        told(state - self.ending, end);
    }

    /// Bytes of the tables.
    pub(super) fn bytes(&self) -> usize {
        let words = |of: &Owners| size_of_val(&of.ways[..]) + size_of_val(&of.lists[..]);
        let owners: usize = self.owners.iter().map(words).sum();
        size_of_val(&self.next[..]) + size_of_val(&self.owners[..]) + owners
    }
}

impl Owners {
    fn new(owners: &[Owner]) -> Self {
        let (mut ways, mut lists) = (PatternSet::default(), PatternSet::default());
        for owner in owners {
            match *owner {
                Owner::Way(id) => ways.insert(id),
                Owner::List(id) => lists.insert(id),
            }
        }
        Self { ways: ways.sparse(), lists: lists.sparse() }
    }
}

fn owned<P: AsRef<[u8]>>(
    all: &[Vec<P>],
    owner: impl Fn(PatternId) -> Owner,
) -> Vec<(Vec<u8>, Owner)> {
    let ids = all.iter().enumerate().filter_map(|(at, texts)| Some((PatternId::new(at)?, texts)));
    let texts = ids.flat_map(|(id, texts)| texts.iter().map(move |text| (text.as_ref(), id)));
    let texts = texts.filter(|(text, _)| !text.is_empty());
    texts.map(|(text, id)| (text.to_ascii_lowercase(), owner(id))).collect()
}

/// A class for each letter, in either case, and each mark; one for all digits, one for all blanks,
/// one for all others: so 64 are enough, and the more literals find room.
const fn class_of(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => byte - b'a' + 1,
        b'A'..=b'Z' => byte - b'A' + 1,
        b'0'..=b'9' => 27,
        b'\t'..=b'\r' | b' ' => 28,
        b'!'..=b'/' => byte - b'!' + 29,
        b':'..=b'@' => byte - b':' + 44,
        b'['..=b'`' => byte - b'[' + 51,
        b'{'..=b'~' => byte - b'{' + 57,
        _ => 0,
    }
}

/// Bits of a class.
const WIDTH: u32 = 6;

const CLASS_COUNT: usize = 1 << WIDTH;

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < classes.len() {
        classes[byte] = class_of(byte as u8);
        byte += 1;
    }
    classes
};

/// The part of a literal that is met least often.
fn rarest(text: &[u8], length: usize) -> &[u8] {
    let common = |part: &&[u8]| part.iter().map(|&byte| commonness_of(byte)).sum::<u32>();
    text.windows(length.min(text.len())).min_by_key(common).unwrap_or(text)
}

fn classes_of(text: &[u8]) -> Vec<u8> {
    text.iter().map(|&byte| class_of(byte)).collect()
}

/// How many states some literals need; counted until there are too many.
fn count_states(literals: impl Iterator<Item = (Vec<u8>, Owner)>, most: usize) -> usize {
    let mut states: HashSet<Vec<u8>> = HashSet::from([Vec::new()]);
    for (text, _) in literals {
        (1..=text.len()).for_each(|length| {
            states.insert(text[..length].to_vec());
        });
        if states.len() > most {
            break;
        }
    }
    states.len()
}

/// Literals, by their beginnings.
struct Trie {
    /// Of each state, by class.
    children: Vec<HashMap<u8, usize>>,
    owners: Vec<Vec<Owner>>,
}

impl Trie {
    fn new(literals: impl Iterator<Item = (Vec<u8>, Owner)>) -> Self {
        let mut trie = Self { children: vec![HashMap::new()], owners: vec![Vec::new()] };
        for (text, owner) in literals {
            let mut state = 0;
            for class in text {
                let new = trie.children.len();
                state = *trie.children[state].entry(class).or_insert(new);
                if state == new {
                    trie.children.push(HashMap::new());
                    trie.owners.push(Vec::new());
                }
            }
            trie.own(state, owner);
        }
        trie
    }

    fn own(&mut self, state: usize, owner: Owner) {
        if !self.owners[state].contains(&owner) {
            self.owners[state].push(owner);
        }
    }

    /// Fills in what follows where no literal goes on, and puts the states that end one last.
    fn into_sieve(mut self, longest: usize) -> Sieve {
        let count = self.children.len();
        let mut next = vec![0_usize; count << WIDTH];
        // States in the order of their depths, so that where one falls back to is ready before it.
        let mut order = vec![0];
        let mut back = vec![0; count];
        let mut at = 0;
        while let Some(&state) = order.get(at) {
            at += 1;
            next.copy_within(back[state] << WIDTH..(back[state] + 1) << WIDTH, state << WIDTH);
            let mut children: Vec<_> =
                std::mem::take(&mut self.children[state]).into_iter().collect();
            children.sort_unstable();
            for (class, child) in children {
                let place = state << WIDTH | usize::from(class);
                back[child] = if state == 0 { 0 } else { next[place] };
                next[place] = child;
                for owner in self.owners[back[child]].clone() {
                    self.own(child, owner);
                }
                order.push(child);
            }
        }
        let is_list = |owner: &Owner| matches!(owner, Owner::List(_));
        let owners = |&state: &usize| &self.owners[state];
        let kind = |state: &usize| (!owners(state).is_empty(), owners(state).iter().any(is_list));
        order.sort_by_cached_key(kind);
        let ending = order.partition_point(|state| owners(state).is_empty());
        let (goes, ends) = order.split_at(ending);
        let mut number = vec![0_u16; count];
        for (new, &old) in order.iter().enumerate() {
            number[old] = new as u16;
        }
        let row =
            |&old: &usize| Row(std::array::from_fn(|class| number[next[old << WIDTH | class]]));
        Sieve {
            next: order.iter().map(row).collect(),
            ending: goes.len(),
            listed: ends.partition_point(|state| !kind(state).1),
            longest,
            owners: ends.iter().map(|&old| Owners::new(&self.owners[old])).collect(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::random::Random;

    fn found(sieve: &Sieve, value: &[u8]) -> (Vec<usize>, Vec<usize>) {
        let mut found = Found::default();
        sieve.sift(value, &PatternSet::default(), &mut found);
        let places = |set: &PatternSet| set.iter().map(PatternId::index).collect();
        (places(&found.ways), places(&found.lists))
    }

    #[test]
    fn owners_of_what_occurs_are_found_in_any_case() {
        let patterns = [vec![b"select".to_vec(), b"union".to_vec()], vec![b"/etc".to_vec()]];
        let lists = [vec!["she"], vec!["he", "HERS"], vec![""], vec!["passwd"]];
        let sieve = Sieve::new(&patterns, &lists);
        assert_eq!(found(&sieve, b"UNIon of /ETC/passwd"), (vec![0, 1], vec![3]));
        assert_eq!(found(&sieve, b"ushers"), (vec![], vec![0, 1]));
        assert_eq!(found(&sieve, b"sh e"), (vec![], vec![]));
        assert_eq!(found(&sieve, b""), (vec![], vec![]));
        assert_eq!(found(&sieve, b"unio"), (vec![], vec![]));
    }

    /// Aho and Corasick's own crate says which literals occur.
    #[test]
    fn nothing_that_occurs_is_missed() {
        let mut random = Random::new(3);
        let mut text = |length: usize, letters: &[u8]| -> Vec<u8> {
            (0..length).map(|_| letters[random.below(letters.len())]).collect()
        };
        let literals: Vec<Vec<u8>> = (0..300).map(|at| text(1 + at % 12, b"ab/.cX_\xe9")).collect();
        let sieve = Sieve::new(&[], &literals.iter().map(|it| vec![it]).collect::<Vec<_>>());
        let reference = aho_corasick::AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(&literals)
            .unwrap();
        let mut occurred = 0;
        for length in (0..200).chain((200..900).step_by(7)) {
            let value = text(length, b"ab/.cxAB_\xe9 ");
            let (_, found) = found(&sieve, &value);
            for hit in reference.find_overlapping_iter(&value) {
                occurred += 1;
                assert!(found.contains(&hit.pattern().as_usize()), "{:?}", hit.pattern());
            }
            // Short literals are not cut, so they are found only where they are.
            for short in found.iter().filter(|at| literals[**at].len() <= SIEVE_BYTES) {
                let literal = literals[*short].to_ascii_lowercase();
                let value = value.to_ascii_lowercase();
                assert!(value.windows(literal.len()).any(|part| part == literal));
            }
        }
        assert!(occurred > 1_000, "{occurred}");
    }

    #[test]
    fn many_phrases_are_cut_shorter_and_keep_the_table_small() {
        let many: Vec<Vec<Vec<u8>>> = (0..40_000_u32)
            .map(|number| vec![format!("{:x}", number.wrapping_mul(2_654_435_761)).into_bytes()])
            .collect();
        let sieve = Sieve::new::<&[u8]>(&many, &[]);
        assert!(sieve.next.len() << WIDTH <= SIEVE_ENTRIES);
        let (patterns, _) = found(&sieve, &many[17][0]);
        assert!(patterns.contains(&17));
    }
}
