//! The program that serves, from its flags to its end.

use std::sync::Arc;

use crate::config::{ServeArgs, Settings, environment, keys_file};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::http::{self, Options};
use crate::mail::Mailer;
use crate::server::Server;
use crate::system::{SystemClock, SystemEntropy, log_to_stderr, told_to_stop};
use crate::tls::Tls;

/// Serves as the flags, the environment and the file of settings say, until it is told to stop. `say` is handed
/// each line for standard output: the settings, if they are asked for, or where the server listens.
pub async fn run(args: &ServeArgs, say: impl Fn(&str) -> std::io::Result<()>) -> Result<()> {
    let settings = Settings::read(args, environment)?;
    let say = |line: &str| say(line).map_err(Error::io("standard output is closed"));
    if args.print_config {
        return say(settings.print().trim_end());
    }
    log_to_stderr(settings.log_format, &settings.log);
    let tls = match &settings.tls {
        Some((certificate, key)) => Some(Arc::new(Tls::read(certificate, key)?)),
        None => None,
    };
    let mailer = match (&settings.mail_server, &settings.mail_from) {
        (Some(mail_server), Some(from)) => Some(Mailer::new(mail_server, from)?),
        _ => None,
    };
    let db = Db::open(settings.database.reveal()).await?;
    let server = Server::open(db, Arc::new(SystemClock::new()), Box::new(SystemEntropy));
    let keys = keys_file(settings.keys.clone(), settings.database.reveal(), environment);
    server.use_keys(keys.as_deref()).await?;
    server.day_figures_catch_up().await?;
    let listener = http::listen(&settings.listen, settings.behind_proxy || tls.is_some()).await?;
    let address = listener.local_addr().map_err(Error::io("the address that was taken"))?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    say(&format!("{{\"listening\":\"{scheme}://{address}\"}}"))?;
    tracing::info!(%address, database = %server.db().shown(), "the server listens");
    let options = Options {
        tls,
        behind_proxy: settings.behind_proxy,
        metrics_token: settings.metrics_token.clone(),
        mailer,
        public_url: settings.public_url.clone(),
        webhooks_private: settings.webhooks_private,
        ..Options::default()
    };
    let served = http::serve_with(server.clone(), listener, options, told_to_stop()).await;
    server.close().await;
    tracing::info!("the server has stopped");
    served
}
