//! `stempel-server`: the server alone, for a machine without a till.

use std::io::Write as _;

use clap::{Parser, Subcommand};
use stempel_server::config::ServeArgs;

/// The server of a stamp-card programme.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves devices until it is told to stop.
    Serve(ServeArgs),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Command::Serve(args) = Arguments::parse().command;
    stempel_server::run(&args, say).await?;
    Ok(())
}

/// Prints one line for whoever started the program.
fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
