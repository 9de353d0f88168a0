//! A fault that was put in on purpose is found: each of them by some seed, or the check that should find it is none.

use stempel_simulator::{Options, Planted, Stop, plan, run, shrink};

/// Seeds that are tried with each fault. Some faults need a rare thing to happen first.
const SEEDS: u64 = 40;

#[test]
fn every_planted_fault_is_found() {
    let mut missed = Vec::new();
    for planted in Planted::ALL {
        // What needs several devices that contradict each other is looked for where that happens.
        let (first, devices) = match planted {
            Planted::RightTwice => (10, 5),
            _ => (1, 2),
        };
        let found = (first..first + SEEDS).find_map(|seed| {
            let options = Options { seed, devices, days: 1, planted: Some(planted) };
            match run(&options) {
                Ok(verdict) => verdict.broken.map(|(what, _)| (seed, what)),
                Err(Stop::Broken(what)) => Some((seed, what)),
                Err(error) => panic!("{planted:?}: {error}"),
            }
        });
        match found {
            Some((seed, what)) => println!("{planted:?}, seed {seed}: {what}"),
            None => missed.push(planted),
        }
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}

#[test]
fn a_plan_that_fails_is_made_shorter() {
    let options = Options { seed: 1, devices: 2, days: 1, planted: Some(Planted::IncludesForgotten) };
    let steps: Vec<_> = plan(&options).into_iter().enumerate().collect();
    let long = steps.len();
    let short = shrink(&options, steps).unwrap().unwrap();
    assert!(short.verdict.broken.is_some());
    assert!(short.steps.len() < long / 4, "{} of {long} steps are left", short.steps.len());
}
