//! The machine's own clock and randomness, for programs that serve people. Tests bring their own.

use std::io::IsTerminal as _;
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

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Writes the log to stderr, as much as `RUST_LOG` asks for, or else `filter`. A second call changes nothing.
pub fn log_to_stderr(format: LogFormat, filter: &str) {
    let filter = EnvFilter::try_from_default_env()
        .or_else(|_| EnvFilter::try_new(filter))
        .unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Somebody else may be writing the log already.
    let _ = match format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
}

/// Ends at Ctrl-C or when the system asks to stop.
pub async fn told_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                tokio::select! {
                    _ = interrupt => {}
                    _ = terminate.recv() => {}
                }
            }
            Err(_) => drop(interrupt.await),
        }
    }
    #[cfg(not(unix))]
    drop(interrupt.await);
}
