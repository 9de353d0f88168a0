//! Members and cards.

use std::collections::BTreeMap;
use std::path::Path;

use image::{GrayImage, Luma};
use qrcode::{EcLevel, QrCode, Version};
use serde_json::json;
use stempel_domain::CardId;
use stempel_domain::member::birthday_week;
use stempel_domain::rules::{Ending, Language};
use stempel_terminal::Terminal;
use stempel_terminal::cards::Who;
use stempel_terminal::look::MemberLook;

use super::args::{Card, Global, Member, Person};
use super::deed::Deed;
use super::member::{consent_of, describe};
use super::staff::{StaffDeed, typed};
use super::{Answer, Failure, open};

/// Pixels of one module of a drawn code.
const MODULE_PX: u32 = 10;
/// The version of the QR code that just holds a card.
const CARD_VERSION: i16 = 5;
/// The version of the QR code that just holds a slip.
const SLIP_VERSION: i16 = 6;
/// White modules around a code (ISO/IEC 18004).
const QUIET_ZONE: u32 = 4;
/// The most members that a search lists.
const FOUND_MAX: usize = 50;

pub(super) fn member(global: &Global, command: Member) -> Result<Answer, Failure> {
    match command {
        Member::Add { name, referred_by } => open::write(global, Deed::MemberAdd { name, referred_by }),
        Member::Refer { code, by } => open::write(global, Deed::MemberRefer { code, by }),
        Member::Invite { code, programme, until } => {
            let programme = programme.parse().map_err(Failure::usage)?;
            let until = until.as_deref().map(str::parse).transpose().map_err(Failure::usage)?;
            open::write(global, Deed::MemberInvite { code, programme, until })
        }
        Member::Tag { code, add, remove, birthday } => {
            let tags = tags(add, remove)?;
            let birthday_week = birthday.as_deref().map(birthday_week_of).transpose()?;
            open::write(global, Deed::MemberTag { code, tags, birthday_week })
        }
        Member::Person(command) => person(global, command),
        Member::Name { code, name } => open::write(global, Deed::MemberName { code, name }),
        Member::Show { code } => {
            let terminal = open::read(global)?;
            let who = terminal.who_ever(&code)?;
            let ending = terminal.offers(&who, None)?.ending;
            Ok(show(&terminal.look(&who)?, &ending))
        }
        Member::Find { text } => find(&open::read(global)?, &text),
    }
}

/// What is done about a person's own data.
fn person(global: &Global, command: Person) -> Result<Answer, Failure> {
    match command {
        Person::Merge { code, into } => open::write(global, Deed::MemberMerge { code, into }),
        Person::Unmerge { code } => open::write(global, Deed::MemberUnmerge { code }),
        Person::Consent { code, give, withdraw, terms, place } => {
            let given = give.is_some();
            let (kind, place) = consent_of(give.or(withdraw), place.as_deref().unwrap_or("counter"))?;
            open::write(global, Deed::MemberConsent { code, kind, given, terms, place })
        }
        Person::Export { code } => {
            let export = open::read(global)?.export_member(&code)?;
            super::member::export_answer(&export)
        }
        Person::Erase { code } => open::write(global, Deed::MemberErase { code }),
    }
}

/// The tags to give and to take.
fn tags(add: Vec<String>, remove: Vec<String>) -> Result<BTreeMap<String, bool>, Failure> {
    let mut tags = BTreeMap::new();
    let changes = add.into_iter().map(|tag| (tag, true)).chain(remove.into_iter().map(|tag| (tag, false)));
    for (tag, held) in changes {
        if tags.insert(tag.clone(), held).is_some_and(|before| before != held) {
            return Err(Failure::usage(format!("{tag}: it cannot be given and taken at once")));
        }
    }
    Ok(tags)
}

/// A member, and what they lose soon.
fn show(look: &MemberLook, ending: &[Ending]) -> Answer {
    let (mut text, mut json) = describe(look);
    for ending in ending {
        text.push('\n');
        text.push_str(&ending.sentence(Language::En));
    }
    let ending = ending.iter().map(|ending| {
        json!({
            "unit": ending.unit.name(), "amount": ending.unit.format(ending.amount), "last_day": ending.last,
            "idle": ending.idle, "de": ending.sentence(Language::De), "en": ending.sentence(Language::En),
        })
    });
    json["ending"] = ending.collect();
    Answer::one(text, json)
}

/// The week of a birthday. The date goes no further than this.
fn birthday_week_of(text: &str) -> Result<u8, Failure> {
    let (month, day) = text.split_once('-').unwrap_or_default();
    let week = month.parse().ok().zip(day.parse().ok()).and_then(|(month, day)| birthday_week(month, day));
    week.ok_or_else(|| {
        Failure::usage(format!("“{text}” is no birthday; write month and day like 03-28, without the year"))
    })
}

fn find(terminal: &Terminal, text: &str) -> Result<Answer, Failure> {
    let mut members: Vec<Who> = Vec::new();
    if let Ok(who) = terminal.who(text) {
        members.push(who);
    }
    let by_name = terminal.view().find_by_name(text, FOUND_MAX)?;
    members.extend(by_name.into_iter().map(|(member, _)| Who::Member { member, card: None }));
    if members.is_empty() {
        return Err(Failure::refused(format!("nobody here is called “{text}”")));
    }
    let lines = members.iter().map(|who| Ok(describe(&terminal.look(who)?)));
    Ok(Answer::lines(lines.collect::<Result<Vec<_>, Failure>>()?))
}

pub(super) fn card(global: &Global, command: Card) -> Result<Answer, Failure> {
    match command {
        Card::Png { code, out } => png(&open::read(global)?, &code, &out),
        Card::Verify { text } => verify(&open::read(global)?, &text),
        Card::Block { code } => open::write(global, Deed::CardBlock { code }),
        Card::Replace { code: Some(code), second: None, pin: None } => {
            open::write(global, Deed::CardReplace { code })
        }
        Card::Replace { code, second, pin } => {
            let code = code.unwrap_or_default();
            let pin = pin.map(typed).transpose()?;
            open::write(global, Deed::Staff(StaffDeed::Replace { code, second, pin }))
        }
        Card::Second { code } => second(&open::read(global)?, &code),
    }
}

fn second(terminal: &Terminal, code: &str) -> Result<Answer, Failure> {
    let card = terminal
        .who(code)?
        .card()
        .ok_or_else(|| Failure::refused("name a card; a member may have several"))?;
    let second = terminal.second_code(card)?.to_string();
    let number = card.number().to_string();
    Ok(Answer::one(second.clone(), json!({"number": number, "second": second})))
}

fn png(terminal: &Terminal, code: &str, out: &Path) -> Result<Answer, Failure> {
    let who = terminal.who(code)?;
    let card: CardId = match who.card() {
        Some(card) => card,
        None => terminal
            .card_of(who.member())?
            .ok_or_else(|| Failure::refused("this member has no card in use"))?,
    };
    let text = terminal.token_of(card)?.to_string();
    let picture = draw_code(&text).map_err(Failure::machine)?;
    picture.save(out).map_err(|error| Failure::machine(format!("{}: {error}", out.display())))?;
    let number = card.number().to_string();
    Ok(Answer::one(
        format!("Card {number} is drawn in {}.", out.display()),
        json!({"file": out.display().to_string(), "number": number, "code": text}),
    ))
}

/// Draws a token as a QR code of version 5, level M: black on white, with its quiet zone.
pub(crate) fn draw_code(text: &str) -> Result<GrayImage, qrcode::types::QrError> {
    draw_code_of(text, CARD_VERSION)
}

/// Draws a slip's code, as [`draw_code`] draws a card's.
pub(crate) fn draw_slip(text: &str) -> Result<GrayImage, qrcode::types::QrError> {
    draw_code_of(text, SLIP_VERSION)
}

/// Draws a text as a QR code of a version, level M.
fn draw_code_of(text: &str, version: i16) -> Result<GrayImage, qrcode::types::QrError> {
    let code = QrCode::with_version(text, Version::Normal(version), EcLevel::M)?;
    let width = code.width() as u32;
    let colours = code.to_colors();
    let side = (width + 2 * QUIET_ZONE) * MODULE_PX;
    Ok(GrayImage::from_fn(side, side, |x, y| {
        let module =
            |pixel: u32| (pixel / MODULE_PX).checked_sub(QUIET_ZONE).filter(|&module| module < width);
        let dark = match (module(x), module(y)) {
            (Some(x), Some(y)) => colours[(y * width + x) as usize] == qrcode::Color::Dark,
            _ => false,
        };
        Luma([if dark { 0 } else { 255 }])
    }))
}

fn verify(terminal: &Terminal, text: &str) -> Result<Answer, Failure> {
    match terminal.who(text) {
        Ok(who) => {
            let number = who.card().map(|card| card.number().to_string());
            let new = matches!(who, Who::NewCard { .. });
            let words = if new { "a genuine card that was never used here" } else { "a genuine card" };
            let json = json!({"genuine": true, "member": who.member(), "number": number, "new": new});
            Ok(Answer::one(format!("This is {words}."), json))
        }
        Err(error) if error.is_refusal() => {
            let json = json!({"genuine": false, "reason": error.to_string()});
            Ok(Answer { no: true, ..Answer::one(error.to_string(), json) })
        }
        Err(error) => Err(error.into()),
    }
}
