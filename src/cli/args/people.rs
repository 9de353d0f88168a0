//! What can be typed about members and their cards.

use std::path::PathBuf;

use clap::Subcommand;

/// What a member can agree to.
pub const CONSENTS: [&str; 4] = ["mail", "push", "leaderboard", "profiling"];
/// Where it can be said.
pub const CONSENT_PLACES: [&str; 5] = ["counter", "kiosk", "web", "paper", "api"];

/// What is done about a person's own data, at a terminal and at a server alike.
#[derive(Debug, Clone, Subcommand)]
pub enum Person {
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
        /// Where it was said, if not at the counter; at a server: if not on paper
        #[arg(long, value_name = "PLACE", value_parser = CONSENT_PLACES)]
        place: Option<String>,
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
}

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
    /// What is done about one's own data
    #[command(flatten)]
    Person(Person),
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
