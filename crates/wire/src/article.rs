//! An article of the catalogue: what it costs, how it is taxed by day and place, what can be added to it.
//!
//! Everything beyond name, price and tax is left out where it is not used, so that the bytes of plain articles stay
//! what they were. A device of an older version reads past it and sells the article at its first rate.

use serde::{Deserialize, Serialize};
use stempel_domain::sale::Line;
use stempel_domain::{Day, Money, Quantity, Rate, Sku};

use crate::gtin::Gtin;

/// What stands between an article's number and the codes of what is added to it.
const PLUS: char = '+';

/// An article of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Article {
    /// The article's number.
    pub sku: Sku,
    /// What people call it.
    pub name: String,
    /// The category that rules and reports go by.
    #[serde(default)]
    pub category: String,
    /// Price of one, tax inside.
    pub price: Money,
    /// The rate of value added tax inside the price, where it is eaten or drunk in the house.
    pub vat: Rate,
    /// A returnable deposit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deposit: bool,
    /// No longer sold.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
    /// One of several sizes or kinds of another article.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<Variant>,
    /// The rate where it is taken away; none: the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vat_away: Option<Rate>,
    /// Rates that take the place of the first ones, each from a day on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rates: Vec<RateFrom>,
    /// What can be added to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<Modifier>,
    /// A small picture of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photo: Option<Photo>,
    /// The number on its package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Gtin>,
}

/// Which variant of which article.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// The article that it is a variant of.
    pub of: Sku,
    /// What tells it from the others: a size, a kind of milk.
    pub name: String,
}

/// Rates that hold from a business day on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateFrom {
    /// The first day.
    pub from: Day,
    /// The rate in the house.
    pub vat: Rate,
    /// The rate where it is taken away; none: the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vat_away: Option<Rate>,
}

/// Something that is added to an article, and makes it dearer or is taxed otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Modifier {
    /// Its short name, unique within the article.
    pub code: Sku,
    /// What people call it.
    pub name: String,
    /// What it adds to the price of one, tax inside.
    pub price: Money,
    /// The rate of the whole article with it, in the house; none: as without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vat: Option<Rate>,
    /// The rate of the whole article with it where it is taken away; none: as `vat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vat_away: Option<Rate>,
}

/// A small picture: a JPEG without anything beside the picture, in base64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Photo(String);

impl std::fmt::Debug for Photo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Photo({} characters)", self.0.len())
    }
}

impl Photo {
    /// The longest JPEG, in bytes. It travels with the catalogue to every device.
    pub const LEN_MAX: usize = 12 * 1024;

    /// A JPEG as it is kept; none if it is too long.
    pub fn of(jpeg: &[u8]) -> Option<Self> {
        (jpeg.len() <= Self::LEN_MAX).then(|| Self(data_encoding::BASE64.encode(jpeg)))
    }

    /// The JPEG; none if it is damaged.
    pub fn jpeg(&self) -> Option<Vec<u8>> {
        data_encoding::BASE64.decode(self.0.as_bytes()).ok()
    }

    /// The same in base64, for an address that holds the picture itself.
    pub fn base64(&self) -> &str {
        &self.0
    }
}

/// Where something is eaten or drunk. The rate of tax may hang on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Served {
    /// In the house.
    #[default]
    Here,
    /// Taken away.
    Away,
}

impl Served {
    /// As somebody says of a whole sale.
    pub fn taken_away(away: bool) -> Self {
        if away { Self::Away } else { Self::Here }
    }
}

impl Article {
    /// The most days from which other rates hold, of one article.
    pub const RATES_MAX: usize = 12;
    /// The most modifiers of one article.
    pub const MODIFIERS_MAX: usize = 24;

    /// The number on its package: its code, or its own number where that is one.
    pub fn package(&self) -> Option<Gtin> {
        self.code.clone().or_else(|| self.sku.as_str().parse().ok())
    }

    /// An article that is nothing but its number, name, price and rate.
    pub fn new(sku: Sku, name: impl Into<String>, price: Money, vat: Rate) -> Self {
        Self {
            sku,
            name: name.into(),
            category: String::new(),
            price,
            vat,
            deposit: false,
            gone: false,
            variant: None,
            vat_away: None,
            rates: Vec::new(),
            modifiers: Vec::new(),
            photo: None,
            code: None,
        }
    }

    /// The rate of tax on a business day.
    pub fn vat_at(&self, day: Day, served: Served) -> Rate {
        let newest = self.rates.iter().filter(|rate| rate.from <= day).max_by_key(|rate| rate.from);
        let (here, away) = newest.map_or((self.vat, self.vat_away), |rate| (rate.vat, rate.vat_away));
        match served {
            Served::Here => here,
            Served::Away => away.unwrap_or(here),
        }
    }

    /// One line of a sale on a business day, with what was added by the codes of its modifiers. None if a code is not
    /// one of them, or is named twice.
    pub fn line(&self, quantity: Quantity, day: Day, served: Served, added: &[&str]) -> Option<Line> {
        let mut line = Line {
            sku: self.sku.clone(),
            name: self.name.clone(),
            category: self.category.clone(),
            quantity,
            price: self.price,
            vat: self.vat_at(day, served),
            deposit: self.deposit,
            stored: false,
        };
        for (place, code) in added.iter().enumerate() {
            let modifier = self.modifiers.iter().find(|modifier| modifier.code.as_str() == *code)?;
            if added[..place].contains(code) {
                return None;
            }
            line.name = format!("{}, {}", line.name, modifier.name);
            line.price += modifier.price;
            let away = modifier.vat_away.filter(|_| served == Served::Away);
            line.vat = away.or(modifier.vat).unwrap_or(line.vat);
        }
        Some(line)
    }
}

/// An article's number and the codes of what is added to it, from a text like `latte+oat`.
pub fn with_added(text: &str) -> (&str, Vec<&str>) {
    let mut parts = text.split(PLUS);
    (parts.next().unwrap_or_default(), parts.collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

    use super::*;

    fn latte() -> Article {
        let mut latte = Article::new("latte".parse().unwrap(), "Latte", Money(420), Rate(1900));
        latte.vat_away = Some(Rate(700));
        latte.rates = vec![
            RateFrom { from: "2027-07-01".parse().unwrap(), vat: Rate(1600), vat_away: None },
            RateFrom { from: "2027-01-01".parse().unwrap(), vat: Rate(700), vat_away: Some(Rate(500)) },
        ];
        let oat = Modifier {
            code: "oat".parse().unwrap(),
            name: "Hafermilch".to_owned(),
            price: Money(50),
            vat: Some(Rate(1900)),
            vat_away: None,
        };
        let shot = Modifier {
            code: "shot".parse().unwrap(),
            name: "Extra".to_owned(),
            vat: None,
            price: Money(80),
            ..oat.clone()
        };
        latte.modifiers = vec![oat, shot];
        latte
    }

    #[test]
    fn the_rate_hangs_on_the_day_and_on_the_place() {
        let latte = latte();
        for (day, here, away) in [
            ("2026-12-31", 1900, 700),
            ("2027-01-01", 700, 500),
            ("2027-06-30", 700, 500),
            // A rate that names none for taking away holds for both.
            ("2027-07-01", 1600, 1600),
        ] {
            let day: Day = day.parse().unwrap();
            let rates = [Served::Here, Served::Away].map(|served| latte.vat_at(day, served).0);
            assert_eq!(rates, [here, away], "{day}");
        }
    }

    #[test]
    fn what_is_added_is_priced_and_may_be_taxed_otherwise() {
        let (latte, day) = (latte(), "2026-12-31".parse().unwrap());
        let line = |added: &[&str], served| latte.line(Quantity::ONE, day, served, added);
        let plain = line(&[], Served::Away).unwrap();
        assert_eq!((&plain.name[..], plain.price, plain.vat), ("Latte", Money(420), Rate(700)));
        let both = line(&["shot", "oat"], Served::Away).unwrap();
        assert_eq!(both.name, "Latte, Extra, Hafermilch");
        assert_eq!((both.sku.as_str(), both.price, both.vat), ("latte", Money(550), Rate(1900)));
        assert_eq!(line(&["shot"], Served::Away).unwrap().vat, Rate(700));
        assert!(line(&["soy"], Served::Here).is_none() && line(&["oat", "oat"], Served::Here).is_none());
        assert_eq!(with_added("latte+oat+shot"), ("latte", vec!["oat", "shot"]));
        assert_eq!(with_added("latte"), ("latte", vec![]));
    }

    #[test]
    fn a_plain_article_has_the_bytes_that_it_had() {
        let plain = r#"{"sku":"latte","name":"Latte","category":"coffee","price":420,"vat":700}"#;
        let article: Article = serde_json::from_str(plain).unwrap();
        assert_eq!(serde_json::to_string(&article).unwrap(), plain);
        let mut full = latte();
        full.photo = Photo::of(b"jpeg");
        full.variant = Some(Variant { of: "coffee".parse().unwrap(), name: "groß".to_owned() });
        let text = serde_json::to_string(&full).unwrap();
        assert_eq!(serde_json::from_str::<Article>(&text).unwrap(), full);
        assert_eq!(full.photo.unwrap().jpeg().unwrap(), b"jpeg");
        assert!(Photo::of(&vec![0; Photo::LEN_MAX + 1]).is_none());
    }
}
