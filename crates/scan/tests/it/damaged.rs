//! Codes that only our own reader reads: blurred, bent, under a reflex, without a finder pattern, or
//! half hidden in every frame.

use std::time::Duration;

use stempel_scan::decode::{Mode, Pipeline, Reader, Report};
use stempel_scan::frame::Frame;

use crate::support::{self, Canvas, TOKEN};

const PATIENT: Mode = Mode::Live { budget: Duration::from_secs(30) };
const MIDDLE: (f32, f32) = (320.0, 240.0);

fn card(module: f32, degrees: f32) -> Canvas {
    Canvas::busy(640, 480, 21).code(TOKEN, MIDDLE.0, MIDDLE.1, module, degrees)
}

fn decode(pipeline: &mut Pipeline, frame: &Frame) -> Report {
    pipeline.decode(frame, &|text| text == TOKEN)
}

#[track_caller]
fn assert_read_by_ours(name: &str, frame: &Frame) {
    for mode in [PATIENT, Mode::Thorough] {
        let report = decode(&mut Pipeline::new(mode, support::still_clock()), frame);
        let code = report.good().unwrap_or_else(|| panic!("{name}, {mode:?}: {report:?}"));
        assert!(matches!(code.stage.reader, Reader::Own | Reader::OwnPair), "{name}: read by {}", code.stage);
        let middle = stempel_scan::decode::middle(&code.corners);
        assert!(
            (middle.x - MIDDLE.0).abs() < 8.0 && (middle.y - MIDDLE.1).abs() < 8.0,
            "{name}: {:?}",
            code.corners
        );
        assert_eq!(report.codes.len(), 1, "{name}: {report:?}");
    }
}

#[test]
fn a_code_out_of_focus_is_read() {
    assert_read_by_ours("blurred", &card(5.0, 12.0).blur(3.2).noise(3, 1).frame());
}

#[test]
fn a_bent_code_is_read() {
    assert_read_by_ours("bent", &card(5.0, 4.0).bent(3.0, 190.0).noise(4, 2).frame());
}

#[test]
fn a_crumpled_card_is_read() {
    // Up to a module beside a flat grid to either side, and never for long.
    let frame = card(6.0, 14.0).bent(6.0, 170.0).blur(1.0).noise(6, 5).frame();
    assert_read_by_ours("crumpled", &frame);
}

#[test]
fn sharp_creases_are_followed() {
    // So sharp that only the timing patterns tell how many modules a crease has moved what lies on it.
    let frame = card(6.0, 14.0).bent(6.0, 150.0).blur(1.0).noise(6, 5).frame();
    let report = decode(&mut Pipeline::new(Mode::Thorough, support::still_clock()), &frame);
    assert!(report.good().is_some(), "{report:?}");
}

#[test]
fn a_code_under_a_reflex_is_read() {
    let frame = card(6.0, -8.0).glare(350.0, 220.0, 40.0, 300.0).noise(4, 3).frame();
    assert_read_by_ours("reflex", &frame);
}

#[test]
fn a_code_without_one_of_its_finder_patterns_is_read() {
    let module = 6.0;
    let corner = (37.0 / 2.0 - 3.5) * module;
    for (name, x, y) in [
        ("the first", MIDDLE.0 - corner, MIDDLE.1 - corner),
        ("the right one", MIDDLE.0 + corner, MIDDLE.1 - corner),
        ("the lower one", MIDDLE.0 - corner, MIDDLE.1 + corner),
    ] {
        let frame = card(module, 0.0).cover(x, y, 3.4 * module, 128).noise(4, 4).frame();
        assert_read_by_ours(name, &frame);
    }
}

#[test]
fn frames_that_are_not_enough_alone_are_added_up() {
    // A reflex that hides half of the code wanders around over it.
    let frames: Vec<Frame> = (0..12)
        .map(|number| {
            let (sin, cos) = (number as f32 * 1.3).sin_cos();
            let (x, y) = (MIDDLE.0 + 55.0 * cos, MIDDLE.1 + 55.0 * sin);
            card(6.0, 7.0).glare(x, y, 50.0, 400.0).noise(6, 100 + number).frame()
        })
        .collect();
    let alone = frames
        .iter()
        .filter(|frame| decode(&mut Pipeline::new(PATIENT, support::still_clock()), frame).good().is_some())
        .count();
    let mut pipeline = Pipeline::new(PATIENT, support::still_clock());
    let stages: Vec<Reader> = frames
        .iter()
        .filter_map(|frame| decode(&mut pipeline, frame).good().map(|code| code.stage.reader))
        .collect();
    assert!(stages.contains(&Reader::OwnSum), "{alone} of 12 alone, {stages:?} in a row");
    assert!(stages.len() > alone, "{alone} of 12 alone, {stages:?} in a row");
}
