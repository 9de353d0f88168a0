//! What a Linux camera is asked by its own calls, because the library does not ask or does not tell.

use v4l::capability::Flags;
use v4l::control::{Control, Value};
use v4l::frameinterval::FrameIntervalEnum;
use v4l::framesize::FrameSizeEnum;
use v4l::video::Capture;
use v4l::video::capture::Parameters;
use v4l::{Device, Format, FourCC};

use super::tuning::{self, Wish};
use super::{CameraInfo, Reason, SourceError, reason_of};
use crate::decode::guard;
use crate::source::format::{CameraMode, Interval, PixelFormat};

/// Tells whether a node gives pictures: outputs, metadata and radio nodes do not.
pub(super) fn gives_pictures(index: u32) -> bool {
    let answer = guard::quietly(|| {
        let Ok(device) = Device::new(index as usize) else {
            // A camera that may not be opened is listed all the same, so that the screen can say why.
            return true;
        };
        device.query_caps().is_ok_and(|caps| caps.capabilities.contains(Flags::VIDEO_CAPTURE))
    });
    answer.unwrap_or(false)
}

/// Lists every mode with its true fraction, odd rates included.
pub(super) fn modes(info: &CameraInfo) -> Result<Vec<CameraMode>, SourceError> {
    let name = || info.name.clone();
    let listed = guard::quietly(|| -> std::io::Result<Vec<CameraMode>> {
        let device = Device::new(info.index as usize)?;
        let mut modes = Vec::new();
        for format in device.enum_formats()? {
            let pixels = PixelFormat::from_fourcc(format.fourcc.repr);
            for (width, height) in sizes(&device, format.fourcc) {
                let intervals = intervals(&device, format.fourcc, width, height);
                modes.extend(intervals.into_iter().map(|interval| CameraMode {
                    pixels,
                    width,
                    height,
                    interval,
                }));
            }
        }
        Ok(modes)
    });
    let failed =
        || SourceError::Camera { device: name(), reason: "the driver's list cannot be read".to_owned() };
    listed.ok_or_else(failed)?.map_err(|error| {
        let reason = error.to_string();
        match reason_of(&reason) {
            Reason::Busy => SourceError::Busy { device: name() },
            Reason::Gone => SourceError::Unplugged { device: name() },
            Reason::Denied => SourceError::Denied { device: name() },
            Reason::Refused | Reason::Other => SourceError::Camera { device: name(), reason },
        }
    })
}

/// The sizes asked of a device that takes any.
const SIZES_WANTED: [(u32, u32); 3] = [(1280, 720), (1024, 768), (640, 480)];

fn sizes(device: &Device, fourcc: FourCC) -> Vec<(u32, u32)> {
    let mut sizes = Vec::new();
    for size in device.enum_framesizes(fourcc).unwrap_or_default() {
        match size.size {
            FrameSizeEnum::Discrete(size) => sizes.push((size.width, size.height)),
            FrameSizeEnum::Stepwise(steps) => {
                for (width, height) in SIZES_WANTED {
                    sizes.push((
                        on_step(width, steps.min_width, steps.max_width, steps.step_width),
                        on_step(height, steps.min_height, steps.max_height, steps.step_height),
                    ));
                }
            }
        }
    }
    sizes.dedup();
    sizes
}

/// Gives the step at or below the wanted length that the device knows.
fn on_step(wanted: u32, min: u32, max: u32, step: u32) -> u32 {
    let inside = wanted.clamp(min, max.max(min));
    inside - (inside - min) % step.max(1)
}

fn intervals(device: &Device, fourcc: FourCC, width: u32, height: u32) -> Vec<Interval> {
    let mut intervals = Vec::new();
    for interval in device.enum_frameintervals(fourcc, width, height).unwrap_or_default() {
        match interval.interval {
            FrameIntervalEnum::Discrete(fraction) => {
                intervals.push(Interval { numerator: fraction.numerator, denominator: fraction.denominator });
            }
            FrameIntervalEnum::Stepwise(steps) => {
                let seconds =
                    |numerator: u32, denominator: u32| f64::from(numerator) / f64::from(denominator.max(1));
                let shortest = seconds(steps.min.numerator, steps.min.denominator);
                let longest = seconds(steps.max.numerator, steps.max.denominator);
                let rates = [30_u32, 25, 15, 10];
                let fits = |rate: &u32| (shortest..=longest).contains(&seconds(1, *rate));
                intervals.extend(rates.into_iter().filter(fits).map(Interval::per_second));
            }
        }
    }
    // Some drivers, loopbacks among them, list no rates and take any.
    if intervals.is_empty() {
        let current = device.params().map(|params| params.interval);
        intervals.push(current.map_or(Interval::per_second(30), |fraction| Interval {
            numerator: fraction.numerator,
            denominator: fraction.denominator,
        }));
    }
    intervals
}

/// Sets format and rate. A failure is not told: opening tells it again, with the library's words.
pub(super) fn prepare(info: &CameraInfo, mode: CameraMode) {
    let _ = guard::quietly(|| -> std::io::Result<()> {
        let device = Device::new(info.index as usize)?;
        let format = device.format()?;
        let fourcc = fourcc_of(mode.pixels);
        if (format.width, format.height, format.fourcc.repr) != (mode.width, mode.height, fourcc) {
            device.set_format(&Format::new(mode.width, mode.height, FourCC::new(&fourcc)))?;
        }
        let params = device.params()?;
        if let Some(rate) = mode.interval.whole_rate()
            && (params.interval.numerator, params.interval.denominator) != (1, rate)
        {
            device.set_params(&Parameters::with_fps(rate))?;
        }
        Ok(())
    });
}

/// Sets what [`tuning`] wants of a camera's controls. What a driver refuses stays as it was.
pub(super) fn tune(index: u32) {
    let _ = guard::quietly(|| -> std::io::Result<()> {
        let device = Device::new(index as usize)?;
        for Wish { id, value } in tuning::wishes(&device.query_controls()?) {
            let _ = device.set_control(Control { id, value: Value::Integer(value) });
        }
        Ok(())
    });
}

/// Asks for the bytes from row to row of the format that is set.
pub(super) fn row_bytes(index: u32, mode: CameraMode) -> u32 {
    let asked = guard::quietly(|| Device::new(index as usize).and_then(|device| device.format()).ok());
    asked
        .flatten()
        .filter(|format| (format.width, format.height) == (mode.width, mode.height))
        .map_or(0, |format| format.stride)
}

fn fourcc_of(pixels: PixelFormat) -> [u8; 4] {
    match pixels {
        PixelFormat::Yuyv => *b"YUYV",
        PixelFormat::Nv12 => *b"NV12",
        PixelFormat::Grey => *b"GREY",
        PixelFormat::Mjpeg => *b"MJPG",
        PixelFormat::Rgb => *b"RGB3",
        PixelFormat::Bgr => *b"BGR3",
        PixelFormat::Other(code) => code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wanted_length_is_moved_onto_the_devices_steps() {
        for (wanted, min, max, step, expected) in [
            (1280, 48, 4096, 2, 1280),
            (720, 48, 480, 16, 480),
            (1280, 100, 4000, 333, 1099),
            (640, 800, 1600, 1, 800),
            (640, 640, 640, 0, 640),
        ] {
            assert_eq!(on_step(wanted, min, max, step), expected);
        }
    }
}
