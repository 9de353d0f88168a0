//! The least that the same machine needs: all the same rows by multi-row insert into the same database, in the
//! same number of transactions, with the hash chain and one signature checked for each.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, Row as _, SqlitePool};
use stempel_domain::{MemberId, TenantId};
use stempel_wire::{PublicKey, Row};

use crate::data::{Journal, Site};

/// A batch as it came: the rows as bytes, and what has to be known of them to store them.
type Batch = Vec<(Vec<u8>, String, Option<MemberId>)>;

/// What the server wrote, to be written again into tables of the same shape.
pub struct Floor {
    pool: Pool,
    /// For each device its batches.
    batches: Vec<(PublicKey, Vec<Batch>)>,
    /// The members' rows as the server left them.
    bases: BTreeMap<MemberId, String>,
    tenant: Vec<u8>,
}

#[derive(Clone)]
enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

const TABLES: &str = "
CREATE TABLE floor_event (tenant BLOB NOT NULL, author BLOB NOT NULL, seq BIGINT NOT NULL, hash BLOB NOT NULL,
    bytes BLOB NOT NULL, kind TEXT NOT NULL, member BLOB, status BIGINT NOT NULL, received_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, author, seq));
CREATE INDEX floor_event_of_member ON floor_event (tenant, member, author, seq) WHERE member IS NOT NULL;
CREATE INDEX floor_event_of_status ON floor_event (tenant, status, author, seq) WHERE status <> 0;
CREATE TABLE floor_member (tenant BLOB NOT NULL, member BLOB NOT NULL, position BIGINT NOT NULL,
    base TEXT NOT NULL, PRIMARY KEY (tenant, member));
CREATE UNIQUE INDEX floor_member_position ON floor_member (tenant, position);
CREATE TABLE floor_journal (tenant BLOB NOT NULL, author BLOB NOT NULL, held BIGINT NOT NULL, hash BLOB NOT NULL,
    PRIMARY KEY (tenant, author));
CREATE TABLE floor_tenant (tenant BLOB NOT NULL PRIMARY KEY, head BIGINT NOT NULL);
";

impl Floor {
    pub async fn of(site: &Site, journals: &[Journal], batch: usize) -> Self {
        let pool = match site.url.strip_prefix("sqlite:") {
            Some(path) => {
                // A file of its own beside the server's.
                let options = SqliteConnectOptions::new()
                    .filename(format!("{path}.floor"))
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full);
                let pool = SqlitePoolOptions::new()
                    .max_connections(1)
                    .acquire_timeout(Duration::from_secs(60))
                    .connect_with(options)
                    .await
                    .unwrap();
                sqlx::raw_sql(TABLES).execute(&pool).await.unwrap();
                Pool::Sqlite(pool)
            }
            None => {
                let pool = PgPoolOptions::new()
                    .max_connections(8)
                    .acquire_timeout(Duration::from_secs(60))
                    .test_before_acquire(false)
                    .connect(&site.url)
                    .await
                    .unwrap();
                let tables = sqlx::AssertSqlSafe(TABLES.replace(" BLOB", " BYTEA"));
                sqlx::raw_sql(tables).execute(&pool).await.unwrap();
                Pool::Postgres(pool)
            }
        };
        let tenant = site.tenant.0.to_vec();
        match &pool {
            Pool::Sqlite(pool) => {
                sqlx::query("INSERT INTO floor_tenant VALUES ($1, 0)")
                    .bind(&tenant)
                    .execute(pool)
                    .await
                    .unwrap();
            }
            Pool::Postgres(pool) => {
                sqlx::query("INSERT INTO floor_tenant VALUES ($1, 0)")
                    .bind(&tenant)
                    .execute(pool)
                    .await
                    .unwrap();
            }
        }
        let batches = journals
            .iter()
            .map(|journal| {
                let batches = journal.rows.chunks(batch);
                let known = |row: &Row| {
                    let fact = row.event().unwrap().record.fact;
                    (row.bytes().to_vec(), fact.kind().to_owned(), fact.member())
                };
                let batches = batches.map(|rows| rows.iter().map(known).collect());
                (journal.caller.public_key, batches.collect())
            })
            .collect();
        Self { pool, batches, bases: bases(&site.url).await, tenant }
    }

    /// Writes everything, each device by itself, and says how long it took.
    pub async fn run(self) -> Duration {
        let (bases, tenant) = (std::sync::Arc::new(self.bases), self.tenant);
        let started = Instant::now();
        let tasks: Vec<_> = self
            .batches
            .into_iter()
            .map(|(key, batches)| {
                let (pool, bases, tenant) = (self.pool.clone(), bases.clone(), tenant.clone());
                tokio::spawn(async move {
                    for batch in batches {
                        write(&pool, &key, batch, &bases, &tenant).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        started.elapsed()
    }
}

/// The members' states as the server has them.
async fn bases(url: &str) -> BTreeMap<MemberId, String> {
    let sql = "SELECT member, base FROM member";
    let read = |member: Vec<u8>, base: String| (MemberId::from_slice(&member).unwrap(), base);
    match url.strip_prefix("sqlite:") {
        Some(path) => {
            let pool = SqlitePool::connect_with(SqliteConnectOptions::new().filename(path)).await.unwrap();
            let rows = sqlx::query(sql).fetch_all(&pool).await.unwrap();
            rows.iter().map(|row| read(row.get(0), row.get(1))).collect()
        }
        None => {
            let pool = PgPool::connect(url).await.unwrap();
            let rows = sqlx::query(sql).fetch_all(&pool).await.unwrap();
            rows.iter().map(|row| read(row.get(0), row.get(1))).collect()
        }
    }
}

/// The rows of one batch, column by column.
#[derive(Default)]
struct Columns {
    author: Vec<Vec<u8>>,
    seq: Vec<i64>,
    hash: Vec<Vec<u8>>,
    bytes: Vec<Vec<u8>>,
    kind: Vec<String>,
    member: Vec<Option<Vec<u8>>>,
}

async fn write(
    pool: &Pool,
    key: &PublicKey,
    batch: Batch,
    bases: &BTreeMap<MemberId, String>,
    tenant: &[u8],
) {
    let (mut columns, mut members) = (Columns::default(), BTreeMap::new());
    let mut last: Option<Row> = None;
    for (bytes, kind, member) in batch {
        let row = Row::parse(bytes).unwrap();
        assert!(last.as_ref().is_none_or(|last| row.follows(last.seq(), last.hash())));
        columns.author.push(row.author().0.to_vec());
        columns.seq.push(row.seq() as i64);
        columns.hash.push(row.hash().0.to_vec());
        columns.bytes.push(row.bytes().to_vec());
        columns.kind.push(kind);
        columns.member.push(member.map(|member| member.0.to_vec()));
        if let Some(base) = member.and_then(|member| Some((member, bases.get(&member)?))) {
            members.insert(base.0, base.1.clone());
        }
        last = Some(row);
    }
    let last = last.unwrap();
    last.verify(key).unwrap();
    match pool {
        Pool::Sqlite(pool) => sqlite(pool, columns, members, &last, tenant).await,
        Pool::Postgres(pool) => postgres(pool, columns, members, &last, tenant).await,
    }
}

fn places(rows: usize, width: usize) -> String {
    let group = |row: usize| {
        let places: Vec<String> = (1..=width).map(|n| format!("${}", row * width + n)).collect();
        format!("({})", places.join(", "))
    };
    (0..rows).map(group).collect::<Vec<_>>().join(", ")
}

async fn sqlite(
    pool: &SqlitePool,
    columns: Columns,
    members: BTreeMap<MemberId, String>,
    last: &Row,
    tenant: &[u8],
) {
    let mut tx = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let head: i64 = sqlx::query("UPDATE floor_tenant SET head = head + $2 WHERE tenant = $1 RETURNING head")
        .bind(tenant)
        .bind(members.len() as i64)
        .fetch_one(&mut *tx)
        .await
        .unwrap()
        .get(0);
    let rows = columns.seq.len();
    let text = format!("INSERT INTO floor_event VALUES {}", places(rows, 9));
    let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
    let Columns { author, seq, hash, bytes, kind, member } = columns;
    let all = author.into_iter().zip(seq).zip(hash).zip(bytes).zip(kind).zip(member);
    for (((((author, seq), hash), bytes), kind), member) in all {
        query =
            query.bind(tenant.to_vec()).bind(author).bind(seq).bind(hash).bind(bytes).bind(kind).bind(member);
        query = query.bind(0_i64).bind(0_i64);
    }
    query.execute(&mut *tx).await.unwrap();
    let text = format!(
        "INSERT INTO floor_member VALUES {} ON CONFLICT (tenant, member) DO UPDATE SET
         position = excluded.position, base = excluded.base",
        places(members.len(), 4)
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
    for ((member, base), place) in members.into_iter().zip(0_i64..) {
        query = query.bind(tenant.to_vec()).bind(member.0.to_vec()).bind(head - place).bind(base);
    }
    query.execute(&mut *tx).await.unwrap();
    sqlx::query(
        "INSERT INTO floor_journal VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant, author) DO UPDATE SET held = excluded.held, hash = excluded.hash",
    )
    .bind(tenant)
    .bind(last.author().0.to_vec())
    .bind(last.seq() as i64)
    .bind(last.hash().0.to_vec())
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
}

async fn postgres(
    pool: &PgPool,
    columns: Columns,
    members: BTreeMap<MemberId, String>,
    last: &Row,
    tenant: &[u8],
) {
    let mut tx = pool.begin().await.unwrap();
    let head: i64 = sqlx::query("UPDATE floor_tenant SET head = head + $2 WHERE tenant = $1 RETURNING head")
        .bind(tenant)
        .bind(members.len() as i64)
        .fetch_one(&mut *tx)
        .await
        .unwrap()
        .get(0);
    let Columns { author, seq, hash, bytes, kind, member } = columns;
    sqlx::query(
        "INSERT INTO floor_event SELECT $1::BYTEA, a, s, h, b, k, m, 0, 0 FROM
         UNNEST($2::BYTEA[], $3::BIGINT[], $4::BYTEA[], $5::BYTEA[], $6::TEXT[], $7::BYTEA[]) AS t (a, s, h, b, k, m)",
    )
    .bind(tenant)
    .bind(author)
    .bind(seq)
    .bind(hash)
    .bind(bytes)
    .bind(kind)
    .bind(member)
    .execute(&mut *tx)
    .await
    .unwrap();
    let positions: Vec<i64> = (0..members.len() as i64).map(|place| head - place).collect();
    let (ids, bases): (Vec<Vec<u8>>, Vec<String>) =
        members.into_iter().map(|(member, base)| (member.0.to_vec(), base)).unzip();
    sqlx::query(
        "INSERT INTO floor_member SELECT $1::BYTEA, m, p, b FROM
         UNNEST($2::BYTEA[], $3::BIGINT[], $4::TEXT[]) AS t (m, p, b)
         ON CONFLICT (tenant, member) DO UPDATE SET position = excluded.position, base = excluded.base",
    )
    .bind(tenant)
    .bind(ids)
    .bind(positions)
    .bind(bases)
    .execute(&mut *tx)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO floor_journal VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant, author) DO UPDATE SET held = excluded.held, hash = excluded.hash",
    )
    .bind(tenant)
    .bind(last.author().0.to_vec())
    .bind(last.seq() as i64)
    .bind(last.hash().0.to_vec())
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
}

/// Reads every member's row and keys by plain statements, a thousand at a time, and writes them as JSON.
pub async fn read_members(url: &str, tenant: TenantId) -> Duration {
    let sql = "SELECT position, member, base FROM member WHERE tenant = $1 AND position > $2
               ORDER BY position LIMIT 1000";
    let started = Instant::now();
    let (mut after, mut total) = (0_i64, 0);
    let write = |position: i64, member: Vec<u8>, base: String| {
        let member = MemberId::from_slice(&member).unwrap();
        format!("{{\"position\":{position},\"member\":\"{member}\",\"base\":{base}}}").len()
    };
    match url.strip_prefix("sqlite:") {
        Some(path) => {
            let pool = SqlitePool::connect_with(SqliteConnectOptions::new().filename(path)).await.unwrap();
            loop {
                let rows =
                    sqlx::query(sql).bind(tenant.0.to_vec()).bind(after).fetch_all(&pool).await.unwrap();
                let Some(last) = rows.last() else { break };
                after = last.get(0);
                total += rows.iter().map(|row| write(row.get(0), row.get(1), row.get(2))).sum::<usize>();
            }
        }
        None => {
            let pool = PgPool::connect(url).await.unwrap();
            loop {
                let rows =
                    sqlx::query(sql).bind(tenant.0.to_vec()).bind(after).fetch_all(&pool).await.unwrap();
                let Some(last) = rows.last() else { break };
                after = last.get(0);
                total += rows.iter().map(|row| write(row.get(0), row.get(1), row.get(2))).sum::<usize>();
            }
        }
    }
    assert!(total > 0);
    started.elapsed()
}

/// Reads the tenant's row and the newest member so many times.
pub async fn read_one(url: &str, times: usize) -> Duration {
    let (tenant, newest) =
        ("SELECT head FROM tenant", "SELECT member, base FROM member ORDER BY position DESC LIMIT 1");
    match url.strip_prefix("sqlite:") {
        Some(path) => {
            let pool = SqlitePool::connect_with(SqliteConnectOptions::new().filename(path)).await.unwrap();
            let started = Instant::now();
            for _ in 0..times {
                sqlx::query(tenant).fetch_one(&pool).await.unwrap();
                sqlx::query(newest).fetch_one(&pool).await.unwrap();
            }
            started.elapsed()
        }
        None => {
            let pool = PgPool::connect(url).await.unwrap();
            let started = Instant::now();
            for _ in 0..times {
                sqlx::query(tenant).fetch_one(&pool).await.unwrap();
                sqlx::query(newest).fetch_one(&pool).await.unwrap();
            }
            started.elapsed()
        }
    }
}
