//! The other codes that a till meets: products, tickets, wallet passes. rxing reads them.
//!
//! A barcode of lines is read along one line of the picture, and a busy background has many lines: a reading counts only
//! when another part of the picture, above or below, gives the same (a UPC-E: both). Codes with error correction count at
//! once, unless they are so short that chance makes them.

use std::collections::HashSet;
use std::fmt;

use rxing::common::HybridBinarizer;
use rxing::{
    BarcodeFormat, BinaryBitmap, DecodeHints, Luma8Source, MultiFormatReader, RXingResult,
    RXingResultMetadataType, RXingResultMetadataValue,
};

use super::geometry::{Corner, Corners};
use super::view::PlaneRef;

/// A code with error correction must hold at least so many bytes to be believed.
const MATRIX_TEXT_MIN: usize = 8;

/// The kind of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Symbology {
    /// QR code.
    #[default]
    Qr,
    /// A product's number of 13 digits.
    Ean13,
    /// A product's number of 8 digits.
    Ean8,
    /// A product's number of 12 digits.
    UpcA,
    /// A product's number, shortened.
    UpcE,
    /// Lines with any text.
    Code128,
    /// Small squares with an edge in L.
    DataMatrix,
    /// Squares around a bull's eye, as on tickets.
    Aztec,
    /// Stacked lines, as in wallet passes.
    Pdf417,
}

impl Symbology {
    fn of(format: BarcodeFormat) -> Option<Self> {
        Some(match format {
            BarcodeFormat::EAN_13 => Self::Ean13,
            BarcodeFormat::EAN_8 => Self::Ean8,
            BarcodeFormat::UPC_A => Self::UpcA,
            BarcodeFormat::UPC_E => Self::UpcE,
            BarcodeFormat::CODE_128 => Self::Code128,
            BarcodeFormat::DATA_MATRIX => Self::DataMatrix,
            BarcodeFormat::AZTEC => Self::Aztec,
            BarcodeFormat::PDF_417 => Self::Pdf417,
            _ => return None,
        })
    }

    /// Tells whether the code is of lines, without error correction.
    fn is_linear(self) -> bool {
        matches!(self, Self::Ean13 | Self::Ean8 | Self::UpcA | Self::UpcE | Self::Code128)
    }
}

impl fmt::Display for Symbology {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Qr => "QR",
            Self::Ean13 => "EAN-13",
            Self::Ean8 => "EAN-8",
            Self::UpcA => "UPC-A",
            Self::UpcE => "UPC-E",
            Self::Code128 => "Code 128",
            Self::DataMatrix => "Data Matrix",
            Self::Aztec => "Aztec",
            Self::Pdf417 => "PDF417",
        })
    }
}

/// Gives the number of the article that a code names, as 14 digits (a GTIN), or `None` when it names none.
///
/// EAN and UPC codes are such numbers; in GS1 content it is the field (01). The check digit must be right.
pub fn article_number(symbology: Symbology, text: &str) -> Option<String> {
    let digits = match symbology {
        Symbology::Ean13 | Symbology::Ean8 | Symbology::UpcA => text.to_owned(),
        Symbology::UpcE => widened(text)?,
        Symbology::Code128 | Symbology::DataMatrix | Symbology::Qr => gs1_field(text)?.to_owned(),
        Symbology::Aztec | Symbology::Pdf417 => return None,
    };
    widest(&digits)
}

/// Gives the number of the article, as 14 digits, that a text names whose kind of code nobody told: from a scanner that
/// types, or typed by hand.
///
/// Numbers of 8, 12, 13 or 14 digits, GS1 content, and either with the mark of its kind before it (`]E0`, `]C1`, `]d2`,
/// `]Q3`; ISO/IEC 15424).
pub fn article_number_of_text(text: &str) -> Option<String> {
    let text = text.trim();
    let text =
        ["]E0", "]E4", "]C1", "]d2", "]Q3"].iter().find_map(|mark| text.strip_prefix(mark)).unwrap_or(text);
    if matches!(text.len(), 8 | 12 | 13 | 14) { widest(text) } else { widest(gs1_field(text)?) }
}

/// The field (01) of GS1 content: at its beginning, or in the address of a Digital Link.
fn gs1_field(text: &str) -> Option<&str> {
    let content = text.trim_start_matches('\u{1d}');
    if let Some(field) = content.strip_prefix("(01)").or_else(|| content.strip_prefix("01")) {
        return field.get(..14);
    }
    let address = content.strip_prefix("https://").or_else(|| content.strip_prefix("http://"))?;
    let (_, field) = address.split_once("/01/")?;
    field.split(['/', '?', '#']).next()
}

/// Writes an article's number with 14 digits, if it is one.
fn widest(digits: &str) -> Option<String> {
    let is_number =
        matches!(digits.len(), 8 | 12 | 13 | 14) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_number.then(|| format!("{digits:0>14}"))?;
    // Noughts alone are right by the check digit, and nobody's number.
    (has_right_check(&number) && number.bytes().any(|digit| digit != b'0')).then_some(number)
}

/// Writes a UPC-E out as the UPC-A that it stands for.
fn widened(text: &str) -> Option<String> {
    if text.len() != 8 || !text.is_ascii() {
        return None;
    }
    let (system, body, check) = (&text[..1], &text[1..7], &text[7..]);
    let middle = match body.as_bytes()[5] {
        last @ b'0'..=b'2' => format!("{}{}0000{}", &body[..2], char::from(last), &body[2..5]),
        b'3' => format!("{}00000{}", &body[..3], &body[3..5]),
        b'4' => format!("{}00000{}", &body[..4], &body[4..5]),
        last => format!("{}0000{}", &body[..5], char::from(last)),
    };
    Some(format!("{system}{middle}{check}"))
}

/// The sum of the digits, each second one from the right three times, ends in 0 (GS1 General Specifications, 7.9).
fn has_right_check(number: &str) -> bool {
    let sum: u32 = number
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, byte)| u32::from(byte - b'0') * if at % 2 == 1 { 3 } else { 1 })
        .sum();
    sum.is_multiple_of(10)
}

/// A code that is no QR code.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OtherCode {
    pub(crate) text: String,
    pub(crate) symbology: Symbology,
    pub(crate) corners: Corners,
}

/// Reads codes that are no QR codes.
pub(crate) struct OtherReader {
    all: MultiFormatReader,
    hints: DecodeHints,
}

impl fmt::Debug for OtherReader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OtherReader").finish_non_exhaustive()
    }
}

impl Default for OtherReader {
    fn default() -> Self {
        let formats: HashSet<BarcodeFormat> = [
            BarcodeFormat::EAN_13,
            BarcodeFormat::EAN_8,
            BarcodeFormat::UPC_A,
            BarcodeFormat::UPC_E,
            BarcodeFormat::CODE_128,
            BarcodeFormat::DATA_MATRIX,
            BarcodeFormat::AZTEC,
            BarcodeFormat::PDF_417,
        ]
        .into();
        let hints =
            DecodeHints { PossibleFormats: Some(formats), TryHarder: Some(true), ..DecodeHints::default() };
        Self { all: MultiFormatReader::default(), hints }
    }
}

impl OtherReader {
    /// Reads one code of a picture.
    pub(crate) fn read(&mut self, plane: PlaneRef<'_>) -> Option<OtherCode> {
        let result = self.ask(plane, 0, plane.height)?;
        let symbology = Symbology::of(*result.getBarcodeFormat())?;
        if symbology.is_linear() && !self.is_confirmed(plane, &result) {
            return None;
        }
        let text = text_of(&result);
        // The smallest of these have so few codewords that a busy picture makes one by chance.
        if !symbology.is_linear() && text.len() < MATRIX_TEXT_MIN {
            return None;
        }
        Some(OtherCode { text, symbology, corners: corners_of(result.getPoints()) })
    }

    fn ask(&mut self, plane: PlaneRef<'_>, top: usize, bottom: usize) -> Option<RXingResult> {
        use rxing::Reader as _;
        let rows = plane.luma.get(top * plane.width..bottom * plane.width)?;
        let source = Luma8Source::new_with_slice(rows, plane.width as u32, (bottom - top) as u32).ok()?;
        let mut bitmap = BinaryBitmap::new(HybridBinarizer::new(source));
        self.all.decode_with_hints(&mut bitmap, &self.hints).ok()
    }

    /// Reads the picture again without the rows around the first reading: above them, then below.
    fn is_confirmed(&mut self, plane: PlaneRef<'_>, first: &RXingResult) -> bool {
        let [one, two, ..] = first.getPoints() else { return false };
        let (left, right) = (one.y.min(two.y).max(0.0), one.y.max(two.y).max(0.0));
        // A barcode that stands upright was read along a column: its ends are far apart, and the picture is cut between.
        let upright = (one.y - two.y).abs() > (one.x - two.x).abs();
        if upright {
            return self.is_confirmed_upright(plane, first);
        }
        let above = (left as usize).saturating_sub(2).min(plane.height);
        let below = (right as usize + 3).min(plane.height);
        self.is_read_again(plane, first, [(0, above), (below, plane.height)])
    }

    /// Whether enough parts of a picture, each from a row to a row, give the same as a first reading.
    fn is_read_again(
        &mut self,
        plane: PlaneRef<'_>,
        first: &RXingResult,
        parts: [(usize, usize); 2],
    ) -> bool {
        let again = parts.into_iter().filter(|&(top, bottom)| {
            bottom - top >= 8
                && self.ask(plane, top, bottom).is_some_and(|again| again.getText() == first.getText())
        });
        // The six digits of a UPC-E have so few lines that what stands upright in a busy picture makes one by chance.
        let wanted = if *first.getBarcodeFormat() == BarcodeFormat::UPC_E { 2 } else { 1 };
        again.take(wanted).count() == wanted
    }

    fn is_confirmed_upright(&mut self, plane: PlaneRef<'_>, first: &RXingResult) -> bool {
        let mut turned = Vec::with_capacity(plane.luma.len());
        for x in 0..plane.width {
            turned.extend(plane.luma.iter().skip(x).step_by(plane.width));
        }
        let turned = PlaneRef { luma: &turned, width: plane.height, height: plane.width };
        let at = first.getPoints().first().map_or(0.0, |point| point.x.max(0.0)) as usize;
        let (above, below) = (at.saturating_sub(2).min(turned.height), (at + 3).min(turned.height));
        self.is_read_again(turned, first, [(0, above), (below, turned.height)])
    }
}

/// Gives the text; GS1 content keeps its separators and begins with one.
fn text_of(result: &RXingResult) -> String {
    let mark = result.getRXingResultMetadata().get(&RXingResultMetadataType::SYMBOLOGY_IDENTIFIER);
    let is_gs1 = matches!(mark, Some(RXingResultMetadataValue::SymbologyIdentifier(mark))
        if ["]C1", "]d2", "]d5"].contains(&mark.as_str()));
    let text = result.getText();
    if is_gs1 && !text.starts_with('\u{1d}') { format!("\u{1d}{text}") } else { text.to_owned() }
}

/// The box around the points that rxing tells.
fn corners_of(points: &[rxing::Point]) -> Corners {
    let fold = |pick: fn(&rxing::Point) -> f32, start: f32, better: fn(f32, f32) -> f32| {
        points.iter().map(pick).fold(start, better)
    };
    let (left, right) = (fold(|p| p.x, f32::MAX, f32::min), fold(|p| p.x, 0.0, f32::max));
    let (top, bottom) = (fold(|p| p.y, f32::MAX, f32::min), fold(|p| p.y, 0.0, f32::max));
    let (left, top) = (left.min(right), top.min(bottom));
    [Corner::new(left, top), Corner::new(right, top), Corner::new(right, bottom), Corner::new(left, bottom)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn article_numbers_are_widened_to_fourteen_digits_and_checked() {
        let table = [
            (Symbology::Ean13, "4006381333931", Some("04006381333931")),
            (Symbology::Ean13, "4006381333932", None),
            (Symbology::Ean8, "96385074", Some("00000096385074")),
            (Symbology::UpcA, "036000291452", Some("00036000291452")),
            (Symbology::UpcE, "04252614", Some("00042100005264")),
            (Symbology::Code128, "\u{1d}010400638133393110LOT7", Some("04006381333931")),
            (Symbology::DataMatrix, "(01)04006381333931", Some("04006381333931")),
            (Symbology::Code128, "HELLO", None),
            (Symbology::Pdf417, "4006381333931", None),
            (Symbology::Ean13, "40063813339é1", None),
            (Symbology::UpcE, "0425é14", None),
            (Symbology::Ean8, "00000000", None),
            (Symbology::Qr, "https://id.gs1.org/01/04006381333931/10/LOT7", Some("04006381333931")),
            (Symbology::Qr, "https://example.org/01/4006381333931?17=271231", Some("04006381333931")),
            (Symbology::Qr, "https://example.org/01/4006381333932", None),
            (Symbology::Qr, "4006381333931", None),
        ];
        for (symbology, text, number) in table {
            assert_eq!(article_number(symbology, text).as_deref(), number, "{symbology} {text}");
        }
    }

    #[test]
    fn what_a_scanner_types_is_an_article_s_number_or_is_not() {
        let table = [
            ("4006381333931", Some("04006381333931")),
            ("]E04006381333931", Some("04006381333931")),
            ("96385074", Some("00000096385074")),
            ("036000291452", Some("00036000291452")),
            ("]C1010400638133393110LOT7", Some("04006381333931")),
            ("0104006381333931", Some("04006381333931")),
            ("4006381333932", None),
            // A card's number has ten characters, its code begins with letters, a member's id has 32.
            ("4006381333", None),
            ("S1ABCDEFGHIJK", None),
            ("00000000000000000000000000000001", None),
            ("é006381333931", None),
            ("", None),
        ];
        for (text, number) in table {
            assert_eq!(article_number_of_text(text).as_deref(), number, "{text}");
        }
    }
}
