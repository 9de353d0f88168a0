//! Letters as black dots: the outlines of the screens' own font, filled.

use image::{GrayImage, Luma};
use ttf_parser::{Face, OutlineBuilder};

/// The font, cut down to the letters of the screens' languages.
const FONT: &[u8] = include_bytes!("../../assets/fonts/Inter-SemiBold.otf");
/// Straight pieces of a curve: enough for letters of 60 dots.
const PIECES: u8 = 8;
const BLACK: Luma<u8> = Luma([0]);

/// Writes with one font.
pub(super) struct Pen {
    face: Face<'static>,
}

impl Pen {
    /// The pen, if the font can be read.
    pub fn new() -> Option<Self> {
        Some(Self { face: Face::parse(FONT, 0).ok()? })
    }

    /// The words of a text in lines that are no wider than that, in dots. A word that is wider stands alone and is cut.
    pub fn lines(&self, text: &str, size: f32, width: f32) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for word in text.split_whitespace() {
            match lines.last_mut() {
                Some(line) if self.width(&format!("{line} {word}"), size) <= width => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => lines.push(word.to_owned()),
            }
        }
        lines
    }

    /// How wide a line is, in dots.
    pub fn width(&self, line: &str, size: f32) -> f32 {
        line.chars().map(|letter| self.advance(letter) * self.scale(size)).sum()
    }

    /// Writes a line in the middle of a picture; `base` is where its letters stand.
    pub fn write(&self, picture: &mut GrayImage, line: &str, size: f32, base: f32) {
        let scale = self.scale(size);
        let mut x = ((picture.width() as f32 - self.width(line, size)) / 2.0).max(0.0);
        for letter in line.chars() {
            let mut shape = Shape { scale, x, base, ..Shape::default() };
            if let Some(glyph) = self.face.glyph_index(letter).or_else(|| self.face.glyph_index('?')) {
                self.face.outline_glyph(glyph, &mut shape);
            }
            shape.fill(picture);
            x += self.advance(letter) * scale;
        }
    }

    fn scale(&self, size: f32) -> f32 {
        size / f32::from(self.face.units_per_em())
    }

    /// How far the next letter is away, in units of the font.
    fn advance(&self, letter: char) -> f32 {
        let glyph = self.face.glyph_index(letter).or_else(|| self.face.glyph_index('?'));
        glyph.and_then(|glyph| self.face.glyph_hor_advance(glyph)).map_or(0.0, f32::from)
    }
}

type Point = (f32, f32);

/// The outline of a letter in dots, as straight pieces.
#[derive(Default)]
struct Shape {
    scale: f32,
    x: f32,
    base: f32,
    first: Point,
    last: Point,
    pieces: Vec<(Point, Point)>,
}

impl Shape {
    fn at(&self, x: f32, y: f32) -> Point {
        (self.x + x * self.scale, self.base - y * self.scale)
    }

    fn piece_to(&mut self, to: Point) {
        self.pieces.push((self.last, to));
        self.last = to;
    }

    /// Makes the dots black whose middles lie within.
    fn fill(&self, picture: &mut GrayImage) {
        let heights = self.pieces.iter().flat_map(|(from, to)| [from.1, to.1]);
        let (top, bottom) =
            heights.fold((f32::MAX, f32::MIN), |(top, bottom), y| (top.min(y), bottom.max(y)));
        let last = picture.height().min(bottom.max(0.0).ceil() as u32);
        for row in top.max(0.0) as u32..last {
            let middle = row as f32 + 0.5;
            let mut crossings: Vec<(f32, i32)> = Vec::new();
            for &((x0, y0), (x1, y1)) in &self.pieces {
                if (y0 <= middle) != (y1 <= middle) {
                    let x = x0 + (middle - y0) * (x1 - x0) / (y1 - y0);
                    crossings.push((x, if y0 < y1 { 1 } else { -1 }));
                }
            }
            crossings.sort_by(|one, two| one.0.total_cmp(&two.0));
            let mut winding = 0;
            for pair in crossings.windows(2) {
                winding += pair[0].1;
                if winding == 0 {
                    continue;
                }
                let dots = (pair[0].0 + 0.5).max(0.0) as u32..(pair[1].0 + 0.5).max(0.0) as u32;
                for column in dots.start..dots.end.min(picture.width()) {
                    picture.put_pixel(column, row, BLACK);
                }
            }
        }
    }
}

impl OutlineBuilder for Shape {
    fn move_to(&mut self, x: f32, y: f32) {
        self.last = self.at(x, y);
        self.first = self.last;
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let to = self.at(x, y);
        self.piece_to(to);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let (from, by, to) = (self.last, self.at(x1, y1), self.at(x, y));
        for piece in 1..=PIECES {
            let t = f32::from(piece) / f32::from(PIECES);
            let of =
                |a: f32, b: f32, c: f32| (1.0 - t) * ((1.0 - t) * a + t * b) + t * ((1.0 - t) * b + t * c);
            self.piece_to((of(from.0, by.0, to.0), of(from.1, by.1, to.1)));
        }
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let (from, one, two, to) = (self.last, self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        for piece in 1..=PIECES {
            let t = f32::from(piece) / f32::from(PIECES);
            let s = 1.0 - t;
            let of = |a: f32, b: f32, c: f32, d: f32| {
                s * s * s * a + 3.0 * s * s * t * b + 3.0 * s * t * t * c + t * t * t * d
            };
            self.piece_to((of(from.0, one.0, two.0, to.0), of(from.1, one.1, two.1, to.1)));
        }
    }

    fn close(&mut self) {
        let first = self.first;
        self.piece_to(first);
    }
}
