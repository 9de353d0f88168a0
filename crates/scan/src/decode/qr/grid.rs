//! Samples the modules of a code and tells how black each is.
//!
//! Light differs from place to place, so black and white are learnt around each module from its neighbours. Paper and
//! cloth bend, so the grid may be moved a little at nodes a few modules apart: from node to node, each beginning where
//! its neighbours ended.

use super::super::view::PlaneRef;
use super::geometry::sample;
use super::layout::Layout;
use super::pose::Pose;

/// Modules on each side of a module from which black and white are learnt.
const LIGHT_REACH: usize = 4;
/// The surest a module can be.
const SURE_MAX: f32 = 9.0;
/// Modules from node to node of the bent grid.
const NODE_MODULES: f32 = 5.0;
/// Half the window that a node is fitted to, in modules.
const NODE_REACH: i32 = 3;

/// How a grid is bent: how far each node is moved, in modules.
#[derive(Debug, Clone, Default)]
pub(super) struct Bend {
    nodes: usize,
    spacing: f32,
    moves: Vec<(f32, f32)>,
    settled: Vec<bool>,
    order: Vec<usize>,
}

impl Bend {
    fn start(&mut self, side: usize) {
        self.nodes = ((side as f32 / NODE_MODULES).round() as usize).max(2) + 1;
        self.spacing = side as f32 / (self.nodes - 1) as f32;
        self.moves.clear();
        self.moves.resize(self.nodes * self.nodes, (0.0, 0.0));
        self.settled.clear();
        self.settled.resize(self.nodes * self.nodes, false);
    }

    /// Lays the grid flat again.
    pub(super) fn flatten(&mut self) {
        self.nodes = 0;
    }

    /// Gives where a place of the flat grid has moved to.
    #[inline]
    fn at(&self, u: f32, v: f32) -> (f32, f32) {
        if self.nodes == 0 {
            return (u, v);
        }
        let last = (self.nodes - 2) as f32;
        let (x, y) = (u / self.spacing, v / self.spacing);
        let (column, row) = (x.floor().clamp(0.0, last), y.floor().clamp(0.0, last));
        let (fx, fy) = (x - column, y - row);
        let at = row as usize * self.nodes + column as usize;
        let (a, b) = (self.moves[at], self.moves[at + 1]);
        let (c, d) = (self.moves[at + self.nodes], self.moves[at + self.nodes + 1]);
        let mix = |a: f32, b: f32, c: f32, d: f32| {
            let (top, bottom) = (a + fx * (b - a), c + fx * (d - c));
            top + fy * (bottom - top)
        };
        (u + mix(a.0, b.0, c.0, d.0), v + mix(a.1, b.1, c.1, d.1))
    }
}

/// The modules of one code: how bright they are, and how black that is there.
#[derive(Debug, Clone, Default)]
pub(super) struct Grid {
    pub(super) side: usize,
    values: Vec<f32>,
    /// The brightness between black and white around each module.
    thresholds: Vec<f32>,
    /// Half the difference of black and white around each module; negative when light on dark.
    amplitudes: Vec<f32>,
    /// How far the modules around each are from the mean of their colour, squared.
    spreads: Vec<f32>,
    /// The logarithm of the odds that a module is black.
    pub(super) soft: Vec<f32>,
    pub(super) bend: Bend,
    sums: Vec<[f32; 6]>,
    /// 1, -1 or, when not known, 0.
    signs: Vec<f32>,
    /// Whether the layout tells a module's colour.
    fixed: Vec<bool>,
    next: Vec<f32>,
}

impl Grid {
    /// Samples all modules and judges them.
    pub(super) fn take(&mut self, luma: PlaneRef<'_>, pose: &Pose, layout: &Layout) {
        let side = layout.side;
        self.side = side;
        self.values.clear();
        self.signs.clear();
        for row in 0..side {
            for column in 0..side {
                let (u, v) = (column as f32 + 0.5, row as f32 + 0.5);
                let mean = [(0.0, 0.0), (-0.22, 0.0), (0.22, 0.0), (0.0, -0.22), (0.0, 0.22)]
                    .into_iter()
                    .map(|(du, dv)| self.value_at(luma, pose, u + du, v + dv))
                    .sum::<f32>()
                    / 5.0;
                self.values.push(mean);
                self.signs.push(pose.levels.blackness(u, v, mean));
            }
        }
        for known in &layout.known {
            self.signs[usize::from(known.row) * side + usize::from(known.column)] = known.sign;
        }
        self.fixed.clear();
        self.fixed.resize(side * side, false);
        for known in &layout.known {
            self.fixed[usize::from(known.row) * side + usize::from(known.column)] = true;
        }
        let inverted = pose.levels.is_inverted();
        for _ in 0..3 {
            self.learn_light(inverted);
            for (at, sign) in self.signs.iter_mut().enumerate() {
                if layout.is_data[at] {
                    *sign = (self.thresholds[at] - self.values[at]) / self.amplitudes[at];
                }
            }
        }
        self.judge();
    }

    #[inline]
    fn value_at(&self, luma: PlaneRef<'_>, pose: &Pose, u: f32, v: f32) -> f32 {
        let (u, v) = self.bend.at(u, v);
        let place = pose.map.at(u, v);
        sample(luma, place.x, place.y)
    }

    /// Learns black and white around each module from the signs so far.
    fn learn_light(&mut self, inverted: bool) {
        let side = self.side;
        // Sums over all modules above and left of a place: count, sum and squares of each colour.
        self.sums.clear();
        self.sums.resize((side + 1) * (side + 1), [0.0; 6]);
        for row in 0..side {
            let mut line = [0.0; 6];
            for column in 0..side {
                let at = row * side + column;
                let (value, black) = (self.values[at], self.signs[at] > 0.0);
                let offset = if black { 0 } else { 3 };
                line[offset] += 1.0;
                line[offset + 1] += value;
                line[offset + 2] += value * value;
                let above = self.sums[row * (side + 1) + column + 1];
                self.sums[(row + 1) * (side + 1) + column + 1] = std::array::from_fn(|i| line[i] + above[i]);
            }
        }
        self.thresholds.clear();
        self.amplitudes.clear();
        self.spreads.clear();
        let all = self.window(0, 0, side, side);
        for row in 0..side {
            for column in 0..side {
                let (top, left) = (row.saturating_sub(LIGHT_REACH), column.saturating_sub(LIGHT_REACH));
                let (bottom, right) =
                    ((row + LIGHT_REACH + 1).min(side), (column + LIGHT_REACH + 1).min(side));
                let mut here = self.window(left, top, right, bottom);
                // A little of the whole code keeps windows of one colour sane.
                for (sum, whole) in here.iter_mut().zip(all) {
                    *sum += whole * 2.0 / (side * side) as f32;
                }
                let [blacks, black, black_squares, whites, white, white_squares] = here;
                let (black_mean, white_mean) = (black / blacks.max(1e-3), white / whites.max(1e-3));
                let half = (white_mean - black_mean) / 2.0;
                let amplitude = if inverted { half.min(-1.5) } else { half.max(1.5) };
                let spread = (black_squares - black * black_mean + white_squares - white * white_mean)
                    / (blacks + whites).max(1.0);
                self.thresholds.push((black_mean + white_mean) / 2.0);
                self.amplitudes.push(amplitude);
                self.spreads.push(spread.max(0.0));
            }
        }
    }

    fn window(&self, left: usize, top: usize, right: usize, bottom: usize) -> [f32; 6] {
        let wide = self.side + 1;
        let at = |column: usize, row: usize| self.sums[row * wide + column];
        let (a, b, c, d) = (at(left, top), at(right, top), at(left, bottom), at(right, bottom));
        std::array::from_fn(|i| d[i] - b[i] - c[i] + a[i])
    }

    /// Turns brightness into odds: where colours lie far apart and scatter little, a module is sure.
    fn judge(&mut self) {
        self.soft.clear();
        for at in 0..self.values.len() {
            let amplitude = self.amplitudes[at];
            let odds = 2.0 * (self.thresholds[at] - self.values[at]) * amplitude / (self.spreads[at] + 4.0);
            self.soft.push(odds.clamp(-SURE_MAX, SURE_MAX));
        }
    }

    /// Gives how black a brightness is at a module, about -1 for white and 1 for black.
    #[inline]
    fn blackness(&self, column: usize, row: usize, value: f32) -> f32 {
        let at = row * self.side + column;
        ((self.thresholds[at] - value) / self.amplitudes[at]).clamp(-1.3, 1.3)
    }

    /// Bends the grid so that modules are as black or white as they can be. The light must have been learnt.
    pub(super) fn bend(&mut self, luma: PlaneRef<'_>, pose: &Pose, layout: &Layout) {
        let mut bend = std::mem::take(&mut self.bend);
        bend.start(layout.side);
        self.bend.flatten();
        let side = layout.side;
        self.signs.clear();
        self.signs.resize(side * side, 0.0);
        for known in &layout.known {
            self.signs[usize::from(known.row) * side + usize::from(known.column)] = known.sign;
        }
        // From the corner with the first pattern outwards: each node has neighbours that are settled.
        let mut order = std::mem::take(&mut bend.order);
        order.clear();
        order.extend(0..bend.nodes * bend.nodes);
        let last = bend.nodes - 1;
        let distance = |node: &usize| {
            let (row, column) = (node / bend.nodes, node % bend.nodes);
            [(0, 0), (0, last), (last, 0)]
                .into_iter()
                .map(|(y, x): (usize, usize)| row.abs_diff(y) + column.abs_diff(x))
                .min()
        };
        order.sort_unstable_by_key(|node| (distance(node), *node));
        for &node in &order {
            let (row, column) = (node / bend.nodes, node % bend.nodes);
            let start = settled_around(&bend, row, column);
            let (u, v) = (column as f32 * bend.spacing, row as f32 * bend.spacing);
            let mut best = (self.node_score(luma, pose, u, v, start, start), start);
            for step in [0.3_f32, 0.15, 0.07] {
                let middle = best.1;
                let reach = if step > 0.2 { 2 } else { 1 };
                for down in -reach..=reach {
                    for across in -reach..=reach {
                        let moved = (middle.0 + across as f32 * step, middle.1 + down as f32 * step);
                        let score = self.node_score(luma, pose, u, v, moved, start);
                        if score > best.0 {
                            best = (score, moved);
                        }
                    }
                }
            }
            bend.moves[node] = best.1;
            bend.settled[node] = true;
        }
        bend.order = order;
        self.bend = bend;
    }

    /// Judges a move of a node by the modules around it; a move away from its neighbours' costs a little.
    fn node_score(
        &self,
        luma: PlaneRef<'_>,
        pose: &Pose,
        u: f32,
        v: f32,
        moved: (f32, f32),
        start: (f32, f32),
    ) -> f32 {
        let side = self.side as i32;
        let (middle_column, middle_row) = (u as i32, v as i32);
        let (mut sum, mut count) = (0.0, 0.0);
        for row in (middle_row - NODE_REACH).max(0)..(middle_row + NODE_REACH).min(side) {
            for column in (middle_column - NODE_REACH).max(0)..(middle_column + NODE_REACH).min(side) {
                let place = pose.map.at(column as f32 + 0.5 + moved.0, row as f32 + 0.5 + moved.1);
                let black = self.blackness(column as usize, row as usize, sample(luma, place.x, place.y));
                let sign = self.signs[(row * side + column) as usize];
                if sign == 0.0 {
                    sum += black.abs();
                } else {
                    sum += 1.5 * black * sign;
                }
                count += 1.0;
            }
        }
        let away = (moved.0 - start.0).powi(2) + (moved.1 - start.1).powi(2);
        sum / f32::max(count, 1.0) - 0.25 * away
    }

    /// Writes how black each module is, about -1 for white and 1 for black.
    pub(super) fn take_blackness(&self, out: &mut Vec<f32>) {
        out.clear();
        out.extend(
            (0..self.values.len()).map(|at| self.blackness(at % self.side, at / self.side, self.values[at])),
        );
    }

    /// Follows light that changes within a few modules, as a reflex does: how far black and white lie apart stays as it
    /// was learnt, but the brightness between them is learnt anew from close by.
    pub(super) fn follow_close_light(&mut self) {
        let side = self.side;
        for _ in 0..5 {
            let mut next = std::mem::take(&mut self.next);
            next.clear();
            for row in 0..side {
                for column in 0..side {
                    let (mut sum, mut weight) = (0.0, 0.0);
                    for y in row.saturating_sub(2)..(row + 3).min(side) {
                        for x in column.saturating_sub(2)..(column + 3).min(side) {
                            let at = y * side + x;
                            let away = (y.abs_diff(row).pow(2) + x.abs_diff(column).pow(2)) as f32;
                            let near = (-away / 3.0).exp();
                            sum += near
                                * (self.values[at] + self.amplitudes[at] * self.signs[at].clamp(-1.0, 1.0));
                            weight += near;
                        }
                    }
                    next.push(sum / weight);
                }
            }
            std::mem::swap(&mut self.thresholds, &mut next);
            self.next = next;
            for (at, sign) in self.signs.iter_mut().enumerate() {
                let black = (self.thresholds[at] - self.values[at]) / self.amplitudes[at];
                *sign = if self.fixed[at] { *sign } else { (2.0 * black).clamp(-1.0, 1.0) };
            }
        }
        self.judge();
    }

    /// Writes how black the picture is at a grid of half modules, beginning `margin` modules outside the code.
    pub(super) fn take_halves(&self, luma: PlaneRef<'_>, pose: &Pose, margin: usize, out: &mut Vec<f32>) {
        let side = self.side;
        let wide = 2 * (side + 2 * margin) + 1;
        out.clear();
        for y in 0..wide {
            let v = y as f32 * 0.5 - margin as f32;
            let row = (v.max(0.0) as usize).min(side - 1);
            for x in 0..wide {
                let u = x as f32 * 0.5 - margin as f32;
                let column = (u.max(0.0) as usize).min(side - 1);
                // Four looks close by take some noise away.
                let value = [(-0.13, -0.13), (0.13, -0.13), (-0.13, 0.13), (0.13, 0.13)]
                    .into_iter()
                    .map(|(du, dv)| self.value_at(luma, pose, u + du, v + dv))
                    .sum::<f32>();
                out.push(self.blackness(column, row, value / 4.0));
            }
        }
    }
}

/// Gives the mean move of the neighbours that are settled.
fn settled_around(bend: &Bend, row: usize, column: usize) -> (f32, f32) {
    let (mut sum, mut count) = ((0.0, 0.0), 0.0);
    for y in row.saturating_sub(1)..(row + 2).min(bend.nodes) {
        for x in column.saturating_sub(1)..(column + 2).min(bend.nodes) {
            let at = y * bend.nodes + x;
            if bend.settled[at] {
                sum = (sum.0 + bend.moves[at].0, sum.1 + bend.moves[at].1);
                count += 1.0;
            }
        }
    }
    if count == 0.0 { (0.0, 0.0) } else { (sum.0 / count, sum.1 / count) }
}
