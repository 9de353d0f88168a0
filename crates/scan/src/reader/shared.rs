//! What the three threads of a scanner share: one slot for the newest frame, and the watchdog.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::facts::facts_of;
use super::watchdog::{SourceState, Watchdog};
use crate::clock::Clock;
use crate::decode::Report;
use crate::frame::Frame;
use crate::source::{FrameSource, Opener, SourceError};

/// Counts since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScanCounts {
    /// Frames that the source gave.
    pub read: u64,
    /// Frames that were decoded.
    pub decoded: u64,
    /// Frames that a newer one replaced before they were decoded.
    pub replaced: u64,
    /// Decoders that panicked and were stopped.
    pub panics: u64,
}

/// What the lock protects.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) stopping: bool,
    /// Number of the reader whose frames count; a reader with another number ends itself.
    pub(super) generation: u64,
    pub(super) watchdog: Watchdog,
    /// The slot of one: the reader overwrites it, the worker empties it.
    pub(super) newest: Option<Arc<Frame>>,
    pub(super) preview: Option<Arc<Frame>>,
    pub(super) source_name: Option<String>,
    pub(super) last_report: Arc<Report>,
    pub(super) counts: ScanCounts,
}

/// The lock, and the two bells: one for the worker, one for the supervisor.
#[derive(Debug)]
pub(super) struct Shared {
    inner: Mutex<Inner>,
    /// Codes that are no QR codes are looked for too. On its own, for nothing else has to change with it.
    pub(super) other_codes: AtomicBool,
    pub(super) frame_came: Condvar,
    pub(super) changed: Condvar,
}

impl Shared {
    pub(super) fn new(watchdog: Watchdog, other_codes: bool) -> Self {
        let inner = Inner {
            stopping: false,
            generation: 0,
            watchdog,
            newest: None,
            preview: None,
            source_name: None,
            last_report: Arc::new(Report::default()),
            counts: ScanCounts::default(),
        };
        Self {
            inner: Mutex::new(inner),
            other_codes: AtomicBool::new(other_codes),
            frame_came: Condvar::new(),
            changed: Condvar::new(),
        }
    }

    /// Takes the lock. Nothing that can panic runs under it, so a poisoned lock still holds whole data.
    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn state(&self) -> SourceState {
        self.lock().watchdog.state().clone()
    }

    /// Waits for the next frame to decode; `None` when the scanner stops.
    pub(super) fn take_newest(&self) -> Option<Arc<Frame>> {
        let mut inner = self.lock();
        loop {
            if inner.stopping {
                return None;
            }
            if let Some(frame) = inner.newest.take() {
                return Some(frame);
            }
            inner = self.frame_came.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Puts a frame in the slot; gives the memory of a frame that nobody needs any more. `Err` ends the reader.
    fn publish(
        &self,
        generation: u64,
        frame: Frame,
        live: bool,
        now: Duration,
    ) -> Result<Option<Vec<u8>>, ()> {
        let facts = facts_of(&frame, live);
        let frame = Arc::new(frame);
        let mut inner = self.lock();
        if inner.stopping || inner.generation != generation {
            return Err(());
        }
        let before = inner.watchdog.state().condition;
        inner.watchdog.frame(now, facts);
        let changed = inner.watchdog.state().condition != before;
        inner.counts.read += 1;
        let skipped = inner.newest.replace(Arc::clone(&frame));
        inner.counts.replaced += u64::from(skipped.is_some());
        drop(skipped);
        let old = inner.preview.replace(frame);
        drop(inner);
        self.frame_came.notify_one();
        if changed {
            self.changed.notify_all();
        }
        Ok(old.and_then(Arc::into_inner).map(Frame::into_luma))
    }

    /// Tells the watchdog that a reader has closed its source.
    pub(super) fn report_failure(&self, generation: u64, error: &SourceError, now: Duration) {
        let mut inner = self.lock();
        if inner.generation == generation && !inner.stopping {
            inner.watchdog.failed(now, error);
        }
        drop(inner);
        self.changed.notify_all();
    }
}

/// Runs one reader: opens the source, drains it, closes it, and only then tells that it failed.
///
/// The source is dropped before the watchdog hears of the failure, so that the old camera is gone when the list of
/// cameras is read again.
pub(super) fn read_frames(shared: &Shared, generation: u64, open: &Opener, clock: &Clock) {
    let guarded = |work: &mut dyn FnMut() -> Result<(), SourceError>| {
        let failed = SourceError::Panicked { name: "camera".to_owned() };
        crate::decode::guard::quietly(work).unwrap_or(Err(failed))
    };
    let mut source = None;
    let mut outcome = guarded(&mut || {
        source = Some(open()?);
        Ok(())
    });
    if outcome.is_ok()
        && let Some(source) = &mut source
    {
        outcome = guarded(&mut || drain(shared, generation, source.as_mut(), clock));
    }
    // Closing can panic too, when a driver refuses to stop.
    let _ = guarded(&mut || {
        drop(source.take());
        Ok(())
    });
    if let Err(error) = outcome {
        shared.report_failure(generation, &error, clock());
    }
}

/// Takes frame after frame, as fast as the source gives them, until it fails or this reader is not wanted any more.
fn drain(
    shared: &Shared,
    generation: u64,
    source: &mut dyn FrameSource,
    clock: &Clock,
) -> Result<(), SourceError> {
    let live = source.is_live();
    {
        let mut inner = shared.lock();
        if inner.stopping || inner.generation != generation {
            return Ok(());
        }
        inner.source_name = Some(source.name());
    }
    loop {
        let frame = source.next()?;
        match shared.publish(generation, frame, live, clock()) {
            Ok(spare) => source.recycle(spare.unwrap_or_default()),
            Err(()) => return Ok(()),
        }
    }
}
