//! A scanner: reads a source, decodes its newest frame, watches over it, and stops cleanly.
//!
//! Three threads work for one [`Scanner`]:
//! - the **reader** opens the source and drains it as fast as it gives frames, into a slot of one;
//! - the **worker** takes what is newest in the slot and decodes it, so it is never more than one frame behind;
//! - the **supervisor** runs the [`Watchdog`]: it opens the source, again after failures, and lets a reader go whose
//!   call does not come back.
//!
//! What it promises: no panic of a source or decoder gets out; [`Scanner::stop`] comes back within its grace time
//! even while a camera's read call blocks for ever; at most [`ScanOptions::stuck_readers_max`] such readers are ever
//! left behind at the same time.

mod facts;
mod shared;
pub mod watchdog;

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use thiserror::Error;

use crate::clock::{Clock, millis};
use crate::decode::guard;
use crate::decode::{Code, Mode, Pipeline, Report};
use crate::dedupe::{DedupePolicy, Deduper};
use crate::frame::Frame;
use crate::source::Opener;
pub use shared::ScanCounts;
use shared::{Shared, read_frames};
use watchdog::{Action, SourceState, WatchPolicy, Watchdog};

/// Decodes frames on the worker thread.
pub trait FrameDecoder: Send {
    /// Reads the codes of one frame; `good` says which text ends the search.
    fn decode(&mut self, frame: &Frame, good: &dyn Fn(&str) -> bool) -> Report;

    /// Looks for products and other codes that are no QR codes too, or does no longer.
    fn look_for_other_codes(&mut self, wanted: bool) {
        let _ = wanted;
    }
}

impl FrameDecoder for Pipeline {
    fn decode(&mut self, frame: &Frame, good: &dyn Fn(&str) -> bool) -> Report {
        Pipeline::decode(self, frame, good)
    }

    fn look_for_other_codes(&mut self, wanted: bool) {
        Pipeline::look_for_other_codes(self, wanted);
    }
}

/// How a scanner works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanOptions {
    /// When the watchdog acts.
    pub watch: WatchPolicy,
    /// When the same text counts again.
    pub dedupe: DedupePolicy,
    /// How often the watchdog looks.
    pub tick: Duration,
    /// How long stopping waits for a reader whose call does not come back.
    pub stop_grace: Duration,
    /// So many readers may be stuck before the source is not opened any more.
    pub stuck_readers_max: usize,
    /// Look for products and other codes that are no QR codes too; [`Scanner::look_for_other_codes`] changes it.
    pub other_codes: bool,
    /// Codes that change while they are shown.
    pub turning: Option<Turning>,
}

/// Codes whose text changes while they are shown, and by what they are known to be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turning {
    /// What their text begins with.
    pub prefix: &'static str,
    /// So many first bytes stay the same.
    pub same: usize,
}

impl ScanOptions {
    /// What of a text says that it was seen before.
    fn name<'a>(&self, text: &'a str) -> &'a str {
        match self.turning {
            Some(Turning { prefix, same }) if text.starts_with(prefix) => text.get(..same).unwrap_or(text),
            _ => text,
        }
    }
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self {
            watch: WatchPolicy::default(),
            dedupe: DedupePolicy::default(),
            tick: Duration::from_millis(50),
            stop_grace: Duration::from_millis(300),
            stuck_readers_max: 3,
            other_codes: false,
            turning: None,
        }
    }
}

/// A code that came into view.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The code, with whether the rule accepted it.
    pub code: Code,
    /// The clock's reading when the frame was taken.
    pub captured_at: Duration,
    /// The clock's reading when it was decoded.
    pub decoded_at: Duration,
}

/// What a scanner tells.
#[derive(Debug, Clone, PartialEq)]
pub enum ScanEvent {
    /// A code came into view; once for each showing.
    Read(Reading),
    /// The source is in another condition.
    Source(SourceState),
}

/// Takes events. It is called on the scanner's threads, never on two for the same kind of event at once.
pub type Listener = Arc<dyn Fn(ScanEvent) + Send + Sync>;

/// Says when a text is good.
pub type Rule = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// What the screen shows, taken at one moment.
#[derive(Debug, Clone)]
pub struct ScanView {
    /// How the source is.
    pub source: SourceState,
    /// Name of the source, once it was opened.
    pub source_name: Option<String>,
    /// The newest frame, shared and not copied.
    pub preview: Option<Arc<Frame>>,
    /// What the last decoded frame gave, corners included.
    pub report: Arc<Report>,
    /// Counts since the start.
    pub counts: ScanCounts,
}

/// Says why a scanner does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The system gives no thread.
    #[error("the scanner cannot start a thread ({0}); close other programs and try again")]
    Thread(#[from] std::io::Error),
}

/// Reads codes from a source until it is stopped or dropped.
pub struct Scanner {
    shared: Arc<Shared>,
    deduper: Arc<std::sync::Mutex<Deduper>>,
    options: ScanOptions,
    worker: Option<JoinHandle<()>>,
    supervisor: Option<JoinHandle<usize>>,
}

impl fmt::Debug for Scanner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Scanner").field("source", &self.shared.state()).finish_non_exhaustive()
    }
}

/// What both threads get.
struct Parts {
    shared: Arc<Shared>,
    deduper: Arc<std::sync::Mutex<Deduper>>,
    options: ScanOptions,
    clock: Clock,
    listener: Listener,
}

impl Scanner {
    /// Starts reading with the pipeline in live mode.
    pub fn start(
        open: Opener,
        rule: Rule,
        listener: Listener,
        options: ScanOptions,
        clock: Clock,
    ) -> Result<Self, StartError> {
        let pipeline = Pipeline::new(Mode::LIVE, clock.clone());
        Self::start_with(Box::new(pipeline), open, rule, listener, options, clock)
    }

    /// Starts reading with another decoder.
    pub fn start_with(
        decoder: Box<dyn FrameDecoder>,
        open: Opener,
        rule: Rule,
        listener: Listener,
        options: ScanOptions,
        clock: Clock,
    ) -> Result<Self, StartError> {
        let shared = Arc::new(Shared::new(Watchdog::new(options.watch, clock()), options.other_codes));
        let deduper = Arc::new(std::sync::Mutex::new(Deduper::new(options.dedupe)));
        let parts = || Parts {
            shared: Arc::clone(&shared),
            deduper: Arc::clone(&deduper),
            options,
            clock: clock.clone(),
            listener: Arc::clone(&listener),
        };
        let mut scanner = Self {
            shared: Arc::clone(&shared),
            deduper: Arc::clone(&deduper),
            options,
            worker: None,
            supervisor: None,
        };
        let worker_parts = parts();
        scanner.worker = Some(spawn("scan-worker", move || work(&worker_parts, decoder, &rule))?);
        let supervisor_parts = parts();
        scanner.supervisor = Some(spawn("scan-watch", move || supervise(&supervisor_parts, &open))?);
        Ok(scanner)
    }

    /// Gives what the screen shows.
    pub fn view(&self) -> ScanView {
        let inner = self.shared.lock();
        ScanView {
            source: inner.watchdog.state().clone(),
            source_name: inner.source_name.clone(),
            preview: inner.preview.clone(),
            report: Arc::clone(&inner.last_report),
            counts: inner.counts,
        }
    }

    /// Gives how the source is.
    pub fn state(&self) -> SourceState {
        self.shared.state()
    }

    /// Gives the newest frame.
    pub fn preview(&self) -> Option<Arc<Frame>> {
        self.shared.lock().preview.clone()
    }

    /// Begins or ends to look for products and other codes that are no QR codes, without closing the source.
    pub fn look_for_other_codes(&self, wanted: bool) {
        self.shared.other_codes.store(wanted, Ordering::Relaxed);
    }

    /// Lets a text through at its next sight, as after a failed booking that the guest wants to try again.
    pub fn rearm(&self, text: &str) {
        self.deduper.lock().unwrap_or_else(PoisonError::into_inner).rearm(self.options.name(text));
    }

    /// Stops all threads; gives how many readers were left behind in a call that does not come back.
    pub fn stop(mut self) -> usize {
        self.stop_threads()
    }

    fn stop_threads(&mut self) -> usize {
        self.shared.lock().stopping = true;
        self.shared.frame_came.notify_all();
        self.shared.changed.notify_all();
        join(self.worker.take());
        join(self.supervisor.take()).unwrap_or(0)
    }
}

impl Drop for Scanner {
    fn drop(&mut self) {
        self.stop_threads();
    }
}

fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<JoinHandle<T>> {
    thread::Builder::new().name(name.to_owned()).spawn(work)
}

/// Joins a thread, unless it is the one that asks: a listener may drop the scanner.
fn join<T>(handle: Option<JoinHandle<T>>) -> Option<T> {
    handle
        .filter(|handle| handle.thread().id() != thread::current().id())
        .and_then(|handle| handle.join().ok())
}

fn work(parts: &Parts, mut decoder: Box<dyn FrameDecoder>, rule: &Rule) {
    let shared = &parts.shared;
    while let Some(frame) = shared.take_newest() {
        let other_codes = shared.other_codes.load(Ordering::Relaxed);
        let read = || {
            decoder.look_for_other_codes(other_codes);
            decoder.decode(&frame, &|text| rule(text))
        };
        let report = guard::quietly(read).unwrap_or_else(|| Report { panics: 1, ..Report::default() });
        let decoded_at = (parts.clock)();
        let report = Arc::new(report);
        {
            let mut inner = shared.lock();
            inner.counts.decoded += 1;
            inner.counts.panics += u64::from(report.panics);
            inner.last_report = Arc::clone(&report);
        }
        for code in fresh_codes(parts, &report, decoded_at) {
            let code = code.clone();
            let reading = Reading { code, captured_at: frame.captured_at(), decoded_at };
            tell(&parts.listener, ScanEvent::Read(reading));
        }
    }
}

/// Gives the codes that came into view with this frame, the one to act on first.
fn fresh_codes<'a>(parts: &Parts, report: &'a Report, now: Duration) -> Vec<&'a Code> {
    let mut codes: Vec<&Code> = report.nearest.and_then(|at| report.codes.get(at)).into_iter().collect();
    for code in &report.codes {
        if !codes.iter().any(|known| known.text == code.text) {
            codes.push(code);
        }
    }
    let texts: Vec<&str> = codes.iter().map(|code| parts.options.name(&code.text)).collect();
    let fresh = parts.deduper.lock().unwrap_or_else(PoisonError::into_inner).frame(&texts, millis(now));
    codes.into_iter().zip(fresh).filter_map(|(code, fresh)| fresh.then_some(code)).collect()
}

/// Calls the listener; its panic is printed as usual and does not end the scanner.
fn tell(listener: &Listener, event: ScanEvent) {
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| listener(event)));
}

/// Runs the watchdog until the scanner stops; gives the readers that were left behind.
fn supervise(parts: &Parts, open: &Opener) -> usize {
    let Parts { shared, options, clock, listener, .. } = parts;
    let mut readers: Vec<JoinHandle<()>> = Vec::new();
    let mut told = None;
    loop {
        let mut inner = shared.lock();
        if inner.stopping {
            break;
        }
        readers.retain(|reader| !reader.is_finished());
        let now = clock();
        match inner.watchdog.tick(now) {
            Some(Action::Abandon) => inner.generation += 1,
            Some(Action::Open) if readers.len() >= options.stuck_readers_max => {
                inner.watchdog.put_off(now, "the camera's driver hangs; plug the camera out and in again");
            }
            Some(Action::Open) => {
                inner.generation += 1;
                match spawn_reader(parts, inner.generation, open) {
                    Ok(reader) => readers.push(reader),
                    Err(error) => {
                        inner.watchdog.put_off(now, &format!("no thread could be started ({error})"))
                    }
                }
            }
            None => {}
        }
        let state = inner.watchdog.state().clone();
        if told.as_ref() != Some(&state) {
            drop(inner);
            tell(listener, ScanEvent::Source(state.clone()));
            told = Some(state);
            continue;
        }
        drop(shared.changed.wait_timeout(inner, options.tick).unwrap_or_else(PoisonError::into_inner));
    }
    shared.lock().watchdog.stopped(clock());
    leave(readers, options.stop_grace)
}

fn spawn_reader(parts: &Parts, generation: u64, open: &Opener) -> std::io::Result<JoinHandle<()>> {
    let (shared, open, clock) = (Arc::clone(&parts.shared), Arc::clone(open), parts.clock.clone());
    spawn("scan-reader", move || read_frames(&shared, generation, &open, &clock))
}

/// Joins the readers that end within the grace time, and lets the others go: they end when their call comes back.
fn leave(mut readers: Vec<JoinHandle<()>>, grace: Duration) -> usize {
    const STEP: Duration = Duration::from_millis(5);
    let mut waited = Duration::ZERO;
    loop {
        let (done, stuck): (Vec<_>, Vec<_>) = readers.into_iter().partition(JoinHandle::is_finished);
        done.into_iter().for_each(|reader| drop(reader.join()));
        if stuck.is_empty() || waited >= grace {
            return stuck.len();
        }
        readers = stuck;
        thread::sleep(STEP);
        waited += STEP;
    }
}
