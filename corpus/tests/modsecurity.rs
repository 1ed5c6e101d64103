//! SecLang rules come to what they come to in `ModSecurity` 2.9 on Apache: for every recorded request
//! the same rules match, and the total anomaly scores are equal, at paranoia levels 1 and 4.
//!
//! Needs the packages `apache2-bin`, `libapache2-mod-security2` and `modsecurity-crs`. The requests
//! are those of the repository, or those below the path in `CORPORA`, `REQUESTS` of them; `CRS_DIR`
//! names a checkout of CRS 4 to compare too. Without the packages nothing is compared, and that is
//! said; `MODSECURITY_REQUIRED` makes it a failure.
//!
//! Where the two differ on purpose, or the server in front of `ModSecurity` has its own ways, the
//! requests are counted apart:
//!
//! | class | why |
//! |---|---|
//! | refused | Apache answers 400 before the rules of phase 2, as to paths above the root; `ModSecurity` answers 500 to a body that it cannot parse, and phase 2 is left out |
//! | refused here | what our protocol findings refuse in any case, such as TRACE, is not given to the rules |
//! | coded | the body has a content coding: it is decoded here, and read as it is there |
//! | parse error | what is read of a broken body before and after the error differs from parser to parser |
//! | path | Apache decodes and resolves the path once before phase 2, so its rules see `../` for `%252e%252e/`, and `/etc` for `/a/..%2fetc`; ours see what was sent |
//! | XML | `XML:/*` is one value for each text node here, one for the whole text there: a node that is an attack is seen at its beginning and end, and counts by itself |
//! | JSON names | nested values are `json.a.array_0.b` here, `a.a.b` there: each element of an array has its own name, so it is no repeated parameter |
//! | NUL | transformations such as `cmdLine` stop at a NUL there, and go on here |
//! | libinjection | the one there takes every attribute that begins with `on` for an event handler |
//! | gave up | a regex reached the limit of steps of either side; our record names it in `coverage` |
//! | phrase | the `@pm` there misses `.addressbook` in `Web.addressbook` among the phrases of CRS 4's restricted files, and finds it alone |
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected should stop"
)]

mod apache;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use apache::{Apache, Logged};
use waf_core::compile::compile;
use waf_core::limits::Limits;
use waf_core::policy::{Policy, PolicySettings};
use waf_core::record::{DecisionRecord, Masking, MaskingSettings, Mode};
use waf_core::seclang::{self, Files};
use waf_corpus::{Cut, Request, Runner};

/// Where Debian's `modsecurity-crs` puts its rules and their setup.
const DEBIAN: (&str, &str) =
    ("/etc/modsecurity/crs/crs-setup.conf", "/usr/share/modsecurity-crs/rules");
/// `SecRequestBodyNoFilesLimit`: beyond it the two are not comparable.
const BODY: usize = 131_072;
/// The rule of `after.conf` that tells the scores.
const SCORES: &str = "100002";
/// The rule of `after.conf` that tells of a body that was not parsed.
const PARSE_ERROR: &str = "100003";
/// The class in which everything must be equal.
const EXACT: &str = "exact";

#[test]
fn rules_and_scores_are_equal_to_those_of_debian() {
    let (setup, rules) = DEBIAN;
    compare("crs3", Path::new(setup), Path::new(rules), "anomaly_score");
}

#[test]
fn rules_and_scores_are_equal_to_those_of_crs_4() {
    let named = std::env::var("CRS_DIR").unwrap_or_default();
    let Some(folder) = named.split(':').find(|name| !name.is_empty()).map(PathBuf::from) else {
        eprintln!("SKIPPED: CRS_DIR names no checkout of CRS 4");
        return;
    };
    let setup = folder.join("crs-setup.conf.example");
    compare("crs4", &setup, &folder.join("rules"), "inbound_anomaly_score");
}

fn compare(name: &str, setup: &Path, rules: &Path, scores: &str) {
    if !Apache::is_installed() || !rules.is_dir() {
        let needed = "apache2-bin libapache2-mod-security2 modsecurity-crs";
        assert!(std::env::var_os("MODSECURITY_REQUIRED").is_none(), "install {needed}");
        eprintln!("SKIPPED: {needed} are not installed");
        return;
    }
    let requests = sample();
    let mut wrong = Vec::new();
    for level in [1, 4] {
        let id = std::process::id();
        let folder = std::env::temp_dir().join(format!("pinpoint-modsecurity-{name}-{level}-{id}"));
        std::fs::create_dir_all(&folder).unwrap();
        let files = files(&folder, setup, rules, scores, level);
        let pairs = run(&folder, &files, &requests);
        let tally = tally(&pairs);
        for (class, count) in &tally {
            let Count { requests, ids, scores } = count;
            eprintln!(
                "{name} level {level} {class}: {requests}, same rules {ids}, scores {scores}"
            );
        }
        let exact = tally.get(EXACT).map_or(0, |count| count.requests);
        assert!(exact * 2 > requests.len(), "only {exact} of {} compared", requests.len());
        let wrongs = pairs.iter().filter(|pair| pair.class() == EXACT && !pair.is_equal());
        wrong.extend(wrongs.map(|pair| format!("level {level} {}", pair.told())));
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Requests of every kind and source in turn, as many as are asked for.
fn sample() -> Vec<Request> {
    let own = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/data/own.jsonl"));
    let corpora = std::env::var_os("CORPORA").map_or(own, PathBuf::from);
    let count = std::env::var("REQUESTS").map_or(usize::MAX, |count| count.parse().unwrap());
    let mut groups: BTreeMap<_, Vec<Request>> = BTreeMap::new();
    for request in waf_corpus::read(&corpora) {
        let request = request.unwrap();
        if request.body.len() < BODY {
            let kind = (request.label, request.class.clone(), request.source.clone());
            groups.entry(kind).or_default().push(request);
        }
    }
    let longest = groups.values().map(Vec::len).max().unwrap_or_default();
    let mut requests = Vec::new();
    for number in 0..longest {
        requests.extend(groups.values().filter_map(|group| group.get(number)).cloned());
    }
    requests.truncate(count);
    requests
}

/// The files of a rule set between ours.
fn files(folder: &Path, setup: &Path, rules: &Path, scores: &str, level: u8) -> Vec<PathBuf> {
    let own = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let before = include_str!("data/modsecurity/before.conf").replace("LEVEL", &level.to_string());
    let after = include_str!("data/modsecurity/after.conf").replace("SCORES", scores);
    let rules = std::fs::read_dir(rules).unwrap().map(|entry| entry.unwrap().path());
    let rules: BTreeSet<_> =
        rules.filter(|path| path.extension().is_some_and(|end| end == "conf")).collect();
    let mut files = vec![own("before.conf", before), setup.to_owned()];
    files.extend(rules);
    files.push(own("after.conf", after));
    files
}

/// A request, and what both made of it.
struct Pair<'a> {
    request: &'a Request,
    status: u16,
    theirs: Logged,
    ours: DecisionRecord,
}

/// Sends the requests, and runs them.
fn run<'a>(folder: &Path, files: &[PathBuf], requests: &'a [Request]) -> Vec<Pair<'a>> {
    let server = Apache::start(folder, files);
    let policy = policy(files);
    let limits = policy.settings().limits.clone();
    let mut runner = Runner::new(policy, Masking::new(&open()).unwrap());
    let judged = requests.iter().map(|request| {
        let bytes = closing(request);
        let (port, status) = server.send(&bytes);
        (request, port, status, runner.run(&Request::from_raw(&bytes, &limits), Cut::Whole))
    });
    let judged: Vec<_> = judged.collect();
    let mut logged = server.stop();
    let pair = |(request, port, status, ours)| Pair {
        request,
        status,
        theirs: logged.remove(&port).unwrap_or_default(),
        ours,
    };
    judged.into_iter().map(pair).collect()
}

/// Files as they are named.
struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        std::fs::read(path).map_err(|error| error.to_string())
    }

    fn find(&self, pattern: &Path) -> Result<Vec<PathBuf>, String> {
        Ok(vec![pattern.to_owned()])
    }
}

fn policy(files: &[PathBuf]) -> Arc<Policy> {
    let loaded = seclang::load(&Disk, files).unwrap_or_else(|reports| panic!("{reports:?}"));
    let settings = PolicySettings {
        mode: Mode::Detect,
        limits: Limits { record_matches: 1_000, ..Limits::default() },
        program: loaded.settings,
        ..PolicySettings::default()
    };
    let compiled = compile(loaded.rules, vec![settings]).unwrap_or_else(|r| panic!("{r:?}"));
    Arc::clone(&compiled.policies[0])
}

/// Nothing is masked: messages are compared.
fn open() -> MaskingSettings {
    MaskingSettings {
        query_values: false,
        fields: Vec::new(),
        headers: Vec::new(),
        patterns: Vec::new(),
        ..MaskingSettings::default()
    }
}

/// The bytes of a request that asks to close the connection.
fn closing(request: &Request) -> Vec<u8> {
    let bytes = request.bytes();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    [&bytes[..end], b"\r\nConnection: close", &bytes[end..]].concat()
}

impl Pair<'_> {
    /// [`EXACT`], or why the two may differ: see the table above.
    fn class(&self) -> &'static str {
        let target = &self.request.head.target;
        let path = target.split(|&byte| byte == b'?').next().unwrap_or_default();
        let content_type = self.request.head.value("content-type").unwrap_or_default();
        let typed = |part: &str| {
            !self.request.body.is_empty() && holds(&content_type.to_ascii_lowercase(), part)
        };
        let bytes = [&target[..], &self.request.body[..]];
        if !matches!(self.status, 200 | 405 | 501) || self.their_scores().is_none() {
            "refused"
        } else if self.our_scores().is_none() {
            "refused here"
        } else if self.request.head.value("content-encoding").is_some() {
            "coded"
        } else if self.theirs.rules.iter().any(|(id, _)| id == PARSE_ERROR) {
            "parse error"
        } else if ["%", "//", "/."].iter().any(|odd| holds(path, odd)) {
            "path"
        } else if typed("xml") {
            "XML"
        } else if typed("json") && nested(&self.request.body) {
            "JSON names"
        } else if bytes.iter().any(|text| holds(text, "\0") || holds(text, "%00")) {
            "NUL"
        } else if self.theirs.gave_up || !self.ours.coverage.inexact.is_empty() {
            "gave up"
        } else {
            self.known_difference().unwrap_or(EXACT)
        }
    }

    /// Differences that only the rule in question tells.
    fn known_difference(&self) -> Option<&'static str> {
        let (theirs, ours) = (self.their_ids(), self.our_ids());
        let only = |ids: &BTreeSet<&str>, known: &[&str]| {
            !ids.is_empty() && ids.iter().all(|id| known.contains(id))
        };
        let missing = &theirs - &ours;
        let added = &ours - &theirs;
        if only(&missing, &["941100", "941101"]) && added.is_empty() {
            return Some("libinjection");
        }
        (only(&added, &["930130"]) && missing.is_empty()).then_some("phrase")
    }

    fn is_equal(&self) -> bool {
        self.their_ids() == self.our_ids() && self.their_scores() == self.our_scores()
    }

    fn their_ids(&self) -> BTreeSet<&str> {
        let ids = self.theirs.rules.iter().map(|(id, _)| id.as_str());
        ids.filter(|id| *id != PARSE_ERROR).collect()
    }

    fn our_ids(&self) -> BTreeSet<&str> {
        let told = self.ours.matches.iter().chain(&self.ours.bookkeeping);
        told.map(|known| known.rule_id.as_str()).filter(|id| *id != PARSE_ERROR).collect()
    }

    fn their_scores(&self) -> Option<&str> {
        let told = self.theirs.rules.iter().find(|(id, _)| id == SCORES);
        told.map(|(_, message)| message.as_str())
    }

    fn our_scores(&self) -> Option<&str> {
        let mut told = self.ours.matches.iter().chain(&self.ours.bookkeeping);
        told.find(|known| known.rule_id == SCORES).map(|known| known.message.as_str())
    }

    fn told(&self) -> String {
        let (theirs, ours) = (self.their_ids(), self.our_ids());
        format!(
            "{}: they {:?}, we {:?}; only they {:?}, only we {:?}",
            self.request.id,
            self.their_scores(),
            self.our_scores(),
            &theirs - &ours,
            &ours - &theirs,
        )
    }
}

/// Requests of a class, and those of them with the same rules and the same scores.
#[derive(Default)]
struct Count {
    requests: usize,
    ids: usize,
    scores: usize,
}

fn tally(pairs: &[Pair<'_>]) -> BTreeMap<&'static str, Count> {
    let mut tally: BTreeMap<_, Count> = BTreeMap::new();
    for pair in pairs {
        let count = tally.entry(pair.class()).or_default();
        count.requests += 1;
        count.ids += usize::from(pair.their_ids() == pair.our_ids());
        count.scores += usize::from(pair.their_scores() == pair.our_scores());
    }
    tally
}

/// Whether a JSON text is more than an object of scalars.
fn nested(body: &[u8]) -> bool {
    let Ok(serde_json::Value::Object(object)) = serde_json::from_slice(body) else { return true };
    object.values().any(|value| value.is_object() || value.is_array())
}

fn holds(text: &[u8], part: &str) -> bool {
    text.windows(part.len()).any(|window| window == part.as_bytes())
}
