//! Every test, once for each database: `tests/it` runs them on SQLite, `tests/postgres` on PostgreSQL.
//!
//! | module | what it shows |
//! |---|---|
//! | `world` | a server on a database of its own, a clock that tests set, devices that write real rows |
//! | `database` | a fresh database for each test, of the kind that the binary is for |
//! | `cluster` | the PostgreSQL server that the tests start and stop themselves |
//! | `admin` | signing devices out, backup and restore, members, verify |
//! | `alarms` | what looks as if somebody helped himself, over what all devices did |
//! | `adopt` | a shop that began alone comes to a server |
//! | `enroll` | enrolment, blank cards |
//! | `key_change` | a device signs with another key from some row on |
//! | `relay` | notes between the devices of a shop |
//! | `relocate` | a tenant's way from one database to another |
//! | `push` | taking rows in: each trap of synchronisation |
//! | `feed` | nothing is passed over while others write |
//! | `splits` | a property: any split and interleaving gives the same members |
//! | `work` | policies, judging again, leases, holds |
//! | `rights` | what is given once, shared stock, figures |
//! | `shop` | catalogue, programmes, the demo, databases of other versions |
//! | `api` | other systems: stamps, offers, keys that make a write happen once, cursors |
//! | `accounts` | people: signing in, guessing, mails, roles, four eyes, the log |
//! | `abuse` | presses that come twice, uploads without end, pages read by machines |
//! | `second` | the second factor: set up, asked for, lost |
//! | `passkeys`, `authenticator` | passkeys: made, used, forged; an authenticator in memory |
//! | `vault` | secrets at rest: found nowhere in clear, opened by their key file alone |
//! | `hooks` | webhooks, mails about silent devices |
//! | `card` | the member's card: joining, the phone's key, the ways back |
//! | `browser` | the pages in a real browser, by the scripts in `tests/browser` |
//! | `described` | the API against its description, by requests that a program makes up |
//! | `fuzzed` | bodies that a mutator makes bring nobody down |
//! | `doors` | what every request meets: ids, headers, figures, TLS, slow clients |
//! | `walk` | every route without credentials, with a lesser role's, another shop's, another tenant's |
//! | `large` | by hand: the pages beside a million events |
//! | `plans` | how pages look for what they show: none reads all events |
//! | `pages` | the dashboard without a browser: who may see what, forms of other sites, ids of other tenants |
//! | `people` | merges, consents, what is held about a person, erasures that devices acknowledge |
//! | `process` | the program itself: killed, started again, two at once |
//! | `http` | signatures, times, bounds, damaged requests |

mod abuse;
pub mod accounts;
mod admin;
mod adopt;
pub mod alarms;
pub mod api;
pub mod authenticator;
pub mod browser;
mod card;
pub mod cluster;
pub mod database;
mod described;
mod doors;
mod enroll;
mod feed;
mod fuzzed;
mod hooks;
pub mod http;
mod key_change;
mod large;
pub mod pages;
mod passkeys;
mod people;
mod plans;
mod process;
mod push;
pub mod relay;
mod relocate;
mod rights;
pub mod second;
mod shop;
mod splits;
mod vault;
mod walk;
mod work;
pub mod world;
