//! The server through its doors: as a library and over the network.
//!
//! | module | what it shows |
//! |---|---|
//! | `world` | a server in a folder, a clock that tests set, devices that write real rows |
//! | `admin` | signing devices out, backup and restore, members, verify |
//! | `enroll` | enrolment, blank cards |
//! | `push` | taking rows in: each trap of synchronisation |
//! | `feed` | nothing is passed over while others write |
//! | `splits` | a property: any split and interleaving gives the same members |
//! | `shop` | catalogue, programmes, the demo, databases of other versions |
//! | `process` | the program itself: killed, started again |
//! | `http` | signatures, times, bounds, damaged requests |

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails where it stands")]

mod admin;
mod enroll;
mod feed;
mod http;
mod process;
mod push;
mod shop;
mod splits;
mod world;
