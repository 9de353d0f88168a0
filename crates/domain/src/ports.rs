//! What the edges hand in: a clock and a source of randomness. `domain` itself calls neither.

/// Tells the time. The system's clock at the edges, a seeded one in the simulator.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn now_ms(&self) -> i64;

    /// Minutes east of UTC that the shop's wall clock shows at that instant.
    fn offset_minutes_at(&self, utc_ms: i64) -> i16;
}

/// Fills bytes that nobody can guess. The system's source at the edges, a seeded one in the simulator.
pub trait Entropy: Send {
    /// Fills the whole slice.
    fn fill(&mut self, bytes: &mut [u8]);
}

/// Draws `N` bytes.
pub fn draw<const N: usize>(entropy: &mut dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}
