//! Prize draws: announced, closed, made, and checked by anybody.

use std::io::Write;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde_json::json;
use stempel_domain::draw::{Announcement, Draw, DrawError, Published, entry_name};
use stempel_domain::{MemberId, Unit};

use super::args::{self, DrawList, Global};
use super::programme::text_of;
use super::{Answer, Failure, open};
use crate::edge::SystemEntropy;

/// The most entries of a list of members.
const LIST_MAX: usize = 1_000_000;

pub(super) fn draw(global: &Global, command: args::Draw) -> Result<Answer, Failure> {
    match command {
        args::Draw::Open { file, secret_file, draw, prizes, public_seed_from, again } => {
            announce(&file, &secret_file, Announcement { draw, prizes, public_seed_from, again })
        }
        args::Draw::Close { file, list } => close(global, &file, &list),
        args::Draw::Run { file, secret_file, public_seed } => run(&file, &secret_file, &public_seed),
        args::Draw::Verify { file, commitment, entries_hash } => {
            verify(&file, &Published { commitment, entries_hash })
        }
        args::Draw::Entry { file, code } => entry(global, &file, &code),
        args::Draw::Winners { file, list } => winners(global, &file, &list),
    }
}

impl From<DrawError> for Failure {
    fn from(error: DrawError) -> Self {
        match error {
            DrawError::BadText { .. } | DrawError::BadPrizes | DrawError::Unreadable(_) => Self::usage(error),
            _ => Self::refused(error),
        }
    }
}

fn read(file: &Path) -> Result<Draw, Failure> {
    Draw::from_json(&text_of(file)?).map_err(|error| {
        let failure = Failure::from(error);
        Failure { message: format!("{}: {}", file.display(), failure.message), ..failure }
    })
}

/// Writes a file that must not be there yet: a secret or an announcement is never lost by a second command.
fn write_new(file: &Path, text: &str, private: bool) -> Result<(), Failure> {
    let wrong = |error: std::io::Error| Failure::machine(format!("{}: {error}", file.display()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if private {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = private;
    let mut opened = options.open(file).map_err(wrong)?;
    opened.write_all(text.as_bytes()).and_then(|()| opened.sync_all()).map_err(wrong)
}

/// Puts a new text in place of a file, whole or not at all.
fn replace(file: &Path, text: &str) -> Result<(), Failure> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    // What an interrupted command left behind is no draw.
    let _ = std::fs::remove_file(&beside);
    write_new(&beside, text, false)?;
    std::fs::rename(&beside, file).map_err(|error| Failure::machine(format!("{}: {error}", file.display())))
}

fn announce(file: &Path, secret_file: &Path, announcement: Announcement) -> Result<Answer, Failure> {
    if file.exists() {
        return Err(Failure::refused(format!(
            "{} is there already; a draw is announced once",
            file.display()
        )));
    }
    let secret = stempel_domain::ports::draw::<32>(&mut SystemEntropy);
    let draw = announcement.open(&secret)?;
    // The secret first: an announcement without it could never be made good.
    write_new(secret_file, &format!("{}\n", HEXLOWER.encode(&secret)), true)?;
    write_new(file, &draw.to_json(), false)?;
    let text = format!(
        "“{}” is announced in {}. Publish this now, where everybody sees it:\n  commitment {}\n  public seed: {}\n\
         Keep {} to yourself until the public seed is out: without it the draw cannot be made.",
        draw.draw,
        file.display(),
        draw.commitment,
        draw.public_seed_from,
        secret_file.display()
    );
    let json = json!({
        "draw": draw.draw, "commitment": draw.commitment, "prizes": draw.prizes,
        "public_seed_from": draw.public_seed_from, "again": draw.again,
    });
    Ok(Answer::one(text, json))
}

/// A member of a list in JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    member: String,
    tickets: u64,
}

/// Members and their tickets: from a list, or from the balances of the terminal's folder.
fn members(global: &Global, list: &DrawList) -> Result<Vec<(String, u64)>, Failure> {
    match (&list.entries, &list.unit) {
        (Some(file), None) => {
            let text = text_of(file)?;
            let members = if text.trim_start().starts_with('[') { of_json(&text) } else { of_csv(&text) };
            members.map_err(|why| Failure::usage(format!("{}: {why}", file.display())))
        }
        (None, Some(unit)) => of_folder(global, unit),
        _ => Err(Failure::usage(
            "say who takes part: --entries FILE, or --unit ticket for this terminal's members",
        )),
    }
}

fn of_json(text: &str) -> Result<Vec<(String, u64)>, String> {
    let listed: Vec<Listed> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if listed.len() > LIST_MAX {
        return Err(format!("it has more than {LIST_MAX} members"));
    }
    Ok(listed.into_iter().map(|listed| (listed.member.trim().to_owned(), listed.tickets)).collect())
}

fn of_csv(text: &str) -> Result<Vec<(String, u64)>, String> {
    let mut members = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() || index == 0 && line.eq_ignore_ascii_case("member,tickets") {
            continue;
        }
        let wrong =
            || format!("line {}: “{line}” is no member and tickets; write it like M-4711,3", index + 1);
        let (member, tickets) = line.rsplit_once([',', ';']).ok_or_else(wrong)?;
        let member = member.trim().trim_matches('"').trim();
        members.push((member.to_owned(), tickets.trim().parse().map_err(|_| wrong())?));
        if members.len() > LIST_MAX {
            return Err(format!("it has more than {LIST_MAX} members"));
        }
    }
    Ok(members)
}

fn of_folder(global: &Global, name: &str) -> Result<Vec<(String, u64)>, Failure> {
    let terminal = open::read(global)?;
    let named: Result<Unit, _> = name.parse();
    let today = terminal.moment(None)?.day;
    let mut members = Vec::new();
    terminal.view().for_each_member(|member, state| {
        let held = state
            .balances(today)
            .into_iter()
            .filter(|(unit, _)| unit.name() == name || named.as_ref().is_ok_and(|named| named == unit));
        for (unit, amount) in held {
            let whole = amount.max(0) / 10_i64.pow(unit.scale().into());
            members.push((member.to_string(), whole.unsigned_abs()));
        }
    })?;
    Ok(members)
}

fn close(global: &Global, file: &Path, list: &DrawList) -> Result<Answer, Failure> {
    let draw = read(file)?.close(members(global, list)?)?;
    replace(file, &draw.to_json())?;
    let Some(closing) = &draw.closing else { return Err(Failure::machine("the draw was not closed")) };
    let text = format!(
        "{} entries hold {} tickets. Publish {} now, before the public seed is out, or at least this:\n  entries {}",
        closing.entries.len(),
        closing.tickets,
        file.display(),
        closing.entries_hash
    );
    let json = json!({
        "draw": draw.draw, "entries": closing.entries.len(), "tickets": closing.tickets,
        "entries_hash": closing.entries_hash,
    });
    Ok(Answer::one(text, json))
}

fn run(file: &Path, secret_file: &Path, public_seed: &str) -> Result<Answer, Failure> {
    let secret = text_of(secret_file)?;
    let draw = read(file)?.run(secret.trim(), public_seed)?;
    replace(file, &draw.to_json())?;
    Ok(won(&draw, |_| None))
}

/// The winners, and who they are where that is known here.
fn won(draw: &Draw, name_of: impl Fn(&str) -> Option<String>) -> Answer {
    let winners = draw.result.iter().flat_map(|result| &result.winners);
    Answer::lines(winners.map(|winner| {
        let member = winner.entry.as_deref().and_then(&name_of);
        let who = match (&member, &winner.entry) {
            (Some(member), _) => member.clone(),
            (None, Some(entry)) => entry.clone(),
            (None, None) => "nobody was left".to_owned(),
        };
        let mut json = json!({
            "prize": winner.prize, "entry": winner.entry, "ticket": winner.ticket, "counter": winner.counter,
        });
        if let Some(member) = member {
            json["member"] = member.into();
        }
        (format!("{}: {who}", winner.prize), json)
    }))
}

fn winners(global: &Global, file: &Path, list: &DrawList) -> Result<Answer, Failure> {
    let draw = read(file)?;
    if draw.result.is_none() {
        return Err(Failure::refused("the draw was not made yet"));
    }
    let members = members(global, list)?;
    let names: std::collections::BTreeMap<String, String> =
        members.into_iter().map(|(member, _)| (entry_name(&draw.draw, &member), member)).collect();
    Ok(won(&draw, |entry| names.get(entry).cloned()))
}

fn verify(file: &Path, published: &Published) -> Result<Answer, Failure> {
    let draw = read(file)?;
    let checks = draw.verify(published);
    let proven = checks.iter().all(|check| check.good);
    let lines = checks.iter().map(|check| {
        let mark = if check.good { "yes" } else { "NO " };
        let json = json!({"check": check.code, "good": check.good, "says": check.says});
        (format!("{mark}  {}", check.says), json)
    });
    let verdict = if proven {
        format!(
            "The draw is proven. Compare two things with their sources: the commitment {} with what was published \
             before, and the public seed with {}.",
            draw.commitment, draw.public_seed_from
        )
    } else {
        "The draw is not proven.".to_owned()
    };
    let mut answer = Answer::lines(lines.chain([(verdict, json!({"check": "all", "good": proven}))]));
    answer.no = !proven;
    Ok(answer)
}

/// The names that a code may stand under: a member's id, whom a card of this terminal belongs to, or as it is.
fn entry(global: &Global, file: &Path, code: &str) -> Result<Answer, Failure> {
    let draw = read(file)?;
    let code = code.trim();
    let mut known_as = vec![code.to_owned()];
    if code.parse::<MemberId>().is_err()
        && let Ok(terminal) = open::read(global)
        && let Ok(who) = terminal.who_ever(code)
    {
        known_as.insert(0, who.member().to_string());
    }
    let entries = draw.closing.iter().flat_map(|closing| &closing.entries);
    let names: Vec<String> = known_as.iter().map(|member| entry_name(&draw.draw, member)).collect();
    let Some(entry) = entries.into_iter().find(|entry| names.contains(&entry.entry)) else {
        return Err(Failure::refused(match draw.closing {
            None => "the entries of this draw are not closed yet".to_owned(),
            Some(_) => format!(
                "{code} is not in the list under that name; ask the shop under which id the card takes part"
            ),
        }));
    };
    let winners = draw.result.iter().flat_map(|result| &result.winners);
    let won: Vec<&str> = winners
        .filter(|winner| winner.entry.as_ref() == Some(&entry.entry))
        .map(|winner| winner.prize.as_str())
        .collect();
    let tickets =
        if entry.tickets == 1 { "1 ticket".to_owned() } else { format!("{} tickets", entry.tickets) };
    let outcome = match (&draw.result, won.as_slice()) {
        (None, _) => "The draw was not made yet.".to_owned(),
        (Some(_), []) => "It has not won.".to_owned(),
        (Some(_), won) => format!("It has won: {}.", won.join(", ")),
    };
    let text = format!("{code} takes part as {} with {tickets}. {outcome}", entry.entry);
    Ok(Answer::one(text, json!({"entry": entry.entry, "tickets": entry.tickets, "won": won})))
}
