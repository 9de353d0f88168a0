//! Taking rows in: from devices ([`Server::push`]) and from the server as an author ([`crate::author`]).
//!
//! Promises, each with its test:
//! - A row is stored once; sending it again changes nothing and is answered as done.
//! - What is held of a journal has no gap; a row beyond a gap is not taken, the answer says where to go on.
//! - Another row under the number of one that is held stops that journal until a person has decided; nothing
//!   is overwritten.
//! - A row that cannot be read is kept with the reason, and the rows behind it go on.
//! - Everything of one push is one transaction; the answer says what is durable.

mod book;
mod cards;
pub(crate) mod figures;
mod fold;
pub(crate) mod judge;
mod proofs;
pub(crate) mod run;
mod tallies;

use std::collections::{BTreeMap, BTreeSet};

use stempel_domain::{AuthorId, MemberId, TenantId};
use stempel_wire::message::{KeyOf, PUSH_LEN_MAX, PUSH_ROWS_MAX, PushAnswer, PushHeader, RowTrouble};
use stempel_wire::{Hash, Row, frame};

use crate::author_keys::AuthorKeys;
use crate::caller::Caller;
use crate::db::{Tx, values};
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::{Tenant, public_key};
pub(crate) use book::{Arrival, Booking, Status, book, let_through};
pub(crate) use fold::refold;

/// How exact it is noted when a device last sent something, in milliseconds.
const SEEN_MS: i64 = 5_000;
/// The most authors of one push.
pub const PUSH_AUTHORS_MAX: usize = 64;

/// What is held of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub held: u64,
    pub hash: Hash,
}

impl Head {
    /// Reads what is held of a journal.
    pub(crate) async fn load(tx: &mut Tx, tenant: TenantId, author: AuthorId) -> Result<Self> {
        let row = tx
            .row("SELECT held, hash FROM journal WHERE tenant = $1 AND author = $2", values![tenant, author])
            .await?;
        match row {
            Some(row) => Ok(Self { held: row.number(0)?, hash: row.id(1)? }),
            None => Ok(Self { held: 0, hash: Hash::NONE }),
        }
    }

    /// Writes what is held of a journal, in the transaction that wrote the rows.
    pub(crate) async fn save(self, tx: &mut Tx, tenant: TenantId, author: AuthorId) -> Result<()> {
        tx.execute(
            "INSERT INTO journal (tenant, author, held, hash) VALUES ($1, $2, $3, $4)
             ON CONFLICT (tenant, author) DO UPDATE SET held = excluded.held, hash = excluded.hash",
            values![tenant, author, self.held, self.hash],
        )
        .await?;
        Ok(())
    }
}

/// An author as this server knows it, and its journal.
struct Author {
    keys: AuthorKeys,
    /// What was held when it was revoked, if it was.
    revoked_seq: Option<u64>,
    head: Head,
    /// The journal waits for a person.
    quarantined: Option<RowTrouble>,
    /// When it was last noted that the device sent something.
    seen_ms: i64,
}

impl Server {
    /// Takes the body of a push: a header and rows in frames.
    pub async fn push_body(&self, caller: &Caller, body: &[u8]) -> Result<PushAnswer> {
        let unreadable =
            |detail: String| Error::refused("push-unreadable", 400, "The push cannot be read", detail);
        if body.len() > PUSH_LEN_MAX {
            return Err(too_large());
        }
        let frames = frame::split(body).map_err(|error| unreadable(format!("{error}. Send it again.")))?;
        let Some((header, frames)) = frames.split_first() else {
            return Err(unreadable("It is empty. Send it again.".to_owned()));
        };
        let header: PushHeader = serde_json::from_slice(header)
            .map_err(|error| unreadable(format!("Its header is not as it should be: {error}.")))?;
        if frames.len() > PUSH_ROWS_MAX {
            return Err(too_large());
        }
        let mut rows = Vec::with_capacity(frames.len());
        for (index, frame) in frames.iter().enumerate() {
            let row = Row::parse(frame.to_vec()).map_err(|error| {
                unreadable(format!("Row {} of this push: {error}. Run “stempel journal verify”.", index + 1))
            })?;
            rows.push(row);
        }
        self.push(caller, &header, rows).await
    }

    /// Takes a frame of a dead device's second copy, which another device of its tenant hands over.
    pub async fn copy_body(&self, caller: &Caller, sealed: &[u8]) -> Result<PushAnswer> {
        let tenant = Tenant::load(&mut self.read_of(caller.tenant).await?, caller.tenant).await?;
        let (_, body) = stempel_wire::copy::open(&tenant.key, sealed).map_err(|error| {
            let detail = format!("{error}. Hand it over to the server to which the device belonged.");
            Error::refused("copy-unreadable", 422, "The second copy cannot be read", detail)
        })?;
        self.push_body(caller, &body).await
    }

    /// Takes rows of a device's journal, or of other devices of its tenant.
    pub async fn push(&self, caller: &Caller, header: &PushHeader, rows: Vec<Row>) -> Result<PushAnswer> {
        if rows.len() > PUSH_ROWS_MAX || header.keys.len() > PUSH_ROWS_MAX {
            return Err(too_large());
        }
        let groups = run::by_author(rows);
        if groups.len() > PUSH_AUTHORS_MAX {
            return Err(too_large());
        }
        let (authors, arrived) = (groups.len(), self.moment());
        let offered: usize = groups.iter().map(|(_, rows)| rows.len()).sum();
        let mut proved = Vec::with_capacity(groups.len());
        let mut refused = Vec::new();
        for (author, rows) in groups {
            match self.prove(caller.tenant, author, rows).await? {
                Ok((keys, segments)) => proved.push((author, keys, segments)),
                Err(run::NotGenuine { seq, reason }) => refused.push(RowTrouble { author, seq, reason }),
            }
        }
        let mut tx = self.write_of(caller.tenant).await?;
        let mut tenant = Tenant::lock(&mut tx, caller.tenant).await?;
        let head_before = tenant.head;
        let mut answer = PushAnswer { epoch: tenant.epoch.clone(), refused, ..PushAnswer::default() };
        let (mut arrivals, mut seen_ms) = (Vec::new(), 0);
        for (author, keys, segments) in proved {
            let known = load_author(&mut tx, caller.tenant, author).await?;
            // Another key has come since these were read, by another push or another server: under it the rows may be as
            // good.
            let genuine = |known: &Author| known.keys == keys || run::prove(&segments, &known.keys).is_ok();
            let Some(known) = known.filter(genuine) else {
                self.known_keys().forget(caller.tenant, author);
                return Err(Error::Busy);
            };
            if known.keys != keys {
                self.known_keys().keep(caller.tenant, author, &known.keys);
            }
            if author == caller.device {
                seen_ms = known.seen_ms;
            }
            let mut taking =
                Taking { tx: &mut tx, tenant: &tenant, carrier: caller.device, answer: &mut answer };
            taking.journal(author, known, segments, &mut arrivals, arrived.utc_ms).await?;
        }
        // The one who asks always learns where it stands, also when it sent nothing.
        for author in
            std::iter::once(caller.device).chain(answer.refused.iter().map(|trouble| trouble.author))
        {
            if let std::collections::btree_map::Entry::Vacant(entry) = answer.held.entry(author) {
                entry.insert(Head::load(&mut tx, caller.tenant, author).await?.held);
            }
        }
        if let Some(first) = answer.refused.first()
            && answer.refused.len() == authors
        {
            return Err(Error::refused(
                "rows-not-genuine",
                422,
                "The rows were not taken",
                format!(
                    "From row {}: {}. Run “stempel journal verify” on the device.",
                    first.seq, first.reason
                ),
            ));
        }
        answer.dead.extend(arrivals.iter().filter_map(Arrival::trouble));
        let taken = arrivals.len();
        let mut keys = header.keys.clone();
        if caller.revoked {
            // It may bring keys for members that it made, and none beside a key that is here.
            leave_strangers(&mut tx, caller.tenant, &mut keys).await?;
        }
        if taken > 0 || !keys.is_empty() {
            let booking = Booking { now_ms: arrived.utc_ms, today: arrived.day };
            let keys = tx.vault().seal_members(&keys)?;
            book(&mut tx, &mut tenant, booking, arrivals, &keys).await?;
            tenant.save_head(&mut tx).await?;
        }
        if (arrived.utc_ms - seen_ms).abs() >= SEEN_MS {
            tx.execute(
                "UPDATE device SET seen_ms = $3 WHERE tenant = $1 AND device = $2",
                values![caller.tenant, caller.device, arrived.utc_ms],
            )
            .await?;
        }
        tx.commit().await?;
        if tenant.head > head_before {
            self.announce(caller.tenant, tenant.head);
        }
        tracing::debug!(device = %caller.device, offered, taken, head = tenant.head, "a push was taken");
        Ok(answer)
    }
}

/// What is proved: the keys that did it, and the rows in their order.
type Proved = std::result::Result<(AuthorKeys, Vec<run::Segment>), run::NotGenuine>;

impl Server {
    /// Proves the rows of one author. That needs no lock, and mostly nothing of the database: whether the keys are still
    /// the same is looked at under the tenant's lock.
    async fn prove(&self, tenant: TenantId, author: AuthorId, rows: Vec<Row>) -> Result<Proved> {
        let first = rows.iter().map(Row::seq).min().unwrap_or_default();
        let segments = match run::order(rows) {
            Ok(segments) => segments,
            Err(wrong) => return Ok(Err(wrong)),
        };
        if let Some(keys) = self.known_keys().get(tenant, author)
            && run::prove(&segments, &keys).is_ok()
        {
            return Ok(Ok((keys, segments)));
        }
        let Some(known) = load_author(&mut self.read_of(tenant).await?, tenant, author).await? else {
            let reason = "its author is not a device of this programme".to_owned();
            return Ok(Err(run::NotGenuine { seq: first, reason }));
        };
        let proved = run::prove(&segments, &known.keys);
        if proved.is_ok() {
            self.known_keys().keep(tenant, author, &known.keys);
        }
        Ok(proved.map(|()| (known.keys, segments)))
    }
}

/// Leaves those keys whose members have none yet.
async fn leave_strangers(tx: &mut Tx, tenant: TenantId, keys: &mut Vec<KeyOf>) -> Result<()> {
    let members = keys.iter().map(|key| key.member.into()).collect();
    let sql = "SELECT member FROM member_key WHERE tenant = $1 AND member";
    let known = tx.rows_in(sql, values![tenant], members).await?;
    let known = known.iter().map(|row| row.id(0)).collect::<Result<BTreeSet<MemberId>>>()?;
    keys.retain(|key| !known.contains(&key.member));
    Ok(())
}

fn too_large() -> Error {
    Error::refused(
        "too-large",
        413,
        "This is too much at once",
        format!(
            "A push holds at most {PUSH_ROWS_MAX} rows of {PUSH_AUTHORS_MAX} devices in {PUSH_LEN_MAX} bytes. Send \
             it in smaller parts."
        ),
    )
}

/// Reads an author with everything that is asked of it, at once.
async fn load_author(tx: &mut Tx, tenant: TenantId, author: AuthorId) -> Result<Option<Author>> {
    let rows = tx
        .rows(
            "SELECT d.public_key, d.revoked, d.revoked_seq, d.seen_ms, j.held, j.hash, q.seq, q.reason,
                 k.seq, k.public_key
             FROM device d
             LEFT JOIN journal j ON j.tenant = d.tenant AND j.author = d.device
             LEFT JOIN quarantine q ON q.tenant = d.tenant AND q.author = d.device
             LEFT JOIN author_key k ON k.tenant = d.tenant AND k.author = d.device
             WHERE d.tenant = $1 AND d.device = $2",
            values![tenant, author],
        )
        .await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let number = |column| Ok::<_, Error>(row.opt_int(column)?.and_then(|value| u64::try_from(value).ok()));
    let head = match number(4)? {
        Some(held) => Head { held, hash: row.id(5)? },
        None => Head { held: 0, hash: Hash::NONE },
    };
    let quarantined = match number(6)? {
        Some(seq) => Some(RowTrouble { author, seq, reason: row.text(7)? }),
        None => None,
    };
    let mut keys = BTreeMap::new();
    for row in &rows {
        if let Some(seq) = row.opt_int(8)? {
            let seq = u64::try_from(seq).map_err(|_| Error::Damaged("the number of a row".to_owned()))?;
            keys.insert(seq, public_key(&row.bytes(9)?)?);
        }
    }
    Ok(Some(Author {
        keys: AuthorKeys::of(public_key(&row.bytes(0)?)?, keys),
        revoked_seq: if row.flag(1)? { Some(number(2)?.unwrap_or(0)) } else { None },
        head,
        quarantined,
        seen_ms: row.opt_int(3)?.unwrap_or(0),
    }))
}

/// One journal of a push, while it is taken.
struct Taking<'a> {
    tx: &'a mut Tx,
    tenant: &'a Tenant,
    carrier: AuthorId,
    answer: &'a mut PushAnswer,
}

impl Taking<'_> {
    /// Compares what is held with what is offered and collects the new rows.
    async fn journal(
        &mut self,
        author: AuthorId,
        known: Author,
        segments: Vec<run::Segment>,
        arrivals: &mut Vec<Arrival>,
        now_ms: i64,
    ) -> Result<()> {
        let tenant = self.tenant.id;
        let mut head = known.head;
        self.answer.held.insert(author, head.held);
        if let Some(trouble) = known.quarantined {
            self.answer.quarantined.push(trouble);
            return Ok(());
        }
        for segment in segments {
            let Some(first) = segment.first().map(Row::seq) else { continue };
            if first > head.held + 1 {
                // A gap: the answer says where to go on.
                break;
            }
            let split = (head.held + 1 - first).min(segment.len() as u64) as usize;
            if let Some((fork, offered)) = self.fork(author, head, &segment, split).await? {
                let trouble =
                    quarantine(self.tx, tenant, author, fork, offered, self.carrier, now_ms).await?;
                self.answer.quarantined.push(trouble);
                break;
            }
            self.dead_again(author, &segment[..split]).await?;
            let mut fresh = segment;
            fresh.drain(..split);
            if let Some(row) = fresh.first().filter(|row| row.seq() == 1)
                && let Some(key) = known.keys.of_row(1)
                && let Err(run::NotGenuine { seq, reason }) = run::check_begin(row, tenant, key)
            {
                self.answer.refused.push(RowTrouble { author, seq, reason });
                break;
            }
            for row in fresh {
                (head.held, head.hash) = (row.seq(), row.hash());
                let judged = judge::judge(&row);
                let status = match (&judged.verdict, known.revoked_seq) {
                    (Err(_), _) => Status::Dead,
                    (Ok(_), Some(revoked_seq)) if row.seq() > revoked_seq => Status::Held,
                    (Ok(_), _) => Status::Counts,
                };
                arrivals.push(Arrival { row, judged, status });
            }
            self.answer.held.insert(author, head.held);
        }
        Ok(())
    }

    /// Says again which of the rows that were held already are dead letters: the first answer may be lost.
    async fn dead_again(&mut self, author: AuthorId, known: &[Row]) -> Result<()> {
        let (Some(first), Some(last)) = (known.first(), known.last()) else { return Ok(()) };
        let rows = self
            .tx
            .rows(
                "SELECT seq, reason FROM dead_letter WHERE tenant = $1 AND author = $2 AND seq BETWEEN $3 AND $4
                 ORDER BY seq",
                values![self.tenant.id, author, first.seq(), last.seq()],
            )
            .await?;
        for row in rows {
            self.answer.dead.push(RowTrouble { author, seq: row.number(0)?, reason: row.text(1)? });
        }
        Ok(())
    }

    /// Finds the first row that is another one than the one held under its number. `split` is how many rows of
    /// the segment are at or below what is held.
    async fn fork<'s>(
        &mut self,
        author: AuthorId,
        head: Head,
        segment: &'s [Row],
        split: usize,
    ) -> Result<Option<(u64, &'s Row)>> {
        let known = &segment[..split];
        if let (Some(first), Some(last)) = (known.first(), known.last()) {
            let held: BTreeMap<u64, Hash> = self
                .tx
                .rows(
                    "SELECT seq, hash FROM event WHERE tenant = $1 AND author = $2 AND seq BETWEEN $3 AND $4",
                    values![self.tenant.id, author, first.seq(), last.seq()],
                )
                .await?
                .iter()
                .map(|row| Ok((row.number(0)?, row.id(1)?)))
                .collect::<Result<_>>()?;
            let other = known.iter().find(|row| held.get(&row.seq()) != Some(&row.hash()));
            return Ok(other.map(|row| (row.seq(), row)));
        }
        match segment.first() {
            Some(next) if head.held > 0 && !next.follows(head.held, head.hash) => Ok(Some((head.held, next))),
            _ => Ok(None),
        }
    }
}

/// Stops a journal until a person has decided, and keeps the row that was offered as evidence.
async fn quarantine(
    tx: &mut Tx,
    tenant: TenantId,
    author: AuthorId,
    seq: u64,
    offered: &Row,
    carrier: AuthorId,
    now_ms: i64,
) -> Result<RowTrouble> {
    let reason = format!(
        "another row {seq} of this device is already here: the device was copied, or set back to an older state. \
         Set it up again as a new device; what it holds is kept"
    );
    tx.execute(
        "INSERT INTO quarantine (tenant, author, seq, offered, carrier, reason, since_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        values![tenant, author, seq, offered.bytes(), carrier, &reason[..], now_ms],
    )
    .await?;
    tracing::warn!(%tenant, %author, seq, "a journal was stopped: two rows under one number");
    Ok(RowTrouble { author, seq, reason })
}
