//! What changes something. A deed is plain data: it runs on the terminal of this process, or travels over the
//! socket to the terminal that is running on the folder.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stempel_domain::alarm::AlarmKind;
use stempel_domain::event::{ConsentKind, ConsentPlace, Fact};
use stempel_domain::programme::{Decimal, Programme};
use stempel_domain::sale::{Claim, Line, Sale, Tender, TenderKind};
use stempel_domain::{Day, EventRef, Moment, Money, OperatorId, ProgrammeId, Quantity, Sku};
use stempel_terminal::cards::{Joined, NewMember};
use stempel_terminal::counter::{Circumstances, Given};
use stempel_terminal::goodwill::ByHand;
use stempel_terminal::people::NewConsent;
use stempel_terminal::taking_back::TakenBack;
use stempel_terminal::{Terminal, TerminalError};
use stempel_wire::article::{Article, Served};

use super::args::{self, Global};
use super::proofs::ProofDeed;
use super::staff::StaffDeed;
use super::{Answer, Failure, alarms, member};
use crate::edge::folder_key::{self, Seal};
use crate::words;

/// A deed with its circumstances.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Request {
    /// Who does it.
    pub operator: Option<OperatorId>,
    /// Makes it happen once.
    pub key: Option<String>,
    /// What is done.
    pub deed: Deed,
}

/// What can be done.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// A member joins.
    MemberAdd {
        /// The first name.
        name: Option<String>,
        /// Who brought the member.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        referred_by: Option<String>,
    },
    /// Who brought a member is noted.
    MemberRefer {
        /// Whom.
        code: String,
        /// Who brought.
        by: String,
    },
    /// A membership is given that is not sold.
    MemberInvite {
        /// To whom.
        code: String,
        /// Of which programme.
        programme: ProgrammeId,
        /// Its last day, if it is not one term.
        until: Option<Day>,
    },
    /// Tags are given and taken, and the week of the birthday is noted. The date is not here: a deed is kept.
    MemberTag {
        /// Whose.
        code: String,
        /// Each tag, and whether the member has it from now on.
        tags: BTreeMap<String, bool>,
        /// 0 to 52.
        birthday_week: Option<u8>,
    },
    /// A member gets a name.
    MemberName {
        /// Whom.
        code: String,
        /// The first name.
        name: String,
    },
    /// Two members are one person.
    MemberMerge {
        /// Who gets the other id.
        code: String,
        /// Whose.
        into: String,
    },
    /// They are no longer.
    MemberUnmerge {
        /// Who gets the own id back.
        code: String,
    },
    /// A member agrees to something, or takes that back.
    MemberConsent {
        /// Who.
        code: String,
        /// To what.
        kind: ConsentKind,
        /// Whether the member agrees.
        given: bool,
        /// The version of the terms.
        terms: String,
        /// Where it was said.
        place: ConsentPlace,
    },
    /// A member is forgotten.
    MemberErase {
        /// Who.
        code: String,
    },
    /// A card goes out of use.
    CardBlock {
        /// Which.
        code: String,
    },
    /// A card is replaced.
    CardReplace {
        /// Which.
        code: String,
    },
    /// Stamps.
    Stamp {
        /// Whose.
        code: String,
        /// Of which programme.
        programme: Option<ProgrammeId>,
        /// How many things count.
        count: u32,
        /// Rewards taken.
        claims: Vec<Claim>,
        /// When, if not now.
        at: Option<(i64, i16)>,
    },
    /// A sale.
    Sale {
        /// Whose.
        code: Option<String>,
        /// Articles and quantities.
        items: Vec<(Sku, Quantity)>,
        /// Rewards taken.
        claims: Vec<Claim>,
        /// Voucher and promotion codes.
        codes: Vec<String>,
        /// How it was paid.
        pay: TenderKind,
        /// Taken away rather than eaten in the house.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        away: bool,
        /// When, if not now.
        at: Option<(i64, i16)>,
    },
    /// A redemption.
    Redeem {
        /// Whose.
        code: String,
        /// Which reward.
        claim: Claim,
        /// When, if not now.
        at: Option<(i64, i16)>,
    },
    /// Something was done without a purchase.
    Earn {
        /// By whom.
        code: String,
        /// Of which programme.
        programme: ProgrammeId,
        /// Which activity.
        activity: String,
        /// What it was done for.
        reference: String,
        /// When, if not now.
        at: Option<(i64, i16)>,
    },
    /// What the day brings.
    Occasions {
        /// Whom.
        code: String,
        /// When, if not now.
        at: Option<(i64, i16)>,
    },
    /// Staff make up for something.
    Goodwill {
        /// Whose.
        code: String,
        /// Of which programme.
        programme: ProgrammeId,
        /// How many of its units.
        amount: Decimal,
        /// Why.
        reason: String,
        /// The second person who agreed.
        agreed: Option<OperatorId>,
        /// When, if not now.
        at: Option<(i64, i16)>,
    },
    /// Goods come back.
    Refund {
        /// Of which sale.
        event: EventRef,
        /// What, and how much of it; empty: everything that is left.
        lines: Vec<(Sku, Quantity)>,
        /// When, if not now.
        at: Option<(i64, i16)>,
    },
    /// An event is taken back.
    Undo {
        /// Which.
        event: EventRef,
    },
    /// Articles come into the catalogue.
    CatalogueImport {
        /// Which.
        articles: Vec<Article>,
    },
    /// A programme is published.
    ProgrammePublish {
        /// The programme in TOML.
        text: String,
    },
    /// Something about purchases at other tills.
    Proof(ProofDeed),
    /// Something about those who work here and what they do.
    Staff(StaffDeed),
    /// A manager agrees to what has raised an alarm.
    Agree {
        /// Which alarm.
        alarm: AlarmKind,
        /// What it is about.
        subject: String,
        /// The manager's PIN.
        pin: String,
    },
    /// Rows are sent and changes fetched.
    Sync,
    /// The key that wraps members' keys in this folder is made anew.
    RotateKeys {
        /// Where the secret is kept from now on under which its file is sealed; nothing: where it is kept now.
        seal: Option<Seal>,
    },
    /// The key that signs this terminal's events is made anew.
    RotateDeviceKey,
}

impl Deed {
    /// The deed as it is kept beside its key: no PIN stands in the folder.
    fn without_secrets(&self) -> Self {
        match self {
            Self::Staff(deed) => Self::Staff(deed.without_secrets()),
            Self::Agree { alarm, subject, .. } => {
                Self::Agree { alarm: *alarm, subject: subject.clone(), pin: String::new() }
            }
            deed => deed.clone(),
        }
    }
}

impl Request {
    /// Does it, and says what looks odd about it.
    pub fn run(self, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let mut answer = self.perform(terminal)?;
        alarms::warn(&mut answer, &terminal.raised());
        Ok(answer)
    }

    fn perform(self, terminal: &mut Terminal) -> Result<Answer, Failure> {
        if let Some(key) = &self.key {
            terminal.bind_key(
                key,
                &serde_json::to_string(&self.deed.without_secrets()).map_err(Failure::usage)?,
            )?;
        }
        let how =
            |at| Circumstances { operator: self.operator.clone(), key: self.key.clone(), at, by_hand: false };
        match self.deed {
            Deed::MemberAdd { name, referred_by } => {
                let new = NewMember {
                    name: name.as_deref(),
                    brought_by: referred_by.as_deref(),
                    ..NewMember::default()
                };
                let joined = terminal.add(&new, &self.operator, self.key.as_deref())?;
                Ok(joined_answer(&joined, "is a member now"))
            }
            Deed::MemberRefer { code, by } => {
                let (event, member) = terminal.refer(&code, &by, &how(None))?;
                Ok(Answer::one(
                    "It is noted. Both are rewarded after the first purchase, as the programme says.",
                    json!({"event": event, "member": member}),
                ))
            }
            Deed::MemberInvite { code, programme, until } => {
                Ok(by_hand_answer(&terminal.invite(&code, &programme, until, &how(None))?))
            }
            Deed::MemberTag { code, tags, birthday_week } => {
                let (event, member) = terminal.note_traits(&code, tags, birthday_week, &how(None))?;
                Ok(Answer::one("It is noted.", json!({"event": event, "member": member})))
            }
            Deed::MemberName { code, name } => {
                let who = terminal.who(&code)?;
                let event = terminal.name_member(&who, &name, None, &self.operator)?;
                Ok(Answer::one(format!("{name} it is."), json!({"event": event, "member": who.member()})))
            }
            Deed::MemberMerge { code, into } => {
                Ok(member::merged_answer(&terminal.merge_members(&code, &into, &how(None))?))
            }
            Deed::MemberUnmerge { code } => {
                Ok(member::merged_answer(&terminal.unmerge_member(&code, &how(None))?))
            }
            Deed::MemberConsent { code, kind, given, terms, place } => {
                let new = NewConsent { kind, given, terms, place };
                let (event, member, said) = terminal.note_consent(&code, &new, &how(None))?;
                Ok(Answer::one(
                    member::consent_line(&said),
                    json!({"event": event, "member": member, "consents": said}),
                ))
            }
            Deed::MemberErase { code } => {
                let erased = terminal.erase_member(&code, &how(None))?;
                let elsewhere = match terminal.identity().server {
                    Some(_) => " Other devices follow with their next exchange.",
                    None => "",
                };
                Ok(Answer::one(
                    format!("The member is forgotten here.{elsewhere}"),
                    json!({"member": erased.member, "events": erased.events}),
                ))
            }
            Deed::CardBlock { code } => {
                let who = terminal.who(&code)?;
                let event = terminal.block_card(&who, &self.operator)?;
                Ok(Answer::one("The card is blocked.", json!({"event": event, "member": who.member()})))
            }
            Deed::CardReplace { code } => {
                let who = terminal.who_ever(&code)?;
                let joined = terminal.replace_card(&who, &self.operator)?;
                Ok(joined_answer(&joined, "has a new card"))
            }
            Deed::Stamp { code, programme, count, claims, at } => {
                let given = terminal.stamp(&code, programme.as_ref(), count, claims, &how(at))?;
                Ok(given_answer(&given, false))
            }
            Deed::Redeem { code, claim, at } => {
                let given = terminal.redeem(&code, claim, &how(at))?;
                Ok(given_answer(&given, false))
            }
            Deed::Sale { code, items, claims, codes, pay, away, at } => {
                let sale = sale_of(terminal, &items, claims, codes, pay, away, at)?;
                let given = terminal.sale(code.as_deref(), sale, &how(at))?;
                Ok(given_answer(&given, true))
            }
            Deed::Earn { code, programme, activity, reference, at } => {
                let given = terminal.earn(&code, &programme, &activity, &reference, &how(at))?;
                Ok(given_answer(&given, false))
            }
            Deed::Occasions { code, at } => Ok(given_answer(&terminal.occasions(&code, &how(at))?, false)),
            Deed::Goodwill { code, programme, amount, reason, agreed, at } => {
                let agreed = agreed.as_ref();
                let given = terminal.goodwill(&code, &programme, amount, &reason, agreed, &how(at))?;
                Ok(by_hand_answer(&given))
            }
            Deed::Refund { event, lines, at } => {
                let quantities = quantities_by_line(terminal, event, &lines)?;
                let back = terminal.refund(event, &quantities, &how(at))?;
                Ok(back_answer(&back))
            }
            Deed::Undo { event } => Ok(back_answer(&terminal.undo(event, &how(None))?)),
            Deed::CatalogueImport { articles } => {
                terminal.import_articles(&articles)?;
                let count = articles.len();
                Ok(Answer::one(format!("{count} articles are in the catalogue."), json!({"imported": count})))
            }
            Deed::ProgrammePublish { text } => {
                let programme = Programme::parse_toml(&text).map_err(Failure::usage)?;
                let reference = terminal.publish(programme, &self.operator)?;
                Ok(Answer::one(
                    format!("“{}” version {} is in force.", reference.id, reference.version),
                    json!({"programme": reference.id, "version": reference.version}),
                ))
            }
            Deed::Proof(deed) => deed.run(terminal, &how(None)),
            Deed::Staff(deed) => deed.run(terminal, &how(None)),
            Deed::Agree { alarm, subject, pin } => {
                let event = terminal.agree(alarm, &subject, &pin)?;
                Ok(Answer::one("It goes on, for a quarter of an hour.", json!({"event": event})))
            }
            Deed::Sync => super::sync::exchange_now(terminal),
            Deed::RotateKeys { seal } => {
                folder_key::rotate(terminal, seal)?;
                let mut text = "Members' keys are wrapped under a new key. An older copy of this folder opens no name with it.".to_owned();
                if seal == Some(Seal::Keyring) {
                    text.push_str(" Its file opens with this user's keyring alone.");
                }
                Ok(Answer::one(text, json!({"rotated": true, "seal": seal})))
            }
            Deed::RotateDeviceKey => {
                let event = terminal.change_key(&self.operator)?;
                let text = "This terminal signs with a new key from now on. The server hears of it with the next exchange; slips \
                            that were printed before are not taken any more.";
                Ok(Answer::one(text, json!({"event": event})))
            }
        }
    }
}

pub(super) fn joined_answer(joined: &Joined, what: &str) -> Answer {
    let number = joined.card.number();
    let code = joined.token.to_string();
    Answer::one(
        format!("Card {number} {what}.\n{code}"),
        json!({"member": joined.member, "code": code, "number": number.to_string(), "event": joined.event}),
    )
}

pub(super) fn given_answer(given: &Given, sale: bool) -> Answer {
    let outcome = &given.outcome;
    let awards: Vec<Value> = outcome
        .earned()
        .iter()
        .map(|(unit, amount)| json!({"unit": unit.name(), "amount": unit.format(*amount)}))
        .collect();
    let mut json = json!({
        "event": given.event,
        "member": given.member,
        "awards": awards,
        "spent": words::amounts(&outcome.spent()),
        "balances": words::amounts(&given.balances),
        "trace": words::trace(&outcome.trace),
    });
    let mut text = Vec::new();
    if sale {
        json["total"] = Value::String(outcome.total.to_string());
        text.push(format!("Total {}", outcome.total));
    }
    text.extend(outcome.trace.iter().map(words::sentence));
    if given.member.is_some() {
        text.push(format!("Now: {}", words::balances_line(&given.balances)));
    }
    if let Some(event) = given.event {
        text.push(format!("Event {event}"));
    }
    Answer::one(text.join("\n"), json)
}

pub(super) fn by_hand_answer(given: &ByHand) -> Answer {
    let awards: Vec<Value> = given
        .given
        .iter()
        .map(|(unit, amount)| json!({"unit": unit.name(), "amount": unit.format(*amount)}))
        .collect();
    let until = given.last.map_or_else(String::new, |last| format!(", until {last}"));
    let text = format!(
        "{}{until}: {}\nNow: {}\nEvent {}",
        words::balances_line(&given.given),
        given.reason,
        words::balances_line(&given.balances),
        given.event
    );
    let json = json!({
        "event": given.event, "member": given.member, "reason": given.reason, "agreed": given.agreed,
        "awards": awards, "last_day": given.last, "balances": words::amounts(&given.balances),
    });
    Answer::one(text, json)
}

fn back_answer(back: &TakenBack) -> Answer {
    let json = json!({
        "event": back.event,
        "of": back.of,
        "member": back.member,
        "total": (-back.money_back).to_string(),
        "balances": words::amounts(&back.balances),
    });
    let mut text = vec![format!("Taken back: {}", back.of)];
    if back.money_back != Money::ZERO {
        text.push(format!("To hand back: {}", back.money_back));
    }
    if back.member.is_some() {
        text.push(format!("Now: {}", words::balances_line(&back.balances)));
    }
    Answer::one(text.join("\n"), json)
}

/// The sale that a deed asks for, at the rates of its day and of where it is eaten.
pub(super) fn sale_of(
    terminal: &Terminal,
    items: &[(Sku, Quantity)],
    claims: Vec<Claim>,
    codes: Vec<String>,
    pay: TenderKind,
    away: bool,
    at: Option<(i64, i16)>,
) -> Result<Sale, TerminalError> {
    let day = terminal.moment(at)?.day;
    let served = Served::taken_away(away);
    basket(|sku, quantity| terminal.line_at(sku, quantity, day, served), items, claims, codes, pay)
}

fn basket(
    line: impl Fn(&Sku, Quantity) -> Result<Line, TerminalError>,
    items: &[(Sku, Quantity)],
    claims: Vec<Claim>,
    codes: Vec<String>,
    pay: TenderKind,
) -> Result<Sale, TerminalError> {
    let mut lines = Vec::with_capacity(items.len());
    for (sku, quantity) in items {
        lines.push(line(sku, *quantity)?);
    }
    // The amount is settled when the total is known.
    let tenders = vec![Tender { kind: pay, amount: Money::ZERO }];
    Ok(Sale { lines, tenders, claims, codes })
}

/// A basket of articles that is paid in cash, for benches.
pub(super) fn basket_of(terminal: &Terminal, items: &[(&str, u32)]) -> Result<Sale, TerminalError> {
    let items = items.iter().map(|(sku, count)| Ok((sku.parse()?, Quantity::pieces(*count))));
    let items = items.collect::<Result<Vec<_>, TerminalError>>()?;
    basket(
        |sku, quantity| terminal.line(sku, quantity, Served::Here),
        &items,
        Vec::new(),
        Vec::new(),
        TenderKind::Cash,
    )
}

fn quantities_by_line(
    terminal: &Terminal,
    event: EventRef,
    wanted: &[(Sku, Quantity)],
) -> Result<BTreeMap<usize, i64>, TerminalError> {
    let mut quantities = BTreeMap::new();
    if wanted.is_empty() {
        return Ok(quantities);
    }
    let Fact::Sale(sale) = terminal.event(event)?.record.fact else {
        return Err(TerminalError::Input("only a sale has lines; take this event back with undo".into()));
    };
    let before = terminal.taken_back(event)?.quantities;
    for (sku, quantity) in wanted {
        let mut open = quantity.0;
        for (index, line) in sale.sale.lines.iter().enumerate().filter(|(_, line)| line.sku == *sku) {
            let already: i64 = quantities.get(&index).copied().unwrap_or(0);
            let returned = before.get(index).copied().unwrap_or(0);
            let taken = open.min(line_left(line, already + returned));
            if taken > 0 {
                *quantities.entry(index).or_insert(0) += taken;
                open -= taken;
            }
        }
        if open > 0 {
            return Err(TerminalError::NotNow(format!("the sale has less of {sku} than that")));
        }
    }
    Ok(quantities)
}

fn line_left(line: &Line, already: i64) -> i64 {
    line.quantity.0 - already
}

pub(super) fn stamp(_global: &Global, stamp: &args::Stamp) -> Result<Deed, Failure> {
    let programme = stamp.programme.as_deref().map(str::parse).transpose().map_err(Failure::usage)?;
    let claims = stamp.claims.iter().map(|text| claim(text)).collect::<Result<_, _>>()?;
    if let Some(text) = stamp.receipt.as_ref().or(stamp.slip.as_ref()) {
        let (code, text, at) = (stamp.member.clone(), text.clone(), at(stamp.at.as_deref())?);
        return Ok(Deed::Proof(ProofDeed::Stamp { code, programme, text, claims, at }));
    }
    Ok(Deed::Stamp {
        code: stamp.member.clone(),
        programme,
        count: stamp.count,
        claims,
        at: at(stamp.at.as_deref())?,
    })
}

pub(super) fn sale(_global: &Global, sale: &args::Sale) -> Result<Deed, Failure> {
    let items = sale.items.iter().map(|text| item(text)).collect::<Result<_, _>>()?;
    let claims = sale.claims.iter().map(|text| claim(text)).collect::<Result<_, _>>()?;
    let pay = match sale.pay.as_str() {
        "card" => TenderKind::Card,
        "stored" => TenderKind::Stored,
        _ => TenderKind::Cash,
    };
    let codes = sale.codes.clone();
    let (code, away) = (sale.member.clone(), sale.away);
    Ok(Deed::Sale { code, items, claims, codes, pay, away, at: at(sale.at.as_deref())? })
}

pub(super) fn redeem(_global: &Global, redeem: &args::Redeem) -> Result<Deed, Failure> {
    if let Some(slip) = redeem.slip.clone() {
        let (code, claim, at) = (redeem.member.clone(), claim(&redeem.reward)?, at(redeem.at.as_deref())?);
        return Ok(Deed::Proof(ProofDeed::Redeem { code, claim, slip, at }));
    }
    Ok(Deed::Redeem {
        code: redeem.member.clone(),
        claim: claim(&redeem.reward)?,
        at: at(redeem.at.as_deref())?,
    })
}

pub(super) fn refund(_global: &Global, refund: &args::Refund) -> Result<Deed, Failure> {
    let event = refund.event.parse().map_err(Failure::usage)?;
    let lines = refund.lines.iter().map(|text| item(text)).collect::<Result<_, _>>()?;
    Ok(Deed::Refund { event, lines, at: at(refund.at.as_deref())? })
}

pub(super) fn earn(earn: &args::Earn) -> Result<Deed, Failure> {
    Ok(Deed::Earn {
        code: earn.member.clone(),
        programme: earn.programme.parse().map_err(Failure::usage)?,
        activity: earn.activity.clone(),
        reference: earn.reference.clone(),
        at: at(earn.at.as_deref())?,
    })
}

pub(super) fn occasions(occasions: &args::Occasions) -> Result<Deed, Failure> {
    Ok(Deed::Occasions { code: occasions.member.clone(), at: at(occasions.at.as_deref())? })
}

pub(super) fn goodwill(goodwill: &args::Goodwill) -> Result<Deed, Failure> {
    let agreed = goodwill.agreed.as_deref().map(str::parse).transpose();
    Ok(Deed::Goodwill {
        code: goodwill.member.clone(),
        programme: goodwill.programme.parse().map_err(Failure::usage)?,
        amount: goodwill.amount.parse().map_err(Failure::usage)?,
        reason: goodwill.reason.clone(),
        agreed: agreed.map_err(|error| Failure::usage(format!("--agreed: {error}")))?,
        at: at(goodwill.at.as_deref())?,
    })
}

pub(super) fn undo(_global: &Global, undo: &args::Undo) -> Result<Deed, Failure> {
    Ok(Deed::Undo { event: undo.event.parse().map_err(Failure::usage)? })
}

/// Reads `SKU` or `SKU=QTY`.
fn item(text: &str) -> Result<(Sku, Quantity), Failure> {
    let (sku, quantity) = text.rsplit_once('=').unwrap_or((text, "1"));
    let quantity = Quantity::parse(quantity).map_err(Failure::usage)?;
    if quantity.0 <= 0 {
        return Err(Failure::usage(format!("{text}: the quantity must be above 0")));
    }
    Ok((sku.parse().map_err(Failure::usage)?, quantity))
}

/// Reads `REWARD` or `REWARD=N`.
fn claim(text: &str) -> Result<Claim, Failure> {
    let (reward, times) = text.rsplit_once('=').unwrap_or((text, "1"));
    let reward = reward.parse().map_err(Failure::usage)?;
    let times =
        times.parse().map_err(|_| Failure::usage(format!("{text}: “{times}” is not a number of times")))?;
    Ok(Claim { times, ..Claim::once(reward) })
}

fn at(text: Option<&str>) -> Result<Option<(i64, i16)>, Failure> {
    text.map(Moment::parse_rfc3339).transpose().map_err(Failure::usage)
}
