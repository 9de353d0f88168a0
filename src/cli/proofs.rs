//! Purchases at other tills: receipts, the tills they come from, and one-time slips.

use std::path::PathBuf;

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stempel_domain::ProgrammeId;
use stempel_domain::sale::Claim;
use stempel_terminal::Terminal;
use stempel_terminal::counter::Circumstances;
use stempel_terminal::operators::Authority;
use stempel_terminal::proofs::{CheckedProof, PinnedTill, Shown};
use stempel_terminal::slips::DAYS;
use stempel_wire::slip::{Slip, SlipPurpose};

use super::args::Global;
use super::deed::{self, given_answer};
use super::{Answer, Failure, open};
use crate::printing::Job;
use crate::words;

/// Proofs of purchases at other tills.
#[derive(Debug, Clone, Subcommand)]
pub enum ProofCommand {
    /// Says whether a receipt's code or a slip would count now, without using it up
    Check {
        /// What the scanner read
        text: String,
    },
    /// The tills whose receipts are taken
    #[command(subcommand)]
    Till(TillCommand),
}

/// The tills whose receipts are taken.
#[derive(Debug, Clone, Subcommand)]
pub enum TillCommand {
    /// Takes receipts of a till from now on: as a first receipt of it says, or by its serial numbers
    Add {
        /// The code of a receipt of that till, whose signature is checked
        #[arg(long, value_name = "TEXT", conflicts_with_all = ["serial", "till"], required_unless_present = "serial")]
        receipt: Option<String>,
        /// The serial number of its security device: 64 hexadecimal digits
        #[arg(long, value_name = "HEX", requires = "till")]
        serial: Option<String>,
        /// The till's own serial number, as its receipts name it
        #[arg(long, value_name = "NAME")]
        till: Option<String>,
        /// What people call it
        #[arg(long)]
        name: Option<String>,
    },
    /// Lists them
    List,
    /// Takes no more receipts of a till
    Remove {
        /// Its own or people's name for it
        name: String,
    },
}

/// One-time slips.
#[derive(Debug, Clone, Subcommand)]
pub enum SlipCommand {
    /// Prints the code of a slip: stamps for a guest whose card lies at home
    Issue {
        /// How many stamps it is good for
        #[arg(long, default_value_t = 1)]
        count: u32,
        /// For how many days
        #[arg(long, default_value_t = DAYS)]
        days: u16,
        /// The word of staff for one reward, instead of stamps
        #[arg(long, conflicts_with = "count")]
        reward: bool,
        /// A picture of the code to write
        #[arg(long)]
        out: Option<PathBuf>,
        /// Prints it where the setting `printer` says
        #[arg(long)]
        print: bool,
    },
}

/// What changes something.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProofDeed {
    /// Stamps for a receipt or a slip.
    Stamp {
        /// Whose.
        code: String,
        /// Of which programme.
        programme: Option<ProgrammeId>,
        /// What was shown.
        text: String,
        /// Rewards taken.
        claims: Vec<Claim>,
        /// When, if not now.
        at: Option<(i64, i16)>,
    },
    /// A reward that a slip confirms.
    Redeem {
        /// Whose.
        code: String,
        /// Which reward.
        claim: Claim,
        /// The slip.
        slip: String,
        /// When, if not now.
        at: Option<(i64, i16)>,
    },
    /// A till is pinned.
    TillAdd {
        /// Which.
        till: PinnedTill,
    },
    /// A till is pinned no longer.
    TillRemove {
        /// Which.
        name: String,
    },
    /// A slip is issued.
    SlipIssue {
        /// For a reward rather than stamps.
        reward: bool,
        /// How many.
        count: u32,
        /// For how long.
        days: u16,
    },
}

impl ProofDeed {
    pub(super) fn run(self, terminal: &mut Terminal, how: &Circumstances) -> Result<Answer, Failure> {
        match self {
            Self::Stamp { code, programme, text, claims, at } => {
                let how = Circumstances { at, ..how.clone() };
                let given = terminal.stamp_for_proof(&code, programme.as_ref(), &text, claims, &how)?;
                Ok(given_answer(&given, false))
            }
            Self::Redeem { code, claim, slip, at } => {
                let how = Circumstances { at, ..how.clone() };
                Ok(given_answer(&terminal.redeem_by_slip(&code, claim, &slip, &how)?, false))
            }
            Self::TillAdd { till } => {
                let till = terminal.pin_till(&till, Authority::Machine)?;
                Ok(Answer::one(format!("Receipts of “{}” are taken.", till.name), json!(till)))
            }
            Self::TillRemove { name } => {
                terminal.unpin_till(&name, Authority::Machine)?;
                Ok(Answer::one(
                    format!("Receipts of “{name}” are taken no longer."),
                    json!({"removed": name}),
                ))
            }
            Self::SlipIssue { reward, count, days } => {
                let purpose = if reward { SlipPurpose::Reward } else { SlipPurpose::Stamps };
                let slip = terminal.issue_slip(purpose, count, days, &how.operator, how.key.as_deref())?;
                Ok(Answer::one(slip_text(&slip), slip_json(&slip)))
            }
        }
    }
}

pub(super) fn proof(global: &Global, command: ProofCommand) -> Result<Answer, Failure> {
    match command {
        ProofCommand::Check { text } => check(&open::read(global)?, &text),
        ProofCommand::Till(TillCommand::List) => {
            let tills = open::read(global)?.tills()?;
            let line =
                |till: PinnedTill| (format!("{}  {}  {}", till.name, till.till, till.serial), json!(till));
            Ok(Answer::lines(tills.into_iter().map(line)))
        }
        ProofCommand::Till(TillCommand::Add { receipt, serial, till, name }) => {
            let known = match (receipt, serial, till) {
                (Some(receipt), ..) => open::read(global)?.till_of_receipt(&receipt)?,
                (None, Some(serial), Some(till)) => PinnedTill { serial, name: till.clone(), till },
                _ => return Err(Failure::usage("name a receipt of the till, or both of its serial numbers")),
            };
            let till = PinnedTill { name: name.unwrap_or(known.name), ..known };
            open::write(global, deed::Deed::Proof(ProofDeed::TillAdd { till }))
        }
        ProofCommand::Till(TillCommand::Remove { name }) => {
            open::write(global, deed::Deed::Proof(ProofDeed::TillRemove { name }))
        }
    }
}

fn check(terminal: &Terminal, text: &str) -> Result<Answer, Failure> {
    match terminal.check_proof(text) {
        Ok(checked) => Ok(checked_answer(&checked)),
        Err(error) if error.is_refusal() => {
            let json = json!({"counts": false, "reason": error.to_string()});
            Ok(Answer { no: true, ..Answer::one(error.to_string(), json) })
        }
        Err(error) => Err(error.into()),
    }
}

fn checked_answer(checked: &CheckedProof) -> Answer {
    let mut json = json!({
        "counts": true, "kind": checked.proof.kind, "hash": checked.proof.hash, "stamps": checked.stamps,
    });
    let what = match &checked.what {
        Shown::Receipt { till, total, .. } => {
            json["till"] = json!(till);
            json["total"] = json!(total.to_string());
            format!("A receipt of “{till}” over {total}")
        }
        Shown::Slip { last } => {
            json["last_day"] = json!(last);
            format!("A slip, good until {last}")
        }
    };
    let stamps = words::counted(checked.stamps.into(), "stamp", "stamps");
    Answer::one(format!("{what}: {stamps}."), json)
}

pub(super) fn slip(global: &Global, command: SlipCommand) -> Result<Answer, Failure> {
    let SlipCommand::Issue { count, days, reward, out, print } = command;
    if print && open::read(global)?.settings()?.printer.is_none() {
        return Err(Failure::refused(
            "no printer is set; write for example `stempel settings set printer escpos:/dev/usb/lp0`",
        ));
    }
    let deed = ProofDeed::SlipIssue { reward, count: if reward { 1 } else { count }, days };
    let mut answer = open::write(global, deed::Deed::Proof(deed))?;
    let code = answer.json.first().and_then(|json| json["code"].as_str()).map(str::to_owned);
    if let Some(code) = code.as_deref().filter(|_| print) {
        let job = Job::of(&open::read(global)?, code, words::language())?;
        // The slip is good whether it is printed or not: its code stands in the answer.
        let printed = job.map(Job::run).transpose();
        if let Err(error) = &printed {
            answer.text.push_str(&format!("\nNot printed: {error}"));
        }
        if let Some(object) = answer.json.first_mut().and_then(Value::as_object_mut) {
            object.insert("printed".into(), json!(printed.is_ok()));
        }
    }
    if let (Some(out), Some(code)) = (out, code.as_deref()) {
        let picture = super::draw_slip(code).map_err(Failure::machine)?;
        picture.save(&out).map_err(|error| Failure::machine(format!("{}: {error}", out.display())))?;
    }
    Ok(answer)
}

fn slip_text(slip: &Slip) -> String {
    let what = match slip.purpose {
        SlipPurpose::Stamps => words::counted(slip.count.into(), "stamp", "stamps"),
        SlipPurpose::Reward => "one reward".to_owned(),
    };
    format!("{what}, good once until {}:\n{slip}", slip.last)
}

fn slip_json(slip: &Slip) -> Value {
    json!({"code": slip.to_string(), "for": slip.purpose.as_str(), "count": slip.count, "last_day": slip.last})
}
