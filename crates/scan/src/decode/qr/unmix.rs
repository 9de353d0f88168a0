//! Reads modules that blur has mixed, by guessing all of them together.
//!
//! Blur adds to each module a share of its neighbours. The shares are estimated from the modules believed so far; then each
//! module is judged by what is left of it and its neighbours once everybody else's share is taken away. Both steps
//! repeat, and what the error correction proved in the meantime is held fixed. This goes further than weights that undo
//! the blur in one step: those must raise the noise wherever blur took much away.

use super::equaliser::solve_symmetric;
use super::layout::Layout;

/// Modules on each side whose shares are estimated.
const REACH: isize = 2;
const WIDE: usize = 2 * REACH as usize + 1;
const TAPS: usize = WIDE * WIDE;
/// The shares, and a constant.
const TERMS: usize = TAPS + 1;
/// How strongly shares are held to zero, in modules' worth of evidence.
const RIDGE: f64 = 2.0;
const SURE_MAX: f32 = 9.0;
/// Passes over all modules between two estimates of the shares.
const SWEEPS: usize = 4;

/// Scratch memory.
#[derive(Debug, Clone, Default)]
pub(super) struct Unmixer {
    /// Believed colours with a white margin around, -1 to 1.
    beliefs: Vec<f32>,
    /// Seen blackness, with the same margin.
    seen: Vec<f32>,
    rest: Vec<f32>,
    /// Whether a module's colour is known.
    fixed: Vec<bool>,
    matrix: Vec<f64>,
    right: Vec<f64>,
}

impl Unmixer {
    /// Judges the modules anew. `seen` is how black each is, `soft` the odds so far, which are overwritten.
    pub(super) fn run(
        &mut self,
        layout: &Layout,
        seen: &[f32],
        proven: &[f32],
        soft: &mut [f32],
        rounds: usize,
    ) {
        let side = layout.side;
        let wide = side + 2 * REACH as usize;
        let at = |row: usize, column: usize| (row + REACH as usize) * wide + column + REACH as usize;
        // Around the code it is white.
        self.beliefs.clear();
        self.beliefs.resize(wide * wide, -1.0);
        self.seen.clear();
        self.seen.resize(wide * wide, -1.0);
        for row in 0..side {
            for column in 0..side {
                let place = row * side + column;
                self.seen[at(row, column)] = seen[place];
                self.beliefs[at(row, column)] = belief(soft[place]);
            }
        }
        self.fixed.clear();
        self.fixed.resize(side * side, false);
        for known in &layout.known {
            let (row, column) = (usize::from(known.row), usize::from(known.column));
            self.beliefs[at(row, column)] = known.sign;
            self.fixed[row * side + column] = true;
        }
        for (place, &sign) in proven.iter().enumerate() {
            if sign != 0.0 {
                self.beliefs[at(place / side, place % side)] = sign;
                self.fixed[place] = true;
            }
        }
        for _ in 0..rounds {
            let Some((shares, constant)) = self.estimate(side, wide) else { return };
            let energy: f32 = shares.iter().map(|share| share * share).sum();
            let noise = self.subtract(side, wide, &shares, constant).max(0.002);
            for _ in 0..SWEEPS {
                for row in 0..side {
                    for column in 0..side {
                        let place = row * side + column;
                        if self.fixed[place] {
                            continue;
                        }
                        let middle = at(row, column);
                        let old = self.beliefs[middle];
                        // What is left around, had this module no colour.
                        let mut matched = energy * old;
                        for_taps(wide, |tap, offset| {
                            matched += shares[TAPS - 1 - tap] * self.rest[middle.wrapping_add_signed(offset)];
                        });
                        let odds = (2.0 * matched / noise).clamp(-SURE_MAX, SURE_MAX);
                        soft[place] = odds;
                        let new = belief(odds);
                        let change = new - old;
                        if change.abs() > 1e-3 {
                            self.beliefs[middle] = new;
                            for_taps(wide, |tap, offset| {
                                self.rest[middle.wrapping_add_signed(offset)] -=
                                    change * shares[TAPS - 1 - tap];
                            });
                        }
                    }
                }
            }
        }
    }

    /// Estimates the shares by least squares; the tap in the middle is the module's own.
    fn estimate(&mut self, side: usize, wide: usize) -> Option<([f32; TAPS], f32)> {
        let mut sums = [[0.0_f32; TERMS]; TERMS];
        let mut right = [0.0_f32; TERMS];
        let mut terms = [1.0_f32; TERMS];
        for row in 0..side {
            for column in 0..side {
                let middle = (row + REACH as usize) * wide + column + REACH as usize;
                for_taps(wide, |tap, offset| terms[tap] = self.beliefs[middle.wrapping_add_signed(offset)]);
                let seen = self.seen[middle];
                for (index, &term) in terms.iter().enumerate() {
                    right[index] += term * seen;
                    for (sum, &other) in sums[index][index..].iter_mut().zip(&terms[index..]) {
                        *sum += term * other;
                    }
                }
            }
        }
        self.matrix.clear();
        self.matrix.resize(TERMS * TERMS, 0.0);
        for (index, line) in sums.iter().enumerate() {
            for (other, &sum) in line.iter().enumerate().skip(index) {
                self.matrix[index * TERMS + other] = f64::from(sum);
                self.matrix[other * TERMS + index] = f64::from(sum);
            }
            self.matrix[index * TERMS + index] += RIDGE;
        }
        self.right.clear();
        self.right.extend(right.iter().map(|&term| f64::from(term)));
        if !solve_symmetric(&mut self.matrix, &mut self.right) {
            return None;
        }
        let shares = std::array::from_fn(|tap| self.right[tap] as f32);
        Some((shares, self.right[TAPS] as f32))
    }

    /// Takes all shares away from what is seen; gives the mean square of what is left.
    fn subtract(&mut self, side: usize, wide: usize, shares: &[f32; TAPS], constant: f32) -> f32 {
        self.rest.clear();
        self.rest.resize(wide * wide, 0.0);
        let mut squares = 0.0;
        for row in 0..side {
            for column in 0..side {
                let middle = (row + REACH as usize) * wide + column + REACH as usize;
                let mut model = constant;
                for_taps(wide, |tap, offset| {
                    model += shares[tap] * self.beliefs[middle.wrapping_add_signed(offset)];
                });
                let rest = self.seen[middle] - model;
                self.rest[middle] = rest;
                squares += rest * rest;
            }
        }
        squares / (side * side) as f32
    }
}

/// Calls for each tap with its number and its place beside the middle.
#[inline]
fn for_taps(wide: usize, mut visit: impl FnMut(usize, isize)) {
    let mut tap = 0;
    for row in -REACH..=REACH {
        for column in -REACH..=REACH {
            visit(tap, row * wide as isize + column);
            tap += 1;
        }
    }
}

fn belief(odds: f32) -> f32 {
    (odds / 2.0).tanh()
}
