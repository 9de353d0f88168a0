//! What a shop sets at one device: one typed record in the store. Whatever is not set has its default.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stempel_domain::alarm::Limits;
use stempel_domain::{Day, Money};

use crate::{Terminal, TerminalError};

/// The setting under which the record is kept.
const SETTINGS: &str = "device-settings";

/// What a shop sets at one device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeviceSettings {
    /// What a scan does at the stamp card.
    pub scan: OnScan,
    /// What proves a purchase where nobody stands by.
    pub proof: ProofSettings,
    /// Paper cards that are taken over.
    pub paper: PaperSettings,
    /// How long the same card is not counted again at the screen, in seconds; none: as the programme says.
    pub pause_s: Option<u32>,
    /// The shop's picture: a file on this device.
    pub picture: Option<String>,
    /// How high the middle of the screen hangs, in millimetres above the floor.
    pub mounting_mm: Option<u32>,
    /// Whom the screen faces.
    pub facing: Facing,
    /// By how much the camera's picture is turned to the right on the screen, in degrees: 0, 90, 180 or 270.
    pub camera_turned: u16,
    /// When the screen is dimmed.
    pub dimming: Option<Hours>,
    /// One question to guests, if one is asked.
    pub question: Option<Question>,
    /// What raises an alarm.
    pub alarms: Limits,
    /// A folder elsewhere, a stick: what waits for the server is kept there too, sealed.
    pub second_copy: Option<String>,
    /// The version of the shop's terms, as it stands on the page that says what happens to a name.
    pub terms: Option<String>,
    /// Where slips are printed; none: they are photographed off the screen.
    pub printer: Option<Printer>,
}

/// Where slips are printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Printer {
    /// `escpos:/dev/usb/lp0`: a receipt printer that speaks ESC/POS, by its device.
    EscPos(PathBuf),
    /// `cups:NAME`: a printer of the system, by its name there.
    Cups(String),
    /// `folder:/PATH`: a PDF for each slip.
    Folder(PathBuf),
}

impl TryFrom<String> for Printer {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong = "write escpos:/dev/usb/lp0, cups:NAME or folder:/PATH";
        let (kind, place) = text.split_once(':').ok_or(wrong)?;
        let name = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
        let path = || Some(PathBuf::from(place)).filter(|path| path.is_absolute()).ok_or(wrong);
        match kind {
            _ if place.len() > 4096 => Err(wrong),
            "escpos" => path().map(Self::EscPos),
            "folder" => path().map(Self::Folder),
            "cups" if !place.is_empty() && !place.starts_with('-') && place.chars().all(name) => {
                Ok(Self::Cups(place.to_owned()))
            }
            _ => Err(wrong),
        }
    }
}

impl From<Printer> for String {
    fn from(printer: Printer) -> Self {
        match printer {
            Printer::EscPos(path) => format!("escpos:{}", path.display()),
            Printer::Cups(name) => format!("cups:{name}"),
            Printer::Folder(path) => format!("folder:{}", path.display()),
        }
    }
}

/// What a scan does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnScan {
    /// It gives one stamp.
    #[default]
    Stamp,
    /// It asks first.
    Ask,
}

/// Whom a screen faces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Facing {
    /// The guest, who shows the card.
    #[default]
    Guest,
    /// The one who works at the counter.
    Staff,
}

/// What proves a purchase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProofSettings {
    /// A guest alone gets a stamp only with one.
    pub needed: bool,
    /// Receipts of pinned tills are taken.
    pub receipt: bool,
    /// One-time slips are taken.
    pub slip: bool,
    /// Staff release at the counter is taken.
    pub counter: bool,
    /// How old a receipt may be, in minutes.
    pub minutes: u32,
    /// The least that a receipt must come to.
    pub minimum: Money,
    /// Stamps for a receipt, however much it comes to.
    pub stamps: u32,
    /// One stamp for each so much of a receipt, instead of [`Self::stamps`].
    pub each: Option<Money>,
    /// The most stamps for one receipt.
    pub most: u32,
}

impl Default for ProofSettings {
    fn default() -> Self {
        Self {
            needed: true,
            receipt: true,
            slip: true,
            counter: true,
            minutes: 15,
            minimum: Money(1),
            stamps: 1,
            each: None,
            most: 10,
        }
    }
}

/// Paper cards that are taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PaperSettings {
    /// They are taken at all.
    pub taken: bool,
    /// The last day on which they are taken.
    pub until: Option<Day>,
    /// How many cards one operator may take in a day.
    pub operator_day: u32,
    /// Above so many cards in a day, a manager's PIN is needed for each; none: the limit holds for everybody.
    pub manager_above: bool,
}

impl Default for PaperSettings {
    fn default() -> Self {
        Self { taken: true, until: None, operator_day: 20, manager_above: true }
    }
}

/// Hours of the wall clock, in minutes after midnight; may go over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// From.
    pub from: u16,
    /// To, without this minute.
    pub to: u16,
}

impl Hours {
    /// Whether a minute of the day is within.
    pub fn hold(self, minute: u16) -> bool {
        if self.from <= self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        }
    }
}

/// A question to guests: from 0 to 10, with a “why” after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Its name in the events.
    pub id: String,
    /// How it is asked.
    pub text: String,
    /// What a guest may say to “why”.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// The same for guests who chose another language, by its tag (`en`).
    #[serde(default, rename = "in", skip_serializing_if = "BTreeMap::is_empty")]
    pub wordings: BTreeMap<String, Wording>,
}

/// A question in another language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wording {
    /// How it is asked.
    pub text: String,
    /// The reasons, in the question's order.
    #[serde(default)]
    pub reasons: Vec<String>,
}

impl Question {
    /// How it is asked in a language, and the reasons; where that was not written, as the shop says it.
    pub fn worded(&self, language: &str) -> (&str, &[String]) {
        match self.wordings.get(language) {
            Some(wording) => (&wording.text, &wording.reasons),
            None => (&self.text, &self.reasons),
        }
    }

    /// A reason as the shop calls it, whichever language it was chosen in; none: there is no such reason.
    pub fn reason(&self, chosen: &str) -> Option<&str> {
        let all =
            std::iter::once(&self.reasons).chain(self.wordings.values().map(|wording| &wording.reasons));
        let place = all.flat_map(|reasons| reasons.iter().position(|reason| reason == chosen)).next()?;
        self.reasons.get(place).map(String::as_str)
    }

    fn is_well(&self) -> bool {
        let worded = |text: &str, reasons: &[String]| {
            (1..=400).contains(&text.len())
                && reasons.len() == self.reasons.len()
                && reasons.iter().all(|reason| (1..=64).contains(&reason.len()))
        };
        (1..=64).contains(&self.id.len())
            && self.reasons.len() <= 12
            && worded(&self.text, &self.reasons)
            && self.wordings.len() <= 8
            && self
                .wordings
                .iter()
                .all(|(tag, wording)| (2..=8).contains(&tag.len()) && worded(&wording.text, &wording.reasons))
    }
}

impl DeviceSettings {
    /// What is wrong with it, if something is.
    fn wrong(&self) -> Option<&'static str> {
        let minute = |hours: &Hours| hours.from < 24 * 60 && hours.to <= 24 * 60;
        let checks = [
            ((1..=24 * 60).contains(&self.proof.minutes), "proof.minutes: from 1 to 1440"),
            (
                (0..=Money::MAX).contains(&self.proof.minimum.0),
                "proof.minimum: an amount that is not negative",
            ),
            ((1..=100).contains(&self.proof.stamps), "proof.stamps: from 1 to 100"),
            (self.proof.each.is_none_or(|each| each.0 > 0), "proof.each: an amount above zero"),
            ((1..=100).contains(&self.proof.most), "proof.most: from 1 to 100"),
            (self.paper.operator_day <= 10_000, "paper.operator_day: at most 10000"),
            (self.alarms.are_well(), "alarms: minutes from 1 to 10080"),
            (self.pause_s.is_none_or(|pause| pause <= 24 * 3600), "pause_s: at most a day"),
            (self.picture.as_ref().is_none_or(|path| path.len() <= 4096), "picture: a path"),
            (
                self.second_copy.as_ref().is_none_or(|path| (1..=4096).contains(&path.len())),
                "second_copy: a folder",
            ),
            (
                self.mounting_mm.is_none_or(|height| (200..=3000).contains(&height)),
                "mounting_mm: from 200 to 3000",
            ),
            (
                self.camera_turned.is_multiple_of(90) && self.camera_turned < 360,
                "camera_turned: 0, 90, 180 or 270",
            ),
            (self.dimming.as_ref().is_none_or(minute), "dimming: minutes of a day"),
            (
                self.terms.as_ref().is_none_or(|terms| (1..=40).contains(&terms.len())),
                "terms: a version of up to 40 bytes",
            ),
            (
                self.question.as_ref().is_none_or(Question::is_well),
                "question: a name of up to 64 bytes, a text of up to 400, and up to 12 reasons, as many in each language",
            ),
        ];
        checks.into_iter().find(|(fine, _)| !fine).map(|(_, wrong)| wrong)
    }

    /// The record with one value set: `proof.minutes`, `10`. A value is JSON, or else a text; `null` or
    /// `default` puts the default back.
    pub fn with(&self, name: &str, value: &str) -> Result<Self, TerminalError> {
        let unknown = || {
            TerminalError::Input(format!("there is no setting “{name}”; `stempel settings get` lists them"))
        };
        let mut all = serde_json::to_value(self)?;
        let mut place = &mut all;
        for part in name.split('.') {
            place = place.as_object_mut().and_then(|fields| fields.get_mut(part)).ok_or_else(unknown)?;
        }
        *place = match value {
            "default" => default_of(name)?,
            value => serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned())),
        };
        let settings: Self = serde_json::from_value(all)
            .map_err(|error| TerminalError::Input(format!("“{value}” cannot be {name}: {error}")))?;
        match settings.wrong() {
            Some(wrong) => Err(TerminalError::Input(wrong.to_owned())),
            None => Ok(settings),
        }
    }
}

fn default_of(name: &str) -> Result<Value, TerminalError> {
    let defaults = serde_json::to_value(DeviceSettings::default())?;
    let mut parts = name.split('.');
    Ok(parts.try_fold(&defaults, |place, part| place.get(part)).cloned().unwrap_or_default())
}

impl Terminal {
    /// What the shop has set here.
    pub fn settings(&self) -> Result<DeviceSettings, TerminalError> {
        self.as_set().cloned()
    }

    /// The same, read once: nobody else writes to the folder.
    pub(crate) fn as_set(&self) -> Result<&DeviceSettings, TerminalError> {
        if let Some(settings) = self.settings.get() {
            return Ok(settings);
        }
        let stored = self.view().setting(SETTINGS)?.unwrap_or_default();
        Ok(self.settings.get_or_init(|| stored))
    }

    /// Sets everything anew.
    pub fn set_settings(&mut self, settings: &DeviceSettings) -> Result<(), TerminalError> {
        if let Some(wrong) = settings.wrong() {
            return Err(TerminalError::Input(wrong.to_owned()));
        }
        self.keep_setting(SETTINGS, settings)?;
        self.settings = settings.clone().into();
        Ok(())
    }

    /// Sets one value, by its dotted name.
    pub fn set_setting(&mut self, name: &str, value: &str) -> Result<DeviceSettings, TerminalError> {
        let settings = self.settings()?.with(name, value)?;
        self.set_settings(&settings)?;
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_is_set_and_the_others_stay() {
        let settings = DeviceSettings::default().with("proof.minutes", "10").unwrap();
        assert_eq!(settings.proof.minutes, 10);
        let settings =
            settings.with("scan", "ask").unwrap().with("dimming", r#"{"from":1320,"to":420}"#).unwrap();
        assert_eq!((settings.scan, settings.proof.minutes), (OnScan::Ask, 10));
        assert!(settings.dimming.unwrap().hold(0) && !settings.dimming.unwrap().hold(720));
        assert_eq!(settings.with("proof.minutes", "default").unwrap().proof.minutes, 15);
        assert_eq!(settings.with("dimming", "null").unwrap().dimming, None);
        assert_eq!(
            settings.with("paper.until", "2026-12-31").unwrap().paper.until,
            "2026-12-31".parse().ok()
        );
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (name, value) in [
            ("proof.minutes", "0"),
            ("proof.minutes", "ten"),
            ("proof.minutes", "-1"),
            ("proof.each", "0"),
            ("nothing", "1"),
            ("proof.nothing", "1"),
            ("proof.minutes.more", "1"),
            ("", "1"),
            ("facing", "moon"),
            ("mounting_mm", "5"),
            ("dimming", r#"{"from":2000,"to":1}"#),
            ("paper.until", "soon"),
            ("camera_turned", "45"),
            ("camera_turned", "360"),
            ("printer", "/dev/usb/lp0"),
            ("printer", "escpos:lp0"),
            ("printer", "cups:-d"),
            ("printer", "cups:one two"),
        ] {
            assert!(DeviceSettings::default().with(name, value).is_err(), "{name} {value}");
        }
    }

    #[test]
    fn a_printer_is_kept_as_it_was_written() {
        for written in ["escpos:/dev/usb/lp0", "cups:Bondrucker_1", "folder:/var/spool/slips"] {
            let settings = DeviceSettings::default().with("printer", written).unwrap();
            assert_eq!(serde_json::to_value(&settings).unwrap()["printer"], written);
            assert_eq!(settings.with("printer", "default").unwrap().printer, None);
        }
    }

    #[test]
    fn hours_may_go_over_midnight() {
        let night = Hours { from: 22 * 60, to: 6 * 60 };
        assert!(
            night.hold(23 * 60) && night.hold(0) && night.hold(359) && !night.hold(360) && !night.hold(720)
        );
        let noon = Hours { from: 720, to: 780 };
        assert!(noon.hold(720) && !noon.hold(780) && !noon.hold(0));
    }
}
