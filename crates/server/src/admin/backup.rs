//! Backup and restore.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use stempel_domain::AuthorId;
use stempel_domain::ports::{Clock, Entropy};

use crate::author;
use crate::db::{Db, check_alone, sqlite_path, values};
use crate::enroll::short_name;
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::{self, Tenant};

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// Where the database that was there before was put, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<PathBuf>,
    /// How many tenants begin a new history.
    pub tenants: usize,
}

impl Server {
    /// Writes the whole database as it is at one moment to a new file, while others go on writing. The file
    /// holds keys in clear: keep it where only the owner gets at it.
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
        let _ = fs::remove_file(&part);
        let done = self.db().copy_to(&part).await.and_then(|()| {
            keep_private(&part)?;
            sync(&part)?;
            fs::rename(&part, file).map_err(Error::io(format!("cannot write {}", file.display())))
        });
        if done.is_err() {
            let _ = fs::remove_file(&part);
        }
        done
    }
}

/// Puts a backup in the place of a database that nobody has open. The database that was there is kept beside
/// it. Every tenant begins a new epoch, so that devices bring the server up to date again, and the server goes
/// on as a new author: what it wrote after the backup is lost here but may be known elsewhere, and no number
/// of a journal stands for two events.
pub async fn restore(
    file: &Path,
    url: &str,
    clock: Arc<dyn Clock>,
    entropy: Box<dyn Entropy>,
) -> Result<Restored> {
    let target = sqlite_path(url)?;
    let fresh = beside(&target, ".restoring");
    for left in [fresh.clone(), beside(&fresh, "-wal"), beside(&fresh, "-shm")] {
        let _ = fs::remove_file(left);
    }
    fs::copy(file, &fresh).map_err(Error::io(format!("cannot copy {}", file.display())))?;
    let prepared = prepare(&fresh, clock, entropy).await;
    let (tenants, name) = match prepared {
        Ok(done) => done,
        Err(error) => {
            let _ = fs::remove_file(&fresh);
            return Err(error);
        }
    };
    let before = set_aside(&target, &name).await?;
    fs::rename(&fresh, &target).map_err(Error::io(format!("cannot write {}", target.display())))?;
    Ok(Restored { before, tenants })
}

/// Gives every tenant a new epoch and the server a new identity as an author, in the copy.
async fn prepare(fresh: &Path, clock: Arc<dyn Clock>, entropy: Box<dyn Entropy>) -> Result<(usize, String)> {
    check_alone(fresh).await?;
    let db = Db::open(&format!("sqlite:{}", fresh.display())).await?;
    let server = Server::open(db, clock, entropy);
    let tenants = server.tenants().await?;
    for info in &tenants {
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
        let mut tenant = Tenant::lock(&mut tx, info.id).await?;
        author::append(&mut tx, &mut tenant, moment, Vec::new(), &[]).await?;
        tenant.save_head(&mut tx).await?;
        tx.commit().await?;
    }
    let name = short_name(&server.random::<5>());
    server.db().close().await;
    // The whole copy is in the one file from here on.
    check_alone(fresh).await?;
    keep_private(fresh)?;
    sync(fresh)?;
    Ok((tenants.len(), name))
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
