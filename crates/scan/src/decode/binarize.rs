//! Turns brightness into black and white, fast enough to do it several times for each frame.
//!
//! The rule is the one of rxing's hybrid binarizer: a threshold for each block of 8×8 pixels from the black points
//! of the 5×5 blocks around it. This version works on whole columns and whole words at a time and keeps its memory
//! from frame to frame, and the contrast below which a block counts as flat can be chosen.

use rxing::common::{BitArray, BitMatrix};

use super::bits::BitPlane;

const BLOCK: usize = 8;
const WORD: usize = usize::BITS as usize;
/// Below this size there are no 5×5 blocks, and one threshold serves the whole picture.
const SIDE_MIN: usize = BLOCK * 5;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
const LOW_BITS: u64 = 0x0101_0101_0101_0101;

/// How much contrast a code is taken to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contrast {
    /// Print on paper, or a bright screen.
    Usual,
    /// Behind glass, on a dim screen, in poor light.
    Faint,
}

impl Contrast {
    /// A block whose brightness varies by no more than this is flat.
    fn flat_max(self) -> u8 {
        match self {
            Self::Usual => 24,
            Self::Faint => 8,
        }
    }

    /// Takes a flat block as white: its black point lies below its darkest pixel. Beside a faint code it may not lie
    /// far below, or it would pull the threshold under the code's own black.
    fn black_point_of_white(self, min: u8) -> u8 {
        match self {
            Self::Usual => min / 2,
            Self::Faint => min.saturating_sub(4),
        }
    }
}

/// Scratch memory of the binarizer.
#[derive(Debug, Default)]
pub(crate) struct Binarizer {
    sums: Vec<u16>,
    mins: Vec<u8>,
    maxs: Vec<u8>,
    black_points: Vec<u8>,
    thresholds: Vec<u8>,
    row: Option<BitArray>,
}

impl Binarizer {
    /// Writes black pixels as set bits. A matrix of another size is replaced. False when the picture has no pixels.
    pub(crate) fn binarize(
        &mut self,
        luma: &[u8],
        width: usize,
        height: usize,
        contrast: Contrast,
        matrix: &mut Option<BitMatrix>,
        bits: &mut BitPlane,
    ) -> bool {
        if width == 0 || height == 0 || luma.len() != width * height {
            return false;
        }
        if !matches!(matrix, Some(old) if old.width() as usize == width && old.height() as usize == height) {
            *matrix = BitMatrix::new(width as u32, height as u32).ok();
        }
        let Some(matrix) = matrix else { return false };
        let blocks = (width.div_ceil(BLOCK), height.div_ceil(BLOCK));
        if width >= SIDE_MIN && height >= SIDE_MIN {
            self.find_black_points(luma, width, height, contrast);
            self.smooth(blocks.0, blocks.1);
        } else {
            self.set_one_threshold(luma, blocks.0 * blocks.1);
        }
        bits.start(width, height);
        self.write_bits(luma, width, blocks.0, matrix, bits);
        true
    }

    fn set_one_threshold(&mut self, luma: &[u8], block_count: usize) {
        let (low, high) =
            luma.iter().fold((u8::MAX, 0), |(low, high), &pixel| (pixel.min(low), pixel.max(high)));
        self.thresholds.clear();
        self.thresholds.resize(block_count, low + (high - low) / 2);
    }

    /// Estimates for each block the brightness that divides black from white in it.
    fn find_black_points(&mut self, luma: &[u8], width: usize, height: usize, contrast: Contrast) {
        let (across, down) = (width.div_ceil(BLOCK), height.div_ceil(BLOCK));
        self.black_points.clear();
        self.black_points.resize(across * down, 0);
        for block_y in 0..down {
            let top = (block_y * BLOCK).min(height - BLOCK);
            self.sum_columns(&luma[top * width..(top + BLOCK) * width], width);
            for block_x in 0..across {
                let left = (block_x * BLOCK).min(width - BLOCK);
                let columns = left..left + BLOCK;
                let sum: u32 = self.sums[columns.clone()].iter().map(|&sum| u32::from(sum)).sum();
                let min = self.mins[columns.clone()].iter().fold(u8::MAX, |a, &b| a.min(b));
                let max = self.maxs[columns].iter().fold(0, |a, &b| a.max(b));
                let here = block_y * across + block_x;
                self.black_points[here] = if max - min > contrast.flat_max() {
                    (sum / (BLOCK * BLOCK) as u32) as u8
                } else {
                    self.flat_black_point(min, block_x, block_y, across, contrast)
                };
            }
        }
    }

    /// A flat block is taken as white, unless it is darker than what divided black from white beside it.
    fn flat_black_point(
        &self,
        min: u8,
        block_x: usize,
        block_y: usize,
        across: usize,
        contrast: Contrast,
    ) -> u8 {
        if block_x == 0 || block_y == 0 {
            return contrast.black_point_of_white(min);
        }
        let here = block_y * across + block_x;
        let [above, before, corner] =
            [here - across, here - 1, here - across - 1].map(|at| u16::from(self.black_points[at]));
        let around = ((above + 2 * before + corner) / 4) as u8;
        if min < around { around } else { contrast.black_point_of_white(min) }
    }

    /// Sums eight rows column by column, with the darkest and brightest pixel of each column.
    fn sum_columns(&mut self, rows: &[u8], width: usize) {
        self.sums.clear();
        self.sums.resize(width, 0);
        self.mins.clear();
        self.mins.resize(width, u8::MAX);
        self.maxs.clear();
        self.maxs.resize(width, 0);
        for row in rows.chunks_exact(width) {
            for (sum, &pixel) in self.sums.iter_mut().zip(row) {
                *sum += u16::from(pixel);
            }
            for (min, &pixel) in self.mins.iter_mut().zip(row) {
                *min = (*min).min(pixel);
            }
            for (max, &pixel) in self.maxs.iter_mut().zip(row) {
                *max = (*max).max(pixel);
            }
        }
    }

    /// Takes as threshold of a block the mean black point of the 5×5 blocks around it.
    fn smooth(&mut self, across: usize, down: usize) {
        self.thresholds.clear();
        self.thresholds.resize(across * down, 0);
        for block_y in 0..down {
            let middle_y = block_y.clamp(2, down - 3);
            let rows = (middle_y - 2) * across..(middle_y + 3) * across;
            self.sums.clear();
            self.sums.resize(across, 0);
            for row in self.black_points[rows].chunks_exact(across) {
                for (sum, &point) in self.sums.iter_mut().zip(row) {
                    *sum += u16::from(point);
                }
            }
            for block_x in 0..across {
                let middle_x = block_x.clamp(2, across - 3);
                let sum: u32 = self.sums[middle_x - 2..middle_x + 3].iter().map(|&sum| u32::from(sum)).sum();
                self.thresholds[block_y * across + block_x] = (sum / 25) as u8;
            }
        }
    }

    fn write_bits(
        &mut self,
        luma: &[u8],
        width: usize,
        across: usize,
        matrix: &mut BitMatrix,
        plane: &mut BitPlane,
    ) {
        let row_bits = self.row.get_or_insert_with(|| BitArray::with_size(width));
        if row_bits.get_size() != width {
            *row_bits = BitArray::with_size(width);
        }
        let blocks_per_word = WORD / BLOCK;
        for (y, row) in luma.chunks_exact(width).enumerate() {
            let thresholds = &self.thresholds[y / BLOCK * across..][..across];
            let words = row.chunks(WORD).zip(thresholds.chunks(blocks_per_word));
            for ((index, (pixels, thresholds)), word) in words.enumerate().zip(plane.row_mut(y)) {
                *word = dark_bits(pixels, thresholds);
                row_bits.setBulk(index * WORD, *word as _);
            }
            matrix.setRow(y as u32, row_bits);
        }
    }
}

/// Gives one bit for each pixel that is at most as bright as its block's threshold; the first pixel is the lowest bit.
#[inline]
fn dark_bits(pixels: &[u8], thresholds: &[u8]) -> u64 {
    let mut bits = 0_u64;
    for (index, (block, &threshold)) in pixels.chunks(BLOCK).zip(thresholds).enumerate() {
        let byte = match <[u8; BLOCK]>::try_from(block) {
            Ok(block) => dark_byte(u64::from_le_bytes(block), threshold),
            Err(_) => block.iter().rev().fold(0, |byte, &pixel| byte << 1 | u64::from(pixel <= threshold)),
        };
        bits |= byte << (index * BLOCK);
    }
    bits
}

/// Compares eight pixels with one threshold at once.
#[inline]
fn dark_byte(pixels: u64, threshold: u8) -> u64 {
    let limit = u64::from(threshold) * LOW_BITS;
    // Each byte's high bit says that the low seven bits of the limit are not below those of the pixel.
    let low_part = (limit | HIGH_BITS) - (pixels & !HIGH_BITS);
    let not_above = (!pixels & limit) | (!(pixels ^ limit) & low_part);
    // The multiplication moves the eight high bits side by side into the top byte.
    ((not_above & HIGH_BITS) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;
    use rxing::common::HybridBinarizer;
    use rxing::{Binarizer as _, Luma8Source};

    #[test]
    fn eight_pixels_compare_like_one_by_one() {
        for threshold in [0_u8, 1, 63, 127, 128, 129, 200, 254, 255] {
            for start in 0..=255_u8 {
                let block: [u8; 8] =
                    std::array::from_fn(|at| start.wrapping_add((at as u8).wrapping_mul(37)));
                let expected = (0..8).fold(0, |byte, at| byte | u64::from(block[at] <= threshold) << at);
                assert_eq!(
                    dark_byte(u64::from_le_bytes(block), threshold),
                    expected,
                    "{threshold} {block:?}"
                );
            }
        }
    }

    #[test]
    fn the_result_is_the_one_of_the_hybrid_binarizer() {
        let (width, height) = (160, 96);
        let mut seed = 7_u32;
        let luma: Vec<u8> = (0..width * height)
            .map(|at| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let (x, y) = (at % width, at / width);
                let square = if (x / 11 + y / 13) % 2 == 0 { 40 } else { 190 };
                (square + (x / 4) as u32 + (seed >> 28)) as u8
            })
            .collect();
        let mut ours = None;
        assert!(Binarizer::default().binarize(
            &luma,
            width,
            height,
            Contrast::Usual,
            &mut ours,
            &mut BitPlane::default()
        ));
        let source = Luma8Source::new_with_slice(&luma, width as u32, height as u32).unwrap();
        let theirs = HybridBinarizer::new(source);
        assert_eq!(ours.as_ref(), theirs.get_black_matrix().ok());
    }

    #[test]
    fn odd_sizes_and_tiny_pictures_are_accepted() {
        let mut binarizer = Binarizer::default();
        let mut matrix = None;
        for (width, height) in [(1, 1), (39, 40), (41, 43), (65, 47), (127, 129)] {
            let luma: Vec<u8> = (0..width * height).map(|at| (at % 251) as u8).collect();
            assert!(binarizer.binarize(
                &luma,
                width,
                height,
                Contrast::Usual,
                &mut matrix,
                &mut BitPlane::default()
            ));
            assert_eq!(
                matrix.as_ref().map(|m| (m.width() as usize, m.height() as usize)),
                Some((width, height))
            );
        }
        assert!(!binarizer.binarize(&[], 0, 0, Contrast::Usual, &mut matrix, &mut BitPlane::default()));
    }
}
