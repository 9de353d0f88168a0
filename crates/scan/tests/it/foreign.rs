//! Foreign bytes from cameras and scanners: whatever a mutator makes of good ones is taken or refused, within bounds.

#[path = "../../../../fuzz/src/mutate.rs"]
mod mutate;

use std::time::Duration;

use stempel_scan::decode::{Mode, Pipeline};
use stempel_scan::frame::Frame;
use stempel_scan::source::format::PixelFormat;
use stempel_scan::source::pixels::{Layout, luma_into};
use stempel_scan::wedge::Translation;

use crate::support::{self, Canvas, TOKEN};

const WIDTH: u32 = 128;
const HEIGHT: u32 = 120;

/// A small picture with a code in it, and one without.
fn pictures() -> [Frame; 2] {
    let (width, height) = (WIDTH as usize, HEIGHT as usize);
    let empty = Canvas::busy(width, height, 5).frame();
    let code = Canvas::busy(width, height, 6).code(TOKEN, WIDTH as f32 / 2.0, HEIGHT as f32 / 2.0, 2.5, 0.0);
    [empty, code.frame()]
}

fn jpeg(frame: &Frame) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 80);
    let kind = image::ExtendedColorType::L8;
    image::ImageEncoder::write_image(encoder, frame.luma(), frame.width(), frame.height(), kind).unwrap();
    bytes
}

#[test]
fn whatever_a_camera_sends_is_taken_or_refused() {
    let seeds: Vec<Vec<u8>> =
        pictures().iter().flat_map(|frame| [jpeg(frame), frame.luma().to_vec()]).collect();
    let formats = [
        PixelFormat::Mjpeg,
        PixelFormat::Nv12,
        PixelFormat::Grey,
        PixelFormat::Yuyv,
        PixelFormat::Rgb,
        PixelFormat::Bgr,
    ];
    let inputs = mutate::inputs(300);
    let bytes = mutate::run(&seeds, inputs, |bytes| {
        for format in formats {
            for stride_bytes in [0, 7, WIDTH, WIDTH * 2, u32::MAX] {
                let (layout, mut luma) = (Layout { width: WIDTH, height: HEIGHT, stride_bytes }, Vec::new());
                if let Ok((width, height)) = luma_into(format, bytes, layout, &mut luma) {
                    assert_eq!(luma.len() as u64, u64::from(width) * u64::from(height));
                }
            }
        }
    });
    println!("camera: {} files, {inputs} inputs made from them, {bytes} bytes", seeds.len());
}

#[test]
fn whatever_a_picture_shows_no_other_card_is_read() {
    let seeds: Vec<Vec<u8>> = pictures().iter().map(|frame| frame.luma().to_vec()).collect();
    let inputs = mutate::inputs(60);
    let bytes = mutate::run(&seeds, inputs, |bytes| {
        let mut luma = bytes.to_vec();
        luma.resize((WIDTH * HEIGHT) as usize, 128);
        let frame = Frame::new(WIDTH, HEIGHT, luma, Duration::ZERO).unwrap();
        let mode = Mode::Live { budget: Duration::from_secs(30) };
        let report = Pipeline::new(mode, support::still_clock()).decode(&frame, &|text| text == TOKEN);
        if let Some(code) = report.good() {
            assert_eq!(code.text, TOKEN);
        }
    });
    println!("frames: {} files, {inputs} inputs made from them, {bytes} bytes", seeds.len());
}

#[test]
fn whatever_a_scanner_types_is_translated_or_not() {
    let seeds = vec![TOKEN.as_bytes().to_vec(), "HTTPS://X.EXAMPLE/C/é´^~ß".as_bytes().to_vec()];
    let inputs = mutate::inputs(400);
    let bytes = mutate::run(&seeds, inputs, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        for translation in Translation::all() {
            if let Some(meant) = translation.undo(&text) {
                // An accent is two keys.
                assert!(meant.chars().count() <= text.chars().count() * 2);
            }
        }
    });
    println!("keys: {} files, {inputs} inputs made from them, {bytes} bytes", seeds.len());
}
