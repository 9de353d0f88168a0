//! What can be typed to record a deed.

/// A sale.
#[derive(Debug, Clone, clap::Args)]
pub struct Sale {
    /// Token, number or id; without it a guest without a card
    #[arg(long, value_name = "CODE")]
    pub member: Option<String>,
    /// An article, with what is added to it (latte+oat), and how much of it
    #[arg(long = "item", value_name = "SKU[+CODE]...[=QTY]", required = true)]
    pub items: Vec<String>,
    /// Taken away: the rates of tax for that hold
    #[arg(long)]
    pub away: bool,
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
