//! The system's clock, randomness and store of keys: the only place where this program reads any of them.

use jiff::tz::TimeZone;
use stempel_domain::ports::{Clock, Entropy};
use stempel_wire::wrap::SealingKey;

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

/// The credential that opens a sealed key file, by its name in systemd's store.
const FOLDER_KEY: &str = "stempel-folder-key";

/// What the system's store of keys holds for the data folder: systemd hands it to the service that may have it, in a file
/// in memory. None where there is no such store, or nothing in it for this program.
///
/// # Errors
/// If there is a credential that cannot be read or is no secret: nothing goes on as if there were none.
pub(crate) fn folder_key() -> std::io::Result<Option<SealingKey>> {
    match std::env::var_os("CREDENTIALS_DIRECTORY") {
        Some(folder) => key_in(std::path::Path::new(&folder)),
        None => Ok(None),
    }
}

fn key_in(folder: &std::path::Path) -> std::io::Result<Option<SealingKey>> {
    let secret = match std::fs::read(folder.join(FOLDER_KEY)) {
        Ok(secret) => secret,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let no_secret = || {
        let range = SealingKey::LEN;
        let told =
            format!("the credential “{FOLDER_KEY}” has not {} to {} bytes", range.start(), range.end());
        std::io::Error::new(std::io::ErrorKind::InvalidData, told)
    };
    SealingKey::of(secret.trim_ascii_end()).map(Some).ok_or_else(no_secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_read_where_systemd_puts_it_and_a_short_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("stempel-folder-key");
        assert_eq!(key_in(folder.path()).unwrap(), None);
        std::fs::write(&file, "a secret of the machine\n").unwrap();
        assert_eq!(key_in(folder.path()).unwrap(), SealingKey::of(b"a secret of the machine"));
        std::fs::write(&file, "short").unwrap();
        assert!(key_in(folder.path()).is_err());
    }
}
