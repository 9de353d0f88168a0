//! Joins finder patterns by threes into what may be codes.

use std::cmp::Ordering;

use super::super::geometry::Corner;
use super::super::view::PlaneRef;
use super::finder::Finder;
use super::geometry::sample;

/// The most patterns that are joined.
const FINDERS_JOINED_MAX: usize = 34;
/// So many of them by how clear they are; the others by how many rows crossed them.
const CLEAREST_MAX: usize = 14;
/// The most joinings that are kept.
const TRIPLES_MAX: usize = 40;
/// Beyond this cosine the corner is too sharp or too flat.
const COSINE_MAX: f32 = 0.72;
/// One leg may look so much longer than the other.
const LEGS_RATIO_MAX: f32 = 2.4;
/// How well each pattern must fit its picture, from 0 to 1.
const FIT_MIN: f32 = 0.42;

/// How bright black and white are at one finder pattern.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Levels {
    /// The brightness between both.
    pub(super) threshold: f32,
    /// Half their difference; negative in a code that is light on dark.
    pub(super) amplitude: f32,
}

/// Three finder patterns that may belong to one code.
#[derive(Debug, Clone, Copy)]
pub(super) struct Triple {
    /// The middles of the patterns: top left, top right, bottom left, as seen (a mirrored code is mirrored).
    pub(super) centres: [Corner; 3],
    /// Brightness at each.
    pub(super) levels: [Levels; 3],
    /// Modules along the side, as the widths of the patterns tell.
    pub(super) side: f32,
    pub(super) inverted: bool,
    /// The lower, the likelier.
    pub(super) cost: f32,
}

/// The two directions of a code at one finder pattern, each one module long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) right: Corner,
    pub(super) below: Corner,
}

impl Frame {
    /// Gives the pixel that lies so many modules from a place.
    #[inline]
    pub(super) fn at(&self, from: Corner, u: f32, v: f32) -> Corner {
        Corner::new(
            from.x + u * self.right.x + v * self.below.x,
            from.y + u * self.right.y + v * self.below.y,
        )
    }
}

/// Joins the patterns; the likeliest triple comes first.
pub(super) fn join(finders: &mut [Finder], luma: PlaneRef<'_>, out: &mut Vec<Triple>) {
    out.clear();
    finders.iter_mut().for_each(|finder| finder.measure(luma));
    // The clearest first; behind them those that most rows crossed, for blur leaves little that is clear. Of equal ones
    // the upper first: an unstable sort needs no memory.
    let by = |value: fn(&Finder) -> f32| {
        move |a: &Finder, b: &Finder| {
            value(b).total_cmp(&value(a)).then_with(|| a.centre.y.total_cmp(&b.centre.y))
        }
    };
    finders.sort_unstable_by(by(|finder| finder.clarity));
    let clearest = finders.len().min(CLEAREST_MAX);
    finders[clearest..].sort_unstable_by(by(Finder::share));
    let finders = &finders[..finders.len().min(FINDERS_JOINED_MAX)];
    for (at, one) in finders.iter().enumerate() {
        for (next, two) in finders.iter().enumerate().skip(at + 1) {
            if !are_alike(one, two) {
                continue;
            }
            for three in &finders[next + 1..] {
                if are_alike(one, three)
                    && are_alike(two, three)
                    && let Some(triple) = triple_of([one, two, three], luma)
                {
                    out.push(triple);
                }
            }
        }
    }
    out.sort_unstable_by(by_cost);
    out.truncate(TRIPLES_MAX);
}

/// The likeliest first; of equal ones the upper.
pub(super) fn by_cost(a: &Triple, b: &Triple) -> Ordering {
    a.cost.total_cmp(&b.cost).then_with(|| a.centres[0].y.total_cmp(&b.centres[0].y))
}

fn are_alike(one: &Finder, other: &Finder) -> bool {
    let ratio = one.module() / other.module();
    one.inverted == other.inverted && (0.45..2.2).contains(&ratio)
}

fn triple_of(finders: [&Finder; 3], luma: PlaneRef<'_>) -> Option<Triple> {
    let [a, b, c] = finders;
    let (ab, bc, ca) = (
        squared(minus(b.centre, a.centre)),
        squared(minus(c.centre, b.centre)),
        squared(minus(a.centre, c.centre)),
    );
    // The corner lies opposite the longest side.
    let (corner, mut first, mut second) = if bc >= ab && bc >= ca {
        (a, b, c)
    } else if ca >= ab {
        (b, a, c)
    } else {
        (c, a, b)
    };
    if cross(minus(first.centre, corner.centre), minus(second.centre, corner.centre)) < 0.0 {
        (first, second) = (second, first);
    }
    let (right, below) = (minus(first.centre, corner.centre), minus(second.centre, corner.centre));
    let (right_len, below_len) = (squared(right).sqrt(), squared(below).sqrt());
    let legs_ratio = right_len.max(below_len) / right_len.min(below_len).max(1.0);
    let cosine = (right.x * below.x + right.y * below.y) / (right_len * below_len).max(1.0);
    if legs_ratio > LEGS_RATIO_MAX || cosine.abs() > COSINE_MAX || right_len.min(below_len) < 12.0 {
        return None;
    }
    let unit_right = Corner::new(right.x / right_len, right.y / right_len);
    let unit_below = Corner::new(below.x / below_len, below.y / below_len);
    let frames = [corner, first, second].map(|finder| frame_of(finder, unit_right, unit_below));
    let length = |vector: Corner| squared(vector).sqrt();
    let side_right = 2.0 * right_len / (length(frames[0].right) + length(frames[1].right)) + 7.0;
    let side_below = 2.0 * below_len / (length(frames[0].below) + length(frames[2].below)) + 7.0;
    let side = (side_right + side_below) / 2.0;
    let disagreement = (side_right / side_below).ln().abs();
    if !(17.0..190.0).contains(&side) || disagreement > 0.45 {
        return None;
    }
    let centres = [corner.centre, first.centre, second.centre];
    let mut levels = [Levels::default(); 3];
    let mut misfit = 0.0;
    for ((level, centre), frame) in levels.iter_mut().zip(centres).zip(frames) {
        let (found, fit) = levels_at(luma, centre, frame, corner.inverted);
        if fit < FIT_MIN {
            return None;
        }
        *level = found;
        misfit += 1.0 - fit;
    }
    let modules = [corner, first, second].map(Finder::module);
    let spread =
        modules.iter().fold(0.0_f32, |a, &b| a.max(b)) / modules.iter().fold(f32::MAX, |a, &b| a.min(b));
    let cost = disagreement + spread.ln() + 0.5 * cosine.abs() + misfit;
    Some(Triple { centres, levels, side, inverted: corner.inverted, cost })
}

/// Finds how long a module is along both directions, from its width along a row and a column.
fn frame_of(finder: &Finder, right: Corner, below: Corner) -> Frame {
    let area = cross(right, below);
    // A step along the row and along the column, in the code's two directions.
    let row = (below.y / area, -right.y / area);
    let column = (-below.x / area, right.x / area);
    let (along_right, along_below) = if right.x.abs() >= below.x.abs() {
        (row.0.abs() * finder.across, column.1.abs() * finder.down)
    } else {
        (column.0.abs() * finder.down, row.1.abs() * finder.across)
    };
    Frame {
        right: Corner::new(right.x * along_right, right.y * along_right),
        below: Corner::new(below.x * along_below, below.y * along_below),
    }
}

/// Compares the picture with a finder pattern: how bright black and white are, and how well they are apart.
pub(super) fn levels_at(luma: PlaneRef<'_>, centre: Corner, frame: Frame, inverted: bool) -> (Levels, f32) {
    let light = |column: usize, row: usize| {
        let at = frame.at(centre, column as f32 - 3.0, row as f32 - 3.0);
        sample(luma, at.x, at.y)
    };
    levels_of(light, inverted)
}

/// The same for a pattern whose 7 × 7 modules are as bright as `light` says for their columns and rows.
pub(super) fn levels_of(light: impl Fn(usize, usize) -> f32, inverted: bool) -> (Levels, f32) {
    let (mut black, mut white) = ((0.0_f32, 0.0_f32), (0.0_f32, 0.0_f32));
    let mut squares = 0.0;
    for row in 0..7_usize {
        for column in 0..7_usize {
            let value = light(column, row);
            let ring = column.abs_diff(3).max(row.abs_diff(3));
            let class = if ring == 2 { &mut white } else { &mut black };
            class.0 += value;
            class.1 += 1.0;
            squares += value * value;
        }
    }
    let count = black.1 + white.1;
    let mean = (black.0 + white.0) / count;
    let spread = (squares / count - mean * mean).max(1.0).sqrt();
    let (black_mean, white_mean) = (black.0 / black.1, white.0 / white.1);
    let amplitude = (white_mean - black_mean) / 2.0;
    let weight = (black.1 * white.1).sqrt() / count;
    let fit = if inverted { -1.0 } else { 1.0 } * 2.0 * amplitude * weight / spread;
    (Levels { threshold: (black_mean + white_mean) / 2.0, amplitude }, fit)
}

fn minus(a: Corner, b: Corner) -> Corner {
    Corner::new(a.x - b.x, a.y - b.y)
}

fn cross(a: Corner, b: Corner) -> f32 {
    a.x * b.y - a.y * b.x
}

fn squared(a: Corner) -> f32 {
    a.x * a.x + a.y * a.y
}
