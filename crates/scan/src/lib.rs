//! Frame sources and the decoder pipeline: from a camera, a file or a keyboard wedge to a text.
//!
//! The crate knows nothing of cards and shops. It takes a rule that says when a text is good, and hands texts on.

pub mod clock;
pub mod decode;
pub mod dedupe;
pub mod frame;
pub mod reader;
pub mod source;
pub mod wedge;
