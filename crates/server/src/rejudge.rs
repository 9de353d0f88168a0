//! Judging events again: by their own inputs, then by the history that is here.
//!
//! An event carries what the rules read and what they gave. Whoever holds it can evaluate it again: the same
//! programmes and the same rules on the same inputs give the same outcome, or a case opens. Then the inputs are
//! compared with history: what a device said a member had, when it gave a reward, must be something that it can
//! have known. An award that merely comes late, after others had spent, is no case here: both facts stand, and
//! the overdraft is one. Recorded postings stand in any event.

use std::collections::BTreeMap;
use std::sync::Arc;

use stempel_domain::alarm::Sight;
use stempel_domain::event::{Event, Fact, Loyalty, ProgrammeRef};
use stempel_domain::ledger::Posting;
use stempel_domain::programme::Programme;
use stempel_domain::rules::{self, Outcome, Place, RuleBook, Rules};
use stempel_domain::sale::Order;
use stempel_domain::{Account, AuthorId, EventRef, MemberId, TenantId, Unit};
use stempel_wire::Row;

use crate::alarms;
use crate::cases::{self, Case};
use crate::db::{Db, Tx, values};
use crate::error::{Error, Result};
use crate::jobs::{Job, Progress};
use crate::people::group;
use crate::server::Server;

/// Rows judged in one transaction.
const FETCH: i64 = 200;
/// Events of a member that are looked at to compare one redemption with them; a member with more is passed over.
const HISTORY_MAX: i64 = 20_000;

/// What judging again found, where it is not “the same”.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    event: EventRef,
    member: MemberId,
    verdict: Verdict,
    detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The rules give another outcome for the same inputs.
    Otherwise,
    /// The inputs say more than the device can have known.
    BeyondHistory,
    /// The rules or a programme of the event are not known here.
    NotJudged,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Otherwise => "judged-otherwise",
            Self::BeyondHistory => "beyond-history",
            Self::NotJudged => "not-judged",
        }
    }
}

/// Judges the next rows of a journal. The rules run outside the lock.
pub(crate) async fn judge_again(server: &Server, db: &Db, job: &Job) -> Result<()> {
    let author =
        AuthorId::from_slice(&job.id).ok_or_else(|| Error::Damaged("a job names no author".to_owned()))?;
    let (judged, through, findings, sights) = {
        let mut tx = db.read().await?;
        let (judged, _) = marks(&mut tx, job.tenant, author).await?;
        let (through, findings, sights) = look(&mut tx, job.tenant, author, judged).await?;
        (judged, through, findings, sights)
    };
    let now_ms = server.now_ms();
    let mut tx = db.write().await?;
    job.begin(&mut tx).await?;
    let (still, held) = marks(&mut tx, job.tenant, author).await?;
    if still != judged {
        return Err(Error::Busy);
    }
    for finding in findings {
        note(&mut tx, job.tenant, finding, now_ms).await?;
    }
    alarms::see(&mut tx, job.tenant, now_ms, sights).await?;
    tx.execute(
        "UPDATE journal SET judged = $3 WHERE tenant = $1 AND author = $2",
        values![job.tenant, author, through],
    )
    .await?;
    let progress = if through < held { Progress::More } else { Progress::Done };
    job.end(&mut tx, progress, now_ms).await?;
    tx.commit().await
}

/// Up to where a journal was judged, and up to where it is here.
async fn marks(tx: &mut Tx, tenant: TenantId, author: AuthorId) -> Result<(u64, u64)> {
    let row = tx
        .row("SELECT judged, held FROM journal WHERE tenant = $1 AND author = $2", values![tenant, author])
        .await?
        .ok_or_else(|| Error::Damaged(format!("the journal of {author} is missing")))?;
    Ok((row.number(0)?, row.number(1)?))
}

async fn note(tx: &mut Tx, tenant: TenantId, finding: Finding, now_ms: i64) -> Result<()> {
    let Finding { event, member, verdict, detail } = finding;
    tx.execute(
        "INSERT INTO judgement (tenant, author, seq, verdict, detail, judged_ms) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING",
        values![tenant, event.author, event.seq, verdict.name(), &detail[..], now_ms],
    )
    .await?;
    if verdict == Verdict::NotJudged {
        return Ok(());
    }
    let case = Case { kind: verdict.name(), subject: event.to_string(), member: Some(member), event, detail };
    cases::open(tx, tenant, now_ms, case).await?;
    Ok(())
}

/// The kinds of rows that are judged, and those that only alarms look at.
const KINDS: [&str; 5] = ["sale", "stamp", "grant", "reversal", "adjustment"];

/// Looks at the rows after a number, and says up to which it looked, and what alarms have to see.
async fn look(
    tx: &mut Tx,
    tenant: TenantId,
    author: AuthorId,
    judged: u64,
) -> Result<(u64, Vec<Finding>, Vec<Sight>)> {
    let rows = tx
        .rows(
            "SELECT seq, status, kind, bytes FROM event WHERE tenant = $1 AND author = $2 AND seq > $3
             ORDER BY seq LIMIT $4",
            values![tenant, author, judged, FETCH],
        )
        .await?;
    let (mut through, mut findings, mut sights, mut books) =
        (judged, Vec::new(), Vec::new(), BTreeMap::new());
    for stored in rows {
        through = stored.number(0)?;
        if stored.int(1)? != 0 || !KINDS.contains(&&stored.text(2)?[..]) {
            continue;
        }
        let row = Row::parse(stored.bytes(3)?).map_err(|error| Error::Damaged(error.to_string()))?;
        let Ok(event) = row.event() else { continue };
        sights.extend(Sight::of(&event, None));
        findings.extend(judge_one(tx, tenant, &event, &mut books).await?);
    }
    Ok((through, findings, sights))
}

/// Rule books by the versions of the programmes in them; none if a programme is not known here.
type Books = BTreeMap<Vec<ProgrammeRef>, Option<Arc<RuleBook>>>;

/// What an event says that the rules read and gave.
struct Judged<'a> {
    loyalty: &'a Loyalty,
    outcome: &'a Outcome,
    postings: &'a [Posting],
}

async fn judge_one(
    tx: &mut Tx,
    tenant: TenantId,
    event: &Event,
    books: &mut Books,
) -> Result<Option<Finding>> {
    let said = match &event.record.fact {
        Fact::Sale(fact) => match &fact.loyalty {
            Some(loyalty) => Judged { loyalty, outcome: &fact.outcome, postings: &fact.postings },
            None => return Ok(None),
        },
        Fact::Stamp(fact) => {
            Judged { loyalty: &fact.loyalty, outcome: &fact.outcome, postings: &fact.postings }
        }
        Fact::Grant(fact) => {
            Judged { loyalty: &fact.loyalty, outcome: &fact.outcome, postings: &fact.postings }
        }
        _ => return Ok(None),
    };
    let member = said.loyalty.member;
    let finding = |verdict, detail| Ok(Some(Finding { event: event.reference(), member, verdict, detail }));
    let rules = match Rules::of(said.loyalty.rules) {
        Ok(rules) => rules,
        Err(unknown) => return finding(Verdict::NotJudged, unknown.to_string()),
    };
    if !books.contains_key(&said.loyalty.programmes) {
        let book = book_of(tx, tenant, &said.loyalty.programmes).await?;
        books.insert(said.loyalty.programmes.clone(), book);
    }
    let Some(book) = books.get(&said.loyalty.programmes).cloned().flatten() else {
        return finding(Verdict::NotJudged, "It goes by a programme that is not known here.".to_owned());
    };
    if let Some(detail) = otherwise(rules, &book, event, &said) {
        return finding(Verdict::Otherwise, detail);
    }
    match beyond_history(tx, tenant, event, &said).await? {
        Some(detail) => finding(Verdict::BeyondHistory, detail),
        None => Ok(None),
    }
}

async fn book_of(
    tx: &mut Tx,
    tenant: TenantId,
    programmes: &[ProgrammeRef],
) -> Result<Option<Arc<RuleBook>>> {
    let mut published = Vec::with_capacity(programmes.len());
    for ProgrammeRef { id, version } in programmes {
        let row = tx
            .row(
                "SELECT body FROM programme WHERE tenant = $1 AND programme = $2 AND version = $3
                 UNION SELECT body FROM programme_trial WHERE tenant = $1 AND programme = $2 AND version = $3",
                values![tenant, id.as_str(), i64::from(*version)],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let Ok(programme) = Programme::from_json(&row.text(0)?) else { return Ok(None) };
        published.push(programme.published(*version));
    }
    Ok(RuleBook::new(published).ok().map(Arc::new))
}

/// Why the recorded outcome is not what the rules give for the recorded inputs, if it is not.
fn otherwise(judge: Rules, book: &RuleBook, event: &Event, said: &Judged<'_>) -> Option<String> {
    let (facts, at) = (Some(&said.loyalty.facts), &event.record.at);
    let member = said.loyalty.member;
    let (again, postings) = match &event.record.fact {
        Fact::Sale(fact) => {
            let order = Order::Sale(&fact.sale);
            if rules::check_order(order).is_err() {
                return Some("Its order is out of bounds.".to_owned());
            }
            let place = Place { shop: fact.shop, facts: fact.place.clone() };
            let outcome = judge.evaluate(book, facts, order, place, at);
            let postings = rules::sale_postings(&fact.sale, &outcome, Some(member), fact.shop, at.day);
            (outcome, postings)
        }
        Fact::Stamp(fact) => {
            let order = Order::Stamps(&fact.order);
            if rules::check_order(order).is_err() {
                return Some("Its order is out of bounds.".to_owned());
            }
            let place = Place { shop: fact.shop, facts: fact.place.clone() };
            let outcome = judge.evaluate(book, facts, order, place, at);
            let postings = outcome.postings(member, fact.shop, at.day);
            (outcome, postings)
        }
        Fact::Grant(fact) => {
            let order = Order::Deed(&fact.deed);
            if rules::check_order(order).is_err() {
                return Some("Its deed is out of bounds.".to_owned());
            }
            let place = Place { shop: fact.shop, facts: fact.place.clone() };
            let outcome = judge.evaluate(book, facts, order, place, at);
            let postings = outcome.postings(member, fact.shop, at.day);
            (outcome, postings)
        }
        _ => return None,
    };
    // The explanation may be worded otherwise; what is given and taken may not.
    let bare = |outcome: &Outcome| Outcome { trace: Vec::new(), ..outcome.clone() };
    if bare(&again) == bare(said.outcome) && postings == said.postings {
        return None;
    }
    let moved = |postings: &[Posting]| -> BTreeMap<Unit, i64> {
        let mut sums = BTreeMap::new();
        for posting in postings.iter().filter(|posting| posting.account == Account::Member(member)) {
            let sum: &mut i64 = sums.entry(posting.unit.clone()).or_default();
            *sum = sum.saturating_add(posting.amount);
        }
        sums
    };
    Some(format!(
        "It moved {} for member {member}; by its own inputs the rules give {}.",
        said_as(&moved(said.postings)),
        said_as(&moved(&postings))
    ))
}

fn said_as(moved: &BTreeMap<Unit, i64>) -> String {
    let parts: Vec<String> = moved
        .iter()
        .filter(|(_, amount)| **amount != 0)
        .map(|(unit, amount)| format!("{} {}", unit.format(*amount), unit.name()))
        .collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

/// Why a redemption goes by more than its device can have known, if it does: what the device's own earlier
/// rows leave, and everything that others have ever given, is the most that it can have seen.
async fn beyond_history(
    tx: &mut Tx,
    tenant: TenantId,
    event: &Event,
    said: &Judged<'_>,
) -> Result<Option<String>> {
    let spent = said.outcome.spent();
    if spent.is_empty() {
        return Ok(None);
    }
    let member = said.loyalty.member;
    // A device that knows of a merge goes by what all of them have.
    let members = group::group(tx, tenant, member).await?;
    let mut rows = Vec::new();
    for member in &members {
        let more = tx
            .rows(
                "SELECT author, seq, bytes FROM event WHERE tenant = $1 AND member = $2 AND status = 0
                 ORDER BY author, seq LIMIT $3",
                values![tenant, *member, HISTORY_MAX],
            )
            .await?;
        rows.extend(more);
        if rows.len() as i64 >= HISTORY_MAX {
            return Ok(None);
        }
    }
    let mut most: BTreeMap<Unit, i64> = BTreeMap::new();
    for row in rows {
        let (author, seq): (AuthorId, u64) = (row.id(0)?, row.number(1)?);
        let own = author == event.author;
        if own && seq >= event.seq {
            continue;
        }
        let stored = crate::author::stored_event(row.bytes(2)?)?;
        for posting in stored.record.fact.postings() {
            let theirs = matches!(posting.account, Account::Member(of) if members.contains(&of));
            if theirs && (own || posting.amount > 0) {
                let sum = most.entry(posting.unit.clone()).or_default();
                *sum = sum.saturating_add(posting.amount);
            }
        }
    }
    for unit in spent.keys() {
        let (claimed, known) = (said.loyalty.facts.balance(unit), most.get(unit).copied().unwrap_or(0));
        if claimed > known.max(0) {
            return Ok(Some(format!(
                "Its device said that member {member} had {} {}; it can have known of {} at most.",
                unit.format(claimed),
                unit.name(),
                unit.format(known)
            )));
        }
    }
    Ok(None)
}
