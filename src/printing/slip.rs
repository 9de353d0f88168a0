//! What stands on a slip of receipt paper.

use image::{GrayImage, Luma, imageops};
use stempel_domain::Day;
use stempel_domain::rules::Language;
use stempel_wire::slip::SlipPurpose;

use super::glyphs::Pen;
use super::{DOTS, PrintError};
use crate::cli::draw_slip;

/// Letters of what it is good for, of the shop's name and of the small print, in dots.
const GOOD_FOR: f32 = 52.0;
const SHOP: f32 = 36.0;
const SMALL: f32 = 28.0;
/// White at each side, and between the parts, in dots.
const MARGIN: f32 = 24.0;
const WHITE: Luma<u8> = Luma([255]);

/// A slip as a person reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlipSheet {
    /// The name of the shop.
    pub shop: String,
    /// What it is good for.
    pub purpose: SlipPurpose,
    /// How many stamps.
    pub stamps: u32,
    /// The last day on which it is taken.
    pub last: Day,
    /// What stands in its code.
    pub code: String,
    /// The language of the words.
    pub language: Language,
}

impl SlipSheet {
    /// Draws it, a dot for each pixel: black on white, [`DOTS`] wide.
    ///
    /// # Errors
    /// The text fits no code of a slip.
    pub fn drawn(&self) -> Result<GrayImage, PrintError> {
        let pen = Pen::new().ok_or(PrintError::Drawing)?;
        let code = draw_slip(&self.code).map_err(|_| PrintError::Drawing)?;
        let room = DOTS as f32 - 2.0 * MARGIN;
        let above = [(self.shop.clone(), SHOP), (self.good_for(), GOOD_FOR)];
        let lines = |(text, size): &(String, f32)| -> Vec<(String, f32)> {
            pen.lines(text, *size, room).into_iter().map(|line| (line, *size)).collect()
        };
        let above: Vec<(String, f32)> = above.iter().flat_map(lines).collect();
        let below = lines(&(self.small_print(), SMALL));
        let tall = |lines: &[(String, f32)]| lines.iter().map(|(_, size)| size * 1.3).sum::<f32>();
        let height = 4.0 * MARGIN + tall(&above) + code.height() as f32 + tall(&below);
        let mut sheet = GrayImage::from_pixel(DOTS, height as u32, WHITE);
        let mut y = MARGIN;
        let write = |sheet: &mut GrayImage, lines: &[(String, f32)], y: &mut f32| {
            for (line, size) in lines {
                *y += size * 1.3;
                pen.write(sheet, line, *size, *y - size * 0.3);
            }
        };
        write(&mut sheet, &above, &mut y);
        y += MARGIN;
        let left = (i64::from(DOTS) - i64::from(code.width())) / 2;
        imageops::overlay(&mut sheet, &code, left, y as i64);
        y += code.height() as f32;
        write(&mut sheet, &below, &mut y);
        Ok(sheet)
    }

    fn good_for(&self) -> String {
        match (self.purpose, self.language, self.stamps) {
            (SlipPurpose::Reward, Language::De, _) => "Für eine Belohnung".to_owned(),
            (SlipPurpose::Reward, Language::En, _) => "For one reward".to_owned(),
            (SlipPurpose::Stamps, Language::De, 1) => "Gut für 1 Stempel".to_owned(),
            (SlipPurpose::Stamps, Language::De, many) => format!("Gut für {many} Stempel"),
            (SlipPurpose::Stamps, Language::En, 1) => "Good for 1 stamp".to_owned(),
            (SlipPurpose::Stamps, Language::En, many) => format!("Good for {many} stamps"),
        }
    }

    fn small_print(&self) -> String {
        let last = self.language.long_day(self.last);
        match self.language {
            Language::De => format!("Einmal, bis {last}. Bitte zusammen mit der Stempelkarte zeigen."),
            Language::En => format!("Once, until {last}. Please show it together with the stamp card."),
        }
    }
}
