//! `pinpoint report`: what is on the page, and that nothing an attacker wrote becomes markup.

use std::process::Command;

use html5gum::{Token, Tokenizer};
use serde_json::Value;

use super::harness::{Folder, pinpoint};

/// Ends whatever it may stand in, and would leave a mark on the document.
const HOSTILE: &str = "\"'></title></style></textarea>-->\
    <script>document.documentElement.setAttribute('data-run','1')</script>\
    <img src=x onerror=\"document.documentElement.setAttribute('data-run','1')\">\
    <svg onload=\"document.documentElement.setAttribute('data-run','1')\">";

/// A result whose every free text is `text`.
fn result(number: u64, label: &str, verdict: &str, score: u32, text: &str) -> Value {
    serde_json::json!({
        "number": number, "id": text, "source": text, "class": text, "label": label,
        "method": text, "path": text, "body_bytes": 100, "judge": text, "ruleset": text,
        "paranoia": 1, "verdict": verdict, "status": null, "score": score, "threshold": 5,
        "blocks_alone": false, "rules": [text], "rule_scores": [score], "body_seen": 50,
        "stop": "verdict", "inexact": [text], "cost_us": 123
    })
}

/// A decision record whose every free text is `text`.
fn record(decision: &str, score: u32, text: &str) -> Value {
    serde_json::json!({
        "time": text, "request_id": text, "client_request_id": text, "mode": "detect",
        "decision": decision, "status": 200, "source": "origin", "route": text,
        "client": {"ip": text},
        "request": {"method": text, "host": text, "path": text, "query": text,
            "content_type": text, "body_bytes": 812, "headers": [[text, text]]},
        "score": {"inbound": score, "inbound_threshold": 5, "outbound": 0, "outbound_threshold": 4},
        "matches": [{"rule_id": text, "name": text, "severity": text, "score": score,
            "paranoia": 1, "phase": "request_body", "target": text, "decode": [text], "offset": 1,
            "length": 2, "excerpt": text, "message": text, "data": text, "tags": [text],
            "file": text, "line": 1}],
        "verdict_offset": 612,
        "coverage": {"body_seen": 812, "body_total": 812, "stop": "limit",
            "inexact": [{"field": text, "what": [text]}]},
        "ruleset": text, "timing_us": {"inspect": 41, "total": 1830}
    })
}

/// The page about two runs and about records, all of them hostile.
fn hostile_page(folder: &Folder) -> String {
    let mut lines = String::new();
    for level in [1, 2] {
        for (label, verdict, score) in
            [("attack", "blocked", 8), ("attack", "passed", 2), ("benign", "blocked", 5)]
        {
            let mut line = result(0, label, verdict, score, HOSTILE);
            line["paranoia"] = level.into();
            lines += &format!("{line}\n");
        }
    }
    for decision in ["pass", "would_block"] {
        lines += &format!("{}\n", record(decision, 7, HOSTILE));
    }
    let input = folder.write("hostile.jsonl", &lines);
    let output = pinpoint(&["report", "--title", HOSTILE, "-o", "-", &input]);
    assert_eq!(output.status, Some(0), "{output:?}");
    output.stdout
}

#[test]
fn no_text_of_a_record_becomes_markup() {
    const ELEMENTS: &str = "html head meta title style body header h1 h2 h3 main section p span \
        code dl dt dd div figure figcaption svg desc path text g circle rect table caption thead \
        tbody tfoot tr th td details summary footer";
    let folder = Folder::new("report-hostile");
    let page = hostile_page(&folder);
    let (mut elements, mut texts) = (0, String::new());
    for token in Tokenizer::new(&page) {
        match token.unwrap() {
            Token::StartTag(tag) => {
                elements += 1;
                let name = String::from_utf8_lossy(&tag.name).into_owned();
                assert!(ELEMENTS.split_whitespace().any(|known| known == name), "<{name}>");
                for (attribute, value) in &tag.attributes {
                    let attribute = String::from_utf8_lossy(attribute).into_owned();
                    let is_address = ["href", "src", "style", "xlink:href"].contains(&&*attribute);
                    assert!(!attribute.starts_with("on") && !is_address, "{name} {attribute}");
                    // The only one that carries text.
                    let has_text = String::from_utf8_lossy(value).contains('<');
                    assert!(!has_text || attribute == "aria-label", "{name} {attribute}");
                }
            }
            Token::String(text) => texts += &String::from_utf8_lossy(&text),
            Token::Comment(_) | Token::Error(_) => panic!("what is this?"),
            _ => {}
        }
    }
    assert!(elements > 300, "{elements}");
    assert!(texts.matches(HOSTILE).count() > 40, "{}", texts.matches(HOSTILE).count());
}

/// The document as Chromium has it once everything has loaded; `None` where it is not installed.
fn in_chromium(folder: &Folder, name: &str, page: &str) -> Option<String> {
    let file = folder.write(name, page);
    let profile = format!("--user-data-dir={}", folder.path("profile"));
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args([&profile, "--virtual-time-budget=2000", "--dump-dom", &format!("file://{file}")])
        .output();
    let Ok(output) = output else {
        assert!(std::env::var_os("CI").is_none(), "CI has no chromium");
        eprintln!("SKIPPED: chromium is not installed");
        return None;
    };
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn nothing_runs_in_chromium() {
    let folder = Folder::new("report-chromium");
    let ran = |dom: &str| {
        let root = dom.split("<html").nth(1).unwrap().split('>').next().unwrap().to_owned();
        root.contains("data-run")
    };
    // The payload does run where nothing holds it back.
    let bare = format!("<!doctype html><html><body>{HOSTILE}</body></html>");
    let Some(dom) = in_chromium(&folder, "bare.html", &bare) else { return };
    assert!(ran(&dom), "{dom}");
    let dom = in_chromium(&folder, "page.html", &hostile_page(&folder)).unwrap();
    assert!(dom.contains("Made by Pinpoint") && !ran(&dom), "{dom}");
    assert!(!dom.contains("<script") && !dom.contains("<img"), "{dom}");
}

#[test]
fn a_page_says_what_the_results_say() {
    let folder = Folder::new("report-page");
    let lines: String = [
        result(0, "attack", "blocked", 8, "a"),
        result(1, "attack", "blocked", 5, "a"),
        result(2, "attack", "passed", 3, "a"),
        result(3, "benign", "passed", 4, "a"),
    ]
    .map(|line| format!("{line}\n"))
    .concat();
    let input = folder.write("r.jsonl", &lines);
    let page = folder.path("page.html");
    let output = pinpoint(&["report", &input, "-o", &page]);
    assert_eq!((output.status, output.stdout), (Some(0), format!("{page}: 4 requests, 1 run\n")));
    let page = folder.read("page.html");
    for said in [
        "<dt>Attacks detected</dt><dd>66.67%</dd><dd class=\"below\">2 of 3</dd>",
        "<dt>False positives</dt><dd>0.00%</dd><dd class=\"below\">0 of 1</dd>",
        "<title>threshold 3: 100.00% of attacks detected</title>",
        "<title>threshold 6: 33.33% of attacks detected</title>",
        "<title>threshold 4: 100.00% of benign requests flagged</title>",
        "<title>64 to 127 µs: 4 requests</title>",
        "Of these inspected</th><td class=\"n\">200 (50.00%)",
    ] {
        assert!(page.contains(said), "{said} is not in {page}");
    }
}

#[test]
fn what_is_no_result_is_refused_with_its_line() {
    let folder = Folder::new("report-wrong");
    let good = result(0, "attack", "blocked", 8, "a");
    let input = folder.write("w.jsonl", &format!("{good}\n{{\"id\":1}}\n"));
    let output = pinpoint(&["report", &input, "-o", "-"]);
    assert_eq!(output.status, Some(3));
    let told = "w.jsonl:2: this is neither a result of `pinpoint replay --results` nor a decision";
    assert!(output.stderr.contains(told), "{}", output.stderr);
    let empty = folder.write("e.jsonl", "");
    assert_eq!(pinpoint(&["report", &empty]).status, Some(3));
}
