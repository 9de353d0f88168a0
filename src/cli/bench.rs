//! The figures of docs/PERFORMANCE.md, each beside its floor: the least that the same machine needs for the same
//! work, measured in the same run.

mod rules;
#[cfg(feature = "ui")]
mod soak;
#[cfg(feature = "ui")]
mod stamp;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use serde_json::json;
use stempel_domain::event::{Fact, Loyalty, MemberJoined, Record, StampFact};
use stempel_domain::ports::{Clock, draw};
use stempel_domain::rules::{Award, Outcome, PlaceFacts, VERSION};
use stempel_domain::sale::{StampCount, StampOrder};
use stempel_domain::{CardId, Day, Event, EventRef, MemberFacts, MemberId, Moment, Unit};
use stempel_scan::clock::monotonic;
use stempel_scan::decode::{Mode, Pipeline};
use stempel_scan::frame::Frame;
use stempel_store::journal::Keeping;
use stempel_store::{Folder, Head, Store};
use stempel_terminal::cards::Who;
use stempel_terminal::counter::Circumstances;
use stempel_terminal::setup::{Beginning, begin_alone};
use stempel_terminal::{Terminal, TerminalError};
use stempel_wire::token::Token;
use stempel_wire::{MemberKey, Profile, Row};

use super::args::{Bench, Global};
use super::cards::draw_code;
use super::{Answer, Failure, deed};
use crate::edge::{SystemClock, SystemEntropy};

/// Milliseconds in a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Rows of one transaction when a history is made up.
const BATCH: usize = 1000;
/// A live frame.
const FRAME: (u32, u32) = (1280, 720);

/// One figure beside its floor.
struct Figure {
    name: &'static str,
    what: String,
    times: Vec<Duration>,
    floor: &'static str,
    floor_times: Vec<Duration>,
}

impl Figure {
    fn line(self) -> (String, serde_json::Value) {
        let ms = |times: &[Duration], share: f64| -> f64 {
            let mut sorted = times.to_vec();
            sorted.sort();
            let place = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len()) - 1;
            (sorted[place].as_secs_f64() * 1_000_000.0).round() / 1000.0
        };
        let (p50, p99) = (ms(&self.times, 0.5), ms(&self.times, 0.99));
        let floor = ms(&self.floor_times, 0.5);
        let text = format!(
            "{:<8} {:<52} p50 {p50:>9.3} ms  p99 {p99:>9.3} ms   floor {floor:>8.3} ms ({})",
            self.name, self.what, self.floor
        );
        let json = json!({
            "bench": self.name, "what": self.what, "runs": self.times.len(), "p50_ms": p50, "p99_ms": p99,
            "floor": self.floor, "floor_p50_ms": floor,
        });
        (text, json)
    }
}

/// Measures what was named.
pub(super) fn run(global: &Global, bench: &Bench) -> Result<Answer, Failure> {
    if bench.name == "scan" {
        return super::bench_scan::run(bench);
    }
    let folder = global.data.join(format!("bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)
        .map_err(|error| Failure::machine(format!("{}: {error}", folder.display())))?;
    #[cfg(feature = "ui")]
    if bench.name == "soak" {
        let answer = soak::soak(&folder, bench.guests);
        std::fs::remove_dir_all(&folder).map_err(Failure::machine)?;
        return answer;
    }
    let figures = measure(&folder, bench);
    std::fs::remove_dir_all(&folder).map_err(Failure::machine)?;
    Ok(Answer::lines(figures?.into_iter().map(Figure::line)))
}

fn measure(folder: &Path, bench: &Bench) -> Result<Vec<Figure>, Failure> {
    match bench.name.as_str() {
        "decode" => decode(),
        "commit" => commit(folder),
        "balance" => balance(folder),
        "start" => start(bench.keep.as_deref().unwrap_or(folder), bench.members),
        "rules" => rules::rules(folder),
        #[cfg(feature = "ui")]
        "scan-to-stamp" => stamp::stamp(folder),
        "all" => {
            let mut figures = decode()?;
            figures.extend(commit(&folder.join("commit"))?);
            figures.extend(balance(&folder.join("balance"))?);
            figures.extend(start(&folder.join("start"), bench.members)?);
            figures.extend(rules::rules(&folder.join("rules"))?);
            Ok(figures)
        }
        other => Err(Failure::usage(format!(
            "there is no bench “{other}”; there are decode, commit, balance, start, rules, scan-to-stamp, soak, all and scan"
        ))),
    }
}

fn time<T, E>(runs: usize, mut work: impl FnMut(usize) -> Result<T, E>) -> Result<Vec<Duration>, E> {
    (0..runs)
        .map(|run| {
            let begun = Instant::now();
            std::hint::black_box(work(run)?);
            Ok(begun.elapsed())
        })
        .collect()
}

/// A live frame of a counter, with a code in its middle or without: width, height, and the brightness of each pixel.
fn in_a_frame(text: Option<&str>) -> Result<(u32, u32, Vec<u8>), Failure> {
    let (width, height) = FRAME;
    let code = draw_code(text.unwrap_or_default()).map_err(Failure::machine)?;
    let side = if text.is_some() { code.width() } else { 0 };
    let (left, top) = ((width - side) / 2, (height - side) / 2);
    let mut luma = Vec::with_capacity((width * height) as usize);
    for y in 0..height {
        for x in 0..width {
            let inside = (left..left + side).contains(&x) && (top..top + side).contains(&y);
            let counter = (90 + (x * 7 + y * 13) % 40 + (x / 90 + y / 70) % 2 * 40) as u8;
            luma.push(if inside { code.get_pixel(x - left, y - top).0[0] } else { counter });
        }
    }
    Ok((width, height, luma))
}

/// A live frame with a card in it, and one without: both decoded as the counter does.
fn decode() -> Result<Vec<Figure>, Failure> {
    let key = stempel_wire::SecretKey::from_bytes(&[7; 32]);
    let token = Token::issue(stempel_domain::TenantId([1; 16]), &key, CardId([2; 8])).to_string();
    let clock = monotonic();
    let mut figures = Vec::new();
    for (what, with_code) in
        [("a card in a 1280×720 frame", true), ("a 1280×720 frame without a card", false)]
    {
        let (width, height, luma) = in_a_frame(with_code.then_some(token.as_str()))?;
        let frame = Frame::new(width, height, luma.clone(), clock()).map_err(Failure::machine)?;
        let mut pipeline = Pipeline::new(Mode::LIVE, clock.clone());
        let found = pipeline.decode(&frame, &|text| text == token).good().is_some();
        if found != with_code {
            return Err(Failure::machine("the decoder does not read its own sample"));
        }
        let times = time(60, |_| Ok::<_, Failure>(pipeline.decode(&frame, &|text| text == token)))?;
        let sum = |_: usize| Ok::<u64, Failure>(luma.iter().map(|&byte| u64::from(byte)).sum());
        let floor_times = time(60, sum)?;
        figures.push(Figure {
            name: "decode",
            what: what.into(),
            times,
            floor: "one pass over the bytes",
            floor_times,
        });
    }
    Ok(figures)
}

/// A clock on which a guest takes the time of a guest, however fast they come.
struct Fast(AtomicI64);

impl Fast {
    /// It is now so many milliseconds later.
    fn pass(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for Fast {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn offset_minutes_at(&self, _utc_ms: i64) -> i16 {
        0
    }
}

fn sample(folder: &Path) -> Result<Terminal, Failure> {
    sample_at(folder, Arc::new(SystemClock::new("")))
}

/// The sample café with a clock of its own.
fn sample_at(folder: &Path, clock: Arc<dyn Clock>) -> Result<Terminal, Failure> {
    let store = Store::open(Folder::take(folder, "stempel bench")?)?;
    let beginning = Beginning {
        shop_name: "Bench".into(),
        programmes: crate::sample::PROGRAMMES
            .iter()
            .map(|text| stempel_domain::programme::Programme::parse_toml(text).map_err(Failure::machine))
            .collect::<Result<_, _>>()?,
        articles: crate::sample::articles().map_err(Failure::machine)?,
        ..Beginning::default()
    };
    Ok(begin_alone(store, clock, Box::new(SystemEntropy), &beginning)?)
}

/// Members who buy in turn where sales are measured: nobody buys four hundred times in a row.
const REGULARS: usize = 40;
/// Sales that are measured.
const SALES: usize = 400;
/// Sales before them: everybody has a history, and the shop a busy day behind it.
const SALES_BEFORE: usize = 800;
/// From one guest to the next, in milliseconds.
const GUEST_MS: i64 = 90_000;

/// A sale with rules, signature and commit, beside a bare transaction of the same bytes with the same fsync.
fn commit(folder: &Path) -> Result<Vec<Figure>, Failure> {
    let clock = Arc::new(Fast(AtomicI64::new(SystemClock::new("").now_ms())));
    let mut terminal = sample_at(&folder.join("terminal"), clock.clone())?;
    let before = terminal.view().head(terminal.identity().device)?.seq;
    let regulars = (0..REGULARS)
        .map(|_| terminal.add_member(Some("Ada"), &None, None))
        .collect::<Result<Vec<_>, TerminalError>>()?;
    let items = [("espresso", 1_u32), ("croissant", 1), ("flat-white", 2)];
    let mut times = Vec::with_capacity(SALES);
    for run in 0..SALES_BEFORE + SALES {
        clock.pass(GUEST_MS);
        // The card was shown and the articles were rung up before anybody pays.
        let code = regulars[run % REGULARS].token.to_string();
        terminal.who(&code)?;
        let sale = deed::basket_of(&terminal, &items)?;
        let begun = Instant::now();
        terminal.sale(Some(&code), sale, &Circumstances::default())?;
        if run >= SALES_BEFORE {
            times.push(begun.elapsed());
        }
    }

    let head = terminal.view().head(terminal.identity().device)?;
    let reference = EventRef { author: terminal.identity().device, seq: head.seq };
    let row = terminal.view().row(reference)?.ok_or_else(|| Failure::machine("the last row is gone"))?;
    let member = regulars[(SALES - 1) % REGULARS].member;
    let state = terminal.view().member(member)?.unwrap_or_default();
    let now = serde_json::to_string(&state).map_err(Failure::machine)?;
    // The same tables with the same indexes, in a file of their own.
    let same = folder.join("bare");
    drop(sample(&same)?);
    let bare = Connection::open(same.join(stempel_store::folder::DATABASE)).map_err(Failure::machine)?;
    bare.pragma_update(None, "synchronous", "FULL").map_err(Failure::machine)?;
    let floor_times = time(SALES, |run| {
        let seq = run as i64 + 1;
        bare.execute_batch("BEGIN IMMEDIATE")?;
        bare.prepare_cached(
            "INSERT INTO journal (author, seq, hash, kind, member, bytes) VALUES (?1, ?2, ?3, 'sale', ?4, ?5)",
        )?
        .execute(params![
            reference.author.0.as_slice(),
            seq,
            row.hash().0.as_slice(),
            regulars[run % REGULARS].member.0.as_slice(),
            row.bytes(),
        ])?;
        bare.prepare_cached("INSERT OR REPLACE INTO member (member, base, now, profile) VALUES (?1, ?2, ?2, NULL)")?
            .execute(params![regulars[run % REGULARS].member.0.as_slice(), now])?;
        bare.execute_batch("COMMIT")
    })
    .map_err(Failure::machine)?;
    let floor = "bare transaction, same rows and fsync";
    let kept = kept(&folder.join("kept"), &terminal, before)?;
    Ok([("a sale of three lines: rules, signature, commit", times), ("of it: keeping the signed row", kept)]
        .into_iter()
        .map(|(what, times)| Figure {
            name: "commit",
            what: what.to_owned(),
            times,
            floor,
            floor_times: floor_times.clone(),
        })
        .collect())
}

/// How long a store takes for each sale of a terminal behind a row of its journal, from the signed row to the end of the
/// transaction. What joined there joins here first.
fn kept(folder: &Path, sold: &Terminal, behind: u64) -> Result<Vec<Duration>, Failure> {
    let History { mut store, identity, mut head } = History::of(folder)?;
    let (key, author, seller) = (identity.key()?, identity.device, sold.identity().device);
    let mut times = Vec::with_capacity(SALES_BEFORE + SALES);
    for seq in behind + 1..=sold.view().head(seller)?.seq {
        let Some(row) = sold.view().row(EventRef { author: seller, seq })? else { continue };
        let record = row.event().map_err(Failure::machine)?.record;
        let is_sale = matches!(record.fact, Fact::Sale(_));
        let reference = EventRef { author, seq: head.seq + 1 };
        let row = Row::write(&key, reference, head.hash, &record).map_err(TerminalError::from)?;
        let event = Event { author, seq: reference.seq, record };
        let begun = Instant::now();
        store.write::<_, Failure>(|write| Ok(write.append(&row, &event, Keeping::Base)?))?;
        if is_sale {
            times.push(begun.elapsed());
        }
        head = Head { seq: row.seq(), hash: row.hash() };
    }
    times.drain(..SALES_BEFORE.min(times.len()));
    Ok(times)
}

/// Appends made-up facts to the terminal's own journal, many in one transaction.
struct History {
    store: Store,
    identity: stempel_terminal::Identity,
    head: Head,
}

impl History {
    fn of(folder: &Path) -> Result<Self, Failure> {
        drop(sample(folder)?);
        let store = Store::open(Folder::take(folder, "stempel bench")?)?;
        let identity: stempel_terminal::Identity =
            store.view().setting("identity")?.ok_or_else(|| Failure::machine("the terminal is gone"))?;
        let head = store.view().head(identity.device)?;
        Ok(Self { store, identity, head })
    }

    fn append(
        &mut self,
        facts: impl IntoIterator<Item = (Moment, Fact, Option<(MemberId, MemberKey)>)>,
    ) -> Result<(), Failure> {
        let key = self.identity.key()?;
        let (author, mut head) = (self.identity.device, self.head);
        let mut facts = facts.into_iter().peekable();
        while facts.peek().is_some() {
            head = self.store.write::<_, Failure>(|write| {
                for (at, fact, member_key) in facts.by_ref().take(BATCH) {
                    let record = Record { at, operator: None, fact };
                    let reference = EventRef { author, seq: head.seq + 1 };
                    let row = Row::write(&key, reference, head.hash, &record).map_err(TerminalError::from)?;
                    write.append(&row, &Event { author, seq: reference.seq, record }, Keeping::Base)?;
                    if let Some((member, member_key)) = member_key {
                        write.keep_key(member, &member_key, false)?;
                    }
                    head = Head { seq: row.seq(), hash: row.hash() };
                }
                Ok(head)
            })?;
        }
        self.head = head;
        Ok(())
    }
}

fn moment_of_day(day: i64) -> Moment {
    Moment {
        utc_ms: day * DAY_MS + DAY_MS / 2,
        offset_minutes: 60,
        day: Day::from_number(day),
        skew_ms: None,
        clock_doubtful: false,
    }
}

fn joined(member: MemberId, card: CardId) -> Fact {
    Fact::MemberJoined(MemberJoined::new(member, card, None))
}

/// One stamp on a day, as a counter writes it.
fn stamp_on(history: &History, member: MemberId, at: &Moment) -> Result<Fact, Failure> {
    let unit = Unit::new("stamp:coffee", 0).map_err(Failure::machine)?;
    let programme: stempel_domain::ProgrammeId = "coffee".parse().map_err(Failure::machine)?;
    let award = Award {
        programme: programme.clone(),
        rule: "coffees".into(),
        unit,
        amount: 1,
        last: None,
        idle: None,
        weights: Vec::new(),
        grant: None,
        forgive: false,
    };
    let outcome = Outcome { awards: vec![award], ..Outcome::default() };
    let shop = history.identity.shop;
    Ok(Fact::Stamp(Box::new(StampFact {
        shop,
        order: StampOrder { stamps: vec![StampCount { programme, count: 1 }], claims: Vec::new() },
        loyalty: Loyalty {
            member,
            card: None,
            rules: VERSION,
            programmes: Vec::new(),
            facts: MemberFacts::default(),
        },
        postings: outcome.postings(member, shop, at.day),
        outcome,
        place: PlaceFacts::default(),
        proof: None,
    })))
}

/// The balance of a member with 10 and with 100,000 events behind it.
fn balance(folder: &Path) -> Result<Vec<Figure>, Failure> {
    let today = SystemClock::new("");
    let last_day = stempel_domain::ports::Clock::now_ms(&today) / DAY_MS - 1;
    let mut history = History::of(folder)?;
    let mut figures = Vec::new();
    let mut members = Vec::new();
    for (number, events) in [(1_u8, 10_i64), (2, 100_000)] {
        let card = CardId([number; 8]);
        let member = MemberId::of_first_card(history.identity.tenant, card);
        let mut facts = vec![(moment_of_day(last_day - 3650), joined(member, card), None)];
        for event in 0..events {
            // Spread over ten years.
            let at = moment_of_day(last_day - 3650 + event * 3650 / events);
            facts.push((at, stamp_on(&history, member, &at)?, None));
        }
        history.append(facts)?;
        members.push((member, events));
    }
    drop(history);
    let terminal = open(folder)?;
    let bare = Connection::open(folder.join(stempel_store::folder::DATABASE)).map_err(Failure::machine)?;
    for (member, events) in members {
        let who = Who::Member { member, card: None };
        let held: i64 = terminal.look(&who)?.balances.values().sum();
        if held != events {
            return Err(Failure::machine(format!("{events} stamps were given, {held} are there")));
        }
        let times = time(300, |_| terminal.look(&who))?;
        let floor_times = time(300, |_| {
            bare.prepare_cached("SELECT now FROM member WHERE member = ?1")?
                .query_row([member.0.as_slice()], |row| row.get::<_, String>(0))
        })
        .map_err(Failure::machine)?;
        let what = format!("the balance of a member with {events} events");
        figures.push(Figure { name: "balance", what, times, floor: "reading the member's row", floor_times });
    }
    Ok(figures)
}

fn open(folder: &Path) -> Result<Terminal, Failure> {
    Ok(Terminal::open(Store::read(folder)?, Arc::new(SystemClock::new("")), Box::new(SystemEntropy))?)
}

/// From nothing to knowing the first card, with many members: in this process, and as a command of its own.
fn start(folder: &Path, members: u32) -> Result<Vec<Figure>, Failure> {
    let mut history = History::of(folder)?;
    let card_key = history.identity.card_key()?.ok_or_else(|| Failure::machine("there is no card key"))?;
    let tenant = history.identity.tenant;
    let at = moment_of_day(20_000);
    let mut entropy = SystemEntropy;
    let mut card = CardId([0; 8]);
    let mut facts = Vec::with_capacity(members as usize);
    for _ in 0..members {
        card = CardId(draw(&mut entropy));
        let member = MemberId::of_first_card(tenant, card);
        let member_key = MemberKey::generate(&mut entropy);
        let profile = Profile { name: "Ada".into(), language: None };
        let sealed = member_key.seal(member, &profile, &mut entropy).map_err(TerminalError::from)?;
        let fact = Fact::MemberJoined(MemberJoined::new(member, card, Some(sealed)));
        facts.push((at, fact, Some((member, member_key))));
    }
    history.append(facts)?;
    drop(history);
    let code = Token::issue(tenant, &card_key, card).to_string();
    let floor_times = time(20, |_| {
        let bare = Connection::open(folder.join(stempel_store::folder::DATABASE))?;
        bare.query_row("SELECT member FROM card WHERE card = ?1", [card.0.as_slice()], |row| {
            row.get::<_, Vec<u8>>(0)
        })
    })
    .map_err(Failure::machine)?;
    let inside = time(20, |_| -> Result<_, Failure> {
        let terminal = open(folder)?;
        Ok(terminal.look(&terminal.who(&code)?)?)
    })?;
    let program = std::env::current_exe().map_err(Failure::machine)?;
    let outside = time(10, |_| -> Result<(), Failure> {
        let mut command = std::process::Command::new(&program);
        command.arg("--data").arg(folder).args(["member", "show", &code]);
        let output = command.output().map_err(Failure::machine)?;
        if output.status.success() {
            Ok(())
        } else {
            Err(Failure::machine("the program did not find the card"))
        }
    })?;
    let floor = "opening SQLite and reading one row";
    Ok(vec![
        Figure {
            name: "start",
            what: format!("{members} members: open, verify a card, show it"),
            times: inside,
            floor,
            floor_times: floor_times.clone(),
        },
        Figure {
            name: "start",
            what: format!("{members} members: the whole command, from its start"),
            times: outside,
            floor,
            floor_times,
        },
    ])
}
