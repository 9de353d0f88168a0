//! The libraries' decoders, each as a function from a picture to texts with corners. They find codes and sample them;
//! what a sample says is read by our own rules.
//!
//! Neither is guarded here: the pipeline calls them inside [`super::guard::quietly`].

use std::ops::ControlFlow;

use rqrr::BitGrid as _;
use rxing::DecodeHints;
use rxing::common::{BitMatrix, DetectorRXingResult};
use rxing::qrcode::cpp_port::detector::{FindFinderPatterns, GenerateFinderPatternSets, SampleQR};
use rxing::qrcode::detector::Detector;

use super::Reader;
use super::geometry::{Corner, Corners, from_finder_centres};
use super::qr::Judge;

/// Takes one finding with who made it, and says whether to go on looking.
pub(crate) type Sink<'a> = &'a mut dyn FnMut(String, Corners, Reader) -> ControlFlow<()>;

/// Says which text is good.
pub(crate) type Rule<'a> = &'a dyn Fn(&str) -> bool;

/// What the caller says while a frame is read.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    /// Whether there is time to begin anything.
    pub(crate) go_on: &'a dyn Fn() -> bool,
    /// Which text ends the search.
    pub(crate) good: Rule<'a>,
}

/// The most sets of three finder patterns that are tried in one picture: a busy background can have thousands.
const SETS_MAX: usize = 600;

/// Reads codes from black and white with rxing's newer detector.
pub(crate) fn read_with_rxing(
    matrix: &BitMatrix,
    judge: &mut Judge,
    caller: Caller<'_>,
    sink: Sink<'_>,
) -> ControlFlow<()> {
    let mut patterns = FindFinderPatterns(matrix, true, 0);
    let mut used = Vec::new();
    for set in GenerateFinderPatternSets(&mut patterns).into_iter().take(SETS_MAX) {
        if !(caller.go_on)() {
            return ControlFlow::Break(());
        }
        if [set.bl, set.tl, set.tr].iter().any(|pattern| used.contains(pattern)) {
            continue;
        }
        let Ok(sampled) = SampleQR(matrix, &set) else { continue };
        let Some(text) = text_of(sampled.getBits(), judge, caller.good) else { continue };
        used.extend([set.bl, set.tl, set.tr]);
        sink(text, corners_of_sample(sampled.getPoints()), Reader::Rxing)?;
    }
    ControlFlow::Continue(())
}

/// Reads one code with rxing's older detector, which finds some bent and blurred codes that the newer one does not.
pub(crate) fn read_with_older_rxing(
    matrix: &BitMatrix,
    hints: &DecodeHints,
    judge: &mut Judge,
    good: Rule<'_>,
    sink: Sink<'_>,
) -> ControlFlow<()> {
    let Ok(detected) = Detector::new(matrix).detect_with_hints(hints) else {
        return ControlFlow::Continue(());
    };
    let Some(text) = text_of(detected.getBits(), judge, good) else { return ControlFlow::Continue(()) };
    let corners = match detected.getPoints() {
        [bottom_left, top_left, top_right, ..] => from_finder_centres(
            Corner::from(*bottom_left),
            Corner::from(*top_left),
            Corner::from(*top_right),
            detected.getBits().width(),
        ),
        _ => Corners::default(),
    };
    sink(text, corners, Reader::OlderRxing)
}

fn text_of(sample: &BitMatrix, judge: &mut Judge, good: Rule<'_>) -> Option<String> {
    if sample.width() != sample.height() {
        return None;
    }
    judge.read(sample.width() as usize, &|column, row| sample.get(column as u32, row as u32), good)
}

/// rxing gives the corners as top left, top right, bottom left, bottom right.
fn corners_of_sample(points: &[rxing::Point]) -> Corners {
    match points {
        [top_left, top_right, bottom_left, bottom_right] => {
            [*top_left, *top_right, *bottom_right, *bottom_left].map(Corner::from)
        }
        _ => Corners::default(),
    }
}

/// Reads codes from brightness with rqrr, which has a threshold rule of its own.
pub(crate) fn read_with_rqrr(
    luma: &[u8],
    width: usize,
    height: usize,
    inverted: bool,
    judge: &mut Judge,
    good: Rule<'_>,
    sink: Sink<'_>,
) -> ControlFlow<()> {
    let flip = if inverted { u8::MAX } else { 0 };
    let mut image =
        rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| luma[y * width + x] ^ flip);
    for grid in image.detect_grids() {
        if let Some(text) = judge.read(grid.grid.size(), &|column, row| grid.grid.bit(row, column), good) {
            let corners = grid.bounds.map(|point| Corner::new(point.x as f32, point.y as f32));
            sink(text, corners, Reader::Rqrr)?;
        }
    }
    ControlFlow::Continue(())
}
