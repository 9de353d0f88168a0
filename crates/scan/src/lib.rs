//! From a camera, a picture or a typing scanner to a text.
//!
//! - [`source`] gives frames: cameras, picture files, folders as films, memory.
//! - [`decode`] reads the QR codes of a frame, in a live mode with a budget and a thorough one.
//! - [`reader`] joins both on threads of their own: it decodes the newest frame, watches over the source, opens it
//!   again after failures and stops cleanly.
//! - [`dedupe`] lets a card through once for each showing.
//! - [`wedge`] tells a scanner in keyboard mode from a person, and undoes wrong keyboard layouts.
//! - [`frame`] is one picture, [`clock`] the time that is handed in.
//!
//! What the crate promises: it knows nothing of cards and shops, and takes a rule that says when a text is good; it
//! never prints and never reads a clock or a setting by itself; no panic of a driver or decoder gets out; every buffer
//! and every wait has a bound.
//!
//! The feature `camera` (on by default) brings the camera library, which needs the platform's video headers to build.

pub mod clock;
pub mod decode;
pub mod dedupe;
pub mod frame;
pub mod reader;
pub mod source;
pub mod wedge;
