//! Every test, once for each database: `tests/it` runs them on SQLite, `tests/postgres` on PostgreSQL.
//!
//! | module | what it shows |
//! |---|---|
//! | `world` | a server on a database of its own, a clock that tests set, devices that write real rows |
//! | `database` | a fresh database for each test, of the kind that the binary is for |
//! | `cluster` | the PostgreSQL server that the tests start and stop themselves |
//! | `admin` | signing devices out, backup and restore, members, verify |
//! | `adopt` | a shop that began alone comes to a server |
//! | `enroll` | enrolment, blank cards |
//! | `relocate` | a tenant's way from one database to another |
//! | `push` | taking rows in: each trap of synchronisation |
//! | `feed` | nothing is passed over while others write |
//! | `splits` | a property: any split and interleaving gives the same members |
//! | `work` | policies, judging again, leases, holds |
//! | `rights` | what is given once, shared stock, figures |
//! | `shop` | catalogue, programmes, the demo, databases of other versions |
//! | `process` | the program itself: killed, started again, two at once |
//! | `http` | signatures, times, bounds, damaged requests |

mod admin;
mod adopt;
pub mod cluster;
pub mod database;
mod enroll;
mod feed;
pub mod http;
mod process;
mod push;
mod relocate;
mod rights;
mod shop;
mod splits;
mod work;
pub mod world;
