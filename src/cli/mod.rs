//! The command line: the same core without a screen.
//!
//! Answers on stdout, for people or as one JSON object per line (`--json`); errors on stderr with a hint.
//! Exit 0: done. 1: refused by a rule, or not found. 2: wrong use. 3: the machine or the network failed.
//!
//! - [`args`]: what can be typed.
//! - [`deed`]: what changes something. A deed runs here, or is handed to the terminal that is running on the
//!   folder.
//! - `read`: what only looks, and needs no lock.

#[cfg(feature = "demo")]
mod admin;
#[cfg(feature = "demo")]
mod adopt;
pub mod alarms;
pub mod answer;
pub mod args;
mod bench;
mod bench_scan;
mod cards;
pub mod deed;
#[cfg(all(feature = "ui", feature = "demo"))]
pub(crate) mod demo;
mod draw;
mod holds;
mod member;
mod open;
#[cfg(feature = "demo")]
mod paper;
#[cfg(feature = "demo")]
mod people;
mod programme;
pub mod proofs;
mod read;
#[cfg(feature = "demo")]
mod report;
mod scan;
#[cfg(feature = "sim")]
mod simulate;
pub mod staff;
mod sync;

use std::process::ExitCode;

use clap::Parser;

pub use answer::{Answer, Failure};
use args::{Args, Command};
pub(crate) use cards::draw_slip;
#[cfg(feature = "ui")]
pub(crate) use holds::run_beside;
#[cfg(feature = "ui")]
pub(crate) use open::{init as begin_alone, store, writer};
#[cfg(feature = "ui")]
pub(crate) use sync::{NotJoined, exchange_beside, join as begin_joined, transport_of};

#[cfg(feature = "ui")]
use crate::controllers::Route;

/// Runs the program with the arguments it was started with.
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version are answers; everything else is wrong use.
            let wrong = error.use_stderr();
            if wrong && std::env::args_os().any(|word| word == "--json") {
                return Failure::usage(error.to_string().trim()).print(true);
            }
            // Nobody reads stderr: the exit code says it.
            let _ = error.print();
            return ExitCode::from(if wrong { 2 } else { 0 });
        }
    };
    let json = args.json;
    match run(args) {
        Ok(answer) => answer.print(json),
        Err(failure) => failure.print(json),
    }
}

/// Carries out one command.
pub fn run(args: Args) -> Result<Answer, Failure> {
    let global = args.global()?;
    #[cfg(feature = "demo")]
    let named = admin::Named::of(&args);
    match args.command {
        Command::Init(init) => open::init(&global, &init),
        Command::Enroll(enroll) => sync::enroll(&global, &enroll),
        Command::Sync => sync::sync(&global),
        Command::Replace(replace) => sync::replace(&global, &replace),
        Command::RotateKeys(rotate) => open::write(&global, deed::Deed::RotateKeys { seal: rotate.seal }),
        Command::RotateDeviceKey => open::write(&global, deed::Deed::RotateDeviceKey),
        Command::Scan(scan) => scan::scan(&scan),
        Command::Member(command) => cards::member(&global, command),
        Command::Card(command) => cards::card(&global, command),
        Command::Catalogue(command) => programme::catalogue(&global, command),
        Command::Programme(command) => programme::programme(&global, command),
        Command::Draw(command) => draw::draw(&global, command),
        Command::Sale(sale) => open::write(&global, deed::sale(&global, &sale)?),
        Command::Proof(command) => proofs::proof(&global, command),
        Command::Slip(command) => proofs::slip(&global, command),
        Command::Operator(command) => staff::operator(&global, command),
        Command::PaperCard(command) => staff::paper(&global, command),
        Command::Gift(command) => staff::gift(&global, command),
        Command::Answer(answer) => staff::answer(&global, answer),
        Command::Settings(command) => staff::settings(&global, command),
        Command::Alarms(args) => alarms::alarms(&global, args),
        Command::Day(args) => staff::day(&global, &args),
        Command::Stamp(stamp) => open::write(&global, deed::stamp(&global, &stamp)?),
        Command::Redeem(redeem) => open::write(&global, deed::redeem(&global, &redeem)?),
        Command::Earn(earn) => open::write(&global, deed::earn(&earn)?),
        Command::Occasions(occasions) => open::write(&global, deed::occasions(&occasions)?),
        Command::Goodwill(goodwill) => open::write(&global, deed::goodwill(&goodwill)?),
        Command::Refund(refund) => open::write(&global, deed::refund(&global, &refund)?),
        Command::Undo(undo) => open::write(&global, deed::undo(&global, &undo)?),
        Command::Why(why) => read::why(&global, &why.code),
        Command::Journal(command) => read::journal(&global, command),
        Command::Status => read::status(&global),
        Command::Bench(bench) => bench::run(&global, &bench),
        #[cfg(feature = "sim")]
        Command::Simulate(asked) => simulate::simulate(&asked),
        #[cfg(feature = "demo")]
        Command::Serve(serve) => admin::serve(&serve),
        #[cfg(feature = "demo")]
        Command::Admin(admin) => admin::admin(&admin, &named),
        #[cfg(feature = "demo")]
        Command::Report(report) => report::report(&report, &named),
        #[cfg(feature = "ui")]
        Command::Terminal(screen) => {
            let route = if screen.till { Route::Till } else { Route::Counter };
            crate::station::run(&global, &screen, route)
        }
        #[cfg(feature = "ui")]
        Command::Kiosk(screen) => crate::station::run(&global, &screen, Route::Kiosk),
        #[cfg(all(feature = "ui", feature = "demo"))]
        Command::Demo(demo) => demo::demo(&global, demo),
    }
}
