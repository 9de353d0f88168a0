//! What is done about all secrets at once.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::json;
use stempel_domain::event::{Fact, JournalBegun};
use stempel_domain::{AuthorId, TenantId};
use stempel_wire::message::FeedChange;
use stempel_wire::wrap::SECRET_MAX;
use stempel_wire::{PublicKey, SecretKey, WrappingKeys};

use super::{ALL, CARD_KEY, Kept, SERVER_KEY, Vault, file};
use crate::author;
use crate::db::{Db, Tx, values};
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::{self, Tenant};

/// Holds for a secret that is wrapped: it is longer than any that is stored as it is ([`SECRET_MAX`]).
const WRAPPED: &str = "length(secret) > 32";
const _: () = assert!(SECRET_MAX == 32);
/// Secrets wrapped in one transaction.
const FETCH: i64 = 500;

/// What was done about secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeysWrapped {
    /// Where the wrapping key is; none: this database's secrets are stored as they are.
    pub file: Option<PathBuf>,
    /// Secrets that were wrapped just now.
    pub wrapped: u64,
}

/// What was lost with a key file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct KeysLost {
    /// Members' keys that were dropped, and with them the names that they opened.
    pub dropped: u64,
    /// Tenants whose server goes on under a new key: their devices have to be enrolled anew.
    pub tenants: u64,
    /// Second factors of which only the recovery codes are left.
    pub second_factors: u64,
    /// Webhooks that were closed.
    pub webhooks: u64,
}

fn missing(file: &Path) -> Error {
    Error::Unusable(format!(
        "the key file {} is missing, and the secrets of this database are wrapped under it; put a copy of it in its place",
        file.display()
    ))
}

/// A question about the secrets of a kind, over all of them.
async fn any(db: &Db, condition: &str) -> Result<bool> {
    let mut tx = db.read().await?;
    for Kept { table, .. } in ALL {
        let sql = format!("SELECT 1 FROM {table} WHERE {condition} LIMIT 1");
        if !tx.rows_text(sql, Vec::new()).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Opens the secrets of one database with the key that belongs to a place: for a copy that is to be put there. Nothing is
/// changed.
///
/// # Errors
/// If the secrets are wrapped and the file is not there, or is another one's.
pub(crate) async fn lend(db: &Db, named: Option<&Path>, place: Option<&Path>) -> Result<()> {
    let file = named.map(Path::to_owned).or_else(|| place.map(file::of_file));
    if let Some(file) = &file
        && let Some(keys) = file::read(file)?
    {
        db.vault().set(file.clone(), keys);
    } else if any(db, WRAPPED).await? {
        return Err(match file {
            Some(file) => missing(&file),
            None => unnamed(),
        });
    }
    check_opens(db).await
}

fn unnamed() -> Error {
    Error::Unusable(
        "secrets are wrapped under a key in a file; say where it is: --keys FILE, or STEMPEL_KEYS for a command"
            .to_owned(),
    )
}

/// Opens one stored secret of each kind: the file of another server would open none.
async fn check_opens(db: &Db) -> Result<()> {
    let mut tx = db.read().await?;
    for kept in ALL {
        let (columns, table) = (kept.key.join(", "), kept.table);
        let sql = format!("SELECT {columns}, secret FROM {table} WHERE {WRAPPED} LIMIT 1");
        for row in tx.rows_text(sql, Vec::new()).await? {
            let key = key_of(kept, &row)?;
            tx.vault().open(kept, &[&kept.owner_of(&key)], &row.bytes(kept.key.len())?)?;
        }
    }
    Ok(())
}

fn key_of(kept: &Kept, row: &crate::db::Row) -> Result<Vec<Vec<u8>>> {
    (0..kept.key.len()).map(|column| row.bytes(column)).collect()
}

impl Server {
    fn vault(&self) -> &Vault {
        self.db().vault()
    }

    /// Takes the wrapping key from a file (without one from beside a database of SQLite), makes it if there is none, and
    /// wraps what is stored as it is. Whoever is on the list of erasures is forgotten, if an older copy has come into the
    /// database's place. Called once, before anything else is done.
    ///
    /// # Errors
    /// If secrets are wrapped already and the file is not there, nothing is changed: a new key would open none of them.
    pub async fn use_keys(&self, named: Option<&Path>) -> Result<KeysWrapped> {
        let Some(file) = named.map(Path::to_owned).or_else(|| file::beside(self.db())) else {
            if self.has(WRAPPED).await? {
                return Err(unnamed());
            }
            tracing::warn!(
                "no file for the wrapping key is set (--keys) and there is no folder of the server's own: secrets \
                 are stored as they are, and a copy of the database that is put back brings back who was forgotten"
            );
            return Ok(KeysWrapped { file: None, wrapped: 0 });
        };
        let keys = match file::read(&file)? {
            Some(keys) => keys,
            None if self.has(WRAPPED).await? => return Err(missing(&file)),
            None => {
                let keys = self.with_entropy(|entropy| WrappingKeys::generate(entropy));
                file::write(&file, &keys)?;
                tracing::info!(
                    file = %file.display(),
                    "the wrapping key was made; keep a copy of its file in another place than backups of the database"
                );
                keys
            }
        };
        self.vault().set(file.clone(), keys.clone());
        for db in self.databases().await? {
            check_opens(&db).await?;
        }
        let mut wrapped = 0;
        let clear = self.has("length(secret) BETWEEN 1 AND 32").await?;
        if clear || keys.is_rotating() {
            wrapped = self.wrap_all().await?;
        }
        if clear {
            self.rewrite_whole().await?;
        } else if keys.is_rotating() {
            self.rewrite_all().await?;
        }
        if keys.is_rotating() {
            // A rotation that was cut off is at its end now.
            self.drop_old(&file, &keys)?;
        }
        self.forget_listed().await?;
        Ok(KeysWrapped { file: Some(file), wrapped })
    }

    fn drop_old(&self, file: &Path, keys: &WrappingKeys) -> Result<()> {
        let newest = keys.newest();
        file::write(file, &newest)?;
        self.vault().set(file.to_owned(), newest);
        Ok(())
    }

    /// Makes a new wrapping key and wraps every secret under it; then the old one is dropped. Copies of the database that
    /// were made before cannot be opened any more, unless somebody has kept the old file.
    pub async fn rotate_keys(&self) -> Result<KeysWrapped> {
        let ring = self.vault().ring();
        let (Some(file), Some(keys)) = (ring.file.clone(), &ring.keys) else {
            return Err(Error::bad_request("There is no wrapping key; say where its file is: --keys FILE."));
        };
        let rotated = self.with_entropy(|entropy| keys.rotated(entropy));
        file::write(&file, &rotated)?;
        self.vault().set(file.clone(), rotated.clone());
        let wrapped = self.wrap_all().await?;
        self.rewrite_all().await?;
        self.drop_old(&file, &rotated)?;
        Ok(KeysWrapped { file: Some(file), wrapped })
    }

    /// Begins with a new key file where the old one is lost for good. What no file opens any more is dropped: members'
    /// names, and what second factors and webhooks go by. The server goes on as a new author under a new key, and signs new
    /// cards with a new one; cards that are out stay good.
    pub async fn begin_keys_anew(&self, named: Option<&Path>) -> Result<KeysLost> {
        let file = named.map(Path::to_owned).or_else(|| file::beside(self.db()));
        let file =
            file.ok_or_else(|| Error::bad_request("Say where the new key file is to be: --keys FILE."))?;
        if file.exists() {
            return Err(Error::refused(
                "file-exists",
                409,
                "There is a file of this name",
                format!("{} may be the one that opens the keys; it is left as it is.", file.display()),
            ));
        }
        let keys = self.with_entropy(|entropy| WrappingKeys::generate(entropy));
        file::write(&file, &keys)?;
        self.vault().set(file, keys);
        let mut lost = KeysLost::default();
        for db in self.databases().await? {
            let mut tx = db.write().await?;
            let (none, closed) = (|| values![Vec::new()], values![Vec::new(), self.now_ms()]);
            let mut drop_all =
                async |what: &str, values| tx.execute_text(format!("{what} WHERE {WRAPPED}"), values).await;
            lost.dropped += drop_all("DELETE FROM member_key", Vec::new()).await?;
            lost.second_factors += drop_all("UPDATE second_factor SET secret = $1", none()).await?;
            let hooks = "UPDATE webhook SET secret = $1, closed_ms = COALESCE(closed_ms, $2)";
            lost.webhooks += drop_all(hooks, closed).await?;
            drop_all("UPDATE card_key SET secret = $1", none()).await?;
            let sql = format!("SELECT tenant FROM tenant WHERE {WRAPPED} ORDER BY tenant");
            let tenants = tx.rows_text(sql, Vec::new()).await?;
            for row in tenants {
                self.sign_anew(&mut tx, row.id(0)?).await?;
                lost.tenants += 1;
            }
            tx.commit().await?;
        }
        self.wrap_all().await?;
        self.rewrite_all().await?;
        Ok(lost)
    }

    /// Gives a tenant new keys in the place of those that are lost.
    async fn sign_anew(&self, tx: &mut Tx, id: TenantId) -> Result<()> {
        let moment = self.moment();
        let author = AuthorId::from_time(moment.utc_ms, self.random());
        let (key, card_key) =
            self.with_entropy(|entropy| (SecretKey::generate(entropy), SecretKey::generate(entropy)));
        keep_public(tx, id).await?;
        let stored = tx.vault().seal(&SERVER_KEY, &[&id.0], &key.to_bytes())?;
        tx.execute(
            "UPDATE tenant SET server = $2, secret = $3 WHERE tenant = $1",
            values![id, author, stored],
        )
        .await?;
        tenant::enter(tx, "author", &author.0, id).await?;
        let public = card_key.public();
        let stored = tx.vault().seal(&CARD_KEY, &[&id.0, public.as_bytes()], &card_key.to_bytes())?;
        tx.execute(
            "INSERT INTO card_key (tenant, public_key, secret, retired, created_ms) VALUES ($1, $2, $3, 0, $4)",
            values![id, &public.as_bytes()[..], stored, moment.utc_ms],
        )
        .await?;
        let mut tenant = Tenant::lock(tx, id).await?;
        author::append(tx, &mut tenant, moment, Vec::new(), &[]).await?;
        let change = FeedChange::CardKey { key: public, retired: false };
        tenant.publish(tx, "card-key", public.as_bytes(), &change).await?;
        self.note(tx, &tenant, "keys-lost", &id.to_string(), json!({})).await?;
        tenant.save_head(tx).await
    }

    /// Whether a condition holds for a secret in any database.
    async fn has(&self, condition: &'static str) -> Result<bool> {
        for db in self.databases().await? {
            if any(&db, condition).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Wraps every secret that is not wrapped under the key in force.
    async fn wrap_all(&self) -> Result<u64> {
        let mut wrapped = 0;
        for db in self.databases().await? {
            for kept in ALL {
                wrapped += wrap_in(&db, kept).await?;
            }
        }
        Ok(wrapped)
    }

    /// Leaves nothing of what was overwritten in the pages that hold members' keys.
    async fn rewrite_all(&self) -> Result<()> {
        for db in self.databases().await? {
            match db.rewrite_keys().await {
                // Somebody reads: the next erasure or rotation does it again.
                Err(Error::Busy) => {
                    tracing::warn!("the pages of keys that were wrapped are not written anew yet")
                }
                done => done?,
            }
        }
        Ok(())
    }

    /// Leaves nothing of what stood there in clear in any page. Done once: from then on nothing is stored in clear.
    async fn rewrite_whole(&self) -> Result<()> {
        for db in self.databases().await? {
            match db.rewrite_whole().await {
                Err(Error::Busy) => {
                    tracing::warn!(
                        "somebody else has the database open: what stood there in clear may be left in its file; stop every \
                         server, then run “stempel admin rotate-keys”"
                    )
                }
                done => done?,
            }
        }
        Ok(())
    }
}

/// Notes under which key the server wrote its journals so far: they name it in their first rows.
async fn keep_public(tx: &mut Tx, tenant: TenantId) -> Result<()> {
    let rows = tx
        .rows(
            "SELECT e.author, e.bytes FROM event e LEFT JOIN device d ON d.tenant = e.tenant AND d.device = e.author
             WHERE e.tenant = $1 AND e.seq = 1 AND d.device IS NULL ORDER BY e.author",
            values![tenant],
        )
        .await?;
    for row in rows {
        let event = author::stored_event(row.bytes(1)?)?;
        let Fact::JournalBegun(JournalBegun { public_key, .. }) = event.record.fact else { continue };
        let key = PublicKey::parse(&public_key).map_err(|error| Error::Damaged(error.to_string()))?;
        tx.execute(
            "INSERT INTO author_key (tenant, author, seq, public_key) VALUES ($1, $2, 0, $3) ON CONFLICT DO NOTHING",
            values![tenant, event.author, &key.as_bytes()[..]],
        )
        .await?;
    }
    Ok(())
}

/// Wraps the secrets of one kind that are not wrapped under the key in force.
async fn wrap_in(db: &Db, kept: &Kept) -> Result<u64> {
    let (table, columns) = (kept.table, kept.key.join(", "));
    let places = |from: usize| (from..from + kept.key.len()).map(|n| format!("${n}")).collect::<Vec<_>>();
    let select = format!(
        "SELECT {columns}, secret FROM {table} WHERE ({columns}) > ({}) AND length(secret) > 0 ORDER BY {columns}
         LIMIT {FETCH}",
        places(1).join(", ")
    );
    let conditions: Vec<String> =
        kept.key.iter().zip(places(2)).map(|(column, place)| format!("{column} = {place}")).collect();
    let update = format!("UPDATE {table} SET secret = $1 WHERE {}", conditions.join(" AND "));
    let (mut wrapped, mut after) = (0, vec![Vec::new(); kept.key.len()]);
    loop {
        let mut tx = db.write().await?;
        let bound = after.iter().cloned().map(Into::into).collect();
        let rows = tx.rows_text(select.clone(), bound).await?;
        let Some(last) = rows.last() else { return Ok(wrapped) };
        after = key_of(kept, last)?;
        for row in rows {
            let (key, stored) = (key_of(kept, &row)?, row.bytes(kept.key.len())?);
            if tx.vault().is_current(&stored) {
                continue;
            }
            let owner = kept.owner_of(&key);
            let secret = tx.vault().open(kept, &[&owner], &stored)?;
            let mut bound = values![tx.vault().seal(kept, &[&owner], &secret)?];
            bound.extend(key.into_iter().map(crate::db::Value::from));
            // Whoever was forgotten meanwhile has no row any more.
            wrapped += tx.execute_text(update.clone(), bound).await?;
        }
        tx.commit().await?;
    }
}
