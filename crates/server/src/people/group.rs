//! Members that are one person.

use std::collections::{BTreeMap, BTreeSet};

use stempel_domain::member::Base;
use stempel_domain::person::{Aliases, Search};
use stempel_domain::{MemberId, MemberState, Person, TenantId};

use crate::db::{Row, Tx, Value, values};
use crate::error::Result;

/// Everybody who is the same person as this member, the one under whose id it is known first.
pub(crate) async fn group(tx: &mut Tx, tenant: TenantId, member: MemberId) -> Result<Vec<MemberId>> {
    let mut search = Search::new(member);
    while let Some(next) = search.ask() {
        let rows = tx
            .rows(
                "SELECT member, into_member FROM member_alias
                 WHERE tenant = $1 AND (member = $2 OR into_member = $2) ORDER BY member",
                values![tenant, next],
            )
            .await?;
        for row in rows {
            search.found(row.id(0)?, row.id(1)?);
        }
    }
    Ok(search.group())
}

/// The member under whose id this one is known.
pub(crate) async fn root(tx: &mut Tx, tenant: TenantId, member: MemberId) -> Result<MemberId> {
    Ok(group(tx, tenant, member).await?.first().copied().unwrap_or(member))
}

/// The person that a member is; none if nobody of that id is known here.
pub(crate) async fn person(tx: &mut Tx, tenant: TenantId, member: MemberId) -> Result<Option<Person>> {
    let group = group(tx, tenant, member).await?;
    let mut states = states(tx, tenant, group.iter().copied()).await?;
    if states.is_empty() {
        return Ok(None);
    }
    let first = group.first().copied();
    let parts = group.into_iter().filter_map(|id| match states.remove(&id) {
        Some(state) => Some((id, state)),
        // Known only as the one that others were merged into.
        None if Some(id) == first => Some((id, MemberState::default())),
        None => None,
    });
    Ok(Some(Person::new(parts.collect())))
}

/// The persons that these members are, as far as they are known and not one with others: a few questions for all of them.
pub(crate) async fn alone(
    tx: &mut Tx,
    tenant: TenantId,
    members: &[MemberId],
) -> Result<BTreeMap<MemberId, Person>> {
    let merged = merged(tx, tenant, members.iter().copied()).await?;
    let alone = members.iter().copied().filter(|member| !merged.contains(member));
    let states = states(tx, tenant, alone).await?;
    Ok(states.into_iter().map(|(member, state)| (member, Person::new(vec![(member, state)]))).collect())
}

/// What these members have, each for itself; nothing of those who are not known.
async fn states(
    tx: &mut Tx,
    tenant: TenantId,
    members: impl Iterator<Item = MemberId>,
) -> Result<BTreeMap<MemberId, MemberState>> {
    let sql = "SELECT member, base FROM member WHERE tenant = $1 AND member";
    let rows = tx.rows_in(sql, values![tenant], members.map(Value::from).collect()).await?;
    let read = |row: &Row| Ok((row.id(0)?, serde_json::from_str::<Base>(&row.text(1)?)?.state));
    rows.iter().map(read).collect()
}

/// What is known of the person that a member is; nothing of one who is not known.
pub(crate) async fn state(tx: &mut Tx, tenant: TenantId, member: MemberId) -> Result<MemberState> {
    Ok(person(tx, tenant, member).await?.unwrap_or_default().state())
}

/// Every alias of a tenant, for those who look through all members.
pub(crate) async fn aliases(tx: &mut Tx, tenant: TenantId) -> Result<(Aliases, BTreeSet<MemberId>)> {
    let rows = tx
        .rows(
            "SELECT member, into_member FROM member_alias WHERE tenant = $1 ORDER BY member",
            values![tenant],
        )
        .await?;
    let (mut aliases, mut named) = (Aliases::default(), BTreeSet::new());
    for row in rows {
        let (member, into) = (row.id(0)?, row.id(1)?);
        aliases.insert(member, into);
        named.extend([member, into]);
    }
    Ok((aliases, named))
}

/// Those of these members who are one with others.
pub(crate) async fn merged(
    tx: &mut Tx,
    tenant: TenantId,
    members: impl Iterator<Item = MemberId>,
) -> Result<BTreeSet<MemberId>> {
    let sql = "SELECT one FROM
                (SELECT member AS one FROM member_alias WHERE tenant = $1
                 UNION ALL SELECT into_member FROM member_alias WHERE tenant = $1) AS part WHERE one";
    let rows = tx.rows_in(sql, values![tenant], members.map(Value::from).collect()).await?;
    rows.iter().map(|row| row.id(0)).collect()
}

/// Keeps the table of aliases as a member's state says. Gives what stood there before.
pub(crate) async fn index(
    tx: &mut Tx,
    tenant: TenantId,
    member: MemberId,
    into: Option<MemberId>,
) -> Result<Option<MemberId>> {
    let before = tx
        .row(
            "SELECT into_member FROM member_alias WHERE tenant = $1 AND member = $2",
            values![tenant, member],
        )
        .await?;
    let before = before.map(|row| row.id(0)).transpose()?;
    match into {
        Some(into) => {
            tx.execute(
                "INSERT INTO member_alias (tenant, member, into_member) VALUES ($1, $2, $3)
                 ON CONFLICT (tenant, member) DO UPDATE SET into_member = excluded.into_member",
                values![tenant, member, into],
            )
            .await?
        }
        None => {
            tx.execute("DELETE FROM member_alias WHERE tenant = $1 AND member = $2", values![tenant, member])
                .await?
        }
    };
    Ok(before)
}
