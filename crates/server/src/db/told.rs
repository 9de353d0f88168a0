//! Short texts from one process to all that use the same PostgreSQL, by `NOTIFY`: nothing of them is stored. A file of
//! SQLite has nobody beside it who would have to be told.

use sqlx::postgres::PgListener;

use super::{Db, values};
use crate::error::Result;

/// Texts are told one after the other, so that their numbers rise in the order in which everybody hears them. The number
/// is the database's clock in microseconds.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtext('stempel told'), hashtext(current_schema()::TEXT))";
const TELL: &str = "WITH told AS MATERIALIZED
         (SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT AS number)
     SELECT number, pg_notify('stempel_told_' || md5(current_schema()::TEXT), number || ' ' || $1) FROM told";
const CHANNEL: &str = "SELECT 'stempel_told_' || md5(current_schema()::TEXT)";

/// The longest text, in bytes: PostgreSQL takes less than 8000 with the number before it.
pub(crate) const TOLD_LEN_MAX: usize = 7_900;

/// Hears what is told.
pub(crate) struct Ear(PgListener);

impl Ear {
    /// The next text with its number; none where something was lost on the way.
    pub(crate) async fn hear(&mut self) -> Result<Option<(u64, String)>> {
        let heard = self.0.recv().await?;
        let text = heard.payload().split_once(' ');
        Ok(text.and_then(|(number, text)| Some((number.parse().ok()?, text.to_owned()))))
    }
}

impl Db {
    /// Tells a text of at most [`TOLD_LEN_MAX`] bytes to every process on this database that listens, this one included,
    /// and gives its number; none where there is nobody else.
    pub(crate) async fn tell(&self, text: &str) -> Result<Option<u64>> {
        if let Self::Sqlite { .. } = self {
            return Ok(None);
        }
        let mut tx = self.write().await?;
        tx.row(LOCK, Vec::new()).await?;
        let row = tx.row(TELL, values![text]).await?;
        let number = row.map(|row| row.number(0)).transpose()?;
        tx.commit().await?;
        Ok(number)
    }

    /// Begins to listen; none where nobody else tells anything.
    pub(crate) async fn listen(&self) -> Result<Option<Ear>> {
        let Self::Postgres { read, .. } = self else { return Ok(None) };
        let channel = self.read().await?.row(CHANNEL, Vec::new()).await?;
        let channel = channel.map(|row| row.text(0)).transpose()?.unwrap_or_default();
        let mut listener = PgListener::connect_with(read).await?;
        listener.listen(&channel).await?;
        Ok(Some(Ear(listener)))
    }
}
