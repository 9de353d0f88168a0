//! Everything that looks random follows from the seed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use stempel_domain::ports::{Clock, Entropy};

/// A generator (SplitMix64): small, and the same on every machine.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Begins with a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed ^ 0x5851_f42d_4c95_7f2d)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.number() % limit.max(1) as u64) as usize
    }

    /// True in so many of a thousand cases.
    pub fn per_mille(&mut self, rate: u32) -> bool {
        self.below(1000) < rate as usize
    }
}

impl Entropy for Random {
    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let drawn = self.number().to_le_bytes();
            chunk.copy_from_slice(&drawn[..chunk.len()]);
        }
    }
}

/// A clock that stands still until the simulator moves it. A device's clock may be off from the true time.
#[derive(Debug, Clone)]
pub struct Hand {
    truth_ms: Arc<AtomicI64>,
    off_ms: Arc<AtomicI64>,
}

impl Hand {
    /// The true time, in milliseconds since 1970 (UTC).
    pub fn at(utc_ms: i64) -> Self {
        Self { truth_ms: Arc::new(AtomicI64::new(utc_ms)), off_ms: Arc::default() }
    }

    /// Another clock that follows the same true time, and may be off by itself.
    pub fn another(&self) -> Self {
        Self { truth_ms: Arc::clone(&self.truth_ms), off_ms: Arc::default() }
    }

    /// Time passes for everybody.
    pub fn pass(&self, ms: i64) {
        self.truth_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Somebody sets this clock: it is off by so much from now on, in milliseconds.
    pub fn set_off(&self, off_ms: i64) {
        self.off_ms.store(off_ms, Ordering::SeqCst);
    }

    /// The true time.
    pub fn truth_ms(&self) -> i64 {
        self.truth_ms.load(Ordering::SeqCst)
    }
}

impl Clock for Hand {
    fn now_ms(&self) -> i64 {
        self.truth_ms() + self.off_ms.load(Ordering::SeqCst)
    }

    fn offset_minutes_at(&self, _utc_ms: i64) -> i16 {
        60
    }
}
