//! Slips on paper: one picture of receipt width, for a receipt printer, for CUPS, or as a PDF in a folder.

mod cups;
mod escpos;
mod glyphs;
mod pdf;
mod slip;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use image::GrayImage;
use stempel_domain::rules::Language;
use stempel_terminal::settings::Printer;
use stempel_terminal::{Terminal, TerminalError};
use stempel_wire::slip::Slip;

pub use slip::SlipSheet;

/// Dots across paper of 80 mm, of which a printer reaches 72.
pub const DOTS: u32 = 576;
/// Dots in a millimetre.
const DOTS_PER_MM: f64 = 8.0;

/// Why nothing was printed.
#[derive(Debug, thiserror::Error)]
pub enum PrintError {
    /// The slip cannot be drawn.
    #[error("the slip cannot be drawn")]
    Drawing,
    /// The printer, its program or the folder does not take it.
    #[error("{0}: {1}")]
    Refused(String, std::io::Error),
    /// CUPS says no, or nothing.
    #[error("the printer {0} does not take it")]
    Cups(String),
    /// CUPS took it, and the printer did not: it is off, has no paper, or its queue stands still.
    #[error("the printer {0} has printed nothing: is it on, has it paper?")]
    Waits(String),
}

/// A slip on its way to the printer of a terminal.
#[derive(Debug)]
pub struct Job {
    printer: Printer,
    sheet: SlipSheet,
    unix_ms: i64,
}

impl Job {
    /// The slip with that code as it is printed at a terminal; none where no printer is set, or where it is no slip.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn of(terminal: &Terminal, code: &str, language: Language) -> Result<Option<Self>, TerminalError> {
        let (Some(printer), Some(slip)) = (terminal.settings()?.printer, Slip::find(code)) else {
            return Ok(None);
        };
        let shop = terminal.shop()?.map_or_else(|| terminal.identity().tenant_name.clone(), |shop| shop.name);
        let sheet = SlipSheet {
            shop,
            purpose: slip.purpose,
            stamps: slip.count.into(),
            last: slip.last,
            code: code.to_owned(),
            language,
        };
        Ok(Some(Self { printer, sheet, unix_ms: terminal.clock().now_ms() }))
    }

    /// Prints it. Blocks for as long as the printer takes it.
    ///
    /// # Errors
    /// See [`print()`].
    pub fn run(self) -> Result<(), PrintError> {
        print(&self.printer, &self.sheet.drawn()?, self.unix_ms)
    }
}

/// Prints a sheet. Blocks for as long as the printer takes it.
///
/// # Errors
/// The printer is not there, has no paper that it would take the sheet for, or the folder cannot be written.
pub fn print(printer: &Printer, sheet: &GrayImage, unix_ms: i64) -> Result<(), PrintError> {
    match printer {
        Printer::EscPos(path) => write(path, OpenOptions::new().write(true), &escpos::bytes(sheet)),
        Printer::Folder(folder) => {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            // Whoever has the file has the stamps.
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            write(&folder.join(format!("slip-{unix_ms}.pdf")), &options, &pdf::bytes(sheet))
        }
        Printer::Cups(name) => cups::print(name, pdf::bytes(sheet)),
    }
}

fn write(path: &Path, options: &OpenOptions, bytes: &[u8]) -> Result<(), PrintError> {
    let refused = |error| PrintError::Refused(path.display().to_string(), error);
    let mut file = options.open(path).map_err(refused)?;
    file.write_all(bytes).and_then(|()| file.flush()).map_err(refused)
}

/// The rows of a sheet with a bit for each dot, 1 for black, as printers want them.
fn rows(sheet: &GrayImage) -> Vec<Vec<u8>> {
    let row = |dots: &[u8]| {
        let byte = |eight: &[u8]| {
            eight.iter().enumerate().fold(0, |byte, (bit, dot)| byte | (u8::from(*dot < 128) << (7 - bit)))
        };
        dots.chunks(8).map(byte).collect()
    };
    sheet.as_raw().chunks(sheet.width().max(1) as usize).map(row).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
mod tests {
    use std::time::Duration;

    use image::Luma;
    use stempel_scan::clock::monotonic;
    use stempel_scan::decode::{Mode, Pipeline};
    use stempel_scan::frame::Frame;
    use stempel_wire::SecretKey;
    use stempel_wire::slip::SlipPurpose;

    use super::*;

    fn slip() -> SlipSheet {
        let key = SecretKey::from_bytes(&[7; 32]);
        let (tenant, device) = (stempel_domain::TenantId([1; 16]), stempel_domain::AuthorId([2; 16]));
        let last = "2026-12-04".parse().unwrap();
        let slip = Slip::issue(tenant, device, &key, [9; 8], last, SlipPurpose::Stamps, 2);
        SlipSheet {
            shop: "Café Größenwahn am Straßburger Tor".into(),
            purpose: SlipPurpose::Stamps,
            stamps: 2,
            last,
            code: slip.to_string(),
            language: Language::De,
        }
    }

    /// What a reader of codes sees on the paper.
    fn read(picture: &GrayImage) -> Vec<String> {
        let frame = Frame::new(picture.width(), picture.height(), picture.as_raw().clone(), Duration::ZERO);
        let report = Pipeline::new(Mode::Thorough, monotonic()).decode(&frame.unwrap(), &|_| false);
        report.codes.into_iter().map(|code| code.text).collect()
    }

    /// The dots that a receipt printer would burn.
    fn burnt(bytes: &[u8]) -> GrayImage {
        let mut rows: Vec<Vec<u8>> = Vec::new();
        let mut left = bytes.strip_prefix(&[0x1B, b'@']).unwrap();
        while let Some(rest) = left.strip_prefix(&[0x1D, b'v', b'0', 0]) {
            let [w0, w1, h0, h1, data @ ..] = rest else { panic!("an image ends in its head") };
            let (wide, high) =
                (u16::from_le_bytes([*w0, *w1]) as usize, u16::from_le_bytes([*h0, *h1]) as usize);
            rows.extend(data[..wide * high].chunks(wide).map(<[u8]>::to_vec));
            left = &data[wide * high..];
        }
        assert_eq!(left, [0x1B, b'd', 4, 0x1D, b'V', 66, 0]);
        let wide = rows[0].len() as u32 * 8;
        GrayImage::from_fn(wide, rows.len() as u32, |x, y| {
            let black = rows[y as usize][x as usize / 8] >> (7 - x % 8) & 1 == 1;
            Luma([if black { 0 } else { 255 }])
        })
    }

    #[test]
    fn what_a_receipt_printer_burns_is_the_slip_and_its_code_is_read() {
        let (slip, sheet) = (slip(), slip().drawn().unwrap());
        let burnt = burnt(&escpos::bytes(&sheet));
        assert_eq!(burnt.width(), DOTS);
        assert!(burnt == sheet, "dot for dot");
        assert_eq!(read(&burnt), [slip.code]);
    }

    #[test]
    fn the_words_stand_above_and_below_the_code_and_nothing_touches_the_sides() {
        let sheet = slip().drawn().unwrap();
        let black = |row: u32| (0..DOTS).filter(|&x| sheet.get_pixel(x, row).0[0] == 0).count();
        let printed: Vec<bool> = (0..sheet.height()).map(|row| black(row) > 0).collect();
        let parts = printed.windows(2).filter(|pair| !pair[0] && pair[1]).count();
        // Two lines of the shop's name, one that says what for, the code, two of small print; a dot of an i apart.
        assert!((6..=10).contains(&parts), "{parts} parts");
        for side in [0, DOTS - 1] {
            assert!((0..sheet.height()).all(|y| sheet.get_pixel(side, y).0[0] == 255));
        }
    }

    #[test]
    fn a_folder_gets_a_document_whose_picture_is_the_slip() {
        let folder = tempfile::tempdir().unwrap();
        let sheet = slip().drawn().unwrap();
        let printer = Printer::Folder(folder.path().to_owned());
        print(&printer, &sheet, 5).unwrap();
        let document = std::fs::read(folder.path().join("slip-5.pdf")).unwrap();
        let find = |wanted: &[u8], from: usize| {
            from + document[from..].windows(wanted.len()).position(|part| part == wanted).unwrap()
        };
        let begins = find(b"stream\n", find(b"/Subtype /Image", 0)) + 7;
        let pixels: Vec<u8> = rows(&sheet).concat().into_iter().map(|byte| !byte).collect();
        assert!(document[begins..].starts_with(&pixels));
        // Each object lies where the table says.
        let table = String::from_utf8_lossy(&document[find(b"xref\n", 0)..]).into_owned();
        for (number, line) in table.lines().skip(3).take(5).enumerate() {
            let place: usize = line.split(' ').next().unwrap().parse().unwrap();
            assert!(document[place..].starts_with(format!("{} 0 obj", number + 1).as_bytes()));
        }
        // The same moment again is refused rather than written over.
        assert!(matches!(print(&printer, &sheet, 5), Err(PrintError::Refused(..))));
    }

    #[test]
    fn a_printer_that_is_not_there_is_said() {
        let sheet = slip().drawn().unwrap();
        let printer = Printer::EscPos("/nowhere/lp0".into());
        let error = print(&printer, &sheet, 0).unwrap_err();
        assert!(error.to_string().starts_with("/nowhere/lp0: "), "{error}");
    }
}
