//! The sample café: what `init --demo` and `stempel demo` begin with.

use stempel_wire::message::Article;

use crate::csv::{CsvError, articles_from_csv};

/// The programmes, in TOML: the stamp card, and points at the till.
pub const PROGRAMMES: [&str; 2] =
    [include_str!("../assets/programmes/coffee-card.toml"), include_str!("../assets/programmes/points.toml")];

/// What the sample café is called.
pub const TENANT: &str = "Café Morgenrot";

/// First names of the members.
pub const MEMBERS: [&str; 6] = ["Ada", "Ben", "Cem", "Dora", "Emil", "Fatma"];

/// The catalogue, in CSV.
pub const CATALOGUE: &str = include_str!("../assets/demo/catalogue.csv");

/// The catalogue.
pub fn articles() -> Result<Vec<Article>, CsvError> {
    articles_from_csv(CATALOGUE)
}
