#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test should stop where it fails")]

use std::collections::BTreeMap;
use std::time::Duration;

use ipnet::IpNet;
use waf_core::policy::{OnPartial, Override, OverrideScope, ResponseBody, ResponsePolicy};
use waf_core::rule::RuleMode;

use super::*;
use crate::settings::{HoldFull, HostMatch, PathMatch};

type Map = BTreeMap<PathBuf, String>;

/// Every key with the default that `pinpoint.yaml` documents.
const DEFAULTS: &str = r#"
mode: block
threads: 0
on_error: block
rules: [builtin]
exclusions: []
overrides: {}
scoring: {inbound_threshold: 5, outbound_threshold: 4, paranoia: 1, detection_paranoia: 1}
listeners:
  - {address: "127.0.0.1:8080"}
admin: {address: "127.0.0.1:9090", token_file: null, hosts: [localhost, "127.0.0.1", "[::1]"]}
clients: {trusted_proxies: [], allow: [], deny: []}
upstreams:
  app: {servers: ["127.0.0.1:3000"], tls: null, host: preserve, connect: 3s, read: 60s, write: 60s, idle: 60s, retries: 1}
routes:
  - {name: default, match: {}, upstream: app, websocket: deny}
methods: [GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS]
body: {hold: 128KiB, hold_unknown_length: 48KiB, hold_total: 64MiB, hold_full: stream, on_partial: pass}
limits:
  {in_flight: 2048, url: 8KiB, header_bytes: 64KiB, headers: 100, body: none, fields: 10000, field_name: 1KiB, field_window: 128KiB, depth: 64, parts: 1000, part_headers: 8KiB,
   inflate_ratio: 100, record_matches: 100, h2_streams: 100}
timeouts: {header: 10s, body_gap: 30s, body_min_rate: 500B/s, keepalive: 60s, drain: 2s, stop: 10s}
response: {headers: true, body: "off", types: [text/html, text/plain, text/xml, application/json]}
audit: {log: relevant, file: pinpoint-audit.jsonl, stdout: false, headers: [user-agent, content-type], queue: 8192, on_full: drop, record: 32KiB}
masking:
  {query_values: true, fields: ['/passw|secret|token|api.?key|card|cvv|iban|ssn/'], headers: [authorization, proxy-authorization, cookie, set-cookie, x-api-key], patterns: [card, jwt, bearer], excerpt: 64B}
block_page: {status: 403, reveal_rules: false, html: null, retry_after: null}
"#;

const APP: &str = "upstreams: {app: {servers: [\"127.0.0.1:3000\"]}}\n";

fn load_with(command_line: &CommandLine, files: &[(&str, &str)]) -> Result<Config, Vec<Report>> {
    let files: Map =
        files.iter().map(|(name, text)| (PathBuf::from(name), (*text).to_owned())).collect();
    Config::load(&files, Some(Path::new("etc/p.yaml")), command_line)
}

/// Loads a file that names the usual upstream.
fn load(text: &str) -> Config {
    let text = format!("{APP}{text}");
    load_with(&CommandLine::default(), &[("etc/p.yaml", &text)])
        .unwrap_or_else(|reports| panic!("{}", all(&reports)))
}

fn all(reports: &[Report]) -> String {
    reports.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// What is complained about in a file that names the usual upstream.
fn complaints(text: &str) -> String {
    complaints_of(&format!("{APP}{text}"), &[])
}

fn complaints_of(text: &str, others: &[(&str, &str)]) -> String {
    let files = [&[("etc/p.yaml", text)], others].concat();
    match load_with(&CommandLine::default(), &files) {
        Ok(config) => panic!("accepted: {config:?}"),
        Err(reports) => all(&reports),
    }
}

#[test]
fn the_documented_defaults_are_the_defaults() {
    let written = load_with(&CommandLine::default(), &[("etc/p.yaml", DEFAULTS)]).unwrap();
    let silent = load("threads: 0\n");
    let show = |config: &Config| {
        let config = format!("{config:#?}");
        // The places differ, nothing else may.
        config.lines().filter(|line| !line.contains("span")).collect::<Vec<_>>().join("\n")
    };
    let without_source = |mut config: Config| {
        config.source = None;
        config.rules.iter_mut().for_each(|rule| rule.span = None);
        config.rules.iter_mut().for_each(|rule| rule.path = PathBuf::from(&rule.text));
        config
    };
    assert_eq!(show(&without_source(written)), show(&without_source(silent)));
}

#[test]
fn without_a_file_the_demo_runs() {
    let config = Config::load(&Map::new(), None, &CommandLine::default()).unwrap();
    assert!(config.has_demo());
    assert_eq!(config.listeners[0].address.to_string(), "127.0.0.1:8080");
    assert_eq!(config.admin.address.to_string(), "127.0.0.1:9090");
    assert_eq!(config.routes.len(), 1);
    assert_eq!(config.rules[0].text, "builtin");
}

#[test]
fn a_file_without_upstreams_protects_nothing() {
    assert!(complaints_of("mode: block\n", &[]).contains("no upstream"));
}

#[test]
fn the_command_line_stands_over_the_file() {
    let text = format!(
        "{APP}mode: detect\nrules: [own]\naudit: {{file: a.jsonl}}\n\
         listeners: [{{address: \"127.0.0.1:1\"}}]\nroutes: [{{name: all, upstream: app}}]\n"
    );
    let command_line = CommandLine {
        listen: Some("127.0.0.1:2".parse().unwrap()),
        upstream: Some("https://127.0.0.1:3".into()),
        mode: Some(Mode::Block),
        rules: vec!["builtin".into(), "more.yaml".into()],
        audit_log: Some("b.jsonl".into()),
    };
    let config = load_with(&command_line, &[("etc/p.yaml", &text)]).unwrap();
    assert_eq!(config.listeners[0].address.port(), 2);
    assert_eq!(config.upstreams[0].servers[0].port(), 3);
    assert!(config.upstreams[0].tls.is_some());
    assert_eq!(config.routes[0].upstream, config.upstreams[0].name);
    assert_eq!(config.routes[0].settings.policy.mode, Mode::Block);
    assert_eq!(config.rules[1].path, PathBuf::from("more.yaml"));
    assert_eq!(config.audit.file, Some("b.jsonl".into()));
}

#[test]
fn route_beats_global_and_the_emergency_switch_beats_both() {
    let text = format!(
        "{APP}mode: detect\nroutes:\n- {{name: a, upstream: app, mode: block}}\n- {{name: b, upstream: app}}\n"
    );
    let modes = |mode: Option<Mode>| {
        let command_line = CommandLine { mode, ..CommandLine::default() };
        let config = load_with(&command_line, &[("etc/p.yaml", &text)]).unwrap();
        config.routes.iter().map(|route| route.settings.policy.mode).collect::<Vec<_>>()
    };
    assert_eq!(modes(None), [Mode::Block, Mode::Detect]);
    assert_eq!(modes(Some(Mode::Block)), [Mode::Block, Mode::Block]);
    assert_eq!(modes(Some(Mode::Detect)), [Mode::Detect, Mode::Detect]);
}

#[test]
fn a_route_changes_what_it_names_and_inherits_the_rest() {
    let config = load(
        "limits: {fields: 50, depth: 5}\nscoring: {inbound_threshold: 10}\nexclusions: [all.yaml]\n\
         overrides: {class:scanners: {mode: detect}}\nresponse: {headers: false}\n\
         routes:\n- name: up\n  upstream: app\n  match: {host: \"*.Shop.example\", path: /up/*, methods: [POST]}\n  \
         limits: {fields: 60, body: 5GiB}\n  scoring: {paranoia: 2}\n  exclusions: [own.yaml]\n  \
         overrides: {\"100200\": {score: 2}}\n  websocket: allow\n  methods: [POST]\n  body: {hold: 64KiB}\n",
    );
    let route = &config.routes[0];
    assert_eq!(route.host, HostMatch::Suffix(".shop.example".into()));
    assert_eq!(route.path, PathMatch::Prefix("/up/".into()));
    assert_eq!(route.methods, ["POST"]);
    let policy = &route.settings.policy;
    assert_eq!((policy.limits.fields, policy.limits.depth), (60, 5));
    assert_eq!(policy.limits.body, Some(5 << 30));
    assert_eq!((policy.limits.hold, policy.limits.field_window), (64 << 10, 64 << 10));
    assert_eq!((policy.inbound_threshold, policy.paranoia, policy.detection_paranoia), (10, 2, 2));
    assert!(route.settings.websocket && !policy.response.headers);
    let exclusions: Vec<_> = route.settings.exclusions.iter().map(|e| e.path.clone()).collect();
    assert_eq!(exclusions, [Path::new("etc/all.yaml"), Path::new("etc/own.yaml")]);
    let scanners = OverrideScope::Class("scanners".into());
    let of = |scope, mode, score| Override { scope, mode, score, span: None };
    let expected = [
        of(scanners, Some(RuleMode::Detect), None),
        of(OverrideScope::Rule("100200".into()), None, Some(2)),
    ];
    let spanless = |change: &Override| Override { span: None, ..change.clone() };
    assert_eq!(policy.overrides.iter().map(spanless).collect::<Vec<_>>(), expected);
    assert_eq!(config.global.policy.limits.fields, 50);
}

#[test]
fn everything_wrong_is_told_at_once_with_its_place() {
    let told = complaints("scoring: {paranoia: 5}\nlimits: {depth: 0}\n");
    assert!(told.contains("`paranoia` is 5: it must be from 1 to 4"), "{told}");
    assert!(told.contains("`depth` is 0: it must be from 1 to 1000"), "{told}");
    assert!(told.contains("--> etc/p.yaml:2:"), "{told}");
    assert!(told.contains("--> etc/p.yaml:3:"), "{told}");
}

#[test]
fn unknown_keys_and_words_are_errors() {
    for text in [
        "tread: 1\n",
        "limits: {url_length: 1KiB}\n",
        "mode: blok\n",
        "routes: [{name: a, upstream: app, limit: {}}]\n",
        "timeouts: {header: 10}\n",
        "limits: {url: 8KB}\n",
    ] {
        assert!(complaints(text).contains("etc/p.yaml:2:"), "{text}");
    }
}

#[test]
fn wrong_meanings_are_errors() {
    for (text, told) in [
        ("listeners: []\n", "no listener"),
        ("listeners: [{address: \"1.2.3.4:5\"}, {address: \"1.2.3.4:5\"}]\n", "listened on twice"),
        ("listeners: [{address: \"127.0.0.1:9090\"}]\n", "is a listener for traffic, too"),
        ("listeners: [{address: \"1.2.3.4:5\", tls: {cert: c.pem}}]\n", "both `cert` and `key`"),
        ("routes: []\n", "no route"),
        ("routes: [{upstream: app}]\n", "needs a `name`"),
        ("routes: [{name: a}]\n", "needs an `upstream`"),
        ("routes: [{name: a, upstream: ap}]\n", "there is no upstream `ap`"),
        ("routes: [{name: a, upstream: app}, {name: a, upstream: app}]\n", "two routes"),
        ("routes: [{name: a, upstream: app, match: {host: \"a*\"}}]\n", "is no host"),
        ("routes: [{name: a, upstream: app, match: {host: \"a:80\"}}]\n", "is no host"),
        ("routes: [{name: a, upstream: app, match: {path: \"/a*b\"}}]\n", "is no path"),
        ("routes: [{name: a, upstream: app, body: {hold_total: 1GiB}}]\n", "for all routes"),
        ("routes: [{name: a, upstream: app, limits: {in_flight: 1}}]\n", "for all routes"),
        ("methods: [\"GE T\"]\n", "is no method"),
        ("overrides: {x: {}}\n", "neither `mode` nor `score`"),
        ("overrides: {x: {score: 101}}\n", "from 0 to 100"),
        ("scoring: {paranoia: 3, detection_paranoia: 2}\n", "from 3 to 4"),
        ("body: {hold_unknown_length: 65KiB}\n", "from 0 to 65536"),
        ("body: {hold_total: 1KiB}\n", "less than one body's `hold`"),
        ("response: {types: [html]}\n", "`html` is no media type"),
        ("response: {types: [\"text/html; charset=utf-8\"]}\n", "is no media type"),
        ("timeouts: {stop: 0s}\n", "must be more than 0"),
        ("masking: {patterns: [iban]}\n", "`iban` is no pattern"),
        ("masking: {fields: [\"/(/\"]}\n", "is not a regex"),
        ("block_page: {status: 200}\n", "from 400 to 599"),
        ("block_page: {html: gone.html}\n", "cannot read etc/gone.html"),
    ] {
        let complaints = complaints(text);
        assert!(complaints.contains(told), "{text}: {complaints}");
    }
}

#[test]
fn an_upstream_must_be_host_and_port_and_not_the_admin_listener() {
    for (servers, told) in [
        ("[]", "has no servers"),
        ("[\"127.0.0.1\"]", "is not host:port"),
        ("[\"127.0.0.1:0\"]", "is not host:port"),
        ("[\"127.0.0.1:9090\"]", "is the admin listener"),
        ("[\"0.0.0.0:9090\"]", "is the admin listener"),
    ] {
        let text = format!("upstreams: {{app: {{servers: {servers}}}}}\n");
        assert!(complaints_of(&text, &[]).contains(told), "{servers}");
    }
    let wide = "upstreams: {app: {servers: [\"127.0.0.1:9090\"]}}\n\
                admin: {address: \"0.0.0.0:9090\", token_file: t}\n";
    assert!(complaints_of(wide, &[("etc/t", "secret")]).contains("is the admin listener"));
    let command_line =
        CommandLine { upstream: Some("http://127.0.0.1:9090".into()), ..CommandLine::default() };
    let reports = Config::load(&Map::new(), None, &command_line).unwrap_err();
    assert!(all(&reports).contains("is the admin listener"));
}

#[test]
fn admin_off_loopback_needs_a_token_from_a_file() {
    let admin = "admin: {address: \"192.0.2.1:9090\"}\n";
    assert!(complaints(admin).contains("would be open to everybody"));
    let admin = format!("{APP}admin: {{address: \"192.0.2.1:9090\", token_file: t}}\n");
    assert!(complaints_of(&admin, &[("etc/t", " \n")]).contains("t is empty"));
    assert!(complaints_of(&admin, &[]).contains("cannot read etc/t"));
    let files = [("etc/p.yaml", admin.as_str()), ("etc/t", "hush\n")];
    let config = load_with(&CommandLine::default(), &files).unwrap();
    let token = config.admin.token.as_ref().unwrap();
    assert!(token.is(b"hush"));
    for wrong in [&b"hus"[..], b"hush\n", b"husk", b""] {
        assert!(!token.is(wrong));
    }
    assert!(!format!("{config:?}").contains("hush"));
}

#[test]
fn values_are_read_in_their_units() {
    let config = load(
        "clients: {trusted_proxies: [10.1.2.3/8], deny: [\"2001:db8::1\"]}\n\
         timeouts: {header: 250ms, body_min_rate: 1KiB/s}\nbody: {hold_full: refuse}\n\
         block_page: {retry_after: 2m}\n",
    );
    let network = |text: &str| text.parse::<IpNet>().unwrap();
    assert_eq!(config.clients.trusted_proxies, [network("10.0.0.0/8")]);
    assert_eq!(config.clients.deny, [network("2001:db8::1/128")]);
    assert_eq!(config.timeouts.header, Duration::from_millis(250));
    assert_eq!(config.timeouts.body_min_rate, 1_024);
    assert_eq!(config.body.hold_full, HoldFull::Refuse);
    assert_eq!(config.global.block_page.retry_after, Some(120));
}

#[test]
fn responses_and_long_fields_are_treated_as_the_route_says() {
    let config = load(
        "response: {body: detect, types: [Text/HTML, text/csv]}\nroutes:\n\
         - {name: a, upstream: app, response: {body: block, headers: false}}\n\
         - {name: b, upstream: app, body: {on_partial: block}}\n",
    );
    let on_partial = |index: usize| config.routes[index].settings.policy.on_partial;
    assert_eq!((on_partial(0), on_partial(1)), (OnPartial::Pass, OnPartial::Block));
    let response = |index: usize| config.routes[index].settings.policy.response.clone();
    assert_eq!((response(0).headers, response(0).body), (false, ResponseBody::Block));
    assert_eq!((response(1).headers, response(1).body), (true, ResponseBody::Detect));
    assert_eq!(response(0).types, ["text/html", "text/csv"]);
    assert_eq!(load("").global.policy.response, ResponsePolicy::default());
}

#[test]
fn urls_of_upstreams_have_no_path() {
    let load = |url: &str| {
        let command_line = CommandLine { upstream: Some(url.into()), ..CommandLine::default() };
        Config::load(&Map::new(), None, &command_line)
    };
    let address = |url: &str| load(url).unwrap().upstreams[0].servers[0].to_string();
    assert_eq!(address("http://127.0.0.1"), "127.0.0.1:80");
    assert_eq!(address("https://127.0.0.1/"), "127.0.0.1:443");
    assert_eq!(address("http://[::1]:81"), "[::1]:81");
    assert_eq!(address("http://[::1]"), "[::1]:80");
    for wrong in ["127.0.0.1:80", "ftp://a", "http://a/b", "http://u@a", "http://", "http://a:x"] {
        assert!(load(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_reload_cannot_move_what_is_open() {
    let changed = |text: &str| fixed_keys_changed(&load("threads: 2\n"), &load(text));
    assert_eq!(changed("threads: 2\nmode: detect\n"), Vec::<&str>::new());
    assert_eq!(
        changed(
            "threads: 3\nlisteners: [{address: \"127.0.0.1:1\"}]\nadmin: {hosts: [a]}\n\
             audit: {file: other}\n"
        ),
        ["listeners", "admin", "threads", "audit.file"]
    );
}
