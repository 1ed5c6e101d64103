#![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::format::line;
use super::*;
use crate::config::{Destination, Format, OnFull, Output, Sample};
use crate::share::Share;
use crate::test_record::{blocked, passed, union_select};

fn counters() -> Counters {
    let sampled_out = prometheus::Opts::new("sampled_out", "test");
    Counters {
        dropped: IntCounter::new("dropped", "test").unwrap(),
        sampled_out: IntCounterVec::new(sampled_out, &["rule_id"]).unwrap(),
    }
}

/// A file name of its own for each test.
fn file(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("pinpoint-audit-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join(name);
    let _ = fs::remove_file(&file);
    file
}

fn to(file: &Path) -> Audit {
    Audit { file: Some(file.to_owned()), ..Audit::default() }
}

fn ids(file: &Path) -> Vec<String> {
    let id = |line: &str| serde_json::from_str::<DecisionRecord>(line).unwrap().request_id;
    fs::read_to_string(file).unwrap().lines().map(id).collect()
}

#[test]
fn the_level_says_what_is_written() {
    let mut would = blocked("would");
    would.decision = Decision::WouldBlock;
    for (level, expected) in [
        (AuditLevel::All, vec!["pass", "block", "would"]),
        (AuditLevel::Relevant, vec!["block", "would"]),
        (AuditLevel::Blocked, vec!["block"]),
    ] {
        let file = file(&format!("level-{level:?}"));
        let log = AuditLog::open(&Audit { level, ..to(&file) }, counters()).unwrap();
        for record in [passed("pass"), blocked("block"), would.clone()] {
            log.write(record);
        }
        log.close();
        assert_eq!(ids(&file), expected);
    }
}

#[test]
fn only_the_owner_may_read_the_file() {
    let file = file("mode");
    AuditLog::open(&to(&file), counters()).unwrap().close();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_file_that_cannot_be_opened_is_an_error_at_start() {
    assert!(AuditLog::open(&to(Path::new("/nowhere/at/all")), counters()).is_err());
}

#[test]
fn a_full_disk_is_counted() {
    let counters = counters();
    let log = AuditLog::open(&to(Path::new("/dev/full")), counters.clone()).unwrap();
    log.write(blocked("a"));
    log.write(blocked("b"));
    log.close();
    assert_eq!(counters.dropped.get(), 2);
}

#[test]
fn a_full_queue_drops_and_counts_or_waits() {
    let queue = Queue::new(1);
    let record = || Arc::new(blocked("a"));
    assert!(queue.push(record(), OnFull::Drop));
    assert!(!queue.push(record(), OnFull::Drop));

    let queue = Arc::new(queue);
    let taker = Arc::clone(&queue);
    let pause = Duration::from_millis(50);
    let thread = thread::spawn(move || {
        thread::sleep(pause);
        taker.take().unwrap()
    });
    let start = Instant::now();
    assert!(queue.push(record(), OnFull::Block));
    assert!(start.elapsed() >= pause);
    let work = thread.join().unwrap();
    assert_eq!((work.records.len(), work.overflowed), (1, 1));
}

#[test]
fn after_the_end_records_are_counted_not_waited_for() {
    let counters = counters();
    let audit = Audit { on_full: OnFull::Block, ..to(&file("closed")) };
    let log = AuditLog::open(&audit, counters.clone()).unwrap();
    log.close();
    log.write(blocked("late"));
    assert_eq!(counters.dropped.get(), 1);
}

#[test]
fn reopening_follows_a_rotation() {
    let (file, rotated) = (file("rotate"), file("rotate.1"));
    let log = AuditLog::open(&to(&file), counters()).unwrap();
    log.write(blocked("before"));
    while fs::metadata(&file).unwrap().len() == 0 {
        thread::yield_now();
    }
    fs::rename(&file, &rotated).unwrap();
    log.reopen();
    log.write(blocked("after"));
    log.close();
    assert_eq!(ids(&rotated), ["before"]);
    assert_eq!(ids(&file), ["after"]);
}

#[test]
fn new_settings_hold_for_what_comes_after() {
    let file = file("reconfigure");
    let log = AuditLog::open(&to(&file), counters()).unwrap();
    log.write(passed("quiet"));
    log.reconfigure(&Audit { level: AuditLevel::All, ..to(&file) });
    log.write(passed("loud"));
    log.close();
    assert_eq!(ids(&file), ["loud"]);
}

#[test]
fn memory_keeps_what_is_asked_about() {
    let log = AuditLog::open(&to(&file("recent")), counters()).unwrap();
    let mut forbidden = passed("forbidden by the application");
    forbidden.status = Some(403);
    for record in [passed("quiet"), forbidden, blocked("a")] {
        log.write(record);
    }
    let found = |id: &str| log.recent().find(id).is_some();
    assert!(!found("quiet") && found("forbidden by the application") && found("a"));
    for index in 0..1_000 {
        log.write(blocked(&format!("n{index}")));
    }
    assert!(!found("a") && found("n0") && found("n999"));
}

#[test]
fn a_record_that_fits_is_whole() {
    let record = blocked("a");
    let text = line(&record, Format::Pinpoint, 4_096);
    assert_eq!(serde_json::from_str::<DecisionRecord>(&text).unwrap(), record);
    assert_eq!(line(&record, Format::Pinpoint, text.len()), text);
}

#[test]
fn a_long_record_loses_its_last_matches_and_says_so() {
    let mut record = blocked("a");
    record.matches = (0..100).map(|_| union_select()).collect();
    record.matches[0].rule_id = "heaviest".into();
    let whole = line(&record, Format::Pinpoint, usize::MAX).len();
    for limit in (2_000..whole).step_by(777) {
        let text = line(&record, Format::Pinpoint, limit);
        let short: DecisionRecord = serde_json::from_str(&text).unwrap();
        assert!(text.len() <= limit, "{limit}");
        // Another match would not have fitted: none is much longer than this.
        assert!(text.len() + 500 > limit, "{limit}");
        assert_eq!(short.matches.first().map(|one| one.rule_id.as_str()), Some("heaviest"));
        let note = &short.coverage.inexact[0];
        assert_eq!(note.what, [format!("left_out:{}", 100 - short.matches.len())]);
    }
}

#[test]
fn a_long_request_is_cut_when_nothing_else_is_left() {
    let mut record = blocked("a");
    record.request.path = "p".repeat(2_000);
    record.request.query = "q".repeat(2_000);
    record.request.headers = vec![("user-agent".into(), "h".repeat(2_000))];
    let text = line(&record, Format::Pinpoint, 4_096);
    assert!(text.len() <= 4_096);
    let short: DecisionRecord = serde_json::from_str(&text).unwrap();
    assert!(short.request.headers.is_empty());
    assert_eq!((short.request.query.len(), short.request.path.len()), ("…".len(), 2_000));
}

#[test]
fn every_output_has_every_record_in_its_format_and_follows_a_rotation() {
    let names = ["own", "ecs", "ocsf", "modsecurity"];
    let files = names.map(|name| file(&format!("outputs-{name}")));
    let formats = [Format::Ecs, Format::Ocsf, Format::Modsecurity];
    let output =
        |(format, file): (Format, &PathBuf)| Output { format, to: Destination::File(file.clone()) };
    let outputs = formats.into_iter().zip(&files[1..]).map(output).collect();
    let log = AuditLog::open(&Audit { outputs, ..to(&files[0]) }, counters()).unwrap();
    log.write(blocked("before"));
    while files.iter().any(|file| fs::metadata(file).unwrap().len() == 0) {
        thread::yield_now();
    }
    let rotated = files.each_ref().map(|file| file.with_extension("1"));
    for (file, rotated) in files.iter().zip(&rotated) {
        fs::rename(file, rotated).unwrap();
    }
    log.reopen();
    log.write(blocked("after"));
    log.close();
    let id = ["/request_id", "/event/id", "/metadata/uid", "/transaction/unique_id"];
    for (pointer, (new, old)) in id.into_iter().zip(files.iter().zip(&rotated)) {
        for (file, expected) in [(old, "before"), (new, "after")] {
            let text = fs::read_to_string(file).unwrap();
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value.pointer(pointer).unwrap(), expected, "{}", file.display());
            assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}

#[test]
fn a_sampled_rule_is_written_on_its_share_and_the_rest_is_counted() {
    let file = file("sample");
    let share = Share::parse("20%").unwrap();
    let sample = vec![Sample { rule: "sqli-union-select".into(), share, span: None }];
    let counters = counters();
    let log = AuditLog::open(&Audit { sample, ..to(&file) }, counters.clone()).unwrap();
    let names: Vec<String> = (0..200).map(|number| format!("id-{number}")).collect();
    for name in &names {
        log.write(blocked(name));
    }
    let mut other = blocked("with another rule");
    other.matches.push(waf_core::record::MatchRecord { rule_id: "b".into(), ..union_select() });
    log.write(other);
    assert!(log.recent().find("id-0").is_some() && log.recent().find("id-1").is_some());
    log.close();
    let mut expected: Vec<String> =
        names.into_iter().filter(|id| share.takes("sqli-union-select", id)).collect();
    let left_out = counters.sampled_out.with_label_values(&["sqli-union-select"]).get();
    assert_eq!(left_out, 200 - expected.len() as u64);
    expected.push("with another rule".into());
    assert_eq!(ids(&file), expected);
}
