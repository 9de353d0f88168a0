//! Backup and restore. A backup is a file of SQLite whatever the database is: it can be restored into either.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use stempel_domain::ports::{Clock, Entropy};
use stempel_domain::{AuthorId, TenantId};

use super::programmes;
use crate::author;
use crate::db::{Db, Place, Tx, check_alone, copy_tenant, values};
use crate::enroll::short_name;
use crate::error::{Error, Result};
use crate::people::{self, Line};
use crate::server::Server;
use crate::tenant::{self, Tenant};
use crate::vault;

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// Where what was there before was put, if there was something: a file, or a schema of PostgreSQL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<PathBuf>,
    /// How many tenants begin a new history.
    pub tenants: usize,
}

impl Server {
    /// Writes the whole home database as it is at one moment to a new file, while others go on writing. Its secrets are
    /// as in the database: wrapped, where there is a key file, which is not in it.
    pub async fn backup(&self, file: &Path) -> Result<()> {
        if file.exists() {
            return Err(Error::refused(
                "file-exists",
                409,
                "There is a file of this name",
                format!("{} is left as it is; choose another name.", file.display()),
            ));
        }
        let part = beside(file, ".part");
        remove(&part);
        let done = match self.db() {
            Db::Sqlite { .. } => self.db().copy_file(&part).await,
            Db::Postgres { .. } => self.write_out(&part).await,
        };
        let done = done.and_then(|()| {
            keep_private(&part)?;
            sync(&part)?;
            fs::rename(&part, file).map_err(Error::io(format!("cannot write {}", file.display())))
        });
        if done.is_err() {
            remove(&part);
        }
        done
    }

    /// Copies every tenant of this database, as it is at one moment, into a new file.
    async fn write_out(&self, file: &Path) -> Result<()> {
        let target = Db::open(&format!("sqlite:{}", file.display())).await?;
        let written = async {
            let mut from = self.db().read().await?;
            from.take_time().await?;
            let mut to = target.write().await?;
            copy_all(&mut from, &mut to).await?;
            to.commit().await
        }
        .await;
        target.close().await;
        written?;
        // The whole copy is in the one file from here on.
        check_alone(file).await
    }
}

/// Copies every tenant that is open here, and where the others are.
async fn copy_all(from: &mut Tx, to: &mut Tx) -> Result<usize> {
    let rows = from.rows("SELECT tenant FROM tenant WHERE closed = 0 ORDER BY tenant", Vec::new()).await?;
    let tenants = rows.iter().map(|row| row.id(0)).collect::<Result<Vec<TenantId>>>()?;
    for tenant in &tenants {
        copy_tenant(from, to, *tenant).await?;
    }
    for row in from.rows("SELECT tenant, url, moved_ms FROM placement ORDER BY tenant", Vec::new()).await? {
        let tenant: TenantId = row.id(0)?;
        to.execute(
            "INSERT INTO placement (tenant, url, moved_ms) VALUES ($1, $2, $3)",
            values![tenant, row.text(1)?, row.int(2)?],
        )
        .await?;
        crate::db::copy_directory(from, to, tenant).await?;
    }
    Ok(tenants.len())
}

/// Puts a backup in the place of a database that nobody has open. What was there is kept beside it. Every tenant
/// begins a new epoch, so that devices bring the server up to date again, and the server goes on as a new
/// author: what it wrote after the backup is lost here but may be known elsewhere, and no number of a journal
/// stands for two events. Whoever was forgotten since the backup is forgotten in it before anybody opens it.
///
/// `keys` is the file with the wrapping key, where it does not stand beside a file of SQLite; the list of erasures of a
/// PostgreSQL database is beside it.
///
/// # Errors
/// If the secrets in it are wrapped and the file with their key is not there or is another one's, nothing is changed.
pub async fn restore(
    file: &Path,
    url: &str,
    keys: Option<&Path>,
    clock: Arc<dyn Clock>,
    entropy: Box<dyn Entropy>,
) -> Result<Restored> {
    match Place::of(url)? {
        Place::File(target) => {
            let fresh = beside(&target, ".restoring");
            let mut forgotten = people::read_list(&people::list_beside(&target))?;
            if target.exists() {
                forgotten.extend(known_here(&target).await);
            }
            let unlock = Unlock { named: keys, place: Some(&target) };
            let (tenants, name) = prepare(file, &fresh, unlock, clock, entropy, &forgotten).await?;
            let before = set_aside(&target, &name).await?;
            fs::rename(&fresh, &target).map_err(Error::io(format!("cannot write {}", target.display())))?;
            Ok(Restored { before, tenants })
        }
        Place::Postgres(url) => {
            let fresh = beside(file, ".restoring");
            let there = Db::open(&url).await?;
            let forgotten = erasures(&there).await;
            there.close().await;
            let mut forgotten = forgotten?;
            if let Some(keys) = keys {
                forgotten.extend(people::read_list(&people::list_by_keys(keys))?);
            }
            let unlock = Unlock { named: keys, place: None };
            let (tenants, name) = prepare(file, &fresh, unlock, clock, entropy, &forgotten).await?;
            let loaded = load(&fresh, &url, &name).await;
            remove(&fresh);
            Ok(Restored { before: loaded?.map(PathBuf::from), tenants })
        }
    }
}

/// What opens the secrets of a copy: a key file that was named, or the one beside the place where it is to be.
#[derive(Clone, Copy)]
struct Unlock<'a> {
    named: Option<&'a Path>,
    place: Option<&'a Path>,
}

/// Makes a private copy of the file in which every tenant has a new epoch and the server a new identity.
async fn prepare(
    file: &Path,
    fresh: &Path,
    unlock: Unlock<'_>,
    clock: Arc<dyn Clock>,
    entropy: Box<dyn Entropy>,
    forgotten: &BTreeSet<Line>,
) -> Result<(usize, String)> {
    remove(fresh);
    crate::db::make_private(fresh)?;
    let prepared = async {
        fs::copy(file, fresh).map_err(Error::io(format!("cannot copy {}", file.display())))?;
        keep_private(fresh)?;
        begin_anew(fresh, unlock, clock, entropy, forgotten).await
    }
    .await;
    if prepared.is_err() {
        remove(fresh);
    }
    prepared
}

async fn begin_anew(
    fresh: &Path,
    unlock: Unlock<'_>,
    clock: Arc<dyn Clock>,
    entropy: Box<dyn Entropy>,
    forgotten: &BTreeSet<Line>,
) -> Result<(usize, String)> {
    check_alone(fresh).await?;
    let db = Db::open(&format!("sqlite:{}", fresh.display())).await?;
    vault::lend(&db, unlock.named, unlock.place).await?;
    let server = Server::open(db, clock, entropy);
    let mut tenants = 0;
    for info in server.tenants().await?.into_iter().filter(|info| info.here) {
        tenants += 1;
        let moment = server.moment();
        let author = AuthorId::from_time(moment.utc_ms, server.random());
        let mut tx = server.db().write().await?;
        tx.execute(
            "UPDATE tenant SET epoch = $2, server = $3 WHERE tenant = $1",
            values![info.id, server.new_epoch(), author],
        )
        .await?;
        tenant::enter(&mut tx, "author", &author.0, info.id).await?;
        // Codes from before the backup may have been used since.
        tx.execute(
            "UPDATE invite SET expires_ms = 0 WHERE tenant = $1 AND used_ms IS NULL",
            values![info.id],
        )
        .await?;
        programmes::leap_versions(&mut tx, info.id, moment.utc_ms).await?;
        let mut tenant = Tenant::lock(&mut tx, info.id).await?;
        author::append(&mut tx, &mut tenant, moment, Vec::new(), &[]).await?;
        let members = forgotten.iter().filter(|line| line.tenant == info.id).map(|line| line.member);
        people::forget_again(&mut tx, &mut tenant, moment, members).await?;
        tenant.save_head(&mut tx).await?;
        tx.commit().await?;
    }
    server.db().rewrite_keys().await?;
    let name = short_name(&server.random::<5>());
    server.close().await;
    // The whole copy is in the one file from here on.
    check_alone(fresh).await?;
    keep_private(fresh)?;
    sync(fresh)?;
    Ok((tenants, name))
}

/// Who was forgotten, as the database says that is to be replaced. A damaged one says nothing; the list beside it does.
async fn known_here(target: &Path) -> BTreeSet<Line> {
    let Ok(()) = check_alone(target).await else { return BTreeSet::new() };
    let Ok(db) = Db::open(&format!("sqlite:{}", target.display())).await else { return BTreeSet::new() };
    let known = erasures(&db).await.unwrap_or_default();
    db.close().await;
    known
}

/// Everybody who was forgotten.
async fn erasures(db: &Db) -> Result<BTreeSet<Line>> {
    let mut tx = db.read().await?;
    let rows = tx.rows("SELECT tenant, member FROM erasure ORDER BY tenant, member", Vec::new()).await?;
    rows.iter().map(|row| Ok(Line { tenant: row.id(0)?, member: row.id(1)? })).collect()
}

/// Puts the tenants of a prepared file in the place of what a PostgreSQL database holds, in one transaction.
async fn load(fresh: &Path, url: &str, name: &str) -> Result<Option<String>> {
    let source = Db::open(&format!("sqlite:{}", fresh.display())).await?;
    let target = Db::open(url).await?;
    let loaded = async {
        let mut from = source.read().await?;
        let mut to = target.write().await?;
        to.take_time().await?;
        let before = target.set_aside(&mut to, &format!("before_{name}")).await?;
        copy_all(&mut from, &mut to).await?;
        to.commit().await?;
        Ok(before)
    }
    .await;
    target.close().await;
    source.close().await;
    loaded
}

/// Moves the database that is there out of the way, unless somebody has it open.
async fn set_aside(target: &Path, name: &str) -> Result<Option<PathBuf>> {
    if !target.exists() {
        return Ok(None);
    }
    match check_alone(target).await {
        // A damaged one is what backups are for.
        Ok(()) | Err(Error::Unusable(_)) => {}
        Err(error) => return Err(error),
    }
    let before = beside(target, &format!(".before-{name}"));
    for end in ["-wal", "-shm", ""] {
        let from = beside(target, end);
        if from.exists() {
            fs::rename(&from, beside(&before, end))
                .map_err(Error::io(format!("cannot move {}", from.display())))?;
        }
    }
    Ok(Some(before))
}

/// Removes a file of SQLite with what stands beside it, if it is there.
fn remove(path: &Path) {
    for end in ["-wal", "-shm", ""] {
        let _ = fs::remove_file(beside(path, end));
    }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn sync(path: &Path) -> Result<()> {
    let cannot = || Error::io(format!("cannot save {}", path.display()));
    fs::OpenOptions::new().write(true).open(path).map_err(cannot())?.sync_all().map_err(cannot())
}

/// Lets nobody but the owner of the process read the file.
fn keep_private(path: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))
            .map_err(Error::io(format!("cannot protect {}", path.display())))?;
    }
    Ok(())
}
