//! `ScanView`: the camera's picture and the other ways in.

use std::sync::Arc;

use slint::{ComponentHandle, Image, Rgb8Pixel, SharedPixelBuffer, SharedString};

use super::counter::count;
use super::generated::{self as ui, AppWindow, ScanView};
use super::rows::Rows;
use super::window::Handler;
use crate::controllers::{CameraState, ScanModel, UiAction};

/// A frame to show: its brightness alone, as the decoder sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct CameraFrame {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// One byte of brightness for each pixel, row by row, without padding.
    pub luma: Arc<[u8]>,
    /// The corners of the code in it, in pixels.
    pub corners: Option<[(f32, f32); 4]>,
    /// Another card is in the picture as well; the one in the middle counts.
    pub several: bool,
    /// How long it took to read, in tenths of a millisecond.
    pub decode_tenths_ms: Option<u32>,
    /// Shown as in a mirror, as a guest expects of a camera that looks back.
    pub mirrored: bool,
    /// Shown turned to the right by so many quarters: the camera hangs otherwise than the screen.
    pub quarter_turns: u8,
}

impl CameraFrame {
    /// A point of the frame as shares of the picture that is shown: turned first, then in the mirror.
    fn shown(&self, (x, y): (f32, f32)) -> (f32, f32) {
        let (x, y) = (x / self.width.max(1) as f32, y / self.height.max(1) as f32);
        let (x, y) = match self.quarter_turns % 4 {
            0 => (x, y),
            1 => (1.0 - y, x),
            2 => (1.0 - x, 1.0 - y),
            _ => (y, 1.0 - x),
        };
        (if self.mirrored { 1.0 - x } else { x }, y)
    }

    /// The code's corners as shares of the picture, as they are shown.
    fn corners_shown(&self) -> Option<[(f32, f32); 4]> {
        self.corners.map(|corners| corners.map(|corner| self.shown(corner)))
    }

    /// The code's place as shares of the picture: left, top, width, height.
    fn place(&self) -> Option<[f32; 4]> {
        let corners = self.corners_shown()?;
        let span = |values: [f32; 4]| {
            let low = values.into_iter().fold(f32::INFINITY, f32::min);
            let high = values.into_iter().fold(f32::NEG_INFINITY, f32::max);
            (low, high - low)
        };
        let (left, wide) = span(corners.map(|corner| corner.0));
        let (top, high) = span(corners.map(|corner| corner.1));
        Some([left, top, wide, high])
    }

    /// The code's corners for the window.
    fn spots(&self) -> Vec<ui::Spot> {
        let corners = self.corners_shown().into_iter().flatten();
        corners.map(|(x, y)| ui::Spot { x, y }).collect()
    }

    fn image(&self) -> Option<Image> {
        let (width, height) = (self.width as usize, self.height as usize);
        let luma = self.luma.get(..width.checked_mul(height)?)?;
        if width == 0 || height == 0 {
            return None;
        }
        // Where the first pixel lies, and how far on the next one is to the right and below.
        let (wide, last) = (isize::try_from(width).ok()?, isize::try_from(luma.len()).ok()? - 1);
        let (first, right, down) = match self.quarter_turns % 4 {
            0 => (0, 1, wide),
            1 => (last + 1 - wide, -wide, 1),
            2 => (last, -1, -wide),
            _ => (wide - 1, wide, -1),
        };
        let upright = self.quarter_turns.is_multiple_of(2);
        let (shown_width, shown_height) =
            if upright { (self.width, self.height) } else { (self.height, self.width) };
        let across = isize::try_from(shown_width).ok()?;
        let (first, right) =
            if self.mirrored { (first + (across - 1) * right, -right) } else { (first, right) };
        let mut pixels = SharedPixelBuffer::<Rgb8Pixel>::new(shown_width, shown_height);
        let mut row = first;
        for shown in pixels.make_mut_slice().chunks_exact_mut(shown_width as usize) {
            let mut at = row;
            for pixel in shown {
                let light = usize::try_from(at).ok().and_then(|at| luma.get(at)).copied()?;
                *pixel = Rgb8Pixel::new(light, light, light);
                at += right;
            }
            row += down;
        }
        Some(Image::from_rgb8(pixels))
    }
}

/// Shows the frame; one that is cut short is passed over.
pub(super) fn show_frame(window: &AppWindow, frame: &CameraFrame) {
    let Some(image) = frame.image() else { return };
    let view = window.global::<ScanView>();
    view.set_picture(image);
    let [x, y, width, height] = frame.place().unwrap_or_default();
    view.set_code_x(x);
    view.set_code_y(y);
    view.set_code_width(width);
    view.set_code_height(height);
    view.set_corners(slint::ModelRc::from(frame.spots().as_slice()));
    view.set_several(frame.several);
}

/// Shows what the camera does.
#[derive(Debug)]
pub(super) struct ScanAdapter {
    samples: Rows<ui::SampleCard>,
}

impl ScanAdapter {
    pub(super) fn new(window: &AppWindow, handler: &Handler) -> Self {
        let plain = |make: fn() -> UiAction| {
            let handler = handler.clone();
            move || handler(make())
        };
        let adapter = Self { samples: Rows::default() };
        let view = window.global::<ScanView>();
        view.set_samples(adapter.samples.model());
        view.on_open_image(plain(|| UiAction::OpenImage));
        view.on_open_folder(plain(|| UiAction::OpenFolder));
        view.on_use_scanner(plain(|| UiAction::UseScanner));
        view.on_use_camera(plain(|| UiAction::UseCamera));
        view.on_sample({
            let handler = handler.clone();
            move |id| handler(UiAction::SampleCard { id: id.as_str().into() })
        });
        adapter
    }

    pub(super) fn show(&self, window: &AppWindow, model: &ScanModel) {
        self.samples.set(model.samples.iter().map(|sample| ui::SampleCard {
            id: SharedString::from(sample.id.0.as_str()),
            name: SharedString::from(sample.name.as_str()),
            detail: SharedString::from(sample.detail.as_str()),
        }));
        let view = window.global::<ScanView>();
        view.set_file(SharedString::from(model.file.as_str()));
        view.set_frame(count(model.frame));
        view.set_frames(count(model.frames));
        view.set_recording(model.recording);
        view.set_state(match model.state {
            CameraState::Starting => ui::CameraState::Starting,
            CameraState::Live => ui::CameraState::Live,
            CameraState::None => ui::CameraState::None,
            CameraState::Busy => ui::CameraState::Busy,
            CameraState::Dark => ui::CameraState::Dark,
            CameraState::Frozen => ui::CameraState::Frozen,
            CameraState::Picture => ui::CameraState::Picture,
            CameraState::Film => ui::CameraState::Film,
            CameraState::Scanner => ui::CameraState::Scanner,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(mirrored: bool) -> CameraFrame {
        let corners = Some([(10.0, 5.0), (30.0, 5.0), (30.0, 15.0), (10.0, 15.0)]);
        CameraFrame {
            width: 100,
            height: 50,
            luma: vec![7; 5000].into(),
            corners,
            several: false,
            decode_tenths_ms: None,
            mirrored,
            quarter_turns: 0,
        }
    }

    #[test]
    fn the_guide_frame_snaps_to_the_code() {
        let place = |frame: CameraFrame| {
            frame.place().map(|shares| shares.map(|share| (share * 100.0).round() / 100.0))
        };
        assert_eq!(place(frame(false)), Some([0.1, 0.1, 0.2, 0.2]));
        assert_eq!(place(frame(true)), Some([0.7, 0.1, 0.2, 0.2]), "a mirror turns it round");
        let turned = |quarter_turns, mirrored| CameraFrame { quarter_turns, ..frame(mirrored) };
        assert_eq!(place(turned(1, false)), Some([0.7, 0.1, 0.2, 0.2]));
        assert_eq!(place(turned(2, false)), Some([0.7, 0.7, 0.2, 0.2]));
        assert_eq!(place(turned(3, false)), Some([0.1, 0.7, 0.2, 0.2]));
        assert_eq!(place(turned(1, true)), Some([0.1, 0.1, 0.2, 0.2]), "first turned, then in the mirror");
    }

    #[test]
    fn the_picture_and_the_guide_frame_are_turned_alike() {
        // A bright dot in a dark frame of 4×3, and the corners of a code right on it.
        let (x, y) = (1, 2);
        for mirrored in [false, true] {
            for quarter_turns in 0..4 {
                let mut luma = vec![0; 12];
                luma[y * 4 + x] = 255;
                let spot = (x as f32 + 0.5, y as f32 + 0.5);
                let corners = Some([spot; 4]);
                let frame = CameraFrame {
                    width: 4,
                    height: 3,
                    luma: luma.into(),
                    corners,
                    quarter_turns,
                    ..frame(mirrored)
                };
                let image = frame.image().unwrap().to_rgb8().unwrap();
                let (wide, high) = (image.width() as f32, image.height() as f32);
                assert_eq!(wide > high, quarter_turns % 2 == 0, "{quarter_turns} quarters");
                let shown = &frame.spots()[0];
                let at = (shown.y * high) as usize * image.width() as usize + (shown.x * wide) as usize;
                let bright: Vec<usize> = (0..12).filter(|&place| image.as_slice()[place].r == 255).collect();
                assert_eq!(bright, [at], "{quarter_turns} quarters, mirrored: {mirrored}");
            }
        }
    }

    #[test]
    fn a_frame_cut_short_is_passed_over() {
        assert!(frame(false).image().is_some());
        assert!(CameraFrame { luma: vec![7; 4999].into(), ..frame(false) }.image().is_none());
        assert!(CameraFrame { width: 0, ..frame(false) }.image().is_none());
    }
}
