//! Attacks that a record holds stay text: in every field, on every page, whatever the browser makes
//! of it.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};
use waf_core::record::DecisionRecord;

use super::browser::Browser;
use super::records::whole;
use super::site::Site;

/// Breaks out of a text, an attribute in quotes of either kind, a script, a style and a comment.
const ATTACK: &str = "'\"></bdi></textarea></title></style></script>--><script>window.pwned=1</script>\
    <img src=x onerror=window.pwned=1><svg onload=window.pwned=1></svg>\
    <a href=javascript:window.pwned=1 autofocus onfocus=window.pwned=1>";

/// Words that are no text of anybody's but ours, whatever stands before them.
const OURS: [&str; 6] = ["/mode", "/decision", "/source", "/stop", "/result", "/alphabet"];

/// What the attack would leave in a page: a mark, a script, a handler, an address that is a script.
const TRACES: &str = "return [window.pwned !== undefined, document.scripts.length > 1,
    document.querySelectorAll('[onerror],[onload],[onfocus],main img,main iframe,main svg[onload]').length > 0,
    [...document.querySelectorAll('[href],[src],[action]')].some(one =>
        /^javascript:/i.test(one.href) || /^javascript:/i.test(one.src))]";

/// Every text of a record replaced by an attack and its own place.
fn hostile(value: &mut Value, place: &str) {
    match value {
        Value::String(text) if !OURS.iter().any(|ours| place.ends_with(ours)) => {
            *text = attack(place);
        }
        Value::Array(list) => {
            list.iter_mut()
                .enumerate()
                .for_each(|(at, one)| hostile(one, &format!("{place}/{at}")));
        }
        Value::Object(map) => {
            map.iter_mut().for_each(|(name, one)| hostile(one, &format!("{place}/{name}")));
        }
        _ => {}
    }
}

fn attack(place: &str) -> String {
    format!("{ATTACK}[{place}]")
}

/// Every place that `hostile` has changed.
fn places(value: &Value, place: &str) -> Vec<String> {
    match value {
        Value::String(text) if text.starts_with(ATTACK) => vec![place.to_owned()],
        Value::Array(list) => list
            .iter()
            .enumerate()
            .flat_map(|(at, one)| places(one, &format!("{place}/{at}")))
            .collect(),
        Value::Object(map) => {
            map.iter().flat_map(|(name, one)| places(one, &format!("{place}/{name}"))).collect()
        }
        _ => Vec::new(),
    }
}

/// The addresses of all pages that show a record, or what the address itself says.
fn pages(id: &str) -> Vec<String> {
    let attack: String = form_urlencoded::byte_serialize(attack("address").as_bytes()).collect();
    let short: String = form_urlencoded::byte_serialize(&ATTACK.as_bytes()[..100]).collect();
    let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    let mut pages: Vec<String> = ["", "/overview", "/candidate", "/exclusions", "/state"]
        .map(|page| format!("/console{page}"))
        .into();
    pages.push(format!("/console/why?id={id}"));
    pages.push(format!("/console/why?id={attack}"));
    pages.push(format!("/console?{attack}=1"));
    pages.push(format!("/console?decision={short}"));
    for key in ["route", "rule", "client", "path", "id", "before"] {
        pages.push(format!("/console?{key}={short}"));
    }
    pages
}

#[test]
fn attacks_in_records_stay_text() {
    let Some(browser) = Browser::start("inert") else { return };
    let mut value = whole(0);
    hostile(&mut value, "");
    let places = places(&value, "");
    assert!(places.len() > 30, "{places:?}");
    // Twice: two are enough for an exclusion to be proposed.
    let record: DecisionRecord = serde_json::from_value(value).unwrap();
    let site = Site::new([record.clone(), record.clone()], &attack("proxy"));
    for page in pages(&record.request_id) {
        browser.open(&site.at(&page));
        assert_eq!(browser.run(TRACES, &[]), json!([false, false, false, false]), "{page}");
        assert!(!browser.has_dialog(), "{page}");
        let said = browser.complaints();
        assert!(
            said.iter().all(|one| !one.contains("Content Security Policy")),
            "{page}: {said:?}"
        );
    }
    // The pages do hold it: the story names every field.
    let story = format!("/console/why?id={}", encoded(&record.request_id));
    browser.open(&site.at(&story));
    let text = browser.text();
    for place in &places {
        assert!(text.contains(&format!("[{place}]")), "{place} is not on the page");
    }
    browser.picture("hostile-why", 1_440, "light");
    browser.open(&site.at("/console"));
    let shown = browser.text();
    for place in
        ["/time", "/request_id", "/route", "/client/ip", "/request/path", "/matches/0/rule_id"]
    {
        assert!(shown.contains(&attack(place)), "{place} is not in the table");
    }
    browser.picture("hostile-decisions", 1_440, "light");

    // Renewing the page parses it again.
    let mut fresh = record.clone();
    fresh.request.method = "FRESH".into();
    site.decide(fresh);
    browser.wait_for("return document.body.textContent.includes('FRESH')");
    assert_eq!(browser.run(TRACES, &[]), json!([false, false, false, false]));

    // Were escaping forgotten, the policy would still stop it.
    browser.run(
        "document.querySelector('main').insertAdjacentHTML('beforeend', arguments[0])",
        &[ATTACK],
    );
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(browser.run("return window.pwned === undefined", &[]), json!(true));
    let said = browser.complaints();
    assert!(said.iter().any(|one| one.contains("Content Security Policy")), "{said:?}");

    // And the attack is one: without escaping and policy it works.
    browser.open(&defenceless());
    browser.wait_for("return window.pwned === 1");
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// A page that shows the attack as it is.
fn defenceless() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4_096]);
            let body = format!("<!DOCTYPE html><p title=\"{ATTACK}\">");
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close";
            let _ = write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        }
    });
    format!("http://{address}/")
}
