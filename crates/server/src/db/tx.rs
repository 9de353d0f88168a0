//! A transaction: statements with `$n`, lists of keys, and inserts of many rows, each in the way that its
//! database does best.

use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, AssertSqlSafe, Postgres, SqlSafeStr, Sqlite};

use super::{Row, Value};
use crate::error::{Error, Result};
use crate::vault::Vault;

/// A transaction. Dropping it without [`Tx::commit`] undoes everything.
#[derive(Debug)]
pub(crate) struct Tx {
    open: Open,
    vault: Vault,
}

/// A transaction of a driver.
#[derive(Debug)]
pub(super) enum Open {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

/// Keys of one statement with a list of them.
const LIST_MAX: usize = 256;
/// Rows of one multi-row insert: few different statements, so that they stay prepared.
const INSERT_ROWS: [usize; 5] = [256, 64, 16, 4, 1];

impl Tx {
    pub(super) fn new(open: Open, vault: &Vault) -> Self {
        Self { open, vault: vault.clone() }
    }

    /// How secrets are stored in this database.
    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Whether it speaks PostgreSQL.
    pub(super) fn is_postgres(&self) -> bool {
        matches!(self.open, Open::Postgres(_))
    }

    /// Runs a statement and says how many rows it changed.
    pub(crate) async fn execute(&mut self, sql: &'static str, values: Vec<Value>) -> Result<u64> {
        self.change(sql, values).await
    }

    /// As [`Tx::execute`], for a statement that was put together here.
    pub(crate) async fn execute_text(&mut self, sql: String, values: Vec<Value>) -> Result<u64> {
        self.change(AssertSqlSafe(sql), values).await
    }

    async fn change(&mut self, sql: impl SqlSafeStr, values: Vec<Value>) -> Result<u64> {
        Ok(match &mut self.open {
            Open::Sqlite(tx) => {
                sqlx::query_with(sql, sqlite(values)?).execute(&mut **tx).await?.rows_affected()
            }
            Open::Postgres(tx) => {
                sqlx::query_with(sql, postgres(values)?).execute(&mut **tx).await?.rows_affected()
            }
        })
    }

    /// Runs several statements without values: a migration.
    pub(crate) async fn execute_script(&mut self, script: String) -> Result<()> {
        let script = sqlx::raw_sql(AssertSqlSafe(script));
        match &mut self.open {
            Open::Sqlite(tx) => script.execute(&mut **tx).await.map(|_| ())?,
            Open::Postgres(tx) => script.execute(&mut **tx).await.map(|_| ())?,
        }
        Ok(())
    }

    /// Fetches all rows of an answer. The statement says its own bound.
    pub(crate) async fn rows(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>> {
        self.all(sql, values).await
    }

    /// As [`Tx::rows`], for a statement that was put together here.
    pub(crate) async fn rows_text(&mut self, sql: String, values: Vec<Value>) -> Result<Vec<Row>> {
        self.all(AssertSqlSafe(sql), values).await
    }

    async fn all(&mut self, sql: impl SqlSafeStr, values: Vec<Value>) -> Result<Vec<Row>> {
        Ok(match &mut self.open {
            Open::Sqlite(tx) => {
                let rows = sqlx::query_with(sql, sqlite(values)?).fetch_all(&mut **tx).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Open::Postgres(tx) => {
                let rows = sqlx::query_with(sql, postgres(values)?).fetch_all(&mut **tx).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// Fetches one row, if there is one.
    pub(crate) async fn row(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Option<Row>> {
        self.one(sql, values).await
    }

    /// Fetches one row and keeps others from changing it until the transaction ends.
    pub(crate) async fn locked_row(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Option<Row>> {
        self.row_locked(sql, "FOR UPDATE", values).await
    }

    /// As [`Tx::locked_row`], but passes over rows that others have locked.
    pub(crate) async fn free_row(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Option<Row>> {
        self.row_locked(sql, "FOR UPDATE SKIP LOCKED", values).await
    }

    async fn row_locked(&mut self, sql: &'static str, lock: &str, values: Vec<Value>) -> Result<Option<Row>> {
        // A writing transaction of SQLite is alone already.
        if !self.is_postgres() {
            return self.row(sql, values).await;
        }
        self.one(AssertSqlSafe(format!("{sql} {lock}")), values).await
    }

    async fn one(&mut self, sql: impl SqlSafeStr, values: Vec<Value>) -> Result<Option<Row>> {
        Ok(match &mut self.open {
            Open::Sqlite(tx) => {
                let row = sqlx::query_with(sql, sqlite(values)?).fetch_optional(&mut **tx).await?;
                row.map(Row::Sqlite)
            }
            Open::Postgres(tx) => {
                let row = sqlx::query_with(sql, postgres(values)?).fetch_optional(&mut **tx).await?;
                row.map(Row::Postgres)
            }
        })
    }

    /// Fetches the rows whose key is in a list: `sql` ends with the key's column, and has the values of `fixed`
    /// as its first placeholders. The column stands in an index, or the keys are few.
    pub(crate) async fn rows_in(
        &mut self,
        sql: &'static str,
        fixed: Vec<Value>,
        mut keys: Vec<Value>,
    ) -> Result<Vec<Row>> {
        keys.sort_unstable();
        keys.dedup();
        let mut found = Vec::new();
        for chunk in keys.chunks(LIST_MAX) {
            let mut values = fixed.clone();
            match &mut self.open {
                Open::Sqlite(tx) => {
                    // Padded by the last key to a power of two: few different statements.
                    let wanted = chunk.len().next_power_of_two();
                    let padding = std::iter::repeat(&chunk[chunk.len() - 1]);
                    values.extend(chunk.iter().chain(padding).take(wanted).cloned());
                    let places: Vec<String> = (1..=wanted).map(|n| format!("${}", n + fixed.len())).collect();
                    let text = AssertSqlSafe(format!("{sql} IN ({})", places.join(", ")));
                    let rows = sqlx::query_with(text, sqlite(values)?).fetch_all(&mut **tx).await?;
                    found.extend(rows.into_iter().map(Row::Sqlite));
                }
                Open::Postgres(tx) => {
                    // Each key is looked up by itself: while PostgreSQL knows little of a tenant, of a list it would read all
                    // that the tenant has. The offset keeps it from making a list of them again.
                    let (n, kind) = (fixed.len() + 1, chunk[0].postgres_type());
                    let text = AssertSqlSafe(format!(
                        "SELECT found.* FROM UNNEST(${n}::{kind}[]) AS wanted (one)
                         CROSS JOIN LATERAL ({sql} = wanted.one OFFSET 0) AS found"
                    ));
                    let mut arguments = postgres(values)?;
                    add_column(&mut arguments, chunk.to_vec())?;
                    let rows = sqlx::query_with(text, arguments).fetch_all(&mut **tx).await?;
                    found.extend(rows.into_iter().map(Row::Postgres));
                }
            }
        }
        Ok(found)
    }

    /// Inserts many rows: `head` ends before `VALUES`, `tail` is what stands after them, and `values` holds
    /// `width` values for each row. No two of the rows have the same key.
    pub(crate) async fn insert_all(
        &mut self,
        head: &str,
        tail: &'static str,
        width: usize,
        values: Vec<Value>,
    ) -> Result<()> {
        match &mut self.open {
            Open::Sqlite(tx) => insert_sqlite(tx, head, tail, width, values).await,
            Open::Postgres(tx) => insert_postgres(tx, head, tail, width, values).await,
        }
    }

    /// Allows a piece of work that takes long: copying a tenant.
    pub(crate) async fn take_time(&mut self) -> Result<()> {
        if self.is_postgres() {
            self.execute("SET LOCAL idle_in_transaction_session_timeout = 0", Vec::new()).await?;
            self.execute("SET LOCAL statement_timeout = 0", Vec::new()).await?;
        }
        Ok(())
    }

    /// Makes everything durable.
    pub(crate) async fn commit(self) -> Result<()> {
        match self.open {
            Open::Sqlite(tx) => Ok(tx.commit().await?),
            Open::Postgres(tx) => Ok(tx.commit().await?),
        }
    }
}

/// SQLite likes statements of a few lengths with a value at each place.
async fn insert_sqlite(
    tx: &mut sqlx::Transaction<'static, Sqlite>,
    head: &str,
    tail: &str,
    width: usize,
    values: Vec<Value>,
) -> Result<()> {
    let mut left = values.len() / width;
    let mut values = values.into_iter();
    while left > 0 {
        let rows = INSERT_ROWS.into_iter().find(|&rows| rows <= left).unwrap_or(1);
        left -= rows;
        let group = |row: usize| {
            let places: Vec<String> = (1..=width).map(|n| format!("${}", row * width + n)).collect();
            format!("({})", places.join(", "))
        };
        let groups: Vec<String> = (0..rows).map(group).collect();
        let text = format!("{head} VALUES {} {tail}", groups.join(", "));
        let chunk: Vec<Value> = values.by_ref().take(rows * width).collect();
        sqlx::query_with(AssertSqlSafe(text), sqlite(chunk)?).execute(&mut **tx).await?;
    }
    Ok(())
}

/// PostgreSQL takes each column as one array: one statement, however many rows.
async fn insert_postgres(
    tx: &mut sqlx::Transaction<'static, Postgres>,
    head: &str,
    tail: &str,
    width: usize,
    values: Vec<Value>,
) -> Result<()> {
    if values.is_empty() {
        return Ok(());
    }
    let rows = values.len() / width;
    let mut columns: Vec<Vec<Value>> = (0..width).map(|_| Vec::with_capacity(rows)).collect();
    for (index, value) in values.into_iter().enumerate() {
        columns[index % width].push(value);
    }
    let types: Vec<String> = columns
        .iter()
        .zip(1..)
        .map(|(column, n)| format!("${n}::{}[]", column.first().map_or("BIGINT", Value::postgres_type)))
        .collect();
    let text = format!("{head} SELECT * FROM UNNEST({}) {tail}", types.join(", "));
    let mut arguments = PgArguments::default();
    for column in columns {
        add_column(&mut arguments, column)?;
    }
    sqlx::query_with(AssertSqlSafe(text), arguments).execute(&mut **tx).await?;
    Ok(())
}

/// Adds values of one type as an array.
fn add_column(arguments: &mut PgArguments, column: Vec<Value>) -> Result<()> {
    let mixed = || Error::Damaged("a column has values of several types".to_owned());
    let done = match column.first() {
        None | Some(Value::Int(_)) => {
            let values = column.into_iter().map(|value| match value {
                Value::Int(value) => Ok(value),
                _ => Err(mixed()),
            });
            arguments.add(values.collect::<Result<Vec<Option<i64>>>>()?)
        }
        Some(Value::Bytes(_)) => {
            let values = column.into_iter().map(|value| match value {
                Value::Bytes(value) => Ok(value),
                _ => Err(mixed()),
            });
            arguments.add(values.collect::<Result<Vec<Option<Vec<u8>>>>>()?)
        }
        Some(Value::Text(_)) => {
            let values = column.into_iter().map(|value| match value {
                Value::Text(value) => Ok(value),
                _ => Err(mixed()),
            });
            arguments.add(values.collect::<Result<Vec<Option<String>>>>()?)
        }
    };
    done.map_err(|error| Error::Database(sqlx::Error::Encode(error)))
}

fn sqlite(values: Vec<Value>) -> Result<SqliteArguments> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        match value {
            Value::Int(value) => arguments.add(value),
            Value::Bytes(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
        }
        .map_err(|error| Error::Database(sqlx::Error::Encode(error)))?;
    }
    Ok(arguments)
}

fn postgres(values: Vec<Value>) -> Result<PgArguments> {
    let mut arguments = PgArguments::default();
    for value in values {
        match value {
            Value::Int(value) => arguments.add(value),
            Value::Bytes(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
        }
        .map_err(|error| Error::Database(sqlx::Error::Encode(error)))?;
    }
    Ok(arguments)
}
