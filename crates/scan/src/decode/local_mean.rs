//! Black and white by the mean around each pixel, from a picture that was smoothed a little.
//!
//! Against noise, against light that falls off across the code, and against blur: the mean of a window wider than a
//! finder pattern lies between black and white wherever there is a code.

use super::bits::BitPlane;
use super::view::PlaneRef;

/// A pixel must be darker than its surroundings by so much to be black.
const DARKER_MIN: f32 = 1.0;
/// It must be darker by so many standard deviations of the noise that smoothing leaves, or a bare counter in poor light
/// is full of things that look like finder patterns.
const DARKER_BY_NOISE: f32 = 2.0;
/// Smoothing by 1-2-1 along both ways leaves this share of the noise.
const NOISE_LEFT: f32 = 0.375;

/// Scratch memory.
#[derive(Debug, Default)]
pub(crate) struct LocalMean {
    smooth: Vec<u8>,
    columns: Vec<u32>,
    rows: Vec<u16>,
}

impl LocalMean {
    /// Writes black pixels as set bits; the window is `2 * reach + 1` pixels wide and high, and `noise` the standard
    /// deviation of the picture's noise. False when the picture is smaller than the window.
    pub(crate) fn binarize(
        &mut self,
        plane: PlaneRef<'_>,
        reach: usize,
        noise: f32,
        bits: &mut BitPlane,
    ) -> bool {
        let darker = (DARKER_BY_NOISE * NOISE_LEFT * noise).max(DARKER_MIN) as i32;
        let PlaneRef { luma, width, height } = plane;
        let side = 2 * reach + 1;
        if width < side || height < side || luma.len() != width * height {
            return false;
        }
        self.smooth(luma, width, height);
        bits.start(width, height);
        let smooth = &self.smooth;
        let row_at = |y: usize| &smooth[y * width..(y + 1) * width];
        self.columns.clear();
        self.columns.resize(width, 0);
        for y in 0..side {
            self.columns.iter_mut().zip(row_at(y)).for_each(|(sum, &pixel)| *sum += u32::from(pixel));
        }
        let area = (side * side) as i32;
        for y in 0..height {
            // The window stays inside at the edges of the picture.
            if y > reach && y + reach < height {
                let (leaving, coming) = (row_at(y - reach - 1), row_at(y + reach));
                for ((sum, &old), &new) in self.columns.iter_mut().zip(leaving).zip(coming) {
                    *sum = *sum + u32::from(new) - u32::from(old);
                }
            }
            let mut sum: u32 = self.columns[..side].iter().sum();
            let words = bits.row_mut(y);
            for (x, &pixel) in row_at(y).iter().enumerate() {
                if x > reach && x + reach < width {
                    sum = sum + self.columns[x + reach] - self.columns[x - reach - 1];
                }
                let black = (i32::from(pixel) + darker) * area < sum as i32;
                words[x / 64] |= u64::from(black) << (x % 64);
            }
        }
        true
    }

    /// Smooths by 1-2-1 along both ways.
    fn smooth(&mut self, luma: &[u8], width: usize, height: usize) {
        self.smooth.clear();
        self.smooth.extend_from_slice(luma);
        self.rows.clear();
        self.rows.resize(width, 0);
        for y in 1..height.saturating_sub(1) {
            let (above, here, below) = (
                &luma[(y - 1) * width..y * width],
                &luma[y * width..][..width],
                &luma[(y + 1) * width..][..width],
            );
            for (((sum, &a), &b), &c) in self.rows.iter_mut().zip(above).zip(here).zip(below) {
                *sum = u16::from(a) + 2 * u16::from(b) + u16::from(c);
            }
            let out = &mut self.smooth[y * width + 1..(y + 1) * width - 1];
            for (pixel, sums) in out.iter_mut().zip(self.rows.windows(3)) {
                *pixel = ((sums[0] + 2 * sums[1] + sums[2] + 8) / 16) as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_stand_out_under_falling_light_and_at_the_edges() {
        let (width, height) = (90, 70);
        let luma: Vec<u8> = (0..width * height)
            .map(|at| {
                let (x, y) = (at % width, at / width);
                let light = 110 + x;
                (if (x / 6 + y / 6) % 2 == 0 { light } else { light * 6 / 10 }) as u8
            })
            .collect();
        let mut bits = BitPlane::default();
        let plane = PlaneRef { luma: &luma, width, height };
        assert!(LocalMean::default().binarize(plane, 12, 0.0, &mut bits));
        for (x, y) in [(3, 3), (9, 3), (87, 3), (81, 3), (45, 33), (51, 33), (87, 69), (3, 69)] {
            assert_eq!(bits.get(x, y), (x / 6 + y / 6) % 2 == 1, "{x} {y}");
        }
        assert!(!LocalMean::default().binarize(plane, 40, 0.0, &mut bits));
    }
}
