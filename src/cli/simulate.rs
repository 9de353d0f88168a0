//! The whole system against faults, and what came of it.

use std::collections::BTreeMap;
use std::thread;

use serde_json::{Value, json};
use stempel_simulator::{Options, Stop, Verdict, plan, run, shrink};

use super::args::Simulate;
use super::{Answer, Failure};

/// The most seeds of one call.
const SEEDS_MAX: u64 = 1_000_000;

/// Plays seeds, and says what came of each. Exit code 1 if a promise was broken.
pub(super) fn simulate(asked: &Simulate) -> Result<Answer, Failure> {
    if !(1..=Options::DEVICES_MAX).contains(&asked.devices) || !(1..=Options::DAYS_MAX).contains(&asked.days)
    {
        return Err(Failure::usage(format!(
            "there are 1 to {} devices and 1 to {} days",
            Options::DEVICES_MAX,
            Options::DAYS_MAX
        )));
    }
    if !(1..=SEEDS_MAX).contains(&asked.seeds) {
        return Err(Failure::usage(format!("there are 1 to {SEEDS_MAX} seeds")));
    }
    let options = |seed| Options { seed, devices: asked.devices, days: asked.days, planted: None };
    let threads = thread::available_parallelism().map_or(1, usize::from) as u64;
    let (mut lines, mut no) = (Vec::new(), false);
    let mut totals: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut next = asked.seed;
    let end = asked.seed.saturating_add(asked.seeds);
    while next < end && !no {
        let seeds: Vec<u64> = (next..end).take(threads as usize).collect();
        next += seeds.len() as u64;
        let played: Vec<Result<Verdict, Stop>> = thread::scope(|scope| {
            let plays: Vec<_> = seeds.iter().map(|&seed| scope.spawn(move || run(&options(seed)))).collect();
            let fell = |_| Err(Stop::Machine("a thread of the simulator fell".to_owned()));
            plays.into_iter().map(|play| play.join().unwrap_or_else(fell)).collect()
        });
        for (seed, verdict) in seeds.into_iter().zip(played) {
            let verdict = verdict.map_err(|stop| Failure::machine(stop.to_string()))?;
            let broken = verdict.broken.is_some();
            for (what, count) in &verdict.counts {
                *totals.entry(what).or_default() += count;
            }
            let shortest = if broken { shortest(&options(seed))? } else { Vec::new() };
            // Of many seeds only those are listed that say something.
            if asked.seeds == 1 || broken {
                lines.push(line(&options(seed), &verdict, &shortest));
            }
            no |= broken;
        }
    }
    if asked.seeds > 1 && !no {
        let mut text = format!("{} seeds from {}: every promise held", asked.seeds, asked.seed);
        for (what, count) in &totals {
            text.push_str(&format!("\n{count:>10}  {what}"));
        }
        lines.push((
            text,
            json!({ "seed": asked.seed, "seeds": asked.seeds, "counts": totals, "well": true }),
        ));
    }
    Ok(Answer { no, ..Answer::lines(lines) })
}

/// The steps that are left of a failing plan when those were taken out that have no part in it.
fn shortest(options: &Options) -> Result<Vec<String>, Failure> {
    let steps = plan(options).into_iter().enumerate().collect();
    let shrunk = shrink(options, steps).map_err(|stop| Failure::machine(stop.to_string()))?;
    let steps = shrunk.map(|short| short.steps).unwrap_or_default();
    Ok(steps.into_iter().map(|(number, step)| format!("{number}: {step}")).collect())
}

fn line(options: &Options, verdict: &Verdict, shortest: &[String]) -> (String, Value) {
    let Options { seed, devices, days, .. } = options;
    let repeat = format!("stempel simulate --seed {seed} --devices {devices} --days {days}");
    let mut text = format!("seed {seed}, {devices} devices, {days} days, {} steps\n", verdict.steps);
    for (what, count) in &verdict.counts {
        text.push_str(&format!("{count:>8}  {what}\n"));
    }
    match (&verdict.broken, &verdict.digest) {
        (Some((what, step)), _) => {
            text.push_str(&format!("broken at step {step}: {what}\nrepeat with: {repeat}\n"));
            text.push_str(&format!("the shortest plan that fails:\n  {}", shortest.join("\n  ")));
        }
        (None, Some(digest)) => text.push_str(&format!("journals and feeds {digest}\nevery promise held")),
        (None, None) => {}
    }
    let broken = verdict
        .broken
        .as_ref()
        .map(|(what, step)| json!({ "what": what, "step": step, "repeat": repeat, "shortest": shortest }));
    let json = json!({
        "seed": seed, "devices": devices, "days": days, "steps": verdict.steps, "counts": verdict.counts,
        "digest": verdict.digest, "broken": broken, "well": verdict.broken.is_none(),
    });
    (text, json)
}
