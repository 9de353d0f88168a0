//! Finds finder patterns: squares in a ring, whose width along any line through the middle is 1:1:3:1:1.
//!
//! Widths are compared from an edge to the next edge of the same kind, so that ink that bled and light that spread do
//! not matter. Dark and light patterns are found in the same pass.

use super::super::bits::BitPlane;
use super::super::geometry::Corner;
use super::super::view::PlaneRef;
use super::geometry::sample;

/// The most patterns of one search.
const FINDERS_MAX: usize = 300;
/// Smaller modules cannot be told from noise.
const MODULE_MIN: f32 = 1.3;

/// Something that looks like a finder pattern.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Finder {
    pub(super) centre: Corner,
    /// Width of a module along a row, in pixels.
    pub(super) across: f32,
    /// Height of a module along a column, in pixels.
    pub(super) down: f32,
    /// Light in the middle: a code in light on dark.
    pub(super) inverted: bool,
    /// Rows that crossed it.
    pub(super) hits: u32,
    /// How far its black and its white lie apart in the picture, in units of how much they scatter; not measured yet when
    /// negative.
    pub(super) clarity: f32,
}

/// Where black is looked for along a row and a column through the middle, in modules from it.
const BLACK_AT: [f32; 7] = [-3.0, -0.9, -0.45, 0.0, 0.45, 0.9, 3.0];
/// Where white is looked for.
const WHITE_AT: [f32; 4] = [-2.15, -1.85, 1.85, 2.15];
/// Scatter in grey levels that any picture has.
const SCATTER_MIN: f32 = 2.0;

impl Finder {
    pub(super) fn module(&self) -> f32 {
        (self.across + self.down) / 2.0
    }

    /// Gives how many rows crossed it for each module of its size; rows are read in twos.
    pub(super) fn share(&self) -> f32 {
        self.hits as f32 / self.module()
    }

    /// Measures how clear it is, once. Along a row and a column black and white have their places however the code is
    /// turned; what noise or lettering made has them nowhere.
    pub(super) fn measure(&mut self, luma: PlaneRef<'_>) {
        if self.clarity >= 0.0 {
            return;
        }
        let (black, black_scatter) = self.light_at(luma, &BLACK_AT);
        let (white, white_scatter) = self.light_at(luma, &WHITE_AT);
        let apart = if self.inverted { black - white } else { white - black };
        self.clarity = (apart / (black_scatter + white_scatter + SCATTER_MIN.powi(2)).sqrt()).max(0.0);
    }

    /// Gives mean and variance of the light at places along the row and the column.
    fn light_at(&self, luma: PlaneRef<'_>, places: &[f32]) -> (f32, f32) {
        let (mut sum, mut squares) = (0.0, 0.0);
        for &at in places {
            for (x, y) in [(at * self.across, 0.0), (0.0, at * self.down)] {
                let light = sample(luma, self.centre.x + x, self.centre.y + y);
                sum += light;
                squares += light * light;
            }
        }
        let count = 2.0 * places.len() as f32;
        (sum / count, (squares / count - (sum / count).powi(2)).max(0.0))
    }

    fn is_near(&self, x: f32, y: f32) -> bool {
        (self.centre.x - x).abs() <= 1.5 * self.across && (self.centre.y - y).abs() <= 1.5 * self.down
    }

    /// Gives the same pattern in the picture that a view was made of.
    pub(super) fn placed(self, scale: f32, from: Corner) -> Self {
        Self {
            centre: Corner::new(self.centre.x * scale + from.x, self.centre.y * scale + from.y),
            across: self.across * scale,
            down: self.down * scale,
            ..self
        }
    }
}

/// Scratch memory of the search.
#[derive(Debug, Default)]
pub(super) struct FinderSearch {
    edges: Vec<u16>,
}

impl FinderSearch {
    /// Adds what is found to `found`, whose places are in the coordinates of this plane. Each `step`-th row is read.
    pub(super) fn search(&mut self, plane: &BitPlane, step: usize, found: &mut Vec<Finder>) {
        for y in (0..plane.height()).step_by(step.max(1)) {
            if found.len() > FINDERS_MAX / 2 {
                // What noise made is crossed once; what is still being crossed may become more.
                found.retain(|finder| finder.hits >= 2 || finder.centre.y + 2.0 * finder.down > y as f32);
            }
            plane.edges_of_row(y, &mut self.edges);
            let mut dark = plane.get(0, y);
            for at in 0..self.edges.len().saturating_sub(5) {
                let runs = &self.edges[at..at + 6];
                if let Some(module) = ratio_of(widths(runs)) {
                    let middle = (runs[2] + runs[3]) as f32 / 2.0;
                    consider(plane, middle, y, module, !dark, found);
                }
                dark = !dark;
            }
        }
    }
}

fn widths(edges: &[u16]) -> [f32; 5] {
    std::array::from_fn(|at| f32::from(edges[at + 1] - edges[at]))
}

/// Gives the width of a module when five runs are as 1:1:3:1:1.
fn ratio_of(runs: [f32; 5]) -> Option<f32> {
    let [a, b, c, d, e] = runs;
    if c < a || c < b || c < d || c < e {
        return None;
    }
    let module = (a + 2.0 * b + 2.0 * c + 2.0 * d + e) / 12.0;
    if module < MODULE_MIN || (module < 2.2 && c < 1.3 * b.max(d)) {
        return None;
    }
    let narrow = 0.6 * module + 0.6;
    let wide = 0.9 * module + 0.8;
    let fits = (a + b - 2.0 * module).abs() < narrow
        && (d + e - 2.0 * module).abs() < narrow
        && (b + c - 4.0 * module).abs() < wide
        && (c + d - 4.0 * module).abs() < wide;
    fits.then_some(module)
}

/// Checks a middle that was seen in a row along its column and once more along the row.
fn consider(plane: &BitPlane, x: f32, y: usize, across: f32, inverted: bool, found: &mut Vec<Finder>) {
    let row = y as f32 + 0.5;
    if let Some(known) = found.iter_mut().find(|finder| finder.inverted == inverted && finder.is_near(x, row))
    {
        known.hits += 1;
        if known.hits > 2 {
            return;
        }
    }
    let reach = (across * 5.0) as usize + 3;
    let column = x as usize;
    let Some((middle_y, down)) = cross(plane, (column, y), Direction::Down, reach * 2) else { return };
    if down > 2.6 * across || across > 2.6 * down {
        return;
    }
    let Some((middle_x, across)) =
        cross(plane, (column, middle_y as usize), Direction::Across, (down * 10.0) as usize + 6)
    else {
        return;
    };
    // Noise makes crosses by the thousand, and hardly one whose diagonal fits too.
    let place = (middle_x as usize, middle_y as usize);
    let diagonal = (across.max(down) * 8.0) as usize + 6;
    if cross(plane, place, Direction::Falling, diagonal).is_none()
        && cross(plane, place, Direction::Rising, diagonal).is_none()
    {
        return;
    }
    let centre = Corner::new(middle_x, middle_y);
    let finder = Finder { centre, across, down, inverted, hits: 1, clarity: -1.0 };
    match found.iter().position(|old| old.inverted == inverted && old.is_near(middle_x, middle_y)) {
        Some(at) => found[at] = Finder { hits: found[at].hits, ..finder },
        None if found.len() < FINDERS_MAX => found.push(finder),
        None => {}
    }
}

/// A way through a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Across,
    Down,
    /// To the right and down.
    Falling,
    /// To the right and up.
    Rising,
}

impl Direction {
    fn step(self) -> (isize, isize) {
        match self {
            Self::Across => (1, 0),
            Self::Down => (0, 1),
            Self::Falling => (1, 1),
            Self::Rising => (1, -1),
        }
    }
}

/// Reads the pattern through a place; gives its middle along the row or column, and the width of a module.
fn cross(plane: &BitPlane, (x, y): (usize, usize), direction: Direction, reach: usize) -> Option<(f32, f32)> {
    if x >= plane.width() || y >= plane.height() {
        return None;
    }
    let colour = plane.get(x, y);
    let before = lengths(plane, (x, y), direction, -1, reach, colour)?;
    let after = lengths(plane, (x, y), direction, 1, reach, colour)?;
    let runs = [before[2], before[1], before[0] + 1 + after[0], after[1], after[2]];
    let module = ratio_of(runs.map(|run| run as f32))?;
    let place = if direction == Direction::Down { y } else { x } as f32;
    // The middle of the inner square and of the light ring's edges, each from both sides.
    let inner = (after[0] as f32 - before[0] as f32) / 2.0;
    let ring = ((after[0] + after[1]) as f32 - (before[0] + before[1]) as f32) / 2.0;
    Some((place + 0.5 + (inner + ring) / 2.0, module))
}

/// Counts the pixels of the three parts that a walk from the middle goes through; the edge of the picture ends a part.
fn lengths(
    plane: &BitPlane,
    (x, y): (usize, usize),
    direction: Direction,
    sense: isize,
    reach: usize,
    colour: bool,
) -> Option<[usize; 3]> {
    let (dx, dy) = direction.step();
    let mut lengths = [0; 3];
    let (mut x, mut y, mut part) = (x, y, 0);
    for _ in 0..reach {
        let inside = x
            .checked_add_signed(dx * sense)
            .zip(y.checked_add_signed(dy * sense))
            .filter(|&(x, y)| x < plane.width() && y < plane.height());
        let Some(next) = inside else { return (part == 2).then_some(lengths) };
        (x, y) = next;
        if plane.get(x, y) != (colour ^ (part == 1)) {
            part += 1;
            if part == 3 {
                return Some(lengths);
            }
        }
        lengths[part] += 1;
    }
    None
}
