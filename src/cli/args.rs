//! What can be typed. The names are a contract: scripts rely on them.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use stempel_domain::OperatorId;

use super::Failure;
use crate::edge::folder_key::Seal;

mod deeds;
mod people;
mod programmes;
#[cfg(feature = "demo")]
mod server;

pub use deeds::*;
pub use people::*;
pub use programmes::*;
#[cfg(feature = "demo")]
pub use server::*;

/// Stempel: stamp cards and a till that work when the network does not.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Args {
    /// The data folder [default: the platform's data folder for Stempel]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// One JSON object per line, for scripts
    #[arg(long, global = true)]
    pub json: bool,
    /// The tenant, where a command concerns one of several
    #[arg(long, global = true, value_name = "ID")]
    pub tenant: Option<String>,
    /// The shop, where a command concerns one of several
    #[arg(long, global = true, value_name = "ID")]
    pub shop: Option<String>,
    /// Who is working
    #[arg(long, global = true, value_name = "NAME", default_value = "cli")]
    pub operator: String,
    /// Makes a write happen once: the same key gives the same answer again
    #[arg(long, global = true, value_name = "KEY")]
    pub key: Option<String>,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What holds for every command.
#[derive(Debug, Clone)]
pub struct Global {
    /// The data folder.
    pub data: PathBuf,
    /// The shop that was named.
    pub shop: Option<String>,
    /// Who is working.
    pub operator: OperatorId,
    /// Makes a write happen once.
    pub key: Option<String>,
}

impl Args {
    /// What holds for every command, checked.
    pub fn global(&self) -> Result<Global, Failure> {
        let operator =
            self.operator.parse().map_err(|error| Failure::usage(format!("--operator: {error}")))?;
        if self.key.as_ref().is_some_and(|key| key.is_empty() || key.len() > 200) {
            return Err(Failure::usage("--key: a key has 1 to 200 characters"));
        }
        let data = self.data.clone().unwrap_or_else(default_folder);
        Ok(Global { data, shop: self.shop.clone(), operator, key: self.key.clone() })
    }
}

/// The platform's data folder for Stempel.
fn default_folder() -> PathBuf {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || named("HOME").unwrap_or_default();
    #[cfg(target_os = "macos")]
    let base = home().join("Library/Application Support");
    #[cfg(windows)]
    let base = named("LOCALAPPDATA").unwrap_or_else(home);
    #[cfg(not(any(target_os = "macos", windows)))]
    let base = named("XDG_DATA_HOME").unwrap_or_else(|| home().join(".local/share"));
    base.join("stempel")
}

/// Every command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Server, terminal and a sample café in one process, with nothing to set up
    #[cfg(all(feature = "ui", feature = "demo"))]
    Demo(Demo),
    /// The screen for a counter: stamp card or till
    #[cfg(feature = "ui")]
    Terminal(Screen),
    /// The screen that guests use alone
    #[cfg(feature = "ui")]
    Kiosk(Screen),
    /// The server
    #[cfg(feature = "demo")]
    Serve(Serve),
    /// Looks after a server's tenants, shops and devices
    #[cfg(feature = "demo")]
    Admin(Admin),
    /// Figures, on the server's data
    #[cfg(feature = "demo")]
    Report(Report),
    /// Makes the folder a terminal that works alone: `stempel init --shop NAME`
    Init(Init),
    /// Makes the folder a device of a shop and takes the first snapshot
    Enroll(Enroll),
    /// Reads QR codes from picture files
    Scan(Scan),
    /// Members: add, show, find, name, refer, invite, tag, merge, consent, export, erase
    #[command(subcommand)]
    Member(Member),
    /// Cards: draw, verify, block, replace
    #[command(subcommand)]
    Card(Card),
    /// Articles: list, import
    #[command(subcommand)]
    Catalogue(Catalogue),
    /// Records a sale that was paid
    Sale(Sale),
    /// Gives stamps beside another till
    Stamp(Stamp),
    /// Gives one reward
    Redeem(Redeem),
    /// Gives what something done without a purchase earns: a review, an answered survey
    Earn(Earn),
    /// Gives what the day brings a member: a birthday, an anniversary
    Occasions(Occasions),
    /// Makes up for something, within the programme's budgets
    Goodwill(Goodwill),
    /// What proves a purchase at another till: check, till add, till list, till remove
    #[command(subcommand)]
    Proof(super::proofs::ProofCommand),
    /// One-time slips: issue
    #[command(subcommand)]
    Slip(super::proofs::SlipCommand),
    /// Who works here: add, list, pin, check, card, remove
    #[command(subcommand)]
    Operator(super::staff::OperatorCommand),
    /// Paper cards: take
    #[command(subcommand)]
    PaperCard(super::staff::PaperCommand),
    /// What guests give away (“suspended coffee”): give, list, release
    #[command(subcommand)]
    Gift(super::staff::GiftCommand),
    /// Notes a guest's answer to the question of the shop
    Answer(super::staff::AnswerArgs),
    /// Settings of this device: get, set
    #[command(subcommand)]
    Settings(super::staff::SettingsCommand),
    /// What looks as if somebody helped himself: the list, agree
    Alarms(super::alarms::AlarmsArgs),
    /// The opening line, and what was done on a day
    Day(super::staff::DayArgs),
    /// Takes goods of a sale back
    Refund(Refund),
    /// Takes a whole event back at once
    Undo(Undo),
    /// Explains a member's balances
    Why(Why),
    /// Programmes: check, list, publish, evaluate
    #[command(subcommand)]
    Programme(Programme),
    /// Prize draws that anybody can check: open, close, run, verify
    #[command(subcommand)]
    Draw(Draw),
    /// Sends what waits and fetches what is new
    Sync,
    /// Brings a dead device's second copy to the server; this device takes its place
    Replace(Replace),
    /// Makes a new key that wraps members' keys in this folder, and drops the old one
    RotateKeys(RotateKeys),
    /// Makes a new key that signs this terminal's events; the server hears of it with the next exchange
    RotateDeviceKey,
    /// The journal: verify, export
    #[command(subcommand)]
    Journal(Journal),
    /// How this terminal is doing
    Status,
    /// Measures the figures of docs/PERFORMANCE.md, each beside its floor
    Bench(Bench),
    /// The whole system against faults, all of them by a seed: the same seed, the same verdict
    #[cfg(feature = "sim")]
    Simulate(Simulate),
}

/// The demo.
#[cfg(all(feature = "ui", feature = "demo"))]
#[derive(Debug, Clone, clap::Args)]
pub struct Demo {
    /// Begins with the kiosk
    #[arg(long)]
    pub kiosk: bool,
    /// The window
    #[command(flatten)]
    pub screen: Screen,
}

/// A screen.
#[cfg(feature = "ui")]
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Screen {
    /// Begins with the till rather than the stamp card
    #[arg(long)]
    pub till: bool,
    /// Ends after that many seconds, for tests
    #[arg(long, value_name = "SECONDS", hide = true)]
    pub seconds: Option<u64>,
    /// Reads codes from the pictures of a folder instead of a camera
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// Uses no camera
    #[arg(long)]
    pub no_camera: bool,
    /// Keeps the camera's pictures in an empty folder, for support: half a minute of them, and the screen says so
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,
    /// Draws the full screen without a frame
    #[arg(long)]
    pub fullscreen: bool,
    /// Shows keys on the screen where something is typed, for a touch screen without a keyboard; a bare screen always does
    #[arg(long)]
    pub keyboard: bool,
    /// The window's size in pixels: 800x1280
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = size)]
    pub size: Option<(u32, u32)>,
}

/// Reads a size in pixels.
#[cfg(feature = "ui")]
fn size(text: &str) -> Result<(u32, u32), String> {
    let wrong = || format!("“{text}” is no size; write it like 800x1280");
    let (width, height) = text.split_once('x').ok_or_else(wrong)?;
    let side = |text: &str| text.parse().ok().filter(|side| (200..=10_000).contains(side)).ok_or_else(wrong);
    Ok((side(width)?, side(height)?))
}

/// Makes a folder a terminal.
#[derive(Debug, Clone, clap::Args)]
pub struct Init {
    /// With a sample café
    #[arg(long)]
    pub demo: bool,
}

/// Makes a folder a device.
#[derive(Debug, Clone, clap::Args)]
pub struct Enroll {
    /// The server's address
    #[arg(long, value_name = "URL")]
    pub server: String,
    /// The one-time code
    #[arg(long)]
    pub code: String,
    /// What people call this device
    #[arg(long, default_value = "Kasse")]
    pub name: String,
}

/// A new key for members' keys.
#[derive(Debug, Clone, clap::Args)]
pub struct RotateKeys {
    /// Where the secret is kept from now on under which the key's file is sealed [default: where it is kept now]
    #[arg(long, value_name = "PLACE")]
    pub seal: Option<Seal>,
}

/// Taking a dead device's place.
#[derive(Debug, Clone, clap::Args)]
pub struct Replace {
    /// The second copy, stempel-….copy
    #[arg(long, value_name = "FILE")]
    pub copy: PathBuf,
}

/// Reading codes from files.
#[derive(Debug, Clone, clap::Args)]
pub struct Scan {
    /// Pictures (PNG or JPEG)
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
}

/// Articles.
#[derive(Debug, Clone, Subcommand)]
pub enum Catalogue {
    /// Lists the articles
    List,
    /// Reads articles from a CSV file: sku,name,category,price,vat
    Import {
        /// The file
        file: PathBuf,
    },
}

/// An explanation.
#[derive(Debug, Clone, clap::Args)]
pub struct Why {
    /// Token, number or id
    pub code: String,
}

/// The journal.
#[derive(Debug, Clone, Subcommand)]
pub enum Journal {
    /// Checks the chain, the signatures and the database file
    Verify,
    /// Writes every event, one per line
    Export,
}

/// A simulation.
#[cfg(feature = "sim")]
#[derive(Debug, Clone, clap::Args)]
pub struct Simulate {
    /// Everything follows from it
    #[arg(long)]
    pub seed: u64,
    /// So many devices, two to a shop
    #[arg(long, default_value_t = 4)]
    pub devices: usize,
    /// So many days
    #[arg(long, default_value_t = 1)]
    pub days: u32,
    /// So many seeds, from that one on
    #[arg(long, default_value_t = 1)]
    pub seeds: u64,
}

/// A bench.
#[derive(Debug, Clone, clap::Args)]
pub struct Bench {
    /// decode, commit, balance, start, rules, scan-to-stamp, soak or all; or scan
    pub name: String,
    /// Members of the start-up bench
    #[arg(long, default_value_t = 100_000)]
    pub members: u32,
    /// For start: makes the shop with its members in this new folder and leaves it there
    #[arg(long)]
    pub keep: Option<PathBuf>,
    /// Guests of the soak
    #[arg(long, default_value_t = 100_000)]
    pub guests: u32,
    /// For scan: folder of sets of photographs, each with its text beside it
    #[arg(long)]
    pub photos: Option<PathBuf>,
    /// For scan: folder of frames, each with its text beside it
    #[arg(long)]
    pub frames: Vec<PathBuf>,
    /// For scan: a film, that is a folder of its frames with the code's text in text.txt; or a folder of films
    #[arg(long)]
    pub video: Option<PathBuf>,
    /// For scan: writes as many --passes as films into this empty folder, and measures nothing
    #[arg(long, conflicts_with_all = ["photos", "frames", "video", "empty", "decoys", "soak"])]
    pub film: Option<PathBuf>,
    /// For scan: hands that bring a code into view
    #[arg(long)]
    pub passes: Option<u64>,
    /// For scan: frames of counters without a code
    #[arg(long)]
    pub empty: Option<u64>,
    /// For scan: frames of what looks like a code and is none
    #[arg(long)]
    pub decoys: Option<u64>,
    /// For scan: frames without a member's token, on all cores; whatever is read there and was not written is false
    #[arg(long)]
    pub soak: Option<u64>,
    /// For scan: the first seed of what is made
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}
