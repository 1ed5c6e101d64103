//! The values that are measured, by class.

use std::collections::BTreeMap;
use std::path::Path;

use pinpoint_benches::inputs;
use waf_core::limits::Limits;
use waf_corpus::{Label, Request, read, reference};

/// Values of a class.
pub(crate) type Class = (&'static str, Vec<Vec<u8>>);

/// Values of each class, at most; bytes of one.
const COUNT: usize = 500;
const LONGEST: usize = 4_096;

/// Classes of values that anyone has, and of the recorded requests of a corpus.
pub(crate) fn classes(corpus: Option<&Path>) -> Vec<Class> {
    let prose = inputs::prose(200_000);
    let words: Vec<&str> = prose.split(' ').collect();
    let texts = |length: usize| {
        words.chunks(length).map(|words| words.join(" ").into_bytes()).take(COUNT).collect()
    };
    let numbers =
        |make: fn(u64) -> String| (0..COUNT as u64).map(|n| make(n).into_bytes()).collect();
    let mut classes: Vec<Class> = vec![
        ("words", texts(1)),
        ("short texts", texts(4)),
        ("prose 4 KB", texts(700)),
        ("prices", numbers(|n| format!("{}.{:02}", n * 37 % 1000, n % 100))),
        ("dates", numbers(|n| format!("2026-{:02}-{:02}T10:30:00Z", n % 12 + 1, n % 28 + 1))),
        ("uuids", numbers(uuid)),
        ("paths of json", numbers(|n| format!("json.orders.array_{n}.customer.name"))),
        ("addresses", numbers(|n| format!("ann.example{n}@shop.example"))),
        ("html", numbers(|n| format!("<p class=\"note\">Order <b>{n}</b> &amp; more</p><br/>"))),
        ("code", numbers(|n| format!("for (let i = 0; i < {n}; i++) {{ a[i] = f(i, \"x\"); }}"))),
    ];
    let mut recorded = BTreeMap::from([("fields", Vec::new()), ("attacks", Vec::new())]);
    for request in corpus.into_iter().flat_map(read).flatten() {
        let class = if request.label == Some(Label::Attack) { "attacks" } else { "fields" };
        let values = recorded.entry(class).or_default();
        if values.len() < COUNT {
            values.extend(short(&request));
        }
    }
    classes.extend(recorded.into_iter().filter(|(_, values)| !values.is_empty()));
    classes
}

fn short(request: &Request) -> impl Iterator<Item = Vec<u8>> {
    let texts = reference::texts(request, &Limits::default());
    texts.into_iter().filter(|text| (1..LONGEST).contains(&text.len()))
}

fn uuid(number: u64) -> String {
    let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let hex = format!("{mixed:016x}{:016x}", mixed.rotate_left(17) ^ number);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
