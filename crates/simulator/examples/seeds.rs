//! Plays seeds from one to another and says what broke: `seeds FROM TO DEVICES DAYS`; or which seed
//! finds each planted fault, from the first or a later one: `seeds planted [N [DEVICES]]`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for those who work on the simulator")]

use std::collections::BTreeMap;

use stempel_simulator::{Options, Planted, run};

/// Says which seed finds each planted fault first.
fn planted(devices: usize, seeds: u64) {
    let from = std::env::args().nth(2).map_or(0, |text| text.parse().unwrap());
    for planted in Planted::ALL.into_iter().skip(from) {
        let found = (1..=seeds).find_map(|seed| {
            let verdict = run(&Options { seed, devices, days: 1, planted: Some(planted) });
            verdict.unwrap().broken.map(|(what, _)| (seed, what))
        });
        println!("{planted:?}: {found:?}");
    }
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some("planted") {
        return planted(std::env::args().nth(3).map_or(2, |text| text.parse().unwrap()), 80);
    }
    let words: Vec<u64> = std::env::args().skip(1).map(|word| word.parse().unwrap()).collect();
    let (mut bad, begun) = (0, std::time::Instant::now());
    let mut totals: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in words[0]..words[1] {
        let options = Options { seed, devices: words[2] as usize, days: words[3] as u32, planted: None };
        let verdict = run(&options).unwrap();
        for (what, count) in &verdict.counts {
            *totals.entry(what).or_default() += count;
        }
        if let Some((what, step)) = verdict.broken {
            bad += 1;
            println!("seed {seed} step {step} of {}: {what}", verdict.steps);
            if words[1] - words[0] < 2 {
                let plan = stempel_simulator::plan(&options).into_iter().enumerate().collect();
                let short = stempel_simulator::shrink(&options, plan).unwrap().unwrap();
                short.steps.iter().for_each(|(number, step)| println!("{number} {step}"));
                println!("{:?}", short.verdict);
            }
        } else if words[1] - words[0] < 3 {
            println!("{verdict:#?}");
        }
    }
    println!("{totals:?}");
    println!("{bad} broke, {:.1} s", begun.elapsed().as_secs_f64());
}
