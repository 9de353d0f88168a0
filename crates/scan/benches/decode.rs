//! Decoding one live frame of 1280×720: with a card's code, and a busy one without; beside each its floor.
//!
//! The floor is one pass over the brightness: no decoder can look at less.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use stempel_scan::clock;
use stempel_scan::decode::{Mode, Pipeline};
use stempel_scan::frame::Frame;

#[path = "../tests/it/support.rs"]
#[allow(dead_code, clippy::unwrap_used)]
mod support;

use support::{Canvas, TOKEN};

/// The live mode without the second opinion, which is not part of a usual frame.
const LIVE: Mode = Mode::Live { budget: Duration::from_millis(15) };

fn floor(frame: &Frame) -> u64 {
    frame.luma().iter().map(|&pixel| u64::from(pixel)).sum()
}

fn decode(criterion: &mut Criterion) {
    let busy = || Canvas::busy(1280, 720, 11);
    let frames = [
        ("code", true, busy().code(TOKEN, 620.0, 350.0, 5.0, 17.0).noise(8, 1).frame()),
        ("inverted-code", true, busy().code(TOKEN, 620.0, 350.0, 5.0, 17.0).inverted().noise(8, 2).frame()),
        ("empty-busy", false, busy().noise(8, 3).frame()),
        ("empty-calm", false, Canvas::blank(1280, 720).noise(8, 4).frame()),
    ];
    let mut group = criterion.benchmark_group("decode-1280x720");
    for (name, has_code, frame) in &frames {
        let mut pipeline = Pipeline::new(LIVE, clock::monotonic());
        let read = pipeline.decode(frame, &|text| text == TOKEN).good().is_some();
        assert_eq!(read, *has_code, "{name}");
        group.bench_function(*name, |bencher| {
            bencher.iter(|| pipeline.decode(black_box(frame), &|text| text == TOKEN));
        });
        group.bench_function(format!("{name}-floor"), |bencher| bencher.iter(|| floor(black_box(frame))));
    }
    let (_, _, frame) = &frames[2];
    let mut patient = Pipeline::new(Mode::Live { budget: Duration::ZERO }, clock::monotonic());
    group.bench_function("empty-busy-second-opinion", |bencher| {
        bencher.iter(|| patient.decode(black_box(frame), &|text| text == TOKEN));
    });
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
