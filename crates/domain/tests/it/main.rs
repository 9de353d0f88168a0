//! The rules, tried from outside.
//!
//! | module | what it shows |
//! |---|---|
//! | `behaviour` | what single rules and screens rely on |
//! | `checks` | what a programme is refused for at each bound, and what its owner is warned of |
//! | `cases` | how cases are read, where they end, and what they answer |
//! | `corpus` | what fuzzing has found, and where it began |
//! | `draw` | prize draws: who wins can be computed by anybody |
//! | `edges` | the edges of windows, and the order in which things come off |
//! | `edges_of_rules` | figures and words at the very edge of a rule |
//! | `ending` | what ends soon is said before it is too late |
//! | `fairness` | who gets what back, and what is not given by the side door |
//! | `figures` | what a purse, a member and a sale come to, worked out by hand |
//! | `golden` | bytes that are for ever |
//! | `manual` | the examples of `docs/PROGRAMMES.md` are run |
//! | `people` | merges, consents and erasures commute |
//! | `properties` | what holds for every programme, member and sale |
//! | `refunds` | what comes back, in whatever parts and order, and what is owed or let go |
//! | `sales` | many more sales, those that other tills got wrong among them (`sales.md`) |
//! | `scenarios` | the table of sales and the figures they must give |
//! | `schema` | the JSON Schema says what the reader takes |
//! | `several` | what is found out over several members, shops or orders |
//! | `stock` | allotments of devices, and what they gave together beyond the total |
//! | `small_print` | amounts of nothing, exactly the most, and what is written of an order |
//! | `support` | makes members, sales and moments |
//! | `templates` | each programme in `assets/programmes` does what it says |
//! | `texts` | sentences, and what is said of a programme with mistakes |
//! | `values` | what single values say and how they are read, to the letter |

// Helpers of tests may unwrap, as tests may.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod behaviour;
mod cases;
mod checks;
mod corpus;
mod draw;
mod edges;
mod edges_of_rules;
mod ending;
mod fairness;
mod figures;
mod golden;
mod manual;
mod people;
mod properties;
mod refunds;
mod rights;
mod sales;
mod scenarios;
mod schema;
mod several;
mod small_print;
mod stock;
mod support;
mod templates;
mod texts;
mod values;
