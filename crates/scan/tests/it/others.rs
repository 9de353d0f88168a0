//! Products, tickets and passes.

use std::time::Duration;

use rxing::{BarcodeFormat, MultiFormatWriter, Writer};
use stempel_scan::decode::{Mode, Pipeline, Symbology};
use stempel_scan::frame::Frame;

use crate::support::{self, Canvas, TOKEN};

/// Draws a code with modules of three pixels and light all around.
fn picture_of(format: BarcodeFormat, text: &str, turned: bool) -> Frame {
    let code = MultiFormatWriter.encode(text, &format, 0, 0).unwrap();
    let (columns, rows) = (code.width() as usize, code.height() as usize);
    // Codes of lines come one module high.
    let tall = if rows == 1 { 90 } else { 3 };
    let (edge, scale) = (40, 3);
    let (width, height) = (columns * scale + 2 * edge, rows * tall + 2 * edge);
    let mut luma = vec![225_u8; width * height];
    for y in 0..rows * tall {
        for x in 0..columns * scale {
            if code.get((x / scale) as u32, (y / tall) as u32) {
                luma[(y + edge) * width + x + edge] = 35;
            }
        }
    }
    if turned {
        let luma =
            (0..width * height).map(|at| luma[(height - 1 - at % height) * width + at / height]).collect();
        return Frame::new(height as u32, width as u32, luma, Duration::ZERO).unwrap();
    }
    Frame::new(width as u32, height as u32, luma, Duration::ZERO).unwrap()
}

#[test]
fn codes_of_products_tickets_and_passes_are_read_and_told_apart() {
    let table = [
        (BarcodeFormat::EAN_13, "4006381333931", Symbology::Ean13, Some("04006381333931")),
        (BarcodeFormat::EAN_8, "96385074", Symbology::Ean8, Some("00000096385074")),
        (BarcodeFormat::UPC_A, "036000291452", Symbology::UpcA, Some("00036000291452")),
        (BarcodeFormat::UPC_E, "04252614", Symbology::UpcE, Some("00042100005264")),
        (BarcodeFormat::CODE_128, "HOUSE-NUMBER-17", Symbology::Code128, None),
        (BarcodeFormat::DATA_MATRIX, "TICKET 123456", Symbology::DataMatrix, None),
        (BarcodeFormat::AZTEC, "PASS 987654", Symbology::Aztec, None),
        (BarcodeFormat::PDF_417, TOKEN, Symbology::Pdf417, None),
    ];
    for (format, text, symbology, article) in table {
        for turned in [false, true] {
            let frame = picture_of(format, text, turned);
            let live = Pipeline::new(Mode::LIVE, support::still_clock()).with_other_codes(true);
            let thorough = Pipeline::new(Mode::Thorough, support::still_clock());
            for mut pipeline in [live, thorough] {
                // A live picture is searched in parts, in turns: within two thirds of a second everything was looked at.
                let looks = (0..18).map(|_| pipeline.decode(&frame, &|text| text == TOKEN));
                let report = looks.into_iter().find(|report| !report.codes.is_empty()).unwrap_or_default();
                let codes: Vec<_> =
                    report.codes.iter().map(|code| (code.text.as_str(), code.symbology)).collect();
                assert_eq!(codes, [(text, symbology)], "turned: {turned}");
                assert_eq!(report.codes[0].article_number().as_deref(), article);
                assert_eq!(report.good().is_some(), text == TOKEN, "a wallet pass may hold a card");
            }
        }
    }
}

#[test]
fn products_are_left_alone_unless_they_are_asked_for() {
    let frame = picture_of(BarcodeFormat::EAN_13, "4006381333931", false);
    let mut pipeline = Pipeline::new(Mode::LIVE, support::still_clock());
    assert!(pipeline.decode(&frame, &|_| true).codes.is_empty());
}

#[test]
fn stripes_and_noise_are_no_products() {
    for seed in 0..20 {
        let frame = Canvas::busy(640, 480, seed).noise(40, seed).frame();
        let mut pipeline = Pipeline::new(Mode::LIVE, support::still_clock()).with_other_codes(true);
        let report = pipeline.decode(&frame, &|_| true);
        assert!(report.codes.is_empty(), "seed {seed}: {report:?}");
    }
}
