//! Samples the modules of a code and tells how black each is.
//!
//! Light differs from place to place, so black and white are learnt around each module from its neighbours. The grid is
//! sampled flat, or as paper and cloth bend it.

use super::super::view::PlaneRef;
use super::bend::Bend;
use super::geometry::sample;
use super::layout::Layout;
use super::pose::Pose;

/// Modules on each side of a module from which black and white are learnt.
const LIGHT_REACH: usize = 4;
/// The surest a module can be.
const SURE_MAX: f32 = 9.0;

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
