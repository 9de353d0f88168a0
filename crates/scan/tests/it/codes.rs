//! Codes made for the test: normal, inverted, turned, small, noisy, faint, several at once.

use std::time::Duration;

use stempel_scan::decode::{Corner, Mode, Pipeline, Report, middle};
use stempel_scan::frame::Frame;

use crate::support::{self, Canvas, TOKEN};

fn modes() -> [(&'static str, Mode); 2] {
    // A generous budget: tests show what is found, the bench shows how fast.
    let live = Mode::Live { budget: Duration::from_secs(30) };
    [("live", live), ("thorough", Mode::Thorough)]
}

fn decode(mode: Mode, frame: &Frame) -> Report {
    Pipeline::new(mode, support::still_clock()).decode(frame, &|text| text == TOKEN)
}

#[track_caller]
fn assert_read_in_both_modes(name: &str, frame: &Frame) {
    for (mode_name, mode) in modes() {
        let report = decode(mode, frame);
        assert_eq!(
            report.good().map(|code| code.text.as_str()),
            Some(TOKEN),
            "{name}, {mode_name}: {report:?}"
        );
        assert_eq!(report.panics, 0, "{name}, {mode_name}");
    }
}

#[test]
fn a_card_is_read_at_every_angle() {
    for degrees in (0..360).step_by(15) {
        let frame = Canvas::busy(640, 480, 3).code(TOKEN, 320.0, 240.0, 5.0, degrees as f32).frame();
        assert_read_in_both_modes(&format!("{degrees} degrees"), &frame);
    }
}

#[test]
fn a_card_is_read_inverted_small_noisy_and_faint() {
    let plain = || Canvas::busy(1280, 720, 5).code(TOKEN, 600.0, 350.0, 5.0, 8.0);
    assert_read_in_both_modes("as it is", &plain().frame());
    assert_read_in_both_modes("inverted", &plain().inverted().frame());
    assert_read_in_both_modes("noisy", &plain().noise(18, 1).frame());
    assert_read_in_both_modes(
        "small",
        &Canvas::busy(1280, 720, 5).code(TOKEN, 600.0, 350.0, 2.5, 8.0).frame(),
    );
    assert_read_in_both_modes(
        "large",
        &Canvas::busy(1280, 720, 5).code(TOKEN, 640.0, 360.0, 14.0, 8.0).frame(),
    );
    assert_read_in_both_modes("faint", &plain().contrast(18, 120).frame());
    assert_read_in_both_modes("mirrored", &plain().mirrored().frame());
    assert_read_in_both_modes(
        "nothing but the code",
        &Canvas::blank(205, 205).code(TOKEN, 102.0, 102.0, 4.0, 0.0).frame(),
    );
}

#[test]
fn corners_lie_where_the_code_is() {
    let (x, y, module) = (500.0, 300.0, 6.0);
    for (degrees, first) in
        [(0.0, (-1.0, -1.0)), (90.0, (1.0, -1.0)), (180.0, (1.0, 1.0)), (270.0, (-1.0, 1.0))]
    {
        let frame = Canvas::blank(1000, 600).code(TOKEN, x, y, module, degrees).frame();
        let report = decode(modes()[0].1, &frame);
        let corners = report.good().unwrap().corners;
        let half = 37.0 * module / 2.0;
        let near = |corner: Corner, x: f32, y: f32| (corner.x - x).abs() < 4.0 && (corner.y - y).abs() < 4.0;
        assert!(near(corners[0], x + first.0 * half, y + first.1 * half), "{degrees}: {corners:?}");
        assert!(near(middle(&corners), x, y), "{degrees}: {corners:?}");
    }
}

#[test]
fn all_codes_of_a_picture_are_found_and_the_nearest_to_the_middle_is_named() {
    let texts = ["TOP LEFT", "TOP RIGHT", "MIDDLE", "BOTTOM LEFT", "BOTTOM RIGHT"];
    let places = [(200.0, 150.0), (1050.0, 160.0), (600.0, 380.0), (220.0, 570.0), (1080.0, 560.0)];
    let canvas = Canvas::busy(1280, 720, 9);
    let frame = texts
        .iter()
        .zip(places)
        .fold(canvas, |canvas, (text, (x, y))| canvas.code(text, x, y, 6.0, x / 10.0))
        .frame();
    let report = Pipeline::new(Mode::Thorough, support::still_clock()).decode(&frame, &|_| true);
    let mut found: Vec<&str> = report.codes.iter().map(|code| code.text.as_str()).collect();
    found.sort_unstable();
    let mut expected = texts.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(report.good().map(|code| code.text.as_str()), Some("MIDDLE"));
}

#[test]
fn a_good_code_goes_before_a_nearer_one_that_is_not() {
    let frame = Canvas::blank(1280, 720)
        .code("WIFI:T:WPA;S:CAFE;;", 640.0, 360.0, 6.0, 0.0)
        .code(TOKEN, 1100.0, 560.0, 5.0, 10.0)
        .frame();
    for (name, mode) in modes() {
        let report = decode(mode, &frame);
        assert_eq!(report.good().map(|code| code.text.as_str()), Some(TOKEN), "{name}");
    }
}

#[test]
fn the_first_good_text_ends_a_live_search() {
    let frame = Canvas::blank(1280, 720)
        .code("ONE", 300.0, 300.0, 8.0, 0.0)
        .code("TWO", 900.0, 300.0, 8.0, 0.0)
        .frame();
    let report = Pipeline::new(Mode::LIVE, support::still_clock()).decode(&frame, &|_| true);
    assert_eq!(report.codes.len(), 1, "{report:?}");
}

#[test]
fn nothing_is_begun_after_the_budget() {
    let mode = Mode::Live { budget: Duration::from_millis(3) };
    // The clock moves by one millisecond at each reading, so the budget is over after a few of them.
    let mut pipeline = Pipeline::new(mode, support::hurrying_clock(Duration::from_millis(1)));
    let frame = Canvas::busy(1280, 720, 2).code(TOKEN, 600.0, 350.0, 5.0, 8.0).inverted().frame();
    assert!(pipeline.decode(&frame, &|text| text == TOKEN).elapsed < Duration::from_millis(40));
}

#[test]
fn pictures_without_a_code_give_nothing() {
    for seed in 0..12 {
        let frame = Canvas::busy(640, 480, seed).noise(30, seed).frame();
        for (name, mode) in modes() {
            let report = decode(mode, &frame);
            assert!(report.codes.is_empty(), "{name}, seed {seed}: {report:?}");
        }
    }
}

#[test]
fn odd_sizes_never_panic() {
    let mut thorough = Pipeline::new(Mode::Thorough, support::still_clock());
    for (width, height) in [(1, 1), (2, 700), (700, 2), (7, 7), (40, 41), (63, 65), (333, 1)] {
        for seed in 0..3 {
            let frame = Canvas::busy(width, height, seed).noise(120, seed).frame();
            thorough.decode(&frame, &|_| false);
        }
    }
}

#[test]
fn a_huge_live_frame_is_halved_first() {
    let frame = Canvas::busy(4000, 3000, 4).code(TOKEN, 2000.0, 1500.0, 16.0, 20.0).frame();
    let report = decode(modes()[0].1, &frame);
    let code = report.good().unwrap();
    assert!(code.stage.view.halvings >= 1, "{}", code.stage);
    let middle = middle(&code.corners);
    assert!((middle.x - 2000.0).abs() < 12.0 && (middle.y - 1500.0).abs() < 12.0, "{middle:?}");
}
