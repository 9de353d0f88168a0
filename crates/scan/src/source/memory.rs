//! Frames from memory, for tests and demonstrations.

use std::fmt;

use super::{FrameSource, SourceError};
use crate::clock::Clock;
use crate::frame::Frame;

/// What makes the frames of a [`Memory`].
type Maker = Box<dyn FnMut() -> Result<Frame, SourceError> + Send>;

/// Gives frames from a list or from a function.
pub struct Memory {
    make: Maker,
    live: bool,
}

impl fmt::Debug for Memory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Memory").field("live", &self.live).finish_non_exhaustive()
    }
}

impl Memory {
    /// Gives the frames once, stamped with the clock's time, and then ends.
    pub fn frames(frames: Vec<Frame>, clock: Clock) -> Self {
        let mut frames = frames.into_iter();
        Self::from_fn(move || frames.next().map(|frame| frame.at(clock())).ok_or(SourceError::Ended))
    }

    /// Gives what the function gives; it may block or fail as a camera does.
    pub fn from_fn(make: impl FnMut() -> Result<Frame, SourceError> + Send + 'static) -> Self {
        Self { make: Box::new(make), live: false }
    }

    /// Makes equal frames count as frozen, as with a camera.
    pub fn live(self) -> Self {
        Self { live: true, ..self }
    }
}

impl FrameSource for Memory {
    fn next(&mut self) -> Result<Frame, SourceError> {
        (self.make)()
    }

    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn is_live(&self) -> bool {
        self.live
    }
}
