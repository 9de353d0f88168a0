//! Guessing passwords gets slower and slower, without locking anybody out.
//!
//! Failures count for an account *at an address*: whoever guesses from elsewhere never keeps the owner out. An
//! address that tries many accounts is slowed down for all of them. Kept in memory, per process, within bounds, and
//! written down for the next start (`attempts`).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::attempts::Attempt;

/// Failures without consequence: of one account at one address, and of one address in all.
const FREE_OF_ACCOUNT: u32 = 5;
const FREE_OF_ADDRESS: u32 = 50;
/// The longest wait, in milliseconds.
const WAIT_MS_MAX: i64 = 15 * 60 * 1000;
/// After so long without a failure everything is forgotten.
const FORGOTTEN_MS: i64 = 60 * 60 * 1000;
/// The most entries; the oldest give way.
const ENTRIES_MAX: usize = 20_000;

/// A hash of an account at an address, or of an address.
type Key = [u8; 16];

#[derive(Debug, Clone, Copy, Default)]
struct Failures {
    count: u32,
    last_ms: i64,
}

/// What is known of failures.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    failures: Mutex<BTreeMap<Key, Failures>>,
    changes: AtomicU64,
}

fn keys(email: &str, address: IpAddr) -> [(Key, u32); 2] {
    // Whoever has one address of IPv6 has its whole network.
    let address = match address {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) >> 64 << 64).into()),
        v4 @ IpAddr::V4(_) => v4,
    };
    let short = |context, bytes: &[u8]| {
        let mut short = [0; 16];
        short.copy_from_slice(&blake3::derive_key(context, bytes)[..16]);
        short
    };
    let address = address.to_string();
    [
        (short("stempel login account v2", format!("{address} {email}").as_bytes()), FREE_OF_ACCOUNT),
        (short("stempel login address v2", address.as_bytes()), FREE_OF_ADDRESS),
    ]
}

impl Guard {
    /// Begins an attempt, and counts it as failed until [`Guard::succeeded`]: so that many at once help nobody.
    /// Gives the milliseconds to wait if it comes too early; then nothing was counted.
    pub fn attempt(&self, email: &str, address: IpAddr, now_ms: i64) -> Result<(), i64> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = keys(email, address);
        self.changes.fetch_add(1, Ordering::Relaxed);
        for (key, free) in &keys {
            let Some(known) = failures.get(key) else { continue };
            let over = known.count.saturating_sub(*free);
            if over == 0 {
                continue;
            }
            let wait_ms = (1000_i64 << (over - 1).min(20)).min(WAIT_MS_MAX);
            let left = known.last_ms.saturating_add(wait_ms).saturating_sub(now_ms);
            if left > 0 {
                return Err(left);
            }
        }
        if failures.len() + keys.len() > ENTRIES_MAX {
            forget(&mut failures, now_ms);
        }
        for (key, _) in keys {
            let known = failures.entry(key).or_default();
            if known.last_ms.saturating_add(FORGOTTEN_MS) < now_ms {
                known.count = 0;
            }
            *known = Failures { count: known.count.saturating_add(1), last_ms: now_ms };
        }
        Ok(())
    }

    /// The attempt was right: the account's failures at this address are forgotten, the address gets its one
    /// back.
    pub fn succeeded(&self, email: &str, address: IpAddr) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let [(account, _), (address, _)] = keys(email, address);
        self.changes.fetch_add(1, Ordering::Relaxed);
        failures.remove(&account);
        if let Some(known) = failures.get_mut(&address) {
            known.count = known.count.saturating_sub(1);
        }
    }
}

impl Guard {
    /// A number that is another one after each attempt.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// What is known of failures, to be written down.
    pub fn attempts(&self) -> Vec<Attempt> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.iter().map(|(key, known)| (*key, known.count, known.last_ms)).collect()
    }

    /// Goes on from what was written down.
    pub fn take_up(&self, attempts: &[Attempt]) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, count, last_ms) in attempts.iter().take(ENTRIES_MAX) {
            let known = failures.entry(*key).or_default();
            *known = Failures { count: known.count.max(*count), last_ms: known.last_ms.max(*last_ms) };
        }
    }
}

fn forget(failures: &mut BTreeMap<Key, Failures>, now_ms: i64) {
    failures.retain(|_, known| known.last_ms.saturating_add(FORGOTTEN_MS) >= now_ms);
    if failures.len() + 2 > ENTRIES_MAX {
        let mut times: Vec<i64> = failures.values().map(|known| known.last_ms).collect();
        times.sort_unstable();
        let middle = times[times.len() / 2];
        failures.retain(|_, known| known.last_ms > middle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    #[test]
    fn guessing_gets_slower_and_the_owner_gets_in_from_elsewhere() {
        let guard = Guard::default();
        let mut now_ms = 0;
        for _ in 0..=FREE_OF_ACCOUNT {
            assert_eq!(guard.attempt("owner", HERE, now_ms), Ok(()));
        }
        let mut waits = Vec::new();
        for _ in 0..12 {
            let wait_ms = guard.attempt("owner", HERE, now_ms).unwrap_err();
            waits.push(wait_ms);
            now_ms += wait_ms;
            assert_eq!(guard.attempt("owner", HERE, now_ms), Ok(()));
        }
        assert_eq!(waits[..3], [1000, 2000, 4000]);
        assert_eq!(waits.last(), Some(&WAIT_MS_MAX));
        assert_eq!(guard.attempt("owner", THERE, now_ms), Ok(()));
        assert_eq!(guard.attempt("other", HERE, now_ms), Ok(()));
        now_ms += FORGOTTEN_MS + 1;
        assert_eq!(guard.attempt("owner", HERE, now_ms), Ok(()));
        assert_eq!(guard.attempt("owner", HERE, now_ms), Ok(()));
    }

    #[test]
    fn an_address_that_tries_many_names_is_slowed_down() {
        let guard = Guard::default();
        for name in 0..=FREE_OF_ADDRESS {
            assert_eq!(guard.attempt(&name.to_string(), HERE, 0), Ok(()));
        }
        assert_eq!(guard.attempt("another", HERE, 0), Err(1000));
        assert_eq!(guard.attempt("another", THERE, 0), Ok(()));
    }

    #[test]
    fn a_right_password_clears_what_came_before() {
        let guard = Guard::default();
        for _ in 0..100 {
            assert_eq!(guard.attempt("owner", HERE, 0), Ok(()));
            guard.succeeded("owner", HERE);
        }
    }

    #[test]
    fn what_was_counted_goes_on_after_a_restart() {
        let (before, after) = (Guard::default(), Guard::default());
        for _ in 0..=FREE_OF_ACCOUNT {
            assert_eq!(before.attempt("owner", HERE, 0), Ok(()));
        }
        after.take_up(&before.attempts());
        assert_eq!(after.attempt("owner", HERE, 0), Err(1000));
        assert_eq!(after.attempt("owner", THERE, 0), Ok(()));
        assert!(before.changes() > 0);
    }

    #[test]
    fn memory_stays_bounded() {
        let guard = Guard::default();
        for number in 0..30_000_u32 {
            let address = IpAddr::V4(number.into());
            let _ = guard.attempt("owner", address, i64::from(number));
        }
        assert!(guard.failures.lock().unwrap_or_else(PoisonError::into_inner).len() <= ENTRIES_MAX);
    }
}
