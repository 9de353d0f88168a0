//! The scanner's threads: the newest frame first, failures told and healed, and stopping while a source blocks.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use stempel_scan::clock;
use stempel_scan::decode::{Code, Corner, Mode, Pipeline, Report, Stage, Symbology, View};
use stempel_scan::frame::Frame;
use stempel_scan::reader::watchdog::{Condition, WatchPolicy};
use stempel_scan::reader::{FrameDecoder, Listener, Reading, Rule, ScanEvent, ScanOptions, Scanner, Turning};
use stempel_scan::source::memory::Memory;
use stempel_scan::source::{FrameSource, Opener, SourceError};

use crate::support::{Canvas, TOKEN};

/// Long enough for a slow machine; a test that needs it fails anyhow.
const PATIENCE: Duration = Duration::from_secs(20);

/// Limits that a slow machine does not reach by itself.
fn options() -> ScanOptions {
    let far = PATIENCE * 2;
    let watch =
        WatchPolicy { stalled_after: far, abandoned_after: far, opening_max: far, ..hasty_options().watch };
    ScanOptions { watch, ..hasty_options() }
}

/// Limits that are reached in a moment, for sources that hang.
fn hasty_options() -> ScanOptions {
    ScanOptions {
        watch: WatchPolicy {
            stalled_after: Duration::from_millis(120),
            abandoned_after: Duration::from_millis(250),
            opening_max: Duration::from_millis(600),
            frozen_after: Duration::from_millis(200),
            black_after: Duration::from_millis(100),
            retry_first: Duration::from_millis(20),
            retry_max: Duration::from_millis(80),
        },
        tick: Duration::from_millis(5),
        stop_grace: Duration::from_millis(100),
        ..ScanOptions::default()
    }
}

/// A small frame whose pixels differ from number to number.
fn numbered(number: u32) -> Frame {
    let mut luma = vec![100; 64 * 48];
    luma[..4].copy_from_slice(&number.to_le_bytes());
    luma[61] = number as u8;
    Frame::new(64, 48, luma, Duration::ZERO).unwrap()
}

fn number_of(frame: &Frame) -> u32 {
    u32::from_le_bytes(frame.luma()[..4].try_into().unwrap())
}

fn events() -> (Listener, Receiver<ScanEvent>) {
    let (sender, receiver) = mpsc::channel();
    let sender = Mutex::new(sender);
    (Arc::new(move |event| drop(sender.lock().unwrap().send(event))), receiver)
}

fn rule() -> Rule {
    Arc::new(|text| text == TOKEN)
}

fn opener(make: impl Fn() -> Result<Memory, SourceError> + Send + Sync + 'static) -> Opener {
    Arc::new(move || make().map(|source| Box::new(source) as Box<dyn FrameSource>))
}

#[track_caller]
fn wait_for_condition(events: &Receiver<ScanEvent>, condition: Condition) {
    let start = Instant::now();
    while let Ok(event) = events.recv_timeout(PATIENCE.saturating_sub(start.elapsed())) {
        if matches!(&event, ScanEvent::Source(state) if state.condition == condition) {
            return;
        }
    }
    panic!("never became {condition:?}");
}

fn wait_for_reading(events: &Receiver<ScanEvent>) -> Reading {
    loop {
        if let ScanEvent::Read(reading) = events.recv_timeout(PATIENCE).unwrap() {
            return reading;
        }
    }
}

/// Finds nothing.
struct Blind;

impl FrameDecoder for Blind {
    fn decode(&mut self, _: &Frame, _: &dyn Fn(&str) -> bool) -> Report {
        Report::default()
    }
}

/// Reads a code that is another with each frame, of one card and then of another.
struct Turns(u32);

impl FrameDecoder for Turns {
    fn decode(&mut self, _: &Frame, _: &dyn Fn(&str) -> bool) -> Report {
        self.0 += 1;
        let card = if self.0 < 40 { 'A' } else { 'B' };
        let text = format!("S2{}{}", String::from(card).repeat(17), self.0);
        let code = Code {
            text,
            symbology: Symbology::Qr,
            corners: [Corner { x: 0.0, y: 0.0 }; 4],
            stage: Stage { reader: stempel_scan::decode::Reader::Own, view: View::PLAIN },
            good: true,
        };
        Report { codes: vec![code], nearest: Some(0), ..Report::default() }
    }
}

/// Reads a product in each frame, where products are wanted.
#[derive(Default)]
struct Products(bool);

impl FrameDecoder for Products {
    fn decode(&mut self, _: &Frame, _: &dyn Fn(&str) -> bool) -> Report {
        let code = Code {
            text: "4006381333931".to_owned(),
            symbology: Symbology::Ean13,
            corners: [Corner { x: 0.0, y: 0.0 }; 4],
            stage: Stage { reader: stempel_scan::decode::Reader::Other, view: View::PLAIN },
            good: false,
        };
        Report { codes: if self.0 { vec![code] } else { Vec::new() }, ..Report::default() }
    }

    fn look_for_other_codes(&mut self, wanted: bool) {
        self.0 = wanted;
    }
}

/// Tells which frame it got and then waits until it may go on.
struct Slow {
    got: Sender<u32>,
    go_on: Receiver<()>,
}

impl FrameDecoder for Slow {
    fn decode(&mut self, frame: &Frame, _: &dyn Fn(&str) -> bool) -> Report {
        let _ = self.got.send(number_of(frame));
        let _ = self.go_on.recv_timeout(PATIENCE);
        Report::default()
    }
}

fn start_blind(open: Opener, options: ScanOptions) -> (Scanner, Receiver<ScanEvent>) {
    let (listener, events) = events();
    let scanner = Scanner::start_with(Box::new(Blind), open, rule(), listener, options, clock::monotonic());
    (scanner.unwrap(), events)
}

/// Counts up forever, a millisecond apart.
fn counting() -> Memory {
    let mut number = 0;
    Memory::from_fn(move || {
        thread::sleep(Duration::from_millis(1));
        number += 1;
        Ok(numbered(number))
    })
}

#[test]
fn a_card_before_the_source_is_read_once() {
    let frame = Canvas::busy(640, 480, 3).code(TOKEN, 320.0, 240.0, 5.0, 20.0).frame();
    let open = opener(move || {
        let frame = frame.clone();
        Ok(Memory::from_fn(move || {
            thread::sleep(Duration::from_millis(5));
            Ok(frame.clone())
        }))
    });
    let (listener, events) = events();
    let scanner = Scanner::start(open, rule(), listener, options(), clock::monotonic()).unwrap();
    let reading = wait_for_reading(&events);
    assert_eq!(reading.code.text, TOKEN);
    assert!(reading.code.good);
    assert!(reading.decoded_at >= reading.captured_at);
    let decoded = scanner.view().counts.decoded;
    while scanner.view().counts.decoded < decoded + 20 {
        thread::sleep(Duration::from_millis(5));
    }
    assert!(!events.try_iter().any(|event| matches!(event, ScanEvent::Read(_))));
    let view = scanner.view();
    assert_eq!(view.source_name.as_deref(), Some("memory"));
    assert_eq!(view.preview.map(|frame| frame.width()), Some(640));
    assert_eq!(view.report.codes.len(), 1);
    scanner.rearm(TOKEN);
    assert_eq!(wait_for_reading(&events).code.text, TOKEN);
    assert_eq!(scanner.stop(), 0);
}

#[test]
fn a_code_that_turns_while_it_lies_there_is_one_showing() {
    let (listener, events) = events();
    let options = ScanOptions { turning: Some(Turning { prefix: "S2", same: 19 }), ..options() };
    let open = opener(|| Ok(counting()));
    let scanner =
        Scanner::start_with(Box::new(Turns(0)), open, rule(), listener, options, clock::monotonic()).unwrap();
    let heads: Vec<char> =
        (0..2).filter_map(|_| wait_for_reading(&events).code.text.chars().nth(2)).collect();
    assert_eq!(heads, ['A', 'B'], "each card once");
    let decoded = scanner.view().counts.decoded;
    while scanner.view().counts.decoded < decoded + 20 {
        thread::sleep(Duration::from_millis(5));
    }
    assert!(!events.try_iter().any(|event| matches!(event, ScanEvent::Read(_))));
    assert_eq!(scanner.stop(), 0);
}

#[test]
fn products_are_looked_for_from_the_moment_on_that_they_are_wanted() {
    let (listener, events) = events();
    let open = opener(|| Ok(counting()));
    let decoder = Box::new(Products::default());
    let scanner =
        Scanner::start_with(decoder, open, rule(), listener, options(), clock::monotonic()).unwrap();
    let wait_for_frames = |more: u64| {
        let decoded = scanner.view().counts.decoded;
        while scanner.view().counts.decoded < decoded + more {
            thread::sleep(Duration::from_millis(5));
        }
    };
    wait_for_frames(5);
    assert!(!events.try_iter().any(|event| matches!(event, ScanEvent::Read(_))));
    scanner.look_for_other_codes(true);
    let reading = wait_for_reading(&events);
    assert_eq!(reading.code.article_number().as_deref(), Some("04006381333931"));
    scanner.look_for_other_codes(false);
    wait_for_frames(3);
    assert!(scanner.view().report.codes.is_empty());
    assert_eq!(scanner.stop(), 0);
}

#[test]
fn the_worker_gets_the_newest_frame_and_the_source_is_always_drained() {
    let given = Arc::new(AtomicU32::new(0));
    let (got_sender, got) = mpsc::channel();
    let (go_on, go_on_receiver) = mpsc::channel();
    let counter = Arc::clone(&given);
    let open = opener(move || {
        let given = Arc::clone(&counter);
        Ok(Memory::from_fn(move || {
            thread::sleep(Duration::from_millis(2));
            Ok(numbered(given.fetch_add(1, Ordering::SeqCst) + 1))
        }))
    });
    let decoder = Box::new(Slow { got: got_sender, go_on: go_on_receiver });
    let (listener, _events) = events();
    let scanner =
        Scanner::start_with(decoder, open, rule(), listener, options(), clock::monotonic()).unwrap();
    for _ in 0..5 {
        let busy_with = got.recv_timeout(PATIENCE).unwrap();
        // The source goes on while the worker is busy.
        while given.load(Ordering::SeqCst) < busy_with + 20 {
            thread::sleep(Duration::from_millis(1));
        }
        let newest_before = given.load(Ordering::SeqCst);
        go_on.send(()).unwrap();
        let next = got.recv_timeout(PATIENCE).unwrap();
        assert!(next + 1 >= newest_before, "got {next}, but {newest_before} was there");
        go_on.send(()).unwrap();
    }
    assert!(scanner.view().counts.replaced >= 50);
    drop(go_on);
    assert_eq!(scanner.stop(), 0);
}

#[test]
fn stopping_comes_back_while_the_source_blocks_for_ever() {
    let blocked = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&blocked);
    let (never, wait) = mpsc::channel::<()>();
    let wait = Arc::new(Mutex::new(wait));
    let open = opener(move || {
        let (flag, wait) = (Arc::clone(&flag), Arc::clone(&wait));
        let mut number = 0;
        Ok(Memory::from_fn(move || {
            number += 1;
            if number > 3 {
                flag.store(true, Ordering::SeqCst);
                let _ = wait.lock().unwrap().recv();
            }
            Ok(numbered(number))
        }))
    });
    let (scanner, _events) = start_blind(open, options());
    while !blocked.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(1));
    }
    let start = Instant::now();
    assert_eq!(scanner.stop(), 1);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    drop(never);
}

#[test]
fn a_reader_that_hangs_is_left_behind_and_the_source_opened_again() {
    let opened = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&opened);
    let open = opener(move || {
        let first = count.fetch_add(1, Ordering::SeqCst) == 0;
        let mut number = 0;
        Ok(Memory::from_fn(move || {
            thread::sleep(Duration::from_millis(2));
            number += 1;
            if first && number > 3 {
                thread::sleep(PATIENCE);
            }
            Ok(numbered(number))
        }))
    });
    let (scanner, events) = start_blind(open, hasty_options());
    wait_for_condition(&events, Condition::Running);
    wait_for_condition(&events, Condition::Stalled);
    wait_for_condition(&events, Condition::Running);
    assert!(opened.load(Ordering::SeqCst) >= 2);
    assert_eq!(scanner.stop(), 1);
}

#[test]
fn a_driver_that_always_hangs_does_not_eat_threads() {
    let opened = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&opened);
    let open = opener(move || {
        count.fetch_add(1, Ordering::SeqCst);
        thread::sleep(PATIENCE);
        Err(SourceError::Ended)
    });
    let hasty = ScanOptions {
        watch: WatchPolicy { opening_max: Duration::from_millis(30), ..hasty_options().watch },
        ..hasty_options()
    };
    let (listener, events) = events();
    let scanner =
        Scanner::start_with(Box::new(Blind), open, rule(), listener, hasty, clock::monotonic()).unwrap();
    let hangs = |event: ScanEvent| matches!(event, ScanEvent::Source(state) if state.detail.as_deref().is_some_and(|detail| detail.contains("hangs")));
    while !hangs(events.recv_timeout(PATIENCE).unwrap()) {}
    thread::sleep(Duration::from_millis(300));
    assert_eq!(opened.load(Ordering::SeqCst), 3);
    assert_eq!(scanner.stop(), 3);
}

#[test]
fn failures_are_told_and_the_source_is_closed_before_it_is_opened_again() {
    struct Counted(Memory, Arc<AtomicU32>);
    impl FrameSource for Counted {
        fn next(&mut self) -> Result<Frame, SourceError> {
            self.0.next()
        }
        fn name(&self) -> String {
            self.0.name()
        }
    }
    impl Drop for Counted {
        fn drop(&mut self) {
            self.1.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let device = || "Counter".to_owned();
    let table = [
        (SourceError::Unplugged { device: device() }, Condition::Unplugged),
        (
            SourceError::Camera { device: device(), reason: "Input/output error (os error 5)".into() },
            Condition::Failed,
        ),
        (SourceError::Busy { device: device() }, Condition::Busy),
    ];
    for (error, condition) in table {
        let alive = Arc::new(AtomicU32::new(0));
        let tries = Arc::new(AtomicU32::new(0));
        // The source fails when the test has seen it run.
        let may_fail = Arc::new(AtomicU32::new(0));
        let (alive_now, tries_now, gate) = (Arc::clone(&alive), Arc::clone(&tries), Arc::clone(&may_fail));
        let open: Opener = Arc::new(move || {
            assert_eq!(alive_now.fetch_add(1, Ordering::SeqCst), 0, "the old source is still open");
            let this_try = tries_now.fetch_add(1, Ordering::SeqCst);
            let (error, gate) = (error.clone(), Arc::clone(&gate));
            let mut number = 0;
            let memory = Memory::from_fn(move || {
                thread::sleep(Duration::from_millis(1));
                number += 1;
                if gate.load(Ordering::SeqCst) > this_try { Err(error.clone()) } else { Ok(numbered(number)) }
            });
            Ok(Box::new(Counted(memory, Arc::clone(&alive_now))))
        });
        let (scanner, events) = start_blind(open, options());
        for failures in 1..=2 {
            wait_for_condition(&events, Condition::Running);
            may_fail.store(failures, Ordering::SeqCst);
            wait_for_condition(&events, condition);
        }
        wait_for_condition(&events, Condition::Running);
        assert_eq!(scanner.stop(), 0);
        assert_eq!((alive.load(Ordering::SeqCst), tries.load(Ordering::SeqCst)), (0, 3));
    }
}

#[test]
fn frozen_and_black_cameras_are_told() {
    let still = |frame: Frame| {
        opener(move || {
            let frame = frame.clone();
            Ok(Memory::from_fn(move || {
                thread::sleep(Duration::from_millis(2));
                Ok(frame.clone())
            })
            .live())
        })
    };
    let (scanner, events) = start_blind(still(numbered(7)), options());
    wait_for_condition(&events, Condition::Running);
    wait_for_condition(&events, Condition::Frozen);
    assert_eq!(scanner.stop(), 0);
    let dark = Frame::new(64, 48, vec![16; 64 * 48], Duration::ZERO).unwrap();
    let (scanner, events) = start_blind(still(dark), options());
    wait_for_condition(&events, Condition::Black);
    assert_eq!(scanner.stop(), 0);
}

#[test]
fn panics_of_source_decoder_and_listener_stay_inside() {
    struct Nervous(u32);
    impl FrameDecoder for Nervous {
        fn decode(&mut self, _: &Frame, _: &dyn Fn(&str) -> bool) -> Report {
            self.0 += 1;
            assert!(self.0.is_multiple_of(2), "a decoder met a picture it did not expect");
            Report::default()
        }
    }
    let opened = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&opened);
    let open = opener(move || match count.fetch_add(1, Ordering::SeqCst) {
        0 => panic!("a driver's list is broken"),
        1 => Ok(Memory::from_fn(|| panic!("a driver's buffer is broken"))),
        _ => Ok(counting()),
    });
    let scanner = Scanner::start_with(
        Box::new(Nervous(0)),
        open,
        rule(),
        Arc::new(|_| std::panic::resume_unwind(Box::new("a listener is broken"))),
        options(),
        clock::monotonic(),
    )
    .unwrap();
    let start = Instant::now();
    while scanner.view().counts.panics < 5 {
        assert!(start.elapsed() < PATIENCE, "{:?}", scanner.view());
        thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(scanner.state().condition, Condition::Running);
    assert_eq!(scanner.stop(), 0);
}

#[test]
fn a_film_that_ends_is_told_and_a_dropped_scanner_is_gone() {
    let open = opener(|| Ok(Memory::frames((0..5).map(numbered).collect(), clock::monotonic())));
    let (scanner, events) = start_blind(open, options());
    wait_for_condition(&events, Condition::Ended);
    assert_eq!(scanner.view().counts.read, 5);
    drop(scanner);
    assert!(events.try_iter().count() < 10);
    assert!(events.recv().is_err(), "nobody is left who could send");
}

#[test]
fn memory_of_frames_is_used_again() {
    struct Recycling(Memory, Arc<AtomicU32>);
    impl FrameSource for Recycling {
        fn next(&mut self) -> Result<Frame, SourceError> {
            self.0.next()
        }
        fn recycle(&mut self, spare: Vec<u8>) {
            self.1.fetch_add(u32::from(spare.capacity() >= 64 * 48), Ordering::SeqCst);
        }
        fn name(&self) -> String {
            self.0.name()
        }
    }
    let recycled = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&recycled);
    let open: Opener = Arc::new(move || Ok(Box::new(Recycling(counting(), Arc::clone(&count)))));
    let (scanner, _events) = start_blind(open, options());
    let start = Instant::now();
    while recycled.load(Ordering::SeqCst) < 20 {
        assert!(start.elapsed() < PATIENCE);
        thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(scanner.stop(), 0);
}

#[test]
fn the_pipeline_may_move_to_the_worker_thread() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    is_send(Pipeline::new(Mode::LIVE, clock::monotonic()));
}
