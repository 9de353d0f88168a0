//! What can be typed at a server.

use std::path::PathBuf;

use clap::Subcommand;

use super::{Catalogue, Person};

/// Serving devices.
pub use stempel_server::config::ServeArgs as Serve;

/// Looking after a server.
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

impl Admin {
    /// Where the data is: as named, as the environment says, or in the file that `serve` uses by itself.
    pub fn database(&self) -> String {
        database_named(self.database.as_ref())
    }
}

/// Figures.
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

impl Report {
    /// Where the data is, as for [`Admin`].
    pub fn database(&self) -> String {
        database_named(self.database.as_ref())
    }
}

fn database_named(named: Option<&String>) -> String {
    let named = named.cloned().or_else(|| stempel_server::config::environment("STEMPEL_DATABASE"));
    named.unwrap_or_else(|| "sqlite:stempel-server.db".to_owned())
}

/// Which figures.
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
    /// From when on something looks odd, at the server and at every device: `alarm-limits card-often --warn 6`
    AlarmLimits {
        /// self-award, card-often, operator-often, two-places, take-backs or money-back; nothing to look at all
        kind: Option<String>,
        /// Over how many minutes it counts
        #[arg(long, requires = "kind")]
        minutes: Option<u32>,
        /// From how many on there is a warning; 0 is never
        #[arg(long, requires = "kind")]
        warn: Option<u32>,
        /// From how many on a second person has to agree; 0 is never
        #[arg(long, requires = "kind")]
        ask: Option<u32>,
        /// Gives it its default again
        #[arg(long, requires = "kind", conflicts_with_all = ["minutes", "warn", "ask"])]
        default: bool,
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
    /// Checks every journal, balance, figure and the feed
    Verify,
    /// Counts the figures of each day anew from the events; devices wait meanwhile
    Recount,
    /// Writes a consistent copy, while the server runs
    Backup {
        /// The copy
        file: PathBuf,
    },
    /// Makes a new key that wraps all secrets of the database, and wraps them under it
    RotateKeys {
        /// The old key's file is lost for good: drop the names that nothing opens any more, and sign with new keys
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
#[derive(Debug, Clone, Subcommand)]
pub enum AdminProgramme {
    /// Publishes a programme's next version for all devices
    Publish {
        /// A programme in TOML
        file: PathBuf,
    },
}

/// Members of a server.
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
    /// What is done about one's own data
    #[command(flatten)]
    Person(Person),
    /// Lists erasures, with the devices that still hold a key
    Erasures,
}
