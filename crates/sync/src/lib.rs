//! How a terminal and the server come to agree: a pure planner over plain data, and the transports that
//! carry what it decides.
//!
//! - [`plan`]: what to send and what to ask next, given how far both have come. No network, no clock.
//! - [`transport`]: the questions a planner asks, as a trait; [`http`] asks them over HTTP.
//! - [`backoff`]: when to try again.
//!
//! Only an acknowledgement moves anything: an answer that is cut off, late or nonsense changes nothing here,
//! and the same question can be asked again.

pub mod backoff;
pub mod http;
mod keys;
pub mod plan;
pub mod transport;

pub use backoff::Backoff;
pub use keys::Keys;
pub use plan::{Planner, Progress, Step};
pub use transport::{SyncError, Transport};
