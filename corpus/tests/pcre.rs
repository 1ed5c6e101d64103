//! Regexes as rewritten match what PCRE2 matches, with the same groups.
//!
//! Over patterns of our own, and over those of every rule set on this machine (`CRS_DIR` names a
//! checkout) with the strings of its regression suite and strings made of the patterns.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod crs;
mod oracle;

use std::collections::BTreeSet;
use std::ops::Range;

use oracle::random::Random;
use oracle::{Answers, Oracle, push_number, push_text};
use regex_syntax::hir::{Class, Hir, HirKind};
use waf_core::automaton::syntax;
use waf_core::operator::{Backtrack, Captures, Capturing, Outcome};
use waf_core::seclang::pcre::{Case, Pattern, rewrite};

type Spans = Vec<Option<Range<usize>>>;

/// What PCRE2 says of one value.
#[derive(Debug, PartialEq)]
enum Answer {
    No,
    Match(Spans),
    /// It ran out of its own limits.
    Error,
}

/// What was compared.
#[derive(Debug, Default)]
struct Compared {
    patterns: usize,
    backtracking: usize,
    values: usize,
    matches: usize,
    pcre_errors: usize,
    spent: usize,
}

/// Compares all of `values` under all of `patterns`; tells every pattern that differs.
fn compare(
    oracle: &Oracle,
    patterns: &[crs::Regex],
    values: &[Vec<u8>],
    engines: Engines,
) -> Compared {
    let mut answers = Answers::new(oracle.ask(&question(patterns, values)));
    let mut compared = Compared { values: values.len(), ..Compared::default() };
    let mut wrong = Vec::new();
    for pattern in patterns {
        let theirs: Option<Vec<_>> =
            (answers.byte() == 1).then(|| values.iter().map(|_| answer(&mut answers)).collect());
        if let Err(difference) = compared.pattern(pattern, values, theirs.as_deref(), engines) {
            wrong.push(format!("{}\n  {difference}", pattern.text.escape_ascii()));
        }
    }
    assert!(answers.is_empty());
    assert!(wrong.is_empty(), "{} patterns differ:\n{}", wrong.len(), wrong.join("\n"));
    compared
}

impl Compared {
    /// Compares one pattern under all values; the first difference.
    fn pattern(
        &mut self,
        pattern: &crs::Regex,
        values: &[Vec<u8>],
        theirs: Option<&[Answer]>,
        engines: Engines,
    ) -> Result<(), String> {
        let case = if pattern.selects { Case::Ignored } else { Case::Sensitive };
        let ours = match rewrite(&pattern.text, case) {
            Ok(ours) => ours,
            Err(error) => return Err(format!("refused at {}: {error}", error.offset())),
        };
        let theirs = theirs.ok_or("PCRE2 refuses it")?;
        self.patterns += 1;
        self.backtracking += usize::from(ours.backtracking.is_some());
        for engine in Engine::of(&ours, engines)? {
            for (value, theirs) in values.iter().zip(theirs) {
                self.answer(&engine.ask(value), theirs).map_err(|difference| {
                    format!("as {}\n  on {}: {difference}", ours.text, value.escape_ascii())
                })?;
            }
        }
        Ok(())
    }

    fn answer(&mut self, ours: &Outcome, theirs: &Answer) -> Result<(), String> {
        match (ours, theirs) {
            (_, Answer::Error) => self.pcre_errors += 1,
            (Outcome::Spent, _) => self.spent += 1,
            (Outcome::No, Answer::No) => {}
            (Outcome::Match(captures), Answer::Match(spans)) => {
                self.matches += 1;
                let ours: Spans = (0..Captures::COUNT).map(|group| captures.get(group)).collect();
                let theirs = |group| spans.get(group).cloned().flatten();
                if (0..Captures::COUNT).any(|group| ours[group] != theirs(group)) {
                    return Err(format!("{ours:?}, PCRE2 {spans:?}"));
                }
            }
            _ => return Err(format!("{ours:?}, PCRE2 {theirs:?}")),
        }
        Ok(())
    }
}

/// What a pattern is run with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engines {
    /// What the product would take.
    Needed,
    /// Backtracking too, which can run every pattern.
    All,
}

/// Either of our engines.
enum Engine {
    Automaton(Capturing),
    Backtrack(Backtrack),
}

impl Engine {
    /// Those to run a pattern with.
    fn of(pattern: &Pattern, engines: Engines) -> Result<Vec<Self>, String> {
        let shown = |error: &dyn std::error::Error| format!("as {}: {error}", pattern.text);
        let mut found = Vec::new();
        if pattern.backtracking.is_none() {
            syntax::parse(&pattern.text).map_err(|error| shown(&error))?;
            found.push(Self::Automaton(Capturing::new(&pattern.text)));
        }
        if pattern.backtracking.is_some() || engines == Engines::All {
            let engine = Backtrack::new(&pattern.text).map_err(|error| shown(&error))?;
            found.push(Self::Backtrack(engine));
        }
        Ok(found)
    }

    fn ask(&self, value: &[u8]) -> Outcome {
        match self {
            Self::Automaton(engine) => engine.find(value).map_or(Outcome::No, Outcome::Match),
            Self::Backtrack(engine) => engine.find(value),
        }
    }
}

fn question(patterns: &[crs::Regex], values: &[Vec<u8>]) -> Vec<u8> {
    let mut question = Vec::new();
    push_number(&mut question, values.len());
    values.iter().for_each(|value| push_text(&mut question, value));
    for pattern in patterns {
        let case: &[u8] = if pattern.selects { b"(?i)" } else { b"" };
        push_text(&mut question, &[case, &pattern.text].concat());
    }
    question
}

fn answer(answers: &mut Answers) -> Answer {
    match answers.byte() {
        0 => Answer::No,
        255 => Answer::Error,
        pairs => Answer::Match((0..pairs).map(|_| span(answers)).collect()),
    }
}

fn span(answers: &mut Answers) -> Option<Range<usize>> {
    let (start, end) = (answers.number(), answers.number());
    (start != u32::MAX).then_some(start as usize..end as usize)
}

/// Patterns of our own, one for each thing that a pattern may hold.
const OWN: &[&[u8]] = &[
    br"\x{c2}|[\x{c3}-\x{c5}]",
    b"\xc3\xa9|[\xe4\xf6]",
    br"\x|\x5|\x5c|\xfff",
    br"a{|a{,2}|a{2|{{2}|a{x}|}",
    br"a{2}|b{2,}|c{1,2}|d{0}",
    br"(?:a|b){2}+c|a{2}+b",
    br"[a[b]|[[]|[]]|[^]a]|[]-a]",
    br"[a&&b]|[a-b--]|[+--]|[a~~b]|[--0]|[a-]|[-a]",
    br"[[:alpha:]_]|[[:^digit:]]|[^[:space:][:punct:]]|[[:word:]]",
    br"[[:alpha]|[a[:]|[[:xdigit:]-]",
    br"(?i)[[:upper:]]|[[:^lower:]]",
    br"(?i)[^a]b|[^[:^upper:]]",
    br"\<a\>|\!\@\#\%\&\-\_\~\`\,\:\;\'\/\ ",
    b"\\\x80a",
    br"\v|\h\h|[\v\h]|[^\V]|\H\V",
    br"\d\D|\w\W|\s\S|[\d\s]|[^\w]",
    br"\a\e|\f|\n|\r|\t|\cA|\c[|\0|\07|\012|\101|\o{101}",
    br"[\b]|\ba\b|\Ba\B|[\101-\103\n]",
    br"^a$|b\z|\Ac|\Gd",
    br"a\Z|\n\z",
    br"a.b|(?-s)a.b|(?s:a.b)|(?-s:b.)",
    br"(?m)^a$|b$",
    br"(?m:^b)|^a",
    br"(?m)^",
    br"a(?i)b|c",
    br"(a(?i)b|c)d|b",
    br"(?i:a(?-i)b)c|(?i)d(?-i:e)",
    br"(?x) a b # comment
        [ ] c | \# d",
    br"(?x: a ) b|a(?#comment)+b",
    br"(?U)a+b*?|(a+)(b+?)",
    br"\Qa.b\E+|\Q[\E|[\Qa-]\E]|\E",
    br"[a-\Qc\E]|[\Qb\E-d\Q]\E]+|[a\Q-\Ec]|a\E*",
    br"(?<n>a)(?P<m>b)?(?'k'c)?",
    br"(a)(b)?(c)*|(d)",
    br"(a*)b|(a|b)*|(?:(a)|(b))+",
    br"a*?b|a+?|a??b|(a{1,2}?)(a*)",
    br"(a)\1|(b)\g1|(c)\g{1}|(d)\g{-1}",
    br"(?<n>a|b)\k<n>|(?P<m>c)(?P=m)|(?<o>d)\k{o}\g{o}\k'o'",
    br"(?i)(a|b)\1",
    br"(a)\11|(b)\10",
    br"a++b|a*+|a?+a|(?>a|ab)c|[ab]{1,2}+b",
    br"a(?=b)|a(?!b)c|(?<=a)b|(?<!a|bc)c",
    br"(?<=^|a)b(?=$|c)",
    br"\Ka|b\Ka|\R|\N+",
    br"a||b|",
    br"()|(|a)b",
];

/// Values over the bytes that the patterns are about: all short ones, and random longer ones.
fn own_values() -> Vec<Vec<u8>> {
    let mut values: Vec<Vec<u8>> = (0..=u8::MAX).map(|byte| vec![byte]).collect();
    for first in 0..=u8::MAX {
        values.extend(b"aAb_ \n\x80".iter().map(|&second| vec![first, second]));
        values.push(vec![b'a', first]);
        values.push(vec![b'a', first, b'b']);
    }
    let mut random = Random::new(2);
    for alphabet in [&b"abc"[..], b"aAbBcCdD", b"ab\n", b"a b_[]{}-", b"a\xc3\xa9\xc2\x85\r\n1"] {
        for _ in 0..600 {
            let length = random.below(9);
            values.push((0..length).map(|_| *random.one(alphabet)).collect());
        }
    }
    values
}

#[test]
fn patterns_of_our_own() {
    let Some(oracle) = Oracle::pcre2() else { return };
    let mut patterns: Vec<_> = OWN.iter().map(|text| plain(text)).collect();
    patterns.extend(OWN.iter().map(|text| crs::Regex { text: text.to_vec(), selects: true }));
    // Every byte as it is, behind a backslash, in a class, and with case ignored.
    for byte in 0..=u8::MAX {
        let special = b"*+?()[\\{|^$.".contains(&byte);
        let letter = byte.is_ascii_alphanumeric();
        let in_class = if b"^]\\".contains(&byte) { vec![b'\\', byte] } else { vec![byte] };
        if !special {
            patterns.push(plain(&[byte]));
        }
        if !letter {
            patterns.push(plain(&[b'\\', byte]));
        }
        patterns.push(plain(&[b"[", &in_class[..], b"]"].concat()));
        patterns.push(plain(&[b"(?i)[^", &in_class[..], b"]"].concat()));
        patterns.push(plain(&[b"(?=.)[", &in_class[..], b"]"].concat()));
    }
    let compared = compare(&oracle, &patterns, &own_values(), Engines::All);
    eprintln!("{compared:?}");
    assert_eq!((compared.pcre_errors, compared.spent), (0, 0));
}

fn plain(text: &[u8]) -> crs::Regex {
    crs::Regex { text: text.to_vec(), selects: false }
}

/// Pieces that random patterns are put together from.
const PIECES: &[&[u8]] = &[
    b"a",
    b"b",
    b"B",
    b"ab",
    b"1",
    b" ",
    b"\xe9",
    br"\w",
    br"\W",
    br"\s",
    br"\d",
    br"\b",
    br"\B",
    b".",
    b"^",
    b"$",
    br"\x{e9}",
    br"\x62",
    b"{",
    b"}",
    b"]",
    b"-",
    b"(",
    b"(",
    b")",
    b")",
    b"(?:",
    b"(?i:",
    b"(?i)",
    b"(?-i)",
    b"(?s-i:",
    b"|",
    b"*",
    b"+",
    b"?",
    b"*?",
    b"+?",
    b"{1,2}",
    b"{2}",
    b"[a",
    b"[^",
    b"[",
    b"]",
    b"a-c",
    br"\Q",
    br"\E",
    b"[:alpha:]",
    b"[[:^upper:]b]",
    b"(?x)",
    b"#",
    b"(?=",
    b"(?!",
    b"(?<=",
    b"(?<!",
    b"(?>",
    b"*+",
    b"++",
    br"\1",
    br"\n",
    br"\<",
    br"\0",
    br"\12",
];

/// What both take, both read alike. Which repeat of a group was the last is left out: see the
/// module's documentation.
#[test]
fn random_patterns() {
    let Some(oracle) = Oracle::pcre2() else { return };
    let mut random = Random::new(3);
    let values: Vec<Vec<u8>> = (0..120)
        .map(|_| (0..random.below(8)).map(|_| *random.one(b"aabbAB1 \n{}-]#\xe9")).collect())
        .collect();
    let mut patterns = BTreeSet::new();
    while patterns.len() < 4_000 {
        let count = 1 + random.below(9);
        let text: Vec<u8> = (0..count).flat_map(|_| random.one(PIECES).to_vec()).collect();
        if let Ok(pattern) = rewrite(&text, Case::Sensitive)
            && Engine::of(&pattern, Engines::All).is_ok()
        {
            patterns.insert(plain(&text));
        }
    }
    let patterns: Vec<_> = patterns.into_iter().collect();
    // What PCRE2 refuses is left out; the compiler of the oracle tells.
    let mut answers = Answers::new(oracle.ask(&question(&patterns, &[])));
    let (taken, refused): (Vec<_>, Vec<_>) =
        patterns.into_iter().partition(|_| answers.byte() == 1);
    assert!(refused.len() < 20, "hyphens beside classes");
    for pattern in &refused {
        eprintln!("PCRE2 refuses {}", pattern.text.escape_ascii());
    }
    let compared = compare(&oracle, &taken, &values, Engines::All);
    eprintln!("{compared:?}, {} refused", refused.len());
}

/// Strings that a pattern may match: walks through it where an automaton can run it, and bits of
/// its own text put together.
fn made_of(pattern: &crs::Regex, count: usize, random: &mut Random) -> Vec<Vec<u8>> {
    let rewritten = rewrite(&pattern.text, Case::Sensitive).unwrap();
    let hir = syntax::parse(&rewritten.text).ok();
    let mut made = Vec::new();
    for _ in 0..count {
        let mut value = Vec::new();
        match &hir {
            Some(hir) => walk(hir, random, &mut value),
            None => (0..8).for_each(|_| value.extend_from_slice(bit(&pattern.text, random))),
        }
        let bit = bit(&pattern.text, random);
        made.push(random.mutate(&value, &[bit, b"\n", b" ", b"\xe9", b"a", b"0"]));
        made.push(value);
    }
    made
}

fn bit<'a>(text: &'a [u8], random: &mut Random) -> &'a [u8] {
    let start = random.below(text.len().max(1));
    let end = (start + 1 + random.below(4)).min(text.len());
    &text[start.min(end)..end]
}

/// A string of the language of `hir`, places aside.
fn walk(hir: &Hir, random: &mut Random, out: &mut Vec<u8>) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.extend_from_slice(&literal.0),
        HirKind::Class(Class::Bytes(class)) if !class.ranges().is_empty() => {
            let range = random.one(class.ranges());
            let length = usize::from(range.end() - range.start()) + 1;
            out.push(range.start() + random.below(length) as u8);
        }
        HirKind::Class(_) => {}
        HirKind::Repetition(repetition) => {
            let least = repetition.min as usize;
            let most = repetition.max.map_or(least + 3, |max| (max as usize).min(least + 3));
            for _ in 0..least + random.below(most - least + 1) {
                walk(&repetition.sub, random, out);
            }
        }
        HirKind::Capture(capture) => walk(&capture.sub, random, out),
        HirKind::Concat(parts) => parts.iter().for_each(|part| walk(part, random, out)),
        HirKind::Alternation(parts) => walk(random.one(parts), random, out),
    }
}

/// Every pattern of every rule set here, over every string of their suites and some made of them.
#[test]
fn patterns_of_rule_sets() {
    let Some(oracle) = Oracle::pcre2() else { return };
    let mut random = Random::new(1);
    let folders = crs::folders();
    let strings: BTreeSet<_> = folders.iter().flat_map(|folder| crs::strings(folder)).collect();
    for folder in &folders {
        let patterns: Vec<_> = crs::regexes(folder).into_iter().collect();
        assert!(patterns.len() > 200, "{}: {} patterns", folder.display(), patterns.len());
        let mut values: Vec<_> = strings.iter().cloned().collect();
        values.extend(patterns.iter().flat_map(|pattern| made_of(pattern, 2, &mut random)));
        let compared = compare(&oracle, &patterns, &values, Engines::Needed);
        eprintln!("{}: {compared:?}", folder.display());
        assert_eq!(compared.spent, 0, "these values are short");
        assert!(compared.matches > compared.patterns, "what is made of patterns matches them");
        assert!(compared.pcre_errors * 10_000 < compared.patterns * compared.values);
    }
}
