//! A file system for SQLite that fails, tears and drops what was not synced: what a disk does when its power goes.
//!
//! [`install`] puts it before the system's own for every database that this process opens from then on. It changes
//! nothing until a folder is armed ([`arm`]): then each write, sync, truncation and removal in that folder is counted,
//! and at the one that the [`Plan`] names the fault happens.
//!
//! What was written and not synced when the power goes is drawn from the plan's seed: each such write is there, or
//! not, or there up to a sector's boundary, whatever order they were written in. What was synced stays.
//!
//! For tests and the simulator; a shop's program never installs it.

mod disk;
mod vfs;

pub use disk::{How, Plan, arm, disarm, operations};
pub use vfs::{NotInstalled, install};
