//! Parsers alone: bytes of body a second, in pieces of 16 KiB.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pinpoint_benches::{PIECE, inputs, sink::Count};
use waf_core::limits::Limits;
use waf_core::parse::body::{Body, Processor};

const LENGTH: usize = 256 * 1024;

fn parse(criterion: &mut Criterion) {
    let multipart = format!("multipart/form-data; boundary={}", inputs::BOUNDARY);
    let bodies = [
        ("form", "application/x-www-form-urlencoded", inputs::form(LENGTH)),
        ("json", "application/json", inputs::json(LENGTH)),
        ("multipart", &multipart, inputs::multipart(LENGTH)),
        ("xml", "application/xml", inputs::xml(LENGTH)),
    ];
    let mut group = criterion.benchmark_group("parse");
    for (name, content_type, body) in bodies {
        let processor = Processor::choose(Some(content_type.as_bytes()), true);
        let limits = Limits { fields: usize::MAX, ..Limits::default() };
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut count = Count::default();
                let mut parser = Body::new(&processor, &limits);
                body.chunks(PIECE).for_each(|piece| parser.feed(piece, &mut count));
                parser.finish(&mut count);
                assert_eq!(count.findings, 0, "{name}");
                count
            });
        });
    }
}

criterion_group!(benches, parse);
criterion_main!(benches);
