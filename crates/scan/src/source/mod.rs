//! Where frames come from.
//!
//! Every source is a [`FrameSource`]: a camera, a picture, a folder of pictures played as a film, or frames from
//! memory. A source may block in [`FrameSource::next`] for ever, as cameras do; the reader thread is built for that.
//! An [`Opener`] opens the source again after it failed.

#[cfg(feature = "camera")]
pub mod camera;
pub mod film;
pub mod format;
pub mod measure;
pub mod memory;
pub mod pixels;
pub mod record;

use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use crate::frame::{Frame, FrameError};

/// Gives frames, one after another.
///
/// A source lives and dies on the thread that opened it: camera libraries hold handles that may not move.
pub trait FrameSource {
    /// Gives the next frame. It may block; after an error the source is dropped and opened again.
    fn next(&mut self) -> Result<Frame, SourceError>;

    /// Takes back the bytes of a frame that nobody needs, so that the next frame needs no new memory.
    fn recycle(&mut self, spare: Vec<u8>) {
        drop(spare);
    }

    /// Gives the name for the screen.
    fn name(&self) -> String;

    /// Tells whether equal frames mean that the source is frozen. A camera's noise differs in every frame.
    fn is_live(&self) -> bool {
        false
    }
}

/// Opens a source, and opens it again after it failed.
pub type Opener = Arc<dyn Fn() -> Result<Box<dyn FrameSource>, SourceError> + Send + Sync>;

/// Says why there is no frame, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SourceError {
    /// No such camera is connected.
    #[error("no camera {wanted} is connected; plug it in, or choose another in the settings")]
    Missing {
        /// What the settings ask for.
        wanted: String,
    },
    /// Another program holds the camera.
    #[error("the camera {device} is used by another program; close that program")]
    Busy {
        /// Name of the camera.
        device: String,
    },
    /// The camera went away.
    #[error("the camera {device} was unplugged; plug it in again")]
    Unplugged {
        /// Name of the camera.
        device: String,
    },
    /// The user may not open the camera.
    #[error(
        "the camera {device} may not be opened; allow it for this user (on Linux: add the user to the group video)"
    )]
    Denied {
        /// Name of the camera.
        device: String,
    },
    /// The camera offers nothing that can be read.
    #[error("the camera {device} offers no format that can be read ({reason}); choose another camera")]
    NoFormat {
        /// Name of the camera.
        device: String,
        /// What was offered, or why it was refused.
        reason: String,
    },
    /// The camera could not be opened or gave no frame.
    #[error("the camera {device} does not work ({reason}); plug it out and in again")]
    Camera {
        /// Name of the camera.
        device: String,
        /// The message of the driver.
        reason: String,
    },
    /// A picture could not be read.
    #[error("the picture {} cannot be read ({reason}); choose a PNG or JPEG file", path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A folder has no pictures.
    #[error("there is no PNG or JPEG file in {}; put pictures there, or choose another folder", path.display())]
    NoPictures {
        /// The folder.
        path: PathBuf,
    },
    /// Bytes do not make a frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// All frames were given.
    #[error("the source has no more frames; start it again to see them once more")]
    Ended,
    /// The source panicked; it is opened again.
    #[error("the source {name} failed inside; it is opened again")]
    Panicked {
        /// Name of the source.
        name: String,
    },
}
