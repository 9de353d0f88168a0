//! What lies on a counter for a while and is nobody's card: nothing, things that look like codes, codes of others.

use super::backdrop::{Backdrop, blur};
use super::random::Random;
use super::surface::{Stray, paint_decoy};
use super::{HEIGHT, Picture, WIDTH, expose};

/// Something without a member's token, before a camera whose noise and exposure change from frame to frame.
#[derive(Debug, Clone)]
pub struct Scene {
    seed: u64,
    plane: Vec<f32>,
    noise: f32,
    texts: Vec<String>,
}

impl Scene {
    /// Makes the scene of a seed: by turns an empty counter, decoys, a code of others, several of them.
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed ^ 0x5ce0_0000);
        let mut plane = Backdrop::new(&mut random).plane().to_vec();
        let mut texts = Vec::new();
        match seed % 4 {
            0 => {}
            1 => (0..1 + random.below(3)).for_each(|_| paint_decoy(&mut plane, &mut random)),
            kind => {
                for _ in 0..kind - 1 {
                    let stray = Stray::new(&mut random);
                    stray.paint(&mut plane, &mut random);
                    texts.push(stray.text);
                }
            }
        }
        let reach = random.between(0.0, 3.0);
        blur(&mut plane, WIDTH, HEIGHT, reach);
        Self { seed, plane, noise: random.between(0.5, 25.0), texts }
    }

    /// Draws one frame of it.
    pub fn frame(&self, number: u64) -> Picture {
        let mut random =
            Random::new(self.seed.wrapping_mul(0x9e37_79b9) ^ (number + 1).wrapping_mul(0xd134_2543));
        let gain = random.between(0.7, 1.3);
        expose(&self.plane, gain, self.noise, &mut random)
    }

    /// Gives what may be read; everything else is false.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }
}
