//! A pattern asked of a value in lower case, asked of the value as it is.
//!
//! Lower case changes bytes but never their places. So instead of making the value's lower case and
//! looking for a pattern in it, the value itself is searched: each set of bytes takes in what lower
//! case makes one of them. Most rules ask after `lowercase`, so this halves the outputs that are
//! scanned.
//!
//! ```text
//! lowercase, then  un[i1]on     is     [Uu][Nn][Ii1][Oo][Nn]
//! lowercase, then  [^A-Z]       is     any byte
//! lowercase, then  Union        never matches
//! ```

use regex_syntax::hir::{
    Capture, Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir, HirKind,
    Repetition,
};

/// Matches in a value where `pattern` matches in its lower case, with the same groups.
pub fn in_any_case(pattern: &Hir) -> Hir {
    match pattern.kind() {
        // Whether a byte is part of a word does not depend on its case.
        HirKind::Empty | HirKind::Look(_) => pattern.clone(),
        HirKind::Literal(literal) => {
            Hir::concat(literal.0.iter().map(|&byte| becomes(|low| low == byte)).collect())
        }
        HirKind::Class(Class::Bytes(class)) => {
            let holds = |low| class.ranges().iter().any(|r| (r.start()..=r.end()).contains(&low));
            becomes(holds)
        }
        // The reader makes these of byte strings that are UTF-8, such as `i|\xc4\xb1`.
        HirKind::Class(Class::Unicode(class)) => Hir::class(Class::Unicode(any_case_of(class))),
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            sub: Box::new(in_any_case(&repetition.sub)),
            ..repetition.clone()
        }),
        HirKind::Capture(capture) => {
            Hir::capture(Capture { sub: Box::new(in_any_case(&capture.sub)), ..capture.clone() })
        }
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(in_any_case).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(in_any_case).collect()),
    }
}

/// The bytes whose lower case is one of these.
fn becomes(is_one: impl Fn(u8) -> bool) -> Hir {
    let bytes = (0..=u8::MAX).filter(|byte| is_one(byte.to_ascii_lowercase()));
    Hir::class(Class::Bytes(ClassBytes::new(bytes.map(|byte| ClassBytesRange::new(byte, byte)))))
}

/// The characters whose lower case is one of these; only ASCII ones have another.
fn any_case_of(class: &ClassUnicode) -> ClassUnicode {
    let mut all = class.clone();
    all.intersect(&ClassUnicode::new([ClassUnicodeRange::new('\u{80}', char::MAX)]));
    for byte in 0..0x80_u8 {
        let low = char::from(byte.to_ascii_lowercase());
        if class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&low)) {
            all.push(ClassUnicodeRange::new(char::from(byte), char::from(byte)));
        }
    }
    all
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::automaton::syntax;
    use crate::random::Random;
    use regex_automata::meta::Regex;

    fn groups(regex: &Regex, value: &[u8]) -> Vec<Option<std::ops::Range<usize>>> {
        let mut captures = regex.create_captures();
        regex.captures(value, &mut captures);
        (0..captures.group_len()).map(|at| captures.get_group(at).map(|it| it.range())).collect()
    }

    /// By the definition: what the pattern says of the lower case.
    #[test]
    fn it_matches_where_the_pattern_matches_in_lower_case() {
        let patterns = [
            "un[i1]on(?:\\s+all)?",
            "(a|bc)+[^A-Z]d?",
            "(?i)Se[l-p]ect|Union",
            "\\b(x)\\B(?-i:y*?)[^x]",
            "^[A-C]*(b{2,3})$",
            "[\\x80-\\xff]k|[@-\\[]",
            "",
            "a(?:i|\\xc4\\xb1|X|e)o?",
        ];
        let alphabet = b"aAbBcCdDuUnNiI1oOxXyY lLsSeEtT@[\x80k";
        let (mut random, mut matched) = (Random::new(11), 0);
        for pattern in patterns {
            let hir = syntax::parse(pattern).unwrap();
            let build =
                |hir: &Hir| regex_automata::meta::Builder::new().build_from_hir(hir).unwrap();
            let (plain, any) = (build(&hir), build(&in_any_case(&hir)));
            for _ in 0..4_000 {
                let length = random.below(9);
                let mut byte = || alphabet[random.below(alphabet.len())];
                let value: Vec<u8> = (0..length).map(|_| byte()).collect();
                let expected = groups(&plain, &value.to_ascii_lowercase());
                assert_eq!(groups(&any, &value), expected, "{pattern} {value:?}");
                matched += usize::from(!expected.is_empty());
            }
        }
        assert!(matched > 2_000, "{matched}");
    }
}
