//! Pictures from files: one picture, or a folder played as a film strip.
//!
//! Files are taken in the order of their names. A transparent picture is laid on white, as a viewer would show it.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use image::{DynamicImage, ImageReader, Limits};

use super::{FrameSource, SourceError};
use crate::clock::Clock;
use crate::frame::{Frame, SIDE_PIXELS_MAX};

/// The most memory that decoding one file may take.
const DECODE_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// How a film strip is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilmOptions {
    /// Time from frame to frame; `None` plays as fast as the files can be read.
    pub interval: Option<Duration>,
    /// Begins again after the last picture.
    pub looping: bool,
}

impl Default for FilmOptions {
    /// Thirty frames a second, for ever.
    fn default() -> Self {
        Self { interval: Some(Duration::from_nanos(1_000_000_000 / 30)), looping: true }
    }
}

/// Waits so long; handed in so that tests need not wait.
pub type Wait = Arc<dyn Fn(Duration) + Send + Sync>;

/// Makes the wait that really waits.
pub fn sleeping() -> Wait {
    Arc::new(std::thread::sleep)
}

/// A picture file or a folder of them.
pub struct Film {
    path: PathBuf,
    files: Vec<PathBuf>,
    next_file: usize,
    options: FilmOptions,
    clock: Clock,
    wait: Wait,
    due: Option<Duration>,
}

impl fmt::Debug for Film {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Film")
            .field("path", &self.path)
            .field("files", &self.files.len())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Film {
    /// Opens a picture, or a folder with pictures.
    pub fn open(path: &Path, options: FilmOptions, clock: Clock, wait: Wait) -> Result<Self, SourceError> {
        let unreadable =
            |error: io::Error| SourceError::Picture { path: path.to_owned(), reason: error.to_string() };
        let files = if fs::metadata(path).map_err(unreadable)?.is_dir() {
            picture_files(path).map_err(unreadable)?
        } else {
            vec![path.to_owned()]
        };
        if files.is_empty() {
            return Err(SourceError::NoPictures { path: path.to_owned() });
        }
        Ok(Self { path: path.to_owned(), files, next_file: 0, options, clock, wait, due: None })
    }

    /// Waits until the next frame is due. A film that fell behind does not hurry to catch up.
    fn keep_pace(&mut self) {
        let Some(interval) = self.options.interval else { return };
        let now = (self.clock)();
        let due = self.due.unwrap_or(now);
        if due > now {
            (self.wait)(due - now);
        }
        self.due = Some(due.max(now) + interval);
    }
}

impl FrameSource for Film {
    fn next(&mut self) -> Result<Frame, SourceError> {
        if self.next_file >= self.files.len() {
            if !self.options.looping {
                return Err(SourceError::Ended);
            }
            self.next_file = 0;
        }
        let file = self.files.get(self.next_file).ok_or(SourceError::Ended)?;
        self.next_file += 1;
        let frame = load_picture(file)?;
        self.keep_pace();
        Ok(frame.at((self.clock)()))
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// Counts the pictures of a folder; 0 when it cannot be read.
pub fn count_pictures(folder: &Path) -> usize {
    picture_files(folder).map_or(0, |files| files.len())
}

/// Loads a PNG or JPEG file as a frame whose moment of capture is zero.
pub fn load_picture(path: &Path) -> Result<Frame, SourceError> {
    let unreadable = |reason: String| SourceError::Picture { path: path.to_owned(), reason };
    let mut reader = ImageReader::open(path)
        .and_then(ImageReader::with_guessed_format)
        .map_err(|error| unreadable(error.to_string()))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_PIXELS_MAX);
    limits.max_image_height = Some(SIDE_PIXELS_MAX);
    limits.max_alloc = Some(DECODE_BYTES_MAX);
    reader.limits(limits);
    let picture = crate::decode::guard::quietly(|| reader.decode())
        .ok_or_else(|| unreadable("the file is damaged".to_owned()))?
        .map_err(|error| unreadable(error.to_string()))?;
    let (width, height) = (picture.width(), picture.height());
    Ok(Frame::new(width, height, brightness(picture), Duration::ZERO)?)
}

fn brightness(picture: DynamicImage) -> Vec<u8> {
    if !picture.color().has_alpha() {
        return picture.into_luma8().into_raw();
    }
    let on_white = |pixel: &[u8]| {
        let (luma, alpha) = (u16::from(pixel[0]), u16::from(pixel[1]));
        ((luma * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    picture.into_luma_alpha8().into_raw().chunks_exact(2).map(on_white).collect()
}

fn picture_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
        let known =
            extension.is_some_and(|extension| ["png", "jpg", "jpeg"].iter().any(|name| extension == *name));
        if known && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
