//! A member's cards: blocking a lost one, giving another in its place.

use serde_json::json;
use stempel_domain::event::{CardBlocked, CardBound, Fact};
use stempel_domain::member::Base;
use stempel_domain::{CardId, MemberId, TenantId};
use stempel_wire::token::Token;

use crate::author;
use crate::db::{Tx, values};
use crate::enroll::card_key;
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::Tenant;

impl Server {
    /// Blocks a member's card for ever, on every device at its next contact. Doing it again changes nothing.
    pub async fn card_block(&self, tenant: TenantId, member: MemberId, card: CardId) -> Result<()> {
        let moment = self.moment();
        let mut tx = self.write_of(tenant).await?;
        let mut tenant = Tenant::lock(&mut tx, tenant).await?;
        if is_blocked(&mut tx, tenant.id, member, card).await? {
            return Ok(());
        }
        let fact = Fact::CardBlocked(CardBlocked { card, member: Some(member) });
        let operator = self.actor().operator();
        author::append_as(&mut tx, &mut tenant, operator, moment, vec![fact], &[]).await?;
        let number = card.number().to_string();
        self.note(&mut tx, &tenant, "card-blocked", &member.to_string(), json!({ "number": number })).await?;
        tenant.save_head(&mut tx).await?;
        tx.commit().await?;
        self.announce(tenant.id, tenant.head);
        Ok(())
    }

    /// Gives a member a new card in place of another, which is blocked. A card that was blocked already can be
    /// replaced once.
    pub async fn card_replace(&self, tenant: TenantId, member: MemberId, card: CardId) -> Result<Token> {
        let moment = self.moment();
        let mut tx = self.write_of(tenant).await?;
        let mut tenant = Tenant::lock(&mut tx, tenant).await?;
        is_blocked(&mut tx, tenant.id, member, card).await?;
        let new = self.free_card(&mut tx, tenant.id).await?;
        let fact = Fact::CardBound(CardBound { member, card: new, replaces: Some(card) });
        let operator = self.actor().operator();
        author::append_as(&mut tx, &mut tenant, operator, moment, vec![fact], &[]).await?;
        let what = json!({ "old": card.number().to_string(), "new": new.number().to_string() });
        self.note(&mut tx, &tenant, "card-replaced", &member.to_string(), what).await?;
        let token = Token::issue(tenant.id, &card_key(&mut tx, tenant.id).await?, new);
        tenant.save_head(&mut tx).await?;
        tx.commit().await?;
        self.announce(tenant.id, tenant.head);
        Ok(token)
    }
}

/// Whether a member's card is blocked.
async fn is_blocked(tx: &mut Tx, tenant: TenantId, member: MemberId, card: CardId) -> Result<bool> {
    let row =
        tx.row("SELECT base FROM member WHERE tenant = $1 AND member = $2", values![tenant, member]).await?;
    let unknown = || Error::not_found("such card of this member");
    let base: Base = serde_json::from_str(&row.ok_or_else(unknown)?.text(0)?)?;
    Ok(base.state.cards.get(&card).ok_or_else(unknown)?.blocked)
}
