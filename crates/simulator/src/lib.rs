//! The whole system against faults: real terminals, the real planner and the real server, under a seeded clock,
//! randomness, network and scheduler, in one thread. The same seed gives the same run, byte for byte.
//!
//! | module | what it does |
//! |---|---|
//! | `plan` | what is to happen, made from the seed |
//! | `world` | plays it: server, devices, guests |
//! | `mishaps` | power, disks, folders, lost devices, a server that is set back |
//! | `merging` | members who are one person, and are two again |
//! | `forgetting` | members who are forgotten, looked for on the bytes |
//! | `versions` | later programs beside this one: rows, changes and fields that it does not know |
//! | `network` | loses, doubles, delays and cuts; lets other things happen in between |
//! | `model` | what should be true, in plain maps, without the rules |
//! | `audit`, `counter` | hold the system against the model, after each step and when all is quiet |
//! | `planted` | faults put in on purpose, to see that each check can fail |
//! | `shrink` | makes a plan that fails shorter |
//!
//! [`run`] plays one seed. Nothing here reads the machine's clock or its randomness.

mod audit;
mod counter;
mod faults;
mod forgetting;
mod house;
mod merging;
mod mishaps;
mod model;
mod network;
mod place;
mod plan;
mod planted;
mod random;
mod shrink;
mod stop;
mod versions;
mod world;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

pub use plan::{Step, What, plan};
pub use planted::Planted;
pub use shrink::{Short, shrink};
pub use stop::Stop;

use world::World;

/// What to play.
#[derive(Debug, Clone)]
pub struct Options {
    /// Everything follows from it.
    pub seed: u64,
    /// So many devices, two to a shop.
    pub devices: usize,
    /// So many days.
    pub days: u32,
    /// A fault put in on purpose.
    pub planted: Option<Planted>,
}

impl Options {
    /// The most devices of a run.
    pub const DEVICES_MAX: usize = 100;
    /// The most days of a run.
    pub const DAYS_MAX: u32 = 366;
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Steps of the plan.
    pub steps: usize,
    /// What happened how often.
    pub counts: BTreeMap<&'static str, u64>,
    /// A hash over all journals and feeds; none if the run broke off.
    pub digest: Option<String>,
    /// The promise that was broken, and at which step of the plan.
    pub broken: Option<(String, usize)>,
}

/// Plays one seed.
///
/// # Errors
/// If the machine fails: no room, no rights. A broken promise is no error but a verdict.
pub fn run(options: &Options) -> Result<Verdict, Stop> {
    let plan: Vec<(usize, Step)> = plan(options).into_iter().enumerate().collect();
    play(options, &plan)
}

/// Plays some steps of a plan, each with its number.
///
/// # Errors
/// As [`run`].
pub fn play(options: &Options, plan: &[(usize, Step)]) -> Result<Verdict, Stop> {
    let shared = Rc::new(RefCell::new(World::new(options)?));
    let played = catch_unwind(AssertUnwindSafe(|| World::play(&shared, plan))).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        let said = said.or_else(|| panic.downcast_ref::<&str>().map(|said| (*said).to_owned()));
        Err(Stop::Broken(format!("a panic: {}", said.unwrap_or_default())))
    });
    let mut verdict = Verdict { steps: plan.len(), counts: BTreeMap::new(), digest: None, broken: None };
    let Ok(world) = shared.try_borrow() else {
        // The panic has left the world in the hands of nobody.
        verdict.broken = played.err().map(|stop| (stop.to_string(), plan.len()));
        return Ok(verdict);
    };
    verdict.counts.clone_from(&world.counts);
    match played {
        Ok(()) => verdict.digest = Some(world.digest()?),
        Err(Stop::Broken(what)) => verdict.broken = Some((what, world.step)),
        Err(stop) => return Err(stop),
    }
    Ok(verdict)
}
