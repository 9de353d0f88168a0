//! Follows a timing pattern from one finder pattern to the other, over sharp bends.
//!
//! Its modules are black and white by turns, so a step too far looks as right as the right one, until the other end is
//! reached: there a module is missing, or there is one too many. So no module is settled before all have been looked at
//! (Viterbi's method: the best way to each move of a module goes on from the best way to some move of the module before).

/// How far a module lies from its place, along the line and beside it, in modules.
type Move = (f32, f32);

/// How far modules are moved to either side of a straight line, in steps.
const STEPS: usize = 9;
/// Such a step, in modules.
const STEP: f32 = 0.25;
/// The most steps from one module to the next.
const JUMP: i32 = 2;
/// What one step costs; more of them cost by the square.
const COST: f32 = 0.1;

/// How far each module of a timing pattern lies beside the flat grid.
#[derive(Debug, Clone, Default)]
pub(super) struct Timing {
    first: usize,
    /// For each module, the moves along the line and beside it.
    moves: Vec<Move>,
    /// The best way to each move of a module: what it gains, and for each module before from which move it comes.
    gains: Vec<f32>,
    next: Vec<f32>,
    from: Vec<u16>,
}

impl Timing {
    /// Follows the line as a whole from its `first` module to its `last`, whose moves are known: of all ways between them it
    /// takes the one on which the modules fit best. `score` says how well a module fits when it is moved.
    pub(super) fn follow(
        &mut self,
        (first, last): (usize, usize),
        (start, end): (Move, Move),
        score: impl Fn(usize, Move) -> f32,
    ) {
        self.first = first;
        let count = last - first + 1;
        let steps = STEPS as i32;
        let wide = 2 * STEPS + 1;
        let moves = wide * wide;
        // Moves are told from a straight line between both ends.
        let straight = |at: usize| {
            let share = at as f32 / (count - 1) as f32;
            (start.0 + share * (end.0 - start.0), start.1 + share * (end.1 - start.1))
        };
        let offset =
            |index: usize| ((index % wide) as f32 - steps as f32, (index / wide) as f32 - steps as f32);
        self.gains.clear();
        self.gains.resize(moves, f32::MIN);
        let middle = moves / 2;
        self.gains[middle] = 0.0;
        self.from.clear();
        for at in 1..count {
            let base = straight(at);
            self.next.clear();
            for index in 0..moves {
                let (column, row) = ((index % wide) as i32, (index / wide) as i32);
                let mut best = (f32::MIN, 0);
                for y in (row - JUMP).max(0)..=(row + JUMP).min(2 * steps) {
                    for x in (column - JUMP).max(0)..=(column + JUMP).min(2 * steps) {
                        let before = y as usize * wide + x as usize;
                        let cost = COST * ((x - column).pow(2) + (y - row).pow(2)) as f32;
                        let gain = self.gains[before] - cost;
                        if gain > best.0 {
                            best = (gain, before);
                        }
                    }
                }
                let mut gain = best.0;
                if gain > f32::MIN / 2.0 {
                    let (along, beside) = offset(index);
                    gain += score(first + at, (base.0 + along * STEP, base.1 + beside * STEP));
                }
                self.next.push(gain);
                self.from.push(best.1 as u16);
            }
            std::mem::swap(&mut self.gains, &mut self.next);
        }
        self.moves.clear();
        self.moves.resize(count, start);
        let mut index = middle;
        for at in (1..count).rev() {
            let (base, (along, beside)) = (straight(at), offset(index));
            self.moves[at] = (base.0 + along * STEP, base.1 + beside * STEP);
            index = usize::from(self.from[(at - 1) * moves + index]);
        }
    }

    /// Gives the move at a place along the line, in the mean of the modules around it.
    pub(super) fn at(&self, along: f32) -> Move {
        let middle = (along - self.first as f32).floor() as isize;
        let (mut sum, mut count) = ((0.0, 0.0), 0.0);
        for at in middle - 1..=middle + 1 {
            if let Some(&(along, beside)) = usize::try_from(at).ok().and_then(|at| self.moves.get(at)) {
                sum = (sum.0 + along, sum.1 + beside);
                count += 1.0;
            }
        }
        (sum.0 / f32::max(count, 1.0), sum.1 / f32::max(count, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_swings_by_two_modules_is_followed_to_its_end() {
        // Where each module lies really: a crease has moved the middle of the line by two modules, in which black and white
        // are where they would be if nothing had moved.
        let (first, last) = (6, 30);
        let swing = |at: usize| {
            let wave = std::f32::consts::PI * (at - first) as f32 / (last - first) as f32;
            2.0 * wave.sin().powi(2)
        };
        let light = |along: f32| {
            let near = (first..=last).min_by(|&a, &b| {
                (a as f32 + swing(a) - along).abs().total_cmp(&(b as f32 + swing(b) - along).abs())
            });
            if near.unwrap().is_multiple_of(2) { 1.0 } else { -1.0 }
        };
        let mut timing = Timing::default();
        timing.follow((first, last), ((0.0, 0.0), (0.0, 0.0)), |at, (along, beside)| {
            let sign = if at.is_multiple_of(2) { 1.0 } else { -1.0 };
            let middle = light(at as f32 + along);
            let around = light(at as f32 + along - 0.25) + light(at as f32 + along + 0.25);
            sign * (middle + around) / 3.0 - beside.abs()
        });
        for at in first..=last {
            let (along, beside) = timing.at(at as f32 + 0.5);
            assert!((along - swing(at)).abs() < 0.4 && beside.abs() < 0.1, "{at}: {along} {beside}");
        }
    }
}
