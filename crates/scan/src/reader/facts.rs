//! What a frame tells about its source.

use super::watchdog::FrameFacts;
use crate::frame::Frame;

/// No pixel brighter than this is no light; cameras give 16 for black.
const BLACK_MAX: u8 = 28;
/// One pixel in so many is looked at; a prime, so that the places wander through the columns.
const STEP_PIXELS: usize = 61;

/// Looks at a sample of the pixels: enough, because a camera's noise is everywhere.
pub(super) fn facts_of(frame: &Frame, live: bool) -> FrameFacts {
    let mut fingerprint = 0xcbf2_9ce4_8422_2325_u64;
    let mut brightest = 0_u8;
    for &pixel in frame.luma().iter().step_by(STEP_PIXELS) {
        fingerprint = (fingerprint ^ u64::from(pixel)).wrapping_mul(0x0000_0100_0000_01b3);
        brightest = brightest.max(pixel);
    }
    FrameFacts { fingerprint, black: brightest <= BLACK_MAX, live }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn noise_changes_the_fingerprint_and_light_is_not_black() {
        let dark = Frame::new(64, 64, vec![17; 64 * 64], Duration::ZERO).unwrap();
        let mut luma = dark.luma().to_vec();
        luma[STEP_PIXELS] = 18;
        let noisy = Frame::new(64, 64, luma, Duration::ZERO).unwrap();
        let light = Frame::new(64, 64, vec![120; 64 * 64], Duration::ZERO).unwrap();
        assert!(facts_of(&dark, true).black && !facts_of(&light, true).black);
        assert_ne!(facts_of(&dark, true).fingerprint, facts_of(&noisy, true).fingerprint);
        assert_eq!(facts_of(&dark, true), facts_of(&dark.clone().at(Duration::from_secs(9)), true));
    }
}
