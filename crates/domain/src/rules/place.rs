//! What the rules read that is neither the member's nor the order's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::ShopId;
use crate::programme::Stock;
use crate::rules::codes;
use crate::rules::scope::Reason;
use crate::time::Day;

/// A shop, and what its device knows of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Which shop.
    pub shop: ShopId,
    /// What the device knows. An event carries it.
    pub facts: PlaceFacts,
}

impl From<ShopId> for Place {
    fn from(shop: ShopId) -> Self {
        Self { shop, facts: PlaceFacts::default() }
    }
}

/// What a device knows of itself and its shop, as far as rules ask for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlaceFacts {
    /// Whose shop it is, in a coalition of merchants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merchant: Option<String>,
    /// What this device has given of what there is only so much of, by key and day.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tallies: Tallies,
    /// The server could not be reached; none: it could, or the terminal works alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offline: Option<Unconfirmed>,
}

/// Sums by key and day.
pub type Tallies = BTreeMap<String, BTreeMap<Day, i64>>;

/// How old what is known here may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unconfirmed {
    /// Days since the server last confirmed anything.
    pub days: u16,
}

impl PlaceFacts {
    /// Whether it says nothing, so that an event need not carry it.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// What a tally comes to over all days.
    pub(super) fn sum(&self, key: &str) -> i64 {
        let days = self.tallies.get(key).into_iter().flatten();
        days.fold(0, |sum, (_, amount)| sum.saturating_add(*amount))
    }

    /// How often of `wanted` times there is still something to give here, and why not more.
    pub(super) fn left(&self, stock: &Stock, key: &str, wanted: i64, today: Day) -> (i64, Option<Reason>) {
        let days = self.tallies.get(key);
        let given = |only: Option<Day>| -> i64 {
            let days = days.into_iter().flatten();
            let inside = days.filter(|(day, _)| only.is_none_or(|only| only == **day));
            inside.fold(0, |sum, (_, amount)| sum.saturating_add(*amount))
        };
        let mut left = wanted;
        let mut reason = None;
        let limits = [
            (stock.allotment(), codes::SOLD_OUT, given(None)),
            (stock.device_day, codes::SOLD_OUT_TODAY, given(Some(today))),
        ];
        for (most, code, given) in limits {
            let Some(most) = most else { continue };
            let open = i64::from(most).saturating_sub(given).max(0);
            if open < left {
                left = open;
                reason = Some(Reason::new(code).with("limit", most));
            }
        }
        (left, reason)
    }
}
