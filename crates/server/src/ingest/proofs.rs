//! What proved purchases at other tills. A device takes a receipt or a slip once; that two devices took the same one,
//! only the server can see. Both facts stand, and a case says so until one of them is taken back.

use stempel_domain::event::{Event, Fact};
use stempel_domain::proof::{Proof, ProofHash, ProofKind};
use stempel_domain::{EventRef, MemberId};

use super::Booking;
use crate::cases::{self, Case};
use crate::db::{Tx, values};
use crate::error::{Error, Result};
use crate::tenant::Tenant;

/// The kind of a case about a proof that was taken twice.
const KIND: &str = "proof-twice";

/// Notes the proofs of events, and sets free those whose events were taken back.
pub(super) async fn note(tx: &mut Tx, tenant: &Tenant, booking: Booking, events: &[&Event]) -> Result<()> {
    for event in events {
        match &event.record.fact {
            Fact::Stamp(stamp) => {
                if let Some(proof) = stamp.proof {
                    use_up(tx, tenant, booking, event.reference(), stamp.loyalty.member, proof).await?;
                }
            }
            Fact::Reversal(reversal) if reversal.quantities.is_empty() => {
                set_free(tx, tenant, booking, reversal.of).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

async fn use_up(
    tx: &mut Tx,
    tenant: &Tenant,
    booking: Booking,
    event: EventRef,
    member: MemberId,
    proof: Proof,
) -> Result<()> {
    let hash = &proof.hash.0[..];
    tx.execute(
        "INSERT INTO proof (tenant, author, seq, hash) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        values![tenant.id, event.author, event.seq, hash],
    )
    .await?;
    let times = times(tx, tenant, hash).await?;
    if times < 2 {
        return Ok(());
    }
    let what = match proof.kind {
        ProofKind::Receipt => "receipt",
        ProofKind::Slip => "slip",
    };
    let detail = format!(
        "The same {what} was counted {times} times, by devices that could not know of each other. Take back what \
         should not count."
    );
    let subject = proof.hash.to_string();
    let case = Case { kind: KIND, subject, member: Some(member), event, detail };
    cases::open(tx, tenant.id, booking.now_ms, case).await
}

async fn set_free(tx: &mut Tx, tenant: &Tenant, booking: Booking, of: EventRef) -> Result<()> {
    let row = tx
        .row(
            "SELECT hash FROM proof WHERE tenant = $1 AND author = $2 AND seq = $3",
            values![tenant.id, of.author, of.seq],
        )
        .await?;
    let Some(row) = row else { return Ok(()) };
    let hash: [u8; 32] = row
        .bytes(0)?
        .try_into()
        .map_err(|_| Error::Damaged("the hash of a proof has another length".into()))?;
    tx.execute(
        "DELETE FROM proof WHERE tenant = $1 AND author = $2 AND seq = $3",
        values![tenant.id, of.author, of.seq],
    )
    .await?;
    if times(tx, tenant, &hash).await? > 1 {
        return Ok(());
    }
    cases::close(tx, tenant.id, booking.now_ms, KIND, &ProofHash(hash).to_string()).await
}

/// How many events have taken a proof.
async fn times(tx: &mut Tx, tenant: &Tenant, hash: &[u8]) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM proof WHERE tenant = $1 AND hash = $2";
    tx.row(sql, values![tenant.id, hash]).await?.map_or(Ok(0), |row| row.int(0))
}
