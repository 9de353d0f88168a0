//! The world of one run: the server in its house, the devices, the guests; and what happens.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use stempel_domain::Quantity;
use stempel_domain::ports::Clock;
use stempel_domain::programme::Programme;
use stempel_domain::sale::{Claim, Sale};
use stempel_store::{Folder, Store};
use stempel_sync::{SyncError, Transport};
use stempel_terminal::counter::Circumstances;
use stempel_terminal::exchange::exchange;
use stempel_terminal::setup::enroll;
use stempel_terminal::{Terminal, TerminalError};
use stempel_wire::Row;
use stempel_wire::article::Served;
use stempel_wire::message::{BlanksAnswer, EnrollAnswer, EnrollRequest, FeedPage, PushAnswer};
use tempfile::TempDir;

use crate::Options;
use crate::forgetting::Forgotten;
use crate::house::House;
use crate::model::{Model, Name};
use crate::network::{Desk, Letter, Wire};
use crate::place::{Place, Stuck};
use crate::plan::{Step, What};
use crate::planted::Planted;
use crate::random::{Hand, Random};
use crate::stop::{OrStop, Result, Stop, broken, hold};

/// The world, as everybody in it reaches it.
pub type Shared = Rc<RefCell<World>>;

/// A Monday morning.
const BEGIN_MS: i64 = 1_794_805_200_000;
/// How deep what happens meanwhile may be nested.
const DEPTH_MAX: usize = 3;
/// Letters that the network keeps for later.
const LATE_MAX: usize = 20;
/// Rounds in which everything must come to rest.
const ROUNDS_MAX: usize = 12;
/// What people call the programmes' files.
const CATALOGUE: &str = "sku,name,category,price,vat\nlatte,Latte,coffee,4.20,7\nbagel,Bagel,food,3.30,7\n";

/// Everything there is.
pub struct World {
    /// What was asked for.
    pub options: Options,
    /// The true time.
    pub truth: Hand,
    /// The server.
    pub house: House,
    /// Every folder that ever was.
    pub places: Vec<Place>,
    /// For each device the folder that it has now.
    pub desks: Vec<usize>,
    /// For each device a copy of its folder.
    pub copies: Vec<Option<usize>>,
    /// What guests hold in their hands.
    pub guests: Vec<String>,
    /// Printed cards that nobody has yet.
    pub pile: Vec<String>,
    /// Cards of guests who were found to be somebody else, too.
    pub doubles: Vec<String>,
    /// What should be true.
    pub model: Model,
    /// Letters that come again later.
    pub late: Vec<Letter>,
    /// What happened how often.
    pub counts: BTreeMap<&'static str, u64>,
    /// What breaks the run, found where it cannot be returned.
    pub trouble: Option<Stop>,
    /// Draws what the plan leaves open.
    pub random: Random,
    queue: VecDeque<(usize, Step)>,
    /// The number of the step under way.
    pub step: usize,
    depth: usize,
    /// Everything that is on a disk.
    pub folder: TempDir,
    /// What the disks held of members who were forgotten.
    pub forgotten: Vec<Forgotten>,
}

/// Asks the server to enrol a device; the first answer may be lost.
struct Door<'a> {
    house: &'a House,
    lose: bool,
}

impl Transport for Door<'_> {
    fn enroll(&mut self, request: &EnrollRequest) -> std::result::Result<EnrollAnswer, SyncError> {
        let answer = self.house.ask(async |server| server.enroll(request).await);
        match answer {
            _ if self.lose => Err(SyncError::CutOff),
            Ok(answer) => Ok(answer),
            Err(error) => Err(SyncError::Refused(error.problem())),
        }
    }

    fn push(&mut self, _body: Vec<u8>) -> std::result::Result<PushAnswer, SyncError> {
        Err(SyncError::Unreachable)
    }

    fn feed(
        &mut self,
        _after: u64,
        _limit: usize,
        _wait_ms: u64,
    ) -> std::result::Result<FeedPage, SyncError> {
        Err(SyncError::Unreachable)
    }

    fn blanks(&mut self) -> std::result::Result<BlanksAnswer, SyncError> {
        Err(SyncError::Unreachable)
    }

    fn skew_ms(&self) -> Option<i64> {
        None
    }
}

/// The stamp card with its figures of the day.
fn coffee(cap: u32, cost: u32) -> String {
    format!(
        r#"
id = "coffee"
name = "Coffee card"
unit = "stamp:coffee"
card = {cost}
overdraft = "ask"
offline = {{ spend_day = 10, age_days = 1 }}
[[earn]]
id = "coffees"
per = "item"
amount = 1
categories = ["coffee"]
cap = {{ day = {cap} }}
[[reward]]
id = "free-coffee"
name = "Free coffee"
kind = "free-item"
cost = {cost}
categories = ["coffee"]
"#
    )
}

/// Points at the till, and some for a deed that is rewarded once.
const POINTS: &str = r#"
id = "points"
name = "Points"
unit = "point"
overdraft = "forgive"
[[earn]]
id = "per-euro"
per = "money"
amount = 1
every = 1.00
[[activity]]
id = "newsletter"
name = "Newsletter"
gives = { amount = 7 }
[[reward]]
id = "five-off"
name = "5 off"
kind = "amount-off"
cost = 12
amount = 5.00
"#;

impl World {
    /// Builds a world: a server, devices that are enrolled, programmes and guests.
    pub fn new(options: &Options) -> Result<Self> {
        stempel_faultfs::install().machine("a disk that fails")?;
        // In memory where there is such a folder: what a disk does is simulated.
        let folder = tempfile::Builder::new().prefix("stempel-sim-").tempdir_in("/dev/shm");
        let folder = folder.or_else(|_| tempfile::tempdir()).machine("making a folder")?;
        let truth = Hand::at(BEGIN_MS);
        let shops = options.devices.div_ceil(2).max(1);
        let apart = options.planted == Some(Planted::ServersApart);
        let house = House::build(folder.path(), truth.another(), options.seed, shops, apart)?;
        let mut world = Self {
            options: options.clone(),
            truth,
            house,
            places: Vec::new(),
            desks: Vec::new(),
            copies: vec![None; options.devices],
            guests: Vec::new(),
            pile: Vec::new(),
            doubles: Vec::new(),
            model: Model::default(),
            late: Vec::new(),
            counts: BTreeMap::new(),
            trouble: None,
            random: Random::new(options.seed ^ 0x00ff_00ff),
            queue: VecDeque::new(),
            step: 0,
            depth: 0,
            folder,
            forgotten: Vec::new(),
        };
        world.publish(&coffee(8, 5))?;
        world.publish(POINTS)?;
        let tenant = world.house.tenant;
        let imported = world.house.ask(async |server| server.catalogue_import(tenant, CATALOGUE).await);
        imported.never("importing a catalogue")?;
        for _ in 0..6 {
            world.web_join()?;
        }
        for device in 0..options.devices {
            let place = world.set_up(device)?;
            world.desks.push(place);
        }
        Ok(world)
    }

    /// Plays a plan, lets everything come to rest, and looks at everything.
    pub fn play(shared: &Shared, plan: &[(usize, Step)]) -> Result<()> {
        shared.borrow_mut().queue = plan.iter().cloned().collect();
        let places = shared.borrow().desks.clone();
        for place in places {
            sync(shared, place, None)?;
        }
        while run_next(shared)? {}
        rest(shared)
    }

    /// Lets some steps of the plan happen while something else is under way.
    pub fn meanwhile(shared: &Shared, steps: usize) {
        {
            let mut world = shared.borrow_mut();
            if world.depth >= DEPTH_MAX || world.trouble.is_some() {
                return;
            }
            world.depth += 1;
        }
        for _ in 0..steps {
            match run_next(shared) {
                Ok(true) => {}
                Ok(false) => break,
                Err(stop) => {
                    shared.borrow_mut().trouble.get_or_insert(stop);
                    break;
                }
            }
        }
        let mut world = shared.borrow_mut();
        world.depth -= 1;
        *world.counts.entry("meanwhile").or_default() += 1;
    }

    /// Counts something that happened.
    pub fn note(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Whether this fault was put in.
    pub fn is_planted(&self, planted: Planted) -> bool {
        self.options.planted == Some(planted)
    }

    /// The rows of a folder's own journal, as they stand in its store.
    pub fn own_rows(&self, place: usize) -> Result<Vec<Row>> {
        let place = &self.places[place];
        let rows = place.terminal()?.view().rows_after(place.device, 0, 1_000_000, usize::MAX);
        let rows = rows.never("reading a journal")?;
        rows.into_iter().map(|bytes| Row::parse(bytes).never("reading a row")).collect()
    }

    /// Enrols a new folder for a device.
    pub fn set_up(&mut self, device: usize) -> Result<usize> {
        let number = self.places.len();
        let folder = self.folder.path().join(format!("device-{device}-{number}"));
        let shop = self.house.shops[device % self.house.shops.len()];
        let tenant = self.house.tenant;
        let invite = self.house.ask(async |server| server.device_invite(tenant, shop, 3_600_000).await);
        let code = invite.never("inviting a device")?.code;
        let clock = match self.desks.get(device) {
            Some(before) => self.places[*before].clock.clone(),
            None => self.truth.another(),
        };
        // Once in a while the first answer is lost, and the same code is tried again.
        let lost = self.random.per_mille(250);
        for lose in [lost, false] {
            let store =
                Folder::take(&folder, "simulated terminal").and_then(Store::open).never("a new folder")?;
            let entropy = Box::new(Random::new(self.random.number()));
            let door = Door { house: &self.house, lose };
            let done = enroll(
                store,
                Arc::new(clock.clone()),
                entropy,
                "https://x.example",
                &code,
                "Till",
                |_, _| Ok(door),
            );
            match done {
                Ok((terminal, _)) => {
                    self.places.push(Place::new(folder, clock, terminal)?);
                    self.learn(number)?;
                    return Ok(number);
                }
                Err(_) if lose => {
                    self.counts.entry("enrolment answer lost").and_modify(|n| *n += 1).or_insert(1)
                }
                Err(error) => return broken(format!("an enrolment failed: {error}")),
            };
        }
        broken("an enrolment does not come to an end")
    }

    /// Publishes a programme.
    fn publish(&mut self, toml: &str) -> Result<()> {
        let programme = Programme::parse_toml(toml).machine("a programme of the simulator")?;
        let (tenant, id, text) = (self.house.tenant, programme.id().clone(), programme.to_json());
        let published = self.house.ask(async |server| server.programme_publish(tenant, &id, &text).await);
        published.never("publishing a programme")?;
        self.read_history()
    }

    fn web_join(&mut self) -> Result<()> {
        let tenant = self.house.tenant;
        let new = admin_member();
        let added = self.house.ask(async |server| server.member_add(tenant, &new, None).await);
        self.guests.push(added.never("adding a member")?.code.to_string());
        self.read_history()
    }

    /// Learns the rows that a terminal has written since the last look, and holds that the older ones are there.
    pub fn learn(&mut self, at: usize) -> Result<Vec<Name>> {
        let place = &self.places[at];
        let known = place.notes.rows.len();
        let view = place.terminal()?.view();
        let rows = view.rows_after(place.device, known as u64, 1_000_000, usize::MAX);
        let rows = rows.never("reading a journal")?;
        let mut names = Vec::new();
        for bytes in rows {
            let place = &self.places[at];
            let original = |of| place.own(of);
            let name = self.model.learn(&bytes, original)?;
            self.places[at].notes.rows.push(name);
            names.push(name);
        }
        Ok(names)
    }

    /// The card in a guest's hand.
    pub fn guest_code(&self, number: usize) -> Option<String> {
        (!self.guests.is_empty()).then(|| self.guests[number % self.guests.len()].clone())
    }
}

fn admin_member() -> stempel_server::admin::NewMember {
    stempel_server::admin::NewMember::default()
}

/// Does the next step of the plan. False if there is none.
pub fn run_next(shared: &Shared) -> Result<bool> {
    let (number, step) = {
        let mut world = shared.borrow_mut();
        let Some((number, step)) = world.queue.pop_front() else { return Ok(false) };
        world.truth.pass(step.after_ms);
        world.step = number;
        (number, step)
    };
    do_step(shared, number, &step)?;
    match shared.borrow_mut().trouble.take() {
        Some(stop) => Err(stop),
        None => Ok(true),
    }
}

fn do_step(shared: &Shared, number: usize, step: &Step) -> Result<()> {
    let at = shared.borrow().desks[step.device];
    match &step.what {
        What::Sync { weather } => {
            sync(shared, at, Some(*weather))?;
            let at_once = shared.borrow().is_planted(Planted::NoBackoff);
            if at_once {
                shared.borrow().truth.pass(10);
                sync(shared, at, Some(*weather))?;
            }
            return Ok(());
        }
        What::Clone { guest, weather } => return use_clone(shared, step.device, *guest, *weather, number),
        _ => {}
    }
    let world = &mut *shared.borrow_mut();
    let key = format!("step {number}");
    match &step.what {
        What::Stamp { guest, count } => match world.guest_code(*guest) {
            Some(code) => world.stamp(at, &code, *count, &key).map(|_| ()),
            None => Ok(()),
        },
        What::StampAgain => world.stamp_again(at, number),
        What::Sale { guest, coffees, bagels, claim } => {
            let code = guest.and_then(|guest| world.guest_code(guest));
            world.sale(at, code, *coffees, *bagels, *claim, &key)
        }
        What::Redeem { guest } => world.redeem(at, *guest, &key),
        What::FiveOff { guest } => world.five_off(at, *guest, &key),
        What::Deed { guest } => world.deed(at, *guest, &key),
        What::Undo { back } => world.undo(at, *back, &key, false),
        What::Refund { back } => world.undo(at, *back, &key, true),
        What::Join { named } => world.join(at, *named, &key),
        What::Pile => {
            if let Some(card) = world.pile.pop() {
                world.guests.push(card);
            }
            Ok(())
        }
        What::Name { guest } => world.name(at, *guest, number),
        What::Replace { guest } => world.replace(at, *guest),
        What::Merge { guest, into, server } => world.merge(at, *guest, *into, *server, &key),
        What::Unmerge { which, server } => world.unmerge(at, *which, *server, &key),
        What::Erase { guest } => world.erase(at, *guest, &key),
        What::Partition { away } => {
            world.places[at].away = *away;
            Ok(())
        }
        What::Clock { off_ms } => {
            world.note("clock set");
            world.places[at].clock.set_off(*off_ms);
            Ok(())
        }
        What::Crash => world.crash(at),
        What::Torn { guest, operation } => world.torn(at, *guest, *operation),
        What::Full { guest, operation } => world.full(at, *guest, *operation, &key),
        What::Later => world.later_program(at),
        What::Copy => world.copy(step.device),
        What::Swap => world.swap(step.device),
        What::Second => {
            world.note("second program");
            let unlocked = world.is_planted(Planted::LockRemoved);
            world.places[at].second(unlocked)
        }
        What::Help => world.help(step.device),
        What::Revoke => world.revoke(at),
        What::Release => world.release(),
        What::Restart => {
            world.note("server restarted");
            world.house.restart()
        }
        What::Backup => {
            world.note("server copied");
            world.house.back_up()
        }
        What::Restore => world.restore(),
        What::Publish { cap, cost } => {
            world.note("programme changed");
            world.publish(&coffee(*cap, *cost))
        }
        What::WebJoin => world.web_join(),
        What::Work => world.work(),
        What::Sync { .. } | What::Clone { .. } => Ok(()),
    }
}

/// What a device does when it is time to exchange.
pub fn sync(shared: &Shared, at: usize, weather: Option<u64>) -> Result<()> {
    let (skew_ms, incarnation) = {
        let mut world = shared.borrow_mut();
        world.deliver_late()?;
        let now_ms = world.truth.truth_ms();
        let place = &mut world.places[at];
        if place.terminal.is_none() || place.syncing || (weather.is_some() && now_ms < place.next_try_ms) {
            return Ok(());
        }
        let (failures, last_ms) = place.failures;
        if failures > 0 && weather.is_some() {
            // At least half of the step: a second, twice as long each time, a minute at most.
            let least_ms = (500_i64 << (failures - 1).min(10)).min(30_000);
            hold(now_ms - last_ms >= least_ms, || {
                format!("a device asks again {} ms after its failure number {failures}", now_ms - last_ms)
            })?;
        }
        place.syncing = true;
        let state = place.terminal()?.view().sync_state().never("reading how far sync is")?;
        world.note("exchanges");
        (
            world.places[at].terminal()?.view().sync_state().ok().and(state.skew_ms),
            world.places[at].incarnation,
        )
    };
    let mut desk = Desk::new(shared, at);
    let mut wire = Wire::new(shared, at, weather, skew_ms);
    let outcome = exchange(&mut desk, &mut wire);
    let mut world = shared.borrow_mut();
    if let Some(stop) = world.trouble.take() {
        return Err(stop);
    }
    if world.places[at].incarnation != incarnation {
        return Ok(());
    }
    world.places[at].syncing = false;
    world.after_exchange(at, outcome)
}

/// The copy of a folder is opened beside the device, used, and closed.
fn use_clone(shared: &Shared, device: usize, guest: usize, weather: u64, number: usize) -> Result<()> {
    let at = {
        let mut world = shared.borrow_mut();
        let Some(at) = world.copies[device] else { return Ok(()) };
        if world.places[at].terminal.is_some() {
            // It is at work already, further out.
            return Ok(());
        }
        world.note("clone used");
        let seed = world.random.number();
        world.places[at].rise(seed)?;
        if let Some(code) = world.guest_code(guest) {
            world.stamp(at, &code, 1, &format!("clone {number}"))?;
        }
        at
    };
    let done = sync(shared, at, Some(weather));
    let mut world = shared.borrow_mut();
    world.places[at].fall();
    done
}

/// Everything is mended, and everybody exchanges until nothing moves any more. Then everything is looked at.
fn rest(shared: &Shared) -> Result<()> {
    let devices = shared.borrow().options.devices;
    for round in 0..ROUNDS_MAX {
        for device in 0..devices {
            {
                let mut world = shared.borrow_mut();
                world.truth.pass(120_000);
                let at = world.desks[device];
                world.places[at].away = false;
            }
            let at = shared.borrow().desks[device];
            sync(shared, at, None)?;
            shared.borrow_mut().help(device)?;
        }
        shared.borrow_mut().work()?;
        if round > 0 && shared.borrow_mut().is_quiet()? {
            return shared.borrow_mut().audit();
        }
    }
    let unrest = shared.borrow_mut().unrest()?;
    broken(format!("it does not come to rest: {unrest}"))
}

impl World {
    /// Letters that the network kept arrive now.
    fn deliver_late(&mut self) -> Result<()> {
        if self.late.len() > LATE_MAX || (!self.late.is_empty() && self.random.per_mille(400)) {
            let place = self.random.below(self.late.len());
            let letter = self.late.remove(place);
            self.note("arrived late");
            // Whatever the answer is, nobody waits for it.
            let _ = self.serve(&letter)?;
        }
        Ok(())
    }

    fn after_exchange(
        &mut self,
        at: usize,
        outcome: std::result::Result<stempel_terminal::exchange::Report, TerminalError>,
    ) -> Result<()> {
        self.learn(at)?;
        let now_ms = self.truth.truth_ms();
        let drawn = self.random.number();
        let no_backoff = self.is_planted(Planted::NoBackoff);
        let place = &mut self.places[at];
        match outcome {
            Ok(report) => {
                place.backoff.reset();
                (place.failures, place.next_try_ms) = ((0, 0), 0);
                place.stuck = report.quarantined.then_some(Stuck::Quarantined);
                if !report.quarantined {
                    self.not_silent(at)?;
                }
                self.note("exchanges that went through");
                self.audit_feed(at)?;
                self.look_at_all(at)
            }
            Err(TerminalError::Sync(error)) => {
                place.failures = (place.failures.0 + 1, now_ms);
                let wait_ms = place.backoff.failed(drawn);
                place.next_try_ms = if no_backoff { now_ms } else { now_ms + wait_ms as i64 };
                match error {
                    SyncError::OlderCopy => place.stuck = Some(Stuck::OlderCopy),
                    SyncError::Stuck => return broken("the server takes nothing, and says nothing of why"),
                    SyncError::Refused(problem) => match problem.code.as_str() {
                        "device-revoked" => place.stuck = Some(Stuck::Revoked),
                        "device-unknown" => place.stuck = Some(Stuck::Unknown),
                        // Somebody set the clock while the question was asked again; the next exchange knows.
                        "clock" => {}
                        _ => return broken(format!("the server refuses what a device asks: {problem:?}")),
                    },
                    _ => {}
                }
                self.look_at_all(at)
            }
            Err(error) => broken(format!("an exchange failed, and not by the network: {error}")),
        }
    }

    /// The server does what is due.
    pub fn work(&mut self) -> Result<()> {
        if self.is_planted(Planted::RightTwice) {
            let connection = self.house.beside()?;
            connection.execute("DELETE FROM job WHERE kind = 'grants'", []).machine("planting a fault")?;
        }
        for _ in 0..50 {
            if self.house.ask(async |server| server.work().await).never("the server's work")? == 0 {
                break;
            }
        }
        if self.is_planted(Planted::CaseLost) {
            let connection = self.house.beside()?;
            connection
                .execute("DELETE FROM conflict_case WHERE kind = 'overdraft'", [])
                .machine("planting a fault")?;
        }
        if self.is_planted(Planted::RowLost) || self.is_planted(Planted::HoleHidden) {
            let last = if self.is_planted(Planted::RowLost) { "held" } else { "held / 2 + 1" };
            let sql = format!(
                "DELETE FROM event WHERE (author, seq) IN (SELECT author, {last} FROM journal WHERE held > 4 LIMIT 1)"
            );
            self.house.beside()?.execute(&sql, []).machine("planting a fault")?;
        }
        self.read_history()?;
        self.audit_inbox()
    }

    fn name(&mut self, at: usize, guest: usize, number: usize) -> Result<()> {
        let Some(code) = self.guest_code(guest) else { return Ok(()) };
        let terminal = self.places[at].acting()?;
        let named = terminal
            .who(&code)
            .and_then(|who| terminal.name_member(&who, &format!("Ada {number}"), None, &None));
        match named {
            Ok(_) | Err(TerminalError::Blocked) => {}
            // A device that never heard the server has no key to know cards by.
            Err(_) if self.places[at].notes.heard_ms.is_none() => {}
            Err(error) => return broken(format!("a member cannot be named: {error}")),
        }
        self.note("named");
        self.learn(at).map(|_| ())
    }

    fn replace(&mut self, at: usize, guest: usize) -> Result<()> {
        let Some(code) = self.guest_code(guest) else { return Ok(()) };
        let terminal = self.places[at].acting()?;
        match terminal.who(&code).and_then(|who| terminal.replace_card(&who, &None)) {
            Ok(joined) => {
                let place = guest % self.guests.len();
                self.guests[place] = joined.token.to_string();
                self.note("card replaced");
            }
            Err(TerminalError::Blocked | TerminalError::Input(_) | TerminalError::NotNow(_)) => {}
            Err(_) if self.places[at].notes.heard_ms.is_none() => {}
            Err(error) => return broken(format!("a card cannot be replaced: {error}")),
        }
        self.learn(at).map(|_| ())
    }

    fn join(&mut self, at: usize, named: bool, key: &str) -> Result<()> {
        let terminal = self.places[at].acting()?;
        match terminal.add_member(named.then_some("Grace"), &None, Some(key)) {
            Ok(joined) => {
                self.guests.push(joined.token.to_string());
                self.note("joined");
            }
            // The pool is empty: the device never heard the server.
            Err(TerminalError::NotNow(_)) => {}
            Err(error) => return broken(format!("nobody can join: {error}")),
        }
        self.learn(at).map(|_| ())
    }
}

/// The circumstances of an action that a person asks for.
pub fn asked(key: &str) -> Circumstances {
    Circumstances { key: Some(key.to_owned()), by_hand: true, ..Circumstances::default() }
}

/// A sale of so many of each.
pub fn basket(
    terminal: &Terminal,
    coffees: u32,
    bagels: u32,
    claims: Vec<Claim>,
) -> std::result::Result<Sale, TerminalError> {
    let mut lines = Vec::new();
    for (sku, count) in [("latte", coffees), ("bagel", bagels)] {
        if count > 0 {
            let sku = sku.parse().map_err(TerminalError::from)?;
            lines.push(terminal.line(&sku, Quantity::pieces(count), Served::Here)?);
        }
    }
    Ok(Sale { lines, claims, ..Sale::default() })
}

/// Now, by a device's clock.
pub fn now_of(place: &Place) -> i64 {
    place.clock.now_ms()
}
