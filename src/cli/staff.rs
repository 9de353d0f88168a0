//! Who works here and what they do: operators, paper cards, gifts, the question, settings, opening and closing.

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use stempel_domain::{Day, OperatorId, ProgrammeId};
use stempel_terminal::Terminal;
use stempel_terminal::counter::Circumstances;
use stempel_terminal::day::{DaySums, Health, Sums};
use stempel_terminal::lost::Ownership;
use stempel_terminal::operators::{Authority, Role, Worker};

use super::args::Global;
use super::deed::{Deed, by_hand_answer, given_answer, joined_answer};
use super::{Answer, Failure, open};
use crate::words;

/// Those who work here.
#[derive(Debug, Clone, Subcommand)]
pub enum OperatorCommand {
    /// Adds somebody, or changes name or role
    Add {
        /// The name in events: letters, digits and - _ . :
        id: String,
        /// The name on the screen; without it the same
        #[arg(long)]
        name: Option<String>,
        /// staff or manager
        #[arg(long, default_value = "staff", value_parser = ["staff", "manager"])]
        role: String,
    },
    /// Lists everybody
    List,
    /// Gives somebody a PIN; with a manager's first one comes the recovery code, shown once
    Pin {
        /// Who
        id: String,
        /// 4 to 12 digits; - reads them from the standard input
        #[arg(long, value_name = "PIN")]
        pin: String,
    },
    /// Says whether a PIN is right; wrong ones count
    Check {
        /// Who
        id: String,
        /// The PIN; - reads it from the standard input
        #[arg(long, value_name = "PIN")]
        pin: String,
    },
    /// Gives somebody the next blank card as a staff card
    Card {
        /// Who
        id: String,
    },
    /// Takes somebody off the list
    Remove {
        /// Who
        id: String,
    },
}

/// Paper cards.
#[derive(Debug, Clone, Subcommand)]
pub enum PaperCommand {
    /// Gives the stamps of a paper card that is collected
    Take {
        /// Token, number or id of the new card
        code: String,
        /// How many stamps are on the paper card
        #[arg(long, value_name = "N")]
        stamps: u32,
        /// The stamp-card programme, where there are several
        #[arg(long, value_name = "ID")]
        programme: Option<String>,
        /// A manager's PIN, above what one operator may take in a day; - reads it from the standard input
        #[arg(long, value_name = "PIN")]
        pin: Option<String>,
    },
}

/// What guests give away.
#[derive(Debug, Clone, Subcommand)]
pub enum GiftCommand {
    /// A member gives a reward away
    Give {
        /// Token, number or id
        code: String,
        /// Into which pool, where there are several
        #[arg(long, value_name = "ID")]
        pool: Option<String>,
    },
    /// What waits here
    List,
    /// Hands out what waits
    Release {
        /// From which pool, where there are several
        #[arg(long, value_name = "ID")]
        pool: Option<String>,
    },
}

/// Settings of this device.
#[derive(Debug, Clone, Subcommand)]
pub enum SettingsCommand {
    /// Shows one setting, or all of them
    Get {
        /// Its name: proof.minutes
        name: Option<String>,
    },
    /// Sets one
    Set {
        /// Its name: proof.minutes
        name: String,
        /// A text, a number, true, false, null, other JSON, or default
        value: String,
    },
}

/// A guest's answer.
#[derive(Debug, Clone, clap::Args)]
pub struct AnswerArgs {
    /// From 0 to 10
    #[arg(long, value_name = "N")]
    pub score: u8,
    /// Why: one of the question's reasons
    #[arg(long, value_name = "TEXT")]
    pub why: Option<String>,
}

/// A day.
#[derive(Debug, Clone, clap::Args)]
pub struct DayArgs {
    /// Which business day, if not today
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub day: Option<String>,
}

/// What changes something.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StaffDeed {
    /// Somebody works here.
    Put {
        /// Who.
        id: OperatorId,
        /// Their name.
        name: String,
        /// What they may do.
        role: Role,
    },
    /// Somebody works here no longer.
    Remove {
        /// Who.
        id: OperatorId,
    },
    /// Somebody gets a PIN.
    Pin {
        /// Who.
        id: OperatorId,
        /// Which.
        pin: String,
    },
    /// A PIN is checked.
    Check {
        /// Whose.
        id: OperatorId,
        /// Which.
        pin: String,
    },
    /// Somebody gets a staff card.
    Card {
        /// Who.
        id: OperatorId,
    },
    /// A paper card is taken over.
    Paper {
        /// Onto which card.
        code: String,
        /// Of which programme.
        programme: Option<ProgrammeId>,
        /// How many.
        stamps: u32,
        /// A manager's PIN.
        pin: Option<String>,
    },
    /// A reward is given away.
    Give {
        /// By whom.
        code: String,
        /// Into which pool.
        pool: Option<String>,
    },
    /// What waits is handed out.
    Release {
        /// From which pool.
        pool: Option<String>,
    },
    /// A guest answers.
    Answer {
        /// From 0 to 10.
        score: u8,
        /// Why.
        why: Option<String>,
    },
    /// A lost card is replaced.
    Replace {
        /// Which.
        code: String,
        /// Its second code.
        second: Option<String>,
        /// A manager's PIN.
        pin: Option<String>,
    },
    /// A setting is set.
    Set {
        /// Which.
        name: String,
        /// To what.
        value: String,
    },
}

impl StaffDeed {
    /// The deed without what must not be kept.
    pub(super) fn without_secrets(&self) -> Self {
        let mut deed = self.clone();
        match &mut deed {
            Self::Pin { pin, .. } | Self::Check { pin, .. } => pin.clear(),
            Self::Paper { pin, .. } => *pin = None,
            Self::Replace { second, pin, .. } => (*second, *pin) = (None, None),
            _ => {}
        }
        deed
    }

    pub(super) fn run(self, terminal: &mut Terminal, how: &Circumstances) -> Result<Answer, Failure> {
        match self {
            Self::Put { id, name, role } => {
                terminal.put_operator(&id, &name, role, Authority::Machine)?;
                Ok(Answer::one(
                    format!("{name} works here."),
                    json!({"operator": id, "name": name, "role": role}),
                ))
            }
            Self::Remove { id } => {
                terminal.remove_operator(&id, Authority::Machine)?;
                Ok(Answer::one(format!("{id} works here no longer."), json!({"removed": id})))
            }
            Self::Pin { id, pin } => {
                let recovery = terminal.set_pin(&id, &pin, Authority::Machine)?;
                let mut text = format!("{id} has a new PIN.");
                if let Some(code) = &recovery {
                    text.push_str(&format!(
                        "\nRecovery code, for when every PIN is forgotten; write it down, it is shown once: {code}"
                    ));
                }
                Ok(Answer::one(text, json!({"operator": id, "recovery": recovery})))
            }
            Self::Check { id, pin } => {
                let role = terminal.check_pin(&id, &pin)?;
                Ok(Answer::one("That is the PIN.", json!({"operator": id, "role": role})))
            }
            Self::Card { id } => {
                let code = terminal.give_staff_card(&id, Authority::Machine)?.to_string();
                Ok(Answer::one(
                    format!("{id} has a staff card.\n{code}"),
                    json!({"operator": id, "code": code}),
                ))
            }
            Self::Paper { code, programme, stamps, pin } => {
                let manager = pin.as_deref().map(Authority::Pin);
                let taken = terminal.take_paper_card(&code, programme.as_ref(), stamps, manager, how)?;
                Ok(by_hand_answer(&taken))
            }
            Self::Give { code, pool } => {
                Ok(given_answer(&terminal.give_away(&code, pool.as_deref(), how)?, false))
            }
            Self::Release { pool } => {
                let (event, left) = terminal.release_gift(pool.as_deref(), how)?;
                let json = json!({"event": event, "pool": left.pool, "waiting": left.count});
                Ok(Answer::one(format!("It is given. {} still wait.", left.count), json))
            }
            Self::Answer { score, why } => {
                let event = terminal.answer(score, why.as_deref(), how)?;
                Ok(Answer::one("Thank you.", json!({"event": event})))
            }
            Self::Replace { code, second, pin } => {
                let ownership = match (&second, &pin) {
                    (Some(second), _) => Ownership::Second(second),
                    (None, Some(pin)) => Ownership::Manager(Authority::Pin(pin)),
                    (None, None) => Ownership::Manager(Authority::Machine),
                };
                let joined = terminal.replace_lost(&code, ownership, &how.operator)?;
                Ok(joined_answer(&joined, "is in its place"))
            }
            Self::Set { name, value } => {
                terminal.set_setting(&name, &value)?;
                setting(terminal, Some(&name))
            }
        }
    }
}

pub(super) fn operator(global: &Global, command: OperatorCommand) -> Result<Answer, Failure> {
    let id = |text: &str| text.parse::<OperatorId>().map_err(Failure::usage);
    let deed = match command {
        OperatorCommand::List => {
            let line = |worker: Worker| {
                let json = json!({
                    "operator": worker.id, "name": worker.name, "role": worker.role, "pin": worker.has_pin,
                    "card": worker.has_card,
                });
                let role = if worker.role == Role::Manager { "manager" } else { "staff" };
                let pin = if worker.has_pin { "" } else { ", no PIN yet" };
                (format!("{}  {}  {role}{pin}", worker.id, worker.name), json)
            };
            return Ok(Answer::lines(open::read(global)?.operators()?.into_iter().map(line)));
        }
        OperatorCommand::Add { id: text, name, role } => {
            StaffDeed::Put { id: id(&text)?, name: name.unwrap_or(text), role: role.parse()? }
        }
        OperatorCommand::Pin { id: text, pin } => StaffDeed::Pin { id: id(&text)?, pin: typed(pin)? },
        OperatorCommand::Check { id: text, pin } => StaffDeed::Check { id: id(&text)?, pin: typed(pin)? },
        OperatorCommand::Card { id: text } => StaffDeed::Card { id: id(&text)? },
        OperatorCommand::Remove { id: text } => StaffDeed::Remove { id: id(&text)? },
    };
    open::write(global, Deed::Staff(deed))
}

/// A PIN as typed, or the next line of the standard input: other people can read a command's words.
pub(super) fn typed(pin: String) -> Result<String, Failure> {
    if pin != "-" {
        return Ok(pin);
    }
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(Failure::machine)?;
    Ok(line.trim().to_owned())
}

pub(super) fn paper(global: &Global, command: PaperCommand) -> Result<Answer, Failure> {
    let PaperCommand::Take { code, stamps, programme, pin } = command;
    let programme = programme.as_deref().map(str::parse).transpose().map_err(Failure::usage)?;
    let pin = pin.map(typed).transpose()?;
    open::write(global, Deed::Staff(StaffDeed::Paper { code, programme, stamps, pin }))
}

pub(super) fn gift(global: &Global, command: GiftCommand) -> Result<Answer, Failure> {
    match command {
        GiftCommand::List => {
            let waiting = open::read(global)?.waiting_gifts()?;
            Ok(Answer::lines(waiting.into_iter().map(|gift| {
                let json = json!({
                    "programme": gift.programme, "pool": gift.pool, "reward": gift.claim.reward,
                    "waiting": gift.count,
                });
                (format!("{} wait ({})", gift.count, gift.pool), json)
            })))
        }
        GiftCommand::Give { code, pool } => open::write(global, Deed::Staff(StaffDeed::Give { code, pool })),
        GiftCommand::Release { pool } => open::write(global, Deed::Staff(StaffDeed::Release { pool })),
    }
}

pub(super) fn answer(global: &Global, answer: AnswerArgs) -> Result<Answer, Failure> {
    let AnswerArgs { score, why } = answer;
    open::write(global, Deed::Staff(StaffDeed::Answer { score, why }))
}

pub(super) fn settings(global: &Global, command: SettingsCommand) -> Result<Answer, Failure> {
    match command {
        SettingsCommand::Get { name } => setting(&open::read(global)?, name.as_deref()),
        SettingsCommand::Set { name, value } => {
            open::write(global, Deed::Staff(StaffDeed::Set { name, value }))
        }
    }
}

fn setting(terminal: &Terminal, name: Option<&str>) -> Result<Answer, Failure> {
    let all = serde_json::to_value(terminal.settings()?).map_err(Failure::machine)?;
    let mut flat = Map::new();
    flatten("", &all, &mut flat);
    let Some(name) = name else {
        let text: Vec<String> = flat.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        return Ok(Answer::one(text.join("\n"), Value::Object(flat)));
    };
    let value = name.split('.').try_fold(&all, |place, part| place.get(part));
    let value = value.ok_or_else(|| {
        Failure::refused(format!("there is no setting “{name}”; `stempel settings get` lists them"))
    })?;
    Ok(Answer::one(format!("{name} = {value}"), json!({"name": name, "value": value})))
}

fn flatten(prefix: &str, value: &Value, flat: &mut Map<String, Value>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(&name, value, flat);
            }
        }
        value => {
            flat.insert(prefix.to_owned(), value.clone());
        }
    }
}

pub(super) fn day(global: &Global, args: &DayArgs) -> Result<Answer, Failure> {
    let day: Option<Day> = args.day.as_deref().map(str::parse).transpose().map_err(Failure::usage)?;
    let terminal = open::read(global)?;
    let (health, (day, sums)) = (terminal.health()?, terminal.day_sums(day)?);
    let free = crate::edge::disk_free(&global.data);
    let mut text = vec![opening_line(&health, free), format!("{day}: {}", sums_line(&sums.all))];
    for (operator, sums) in &sums.by_operator {
        let name = if operator.is_empty() { "nobody by name" } else { operator };
        text.push(format!("  {name}: {}", sums_line(sums)));
    }
    Ok(Answer::one(text.join("\n"), day_json(day, &sums, &health, free)))
}

/// The opening line: what is well, and what is not.
fn opening_line(health: &Health, free: Option<u64>) -> String {
    let mut parts = Vec::new();
    parts.push(match health.clock_doubtful {
        true => "THE CLOCK CANNOT BE RIGHT".to_owned(),
        false => "clock fine".to_owned(),
    });
    if let Some(free) = free {
        parts.push(format!("{} MB free", free / (1024 * 1024)));
    }
    parts.push(match (health.alone, health.pending) {
        (true, _) => "works alone".to_owned(),
        (false, pending) => words::counted(pending as i64, "waits for the server", "wait for the server"),
    });
    parts.extend(health.last_error.iter().map(|error| format!("last attempt: {error}")));
    parts.extend(health.blanks.map(|blanks| words::counted(blanks as i64, "blank card", "blank cards")));
    if health.troubles > 0 {
        let rows = words::counted(health.troubles as i64, "row", "rows");
        parts.push(format!("{rows} without effect at the server"));
    }
    if health.unreadable_programmes > 0 {
        let programmes = words::counted(health.unreadable_programmes as i64, "programme", "programmes");
        parts.push(format!("{programmes} not in use"));
    }
    parts.join(" · ")
}

fn sums_line(sums: &Sums) -> String {
    let parts = [
        (sums.stamps, "stamp", "stamps"),
        (sums.rewards as i64, "reward", "rewards"),
        (sums.sales as i64, "sale", "sales"),
        (sums.joined as i64, "joined", "joined"),
        (sums.undone as i64, "undone", "undone"),
        (sums.paper_cards as i64, "paper card", "paper cards"),
        (sums.receipts as i64, "receipt", "receipts"),
        (sums.slips_issued as i64, "slip issued", "slips issued"),
        (sums.slips_used as i64, "slip used", "slips used"),
        (sums.gifts_released as i64, "gift handed out", "gifts handed out"),
        (sums.answers as i64, "answer", "answers"),
    ];
    let said: Vec<String> = parts
        .into_iter()
        .filter(|(count, ..)| *count != 0)
        .map(|(count, one, many)| words::counted(count, one, many))
        .collect();
    if said.is_empty() { "nothing yet".to_owned() } else { said.join(", ") }
}

fn sums_json(sums: &Sums) -> Value {
    json!({
        "stamps": sums.stamps, "rewards": sums.rewards, "sales": sums.sales, "joined": sums.joined,
        "undone": sums.undone, "paper_cards": sums.paper_cards, "paper_stamps": sums.paper_stamps,
        "receipts": sums.receipts, "slips_issued": sums.slips_issued, "slips_used": sums.slips_used,
        "gifts_released": sums.gifts_released, "answers": sums.answers,
    })
}

fn day_json(day: Day, sums: &DaySums, health: &Health, free: Option<u64>) -> Value {
    let mut json = sums_json(&sums.all);
    json["day"] = json!(day);
    json["operators"] =
        Value::Object(sums.by_operator.iter().map(|(name, sums)| (name.clone(), sums_json(sums))).collect());
    json["health"] = json!({
        "clock_doubtful": health.clock_doubtful, "clock_ahead_ms": health.skew_ms, "pending": health.pending,
        "last_sync_ms": health.last_sync_ms, "last_error": health.last_error, "alone": health.alone,
        "blanks": health.blanks, "troubles": health.troubles, "tills": health.tills,
        "unreadable_programmes": health.unreadable_programmes, "disk_free_bytes": free,
    });
    json
}
