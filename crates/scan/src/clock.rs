//! The clock as a value that is handed in.
//!
//! Nothing in this crate asks the machine for the time: sources, pipeline and watchdog take a [`Clock`].
//! Tests and the simulator pass one they move by hand; the terminal passes [`monotonic`].

use std::sync::Arc;
use std::time::{Duration, Instant};

/// Gives the time since an origin that the maker of the clock chose. It never goes backwards.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// Makes a clock that counts from now with the machine's monotonic time.
pub fn monotonic() -> Clock {
    let origin = Instant::now();
    Arc::new(move || origin.elapsed())
}

/// Turns a duration into whole milliseconds; a duration longer than 584 million years stays at the maximum.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
