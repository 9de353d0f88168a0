//! The server through its doors, as a library and over the network, on SQLite.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails where it stands")]

#[path = "suite.rs"]
mod suite;

use suite::database::Kind;
use suite::{accounts, api, authenticator, cluster, database, http, second, world};

/// Tests need no plug to be pulled.
const DISK: cluster::Disk = cluster::Disk::Careless;
/// The database of this binary's tests.
const KIND: Kind = Kind::Sqlite;
