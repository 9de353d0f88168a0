//! The same tests as in `tests/it`, on PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails where it stands")]

#[path = "../it/suite.rs"]
mod suite;

mod beside;
mod yesterday;

use suite::database::Kind;
use suite::{accounts, api, authenticator, cluster, database, http, relay, second, world};

/// Tests need no plug to be pulled.
const DISK: cluster::Disk = cluster::Disk::Careless;
/// The database of this binary's tests.
const KIND: Kind = Kind::Postgres;
