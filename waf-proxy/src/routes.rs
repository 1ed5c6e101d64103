//! Which route serves a request: the first in file order that matches host, path and method.

use waf_core::parse::head::RequestHead;
use waf_core::parse::uri::{TargetParts, clean_path};

use crate::settings::{HostMatch, PathMatch, Route};

/// The index of the route that serves this head.
pub fn find(routes: &[Route], head: &RequestHead) -> Option<usize> {
    let target = TargetParts::of(&head.target);
    let host = bare_host(target.authority.or_else(|| head.value("host")).unwrap_or_default());
    let path = clean_path(target.path).path;
    routes.iter().position(|route| {
        route.host.serves(&host)
            && route.path.serves(&path)
            && (route.match_methods.is_empty()
                || route.match_methods.iter().any(|method| method.as_bytes() == head.method))
    })
}

impl HostMatch {
    fn serves(&self, host: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(name) => host == name.as_bytes(),
            Self::Suffix(end) => host.len() > end.len() && host.ends_with(end.as_bytes()),
        }
    }
}

impl PathMatch {
    fn serves(&self, path: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => path == exact.as_bytes(),
            Self::Prefix(start) => path.starts_with(start.as_bytes()),
        }
    }
}

/// A host in lower case, without user, port and the dot of the root.
fn bare_host(authority: &[u8]) -> Vec<u8> {
    let host = authority.rsplit(|byte| *byte == b'@').next().unwrap_or_default();
    let host = match (host.first(), host.iter().position(|byte| *byte == b']')) {
        (Some(b'['), Some(end)) => &host[..=end],
        _ => host.split(|byte| *byte == b':').next().unwrap_or_default(),
    };
    host.strip_suffix(b".").unwrap_or(host).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_lose_what_does_not_name_them() {
        for (given, bare) in [
            ("Shop.Example:8080", "shop.example"),
            ("shop.example.", "shop.example"),
            ("u:p@shop.example", "shop.example"),
            ("[::1]:80", "[::1]"),
            ("", ""),
        ] {
            assert_eq!(bare_host(given.as_bytes()), bare.as_bytes(), "{given}");
        }
    }

    #[test]
    fn a_wildcard_needs_a_label() {
        let wildcard = HostMatch::Suffix(".example.com".into());
        assert!(wildcard.serves(b"a.example.com"));
        assert!(!wildcard.serves(b".example.com"));
        assert!(!wildcard.serves(b"badexample.com"));
    }
}
