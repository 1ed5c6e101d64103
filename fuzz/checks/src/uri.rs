//! The request target and its path.

use waf_core::parse::uri::{TargetParts, clean_path, target_findings};

use crate::percent;

/// `data` as a target: its parts stand where they say, and its path is clean.
pub fn check(data: &[u8]) {
    let parts = TargetParts::of(data);
    assert_parts(data, &parts);
    assert_clean(data);
    assert_clean(parts.path);
    for (finding, at) in target_findings(data) {
        assert!(at < data.len() as u64, "{finding:?} at {at}");
    }
}

fn assert_parts(target: &[u8], parts: &TargetParts<'_>) {
    // An absolute target without a path has one all the same: it stands nowhere.
    let root = parts.authority.is_some() && parts.path == b"/";
    let at = |from: usize, part: &[u8]| target[from..].starts_with(part);
    assert!(root || at(parts.path_at, parts.path), "{parts:?}");
    assert!(root || at(parts.path_at, parts.uri), "{parts:?}");
    assert!(at(parts.query_at, parts.query.unwrap_or_default()), "{parts:?}");
    assert!(!parts.path.iter().any(|byte| matches!(byte, b'?' | b'#')), "{parts:?}");
    assert!(!parts.uri.contains(&b'#'), "{parts:?}");
    let (name, name_at) = parts.basename();
    assert_eq!(&parts.path[name_at..], name);
    assert!(!name.iter().any(|byte| matches!(byte, b'/' | b'\\')), "{parts:?}");
}

fn assert_clean(raw: &[u8]) {
    let clean = clean_path(raw);
    let dotted = |segment: &[u8]| matches!(segment, b"." | b"..");
    if clean.path.starts_with(b"/") {
        assert!(!clean.path.split(|&byte| byte == b'/').any(dotted), "{clean:?}");
    }
    if clean.ambiguous {
        return;
    }
    // What every server resolves the same way is its plain decoding, and stays so however it is
    // spelt.
    assert_eq!(clean.path, percent::decode(raw).0);
    assert_eq!(clean_path(&encode(&clean.path)), clean);
}

/// Every byte but the separators as an escape.
fn encode(path: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    for &byte in path {
        match byte {
            b'/' | b'\\' => encoded.push(byte),
            _ => encoded.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
    encoded
}
