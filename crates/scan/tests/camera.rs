//! Cameras through the kernel's own video layer: `make test-camera` runs this inside a small virtual machine, with
//! v4l2loopback for codes and vivid for formats and faults. Anywhere else it says so and passes.
#![cfg(all(target_os = "linux", feature = "camera"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may stop at what it did not expect, and what it saw is read on the machine's console"
)]

use std::io::Write as _;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use qrcode::{Color, QrCode};
use stempel_scan::clock::monotonic;
use stempel_scan::decode::{Mode, Pipeline, Report};
use stempel_scan::frame::Frame;
use stempel_scan::reader::watchdog::{Condition, WatchPolicy};
use stempel_scan::reader::{FrameDecoder, ScanEvent, ScanOptions, Scanner};
use stempel_scan::source::camera::{
    Camera, CameraChoice, CameraInfo, Measured, list, measuring_opener, modes, opener,
};
use stempel_scan::source::format::CameraMode;
use stempel_scan::source::{FrameSource, SourceError};
use v4l::control::{Control, Value};
use v4l::video::{Capture, Output};
use v4l::{Device, Format, FourCC};

/// What the machine's start loads the modules with.
const LOOPBACK: u32 = 10;
const VIVID: u32 = 20;
const WIDTH: u32 = 640;
const HEIGHT: u32 = 480;
/// The machine has no help of the processor: everything takes ten times as long.
const PATIENCE: Duration = Duration::from_secs(60);
const FRAMES: u64 = 90;
/// Different pictures that are played, over and over.
const PICTURES: u64 = FRAMES + 30;

#[test]
fn cameras_through_the_kernel() {
    if std::env::var_os("STEMPEL_CAMERA_MACHINE").is_none() {
        println!("skipped: this needs the virtual machine of `make test-camera`");
        return;
    }
    let cases: [(&str, fn()); 9] = [
        ("a sensible format is picked", a_sensible_format_is_picked),
        ("a format and a rate that another program left are no hindrance", odd_formats_are_no_hindrance),
        ("the best mode is measured once, told, and used from then on", the_best_mode_is_measured_once),
        ("a camera that another program holds is busy", a_held_camera_is_busy),
        ("ninety of ninety are decoded", ninety_of_ninety_are_decoded),
        ("a slow decoder is never more than one frame behind", a_slow_decoder_gets_the_newest),
        ("a camera that stops is stalled, and runs again", a_camera_that_stops_is_stalled),
        ("an unplugged camera is told", an_unplugged_camera_is_told),
        ("a camera with another number is found again", a_renumbered_camera_is_found_again),
    ];
    for (name, case) in cases {
        let start = Instant::now();
        case();
        println!("camera: {name}: ok ({:.1} s)", start.elapsed().as_secs_f64());
    }
    println!("camera: all {} ok", cases.len());
}

fn camera(index: u32) -> CameraInfo {
    let cameras = list().unwrap();
    cameras
        .iter()
        .find(|camera| camera.index == index)
        .cloned()
        .unwrap_or_else(|| panic!("{index}: {cameras:?}"))
}

fn text_of(number: u64) -> String {
    format!("ST{number:08}")
}

/// One frame as YUYV with the code of a number in the middle.
fn picture(number: u64) -> Vec<u8> {
    const MODULE: usize = 10;
    let code = QrCode::new(text_of(number)).unwrap();
    let (side, colors) = (code.width(), code.to_colors());
    let (left, top) = ((WIDTH as usize - side * MODULE) / 2, (HEIGHT as usize - side * MODULE) / 2);
    let mut bytes: Vec<u8> = [200, 128].repeat((WIDTH * HEIGHT) as usize);
    for (at, color) in colors.iter().enumerate().filter(|(_, color)| **color == Color::Dark) {
        let (x, y) = (left + at % side * MODULE, top + at / side * MODULE);
        for row in y..y + MODULE {
            for column in x..x + MODULE {
                bytes[2 * (row * WIDTH as usize + column)] = 40;
            }
        }
        let _ = color;
    }
    // The number again in the first and the last rows, a bit in each square: so a picture is known to be whole.
    for (bit, at) in STAMP_ROWS.iter().flat_map(|top| stamp_places(*top)) {
        if number >> bit & 1 == 1 {
            bytes[2 * at] = 40;
        }
    }
    bytes
}

/// The first rows of the two stamps.
const STAMP_ROWS: [u32; 2] = [0, HEIGHT - STAMP_SQUARE];
const STAMP_SQUARE: u32 = 8;
const STAMP_BITS: u32 = 8;

/// Gives the pixels of a stamp, each with its bit.
fn stamp_places(top: u32) -> impl Iterator<Item = (u32, usize)> {
    (top..top + STAMP_SQUARE).flat_map(|row| {
        (0..STAMP_BITS * STAMP_SQUARE).map(move |x| (x / STAMP_SQUARE, (row * WIDTH + x) as usize))
    })
}

/// Reads the numbers in the first and the last rows of a frame.
fn stamps_of(frame: &Frame) -> [u64; 2] {
    STAMP_ROWS.map(|top| {
        let middle = (top + STAMP_SQUARE / 2) * WIDTH + STAMP_SQUARE / 2;
        (0..STAMP_BITS)
            .filter(|bit| frame.luma()[(middle + bit * STAMP_SQUARE) as usize] < 120)
            .map(|bit| 1 << bit)
            .sum()
    })
}

/// Plays numbered codes into the loopback until it is dropped.
struct Player {
    ending: Arc<AtomicBool>,
    paused: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
    /// The last picture that may be written.
    last: Arc<AtomicU64>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Player {
    fn start(interval: Duration) -> Self {
        let pictures: Vec<Vec<u8>> = (0..PICTURES).map(picture).collect();
        let [ending, paused] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let written = Arc::new(AtomicU64::new(0));
        let last = Arc::new(AtomicU64::new(u64::MAX));
        let (ready, started) = mpsc::channel();
        let thread = {
            let (ending, paused, written) = (ending.clone(), paused.clone(), written.clone());
            let last = last.clone();
            thread::spawn(move || {
                let mut device = Device::new(LOOPBACK as usize).unwrap();
                let format = Format::new(WIDTH, HEIGHT, FourCC::new(b"YUYV"));
                Output::set_format(&device, &format).unwrap();
                let mut next = Instant::now();
                for number in 0.. {
                    let waits = || paused.load(Ordering::SeqCst) || number > last.load(Ordering::SeqCst);
                    while waits() && !ending.load(Ordering::SeqCst) {
                        thread::sleep(Duration::from_millis(5));
                    }
                    if ending.load(Ordering::SeqCst) {
                        return;
                    }
                    written.store(number, Ordering::SeqCst);
                    device.write_all(&pictures[number as usize % pictures.len()]).unwrap();
                    if number == 2 {
                        let _ = ready.send(());
                    }
                    next += interval;
                    thread::sleep(next.saturating_duration_since(Instant::now()));
                }
            })
        };
        started.recv_timeout(PATIENCE).unwrap();
        Self { ending, paused, written, last, thread: Some(thread) }
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::SeqCst);
        let _ = self.thread.take().unwrap().join();
    }
}

fn a_sensible_format_is_picked() {
    let camera = Camera::open(&camera(VIVID), monotonic()).unwrap();
    let mode = camera.mode().to_string();
    println!("camera: vivid agreed on {mode}");
    assert!(mode.starts_with("YUYV 1280x720 "), "{mode}");
    assert!((10..=60).contains(&camera.mode().interval.whole_rate().unwrap()), "{mode}");
}

fn odd_formats_are_no_hindrance() {
    for (fourcc, width, height, numerator, denominator) in
        [(*b"RGB3", 320, 180, 1001, 30000), (*b"NV12", 640, 360, 2, 25), (*b"HSV3", 320, 180, 1, 1)]
    {
        {
            let device = Device::new(VIVID as usize).unwrap();
            let left =
                Capture::set_format(&device, &Format::new(width, height, FourCC::new(&fourcc))).unwrap();
            let interval = v4l::Fraction::new(numerator, denominator);
            Capture::set_params(&device, &v4l::video::capture::Parameters::new(interval)).unwrap();
            println!("camera: left at {} {}x{}", left.fourcc, left.width, left.height);
        }
        let mut camera = Camera::open(&camera(VIVID), monotonic()).unwrap();
        let frame = camera.next().unwrap();
        assert_eq!((frame.width(), frame.height()), (1280, 720));
    }
}

fn the_best_mode_is_measured_once() {
    let told: Arc<Mutex<Vec<(String, CameraMode)>>> = Arc::default();
    let measured: Measured = {
        let told = told.clone();
        Arc::new(move |info: &CameraInfo, mode| told.lock().unwrap().push((info.name.clone(), mode)))
    };
    let choice = CameraChoice::Index(VIVID);
    let open = measuring_opener(choice.clone(), None, measured.clone(), monotonic());
    let start = Instant::now();
    let mut source = open().unwrap();
    source.next().unwrap();
    println!("camera: measured {:?} in {:.1} s", told.lock().unwrap(), start.elapsed().as_secs_f64());
    drop(source);
    let (name, mode) = told.lock().unwrap()[0].clone();
    assert_eq!(name, camera(VIVID).name);
    assert!(modes(&camera(VIVID)).unwrap().contains(&mode));
    let mut again = open().unwrap();
    again.next().unwrap();
    assert!(again.name().contains(&mode.to_string()), "{}", again.name());
    drop(again);
    let kept: CameraMode = "YUYV 640x360 30/s".parse().unwrap();
    let open = measuring_opener(choice.clone(), Some((name, kept)), measured.clone(), monotonic());
    let frame = open().unwrap().next().unwrap();
    assert_eq!((frame.width(), frame.height()), (640, 360), "what is kept counts");
    assert_eq!(told.lock().unwrap().len(), 1, "nothing was measured again");
    let other = Some(("another camera".to_owned(), kept));
    drop(measuring_opener(choice, other, measured, monotonic())().unwrap());
    assert_eq!(told.lock().unwrap().len(), 2, "what was measured with another camera does not count");
}

fn a_held_camera_is_busy() {
    let mut held = Camera::open(&camera(VIVID), monotonic()).unwrap();
    held.next().unwrap();
    let error = Camera::open(&camera(VIVID), monotonic()).unwrap_err();
    assert!(matches!(error, SourceError::Busy { .. }), "{error:?}");
    drop(held);
    Camera::open(&camera(VIVID), monotonic()).unwrap().next().unwrap();
}

fn ninety_of_ninety_are_decoded() {
    let player = Player::start(Duration::from_millis(30));
    let mut camera = Camera::open(&camera(LOOPBACK), monotonic()).unwrap();
    println!("camera: loopback agreed on {}", camera.mode());
    let mut pipeline = Pipeline::new(Mode::Live { budget: PATIENCE }, monotonic());
    let mut read = 0;
    for at in 0..FRAMES {
        let frame = camera.next().unwrap();
        let stamps = stamps_of(&frame);
        // The loopback has two buffers, and unlike a camera it writes into the one that is being read when the machine is
        // too slow. So the player is at most two pictures ahead of what was taken: what is not whole now is our doing.
        let written = player.written.load(Ordering::SeqCst);
        let behind = (written % PICTURES + PICTURES - stamps[0]) % PICTURES;
        player.last.store(written.saturating_sub(behind) + 2, Ordering::SeqCst);
        let report = pipeline.decode(&frame, &|text| text.starts_with("ST"));
        if report.good().is_some() {
            read += 1;
        } else {
            println!(
                "camera: frame {at} was not decoded; rows of the pictures {stamps:?}, {written} written"
            );
        }
        camera.recycle(frame.into_luma());
    }
    drop(player);
    println!("camera: {read} of {FRAMES} decoded");
    assert_eq!(read, FRAMES);
}

/// Takes half a second for each frame, and notes how old it was when it began.
struct Slow {
    pipeline: Pipeline,
    written: Arc<AtomicU64>,
    behind: Arc<Mutex<Vec<u64>>>,
}

impl FrameDecoder for Slow {
    fn decode(&mut self, frame: &Frame, good: &dyn Fn(&str) -> bool) -> Report {
        let newest = self.written.load(Ordering::SeqCst);
        let report = self.pipeline.decode(frame, good);
        if let Some(code) = report.good() {
            let number: u64 = code.text[2..].parse().unwrap();
            self.behind.lock().unwrap().push((newest % PICTURES).saturating_sub(number));
        }
        thread::sleep(Duration::from_millis(500));
        report
    }
}

fn a_slow_decoder_gets_the_newest() {
    let player = Player::start(Duration::from_millis(120));
    let behind = Arc::new(Mutex::new(Vec::new()));
    let slow = Slow {
        pipeline: Pipeline::new(Mode::Live { budget: PATIENCE }, monotonic()),
        written: player.written.clone(),
        behind: behind.clone(),
    };
    let open = opener(CameraChoice::Index(LOOPBACK), monotonic());
    let rule = Arc::new(|text: &str| text.starts_with("ST"));
    let scanner = Scanner::start_with(
        Box::new(slow),
        open,
        rule,
        Arc::new(|_| {}),
        ScanOptions::default(),
        monotonic(),
    )
    .unwrap();
    let start = Instant::now();
    while behind.lock().unwrap().len() < 12 && start.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(20));
    }
    let counts = scanner.view().counts;
    drop(scanner);
    drop(player);
    let behind = behind.lock().unwrap().clone();
    println!("camera: frames behind at the begin of each decoding {behind:?}, {counts:?}");
    assert!(behind.len() >= 12, "{behind:?}");
    assert!(behind.iter().all(|frames| *frames <= 1), "{behind:?}");
    assert!(counts.replaced > 0, "the decoder was slow: {counts:?}");
}

/// Starts a scanner that tells its conditions.
fn watched(index: u32, choice: CameraChoice) -> (Scanner, mpsc::Receiver<Condition>) {
    println!("camera: watching {index}");
    let (sender, conditions) = mpsc::channel();
    let sender = Mutex::new(sender);
    let listener = Arc::new(move |event| {
        if let ScanEvent::Source(state) = event {
            println!("camera: {:?} {}", state.condition, state.detail.as_deref().unwrap_or(""));
            let _ = sender.lock().unwrap().send(state.condition);
        }
    });
    let watch = WatchPolicy { opening_max: PATIENCE, ..WatchPolicy::default() };
    let options = ScanOptions { watch, ..ScanOptions::default() };
    let rule = Arc::new(|text: &str| text.starts_with("ST"));
    let scanner = Scanner::start(opener(choice, monotonic()), rule, listener, options, monotonic()).unwrap();
    (scanner, conditions)
}

#[track_caller]
fn wait_for(conditions: &mpsc::Receiver<Condition>, wanted: &[Condition]) {
    let start = Instant::now();
    while let Ok(condition) = conditions.recv_timeout(PATIENCE.saturating_sub(start.elapsed())) {
        if wanted.contains(&condition) {
            return;
        }
    }
    panic!("never {wanted:?}");
}

fn a_camera_that_stops_is_stalled() {
    let player = Player::start(Duration::from_millis(120));
    let (scanner, conditions) = watched(LOOPBACK, CameraChoice::Index(LOOPBACK));
    wait_for(&conditions, &[Condition::Running]);
    player.paused.store(true, Ordering::SeqCst);
    wait_for(&conditions, &[Condition::Stalled]);
    player.paused.store(false, Ordering::SeqCst);
    wait_for(&conditions, &[Condition::Running]);
    drop(scanner);
}

fn an_unplugged_camera_is_told() {
    let (scanner, conditions) = watched(VIVID, CameraChoice::Index(VIVID));
    wait_for(&conditions, &[Condition::Running]);
    {
        let device = Device::new(VIVID as usize).unwrap();
        let controls = device.query_controls().unwrap();
        let pull = controls.iter().find(|control| control.name == "Disconnect").unwrap();
        device.set_control(Control { id: pull.id, value: Value::None }).unwrap();
    }
    wait_for(&conditions, &[Condition::Unplugged]);
    drop(scanner);
}

/// Loads the module anew, with the camera at this number.
fn load_vivid(number: u32) {
    let busybox = |arguments: &[&str]| {
        let done = Command::new("/bin/busybox").args(arguments).output().unwrap();
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    };
    busybox(&["rmmod", "vivid"]);
    busybox(&[
        "insmod",
        "/modules/vivid.ko",
        "n_devs=1",
        "node_types=0x1",
        "num_inputs=1",
        "input_types=0",
        &format!("vid_cap_nr={number}"),
    ]);
}

fn a_renumbered_camera_is_found_again() {
    load_vivid(VIVID);
    let name = camera(VIVID).name;
    let (scanner, conditions) = watched(VIVID, CameraChoice::Named(name));
    wait_for(&conditions, &[Condition::Running]);
    std::fs::write("/sys/bus/platform/drivers/vivid/unbind", "vivid.0").unwrap();
    wait_for(&conditions, &[Condition::Unplugged, Condition::Failed]);
    // The module can be taken out only when nobody holds the camera any more.
    load_vivid(VIVID + 2);
    wait_for(&conditions, &[Condition::Running]);
    drop(scanner);
}
