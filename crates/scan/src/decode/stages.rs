//! The two decoders, each as a function from a picture to texts with corners.
//!
//! Neither is guarded here: the pipeline calls them inside [`super::guard::quietly`].

use std::ops::ControlFlow;

use rxing::DecodeHints;
use rxing::common::{BitMatrix, DetectorRXingResult};
use rxing::qrcode::cpp_port::decoder::Decode;
use rxing::qrcode::cpp_port::detector::{FindFinderPatterns, GenerateFinderPatternSets, SampleQR};
use rxing::qrcode::decoder::qrcode_decoder::decode_bitmatrix_with_hints;
use rxing::qrcode::detector::Detector;

use super::Reader;
use super::geometry::{Corner, Corners, from_finder_centres};

/// Takes one finding with who made it, and says whether to go on looking.
pub(crate) type Sink<'a> = &'a mut dyn FnMut(String, Corners, Reader) -> ControlFlow<()>;

/// The most sets of three finder patterns that are tried in one picture: a busy background can have thousands.
const SETS_MAX: usize = 600;

/// Reads codes from black and white with rxing's newer detector.
pub(crate) fn read_with_rxing(
    matrix: &BitMatrix,
    go_on: &dyn Fn() -> bool,
    sink: Sink<'_>,
) -> ControlFlow<()> {
    let mut patterns = FindFinderPatterns(matrix, true, 0);
    let mut used = Vec::new();
    for set in GenerateFinderPatternSets(&mut patterns).into_iter().take(SETS_MAX) {
        if !go_on() {
            return ControlFlow::Break(());
        }
        if [set.bl, set.tl, set.tr].iter().any(|pattern| used.contains(pattern)) {
            continue;
        }
        let Ok(sampled) = SampleQR(matrix, &set) else { continue };
        let Ok(decoded) = Decode(sampled.getBits()) else { continue };
        if !decoded.isValid() {
            continue;
        }
        used.extend([set.bl, set.tl, set.tr]);
        sink(decoded.text(), corners_of_sample(sampled.getPoints()), Reader::Rxing)?;
    }
    ControlFlow::Continue(())
}

/// Reads one code with rxing's older detector, which finds some bent and blurred codes that the newer one does not.
pub(crate) fn read_with_older_rxing(
    matrix: &BitMatrix,
    hints: &DecodeHints,
    sink: Sink<'_>,
) -> ControlFlow<()> {
    let Ok(detected) = Detector::new(matrix).detect_with_hints(hints) else {
        return ControlFlow::Continue(());
    };
    let Ok(decoded) = decode_bitmatrix_with_hints(detected.getBits(), hints) else {
        return ControlFlow::Continue(());
    };
    let corners = match detected.getPoints() {
        [bottom_left, top_left, top_right, ..] => from_finder_centres(
            Corner::from(*bottom_left),
            Corner::from(*top_left),
            Corner::from(*top_right),
            detected.getBits().width(),
        ),
        _ => Corners::default(),
    };
    sink(decoded.getText().to_owned(), corners, Reader::OlderRxing)
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
    sink: Sink<'_>,
) -> ControlFlow<()> {
    let flip = if inverted { u8::MAX } else { 0 };
    let mut image =
        rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| luma[y * width + x] ^ flip);
    for grid in image.detect_grids() {
        if let Ok((_, text)) = grid.decode() {
            let corners = grid.bounds.map(|point| Corner::new(point.x as f32, point.y as f32));
            sink(text, corners, Reader::Rqrr)?;
        }
    }
    ControlFlow::Continue(())
}
