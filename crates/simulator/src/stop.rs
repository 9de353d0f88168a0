//! Why a run ends before its time.

use std::fmt::Display;

/// Why a run ended before its time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// A promise was broken. This is what the simulator looks for.
    #[error("{0}")]
    Broken(String),
    /// The machine that simulates failed: no room, no rights. This says nothing about the system.
    #[error("the simulator cannot run: {0}")]
    Machine(String),
}

/// What most functions here give.
pub type Result<T> = std::result::Result<T, Stop>;

/// A promise was broken.
pub fn broken<T>(what: impl Into<String>) -> Result<T> {
    Err(Stop::Broken(what.into()))
}

/// Holds that something is true of the system.
pub fn hold(holds: bool, what: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { broken(what()) }
}

/// Names what failed.
pub trait OrStop<T> {
    /// The simulator's own affair: a folder, a thread.
    fn machine(self, what: &str) -> Result<T>;
    /// The system's affair: this must not fail, whatever happens around it.
    fn never(self, what: &str) -> Result<T>;
}

impl<T, E: Display> OrStop<T> for std::result::Result<T, E> {
    fn machine(self, what: &str) -> Result<T> {
        self.map_err(|error| Stop::Machine(format!("{what}: {error}")))
    }

    fn never(self, what: &str) -> Result<T> {
        self.map_err(|error| Stop::Broken(format!("{what} failed: {error}")))
    }
}
