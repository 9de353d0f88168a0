//! What the card shows: balances, stamps, rewards, tiers, and the reasons of the last visits.

use std::collections::BTreeMap;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value as Json, json};
use stempel_domain::event::Fact;
use stempel_domain::member::Base;
use stempel_domain::programme::{TierBy, VOUCHER_PREFIX};
use stempel_domain::rules::{self, Language, Outcome, RuleBook};
use stempel_domain::{
    Account, CardId, Event, MemberFacts, MemberId, MemberState, Moment, Money, Person, ShopId, TenantId, Unit,
};
use stempel_wire::message::Shop;
use stempel_wire::phone::{AsOf, Certified};
use stempel_wire::token::Token;
use stempel_wire::{KeyId, PhoneCertificate, Profile};
use tokio::time::{Instant, timeout_at};

use super::join::key_entry;
use super::phone::Caller;
use super::rights::agreed;
use crate::admin::keys_of;
use crate::api::orders::book;
use crate::author::stored_event;
use crate::db::{Tx, values};
use crate::enroll::card_key;
use crate::error::Result;
use crate::people::group;
use crate::server::Server;
use crate::tenant::{Tenant, shops};

/// How long a phone may go without the server before its code counts as one that stays the same, in hours.
const CERTIFIED_HOURS: u16 = 30 * 24;
/// The last events that are told, and the most journals that are looked at for them.
const HISTORY_MAX: usize = 30;
const AUTHORS_MAX: usize = 64;
/// The most tenants whose card keys have the same id.
const SAME_KEY_MAX: i64 = 8;

impl Server {
    /// What a phone's card shows. If nothing is newer than `after`, waits for it until the time is over.
    pub(super) async fn card_view(
        &self,
        caller: &Caller,
        language: Language,
        after: Option<u64>,
        wait: Duration,
    ) -> Result<Json> {
        let deadline = Instant::now() + wait;
        let mut head = self.follow(caller.tenant);
        let mut stopping = self.stopping();
        loop {
            head.mark_unchanged();
            let mut tx = self.read_of(caller.tenant).await?;
            let position = position(&mut tx, caller).await?;
            let news = after.is_none_or(|after| after != position);
            if news || *stopping.borrow() || Instant::now() >= deadline {
                return self.view(&mut tx, caller, language, position).await;
            }
            drop(tx);
            let woken = async {
                tokio::select! {
                    _ = head.changed() => {}
                    _ = stopping.changed() => {}
                }
            };
            // Whoever was woken or not looks once more, and then answers.
            let _ = timeout_at(deadline, woken).await;
        }
    }

    async fn view(&self, tx: &mut Tx, caller: &Caller, language: Language, position: u64) -> Result<Json> {
        let tenant = Tenant::load(tx, caller.tenant).await?;
        let person = person(tx, caller.tenant, caller.member).await?;
        let state = person.state();
        let shops = shops(tx, caller.tenant).await?;
        let at = shops.first().map_or_else(|| self.moment(), |shop| self.moment_at(shop));
        let book = book(tx, caller.tenant).await?;
        let mut facts = state.facts(&at);
        book.trim(&mut facts, at.day);
        let profile = self.card_name(tx, caller.tenant, &person).await?;
        let key = card_key(tx, caller.tenant).await?;
        let balances = state.balances(at.day);
        let said = Certified {
            card: caller.card,
            phone: caller.key,
            since_minutes: u32::try_from(at.utc_ms / 60_000).unwrap_or(0),
            valid_hours: CERTIFIED_HOURS,
            balance: balance_of(&book, &balances),
        };
        let certificate = PhoneCertificate::issue(caller.tenant, &key, said);
        let mail = tx
            .row(
                "SELECT COUNT(*) FROM member_address WHERE tenant = $1 AND member = $2",
                values![caller.tenant, caller.member],
            )
            .await?;
        let link = tx
            .row(
                "SELECT code FROM join_link WHERE tenant = $1 AND closed_ms IS NULL ORDER BY created_ms LIMIT 1",
                values![caller.tenant],
            )
            .await?;
        let shown = shown(&book, &facts, shops.first(), &at, language);
        Ok(json!({
            "tenant": caller.tenant,
            "phone": data_encoding::HEXLOWER.encode(&caller.phone),
            "shop": tenant.name,
            "number": caller.card.number().to_string(),
            "token": Token::issue(caller.tenant, &key, caller.card).to_string(),
            "blocked": state.cards.get(&caller.card).is_some_and(|card| card.blocked),
            "name": profile.as_ref().map(|profile| &profile.name),
            "language": profile.and_then(|profile| profile.language),
            "position": position,
            "server_ms": self.now_ms(),
            "certificate": BASE64URL_NOPAD.encode(&certificate.to_bytes()),
            "rotate": shops.iter().any(|shop| !shop.rotating_above.is_empty()),
            "mail": mail.map(|row| row.int(0)).transpose()?.unwrap_or(0) > 0,
            "consents": agreed(&stempel_wire::export::consents(&person)),
            "refer": link.map(|row| row.text(0)).transpose()?,
            "amounts": amounts(&balances, language),
            "cards": shown.cards,
            "rewards": shown.rewards,
            "vouchers": shown.vouchers,
            "tiers": shown.tiers,
            "ending": shown.ending,
            "history": history(tx, caller, &person, &shops, language).await?,
        }))
    }

    /// What the link in a card's code opens: the number of stamps, and nothing else. None: not a card of anybody
    /// here.
    pub(super) async fn stamps_of(&self, text: &str) -> Result<Option<(TenantId, CardId, Vec<(u32, u32)>)>> {
        let Some((tenant, card, _)) = self.card_in(text).await? else { return Ok(None) };
        let mut tx = self.read_of(tenant).await?;
        let row = tx
            .row("SELECT member, status FROM card WHERE tenant = $1 AND card = $2", values![tenant, card])
            .await?;
        let member = match row {
            Some(row) => match row.opt_id::<MemberId>(0)? {
                // Its member was forgotten: it is nobody's, and never will be anybody's.
                None if row.int(1)? >= 2 => return Ok(None),
                member => member,
            },
            None => None,
        };
        let member = member.unwrap_or_else(|| MemberId::of_first_card(tenant, card));
        let state = person(&mut tx, tenant, member).await?.state();
        let at = self.moment();
        let book = book(&mut tx, tenant).await?;
        let facts = state.facts(&at);
        let offers = rules::offers(&book, &facts, None, ShopId([0; 16]), &at);
        let stamps = offers.cards.iter().map(|card| (card.full * card.size + card.filled, card.size));
        Ok(Some((tenant, card, stamps.collect())))
    }

    /// The genuine card in a text: whose, which, and the key that signed it.
    pub(super) async fn card_in(&self, text: &str) -> Result<Option<(TenantId, CardId, KeyId)>> {
        let Some(token) = Token::find(text) else { return Ok(None) };
        let tenants: Vec<TenantId> = {
            let mut tx = self.db().read().await?;
            let (from, to) = (key_entry(token.key(), &[0; 16]), key_entry(token.key(), &[255; 16]));
            let rows = tx
                .rows(
                    "SELECT tenant FROM directory WHERE kind = 'card-key' AND id >= $1 AND id <= $2
                     ORDER BY id LIMIT $3",
                    values![from, to, SAME_KEY_MAX],
                )
                .await?;
            rows.iter().map(|row| row.id(0)).collect::<Result<_>>()?
        };
        for tenant in tenants {
            let mut tx = self.read_of(tenant).await?;
            if let Ok(card) = crate::admin::genuine_card(&mut tx, tenant, text).await {
                return Ok(Some((tenant, card, token.key())));
            }
        }
        Ok(None)
    }
}

fn pick(language: Language, de: &'static str, en: &'static str) -> &'static str {
    match language {
        Language::De => de,
        Language::En => en,
    }
}

/// Where the member's last change stands.
async fn position(tx: &mut Tx, caller: &Caller) -> Result<u64> {
    let row = tx
        .row(
            "SELECT position FROM member WHERE tenant = $1 AND member = $2",
            values![caller.tenant, caller.member],
        )
        .await?;
    row.map_or(Ok(0), |row| row.number(0))
}

/// The person that a member is; nobody yet is a person without anything.
pub(super) async fn person(tx: &mut Tx, tenant: TenantId, member: MemberId) -> Result<Person> {
    let person = group::person(tx, tenant, member).await?;
    Ok(person.unwrap_or_else(|| Person::new(vec![(member, MemberState::default())])))
}

async fn base(tx: &mut Tx, tenant: TenantId, member: MemberId) -> Result<Base> {
    let row =
        tx.row("SELECT base FROM member WHERE tenant = $1 AND member = $2", values![tenant, member]).await?;
    match row {
        Some(row) => Ok(serde_json::from_str(&row.text(0)?)?),
        None => Ok(Base::default()),
    }
}

impl Server {
    /// What a person is called, where there is a name and a key that opens it.
    pub(super) async fn card_name(
        &self,
        tx: &mut Tx,
        tenant: TenantId,
        person: &Person,
    ) -> Result<Option<Profile>> {
        let Some((whose, sealed)) = person.profile() else { return Ok(None) };
        let keys = keys_of(tx, tenant, whose).await?;
        Ok(keys.iter().find_map(|key| key.open(whose, sealed).ok()))
    }
}

/// The balance that a terminal sees with no network: that of the first stamp card, or else of the first unit.
fn balance_of(book: &RuleBook, balances: &BTreeMap<Unit, i64>) -> Option<AsOf> {
    let units = || book.programmes().iter().map(|published| published.programme.unit());
    let unit = units().find(|unit| unit.is_stamp()).or_else(|| units().next())?;
    let amount = balances.get(unit).copied().unwrap_or(0);
    Some(AsOf { unit: AsOf::tag(unit), amount: u32::try_from(amount.max(0)).unwrap_or(u32::MAX) })
}

fn is_plain(unit: &Unit) -> bool {
    !unit.is_stamp() && !unit.name().starts_with(VOUCHER_PREFIX)
}

/// What the member has of everything but stamps and vouchers, which are drawn.
fn amounts(balances: &BTreeMap<Unit, i64>, language: Language) -> Vec<Json> {
    let plain = balances.iter().filter(|(unit, amount)| is_plain(unit) && **amount != 0);
    plain
        .map(|(unit, amount)| json!({ "text": language.units(&unit.format(*amount), unit.name()) }))
        .collect()
}

struct Drawn {
    cards: Vec<Json>,
    rewards: Vec<Json>,
    vouchers: Vec<Json>,
    tiers: Vec<Json>,
    ending: Vec<String>,
}

fn shown(
    book: &RuleBook,
    facts: &MemberFacts,
    shop: Option<&Shop>,
    at: &Moment,
    language: Language,
) -> Drawn {
    let tag = pick(language, "de", "en");
    let place = shop.map_or(ShopId([0; 16]), |shop| shop.id);
    let offers = rules::offers(book, facts, None, place, at);
    let cards = offers.cards.iter().map(|card| {
        json!({ "name": card.name.get(tag), "filled": card.filled, "size": card.size, "full": card.full })
    });
    let name = |offer: &rules::Offer| match &offer.name {
        Some(name) => name.get(tag).to_owned(),
        None => offer.reward.to_string(),
    };
    let is_voucher = |offer: &&rules::Offer| offer.unit.name().starts_with(VOUCHER_PREFIX);
    let rewards = offers.rewards.iter().filter(|offer| !is_voucher(offer)).map(|offer| {
        let say = |amount: i64| language.units(&offer.unit.format(amount), offer.unit.name());
        json!({
            "name": name(offer), "times": offer.times, "cost": say(offer.cost),
            "missing": (offer.missing > 0).then(|| say(offer.missing)),
            "have": offer.have.max(0), "of": offer.have.max(0) + offer.missing,
        })
    });
    let vouchers = offers.rewards.iter().filter(is_voucher).map(|offer| {
        let lots = facts.lots.get(&offer.unit).map(Vec::as_slice).unwrap_or_default();
        let last = lots.iter().filter(|lot| lot.amount > 0).filter_map(|lot| lot.last).min();
        json!({
            "name": name(offer), "amount": offer.unit.format(offer.have),
            "last": last.map(|day| language.long_day(day)),
        })
    });
    let tiers = rules::standings(book, facts, at).into_iter().filter_map(|standing| {
        let unit = book.find(&standing.programme.id)?.programme.unit();
        let say = |amount: i64| match standing.by {
            TierBy::Spend => language.money(&Money(amount).to_string()),
            TierBy::Units => language.units(&unit.format(amount), unit.name()),
            TierBy::Visits => {
                let word = if amount == 1 {
                    pick(language, "Besuch", "visit")
                } else {
                    pick(language, "Besuche", "visits")
                };
                format!("{amount} {word}")
            }
        };
        Some(json!({
            "tier": standing.tier,
            "until": standing.kept_until.map(|day| language.long_day(day)),
            "next": standing.next.as_ref().map(|(next, _)| next),
            "missing": standing.next.as_ref().map(|(_, missing)| say(*missing)),
            "have": standing.counted.max(0),
            "of": standing.next.as_ref().map(|(_, missing)| standing.counted.max(0) + missing),
        }))
    });
    Drawn {
        cards: cards.collect(),
        rewards: rewards.collect(),
        vouchers: vouchers.collect(),
        tiers: tiers.collect(),
        ending: offers.ending.iter().map(|ending| ending.sentence(language)).collect(),
    }
}

/// The last events about a member, newest first, each with its movements and their reasons.
async fn history(
    tx: &mut Tx,
    caller: &Caller,
    person: &Person,
    shops: &[Shop],
    language: Language,
) -> Result<Vec<Json>> {
    let mut events = Vec::new();
    let mut journals = Vec::new();
    for (member, _) in person.parts() {
        let base = base(tx, caller.tenant, *member).await?;
        journals.extend(base.includes.keys().map(|author| (*member, *author)));
    }
    for (member, author) in journals.into_iter().take(AUTHORS_MAX) {
        let rows = tx
            .rows(
                "SELECT bytes FROM event WHERE tenant = $1 AND member = $2 AND author = $3 AND status = 0
                 ORDER BY seq DESC LIMIT $4",
                values![caller.tenant, member, author, HISTORY_MAX as i64],
            )
            .await?;
        for row in rows {
            events.push(stored_event(row.bytes(0)?)?);
        }
    }
    events.sort_by_key(|event| std::cmp::Reverse((event.record.at.utc_ms, event.reference())));
    // A terminal that had not heard of the member begins it with the card's first scan, as every place does: told
    // is the first time.
    let joined = |event: &Event| matches!(event.record.fact, Fact::MemberJoined(_));
    let first = events.iter().rposition(joined);
    let mut place = 0;
    events.retain(|event| {
        place += 1;
        !joined(event) || Some(place - 1) == first
    });
    events.truncate(HISTORY_MAX);
    Ok(events.iter().filter_map(|event| told(event, person, shops, language)).collect())
}

fn told(event: &Event, person: &Person, shops: &[Shop], language: Language) -> Option<Json> {
    let fact = &event.record.fact;
    let (title, outcome, shop): (&str, Option<&Outcome>, Option<ShopId>) = match fact {
        Fact::MemberJoined(_) => (pick(language, "Karte bekommen", "Card received"), None, None),
        Fact::CardBound(_) => (pick(language, "Neue Karte", "New card"), None, None),
        Fact::Sale(sale) => (pick(language, "Einkauf", "Purchase"), Some(&sale.outcome), Some(sale.shop)),
        Fact::Stamp(stamp) => (pick(language, "Besuch", "Visit"), Some(&stamp.outcome), Some(stamp.shop)),
        Fact::Grant(grant) => (pick(language, "Geschenk", "Gift"), Some(&grant.outcome), Some(grant.shop)),
        Fact::Reversal(_) => (pick(language, "Zurückgenommen", "Taken back"), None, None),
        Fact::GrantWithdrawn(_) => (
            pick(language, "Doppelt gegeben, einmal zurückgenommen", "Given twice, taken back once"),
            None,
            None,
        ),
        Fact::Adjustment(_) => (pick(language, "Von Hand geändert", "Changed by hand"), None, None),
        _ => return None,
    };
    let mut sums: BTreeMap<&Unit, i64> = BTreeMap::new();
    for posting in fact.postings() {
        if person.parts().iter().any(|(member, _)| posting.account == Account::Member(*member)) {
            *sums.entry(&posting.unit).or_default() += posting.amount;
        }
    }
    let moved = sums.iter().filter(|(_, amount)| **amount != 0).map(|(unit, amount)| {
        let sign = if *amount > 0 { "+" } else { "" };
        format!("{sign}{}", language.units(&unit.format(*amount), unit.name()))
    });
    let why = outcome.map(|outcome| outcome.trace.as_slice()).unwrap_or_default();
    // A visit that moved nothing says so, and why.
    let nothing = outcome.is_some() && sums.values().all(|amount| *amount == 0);
    let place = shop.and_then(|shop| shops.iter().find(|known| known.id == shop)).map(|shop| &shop.name);
    let civil = event.record.at.rfc3339();
    Some(json!({
        "title": title,
        "at": civil,
        "shop": place.filter(|_| shops.len() > 1),
        "moved": moved.collect::<Vec<_>>(),
        "nothing": nothing,
        "why": why.iter().map(|step| rules::sentence(step, language)).collect::<Vec<_>>(),
    }))
}
