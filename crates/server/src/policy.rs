//! What the programme says about an overdraft, carried out by the server.
//!
//! | policy | what happens |
//! |---|---|
//! | `owe` | the balance stays below zero, and what is earned next pays it |
//! | `forgive` | the shop bears it: an event of the server brings the balance back to zero |
//! | `block` | as `owe`; devices give no reward of the programme until it is paid |
//! | `ask`, or no programme in force counts the unit | the case waits for a person |

use serde::Deserialize;
use serde_json::json;
use stempel_domain::ledger::{Account, Booking, Posting};
use stempel_domain::{Day, MemberId, Moment, TenantId, Unit};

use crate::author;
use crate::cases;
use crate::db::{Db, Tx, values};
use crate::error::{Error, Result};
use crate::jobs::{Job, Progress};
use crate::people::group;
use crate::server::Server;
use crate::tenant::Tenant;

/// What follows when more was given than there was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Policy {
    #[default]
    Owe,
    Forgive,
    Block,
    Ask,
}

impl Policy {
    fn name(self) -> &'static str {
        match self {
            Self::Owe => "owe",
            Self::Forgive => "forgive",
            Self::Block => "block",
            Self::Ask => "ask",
        }
    }
}

/// What this module reads of a programme: it goes by the published text, so that a programme of a later language
/// has its policy carried out too.
#[derive(Debug, Deserialize)]
struct Counts {
    unit: String,
    #[serde(default)]
    overdraft: Policy,
}

/// Does what the programme says about one case, in one transaction with the end of the job.
pub(crate) async fn carry_out(server: &Server, db: &Db, job: &Job) -> Result<()> {
    let moment = server.moment();
    let mut tx = db.write().await?;
    let mut tenant = job.begin(&mut tx).await?;
    if let Some((member, unit)) = open_overdraft(&mut tx, job.tenant, &job.id).await? {
        let policy = policy_of(&mut tx, job.tenant, &unit).await?;
        let owed = owed(&mut tx, job.tenant, member, &unit, moment.day).await?;
        if policy == Policy::Forgive && owed > 0 {
            forgive(server, &mut tx, &mut tenant, moment, (member, &unit, owed)).await?;
        }
        if policy != Policy::Ask {
            cases::decide(&mut tx, job.tenant, moment.utc_ms, &job.id, policy.name()).await?;
        }
    }
    job.end(&mut tx, Progress::Done, moment.utc_ms).await?;
    tx.commit().await?;
    server.announce(job.tenant, tenant.head);
    Ok(())
}

/// Brings a balance back to zero by an event of the server: the shop bears it.
async fn forgive(
    server: &Server,
    tx: &mut Tx,
    tenant: &mut Tenant,
    moment: Moment,
    (member, unit, owed): (MemberId, &Unit, i64),
) -> Result<()> {
    let posting = |account, amount, booking| Posting { account, unit: unit.clone(), amount, booking };
    let lot = Booking::Lot { earned: moment.day, last: None, idle: None };
    let postings =
        vec![posting(Account::Member(member), owed, Some(lot)), posting(Account::Goodwill, -owed, None)];
    let fact = author::adjustment(member, "forgiven", postings);
    author::append_as(tx, tenant, server.actor().operator(), moment, vec![fact], &[]).await?;
    tenant.save_head(tx).await
}

impl Server {
    /// What a person decides about an open case: `forgive` or `owe` for an overdraft, `seen` for the others.
    pub(crate) async fn case_decide(
        &self,
        tenant: TenantId,
        kind: &str,
        subject: &str,
        decision: &str,
    ) -> Result<()> {
        let outcome = match (kind, decision) {
            ("overdraft", "forgive") => "forgive",
            ("overdraft", "owe") => "owe",
            (other, "seen") if other != "overdraft" => "seen",
            _ => return Err(Error::bad_request("A case is decided by forgive or owe, or is seen.")),
        };
        let moment = self.moment();
        let mut tx = self.write_of(tenant).await?;
        let mut locked = Tenant::lock(&mut tx, tenant).await?;
        let row = tx
            .row(
                "SELECT id FROM conflict_case
                 WHERE tenant = $1 AND kind = $2 AND subject = $3 AND closed_ms IS NULL",
                values![tenant, kind, subject],
            )
            .await?
            .ok_or_else(|| Error::not_found("open case like that; it may have come right by itself"))?;
        let case = row.bytes(0)?;
        if outcome == "forgive"
            && let Some((member, unit)) = open_overdraft(&mut tx, tenant, &case).await?
        {
            let owed = owed(&mut tx, tenant, member, &unit, moment.day).await?;
            if owed > 0 {
                forgive(self, &mut tx, &mut locked, moment, (member, &unit, owed)).await?;
            }
        }
        cases::decide(&mut tx, tenant, moment.utc_ms, &case, outcome).await?;
        let what = json!({ "kind": kind, "outcome": outcome });
        self.note(&mut tx, &locked, "case-decided", subject, what).await?;
        tx.commit().await?;
        self.announce(tenant, locked.head);
        Ok(())
    }
}

/// Whose overdraft of what an open case is about.
async fn open_overdraft(tx: &mut Tx, tenant: TenantId, case: &[u8]) -> Result<Option<(MemberId, Unit)>> {
    let row = tx
        .row(
            "SELECT member, subject FROM conflict_case
             WHERE tenant = $1 AND id = $2 AND kind = 'overdraft' AND closed_ms IS NULL",
            values![tenant, case],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let Some(member) = row.opt_id::<MemberId>(0)? else { return Ok(None) };
    let subject = row.text(1)?;
    let unit = subject.split_once('/').and_then(|(_, unit)| unit.parse().ok());
    let unit = unit.ok_or_else(|| Error::Damaged("a case does not say its unit".to_owned()))?;
    Ok(Some((member, unit)))
}

/// The policy of the programme in force that counts this unit.
async fn policy_of(tx: &mut Tx, tenant: TenantId, unit: &Unit) -> Result<Policy> {
    let rows = tx
        .rows(
            "SELECT body FROM programme p WHERE tenant = $1 AND ended = 0 AND version =
             (SELECT MAX(version) FROM programme n WHERE n.tenant = p.tenant AND n.programme = p.programme)
             ORDER BY programme",
            values![tenant],
        )
        .await?;
    for row in rows {
        match serde_json::from_str::<Counts>(&row.text(0)?) {
            Ok(counts) if counts.unit == unit.name() => return Ok(counts.overdraft),
            // A policy that is not known here is a person's affair; so is a unit that nobody counts.
            _ => {}
        }
    }
    Ok(Policy::Ask)
}

/// What the member has too little of the unit now.
async fn owed(tx: &mut Tx, tenant: TenantId, member: MemberId, unit: &Unit, today: Day) -> Result<i64> {
    let state = group::state(tx, tenant, member).await?;
    let day = state.newest.map_or(today, |newest| newest.max(today));
    Ok(state.overdrafts(day).get(unit).copied().unwrap_or(0))
}
