//! Waiting for what another process does.

use std::time::{Duration, Instant};

/// Looks until there is something, for a time that is bounded.
pub fn wait_for<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < patience, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(200));
    }
}
