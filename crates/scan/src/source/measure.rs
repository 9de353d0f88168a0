//! Chooses a camera's mode by trying it: what a list promises, the cable, the light or the driver may not keep.
//!
//! A webcam on a slow cable lists 1280×720 without compression and gives it five times a second; one in a dim corner
//! gives half of what it promised. So the likely modes are opened one after the other at set-up, the pictures that really
//! come are counted, and the mode is taken in which a card is seen most often.

use std::time::Duration;

use super::format::{CameraMode, fits_a_code};
use super::{FrameSource, SourceError};
use crate::clock::Clock;
use crate::frame::Frame;

/// How long and how often is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeasurePolicy {
    /// The most modes that are tried.
    pub modes_max: usize,
    /// Pictures before this do not count: exposure and stream are still settling.
    pub warm_up: Duration,
    /// Pictures are counted for so long.
    pub span: Duration,
    /// More pictures than this are not waited for.
    pub frames_max: u32,
    /// No further mode is tried after so long: whoever opened the camera waits.
    pub total: Duration,
}

impl Default for MeasurePolicy {
    fn default() -> Self {
        Self {
            modes_max: 4,
            warm_up: Duration::from_millis(300),
            span: Duration::from_millis(700),
            frames_max: 200,
            total: Duration::from_secs(5),
        }
    }
}

/// So many pictures a second are enough: more are not decoded.
const ENOUGH_PER_SECOND: f64 = 30.0;
/// A mode that reaches this share of enough, in the right size, is taken without trying others.
const GOOD_SHARE: f64 = 0.8;
/// Only what is better by so much goes before a mode that ranks higher.
const BETTER_BY: f64 = 1.1;
/// What a picture is worth whose size is not about right: too small for a card at arm's length, or dear to look at.
const ODD_SIZE_WORTH: f64 = 0.5;

/// What came of trying a mode.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trial {
    /// The mode.
    pub mode: CameraMode,
    /// New pictures a second; one that repeats the last does not count.
    pub per_second: f64,
}

impl Trial {
    fn worth(&self) -> f64 {
        let size = if fits_a_code(self.mode) { 1.0 } else { ODD_SIZE_WORTH };
        self.per_second.min(ENOUGH_PER_SECOND) * size
    }
}

/// Opens a camera in a mode.
pub type OpenMode<'a> = &'a mut dyn FnMut(CameraMode) -> Result<Box<dyn FrameSource>, SourceError>;

/// Tries the likely ones of a device's ranked modes, the best first, and gives the best of them, open, with what was measured.
///
/// # Errors
/// The camera is held, gone or denied, or no mode gives pictures; then the last reason.
pub fn measure(
    device: &str,
    ranked: &[CameraMode],
    policy: MeasurePolicy,
    clock: &Clock,
    open: OpenMode<'_>,
) -> Result<(Box<dyn FrameSource>, Vec<Trial>), SourceError> {
    let mut trials: Vec<Trial> = Vec::new();
    let reason = "no mode gives new pictures".to_owned();
    let mut last_error = SourceError::Camera { device: device.to_owned(), reason };
    let begun = clock();
    for mode in likely(ranked, policy.modes_max) {
        if !trials.is_empty() && clock().saturating_sub(begun) >= policy.total {
            break;
        }
        // The source before is closed by now: a camera has one mode at a time.
        match open(mode).and_then(|mut source| Ok((rate_of(source.as_mut(), policy, clock)?, source))) {
            Ok((per_second, source)) => {
                let trial = Trial { mode, per_second };
                trials.push(trial);
                if trial.worth() >= GOOD_SHARE * ENOUGH_PER_SECOND {
                    return Ok((source, trials));
                }
            }
            Err(
                error @ (SourceError::Busy { .. }
                | SourceError::Unplugged { .. }
                | SourceError::Denied { .. }),
            ) => return Err(error),
            Err(error) => last_error = error,
        }
    }
    let best = best_of(&trials).ok_or(last_error)?;
    Ok((open(best.mode)?, trials))
}

/// Gives the trial to take: the earliest that no other beats clearly.
fn best_of(trials: &[Trial]) -> Option<Trial> {
    let seeing = trials.iter().filter(|trial| trial.per_second > 0.0);
    seeing.copied().reduce(|best, trial| if trial.worth() > BETTER_BY * best.worth() { trial } else { best })
}

/// Of each layout the best mode, and those that promise more pictures than the ones before: what differs in size alone is
/// not tried.
fn likely(ranked: &[CameraMode], modes_max: usize) -> Vec<CameraMode> {
    let mut likely: Vec<CameraMode> = Vec::new();
    let promised = |mode: &CameraMode| mode.interval.whole_rate().unwrap_or(0).min(ENOUGH_PER_SECOND as u32);
    for mode in ranked {
        let beaten = |other: &CameraMode| other.pixels == mode.pixels && promised(other) >= promised(mode);
        if likely.len() < modes_max && !likely.iter().any(beaten) {
            likely.push(*mode);
        }
    }
    likely
}

/// Counts the new pictures of a second.
fn rate_of(source: &mut dyn FrameSource, policy: MeasurePolicy, clock: &Clock) -> Result<f64, SourceError> {
    let begun = clock();
    let (mut counted_from, mut counted_to, mut new) = (None, begun, 0_u32);
    let mut last: Option<Frame> = None;
    for _ in 0..policy.frames_max {
        let frame = source.next()?;
        let now = clock();
        let is_new = last.as_ref().is_none_or(|last| last.luma() != frame.luma());
        if let Some(old) = last.replace(frame) {
            source.recycle(old.into_luma());
        }
        match counted_from {
            None if now.saturating_sub(begun) >= policy.warm_up => counted_from = Some(now),
            None => {}
            Some(_) => {
                new += u32::from(is_new);
                counted_to = now;
            }
        }
        if now.saturating_sub(begun) >= policy.warm_up + policy.span {
            break;
        }
    }
    let seconds = counted_from.map_or(0.0, |from| counted_to.saturating_sub(from).as_secs_f64());
    Ok(if seconds > 0.0 { f64::from(new) / seconds } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::source::format::{Interval, PixelFormat, rank};
    use crate::source::memory::Memory;

    fn mode(pixels: PixelFormat, width: u32, height: u32, rate: u32) -> CameraMode {
        CameraMode { pixels, width, height, interval: Interval::per_second(rate) }
    }

    /// A camera whose modes give a picture every so many milliseconds; none: the mode cannot be opened.
    struct Fake {
        now_ms: Arc<AtomicU64>,
        kept: Vec<(CameraMode, Option<u64>)>,
        opened: Vec<CameraMode>,
        frozen: Option<CameraMode>,
    }

    impl Fake {
        fn new(kept: &[(CameraMode, Option<u64>)]) -> Self {
            Self { now_ms: Arc::default(), kept: kept.to_vec(), opened: Vec::new(), frozen: None }
        }

        fn measure(&mut self) -> Result<(CameraMode, Vec<Trial>), SourceError> {
            let offered: Vec<CameraMode> = self.kept.iter().map(|(mode, _)| *mode).collect();
            let clock: Clock = {
                let now_ms = self.now_ms.clone();
                Arc::new(move || Duration::from_millis(now_ms.load(Ordering::SeqCst)))
            };
            let (now_ms, frozen) = (self.now_ms.clone(), self.frozen);
            let (kept, opened) = (&self.kept, &mut self.opened);
            let mut open = |mode: CameraMode| -> Result<Box<dyn FrameSource>, SourceError> {
                opened.push(mode);
                let found = kept.iter().find(|(known, _)| *known == mode);
                let every_ms = found.and_then(|(_, every_ms)| *every_ms);
                let device = "fake".to_owned();
                let every_ms = every_ms.ok_or(SourceError::NoFormat { device, reason: mode.to_string() })?;
                let now_ms = now_ms.clone();
                Ok(Box::new(Memory::from_fn(move || {
                    let now = now_ms.fetch_add(every_ms, Ordering::SeqCst) + every_ms;
                    let shade = if frozen == Some(mode) { 100 } else { (now / every_ms % 200) as u8 };
                    Ok(Frame::new(16, 16, vec![shade; 256], Duration::from_millis(now))?)
                })))
            };
            let (_, trials) = measure("fake", &rank(&offered), MeasurePolicy::default(), &clock, &mut open)?;
            Ok((self.opened.last().copied().unwrap(), trials))
        }
    }

    #[test]
    fn the_first_mode_that_keeps_its_word_is_taken_without_trying_more() {
        let (raw, jpeg) = (mode(PixelFormat::Yuyv, 1280, 720, 30), mode(PixelFormat::Mjpeg, 1280, 720, 30));
        let mut fake = Fake::new(&[(raw, Some(34)), (jpeg, Some(34))]);
        let (taken, trials) = fake.measure().unwrap();
        assert_eq!((taken, fake.opened.as_slice()), (raw, [raw].as_slice()));
        assert!((28.0..31.0).contains(&trials[0].per_second), "{trials:?}");
    }

    #[test]
    fn a_mode_that_promises_more_than_it_gives_loses_to_one_that_gives() {
        let (raw, jpeg) = (mode(PixelFormat::Yuyv, 1280, 720, 30), mode(PixelFormat::Mjpeg, 1280, 720, 30));
        let mut fake = Fake::new(&[(raw, Some(200)), (jpeg, Some(34))]);
        let (taken, trials) = fake.measure().unwrap();
        assert_eq!((taken, trials.len()), (jpeg, 2));
    }

    #[test]
    fn a_smaller_picture_is_taken_only_where_it_comes_more_than_twice_as_often() {
        let (large, small) = (mode(PixelFormat::Yuyv, 1280, 720, 10), mode(PixelFormat::Yuyv, 640, 480, 30));
        let taken = |every_ms| Fake::new(&[(large, Some(every_ms)), (small, Some(34))]).measure().unwrap().0;
        assert_eq!((taken(100), taken(60)), (small, large));
    }

    #[test]
    fn in_a_dim_corner_where_all_are_slow_the_ranking_decides() {
        let (raw, jpeg) = (mode(PixelFormat::Yuyv, 1280, 720, 30), mode(PixelFormat::Mjpeg, 1280, 720, 30));
        let mut fake = Fake::new(&[(raw, Some(68)), (jpeg, Some(66))]);
        assert_eq!(fake.measure().unwrap().0, raw);
        assert_eq!(fake.opened, [raw, jpeg, raw], "the camera is opened again in the mode that is taken");
    }

    #[test]
    fn a_camera_that_takes_ages_is_not_tried_on_and_on() {
        let raw = mode(PixelFormat::Yuyv, 1280, 720, 30);
        let jpeg = mode(PixelFormat::Mjpeg, 1280, 720, 30);
        let mut fake = Fake::new(&[(raw, Some(3_000)), (jpeg, Some(34))]);
        assert_eq!((fake.measure().unwrap().0, fake.opened.len()), (jpeg, 2), "the first took three seconds");
        let mut fake = Fake::new(&[(raw, Some(5_000)), (jpeg, Some(34))]);
        assert!(
            fake.measure().is_err(),
            "one picture in five seconds is none, and there was no time for more"
        );
    }

    #[test]
    fn modes_that_fail_or_repeat_one_picture_are_passed_over() {
        let raw = mode(PixelFormat::Yuyv, 1280, 720, 30);
        let plane = mode(PixelFormat::Nv12, 1280, 720, 30);
        let jpeg = mode(PixelFormat::Mjpeg, 1280, 720, 30);
        let mut fake = Fake::new(&[(raw, None), (plane, Some(34)), (jpeg, Some(90))]);
        fake.frozen = Some(plane);
        assert_eq!(fake.measure().unwrap().0, jpeg);
        let mut fake = Fake::new(&[(raw, None)]);
        assert!(matches!(fake.measure(), Err(SourceError::NoFormat { .. })));
        let mut fake = Fake::new(&[(plane, Some(34))]);
        fake.frozen = Some(plane);
        let error = fake.measure().unwrap_err();
        assert!(matches!(error, SourceError::Camera { .. }), "one picture for ever is none: {error:?}");
    }

    #[test]
    fn what_differs_in_size_alone_is_not_tried() {
        let offered = [
            mode(PixelFormat::Yuyv, 1280, 720, 10),
            mode(PixelFormat::Yuyv, 640, 480, 30),
            mode(PixelFormat::Yuyv, 800, 600, 10),
            mode(PixelFormat::Yuyv, 320, 240, 30),
            mode(PixelFormat::Mjpeg, 1280, 720, 30),
            mode(PixelFormat::Mjpeg, 1920, 1080, 30),
        ];
        let tried = likely(&rank(&offered), 4);
        assert_eq!(tried.len(), 3, "{tried:?}");
        assert!(tried.contains(&offered[0]) && tried.contains(&offered[1]) && tried.contains(&offered[4]));
    }
}
