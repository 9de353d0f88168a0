//! Paper: cards to print and cut, with the second code on their backs, and the poster with the code to join.
//!
//! Sizes are in points (1/72 inch), measured from the lower left as PDF does.

use pdf_writer::{Content, Filter, Finish as _, Name, Pdf, Rect, Ref, Str};
use qrcode::{Color, EcLevel, QrCode};
use stempel_domain::CardId;
use stempel_wire::token::{SecondCode, Token};

use super::letters::{self, Letters};
use crate::error::{Error, Result};
use crate::picture::{self, ForPaper};

pub(super) const MM: f32 = 72.0 / 25.4;
/// A sheet, and a card on it: the size of a bank card's paper sister.
pub(super) const PAGE: (f32, f32) = (210.0 * MM, 297.0 * MM);
const CARD: (f32, f32) = (85.0 * MM, 55.0 * MM);
const COLUMNS: usize = 2;
const ROWS: usize = 5;
/// What a poster's logo takes of the code's room.
const LOGO_ROOM: f32 = 24.0 * MM;
/// Modules of white around a code.
const QUIET: usize = 4;
/// The stamp's red, on paper.
const STAMP: [f32; 3] = [0.761, 0.231, 0.133];
pub(super) const INK: [f32; 3] = [0.129, 0.106, 0.082];
pub(super) const FADED: [f32; 3] = [0.416, 0.373, 0.329];
pub(super) const CUT: [f32; 3] = [0.75, 0.75, 0.75];

/// In which language paper speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tongue {
    /// German.
    De,
    /// English.
    En,
}

impl Tongue {
    /// The tag of the language.
    pub fn tag(self) -> &'static str {
        self.pick("en", "de")
    }

    fn pick(self, english: &'static str, german: &'static str) -> &'static str {
        match self {
            Self::De => german,
            Self::En => english,
        }
    }
}

/// A card to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaperCard {
    /// What the code on its front says.
    pub token: Token,
    /// What the code on its back says: a terminal takes it with no network.
    pub second: SecondCode,
    /// The same to be typed, for a browser.
    pub typed: String,
}

/// What a poster says.
#[derive(Debug, Clone)]
pub struct Poster {
    /// Whose it is.
    pub shop: String,
    /// The address under which people reach the server.
    pub url: String,
    /// The code to join.
    pub code: String,
    /// What the card gives: so many stamps, and what for.
    pub reward: Option<(u32, String)>,
    /// To be folded and put on a table: the same on both sides.
    pub tent: bool,
    /// The shop's logo, a PNG.
    pub logo: Option<Vec<u8>>,
}

/// What all cards of a sheet share.
#[derive(Debug, Clone)]
pub struct Look<'a> {
    /// Whose they are.
    pub shop: &'a str,
    /// The address under which people reach the server; none: they work at the counter alone.
    pub url: Option<&'a str>,
    /// The shop's logo, a PNG.
    pub logo: Option<Vec<u8>>,
    /// What they speak.
    pub tongue: Tongue,
}

/// A card's link, as it stands in its code: in capitals, so that the code stays small. Without an address it is the
/// token alone, which terminals read as well.
pub fn card_link(url: Option<&str>, token: &Token) -> String {
    match url {
        Some(url) => format!("{}/C/{token}", url.trim_end_matches('/').to_ascii_uppercase()),
        None => token.to_string(),
    }
}

/// A poster's link, as it stands in its code.
pub fn join_link(url: &str, code: &str) -> String {
    format!("{}/J/{code}", url.trim_end_matches('/').to_ascii_uppercase())
}

/// Sheets of cards for both sides of the paper: after each sheet of fronts comes its sheet of backs, mirrored for a
/// printer that turns the sheet at its long edge.
pub fn sheets(look: &Look<'_>, cards: &[PaperCard]) -> Result<Vec<u8>> {
    let Look { shop, url, tongue, .. } = *look;
    let mut paper = Paper::with_logo(look.logo.as_deref())?;
    for sheet in cards.chunks(COLUMNS * ROWS) {
        let mut front = paper.pen();
        front.cuts();
        for (place, card) in sheet.iter().enumerate() {
            front.card_front(
                corner(place, false),
                shop,
                &card_link(url, &card.token),
                card.token.card(),
                tongue,
            )?;
        }
        paper.page(front);
        let mut back = Pen::default();
        back.cuts();
        for (place, card) in sheet.iter().enumerate() {
            back.card_back(corner(place, true), card, url.is_some(), tongue)?;
        }
        paper.page(back);
    }
    Ok(paper.finish())
}

/// A poster, or a table tent.
pub fn poster(poster: &Poster, tongue: Tongue) -> Result<Vec<u8>> {
    let mut paper = Paper::with_logo(poster.logo.as_deref())?;
    let mut pen = paper.pen();
    if poster.tent {
        // Each half as wide as the sheet is, the upper one upside down: folded, both can be read.
        let half = PAGE.1 / 2.0;
        pen.invitation(poster, tongue, half, 0.62)?;
        pen.content.save_state();
        pen.content.transform([-1.0, 0.0, 0.0, -1.0, PAGE.0, PAGE.1]);
        pen.invitation(poster, tongue, half, 0.62)?;
        pen.content.restore_state();
        pen.line((0.0, half), (PAGE.0, half), CUT);
    } else {
        pen.invitation(poster, tongue, PAGE.1, 1.0)?;
    }
    paper.page(pen);
    Ok(paper.finish())
}

/// The lower left corner of a card on its sheet.
fn corner(place: usize, mirrored: bool) -> (f32, f32) {
    let (row, column) = (place / COLUMNS, place % COLUMNS);
    let column = if mirrored { COLUMNS - 1 - column } else { column };
    let left = (PAGE.0 - CARD.0 * COLUMNS as f32) / 2.0;
    let top = (PAGE.1 - CARD.1 * ROWS as f32) / 2.0;
    (left + CARD.0 * column as f32, PAGE.1 - top - CARD.1 * (row + 1) as f32)
}

/// A document that grows page by page.
pub(super) struct Paper {
    pdf: Pdf,
    pages: Vec<Ref>,
    next: i32,
    /// Something is written that the readers' own fonts cannot write.
    wide: bool,
    logo: Option<ForPaper>,
}

const CATALOG: Ref = Ref::new(1);
const TREE: Ref = Ref::new(2);
const PLAIN: Ref = Ref::new(3);
const BOLD: Ref = Ref::new(4);
const MONO: Ref = Ref::new(5);
const WIDE_PLAIN: Ref = Ref::new(6);
const WIDE_BOLD: Ref = Ref::new(7);
const LOGO: Ref = Ref::new(8);

impl Paper {
    pub(super) fn new() -> Self {
        Self { pdf: Pdf::new(), pages: Vec::new(), next: 9, wide: false, logo: None }
    }

    /// A document whose pages may show a logo, which is a PNG.
    fn with_logo(png: Option<&[u8]>) -> Result<Self> {
        Ok(Self { logo: png.map(picture::for_paper).transpose()?, ..Self::new() })
    }

    /// What draws a page of this document.
    fn pen(&self) -> Pen {
        let logo = self.logo.as_ref().map(|logo| (logo.width as f32, logo.height as f32));
        Pen { logo, ..Pen::default() }
    }

    pub(super) fn page(&mut self, pen: Pen) {
        let (id, content) = (Ref::new(self.next), Ref::new(self.next + 1));
        self.next += 2;
        let mut page = self.pdf.page(id);
        page.media_box(Rect::new(0.0, 0.0, PAGE.0, PAGE.1)).parent(TREE).contents(content);
        let mut resources = page.resources();
        let mut fonts = resources.fonts();
        fonts.pair(Name(b"P"), PLAIN).pair(Name(b"B"), BOLD).pair(Name(b"M"), MONO);
        if pen.wide {
            fonts.pair(Name(b"WP"), WIDE_PLAIN).pair(Name(b"WB"), WIDE_BOLD);
            self.wide = true;
        }
        fonts.finish();
        if pen.logo.is_some() {
            resources.x_objects().pair(Name(b"L"), LOGO);
        }
        resources.finish();
        page.finish();
        self.pdf.stream(content, &pen.content.finish());
        self.pages.push(id);
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.pdf.catalog(CATALOG).pages(TREE);
        let count = i32::try_from(self.pages.len()).unwrap_or(i32::MAX);
        self.pdf.pages(TREE).kids(self.pages.iter().copied()).count(count);
        for (id, name) in [(PLAIN, &b"Helvetica"[..]), (BOLD, b"Helvetica-Bold"), (MONO, b"Courier-Bold")] {
            self.pdf.type1_font(id).base_font(Name(name)).encoding_predefined(Name(b"WinAnsiEncoding"));
        }
        if let Some(logo) = &self.logo {
            let mut image = self.pdf.image_xobject(LOGO, &logo.jpeg);
            image.filter(Filter::DctDecode);
            image.width(logo.width as i32).height(logo.height as i32);
            image.color_space().device_rgb();
            image.bits_per_component(8);
        }
        let wide = [(WIDE_PLAIN, &letters::PLAIN, self.next), (WIDE_BOLD, &letters::BOLD, self.next + 4)];
        for (id, letters, next) in wide.into_iter().filter(|_| self.wide) {
            if let Some(letters) = letters.as_ref() {
                letters.embed(&mut self.pdf, id, next);
            }
        }
        self.pdf.finish()
    }
}

/// Draws on one page.
pub(super) struct Pen {
    content: Content,
    wide: bool,
    /// How wide and high the logo is, in pixels.
    logo: Option<(f32, f32)>,
}

impl Default for Pen {
    fn default() -> Self {
        Self { content: Content::new(), wide: false, logo: None }
    }
}

impl Pen {
    fn cuts(&mut self) {
        let (x, y) = corner(COLUMNS * (ROWS - 1), false);
        let mark = 5.0 * MM;
        for column in 0..=COLUMNS {
            let x = x + CARD.0 * column as f32;
            let top = y + CARD.1 * ROWS as f32;
            self.line((x, y - mark), (x, y - 1.0 * MM), CUT);
            self.line((x, top + 1.0 * MM), (x, top + mark), CUT);
        }
        for row in 0..=ROWS {
            let y = y + CARD.1 * row as f32;
            let right = x + CARD.0 * COLUMNS as f32;
            self.line((x - mark, y), (x - 1.0 * MM, y), CUT);
            self.line((right + 1.0 * MM, y), (right + mark, y), CUT);
        }
    }

    pub(super) fn line(&mut self, from: (f32, f32), to: (f32, f32), [r, g, b]: [f32; 3]) {
        self.content.set_stroke_rgb(r, g, b).set_line_width(0.5);
        self.content.move_to(from.0, from.1).line_to(to.0, to.1).stroke();
    }

    /// Draws the logo as large as its place allows: at the left of it, or in its middle. False if there is none.
    fn logo(&mut self, (x, y): (f32, f32), (width, height): (f32, f32), centred: bool) -> bool {
        let Some((wide, high)) = self.logo else { return false };
        let scale = (width / wide.max(1.0)).min(height / high.max(1.0));
        let (wide, high) = (wide * scale, high * scale);
        let x = if centred { x + (width - wide) / 2.0 } else { x };
        self.content.save_state().transform([wide, 0.0, 0.0, high, x, y + (height - high) / 2.0]);
        self.content.x_object(Name(b"L")).restore_state();
        true
    }

    fn card_front(
        &mut self,
        (x, y): (f32, f32),
        shop: &str,
        link: &str,
        card: CardId,
        tongue: Tongue,
    ) -> Result<()> {
        let side = 45.0 * MM;
        self.code((x + CARD.0 - side - 4.0 * MM, y + (CARD.1 - side) / 2.0), side, link)?;
        let (left, width) = (x + 6.0 * MM, CARD.0 - side - 12.0 * MM);
        // With a logo the name stands below it, smaller.
        let (name, size, kind) = match self.logo((left, y + 36.0 * MM), (width, 13.0 * MM), false) {
            true => (30.0, 9.0, 26.0),
            false => (41.0, 13.0, 35.0),
        };
        self.fitted((left, y + name * MM), width, Font::Bold, size, INK, shop);
        self.fitted(
            (left, y + kind * MM),
            width,
            Font::Plain,
            9.0,
            FADED,
            tongue.pick("Stamp card", "Stempelkarte"),
        );
        self.fitted((left, y + 11.0 * MM), width, Font::Bold, 9.0, INK, &card.number().to_string());
        self.fitted(
            (left, y + 6.5 * MM),
            width,
            Font::Plain,
            6.5,
            FADED,
            tongue.pick("Hold it to the camera", "Vor die Kamera halten"),
        );
        Ok(())
    }

    fn card_back(
        &mut self,
        (x, y): (f32, f32),
        card: &PaperCard,
        has_link: bool,
        tongue: Tongue,
    ) -> Result<()> {
        let side = 40.0 * MM;
        self.code((x + 3.0 * MM, y + (CARD.1 - side) / 2.0), side, &card.second.to_string())?;
        let (left, width) = (x + side + 5.0 * MM, CARD.0 - side - 9.0 * MM);
        let title = tongue.pick("If the card is lost", "Wenn die Karte weg ist");
        self.fitted((left, y + 43.0 * MM), width, Font::Bold, 9.0, INK, title);
        let lines: &[&str] = match (tongue, has_link) {
            (Tongue::De, true) => &[
                "Fotografiere diese Seite jetzt.",
                "Mit dem Foto bekommst du an der",
                "Theke eine neue Karte mit allem.",
                "",
                "Aufs Handy: Code vorn scannen",
                "und dies eintippen:",
            ],
            (Tongue::En, true) => &[
                "Take a picture of this side now.",
                "With it the counter gives you a",
                "new card with everything on it.",
                "",
                "To your phone: scan the front",
                "and type this:",
            ],
            (Tongue::De, false) => &[
                "Fotografiere diese Seite jetzt.",
                "Mit dem Foto bekommst du an der",
                "Theke eine neue Karte mit allem.",
            ],
            (Tongue::En, false) => &[
                "Take a picture of this side now.",
                "With it the counter gives you a",
                "new card with everything on it.",
            ],
        };
        let line_at = |row: usize| y + (38.5 - 3.2 * row as f32) * MM;
        for (row, line) in lines.iter().enumerate() {
            self.fitted((left, line_at(row)), width, Font::Plain, 6.5, FADED, line);
        }
        let (first, rest) = card.typed.split_at(card.typed.len() / 2);
        let typed = format!("{first} {rest}");
        self.fitted((left, y + 15.5 * MM), width, Font::Mono, 14.0, INK, &typed);
        let warning: [&str; 2] = match tongue {
            Tongue::De => ["Zeig sie niemandem: Wer sie hat,", "hat deine Karte."],
            Tongue::En => ["Show it to nobody: who has it", "has your card."],
        };
        for (row, line) in warning.iter().enumerate() {
            self.fitted((left, y + (9.0 - 3.2 * row as f32) * MM), width, Font::Plain, 6.5, FADED, line);
        }
        Ok(())
    }

    fn invitation(&mut self, poster: &Poster, tongue: Tongue, height: f32, scale: f32) -> Result<()> {
        let (middle, mut y) = (PAGE.0 / 2.0, height - 34.0 * MM * scale);
        let width = PAGE.0 - 40.0 * MM;
        // The logo takes the white above and some of the code's room.
        let place = ((middle - 50.0 * MM, height - 40.0 * MM * scale), (100.0 * MM, 28.0 * MM * scale));
        let taken = if self.logo(place.0, place.1, true) { LOGO_ROOM * scale } else { 0.0 };
        y -= taken;
        self.centred_fitted((middle, y), width, Font::Bold, 44.0 * scale, INK, &poster.shop);
        y -= 16.0 * MM * scale;
        if let Some((size, reward)) = &poster.reward {
            let says = format!("{size} {} = {reward}", tongue.pick("stamps", "Stempel"));
            self.centred_fitted((middle, y), width, Font::Bold, 26.0 * scale, STAMP, &says);
        }
        let side = 128.0 * MM * scale - taken;
        y -= side + 8.0 * MM * scale;
        self.code((middle - side / 2.0, y), side, &join_link(&poster.url, &poster.code))?;
        y -= 12.0 * MM * scale;
        let steps = tongue.pick(
            "Scan with your phone's camera. The card is there at once.",
            "Mit der Handykamera scannen. Die Karte ist sofort da.",
        );
        self.centred_fitted((middle, y), width, Font::Bold, 17.0 * scale, INK, steps);
        y -= 9.0 * MM * scale;
        let how = tongue.pick(
            "No app store, no password, no name needed.",
            "Ohne App-Store, ohne Passwort, auch ohne Namen.",
        );
        self.centred_fitted((middle, y), width, Font::Plain, 14.0 * scale, FADED, how);
        y -= 12.0 * MM * scale;
        let shown = poster.url.trim_start_matches("https://").trim_end_matches('/');
        self.centred_fitted(
            (middle, y),
            width,
            Font::Plain,
            12.0 * scale,
            FADED,
            &format!("{shown}/j/{}", poster.code),
        );
        Ok(())
    }

    /// A code with its quiet zone, so many points wide.
    fn code(&mut self, (x, y): (f32, f32), side: f32, text: &str) -> Result<()> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M)
            .map_err(|_| Error::bad_request("This text does not fit into a code."))?;
        let (width, colours) = (code.width(), code.to_colors());
        let module = side / (width + 2 * QUIET) as f32;
        self.content.set_fill_rgb(0.0, 0.0, 0.0);
        for (row, line) in colours.chunks(width).enumerate() {
            let mut column = 0;
            while column < width {
                let run = line[column..].iter().take_while(|colour| **colour == Color::Dark).count();
                if run > 0 {
                    let left = x + (column + QUIET) as f32 * module;
                    let low = y + (width + QUIET - row - 1) as f32 * module;
                    self.content.rect(left, low, run as f32 * module, module);
                }
                column += run.max(1);
            }
        }
        self.content.fill_nonzero();
        Ok(())
    }

    /// As [`Pen::fitted`], with its middle at a place.
    fn centred_fitted(
        &mut self,
        (x, y): (f32, f32),
        width: f32,
        font: Font,
        size: f32,
        colour: [f32; 3],
        text: &str,
    ) {
        let wide = font.width(text, size).min(width);
        self.fitted((x - wide / 2.0, y), width, font, size, colour, text);
    }

    /// Text that becomes smaller rather than longer than its place.
    pub(super) fn fitted(
        &mut self,
        place: (f32, f32),
        width: f32,
        font: Font,
        size: f32,
        colour: [f32; 3],
        text: &str,
    ) {
        let size = font.fitting(text, size, width);
        self.text(place, font, size, colour, text);
    }

    fn text(&mut self, (x, y): (f32, f32), font: Font, size: f32, [r, g, b]: [f32; 3], text: &str) {
        self.content.set_fill_rgb(r, g, b);
        let (name, bytes) = match font.letters(text) {
            Some((name, letters)) => {
                self.wide = true;
                (name, letters.encoded(text))
            }
            None => (font.name(), win_ansi(text)),
        };
        self.content.begin_text().set_font(Name(name), size);
        self.content.set_text_matrix([1.0, 0.0, 0.0, 1.0, x, y]);
        self.content.show(Str(&bytes)).end_text();
    }
}

/// One of the fonts that every reader of PDF has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Font {
    Plain,
    Bold,
    Mono,
}

/// Widths of the characters from the space to the tilde, in thousandths of the size, as the fonts' makers say.
const PLAIN_WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
    500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
    556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
    278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];
const BOLD_WIDTHS: [u16; 95] = [
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 278,
    556, 722, 611, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584,
    556, 333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611, 611, 611, 389, 556,
    333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584,
];

impl Font {
    fn name(self) -> &'static [u8] {
        match self {
            Self::Plain => b"P",
            Self::Bold => b"B",
            Self::Mono => b"M",
        }
    }

    /// The bundled letters, with their name in a page, for a text that the readers' own fonts cannot write.
    fn letters(self, text: &str) -> Option<(&'static [u8], &'static Letters)> {
        if text.chars().all(|letter| ansi(letter).is_some()) {
            return None;
        }
        match self {
            Self::Plain => Some((b"WP", letters::PLAIN.as_ref()?)),
            Self::Bold => Some((b"WB", letters::BOLD.as_ref()?)),
            // Codes are made of digits and capitals.
            Self::Mono => None,
        }
    }

    pub(super) fn width(self, text: &str, size: f32) -> f32 {
        if let Some((_, letters)) = self.letters(text) {
            return letters.width(text, size);
        }
        let widths = match self {
            Self::Plain => &PLAIN_WIDTHS,
            Self::Bold => &BOLD_WIDTHS,
            Self::Mono => return text.chars().count() as f32 * 0.6 * size,
        };
        let thousandths = |c: char| {
            // A letter with an accent is as wide as the letter.
            let plain = match c {
                'À'..='Å' => 'A',
                'È'..='Ë' => 'E',
                'Ò'..='Ö' | 'Ø' => 'O',
                'Ù'..='Ü' => 'U',
                'à'..='å' | 'è'..='ë' | 'ò'..='ö' | 'ù'..='ü' | 'ß' => 'a',
                c => c,
            };
            let place = u32::from(plain).checked_sub(32).and_then(|place| widths.get(place as usize));
            f32::from(place.copied().unwrap_or(600))
        };
        text.chars().map(thousandths).sum::<f32>() * size / 1000.0
    }

    pub(super) fn fitting(self, text: &str, size: f32, width: f32) -> f32 {
        let wide = self.width(text, size);
        if wide > width { size * width / wide } else { size }
    }
}

/// The letters of a text that paper shows as question marks: no font here has them.
pub(crate) fn not_printable(text: &str) -> String {
    let mut missing: Vec<char> = text.chars().filter(|letter| ansi(*letter).is_none()).collect();
    missing.retain(|letter| letters::BOLD.as_ref().is_none_or(|letters| !letters.has(*letter)));
    missing.dedup();
    missing.into_iter().collect()
}

/// A letter in the encoding of the built-in fonts; none if they have it not.
fn ansi(letter: char) -> Option<u8> {
    Some(match letter {
        ' '..='~' | '\u{a0}'..='ÿ' => u8::try_from(u32::from(letter)).ok()?,
        '€' => 0x80,
        '„' => 0x84,
        '…' => 0x85,
        '‘' => 0x91,
        '’' => 0x92,
        '“' => 0x93,
        '”' => 0x94,
        '–' => 0x96,
        '—' => 0x97,
        _ => return None,
    })
}

/// A text in the encoding of the built-in fonts. What they cannot write becomes a question mark.
fn win_ansi(text: &str) -> Vec<u8> {
    text.chars().map(|letter| ansi(letter).unwrap_or(b'?')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_becomes_smaller_and_never_wider() {
        let name = "Kaffeerösterei & Konditorei am alten Marktplatz";
        let size = Font::Bold.fitting(name, 44.0, 300.0);
        assert!(size < 44.0 && Font::Bold.width(name, size) <= 300.01);
        assert!((Font::Bold.fitting("Café", 44.0, 300.0) - 44.0).abs() < f32::EPSILON);
    }

    #[test]
    fn a_logo_stands_in_the_file_once_and_keeps_its_shape() {
        let mut png = std::io::Cursor::new(Vec::new());
        let drawn = image::RgbaImage::from_pixel(300, 100, image::Rgba([200, 30, 30, 255]));
        drawn.write_to(&mut png, image::ImageFormat::Png).unwrap_or_default();
        let (shop, url, code) = ("Café".to_owned(), "https://a.example".to_owned(), "ABCDEFGH".to_owned());
        let tent = Poster { shop, url, code, reward: None, tent: true, logo: Some(png.into_inner()) };
        let pdf = poster(&tent, Tongue::De).unwrap_or_default();
        let count = |text: &[u8]| pdf.windows(text.len()).filter(|part| *part == text).count();
        assert_eq!((count(b"/DCTDecode"), count(b"/Width 300"), count(b"/Height 100")), (1, 1, 1));
        assert_eq!(count(b"/L Do"), 2, "once on each half");
    }

    #[test]
    fn backs_are_mirrored_so_that_each_meets_its_front() {
        for place in 0..COLUMNS * ROWS {
            let (front, back) = (corner(place, false), corner(place, true));
            assert!((front.1 - back.1).abs() < 0.01);
            // Turned at its long edge, x becomes the width of the sheet less x.
            assert!((PAGE.0 - back.0 - CARD.0 - front.0).abs() < 0.01);
        }
    }

    #[test]
    fn what_the_font_cannot_write_is_seen_to_be_missing() {
        assert_eq!(win_ansi("Café „Ö“ 5 €"), b"Caf\xe9 \x84\xd6\x93 5 \x80");
        assert_eq!(win_ansi("咖啡"), b"??");
        assert_eq!((&not_printable("Café Łódź 咖啡")[..], &not_printable("Кав'ярня")[..]), ("咖啡", ""));
    }

    #[test]
    fn the_bundled_letters_are_in_the_file_where_they_are_needed() {
        let poster = |shop: &str| {
            let (shop, url, code) =
                (shop.to_owned(), "https://karte.example".to_owned(), "ABCDEFGH".to_owned());
            poster(&Poster { shop, url, code, reward: None, tent: false, logo: None }, Tongue::De)
                .unwrap_or_default()
        };
        let has = |pdf: &[u8], text: &[u8]| pdf.windows(text.len()).any(|part| part == text);
        let (plain, wide) = (poster("Café Süd"), poster("Kawiarnia Łódź"));
        assert!(!has(&plain, b"Inter-Bold") && plain.len() < 20_000, "{}", plain.len());
        assert!(has(&wide, b"/Inter-Bold") && has(&wide, b"/CIDFontType0C"), "{}", wide.len());
    }
}
