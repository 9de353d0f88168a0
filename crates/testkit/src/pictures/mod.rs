//! What a camera over a counter sees, frame by frame, with the truth beside it.
//!
//! - A [`Pass`] is a hand that brings one card or phone into view, holds it and takes it away.
//! - [`empty_counter`] is a counter without a code.
//! - A [`Scene`] is one of these for a while, or codes of others, whole and ruined.
//! - [`decoy`] is full of what finders of codes look for, and holds no code that could be read.

mod backdrop;
mod pass;
mod random;
mod scene;
mod surface;

use std::fmt;

pub use pass::{Pass, PassKind, Truth};
pub use scene::Scene;

use backdrop::Backdrop;
use random::Random;

/// Width of all frames in pixels.
pub const WIDTH: usize = 1280;
/// Height of all frames in pixels.
pub const HEIGHT: usize = 720;
/// Frames in a second.
pub const FRAMES_PER_SECOND: f32 = 30.0;

/// One frame: the brightness of [`WIDTH`] × [`HEIGHT`] pixels, row by row.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture(pub Vec<u8>);

impl fmt::Debug for Picture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Picture").finish_non_exhaustive()
    }
}

/// Draws a frame of a counter without a code: things, lettering, light, noise.
pub fn empty_counter(seed: u64) -> Picture {
    let mut random = Random::new(seed);
    let backdrop = Backdrop::new(&mut random);
    let noise = random.between(1.0, 9.0);
    let plane = backdrop.plane().to_vec();
    expose(&plane, 1.0, noise, &mut random)
}

/// Draws a frame with finder patterns on random modules, right timing and all, and chequered cloths and lettering: what
/// costs a reader most and must never be read.
pub fn decoy(seed: u64) -> Picture {
    let mut random = Random::new(seed);
    let backdrop = Backdrop::new(&mut random);
    let mut plane = backdrop.plane().to_vec();
    for _ in 0..1 + random.below(3) {
        surface::paint_decoy(&mut plane, &mut random);
    }
    let (noise, reach) = (random.between(0.5, 12.0), random.between(0.0, 2.2));
    backdrop::blur(&mut plane, WIDTH, HEIGHT, reach);
    expose(&plane, 1.0, noise, &mut random)
}

/// Turns light into pixels: gain, noise of the sensor, and the ends of the scale.
fn expose(plane: &[f32], gain: f32, noise: f32, random: &mut Random) -> Picture {
    // A table of noise, entered anew for each row, is as good as a throw for each pixel and much quicker.
    let table: Vec<f32> = (0..4096).map(|_| random.bell() * noise).collect();
    let mut luma = Vec::with_capacity(plane.len());
    for row in plane.chunks_exact(WIDTH) {
        let start = random.below(table.len());
        let step = 1 + 2 * random.below(40);
        luma.extend(row.iter().enumerate().map(|(x, light)| {
            let grain = table[(start + x * step) % table.len()];
            (light * gain + grain).clamp(0.0, 255.0) as u8
        }));
    }
    Picture(luma)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_picture_and_another_one_another() {
        assert_eq!(empty_counter(3), empty_counter(3));
        assert_ne!(empty_counter(3), empty_counter(4));
        assert_eq!(decoy(5), decoy(5));
        assert_eq!(Scene::new(6).frame(2), Scene::new(6).frame(2));
        assert_ne!(Scene::new(6).frame(2), Scene::new(6).frame(3));
        let pass = Pass::new(8);
        assert_eq!(pass.frame(20), Pass::new(8).frame(20));
        assert_ne!(pass.frame(20), pass.frame(21));
    }

    #[test]
    fn a_pass_brings_its_code_into_view_and_takes_it_away() {
        for seed in 0..12 {
            let pass = Pass::new(seed);
            let truths: Vec<Truth> = (0..pass.frames()).map(|frame| pass.truth(frame)).collect();
            assert!(!truths[0].in_view, "seed {seed}");
            assert!(truths.iter().filter(|truth| truth.in_view).count() > 15, "seed {seed}");
            assert!(!truths[pass.frames() - 1].in_view, "seed {seed}");
            assert!(truths.iter().all(|truth| truth.in_view || !truth.readable), "seed {seed}");
        }
    }
}
