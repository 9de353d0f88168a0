//! How often a live frame asks for memory once the pipeline is warm. What is left is rxing's: its search for finder
//! patterns asks once for each row that it looks at, and our own stages do not ask.
//!
//! A binary of its own: the counting allocator serves the whole process.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop at what it did not expect")]

use std::time::Duration;

use rxing::common::HybridBinarizer;
use rxing::qrcode::cpp_port::detector::FindFinderPatterns;
use rxing::{Binarizer as _, Luma8Source};
use stempel_scan::clock::Clock;
use stempel_scan::decode::{Mode, Pipeline};
use stempel_scan::frame::Frame;

#[path = "it/support.rs"]
#[allow(dead_code)]
mod support;

use support::{Canvas, TOKEN};

/// All stages have their turn, however slow the machine is.
const PATIENT: Mode = Mode::Live { budget: Duration::from_secs(30) };
const WARM_UP: usize = 20;
const FRAMES: usize = 20;

fn busy() -> Canvas {
    Canvas::busy(1280, 720, 11)
}

/// Counts what rxing's search for finder patterns asks for in a frame by itself.
fn allocations_of_rxing(frame: &Frame) -> u64 {
    let source = Luma8Source::new_with_slice(frame.luma(), frame.width(), frame.height()).unwrap();
    let matrix = HybridBinarizer::new(source).get_black_matrix().unwrap().clone();
    allocation_counter::measure(|| drop(FindFinderPatterns(&matrix, true, 0))).count_total
}

/// Gives the allocations of each frame in the mean, and the most bytes held at once.
fn allocations(frames: &[Frame], clock: Clock) -> (f64, u64) {
    let mut pipeline = Pipeline::new(PATIENT, clock);
    for frame in frames.iter().cycle().take(WARM_UP) {
        pipeline.decode(frame, &|text| text == TOKEN);
    }
    let counted = allocation_counter::measure(|| {
        for frame in frames.iter().cycle().take(FRAMES) {
            pipeline.decode(frame, &|text| text == TOKEN);
        }
    });
    (counted.count_total as f64 / FRAMES as f64, counted.bytes_max)
}

#[test]
fn a_live_frame_asks_for_hardly_any_memory() {
    let code = || busy().code(TOKEN, 620.0, 350.0, 5.0, 17.0);
    let noisy =
        |canvas: fn() -> Canvas| (0..4).map(|seed| canvas().noise(8, seed).frame()).collect::<Vec<_>>();
    let table = [
        ("a calm counter", noisy(|| Canvas::blank(1280, 720))),
        ("a busy counter", noisy(busy)),
        ("a card", (0..4).map(|seed| code().noise(8, seed).frame()).collect()),
        (
            "a card that cannot be read",
            (0..4).map(|seed| code().glare(620.0, 350.0, 90.0, 500.0).noise(8, seed).frame()).collect(),
        ),
    ];
    for (name, frames) in table {
        let (each, bytes) = allocations(&frames, support::still_clock());
        let rxing = frames.iter().map(allocations_of_rxing).sum::<u64>() as f64 / frames.len() as f64;
        println!(
            "{name}: {each:.1} allocations a frame, {rxing:.1} in rxing's first search alone; at most {bytes} bytes at once"
        );
        // A code that is read has a text, a place in the report, and what rxing samples on the way.
        assert!(each <= rxing + 64.0, "{name}: {each} with {rxing} of rxing");
        assert!(bytes < 8 * 1024, "{name}: {bytes}");
    }
}
