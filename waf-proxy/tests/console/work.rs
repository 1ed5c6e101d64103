//! What an operator does: look, filter, ask why, log in.

use serde_json::json;

use super::browser::Browser;
use super::records::{morning, whole};
use super::site::Site;

const PAGES: &[(&str, &str)] = &[
    ("decisions", "/console"),
    ("overview", "/console/overview"),
    ("candidate", "/console/candidate"),
    ("exclusions", "/console/exclusions"),
    ("state", "/console/state"),
];

#[test]
fn a_morning_is_looked_through() {
    let Some(browser) = Browser::start("work") else { return };
    let site = Site::new(morning(), "error: the rules are bad\n  --> rules/a.yaml:3:1");
    for (name, path) in [
        PAGES,
        &[
            ("why", "/console/why?id=01932f5a-7b00-7000-8000-0000000003e7"),
            ("nothing", "/console?id=nobody"),
        ],
    ]
    .concat()
    {
        browser.open(&site.at(path));
        for (width, scheme) in [(400, "light"), (1_440, "light"), (1_440, "dark")] {
            look_at(&browser, name, width, scheme);
        }
    }
    // Before the first request.
    let empty = Site::new([], "");
    for (name, path) in PAGES {
        browser.open(&empty.at(path));
        look_at(&browser, &format!("empty-{name}"), 1_440, "light");
    }
    browser.width(1_440);

    browser.open(&site.at("/console?rows=1000"));
    assert_eq!(rows(&browser), 1_000);

    // By the form, then by a value of the table, then to the story.
    browser.open(&site.at("/console"));
    assert_eq!(rows(&browser), 100);
    browser.type_into("[name=rule]", "941");
    browser.click(".filter button");
    browser.wait_for("return location.search.includes('rule=941')");
    assert!(browser.text().contains("154 of 1000 in memory"), "{}", browser.text());
    browser.click("td.request a");
    browser.wait_for("return location.search.includes('path=%2Fsearch')");
    browser.click("td.time a");
    browser.wait_for("return location.pathname === '/console/why'");
    assert!(browser.text().contains("941100"));

    // One click marks an id, whole.
    browser.click("dl.facts code.copy");
    let marked = browser.run("return String(getSelection())", &[]);
    assert!(browser.address().ends_with(marked.as_str().unwrap()), "{marked}");

    // A new decision comes by itself, and not to a page that is paused.
    browser.open(&site.at("/console"));
    let mut fresh = whole(1_001);
    fresh["request"]["host"] = json!("fresh.example");
    site.decide(serde_json::from_value(fresh.clone()).unwrap());
    browser.wait_for("return document.body.textContent.includes('fresh.example')");
    browser.open(&site.at("/console?live=off"));
    fresh["request"]["host"] = json!("later.example");
    site.decide(serde_json::from_value(fresh).unwrap());
    std::thread::sleep(std::time::Duration::from_secs(4));
    assert!(!browser.text().contains("later.example"));

    // Without a script the browser renews the page itself, and everything is a link or a form.
    browser.tools("Emulation.setScriptExecutionDisabled", &json!({"value": true}));
    browser.open(&site.at("/console"));
    browser.type_into("[name=path]", "/login");
    browser.click(".filter button");
    browser.wait_for_address("path=%2Flogin");
}

/// A page that fits into the window and of which the browser does not complain.
fn look_at(browser: &Browser, name: &str, width: u32, scheme: &str) {
    browser.picture(name, width, scheme);
    let wide = browser.run("return document.documentElement.scrollWidth", &[]);
    assert!(wide.as_u64().unwrap() <= u64::from(width), "{name} at {width}: {wide}");
    assert_eq!(browser.complaints(), [""; 0], "{name}");
}

fn rows(browser: &Browser) -> u64 {
    browser.run("return document.querySelectorAll('tbody tr').length", &[]).as_u64().unwrap()
}
