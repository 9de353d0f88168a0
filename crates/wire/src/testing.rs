//! What the tests of several modules need.

use stempel_domain::ports::Entropy;

/// Counts up: repeatable, and different at every draw.
pub(crate) struct Counting(pub u8);

impl Entropy for Counting {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
    }
}
