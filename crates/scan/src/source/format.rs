//! Chooses how a camera is asked to send its pictures: a pure function over the list that it offers.
//!
//! Only brightness is needed, so formats that carry it as bytes of its own (YUYV, NV12, GREY) go before MJPEG, which
//! has to be decoded, and that before the rest. About 1280×720 is enough for a code on a card at arm's length; more
//! pixels only take time.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// How the bytes of a picture are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// Two bytes for each pixel, the first of them brightness.
    Yuyv,
    /// A plane of brightness, then a plane of colour.
    Nv12,
    /// A plane of brightness.
    Grey,
    /// One JPEG for each picture.
    Mjpeg,
    /// Three bytes for each pixel: red, green, blue.
    Rgb,
    /// Three bytes for each pixel: blue, green, red.
    Bgr,
    /// A format that is not read here, by its four letters.
    Other([u8; 4]),
}

impl PixelFormat {
    /// Gives the format for a four-letter code of Video4Linux.
    pub fn from_fourcc(code: [u8; 4]) -> Self {
        match &code {
            b"YUYV" => Self::Yuyv,
            b"NV12" => Self::Nv12,
            b"GREY" | b"GRAY" => Self::Grey,
            b"MJPG" => Self::Mjpeg,
            b"RGB3" => Self::Rgb,
            b"BGR3" => Self::Bgr,
            _ => Self::Other(code),
        }
    }

    fn carries_brightness(self) -> bool {
        matches!(self, Self::Yuyv | Self::Nv12 | Self::Grey)
    }
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yuyv => formatter.write_str("YUYV"),
            Self::Nv12 => formatter.write_str("NV12"),
            Self::Grey => formatter.write_str("GREY"),
            Self::Mjpeg => formatter.write_str("MJPEG"),
            Self::Rgb => formatter.write_str("RGB"),
            Self::Bgr => formatter.write_str("BGR"),
            Self::Other(code) => write!(formatter, "{}", String::from_utf8_lossy(code).trim_end()),
        }
    }
}

/// The time from frame to frame in seconds, as a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interval {
    /// Numerator; 1 for whole rates.
    pub numerator: u32,
    /// Denominator; the frames in so many seconds as the numerator says.
    pub denominator: u32,
}

impl Interval {
    /// Makes the interval of a whole number of frames in a second.
    pub const fn per_second(frames: u32) -> Self {
        Self { numerator: 1, denominator: frames }
    }

    /// Gives the whole number of frames in a second, if it is one and the fraction says so with numerator 1.
    ///
    /// The camera library refuses every other fraction, 1000/25000 as well as 1001/30000.
    pub fn whole_rate(self) -> Option<u32> {
        (self.numerator == 1 && self.denominator > 0).then_some(self.denominator)
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.whole_rate() {
            Some(rate) => write!(formatter, "{rate}/s"),
            None => write!(formatter, "{}/{} s", self.numerator, self.denominator),
        }
    }
}

/// One way in which a camera can send pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CameraMode {
    /// Layout of the bytes.
    pub pixels: PixelFormat,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Time from frame to frame.
    pub interval: Interval,
}

impl fmt::Display for CameraMode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}x{} {}", self.pixels, self.width, self.height, self.interval)
    }
}

/// A text is no mode of a camera.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("“{0}” is no mode of a camera; write it like YUYV 1280x720 30/s")]
pub struct NoMode(String);

impl FromStr for CameraMode {
    type Err = NoMode;

    /// Reads what [`CameraMode`] is shown as, where it can be used: a known layout and a whole rate.
    fn from_str(text: &str) -> Result<Self, NoMode> {
        let read = || {
            let mut parts = text.split(' ');
            let (pixels, size, rate) = (parts.next()?, parts.next()?, parts.next()?);
            let known = [
                PixelFormat::Yuyv,
                PixelFormat::Nv12,
                PixelFormat::Grey,
                PixelFormat::Mjpeg,
                PixelFormat::Rgb,
                PixelFormat::Bgr,
            ];
            let pixels = known.into_iter().find(|known| known.to_string() == pixels)?;
            let (width, height) = size.split_once('x')?;
            let rate = rate.strip_suffix("/s")?.parse().ok().filter(|rate| *rate > 0)?;
            let interval = Interval::per_second(rate);
            let mode = Self { pixels, width: width.parse().ok()?, height: height.parse().ok()?, interval };
            parts.next().is_none().then_some(mode)
        };
        read().ok_or_else(|| NoMode(text.to_owned()))
    }
}

/// Tells whether the pictures of a mode are about as large as a card at arm's length needs.
pub(crate) fn fits_a_code(mode: CameraMode) -> bool {
    PIXELS_ABOUT.contains(&(u64::from(mode.width) * u64::from(mode.height)))
}

const PIXELS_WANTED: u64 = 1280 * 720;
/// From 800×600 to 1920×1080 counts as about 1280×720.
const PIXELS_ABOUT: std::ops::RangeInclusive<u64> = 800 * 600..=1920 * 1080;
const RATE_WANTED: u32 = 30;
/// Slower than this, a card has to be held still for too long.
const RATE_MIN: u32 = 10;

/// Sorts the modes that can be used, the best first; those that cannot are left out.
pub fn rank(modes: &[CameraMode]) -> Vec<CameraMode> {
    let mut ranked: Vec<_> = modes.iter().copied().filter_map(|mode| Some((rank_of(mode)?, mode))).collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.dedup_by_key(|(_, mode)| *mode);
    ranked.into_iter().map(|(_, mode)| mode).collect()
}

/// Gives the best mode, or `None` when no mode can be used.
pub fn choose(modes: &[CameraMode]) -> Option<CameraMode> {
    rank(modes).first().copied()
}

/// Lower is better: kind of format, distance from the wanted size in percent, distance from the wanted rate, layout.
fn rank_of(mode: CameraMode) -> Option<(u8, u64, u32, u8)> {
    let rate = mode.interval.whole_rate()?;
    let pixels = u64::from(mode.width) * u64::from(mode.height);
    if pixels == 0 {
        return None;
    }
    let layout = match mode.pixels {
        PixelFormat::Yuyv => 0,
        PixelFormat::Nv12 => 1,
        PixelFormat::Grey => 2,
        PixelFormat::Mjpeg => 3,
        PixelFormat::Rgb => 4,
        PixelFormat::Bgr => 5,
        PixelFormat::Other(_) => return None,
    };
    let fits = fits_a_code(mode) && rate >= RATE_MIN;
    let kind = match (fits, rate >= RATE_MIN) {
        (true, _) if mode.pixels.carries_brightness() => 0,
        (true, _) if mode.pixels == PixelFormat::Mjpeg => 1,
        (false, true) if mode.pixels.carries_brightness() => 2,
        (false, true) if mode.pixels == PixelFormat::Mjpeg => 3,
        (_, true) => 4,
        (_, false) => 5,
    };
    let size_off = pixels.max(PIXELS_WANTED) * 100 / pixels.min(PIXELS_WANTED) - 100;
    // A rate above the wanted one costs only time; one below it costs reads.
    let rate_off = if rate >= RATE_WANTED { rate - RATE_WANTED } else { (RATE_WANTED - rate) * 4 };
    Some((kind, size_off, rate_off, layout))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(pixels: PixelFormat, width: u32, height: u32, rate: u32) -> CameraMode {
        CameraMode { pixels, width, height, interval: Interval::per_second(rate) }
    }

    fn odd(pixels: PixelFormat, width: u32, height: u32, numerator: u32, denominator: u32) -> CameraMode {
        CameraMode { pixels, width, height, interval: Interval { numerator, denominator } }
    }

    #[test]
    fn a_mode_is_read_back_as_it_is_shown() {
        for mode in [mode(PixelFormat::Yuyv, 1280, 720, 30), mode(PixelFormat::Mjpeg, 640, 480, 15)] {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        for text in [
            "",
            "YUYV",
            "YUYV 1280x720",
            "H264 1280x720 30/s",
            "YUYV 1280x720 0/s",
            "YUYV 1280x720 1001/30000 s",
        ] {
            assert!(text.parse::<CameraMode>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_best_mode_of_each_kind_of_camera() {
        use PixelFormat::{Bgr, Grey, Mjpeg, Nv12, Other, Rgb, Yuyv};
        let table: &[(&str, &[CameraMode], Option<CameraMode>)] = &[
            ("nothing offered", &[], None),
            (
                "a usual web camera",
                &[
                    mode(Mjpeg, 1280, 720, 30),
                    mode(Yuyv, 640, 480, 30),
                    mode(Yuyv, 1280, 720, 10),
                    mode(Yuyv, 320, 240, 30),
                ],
                Some(mode(Yuyv, 1280, 720, 10)),
            ),
            (
                "raw pictures of that size too slow, so MJPEG",
                &[mode(Yuyv, 1280, 720, 5), mode(Mjpeg, 1280, 720, 30), mode(Yuyv, 640, 480, 30)],
                Some(mode(Mjpeg, 1280, 720, 30)),
            ),
            (
                "never 3840×2160 at two frames",
                &[mode(Yuyv, 3840, 2160, 2), mode(Yuyv, 640, 480, 30)],
                Some(mode(Yuyv, 640, 480, 30)),
            ),
            (
                "never RGB when brightness is on offer",
                &[mode(Rgb, 1280, 720, 30), mode(Bgr, 1280, 720, 60), mode(Nv12, 1280, 720, 30)],
                Some(mode(Nv12, 1280, 720, 30)),
            ),
            ("RGB when there is nothing else", &[mode(Rgb, 640, 480, 30)], Some(mode(Rgb, 640, 480, 30))),
            (
                "the exact size need not exist",
                &[mode(Grey, 1024, 768, 30), mode(Grey, 640, 400, 60)],
                Some(mode(Grey, 1024, 768, 30)),
            ),
            (
                "odd rates are refused later, so whole ones go first",
                &[
                    odd(Yuyv, 1280, 720, 1000, 25000),
                    odd(Yuyv, 1280, 720, 1001, 30000),
                    mode(Yuyv, 640, 480, 25),
                ],
                Some(mode(Yuyv, 640, 480, 25)),
            ),
            ("only odd rates", &[odd(Yuyv, 1280, 720, 1000, 25000), odd(Mjpeg, 640, 480, 2, 15)], None),
            ("a rate of nothing", &[odd(Yuyv, 1280, 720, 1, 0), mode(Yuyv, 0, 720, 30)], None),
            ("unknown layouts", &[mode(Other(*b"H264"), 1280, 720, 30)], None),
            (
                "thirty frames rather than fifteen or sixty",
                &[mode(Yuyv, 1280, 720, 15), mode(Yuyv, 1280, 720, 60), mode(Yuyv, 1280, 720, 30)],
                Some(mode(Yuyv, 1280, 720, 30)),
            ),
            (
                "YUYV, then NV12, then GREY of the same size and rate",
                &[mode(Grey, 1280, 720, 30), mode(Nv12, 1280, 720, 30), mode(Yuyv, 1280, 720, 30)],
                Some(mode(Yuyv, 1280, 720, 30)),
            ),
        ];
        for (name, offered, expected) in table {
            assert_eq!(choose(offered), *expected, "{name}");
        }
    }

    #[test]
    fn the_ranking_is_the_order_in_which_modes_are_tried() {
        use PixelFormat::{Mjpeg, Rgb, Yuyv};
        let offered = [
            mode(Rgb, 1280, 720, 30),
            mode(Yuyv, 320, 240, 30),
            mode(Mjpeg, 1920, 1080, 30),
            mode(Yuyv, 1280, 720, 30),
            mode(Yuyv, 1280, 720, 30),
            mode(Yuyv, 1280, 720, 5),
        ];
        let ranked: Vec<String> = rank(&offered).iter().map(CameraMode::to_string).collect();
        assert_eq!(
            ranked,
            [
                "YUYV 1280x720 30/s",
                "MJPEG 1920x1080 30/s",
                "YUYV 320x240 30/s",
                "RGB 1280x720 30/s",
                "YUYV 1280x720 5/s"
            ]
        );
    }
}
