//! Webhooks: other systems are told of events, in order, until they have taken them.
//!
//! A delivery holds up to a hundred events that came after what the other system was told before. It is signed with a
//! secret that both know; whoever reads it checks `stempel-signature: t=MILLIS,v1=HEX`, the HMAC-SHA256 of
//! `MILLIS.BODY`. An answer of 2xx takes it; whatever else happens, the same delivery comes again later, under the same
//! number. So each event comes at least once, and none is passed over.
//!
//! | module | what it does |
//! |---|---|
//! | `send` | one request to another system: where it may go, how long it may take |
//! | here | what is told next, the log, doing it again |

mod send;

use std::collections::BTreeMap;
use std::time::Duration;

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use serde::Serialize;
use serde_json::{Value as Json, json};
use stempel_domain::{AuthorId, TenantId};

use crate::api::look;
use crate::db::{Tx, values};
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::Tenant;
use crate::vault::{Vault, WEBHOOK};
use send::Target;

/// How often news are looked for.
const LOOK: Duration = Duration::from_secs(2);
/// Events of one delivery, and hooks of one tenant.
const EVENTS_MAX: i64 = 100;
const HOOKS_MAX: i64 = 20;
/// How long one server has for a delivery before another one may take it, in milliseconds.
const LEASE_MS: i64 = 60_000;
/// How long a delivery that failed waits: the first time, doubled each time, at most.
const RETRY_MS: (i64, i64) = (5_000, 3_600_000);
/// Attempts that are kept of each hook.
const LOG_MAX: i64 = 500;
const SECRET_LEN: usize = 20;

/// A hook's id.
pub(crate) type HookId = [u8; 16];

/// What a hook was told: of each author the number of the last event.
type Reached = BTreeMap<AuthorId, u64>;

/// A hook, for lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HookInfo {
    /// Its id.
    pub hook: String,
    /// Where it goes.
    pub url: String,
    /// The kinds of events that it is told of; none: all.
    pub kinds: Vec<String>,
    /// Deliveries that were taken.
    pub taken: u64,
    /// Failed attempts of the delivery that is due.
    pub tries: u64,
}

/// A hook that was just made.
#[derive(Debug, Clone)]
pub struct NewHook {
    /// Its id.
    pub hook: String,
    /// What signs deliveries. It is shown once.
    pub secret: String,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// Its place in the log.
    pub attempt: u64,
    /// When, in milliseconds.
    pub at_ms: i64,
    /// Which delivery.
    pub number: u64,
    /// How many events.
    pub events: u64,
    /// The answer's status; none: there was no answer.
    pub status: Option<u16>,
    /// What went wrong.
    pub said: String,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
}

impl Attempt {
    /// Whether the other system took it.
    pub fn is_taken(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// A hook as it is worked with.
struct Hook {
    tenant: TenantId,
    id: HookId,
    url: String,
    secret: Vec<u8>,
    kinds: Vec<String>,
    reached: Reached,
    number: u64,
    tries: u64,
}

/// What is told in one delivery.
struct Delivery {
    body: String,
    events: u64,
    after: Reached,
}

fn parse(hook: &str) -> Result<HookId> {
    let bytes = HEXLOWER.decode(hook.as_bytes()).ok();
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| Error::not_found("such webhook"))
}

fn read(row: &crate::db::Row, tenant: TenantId, vault: &Vault) -> Result<Hook> {
    let id = row.bytes(0)?;
    let secret = vault.open(&WEBHOOK, &[&tenant.0, &id], &row.bytes(2)?)?;
    Ok(Hook {
        tenant,
        id: id.try_into().map_err(|_| Error::Damaged("a webhook's id has the wrong length".to_owned()))?,
        url: row.text(1)?,
        secret,
        kinds: row.text(3)?.split_whitespace().map(str::to_owned).collect(),
        reached: serde_json::from_str(&row.text(4)?)?,
        number: row.number(5)?,
        tries: row.number(6)?,
    })
}

impl Server {
    /// Makes a hook. It is told of what happens from now on.
    pub async fn hook_add(
        &self,
        tenant: TenantId,
        url: &str,
        kinds: &[String],
        private: bool,
    ) -> Result<NewHook> {
        Target::parse(url, private)?;
        let unknown = kinds.iter().find(|kind| !stempel_domain::Fact::KINDS.contains(&kind.as_str()));
        if let Some(kind) = unknown {
            return Err(Error::bad_request(format!("There is no kind of event “{kind}”.")));
        }
        let (id, secret): (HookId, [u8; SECRET_LEN]) = (self.random(), self.random());
        let mut tx = self.write_of(tenant).await?;
        let locked = Tenant::lock(&mut tx, tenant).await?;
        if hooks(&mut tx, tenant).await?.len() as i64 >= HOOKS_MAX {
            return Err(Error::bad_request(format!("There are {HOOKS_MAX} webhooks at most.")));
        }
        let reached: Reached = heads(&mut tx, tenant).await?;
        tx.execute(
            "INSERT INTO webhook (tenant, hook, url, secret, kinds, reached, number, tries, due_ms, lease_until_ms,
             created_ms) VALUES ($1, $2, $3, $4, $5, $6, 1, 0, 0, 0, $7)",
            values![
                tenant,
                &id[..],
                url,
                tx.vault().seal(&WEBHOOK, &[&tenant.0, &id], &secret)?,
                kinds.join(" "),
                serde_json::to_string(&reached)?,
                self.now_ms()
            ],
        )
        .await?;
        let hook = HEXLOWER.encode(&id);
        self.note(&mut tx, &locked, "webhook-added", &hook, json!({ "url": url, "kinds": kinds })).await?;
        tx.commit().await?;
        Ok(NewHook { hook, secret: BASE32_NOPAD.encode(&secret) })
    }

    /// The hooks that are not closed, oldest first.
    pub async fn hook_list(&self, tenant: TenantId) -> Result<Vec<HookInfo>> {
        let hooks = hooks(&mut self.read_of(tenant).await?, tenant).await?;
        let info = |hook: Hook| HookInfo {
            hook: HEXLOWER.encode(&hook.id),
            url: hook.url,
            kinds: hook.kinds,
            taken: hook.number.saturating_sub(1),
            tries: hook.tries,
        };
        Ok(hooks.into_iter().map(info).collect())
    }

    /// Closes a hook: nothing is told any more. Its log stays.
    pub async fn hook_close(&self, tenant: TenantId, hook: &str) -> Result<()> {
        let id = parse(hook)?;
        let mut tx = self.write_of(tenant).await?;
        let locked = Tenant::lock(&mut tx, tenant).await?;
        tx.execute(
            "UPDATE webhook SET closed_ms = $3 WHERE tenant = $1 AND hook = $2 AND closed_ms IS NULL",
            values![tenant, &id[..], self.now_ms()],
        )
        .await?;
        self.note(&mut tx, &locked, "webhook-closed", hook, json!({})).await?;
        tx.commit().await
    }

    /// The last attempts of a hook, newest first.
    pub async fn hook_log(&self, tenant: TenantId, hook: &str, most: i64) -> Result<Vec<Attempt>> {
        let id = parse(hook)?;
        let mut tx = self.read_of(tenant).await?;
        let rows = tx
            .rows(
                "SELECT attempt, at_ms, number, events, status, said, took_ms FROM webhook_attempt
                 WHERE tenant = $1 AND hook = $2 ORDER BY attempt DESC LIMIT $3",
                values![tenant, &id[..], most.clamp(1, LOG_MAX)],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Attempt {
                    attempt: row.number(0)?,
                    at_ms: row.int(1)?,
                    number: row.number(2)?,
                    events: row.number(3)?,
                    status: u16::try_from(row.int(4)?).ok().filter(|status| *status > 0),
                    said: row.text(5)?,
                    took_ms: row.int(6)?,
                })
            })
            .collect()
    }

    /// Sends what an attempt of the log told once more, now. Nothing else changes.
    pub async fn hook_replay(
        &self,
        tenant: TenantId,
        hook: &str,
        attempt: u64,
        private: bool,
    ) -> Result<Attempt> {
        let id = parse(hook)?;
        let none = || Error::not_found("such delivery");
        let mut tx = self.read_of(tenant).await?;
        let row = tx
            .row(
                "SELECT hook, url, secret, kinds, reached, number, tries FROM webhook
                 WHERE tenant = $1 AND hook = $2 AND closed_ms IS NULL",
                values![tenant, &id[..]],
            )
            .await?
            .ok_or_else(none)?;
        let mut hook = read(&row, tenant, tx.vault())?;
        let row = tx
            .row(
                "SELECT told_before, told_after, number FROM webhook_attempt
                 WHERE tenant = $1 AND hook = $2 AND attempt = $3",
                values![tenant, &id[..], i64::try_from(attempt).map_err(|_| none())?],
            )
            .await?
            .ok_or_else(none)?;
        hook.reached = serde_json::from_str(&row.text(0)?)?;
        let until: Reached = serde_json::from_str(&row.text(1)?)?;
        hook.number = row.number(2)?;
        let delivery = next(&mut tx, &hook, &until).await?.ok_or_else(none)?;
        drop(tx);
        let attempt = self.attempt(&hook, &delivery, private).await;
        let mut tx = self.write_of(tenant).await?;
        log(&mut tx, &hook, &delivery, &attempt).await?;
        tx.commit().await?;
        Ok(attempt)
    }

    /// Tells every hook what is due, and says how many attempts were made.
    pub async fn hooks_tell(&self, private: bool) -> Result<usize> {
        let mut made = 0;
        for db in self.databases().await? {
            let rows = db
                .read()
                .await?
                .rows(
                    "SELECT tenant, hook FROM webhook
                     WHERE closed_ms IS NULL AND due_ms <= $1 AND lease_until_ms <= $1 ORDER BY due_ms LIMIT 1000",
                    values![self.now_ms()],
                )
                .await?;
            for row in rows {
                let (tenant, id): (TenantId, Vec<u8>) = (row.id(0)?, row.bytes(1)?);
                match self.hook_tell(tenant, &id, private).await {
                    Ok(told) => made += usize::from(told),
                    Err(error) => tracing::warn!(%tenant, %error, "a webhook could not be told"),
                }
            }
        }
        Ok(made)
    }

    /// Tells one hook what is next. False: there is nothing, or another server is at it.
    async fn hook_tell(&self, tenant: TenantId, id: &[u8], private: bool) -> Result<bool> {
        // Looking keeps no writer waiting.
        let mut tx = self.read_of(tenant).await?;
        let row = tx
            .row(
                "SELECT hook, url, secret, kinds, reached, number, tries FROM webhook WHERE tenant = $1 AND hook = $2",
                values![tenant, id],
            )
            .await?;
        let Some(row) = row else { return Ok(false) };
        let hook = read(&row, tenant, tx.vault())?;
        let until = heads(&mut tx, tenant).await?;
        let Some(delivery) = next(&mut tx, &hook, &until).await? else { return Ok(false) };
        drop(tx);
        let now_ms = self.now_ms();
        let mut tx = self.write_of(tenant).await?;
        let taken = tx
            .execute(
                "UPDATE webhook SET lease_until_ms = $3
                 WHERE tenant = $1 AND hook = $2 AND lease_until_ms <= $4 AND number = $5 AND reached = $6
                 AND closed_ms IS NULL",
                values![
                    tenant,
                    id,
                    now_ms.saturating_add(LEASE_MS),
                    now_ms,
                    hook.number as i64,
                    serde_json::to_string(&hook.reached)?
                ],
            )
            .await?;
        tx.commit().await?;
        if taken == 0 {
            return Ok(false);
        }
        // Nothing to tell of those kinds: only the place moves on.
        let attempt = match delivery.events {
            0 => None,
            _ => Some(self.attempt(&hook, &delivery, private).await),
        };
        let is_taken = attempt.as_ref().is_none_or(Attempt::is_taken);
        let tries = if is_taken { 0 } else { hook.tries + 1 };
        let wait_ms = RETRY_MS.0.saturating_mul(1 << (tries.clamp(1, 20) - 1)).min(RETRY_MS.1);
        let mut tx = self.write_of(tenant).await?;
        tx.execute(
            "UPDATE webhook SET lease_until_ms = 0, tries = $4, due_ms = $5, number = number + $6, reached = $7
             WHERE tenant = $1 AND hook = $2 AND number = $3",
            values![
                tenant,
                id,
                hook.number as i64,
                tries as i64,
                if is_taken { 0 } else { self.now_ms().saturating_add(wait_ms) },
                i64::from(is_taken && attempt.is_some()),
                serde_json::to_string(if is_taken { &delivery.after } else { &hook.reached })?
            ],
        )
        .await?;
        if let Some(attempt) = &attempt {
            log(&mut tx, &hook, &delivery, attempt).await?;
        }
        tx.commit().await?;
        Ok(attempt.is_some())
    }

    async fn attempt(&self, hook: &Hook, delivery: &Delivery, private: bool) -> Attempt {
        let began_ms = self.now_ms();
        let began = tokio::time::Instant::now();
        let sent = match Target::parse(&hook.url, private) {
            Ok(target) => target.post(&hook.secret, hook.number, began_ms, &delivery.body).await,
            Err(error) => Err(error.to_string()),
        };
        let (status, said) = match sent {
            Ok(status) if (200..300).contains(&status) => (Some(status), String::new()),
            Ok(status) => (Some(status), "the other system did not take it".to_owned()),
            Err(said) => (None, said.chars().take(200).collect()),
        };
        Attempt {
            attempt: 0,
            at_ms: began_ms,
            number: hook.number,
            events: delivery.events,
            status,
            said,
            took_ms: began.elapsed().as_millis() as i64,
        }
    }

    /// Tells every hook what is due until the server stops, and publishes what was planned for today.
    pub(crate) async fn hooks_tell_until_stopped(self, private: bool) {
        let mut stopping = self.stopping();
        while !*stopping.borrow() {
            if let Err(error) = self.hooks_tell(private).await {
                tracing::warn!(%error, "could not look for webhooks");
            }
            if let Err(error) = self.plans_carry_out().await {
                tracing::warn!(%error, "could not look for planned programmes");
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = stopping.changed() => {}
            }
        }
    }
}

async fn hooks(tx: &mut Tx, tenant: TenantId) -> Result<Vec<Hook>> {
    let rows = tx
        .rows(
            "SELECT hook, url, secret, kinds, reached, number, tries FROM webhook
             WHERE tenant = $1 AND closed_ms IS NULL ORDER BY created_ms, hook",
            values![tenant],
        )
        .await?;
    rows.iter().map(|row| read(row, tenant, tx.vault())).collect()
}

/// The last number of each journal.
async fn heads(tx: &mut Tx, tenant: TenantId) -> Result<Reached> {
    let rows = tx.rows("SELECT author, held FROM journal WHERE tenant = $1", values![tenant]).await?;
    rows.iter().map(|row| Ok((row.id(0)?, row.number(1)?))).collect()
}

/// What is told next: the events after what was told, up to a place. None: there are no later ones.
async fn next(tx: &mut Tx, hook: &Hook, until: &Reached) -> Result<Option<Delivery>> {
    let (mut events, mut after, mut left) = (Vec::new(), hook.reached.clone(), EVENTS_MAX);
    for (author, head) in until {
        let from = hook.reached.get(author).copied().unwrap_or(0);
        if *head <= from || left <= 0 {
            continue;
        }
        let rows = tx
            .rows(
                "SELECT author, seq, kind, member, status, received_ms, bytes FROM event
                 WHERE tenant = $1 AND author = $2 AND seq > $3 AND seq <= $4 ORDER BY seq LIMIT $5",
                values![hook.tenant, *author, from as i64, *head as i64, left],
            )
            .await?;
        left -= rows.len() as i64;
        for row in &rows {
            if hook.kinds.is_empty() || hook.kinds.contains(&row.text(2)?) {
                events.push(look::event(row)?);
            }
            after.insert(*author, row.number(1)?);
        }
    }
    if after == hook.reached {
        return Ok(None);
    }
    let count = events.len() as u64;
    let told: Json = json!({
        "webhook": HEXLOWER.encode(&hook.id), "delivery": hook.number, "tenant": hook.tenant, "events": events,
    });
    Ok(Some(Delivery { body: told.to_string(), events: count, after }))
}

/// Notes an attempt, and lets go of the oldest.
async fn log(tx: &mut Tx, hook: &Hook, delivery: &Delivery, attempt: &Attempt) -> Result<()> {
    let row = tx
        .row(
            "SELECT COALESCE(MAX(attempt), 0) FROM webhook_attempt WHERE tenant = $1 AND hook = $2",
            values![hook.tenant, &hook.id[..]],
        )
        .await?;
    let place = row.map_or(Ok(0), |row| row.int(0))? + 1;
    tx.execute(
        "INSERT INTO webhook_attempt (tenant, hook, attempt, at_ms, number, told_before, told_after, events, status, said,
         took_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        values![
            hook.tenant,
            &hook.id[..],
            place,
            attempt.at_ms,
            attempt.number as i64,
            serde_json::to_string(&hook.reached)?,
            serde_json::to_string(&delivery.after)?,
            attempt.events as i64,
            i64::from(attempt.status.unwrap_or(0)),
            &attempt.said[..],
            attempt.took_ms
        ],
    )
    .await?;
    tx.execute(
        "DELETE FROM webhook_attempt WHERE tenant = $1 AND hook = $2 AND attempt <= $3",
        values![hook.tenant, &hook.id[..], place - LOG_MAX],
    )
    .await?;
    Ok(())
}
