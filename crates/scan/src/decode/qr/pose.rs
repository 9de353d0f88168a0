//! Lays the grid of a version over three finder patterns: the map from modules to pixels that fits best.
//!
//! Three patterns leave two numbers open, the place of the fourth corner. They are found by looking for the last
//! alignment pattern in all places that perspective allows; then all four points are moved in small steps until the known
//! modules fit and the others are as black or white as they can be.

use super::super::geometry::Corner;
use super::super::view::PlaneRef;
use super::geometry::{Projection, sample};
use super::layout::Layout;
use super::triples::{Levels, Triple};

/// Data modules that are looked at to judge a pose.
const DATA_SAMPLED: usize = 420;
/// Places of the fourth corner that are tried to the end.
const PEAKS_MAX: usize = 3;

/// A grid laid over a picture.
#[derive(Debug, Clone)]
pub(super) struct Pose {
    /// Module coordinates of the four anchors.
    anchors: [Corner; 4],
    /// Their pixels.
    points: [Corner; 4],
    pub(super) map: Projection,
    pub(super) levels: LevelMap,
    /// How well known modules have their colour, from -1 to 1.
    pub(super) fit: f32,
    /// How well all of it fits.
    pub(super) score: f32,
}

/// Brightness of black and white all over the code, as three corners tell.
#[derive(Debug, Clone, Copy)]
pub(super) struct LevelMap {
    corner: Levels,
    right: Levels,
    below: Levels,
}

impl LevelMap {
    fn of(triple: &Triple, side: f32) -> Self {
        let [corner, right, below] = triple.levels;
        let slope = |end: Levels| Levels {
            threshold: (end.threshold - corner.threshold) / (side - 7.0),
            amplitude: (end.amplitude - corner.amplitude) / (side - 7.0),
        };
        Self { corner, right: slope(right), below: slope(below) }
    }

    pub(super) fn is_inverted(&self) -> bool {
        self.corner.amplitude < 0.0
    }

    /// Gives how black a brightness is at a module, from -1 (white) to 1 (black).
    #[inline]
    pub(super) fn blackness(&self, u: f32, v: f32, value: f32) -> f32 {
        let (u, v) = (u - 3.5, v - 3.5);
        let threshold = self.corner.threshold + u * self.right.threshold + v * self.below.threshold;
        let amplitude = self.corner.amplitude + u * self.right.amplitude + v * self.below.amplitude;
        // The slope must not turn a code inside out at its far corner.
        let amplitude = if self.corner.amplitude < 0.0 { amplitude.min(-4.0) } else { amplitude.max(4.0) };
        ((threshold - value) / amplitude).clamp(-1.0, 1.0)
    }
}

impl Pose {
    /// Lays the grid as well as it can be laid; `None` when the three patterns lie on a line.
    pub(super) fn lay(luma: PlaneRef<'_>, triple: &Triple, layout: &Layout) -> Option<Self> {
        let side = layout.side as f32;
        let levels = LevelMap::of(triple, side);
        let [top_left, top_right, bottom_left] = triple.centres;
        let place = |u: f32, v: f32| {
            let (u, v) = ((u - 3.5) / (side - 7.0), (v - 3.5) / (side - 7.0));
            Corner::new(
                top_left.x + u * (top_right.x - top_left.x) + v * (bottom_left.x - top_left.x),
                top_left.y + u * (top_right.y - top_left.y) + v * (bottom_left.y - top_left.y),
            )
        };
        let far = if layout.alignments.is_empty() { side - 3.5 } else { side - 6.5 };
        let anchors = [
            Corner::new(3.5, 3.5),
            Corner::new(side - 3.5, 3.5),
            Corner::new(far, far),
            Corner::new(3.5, side - 3.5),
        ];
        let mut pose = Self {
            anchors,
            points: [top_left, top_right, place(far, far), bottom_left],
            map: Projection::between(anchors, [top_left, top_right, place(far, far), bottom_left])?,
            levels,
            fit: 0.0,
            score: f32::MIN,
        };
        let mut best = pose.judged(luma, layout);
        let mut consider = |peak: Corner| {
            pose.points[2] = peak;
            if let Some(map) = Projection::between(anchors, pose.points).filter(|map| map.is_sane(side)) {
                pose.map = map;
                let judged = pose.judged(luma, layout);
                if judged.score > best.score {
                    best = judged;
                }
            }
        };
        if layout.alignments.is_empty() {
            places_around(far, side).for_each(|(u, v)| consider(place(u, v)));
        } else {
            let peaks = alignment_peaks(luma, &levels, far, side, &place);
            peaks.into_iter().flatten().for_each(|(_, u, v)| consider(place(u, v)));
        }
        Some(best)
    }

    fn judged(&self, luma: PlaneRef<'_>, layout: &Layout) -> Self {
        let mut pose = self.clone();
        let mut fit = 0.0;
        for known in &layout.known {
            let (u, v) = (f32::from(known.column) + 0.5, f32::from(known.row) + 0.5);
            fit += known.sign * pose.blackness(luma, u, v);
        }
        pose.fit = fit / layout.known.len() as f32;
        let step = (layout.order.len() / DATA_SAMPLED).max(1);
        let (mut sure, mut count) = (0.0, 0.0);
        for &at in layout.order.iter().step_by(step) {
            let (row, column) = (usize::from(at) / layout.side, usize::from(at) % layout.side);
            sure += pose.blackness(luma, column as f32 + 0.5, row as f32 + 0.5).abs();
            count += 1.0;
        }
        pose.score = pose.fit + 0.6 * sure / count;
        pose
    }

    fn blackness(&self, luma: PlaneRef<'_>, u: f32, v: f32) -> f32 {
        let place = self.map.at(u, v);
        self.levels.blackness(u, v, sample(luma, place.x, place.y))
    }

    /// Moves the four points in ever smaller steps while that makes the pose fit better.
    pub(super) fn refine(&mut self, luma: PlaneRef<'_>, layout: &Layout) {
        let side = layout.side as f32;
        for step in [0.5_f32, 0.25, 0.12] {
            for _ in 0..2 {
                let mut moved = false;
                for point in [2, 0, 1, 3] {
                    for (du, dv) in [(step, 0.0), (-step, 0.0), (0.0, step), (0.0, -step)] {
                        let anchor = self.anchors[point];
                        let mut next = self.clone();
                        next.points[point] = self.map.at(anchor.x + du, anchor.y + dv);
                        let Some(map) =
                            Projection::between(self.anchors, next.points).filter(|map| map.is_sane(side))
                        else {
                            continue;
                        };
                        next.map = map;
                        let next = next.judged(luma, layout);
                        if next.score > self.score {
                            *self = next;
                            moved = true;
                        }
                    }
                }
                if !moved {
                    break;
                }
            }
        }
    }
}

/// How far from its place on a flat code the fourth corner is looked for, in modules.
fn reach_of(side: f32) -> f32 {
    (0.28 * (side - 7.0)).clamp(3.0, 10.0)
}

/// Without an alignment pattern the fourth corner may be anywhere around.
fn places_around(far: f32, side: f32) -> impl Iterator<Item = (f32, f32)> {
    let steps = reach_of(side) as i32;
    (-steps..=steps)
        .flat_map(move |down| (-steps..=steps).map(move |across| (far + across as f32, far + down as f32)))
}

/// Half modules on each side of the likeliest place in which the alignment pattern is looked for, at most.
const PEAK_STEPS_MAX: usize = 20;
/// Half modules from the middle of an alignment pattern to the middle of its outermost modules.
const PATTERN_STEPS: usize = 4;
/// Half modules that are sampled along each direction, at most.
const LATTICE_MAX: usize = 2 * (PEAK_STEPS_MAX + PATTERN_STEPS) + 1;

/// Finds the places that look most like an alignment pattern: score, column, row; the best first.
///
/// All places and all modules of the pattern lie on one lattice of half modules, so each is sampled once.
fn alignment_peaks(
    luma: PlaneRef<'_>,
    levels: &LevelMap,
    far: f32,
    side: f32,
    place: &dyn Fn(f32, f32) -> Corner,
) -> [Option<(f32, f32, f32)>; PEAKS_MAX] {
    let reach = reach_of(side);
    let steps = ((reach * 2.0) as usize).min(PEAK_STEPS_MAX);
    let edge = steps + PATTERN_STEPS;
    let at_step = |step: usize, middle: usize| far + (step as f32 - middle as f32) * 0.5;
    let mut lattice = [[0.0_f32; LATTICE_MAX]; LATTICE_MAX];
    for (down, line) in lattice.iter_mut().enumerate().take(2 * edge + 1) {
        for (across, black) in line.iter_mut().enumerate().take(2 * edge + 1) {
            let at = place(at_step(across, edge), at_step(down, edge));
            *black = levels.blackness(far, far, sample(luma, at.x, at.y));
        }
    }
    let mut peaks = [None; PEAKS_MAX];
    for down in 0..=2 * steps {
        for across in 0..=2 * steps {
            let (u, v) = (at_step(across, steps), at_step(down, steps));
            let mut score = 0.0;
            for (row, line) in lattice[down..].iter().step_by(2).take(5).enumerate() {
                for (column, black) in line[across..].iter().step_by(2).take(5).enumerate() {
                    let ring = row.abs_diff(2).max(column.abs_diff(2));
                    // The white ring has half the modules of the black ones.
                    score += if ring == 1 { -2.0 * black } else { *black };
                }
            }
            // Near places are likelier, a little.
            score -= 0.2 * (across.abs_diff(steps) + down.abs_diff(steps)) as f32 / reach;
            let is_near = |peak: &&mut (f32, f32, f32)| (peak.1 - u).abs() + (peak.2 - v).abs() <= 1.5;
            if let Some(near) = peaks.iter_mut().flatten().find(is_near) {
                if score > near.0 {
                    *near = (score, u, v);
                }
                continue;
            }
            let is_worse = |peak: &Option<(f32, f32, f32)>| peak.is_none_or(|peak| score > peak.0);
            if let Some(at) = peaks.iter().position(is_worse) {
                peaks[at..].rotate_right(1);
                peaks[at] = Some((score, u, v));
            }
        }
    }
    peaks
}
