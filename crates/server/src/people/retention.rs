//! Retention by rule: members who were not seen for as long as the owner keeps anybody are forgotten by a job, once a
//! day. Whoever has paid money onto a card stays: it is owed.

use serde::Serialize;
use serde_json::json;
use stempel_domain::event::ErasureReason;
use stempel_domain::member::Base;
use stempel_domain::{Day, MemberId, MemberState, TenantId};

use super::group;
use crate::db::{Db, Tx, values};
use crate::error::{Error, Result};
use crate::jobs::{self, Job, Progress};
use crate::server::Server;
use crate::tenant::Tenant;

/// The setting that holds the months.
const MONTHS: &str = "retention-months";
/// The most months that a rule can say.
const MONTHS_MAX: u16 = 240;
/// How often the rule is carried out, in milliseconds.
const EVERY_MS: i64 = 24 * 60 * 60 * 1000;
/// Members read at a time.
const FETCH: i64 = 500;
/// Members that one turn of the job forgets; the rest comes with the next turn.
const ROUND_MAX: usize = 200;
/// The most members of a list.
const LIST_MAX: usize = 10_000;

/// A member whom the rule concerns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RetentionDue {
    /// Who.
    pub member: MemberId,
    /// The day of the last event.
    pub seen: Option<Day>,
    /// Money is owed, so the rule leaves this member out.
    pub owed: bool,
}

impl Server {
    /// After how many months without an event a member is forgotten; none: nobody is.
    pub async fn retention(&self, tenant: TenantId) -> Result<Option<u16>> {
        months(&mut self.read_of(tenant).await?, tenant).await
    }

    /// Sets the rule, or takes it away. The job looks at once, and then every day.
    pub async fn retention_set(&self, tenant: TenantId, months: Option<u16>) -> Result<()> {
        check_months(months)?;
        let mut tx = self.write_of(tenant).await?;
        let locked = Tenant::lock(&mut tx, tenant).await?;
        tx.execute("DELETE FROM setting WHERE tenant = $1 AND name = $2", values![tenant, MONTHS]).await?;
        if let Some(months) = months {
            tx.execute(
                "INSERT INTO setting (tenant, name, value) VALUES ($1, $2, $3)",
                values![tenant, MONTHS, months.to_string()],
            )
            .await?;
            tx.execute(
                "DELETE FROM job WHERE tenant = $1 AND kind = $2",
                values![tenant, jobs::Kind::Retention.name()],
            )
            .await?;
            jobs::put(&mut tx, tenant, jobs::Kind::Retention, &[], self.now_ms()).await?;
        }
        self.note(&mut tx, &locked, "setting-changed", MONTHS, json!({ "months": months })).await?;
        tx.commit().await
    }

    /// Whom a rule of so many months concerns today, longest unseen first. Nothing is changed.
    pub async fn retention_due(&self, tenant: TenantId, months: u16) -> Result<Vec<RetentionDue>> {
        let before = self.today().plus_months(-i32::from(months));
        let mut tx = self.read_of(tenant).await?;
        Tenant::load(&mut tx, tenant).await?;
        let mut due = look(&mut tx, tenant, before, LIST_MAX).await?;
        due.sort_by_key(|due| (due.seen, due.member));
        Ok(due)
    }
}

/// Refuses a rule that nobody means.
pub(crate) fn check_months(months: Option<u16>) -> Result<()> {
    match months {
        Some(months) if !(1..=MONTHS_MAX).contains(&months) => {
            Err(Error::bad_request(format!("The months are 1 to {MONTHS_MAX}.")))
        }
        _ => Ok(()),
    }
}

async fn months(tx: &mut Tx, tenant: TenantId) -> Result<Option<u16>> {
    let row =
        tx.row("SELECT value FROM setting WHERE tenant = $1 AND name = $2", values![tenant, MONTHS]).await?;
    Ok(row.map(|row| row.text(0)).transpose()?.and_then(|text| text.parse().ok()))
}

/// Persons without an event since a day.
async fn look(tx: &mut Tx, tenant: TenantId, before: Day, most: usize) -> Result<Vec<RetentionDue>> {
    let (aliases, merged) = group::aliases(tx, tenant).await?;
    let (mut due, mut after) = (Vec::new(), Vec::new());
    loop {
        let rows = tx
            .rows(
                "SELECT member, base FROM member WHERE tenant = $1 AND member > $2 ORDER BY member LIMIT $3",
                values![tenant, after, FETCH],
            )
            .await?;
        let Some(last) = rows.last() else { return Ok(due) };
        after = last.bytes(0)?;
        for row in rows {
            let member: MemberId = row.id(0)?;
            let state = match merged.contains(&member) {
                false => serde_json::from_str::<Base>(&row.text(1)?)?.state,
                true if aliases.root(member) != member => continue,
                true => group::state(tx, tenant, member).await?,
            };
            if state.erased.is_none() && state.newest.is_none_or(|newest| newest < before) {
                due.push(RetentionDue { member, seen: state.newest, owed: is_owed(&state) });
            }
            if due.len() >= most {
                return Ok(due);
            }
        }
    }
}

/// Whether there is stored value on the card.
fn is_owed(state: &MemberState) -> bool {
    let Some(newest) = state.newest else { return false };
    state.balances(newest).iter().any(|(unit, amount)| unit.name() == "eur" && *amount > 0)
}

/// Carries the rule out, some members at a time.
pub(crate) async fn carry_out(server: &Server, db: &Db, job: &Job) -> Result<()> {
    let (rule, due) = {
        let mut tx = db.read().await?;
        match months(&mut tx, job.tenant).await? {
            None => (false, Vec::new()),
            Some(months) => {
                let before = server.today().plus_months(-i32::from(months));
                let mut due = look(&mut tx, job.tenant, before, usize::MAX).await?;
                due.retain(|due| !due.owed);
                (true, due)
            }
        }
    };
    for due in due.iter().take(ROUND_MAX) {
        server.member_erase(job.tenant, &due.member.to_string(), ErasureReason::Unused).await?;
    }
    let now_ms = server.now_ms();
    let mut tx = db.write().await?;
    job.begin(&mut tx).await?;
    if due.len() > ROUND_MAX {
        job.end(&mut tx, Progress::More, now_ms).await?;
    } else {
        job.end(&mut tx, Progress::Done, now_ms).await?;
        if rule {
            let next_ms = now_ms.saturating_add(EVERY_MS);
            jobs::put(&mut tx, job.tenant, jobs::Kind::Retention, &[], next_ms).await?;
        }
    }
    tx.commit().await
}
