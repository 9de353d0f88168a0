//! How often strangers may ask for what costs something, and the work that they do instead of a password.
//!
//! Guests of one shop often share one address, so an address is not refused soon: above the first bound it has to do
//! some work for each request, above the second it waits. Kept in memory, per process, within bounds, and written down
//! for the next start (`attempts`); puzzles that were used are not.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use crate::attempts::Attempt;
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::Tenant;

/// How long is counted, in milliseconds.
const WINDOW_MS: i64 = 10 * 60 * 1000;
/// The most names that are counted; then all are forgotten.
const NAMES_MAX: usize = 20_000;
/// How long a puzzle can be used, in milliseconds.
const PUZZLE_MS: i64 = 10 * 60 * 1000;
/// Leading zero bits that an answer has: about 32,000 hashes, half a second on a phone.
const BITS: u32 = 15;
/// Puzzles that were used and are remembered.
const USED_MAX: usize = 50_000;

/// Requests of one kind by one address, or by one poster.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound {
    /// So many are free.
    pub free: u32,
    /// So many are taken with work done for each.
    pub most: u32,
}

/// What a request has to bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Toll {
    /// Nothing.
    Free,
    /// A solved puzzle.
    Work,
}

#[derive(Debug, Default)]
struct Counts {
    since_ms: i64,
    by_name: BTreeMap<[u8; 16], u32>,
}

/// Counts of this process.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    counts: Mutex<Counts>,
    used: Mutex<BTreeSet<(i64, [u8; 16])>>,
    changes: AtomicU64,
}

/// An address as it is counted: whoever has one address of IPv6 has its whole network.
pub(crate) fn network(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => HEXLOWER.encode(&v6.octets()[..8]),
    }
}

fn short(context: &str, bytes: &[u8]) -> [u8; 16] {
    let hash = blake3::derive_key(context, bytes);
    let mut short = [0; 16];
    short.copy_from_slice(&hash[..16]);
    short
}

fn too_often() -> Error {
    Error::refused(
        "too-often",
        429,
        "This was asked for very often",
        "Wait ten minutes, or ask at the counter: a printed card works at once.",
    )
}

impl Gate {
    /// Counts a request, and says what it has to bring.
    pub fn pass(&self, name: &str, bound: Bound, now_ms: i64) -> Result<Toll> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        self.changes.fetch_add(1, Ordering::Relaxed);
        if now_ms.saturating_sub(counts.since_ms) > WINDOW_MS || counts.by_name.len() >= NAMES_MAX {
            *counts = Counts { since_ms: now_ms, by_name: BTreeMap::new() };
        }
        let count = counts.by_name.entry(short("stempel gate name v1", name.as_bytes())).or_default();
        if *count >= bound.most {
            return Err(too_often());
        }
        *count += 1;
        Ok(if *count > bound.free { Toll::Work } else { Toll::Free })
    }

    /// A number that is another one after each request.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// What was counted, to be written down, with the time since when.
    pub fn attempts(&self) -> Vec<Attempt> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.by_name.iter().map(|(name, count)| (*name, *count, counts.since_ms)).collect()
    }

    /// Goes on from what was written down, as far as its ten minutes are not over.
    pub fn take_up(&self, attempts: &[Attempt], now_ms: i64) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, count, since_ms) in attempts.iter().take(NAMES_MAX) {
            if now_ms.saturating_sub(*since_ms) <= WINDOW_MS {
                counts.since_ms = counts.since_ms.max(*since_ms);
                let known = counts.by_name.entry(*name).or_default();
                *known = (*known).max(*count);
            }
        }
    }

    /// Checks an answer to a puzzle: `PUZZLE:NONCE`. Each counts once.
    pub fn check(&self, tenant: &Tenant, solved: Option<&str>, now_ms: i64) -> Result<()> {
        let wanted = || {
            Error::refused(
                "puzzle",
                428,
                "A little work is wanted first",
                "Fetch a puzzle, solve it and send the answer with the request: it keeps machines away.",
            )
        };
        let (puzzle, nonce) = solved.and_then(|text| text.rsplit_once(':')).ok_or_else(wanted)?;
        let (expires, mac) = puzzle.split_once('-').ok_or_else(wanted)?;
        let (stamp, _) = expires.split_once('.').ok_or_else(wanted)?;
        let expires_ms: i64 = stamp.parse().map_err(|_| wanted())?;
        let good = HEXLOWER.encode(&mac_of(tenant, expires)) == mac;
        if !good || expires_ms < now_ms || nonce.len() > 20 || !is_solved(puzzle, nonce) {
            return Err(wanted());
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|(expires_ms, _)| *expires_ms >= now_ms);
        if used.len() >= USED_MAX {
            return Err(too_often());
        }
        if used.insert((expires_ms, short("stempel puzzle v1", puzzle.as_bytes()))) {
            Ok(())
        } else {
            Err(wanted())
        }
    }
}

fn mac_of(tenant: &Tenant, text: &str) -> [u8; 16] {
    let key = blake3::derive_key("stempel puzzle key v1", &tenant.key.to_bytes());
    let mac = blake3::keyed_hash(&key, &[&tenant.id.0[..], text.as_bytes()].concat());
    let mut short = [0; 16];
    short.copy_from_slice(&mac.as_bytes()[..16]);
    short
}

fn is_solved(puzzle: &str, nonce: &str) -> bool {
    let hash = Sha256::digest(format!("{puzzle}:{nonce}"));
    let head = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
    head.leading_zeros() >= BITS
}

impl Server {
    /// A puzzle: a text, and the leading zero bits that its hash with a number behind has to have.
    pub(super) fn puzzle(&self, tenant: &Tenant) -> (String, u32) {
        let expires = format!("{}.{}", self.now_ms() + PUZZLE_MS, HEXLOWER.encode(&self.random::<8>()));
        let mac = HEXLOWER.encode(&mac_of(tenant, &expires));
        (format!("{expires}-{mac}"), BITS)
    }
}

#[cfg(test)]
mod tests {
    use stempel_domain::{AuthorId, TenantId};
    use stempel_wire::SecretKey;

    use super::*;

    fn tenant() -> Tenant {
        Tenant {
            id: TenantId([1; 16]),
            name: String::new(),
            epoch: String::new(),
            head: 0,
            server: AuthorId([2; 16]),
            key: SecretKey::from_bytes(&[3; 32]),
        }
    }

    fn solve(puzzle: &str) -> String {
        let nonce = (0_u64..).find(|nonce| is_solved(puzzle, &nonce.to_string())).unwrap_or_default();
        format!("{puzzle}:{nonce}")
    }

    #[test]
    fn many_from_one_place_work_for_it_and_then_wait() {
        let gate = Gate::default();
        let bound = Bound { free: 2, most: 4 };
        let tolls: Vec<_> = (0..5).map(|_| gate.pass("here", bound, 0).ok()).collect();
        assert_eq!(tolls, [Some(Toll::Free), Some(Toll::Free), Some(Toll::Work), Some(Toll::Work), None]);
        assert_eq!(gate.pass("there", bound, 0).ok(), Some(Toll::Free));
        let after = Gate::default();
        after.take_up(&gate.attempts(), 5);
        assert!(after.pass("here", bound, 5).is_err() && after.pass("there", bound, 5).is_ok());
        let later = Gate::default();
        later.take_up(&gate.attempts(), WINDOW_MS + 1);
        assert_eq!(later.pass("here", bound, WINDOW_MS + 1).ok(), Some(Toll::Free));
        assert_eq!(gate.pass("here", bound, WINDOW_MS + 1).ok(), Some(Toll::Free));
    }

    #[test]
    fn a_puzzle_counts_once_in_its_time_and_with_its_answer() {
        let (gate, tenant) = (Gate::default(), tenant());
        let expires = "1000.ab";
        let puzzle = format!("{expires}-{}", HEXLOWER.encode(&mac_of(&tenant, expires)));
        let solved = solve(&puzzle);
        for wrong in [None, Some(""), Some("1000.ab-00:1"), Some(&puzzle[..])] {
            assert!(gate.check(&tenant, wrong, 0).is_err(), "{wrong:?}");
        }
        let own = solve("9999.ab-00");
        assert!(gate.check(&tenant, Some(&own), 0).is_err(), "made up");
        assert!(gate.check(&tenant, Some(&solved), 1001).is_err(), "too late");
        assert!(gate.check(&tenant, Some(&solved), 0).is_ok());
        assert!(gate.check(&tenant, Some(&solved), 0).is_err(), "twice");
    }
}
