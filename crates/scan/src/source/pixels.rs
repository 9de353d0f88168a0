//! Takes the brightness out of a camera's bytes.
//!
//! A driver's buffer may be longer than the picture and its rows longer than the pixels in them; a shorter one is an
//! error, never a read past its end.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::format::PixelFormat;
use crate::decode::guard;
use crate::frame::{FrameError, SIDE_PIXELS_MAX, pixel_count};

/// The size of a picture, and the bytes from one row to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Bytes from row to row; 0 for rows without gaps.
    pub stride_bytes: u32,
}

/// Writes the brightness of a picture into `out`, and gives the picture's size, which for MJPEG is the one in the data.
pub fn luma_into(
    pixels: PixelFormat,
    bytes: &[u8],
    layout: Layout,
    out: &mut Vec<u8>,
) -> Result<(u32, u32), LumaError> {
    out.clear();
    if pixels == PixelFormat::Mjpeg {
        return mjpeg_into(bytes, out);
    }
    out.reserve(pixel_count(layout.width, layout.height)?);
    match pixels {
        PixelFormat::Nv12 | PixelFormat::Grey => {
            rows(bytes, layout, 1)?.for_each(|row| out.extend_from_slice(row));
        }
        PixelFormat::Yuyv => {
            rows(bytes, layout, 2)?.for_each(|row| out.extend(row.chunks_exact(2).map(|pair| pair[0])));
        }
        PixelFormat::Rgb => {
            rows(bytes, layout, 3)?
                .for_each(|row| out.extend(row.chunks_exact(3).map(|p| weigh(p[0], p[1], p[2]))));
        }
        PixelFormat::Bgr => {
            rows(bytes, layout, 3)?
                .for_each(|row| out.extend(row.chunks_exact(3).map(|p| weigh(p[2], p[1], p[0]))));
        }
        PixelFormat::Mjpeg | PixelFormat::Other(_) => return Err(LumaError::Unknown(pixels)),
    }
    Ok((layout.width, layout.height))
}

/// Says why the brightness cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LumaError {
    /// The size is wrong, or there are too few bytes.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The layout of the bytes is not known here.
    #[error("pictures in the format {0} cannot be read; choose another format of the camera")]
    Unknown(PixelFormat),
    /// The JPEG is damaged. Cameras send one now and then; the next frame is likely whole.
    #[error("the camera sent a damaged JPEG ({0}); waiting for the next frame")]
    Jpeg(String),
}

/// Gives the used part of each row.
fn rows(bytes: &[u8], layout: Layout, pixel_bytes: usize) -> Result<impl Iterator<Item = &[u8]>, FrameError> {
    let (width, height) = (layout.width, layout.height);
    let used = width as usize * pixel_bytes;
    let stride = (layout.stride_bytes as usize).max(used).max(1);
    // The last row may end where its pixels end.
    let needed = stride * (height as usize).saturating_sub(1) + used;
    if bytes.len() < needed {
        return Err(FrameError::Length { width, height, needed, got: bytes.len() });
    }
    Ok(bytes.chunks(stride).take(height as usize).map(move |row| &row[..used]))
}

/// Weighs colours as ITU-R BT.601 does, in 256ths.
fn weigh(red: u8, green: u8, blue: u8) -> u8 {
    ((77 * u32::from(red) + 150 * u32::from(green) + 29 * u32::from(blue) + 128) / 256) as u8
}

fn mjpeg_into(bytes: &[u8], out: &mut Vec<u8>) -> Result<(u32, u32), LumaError> {
    let options = DecoderOptions::default()
        .set_max_width(SIDE_PIXELS_MAX as usize)
        .set_max_height(SIDE_PIXELS_MAX as usize)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let decoded = guard::quietly(|| {
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
        decoder.decode_headers().map_err(|error| error.to_string())?;
        let (width, height) = decoder.dimensions().ok_or("it has no size")?;
        let size = decoder.output_buffer_size().filter(|size| *size == width * height);
        out.resize(size.ok_or("it has no brightness")?, 0);
        decoder.decode_into(out).map_err(|error| error.to_string())?;
        Ok((width as u32, height as u32))
    });
    decoded.unwrap_or_else(|| Err("the decoder gave up".to_owned())).map_err(LumaError::Jpeg)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luma(pixels: PixelFormat, bytes: &[u8], width: u32, height: u32, stride_bytes: u32) -> Vec<u8> {
        let mut out = vec![9; 3];
        luma_into(pixels, bytes, Layout { width, height, stride_bytes }, &mut out).unwrap();
        out
    }

    #[test]
    fn brightness_is_copied_from_each_layout() {
        assert_eq!(luma(PixelFormat::Yuyv, &[1, 90, 2, 90, 3, 90, 4, 90], 2, 2, 0), [1, 2, 3, 4]);
        assert_eq!(luma(PixelFormat::Nv12, &[1, 2, 3, 4, 128, 128], 2, 2, 0), [1, 2, 3, 4]);
        assert_eq!(luma(PixelFormat::Grey, &[1, 2, 3, 4], 2, 2, 0), [1, 2, 3, 4]);
        assert_eq!(luma(PixelFormat::Rgb, &[255, 255, 255, 255, 0, 0], 2, 1, 0), [255, 77]);
        assert_eq!(luma(PixelFormat::Bgr, &[0, 0, 255, 0, 0, 0], 2, 1, 0), [77, 0]);
    }

    #[test]
    fn gaps_at_the_end_of_rows_are_left_out() {
        assert_eq!(luma(PixelFormat::Grey, &[1, 2, 0, 0, 3, 4], 2, 2, 4), [1, 2, 3, 4]);
        assert_eq!(luma(PixelFormat::Yuyv, &[1, 9, 2, 9, 0, 0, 3, 9, 4, 9, 0, 0, 0], 2, 2, 6), [1, 2, 3, 4]);
    }

    #[test]
    fn too_few_bytes_are_an_error() {
        let layout = Layout { width: 2, height: 2, stride_bytes: 0 };
        let mut out = Vec::new();
        assert!(matches!(
            luma_into(PixelFormat::Yuyv, &[0; 7], layout, &mut out),
            Err(LumaError::Frame(FrameError::Length { needed: 8, got: 7, .. }))
        ));
        assert!(matches!(
            luma_into(PixelFormat::Other(*b"H264"), &[0; 7], layout, &mut out),
            Err(LumaError::Unknown(_))
        ));
        assert!(matches!(luma_into(PixelFormat::Mjpeg, &[0; 7], layout, &mut out), Err(LumaError::Jpeg(_))));
    }

    #[test]
    fn a_jpeg_gives_its_brightness_even_with_rubbish_behind_it() {
        let (width, height) = (48, 32);
        let picture: Vec<u8> =
            (0..width * height).flat_map(|at| [if at % width < 24 { 30 } else { 220 }; 3]).collect();
        let mut jpeg = Vec::new();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 90)
            .encode(&picture, width, height, image::ExtendedColorType::Rgb8)
            .unwrap();
        jpeg.extend_from_slice(&[0; 1000]);
        let out = luma(PixelFormat::Mjpeg, &jpeg, 1, 1, 0);
        assert_eq!(out.len(), (width * height) as usize);
        assert!(out[5] < 60 && out[40] > 190, "{} {}", out[5], out[40]);
    }
}
