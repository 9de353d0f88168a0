//! Letters beyond those of the fonts that every reader of PDF has: Latin with all its marks, Greek and Cyrillic, from a
//! bundled font (Inter, OFL) that goes into the file where it is needed.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Name, Pdf, Rect, Ref, Str};
use ttf_parser::{Face, GlyphId, Tag};

const SYSTEM: SystemInfo = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// A bundled font.
pub(super) struct Letters {
    face: Face<'static>,
    name: &'static [u8],
}

/// The upright font and the bold one; none if a file of them is damaged.
pub(super) static PLAIN: LazyLock<Option<Letters>> = LazyLock::new(|| {
    Letters::read(include_bytes!("../../../../assets/fonts/paper/Inter-Regular.otf"), b"Inter-Regular")
});
pub(super) static BOLD: LazyLock<Option<Letters>> = LazyLock::new(|| {
    Letters::read(include_bytes!("../../../../assets/fonts/paper/Inter-Bold.otf"), b"Inter-Bold")
});

impl Letters {
    fn read(file: &'static [u8], name: &'static [u8]) -> Option<Self> {
        Some(Self { face: Face::parse(file, 0).ok()?, name })
    }

    /// Whether the font has a letter.
    pub(super) fn has(&self, letter: char) -> bool {
        self.face.glyph_index(letter).is_some()
    }

    /// The glyph of a letter; a question mark's for one that the font has not.
    fn glyph(&self, letter: char) -> GlyphId {
        let glyph = |letter| self.face.glyph_index(letter);
        glyph(letter).or_else(|| glyph('?')).unwrap_or_default()
    }

    /// How wide a glyph is, in thousandths of the size.
    fn advance(&self, glyph: GlyphId) -> f32 {
        let units = f32::from(self.face.units_per_em().max(1));
        f32::from(self.face.glyph_hor_advance(glyph).unwrap_or(0)) * 1000.0 / units
    }

    /// How wide a text is at a size.
    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        text.chars().map(|letter| self.advance(self.glyph(letter))).sum::<f32>() * size / 1000.0
    }

    /// A text as it stands in a page.
    pub(super) fn encoded(&self, text: &str) -> Vec<u8> {
        text.chars().flat_map(|letter| self.glyph(letter).0.to_be_bytes()).collect()
    }

    /// Puts the font into a file under an id; four more ids from `next` on are taken.
    pub(super) fn embed(&self, pdf: &mut Pdf, id: Ref, next: i32) {
        let [cid, descriptor, file, names] = [0, 1, 2, 3].map(|step| Ref::new(next + step));
        // The glyphs of a font that is not keyed by CIDs are named by their numbers.
        let table = self.face.raw_face().table(Tag::from_bytes(b"CFF ")).unwrap_or_default();
        pdf.type0_font(id)
            .base_font(Name(self.name))
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(cid)
            .to_unicode(names);
        let mut font = pdf.cid_font(cid);
        font.subtype(CidFontType::Type0)
            .base_font(Name(self.name))
            .system_info(SYSTEM)
            .font_descriptor(descriptor)
            .default_width(0.0);
        let advances = (0..self.face.number_of_glyphs()).map(|glyph| self.advance(GlyphId(glyph)));
        font.widths().consecutive(0, advances);
        drop(font);
        let units = f32::from(self.face.units_per_em().max(1));
        let scaled = |value: i16| f32::from(value) * 1000.0 / units;
        let bounds = self.face.global_bounding_box();
        pdf.font_descriptor(descriptor)
            .name(Name(self.name))
            .flags(FontFlags::NON_SYMBOLIC)
            .bbox(Rect::new(
                scaled(bounds.x_min),
                scaled(bounds.y_min),
                scaled(bounds.x_max),
                scaled(bounds.y_max),
            ))
            .italic_angle(0.0)
            .ascent(scaled(self.face.ascender()))
            .descent(scaled(self.face.descender()))
            .cap_height(scaled(self.face.capital_height().unwrap_or(0)))
            .stem_v(if self.face.is_bold() { 140.0 } else { 90.0 })
            .font_file3(file);
        pdf.stream(file, table).pair(Name(b"Subtype"), Name(b"CIDFontType0C"));
        let mut map = UnicodeCmap::new(Name(b"Letters"), SYSTEM);
        for (glyph, letter) in self.letters() {
            map.pair(glyph, letter);
        }
        pdf.cmap(names, &map.finish());
    }

    /// Every glyph with the letter that it draws, for those who copy text out of the file.
    fn letters(&self) -> BTreeMap<u16, char> {
        let mut letters = BTreeMap::new();
        let tables = self.face.tables().cmap.iter().flat_map(|table| table.subtables);
        for table in tables.filter(|table| table.is_unicode()) {
            table.codepoints(|code| {
                if let (Some(letter), Some(glyph)) = (char::from_u32(code), table.glyph_index(code)) {
                    letters.entry(glyph.0).or_insert(letter);
                }
            });
        }
        letters
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

    use super::*;

    #[test]
    fn names_of_many_alphabets_have_their_letters() {
        for letters in [&PLAIN, &BOLD] {
            let letters = letters.as_ref().unwrap();
            for name in
                ["Kawiarnia Łódź", "Çağrı Şekerci", "Καφενείο", "Кав'ярня Їжак", "Tiệm Cà Phê", "Ő, Ű & ẞ"]
            {
                let missing = name.chars().filter(|c| letters.face.glyph_index(*c).is_none());
                assert_eq!(missing.collect::<String>(), "", "{name}");
                assert!(letters.width(name, 10.0) > 20.0);
            }
            assert!(letters.face.glyph_index('咖').is_none());
            assert_eq!(letters.encoded("咖"), letters.encoded("?"), "what is missing is seen to be");
        }
    }
}
