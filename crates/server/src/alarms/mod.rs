//! Alarms over what all devices did: what looks as if somebody helped himself. A device warns by its own journal alone;
//! here the journals come together, so a card that was used in two shops is seen here only.
//!
//! Rows are looked at when they are judged again ([`crate::rejudge`]), in that transaction. The alarms of the same
//! events are the same in whatever order they arrive ([`stempel_domain::alarm`]).
//!
//! From when on something is odd the owner says ([`limits`]), for here and for every device.

pub(crate) mod limits;

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::Request;
use axum::response::IntoResponse;
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};
use stempel_domain::alarm::{self, Alarm, Limits, OPERATOR_TAG, Sight};
use stempel_domain::{AuthorId, EventRef, MemberId, MemberState, OperatorId, ShopId, TenantId};

use crate::api::access::{Principal, Scope};
use crate::api::{Asking, CodePath, Route, code, limit, query};
use crate::db::{Row, Tx, values};
use crate::error::{Error, Result};
use crate::http::Answer;
use crate::server::Server;

/// For how long sights are kept, in milliseconds: five weeks.
const KEPT_MS: i64 = 35 * 24 * 60 * 60 * 1000;
/// The most sights of one subject's surroundings that are looked at.
const AROUND_MAX: i64 = 4_000;
/// The most alarms about one thing that a new one may belong to.
const LIKE_MAX: i64 = 20;

/// Looks at actions whose rows were just judged, and notes the alarms that they raise.
pub(crate) async fn see(tx: &mut Tx, tenant: TenantId, now_ms: i64, mut sights: Vec<Sight>) -> Result<()> {
    let (Some(first_ms), Some(last_ms)) =
        (sights.iter().map(|sight| sight.at_ms).min(), sights.iter().map(|sight| sight.at_ms).max())
    else {
        return Ok(());
    };
    let limits = Limits::default().with(&limits::set(tx, tenant).await?);
    let mut places = Places::default();
    for sight in &mut sights {
        if sight.shop.is_none() {
            sight.shop = places.of(tx, tenant, sight.event.author).await?;
        }
        sight.own = is_own(tx, tenant, sight).await?;
    }
    let mut rows = Vec::with_capacity(sights.len() * 9);
    for sight in &sights {
        let done = serde_json::to_string(&sight.done).map_err(|error| Error::Damaged(error.to_string()))?;
        rows.extend(values![
            tenant,
            sight.event.author,
            sight.event.seq,
            sight.at_ms,
            sight.shop,
            sight.operator.as_ref().map(OperatorId::to_string),
            sight.member,
            i64::from(sight.own),
            done
        ]);
    }
    tx.insert_all(
        "INSERT INTO alarm_sight (tenant, author, seq, at_ms, shop, operator, member, own, done)",
        "ON CONFLICT (tenant, author, seq) DO NOTHING",
        9,
        rows,
    )
    .await?;
    let span_ms = limits.span_ms();
    let around = around(tx, tenant, &sights, first_ms - span_ms, last_ms + span_ms).await?;
    for found in alarm::alarms(&limits, around, first_ms) {
        // What other systems award through the server itself has nobody who stands at a counter.
        let of_the_server = match found.subject.strip_prefix("device ").map(str::parse::<AuthorId>) {
            Some(Ok(author)) => places.of(tx, tenant, author).await?.is_none(),
            _ => false,
        };
        if !of_the_server {
            note(tx, tenant, found).await?;
        }
    }
    let sql = "DELETE FROM alarm_sight WHERE tenant = $1 AND at_ms < $2";
    tx.execute(sql, values![tenant, now_ms.saturating_sub(KEPT_MS)]).await?;
    Ok(())
}

/// Where devices stand.
#[derive(Default)]
struct Places(BTreeMap<AuthorId, Option<ShopId>>);

impl Places {
    async fn of(&mut self, tx: &mut Tx, tenant: TenantId, author: AuthorId) -> Result<Option<ShopId>> {
        if let Some(shop) = self.0.get(&author) {
            return Ok(*shop);
        }
        let sql = "SELECT shop FROM device WHERE tenant = $1 AND device = $2";
        let row = tx.row(sql, values![tenant, author]).await?;
        let shop = row.map(|row| row.id(0)).transpose()?;
        self.0.insert(author, shop);
        Ok(shop)
    }
}

/// Whether a card was the operator's own. Few members have the tag, so few states are read.
async fn is_own(tx: &mut Tx, tenant: TenantId, sight: &Sight) -> Result<bool> {
    let (Some(member), Some(operator)) = (sight.member, &sight.operator) else { return Ok(false) };
    let sql = "SELECT base FROM member WHERE tenant = $1 AND member = $2 AND base LIKE $3";
    let tag = format!("%\"{OPERATOR_TAG}%");
    let Some(row) = tx.row(sql, values![tenant, member, tag]).await? else { return Ok(false) };
    let base: Base =
        serde_json::from_str(&row.text(0)?).map_err(|error| Error::Damaged(error.to_string()))?;
    Ok(alarm::is_own(&base.state, operator))
}

/// What of a member's base is read here.
#[derive(Deserialize)]
struct Base {
    state: MemberState,
}

const SIGHT: &str = "author, seq, at_ms, shop, operator, member, own, done";

/// The sights of the same members, operators and devices at about that time.
async fn around(
    tx: &mut Tx,
    tenant: TenantId,
    sights: &[Sight],
    from_ms: i64,
    to_ms: i64,
) -> Result<Vec<Sight>> {
    let members: BTreeSet<MemberId> = sights.iter().filter_map(|sight| sight.member).collect();
    let workers: BTreeSet<(Option<&OperatorId>, Option<AuthorId>)> = sights
        .iter()
        .map(|sight| match &sight.operator {
            Some(operator) => (Some(operator), None),
            None => (None, Some(sight.event.author)),
        })
        .collect();
    let mut found: BTreeMap<EventRef, Sight> = BTreeMap::new();
    let mut take = |rows: Vec<Row>| {
        for row in rows {
            let sight = sight_of(&row)?;
            found.insert(sight.event, sight);
        }
        Ok::<(), Error>(())
    };
    for member in members {
        let sql = format!(
            "SELECT {SIGHT} FROM alarm_sight WHERE tenant = $1 AND member = $2 AND at_ms BETWEEN $3 AND $4
             ORDER BY at_ms DESC LIMIT $5"
        );
        take(tx.rows_text(sql, values![tenant, member, from_ms, to_ms, AROUND_MAX]).await?)?;
    }
    for worker in workers {
        let (sql, key) = match worker {
            (Some(operator), _) => ("operator = $2", values![tenant, operator.to_string()]),
            (None, Some(author)) => ("author = $2 AND operator IS NULL", values![tenant, author]),
            (None, None) => continue,
        };
        let sql = format!(
            "SELECT {SIGHT} FROM alarm_sight WHERE tenant = $1 AND {sql} AND at_ms BETWEEN $3 AND $4
             ORDER BY at_ms DESC LIMIT $5"
        );
        let key = key.into_iter().chain(values![from_ms, to_ms, AROUND_MAX]).collect();
        take(tx.rows_text(sql, key).await?)?;
    }
    Ok(found.into_values().collect())
}

fn sight_of(row: &Row) -> Result<Sight> {
    let damaged = |what: String| Error::Damaged(what);
    let operator = row.opt_text(4)?.map(|name| name.parse()).transpose();
    Ok(Sight {
        event: EventRef { author: row.id(0)?, seq: row.number(1)? },
        at_ms: row.int(2)?,
        shop: row.opt_id(3)?,
        operator: operator.map_err(|error: stempel_domain::ids::NotAnId| damaged(error.to_string()))?,
        member: row.opt_id(5)?,
        own: row.flag(6)?,
        done: serde_json::from_str(&row.text(7)?).map_err(|error| damaged(error.to_string()))?,
    })
}

/// Keeps an alarm, or what is new of one that is known.
async fn note(tx: &mut Tx, tenant: TenantId, found: Alarm) -> Result<()> {
    let rows = tx
        .rows(
            "SELECT alarm, body FROM alarm WHERE tenant = $1 AND kind = $2 AND subject = $3
             ORDER BY last_ms DESC LIMIT $4",
            values![tenant, found.kind.name(), &found.subject[..], LIKE_MAX],
        )
        .await?;
    for row in rows {
        let (id, mut known): (Vec<u8>, Alarm) = (row.bytes(0)?, read(&row.text(1)?)?);
        if known.join(&found) {
            tx.execute(
                "UPDATE alarm SET last_ms = $3, body = $4 WHERE tenant = $1 AND alarm = $2",
                values![tenant, id, known.last_ms, written(&known)?],
            )
            .await?;
            return Ok(());
        }
    }
    let first = found.facts.first().map(EventRef::to_string).unwrap_or_default();
    let name = format!("{}\n{}\n{first}", found.kind.name(), found.subject);
    let id = &blake3::derive_key("stempel alarm id v1", name.as_bytes())[..16];
    tx.execute(
        "INSERT INTO alarm (tenant, alarm, kind, subject, last_ms, body) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant, alarm) DO UPDATE SET last_ms = excluded.last_ms, body = excluded.body",
        values![tenant, id, found.kind.name(), &found.subject[..], found.last_ms, written(&found)?],
    )
    .await?;
    Ok(())
}

fn read(body: &str) -> Result<Alarm> {
    serde_json::from_str(body).map_err(|error| Error::Damaged(error.to_string()))
}

fn written(alarm: &Alarm) -> Result<String> {
    serde_json::to_string(alarm).map_err(|error| Error::Damaged(error.to_string()))
}

impl Server {
    /// The alarms, newest first: at most so many, from before a place in the list. Each with its name.
    pub async fn alarms(
        &self,
        tenant: TenantId,
        before: Option<(i64, Vec<u8>)>,
        most: usize,
    ) -> Result<Vec<(String, Alarm)>> {
        let (ms, id) = before.unwrap_or((i64::MAX, Vec::new()));
        let mut tx = self.read_of(tenant).await?;
        let rows = tx
            .rows(
                "SELECT alarm, body FROM alarm
                 WHERE tenant = $1 AND (last_ms < $2 OR (last_ms = $2 AND alarm < $3))
                 ORDER BY last_ms DESC, alarm DESC LIMIT $4",
                values![tenant, ms, id, most as i64],
            )
            .await?;
        let one = |row: &Row| Ok((data_encoding::HEXLOWER.encode(&row.bytes(0)?), read(&row.text(1)?)?));
        rows.iter().map(one).collect()
    }

    async fn api_alarms(&self, principal: &Principal, before: Option<&str>, most: usize) -> Result<Value> {
        principal.may_everywhere(Scope::Manage)?;
        let place = |text: &str| {
            let (ms, id) = text.split_once('-')?;
            Some((ms.parse().ok()?, data_encoding::HEXLOWER.decode(id.as_bytes()).ok()?))
        };
        let before = match before {
            Some(text) => {
                Some(place(text).ok_or_else(|| Error::bad_request("before: take the “next” of a page."))?)
            }
            None => None,
        };
        let found = self.alarms(principal.tenant, before, most).await?;
        let next = found.last().filter(|_| found.len() == most);
        let next = next.map(|(id, alarm)| format!("{}-{id}", alarm.last_ms));
        let alarms: Vec<Value> = found.iter().map(|(id, alarm)| told(id, alarm)).collect();
        Ok(json!({ "alarms": alarms, "next": next }))
    }

    /// One alarm with its events.
    async fn api_alarm(&self, principal: &Principal, id: &str) -> Result<Value> {
        principal.may_everywhere(Scope::Manage)?;
        let unknown = || Error::not_found("such alarm");
        let bytes = data_encoding::HEXLOWER.decode(id.as_bytes()).map_err(|_| unknown())?;
        let tenant = principal.tenant;
        let mut tx = self.read_of(tenant).await?;
        let sql = "SELECT body FROM alarm WHERE tenant = $1 AND alarm = $2";
        let row = tx.row(sql, values![tenant, bytes]).await?.ok_or_else(unknown)?;
        let alarm = read(&row.text(0)?)?;
        let mut events = Vec::with_capacity(alarm.facts.len());
        for fact in &alarm.facts {
            let row = tx
                .row(
                    "SELECT author, seq, kind, member, status, received_ms, bytes FROM event
                     WHERE tenant = $1 AND author = $2 AND seq = $3",
                    values![tenant, fact.author, fact.seq],
                )
                .await?;
            if let Some(row) = row {
                events.push(crate::api::event(&row)?);
            }
        }
        let mut told = told(id, &alarm);
        told["events"] = Value::Array(events);
        Ok(told)
    }
}

fn told(id: &str, alarm: &Alarm) -> Value {
    json!({
        "alarm": id, "kind": alarm.kind, "level": alarm.level, "subject": alarm.subject, "count": alarm.count,
        "limit": alarm.limit, "first_ms": alarm.first_ms, "last_ms": alarm.last_ms, "facts": alarm.facts,
    })
}

/// The routes.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        ("/api/v1/alarms", get(list)),
        ("/api/v1/alarms/{code}", get(one)),
        ("/api/v1/alarm-limits", get(limits::show).put(limits::put)),
    ]
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AlarmsQuery {
    before: Option<String>,
    limit: Option<usize>,
}

async fn list(asking: Asking, request: Request) -> Answer {
    let AlarmsQuery { before, limit: asked } = query(&request)?;
    let answer = asking.server.api_alarms(&asking.principal, before.as_deref(), limit(asked)?).await?;
    Ok(Json(answer).into_response())
}

async fn one(asking: Asking, path: CodePath) -> Answer {
    Ok(Json(asking.server.api_alarm(&asking.principal, &code(path)?).await?).into_response())
}
