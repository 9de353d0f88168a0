//! Mails about devices that have fallen silent: one to each owner when it happens, and none again before the device was
//! heard.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use stempel_domain::{AuthorId, ShopId, TenantId};

use crate::accounts::Role;
use crate::admin::DeviceInfo;
use crate::db::values;
use crate::error::Result;
use crate::http::Http;
use crate::mail::Mailer;
use crate::server::Server;

/// A device that has sent nothing for so long needs a look, in milliseconds: a night and a morning.
const SILENT_MS: i64 = 36 * 60 * 60 * 1000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// The name of the setting, before the shop.
const OPEN_DAYS: &str = "open-days:";
/// How often silent devices are looked for.
const LOOK: Duration = Duration::from_secs(10 * 60);
/// Devices of one mail, and mails of one round.
const NAMED_MAX: usize = 20;
const MAILS_MAX: usize = 500;

/// Whether a device has been silent for too long. Days on which its shop is closed do not count.
pub(crate) fn is_silent(device: &DeviceInfo, open: OpenDays, now_ms: i64) -> bool {
    let since_ms = device.seen_ms.unwrap_or(device.enrolled_ms);
    let (first, last) = (since_ms.div_euclid(DAY_MS) + 1, now_ms.div_euclid(DAY_MS));
    // More than a month: whatever the days, it is silent.
    let closed = (first..=last).take(31).filter(|day| !open.on(*day)).count() as i64;
    now_ms.saturating_sub(since_ms) > SILENT_MS + closed * DAY_MS
}

/// The weekdays on which a shop is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OpenDays(u8);

impl Default for OpenDays {
    fn default() -> Self {
        Self(127)
    }
}

impl OpenDays {
    /// From the weekdays' numbers, Monday first; none named: every day.
    pub(crate) fn of(days: impl Iterator<Item = usize>) -> Self {
        let bits = days.filter(|day| *day < 7).fold(0_u8, |bits, day| bits | 1 << day);
        if bits == 0 { Self::default() } else { Self(bits) }
    }

    /// Whether it is open on a weekday, Monday first.
    pub(crate) fn weekday(self, day: usize) -> bool {
        day < 7 && self.0 & 1 << day != 0
    }

    /// Whether it is open on a day since 1970, which began on a Thursday.
    fn on(self, day: i64) -> bool {
        self.weekday((day + 3).rem_euclid(7) as usize)
    }

    /// As it is stored.
    pub(crate) fn text(self) -> String {
        (0..7).map(|day| if self.weekday(day) { '1' } else { '0' }).collect()
    }

    /// From what is stored.
    pub(crate) fn read(text: &str) -> Self {
        Self::of(text.bytes().enumerate().filter(|(_, sign)| *sign == b'1').map(|(day, _)| day))
    }
}

/// Sends mails about devices that fall silent, until it is broken off.
pub(crate) async fn watch(http: Arc<Http>) {
    let Some(mailer) = http.options.mailer.clone() else { return };
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = http.server.mail_silence(&mailer, http.options.public_url.as_deref()).await {
            tracing::warn!(%error, "could not look for silent devices");
        }
    }
}

impl Server {
    /// The weekdays on which shops are open; one that is not named is open every day.
    pub(crate) async fn open_days(&self, tenant: TenantId) -> Result<BTreeMap<ShopId, OpenDays>> {
        let rows = self
            .read_of(tenant)
            .await?
            .rows(
                "SELECT name, value FROM setting WHERE tenant = $1 AND name >= $2 AND name < $3",
                // A semicolon comes after the colon.
                values![tenant, OPEN_DAYS, "open-days;"],
            )
            .await?;
        let mut days = BTreeMap::new();
        for row in rows {
            let name = row.text(0)?;
            if let Some(shop) = name.strip_prefix(OPEN_DAYS).and_then(|shop| shop.parse().ok()) {
                days.insert(shop, OpenDays::read(&row.text(1)?));
            }
        }
        Ok(days)
    }

    /// Says on which weekdays a shop is open.
    pub(crate) async fn open_days_set(&self, tenant: TenantId, shop: ShopId, days: OpenDays) -> Result<()> {
        let mut tx = self.write_of(tenant).await?;
        let locked = crate::tenant::Tenant::lock(&mut tx, tenant).await?;
        crate::tenant::shop(&mut tx, tenant, shop).await?;
        tx.execute(
            "INSERT INTO setting (tenant, name, value) VALUES ($1, $2, $3)
             ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value",
            values![tenant, format!("{OPEN_DAYS}{shop}"), days.text()],
        )
        .await?;
        let what = serde_json::json!({ "open": days.text() });
        self.note(&mut tx, &locked, "shop-open-days", &shop.to_string(), what).await?;
        tx.commit().await
    }

    /// Tells the owners of devices that fell silent, and says how many mails were sent.
    pub async fn mail_silence(&self, mailer: &Mailer, url: Option<&str>) -> Result<usize> {
        let mut sent = 0;
        for db in self.databases().await? {
            let rows = db.read().await?.rows("SELECT tenant FROM tenant", Vec::new()).await?;
            for row in rows {
                if sent >= MAILS_MAX {
                    return Ok(sent);
                }
                sent += self.mail_silence_of(mailer, url, row.id(0)?).await?;
            }
        }
        Ok(sent)
    }

    async fn mail_silence_of(&self, mailer: &Mailer, url: Option<&str>, tenant: TenantId) -> Result<usize> {
        let now_ms = self.now_ms();
        let shops = self.shops(tenant).await?;
        let open = self.open_days(tenant).await?;
        let mut silent = self.device_list(tenant).await?;
        silent.retain(|device| {
            let open = open.get(&device.shop).copied().unwrap_or_default();
            !device.revoked && is_silent(device, open, now_ms)
        });
        // Whoever notes it first sends the mail.
        let new = self.note_silence(tenant, &silent, now_ms).await?;
        let named = silent.iter().filter(|device| new.contains(&device.device));
        let lines: Vec<String> = named
            .take(NAMED_MAX)
            .map(|device| {
                let shop = shops.iter().find(|shop| shop.id == device.shop).map_or("", |shop| &shop.name);
                format!("- {} · {shop}", device.name)
            })
            .collect();
        if lines.is_empty() {
            return Ok(0);
        }
        let link = url.map(|url| format!("\n{}/dashboard/devices\n", url.trim_end_matches('/')));
        let text = format!(
            "Von diesen Geräten kam seit mehr als anderthalb Öffnungstagen nichts:\nNothing came from these devices for \
             more than a day and a half of opening:\n\n{}\n\nWas dort gescannt wurde, ist auf dem Gerät sicher. Sehen Sie \
             nach, ob es an ist und Netz hat.\nWhat was scanned there is safe on the device. See whether it is switched on \
             and has a network.\n{}",
            lines.join("\n"),
            link.unwrap_or_default(),
        );
        let accounts = self.accounts(tenant).await?;
        let owners =
            accounts.iter().filter(|account| account.roles.iter().any(|role| role.role == Role::Owner));
        let mut sent = 0;
        for owner in owners.filter(|account| account.active) {
            // The log has said why; the page of devices says the same.
            let subject = "Stempel: ein Gerät ist still / a device is silent";
            sent += usize::from(mailer.send(&owner.email, subject, text.clone()).await.is_ok());
        }
        Ok(sent)
    }

    /// Notes which devices are silent, and gives those that were not noted before.
    async fn note_silence(
        &self,
        tenant: TenantId,
        silent: &[DeviceInfo],
        now_ms: i64,
    ) -> Result<Vec<AuthorId>> {
        let noted =
            |rows: Vec<crate::db::Row>| rows.iter().map(|row| row.id(0)).collect::<Result<Vec<AuthorId>>>();
        let sql = "SELECT device FROM silence_mail WHERE tenant = $1";
        let known = noted(self.read_of(tenant).await?.rows(sql, values![tenant]).await?)?;
        let is_new = |device: &&DeviceInfo| !known.contains(&device.device);
        let is_back = |device: &&AuthorId| !silent.iter().any(|silent| silent.device == **device);
        if silent.iter().find(is_new).is_none() && known.iter().find(is_back).is_none() {
            return Ok(Vec::new());
        }
        let mut tx = self.write_of(tenant).await?;
        crate::tenant::Tenant::lock(&mut tx, tenant).await?;
        let known = noted(tx.rows(sql, values![tenant]).await?)?;
        for device in known.iter().filter(is_back) {
            tx.execute(
                "DELETE FROM silence_mail WHERE tenant = $1 AND device = $2",
                values![tenant, *device],
            )
            .await?;
        }
        let mut new = Vec::new();
        for device in silent.iter().filter(|device| !known.contains(&device.device)) {
            tx.execute(
                "INSERT INTO silence_mail (tenant, device, at_ms) VALUES ($1, $2, $3)",
                values![tenant, device.device, now_ms],
            )
            .await?;
            new.push(device.device);
        }
        tx.commit().await?;
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-16, a Monday, noon.
    const MONDAY_MS: i64 = 20_773 * DAY_MS + DAY_MS / 2;

    fn device(seen_ms: i64) -> DeviceInfo {
        DeviceInfo {
            device: AuthorId([1; 16]),
            shop: ShopId([2; 16]),
            name: String::new(),
            enrolled_ms: 0,
            seen_ms: Some(seen_ms),
            revoked: false,
            held: 0,
        }
    }

    #[test]
    fn a_night_and_a_morning_are_too_long_and_closed_days_do_not_count() {
        let every = OpenDays::default();
        assert!(!is_silent(&device(MONDAY_MS), every, MONDAY_MS + SILENT_MS));
        assert!(is_silent(&device(MONDAY_MS), every, MONDAY_MS + SILENT_MS + 1));
        // Open from Monday to Friday: heard on Friday noon, it may be quiet until Tuesday.
        let weekdays = OpenDays::of(0..5);
        let friday_ms = MONDAY_MS + 4 * DAY_MS;
        assert!(!is_silent(&device(friday_ms), weekdays, friday_ms + 3 * DAY_MS));
        assert!(is_silent(&device(friday_ms), weekdays, friday_ms + 4 * DAY_MS));
        assert!(is_silent(&device(0), weekdays, friday_ms));
    }

    #[test]
    fn open_days_are_stored_as_they_are_said() {
        assert_eq!(OpenDays::of(0..5).text(), "1111100");
        assert_eq!(OpenDays::read("0000011"), OpenDays::of([5, 6].into_iter()));
        for everyday in ["", "0000000", "x", "1111111"] {
            assert_eq!(OpenDays::read(everyday), OpenDays::default(), "{everyday}");
        }
    }
}
