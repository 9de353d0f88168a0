//! Members by name, forgiving how a name is spelt.
//!
//! Names are sealed under each member's own key, and no index of them is written down: an index of trigrams under a key
//! of the server would tell, to whoever has the database, who is called alike, and would have to be cleaned when a
//! member is erased. So the names of a tenant that somebody searches are opened into memory, within a bound, and
//! followed by the members' positions in the feed: whoever changes or is erased moves to a new position, and is read
//! anew with the next search, whichever process changed it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use stempel_domain::event::Sealed;
use stempel_domain::{MemberId, TenantId};

use crate::db::{Tx, Value, values};
use crate::error::Result;
use crate::server::Server;
use crate::tenant::Tenant;

/// Names kept of one tenant: about 40 MB.
const NAMES_MAX: usize = 300_000;
/// Tenants whose names are kept; when there are more, all are forgotten and read anew.
const TENANTS_MAX: usize = 32;
/// Members read at a time.
const FETCH: i64 = 2000;
/// How long reading in advance waits: the page that somebody has just opened comes first.
const AFTER: Duration = Duration::from_millis(700);
/// The most members of an answer.
pub(crate) const FOUND_MAX: usize = 50;
/// The longest name or question that is compared, in characters.
const CHARS_MAX: usize = 40;

/// The names of the tenants that somebody searches.
#[derive(Default)]
pub(crate) struct Names {
    tenants: Mutex<BTreeMap<TenantId, Arc<tokio::sync::Mutex<Index>>>>,
}

#[derive(Default)]
struct Index {
    /// After a restore positions begin anew.
    epoch: String,
    /// Up to which position members are known.
    seen: u64,
    names: BTreeMap<MemberId, Name>,
}

struct Name {
    shown: String,
    folded: String,
}

/// What a search found.
pub(crate) struct Found {
    /// Best first.
    pub members: Vec<(MemberId, String)>,
    /// There are more names than are kept.
    pub cut: bool,
}

/// What is read of a member's row.
#[derive(Deserialize)]
struct Slim {
    state: SlimState,
}

#[derive(Deserialize)]
struct SlimState {
    #[serde(default)]
    profile: Option<SlimProfile>,
}

#[derive(Deserialize)]
struct SlimProfile {
    value: Sealed,
}

impl Names {
    fn of(&self, tenant: TenantId) -> Arc<tokio::sync::Mutex<Index>> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if tenants.len() >= TENANTS_MAX && !tenants.contains_key(&tenant) {
            tenants.clear();
        }
        Arc::clone(tenants.entry(tenant).or_default())
    }

    /// Reads the names of a tenant in good time: somebody is about to search.
    pub(crate) fn warm(&self, server: &Server, tenant: TenantId) {
        let (index, server) = (self.of(tenant), server.clone());
        tokio::spawn(async move {
            tokio::time::sleep(AFTER).await;
            // Whoever is reading them already is enough.
            let Ok(mut index) = index.try_lock() else { return };
            let read = async {
                let mut tx = server.read_of(tenant).await?;
                index.follow(&server, &mut tx, tenant).await
            };
            if let Err(error) = read.await {
                tracing::debug!(%error, "the names could not be read in advance");
            }
        });
    }

    /// Finds members whose name is like that, best first.
    pub(crate) async fn find(&self, server: &Server, tenant: TenantId, asked: &str) -> Result<Found> {
        let index = self.of(tenant);
        let mut index = index.lock().await;
        let mut tx = server.read_of(tenant).await?;
        index.follow(server, &mut tx, tenant).await?;
        drop(tx);
        Ok(Found { members: index.like(asked), cut: index.names.len() >= NAMES_MAX })
    }
}

impl Index {
    async fn follow(&mut self, server: &Server, tx: &mut Tx, tenant: TenantId) -> Result<()> {
        let head = Tenant::load(tx, tenant).await?;
        if head.epoch != self.epoch || head.head < self.seen {
            *self = Self { epoch: head.epoch, ..Self::default() };
        }
        while self.seen < head.head {
            let rows = tx
                .rows(
                    "SELECT member, position, base FROM member
                     WHERE tenant = $1 AND position > $2 ORDER BY position LIMIT $3",
                    values![tenant, self.seen, FETCH],
                )
                .await?;
            let Some(last) = rows.last() else { break };
            let last = last.number(1)?;
            let mut profiles: BTreeMap<MemberId, Sealed> = BTreeMap::new();
            for row in &rows {
                let member: MemberId = row.id(0)?;
                self.names.remove(&member);
                let slim: Slim = serde_json::from_str(&row.text(2)?)?;
                if let Some(profile) = slim.state.profile {
                    profiles.insert(member, profile.value);
                }
            }
            let keys: Vec<Value> = profiles.keys().map(|member| (*member).into()).collect();
            let sql = "SELECT member, secret FROM member_key WHERE tenant = $1 AND member";
            for row in tx.rows_in(sql, values![tenant], keys).await? {
                let member: MemberId = row.id(0)?;
                let key = server.db().vault().open_member(member, &row.bytes(1)?).ok();
                let open =
                    profiles.get(&member).zip(key).and_then(|(sealed, key)| key.open(member, sealed).ok());
                if let Some(profile) = open
                    && self.names.len() < NAMES_MAX
                {
                    let folded = fold(&profile.name);
                    self.names.insert(member, Name { shown: profile.name, folded });
                }
            }
            self.seen = last;
        }
        Ok(())
    }

    fn like(&self, asked: &str) -> Vec<(MemberId, String)> {
        let asked = fold(asked);
        if asked.is_empty() {
            return Vec::new();
        }
        let scored = self
            .names
            .iter()
            .filter_map(|(member, name)| Some((likeness(&asked, &name.folded)?, &name.shown, *member)));
        let mut scored: Vec<_> = scored.collect();
        scored.sort();
        scored.into_iter().take(FOUND_MAX).map(|(_, shown, member)| (member, shown.clone())).collect()
    }
}

/// A name as it sounds rather than as it is written: Jörg, Joerg and Jorg are one, Philipp and Filip, Meyer and Meier.
fn fold(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars().take(CHARS_MAX).flat_map(char::to_lowercase) {
        match c {
            'ä' | 'à' | 'á' | 'â' | 'ã' | 'å' => text.push('a'),
            'ö' | 'ò' | 'ó' | 'ô' | 'õ' | 'ø' => text.push('o'),
            'ü' | 'ù' | 'ú' | 'û' => text.push('u'),
            'è' | 'é' | 'ê' | 'ë' => text.push('e'),
            'ì' | 'í' | 'î' | 'ï' | 'ı' | 'y' | 'j' => text.push('i'),
            'ç' | 'č' | 'ć' => text.push('k'),
            'ñ' => text.push('n'),
            'ß' | 'ş' | 'š' => text.push('s'),
            'ğ' => text.push('g'),
            'ž' => text.push('z'),
            c if c.is_alphanumeric() => text.push(c),
            _ => text.push(' '),
        }
    }
    let text = ["ae>a", "oe>o", "ue>u", "ph>f", "th>t", "ck>k", "c>k", "v>f"]
        .iter()
        .filter_map(|rule| rule.split_once('>'))
        .fold(text, |text, (from, to)| text.replace(from, to));
    let mut plain = String::with_capacity(text.len());
    for c in text.trim().chars() {
        // Doubled letters are heard once.
        if !plain.ends_with(c) {
            plain.push(c);
        }
    }
    plain
}

/// How far a name is from what was asked for, smaller is better; none: it is another one.
fn likeness(asked: &str, name: &str) -> Option<u8> {
    if name == asked {
        return Some(0);
    }
    if name.starts_with(asked) {
        return Some(1);
    }
    if name.split(' ').any(|word| word.starts_with(asked)) {
        return Some(2);
    }
    let length = asked.chars().count();
    if length >= 3 && name.contains(asked) {
        return Some(3);
    }
    let slips = match length {
        0..=2 => return None,
        3..=5 => 1,
        _ => 2,
    };
    let words = name.split(' ').chain([name]);
    let near = words.filter_map(|word| {
        // The beginning of a long name is enough.
        let begin: String = word.chars().take(length + 1).collect();
        let distance = distance(asked, &begin).min(distance(asked, word));
        (distance <= slips).then_some(distance)
    });
    near.min().map(|distance| 3 + distance)
}

/// How many letters have to be put in, left out, changed or swapped with the next.
fn distance(one: &str, other: &str) -> u8 {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().abs_diff(other.len()) > 2 {
        return u8::MAX;
    }
    let mut before: Vec<u8> = Vec::new();
    let mut last: Vec<u8> = (0..=other.len()).map(|n| n as u8).collect();
    for (row, a) in one.iter().enumerate() {
        let mut next = vec![row as u8 + 1];
        for (column, b) in other.iter().enumerate() {
            let changed = last[column] + u8::from(a != b);
            let mut best = changed.min(last[column + 1] + 1).min(next[column] + 1);
            if row > 0 && column > 0 && *a == other[column - 1] && one[row - 1] == *b {
                best = best.min(before[column - 1] + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut last, next);
    }
    last.last().copied().unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_however_it_is_spelt() {
        for (asked, name) in [
            ("joerg", "Jörg"),
            ("Jorg", "Jörg-Maximilian"),
            ("maxi", "Jörg-Maximilian"),
            ("filip", "Philipp"),
            ("meier", "Meyer"),
            ("Klara", "Clara"),
            ("brnuo", "Bruno"),
            ("fridea", "Frieda"),
            ("Emer", "Emre"),
            ("ada", "Ada"),
            ("müller", "Mueller"),
        ] {
            assert!(
                likeness(&fold(asked), &fold(name)).is_some(),
                "{asked} {name}: {} {}",
                fold(asked),
                fold(name)
            );
        }
        for (asked, name) in [("ada", "Bruno"), ("em", "Jörg"), ("clara", "Frieda"), ("", "Ada")] {
            let near = if fold(asked).is_empty() { None } else { likeness(&fold(asked), &fold(name)) };
            assert_eq!(near, None, "{asked} {name}");
        }
    }

    #[test]
    fn the_name_itself_comes_first() {
        let mut names: Vec<&str> = vec!["Adam", "Ada", "Adda-Maria", "Rada", "Ida"];
        names.sort_by_key(|name| likeness(&fold("Ada"), &fold(name)));
        assert_eq!(names[0], "Ada");
        assert_eq!(distance("abc", "acb"), 1);
        assert_eq!(distance("abc", "abcdef"), u8::MAX);
    }
}
