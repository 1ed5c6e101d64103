#![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

use std::sync::Arc;

use waf_core::record::{Decision, DecisionRecord, Source};

use crate::admin::Admin;
use crate::admin::tests::{Fake, admin_of, ask, ask_with, body};
use crate::answer::Answer;
use crate::story::Story;
use crate::test_record::{blocked, passed};

const PAGES: [&str; 6] = [
    "/console",
    "/console/overview",
    "/console/candidate",
    "/console/exclusions",
    "/console/state",
    "/console/why?id=n0",
];

fn local(records: impl IntoIterator<Item = DecisionRecord>) -> Admin {
    admin_of("127.0.0.1:9090", None, Arc::default(), records)
}

fn remote() -> Admin {
    admin_of("0.0.0.0:9090", Some("hush"), Arc::default(), [blocked("n0")])
}

fn get(admin: &Admin, path: &str) -> String {
    let answer = ask(admin, "GET", path, &[]);
    assert_eq!(answer.status(), 200, "{path}");
    body(&answer)
}

fn status(admin: &Admin, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
    ask(admin, method, path, headers).status().as_u16()
}

fn log_in(admin: &Admin, token: &str) -> Answer {
    let form = format!("token={token}&next=%2Fconsole%2Fstate");
    ask_with(admin, "POST", "/console/login", &[], form.as_bytes())
}

/// The cookie as the browser sends it back.
fn cookie(answer: &Answer) -> String {
    let set = answer.headers()["set-cookie"].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

#[test]
fn pages_are_html_under_a_strict_policy() {
    let admin = local([blocked("n0")]);
    for path in PAGES {
        let answer = ask(&admin, "GET", path, &[]);
        assert_eq!(answer.status(), 200, "{path}");
        let header = |name: &str| answer.headers()[name].to_str().unwrap();
        assert_eq!(header("content-type"), "text/html; charset=utf-8");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(header("content-security-policy").split("; ").any(|one| one == part), "{part}");
        }
        assert!(!header("content-security-policy").contains("unsafe"));
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("referrer-policy"), "same-origin");
        let page = body(&answer);
        assert!(page.starts_with("<!DOCTYPE html>") && page.contains("<h1"), "{path}");
        // What the policy would refuse.
        for refused in [" style=", "<style", " onclick=", "<script>", "javascript:"] {
            assert!(!page.contains(refused), "{path}: {refused}");
        }
    }
    assert_eq!(ask(&admin, "GET", "/", &[]).headers()["location"], "/console");
    assert_eq!(status(&admin, "GET", "/console/nothing", &[]), 404);
    assert_eq!(status(&admin, "GET", "/consolation", &[]), 404);
    assert_eq!(status(&admin, "GET", "/console?colour=red", &[]), 400);
    assert_eq!(status(&admin, "GET", "/console/why?id=n1", &[]), 404);
}

#[test]
fn a_filter_shows_what_is_like_it() {
    let mut other = passed("n1");
    (other.source, other.status, other.route) = (Source::Proxy, Some(502), "shop".into());
    let admin = local([blocked("n0"), other]);
    let shown = |query: &str| {
        let page = get(&admin, &format!("/console?{query}"));
        ["n0", "n1"].map(|id| page.contains(&format!("<code>{id}</code>")))
    };
    assert_eq!(shown(""), [true, true]);
    assert_eq!(shown("decision=block"), [true, false]);
    assert_eq!(shown("source=proxy"), [false, true]);
    assert_eq!(shown("route=shop"), [false, true]);
    assert_eq!(shown("rule=sqli-"), [true, false]);
    assert_eq!(shown("client=203.0.113.0%2F24&path=%2Flogin"), [true, true]);
    assert_eq!(shown("id=n1"), [false, true]);
    assert_eq!(shown("id=n2"), [false, false]);
}

/// The address behind "Older".
fn older(page: &str) -> Option<String> {
    let link = page.split("rel=\"next\" href=\"").nth(1)?.split('"').next()?;
    Some(link.replace("&amp;", "&"))
}

#[test]
fn pages_of_older_records_show_each_once() {
    let admin = local((0..1_010).map(|index| blocked(&format!("n{index}"))));
    for rows in [100, 1_000] {
        let mut next = Some(format!("/console?decision=block&rows={rows}"));
        let mut ids: Vec<String> = Vec::new();
        while let Some(path) = next {
            let page = get(&admin, &path);
            let found = page.split("<td class=\"id\"><code>").skip(1);
            ids.extend(found.map(|rest| rest.split('<').next().unwrap().to_owned()));
            next = older(&page);
        }
        let expected: Vec<String> = (10..1_010).rev().map(|index| format!("n{index}")).collect();
        assert_eq!(ids, expected);
    }
    assert!(get(&admin, "/console?before=n3").contains("have left the memory"));
}

#[test]
fn a_page_of_the_past_stands_still() {
    let admin = local((0..150).map(|index| blocked(&format!("n{index}"))));
    let is_live = |path: &str| {
        let page = get(&admin, path);
        assert_eq!(page.contains(" data-live"), page.contains("http-equiv=\"refresh\""));
        page.contains(" data-live")
    };
    assert!(is_live("/console"));
    assert!(!is_live("/console?live=off"));
    assert!(!is_live("/console?before=n100"));
    assert!(!is_live("/console/why?id=n0"));
}

#[test]
fn the_story_is_the_one_that_the_command_tells() {
    let record = blocked("n0");
    let page = get(&local([record.clone()]), "/console/why?id=n0");
    let story = Story::of(&record);
    assert!(!story.rules.is_empty() && !story.inspected.is_empty());
    for rule in story.rules {
        assert!(page.contains(&rule.id) && page.contains(&rule.weight));
        for (word, value) in rule.facts {
            assert!(
                page.contains(&format!("<dt>{word}</dt><dd><bdi>{value}</bdi></dd>")),
                "{word}"
            );
        }
    }
    for sentence in story.inspected {
        assert!(page.contains(&sentence));
    }
    assert!(page.contains("Pinpoint answered 403: the inbound score 5 reached the threshold 5."));
    assert!(
        page.contains("- rule: sqli-union-select\n  targets: [&quot;ARGS_POST:$.user.name&quot;]")
    );
}

#[test]
fn scores_are_counted_and_the_threshold_is_marked() {
    let mut would = blocked("n1");
    (would.decision, would.score.inbound) = (Decision::WouldBlock, 40);
    let page = get(&local([blocked("n0"), would, blocked("n2")]), "/console/overview");
    assert!(page.contains("score 5: 0 pass, 0 would block, 2 block"));
    assert!(page.contains("score 30+: 0 pass, 1 would block, 0 block"));
    assert!(page.contains("threshold 5"));
    let rule = "<bdi>sqli-union-select</bdi></a></td><td class=\"number\">3</td>";
    assert!(page.contains(rule) && page.contains("href=\"/console?rule=sqli-union-select\""));
}

#[test]
fn what_must_not_be_overlooked_is_on_every_page() {
    let control = Arc::new(Fake { refuses: true, ..Fake::default() });
    let admin = admin_of("127.0.0.1:9090", None, control, [blocked("n0")]);
    for path in PAGES {
        let page = get(&admin, path);
        assert!(page.contains("takes no new requests") && page.contains("was refused"), "{path}");
        assert!(!get(&local([blocked("n0")]), path).contains("class=\"notice\""), "{path}");
    }
    let page = get(&admin, "/console/state");
    assert!(page.contains("error: the rules are &lt;bad&gt;"));
    assert!(page.contains("<dt>Waiting</dt><dd>0 of 8192</dd>"));
}

#[test]
fn off_loopback_a_browser_shows_the_token_once() {
    let admin = remote();
    for path in PAGES {
        let answer = ask(&admin, "GET", path, &[]);
        assert_eq!(answer.status(), 401, "{path}");
        let page = body(&answer);
        assert!(page.contains("type=\"password\"") && !page.contains("n0</code>"), "{path}");
    }
    for wrong in ["", "no", "hus", "hushh", "HUSH"] {
        let answer = log_in(&admin, wrong);
        assert_eq!(answer.status(), 401, "{wrong}");
        assert!(!answer.headers().contains_key("set-cookie"));
        assert!(body(&answer).contains("This is not the token."));
    }
    let answer = log_in(&admin, "hush");
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["location"].as_bytes()),
        (303, &&b"/console/state"[..])
    );
    let cookie = cookie(&answer);
    for path in PAGES {
        assert_eq!(status(&admin, "GET", path, &[("cookie", &cookie)]), 200, "{path}");
        assert_eq!(status(&admin, "GET", path, &[("authorization", "Bearer hush")]), 200);
        assert_eq!(status(&admin, "GET", path, &[("authorization", "Bearer no")]), 401);
    }
    // The style sheet is on the page that asks for the token.
    assert_eq!(status(&admin, "GET", "/console/style.css", &[]), 200);
}

#[test]
fn a_session_opens_the_console_alone() {
    let admin = remote();
    let cookie = cookie(&log_in(&admin, "hush"));
    let session = [("cookie", cookie.as_str()), ("x-pinpoint", "1")];
    for path in ["/metrics", "/records/n0", "/version"] {
        assert_eq!(status(&admin, "GET", path, &session), 401, "{path}");
    }
    assert_eq!(status(&admin, "POST", "/-/reload", &session), 401);
}

#[test]
fn a_session_ends_by_a_post() {
    let admin = remote();
    let cookie = cookie(&log_in(&admin, "hush"));
    let session = [("cookie", cookie.as_str())];
    assert_eq!(status(&admin, "GET", "/console/logout", &session), 405);
    assert_eq!(status(&admin, "GET", "/console", &session), 200);
    let answer = ask(&admin, "POST", "/console/logout", &session);
    assert!(answer.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(status(&admin, "GET", "/console", &session), 401);
}

#[test]
fn other_sites_and_names_are_refused_whatever_they_show() {
    let admin = remote();
    let cookie = cookie(&log_in(&admin, "hush"));
    for (name, value, expected) in [
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
        ("origin", "http://evil.example", 403),
        ("origin", "null", 403),
        ("host", "evil.example", 421),
    ] {
        for path in PAGES {
            let headers = [("cookie", cookie.as_str()), (name, value)];
            assert_eq!(status(&admin, "GET", path, &headers), expected, "{path} {name}: {value}");
        }
        let headers = [(name, value)];
        let answer = ask_with(&admin, "POST", "/console/login", &headers, b"token=hush");
        assert_eq!(answer.status(), expected, "{name}: {value}");
        assert!(!answer.headers().contains_key("set-cookie"));
    }
}

#[test]
fn pages_take_no_other_method() {
    let admin = local([blocked("n0")]);
    for path in PAGES.into_iter().chain(["/", "/console/style.css"]) {
        for method in ["POST", "PUT", "DELETE"] {
            assert_eq!(
                status(&admin, method, path, &[("x-pinpoint", "1")]),
                405,
                "{method} {path}"
            );
        }
    }
    assert!(ask(&admin, "HEAD", "/console", &[]).body().is_empty());
}
