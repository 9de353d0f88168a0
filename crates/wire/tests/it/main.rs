//! The bytes, tried from outside.
//!
//! | module | what it shows |
//! |---|---|
//! | `corpus` | foreign bytes are read or refused: what fuzzing was fed, and what a mutator makes of it |
//! | `damage` | rows that were cut, stretched or changed are refused; later versions are lived with |
//! | `fiscal` | receipts of other tills are checked as their security devices signed them |
//! | `golden_messages` | what device and server say to each other keeps its bytes |
//! | `golden_rows` | a row of every kind keeps its bytes |
//! | `golden_secrets` | cards, seals, certificates and signed requests keep their bytes |
//! | `protocol` | every example of `docs/PROTOCOL.md` is read and computed |
//! | `support` | fixed names, keys and files |

// Helpers of tests may unwrap, as tests may.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod corpus;
mod damage;
mod fiscal;
mod golden_messages;
mod golden_rows;
mod golden_secrets;
mod protocol;
mod support;
