//! The card or the screen: how bright it is at a place, in modules from the top left corner of its code.

use qrcode::bits::Bits;
use qrcode::types::QrResult;
use qrcode::{Color, EcLevel, QrCode, Version};

use super::random::Random;
use super::{HEIGHT, WIDTH};

/// Letters of a token's body.
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Something flat with a code on it.
#[derive(Debug, Clone)]
pub(super) struct Surface {
    pub(super) text: String,
    /// Modules along the side.
    pub(super) side: usize,
    dark: Vec<bool>,
    /// Modules of white around the code.
    quiet: f32,
    /// Modules from the code's edge to the edge of the card or screen.
    pub(super) border: f32,
    /// Light of black and of white.
    pub(super) black: f32,
    pub(super) white: f32,
    /// Light of the rest of the card.
    card: f32,
    inverted: bool,
    /// Lines of broken glass: two ends and a light.
    cracks: Vec<[f32; 5]>,
    /// Waves of crumpled paper: direction, phase, height in modules.
    creases: Vec<[f32; 4]>,
    /// Beats between the screen's pixels and the camera's: direction, phase, strength.
    moire: Option<[f32; 4]>,
}

/// Which code is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// A card's token: version 5, level M.
    Card,
    /// The token in an address: version 6, level M.
    Link,
    /// A code that changes every few seconds: version 10, level M.
    Rotating,
}

impl Surface {
    pub(super) fn new(random: &mut Random, shown: Shown, screen: bool) -> Self {
        let (start, length, version) = match shown {
            Shown::Card => ("ST", 122, 5),
            Shown::Link => ("HTTPS://EXAMPLE.ORG/C/ST", 150, 6),
            Shown::Rotating => ("ST", 300, 10),
        };
        let mut text = start.to_owned();
        while text.len() < length {
            text.push(char::from(LETTERS[random.below(LETTERS.len())]));
        }
        let (side, dark) = match code_of(&text, Version::Normal(version)) {
            Ok(code) => (code.width(), code.to_colors().iter().map(|color| *color == Color::Dark).collect()),
            // The lengths above fit their versions: a test draws many.
            Err(_) => (0, Vec::new()),
        };
        let inverted = screen && random.chance(0.3);
        let (black, white) = if screen {
            (random.between(8.0, 45.0), random.between(110.0, 300.0))
        } else {
            (random.between(25.0, 70.0), random.between(130.0, 225.0))
        };
        let quiet = [4.0, 4.0, 3.0, 2.0][random.below(4)];
        let border = quiet + random.between(1.0, 12.0);
        let far = side as f32;
        let crack_count = if screen && random.chance(0.25) { 2 + random.below(6) } else { 0 };
        let cracks = (0..crack_count)
            .map(|_| {
                let mut place = || random.between(-4.0, far + 4.0);
                let ends = [place(), place(), place(), place()];
                [ends[0], ends[1], ends[2], ends[3], random.between(0.0, 1.0)]
            })
            .collect();
        let crease_count = if !screen && random.chance(0.35) { 2 + random.below(3) } else { 0 };
        let creases = (0..crease_count)
            .map(|_| {
                let length = random.between(14.0, 50.0);
                let angle = random.between(0.0, std::f32::consts::PI);
                let wave = std::f32::consts::TAU / length;
                [wave * angle.cos(), wave * angle.sin(), random.between(0.0, 6.3), random.between(0.2, 0.9)]
            })
            .collect();
        let moire = (screen && random.chance(0.4)).then(|| {
            let (length, angle) = (random.between(1.5, 12.0), random.between(0.0, std::f32::consts::PI));
            let wave = std::f32::consts::TAU / length;
            [wave * angle.cos(), wave * angle.sin(), random.between(0.0, 6.3), random.between(0.05, 0.3)]
        });
        let card = if screen { if inverted { black } else { white } } else { random.between(60.0, 240.0) };
        Self { text, side, dark, quiet, border, black, white, card, inverted, cracks, creases, moire }
    }

    /// Says in a few words what is wrong with it.
    pub(super) fn describe(&self) -> String {
        let Self { black, white, quiet, inverted, cracks, creases, moire, .. } = self;
        format!(
            "light {black:.0} to {white:.0}, margin {quiet}, light on dark {inverted}, {} cracks, {} creases, beats {:.2}",
            cracks.len(),
            creases.len(),
            moire.map_or(0.0, |moire| moire[3]),
        )
    }

    /// Gives the light at a place; `None` outside the card.
    pub(super) fn light(&self, mut u: f32, mut v: f32) -> Option<f32> {
        let far = self.side as f32;
        let mut shade = 1.0;
        for &[across, down, phase, height] in &self.creases {
            let wave = across * u + down * v + phase;
            u += height * across.signum() * 0.5 * wave.sin();
            v += height * down.signum() * 0.5 * wave.cos();
            shade += 0.12 * height * wave.cos();
        }
        let inside = |low: f32, high: f32| (low..high).contains(&u) && (low..high).contains(&v);
        if !inside(-self.border, far + self.border) {
            return None;
        }
        let mut light = if inside(0.0, far) {
            let dark = self.dark.get(v as usize * self.side + u as usize).copied().unwrap_or(false);
            if dark != self.inverted { self.black } else { self.white }
        } else if inside(-self.quiet, far + self.quiet) {
            if self.inverted { self.black } else { self.white }
        } else {
            self.card
        };
        light *= shade;
        if let Some([across, down, phase, strength]) = self.moire {
            light *= 1.0 - strength * (0.5 + 0.5 * (across * u + down * v + phase).sin());
        }
        for &[ax, ay, bx, by, glint] in &self.cracks {
            let (dx, dy) = (bx - ax, by - ay);
            let along = (((u - ax) * dx + (v - ay) * dy) / (dx * dx + dy * dy).max(1e-3)).clamp(0.0, 1.0);
            if (u - ax - along * dx).hypot(v - ay - along * dy) < 0.22 {
                light = self.black + glint * (self.white - self.black);
            }
        }
        Some(light)
    }
}

/// Makes a code of one segment: left to itself, the library changes alphabets at digits, and then some texts that fill
/// their version do not fit any more.
fn code_of(text: &str, version: Version) -> QrResult<QrCode> {
    let mut bits = Bits::new(version);
    bits.push_alphanumeric_data(text.as_bytes())?;
    bits.push_terminator(EcLevel::M)?;
    QrCode::with_bits(bits, EcLevel::M)
}

/// A code that belongs to nobody here: an address, a ticket, a number.
#[derive(Debug, Clone)]
pub(super) struct Stray {
    pub(super) text: String,
    side: usize,
    dark: Vec<bool>,
}

impl Stray {
    /// Makes one of a usual size, at any level of correction.
    pub(super) fn new(random: &mut Random) -> Self {
        let level = [EcLevel::L, EcLevel::M, EcLevel::Q, EcLevel::H][random.below(4)];
        let length = 4 + random.below(90);
        let letters: &[u8] = if random.chance(0.3) { b"0123456789" } else { LETTERS };
        let mut text = if random.chance(0.5) { "https://shop.example/".to_owned() } else { String::new() };
        text.extend((0..length).map(|_| char::from(letters[random.below(letters.len())])));
        match QrCode::with_error_correction_level(&text, level) {
            Ok(code) => {
                let dark = code.to_colors().iter().map(|color| *color == Color::Dark).collect();
                Self { text, side: code.width(), dark }
            }
            // So few letters fit at every level.
            Err(_) => Self { text: String::new(), side: 0, dark: Vec::new() },
        }
    }

    /// Paints it somewhere, and over it at times a reflex or a thumb that hides more than can be mended.
    pub(super) fn paint(&self, plane: &mut [f32], random: &mut Random) {
        let print = Print::new(self.side, random);
        let dark = |column: i32, row: i32| {
            self.dark.get(row as usize * self.side + column as usize).copied().unwrap_or(false)
        };
        print.paint(plane, dark);
        let reach = self.side as f32 * print.module / 2.0;
        for _ in 0..random.below(4) {
            let (x, y) = (print.x + random.between(-reach, reach), print.y + random.between(-reach, reach));
            let spread = random.between(0.1, 0.8) * reach;
            let (is_reflex, light) = (random.chance(0.6), random.between(60.0, 400.0));
            let bound = |value: f32, side: usize| (value.max(0.0) as usize).min(side);
            for row in bound(y - 3.0 * spread, HEIGHT)..bound(y + 3.0 * spread, HEIGHT) {
                for column in bound(x - 3.0 * spread, WIDTH)..bound(x + 3.0 * spread, WIDTH) {
                    let away = ((column as f32 - x).powi(2) + (row as f32 - y).powi(2)) / spread.powi(2);
                    let pixel = &mut plane[row * WIDTH + column];
                    if is_reflex {
                        *pixel += light * (-away / 2.0).exp();
                    } else if away < 1.0 {
                        *pixel = light / 3.0;
                    }
                }
            }
        }
    }
}

/// Where and how a flat print lies in the picture.
struct Print {
    side: usize,
    module: f32,
    sin: f32,
    cos: f32,
    x: f32,
    y: f32,
    black: f32,
    white: f32,
}

impl Print {
    fn new(side: usize, random: &mut Random) -> Self {
        let module = random.between(2.5, 7.0);
        let (sin, cos) = random.between(0.0, std::f32::consts::TAU).sin_cos();
        let reach = (side as f32 / 2.0 + 4.0) * module * 1.5;
        let x = random.between(reach, (WIDTH as f32 - reach).max(reach + 1.0));
        let y = random.between(reach, (HEIGHT as f32 - reach).max(reach + 1.0));
        let (black, white) = (random.between(10.0, 90.0), random.between(110.0, 240.0));
        Self { side, module, sin, cos, x, y, black, white }
    }

    fn paint(&self, plane: &mut [f32], is_dark: impl Fn(i32, i32) -> bool) {
        let Self { side, module, sin, cos, x, y, black, white } = *self;
        let reach = (side as f32 / 2.0 + 4.0) * module * 1.5;
        for pixel_y in (y - reach).max(0.0) as usize..((y + reach).max(0.0) as usize).min(HEIGHT) {
            for pixel_x in (x - reach).max(0.0) as usize..((x + reach).max(0.0) as usize).min(WIDTH) {
                let (dx, dy) = (pixel_x as f32 + 0.5 - x, pixel_y as f32 + 0.5 - y);
                let half = side as f32 / 2.0;
                let (u, v) = ((dx * cos + dy * sin) / module + half, (dy * cos - dx * sin) / module + half);
                let inside = |edge: f32| {
                    (-edge..side as f32 + edge).contains(&u) && (-edge..side as f32 + edge).contains(&v)
                };
                if inside(0.0) {
                    let dark = is_dark(u as i32, v as i32);
                    plane[pixel_y * WIDTH + pixel_x] = if dark { black } else { white };
                } else if inside(4.0) {
                    plane[pixel_y * WIDTH + pixel_x] = white;
                }
            }
        }
    }
}

/// Paints finder patterns, timing and random modules: nearly a code.
pub(super) fn paint_decoy(plane: &mut [f32], random: &mut Random) {
    let side = 21 + 4 * random.below(6);
    let print = Print::new(side, random);
    let with_finders = random.chance(0.8);
    let seed = random.next();
    print.paint(plane, |column, row| {
        let last = side as i32 - 1;
        for (left, top) in [(0, 0), (last - 6, 0), (0, last - 6)] {
            let ring = (column - left - 3).abs().max((row - top - 3).abs());
            if with_finders && ring <= 4 {
                return ring <= 1 || ring == 3;
            }
        }
        if with_finders && (row == 6 || column == 6) {
            return (row + column) % 2 == 0;
        }
        Random::new(seed ^ (row as u64 * 1000 + column as u64)).chance(0.5)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_surface_shows_a_code() {
        for shown in [Shown::Card, Shown::Link, Shown::Rotating] {
            for seed in 0..100 {
                let surface = Surface::new(&mut Random::new(seed), shown, false);
                assert!(surface.side >= 37 && surface.dark.len() == surface.side.pow(2), "{shown:?} {seed}");
            }
        }
    }
}
