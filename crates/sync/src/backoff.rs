//! When to try again after a failure: twice as long each time, never in step with other devices.

/// Waits that grow with each failure and begin anew with each success.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after the first failure, in milliseconds, before jitter.
    pub const FIRST_MS: u64 = 1_000;
    /// The longest wait, in milliseconds.
    pub const LONGEST_MS: u64 = 60_000;

    /// It worked, or the network came back: begin anew.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// It failed. Gives the milliseconds to wait: between half of the step and the whole of it, by `random`.
    pub fn failed(&mut self, random: u64) -> u64 {
        let step = Self::FIRST_MS.saturating_mul(1 << self.failures.min(20)).min(Self::LONGEST_MS);
        self.failures = self.failures.saturating_add(1);
        step / 2 + random % (step / 2 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_begin_anew() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> = (0..10).map(|_| backoff.failed(u64::MAX)).collect();
        assert!(waits.windows(2).all(|pair| pair[0] <= pair[1] || pair[1] >= Backoff::LONGEST_MS / 2));
        assert!(waits.iter().all(|&wait| (500..=Backoff::LONGEST_MS).contains(&wait)), "{waits:?}");
        backoff.reset();
        assert!(backoff.failed(7) <= Backoff::FIRST_MS);
    }
}
