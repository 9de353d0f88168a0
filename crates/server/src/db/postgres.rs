//! PostgreSQL: connections, and what each of them insists on.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, Executor as _, PgConnection};

use super::{Db, Row, Tx};
use crate::error::{Error, Result};
use crate::vault::Vault;

/// How long a request waits for a connection. Short: a database that is away is then said to be away, and the
/// device tries again.
const ACQUIRE: Duration = Duration::from_secs(3);
/// Writing connections of one process. The writers of one tenant go one after the other anyway.
const WRITERS: u32 = 8;
/// Reading connections of one process; one of them listens ([`super::told`]).
const READERS: u32 = 9;
/// A connection that was idle for this long is asked whether it still lives before it is used.
const TRUSTED: Duration = Duration::from_secs(1);
/// The oldest version that is taken.
const VERSION_MIN: i64 = 15_00_00;

/// What every connection insists on. Its name says which tables are open, and by whom. A writer waits as long for another one as on SQLite; a connection whose
/// process has gone without a word gives its locks back; a commit is durable whatever the server's default.
const SESSION: &str = "SET lock_timeout = '5s'; SET statement_timeout = '60s'; \
     SET idle_in_transaction_session_timeout = '60s'; SET synchronous_commit = on; SET timezone = 'UTC'; \
     SET client_min_messages = warning; SET standard_conforming_strings = on; \
     SELECT set_config('application_name',
         'stempel ' || left(current_schema(), 32) || ' ' || current_setting('application_name'), false)";

/// Opens the database that the URL names.
pub(super) async fn open(url: String) -> Result<Db> {
    let options = PgConnectOptions::from_str(&url).map_err(|error| {
        Error::refused(
            "database-url",
            400,
            "This database cannot be used",
            format!("“{}” is not understood: {error}.", without_password(&url)),
        )
    })?;
    let options = options.application_name(&process_name()).statement_cache_capacity(200);
    let pool = |connections: u32| {
        PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE)
            .idle_timeout(Duration::from_secs(300))
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move { Ok(meta.idle_for < TRUSTED || connection.ping().await.is_ok()) })
            })
            .after_connect(|connection, _| {
                Box::pin(async move {
                    connection.execute(SESSION).await?;
                    Ok(())
                })
            })
    };
    // The first connection is made by hand: its error says more than a pool's.
    let mut first = PgConnection::connect_with(&options).await.map_err(|error| opening(&url, error))?;
    check(&mut first).await?;
    first.close().await?;
    Ok(Db::Postgres {
        write: pool(WRITERS).connect_lazy_with(options.clone()),
        read: pool(READERS).connect_lazy_with(options),
        url,
        vault: Vault::default(),
    })
}

/// A name that no other opening of a database has.
fn process_name() -> String {
    // Numbers of processes repeat from one machine to the next.
    let random: [u8; 8] = stempel_domain::ports::draw(&mut crate::system::SystemEntropy);
    format!("{:016x}", u64::from_be_bytes(random))
}

/// Moves every table of the current schema into a new one. The names of indexes go with them.
pub(super) async fn set_aside(tx: &mut Tx, schema: &str) -> Result<()> {
    // A process that has the database open would go on with what it thinks it knows.
    let others = tx
        .row(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database()
             AND starts_with(application_name, 'stempel ' || left(current_schema(), 32) || ' ')
             AND application_name <> current_setting('application_name')",
            Vec::new(),
        )
        .await?;
    if others.map_or(Ok(0), |row| row.int(0))? > 0 {
        return Err(Error::refused(
            "in-use",
            409,
            "The database is in use",
            "Stop every server that has it open, then try again.",
        ));
    }
    tx.execute_text(format!("CREATE SCHEMA \"{schema}\""), Vec::new()).await?;
    let tables = tx
        .rows("SELECT tablename::TEXT FROM pg_tables WHERE schemaname = current_schema()", Vec::new())
        .await?;
    for table in tables {
        tx.execute_text(format!("ALTER TABLE \"{}\" SET SCHEMA \"{schema}\"", table.text(0)?), Vec::new())
            .await?;
    }
    Ok(())
}

/// Refuses a server that cannot keep what is given to it.
async fn check(connection: &mut PgConnection) -> Result<()> {
    let row = sqlx::query(
        "SELECT current_setting('server_version_num')::BIGINT, current_setting('server_encoding')",
    )
    .fetch_one(connection)
    .await?;
    let row = Row::Postgres(row);
    let version = row.int(0)?;
    if version < VERSION_MIN {
        return Err(Error::Unusable(format!(
            "this is PostgreSQL {}; version 15 or later is needed",
            version / 10_000
        )));
    }
    let encoding = row.text(1)?;
    if encoding != "UTF8" {
        return Err(Error::Unusable(format!(
            "the database keeps text as {encoding}; make one with ENCODING 'UTF8'"
        )));
    }
    Ok(())
}

fn opening(url: &str, error: sqlx::Error) -> Error {
    let shown = without_password(url);
    match error {
        sqlx::Error::Tls(error) => Error::Unusable(format!("{shown}: no TLS: {error}")),
        sqlx::Error::Io(error) => Error::Unusable(format!("{shown} cannot be reached: {error}")),
        error => match Error::from(error) {
            Error::Unusable(what) => Error::Unusable(format!("{shown}: {what}")),
            other => other,
        },
    }
}

/// A URL as people may see it.
pub(crate) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let shown = match authority.rsplit_once('@') {
        Some((user, host)) => {
            let name = user.split_once(':').map_or(user, |(name, _)| name);
            format!("{scheme}://{name}@{host}{tail}")
        }
        None => url.to_owned(),
    };
    // A password may also stand among the parameters.
    match shown.split_once('?') {
        Some((front, parameters)) => {
            let kept: Vec<&str> = parameters
                .split('&')
                .filter(|part| !part.to_ascii_lowercase().contains("password"))
                .collect();
            if kept.is_empty() { front.to_owned() } else { format!("{front}?{}", kept.join("&")) }
        }
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            ("postgres://ada:secret@host:5432/shop", "postgres://ada@host:5432/shop"),
            (
                "postgres://ada:se%40cret@host/shop?sslmode=require",
                "postgres://ada@host/shop?sslmode=require",
            ),
            ("postgres://host/shop?user=ada&password=secret", "postgres://host/shop?user=ada"),
            ("postgres://host/shop?password=secret", "postgres://host/shop"),
            ("postgres://ada:s@cret@host/shop", "postgres://ada@host/shop"),
            ("sqlite:there.db", "sqlite:there.db"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
