//! Completes two finder patterns to three: the third is looked for where it must be, if need be behind glare or dirt.
//!
//! Two patterns leave six places for the third: beside either of them, on both sides, when they share an edge of the
//! code; on both sides of their middle when they lie across it.

use super::super::geometry::Corner;
use super::super::view::PlaneRef;
use super::finder::Finder;
use super::geometry::sample;
use super::triples::{Frame, Levels, Triple, by_cost, levels_at, levels_of};

/// The patterns that are completed: the surest ones.
const FINDERS_PAIRED_MAX: usize = 7;
/// A pattern that is less clear is not sure enough.
const CLARITY_MIN: f32 = 3.0;
/// Unless so many rows crossed it.
const SHARE_MIN: f32 = 0.75;
/// The most completions that are kept.
const PAIRS_MAX: usize = 16;
/// How far from its place the third pattern may lie, in half modules.
const REACH_STEPS: usize = 6;
/// Half modules that are sampled along each direction to find it: its outermost modules lie three from its middle.
const LATTICE: usize = 2 * (REACH_STEPS + 6) + 1;
/// How well each of the two must fit its picture.
const FIT_MIN: f32 = 0.5;
/// From here on the third pattern may have been seen.
const SEEN_FIT_MIN: f32 = 0.30;
/// From here on it was seen, and its place need not be guessed.
const SURE_FIT_MIN: f32 = 0.62;

/// One way to complete a pair.
struct Completion {
    corner: Corner,
    right: Corner,
    below: Corner,
    /// Which of the three was not found: 0 the corner, 1 the right one, 2 the lower one.
    missing: usize,
}

/// Adds the triples that two patterns and a guessed third make; the likeliest first.
pub(super) fn complete(finders: &[Finder], luma: PlaneRef<'_>, out: &mut Vec<Triple>) {
    out.clear();
    let sure = || {
        finders
            .iter()
            .filter(|finder| finder.clarity >= CLARITY_MIN || finder.share() >= SHARE_MIN)
            .take(FINDERS_PAIRED_MAX)
    };
    for (at, one) in sure().enumerate() {
        for other in sure().skip(at + 1) {
            let ratio = one.module() / other.module();
            if one.inverted == other.inverted && (0.66..1.5).contains(&ratio) {
                complete_pair(one, other, luma, out);
            }
        }
    }
    out.sort_unstable_by(by_cost);
    out.truncate(PAIRS_MAX);
}

fn complete_pair(one: &Finder, other: &Finder, luma: PlaneRef<'_>, out: &mut Vec<Triple>) {
    let (a, b) = (one.centre, other.centre);
    let (dx, dy) = (b.x - a.x, b.y - a.y);
    let length = dx.hypot(dy);
    let width = (one.module() + other.module()) / 2.0;
    // Along a slanting line a pattern looks wider than it is: by 1/cos of the angle to the nearer axis.
    let slant = dx.abs().max(dy.abs()) / length.max(1.0);
    let add = |corner: (f32, f32), right: (f32, f32), below: (f32, f32)| {
        let place = |(x, y): (f32, f32)| Corner::new(x, y);
        (place(corner), place(right), place(below))
    };
    let ways_of = |sense: f32| {
        let (px, py) = (-dy * sense, dx * sense);
        let (from_a, from_b) = ((a.x + px, a.y + py), (b.x + px, b.y + py));
        // The third must lie so that right, corner, below turn as in a code.
        let (corner, right, below) = if sense > 0.0 {
            add((a.x, a.y), (b.x, b.y), from_a)
        } else {
            add((a.x, a.y), from_a, (b.x, b.y))
        };
        let one = Completion { corner, right, below, missing: if sense > 0.0 { 2 } else { 1 } };
        let (corner, right, below) = if sense > 0.0 {
            add((b.x, b.y), from_b, (a.x, a.y))
        } else {
            add((b.x, b.y), (a.x, a.y), from_b)
        };
        let other = Completion { corner, right, below, missing: if sense > 0.0 { 1 } else { 2 } };
        let middle = ((a.x + b.x + px) / 2.0, (a.y + b.y + py) / 2.0);
        let (corner, right, below) = if sense > 0.0 {
            add(middle, (a.x, a.y), (b.x, b.y))
        } else {
            add(middle, (b.x, b.y), (a.x, a.y))
        };
        [one, other, Completion { corner, right, below, missing: 0 }]
    };
    for way in [ways_of(1.0), ways_of(-1.0)].into_iter().flatten() {
        let leg = (way.right.x - way.corner.x).hypot(way.right.y - way.corner.y);
        let module = if way.missing == 0 { width * slant_of(&way) } else { width * slant };
        let side = leg / module.max(0.5) + 7.0;
        if (18.0..120.0).contains(&side) {
            complete_way(&way, module, side, one.inverted, luma, out);
        }
    }
}

/// Gives the cosine of the angle between a leg and the nearer axis.
fn slant_of(way: &Completion) -> f32 {
    let (dx, dy) = (way.right.x - way.corner.x, way.right.y - way.corner.y);
    dx.abs().max(dy.abs()) / dx.hypot(dy).max(1.0)
}

fn complete_way(
    way: &Completion,
    module: f32,
    side: f32,
    inverted: bool,
    luma: PlaneRef<'_>,
    out: &mut Vec<Triple>,
) {
    let unit = |from: Corner, to: Corner| {
        let length = (to.x - from.x).hypot(to.y - from.y).max(1.0);
        Corner::new((to.x - from.x) / length * module, (to.y - from.y) / length * module)
    };
    let frame = Frame { right: unit(way.corner, way.right), below: unit(way.corner, way.below) };
    let centres = [way.corner, way.right, way.below];
    let mut levels = [Levels::default(); 3];
    let mut misfit = 0.0;
    for at in (0..3).filter(|&at| at != way.missing) {
        let (found, fit) = levels_at(luma, centres[at], frame, inverted);
        if fit < FIT_MIN {
            return;
        }
        levels[at] = found;
        misfit += 1.0 - fit;
    }
    let guess = centres[way.missing];
    let inside =
        |at: Corner| at.x > 0.0 && at.y > 0.0 && at.x < luma.width as f32 && at.y < luma.height as f32;
    if !inside(guess) {
        return;
    }
    // All places and all modules of the pattern lie on one lattice of half modules, so each is sampled once.
    let from_guess = |step: usize, middle: usize| (step as f32 - middle as f32) * 0.5;
    let mut lattice = [[0.0_f32; LATTICE]; LATTICE];
    for (down, line) in lattice.iter_mut().enumerate() {
        for (across, light) in line.iter_mut().enumerate() {
            let at = frame.at(guess, from_guess(across, LATTICE / 2), from_guess(down, LATTICE / 2));
            *light = sample(luma, at.x, at.y);
        }
    }
    let mut best = (Levels::default(), 0.0, guess);
    for down in 0..=2 * REACH_STEPS {
        for across in 0..=2 * REACH_STEPS {
            let light = |column: usize, row: usize| lattice[down + 2 * row][across + 2 * column];
            let (found, fit) = levels_of(light, inverted);
            let (u, v) = (from_guess(across, REACH_STEPS), from_guess(down, REACH_STEPS));
            let near = fit - 0.02 * (u.abs() + v.abs());
            if near > best.1 {
                best = (found, near, frame.at(guess, u, v));
            }
        }
    }
    if best.1 >= SEEN_FIT_MIN {
        let (mut seen_centres, mut seen_levels) = (centres, levels);
        seen_levels[way.missing] = best.0;
        seen_centres[way.missing] = best.2;
        out.push(Triple {
            centres: seen_centres,
            levels: seen_levels,
            side,
            inverted,
            cost: misfit - best.1,
        });
    }
    if best.1 < SURE_FIT_MIN {
        // Nothing may be seen there at all: then the light of the others must do.
        let others = (0..3).filter(|&at| at != way.missing).map(|at| levels[at]);
        let sum = others.fold(Levels::default(), |sum, level| Levels {
            threshold: sum.threshold + level.threshold / 2.0,
            amplitude: sum.amplitude + level.amplitude / 2.0,
        });
        levels[way.missing] = sum;
        out.push(Triple { centres, levels, side, inverted, cost: misfit });
    }
}
