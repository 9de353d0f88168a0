//! Members: adding, finding, showing, and explaining a balance.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stempel_domain::event::{Fact, MemberJoined};
use stempel_domain::ledger::Posting;
use stempel_domain::{Account, CardId, CardNumber, Day, EventRef, MemberId, Person, TenantId, Unit};
use stempel_wire::export::{ConsentSaid, consents};
use stempel_wire::message::KeyOf;
use stempel_wire::token::Token;
use stempel_wire::{CardKeys, MemberKey, Profile, seal};

use super::verify::events_of;
use crate::author;
use crate::db::{Tx, values};
use crate::enroll::card_key;
use crate::error::{Error, Result};
use crate::people::{group, unknown};
use crate::server::Server;
use crate::tenant::{Tenant, public_key};

/// How often a card is drawn anew when its number is taken.
const DRAWS_MAX: usize = 8;
/// The most members of one list.
const LIST_MAX: i64 = 1000;

/// A member to add.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NewMember {
    /// The first name; none for an anonymous card.
    pub name: Option<String>,
    /// The language to greet in.
    pub language: Option<String>,
}

/// A member that was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedMember {
    /// The member.
    pub member: MemberId,
    /// The card's token, as it is printed.
    pub code: Token,
    /// The number that people type.
    pub number: CardNumberText,
    /// The event that says so.
    pub event: EventRef,
}

/// A card's number as people read it.
pub type CardNumberText = String;

/// What is known of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberInfo {
    /// The member.
    pub member: MemberId,
    /// Members who were merged into this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<MemberId>,
    /// The first name, if there is one and its key is here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The day on which the member was forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erased: Option<Day>,
    /// The last word about everything that was agreed to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub consents: Vec<ConsentSaid>,
    /// The numbers of the cards that are taken.
    pub numbers: Vec<CardNumberText>,
    /// Every unit ever held, as decimal text.
    pub balances: BTreeMap<Unit, String>,
    /// How many events made this.
    pub events: u64,
}

/// One event of a member's explanation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WhyLine {
    /// The event.
    pub event: EventRef,
    /// What kind.
    pub kind: String,
    /// When, as RFC 3339.
    pub at: String,
    /// Every movement on the member's account.
    pub postings: Vec<Posting>,
}

impl Server {
    /// Adds a member with a card, as an event of the server. With a `key`, doing it again gives the same answer.
    pub async fn member_add(
        &self,
        tenant: TenantId,
        new: &NewMember,
        key: Option<&str>,
    ) -> Result<AddedMember> {
        let name = new.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        if name.is_some_and(|name| name.chars().count() > seal::NAME_CHARS_MAX) {
            return Err(Error::bad_request(format!(
                "A name has at most {} characters.",
                seal::NAME_CHARS_MAX
            )));
        }
        let request = blake3::hash(&serde_json::to_vec(new)?);
        let moment = self.moment();
        let mut tx = self.write_of(tenant).await?;
        let mut tenant = Tenant::lock(&mut tx, tenant).await?;
        if let Some(key) = key
            && let Some(answer) = earlier_answer(&mut tx, tenant.id, key, request.as_bytes()).await?
        {
            return Ok(serde_json::from_str(&answer)?);
        }
        let card = self.free_card(&mut tx, tenant.id).await?;
        let member = MemberId::of_first_card(tenant.id, card);
        let mut keys = Vec::new();
        let mut profile = None;
        if let Some(name) = name {
            let clear = Profile { name: name.to_owned(), language: new.language.clone() };
            let (key, sealed) = self.with_entropy(|entropy| {
                let key = MemberKey::generate(entropy);
                let sealed = key.seal(member, &clear, entropy);
                (key, sealed)
            });
            profile = Some(sealed.map_err(|error| Error::Damaged(error.to_string()))?);
            keys.push(KeyOf { member, key });
        }
        let fact = Fact::MemberJoined(MemberJoined::new(member, card, profile));
        let operator = self.actor().operator();
        let keys = tx.vault().seal_members(&keys)?;
        let events = author::append_as(&mut tx, &mut tenant, operator, moment, vec![fact], &keys).await?;
        let event = *events.last().ok_or_else(|| Error::Damaged("no event was written".to_owned()))?;
        let code = Token::issue(tenant.id, &card_key(&mut tx, tenant.id).await?, card);
        let added = AddedMember { member, code, number: card.number().to_string(), event };
        if let Some(key) = key {
            remember_answer(&mut tx, tenant.id, key, request.as_bytes(), &added, moment.utc_ms).await?;
        }
        tenant.save_head(&mut tx).await?;
        tx.commit().await?;
        self.announce(tenant.id, tenant.head);
        Ok(added)
    }

    /// A card whose number nobody has.
    pub(crate) async fn free_card(&self, tx: &mut Tx, tenant: TenantId) -> Result<CardId> {
        for _ in 0..DRAWS_MAX {
            let card = CardId(self.random());
            let taken = tx
                .row(
                    "SELECT 1 FROM card WHERE tenant = $1 AND (number = $2 OR card = $3)",
                    values![tenant, &card.0[..5], card],
                )
                .await?;
            if taken.is_none() {
                return Ok(card);
            }
        }
        Err(Error::Busy)
    }

    /// Finds a member by token, number or id.
    pub async fn member_find(&self, tenant: TenantId, text: &str) -> Result<MemberInfo> {
        let today = self.today();
        let mut tx = self.read_of(tenant).await?;
        let text = text.trim();
        let member = if Token::find(text).is_some() {
            let card = genuine_card(&mut tx, tenant, text).await?;
            owner(&mut tx, "SELECT member FROM card WHERE tenant = $1 AND card = $2", tenant, &card.0).await?
        } else if let Ok(member) = text.parse::<MemberId>() {
            Some(member)
        } else {
            let number: CardNumber = text.parse().map_err(|error| Error::bad_request(format!("{error}.")))?;
            owner(&mut tx, "SELECT member FROM card WHERE tenant = $1 AND number = $2", tenant, &number.0)
                .await?
        };
        let member = member.ok_or_else(unknown)?;
        let person = group::person(&mut tx, tenant, member).await?.ok_or_else(unknown)?;
        info(&mut tx, tenant, &person, today).await
    }

    /// What is known of a member by its id; of one that was merged, what is known of the person.
    pub(crate) async fn member_info(&self, tenant: TenantId, member: MemberId) -> Result<MemberInfo> {
        let today = self.today();
        let mut tx = self.read_of(tenant).await?;
        let person = group::person(&mut tx, tenant, member).await?.ok_or_else(unknown)?;
        info(&mut tx, tenant, &person, today).await
    }

    /// What is known of several members, in their order; whoever was merged stands in the list once.
    pub(crate) async fn member_infos(&self, tenant: TenantId, ids: &[MemberId]) -> Result<Vec<MemberInfo>> {
        let today = self.today();
        let mut tx = self.read_of(tenant).await?;
        let mut alone = group::alone(&mut tx, tenant, ids).await?;
        let mut people: Vec<Person> = Vec::with_capacity(ids.len());
        for member in ids {
            let person = match alone.remove(member) {
                Some(person) => Some(person),
                None => group::person(&mut tx, tenant, *member).await?,
            };
            let root = |person: &Person| person.parts().first().map(|(root, _)| *root);
            people.extend(person.filter(|person| !people.iter().any(|known| root(known) == root(person))));
        }
        let whose = people.iter().filter_map(|person| Some(person.profile()?.0.into())).collect();
        let sql = "SELECT member, secret FROM member_key WHERE tenant = $1 AND member";
        let mut keys: BTreeMap<MemberId, Vec<MemberKey>> = BTreeMap::new();
        for row in tx.rows_in(sql, values![tenant], whose).await? {
            let member: MemberId = row.id(0)?;
            keys.entry(member).or_default().push(tx.vault().open_member(member, &row.bytes(1)?)?);
        }
        people
            .iter()
            .map(|person| {
                let keys = person.profile().and_then(|(whose, _)| keys.get(&whose));
                told(person, opened(person, keys.map_or(&[], Vec::as_slice)), today)
            })
            .collect()
    }

    /// Lists members by id, after one.
    pub async fn member_list(&self, tenant: TenantId, after: Option<MemberId>) -> Result<Vec<MemberInfo>> {
        let today = self.today();
        let mut tx = self.read_of(tenant).await?;
        let from = after.map(|member| member.0.to_vec()).unwrap_or_default();
        let rows = tx
            .rows(
                "SELECT member FROM member WHERE tenant = $1 AND member > $2 ORDER BY member LIMIT $3",
                values![tenant, from, LIST_MAX],
            )
            .await?;
        let mut list = Vec::with_capacity(rows.len());
        for row in rows {
            let member = row.id(0)?;
            let Some(person) = group::person(&mut tx, tenant, member).await? else { continue };
            // Whoever was merged stands in the list once.
            if person.parts().first().is_some_and(|(root, _)| *root == member) {
                list.push(info(&mut tx, tenant, &person, today).await?);
            }
        }
        Ok(list)
    }

    /// Explains a member's balances: every event about it, by time, with its movements.
    pub async fn why(&self, tenant: TenantId, text: &str) -> Result<Vec<WhyLine>> {
        let member = self.member_find(tenant, text).await?.member;
        let mut tx = self.read_of(tenant).await?;
        let members = group::group(&mut tx, tenant, member).await?;
        let mut events = Vec::new();
        for member in &members {
            events.extend(events_of(&mut tx, tenant, *member).await?.1);
        }
        events.sort_by_key(|event| (event.record.at.utc_ms, event.reference()));
        let own = |account: &Account| matches!(account, Account::Member(of) if members.contains(of));
        let line = |event: stempel_domain::Event| WhyLine {
            event: event.reference(),
            kind: event.record.fact.kind().to_owned(),
            at: event.record.at.rfc3339(),
            postings: event
                .record
                .fact
                .postings()
                .iter()
                .filter(|posting| own(&posting.account))
                .cloned()
                .collect(),
        };
        Ok(events.into_iter().map(line).collect())
    }
}

async fn owner(tx: &mut Tx, sql: &'static str, tenant: TenantId, key: &[u8]) -> Result<Option<MemberId>> {
    match tx.row(sql, values![tenant, key]).await? {
        Some(row) => row.opt_id(0),
        None => Ok(None),
    }
}

/// The card in a text, if this tenant signed it.
pub(crate) async fn genuine_card(tx: &mut Tx, tenant: TenantId, text: &str) -> Result<CardId> {
    let mut keys = CardKeys::new(tenant);
    let rows = tx.rows("SELECT public_key, retired FROM card_key WHERE tenant = $1", values![tenant]).await?;
    for row in rows {
        keys.insert(public_key(&row.bytes(0)?)?, row.flag(1)?);
    }
    match keys.verify(text) {
        Ok(found) => Ok(found.card),
        Err(error) => Err(Error::refused("card", 400, "This card is not taken", format!("{error}."))),
    }
}

async fn info(
    tx: &mut Tx,
    tenant: TenantId,
    person: &Person,
    today: stempel_domain::Day,
) -> Result<MemberInfo> {
    told(person, open_name(tx, tenant, person).await?, today)
}

/// What a list says of a person whose name was opened.
fn told(person: &Person, name: Option<String>, today: Day) -> Result<MemberInfo> {
    let state = person.state();
    let mut members = person.parts().iter().map(|(id, _)| *id);
    let member = members.next().ok_or_else(unknown)?;
    let taken = state.cards.iter().filter(|(_, card)| !card.blocked);
    Ok(MemberInfo {
        member,
        merged: members.collect(),
        erased: state.erased,
        consents: consents(person),
        name,
        numbers: taken.map(|(card, _)| card.number().to_string()).collect(),
        balances: state
            .balances(today)
            .into_iter()
            .map(|(unit, amount)| {
                let text = unit.format(amount);
                (unit, text)
            })
            .collect(),
        events: state.events,
    })
}

/// A person's first name, where there is one and a key that opens it.
async fn open_name(tx: &mut Tx, tenant: TenantId, person: &Person) -> Result<Option<String>> {
    let Some((whose, _)) = person.profile() else { return Ok(None) };
    Ok(opened(person, &keys_of(tx, tenant, whose).await?))
}

/// The name in a person's profile, if one of these keys opens it.
fn opened(person: &Person, keys: &[MemberKey]) -> Option<String> {
    let (whose, sealed) = person.profile()?;
    keys.iter().find_map(|key| key.open(whose, sealed).ok()).map(|profile| profile.name)
}

/// The keys that open a member's profile.
pub(crate) async fn keys_of(tx: &mut Tx, tenant: TenantId, member: MemberId) -> Result<Vec<MemberKey>> {
    let rows = tx
        .rows(
            "SELECT secret FROM member_key WHERE tenant = $1 AND member = $2 ORDER BY key_id",
            values![tenant, member],
        )
        .await?;
    rows.iter().map(|row| tx.vault().open_member(member, &row.bytes(0)?)).collect()
}

/// The first name of a person by the id of a member.
pub(super) async fn name_of(tx: &mut Tx, tenant: TenantId, member: MemberId) -> Result<Option<String>> {
    match group::person(tx, tenant, member).await? {
        Some(person) => open_name(tx, tenant, &person).await,
        None => Ok(None),
    }
}

/// The answer that the same write was given before.
async fn earlier_answer(
    tx: &mut Tx,
    tenant: TenantId,
    key: &str,
    request: &[u8; 32],
) -> Result<Option<String>> {
    let row = tx
        .row("SELECT request, answer FROM idempotency WHERE tenant = $1 AND key = $2", values![tenant, key])
        .await?;
    let Some(row) = row else { return Ok(None) };
    if row.bytes(0)? != request {
        return Err(Error::refused(
            "key-used",
            409,
            "This key was used for something else",
            "A key stands for one write. Take a new one for another write.",
        ));
    }
    Ok(Some(row.text(1)?))
}

/// Notes the answer of a write, in the transaction of the write.
async fn remember_answer(
    tx: &mut Tx,
    tenant: TenantId,
    key: &str,
    request: &[u8; 32],
    answer: &impl Serialize,
    now_ms: i64,
) -> Result<()> {
    if key.is_empty() || key.len() > 200 {
        return Err(Error::bad_request("A key has 1 to 200 bytes."));
    }
    tx.execute(
        "INSERT INTO idempotency (tenant, key, request, answer, created_ms) VALUES ($1, $2, $3, $4, $5)",
        values![tenant, key, &request[..], serde_json::to_string(answer)?, now_ms],
    )
    .await?;
    Ok(())
}
