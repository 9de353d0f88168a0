//! A tenant's tables as lists of columns: to copy a tenant from one database to another, and to compare two
//! copies by a digest. Memory stays bounded however large the tenant is.

use stempel_domain::TenantId;

use super::tx::Tx;
use super::value::{Row, Value, values};
use crate::error::{Error, Result};

/// Rows that are read and written at a time.
const CHUNK: i64 = 500;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Int,
    Bytes,
    Text,
}

/// A table with a tenant's data. Every table has the column `tenant` before these.
struct Table {
    name: &'static str,
    /// The columns of the key after the tenant.
    key: &'static [(&'static str, Kind)],
    others: &'static [(&'static str, Kind)],
}

use Kind::{Bytes, Int, Text};

/// Every table, in an order in which they can be filled: what others refer to comes first. Every copy
/// compares the list with the database.
const TABLES: &[Table] = &[
    Table {
        name: "tenant",
        key: &[],
        others: &[
            ("name", Text),
            ("epoch", Text),
            ("head", Int),
            ("server", Bytes),
            ("secret", Bytes),
            ("demo", Int),
            ("created_ms", Int),
        ],
    },
    Table { name: "shop", key: &[("shop", Bytes)], others: &[("body", Text), ("created_ms", Int)] },
    Table {
        name: "device",
        key: &[("device", Bytes)],
        others: &[
            ("shop", Bytes),
            ("name", Text),
            ("public_key", Bytes),
            ("certificate", Text),
            ("enrolled_ms", Int),
            ("revoked", Int),
            ("revoked_seq", Int),
            ("seen_ms", Int),
        ],
    },
    Table {
        name: "invite",
        key: &[("code_hash", Bytes)],
        others: &[
            ("shop", Bytes),
            ("created_ms", Int),
            ("expires_ms", Int),
            ("used_ms", Int),
            ("used_device", Bytes),
        ],
    },
    Table {
        name: "journal",
        key: &[("author", Bytes)],
        others: &[("held", Int), ("hash", Bytes), ("judged", Int)],
    },
    Table {
        name: "event",
        key: &[("author", Bytes), ("seq", Int)],
        others: &[
            ("hash", Bytes),
            ("bytes", Bytes),
            ("kind", Text),
            ("member", Bytes),
            ("status", Int),
            ("received_ms", Int),
        ],
    },
    Table {
        name: "dead_letter",
        key: &[("author", Bytes), ("seq", Int)],
        others: &[("reason", Text), ("received_ms", Int)],
    },
    Table {
        name: "quarantine",
        key: &[("author", Bytes)],
        others: &[("seq", Int), ("offered", Bytes), ("carrier", Bytes), ("reason", Text), ("since_ms", Int)],
    },
    Table { name: "tally", key: &[("key", Text), ("author", Bytes)], others: &[("amount", Int)] },
    Table { name: "proof", key: &[("author", Bytes), ("seq", Int)], others: &[("hash", Bytes)] },
    Table {
        name: "alarm_sight",
        key: &[("author", Bytes), ("seq", Int)],
        others: &[
            ("at_ms", Int),
            ("shop", Bytes),
            ("operator", Text),
            ("member", Bytes),
            ("own", Int),
            ("done", Text),
        ],
    },
    Table {
        name: "alarm",
        key: &[("alarm", Bytes)],
        others: &[("kind", Text), ("subject", Text), ("last_ms", Int), ("body", Text)],
    },
    Table { name: "member", key: &[("member", Bytes)], others: &[("position", Int), ("base", Text)] },
    Table { name: "member_key", key: &[("member", Bytes), ("key_id", Bytes)], others: &[("secret", Bytes)] },
    Table {
        name: "card",
        key: &[("card", Bytes)],
        others: &[
            ("number", Bytes),
            ("member", Bytes),
            ("device", Bytes),
            ("status", Int),
            ("issued_ms", Int),
            ("batch", Bytes),
        ],
    },
    Table {
        name: "card_batch",
        key: &[("batch", Bytes)],
        others: &[
            ("shop", Bytes),
            ("cards", Int),
            ("made_by", Text),
            ("created_ms", Int),
            ("withdrawn_ms", Int),
        ],
    },
    Table {
        name: "card_key",
        key: &[("public_key", Bytes)],
        others: &[("secret", Bytes), ("retired", Int), ("created_ms", Int)],
    },
    Table {
        name: "programme",
        key: &[("programme", Text), ("version", Int)],
        others: &[("body", Text), ("ended", Int), ("published_ms", Int)],
    },
    Table { name: "article", key: &[("sku", Text)], others: &[("place", Int), ("body", Text)] },
    Table {
        name: "thing",
        key: &[("kind", Text), ("id", Bytes)],
        others: &[("position", Int), ("body", Text)],
    },
    Table {
        name: "conflict_case",
        key: &[("id", Bytes)],
        others: &[
            ("kind", Text),
            ("subject", Text),
            ("member", Bytes),
            ("event", Text),
            ("detail", Text),
            ("opened_ms", Int),
            ("closed_ms", Int),
            ("outcome", Text),
        ],
    },
    Table {
        name: "judgement",
        key: &[("author", Bytes), ("seq", Int)],
        others: &[("verdict", Text), ("detail", Text), ("judged_ms", Int)],
    },
    Table {
        name: "hold",
        key: &[("hold", Bytes)],
        others: &[("member", Bytes), ("unit", Text), ("amount", Int), ("device", Bytes), ("until_ms", Int)],
    },
    Table {
        name: "job",
        key: &[("kind", Text), ("id", Bytes)],
        others: &[
            ("due_ms", Int),
            ("tries", Int),
            ("lease", Bytes),
            ("lease_until_ms", Int),
            ("failed", Text),
        ],
    },
    Table {
        name: "idempotency",
        key: &[("key", Text)],
        others: &[("request", Bytes), ("answer", Text), ("created_ms", Int)],
    },
    Table {
        name: "api_key",
        key: &[("id", Bytes)],
        others: &[
            ("hash", Bytes),
            ("name", Text),
            ("scopes", Text),
            ("shop", Bytes),
            ("created_ms", Int),
            ("revoked_ms", Int),
        ],
    },
    Table {
        name: "account",
        key: &[("account", Bytes)],
        others: &[("email", Text), ("password", Text), ("created_ms", Int), ("closed_ms", Int)],
    },
    Table { name: "account_role", key: &[("account", Bytes), ("shop", Bytes)], others: &[("role", Text)] },
    Table {
        name: "account_link",
        key: &[("hash", Bytes)],
        others: &[("account", Bytes), ("expires_ms", Int), ("used_ms", Int)],
    },
    Table {
        name: "session",
        key: &[("hash", Bytes)],
        others: &[("account", Bytes), ("created_ms", Int), ("seen_ms", Int)],
    },
    Table {
        name: "day_figure",
        key: &[("day", Int), ("shop", Bytes), ("name", Text)],
        others: &[("amount", Int)],
    },
    Table {
        name: "draft",
        key: &[("id", Bytes)],
        others: &[("account", Bytes), ("page", Text), ("body", Text), ("saved_ms", Int)],
    },
    Table { name: "setting", key: &[("name", Text)], others: &[("value", Text)] },
    Table {
        name: "pending_change",
        key: &[("id", Bytes)],
        others: &[
            ("body", Text),
            ("asked_by", Text),
            ("asked_ms", Int),
            ("decided_by", Text),
            ("decided_ms", Int),
            ("outcome", Text),
        ],
    },
    Table { name: "member_alias", key: &[("member", Bytes)], others: &[("into_member", Bytes)] },
    Table { name: "erasure", key: &[("member", Bytes)], others: &[("position", Int), ("erased_ms", Int)] },
    Table { name: "erasure_ack", key: &[("device", Bytes)], others: &[("position", Int), ("acked_ms", Int)] },
    Table {
        name: "audit",
        key: &[("seq", Int)],
        others: &[
            ("at_ms", Int),
            ("actor", Text),
            ("action", Text),
            ("subject", Text),
            ("detail", Text),
            ("hash", Bytes),
        ],
    },
    Table {
        name: "phone",
        key: &[("phone", Bytes)],
        others: &[
            ("member", Bytes),
            ("card", Bytes),
            ("public_key", Bytes),
            ("created_ms", Int),
            ("ended_ms", Int),
        ],
    },
    Table {
        name: "join_link",
        key: &[("code", Text)],
        others: &[("shop", Bytes), ("created_ms", Int), ("closed_ms", Int)],
    },
    Table {
        name: "card_code",
        key: &[("hash", Bytes)],
        others: &[
            ("kind", Text),
            ("member", Bytes),
            ("address", Bytes),
            ("expires_ms", Int),
            ("used_ms", Int),
        ],
    },
    Table {
        name: "member_address",
        key: &[("address", Bytes)],
        others: &[("member", Bytes), ("confirmed_ms", Int)],
    },
    Table {
        name: "joining",
        key: &[("member", Bytes)],
        others: &[("at_ms", Int), ("link", Text), ("terms", Text), ("of_age", Int)],
    },
    Table {
        name: "second_factor",
        key: &[("account", Bytes)],
        others: &[("secret", Bytes), ("on_ms", Int), ("last_step", Int)],
    },
    Table { name: "recovery_code", key: &[("hash", Bytes)], others: &[("account", Bytes), ("used_ms", Int)] },
    Table {
        name: "half_session",
        key: &[("hash", Bytes)],
        others: &[("account", Bytes), ("created_ms", Int), ("tries", Int)],
    },
    Table {
        name: "passkey",
        key: &[("credential", Bytes)],
        others: &[
            ("account", Bytes),
            ("public_key", Bytes),
            ("name", Text),
            ("counter", Int),
            ("created_ms", Int),
            ("used_ms", Int),
        ],
    },
    Table {
        name: "webhook",
        key: &[("hook", Bytes)],
        others: &[
            ("url", Text),
            ("secret", Bytes),
            ("kinds", Text),
            ("reached", Text),
            ("number", Int),
            ("tries", Int),
            ("due_ms", Int),
            ("lease_until_ms", Int),
            ("created_ms", Int),
            ("closed_ms", Int),
        ],
    },
    Table {
        name: "webhook_attempt",
        key: &[("hook", Bytes), ("attempt", Int)],
        others: &[
            ("at_ms", Int),
            ("number", Int),
            ("told_before", Text),
            ("told_after", Text),
            ("events", Int),
            ("status", Int),
            ("said", Text),
            ("took_ms", Int),
        ],
    },
    Table {
        name: "planned_programme",
        key: &[("programme", Text)],
        others: &[("body", Text), ("base", Int), ("from_day", Int), ("failed", Text)],
    },
    Table { name: "author_key", key: &[("author", Bytes), ("seq", Int)], others: &[("public_key", Bytes)] },
    Table {
        name: "programme_trial",
        key: &[("programme", Text), ("version", Int)],
        others: &[
            ("shop", Bytes),
            ("body", Text),
            ("change", Text),
            ("position", Int),
            ("begun_ms", Int),
            ("from_day", Int),
            ("over_ms", Int),
        ],
    },
    Table { name: "shop_logo", key: &[("shop", Bytes)], others: &[("png", Bytes), ("set_ms", Int)] },
    Table { name: "silence_mail", key: &[("device", Bytes)], others: &[("at_ms", Int)] },
];

impl Table {
    fn columns(&self) -> impl Iterator<Item = &(&'static str, Kind)> {
        self.key.iter().chain(self.others)
    }

    fn names(&self) -> String {
        self.columns().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// One page of a tenant's rows, after the key of the last one.
    fn select(&self) -> String {
        let (names, name) = (self.names(), self.name);
        if self.key.is_empty() {
            return format!("SELECT {names} FROM {name} WHERE tenant = $1");
        }
        let key = self.key.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let places = (2..self.key.len() + 2).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ");
        format!(
            "SELECT {names} FROM {name} WHERE tenant = $1 AND ({key}) > ({places}) ORDER BY {key} LIMIT {CHUNK}"
        )
    }

    /// A key before every other one.
    fn start(&self) -> Vec<Value> {
        self.key
            .iter()
            .map(|(_, kind)| match kind {
                Kind::Int => i64::MIN.into(),
                Kind::Bytes => Vec::new().into(),
                Kind::Text => Value::from(""),
            })
            .collect()
    }

    fn read(&self, row: &Row) -> Result<Vec<Value>> {
        self.columns()
            .enumerate()
            .map(|(place, (_, kind))| {
                Ok(match kind {
                    Kind::Int => Value::Int(row.opt_int(place)?),
                    Kind::Bytes => Value::Bytes(row.opt_bytes(place)?),
                    Kind::Text => Value::Text(row.opt_text(place)?),
                })
            })
            .collect()
    }
}

/// What a tenant's rows come to: two copies are equal if and only if these are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Digest {
    /// The digest of all rows, in hexadecimal.
    pub text: String,
    /// How many rows there are.
    pub rows: u64,
}

/// Hashes every value with its kind and its length, so that no two lists of rows look alike.
struct Summing {
    hasher: blake3::Hasher,
    rows: u64,
}

impl Summing {
    fn new() -> Self {
        Self { hasher: blake3::Hasher::new_derive_key("stempel tenant digest v1"), rows: 0 }
    }

    fn table(&mut self, table: &Table) {
        self.part(b'T', table.name.as_bytes());
    }

    fn row(&mut self, row: &[Value]) {
        self.rows += 1;
        for value in row {
            match value {
                Value::Int(None) | Value::Bytes(None) | Value::Text(None) => self.part(b'-', &[]),
                Value::Int(Some(value)) => self.part(b'i', &value.to_be_bytes()),
                Value::Bytes(Some(value)) => self.part(b'b', value),
                Value::Text(Some(value)) => self.part(b't', value.as_bytes()),
            }
        }
    }

    fn part(&mut self, kind: u8, bytes: &[u8]) {
        self.hasher.update(&[kind]);
        self.hasher.update(&(bytes.len() as u64).to_be_bytes());
        self.hasher.update(bytes);
    }

    fn finish(self) -> Digest {
        Digest { text: self.hasher.finalize().to_hex().to_string(), rows: self.rows }
    }
}

/// Copies everything of a tenant into a database that has nothing of it, with its entries of the directory, and
/// gives the digest of what was read.
pub(crate) async fn copy_tenant(from: &mut Tx, to: &mut Tx, tenant: TenantId) -> Result<Digest> {
    check_columns(from).await?;
    let mut summing = Summing::new();
    for table in TABLES {
        summing.table(table);
        let head = format!("INSERT INTO {} (tenant, {})", table.name, table.names());
        let width = table.columns().count() + 1;
        let mut pages = Pages::of(table, tenant);
        while let Some(rows) = pages.next(from).await? {
            let mut values = Vec::with_capacity(rows.len() * width);
            for row in rows {
                summing.row(&row);
                values.push(tenant.into());
                values.extend(row);
            }
            to.insert_all(&head, "", width, values).await?;
        }
    }
    copy_directory(from, to, tenant).await?;
    Ok(summing.finish())
}

/// Copies a tenant's entries of the directory.
pub(crate) async fn copy_directory(from: &mut Tx, to: &mut Tx, tenant: TenantId) -> Result<()> {
    let mut after = (String::new(), Vec::new());
    loop {
        let rows = from
            .rows(
                "SELECT kind, id FROM directory WHERE tenant = $1 AND (kind, id) > ($2, $3) ORDER BY kind, id
                 LIMIT 500",
                values![tenant, after.0, after.1],
            )
            .await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = (last.text(0)?, last.bytes(1)?);
        let mut values = Vec::with_capacity(rows.len() * 3);
        for row in rows {
            values.extend(values![row.text(0)?, row.bytes(1)?, tenant]);
        }
        // The home directory may know them already.
        to.insert_all("INSERT INTO directory (kind, id, tenant)", "ON CONFLICT DO NOTHING", 3, values)
            .await?;
    }
}

/// The digest of everything that a database has of a tenant.
pub(crate) async fn digest_tenant(tx: &mut Tx, tenant: TenantId) -> Result<Digest> {
    let mut summing = Summing::new();
    for table in TABLES {
        summing.table(table);
        let mut pages = Pages::of(table, tenant);
        while let Some(rows) = pages.next(tx).await? {
            rows.iter().for_each(|row| summing.row(row));
        }
    }
    Ok(summing.finish())
}

/// Takes everything of a tenant out of a database but its entries of the directory.
pub(crate) async fn purge_tenant(tx: &mut Tx, tenant: TenantId) -> Result<()> {
    for table in TABLES.iter().rev() {
        tx.execute_text(format!("DELETE FROM {} WHERE tenant = $1", table.name), values![tenant]).await?;
    }
    Ok(())
}

/// A tenant's rows of one table, page by page.
struct Pages<'a> {
    table: &'a Table,
    sql: String,
    tenant: TenantId,
    /// The key of the last row; none at the end.
    after: Option<Vec<Value>>,
}

impl<'a> Pages<'a> {
    fn of(table: &'a Table, tenant: TenantId) -> Self {
        Self { table, sql: table.select(), tenant, after: Some(table.start()) }
    }

    /// The next rows, or none at the end.
    async fn next(&mut self, tx: &mut Tx) -> Result<Option<Vec<Vec<Value>>>> {
        let Some(after) = self.after.take() else { return Ok(None) };
        let mut values = values![self.tenant];
        values.extend(after);
        let rows = tx.rows_text(self.sql.clone(), values).await?;
        let rows = rows.iter().map(|row| self.table.read(row)).collect::<Result<Vec<_>>>()?;
        let Some(last) = rows.last() else { return Ok(None) };
        // A table that is keyed by the tenant alone has one row.
        if !self.table.key.is_empty() {
            self.after = Some(last[..self.table.key.len()].to_vec());
        }
        Ok(Some(rows))
    }
}

/// Looks whether the list above is what the database has: a later program may have added what a copy made here
/// would lack.
async fn check_columns(tx: &mut Tx) -> Result<()> {
    for table in TABLES {
        let sql = if tx.is_postgres() {
            "SELECT column_name::TEXT FROM information_schema.columns
             WHERE table_schema = current_schema() AND table_name = $1"
        } else {
            "SELECT name FROM pragma_table_info($1)"
        };
        let rows = tx.rows(sql, values![table.name]).await?;
        let mut there = rows.iter().map(|row| row.text(0)).collect::<Result<Vec<String>>>()?;
        // What is not a fact: whose it is, and whether it is being moved.
        there.retain(|name| name != "tenant" && name != "closed");
        there.sort();
        let mut listed: Vec<&str> = table.columns().map(|(name, _)| *name).collect();
        listed.sort_unstable();
        if there != listed {
            return Err(Error::Unusable(format!(
                "the table {} has other columns than this program knows ({}); use the newest program",
                table.name,
                there.join(", ")
            )));
        }
    }
    Ok(())
}
