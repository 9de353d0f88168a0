//! What can be typed about programmes and prize draws.

use std::path::PathBuf;

use clap::Subcommand;

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
