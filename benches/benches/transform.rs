//! Transformations alone: bytes of value a second, on prose and on text full of escapes.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pinpoint_benches::{PIECE, inputs};
use waf_core::rule::Transformation;
use waf_core::transform::Transducer;

const LENGTH: usize = 64 * 1024;

fn transform(criterion: &mut Criterion) {
    for (text, value) in [("prose", inputs::prose(LENGTH)), ("encoded", inputs::encoded(LENGTH))] {
        let mut group = criterion.benchmark_group(format!("transform/{text}"));
        group.throughput(Throughput::Bytes(value.len() as u64));
        for &transformation in Transformation::ALL {
            let mut output = Vec::new();
            group.bench_function(transformation.name(), |bencher| {
                bencher.iter(|| {
                    output.clear();
                    let mut transducer = Transducer::new(transformation);
                    for piece in value.as_bytes().chunks(PIECE) {
                        transducer.feed(piece, &mut output);
                    }
                    transducer.finish(&mut output);
                    output.len()
                });
            });
        }
    }
}

criterion_group!(benches, transform);
criterion_main!(benches);
