//! How much there is to give, what is given without a network, and what follows when too much was given.

use serde::{Deserialize, Serialize};

use crate::programme::decimal::Decimal;

/// How often a reward can be given in all. Left out: without end.
///
/// A device knows exactly what it gave itself. So each keeps to its own allotment, and what devices gave
/// beyond the total while they could not know of each other is flagged afterwards.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stock {
    /// So often in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u32>,
    /// So often at each device. Left out: as often as in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<u32>,
    /// So often at each device on one business day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_day: Option<u32>,
}

impl Stock {
    /// What one device may give in all.
    pub fn allotment(&self) -> Option<u32> {
        [self.device, self.total].into_iter().flatten().min()
    }

    /// What was given beyond the total, if this was given in all.
    pub fn excess(&self, given: i64) -> i64 {
        self.total.map_or(0, |total| given.saturating_sub(total.into()).max(0))
    }
}

/// What may be spent while the server cannot be reached. Left out: as much as the balance known here covers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offline {
    /// So many units on one business day by one member, at one device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spend_day: Option<Decimal>,
    /// The balance was confirmed at most so many days ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_days: Option<u16>,
}

/// What follows when two devices that could not know of each other gave more than there was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overdraft {
    /// The balance stays below zero, and what is earned next pays it.
    #[default]
    Owe,
    /// The shop bears it: goodwill brings the balance back to zero.
    Forgive,
    /// As `owe`, and no reward of the programme is given until it is paid.
    Block,
    /// As `owe`, and the case waits for a person.
    Ask,
}
