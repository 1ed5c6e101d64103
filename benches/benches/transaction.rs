//! Whole requests under the built-in rules, from head to record, tables warm.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pinpoint_benches::{PIECE, inputs, rules};
use waf_core::policy::PolicySettings;
use waf_corpus::Cut;

fn transaction(criterion: &mut Criterion) {
    let mut runner = rules::runner(PolicySettings::default());
    let mut group = criterion.benchmark_group("transaction");
    for (name, request) in inputs::requests() {
        let head: usize = request.head.headers.iter().map(|(n, v)| n.len() + v.len() + 4).sum();
        let length = head + request.head.line.len() + 4 + request.body.len();
        group.throughput(Throughput::Bytes(length as u64));
        group.sample_size(if request.body.len() > 100_000 { 10 } else { 50 });
        runner.run(&request, Cut::Every(PIECE));
        group.bench_function(name, |bencher| {
            bencher.iter(|| runner.run(&request, Cut::Every(PIECE)));
        });
    }
}

criterion_group!(benches, transaction);
criterion_main!(benches);
