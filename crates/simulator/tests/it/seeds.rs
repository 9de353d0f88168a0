//! Many seeds hold every promise; the same seed gives the same run.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use stempel_simulator::{Options, plan, run};

fn options(seed: u64, devices: usize, days: u32) -> Options {
    Options { seed, devices, days, planted: None }
}

/// How many seeds are played; `STEMPEL_SEEDS` names another number.
fn seeds() -> u64 {
    std::env::var("STEMPEL_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(200)
}

#[test]
fn every_promise_holds_for_many_seeds() {
    let (next, totals) = (AtomicU64::new(1), Mutex::new(BTreeMap::<&str, u64>::new()));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let play = || {
        let mut broken = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::SeqCst);
            if seed > seeds() {
                return broken;
            }
            // Two to four devices, for a morning's worth of steps each.
            let options = options(seed, 2 + seed as usize % 3, 1);
            let verdict = run(&options).unwrap();
            for (what, count) in verdict.counts {
                *totals.lock().unwrap().entry(what).or_default() += count;
            }
            if let Some((what, step)) = verdict.broken {
                broken.push(format!(
                    "step {step}: {what}\n  stempel simulate --seed {seed} --devices {} --days 1",
                    options.devices
                ));
            }
        }
    };
    let broken: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(play)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    println!("{} seeds: {:?}", seeds(), totals.lock().unwrap());
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let (one, other) = (run(&options(7, 3, 1)).unwrap(), run(&options(7, 3, 1)).unwrap());
    assert!(one.digest.is_some(), "{:?}", one.broken);
    assert_eq!(one, other);
    assert_ne!(one.digest, run(&options(8, 3, 1)).unwrap().digest, "another seed is another run");
    assert_eq!(plan(&options(7, 3, 1)), plan(&options(7, 3, 1)));
}

#[test]
fn six_devices_over_two_days() {
    let verdict = run(&options(42, 6, 2)).unwrap();
    assert_eq!(verdict.broken, None);
    assert_eq!(verdict.steps, 480);
}
