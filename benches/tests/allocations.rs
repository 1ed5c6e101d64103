//! A field that passes costs no allocation: a body of twice as many takes as many allocations. One
//! test, so that nothing else allocates while it counts.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::alloc::System;
use std::fmt::Write;

use pinpoint_benches::{inputs, rules};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use waf_core::policy::PolicySettings;
use waf_core::record::Decision;
use waf_corpus::{Cut, Request, Runner};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// A body of so many fields.
type Make = fn(usize) -> String;

const BODIES: [(&str, &str, Make); 5] = [
    ("numbers", "application/json", numbers),
    ("orders", "application/json", orders),
    ("names", "application/x-www-form-urlencoded", names),
    ("escaped names", "application/x-www-form-urlencoded", escaped_names),
    ("texts", "application/x-www-form-urlencoded", texts),
];

#[test]
fn a_field_that_passes_allocates_nothing() {
    let mut runner = rules::runner(PolicySettings::default());
    for (name, content_type, make) in BODIES {
        let request =
            |count| inputs::request("POST", "/", Some(content_type), make(count).into_bytes());
        let (few, many) = (request(200), request(400));
        // The first runs make working memory as large as it gets.
        for _ in 0..3 {
            count(&mut runner, &many);
            count(&mut runner, &few);
        }
        let (few, many) = (count(&mut runner, &few), count(&mut runner, &many));
        assert_eq!(few, many, "{name}: allocations of 200 and of 400");
    }
}

/// Allocations of a request that passes.
fn count(runner: &mut Runner, request: &Request) -> usize {
    let region = Region::new(ALLOCATOR);
    let record = runner.run(request, Cut::Whole);
    let change = region.change();
    assert_eq!(record.decision, Decision::Pass, "{:?}", record.matches);
    change.allocations
}

fn numbers(count: usize) -> String {
    let numbers: Vec<String> = (0..count).map(|number| format!("{number}.5")).collect();
    format!("[{}]", numbers.join(","))
}

fn orders(count: usize) -> String {
    let order =
        |number: usize| format!("{{\"id\":{number},\"open\":true,\"name\":\"Ann Example\"}}");
    let orders: Vec<String> = (0..count).map(order).collect();
    format!("[{}]", orders.join(","))
}

fn names(count: usize) -> String {
    form(count, |number| format!("Ann Example {number}").replace(' ', "+"))
}

fn escaped_names(count: usize) -> String {
    form(count, |number| format!("%41nn%20Example%2C+{number}"))
}

/// What libinjection has to read.
fn texts(count: usize) -> String {
    form(count, |number| format!("O'Neil's+select+items,+(page+{number}),+a+%3C+b+%3D+c"))
}

fn form(count: usize, value: impl Fn(usize) -> String) -> String {
    let mut form = String::new();
    for number in 0..count {
        write!(form, "f={}&", value(number)).unwrap();
    }
    form.pop();
    form
}
