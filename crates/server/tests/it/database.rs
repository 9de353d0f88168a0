//! A fresh database for each test.

use std::path::Path;

use sqlx::Connection as _;

/// Which database a test binary is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// The URL of a database that nobody has used: a file in that folder, or a schema of its own.
pub async fn fresh(folder: &Path) -> String {
    of_kind(crate::KIND, folder).await
}

/// As [`fresh`], of either kind.
pub async fn of_kind(kind: Kind, folder: &Path) -> String {
    match kind {
        Kind::Sqlite => {
            let name =
                (1..).map(|n| format!("server-{n}.db")).find(|name| !folder.join(name).exists()).unwrap();
            format!("sqlite:{}", folder.join(name).display())
        }
        Kind::Postgres => {
            let port = crate::cluster::port();
            let mut random = [0; 8];
            getrandom::fill(&mut random).unwrap();
            let schema = format!("test_{:016x}", u64::from_be_bytes(random));
            script(&crate::cluster::url(port), &format!("CREATE SCHEMA {schema}")).await;
            format!("{}&options[search_path]={schema}", crate::cluster::url(port))
        }
    }
}

/// Runs statements on a database behind the server's back.
pub async fn script(url: &str, script: &str) {
    let script = sqlx::AssertSqlSafe(script.to_owned());
    if let Some(path) = url.strip_prefix("sqlite:") {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql(script).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    } else {
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql(script).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

/// Somebody else who holds everything that writers need.
pub enum Held {
    Sqlite(sqlx::SqliteConnection),
    Postgres(sqlx::PgConnection),
}

impl Held {
    pub async fn take(url: &str) -> Self {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
            let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
            sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
            return Self::Sqlite(connection);
        }
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql("BEGIN; SELECT 1 FROM tenant FOR UPDATE").execute(&mut connection).await.unwrap();
        Self::Postgres(connection)
    }

    pub async fn give_back(self) {
        match self {
            Self::Sqlite(connection) => connection.close().await.unwrap(),
            Self::Postgres(connection) => connection.close().await.unwrap(),
        }
    }
}
