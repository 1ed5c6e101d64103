//! Media types: the value of Content-Type (RFC 9110 section 8.3.1).

/// A media type and its parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaType {
    /// `type/subtype` in lower case; whatever stood before the first `;`, well-formed or not.
    pub essence: Vec<u8>,
    /// The parameters in order: names in lower case, values without quotes and their escapes.
    pub parameters: Vec<(Vec<u8>, Vec<u8>)>,
    /// Something stands in it that the grammar does not allow, so that parsers may differ.
    pub malformed: bool,
}

impl MediaType {
    /// Reads a header value; what is malformed is read as far as it goes.
    pub fn parse(value: &[u8]) -> Self {
        let end = value.iter().position(|&byte| byte == b';').unwrap_or(value.len());
        let essence = said_once(&value[..end]).to_ascii_lowercase();
        let malformed = !is_essence(&essence);
        let mut media_type = Self { essence, parameters: Vec::new(), malformed };
        let mut rest = &value[end..];
        while let Some(parameter) = rest.strip_prefix(b";") {
            rest = media_type.parameter_from(parameter);
        }
        media_type
    }

    /// Whether it is this type and subtype, given in lower case.
    pub fn is(&self, essence: &str) -> bool {
        self.essence == essence.as_bytes()
    }

    /// The first value of a parameter, its name given in lower case.
    pub fn parameter(&self, name: &str) -> Option<&[u8]> {
        let found = self.parameters.iter().find(|(have, _)| have == name.as_bytes());
        found.map(|(_, value)| value.as_slice())
    }

    /// Whether back ends may read different values of a parameter: it stands more than once, or in
    /// the split form of RFC 2231 (`boundary*0=`, `charset*=`), which only some know.
    pub fn is_ambiguous(&self, name: &str) -> bool {
        let named =
            |have: &Vec<u8>| have.split(|&byte| byte == b'*').next() == Some(name.as_bytes());
        let count = self.parameters.iter().filter(|(have, _)| named(have)).count();
        count > 1 || (count == 1 && self.parameter(name).is_none())
    }

    /// Takes one parameter, returns what follows it: nothing or a `;`.
    fn parameter_from<'a>(&mut self, text: &'a [u8]) -> &'a [u8] {
        let stop = text.iter().position(|byte| matches!(byte, b'=' | b';')).unwrap_or(text.len());
        let name = text[..stop].trim_ascii().to_ascii_lowercase();
        let Some(after) = text[stop..].strip_prefix(b"=") else {
            // An empty parameter (`; ;`) is allowed, a name without value is not.
            self.malformed |= !name.is_empty();
            return &text[stop..];
        };
        self.malformed |= !is_token(&name);
        let after = after.trim_ascii_start();
        let (value, rest) = match after.strip_prefix(b"\"") {
            Some(quoted) => self.quoted(quoted),
            None => self.unquoted(after),
        };
        self.parameters.push((name, value));
        rest
    }

    fn unquoted<'a>(&mut self, text: &'a [u8]) -> (Vec<u8>, &'a [u8]) {
        let end = text.iter().position(|&byte| byte == b';').unwrap_or(text.len());
        let value = text[..end].trim_ascii_end();
        self.malformed |= !is_token(value);
        (value.to_vec(), &text[end..])
    }

    /// A quoted string behind its opening quote.
    fn quoted<'a>(&mut self, text: &'a [u8]) -> (Vec<u8>, &'a [u8]) {
        let mut value = Vec::new();
        let mut bytes = text.iter().enumerate();
        while let Some((at, &byte)) = bytes.next() {
            match byte {
                b'"' => return (value, self.after_quote(&text[at + 1..])),
                b'\\' => value.extend(bytes.next().map(|(_, &escaped)| escaped)),
                _ => value.push(byte),
            }
        }
        self.malformed = true;
        (value, b"")
    }

    fn after_quote<'a>(&mut self, text: &'a [u8]) -> &'a [u8] {
        let end = text.iter().position(|&byte| byte == b';').unwrap_or(text.len());
        self.malformed |= !text[..end].trim_ascii().is_empty();
        &text[end..]
    }
}

/// Whether every byte may stand in a token (RFC 9110 section 5.6.2), and there is one.
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&byte| is_token_byte(byte))
}

/// Whether a byte may stand in a token.
pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// `a/b` of `a/b, a/b`: one type that is said again is that type (Fetch Standard, "extract a MIME
/// type"). Different ones stay as they are written, and so does multipart, whose boundary belongs to
/// one of them only.
fn said_once(text: &[u8]) -> &[u8] {
    let mut members = text.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    let first = members.next().unwrap_or_default();
    let is_multipart = first.get(..10).is_some_and(|top| top.eq_ignore_ascii_case(b"multipart/"));
    let is_said_again = members.all(|member| member.eq_ignore_ascii_case(first));
    if is_said_again && !is_multipart { first } else { text.trim_ascii() }
}

fn is_essence(text: &[u8]) -> bool {
    let mut halves = text.splitn(2, |&byte| byte == b'/');
    halves.next().is_some_and(is_token) && halves.next().is_some_and(is_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_taken_apart() {
        type Case = (&'static str, &'static str, &'static [(&'static str, &'static str)], bool);
        let cases: &[Case] = &[
            ("text/html", "text/html", &[], false),
            (" Text/HTML ;Charset=\"utf-8\"", "text/html", &[("charset", "utf-8")], false),
            ("text/html; charset=utf-8", "text/html", &[("charset", "utf-8")], false),
            ("a/b, A/B ,a/b; c=d", "a/b", &[("c", "d")], false),
            ("a/b, a/c", "a/b, a/c", &[], true),
            ("a/b,", "a/b,", &[], true),
            ("Multipart/Mixed, multipart/mixed", "multipart/mixed, multipart/mixed", &[], true),
            ("a/b;c=d ; e=f", "a/b", &[("c", "d"), ("e", "f")], false),
            ("a/b;c=\"d;e=f\"", "a/b", &[("c", "d;e=f")], false),
            ("a/b;c=\"d\\\"e\\\\\"", "a/b", &[("c", "d\"e\\")], false),
            ("a/b;c=\"\"", "a/b", &[("c", "")], false),
            ("a/b;;c=d;", "a/b", &[("c", "d")], false),
            ("a/b;c=\"d", "a/b", &[("c", "d")], true),
            ("a/b;c=\"d\\", "a/b", &[("c", "d")], true),
            ("a/b;c=\"d\"x;e=f", "a/b", &[("c", "d"), ("e", "f")], true),
            ("a/b;c", "a/b", &[], true),
            ("a/b;c=", "a/b", &[("c", "")], true),
            ("a/b;c=d e", "a/b", &[("c", "d e")], true),
            ("a/b, c/d", "a/b, c/d", &[], true),
            ("a", "a", &[], true),
            ("", "", &[], true),
        ];
        for (text, essence, parameters, malformed) in cases {
            let found = MediaType::parse(text.as_bytes());
            let parameters: Vec<_> = parameters
                .iter()
                .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
                .collect();
            assert_eq!(found.essence, essence.as_bytes(), "{text}");
            assert_eq!(found.parameters, parameters, "{text}");
            assert_eq!(found.malformed, *malformed, "{text}");
        }
    }

    #[test]
    fn repeated_and_split_parameters_are_ambiguous() {
        let ambiguous = |text: &str| MediaType::parse(text.as_bytes()).is_ambiguous("boundary");
        assert!(!ambiguous("multipart/form-data"));
        assert!(!ambiguous("multipart/form-data; boundary=a; charset=b"));
        assert!(!ambiguous("multipart/form-data; boundary=\"a; boundary=b\""));
        assert!(ambiguous("multipart/form-data; boundary=a; Boundary=a"));
        assert!(ambiguous("multipart/form-data; boundary*0=a"));
        assert!(ambiguous("multipart/form-data; boundary=a; boundary*=b"));
    }
}
