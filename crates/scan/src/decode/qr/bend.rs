//! Follows paper and cloth that bend: how far each place of a code lies beside the flat grid.
//!
//! The code is drawn once on a flat grid, in black and white that are learnt around each place. The timing patterns are
//! followed from finder pattern to finder pattern, each as a whole: a module that was lost on the way would be missing at
//! its end. From there the bend grows, node by node. Each node has a shift and slopes: so its neighbours tell where the next
//! must lie, and from there it is moved and sloped until the modules around it are as black or white as they can be. The node
//! whose neighbours fit best together comes next, so doubtful places come last, when there is something around them. At the
//! end all nodes are moved once more, with neighbours on all sides.

use super::super::view::PlaneRef;
use super::geometry::sample;
use super::layout::Layout;
use super::pose::Pose;
use super::timing::Timing;

/// Places along a module at which the code is drawn.
const PER_MODULE: usize = 4;
/// Modules around the code that are drawn too.
const MARGIN: usize = 4;
/// Places on each side from which black and white are learnt.
const LIGHT_REACH: usize = 4 * PER_MODULE;
/// Modules from node to node.
const NODE_MODULES: f32 = 2.5;
/// The most nodes along a side: what a large code costs has a bound.
const NODES_MAX: usize = 24;
/// Modules on each side of a node that it is fitted to.
const WINDOW_REACH: i32 = 3;
/// Modules on each side of the middle of a finder pattern that it is fitted to.
const PATTERN_REACH: i32 = 4;
/// Where bends are followed closely, a module has half the say of the middle one when the square of its distance is this.
const NEAR: f32 = 8.0;
/// Nodes on each side of a node that tell where it must lie.
const NEIGHBOURS_REACH: usize = 2;
/// What known modules weigh beside others.
const KNOWN_WEIGHT: f32 = 1.5;
/// What it weighs that a module is surer than what lies around its middle.
const SURE_WEIGHT: f32 = 2.0;
/// What the white around the code weighs.
const MARGIN_WEIGHT: f32 = 0.7;
/// What it costs to lie a module away from where the neighbours say.
const AWAY_COST: f32 = 0.06;
/// The eight places around one.
const AROUND: [(f32, f32); 8] =
    [(-1.0, -1.0), (0.0, -1.0), (1.0, -1.0), (-1.0, 0.0), (1.0, 0.0), (-1.0, 1.0), (0.0, 1.0), (1.0, 1.0)];
/// What a settled node fits at least.
const FIT_MIN: f32 = 0.05;
/// Steps in modules by which a node is moved the first time.
const STEPS_FIRST: [f32; 3] = [0.25, 0.25, 0.12];
/// Times that all nodes are moved with neighbours on all sides.
const SWEEPS: usize = 1;
/// The middle of a timing pattern's line, in modules.
const TIMING_MIDDLE: f32 = 6.5;
/// Nodes so far beside it lie as it does.
const TIMING_REACH: f32 = 1.6;
/// What such a node fits at least.
const TIMING_FIT_MIN: f32 = 0.2;
/// How far from its place a finder pattern is looked for, in half modules.
const FINDER_REACH: i32 = 4;
/// How far an alignment pattern is looked for.
const ALIGNMENT_REACH: i32 = 8;
/// An alignment pattern that fits worse may be none.
const ALIGNMENT_FIT_MIN: f32 = 0.7;

/// How a place and what lies around it are moved: a shift in modules, and how it changes from column to column and from
/// row to row.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Motion {
    shift: (f32, f32),
    by_column: (f32, f32),
    by_row: (f32, f32),
}

impl Motion {
    fn shifted(self, (across, down): (f32, f32)) -> Self {
        Self { shift: (self.shift.0 + across, self.shift.1 + down), ..self }
    }

    /// Adds another so many times.
    fn plus(&self, other: &Self, times: f32) -> Self {
        let add = |a: (f32, f32), b: (f32, f32)| (a.0 + times * b.0, a.1 + times * b.1);
        Self {
            shift: add(self.shift, other.shift),
            by_column: add(self.by_column, other.by_column),
            by_row: add(self.by_row, other.by_row),
        }
    }

    /// Gives how far it is from another, squared: a slope counts at the window's edge.
    fn away_from(&self, other: &Self) -> f32 {
        let apart = |a: (f32, f32), b: (f32, f32)| (a.0 - b.0).powi(2) + (a.1 - b.1).powi(2);
        apart(self.shift, other.shift)
            + (WINDOW_REACH * WINDOW_REACH) as f32
                * (apart(self.by_column, other.by_column) + apart(self.by_row, other.by_row))
    }

    /// Gives the move of a place so far from the middle.
    fn at(&self, across: f32, down: f32) -> (f32, f32) {
        (
            self.shift.0 + across * self.by_column.0 + down * self.by_row.0,
            self.shift.1 + across * self.by_column.1 + down * self.by_row.1,
        )
    }
}

/// How a grid is bent: how far each node is moved, in modules.
#[derive(Debug, Clone, Default)]
pub(super) struct Bend {
    /// The grid lies flat although its bend is known.
    is_flat: bool,
    nodes: usize,
    spacing: f32,
    motions: Vec<Motion>,
    /// How well each node fits; zero until it is settled.
    fits: Vec<f32>,
    /// How well the settled neighbours of a node fit, together.
    support: Vec<f32>,
    drawing: Drawing,
    timing: Timing,
}

/// The code as it would look on a flat grid, 1 for black and -1 for white, with a margin.
#[derive(Debug, Clone, Default)]
struct Drawing {
    side: usize,
    wide: usize,
    light: Vec<f32>,
    black: Vec<f32>,
    /// How much surer the colour of each place is than around it: high in the middle of modules, nothing where all is of
    /// one colour.
    sure: Vec<f32>,
    line: Vec<f32>,
    sums: Vec<[f32; 4]>,
    /// For each module with one more around: what is known of its colour, by weight and sign.
    known: Vec<f32>,
    /// How much say a module has so far from the middle one, by the square of the distance in modules.
    nears: Vec<f32>,
}

impl Bend {
    /// Lays the grid flat, or as it was bent before.
    pub(super) fn lay(&mut self, bent: bool) {
        self.is_flat = !bent;
    }

    /// Gives where a place of the flat grid has moved to.
    #[inline]
    pub(super) fn at(&self, u: f32, v: f32) -> (f32, f32) {
        if self.is_flat {
            return (u, v);
        }
        let last = (self.nodes - 2) as f32;
        let (x, y) = (u / self.spacing, v / self.spacing);
        let (column, row) = (x.floor().clamp(0.0, last), y.floor().clamp(0.0, last));
        let (fx, fy) = (x - column, y - row);
        let at = row as usize * self.nodes + column as usize;
        let (a, b) = (self.motions[at].shift, self.motions[at + 1].shift);
        let (c, d) = (self.motions[at + self.nodes].shift, self.motions[at + self.nodes + 1].shift);
        let mix = |a: f32, b: f32, c: f32, d: f32| {
            let (top, bottom) = (a + fx * (b - a), c + fx * (d - c));
            top + fy * (bottom - top)
        };
        (u + mix(a.0, b.0, c.0, d.0), v + mix(a.1, b.1, c.1, d.1))
    }

    /// Bends the grid to the picture; gives how much better the known modules fit than on the flat grid.
    ///
    /// In every other turn sharp bends are followed closely, from the alignment patterns too; in those between it is rather
    /// noise that does little harm. What one frame does not give, the next may.
    pub(super) fn follow(&mut self, luma: PlaneRef<'_>, pose: &Pose, layout: &Layout, turn: usize) -> f32 {
        let side = layout.side;
        self.is_flat = false;
        self.drawing.draw(luma, pose, layout);
        let closely = !turn.is_multiple_of(2);
        self.drawing.nears.clear();
        self.drawing.nears.extend(
            (0..=2 * PATTERN_REACH.pow(2))
                .map(|away| if closely { NEAR / (NEAR + away as f32) } else { 1.0 }),
        );
        self.nodes = ((side as f32 / NODE_MODULES).round() as usize).clamp(2, NODES_MAX - 1) + 1;
        self.spacing = side as f32 / (self.nodes - 1) as f32;
        let count = self.nodes * self.nodes;
        self.fits.clear();
        self.fits.resize(count, 0.0);
        self.motions.clear();
        self.motions.resize(count, Motion::default());
        let flat = self.fit(layout);
        let far = side as f32 - 3.5;
        let finders = [(3.5, 3.5), (far, 3.5), (3.5, far)]
            .map(|(u, v)| self.settle_pattern(u, v, PATTERN_REACH, FINDER_REACH, 0.0));
        self.settle_timing(finders[0], finders[1], false);
        self.settle_timing(finders[0], finders[2], true);
        for &(column, row) in layout.alignments.iter().filter(|_| closely) {
            let (u, v) = (column as f32 + 0.5, row as f32 + 0.5);
            self.settle_pattern(u, v, 2, ALIGNMENT_REACH, ALIGNMENT_FIT_MIN);
        }
        self.support.clear();
        self.support.resize(count, 0.0);
        for node in 0..count {
            if self.fits[node] > 0.0 {
                self.support_around(node);
            }
        }
        // Each node is settled once.
        for _ in 0..count {
            let left = (0..count).filter(|&node| self.fits[node] == 0.0 && self.support[node] > 0.0);
            let Some(node) = left.max_by(|&a, &b| self.support[a].total_cmp(&self.support[b])) else { break };
            self.settle(node, true);
            self.support_around(node);
        }
        for _ in 0..SWEEPS {
            for node in 0..count {
                self.settle(node, false);
            }
        }
        self.fit(layout) - flat
    }

    fn place(&self, node: usize) -> (f32, f32) {
        ((node % self.nodes) as f32 * self.spacing, (node / self.nodes) as f32 * self.spacing)
    }

    /// Lets a settled node support its neighbours.
    fn support_around(&mut self, node: usize) {
        let (column, row) = (node % self.nodes, node / self.nodes);
        for y in row.saturating_sub(1)..(row + 2).min(self.nodes) {
            for x in column.saturating_sub(1)..(column + 2).min(self.nodes) {
                self.support[y * self.nodes + x] += self.fits[node];
            }
        }
    }

    /// Finds a pattern of so many modules to each side beside its place on the flat grid, up to so many half modules away,
    /// and settles the nodes on it if it fits well enough.
    fn settle_pattern(&mut self, u: f32, v: f32, half: i32, reach: i32, fit_min: f32) -> Motion {
        let drawing = &self.drawing;
        let mut best = (f32::MIN, Motion::default());
        let consider = |motion: Motion, best: &mut (f32, Motion)| {
            let away = motion.shift.0.powi(2) + motion.shift.1.powi(2);
            let score = drawing.score(u, v, &motion, half) - 0.02 * away;
            if score > best.0 {
                *best = (score, motion);
            }
        };
        for down in -reach..=reach {
            for across in -reach..=reach {
                let shift = (across as f32 * 0.5, down as f32 * 0.5);
                consider(Motion::default().shifted(shift), &mut best);
            }
        }
        for step in [0.25_f32, 0.25, 0.25, 0.12, 0.12] {
            climb(&mut best, step, consider);
        }
        let (score, motion) = best;
        if score < fit_min {
            return motion;
        }
        for node in 0..self.motions.len() {
            let (x, y) = self.place(node);
            if (x - u).abs().max((y - v).abs()) <= half as f32 {
                self.motions[node] = Motion { shift: motion.at(x - u, y - v), ..motion };
                self.fits[node] = score.max(FIT_MIN);
            }
        }
        motion
    }

    /// Settles the nodes along the timing pattern between two finder patterns, to the right or `down`.
    fn settle_timing(&mut self, start: Motion, end: Motion, down: bool) {
        let side = self.drawing.side;
        let (first, last) = (6, side - 7);
        let turned = |(along, beside): (f32, f32)| if down { (beside, along) } else { (along, beside) };
        // Where the finder patterns say that their last modules in the line lie.
        let from = start.at(3.0, 3.0);
        let (across, below) = turned((-3.0, 3.0));
        let to = end.at(across, below);
        let Self { drawing, timing, .. } = self;
        let score = |at: usize, moved: (f32, f32)| drawing.timing_score(at, moved, down);
        timing.follow((first, last), (turned(from), turned(to)), score);
        for node in 0..self.motions.len() {
            let (x, y) = self.place(node);
            let (along, beside) = turned((x, y));
            if self.fits[node] > 0.0
                || (beside - TIMING_MIDDLE).abs() > TIMING_REACH
                || !(first as f32 + 0.5..last as f32 + 0.5).contains(&along)
            {
                continue;
            }
            let shift = turned(self.timing.at(along));
            let (before, after) = (self.timing.at(along - 1.5), self.timing.at(along + 1.5));
            let slope = turned(((after.0 - before.0) / 3.0, (after.1 - before.1) / 3.0));
            let mut seen = Motion { shift, ..Motion::default() };
            *(if down { &mut seen.by_row } else { &mut seen.by_column }) = slope;
            let (fit, motion) = self.drawing.fitted((x, y), seen, None, &STEPS_FIRST);
            if fit >= TIMING_FIT_MIN {
                self.motions[node] = motion;
                self.fits[node] = fit;
            }
        }
    }

    /// Moves a node to where its neighbours say and the picture fits best; the `first` time in a wider reach.
    fn settle(&mut self, node: usize, first: bool) {
        let (u, v) = self.place(node);
        let (around, steps): (f32, &[f32]) = if first { (0.5, &STEPS_FIRST) } else { (0.25, &[0.12]) };
        let (fit, motion) = self.drawing.fitted((u, v), self.foreseen(node), Some(around), steps);
        self.motions[node] = motion;
        self.fits[node] = fit.max(FIT_MIN);
    }

    /// Tells from the neighbours that are settled where a node must lie, and how its surroundings are moved.
    fn foreseen(&self, node: usize) -> Motion {
        let (column, row) = (node % self.nodes, node / self.nodes);
        let reach = NEIGHBOURS_REACH;
        let (mut sum, mut weights) = ([0.0_f32; 6], 0.0_f32);
        for y in row.saturating_sub(reach)..(row + reach + 1).min(self.nodes) {
            for x in column.saturating_sub(reach)..(column + reach + 1).min(self.nodes) {
                let other = y * self.nodes + x;
                if other == node || self.fits[other] == 0.0 {
                    continue;
                }
                let (dx, dy) = (column as f32 - x as f32, row as f32 - y as f32);
                let motion = self.motions[other];
                let shift = motion.at(dx * self.spacing, dy * self.spacing);
                let weight = self.fits[other].powi(2) / (dx * dx + dy * dy).powi(2);
                let terms = [
                    shift.0,
                    shift.1,
                    motion.by_column.0,
                    motion.by_column.1,
                    motion.by_row.0,
                    motion.by_row.1,
                ];
                for (sum, term) in sum.iter_mut().zip(terms) {
                    *sum += weight * term;
                }
                weights += weight;
            }
        }
        let [a, b, c, d, e, f] = sum.map(|sum| sum / weights.max(1e-9));
        Motion { shift: (a, b), by_column: (c, d), by_row: (e, f) }
    }

    /// Gives how well the known modules have their colour.
    fn fit(&self, layout: &Layout) -> f32 {
        let sum: f32 = layout
            .known
            .iter()
            .map(|known| {
                let (u, v) = self.at(f32::from(known.column) + 0.5, f32::from(known.row) + 0.5);
                known.sign * self.drawing.black[self.drawing.index_of(u, v)]
            })
            .sum();
        sum / layout.known.len().max(1) as f32
    }
}

impl Drawing {
    fn draw(&mut self, luma: PlaneRef<'_>, pose: &Pose, layout: &Layout) {
        self.side = layout.side;
        self.wide = (layout.side + 2 * MARGIN) * PER_MODULE;
        let wide = self.wide;
        let along = |at: usize| (at as f32 + 0.5) / PER_MODULE as f32 - MARGIN as f32;
        self.light.clear();
        for y in 0..wide {
            for x in 0..wide {
                let place = pose.map.at(along(x), along(y));
                self.light.push(sample(luma, place.x, place.y));
            }
        }
        self.learn_black(pose.levels.is_inverted());
        // The mean of most of a module: a place is the blacker the better a module lies around it.
        take_means(&mut self.black, &mut self.line, wide, 1);
        self.sure.clear();
        self.sure.extend(self.black.iter().map(|black| black.abs()));
        take_means(&mut self.sure, &mut self.line, wide, PER_MODULE / 2);
        for (around, black) in self.sure.iter_mut().zip(&self.black) {
            *around = SURE_WEIGHT * (black.abs() - *around);
        }
        let around = layout.side + 2;
        self.known.clear();
        self.known.resize(around * around, 0.0);
        for at in 0..around {
            for place in [at, (around - 1) * around + at, at * around, at * around + around - 1] {
                self.known[place] = -MARGIN_WEIGHT;
            }
        }
        for known in &layout.known {
            let place = (usize::from(known.row) + 1) * around + usize::from(known.column) + 1;
            self.known[place] = KNOWN_WEIGHT * known.sign;
        }
    }

    /// Turns light into black and white: first by the mean around each place, then by the means of both sides of it.
    fn learn_black(&mut self, inverted: bool) {
        let wide = self.wide;
        let flip = if inverted { -1.0 } else { 1.0 };
        for round in 0..2 {
            // Of all places above and left of one: count and sum of the dark, count and sum of the bright.
            self.sums.clear();
            self.sums.resize((wide + 1) * (wide + 1), [0.0; 4]);
            for y in 0..wide {
                let mut line = [0.0; 4];
                for x in 0..wide {
                    let at = y * wide + x;
                    let light = self.light[at];
                    let offset = if round == 1 && self.black[at] * flip > 0.0 { 0 } else { 2 };
                    line[offset] += 1.0;
                    line[offset + 1] += light;
                    let above = self.sums[y * (wide + 1) + x + 1];
                    self.sums[(y + 1) * (wide + 1) + x + 1] = std::array::from_fn(|i| line[i] + above[i]);
                }
            }
            self.black.resize(wide * wide, 0.0);
            for y in 0..wide {
                for x in 0..wide {
                    let [darks, dark, brights, bright] = self.window(x, y);
                    let at = y * wide + x;
                    let light = self.light[at];
                    self.black[at] = if round == 0 {
                        flip * (bright / brights.max(1.0) - light)
                    } else {
                        let (dark, bright) = (dark / darks.max(1.0), bright / brights.max(1.0));
                        let half = ((bright - dark) / 2.0).max(1.5);
                        flip * (((dark + bright) / 2.0 - light) / half).clamp(-1.3, 1.3)
                    };
                }
            }
        }
    }

    fn window(&self, x: usize, y: usize) -> [f32; 4] {
        let line = self.wide + 1;
        let (left, top) = (x.saturating_sub(LIGHT_REACH), y.saturating_sub(LIGHT_REACH));
        let (right, bottom) = ((x + LIGHT_REACH + 1).min(self.wide), (y + LIGHT_REACH + 1).min(self.wide));
        let at = |x: usize, y: usize| self.sums[y * line + x];
        let (a, b, c, d) = (at(left, top), at(right, top), at(left, bottom), at(right, bottom));
        std::array::from_fn(|i| d[i] - b[i] - c[i] + a[i])
    }

    #[inline]
    fn index_of(&self, u: f32, v: f32) -> usize {
        let along = |at: f32| {
            (((at + MARGIN as f32) * PER_MODULE as f32).max(0.0) as usize).min(self.wide.saturating_sub(1))
        };
        along(v) * self.wide + along(u)
    }

    /// Judges how well a module of a timing pattern and those beside it fit when they are moved.
    fn timing_score(&self, at: usize, (along, beside): (f32, f32), down: bool) -> f32 {
        let mut sum = 0.0;
        for line in 4..9_usize {
            let (column, row) = if down { (line, at) } else { (at, line) };
            let (across, below) = if down { (beside, along) } else { (along, beside) };
            let place = self.index_of(column as f32 + 0.5 + across, row as f32 + 0.5 + below);
            let known = self.known[(row + 1) * (self.side + 2) + column + 1];
            sum += if known == 0.0 { self.sure[place] } else { known * self.black[place] };
        }
        sum
    }

    /// Moves and slopes a place from where it is foreseen, first to one of the places `around` it, then by these steps,
    /// until the modules around it fit best; says how well they do.
    fn fitted(
        &self,
        (u, v): (f32, f32),
        foreseen: Motion,
        around: Option<f32>,
        steps: &[f32],
    ) -> (f32, Motion) {
        let judge = |motion: &Motion| {
            self.score(u, v, motion, WINDOW_REACH) - AWAY_COST * motion.away_from(&foreseen)
        };
        let mut best = (judge(&foreseen), foreseen);
        let consider = |motion: Motion, best: &mut (f32, Motion)| {
            let score = judge(&motion);
            if score > best.0 {
                *best = (score, motion);
            }
        };
        if let Some(step) = around {
            for (across, down) in AROUND {
                consider(foreseen.shifted((across * step, down * step)), &mut best);
            }
        }
        for &step in steps {
            climb(&mut best, step, consider);
        }
        best
    }

    /// Judges how well the modules around a place fit when it is moved.
    fn score(&self, u: f32, v: f32, motion: &Motion, reach: i32) -> f32 {
        let side = self.side as i32;
        let (middle_column, middle_row) = ((u - 0.5).round() as i32, (v - 0.5).round() as i32);
        let columns = (middle_column - reach).max(-1)..(middle_column + reach + 1).min(side + 1);
        let (mut sum, mut weights) = (0.0, 0.0);
        for row in (middle_row - reach).max(-1)..(middle_row + reach + 1).min(side + 1) {
            let y = row as f32 + 0.5;
            let known_line = ((row + 1) as usize * (self.side + 2)) as i32 + 1;
            for column in columns.clone() {
                let x = column as f32 + 0.5;
                let (across, down) = motion.at(x - u, y - v);
                let at = self.index_of(x + across, y + down);
                let known = self.known[(known_line + column) as usize];
                let away = (column - middle_column).pow(2) + (row - middle_row).pow(2);
                let near = self.nears[away as usize];
                if known == 0.0 {
                    sum += near * self.sure[at];
                    weights += near;
                } else {
                    sum += near * known * self.black[at];
                    weights += near * known.abs();
                }
            }
        }
        sum / f32::max(weights, 1.0)
    }
}

/// Goes a step in each direction that makes it better: shifted, or sloped so that the window's edge is shifted as far.
fn climb(best: &mut (f32, Motion), step: f32, consider: impl Fn(Motion, &mut (f32, Motion))) {
    let slope = step / WINDOW_REACH as f32;
    let ways = [
        Motion { shift: (step, 0.0), ..Motion::default() },
        Motion { shift: (0.0, step), ..Motion::default() },
        Motion { by_column: (slope, 0.0), ..Motion::default() },
        Motion { by_column: (0.0, slope), ..Motion::default() },
        Motion { by_row: (slope, 0.0), ..Motion::default() },
        Motion { by_row: (0.0, slope), ..Motion::default() },
    ];
    for way in ways {
        let from = *best;
        consider(from.1.plus(&way, 1.0), best);
        if best.1 == from.1 {
            consider(from.1.plus(&way, -1.0), best);
        }
    }
}

/// Puts the mean of the places within a reach in the place of each, along the rows and then down the columns; at the edges
/// it leaves them alone.
fn take_means(plane: &mut [f32], line: &mut Vec<f32>, wide: usize, reach: usize) {
    let count = (2 * reach + 1) as f32;
    for (step, from) in [(1, wide), (wide, 1)] {
        for start in 0..wide {
            line.clear();
            line.extend((0..wide).map(|at| plane[start * from + at * step]));
            let mut sum: f32 = line[..2 * reach].iter().sum();
            for at in reach..wide - reach {
                sum += line[at + reach];
                plane[start * from + at * step] = sum / count;
                sum -= line[at - reach];
            }
        }
    }
}
