//! Operators whose argument holds macros: they are asked of whole values, once it is expanded.

use memchr::memmem;
use regex_automata::meta;

use super::backtrack::Backtrack;
use super::integer::atoi;
use super::ip_match::{address, is_in};
use crate::automaton::syntax;
use crate::limits::EXPANDED_NFA_BYTES;
use crate::rule::MacroOperator;
use crate::seclang::pcre::{Case, rewrite};

/// Whether the operator holds of `value`. All bytes; an empty text is a part of any.
pub fn holds_expanded(operator: MacroOperator, argument: &[u8], value: &[u8]) -> bool {
    match operator {
        MacroOperator::Eq => atoi(value) == atoi(argument),
        MacroOperator::Ge => atoi(value) >= atoi(argument),
        MacroOperator::Gt => atoi(value) > atoi(argument),
        MacroOperator::Le => atoi(value) <= atoi(argument),
        MacroOperator::Lt => atoi(value) < atoi(argument),
        MacroOperator::Streq => value == argument,
        MacroOperator::Contains => contains(value, argument),
        MacroOperator::BeginsWith => value.starts_with(argument),
        MacroOperator::EndsWith => value.ends_with(argument),
        MacroOperator::Within => contains(argument, value),
        MacroOperator::Rx => matches(argument, value).unwrap_or(false),
        MacroOperator::IpMatch => is_in_list(argument, value),
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    memmem::find(text, part).is_some()
}

/// Whether the regex matches; `None` for one that cannot be read or is too large, which matches
/// nothing (as in ModSecurity 2).
fn matches(regex: &[u8], value: &[u8]) -> Option<bool> {
    let pattern = rewrite(regex, Case::Sensitive).ok()?;
    if pattern.backtracking.is_some() {
        return Some(Backtrack::new(&pattern.text).ok()?.find(value).holds());
    }
    let hir = syntax::parse(&pattern.text).ok()?;
    let config = meta::Config::new().utf8_empty(false).nfa_size_limit(Some(EXPANDED_NFA_BYTES));
    let regex = meta::Builder::new().configure(config).build_from_hir(&hir).ok()?;
    Some(regex.is_match(value))
}

/// Whether the value is an address in one of the networks, which commas separate.
fn is_in_list(list: &[u8], value: &[u8]) -> bool {
    let (Some(address), Ok(list)) = (address(value), std::str::from_utf8(list)) else {
        return false;
    };
    list.split(',').map(str::trim).any(|entry| {
        let single = || entry.parse::<std::net::IpAddr>().ok().map(ipnet::IpNet::from);
        entry.parse().ok().or_else(single).is_some_and(|network| is_in(&network, address))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use MacroOperator::*;

    /// Meanings are those of ModSecurity 2's reference manual.
    #[test]
    fn values_are_held_against_arguments() {
        for (operator, argument, value, expected) in [
            (Eq, "12ab", " 12", true),
            (Eq, "", "x", true),
            (Ge, "5", "5", true),
            (Gt, "5", "5", false),
            (Le, "-1", "-2", true),
            (Lt, "0", "abc", false),
            (Streq, "GET", "GET", true),
            (Streq, "GET", "get", false),
            (Contains, "", "", true),
            (Contains, "b", "abc", true),
            (Contains, "abc", "b", false),
            (BeginsWith, "", "a", true),
            (BeginsWith, "ab", "abc", true),
            (EndsWith, "bc", "abc", true),
            (EndsWith, "abcd", "bcd", false),
            (Within, "|GET|POST|", "|GET|", true),
            (Within, "|GET|POST|", "", true),
            (Within, "", "a", false),
            (Rx, "^utf-8$", "utf-8", true),
            (Rx, "^utf-8$", "utf-8\n", false),
            (Rx, r"[\x{61}[]", "a", true),
            (Rx, "a(?!b)", "ab", false),
            (Rx, "a(?!b)", "ac", true),
            (Rx, "(", "(", false),
            (Rx, "(?:a{1000}){1000}", "a", false),
            (IpMatch, "10.0.0.0/8, 192.0.2.1", "192.0.2.1", true),
            (IpMatch, "10.0.0.0/8", "::ffff:10.1.1.1", true),
            (IpMatch, "::1", "::2", false),
            (IpMatch, "no address", "10.0.0.1", false),
        ] {
            let holds = holds_expanded(operator, argument.as_bytes(), value.as_bytes());
            assert_eq!(holds, expected, "{operator:?} {argument} {value}");
        }
        assert!(holds_expanded(Rx, b"^\xe9$", b"\xe9"));
        assert!(holds_expanded(Contains, b"\xff", b"a\xff"));
    }
}
