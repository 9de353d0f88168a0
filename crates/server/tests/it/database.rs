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

/// Whether the bytes stand anywhere in a database: in a file of SQLite or of those beside it, in the dump of PostgreSQL
/// as text or in hexadecimal digits.
pub async fn holds(url: &str, bytes: &[u8]) -> bool {
    let within = |text: &[u8], part: &[u8]| text.windows(part.len()).any(|window| window == part);
    if let Some(path) = url.strip_prefix("sqlite:") {
        let files = ["", "-wal", "-shm"].map(|end| std::fs::read(format!("{path}{end}")).unwrap_or_default());
        assert!(!files[0].is_empty(), "the test looks in the right place");
        return files.iter().any(|file| within(file, bytes));
    }
    let dump = crate::cluster::dump(url);
    assert!(within(&dump, b"schema_version"), "the test looks in the right place");
    within(&dump, bytes) || within(&dump, data_encoding::HEXLOWER.encode(bytes).as_bytes())
}

/// Keeps a copy of a database as whoever looks after it would, and gives what puts it back, for when nobody has it open.
pub async fn copy(url: &str) -> Vec<u8> {
    match url.strip_prefix("sqlite:") {
        Some(path) => {
            script(url, "PRAGMA wal_checkpoint(TRUNCATE)").await;
            std::fs::read(path).unwrap()
        }
        None => crate::cluster::dump(url),
    }
}

/// Puts a copy in the place of a database.
pub async fn put_back(url: &str, copy: &[u8]) {
    match url.strip_prefix("sqlite:") {
        Some(path) => {
            ["-wal", "-shm"].iter().for_each(|end| drop(std::fs::remove_file(format!("{path}{end}"))));
            std::fs::write(path, copy).unwrap();
        }
        None => {
            script(url, &format!("DROP SCHEMA {} CASCADE", crate::cluster::schema(url))).await;
            crate::cluster::load(copy);
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

/// The first column of an answer, as bytes.
pub async fn bytes(url: &str, sql: &str) -> Vec<Vec<u8>> {
    let sql = sqlx::AssertSqlSafe(sql.to_owned());
    if let Some(path) = url.strip_prefix("sqlite:") {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
        let rows = sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        rows
    } else {
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        let rows = sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        rows
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

/// A cable between a server and its PostgreSQL that can be cut and mended. SQLite has none.
pub struct Cable {
    port: u16,
    whole: tokio::sync::watch::Sender<bool>,
}

impl Cable {
    pub async fn lay() -> Option<Self> {
        if crate::KIND == Kind::Sqlite {
            return None;
        }
        let there = crate::cluster::port();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (whole, state) = tokio::sync::watch::channel(true);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut state = state.clone();
                if !*state.borrow() {
                    // Dropping it ends the connection at once.
                    continue;
                }
                tokio::spawn(async move {
                    let Ok(mut far) = tokio::net::TcpStream::connect(("127.0.0.1", there)).await else {
                        return;
                    };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = state.wait_for(|whole| !whole) => {}
                    }
                });
            }
        });
        Some(Self { port, whole })
    }

    /// The URL of the same database at this end of the cable.
    pub fn through(&self, url: &str) -> String {
        url.replace(&format!(":{}/", crate::cluster::port()), &format!(":{}/", self.port))
    }

    pub fn cut(&self) {
        self.whole.send_replace(false);
    }

    pub fn mend(&self) {
        self.whole.send_replace(true);
    }
}

/// Lets a disk be full later on; called before the database is opened.
pub fn prepare_disk() {
    if crate::KIND == Kind::Sqlite {
        stempel_faultfs::install().unwrap();
    }
}

/// Makes the database say that its disk is full.
pub async fn fill_disk(url: &str) {
    if let Some(path) = url.strip_prefix("sqlite:") {
        let plan = stempel_faultfs::Plan { at: 1, how: stempel_faultfs::How::Full, seed: 1 };
        return stempel_faultfs::arm(Path::new(path).parent().unwrap(), plan);
    }
    let full = "CREATE FUNCTION full_disk() RETURNS TRIGGER LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;
        CREATE TRIGGER full_disk BEFORE INSERT ON event EXECUTE FUNCTION full_disk()";
    script(url, full).await;
}

pub async fn empty_disk(url: &str) {
    if let Some(path) = url.strip_prefix("sqlite:") {
        stempel_faultfs::disarm(Path::new(path).parent().unwrap()).unwrap();
        return;
    }
    script(url, "DROP FUNCTION full_disk CASCADE").await;
}
