//! The real binary, as people and scripts use it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test that cannot go on has failed"
)]

mod harness;

mod check;
mod deploy;
mod ftw;
mod inspect;
mod replay;
mod report;
mod run;
mod tune;
mod why;

use harness::{Folder, pinpoint};

#[test]
fn help_documents_every_exit_status() {
    let help = pinpoint(&["--help"]);
    assert_eq!(help.status, Some(0));
    for status in ["0    fine", "1    the check found", "2    usage", "3    input", "130  interr"] {
        assert!(help.stdout.contains(status), "{status} is not in:\n{}", help.stdout);
    }
    let commands = [
        "run",
        "check",
        "inspect",
        "replay",
        "report",
        "why",
        "health",
        "tune",
        "rules",
        "completions",
        "man",
    ];
    for command in commands {
        assert!(help.stdout.contains(&format!("\n  {command} ")), "{command}");
    }
}

#[test]
fn wrong_usage_is_status_2() {
    for arguments in
        [&["nonsense"][..], &["check", "--nonsense"], &[], &["why"], &["replay"], &["report"]]
    {
        assert_eq!(pinpoint(arguments).status, Some(2), "{arguments:?}");
    }
}

#[test]
fn an_interrupt_is_status_130() {
    let mut child = harness::spawn(&["inspect", "--rules", "none", "-"]);
    // It waits for standard input once the rules are loaded.
    std::thread::sleep(std::time::Duration::from_secs(2));
    harness::signal(child.id(), "INT");
    assert_eq!(harness::wait(&mut child), Some(130));
}

#[test]
fn output_that_is_no_terminal_has_no_escapes() {
    let folder = Folder::new("plain");
    let request = folder.write("a.http", "GET /?q=zzz HTTP/1.1\r\nHost: a.example\r\n\r\n");
    let rule = folder.write("shop/a.yaml", &harness::rule("shop-a", "critical"));
    for arguments in [
        &["inspect", "--rules", &rule, &request][..],
        &["rules", "list", "--rules", &rule],
        &["rules", "show", "shop-a", "--rules", &rule],
        &["check", "--rules", &rule],
    ] {
        let output = pinpoint(arguments);
        assert!(!output.stdout.is_empty() && !output.stdout.contains('\x1b'), "{arguments:?}");
    }
}
