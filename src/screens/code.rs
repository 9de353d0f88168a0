//! Codes on the screen, for a phone to photograph.

use qrcode::QrCode;
use slint::{Image, Rgb8Pixel, SharedPixelBuffer};

/// Draws a code, a pixel for each module: it is enlarged without blur. A text that fits no code gives no picture.
pub(super) fn drawn(text: &str) -> Image {
    let Some(code) = (!text.is_empty()).then(|| QrCode::new(text.as_bytes()).ok()).flatten() else {
        return Image::default();
    };
    let side = code.width();
    let mut pixels = SharedPixelBuffer::<Rgb8Pixel>::new(count_of(side), count_of(side));
    for (pixel, module) in pixels.make_mut_slice().iter_mut().zip(code.to_colors()) {
        let light = module.select(0, 255);
        *pixel = Rgb8Pixel::new(light, light, light);
    }
    Image::from_rgb8(pixels)
}

/// A side in modules; the largest code has 177.
fn count_of(side: usize) -> u32 {
    u32::try_from(side).unwrap_or_default()
}
