//! The system's clock, randomness and store of keys: the only place where this program reads any of them.

pub(crate) mod folder_key;

use jiff::tz::TimeZone;
use stempel_domain::ports::{Clock, Entropy};

/// The machine's clock, in a shop's time zone.
#[derive(Debug, Clone)]
pub struct SystemClock {
    zone: TimeZone,
}

impl SystemClock {
    /// A clock for a time zone by its IANA name; an unknown or empty name means the machine's own zone.
    pub fn new(zone: &str) -> Self {
        let zone = if zone.is_empty() {
            TimeZone::system()
        } else {
            TimeZone::get(zone).unwrap_or(TimeZone::system())
        };
        Self { zone }
    }

    /// The machine's own time zone by its name, if it has one.
    pub fn system_zone() -> String {
        TimeZone::system().iana_name().unwrap_or_default().to_owned()
    }
}

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        jiff::Timestamp::now().as_millisecond()
    }

    fn offset_minutes_at(&self, utc_ms: i64) -> i16 {
        let Ok(timestamp) = jiff::Timestamp::from_millisecond(utc_ms) else { return 0 };
        (self.zone.to_offset(timestamp).seconds() / 60) as i16
    }
}

/// The system's source of randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&mut self, bytes: &mut [u8]) {
        // Without randomness there are no keys: nothing sensible can go on.
        if let Err(error) = getrandom::fill(bytes) {
            panic!("the system gives no randomness: {error}");
        }
    }
}

/// Bytes that are free for this program on the disk of a folder, where that can be asked.
pub fn disk_free(folder: &std::path::Path) -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        let disk = rustix::fs::statvfs(folder).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = folder;
        None
    }
}
