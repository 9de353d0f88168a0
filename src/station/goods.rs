//! Small things that the desk looks up: names and pictures of goods, stamps of an event, room on the disk.

use std::collections::BTreeMap;
use std::path::Path;

use stempel_domain::Event;
use stempel_domain::event::Fact;
use stempel_wire::article as wire;

use crate::controllers::{Addition, Article, Jpeg, Language, Money};

/// The free space where a folder lies, in megabytes.
#[cfg(target_os = "linux")]
pub(super) fn free_mb(folder: &Path) -> Option<u64> {
    let there = rustix::fs::statvfs(folder).ok()?;
    Some(there.f_bavail.saturating_mul(there.f_frsize) / 1_000_000)
}

/// Not told on this system.
#[cfg(not(target_os = "linux"))]
pub(super) fn free_mb(_folder: &Path) -> Option<u64> {
    None
}

/// Stamps that an event gave, or took back.
pub(super) fn stamps_of(event: &Event) -> i64 {
    let given = |outcome: &stempel_domain::rules::Outcome| -> i64 {
        outcome.earned().iter().filter(|(unit, _)| unit.is_stamp()).map(|(_, amount)| *amount).sum()
    };
    match &event.record.fact {
        Fact::Stamp(fact) => given(&fact.outcome),
        Fact::Sale(fact) => given(&fact.outcome),
        Fact::Grant(fact) => given(&fact.outcome),
        Fact::Reversal(fact) => fact
            .postings
            .iter()
            .filter(|posting| posting.unit.is_stamp() && posting.amount < 0)
            .filter(|posting| matches!(posting.booking, Some(stempel_domain::Booking::Lot { .. })))
            .map(|posting| posting.amount)
            .sum(),
        _ => 0,
    }
}

/// The name of a category that the templates know; others are shown as written.
pub(super) fn category_name(category: &str, language: Language) -> String {
    let names: BTreeMap<&str, (&str, &str)> = BTreeMap::from([
        ("coffee", ("Kaffee", "Coffee")),
        ("tea", ("Tee & Kakao", "Tea & cocoa")),
        ("cake", ("Kuchen", "Cake")),
        ("beans", ("Bohnen", "Beans")),
        ("cold", ("Kaltes", "Cold drinks")),
        ("snack", ("Herzhaftes", "Savoury")),
        ("deposit", ("Pfand", "Deposit")),
    ]);
    match (names.get(category), language) {
        (Some((german, _)), Language::German) => (*german).to_owned(),
        (Some((_, english)), Language::English) => (*english).to_owned(),
        (None, _) => category.to_owned(),
    }
}

/// An article as the till shows it.
pub(super) fn article(article: wire::Article) -> Article {
    let by_place = article.vat_away.is_some()
        || article.rates.iter().any(|rate| rate.vat_away.is_some())
        || article.modifiers.iter().any(|modifier| modifier.vat_away.is_some());
    let addition = |modifier: wire::Modifier| Addition {
        code: modifier.code.as_str().to_owned(),
        name: modifier.name,
        price: Money(modifier.price.0),
    };
    Article {
        sku: article.sku.as_str().into(),
        picture: picture_of(article.sku.as_str(), &article.category).to_owned(),
        name: article.name,
        price: Money(article.price.0),
        categories: vec![article.category],
        photo: article.photo.and_then(|photo| photo.jpeg()).map(|jpeg| Jpeg(jpeg.into())),
        additions: article.modifiers.into_iter().map(addition).collect(),
        by_place,
    }
}

/// The picture of an article: its own, or its category's.
fn picture_of(sku: &str, category: &str) -> &'static str {
    const PICTURES: [&str; 12] = [
        "beans",
        "cappuccino",
        "cheesecake",
        "chocolate",
        "cookie",
        "croissant",
        "espresso",
        "flat-white",
        "latte",
        "lemonade",
        "sandwich",
        "tea",
    ];
    if let Some(own) = PICTURES.iter().find(|picture| sku.contains(**picture)) {
        return own;
    }
    match category {
        "coffee" => "cappuccino",
        "tea" => "tea",
        "cake" => "cheesecake",
        "beans" => "beans",
        "cold" => "lemonade",
        "snack" => "sandwich",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_category_of_the_sample_shop_has_a_name() {
        for article in crate::sample::articles().unwrap() {
            assert_ne!(category_name(&article.category, Language::German), article.category);
        }
    }
}
