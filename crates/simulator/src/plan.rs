//! What is to happen, made from the seed before anything does. Each step says all that it needs and can be left out
//! without making nonsense of the others, so that a failing plan can be made shorter.

use std::fmt;

use crate::Options;
use crate::random::Random;

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Milliseconds that pass before it.
    pub after_ms: i64,
    /// Where: the number of a device.
    pub device: usize,
    /// What.
    pub what: What,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Coffees are stamped on a guest's card.
    Stamp { guest: usize, count: u32 },
    /// The last stamp is asked for once more under its key, as after a lost answer.
    StampAgain,
    /// Coffees and bagels are sold.
    Sale { guest: Option<usize>, coffees: u32, bagels: u32, claim: bool },
    /// The reward for a full card is taken.
    Redeem { guest: usize },
    /// A reward in points is taken with a sale.
    FiveOff { guest: usize },
    /// A guest subscribes to the newsletter, which is rewarded once.
    Deed { guest: usize },
    /// A recent action of this device is taken back.
    Undo { back: usize },
    /// A sale is refunded.
    Refund { back: usize },
    /// A guest joins with a card of the pool.
    Join { named: bool },
    /// A guest takes a card of the pile beside the till: nobody knows it yet.
    Pile,
    /// A guest gives a name, or another one.
    Name { guest: usize },
    /// A card is replaced.
    Replace { guest: usize },
    /// Two guests turn out to be one person, at the device or at the server.
    Merge { guest: usize, into: usize, server: bool },
    /// One of those who did turns out to be another one after all.
    Unmerge { which: usize, server: bool },
    /// A guest asks to be forgotten.
    Erase { guest: usize },
    /// The device looks whether it is time to exchange, and does. The number decides what the network does.
    Sync { weather: u64 },
    /// The device's network goes away, or comes back.
    Partition { away: bool },
    /// Somebody sets the device's clock.
    Clock { off_ms: i64 },
    /// The device loses its power between two actions.
    Crash,
    /// The device loses its power in the middle of writing, at one of the operations on its files.
    Torn { guest: usize, operation: u64 },
    /// The device's disk is full from one of the operations on, until somebody makes room.
    Full { guest: usize, operation: u64 },
    /// A later program runs on the device's folder for a moment and is taken back.
    Later,
    /// The device's folder is copied aside.
    Copy,
    /// The copy is opened beside the device and used.
    Clone { guest: usize, weather: u64 },
    /// The copy is put in the place of the device's folder.
    Swap,
    /// A second program is started on the device's folder.
    Second,
    /// A person looks at a device that says that it is stuck, and sets it up anew.
    Help,
    /// The device is signed out by the owner.
    Revoke,
    /// The owner lets through what was held of devices that were signed out.
    Release,
    /// The server is stopped and started.
    Restart,
    /// The server's database is copied.
    Backup,
    /// The server is set back to the copy.
    Restore,
    /// The owner publishes a programme with other figures.
    Publish { cap: u32, cost: u32 },
    /// A guest joins at the server.
    WebJoin,
    /// The server does what is due.
    Work,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{:.1}s device {} {:?}", self.after_ms as f64 / 1000.0, self.device, self.what)
    }
}

/// How often each kind of step comes, of all. Faults of the network have rates of their own ([`crate::network`]).
const RATES: [(&str, u32); 35] = [
    ("stamp", 240),
    ("again", 12),
    ("sale", 110),
    ("redeem", 90),
    ("five-off", 30),
    ("deed", 24),
    ("undo", 36),
    ("refund", 14),
    ("join", 20),
    ("pile", 14),
    ("name", 10),
    ("replace", 6),
    ("merge", 10),
    ("unmerge", 5),
    ("erase", 5),
    ("sync", 250),
    ("partition", 26),
    ("clock", 10),
    ("crash", 14),
    ("torn", 22),
    ("full", 12),
    ("later", 6),
    ("copy", 6),
    ("clone", 4),
    ("swap", 3),
    ("second", 4),
    ("help", 12),
    ("revoke", 3),
    ("release", 3),
    ("restart", 8),
    ("backup", 8),
    ("restore", 4),
    ("publish", 6),
    ("webjoin", 6),
    ("work", 20),
];

const HOUR_MS: i64 = 60 * 60 * 1000;
/// A shop is open for half of the day.
const OPEN_MS: i64 = 12 * HOUR_MS;
/// Steps of one device on one day.
const STEPS_DAY: usize = 40;

/// Makes the plan of a run.
pub fn plan(options: &Options) -> Vec<Step> {
    let mut random = Random::new(options.seed);
    let each_day = STEPS_DAY * options.devices;
    let pause_ms = (OPEN_MS / each_day as i64).max(1) as usize;
    let mut steps: Vec<Step> = Vec::with_capacity(each_day * options.days as usize);
    // What a copy of a folder is made for comes some steps later, at the same device.
    let mut follow: Vec<(usize, usize, What)> = Vec::new();
    for day in 0..options.days {
        for number in 0..each_day {
            // Mostly close together, sometimes a long pause: the mean is what fills the day.
            let mut after_ms = match random.below(4) {
                0 => random.below(4000),
                1 => random.below(pause_ms / 2 + 1),
                _ => random.below(pause_ms * 2 + 1),
            } as i64;
            if number == 0 && day > 0 {
                after_ms += 24 * HOUR_MS - OPEN_MS;
            }
            let (device, what) = match follow.iter().position(|(due, _, _)| *due <= steps.len()) {
                Some(place) => {
                    let (_, device, what) = follow.remove(place);
                    (device, what)
                }
                None => (random.below(options.devices), draw(&mut random)),
            };
            if what == What::Copy {
                let guest = random.below(4);
                let used = [
                    What::Clone { guest, weather: random.number() },
                    What::Clone { guest, weather: random.number() },
                    What::Swap,
                ];
                follow.push((steps.len() + 5 + random.below(20), device, used[random.below(3)].clone()));
            }
            steps.push(Step { after_ms, device, what });
        }
    }
    steps
}

fn draw(random: &mut Random) -> What {
    let all: u32 = RATES.iter().map(|(_, rate)| rate).sum();
    let mut place = random.below(all as usize) as u32;
    let name = RATES
        .iter()
        .find(|(_, rate)| {
            let found = place < *rate;
            place = place.saturating_sub(*rate);
            found
        })
        .map_or("work", |(name, _)| name);
    // Few guests come often: that is where devices contradict each other.
    let mut guest = || if random.per_mille(700) { random.below(4) } else { random.below(1000) };
    match name {
        "stamp" => What::Stamp { guest: guest(), count: random.below(4) as u32 + 1 },
        "again" => What::StampAgain,
        "sale" => {
            let guest = Some(guest()).filter(|_| random.per_mille(850));
            let claim = guest.is_some() && random.per_mille(200);
            What::Sale { guest, coffees: random.below(3) as u32 + 1, bagels: random.below(3) as u32, claim }
        }
        "redeem" => What::Redeem { guest: guest() },
        "five-off" => What::FiveOff { guest: guest() },
        "deed" => What::Deed { guest: guest() },
        "undo" => What::Undo { back: random.below(3) },
        "refund" => What::Refund { back: random.below(3) },
        "join" => What::Join { named: random.per_mille(600) },
        "pile" => What::Pile,
        "name" => What::Name { guest: guest() },
        "replace" => What::Replace { guest: guest() },
        "merge" => What::Merge { guest: guest(), into: guest(), server: random.per_mille(300) },
        "unmerge" => What::Unmerge { which: random.below(8), server: random.per_mille(300) },
        "erase" => What::Erase { guest: guest() },
        "sync" => What::Sync { weather: random.number() },
        "partition" => What::Partition { away: random.per_mille(450) },
        "clock" => What::Clock { off_ms: off_ms(random) },
        "crash" => What::Crash,
        "torn" => What::Torn { guest: guest(), operation: random.below(14) as u64 + 1 },
        "full" => What::Full { guest: guest(), operation: random.below(8) as u64 + 1 },
        "later" => What::Later,
        "copy" => What::Copy,
        "clone" => What::Clone { guest: guest(), weather: random.number() },
        "swap" => What::Swap,
        "second" => What::Second,
        "help" => What::Help,
        "revoke" => What::Revoke,
        "release" => What::Release,
        "restart" => What::Restart,
        "backup" => What::Backup,
        "restore" => What::Restore,
        "publish" => What::Publish { cap: random.below(6) as u32 + 4, cost: random.below(3) as u32 + 4 },
        "webjoin" => What::WebJoin,
        _ => What::Work,
    }
}

/// How far a clock is off after somebody set it: seconds, minutes, or days in either direction.
fn off_ms(random: &mut Random) -> i64 {
    let reach_ms = [2_000, 10 * 60 * 1000, 2 * 24 * HOUR_MS][random.below(3)];
    let off_ms = random.below(reach_ms as usize) as i64;
    if random.per_mille(500) { off_ms } else { -off_ms }
}
