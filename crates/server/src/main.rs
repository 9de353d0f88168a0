//! `stempel-server`: the server alone, for a machine without a till.

use std::io::Write as _;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use stempel_server::system::{SystemClock, SystemEntropy, log_to_stderr};
use stempel_server::{Db, Server, http};

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
    Serve {
        /// Where everything is kept.
        #[arg(long, default_value = "sqlite:stempel-server.db")]
        database: String,
        /// Where to listen; port 0 takes a free one.
        #[arg(long, default_value = "127.0.0.1:8080")]
        listen: String,
        /// A proxy with TLS stands before it: allows addresses that others can reach.
        #[arg(long)]
        behind_proxy: bool,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    log_to_stderr();
    let Command::Serve { database, listen, behind_proxy } = Arguments::parse().command;
    let db = Db::open(&database).await?;
    let server = Server::open(db, Arc::new(SystemClock::new()), Box::new(SystemEntropy));
    let listener = http::listen(&listen, behind_proxy).await?;
    let address = listener.local_addr().context("the address that was taken")?;
    say(&format!("{{\"listening\":\"http://{address}\"}}"))?;
    http::serve(server.clone(), listener, told_to_stop()).await?;
    server.close().await;
    Ok(())
}

/// Prints one line for whoever started the program.
fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Ends at Ctrl-C or when the system asks to stop.
async fn told_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                tokio::select! {
                    _ = interrupt => {}
                    _ = terminate.recv() => {}
                }
            }
            Err(_) => drop(interrupt.await),
        }
    }
    #[cfg(not(unix))]
    drop(interrupt.await);
}
