//! One picture as the decoders want it: the brightness of each pixel, and nothing else.
//!
//! A [`Frame`] has no stride and no colour. It promises that `luma().len() == width * height`, so no reader of a
//! frame has to check.

use std::time::Duration;

use thiserror::Error;

/// The widest and highest picture that is accepted; larger ones are refused before any memory is asked for.
pub const SIDE_PIXELS_MAX: u32 = 16_384;

/// One picture: a plane of brightness, rows one after another without gaps.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    width: u32,
    height: u32,
    luma: Vec<u8>,
    captured_at: Duration,
}

/// Says why bytes are not a picture.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The number of bytes does not fit the size.
    #[error(
        "a picture of {width}x{height} needs {needed} bytes, got {got}; check the format that was agreed with the camera"
    )]
    Length {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Bytes that such a picture has.
        needed: usize,
        /// Bytes that were given.
        got: usize,
    },
    /// A side is zero or longer than [`SIDE_PIXELS_MAX`].
    #[error(
        "a picture of {width}x{height} pixels cannot be used; choose a size between 1 and {SIDE_PIXELS_MAX}"
    )]
    Size {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
}

/// Counts the pixels of a picture, and refuses sizes that no camera has.
pub fn pixel_count(width: u32, height: u32) -> Result<usize, FrameError> {
    let fits = |side: u32| (1..=SIDE_PIXELS_MAX).contains(&side);
    if fits(width) && fits(height) {
        Ok(width as usize * height as usize)
    } else {
        Err(FrameError::Size { width, height })
    }
}

impl Frame {
    /// Takes a plane of brightness as a frame; `captured_at` is the reading of the caller's clock.
    pub fn new(width: u32, height: u32, luma: Vec<u8>, captured_at: Duration) -> Result<Self, FrameError> {
        let needed = pixel_count(width, height)?;
        if luma.len() != needed {
            return Err(FrameError::Length { width, height, needed, got: luma.len() });
        }
        Ok(Self { width, height, luma, captured_at })
    }

    /// Gives the width in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Gives the height in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Gives the brightness of each pixel, row by row.
    pub fn luma(&self) -> &[u8] {
        &self.luma
    }

    /// Gives the clock's reading when the picture was taken.
    pub fn captured_at(&self) -> Duration {
        self.captured_at
    }

    /// Gives the bytes back so that the next frame needs no new memory.
    pub fn into_luma(self) -> Vec<u8> {
        self.luma
    }

    /// Makes the same picture with another moment of capture.
    pub fn at(mut self, captured_at: Duration) -> Self {
        self.captured_at = captured_at;
        self
    }

    /// Makes a picture of half the width and height, each pixel the mean of four, as often as needed to be at most
    /// `side_pixels_max` long. A picture that fits already is copied.
    pub fn preview(&self, side_pixels_max: u32) -> Frame {
        let mut small = self.clone();
        let mut spare = Vec::new();
        while small.width.max(small.height) > side_pixels_max.max(1) && small.width > 1 && small.height > 1 {
            halve(&small.luma, small.width as usize, small.height as usize, &mut spare);
            std::mem::swap(&mut small.luma, &mut spare);
            small.width /= 2;
            small.height /= 2;
        }
        small
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Frame")
            .field("width", &self.width)
            .field("height", &self.height)
            .field("captured_at", &self.captured_at)
            .finish_non_exhaustive()
    }
}

/// Writes the picture at half the width and height into `out`; odd last rows and columns are left out.
pub(crate) fn halve(luma: &[u8], width: usize, height: usize, out: &mut Vec<u8>) {
    let (half_width, half_height) = (width / 2, height / 2);
    out.clear();
    out.reserve(half_width * half_height);
    for rows in luma.chunks_exact(width.max(1) * 2).take(half_height) {
        let (upper, lower) = rows.split_at(width);
        let pairs = upper.chunks_exact(2).zip(lower.chunks_exact(2));
        out.extend(pairs.map(|(a, b)| {
            let sum = u16::from(a[0]) + u16::from(a[1]) + u16::from(b[0]) + u16::from(b[1]);
            ((sum + 2) / 4) as u8
        }));
    }
}

/// Writes the picture with its edges raised into `out`: to each pixel is added eight times its difference from the mean
/// of the 7×7 pixels around it. That undoes a part of what a lens out of focus and a moving hand did. Three pixels at
/// the edges stay as they are. `sums` is scratch memory.
pub(crate) fn sharpen(luma: &[u8], width: usize, height: usize, out: &mut Vec<u8>, sums: &mut Vec<u16>) {
    const REACH: usize = 3;
    const SIDE: usize = 2 * REACH + 1;
    const GAIN: i32 = 8;
    out.clear();
    out.extend_from_slice(luma);
    if width < SIDE || height < SIDE {
        return;
    }
    let row_at = |y: usize| &luma[y * width..(y + 1) * width];
    // Each column's sum over the rows around y moves down with y.
    sums.clear();
    sums.resize(width, 0);
    (0..SIDE - 1)
        .for_each(|y| sums.iter_mut().zip(row_at(y)).for_each(|(sum, &pixel)| *sum += u16::from(pixel)));
    for y in REACH..height - REACH {
        sums.iter_mut().zip(row_at(y + REACH)).for_each(|(sum, &pixel)| *sum += u16::from(pixel));
        let inner = y * width + REACH..(y + 1) * width - REACH;
        for ((sharp, &pixel), columns) in
            out[inner.clone()].iter_mut().zip(&luma[inner]).zip(sums.windows(SIDE))
        {
            let sum: u32 = columns.iter().map(|&column| u32::from(column)).sum();
            // 1337 / 65536 is 1/49 to three digits.
            let mean = ((sum * 1_337) >> 16) as i32;
            let pixel = i32::from(pixel);
            *sharp = (pixel + GAIN * (pixel - mean)).clamp(0, 255) as u8;
        }
        sums.iter_mut().zip(row_at(y - REACH)).for_each(|(sum, &pixel)| *sum -= u16::from(pixel));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_refuses_bytes_that_do_not_fit_its_size() {
        let error = Frame::new(3, 2, vec![0; 5], Duration::ZERO).unwrap_err();
        assert_eq!(error, FrameError::Length { width: 3, height: 2, needed: 6, got: 5 });
        assert!(matches!(Frame::new(0, 2, vec![], Duration::ZERO), Err(FrameError::Size { .. })));
        assert!(matches!(Frame::new(40_000, 40_000, vec![], Duration::ZERO), Err(FrameError::Size { .. })));
    }

    #[test]
    fn halving_takes_the_mean_of_four_and_drops_odd_edges() {
        let mut out = Vec::new();
        halve(&[10, 20, 99, 30, 40, 99, 1, 2, 3], 3, 3, &mut out);
        assert_eq!(out, [25]);
    }

    #[test]
    fn sharpening_raises_edges_and_leaves_flat_places() {
        let (width, height) = (16, 9);
        let luma: Vec<u8> = (0..width * height).map(|at| if at % width < 8 { 90 } else { 110 }).collect();
        let mut out = Vec::new();
        sharpen(&luma, width, height, &mut out, &mut Vec::new());
        let row = &out[4 * width..5 * width];
        assert!(row[7] < 60 && row[8] > 140, "{row:?}");
        assert!(row[4].abs_diff(90) <= 8 && row[0] == 90 && row[15] == 110, "{row:?}");
        sharpen(&[5; 12], 4, 3, &mut out, &mut Vec::new());
        assert_eq!(out, [5; 12]);
    }

    #[test]
    fn a_preview_is_never_larger_than_asked() {
        let frame = Frame::new(1280, 720, vec![7; 1280 * 720], Duration::ZERO).unwrap();
        let preview = frame.preview(400);
        assert_eq!((preview.width(), preview.height()), (320, 180));
        assert!(preview.luma().iter().all(|pixel| *pixel == 7));
    }
}
