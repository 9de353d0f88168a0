//! Plays seeds from one to another and says what broke: `seeds FROM TO DEVICES DAYS`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for those who work on the simulator")]

use stempel_simulator::{Options, run};

fn main() {
    let words: Vec<u64> = std::env::args().skip(1).map(|word| word.parse().unwrap()).collect();
    let (mut bad, begun) = (0, std::time::Instant::now());
    for seed in words[0]..words[1] {
        let options = Options { seed, devices: words[2] as usize, days: words[3] as u32, planted: None };
        let verdict = run(&options).unwrap();
        if let Some((what, step)) = verdict.broken {
            bad += 1;
            println!("seed {seed} step {step} of {}: {what}", verdict.steps);
            if words[1] - words[0] < 2 {
                let plan = stempel_simulator::plan(&options).into_iter().enumerate().collect();
                let (plan, verdict) = stempel_simulator::shrink(&options, plan).unwrap().unwrap();
                plan.iter().for_each(|(number, step)| println!("{number} {step}"));
                println!("{verdict:?}");
            }
        } else if words[1] - words[0] < 3 {
            println!("{verdict:#?}");
        }
    }
    println!("{bad} broke, {:.1} s", begun.elapsed().as_secs_f64());
}
