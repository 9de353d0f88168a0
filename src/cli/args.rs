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

/// Serving devices.
#[cfg(feature = "demo")]
pub use stempel_server::config::ServeArgs as Serve;

/// Looking after a server.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, clap::Args)]
pub struct Admin {
    /// Where the data is: sqlite:PATH or postgres://USER@HOST/NAME; else STEMPEL_DATABASE, else
    /// sqlite:stempel-server.db
    #[arg(long, value_name = "URL", global = true)]
    database: Option<String>,
    /// What to do
    #[command(subcommand)]
    pub command: AdminCommand,
}

#[cfg(feature = "demo")]
impl Admin {
    /// Where the data is: as named, as the environment says, or in the file that `serve` uses by itself.
    pub fn database(&self) -> String {
        database_named(self.database.as_ref())
    }
}

/// Figures.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, clap::Args)]
pub struct Report {
    /// Where the data is: sqlite:PATH or postgres://USER@HOST/NAME; else STEMPEL_DATABASE, else
    /// sqlite:stempel-server.db
    #[arg(long, value_name = "URL", global = true)]
    database: Option<String>,
    /// Which figures
    #[command(subcommand)]
    pub of: ReportOf,
}

#[cfg(feature = "demo")]
impl Report {
    /// Where the data is, as for [`Admin`].
    pub fn database(&self) -> String {
        database_named(self.database.as_ref())
    }
}

#[cfg(feature = "demo")]
fn database_named(named: Option<&String>) -> String {
    let named = named.cloned().or_else(|| stempel_server::config::environment("STEMPEL_DATABASE"));
    named.unwrap_or_else(|| "sqlite:stempel-server.db".to_owned())
}

/// Which figures.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, Subcommand)]
pub enum ReportOf {
    /// Who issued and who honoured units of a coalition, and who pays whom
    Clearing {
        /// The first business day
        #[arg(long, value_name = "DAY")]
        from: Option<String>,
        /// The last business day
        #[arg(long, value_name = "DAY")]
        to: Option<String>,
    },
    /// What each cause has collected
    Causes,
    /// How much of each reward's stock was given, and what was given beyond it
    Stock,
    /// Who did most in this period, of those who agreed to be named
    Leaderboard {
        /// The programme
        programme: String,
        /// A day in the period, if not today
        #[arg(long, value_name = "DAY")]
        day: Option<String>,
    },
    /// What a larger basket should come to, from the shop's own average
    BasketTarget {
        /// So many per cent above the average
        #[arg(long, value_name = "PERCENT", default_value = "10")]
        lift: String,
        /// Orders since that day; left out: of the last 90 days
        #[arg(long, value_name = "DAY")]
        from: Option<String>,
    },
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
    /// Printed cards and posters
    #[command(subcommand)]
    Paper(AdminPaper),
    /// Decides what waits in the inbox
    #[command(subcommand)]
    Decide(AdminDecision),
    /// Owners' accounts
    #[command(subcommand)]
    Owner(AdminOwner),
    /// Keys for other systems
    #[command(subcommand)]
    ApiKey(AdminApiKey),
    /// Whether certain changes wait until a second account agrees
    FourEyes {
        /// on, off, or nothing to look
        #[arg(value_parser = ["on", "off"])]
        set: Option<String>,
    },
    /// Forgets members who were not seen for long, by a rule that the server carries out every day
    Retention {
        /// Sets the rule: months without any event
        #[arg(long, conflicts_with = "off")]
        months: Option<u16>,
        /// Takes the rule away
        #[arg(long)]
        off: bool,
        /// Lists whom the rule concerns (or one of so many months), and changes nothing
        #[arg(long, conflicts_with = "off")]
        dry_run: bool,
    },
    /// The audit log, one entry per line
    Audit {
        /// Entries after this one
        #[arg(long, default_value_t = 0)]
        after: u64,
    },
    /// What waits for a person: overdrafts, journals put aside, events that were not understood
    Inbox,
    /// Checks every journal, balance and the feed
    Verify,
    /// Writes a consistent copy, while the server runs
    Backup {
        /// The copy
        file: PathBuf,
    },
    /// Makes a new key that wraps members' keys, and wraps them under it
    RotateKeys {
        /// The old key's file is lost for good: drop the keys, and the names, that nothing opens any more
        #[arg(long)]
        lost: bool,
    },
    /// Moves a tenant with everything to another database, and proves that nothing was changed
    Move {
        /// Where to: sqlite:PATH or postgres://USER@HOST/NAME
        #[arg(long, value_name = "URL")]
        to: String,
    },
    /// Takes over a shop that began alone on one terminal: cards and history come along
    Adopt {
        /// The terminal's data folder; no program may be running on it
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
        /// Where the terminal will find the server
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
        server: String,
    },
    /// Puts a copy in place of the database; devices notice and send again what it lacks
    Restore {
        /// The copy
        file: PathBuf,
    },
}

/// What is printed, or leads to the card.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, Subcommand)]
pub enum AdminPaper {
    /// The code by which guests join: the one there is, or a new one. With --shop it is that shop's
    JoinLink,
    /// Cards for both sides of the paper, ten on a sheet, with the second code on the back (PDF)
    Sheet {
        /// How many cards
        #[arg(long, value_name = "N", default_value_t = 10)]
        count: usize,
        /// The file
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// The address under which guests reach the server; without it cards work at the counter alone
        #[arg(long, value_name = "URL")]
        url: Option<String>,
        /// In English rather than German
        #[arg(long)]
        english: bool,
    },
    /// A poster with the code to join (PDF)
    Poster {
        /// The file
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// The address under which guests reach the server
        #[arg(long, value_name = "URL")]
        url: String,
        /// To be folded and put on a table
        #[arg(long)]
        tent: bool,
        /// In English rather than German
        #[arg(long)]
        english: bool,
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

/// Owners.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, Subcommand)]
pub enum AdminOwner {
    /// Makes an owner's account, or a new one-time code for it
    Add {
        /// The person's e-mail address
        email: String,
    },
    /// Lists every account
    List,
}

/// Keys for other systems.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, Subcommand)]
pub enum AdminApiKey {
    /// Makes a key; it is shown once. With --shop it is for that shop alone
    Add {
        /// What people call it
        name: String,
        /// read, award, redeem or members; may be said several times
        #[arg(long = "scope", required = true)]
        scopes: Vec<String>,
    },
    /// Lists them
    List,
    /// Withdraws a key: it opens nothing any more
    Revoke {
        /// The key's id
        id: String,
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
    /// Says whose shop it is, in a coalition of merchants (with `--shop`); without a name, its own
    Merchant {
        /// The merchant, as programmes name it
        name: Option<String>,
    },
    /// Asks for a phone's changing code where more than that of a unit is taken at once (with `--shop`); without an
    /// amount, no longer
    Rotating {
        /// The unit, as programmes name it: stamp:coffee
        unit: String,
        /// The most that is given for a code that could be a copy
        above: Option<String>,
    },
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
    /// Says that two members are one person; both are known under the second one from then on
    Merge {
        /// Token, number or id of the one that gets the other id
        code: String,
        /// Token, number or id of the one that both are
        into: String,
    },
    /// Takes a merge back
    Unmerge {
        /// Token, number or id of the one that was merged into the other
        code: String,
    },
    /// Notes what a member agrees to, or takes back
    Consent {
        /// Token, number or id
        code: String,
        /// The member agrees to this
        #[arg(long, value_name = "KIND", value_parser = CONSENTS, required_unless_present = "withdraw")]
        give: Option<String>,
        /// The member takes this back
        #[arg(long, value_name = "KIND", value_parser = CONSENTS, conflicts_with = "give")]
        withdraw: Option<String>,
        /// The version of the terms that were shown
        #[arg(long, value_name = "VERSION")]
        terms: String,
        /// Where it was said
        #[arg(long, value_name = "PLACE", value_parser = CONSENT_PLACES, default_value = "paper")]
        place: String,
    },
    /// Writes everything that is held about a member as one JSON document
    Export {
        /// Token, number or id
        code: String,
    },
    /// Forgets a member here and on every device: name, keys and cards go, figures stay. It cannot be undone
    Erase {
        /// Token, number or id
        code: String,
    },
    /// Lists erasures, with the devices that still hold a key
    Erasures,
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

/// What a member can agree to.
pub const CONSENTS: [&str; 4] = ["mail", "push", "leaderboard", "profiling"];
/// Where it can be said.
pub const CONSENT_PLACES: [&str; 5] = ["counter", "kiosk", "web", "paper", "api"];

/// Members.
#[derive(Debug, Clone, Subcommand)]
pub enum Member {
    /// Adds a member with the next blank card
    Add {
        /// The first name; without it the card stays anonymous
        #[arg(long)]
        name: Option<String>,
        /// The member who brought the new one: token, number or id
        #[arg(long, value_name = "CODE")]
        referred_by: Option<String>,
    },
    /// Notes who brought a member; both are rewarded after the first purchase
    Refer {
        /// Token, number or id of the one who was brought
        code: String,
        /// Token, number or id of the one who brought
        #[arg(long, value_name = "CODE")]
        by: String,
    },
    /// Gives a membership that is not sold
    Invite {
        /// Token, number or id
        code: String,
        /// The programme of the membership
        #[arg(long, value_name = "ID")]
        programme: String,
        /// Its last day; without it one term
        #[arg(long, value_name = "YYYY-MM-DD")]
        until: Option<String>,
    },
    /// Gives and takes tags, and notes the week of the birthday
    Tag {
        /// Token, number or id
        code: String,
        /// A tag that the member has from now on
        #[arg(long = "add", value_name = "TAG")]
        add: Vec<String>,
        /// A tag that the member no longer has
        #[arg(long = "remove", value_name = "TAG")]
        remove: Vec<String>,
        /// The birthday; only its week is kept
        #[arg(long, value_name = "MM-DD")]
        birthday: Option<String>,
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
    /// Says that two members are one person; both are known under the second one from then on
    Merge {
        /// Token, number or id of the one that gets the other id
        code: String,
        /// Token, number or id of the one that both are
        into: String,
    },
    /// Takes a merge back
    Unmerge {
        /// Token, number or id of the one that was merged into the other
        code: String,
    },
    /// Notes what a member agrees to, or takes back
    Consent {
        /// Token, number or id
        code: String,
        /// The member agrees to this
        #[arg(long, value_name = "KIND", value_parser = CONSENTS, required_unless_present = "withdraw")]
        give: Option<String>,
        /// The member takes this back
        #[arg(long, value_name = "KIND", value_parser = CONSENTS, conflicts_with = "give")]
        withdraw: Option<String>,
        /// The version of the terms that were shown
        #[arg(long, value_name = "VERSION")]
        terms: String,
        /// Where it was said
        #[arg(long, value_name = "PLACE", value_parser = CONSENT_PLACES, default_value = "counter")]
        place: String,
    },
    /// Writes everything that is held about a member as one JSON document
    Export {
        /// Token, number or id
        code: String,
    },
    /// Forgets a member: name, keys and cards go, figures stay. It cannot be undone
    Erase {
        /// Token, number or id
        code: String,
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
        /// Token or number; may be left out with --second
        #[arg(required_unless_present = "second")]
        code: Option<String>,
        /// The second code of an anonymous card proves whose it was
        #[arg(long, value_name = "TEXT")]
        second: Option<String>,
        /// A manager's PIN; - reads it from the standard input
        #[arg(long, value_name = "PIN", conflicts_with = "second")]
        pin: Option<String>,
    },
    /// Says the second code of a card, for its back
    Second {
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
    /// The code of a receipt of one of the shop's tills: it says how many
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["count", "slip"])]
    pub receipt: Option<String>,
    /// A one-time slip: it says how many
    #[arg(long, value_name = "TEXT", conflicts_with = "count")]
    pub slip: Option<String>,
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
    /// A one-time slip of staff that confirms it
    #[arg(long, value_name = "TEXT")]
    pub slip: Option<String>,
    /// When it happened, if not now
    #[arg(long, value_name = "RFC3339")]
    pub at: Option<String>,
}

/// Something done without a purchase.
#[derive(Debug, Clone, clap::Args)]
pub struct Earn {
    /// Token, number or id
    #[arg(long, value_name = "CODE")]
    pub member: String,
    /// The programme
    #[arg(long, value_name = "ID")]
    pub programme: String,
    /// Which of its activities
    #[arg(long, value_name = "ID")]
    pub activity: String,
    /// What it was done for, where it is given once for each: the survey's number
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reference: String,
    /// When it happened, if not now
    #[arg(long, value_name = "RFC3339")]
    pub at: Option<String>,
}

/// What the day brings.
#[derive(Debug, Clone, clap::Args)]
pub struct Occasions {
    /// Token, number or id
    #[arg(long, value_name = "CODE")]
    pub member: String,
    /// When it happened, if not now
    #[arg(long, value_name = "RFC3339")]
    pub at: Option<String>,
}

/// Goodwill.
#[derive(Debug, Clone, clap::Args)]
pub struct Goodwill {
    /// Token, number or id
    #[arg(long, value_name = "CODE")]
    pub member: String,
    /// The programme whose units are given
    #[arg(long, value_name = "ID")]
    pub programme: String,
    /// How many of them
    #[arg(long, value_name = "N")]
    pub amount: String,
    /// Why, one of the programme's reasons
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The second person who agrees, where the programme asks for one
    #[arg(long, value_name = "NAME")]
    pub agreed: Option<String>,
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

/// Prize draws.
#[derive(Debug, Clone, Subcommand)]
pub enum Draw {
    /// Announces a draw: writes the file to publish, and the secret to keep
    Open {
        /// The file to publish
        file: PathBuf,
        /// The file that keeps the secret until the public seed is out
        #[arg(long, value_name = "FILE")]
        secret_file: PathBuf,
        /// What the draw is called; no two draws share a name
        #[arg(long, value_name = "NAME")]
        draw: String,
        /// What is won, in the order in which it is drawn
        #[arg(long = "prize", value_name = "TEXT", required = true)]
        prizes: Vec<String>,
        /// Where the public seed will come from, and how it is written
        #[arg(long, value_name = "TEXT")]
        public_seed_from: String,
        /// One entry may win more than one prize
        #[arg(long)]
        again: bool,
    },
    /// Closes the list of those who take part
    Close {
        /// The draw's file
        file: PathBuf,
        /// Who takes part
        #[command(flatten)]
        list: DrawList,
    },
    /// Makes the draw with the secret and the public seed
    Run {
        /// The draw's file
        file: PathBuf,
        /// The file that keeps the secret
        #[arg(long, value_name = "FILE")]
        secret_file: PathBuf,
        /// The public seed as it came out
        #[arg(long, value_name = "TEXT")]
        public_seed: String,
    },
    /// Checks a draw from its file alone, and says each check in words
    Verify {
        /// The draw's file
        file: PathBuf,
        /// The commitment as it was published before
        #[arg(long, value_name = "HASH")]
        commitment: Option<String>,
        /// The hash of the entries as it was published before
        #[arg(long, value_name = "HASH")]
        entries_hash: Option<String>,
    },
    /// Finds one's own entry in the list
    Entry {
        /// The draw's file
        file: PathBuf,
        /// The member's id, a card of this terminal, or the name in the organiser's list
        code: String,
    },
    /// Says to the organiser who the winners are
    Winners {
        /// The draw's file
        file: PathBuf,
        /// Who took part
        #[command(flatten)]
        list: DrawList,
    },
}

/// Members and their tickets.
#[derive(Debug, Clone, clap::Args)]
pub struct DrawList {
    /// A list of members and tickets: CSV (member,tickets) or JSON
    #[arg(long, value_name = "FILE")]
    pub entries: Option<PathBuf>,
    /// The members of this terminal's folder, with what they hold of this unit
    #[arg(long, value_name = "UNIT", conflicts_with = "entries")]
    pub unit: Option<String>,
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
    /// Guests of the soak
    #[arg(long, default_value_t = 100_000)]
    pub guests: u32,
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
