//! What can be typed. The names are a contract: scripts rely on them.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use stempel_domain::OperatorId;

use super::Failure;

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
    /// Makes the folder a terminal that works alone: `stempel init --shop NAME`
    Init(Init),
    /// Makes the folder a device of a shop and takes the first snapshot
    Enroll(Enroll),
    /// Reads QR codes from picture files
    Scan(Scan),
    /// Members: add, show, find, name
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
    /// Takes goods of a sale back
    Refund(Refund),
    /// Takes a whole event back at once
    Undo(Undo),
    /// Explains a member's balances
    Why(Why),
    /// Programmes: check, list, publish, evaluate
    #[command(subcommand)]
    Programme(Programme),
    /// Sends what waits and fetches what is new
    Sync,
    /// The journal: verify, export
    #[command(subcommand)]
    Journal(Journal),
    /// How this terminal is doing
    Status,
    /// Measures the figures of docs/PERFORMANCE.md, each beside its floor
    Bench(Bench),
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
    /// Draws the full screen without a frame
    #[arg(long)]
    pub fullscreen: bool,
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

/// The server.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, clap::Args)]
pub struct Serve {
    /// Where the data is: sqlite:PATH
    #[arg(long, value_name = "URL", default_value = "sqlite:stempel-server.db")]
    pub database: String,
    /// Where to answer
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// A proxy in front speaks TLS, so another address than this machine's own is fine
    #[arg(long)]
    pub behind_proxy: bool,
}

/// Looking after a server.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, clap::Args)]
pub struct Admin {
    /// Where the data is: sqlite:PATH
    #[arg(long, value_name = "URL", default_value = "sqlite:stempel-server.db", global = true)]
    pub database: String,
    /// What to do
    #[command(subcommand)]
    pub command: AdminCommand,
}

/// What can be done on a server.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, Subcommand)]
pub enum AdminCommand {
    /// Makes the database
    Init {
        /// With a sample café
        #[arg(long)]
        demo: bool,
    },
    /// Tenants
    #[command(subcommand)]
    Tenant(AdminTenant),
    /// Shops
    #[command(subcommand)]
    Shop(AdminShop),
    /// Devices
    #[command(subcommand)]
    Device(AdminDevice),
    /// Programmes
    #[command(subcommand)]
    Programme(AdminProgramme),
    /// Articles
    #[command(subcommand)]
    Catalogue(Catalogue),
    /// Members
    #[command(subcommand)]
    Member(AdminMember),
    /// Decides what waits in the inbox
    #[command(subcommand)]
    Decide(AdminDecision),
    /// What waits for a person: overdrafts, journals put aside, events that were not understood
    Inbox,
    /// Checks every journal, balance and the feed
    Verify,
    /// Writes a consistent copy, while the server runs
    Backup {
        /// The copy
        file: PathBuf,
    },
    /// Puts a copy in place of the database; devices notice and send again what it lacks
    Restore {
        /// The copy
        file: PathBuf,
    },
}

/// Decisions.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, Subcommand)]
pub enum AdminDecision {
    /// Lets the held rows of a revoked device count after all
    Release {
        /// The device's id
        device: String,
    },
    /// Looks again at rows that were not understood, after an update
    Retry,
    /// Goes on with a journal that was put aside because of two rows under one number
    Lift {
        /// The device's id
        device: String,
    },
}

/// Tenants.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, Subcommand)]
pub enum AdminTenant {
    /// Adds a programme owner
    Add {
        /// What it is called
        name: String,
    },
    /// Lists them
    List,
}

/// Shops.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, Subcommand)]
pub enum AdminShop {
    /// Adds a shop
    Add {
        /// What it is called
        name: String,
    },
    /// Lists them
    List,
}

/// Devices.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, Subcommand)]
pub enum AdminDevice {
    /// Makes a one-time code for a new device
    Invite,
    /// Lists them
    List,
    /// Takes a lost device out: nothing that it sends is taken from now on
    Revoke {
        /// The device's id
        device: String,
    },
}

/// Programmes of a server.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, Subcommand)]
pub enum AdminProgramme {
    /// Publishes a programme's next version for all devices
    Publish {
        /// A programme in TOML
        file: PathBuf,
    },
}

/// Members of a server.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, Subcommand)]
pub enum AdminMember {
    /// Shows a member's balances as the server has them
    Show {
        /// Token, number or id
        code: String,
    },
    /// Explains a member's balances: every event of every device
    Why {
        /// Token, number or id
        code: String,
    },
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

/// Reading codes from files.
#[derive(Debug, Clone, clap::Args)]
pub struct Scan {
    /// Pictures (PNG or JPEG)
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
}

/// Members.
#[derive(Debug, Clone, Subcommand)]
pub enum Member {
    /// Adds a member with the next blank card
    Add {
        /// The first name; without it the card stays anonymous
        #[arg(long)]
        name: Option<String>,
    },
    /// Shows a member
    Show {
        /// Token, number or id
        code: String,
    },
    /// Finds members by name or number
    Find {
        /// A part of the name
        text: String,
    },
    /// Names an anonymous member, or renames one
    Name {
        /// Token, number or id
        code: String,
        /// The first name
        name: String,
    },
}

/// Cards.
#[derive(Debug, Clone, Subcommand)]
pub enum Card {
    /// Draws the code of a member's card
    Png {
        /// Token, number or id
        code: String,
        /// The picture to write
        #[arg(long)]
        out: PathBuf,
    },
    /// Says whether a text is a genuine card
    Verify {
        /// What the scanner read
        text: String,
    },
    /// Takes a lost card out of use
    Block {
        /// Token or number
        code: String,
    },
    /// Gives the member a new card in place of this one
    Replace {
        /// Token or number
        code: String,
    },
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

/// A sale.
#[derive(Debug, Clone, clap::Args)]
pub struct Sale {
    /// Token, number or id; without it a guest without a card
    #[arg(long, value_name = "CODE")]
    pub member: Option<String>,
    /// An article, and how much of it
    #[arg(long = "item", value_name = "SKU[=QTY]", required = true)]
    pub items: Vec<String>,
    /// A reward to take in this sale; with =N, N times
    #[arg(long = "claim", value_name = "REWARD[=N]")]
    pub claims: Vec<String>,
    /// How it was paid
    #[arg(long, default_value = "cash", value_parser = ["cash", "card", "stored"])]
    pub pay: String,
    /// A voucher or promotion code that was shown
    #[arg(long = "voucher", value_name = "CODE")]
    pub codes: Vec<String>,
    /// When it happened, if not now
    #[arg(long, value_name = "RFC3339")]
    pub at: Option<String>,
}

/// Stamps.
#[derive(Debug, Clone, clap::Args)]
pub struct Stamp {
    /// Token, number or id
    #[arg(long, value_name = "CODE")]
    pub member: String,
    /// How many things count
    #[arg(long, default_value_t = 1)]
    pub count: u32,
    /// A reward to take: one of the counted things is free
    #[arg(long = "claim", value_name = "REWARD[=N]")]
    pub claims: Vec<String>,
    /// The stamp-card programme, where there are several
    #[arg(long, value_name = "ID")]
    pub programme: Option<String>,
    /// When it happened, if not now
    #[arg(long, value_name = "RFC3339")]
    pub at: Option<String>,
}

/// A redemption.
#[derive(Debug, Clone, clap::Args)]
pub struct Redeem {
    /// Token, number or id
    #[arg(long, value_name = "CODE")]
    pub member: String,
    /// The reward; with =N, N times
    #[arg(long, value_name = "REWARD[=N]")]
    pub reward: String,
    /// When it happened, if not now
    #[arg(long, value_name = "RFC3339")]
    pub at: Option<String>,
}

/// A refund.
#[derive(Debug, Clone, clap::Args)]
pub struct Refund {
    /// The sale's event
    pub event: String,
    /// What comes back; without it everything that is left
    #[arg(long = "line", value_name = "SKU=QTY")]
    pub lines: Vec<String>,
    /// When it happened, if not now
    #[arg(long, value_name = "RFC3339")]
    pub at: Option<String>,
}

/// An undo.
#[derive(Debug, Clone, clap::Args)]
pub struct Undo {
    /// The event
    pub event: String,
}

/// An explanation.
#[derive(Debug, Clone, clap::Args)]
pub struct Why {
    /// Token, number or id
    pub code: String,
}

/// Programmes.
#[derive(Debug, Clone, Subcommand)]
pub enum Programme {
    /// Checks a programme file
    Check {
        /// A programme in TOML
        file: PathBuf,
    },
    /// Prints the JSON Schema of programmes, for editors
    Schema,
    /// Lists the programmes in force
    List,
    /// Publishes a programme here, where the terminal works alone
    Publish {
        /// A programme in TOML
        file: PathBuf,
    },
    /// Says what programmes give in a case, without any data folder
    Evaluate {
        /// Programmes in TOML
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The case in JSON
        #[arg(long)]
        case: PathBuf,
    },
}

/// The journal.
#[derive(Debug, Clone, Subcommand)]
pub enum Journal {
    /// Checks the chain, the signatures and the database file
    Verify,
    /// Writes every event, one per line
    Export,
}

/// A bench.
#[derive(Debug, Clone, clap::Args)]
pub struct Bench {
    /// decode, commit, balance, start or all; or scan
    pub name: String,
    /// Members of the start-up bench
    #[arg(long, default_value_t = 100_000)]
    pub members: u32,
    /// For scan: folder of sets of photographs, each with its text beside it
    #[arg(long)]
    pub photos: Option<PathBuf>,
    /// For scan: folder of frames, each with its text beside it
    #[arg(long)]
    pub frames: Vec<PathBuf>,
    /// For scan: folder of the frames of a film, with text.txt
    #[arg(long)]
    pub video: Option<PathBuf>,
    /// For scan: hands that bring a code into view
    #[arg(long)]
    pub passes: Option<u64>,
    /// For scan: frames of counters without a code
    #[arg(long)]
    pub empty: Option<u64>,
    /// For scan: frames of what looks like a code and is none
    #[arg(long)]
    pub decoys: Option<u64>,
    /// For scan: the first seed of what is made
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}
