//! Sending mail: invitations and new passwords.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use crate::config::Secret;
use crate::error::{Error, Result};

/// How long one attempt may take.
const TIME: Duration = Duration::from_secs(10);
/// Attempts, and the pause between them.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(2);

/// A mail server to hand mails to.
#[derive(Debug, Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

fn wrong(detail: &str) -> Error {
    Error::refused("settings", 400, "The settings cannot be used", detail)
}

impl Mailer {
    /// Reads where mails go: `smtp://HOST:PORT`, `smtps://…`, with `?tls=required` for STARTTLS.
    pub fn new(server: &Secret, from: &str) -> Result<Self> {
        // The library's own message may repeat the password.
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(server.reveal())
            .map_err(|_| wrong("mail_server is not a URL like smtp://USER:PASSWORD@HOST:587?tls=required."))?
            .timeout(Some(TIME))
            .build();
        let from = from.parse().map_err(|_| wrong("mail_from is not an address."))?;
        Ok(Self { transport, from })
    }

    /// Hands a mail over, trying a few times.
    pub(crate) async fn send(&self, to: &str, subject: &str, text: String) -> Result<()> {
        let failed = |error: &dyn std::fmt::Display| {
            tracing::warn!(%error, "a mail could not be handed over");
            Error::refused(
                "mail",
                502,
                "The mail could not be sent",
                "The mail server did not take it; the server's log says why. Try again.",
            )
        };
        let message = Message::builder()
            .from(self.from.clone())
            .to(to.parse().map_err(|error| failed(&error))?)
            .subject(subject)
            .header(ContentType::TEXT_PLAIN)
            .body(text)
            .map_err(|error| failed(&error))?;
        let mut attempt = 1;
        loop {
            match self.transport.send(message.clone()).await {
                Ok(_) => return Ok(()),
                Err(error) if error.is_permanent() || attempt >= ATTEMPTS => return Err(failed(&error)),
                Err(_) => {
                    attempt += 1;
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}
