//! The exclusions for known applications: what their editors send passes, in that field alone.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected should stop"
)]

mod common;

use std::collections::BTreeMap;

use common::bodies::{FORM, JSON};
use waf_core::compile::compile;
use waf_core::policy::PolicySettings;
use waf_core::record::Decision;
use waf_core::source::Source;
use waf_corpus::{Cut, Request, Runner};

const HTML: &str = "<p onclick=alert(1)>x</p><script>alert(1)</script> or 1=1 union select 1,2--";
const SQL: &str = "select 1 union select user(),2 from mysql.user where '1'='1' or sleep(1)-- ";

/// The file, and a request that it is for: path, type, body around the text, the text.
const CASES: [(&str, &str, &str, &str, &str); 8] = [
    ("wordpress", "/wp-admin/post.php", FORM, "post_ID=1&content=", HTML),
    ("wordpress", "/wp-json/wp/v2/posts/5?_locale=user", JSON, "content", HTML),
    (
        "wordpress",
        "/wp-admin/admin-ajax.php",
        FORM,
        "action=x&newcontent=",
        "<?php system($_GET['a']);",
    ),
    ("drupal", "/node/5/edit", FORM, "body[0][value]=", HTML),
    ("phpmyadmin", "/phpmyadmin/index.php", FORM, "db=a&sql_query=", SQL),
    ("grafana", "/api/ds/query", JSON, "queries/0/rawSql", SQL),
    ("grafana", "/api/datasources", JSON, "url", "http://elasticsearch:9200"),
    ("gitea", "/api/v1/repos/ann/site/issues", JSON, "body", HTML),
];

/// Runners without exclusions, and with those of each file.
fn runners() -> (Runner, BTreeMap<String, Runner>) {
    let folder = common::root().join("exclusions");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "yaml") {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            files.push((name, std::fs::read_to_string(path).unwrap()));
        }
    }
    let mut settings = vec![PolicySettings::default()];
    for (name, text) in &files {
        let read = waf_core::yaml::exclusions(&Source::new(name.as_str(), text.as_str()));
        let exclusions = read.unwrap_or_else(|reports| panic!("{reports:#?}"));
        settings.push(PolicySettings { exclusions, ..PolicySettings::default() });
    }
    let compiled = compile(common::builtin_rules(), settings).unwrap_or_else(|r| panic!("{r:#?}"));
    let (strict, lenient) = compiled.policies.split_first().unwrap();
    let names = files.into_iter().map(|(name, _)| name);
    (common::runner(strict), names.zip(lenient.iter().map(common::runner)).collect())
}

fn request(path: &str, kind: &str, field: &str, text: &str) -> Request {
    let body = match kind {
        JSON => {
            let value = field.rsplit('/').fold(serde_json::json!(text), |value, key| match key {
                "0" => serde_json::json!([value]),
                key => serde_json::json!({ key: value }),
            });
            value.to_string()
        }
        _ => {
            let escaped: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
            format!("{field}{escaped}")
        }
    };
    let raw = format!(
        "POST {path} HTTP/1.1\r\nHost: a.example\r\nUser-Agent: Mozilla/5.0\r\nContent-Type: {kind}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    Request::from_raw(raw.as_bytes(), &waf_core::limits::Limits::default())
}

#[test]
fn what_editors_send_passes_where_it_is_meant_to_be() {
    let (mut strict, mut runners) = runners();
    assert!(runners.len() > 4);
    for (file, path, kind, field, text) in CASES {
        let lenient = runners.get_mut(file).unwrap();
        let meant = request(path, kind, field, text);
        assert_eq!(strict.run(&meant, Cut::Whole).decision, Decision::Block, "{file} {field}");
        let record = lenient.run(&meant, Cut::Whole);
        assert_eq!(record.decision, Decision::Pass, "{file} {field}: {:#?}", record.matches);
        let elsewhere = request(&format!("/x{path}"), kind, field, text);
        assert_eq!(lenient.run(&elsewhere, Cut::Whole).decision, Decision::Block, "{file} {path}");
        let other =
            request(path, kind, if kind == JSON { "other_url" } else { "other_url=" }, text);
        assert_eq!(lenient.run(&other, Cut::Whole).decision, Decision::Block, "{file} {path}");
    }
}
