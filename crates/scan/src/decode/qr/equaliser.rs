//! Undoes blur: learns from the known modules how a module and its surroundings look, and reads the others by that.
//!
//! A lens out of focus, a moving hand and a grid laid a little beside the code all mix each module with its neighbours
//! in the same way all over the code. The weights that undo the mixing are found by least squares: first from the
//! modules whose colour the layout tells, then also from those that came out sure, and from blocks that the error
//! correction proved. No direction and no width of the blur has to be known.

use super::layout::Layout;

/// Half modules on each side of a module that are looked at.
pub(super) const REACH: usize = 3;
/// Modules of margin that the samples need.
pub(super) const MARGIN: usize = 2;
const TAPS: usize = (2 * REACH + 1) * (2 * REACH + 1);
/// How strongly the weights are held to "the middle alone", in modules' worth of evidence.
const RIDGE: f64 = 6.0;
/// The surest a module can be.
const SURE_MAX: f32 = 9.0;

/// Scratch memory of the equaliser.
#[derive(Debug, Clone, Default)]
pub(super) struct Equaliser {
    /// Samples at half modules, from [`super::grid::Grid::take_halves`].
    pub(super) halves: Vec<f32>,
    matrix: Vec<f64>,
    right: Vec<f64>,
    weights: Vec<f32>,
    /// What is known or believed of each module, with how much it counts.
    targets: Vec<(f32, f32)>,
    outputs: Vec<f32>,
}

impl Equaliser {
    /// Learns the weights, in several rounds, and writes the odds of each module; gives how far the modules scatter around
    /// black and white. `proven` is 1 or -1 for modules whose
    /// colour is proven, else 0.
    pub(super) fn run(&mut self, layout: &Layout, proven: &[f32], soft: &mut [f32], rounds: usize) -> f32 {
        let side = layout.side;
        self.targets.clear();
        self.targets.resize(side * side, (0.0, 0.0));
        for round in 0..rounds {
            if round > 0 {
                self.believe(layout);
            }
            for known in &layout.known {
                self.targets[usize::from(known.row) * side + usize::from(known.column)] = (known.sign, 1.0);
            }
            for (target, &sign) in self.targets.iter_mut().zip(proven) {
                if sign != 0.0 {
                    *target = (sign, 1.0);
                }
            }
            if !self.solve(side) {
                return f32::MAX;
            }
            self.apply(side);
        }
        self.judge(soft)
    }

    /// Takes modules that came out sure as evidence, by how sure they are.
    fn believe(&mut self, layout: &Layout) {
        for (at, target) in self.targets.iter_mut().enumerate() {
            if layout.is_data[at] {
                let output = self.outputs[at];
                *target = (output.signum(), (output.abs() * 1.2 - 0.2).clamp(0.0, 1.0) * 0.7);
            }
        }
    }

    #[inline]
    fn window(&self, side: usize, column: usize, row: usize) -> impl Iterator<Item = &f32> {
        let wide = 2 * (side + 2 * MARGIN) + 1;
        let (x, y) = (2 * (column + MARGIN) + 1 - REACH, 2 * (row + MARGIN) + 1 - REACH);
        (y..=y + 2 * REACH).flat_map(move |line| &self.halves[line * wide + x..=line * wide + x + 2 * REACH])
    }

    /// Sets up and solves the normal equations.
    fn solve(&mut self, side: usize) -> bool {
        let mut matrix = std::mem::take(&mut self.matrix);
        let mut right = std::mem::take(&mut self.right);
        matrix.clear();
        matrix.resize(TAPS * TAPS, 0.0);
        right.clear();
        right.resize(TAPS, 0.0);
        let mut taps = [0.0_f32; TAPS];
        // Sums of many products in single precision are exact enough for weights of two digits.
        let mut sums = [[0.0_f32; TAPS]; TAPS];
        for row in 0..side {
            for column in 0..side {
                let (sign, weight) = self.targets[row * side + column];
                if weight <= 0.0 {
                    continue;
                }
                for (tap, &value) in taps.iter_mut().zip(self.window(side, column, row)) {
                    *tap = value;
                }
                for (index, &tap) in taps.iter().enumerate() {
                    let scaled = tap * weight;
                    right[index] += f64::from(scaled * sign);
                    for (sum, &other) in sums[index][index..].iter_mut().zip(&taps[index..]) {
                        *sum += scaled * other;
                    }
                }
            }
        }
        for (index, line) in sums.iter().enumerate() {
            for (other, &sum) in line.iter().enumerate().skip(index) {
                matrix[index * TAPS + other] = f64::from(sum);
                matrix[other * TAPS + index] = f64::from(sum);
            }
            matrix[index * TAPS + index] += RIDGE;
        }
        right[TAPS / 2] += RIDGE;
        let solved = solve_symmetric(&mut matrix, &mut right);
        if solved {
            self.weights.clear();
            self.weights.extend(right.iter().map(|&weight| weight as f32));
        }
        (self.matrix, self.right) = (matrix, right);
        solved
    }

    fn apply(&mut self, side: usize) {
        let mut outputs = std::mem::take(&mut self.outputs);
        outputs.clear();
        for row in 0..side {
            for column in 0..side {
                outputs.push(
                    self.window(side, column, row)
                        .zip(&self.weights)
                        .map(|(value, weight)| value * weight)
                        .sum::<f32>(),
                );
            }
        }
        self.outputs = outputs;
    }

    /// Turns outputs into odds by how far they scatter around black and white.
    fn judge(&self, soft: &mut [f32]) -> f32 {
        let (mut sum, mut count) = (0.0, 0.0);
        for output in &self.outputs {
            sum += (output.abs() - 1.0).powi(2);
            count += 1.0;
        }
        let spread = f32::max(sum / f32::max(count, 1.0), 0.01);
        for (soft, &output) in soft.iter_mut().zip(&self.outputs) {
            *soft = (2.0 * output / spread).clamp(-SURE_MAX, SURE_MAX);
        }
        spread
    }
}

/// Solves a symmetric positive system by Cholesky's method; the answer replaces the right side.
pub(super) fn solve_symmetric(matrix: &mut [f64], right: &mut [f64]) -> bool {
    let count = right.len();
    for row in 0..count {
        for column in 0..=row {
            let mut sum = matrix[row * count + column];
            for at in 0..column {
                sum -= matrix[row * count + at] * matrix[column * count + at];
            }
            if row == column {
                if sum <= 1e-9 {
                    return false;
                }
                matrix[row * count + row] = sum.sqrt();
            } else {
                matrix[row * count + column] = sum / matrix[column * count + column];
            }
        }
    }
    for row in 0..count {
        let sum: f64 = (0..row).map(|at| matrix[row * count + at] * right[at]).sum();
        right[row] = (right[row] - sum) / matrix[row * count + row];
    }
    for row in (0..count).rev() {
        let sum: f64 = (row + 1..count).map(|at| matrix[at * count + row] * right[at]).sum();
        right[row] = (right[row] - sum) / matrix[row * count + row];
    }
    true
}
