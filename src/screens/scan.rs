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
}

impl CameraFrame {
    /// The code's place as shares of the frame: left, top, width, height.
    fn place(&self) -> Option<[f32; 4]> {
        let corners = self.corners?;
        let (width, height) = (self.width.max(1) as f32, self.height.max(1) as f32);
        let span = |values: [f32; 4]| {
            let low = values.into_iter().fold(f32::INFINITY, f32::min);
            let high = values.into_iter().fold(f32::NEG_INFINITY, f32::max);
            (low, high - low)
        };
        let (x, wide) = span(corners.map(|corner| corner.0));
        let (y, high) = span(corners.map(|corner| corner.1));
        let left = if self.mirrored { width - x - wide } else { x };
        Some([left / width, y / height, wide / width, high / height])
    }

    /// The code's corners as shares of the frame, as they are shown.
    fn spots(&self) -> Vec<ui::Spot> {
        let (width, height) = (self.width.max(1) as f32, self.height.max(1) as f32);
        let spot = |(x, y): (f32, f32)| {
            let x = if self.mirrored { width - x } else { x };
            ui::Spot { x: x / width, y: y / height }
        };
        self.corners.map(|corners| corners.map(spot).to_vec()).unwrap_or_default()
    }

    fn image(&self) -> Option<Image> {
        let (width, height) = (self.width as usize, self.height as usize);
        let luma = self.luma.get(..width.checked_mul(height)?)?;
        let mut pixels = SharedPixelBuffer::<Rgb8Pixel>::new(self.width, self.height);
        if width == 0 || height == 0 {
            return None;
        }
        for (shown, seen) in pixels.make_mut_slice().chunks_exact_mut(width).zip(luma.chunks_exact(width)) {
            let paint =
                |(pixel, light): (&mut Rgb8Pixel, &u8)| *pixel = Rgb8Pixel::new(*light, *light, *light);
            if self.mirrored {
                shown.iter_mut().zip(seen.iter().rev()).for_each(paint);
            } else {
                shown.iter_mut().zip(seen).for_each(paint);
            }
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
        }
    }

    #[test]
    fn the_guide_frame_snaps_to_the_code() {
        assert_eq!(frame(false).place(), Some([0.1, 0.1, 0.2, 0.2]));
        assert_eq!(frame(true).place(), Some([0.7, 0.1, 0.2, 0.2]), "a mirror turns it round");
    }

    #[test]
    fn a_frame_cut_short_is_passed_over() {
        assert!(frame(false).image().is_some());
        assert!(CameraFrame { luma: vec![7; 4999].into(), ..frame(false) }.image().is_none());
        assert!(CameraFrame { width: 0, ..frame(false) }.image().is_none());
    }
}
