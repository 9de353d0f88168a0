//! Makes a plan that fails shorter, as long as it fails.

use crate::{Options, Step, Stop, Verdict, play};

/// A plan that fails, with what it comes to.
#[derive(Debug, Clone)]
pub struct Short {
    /// The steps that are left, each with its number in the whole plan.
    pub steps: Vec<(usize, Step)>,
    /// What comes of them.
    pub verdict: Verdict,
}

/// The most plays that are spent on it.
const PLAYS_MAX: usize = 200;

/// Takes out steps of a failing plan, larger pieces first, as long as a promise is still broken. Gives what is left,
/// and its verdict; none if the plan does not fail.
///
/// # Errors
/// If the machine fails.
pub fn shrink(options: &Options, plan: Vec<(usize, Step)>) -> Result<Option<Short>, Stop> {
    let mut verdict = play(options, &plan)?;
    let Some((_, last)) = verdict.broken.clone() else { return Ok(None) };
    let mut left = plan;
    // What comes after the step that failed has no part in it, unless it failed when all was quiet.
    let ended: Vec<(usize, Step)> = left.iter().filter(|(number, _)| *number <= last).cloned().collect();
    let mut plays = 0;
    let mut attempt = |steps: Vec<(usize, Step)>, left: &mut Vec<(usize, Step)>, verdict: &mut Verdict| {
        plays += 1;
        let tried = play(options, &steps)?;
        let fails = tried.broken.is_some();
        if fails {
            (*left, *verdict) = (steps, tried);
        }
        Ok::<_, Stop>((fails, plays >= PLAYS_MAX))
    };
    attempt(ended, &mut left, &mut verdict)?;
    let mut piece = left.len().div_ceil(2);
    loop {
        let mut from = 0;
        while from < left.len() {
            let mut without = left.clone();
            without.drain(from..(from + piece).min(left.len()));
            let (fails, enough) = attempt(without, &mut left, &mut verdict)?;
            if enough {
                return Ok(Some(Short { steps: left, verdict }));
            }
            if !fails {
                from += piece;
            }
        }
        if piece <= 1 {
            return Ok(Some(Short { steps: left, verdict }));
        }
        piece = piece.div_ceil(2);
    }
}
