//! Pictures and clocks for the tests. Nothing random: the same seed gives the same picture.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use qrcode::{Color, EcLevel, QrCode, Version};
use stempel_scan::clock::Clock;
use stempel_scan::frame::Frame;

/// A text as long as a card's: 122 characters of upper-case base32 with a prefix.
pub const TOKEN: &str = "ST7K2MZQ4XW5RA3CVB6N7YHTJ2LPDSEFGUOI4K5MZQXWRACVBNYHTJLPDSEFGUOI234567ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ZYXWVUTSRQPONMLKJIHG";

/// A small generator of numbers that look random.
pub struct Lcg(u64);

impl Lcg {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as u32) % limit.max(1)
    }
}

/// A picture being painted.
pub struct Canvas {
    width: usize,
    height: usize,
    luma: Vec<u8>,
}

impl Canvas {
    /// White paper.
    pub fn blank(width: usize, height: usize) -> Self {
        Self { width, height, luma: vec![235; width * height] }
    }

    /// Boxes and stripes of all greys, as behind a counter.
    pub fn busy(width: usize, height: usize, seed: u64) -> Self {
        let mut canvas = Self::blank(width, height);
        let mut random = Lcg::new(seed);
        for _ in 0..120 {
            let grey = 20 + random.below(220) as u8;
            let left = random.below(width as u32) as usize;
            let top = random.below(height as u32) as usize;
            let right = (left + 4 + random.below(width as u32 / 6 + 1) as usize).min(width);
            let bottom = (top + 4 + random.below(height as u32 / 6 + 1) as usize).min(height);
            for row in canvas.luma.chunks_exact_mut(width).take(bottom).skip(top) {
                row[left..right].fill(grey);
            }
        }
        canvas
    }

    /// Paints a code with a quiet zone, its middle at (x, y), with modules of so many pixels, turned clockwise.
    pub fn code(mut self, text: &str, x: f32, y: f32, module: f32, degrees: f32) -> Self {
        let code = if text.len() == 122 {
            QrCode::with_version(text, Version::Normal(5), EcLevel::M).unwrap()
        } else {
            QrCode::with_error_correction_level(text, EcLevel::M).unwrap()
        };
        let modules = code.width() as i32;
        let colors = code.to_colors();
        let (sin, cos) = degrees.to_radians().sin_cos();
        let reach = (modules as f32 / 2.0 + 4.0) * module * 1.5;
        for pixel_y in (y - reach).max(0.0) as usize..((y + reach) as usize).min(self.height) {
            for pixel_x in (x - reach).max(0.0) as usize..((x + reach) as usize).min(self.width) {
                let mut sum = 0_u32;
                let mut hits = 0_u32;
                // Four samples for each pixel soften the edges as a lens does.
                for (across, down) in [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)] {
                    let (dx, dy) = (pixel_x as f32 + across - x, pixel_y as f32 + down - y);
                    let column = ((dx * cos + dy * sin) / module + modules as f32 / 2.0).floor() as i32;
                    let row = ((dy * cos - dx * sin) / module + modules as f32 / 2.0).floor() as i32;
                    let inside = |at: i32, edge: i32| (-edge..modules + edge).contains(&at);
                    if inside(column, 4) && inside(row, 4) {
                        let dark = inside(column, 0)
                            && inside(row, 0)
                            && colors[(row * modules + column) as usize] == Color::Dark;
                        sum += if dark { 40 } else { 225 };
                        hits += 1;
                    }
                }
                let pixel = &mut self.luma[pixel_y * self.width + pixel_x];
                *pixel = ((sum + u32::from(*pixel) * (4 - hits)) / 4) as u8;
            }
        }
        self
    }

    pub fn inverted(mut self) -> Self {
        self.luma.iter_mut().for_each(|pixel| *pixel = 255 - *pixel);
        self
    }

    pub fn mirrored(mut self) -> Self {
        self.luma.chunks_exact_mut(self.width).for_each(<[u8]>::reverse);
        self
    }

    /// Adds about so much brightness more or less to each pixel.
    pub fn noise(mut self, strength: u32, seed: u64) -> Self {
        let mut random = Lcg::new(seed ^ 0xABCD);
        for pixel in &mut self.luma {
            // The mean of three throws is nearly a bell curve.
            let throw =
                (0..3).map(|_| random.below(4 * strength + 1) as i32 - 2 * strength as i32).sum::<i32>() / 3;
            *pixel = (i32::from(*pixel) + throw).clamp(0, 255) as u8;
        }
        self
    }

    /// Blurs by a bell curve of the given spread in pixels.
    pub fn blur(mut self, spread: f32) -> Self {
        let reach = (3.0 * spread).ceil() as isize;
        let weights: Vec<f32> =
            (-reach..=reach).map(|at| (-(at as f32).powi(2) / (2.0 * spread * spread)).exp()).collect();
        let sum: f32 = weights.iter().sum();
        for along_rows in [true, false] {
            let before = self.luma.clone();
            for y in 0..self.height {
                for x in 0..self.width {
                    let at = |step: isize| {
                        let (dx, dy) = if along_rows { (step, 0) } else { (0, step) };
                        let column = (x as isize + dx).clamp(0, self.width as isize - 1) as usize;
                        let row = (y as isize + dy).clamp(0, self.height as isize - 1) as usize;
                        f32::from(before[row * self.width + column])
                    };
                    let light: f32 =
                        weights.iter().zip(-reach..).map(|(weight, step)| weight * at(step)).sum();
                    self.luma[y * self.width + x] = (light / sum).round() as u8;
                }
            }
        }
        self
    }

    /// Adds a reflex: round, brightest in the middle.
    pub fn glare(mut self, x: f32, y: f32, spread: f32, strength: f32) -> Self {
        for row in 0..self.height {
            for column in 0..self.width {
                let away = ((column as f32 - x).powi(2) + (row as f32 - y).powi(2)) / (2.0 * spread * spread);
                let pixel = &mut self.luma[row * self.width + column];
                *pixel = (f32::from(*pixel) + strength * (-away).exp()).min(255.0) as u8;
            }
        }
        self
    }

    /// Lays a grey square over a place.
    pub fn cover(mut self, x: f32, y: f32, half: f32, grey: u8) -> Self {
        for row in (y - half) as usize..(y + half) as usize {
            for column in (x - half) as usize..(x + half) as usize {
                self.luma[row * self.width + column] = grey;
            }
        }
        self
    }

    /// Bends the picture in waves, as cloth does: so many pixels high and so many long.
    pub fn bent(mut self, height: f32, length: f32) -> Self {
        let before = self.luma.clone();
        let wave = std::f32::consts::TAU / length;
        for y in 0..self.height {
            for x in 0..self.width {
                let from_x = x as f32 + height * (wave * y as f32).sin();
                let from_y = y as f32 + height * (wave * x as f32).cos();
                let column = from_x.clamp(0.0, self.width as f32 - 1.0) as usize;
                let row = from_y.clamp(0.0, self.height as f32 - 1.0) as usize;
                self.luma[y * self.width + x] = before[row * self.width + column];
            }
        }
        self
    }

    /// Squeezes all greys into so many, around a middle grey.
    pub fn contrast(mut self, greys: u32, middle: u32) -> Self {
        for pixel in &mut self.luma {
            *pixel = (middle - greys / 2 + u32::from(*pixel) * greys / 255) as u8;
        }
        self
    }

    pub fn frame(self) -> Frame {
        Frame::new(self.width as u32, self.height as u32, self.luma, Duration::ZERO).unwrap()
    }
}

/// A clock that stands.
pub fn still_clock() -> Clock {
    Arc::new(|| Duration::ZERO)
}

/// A clock that moves by so much whenever it is read.
pub fn hurrying_clock(step: Duration) -> Clock {
    let readings = AtomicU64::new(0);
    Arc::new(move || step * readings.fetch_add(1, Ordering::Relaxed) as u32)
}
