//! Codes on the screen, for a phone to photograph.

use qrcode::QrCode;
use slint::{Image, Rgb8Pixel, SharedPixelBuffer};

/// Light modules around the code, in the picture itself: where a module is no whole number of pixels on the screen, what
/// enlarging cuts off at the picture's edge is not the code's.
const MARGIN: usize = 1;

/// Draws a code, a pixel for each module: it is enlarged without blur. A text that fits no code gives no picture.
pub(super) fn drawn(text: &str) -> Image {
    let Some(code) = (!text.is_empty()).then(|| QrCode::new(text.as_bytes()).ok()).flatten() else {
        return Image::default();
    };
    let side = code.width() + 2 * MARGIN;
    let mut pixels = SharedPixelBuffer::<Rgb8Pixel>::new(count_of(side), count_of(side));
    let all = pixels.make_mut_slice();
    all.fill(Rgb8Pixel::new(255, 255, 255));
    let rows = all.chunks_exact_mut(side).skip(MARGIN);
    for (row, modules) in rows.zip(code.to_colors().chunks_exact(code.width())) {
        for (pixel, module) in row.iter_mut().skip(MARGIN).zip(modules) {
            let light = module.select(0, 255);
            *pixel = Rgb8Pixel::new(light, light, light);
        }
    }
    Image::from_rgb8(pixels)
}

/// A side in modules; the largest picture has 179.
fn count_of(side: usize) -> u32 {
    u32::try_from(side).unwrap_or_default()
}
