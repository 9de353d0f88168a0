//! What a day brings to members who do not come by: a birthday, an anniversary.
//!
//! At the counter an occasion comes with the visit, and a welcome and a return only there. For everybody else one job per tenant goes through the members
//! once in each business day of the first shop, in pieces: the job's id is the member after which it goes on. What
//! a device has given meanwhile has the same name as what is given here, and the later of two is taken back.

use std::collections::BTreeSet;

use stempel_domain::event::{Fact, GrantFact, Loyalty};
use stempel_domain::member::Base;
use stempel_domain::programme::Programme;
use stempel_domain::rules::{self, Outcome, Place, RuleBook};
use stempel_domain::sale::{Deed, Order};
use stempel_domain::{MemberFacts, MemberId, MemberState, Moment, TenantId};
use stempel_wire::message::Shop;

use crate::api::orders::{book, place_of, state};
use crate::author;
use crate::db::{Db, Tx, values};
use crate::error::{Error, Result};
use crate::jobs::{self, Job, Kind, Progress};
use crate::server::Server;
use crate::tenant::{self, Tenant};

/// Members looked at in one go, outside the tenant's lock.
const LOOK: i64 = 500;
/// Members given something in one transaction.
const GIVE_MAX: usize = 100;
/// Where the job begins: before the first member.
const BEGINNING: &[u8] = &[];
const DAY_MINUTES: i64 = 24 * 60;
const MINUTE_MS: i64 = 60_000;

/// Looks for occasions from now on, if the programme that is published has any.
pub(crate) async fn begin(tx: &mut Tx, tenant: TenantId, text: &str, now_ms: i64) -> Result<()> {
    match Programme::from_json(text) {
        Ok(programme) if has_dates(&programme) => {
            jobs::put(tx, tenant, Kind::Occasions, BEGINNING, now_ms).await?;
            // It may be there and wait for tomorrow.
            jobs::hurry(tx, tenant, Kind::Occasions, BEGINNING, now_ms).await
        }
        _ => Ok(()),
    }
}

impl Server {
    /// Has every tenant looked at whose programmes need it and that is not yet: a database may be older than this job.
    /// Gives how many. Called by tests; a running server does it once, when it begins to work.
    pub async fn begin_occasions(&self) -> Result<usize> {
        let mut begun = 0;
        for db in self.databases().await? {
            let tenants = without_job(&db).await?;
            begun += tenants.len();
            for tenant in tenants {
                let mut tx = db.write().await?;
                Tenant::lock(&mut tx, tenant).await?;
                jobs::put(&mut tx, tenant, Kind::Occasions, BEGINNING, self.now_ms()).await?;
                tx.commit().await?;
            }
        }
        Ok(begun)
    }
}

/// The tenants with occasions that nobody looks for.
async fn without_job(db: &Db) -> Result<Vec<TenantId>> {
    let mut tx = db.read().await?;
    let rows = tx
        .rows(
            "SELECT tenant FROM tenant t WHERE closed = 0
             AND NOT EXISTS (SELECT 1 FROM job j WHERE j.tenant = t.tenant AND j.kind = $1) ORDER BY tenant",
            values![Kind::Occasions.name()],
        )
        .await?;
    let mut tenants = Vec::new();
    for row in rows {
        let tenant = row.id(0)?;
        match book(&mut tx, tenant).await {
            Ok(book) if has_occasions(&book) => tenants.push(tenant),
            Ok(_) => {}
            // One tenant's damage keeps no other from its occasions.
            Err(error @ Error::Damaged(_)) => {
                tracing::warn!(%tenant, %error, "its programmes cannot be read")
            }
            Err(error) => return Err(error),
        }
    }
    Ok(tenants)
}

/// Gives what the day brings to the next members, and says where to go on.
pub(crate) async fn give_due(server: &Server, db: &Db, job: &Job) -> Result<()> {
    let seen = look(server, db, job).await?;
    let now_ms = server.now_ms();
    let mut tx = db.write().await?;
    let mut tenant = job.begin(&mut tx).await?;
    let Some(seen) = seen else {
        // No programme has occasions any more; the next one that has begins anew.
        job.end(&mut tx, Progress::Done, now_ms).await?;
        return tx.commit().await;
    };
    for (member, place) in &seen.due {
        give(server, &mut tx, &mut tenant, &seen, *member, place).await?;
    }
    if !seen.due.is_empty() {
        tenant.save_head(&mut tx).await?;
    }
    let (next, due_ms) = match seen.go_on {
        Some(member) => (member.as_bytes().to_vec(), now_ms),
        None => (BEGINNING.to_vec(), next_day(&seen.first, &server.moment_at(&seen.first))),
    };
    if next == job.id {
        job.end(&mut tx, Progress::Later(due_ms), now_ms).await?;
    } else {
        jobs::put(&mut tx, job.tenant, Kind::Occasions, &next, due_ms).await?;
        job.end(&mut tx, Progress::Done, now_ms).await?;
    }
    tx.commit().await?;
    server.announce(job.tenant, tenant.head);
    Ok(())
}

/// What a look at some members found.
struct Seen {
    book: RuleBook,
    /// The shop whose days count.
    first: Shop,
    shops: Vec<Shop>,
    /// To whom the day brings something, and at which of the shops.
    due: Vec<(MemberId, usize)>,
    /// The member after whom to go on; none: that was everybody.
    go_on: Option<MemberId>,
}

/// Looks at the next members; none if there is nothing that a day could bring.
async fn look(server: &Server, db: &Db, job: &Job) -> Result<Option<Seen>> {
    let mut tx = db.read().await?;
    let tenant = Tenant::load(&mut tx, job.tenant).await?;
    let book = book(&mut tx, tenant.id).await?;
    let shops = shops(&mut tx, &tenant, &book).await?;
    let Some(first) = shops.first().cloned().filter(|_| has_occasions(&book)) else { return Ok(None) };
    let rows = tx
        .rows(
            "SELECT member, base FROM member WHERE tenant = $1 AND member > $2 ORDER BY member LIMIT $3",
            values![tenant.id, &job.id[..], LOOK],
        )
        .await?;
    let mut places = Vec::with_capacity(shops.len());
    for shop in &shops {
        places.push((place_of(&mut tx, &tenant, shop, &book).await?, server.moment_at(shop)));
    }
    let (mut due, mut last) = (Vec::new(), None);
    for row in &rows {
        let member: MemberId = row.id(0)?;
        let Base { state, .. } = serde_json::from_str(&row.text(1)?)?;
        let at = places.iter().position(|(place, at)| judge(&book, &state, place, at).is_some());
        due.extend(at.map(|shop| (member, shop)));
        last = Some(member);
        if due.len() >= GIVE_MAX {
            break;
        }
    }
    let whole = rows.len() < usize::try_from(LOOK).unwrap_or(usize::MAX) && due.len() < GIVE_MAX;
    Ok(Some(Seen { book, first, shops, due, go_on: last.filter(|_| !whole) }))
}

fn has_occasions(book: &RuleBook) -> bool {
    book.programmes().iter().any(|published| has_dates(&published.programme))
}

/// Whether the calendar alone can bring something by the programme.
fn has_dates(programme: &Programme) -> bool {
    programme.spec().occasion.iter().any(|occasion| occasion.on.is_a_date())
}

/// The shops that differ in which programmes with occasions run there: of those that are alike, the first.
async fn shops(tx: &mut Tx, tenant: &Tenant, book: &RuleBook) -> Result<Vec<Shop>> {
    let (mut different, mut kinds) = (Vec::new(), BTreeSet::new());
    for shop in tenant::shops(tx, tenant.id).await? {
        let takes_part = |published: &stempel_domain::programme::Published| {
            let spec = published.programme.spec();
            let is_of = |merchant: &String| spec.merchants.contains(merchant);
            has_dates(&published.programme)
                && (spec.shops.is_empty() || spec.shops.contains(&shop.id))
                && (spec.merchants.is_empty() || shop.merchant.as_ref().is_some_and(is_of))
        };
        let kind: Vec<bool> = book.programmes().iter().map(takes_part).collect();
        if kind.contains(&true) && kinds.insert(kind) {
            different.push(shop);
        }
    }
    Ok(different)
}

/// What the day brings to a member; none if that is nothing.
fn judge(book: &RuleBook, state: &MemberState, place: &Place, at: &Moment) -> Option<(MemberFacts, Outcome)> {
    let mut facts = state.facts(at);
    book.trim(&mut facts, at.day);
    let outcome = rules::evaluate(book, Some(&facts), Order::Deed(&Deed::Calendar), place.clone(), at);
    (!outcome.grants.is_empty()).then_some((facts, outcome))
}

/// Writes down what the day brings to one member, if it still does now that nobody else can write.
async fn give(
    server: &Server,
    tx: &mut Tx,
    tenant: &mut Tenant,
    seen: &Seen,
    member: MemberId,
    shop: &usize,
) -> Result<()> {
    let Some(shop) = seen.shops.get(*shop) else { return Ok(()) };
    let at = author::next_moment(tx, tenant, server.moment_at(shop)).await?;
    let place = place_of(tx, tenant, shop, &seen.book).await?;
    let state = state(tx, tenant.id, member).await?;
    let Some((facts, outcome)) = judge(&seen.book, &state, &place, &at) else { return Ok(()) };
    let loyalty =
        Loyalty { member, card: None, rules: rules::VERSION, programmes: seen.book.references(), facts };
    let fact = Fact::Grant(Box::new(GrantFact {
        shop: shop.id,
        deed: Deed::Calendar,
        postings: outcome.postings(member, shop.id, at.day),
        loyalty,
        outcome,
        place: place.facts,
    }));
    author::append(tx, tenant, at, vec![fact], &[]).await?;
    Ok(())
}

/// When the shop's next business day begins, in milliseconds.
fn next_day(shop: &Shop, now: &Moment) -> i64 {
    let minute = now.utc_ms.div_euclid(MINUTE_MS) + i64::from(now.offset_minutes);
    let wait = (i64::from(shop.day_ends_minutes) - minute).rem_euclid(DAY_MINUTES);
    let wait = if wait == 0 { DAY_MINUTES } else { wait };
    (now.utc_ms.div_euclid(MINUTE_MS) + wait) * MINUTE_MS
}
