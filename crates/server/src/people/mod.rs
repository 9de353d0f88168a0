//! Personal data: who is the same person, what is held about them, what they agreed to, and how they are forgotten.
//!
//! | module | what it does |
//! |---|---|
//! | `group` | members that were merged are one person: their states are added up when somebody asks |
//! | `merge` | merging and its undo |
//! | `consent` | what a member agrees to |
//! | `export` | everything that is held, in one document |
//! | `erase` | forgetting a member, here and on every device |
//! | `list` | the list of erasures beside the database, which a restore goes by |
//! | `retention` | forgetting whoever was not seen for long |
//! | `http` | the same through the API |

mod consent;
mod erase;
mod export;
pub(crate) mod group;
pub(crate) mod http;
mod list;
mod merge;
mod retention;

pub use consent::NewConsent;
pub use erase::Holder;
pub use erase::{Erased, ErasureInfo};
pub(crate) use erase::{acknowledge, carry_out, clean_up, forget_again};
pub(crate) use list::{Line, list_beside, list_by_keys, read_list};
pub use merge::Merged;
pub use retention::RetentionDue;
pub(crate) use retention::{carry_out as retain, check_months};

use stempel_domain::{CardNumber, MemberId, TenantId};
use stempel_wire::token::Token;

use crate::admin::genuine_card;
use crate::db::{Tx, values};
use crate::error::{Error, Result};
use crate::server::Server;

/// The member that a code names, under the id that stands in the card's own binding: a card's code (blocked or not),
/// its number, or an id.
async fn named(tx: &mut Tx, tenant: TenantId, code: &str) -> Result<MemberId> {
    let code = code.trim();
    let row = if Token::find(code).is_some() {
        let card = genuine_card(tx, tenant, code).await?;
        tx.row("SELECT member FROM card WHERE tenant = $1 AND card = $2", values![tenant, card]).await?
    } else if let Ok(member) = code.parse::<MemberId>() {
        tx.row("SELECT member FROM member WHERE tenant = $1 AND member = $2", values![tenant, member]).await?
    } else {
        let number: CardNumber = code.parse().map_err(|error| Error::bad_request(format!("{error}.")))?;
        tx.row("SELECT member FROM card WHERE tenant = $1 AND number = $2", values![tenant, &number.0[..]])
            .await?
    };
    row.map(|row| row.opt_id(0)).transpose()?.flatten().ok_or_else(unknown)
}

pub(crate) fn unknown() -> Error {
    Error::refused(
        "member-unknown",
        404,
        "There is no such member",
        "Check what was typed: a card's code, its number, or a member's id. A blank card becomes somebody's at its \
         first scan, and a forgotten member's card is nobody's.",
    )
}

impl Server {
    /// The member that a code names.
    pub(crate) async fn member_named(&self, tenant: TenantId, code: &str) -> Result<MemberId> {
        named(&mut self.read_of(tenant).await?, tenant, code).await
    }
}

/// Whether a member is forgotten.
pub(crate) async fn is_erased(tx: &mut Tx, tenant: TenantId, member: MemberId) -> Result<bool> {
    let row =
        tx.row("SELECT 1 FROM erasure WHERE tenant = $1 AND member = $2", values![tenant, member]).await?;
    Ok(row.is_some())
}

/// A member that was forgotten cannot be changed any more.
pub(crate) fn forgotten() -> Error {
    Error::refused(
        "member-erased",
        410,
        "This member was forgotten",
        "Nothing is held any more that says who it was, and that is for ever. A guest who comes back begins anew.",
    )
}
