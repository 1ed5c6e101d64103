//! Where a match stood, as exclusions can name it: a path, exact or with `*` at its end, and a field
//! without the numbers of array elements.

use std::borrow::Cow;

use waf_core::field::Collection;

use super::limits;

/// The path with everything from the first part on that differs from request to request as `*`:
/// numbers, UUIDs, tokens, and what the record does not show as it was. `None` for no path.
pub fn path_pattern(recorded: &str) -> Option<Cow<'_, str>> {
    let rest = recorded.strip_prefix('/')?;
    let mut start = 1;
    for (depth, segment) in rest.split('/').enumerate() {
        let end = start + segment.len();
        let is_deep = depth >= limits::SEGMENTS || end > limits::PATH;
        let is_inner_gap = segment.is_empty() && end < recorded.len();
        if is_deep || is_inner_gap || varies(segment) {
            return Some(Cow::Owned(format!("{}*", &recorded[..start])));
        }
        start = end + 1;
    }
    Some(Cow::Borrowed(recorded))
}

/// The patterns that take in more than this one, narrowest first. `/*` is not among them: it is
/// every path.
pub fn wider(pattern: &str) -> impl Iterator<Item = &str> {
    let body = pattern.strip_suffix('*').unwrap_or(pattern);
    let own = body.trim_end_matches('/').len();
    let slashes = body.match_indices('/').map(|(at, _)| at).collect::<Vec<_>>();
    slashes.into_iter().rev().filter(move |&at| at > 0 && at < own).map(|at| &pattern[..=at])
}

/// Whether a segment of a path looks made, not named.
fn varies(segment: &str) -> bool {
    if segment == "." || segment == ".." || segment.contains(['%', '\\', '*', '…', ';']) {
        return true;
    }
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let is_number = digits > 0 && digits == segment.len();
    let is_hex = segment.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let is_token = segment.len() >= 20 && digits >= 4 && !segment.contains('.');
    is_number || (is_hex && digits > 0 && segment.len() >= 8) || is_token
}

/// The field with `[*]` for the numbers of elements; its collection where the name is no name.
pub fn field_pattern(target: &str) -> Cow<'_, str> {
    let Some((collection, name)) = target.split_once(':') else { return Cow::Borrowed(target) };
    if collection == "XML" {
        return Cow::Borrowed(target);
    }
    // In quotes a key may look like a number of an element.
    let is_json = (name.starts_with("$.") || name.starts_with("$[")) && !name.contains('\'');
    let is_name = !name.is_empty()
        && name.len() <= limits::NAME
        && !name.starts_with('/')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"$.[]_-@'".contains(&byte));
    match (is_name, is_json) {
        (false, _) => Cow::Borrowed(collection),
        (true, true) if has_number(name) => Cow::Owned(format!("{collection}:{}", starred(name))),
        (true, _) => Cow::Borrowed(target),
    }
}

fn has_number(name: &str) -> bool {
    name.as_bytes().windows(2).any(|two| two[0] == b'[' && two[1].is_ascii_digit())
}

/// `[12]` as `[*]`.
fn starred(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('[') {
        text.push_str(before);
        text.push('[');
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 && after.as_bytes().get(digits) == Some(&b']') {
            text.push('*');
            rest = &after[digits..];
        } else {
            rest = after;
        }
    }
    text + rest
}

/// The collection of a field, where it has many fields.
pub fn collection(target: &str) -> Option<&str> {
    let (name, _) = target.split_once(':')?;
    let keyed = Collection::from_name(name).is_some_and(Collection::is_keyed);
    (keyed && name != "XML").then_some(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

    use super::*;

    #[test]
    fn what_varies_ends_a_path() {
        for (recorded, pattern) in [
            ("/", "/"),
            ("/login", "/login"),
            ("/a/b.php", "/a/b.php"),
            ("/api/v2/items", "/api/v2/items"),
            ("/orders/1234", "/orders/*"),
            ("/orders/1234/lines/5", "/orders/*"),
            ("/u/0195e2a4-7c3b-7def-8123-456789abcdef/edit", "/u/*"),
            ("/v2/88025341dda01c5f/web", "/v2/*"),
            ("/api/***/envelope/", "/api/*"),
            ("/a/%2e%2e/b", "/a/*"),
            ("/a/../b", "/a/*"),
            ("/a//b", "/a/*"),
            ("/a/", "/a/"),
            ("/feedface", "/feedface"),
            ("/1/2/3/4/5/6/7/8", "/*"),
            ("/a/b/c/d/e/f/g/h", "/a/b/c/d/e/f/*"),
        ] {
            assert_eq!(path_pattern(recorded).unwrap(), pattern, "{recorded}");
        }
        assert_eq!(path_pattern("*"), None);
        assert_eq!(path_pattern(&format!("/{}", "a".repeat(500))).unwrap(), "/*");
    }

    #[test]
    fn wider_patterns_end_before_everything() {
        let all = |pattern| wider(pattern).map(|prefix| format!("{prefix}*")).collect::<Vec<_>>();
        assert_eq!(all("/a/b/c"), ["/a/b/*", "/a/*"]);
        assert_eq!(all("/a/b/*"), ["/a/*"]);
        assert_eq!(all("/a/b/"), ["/a/*"]);
        assert!(all("/a").is_empty() && all("/a/*").is_empty() && all("/").is_empty());
    }

    #[test]
    fn fields_lose_their_numbers_and_what_is_no_name() {
        for (target, pattern) in [
            ("ARGS_POST:comment", "ARGS_POST:comment"),
            ("ARGS_POST:$.events[8].extra[0]", "ARGS_POST:$.events[*].extra[*]"),
            ("ARGS_POST:$[12]", "ARGS_POST:$[*]"),
            ("ARGS_POST:$['a[1]'].b", "ARGS_POST:$['a[1]'].b"),
            ("ARGS_GET:ids[3]", "ARGS_GET:ids[3]"),
            ("ARGS_POST_NAMES:{\\x22a\\x22", "ARGS_POST_NAMES"),
            ("ARGS:/x/", "ARGS"),
            ("REQUEST_METHOD", "REQUEST_METHOD"),
            ("XML:/*", "XML:/*"),
        ] {
            assert_eq!(field_pattern(target), pattern);
        }
        assert_eq!(collection("ARGS_POST:a"), Some("ARGS_POST"));
        assert_eq!(collection("XML:/*"), None);
        assert_eq!(collection("ARGS_POST"), None);
    }
}
