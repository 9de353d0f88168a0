//! What looks as if somebody helped himself: the list, and a second person's word.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use stempel_domain::alarm::{Alarm, AlarmKind};
use stempel_domain::rules::Language;
use stempel_terminal::alarms::Opened;

use super::args::Global;
use super::deed::Deed;
use super::staff::typed;
use super::{Answer, Failure, open};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What looks odd at this device.
#[derive(Debug, Clone, Args)]
pub struct AlarmsArgs {
    /// How many days back
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=366))]
    pub days: u16,
    /// What to do
    #[command(subcommand)]
    pub command: Option<AlarmCommand>,
}

/// What is done about an alarm.
#[derive(Debug, Clone, Subcommand)]
pub enum AlarmCommand {
    /// A manager agrees that it goes on, for a quarter of an hour
    Agree {
        /// self-award, card-often, operator-often, take-backs or money-back
        kind: String,
        /// The operator, or the member's id, as the refusal named it
        subject: String,
        /// The manager's PIN; - reads it from the standard input
        #[arg(long, value_name = "PIN")]
        pin: String,
    },
}

pub(super) fn alarms(global: &Global, args: AlarmsArgs) -> Result<Answer, Failure> {
    match args.command {
        Some(AlarmCommand::Agree { kind, subject, pin }) => {
            let alarm = kind_of(&kind)?;
            open::write(global, Deed::Agree { alarm, subject, pin: typed(pin)? })
        }
        None => {
            let terminal = open::read(global)?;
            let since_ms = terminal.clock().now_ms().saturating_sub(i64::from(args.days) * DAY_MS);
            let opened = terminal.alarms(since_ms)?;
            if opened.is_empty() {
                return Ok(Answer { text: "Nothing looks odd.".to_owned(), ..Answer::default() });
            }
            Ok(Answer::lines(opened.iter().map(line)))
        }
    }
}

/// The kind of alarm that somebody names.
pub(super) fn kind_of(name: &str) -> Result<AlarmKind, Failure> {
    AlarmKind::named(name).ok_or_else(|| {
        let kinds = AlarmKind::ALL.map(AlarmKind::name).join(", ");
        Failure::usage(format!("“{name}” is no alarm; there are {kinds}"))
    })
}

fn line(opened: &Opened) -> (String, Value) {
    let mut text = sentence(&opened.alarm);
    let mut facts = Vec::new();
    for event in &opened.facts {
        let (at, kind) = (event.record.at.rfc3339(), event.record.fact.kind());
        let who = event.record.operator.as_ref().map(|who| format!(", {who}")).unwrap_or_default();
        text.push_str(&format!("\n    {at}  {kind}{who}  {}", event.reference()));
        facts.push(json!({
            "event": event.reference(), "at": at, "kind": kind, "operator": event.record.operator,
            "member": event.record.fact.member(),
        }));
    }
    let mut value = json(&opened.alarm);
    value["facts"] = Value::Array(facts);
    (text, value)
}

fn sentence(alarm: &Alarm) -> String {
    format!("{} ({}, {})", alarm.sentence(Language::En), alarm.kind.name(), alarm.subject)
}

fn json(alarm: &Alarm) -> Value {
    json!({
        "alarm": alarm.kind, "level": alarm.level, "subject": alarm.subject, "count": alarm.count,
        "limit": alarm.limit, "first_ms": alarm.first_ms, "last_ms": alarm.last_ms, "facts": alarm.facts,
    })
}

/// Says with an answer what the deed has raised.
pub(super) fn warn(answer: &mut Answer, raised: &[Alarm]) {
    for alarm in raised {
        answer.text.push_str(&format!("\nLooks odd: {}", sentence(alarm)));
    }
    if let Some(Value::Object(first)) = answer.json.first_mut().filter(|_| !raised.is_empty()) {
        first.insert("alarms".to_owned(), raised.iter().map(json).collect());
    }
}
