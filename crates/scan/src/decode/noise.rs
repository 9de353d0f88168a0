//! How much a picture's brightness scatters where nothing is to be seen.

use super::view::PlaneRef;

/// One row and column in so many is looked at; a prime, so that stripes of a usual width are not hit again and again.
const STEP: usize = 7;
/// A picture that scatters more is full of edges rather than of noise.
const NOISE_MAX: f32 = 32.0;

/// Estimates the standard deviation of the noise, in grey levels: from how far pixels lie from the line between their
/// neighbours, of which edges make a few large and noise makes all. The median does not mind the few.
pub(super) fn noise_of(plane: PlaneRef<'_>) -> f32 {
    let PlaneRef { luma, width, height } = plane;
    if width < 3 || luma.len() < width * height {
        return 0.0;
    }
    // Twice the distance reaches from 0 to 510; half steps would say nothing.
    let mut counts = [0_u32; 512];
    let mut all = 0_u32;
    for row in luma.chunks_exact(width).step_by(STEP) {
        for three in row.windows(3).step_by(STEP) {
            let off = 2 * i32::from(three[1]) - i32::from(three[0]) - i32::from(three[2]);
            counts[off.unsigned_abs().min(511) as usize] += 1;
            all += 1;
        }
    }
    let mut below = 0;
    let median = counts.iter().position(|count| {
        below += count;
        2 * below >= all
    });
    // The sum of a pixel twice and two neighbours scatters by the root of six; half of a bell curve lies within 0.6745.
    (median.unwrap_or(0) as f32 / (0.6745 * 6.0_f32.sqrt())).min(NOISE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture with stripes, and noise of a bell curve.
    fn picture(noise: f32) -> Vec<u8> {
        let mut state = 7_u64;
        let mut unit = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1_u64 << 24) as f32
        };
        (0..320 * 240)
            .map(|at| {
                let light = if at % 320 / 16 % 2 == 0 { 70.0 } else { 180.0 };
                let bell = (0..12).map(|_| unit()).sum::<f32>() - 6.0;
                (light + noise * bell).clamp(0.0, 255.0) as u8
            })
            .collect()
    }

    #[test]
    fn noise_is_told_from_edges() {
        for noise in [0.0_f32, 3.0, 8.0, 20.0] {
            let luma = picture(noise);
            let found = noise_of(PlaneRef { luma: &luma, width: 320, height: 240 });
            assert!((found - noise).abs() < 0.8 + 0.15 * noise, "{noise}: {found}");
        }
        assert_eq!(noise_of(PlaneRef { luma: &[], width: 0, height: 0 }), 0.0);
    }
}
