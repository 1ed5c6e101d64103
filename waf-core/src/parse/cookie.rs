//! Cookies: `name=value` pairs of a Cookie header, raw.

/// One cookie as it stands in the header value, not decoded, quotes kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cookie<'a> {
    /// What stands before the first `=`.
    pub name: &'a [u8],
    /// What stands behind it; empty without one.
    pub value: &'a [u8],
    /// Offset of the name in the header value.
    pub name_at: usize,
    /// Offset of the value in the header value.
    pub value_at: usize,
}

/// The cookies of one header value in order, duplicates too, as ModSecurity's version 0 parser
/// tells them: `;` separates, blanks before a name are dropped, a cookie without name is skipped.
pub fn cookies(header: &[u8]) -> impl Iterator<Item = Cookie<'_>> {
    let mut next_at = 0;
    header.split(|&byte| byte == b';').filter_map(move |piece| {
        let piece_at = next_at;
        next_at += piece.len() + 1;
        cookie(piece, piece_at)
    })
}

/// Joins the Cookie lines of an HTTP/2 head with `; ` into the first of them, as RFC 9113 section
/// 8.2.3 wants before anything looks at cookies.
pub fn join_crumbs(headers: &mut Vec<(Vec<u8>, Vec<u8>)>) {
    let is_cookie = |name: &[u8]| name.eq_ignore_ascii_case(b"cookie");
    let crumbs = headers.iter().filter(|(name, _)| is_cookie(name));
    let joined = crumbs.map(|(_, value)| value.as_slice()).collect::<Vec<_>>().join(&b"; "[..]);
    let mut first = true;
    headers.retain(|(name, _)| !is_cookie(name) || std::mem::take(&mut first));
    if let Some((_, value)) = headers.iter_mut().find(|(name, _)| is_cookie(name)) {
        *value = joined;
    }
}

fn cookie(piece: &[u8], piece_at: usize) -> Option<Cookie<'_>> {
    // C's isspace, as in ModSecurity: it has the vertical tab too.
    let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
    let skipped = piece.iter().take_while(|byte| blank(byte)).count();
    let text = &piece[skipped..];
    let equals = text.iter().position(|&byte| byte == b'=');
    let name = &text[..equals.unwrap_or(text.len())];
    let value = equals.map_or(&text[text.len()..], |equals| &text[equals + 1..]);
    if name.is_empty() {
        return None;
    }
    let name_at = piece_at + skipped;
    Some(Cookie { name, value, name_at, value_at: name_at + text.len() - value.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_told_raw() {
        let cases: &[(&str, &[(&str, &str)])] = &[
            ("", &[]),
            ("a=b", &[("a", "b")]),
            ("a=b; c=d", &[("a", "b"), ("c", "d")]),
            ("a=b;c=d;", &[("a", "b"), ("c", "d")]),
            ("a=1; a=2", &[("a", "1"), ("a", "2")]),
            ("a", &[("a", "")]),
            ("a=", &[("a", "")]),
            ("=b; ;;c=d", &[("c", "d")]),
            ("a=b=c", &[("a", "b=c")]),
            ("a=\"b c\"", &[("a", "\"b c\"")]),
            ("a=\"b;c=d\"", &[("a", "\"b"), ("c", "d\"")]),
            ("a=%27; b =x ", &[("a", "%27"), ("b ", "x ")]),
            ("\t\x0b a=b", &[("a", "b")]),
            ("a=b, c=d", &[("a", "b, c=d")]),
            ("$Version=1; a=b", &[("$Version", "1"), ("a", "b")]),
        ];
        for (header, expected) in cases {
            let found: Vec<_> = cookies(header.as_bytes()).collect();
            let pairs: Vec<_> = found.iter().map(|cookie| (cookie.name, cookie.value)).collect();
            let expected: Vec<_> =
                expected.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
            assert_eq!(pairs, expected, "{header}");
            for cookie in found {
                assert!(header.as_bytes()[cookie.name_at..].starts_with(cookie.name), "{header}");
                assert!(header.as_bytes()[cookie.value_at..].starts_with(cookie.value), "{header}");
            }
        }
    }

    #[test]
    fn crumbs_become_one_line_where_the_first_stood() {
        let line = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
        let mut headers =
            vec![line("cookie", "a=1"), line("x", "y"), line("cookie", "b=2"), line("Cookie", "c")];
        join_crumbs(&mut headers);
        assert_eq!(headers, [line("cookie", "a=1; b=2; c"), line("x", "y")]);
        let mut none = vec![line("x", "y")];
        join_crumbs(&mut none);
        assert_eq!(none, [line("x", "y")]);
    }
}
