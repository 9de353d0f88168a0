//! The language of receipt printers, as far as a picture needs it: ESC/POS with raster bit images (`GS v 0`).

use image::GrayImage;

use super::rows;

/// Rows in one image: small printers have little memory.
const ROWS_MAX: usize = 128;
/// `ESC @`: forget what was before.
const RESET: [u8; 2] = [0x1B, b'@'];
/// `ESC d 4`: four lines of paper, so that the last row is beyond the knife.
const FEED: [u8; 3] = [0x1B, b'd', 4];
/// `GS V 66 0`: cut, where there is a knife.
const CUT: [u8; 4] = [0x1D, b'V', 66, 0];

/// What is sent to the printer.
pub(super) fn bytes(sheet: &GrayImage) -> Vec<u8> {
    let rows = rows(sheet);
    let mut bytes = RESET.to_vec();
    for part in rows.chunks(ROWS_MAX) {
        let wide = part.first().map_or(0, Vec::len);
        bytes.extend([0x1D, b'v', b'0', 0]);
        for number in [wide, part.len()] {
            // Both fit: a sheet is 72 bytes wide, a part 128 rows high.
            bytes.extend(u16::try_from(number).unwrap_or(0).to_le_bytes());
        }
        bytes.extend(part.iter().flatten());
    }
    bytes.extend(FEED);
    bytes.extend(CUT);
    bytes
}
