//! The machine's own clock and randomness, for programs that serve people. Tests bring their own.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use stempel_domain::ports::{Clock, Entropy};
use tracing_subscriber::EnvFilter;

/// The machine's clock and time zone.
#[derive(Debug, Clone)]
pub struct SystemClock {
    zone: TimeZone,
}

impl SystemClock {
    /// Takes the machine's time zone, as it is now.
    pub fn new() -> Self {
        Self { zone: TimeZone::system() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        // A clock before 1970 reads as 1970: every request is then refused for its time, with a plain word.
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
    }

    fn offset_minutes_at(&self, utc_ms: i64) -> i16 {
        Timestamp::from_millisecond(utc_ms)
            .map_or(0, |instant| (self.zone.to_offset(instant).seconds() / 60) as i16)
    }
}

/// The system's source of randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&mut self, bytes: &mut [u8]) {
        // Keys from bad randomness would be worse than no server at all.
        if getrandom::fill(bytes).is_err() {
            tracing::error!("the system gives no randomness");
            std::process::abort();
        }
    }
}

/// Writes the log to stderr, as much as `RUST_LOG` asks for. A second call changes nothing.
pub fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // Somebody else may be writing the log already.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}
