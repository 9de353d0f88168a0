//! Keeps the pictures of a source in a folder, for support: to see what a camera at some counter sees.
//!
//! Only where it was asked for by name; nothing else in this program keeps a picture. It ends by itself after so many
//! pictures, and whoever shows the source asks [`Recorder::is_running`] and says so on the screen.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use thiserror::Error;

use super::{FrameSource, Opener, SourceError};
use crate::frame::Frame;

/// Half a minute of thirty pictures a second.
pub const PICTURES_MAX: u32 = 900;
/// So many pictures wait for the disk; when it is slow, those that come then are left out.
const WAITING_MAX: usize = 4;

/// Says why nothing is recorded.
#[derive(Debug, Error)]
pub enum RecordError {
    /// Other files would be mixed up with the pictures.
    #[error("there are files in {} already; name an empty folder for the recording", .0.display())]
    NotEmpty(PathBuf),
    /// The folder cannot be made or read.
    #[error("the folder {} cannot be used for the recording ({reason})", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
}

/// Writes pictures on a thread of its own until it has enough, the disk fails, or it is dropped.
pub struct Recorder {
    frames: Mutex<Option<SyncSender<Frame>>>,
    running: Arc<AtomicBool>,
    written: Arc<AtomicU32>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Recorder")
            .field("running", &self.running)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

impl Recorder {
    /// Begins a recording of at most `pictures_max` pictures in an empty folder, which is made if it is not there.
    pub fn start(folder: &Path, pictures_max: u32) -> Result<Self, RecordError> {
        let failed = |reason| RecordError::Folder { path: folder.to_owned(), reason };
        std::fs::create_dir_all(folder).map_err(failed)?;
        if std::fs::read_dir(folder).map_err(failed)?.next().is_some() {
            return Err(RecordError::NotEmpty(folder.to_owned()));
        }
        let (frames, receiver) = sync_channel(WAITING_MAX);
        let (running, written) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU32::new(0)));
        let write = {
            let (folder, running, written) = (folder.to_owned(), running.clone(), written.clone());
            move || {
                write_all(&receiver, &folder, pictures_max, &written);
                running.store(false, Ordering::SeqCst);
            }
        };
        let thread = std::thread::Builder::new().name("record".to_owned()).spawn(write).map_err(failed)?;
        Ok(Self { frames: Mutex::new(Some(frames)), running, written, thread: Some(thread) })
    }

    /// Tells whether pictures are kept now. The screen has to say so for as long.
    pub fn is_running(&self) -> bool {
        self.running.load(Ordering::SeqCst)
    }

    /// Gives how many pictures were kept.
    pub fn written(&self) -> u32 {
        self.written.load(Ordering::SeqCst)
    }

    /// Takes a picture, if there is room for it.
    fn take(&self, frame: &Frame) {
        if !self.is_running() {
            return;
        }
        if let Some(frames) = &*self.frames.lock().unwrap_or_else(PoisonError::into_inner) {
            let _ = frames.try_send(frame.clone());
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner).take();
        // At most the waiting pictures are still written.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write_all(frames: &Receiver<Frame>, folder: &Path, pictures_max: u32, written: &AtomicU32) {
    for (frame, number) in frames.iter().zip(1..=pictures_max) {
        if write(&folder.join(format!("frame-{number:05}.png")), &frame).is_err() {
            return;
        }
        written.store(number, Ordering::SeqCst);
        if number == pictures_max {
            return;
        }
    }
}

fn write(path: &Path, frame: &Frame) -> Result<(), image::ImageError> {
    let file = BufWriter::new(File::create(path)?);
    let encoder = PngEncoder::new_with_quality(file, CompressionType::Fast, FilterType::Up);
    encoder.write_image(frame.luma(), frame.width(), frame.height(), ExtendedColorType::L8)
}

/// Opens a source whose pictures are kept while the recording runs.
pub fn recorded(open: Opener, recorder: Arc<Recorder>) -> Opener {
    Arc::new(move || Ok(Box::new(Recorded { source: open()?, recorder: recorder.clone() })))
}

struct Recorded {
    source: Box<dyn FrameSource>,
    recorder: Arc<Recorder>,
}

impl FrameSource for Recorded {
    fn next(&mut self) -> Result<Frame, SourceError> {
        let frame = self.source.next()?;
        self.recorder.take(&frame);
        Ok(frame)
    }

    fn recycle(&mut self, spare: Vec<u8>) {
        self.source.recycle(spare);
    }

    fn name(&self) -> String {
        self.source.name()
    }

    fn is_live(&self) -> bool {
        self.source.is_live()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::source::film::load_picture;
    use crate::source::memory::Memory;

    /// A folder that goes with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("stempel-record-{name}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&path);
            Self(path)
        }

        fn pictures(&self) -> Vec<PathBuf> {
            let mut files: Vec<_> =
                std::fs::read_dir(&self.0).unwrap().map(|file| file.unwrap().path()).collect();
            files.sort();
            files
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn shades() -> Opener {
        Arc::new(|| {
            let mut shade = 0_u8;
            Ok(Box::new(Memory::from_fn(move || {
                shade = shade.wrapping_add(1);
                Ok(Frame::new(16, 8, vec![shade; 128], Duration::ZERO)?)
            })))
        })
    }

    /// Waits for the writing thread, which a busy machine may keep waiting.
    fn wait(done: impl Fn() -> bool) {
        let start = Instant::now();
        while !done() && start.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(2));
        }
        assert!(done());
    }

    #[test]
    fn pictures_are_kept_as_they_were_until_there_are_enough() {
        let folder = Folder::new("enough");
        let recorder = Arc::new(Recorder::start(&folder.0, 3).unwrap());
        assert!(recorder.is_running());
        let mut source = recorded(shades(), recorder.clone())().unwrap();
        let mut seen = Vec::new();
        for number in 1..=3 {
            seen.push(source.next().unwrap());
            wait(|| recorder.written() == number);
        }
        wait(|| !recorder.is_running());
        source.next().unwrap();
        let kept: Vec<Frame> = folder.pictures().iter().map(|file| load_picture(file).unwrap()).collect();
        assert_eq!(kept.len(), 3);
        assert!(kept.iter().zip(&seen).all(|(kept, seen)| kept.luma() == seen.luma()));
    }

    #[test]
    fn a_slow_disk_never_holds_the_source_up() {
        let folder = Folder::new("slow");
        let recorder = Arc::new(Recorder::start(&folder.0, 1_000_000).unwrap());
        let mut source = recorded(shades(), recorder.clone())().unwrap();
        for _ in 0..2_000 {
            source.next().unwrap();
        }
        drop(source);
        drop(recorder);
        assert!(folder.pictures().len() <= 2_000, "what did not fit was left out");
    }

    #[test]
    fn a_folder_with_files_is_left_alone() {
        let folder = Folder::new("used");
        std::fs::create_dir_all(&folder.0).unwrap();
        std::fs::write(folder.0.join("letter.txt"), "mine").unwrap();
        assert!(matches!(Recorder::start(&folder.0, 3), Err(RecordError::NotEmpty(_))));
        assert!(matches!(Recorder::start(&folder.0.join("letter.txt"), 3), Err(RecordError::Folder { .. })));
        assert_eq!(folder.pictures().len(), 1);
    }
}
