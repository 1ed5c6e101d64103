//! Which fields a rule looks at: every selector compared with every name.

use waf_core::field::Collection;
use waf_core::rule::{Selector, Target, TargetKind};

use super::regexes::Regexes;

/// Whether a field is among the targets of a condition: some target names it, no `!` does.
pub fn selects(regexes: &Regexes, targets: &[Target], collection: Collection, name: &[u8]) -> bool {
    let meant = |target: &Target| {
        target.variable.collections().contains(&collection)
            && names(regexes, &target.selector, name)
    };
    let taken_away = targets.iter().any(|t| t.kind == TargetKind::Exclude && meant(t));
    !taken_away && targets.iter().any(|t| t.kind != TargetKind::Exclude && meant(t))
}

/// Whether a selector means a name.
pub(crate) fn names(regexes: &Regexes, selector: &Selector, name: &[u8]) -> bool {
    match selector {
        Selector::All => true,
        Selector::Name(text) => {
            name.eq_ignore_ascii_case(text.as_bytes())
                || seclang_name(name).is_some_and(|name| name.eq_ignore_ascii_case(text))
        }
        Selector::Regex(text) => regexes.find(&format!("(?i:{text})"), name).is_some(),
        Selector::Path(path) => match path.as_str() {
            "/*" => name.starts_with(b"/") && !name.contains(&b'@'),
            "//@*" => last_step(name).starts_with(b"@"),
            path => is_on_path(path.as_bytes(), name),
        },
    }
}

/// `$.items[0].name` as SecLang spells it: `json.items.array_0.name`. `None` for what is no JSON
/// path, or has a key that SecLang could not tell from two.
fn seclang_name(name: &[u8]) -> Option<String> {
    let path = std::str::from_utf8(name).ok()?.strip_prefix('$')?;
    if path.contains('\'') {
        return None;
    }
    let mut text = "json".to_owned();
    for c in path.chars() {
        match c {
            '[' => text.push_str(".array_"),
            ']' => {}
            c => text.push(c),
        }
    }
    Some(text)
}

fn last_step(name: &[u8]) -> &[u8] {
    name.rsplit(|&byte| byte == b'/').next().unwrap_or_default()
}

/// Whether a name is a path in which `[*]` stands for any index.
fn is_on_path(path: &[u8], name: &[u8]) -> bool {
    if let Some(rest) = path.strip_prefix(b"[*]") {
        let Some(inner) = name.strip_prefix(b"[") else { return false };
        let digits = inner.iter().take_while(|byte| byte.is_ascii_digit()).count();
        return digits > 0
            && inner[digits..].strip_prefix(b"]").is_some_and(|name| is_on_path(rest, name));
    }
    match (path.split_first(), name.split_first()) {
        (Some((a, path)), Some((b, name))) => a.eq_ignore_ascii_case(b) && is_on_path(path, name),
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_kind() {
        let regexes = Regexes::default();
        let names = |selector: &Selector, name: &[u8]| names(&regexes, selector, name);
        let name = |text: &str| Selector::Name(text.into());
        let path = |text: &str| Selector::Path(text.into());
        assert!(names(&name("User-Agent"), b"user-agent"));
        assert!(names(&name("json.items.array_0.n"), b"$.items[0].n"));
        assert!(!names(&name("json.a.b"), b"$['a.b']"));
        assert!(names(&Selector::Regex("^utm_".into()), b"UTM_x"));
        assert!(names(&path("$.i[*].n"), b"$.i[31].N"));
        assert!(!names(&path("$.i[*].n"), b"$.i[].n"));
        assert!(!names(&path("$.i[*]"), b"$.i[1].n"));
        assert!(names(&path("/*"), b"/a/b") && !names(&path("/*"), b"/a/@b"));
        assert!(names(&path("//@*"), b"/a/@b") && !names(&path("//@*"), b"/a/b"));
    }
}
