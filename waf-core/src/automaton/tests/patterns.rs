//! Patterns and texts for the tests: of our own, in the manner of attack rules, and generated.

use proptest::prelude::*;

/// Each way of writing a pattern that rules use, at least once.
pub(super) const PATTERNS: &[&str] = &[
    r"(?i)\bunion\b.{0,20}\bselect\b",
    r"(?i)union\s+(?:all\s+)?select",
    r"(?i)<script[^>]*>",
    r"(?i)<script[^>]*>.*?</script",
    r"(?i)\bon[a-z]{3,12}\s*=",
    r"(?i)(?:java|vb)script\s*:",
    r"(?:\.\./){2,5}",
    r"(?:\.\.[/\\])+etc",
    r"/etc/(?:passwd|shadow|group)\b",
    r"^/[a-z]+/",
    r"\.(?:php|asp|jsp)x?$",
    r"^GET$",
    r"^$",
    r"\A\z",
    r"",
    r"a*",
    r"a+",
    r"a+b",
    r"(?:a|b)*c",
    r"a.*b.*c",
    r"a.*?b",
    r"\b",
    r"\B",
    r"\bor\b",
    r"\bor\b\s*\d+\s*=\s*\d+",
    r"o\b|or",
    r"a\b|a-",
    r"a\B",
    r"(?:or|and)\b\W{0,3}['0-9]",
    r"['\x22]\s*(?:or|and)\s*['\x22]",
    r";\s*(?:cat|ls|id)\b",
    r"[;|&`]\s*\w+",
    r"\$\([^)]*\)",
    r"\$\{[^}]{0,10}\}",
    r"%[0-9a-f]{2}",
    r"(?:%[0-9a-f]{2}){3}",
    r"[^\x20-\x7e]",
    r"[\x80-\xff]{2}",
    r"\x00",
    r"(?-s)a.c",
    r"a.c",
    r"(?m)^a",
    r"(?m)b$",
    r"(?m)^$",
    r"(?m)^",
    r"(?mR)^a",
    r"(?mR)b$",
    r"(?mR)$",
    r"a$|b",
    r"c\z",
    r"(?:a\b)*b",
    r"(?:\ba|b){2,3}",
    r"(?:^a|b)c?",
    r"(?i)s[\s'\x22]*e[\s'\x22]*l",
    r"(?i)[a-z]{2,}\([^)]*\)",
    r"x{3,5}y?",
    r"(?:a{2,3}){2}",
    r"[ab]{4}c",
    r".{5}a",
    r"(?:ab|a)(?:c|bcd)",
    r"\b{start}a|b\b{end}",
    r"\b{start-half}a\b{end-half}",
    r"(?U)a+b",
    r"(?:(?:a|b)?c)*$",
    r"[a&&b]",
    r"--|/\*|#",
];

/// Texts in which they match, nearly match, and do not.
pub(super) fn texts() -> Vec<Vec<u8>> {
    let mut texts: Vec<Vec<u8>> = [
        "",
        "a",
        "b",
        "ab",
        "a-b",
        "\n",
        "\r\n",
        "a\nb",
        "b\r\na",
        "\n\n",
        "GET",
        "GETS",
        "aaa",
        "1 UNION all SELECT x",
        "union  select",
        "reunion selected",
        "<ScRiPt src=x>alert(1)</script>",
        "<script",
        "x onerror = alert(1)",
        "javascript :",
        "../../../etc/passwd",
        "/etc/passwds",
        "/app/index.phpx",
        "index.php?",
        "' or '1'='1",
        "or 1 = 1",
        "for 1=1",
        "; cat /x",
        "$(id)",
        "${jndi:x}",
        "%41%42%zz%41%42%43",
        "caf\u{e9} \u{4e2d}\u{6587}",
        "\0",
        "abcabcabc",
        "xxxxxy",
        "s'e\"l",
        "aabbc",
        "orange o or",
        "ba",
        "ac\n\nbc",
        "aabaaab",
        "-- /* #",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    texts.push((0..=255).collect());
    texts
}

/// A pattern over a small alphabet.
pub(super) fn pattern() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        6 => prop::sample::select(vec!["a", "b", "c", "-", r"\n", r"\r", "ab", "ca"]),
        3 => prop::sample::select(vec!["[ab]", "[^a]", ".", r"\w", r"\W", r"\s", "(?i:B)"]),
        2 => prop::sample::select(vec![
            "^", "$", r"\b", r"\B", "(?m:^)", "(?m:$)", "(?mR:^)", "(?mR:$)", r"\b{start}",
            r"\b{end}", r"\b{start-half}", r"\b{end-half}",
        ]),
        1 => Just(""),
    ]
    .prop_map(|text| format!("(?:{text})"));
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            4 => prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| parts.concat()),
            2 => prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|parts| format!("(?:{})", parts.join("|"))),
            2 => (inner.clone(), prop::sample::select(vec![
                "*", "+", "?", "*?", "+?", "{2}", "{1,3}", "{2,}", "{0,2}?",
            ])).prop_map(|(part, times)| format!("(?:{part}){times}")),
            1 => inner.prop_map(|part| format!("({part})")),
        ]
    })
}

/// A text over the alphabet of [`pattern`].
pub(super) fn text() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(b"aaabbbcc-BA\n\r _".to_vec()), 0..24)
}
