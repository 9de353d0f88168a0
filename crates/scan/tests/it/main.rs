//! What the crate promises, tried through its public doors.
//!
//! - `wedge`: a scanner that types is read, a person who types is not.

mod wedge;
