//! Where codes come from: a camera, a picture, or a folder played like a film.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use stempel_scan::clock::{Clock, monotonic};
use stempel_scan::decode::{Code, Mode, Pipeline, Report};
use stempel_scan::reader::watchdog::{Condition, SourceState};
use stempel_scan::reader::{ScanEvent, ScanOptions, Scanner, Turning};
use stempel_scan::source::camera::{CameraChoice, CameraInfo, measuring_opener};
use stempel_scan::source::film::{Film, FilmOptions, count_pictures, load_picture, sleeping};
use stempel_scan::source::format::CameraMode;
use stempel_scan::source::record::{Recorder, recorded};
use stempel_scan::source::{FrameSource, Opener};
use stempel_wire::rotating;

use crate::cli::args::Screen;
use crate::controllers::CameraState;
use crate::screens::CameraFrame;

/// Pictures of the preview each second.
const PREVIEWS_PER_SECOND: u64 = 15;
/// The longer side of the preview, in pixels.
const PREVIEW_SIDE: u32 = 640;
/// A folder with fewer pictures than this is shown one a second, so that a person can follow; more of them are
/// the frames of a film.
const FILM_PICTURES: usize = 30;

/// Where codes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ReaderChoice {
    /// The camera with this name; with an empty one the first that works.
    Camera(String),
    /// One picture, read once with every stage.
    Picture(PathBuf),
    /// A folder of pictures, played like a film.
    Folder(PathBuf),
}

impl ReaderChoice {
    /// What the command line asks for: a folder, no camera, or the camera.
    pub fn of(screen: Option<&Screen>) -> Option<Self> {
        match screen {
            Some(Screen { folder: Some(folder), .. }) => Some(Self::Folder(folder.clone())),
            Some(Screen { no_camera: true, .. }) => None,
            _ => Some(Self::Camera(String::new())),
        }
    }

    /// What the screen shows until the first frame.
    pub fn begins_as(&self) -> (CameraState, String) {
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match self {
            Self::Camera(_) => (CameraState::Starting, String::new()),
            Self::Picture(path) => (CameraState::Picture, name(path)),
            Self::Folder(path) => (CameraState::Film, name(path)),
        }
    }
}

/// What a reader has to say.
#[derive(Debug)]
pub(super) enum Heard {
    /// A text that was read.
    Code(String),
    /// A picture held no code.
    NoCode,
    /// How the source is.
    State(CameraState),
    /// A picture for the preview.
    Frame(CameraFrame),
    /// The place on a film strip, from 1, and its length.
    Strip(u32, u32),
    /// The mode in which a camera gives most, measured at its first opening.
    Measured(CameraMemory),
    /// The camera's pictures are kept in a folder, or no longer.
    Recording(bool),
}

/// The mode that was measured, and with which camera.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct CameraMemory {
    /// The camera's name.
    pub name: String,
    /// The mode, as it is shown.
    pub mode: String,
}

/// How codes are read.
#[derive(Debug, Clone, Default)]
pub(super) struct ReaderOptions {
    /// The codes of products too, as a till does.
    pub products: bool,
    /// What was measured before.
    pub memory: Option<CameraMemory>,
    /// Keeps the camera's pictures, where support asked for it.
    pub recorder: Option<Arc<Recorder>>,
}

/// Something that reads codes until it is dropped.
pub(super) struct Reader {
    scanner: Arc<Scanner>,
    ending: Arc<AtomicBool>,
    preview: Option<JoinHandle<()>>,
}

impl Reader {
    /// Starts to read. Returns none where one look is all there is.
    pub fn start(
        choice: &ReaderChoice,
        good: impl Fn(&str) -> bool + Send + Sync + 'static,
        options: ReaderOptions,
        heard: impl Fn(Heard) + Send + Sync + 'static,
    ) -> Option<Self> {
        let (clock, heard) = (monotonic(), Arc::new(heard));
        let opener: Opener = match choice {
            ReaderChoice::Picture(path) => {
                look_once(path.clone(), clock, good, heard);
                return None;
            }
            ReaderChoice::Camera(name) => {
                let choice =
                    if name.is_empty() { CameraChoice::First } else { CameraChoice::Named(name.clone()) };
                let camera = camera(choice, options.memory, heard.clone(), clock.clone());
                match &options.recorder {
                    Some(recorder) => recorded(camera, recorder.clone()),
                    None => camera,
                }
            }
            ReaderChoice::Folder(path) => film(path.clone(), clock.clone()),
        };
        let is_camera = matches!(choice, ReaderChoice::Camera(_));
        let strip = match choice {
            ReaderChoice::Folder(path) => u32::try_from(count_pictures(path)).unwrap_or(u32::MAX),
            _ => 0,
        };
        // The scanner whose listener this is: known as soon as it has started.
        let reading_of: Arc<OnceLock<Weak<Scanner>>> = Arc::default();
        let listener = {
            let (heard, reading_of) = (heard.clone(), reading_of.clone());
            Arc::new(move |event: ScanEvent| match event {
                ScanEvent::Read(reading) => {
                    let scanner = reading_of.get().and_then(Weak::upgrade);
                    match scanner.filter(|scanner| is_beside(&scanner.view().report, &reading.code)) {
                        // Its turn comes when it is held up alone.
                        Some(scanner) => scanner.rearm(&reading.code.text),
                        None => heard(Heard::Code(told(reading.code))),
                    }
                }
                ScanEvent::Source(state) if is_camera => heard(Heard::State(camera_state(&state))),
                ScanEvent::Source(_) => {}
            })
        };
        // A phone's code that turns while it lies there is still the same showing.
        let turning = Turning { prefix: rotating::PREFIX, same: rotating::SAME_LEN };
        let scan =
            ScanOptions { turning: Some(turning), other_codes: options.products, ..ScanOptions::default() };
        let scanner = Arc::new(Scanner::start(opener, Arc::new(good), listener, scan, clock).ok()?);
        let _ = reading_of.set(Arc::downgrade(&scanner));
        let ending = Arc::new(AtomicBool::new(false));
        let recorder = options.recorder.filter(|_| is_camera);
        let preview = preview(scanner.clone(), ending.clone(), is_camera, strip, recorder, heard);
        Some(Self { scanner, ending, preview })
    }

    /// Reads the codes of products too, as a till does, or does no longer.
    pub fn read_products(&self, wanted: bool) {
        self.scanner.look_for_other_codes(wanted);
    }
}

/// What the desk is told of a code: a package by its whole number, for the kind of its code says how it is written.
fn told(code: Code) -> String {
    match code.article_number().filter(|_| !code.good) {
        Some(number) => number,
        None => code.text,
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::SeqCst);
        if let Some(preview) = self.preview.take() {
            // It looks at the flag fifteen times a second.
            let _ = preview.join();
        }
    }
}

/// Whether another card is nearer to the middle of the same picture: then that one counts, and this one does not.
fn is_beside(report: &Report, code: &Code) -> bool {
    report.good().is_some_and(|nearest| nearest.text != code.text)
        && report.codes.iter().any(|known| known.text == code.text)
}

/// A camera in the mode that it was measured in; where it was not, that is done now and told.
fn camera(
    choice: CameraChoice,
    memory: Option<CameraMemory>,
    heard: Arc<impl Fn(Heard) + Send + Sync + 'static>,
    clock: Clock,
) -> Opener {
    let known = memory.and_then(|memory| Some((memory.name, memory.mode.parse().ok()?)));
    let measured = move |info: &CameraInfo, mode: CameraMode| {
        heard(Heard::Measured(CameraMemory { name: info.name.clone(), mode: mode.to_string() }));
    };
    measuring_opener(choice, known, Arc::new(measured), clock)
}

fn film(path: PathBuf, clock: Clock) -> Opener {
    Arc::new(move || {
        let mut options = FilmOptions::default();
        if count_pictures(&path) < FILM_PICTURES {
            options.interval = Some(Duration::from_secs(1));
        }
        let film = Film::open(&path, options, clock.clone(), sleeping())?;
        Ok(Box::new(film) as Box<dyn FrameSource>)
    })
}

/// Reads one picture with every stage, beside the window's thread.
fn look_once(
    path: PathBuf,
    clock: Clock,
    good: impl Fn(&str) -> bool + Send + 'static,
    heard: Arc<impl Fn(Heard) + Send + Sync + 'static>,
) {
    std::thread::spawn(move || {
        let Ok(frame) = load_picture(&path) else {
            heard(Heard::NoCode);
            return;
        };
        let report = Pipeline::new(Mode::Thorough, clock).decode(&frame, &good);
        let preview = frame.preview(PREVIEW_SIDE);
        let luma: Arc<[u8]> = preview.luma().into();
        let (width, height) = (preview.width(), preview.height());
        heard(Heard::Frame(CameraFrame {
            width,
            height,
            luma,
            corners: None,
            several: false,
            decode_tenths_ms: None,
            mirrored: false,
            quarter_turns: 0,
        }));
        // A text that is no card is shown to the desk as well, which says what it is.
        match report.good().or(report.codes.first()) {
            Some(code) => heard(Heard::Code(told(code.clone()))),
            None => heard(Heard::NoCode),
        }
    });
}

/// Shows the newest frame again and again, smaller.
fn preview(
    scanner: Arc<Scanner>,
    ending: Arc<AtomicBool>,
    mirrored: bool,
    strip: u32,
    recorder: Option<Arc<Recorder>>,
    heard: Arc<impl Fn(Heard) + Send + Sync + 'static>,
) -> Option<JoinHandle<()>> {
    let show = move || {
        let (mut shown, mut told) = (None, false);
        while !ending.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1000 / PREVIEWS_PER_SECOND));
            if let Some(recorder) = &recorder
                && recorder.is_running() != told
            {
                told = !told;
                heard(Heard::Recording(told));
            }
            let view = scanner.view();
            let Some(frame) = view.preview else { continue };
            if shown == Some(frame.captured_at()) {
                continue;
            }
            shown = Some(frame.captured_at());
            if strip > 0 {
                let place = view.counts.read.saturating_sub(1) % u64::from(strip) + 1;
                heard(Heard::Strip(u32::try_from(place).unwrap_or(1), strip));
            }
            let small = frame.preview(PREVIEW_SIDE);
            let scale = small.width() as f32 / frame.width() as f32;
            let code = view.report.good();
            let corners = code.map(|code| code.corners.map(|corner| (corner.x * scale, corner.y * scale)));
            let several = view.report.codes.iter().filter(|code| code.good).count() > 1;
            let luma: Arc<[u8]> = small.luma().into();
            heard(Heard::Frame(CameraFrame {
                width: small.width(),
                height: small.height(),
                luma,
                corners,
                several,
                decode_tenths_ms: Some((view.report.millis() * 10.0) as u32),
                mirrored,
                quarter_turns: 0,
            }));
        }
    };
    std::thread::Builder::new().name("preview".into()).spawn(show).ok()
}

fn camera_state(state: &SourceState) -> CameraState {
    match state.condition {
        // Looked for again and again: what the screen says stays.
        Condition::Opening if state.attempts > 0 => CameraState::None,
        Condition::Opening => CameraState::Starting,
        Condition::Running => CameraState::Live,
        Condition::Busy => CameraState::Busy,
        Condition::Black => CameraState::Dark,
        Condition::Frozen | Condition::Stalled => CameraState::Frozen,
        _ => CameraState::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stempel_scan::decode::{Corner, Reader as Decoder, Stage, Symbology, View};

    fn code(text: &str, good: bool) -> Code {
        let stage = Stage { reader: Decoder::Own, view: View::PLAIN };
        let corners = [Corner::default(); 4];
        Code { text: text.into(), symbology: Symbology::Qr, corners, stage, good }
    }

    #[test]
    fn of_two_cards_in_view_the_one_in_the_middle_counts() {
        let (left, middle) = (code("ada", true), code("ben", true));
        let report =
            Report { codes: vec![left.clone(), middle.clone()], nearest: Some(1), ..Report::default() };
        assert!(is_beside(&report, &left));
        assert!(!is_beside(&report, &middle));
    }

    #[test]
    fn a_package_is_told_by_its_whole_number_and_a_card_by_its_text() {
        let of = |symbology, text: &str, good| told(Code { symbology, ..code(text, good) });
        assert_eq!(of(Symbology::UpcE, "04252614", false), "00042100005264");
        assert_eq!(of(Symbology::Ean13, "4006381333931", false), "04006381333931");
        assert_eq!(of(Symbology::Code128, "HOUSE-17", false), "HOUSE-17");
        assert_eq!(
            of(Symbology::Qr, "https://shop.example/01/4006381333931", true),
            "https://shop.example/01/4006381333931"
        );
    }

    #[test]
    fn a_code_that_is_no_card_takes_nothing_from_a_card() {
        let (card, other) = (code("ada", true), code("WIFI", false));
        let report =
            Report { codes: vec![other.clone(), card.clone()], nearest: Some(1), ..Report::default() };
        assert!(!is_beside(&report, &card));
        assert!(is_beside(&report, &other));
        let alone = Report { codes: vec![other.clone()], nearest: Some(0), ..Report::default() };
        assert!(!is_beside(&alone, &other), "alone it is told what it is");
    }
}
