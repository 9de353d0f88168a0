//! Cameras.
//!
//! What the library under this needs help with, and where the help is:
//! - It chooses formats badly and refuses rates that are not whole: [`super::format::rank`] chooses, and every mode is
//!   tried in turn.
//! - On Linux a device can be left at a rate or format that the library does not know, and then never opens again:
//!   the device is set to the wanted mode first, by its own calls (`linux`).
//! - Its list has nodes that are no cameras: on Linux each is asked what it is.
//! - Reading has no time-out, queues grow old, and the camera can go away at any time: the reader thread drains always
//!   and its watchdog lets it go.
//! - Nobody sees to exposure and focus: `tune` does, as far as the device offers it (`tuning`).
//! - Closing can panic: it is guarded.
//! - Its conversion to grey takes sixty times as long as copying the brightness: [`super::pixels`] copies.

#[cfg(target_os = "linux")]
mod linux;
mod reasons;
#[cfg(target_os = "linux")]
mod tuning;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nokhwa::Camera as Device;
use nokhwa::utils::{
    ApiBackend, CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType, Resolution,
};
use nokhwa::{NokhwaError, query};

use super::format::{CameraMode, Interval, PixelFormat, rank};
use super::measure::{MeasurePolicy, measure};
use super::pixels::{Layout, LumaError, luma_into};
use super::{FrameSource, Opener, SourceError};
use crate::clock::Clock;
use crate::decode::guard;
use crate::frame::Frame;
pub use reasons::{Reason, reason_of};

/// One camera, for a settings screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraInfo {
    /// The system's number of the camera. It may change when the camera is plugged in again.
    pub index: u32,
    /// The name that the camera gives itself.
    pub name: String,
    /// More about it: its place or driver.
    pub description: String,
}

/// Which camera to open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum CameraChoice {
    /// The first one.
    #[default]
    First,
    /// The one with this number.
    Index(u32),
    /// The first one with this name. It survives plugging out and in, so settings keep it.
    Named(String),
}

impl fmt::Display for CameraChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => formatter.write_str("at all"),
            Self::Index(index) => write!(formatter, "with number {index}"),
            Self::Named(name) => write!(formatter, "named {name}"),
        }
    }
}

/// Lists the cameras in the order of their numbers; nodes that give no pictures are left out.
pub fn list() -> Result<Vec<CameraInfo>, SourceError> {
    let failed = |reason: String| SourceError::Camera { device: "list".to_owned(), reason };
    // A device with a strange name makes the library panic.
    let found = guard::quietly(|| query(ApiBackend::Auto))
        .unwrap_or_else(|| Err(NokhwaError::GeneralError("the list of cameras cannot be read".to_owned())))
        .map_err(|error| failed(error.to_string()))?;
    let mut cameras: Vec<CameraInfo> = found
        .iter()
        .filter_map(|info| {
            let index = info.index().as_index().ok()?;
            let (name, description) = (info.human_name(), info.description().to_owned());
            gives_pictures(index).then_some(CameraInfo { index, name, description })
        })
        .collect();
    cameras.sort_by_key(|camera| camera.index);
    Ok(cameras)
}

/// Picks the camera that the settings ask for.
pub fn pick<'a>(cameras: &'a [CameraInfo], choice: &CameraChoice) -> Option<&'a CameraInfo> {
    cameras.iter().find(|camera| match choice {
        CameraChoice::First => true,
        CameraChoice::Index(index) => camera.index == *index,
        CameraChoice::Named(name) => camera.name == *name,
    })
}

/// Gives an opener for the reader thread. Each opening lists the cameras anew, for their numbers change.
pub fn opener(choice: CameraChoice, clock: Clock) -> Opener {
    Arc::new(move || {
        let info = find(&choice)?;
        Ok(Box::new(Camera::open(&info, clock.clone())?))
    })
}

fn find(choice: &CameraChoice) -> Result<CameraInfo, SourceError> {
    let cameras = list()?;
    let found = pick(&cameras, choice).cloned();
    found.ok_or_else(|| SourceError::Missing { wanted: choice.to_string() })
}

/// Hears in which mode a camera gives most, once that was measured.
pub type Measured = Arc<dyn Fn(&CameraInfo, CameraMode) + Send + Sync>;

/// As [`opener`], in the mode that was measured before with the camera of that name. Where none is known, or the camera
/// offers it no longer, the likely ones are tried and the best is told to `measured`, to be kept.
pub fn measuring_opener(
    choice: CameraChoice,
    known: Option<(String, CameraMode)>,
    measured: Measured,
    clock: Clock,
) -> Opener {
    let known = Mutex::new(known);
    // A mode that is being tried. When a camera hangs in it, the watchdog opens again, and it is passed over.
    let trying: Mutex<Option<CameraMode>> = Mutex::new(None);
    Arc::new(move || {
        let info = find(&choice)?;
        let offered = modes(&info)?;
        let before = lock(&known).clone();
        if let Some((_, mode)) = before.filter(|(name, mode)| *name == info.name && offered.contains(mode))
            && let Ok(camera) = Camera::open_in(&info, &[mode], clock.clone())
        {
            return Ok(Box::new(camera));
        }
        let hung = lock(&trying).take();
        let ranked: Vec<CameraMode> = rank(&offered).into_iter().filter(|mode| Some(*mode) != hung).collect();
        if ranked.is_empty() {
            return Err(no_format(&info, &offered));
        }
        let mut open = |mode: CameraMode| -> Result<Box<dyn FrameSource>, SourceError> {
            *lock(&trying) = Some(mode);
            Ok(Box::new(Camera::open_in(&info, &[mode], clock.clone())?))
        };
        let outcome = measure(&info.name, &ranked, MeasurePolicy::default(), &clock, &mut open);
        // The last mode that was opened is the one that was taken.
        let taken = lock(&trying).take();
        let (source, _) = outcome?;
        if let Some(mode) = taken {
            *lock(&known) = Some((info.name.clone(), mode));
            measured(&info, mode);
        }
        Ok(source)
    })
}

/// Nothing that can panic runs under these locks, so a poisoned one still holds whole data.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn no_format(info: &CameraInfo, offered: &[CameraMode]) -> SourceError {
    SourceError::NoFormat { device: info.name.clone(), reason: describe(offered) }
}

/// An open camera that gives frames.
pub struct Camera {
    device: Option<Device>,
    info: CameraInfo,
    mode: CameraMode,
    stride_bytes: u32,
    clock: Clock,
    spare: Vec<u8>,
    /// Damaged pictures since the last whole one.
    damaged: u32,
}

impl fmt::Debug for Camera {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Camera")
            .field("info", &self.info)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

/// The most modes of a camera that are tried at one opening.
const MODES_TRIED_MAX: usize = 4;
/// So many damaged pictures in a row are an error; single ones are passed over.
const DAMAGED_MAX: u32 = 30;

impl Camera {
    /// Opens a camera in the best mode that it accepts, and starts it.
    pub fn open(info: &CameraInfo, clock: Clock) -> Result<Self, SourceError> {
        let offered = modes(info)?;
        let ranked = rank(&offered);
        if ranked.is_empty() {
            return Err(no_format(info, &offered));
        }
        Self::open_in(info, &ranked, clock)
    }

    /// Opens a camera in the first of some modes that it accepts, lets it see to light and focus, and starts it.
    fn open_in(info: &CameraInfo, ranked: &[CameraMode], clock: Clock) -> Result<Self, SourceError> {
        let mut last_error = no_format(info, ranked);
        for &mode in ranked.iter().take(MODES_TRIED_MAX) {
            match start(info, mode) {
                Ok(device) => {
                    tune(info.index);
                    let stride_bytes = row_bytes(info.index, mode);
                    let (info, spare) = (info.clone(), Vec::new());
                    return Ok(Self {
                        device: Some(device),
                        info,
                        mode,
                        stride_bytes,
                        clock,
                        spare,
                        damaged: 0,
                    });
                }
                // Another mode does not help when the camera is held or gone.
                Err(
                    error @ (SourceError::Busy { .. }
                    | SourceError::Unplugged { .. }
                    | SourceError::Denied { .. }),
                ) => {
                    return Err(error);
                }
                Err(error) => last_error = error,
            }
        }
        Err(last_error)
    }

    /// Gives the mode that was agreed with the camera.
    pub fn mode(&self) -> CameraMode {
        self.mode
    }
}

impl FrameSource for Camera {
    fn next(&mut self) -> Result<Frame, SourceError> {
        loop {
            let device = self.device.as_mut().ok_or(SourceError::Ended)?;
            // The bytes are looked at in place: nothing is copied but the brightness.
            let bytes = device.frame_raw().map_err(|error| error_of(&self.info, &error))?;
            let captured_at = (self.clock)();
            let CameraMode { pixels, width, height, .. } = self.mode;
            let layout = Layout { width, height, stride_bytes: self.stride_bytes };
            let mut luma = std::mem::take(&mut self.spare);
            match luma_into(pixels, &bytes, layout, &mut luma) {
                Ok((width, height)) => {
                    self.damaged = 0;
                    return Ok(Frame::new(width, height, luma, captured_at)?);
                }
                Err(LumaError::Jpeg(_) | LumaError::Frame(_)) if self.damaged < DAMAGED_MAX => {
                    self.damaged += 1;
                    self.spare = luma;
                }
                Err(error) => {
                    return Err(SourceError::Camera {
                        device: self.info.name.clone(),
                        reason: error.to_string(),
                    });
                }
            }
        }
    }

    fn recycle(&mut self, spare: Vec<u8>) {
        if spare.capacity() > self.spare.capacity() {
            self.spare = spare;
        }
    }

    fn name(&self) -> String {
        format!("{} ({})", self.info.name, self.mode)
    }

    fn is_live(&self) -> bool {
        true
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        let device = self.device.take();
        // The driver may refuse to stop, and the library answers that with a panic.
        let _ = guard::quietly(move || drop(device));
    }
}

/// Opens the device in one mode and starts its stream.
fn start(info: &CameraInfo, mode: CameraMode) -> Result<Device, SourceError> {
    let refused = |reason: &str| SourceError::NoFormat {
        device: info.name.clone(),
        reason: format!("{mode} {reason}"),
    };
    let rate = mode.interval.whole_rate().ok_or_else(|| refused("has no whole rate"))?;
    let format = frame_format(mode.pixels).ok_or_else(|| refused("cannot be read"))?;
    prepare(info, mode);
    let wanted = CameraFormat::new(Resolution::new(mode.width, mode.height), format, rate);
    let request = RequestedFormat::with_formats(RequestedFormatType::Exact(wanted), all_formats());
    let opened = guard::quietly(|| {
        let mut device = Device::new(CameraIndex::Index(info.index), request)?;
        // A camera that another program holds may open and then refuse to start.
        device.open_stream()?;
        Ok(device)
    });
    opened.ok_or_else(|| refused("made the driver fail"))?.map_err(|error| error_of(info, &error))
}

fn error_of(info: &CameraInfo, error: &NokhwaError) -> SourceError {
    let device = info.name.clone();
    let reason = error.to_string();
    match reason_of(&reason) {
        Reason::Busy => SourceError::Busy { device },
        Reason::Gone => SourceError::Unplugged { device },
        Reason::Denied => SourceError::Denied { device },
        Reason::Refused => SourceError::NoFormat { device, reason },
        Reason::Other => SourceError::Camera { device, reason },
    }
}

fn describe(offered: &[CameraMode]) -> String {
    const SHOWN_MAX: usize = 6;
    let mut shown: Vec<String> = offered.iter().take(SHOWN_MAX).map(CameraMode::to_string).collect();
    match offered.len().saturating_sub(SHOWN_MAX) {
        0 if shown.is_empty() => shown.push("nothing is offered".to_owned()),
        0 => {}
        more => shown.push(format!("and {more} more")),
    }
    shown.join(", ")
}

fn all_formats() -> &'static [FrameFormat] {
    &[
        FrameFormat::YUYV,
        FrameFormat::NV12,
        FrameFormat::GRAY,
        FrameFormat::MJPEG,
        FrameFormat::RAWRGB,
        FrameFormat::RAWBGR,
    ]
}

fn frame_format(pixels: PixelFormat) -> Option<FrameFormat> {
    Some(match pixels {
        PixelFormat::Yuyv => FrameFormat::YUYV,
        PixelFormat::Nv12 => FrameFormat::NV12,
        PixelFormat::Grey => FrameFormat::GRAY,
        PixelFormat::Mjpeg => FrameFormat::MJPEG,
        PixelFormat::Rgb => FrameFormat::RAWRGB,
        PixelFormat::Bgr => FrameFormat::RAWBGR,
        PixelFormat::Other(_) => return None,
    })
}

fn pixel_format(format: FrameFormat) -> PixelFormat {
    match format {
        FrameFormat::YUYV => PixelFormat::Yuyv,
        FrameFormat::NV12 => PixelFormat::Nv12,
        FrameFormat::GRAY => PixelFormat::Grey,
        FrameFormat::MJPEG => PixelFormat::Mjpeg,
        FrameFormat::RAWRGB => PixelFormat::Rgb,
        FrameFormat::RAWBGR => PixelFormat::Bgr,
    }
}

/// Lists the modes of a camera: from the device itself where that is possible, else through the library.
pub fn modes(info: &CameraInfo) -> Result<Vec<CameraMode>, SourceError> {
    #[cfg(target_os = "linux")]
    {
        linux::modes(info)
    }
    #[cfg(not(target_os = "linux"))]
    {
        modes_of_library(info)
    }
}

/// Asks the library, which has to open the camera for it.
#[cfg_attr(target_os = "linux", allow(dead_code))]
fn modes_of_library(info: &CameraInfo) -> Result<Vec<CameraMode>, SourceError> {
    let request = RequestedFormat::with_formats(RequestedFormatType::None, all_formats());
    let listed = guard::quietly(|| {
        let mut device = Device::new(CameraIndex::Index(info.index), request)?;
        device.compatible_camera_formats()
    });
    let failed = NokhwaError::GeneralError("the driver failed".to_owned());
    let formats = listed.unwrap_or(Err(failed)).map_err(|error| error_of(info, &error))?;
    Ok(formats
        .iter()
        .map(|format| CameraMode {
            pixels: pixel_format(format.format()),
            width: format.width(),
            height: format.height(),
            interval: Interval::per_second(format.frame_rate()),
        })
        .collect())
}

/// Puts the device into the wanted mode by its own calls, where the library would stumble over the mode it is in.
fn prepare(info: &CameraInfo, mode: CameraMode) {
    #[cfg(target_os = "linux")]
    linux::prepare(info, mode);
    #[cfg(not(target_os = "linux"))]
    let _ = (info, mode);
}

/// Gives the bytes from row to row; 0 where only the library knows, and it has rows without gaps.
fn row_bytes(index: u32, mode: CameraMode) -> u32 {
    #[cfg(target_os = "linux")]
    {
        linux::row_bytes(index, mode)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (index, mode);
        0
    }
}

/// Lets the camera see to focus and exposure by itself, without making pictures slower, as far as it offers that.
fn tune(index: u32) {
    #[cfg(target_os = "linux")]
    linux::tune(index);
    #[cfg(not(target_os = "linux"))]
    let _ = index;
}

fn gives_pictures(index: u32) -> bool {
    #[cfg(target_os = "linux")]
    {
        linux::gives_pictures(index)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = index;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera(index: u32, name: &str) -> CameraInfo {
        CameraInfo { index, name: name.to_owned(), description: String::new() }
    }

    #[test]
    fn a_camera_is_found_by_name_after_its_number_changed() {
        let before = [camera(0, "Built in"), camera(2, "Counter")];
        let after = [camera(0, "Built in"), camera(3, "Counter")];
        let choice = CameraChoice::Named("Counter".to_owned());
        assert_eq!(pick(&before, &choice).map(|found| found.index), Some(2));
        assert_eq!(pick(&after, &choice).map(|found| found.index), Some(3));
        assert_eq!(pick(&after, &CameraChoice::Index(2)), None);
        assert_eq!(pick(&after, &CameraChoice::First).map(|found| found.index), Some(0));
        assert_eq!(pick(&[], &CameraChoice::First), None);
    }

    #[test]
    fn listing_and_opening_without_a_camera_say_what_to_do() {
        let clock: Clock = Arc::new(|| std::time::Duration::ZERO);
        let choice = CameraChoice::Named("a camera that nobody has".to_owned());
        match opener(choice, clock)() {
            Err(SourceError::Missing { wanted }) => assert_eq!(wanted, "named a camera that nobody has"),
            Err(other) => panic!("{other}"),
            Ok(source) => panic!("{}", source.name()),
        }
    }

    #[test]
    fn every_format_has_its_counterpart() {
        for format in all_formats() {
            assert_eq!(frame_format(pixel_format(*format)), Some(*format));
        }
    }
}
