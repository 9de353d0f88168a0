//! Who asks through the API, and what they may: keys of other systems, and accounts of people.

use std::collections::BTreeSet;

use stempel_domain::{ShopId, TenantId};

use crate::audit::Actor;
use crate::error::{Error, Result};

/// Something that one may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Look at members, balances, offers, events and programmes.
    Read,
    /// Give stamps and points.
    Award,
    /// Take units for a reward.
    Redeem,
    /// Add members.
    Members,
    /// Devices, corrections by hand, what waits for a second person, the audit log. For accounts only.
    Manage,
    /// Accounts, API keys and settings. For accounts only.
    Own,
}

impl Scope {
    /// The scopes that an API key can have.
    pub const OF_KEYS: [Self; 4] = [Self::Read, Self::Award, Self::Redeem, Self::Members];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Award => "award",
            Self::Redeem => "redeem",
            Self::Members => "members",
            Self::Manage => "manage",
            Self::Own => "own",
        }
    }

    /// Reads the name of a scope that a key can have.
    pub fn of_key(name: &str) -> Result<Self> {
        Self::OF_KEYS.into_iter().find(|scope| scope.name() == name).ok_or_else(|| {
            Error::bad_request(format!("“{name}” is no scope. There are read, award, redeem and members."))
        })
    }
}

/// What is allowed, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Right {
    /// None: at every shop.
    pub shop: Option<ShopId>,
    pub scopes: BTreeSet<Scope>,
}

/// Somebody who asks.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    pub tenant: TenantId,
    pub actor: Actor,
    pub rights: Vec<Right>,
}

fn forbidden(code: &'static str, detail: String) -> Error {
    Error::refused(code, 403, "This is not allowed", detail)
}

impl Principal {
    /// Whether this is allowed at any shop.
    pub fn may(&self, scope: Scope) -> Result<()> {
        if self.rights.iter().any(|right| right.scopes.contains(&scope)) {
            return Ok(());
        }
        let detail = format!("It needs the right “{}”. Ask the owner for it.", scope.name());
        Err(forbidden("forbidden", detail))
    }

    /// Whether this is allowed at that shop.
    pub fn may_at(&self, scope: Scope, shop: ShopId) -> Result<()> {
        self.may(scope)?;
        match self.shops(scope) {
            None => Ok(()),
            Some(shops) if shops.contains(&shop) => Ok(()),
            Some(_) => Err(forbidden(
                "other-shop",
                format!("The right “{}” is for other shops, not for this one.", scope.name()),
            )),
        }
    }

    /// Whether this is allowed at every shop.
    pub fn may_everywhere(&self, scope: Scope) -> Result<()> {
        self.may(scope)?;
        match self.shops(scope) {
            None => Ok(()),
            Some(_) => Err(forbidden(
                "other-shop",
                format!("It concerns every shop; the right “{}” is for some of them.", scope.name()),
            )),
        }
    }

    /// The shops at which this is allowed; none: all of them.
    pub fn shops(&self, scope: Scope) -> Option<BTreeSet<ShopId>> {
        let rights = self.rights.iter().filter(|right| right.scopes.contains(&scope));
        rights.map(|right| right.shop).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(rights: &[(Option<u8>, &[Scope])]) -> Principal {
        let right = |(shop, scopes): &(Option<u8>, &[Scope])| Right {
            shop: shop.map(|shop| ShopId([shop; 16])),
            scopes: scopes.iter().copied().collect(),
        };
        Principal {
            tenant: TenantId([1; 16]),
            actor: Actor::server(),
            rights: rights.iter().map(right).collect(),
        }
    }

    #[test]
    fn a_right_at_one_shop_is_none_at_another() {
        let both = principal(&[(Some(1), &[Scope::Award]), (Some(2), &[Scope::Read])]);
        let code = |result: Result<()>| result.map_err(|error| error.code());
        assert_eq!(code(both.may_at(Scope::Award, ShopId([1; 16]))), Ok(()));
        assert_eq!(code(both.may_at(Scope::Award, ShopId([2; 16]))), Err("other-shop"));
        assert_eq!(code(both.may_at(Scope::Redeem, ShopId([1; 16]))), Err("forbidden"));
        assert_eq!(code(both.may_everywhere(Scope::Read)), Err("other-shop"));
        assert_eq!(both.shops(Scope::Award).unwrap().len(), 1);
        let all = principal(&[(None, &[Scope::Award]), (Some(1), &[Scope::Award])]);
        assert_eq!(code(all.may_everywhere(Scope::Award)), Ok(()));
        assert_eq!(all.shops(Scope::Award), None);
    }
}
