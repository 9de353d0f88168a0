//! The sample café: what `init --demo` and `stempel demo` begin with.

use stempel_domain::ProgrammeId;
use stempel_domain::programme::Programme;
use stempel_wire::catalogue::{self, CatalogueError};
use stempel_wire::message::Article;

use crate::cli::Failure;

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
pub fn articles() -> Result<Vec<Article>, CatalogueError> {
    catalogue::read(CATALOGUE)
}

/// The programmes as they are published: their names and their JSON.
pub fn published() -> Result<Vec<(ProgrammeId, String)>, Failure> {
    let each = PROGRAMMES.iter().map(|text| {
        let programme = Programme::parse_toml(text).map_err(Failure::machine)?;
        Ok((programme.id().clone(), programme.to_json()))
    });
    each.collect()
}
