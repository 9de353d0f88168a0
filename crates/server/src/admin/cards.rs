//! A member's cards: blocking a lost one, giving another in its place.

use serde_json::json;
use stempel_domain::event::{CardBlocked, CardBound, Fact};
use stempel_domain::{CardId, MemberId, Person, TenantId};
use stempel_wire::token::Token;

use crate::author;
use crate::db::Tx;
use crate::enroll::card_key;
use crate::error::{Error, Result};
use crate::people::group;
use crate::server::Server;
use crate::tenant::Tenant;

impl Server {
    /// Blocks a member's card for ever, on every device at its next contact. Doing it again changes nothing.
    pub async fn card_block(&self, tenant: TenantId, member: MemberId, card: CardId) -> Result<()> {
        let moment = self.moment();
        let mut tx = self.write_of(tenant).await?;
        let mut tenant = Tenant::lock(&mut tx, tenant).await?;
        let holder = holder(&mut tx, tenant.id, member, card).await?;
        if holder.blocked {
            return Ok(());
        }
        let fact = Fact::CardBlocked(CardBlocked { card, member: Some(holder.member) });
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
        let holder = holder(&mut tx, tenant.id, member, card).await?;
        let new = self.free_card(&mut tx, tenant.id).await?;
        let fact = Fact::CardBound(CardBound { member: holder.member, card: new, replaces: Some(card) });
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

/// Who of a person holds a card.
struct Holder {
    /// The member in whose state the card stands.
    member: MemberId,
    blocked: bool,
}

/// Finds who of the person that a member is holds a card: an event names the one in whose state it stands, so that an
/// undo of the merge leaves each with their own cards.
async fn holder(tx: &mut Tx, tenant: TenantId, member: MemberId, card: CardId) -> Result<Holder> {
    let person = group::person(tx, tenant, member).await?;
    let parts = person.iter().flat_map(Person::parts);
    let mut holders = parts.filter_map(|(member, state)| {
        let blocked = state.cards.get(&card)?.blocked;
        Some(Holder { member: *member, blocked })
    });
    holders.next().ok_or_else(|| Error::not_found("such card of this member"))
}
