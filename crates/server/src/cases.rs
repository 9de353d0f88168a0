//! The conflict inbox: what facts that contradict each other leave for the programme's policy or a
//! person to decide. Both facts stand in the meantime.

use stempel_domain::{EventRef, MemberId, TenantId};

use crate::db::{Tx, Value, values};
use crate::error::Result;
use crate::jobs;

/// A conflict as it is found.
#[derive(Debug)]
pub(crate) struct Case {
    /// What kind of conflict: `overdraft`, `card-of-two`.
    pub kind: &'static str,
    /// What it is about. While a case is open, the same kind and subject opens no second one.
    pub subject: String,
    /// Whose, if it is a member's.
    pub member: Option<MemberId>,
    /// The event that brought it to light.
    pub event: EventRef,
    /// What happened, in plain words.
    pub detail: String,
}

impl Case {
    /// Its name: the same conflict found twice is one case.
    fn id(&self) -> [u8; 16] {
        let name = format!("{}\n{}\n{}", self.kind, self.subject, self.event);
        let mut id = [0; 16];
        id.copy_from_slice(&blake3::derive_key("stempel case id v1", name.as_bytes())[..16]);
        id
    }
}

/// Opens a case, unless the same one is open. What the programme says about it is done soon after.
pub(crate) async fn open(tx: &mut Tx, tenant: TenantId, now_ms: i64, case: Case) -> Result<()> {
    let id = case.id();
    let opened = tx
        .execute(
            "INSERT INTO conflict_case (tenant, id, kind, subject, member, event, detail, opened_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
            values![
                tenant,
                &id[..],
                case.kind,
                case.subject,
                case.member,
                case.event.to_string(),
                case.detail,
                now_ms
            ],
        )
        .await?;
    if opened > 0 && case.kind == "overdraft" {
        jobs::put(tx, tenant, jobs::Kind::Case, &id, now_ms).await?;
    }
    Ok(())
}

/// Closes a case because the programme says what follows.
pub(crate) async fn decide(
    tx: &mut Tx,
    tenant: TenantId,
    now_ms: i64,
    case: &[u8],
    outcome: &'static str,
) -> Result<()> {
    tx.execute(
        "UPDATE conflict_case SET closed_ms = COALESCE(closed_ms, $3), outcome = $4 WHERE tenant = $1 AND id = $2",
        values![tenant, case, now_ms, outcome],
    )
    .await?;
    Ok(())
}

/// What the open cases of a kind are about that are of these members.
pub(crate) async fn open_of(
    tx: &mut Tx,
    tenant: TenantId,
    kind: &'static str,
    members: impl Iterator<Item = MemberId>,
) -> Result<Vec<String>> {
    let sql =
        "SELECT subject FROM conflict_case WHERE tenant = $1 AND kind = $2 AND closed_ms IS NULL AND member";
    let rows = tx.rows_in(sql, values![tenant, kind], members.map(Value::from).collect()).await?;
    rows.iter().map(|row| row.text(0)).collect()
}

/// Closes a case that has come right by itself.
pub(crate) async fn close(
    tx: &mut Tx,
    tenant: TenantId,
    now_ms: i64,
    kind: &'static str,
    subject: &str,
) -> Result<()> {
    tx.execute(
        "UPDATE conflict_case SET closed_ms = $4
         WHERE tenant = $1 AND kind = $2 AND subject = $3 AND closed_ms IS NULL",
        values![tenant, kind, subject, now_ms],
    )
    .await?;
    Ok(())
}
