//! Who asks: the device behind a signed request.

use stempel_domain::{AuthorId, ShopId, TenantId};
use stempel_wire::{PublicKey, Signature, request};

use crate::db::values;
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::public_key;

/// A device of a tenant.
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    /// Whose.
    pub tenant: TenantId,
    /// Where it stands.
    pub shop: ShopId,
    /// The device.
    pub device: AuthorId,
    /// Its public key.
    pub public_key: PublicKey,
    /// It was signed out: it is told nothing any more, and what it sends waits for a person.
    pub revoked: bool,
}

/// A request as it was signed.
#[derive(Debug, Clone, Copy)]
pub struct SignedRequest<'a> {
    /// `GET`, `POST`.
    pub method: &'a str,
    /// The path with its query.
    pub path_and_query: &'a str,
    /// Who says to be asking.
    pub device: AuthorId,
    /// When, in milliseconds.
    pub time_ms: i64,
    /// The body.
    pub body: &'a [u8],
    /// The signature over all of these.
    pub signature: Signature,
}

impl Caller {
    /// Turns a device away that was signed out.
    pub fn not_revoked(self) -> Result<Self> {
        if self.revoked { Err(revoked()) } else { Ok(self) }
    }

    /// Checks that this device signed the request.
    pub fn check(&self, request: &SignedRequest<'_>) -> Result<()> {
        let SignedRequest { method, path_and_query, device, time_ms, body, signature } = *request;
        request::verify(&self.public_key, method, path_and_query, device, time_ms, body, &signature).map_err(
            |_| {
                Error::refused(
                    "signature",
                    401,
                    "The request was not signed by this device",
                    "The device's key does not fit, or the request was changed on its way. Try again; if it \
                     stays, enrol the device again with a new code.",
                )
            },
        )
    }
}

impl Server {
    /// Refuses a request that is too old or too new by the server's clock.
    pub fn check_time(&self, time_ms: i64) -> Result<()> {
        let apart_ms = i128::from(time_ms) - i128::from(self.now_ms());
        if apart_ms.abs() <= i128::from(request::WINDOW_MS) {
            return Ok(());
        }
        let minutes = apart_ms.abs() / 60_000;
        let side = if apart_ms > 0 { "ahead of" } else { "behind" };
        Err(Error::refused(
            "clock",
            401,
            "The device's clock is wrong",
            format!(
                "It is {minutes} minutes {side} the server's. Set the clock, or let the device correct itself \
                 by the time in this answer."
            ),
        ))
    }

    /// Finds a device that is enrolled and was not signed out.
    pub async fn caller(&self, device: AuthorId) -> Result<Caller> {
        self.sender(device).await?.not_revoked()
    }

    /// Finds a device that was enrolled, also one that was signed out since: it may still push.
    pub async fn sender(&self, device: AuthorId) -> Result<Caller> {
        let unknown = || {
            Error::refused(
                "device-unknown",
                401,
                "The server does not know this device",
                "It was enrolled at another server, or after the backup that this server was restored from. \
                 Enrol it again with a new code; nothing that it holds is lost.",
            )
        };
        let (tenant, mut tx) = self.look_up("author", &device.0).await?.ok_or_else(unknown)?;
        let row = tx
            .row(
                "SELECT shop, public_key, revoked FROM device WHERE tenant = $1 AND device = $2",
                values![tenant, device],
            )
            .await?
            .ok_or_else(unknown)?;
        let (shop, public_key) = (row.id(0)?, public_key(&row.bytes(1)?)?);
        Ok(Caller { tenant, device, shop, public_key, revoked: row.flag(2)? })
    }

    /// Finds the device behind a signed request and checks its time and its signature.
    pub async fn authenticate(&self, request: &SignedRequest<'_>) -> Result<Caller> {
        self.check_time(request.time_ms)?;
        let caller = self.caller(request.device).await?;
        caller.check(request)?;
        Ok(caller)
    }
}

/// What a revoked device is told.
pub(crate) fn revoked() -> Error {
    Error::refused(
        "device-revoked",
        403,
        "This device was signed out by the owner",
        "It hands over what it has not sent yet, and keeps it; whether that counts is for the owner to say. If it was \
         signed out by mistake, ask the owner for a new code and set the device up again.",
    )
}
