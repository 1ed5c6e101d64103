//! Speed, printed: `cargo test --release -p waf-core throughput -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use super::patterns::PATTERNS;
use crate::automaton::{Automata, PatternId, PatternSet, Scratch, Work, syntax};

/// The lines of the file `PATTERNS` names, or some eighty of our own.
fn patterns() -> Vec<String> {
    if let Ok(file) = std::env::var("PATTERNS") {
        return std::fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect();
    }
    let words = ["exec", "system", "passthru", "sleep", "benchmark", "load_file", "outfile"];
    let mut patterns: Vec<String> = PATTERNS
        .iter()
        .filter(|pattern| pattern.len() > 12)
        .map(|pattern| (*pattern).to_owned())
        .collect();
    for word in words {
        patterns.push(format!(r"(?i)\b{word}\s*\("));
        patterns.push(format!(r"(?i)[;|&]\s*{word}\b[^;]*;"));
        let spaced: Vec<String> = word.chars().map(|c| c.to_string()).collect();
        patterns.push(format!("(?i){}", spaced.join(r#"["'\\^]*"#)));
        patterns.push(format!(r#"(?i)["'`][\s\d]*(?:or|and|xor)[\s(]+{word}"#));
        patterns.push(format!(r"(?i)<{word}[^>]{{0,40}}\bon\w+\s*="));
        patterns.push(format!(r"(?i){word}/\*.*?\*/"));
        patterns.push(format!(r"\$\{{?{word}"));
        patterns.push(format!(r"(?i){word}\s+(?:from|into|where)\b"));
    }
    patterns
}

fn prose(seed: u64) -> Vec<u8> {
    let words = "the quick system of a late sleep and into from where select fox, on over order \
        \"name\": \"value\", {\"id\": 1234, \"tags\": [true, null]} it's (maybe) executed; load \
        or union; outside 'quoted' files. In Onyx 50% <b>bold</b> script benches & more-or-less";
    let words: Vec<&str> = words.split(' ').collect();
    let mut random = seed;
    let mut text = Vec::new();
    while text.len() < 1 << 20 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        text.extend_from_slice(words[random as usize % words.len()].as_bytes());
        text.push(b' ');
    }
    text
}

/// Time of this thread on a processor where the system tells it, for machines that are shared.
fn clock(epoch: Instant) -> Duration {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse().ok())
        .map_or_else(|| epoch.elapsed(), Duration::from_nanos)
}

fn measure(name: &str, automata: &Automata, text: &[u8], wanted: &PatternSet, work: &Work) {
    let mut scratch = Scratch::default();
    let mut found = 0;
    let rounds = if text.len() < 1 << 18 { 1 } else { 20 };
    let epoch = Instant::now();
    let begin = clock(epoch);
    for _ in 0..rounds {
        let (mut work, mut wanted, mut hits) = (work.clone(), wanted.clone(), Vec::new());
        let mut cursors = automata.start();
        automata.scan(&mut cursors, text, &mut wanted, &mut work, &mut scratch, &mut hits);
        found = hits.len();
    }
    let took = (clock(epoch) - begin) / rounds;
    let speed = text.len() as f64 / took.as_secs_f64() / 1e6;
    println!("{name}: {speed:.1} MB/s, {found} hits, {} states", automata.states());
}

#[test]
#[ignore = "prints speeds"]
fn throughput() {
    let patterns = patterns();
    let hirs: Vec<_> = patterns.iter().map(|pattern| syntax::parse(pattern).unwrap()).collect();
    let begin = Instant::now();
    let automata = Automata::new(&hirs, &vec![0; hirs.len()], 24 << 20).unwrap();
    let built = begin.elapsed();
    let text = std::env::var("TEXT")
        .map_or_else(|_| prose(88_172_645_463_325_252), |file| std::fs::read(file).unwrap());
    println!("{} patterns, {} clusters, built in {built:?}", hirs.len(), automata.clusters());
    let all = PatternSet::all(hirs.len());
    measure("simulated (64 KiB)", &automata, &text[..text.len().min(1 << 16)], &all, &Work::none());
    let begin = Instant::now();
    automata.warm(&text);
    println!("warmed in {:?}, {} KB of tables", begin.elapsed(), automata.table_bytes() / 1000);
    measure("warm", &automata, &text, &all, &Work::none());
    let never = never_hit(&automata, &text);
    measure("warm, without the patterns that hit", &automata, &text, &never, &Work::none());
    measure("warm, other text", &automata, &prose(3), &never, &Work::request());
    let fields: Vec<&[u8]> = text.chunks(24).take(10_000).collect();
    let mut scratch = Scratch::default();
    let begin = Instant::now();
    for field in &fields {
        let (mut wanted, mut work, mut hits) = (all.clone(), Work::request(), Vec::new());
        let mut cursors = automata.start();
        automata.scan(&mut cursors, field, &mut wanted, &mut work, &mut scratch, &mut hits);
        automata.finish(&mut cursors, &mut wanted, &mut work, &mut scratch, &mut hits);
    }
    let each = begin.elapsed() / fields.len() as u32;
    println!("fields of 24 bytes: {each:?} each");
    for group in 0..hirs.len().div_ceil(20) {
        let some: Vec<_> = hirs.iter().skip(group * 20).take(20).cloned().collect();
        let automata = Automata::new(&some, &[], 24 << 20).unwrap();
        automata.warm(&text);
        let name = format!("20 patterns, {} clusters, warm", automata.clusters());
        measure(&name, &automata, &text, &never_hit(&automata, &text), &Work::none());
    }
}

/// Patterns that do not match in the text: scanning for them never stops.
fn never_hit(automata: &Automata, text: &[u8]) -> PatternSet {
    let hits = super::scan(automata, text, &[usize::MAX], &Work::none());
    let hit: PatternSet = hits.iter().map(|hit| hit.pattern).collect();
    (0..automata.len()).filter_map(PatternId::new).filter(|&id| !hit.contains(id)).collect()
}
