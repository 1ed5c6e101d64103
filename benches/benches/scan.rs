//! One long value under the built-in rules, tables warm: within the window and as a stream.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pinpoint_benches::{PIECE, inputs, rules};
use waf_core::policy::PolicySettings;
use waf_core::record::Mode;
use waf_corpus::Cut;

fn scan(criterion: &mut Criterion) {
    let mut runner =
        rules::runner(PolicySettings { mode: Mode::Detect, ..PolicySettings::default() });
    let mut group = criterion.benchmark_group("scan");
    for (name, length) in [("window 100 KB", 100_000), ("stream 1 MB", 1_000_000)] {
        let body = format!("comment={}", inputs::prose(length).replace('%', "%25"));
        let form = "application/x-www-form-urlencoded";
        let request = inputs::request("POST", "/", Some(form), body.into_bytes());
        group.throughput(Throughput::Bytes(request.body.len() as u64));
        group.sample_size(10);
        runner.run(&request, Cut::Every(PIECE));
        group.bench_function(name, |bencher| {
            bencher.iter(|| runner.run(&request, Cut::Every(PIECE)));
        });
    }
}

criterion_group!(benches, scan);
criterion_main!(benches);
