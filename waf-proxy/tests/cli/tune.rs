//! From watching to blocking.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;

use waf_core::record::{Decision, Masking};
use waf_corpus::{Cut, Request, Runner, forms};
use waf_proxy::config::{CommandLine, files::Disk};
use waf_proxy::site::Site;

use super::harness::{Folder, free_port, pinpoint, pinpoint_with};

const README: &str = include_str!("../../../README.md");

/// The text of every block of README that begins with this line.
fn blocks(fence: &str) -> Vec<&'static str> {
    let begin = format!("```{fence}\n");
    README.split(begin.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// An application that accepts everything.
fn application() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(accept(stream))));
    port
}

fn accept(mut stream: TcpStream) -> std::io::Result<()> {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    // The body ends with the note.
    while !seen.ends_with(b"a query") {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        seen.extend_from_slice(&buffer[..length]);
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
}

#[test]
fn the_walk_through_of_the_readme_works_as_it_is_written() {
    let folder = Folder::new("walk");
    let config = blocks("yaml").into_iter().find(|text| text.contains("audit.jsonl")).unwrap();
    let (proxy, admin) = (free_port(), free_port());
    let config = config.replace("127.0.0.1:3000", &format!("127.0.0.1:{}", application()))
        + &format!(
            "listeners: [{{address: \"127.0.0.1:{proxy}\"}}]\nadmin: {{address: \"127.0.0.1:{admin}\"}}\n"
        );
    let path = folder.write("pinpoint.yaml", &config);
    let script =
        blocks("sh tune").concat().replace("127.0.0.1:8080", &format!("127.0.0.1:{proxy}"));
    assert!(script.contains("--mode detect") && script.contains("--mode block"));
    let binary = Path::new(env!("CARGO_BIN_EXE_pinpoint")).parent().unwrap();
    let search = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash")
        .args(["-euc", &script])
        .env("PATH", search)
        .current_dir(Path::new(&path).parent().unwrap())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{errors}");
    let codes: Vec<&str> =
        told.lines().filter(|line| line.len() == 3 && line.parse::<u16>().is_ok()).collect();
    // Ten visitors while it watches; then the note passes where it belongs, and nowhere else.
    assert_eq!(codes[..11], ["200"; 11], "{told}\n{errors}");
    assert_eq!(codes[11..], ["403"], "{told}\n{errors}");
    for part in [
        "10 records of 1 hour, 10 flagged by rules",
        "likely a false positive",
        "ARGS_POST:text",
        "POST /notes",
        "10 clients",
        "0 attacks newly pass; 0 of 3 with those above",
        "10 of 10 flagged records pass (100.00 %), 0 remain.",
    ] {
        assert!(told.contains(part), "`{part}` is missing in:\n{told}\n{errors}");
    }
    // Both checks load; the second knows that the exclusions were needed.
    assert!(!told.contains("needed this exclusion"), "{told}");
}

/// Requests as a corpus.
fn corpus(requests: &[Request]) -> String {
    let line = |request: &Request| {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let headers: Vec<(String, String)> =
            request.head.headers.iter().map(|(name, value)| (text(name), text(value))).collect();
        let body = base64(&request.body);
        serde_json::json!({
            "id": request.id, "label": request.label.map(waf_corpus::Label::name), "class": "forms",
            "method": text(&request.head.method), "path": text(&request.head.target),
            "headers": headers, "body_b64": body,
        })
        .to_string()
            + "\n"
    };
    requests.iter().map(line).collect()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |three: &[u8]| {
        let number = three.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte))
            << (8 * (3 - three.len()));
        (0..4)
            .map(|at| match at <= three.len() {
                true => char::from(DIGITS[(number >> (18 - 6 * at)) as usize & 63]),
                false => '=',
            })
            .collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

/// A runner under a configuration.
fn runner(config: Option<&str>, rules: &[String]) -> Runner {
    let command_line = CommandLine { rules: rules.to_vec(), ..CommandLine::default() };
    let site = Site::load(&Disk, config.map(Path::new), &command_line).unwrap();
    Runner::new(site.policies[0].clone(), Masking::default())
}

/// The records of requests, as if many clients had sent them over a day.
fn records(runner: &mut Runner, requests: &[Request]) -> String {
    let mut text = String::new();
    for (at, request) in requests.iter().enumerate() {
        let mut record = runner.run(request, Cut::Whole);
        record.client.ip = format!("198.51.{}.{}", at / 250 % 250, at % 250);
        record.time = format!("2026-11-23T{:02}:00:00.000Z", at % 24);
        text += &(serde_json::to_string(&record).unwrap() + "\n");
    }
    text
}

/// The records without what they tell of characters.
fn without_alphabets(records: &str) -> String {
    let strip = |line: &str| {
        let mut record: waf_core::record::DecisionRecord = serde_json::from_str(line).unwrap();
        record.matches.iter_mut().for_each(|known| known.alphabet = None);
        serde_json::to_string(&record).unwrap() + "\n"
    };
    records.lines().map(strip).collect()
}

/// Which of them are caught.
fn caught(runner: &mut Runner, requests: &[Request]) -> Vec<bool> {
    let is_caught = |request| runner.run(request, Cut::Whole).decision != Decision::Pass;
    requests.iter().map(is_caught).collect()
}

fn count(caught: &[bool]) -> usize {
    caught.iter().filter(|caught| **caught).count()
}

const SITE: &str = "upstreams: {app: {servers: [\"127.0.0.1:1\"]}}\n\
                    routes: [{name: default, match: {}, upstream: app}]\n";

const LEVEL: &str = "scoring: {paranoia: 2, detection_paranoia: 2}\n";

#[test]
fn rich_text_passes_and_attacks_on_all_fields_do_not() {
    let folder = Folder::new("forms");
    let site = format!("{SITE}{LEVEL}");
    let config = folder.write("before.yaml", &site);
    let mut before = runner(Some(&config), &[]);
    // Requests that were not seen in tuning are what counts.
    let log = folder.write("audit.jsonl", &records(&mut before, &forms::benign(1, 3_000)));
    let (others, attacks) = (forms::benign(2, 1_500), forms::attacks(3));
    let corpus = folder.write("attacks.jsonl", &corpus(&attacks));
    let tuned = pinpoint(&[
        "tune",
        "-c",
        &config,
        "--log",
        &log,
        "--attacks",
        &corpus,
        "--max-price",
        "0.5%",
        "--max",
        "60",
        "--owner",
        "web-team",
        "--output",
        "yaml",
    ]);
    assert_eq!(tuned.status, Some(0), "{}", tuned.stderr);
    let exclusions = tuned.stdout.matches("- rule: ").count();
    assert!((1..=60).contains(&exclusions), "{}", tuned.stdout);
    assert!(!tuned.stdout.contains("whole_rule"), "{}", tuned.stdout);
    folder.write("tuned.yaml", &tuned.stdout);
    let config = folder.write("after.yaml", &format!("{site}exclusions: [tuned.yaml]\n"));
    let mut after = runner(Some(&config), &[]);
    let flagged = count(&caught(&mut before, &others));
    let left = count(&caught(&mut after, &others));
    let known = count(&caught(&mut before, &attacks));
    let still = count(&caught(&mut after, &attacks));
    let told = format!(
        "{exclusions} exclusions; false positives {flagged} -> {left}; attacks caught {known} -> \
         {still}\n{}",
        tuned.stderr
    );
    println!("{told}");
    assert!(flagged >= 150, "{told}");
    assert!(left * 20 <= flagged, "{told}");
    assert!((known - still) * 200 <= known, "{told}");
    // The price that was told is the price that is paid.
    assert!(tuned.stderr.contains(&format!("Their price: {} of", known - still)), "{told}");
}

/// A corpus of forms on one path, each with one field.
fn notes(folder: &Folder, name: &str, bodies: impl Iterator<Item = String>) -> String {
    let curl = |body| format!("curl http://shop.example/notes -d \"{body}\"\n");
    folder.write(name, &bodies.map(curl).collect::<String>())
}

#[test]
fn exclusions_narrowed_to_characters_let_fewer_attacks_in() {
    let folder = Folder::new("characters");
    let lesson = |n| format!("text=Lesson {n}: ' UNION SELECT name FROM users -- appends a query");
    let lessons = |name: &str, range: std::ops::Range<u32>| -> Vec<Request> {
        let path = notes(&folder, name, range.map(lesson));
        waf_corpus::read(Path::new(&path)).map(Result::unwrap).collect()
    };
    // Two of them need characters that no lesson has.
    let own = ["-- appends", "-- (appends)", "-- {appends}"].into_iter();
    let own = own.map(|rest| format!("text=x' UNION SELECT password FROM users {rest} a query"));
    let others = (0..97).map(|n| format!("title={n} UNION SELECT {n}"));
    let attacks = notes(&folder, "attacks.curl", own.chain(others));
    let rule = "SecRule ARGS \"@rx UNION SELECT\" \"id:100400,phase:2,deny,msg:'x'\"";
    let rules = folder.write("rules.conf", rule);
    let mut before = runner(None, std::slice::from_ref(&rules));
    let told = records(&mut before, &lessons("seen.curl", 0..40));
    let tuned = |name: &str, records: &str| {
        let log = folder.write(&format!("{name}.jsonl"), records);
        let tune = ["tune", "--rules", &rules, "--log", &log, "--attacks", &attacks];
        let shown = pinpoint(&[&tune[..], &["--format", "json"]].concat()).json();
        let written = pinpoint(&[&tune[..], &["--output", "yaml"]].concat());
        folder.write(&format!("{name}.yaml"), &written.stdout);
        let site = format!("{SITE}exclusions: [{name}.yaml]\n");
        let config = folder.write(&format!("{name}-site.yaml"), &site);
        let price =
            shown["proposals"].as_array().unwrap().last().unwrap()["price"]["in_all"].clone();
        (price, written.stdout, runner(Some(&config), std::slice::from_ref(&rules)))
    };
    let unseen = lessons("unseen.curl", 40..80);
    assert_eq!(count(&caught(&mut before, &unseen)), 40);
    let (wide, text, mut after) = tuned("wide", &without_alphabets(&told));
    assert_eq!(wide, 3, "{text}");
    assert_eq!(count(&caught(&mut after, &unseen)), 0, "{text}");
    let (narrow, text, mut after) = tuned("narrow", &told);
    assert_eq!(narrow, 1, "{text}");
    assert!(text.contains("  characters: \"A-Za-z0-9 ':-\"\n"), "{text}");
    assert_eq!(count(&caught(&mut after, &unseen)), 0, "{text}");
}

#[test]
fn what_is_unclear_is_told_of_until_it_is_asked_for() {
    let folder = Folder::new("unclear");
    let rule = "SecRule ARGS \"@rx UNION SELECT\" \"id:100400,phase:2,deny,msg:'x'\"";
    let rules = folder.write("rules.conf", rule);
    let path = notes(&folder, "few.curl", (0..3).map(|n| format!("text=UNION SELECT {n}")));
    let few: Vec<Request> = waf_corpus::read(Path::new(&path)).map(Result::unwrap).collect();
    let mut runner = runner(None, std::slice::from_ref(&rules));
    let log = folder.write("audit.jsonl", &records(&mut runner, &few));
    let tune = ["tune", "--rules", &rules, "--log", &log];
    let told = pinpoint(&tune).stdout;
    assert!(told.contains("No exclusion is proposed."), "{told}");
    assert!(told.contains("\n`--unclear` proposes for"), "{told}");
    let told = pinpoint(&[&tune[..], &["--unclear"]].concat()).stdout;
    assert!(told.contains("\n1 exclusion: 3 of 3"), "{told}");
    assert!(!told.contains("--unclear"), "{told}");
}

const SECLANG: &str = r#"
SecRule ARGS "@rx <[a-z]+|(?i:select |insert |update |delete )" "id:100100,phase:2,deny,msg:'x'"
SecRule ARGS|REQUEST_HEADERS "@rx [<>'\x22]" "id:100200,phase:2,deny,msg:'x'"
SecRule REQUEST_HEADERS:Host "@rx ." "id:100300,phase:1,deny,msg:'x'"
"#;

/// Requests of more methods than an exclusion names.
fn of_many_methods(mut requests: Vec<Request>) -> Vec<Request> {
    let methods = ["POST", "PUT", "PATCH", "DELETE"].iter().cycle();
    requests.iter_mut().zip(methods).for_each(|(request, method)| {
        request.head.method = method.as_bytes().into();
    });
    requests
}

#[test]
fn exclusions_in_seclang_let_the_same_requests_pass_as_in_yaml() {
    let plain = |requests| requests;
    let removed = "ctl:ruleRemoveTargetById=100300;REQUEST_HEADERS:Host";
    seclang_is_yaml(plain, without_alphabets, removed);
    seclang_is_yaml(plain, str::to_owned, "SecRule REQUEST_HEADERS:Host \"@rx [^\\x2ea-z]\"");
    let updated = "SecRuleUpdateTargetById 100300 \"!REQUEST_HEADERS:Host\"";
    seclang_is_yaml(of_many_methods, without_alphabets, updated);
}

/// Tunes on what is told of requests, writes the exclusions in both languages, which have to say `directive`, and
/// loads them.
fn seclang_is_yaml(
    of: fn(Vec<Request>) -> Vec<Request>,
    told: fn(&str) -> String,
    directive: &str,
) {
    let folder = Folder::new("seclang");
    let rules = folder.write("rules.conf", SECLANG);
    // Where the first rule that matches refuses, a record has no other.
    let detect = folder.write("detect.yaml", &format!("{SITE}mode: detect\n"));
    let mut before = runner(Some(&detect), std::slice::from_ref(&rules));
    let log = told(&records(&mut before, &of(forms::benign(1, 600))));
    let log = folder.write("audit.jsonl", &log);
    let tuned = |language: &str| {
        let tuned = pinpoint(&["tune", "--log", &log, "--rules", &rules, "--output", language]);
        assert_eq!(tuned.status, Some(0), "{}", tuned.stderr);
        tuned.stdout
    };
    let seclang = tuned("seclang");
    assert!(!seclang.contains("SecLang cannot say it"), "{seclang}");
    assert!(seclang.contains(directive), "{seclang}");
    // The line that divides the parts is a comment.
    let at = seclang.find("# --- After the rules").unwrap_or(seclang.len());
    let first = folder.write("before.conf", &seclang[..at]);
    let last = folder.write("after.conf", &seclang[at..]);
    folder.write("tuned.yaml", &tuned("yaml"));
    let config = folder.write("after.yaml", &format!("{SITE}exclusions: [tuned.yaml]\n"));
    let mut by_yaml = runner(Some(&config), std::slice::from_ref(&rules));
    let mut by_seclang = runner(None, &[first, rules, last]);
    for requests in [forms::benign(1, 600), forms::benign(2, 300), forms::attacks(3)].map(of) {
        // A rule looks for a header that all have, and so does an exclusion.
        assert_eq!(count(&caught(&mut before, &requests)), requests.len());
        let left = caught(&mut by_yaml, &requests);
        assert_eq!(left, caught(&mut by_seclang, &requests), "{seclang}");
        assert!(count(&left) < requests.len(), "{seclang}");
    }
}

#[test]
fn a_log_may_come_from_standard_input_and_be_wrong_in_places() {
    let folder = Folder::new("pipe");
    let text = records(&mut runner(None, &[]), &forms::benign(1, 300));
    let log = folder.write("audit.jsonl", &text);
    let text = text + "{\"broken\n\n";
    let piped = pinpoint_with(&["tune", "--log", "-", "--format", "json"], text.as_bytes()).json();
    assert_eq!(piped["counts"]["records"], 300);
    assert_eq!(piped["counts"]["unreadable"], 1);
    let file = pinpoint(&["tune", "--log", &log, "--format", "json"]).json();
    assert_eq!(piped["proposals"], file["proposals"]);
    let none = pinpoint(&["tune", "--log", "/does/not/exist"]);
    assert_eq!(none.status, Some(3), "{}", none.stderr);
}

/// Whether a request is in the half tuned on: by the last digit of its id, or by its hash.
fn is_seen(id: &str, split: u64) -> bool {
    if split == 0 {
        return id.bytes().last().is_some_and(|byte| byte % 2 == 1);
    }
    let mut hasher = DefaultHasher::new();
    (split, id).hash(&mut hasher);
    hasher.finish() % 2 == 1
}

/// The frontier on recorded requests that tuning did not see, split by id:
///
/// ```sh
/// CORPORA=folder CRS_DIR=checkout cargo test --release -p waf-proxy --test cli -- --ignored --nocapture frontier
/// ```
///
/// Without `CRS_DIR` the rules are the built-in ones. `CLASSES` are those tuned on, `SPLIT` is another
/// way to split (1, 2, …), `MAX_PRICE` a bound, `AT` the numbers of exclusions; `UNCLEAR` also proposes
/// for what evidence cannot tell, `WITHOUT_ALPHABETS` has records that do not tell characters.
#[test]
#[ignore = "minutes, and needs recorded requests: it prints, and judges nothing"]
fn frontier() {
    let corpora = std::env::var("CORPORA").unwrap();
    let folder = Folder::new("frontier");
    let level = folder.write(
        "level.conf",
        "SecAction \"id:900000,phase:1,pass,t:none,nolog,\\\n    \
         setvar:tx.blocking_paranoia_level=2,setvar:tx.detection_paranoia_level=2\"\n",
    );
    let rules: Vec<String> = match std::env::var("CRS_DIR") {
        Ok(crs) => {
            vec![format!("{crs}/crs-setup.conf.example"), level, format!("{crs}/rules/*.conf")]
        }
        Err(_) => vec!["builtin".to_owned()],
    };
    let classes: Option<Vec<String>> = std::env::var("CLASSES")
        .ok()
        .map(|classes| classes.split(',').map(str::to_owned).collect());
    let attacks = format!("{corpora}/dev-attack.jsonl.gz");
    let all = waf_corpus::read(Path::new(&format!("{corpora}/dev-benign.jsonl.gz")));
    let all: Vec<Request> = all.map(Result::unwrap).collect();
    let split = std::env::var("SPLIT").ok().and_then(|split| split.parse::<u64>().ok());
    let is_seen = |request: &&Request| is_seen(&request.id, split.unwrap_or(0));
    let (seen, unseen): (Vec<&Request>, Vec<&Request>) = all.iter().partition(is_seen);
    let wanted = |request: &&&Request| {
        classes.as_ref().is_none_or(|classes| classes.contains(&request.class))
    };
    let seen: Vec<Request> = seen.iter().filter(wanted).map(|request| (*request).clone()).collect();
    let unseen: Vec<Request> = unseen.into_iter().cloned().collect();
    let config = folder.write("before.yaml", &format!("{SITE}{LEVEL}mode: detect\n"));
    let mut before = runner(Some(&config), &rules);
    let mut text = records(&mut before, &seen);
    if std::env::var_os("WITHOUT_ALPHABETS").is_some() {
        text = without_alphabets(&text);
    }
    let log = folder.write("audit.jsonl", &text);
    let max_price = std::env::var("MAX_PRICE").unwrap_or_else(|_| "100%".to_owned());
    let flagged = caught(&mut before, &unseen);
    let names = ["browse", "browse-post", "api", "webhook", "upload", "params"];
    let at = std::env::var("AT").unwrap_or_else(|_| "10,20,40,60".to_owned());
    for most in at.split(',') {
        let mut arguments = vec!["tune", "--log", &log, "--attacks", &attacks, "-c", &config];
        rules.iter().for_each(|rules| arguments.extend(["--rules", rules]));
        arguments.extend(["--max", most, "--max-price", &max_price, "--output", "yaml"]);
        arguments.extend(std::env::var_os("UNCLEAR").map(|_| "--unclear"));
        let tuned = pinpoint(&arguments);
        assert!(!tuned.stdout.is_empty(), "{}", tuned.stderr);
        folder.write("tuned.yaml", &tuned.stdout);
        let after = folder
            .write("after.yaml", &format!("{SITE}{LEVEL}mode: detect\nexclusions: [tuned.yaml]\n"));
        let left = caught(&mut runner(Some(&after), &rules), &unseen);
        println!("at {most}\n{}", tuned.stderr);
        let mut sums = (0, 0);
        for name in names {
            let of_class = unseen
                .iter()
                .zip(flagged.iter().zip(&left))
                .filter(|(request, _)| request.class == name);
            let both = of_class.fold((0, 0), |sum, (_, (was, is))| {
                (sum.0 + usize::from(*was), sum.1 + usize::from(*was && *is))
            });
            println!("  {name:<12} {} -> {}", both.0, both.1);
            sums = (sums.0 + both.0, sums.1 + both.1);
        }
        let gone = 100.0 - 100.0 * sums.1 as f64 / sums.0.max(1) as f64;
        println!("  together     {} -> {}: {gone:.1} % gone", sums.0, sums.1);
    }
}
