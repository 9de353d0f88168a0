//! | module | what it shows |
//! |---|---|
//! | `compat` | databases, messages and programmes of each version, opened and answered today |
//! | `seeds` | many seeds hold every promise; the same seed gives the same run |
//! | `power` | the power goes at any moment, on a disk that drops what was not synced: nothing that was said done is lost |
//! | `planted` | faults that were put in on purpose are found, each of them |

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may stop, and says what it found"
)]

mod compat;
mod planted;
mod power;
mod seeds;
mod shop;
