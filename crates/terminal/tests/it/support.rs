//! Clock, randomness, shops.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use stempel_domain::ports::{Clock, Entropy};
use stempel_domain::programme::Programme;
use stempel_domain::sale::{Claim, Sale};
use stempel_domain::{Moment, Money, Quantity, Rate};
use stempel_store::{Folder, Store};
use stempel_terminal::Terminal;
use stempel_terminal::counter::{Circumstances, Given};
use stempel_terminal::setup::{Beginning, begin_alone};
use stempel_wire::article::Served;
use stempel_wire::message::Article;
use tempfile::TempDir;

pub const MINUTE: i64 = 60_000;
pub const DAY: i64 = 24 * 60 * MINUTE;

/// A clock that stands still until it is set. The shop is two hours east of UTC.
#[derive(Clone)]
pub struct Hand(Arc<AtomicI64>);

impl Hand {
    pub fn at(text: &str) -> Self {
        Self(Arc::new(AtomicI64::new(Moment::parse_rfc3339(text).unwrap().0)))
    }

    pub fn noon() -> Self {
        Self::at("2026-06-02T12:00:00+02:00")
    }

    pub fn move_by(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    fn offset_minutes_at(&self, _utc_ms: i64) -> i16 {
        120
    }
}

/// The same bytes for the same seed.
pub struct Seeded(pub u64);

impl Entropy for Seeded {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill_with(|| {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as u8
        });
    }
}

/// A folder in memory where there is one: what a pulled plug does is tried with the store.
pub fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

pub fn store(path: &Path) -> Store {
    Store::open(Folder::take(path, "till").unwrap()).unwrap()
}

pub fn programme(toml: &str) -> Programme {
    Programme::parse_toml(toml).unwrap_or_else(|error| panic!("{error}"))
}

pub fn template(name: &str) -> Programme {
    let path = format!("{}/../../assets/programmes/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    programme(&std::fs::read_to_string(path).unwrap())
}

pub fn latte() -> Article {
    let latte = Article::new("latte".parse().unwrap(), "Latte", Money(420), Rate(700));
    Article { category: "coffee".into(), ..latte }
}

/// A shop that works alone, with ten coffees for one free and a point for each euro.
pub fn alone_in(path: &Path, clock: &Hand) -> Terminal {
    let beginning = Beginning {
        shop_name: "Morgenrot".into(),
        programmes: vec![template("coffee-card"), template("points")],
        articles: vec![latte()],
        ..Beginning::default()
    };
    begin_alone(store(path), Arc::new(clock.clone()), Box::new(Seeded(1)), &beginning).unwrap()
}

/// The terminal that lives in a folder.
pub fn reopened(path: &Path, clock: &Hand) -> Terminal {
    Terminal::open(store(path), Arc::new(clock.clone()), Box::new(Seeded(2))).unwrap()
}

pub fn stamp(terminal: &mut Terminal, code: &str, count: u32) -> Given {
    terminal.stamp(code, None, count, Vec::new(), &Circumstances::default()).unwrap()
}

pub fn free_coffee() -> Claim {
    Claim::once("free-coffee".parse().unwrap())
}

pub fn lattes(terminal: &Terminal, count: u32) -> Sale {
    let line = terminal.line(&"latte".parse().unwrap(), Quantity::pieces(count), Served::Here).unwrap();
    Sale { lines: vec![line], ..Sale::default() }
}

pub fn keyed(key: &str) -> Circumstances {
    Circumstances { key: Some(key.into()), ..Circumstances::default() }
}

pub fn balance(terminal: &Terminal, code: &str, unit: &str) -> i64 {
    let look = terminal.look(&terminal.who(code).unwrap()).unwrap();
    look.balances.get(&unit.parse().unwrap()).copied().unwrap_or(0)
}

pub fn coffees(terminal: &Terminal, code: &str) -> i64 {
    balance(terminal, code, "stamp:coffee")
}

pub fn head(terminal: &Terminal) -> u64 {
    terminal.view().head(terminal.identity().device).unwrap().seq
}
