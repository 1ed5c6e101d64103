//! Showing the token in a browser.

use maud::{Markup, html};

/// The page that asks for the token and goes on to `next`. `is_wrong`: the one shown was not it.
pub(super) fn page(next: &str, is_wrong: bool) -> Markup {
    html! {
        h1 { "Log in" }
        @if is_wrong { p.notice role="alert" { "This is not the token." } }
        form.login method="post" action="/console/login" {
            input type="hidden" name="next" value=(next);
            label {
                "Token"
                input type="password" name="token" required autofocus
                    autocomplete="current-password";
            }
            button { "Log in" }
        }
        p.quiet { "It is in the file that " code { "admin.token_file" } " names." }
    }
}

/// What was sent: the token, and where to go on.
pub(super) fn read(body: &[u8]) -> (String, String) {
    let (mut token, mut next) = (String::new(), String::new());
    for (key, value) in form_urlencoded::parse(body) {
        match &*key {
            "token" => token = value.trim().to_owned(),
            "next" => next = value.into_owned(),
            _ => {}
        }
    }
    (token, next)
}

/// The address to go on to, if it is one of ours: an open redirect serves phishers.
pub(super) fn ours(next: &str) -> &str {
    let is_plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let rest = next.strip_prefix("/console").filter(|_| is_plain);
    match rest {
        Some("") => next,
        Some(rest) if rest.starts_with(['/', '?']) => next,
        _ => "/console",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_are_gone_on_to() {
        for good in ["/console", "/console?rule=a", "/console/why?id=01JD"] {
            assert_eq!(ours(good), good);
        }
        for bad in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/console.evil.example",
            "/console/\r\nset-cookie: a=b",
            "/console\\@evil.example",
            "javascript:alert(1)",
        ] {
            assert_eq!(ours(bad), "/console", "{bad}");
        }
    }

    #[test]
    fn a_form_is_read() {
        let read = |body: &str| read(body.as_bytes());
        assert_eq!(read("token=+h%75sh%0A&next=%2Fconsole"), ("hush".into(), "/console".into()));
        assert_eq!(read("%ff&token"), (String::new(), String::new()));
    }
}
