//! A sheet as a PDF of receipt width: one page, one picture in black and white.

use std::fmt::Write as _;

use image::GrayImage;

use super::{DOTS_PER_MM, rows};

/// Points in a millimetre.
const POINTS: f64 = 72.0 / 25.4;

/// The document.
pub(super) fn bytes(sheet: &GrayImage) -> Vec<u8> {
    let (width, height) = sheet.dimensions();
    let points = |dots: u32| f64::from(dots) / DOTS_PER_MM * POINTS;
    let (wide, tall) = (points(width), points(height));
    // Paper of 80 mm with what the printer cannot reach at both sides.
    let (page, left) = (80.0 * POINTS, (80.0 * POINTS - wide) / 2.0);
    // In a picture of a PDF, 0 is black.
    let pixels: Vec<u8> = rows(sheet).into_iter().flatten().map(|byte| !byte).collect();
    let drawing = format!("q {wide:.2} 0 0 {tall:.2} {left:.2} 0 cm /Slip Do Q");
    let objects: [(String, Option<&[u8]>); 5] = [
        ("/Type /Catalog /Pages 2 0 R".into(), None),
        ("/Type /Pages /Kids [3 0 R] /Count 1".into(), None),
        (
            format!(
                "/Type /Page /Parent 2 0 R /MediaBox [0 0 {page:.2} {tall:.2}] /Contents 4 0 R \
                 /Resources << /XObject << /Slip 5 0 R >> >>"
            ),
            None,
        ),
        (String::new(), Some(drawing.as_bytes())),
        (
            format!(
                "/Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /DeviceGray \
                 /BitsPerComponent 1"
            ),
            Some(&pixels),
        ),
    ];
    let mut document = b"%PDF-1.4\n".to_vec();
    let mut places = String::new();
    for (number, (says, stream)) in objects.iter().enumerate() {
        // Writing into a text does not fail.
        let _ = writeln!(places, "{:010} 00000 n ", document.len());
        let length = stream.map(|stream| format!(" /Length {}", stream.len())).unwrap_or_default();
        document.extend(format!("{} 0 obj\n<< {says}{length} >>\n", number + 1).bytes());
        if let Some(stream) = stream {
            document.extend(b"stream\n");
            document.extend(*stream);
            document.extend(b"\nendstream\n");
        }
        document.extend(b"endobj\n");
    }
    let (count, table) = (objects.len() + 1, document.len());
    let end = format!(
        "xref\n0 {count}\n0000000000 65535 f \n{places}trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n"
    );
    document.extend(end.bytes());
    document
}
