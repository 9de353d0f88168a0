//! What opens a folder's sealed key file ([`stempel_store::keyring`]): a credential that systemd hands to the service, or an
//! entry in the keyring of whoever is signed in (the Secret Service, macOS's keychain, Windows' credentials).

use std::io;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use keyring::Entry;
use serde::{Deserialize, Serialize};
use stempel_domain::ports::draw;
use stempel_terminal::{Terminal, TerminalError};
use stempel_wire::wrap::SealingKey;

use super::SystemEntropy;

/// The credential that opens a sealed key file, by its name in systemd's store.
const CREDENTIAL: &str = "stempel-folder-key";
/// What the entries of a keyring are called.
const SERVICE: &str = "stempel";
/// How long a keyring may take: somebody has to type its password where it is locked.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the secret is kept under which the key's file is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Seal {
    /// In the keyring of whoever is signed in
    Keyring,
    /// Nowhere: the file stands in clear
    None,
}

/// What opens the key file of a data folder. None where there is nothing for it here.
///
/// # Errors
/// If there is a credential that cannot be read or is no secret: nothing goes on as if there were none.
pub(crate) fn of(folder: &Path) -> io::Result<Option<SealingKey>> {
    if let Some(entry) = stempel_store::keyring::entry_of(folder)? {
        // Without it the file stays shut; whoever has to write is told so.
        let name = entry.clone();
        let Ok(secret) = ask(move || Entry::new(SERVICE, &name)?.get_secret()) else { return Ok(None) };
        return Ok(SealingKey::of(&secret).map(|key| key.found_under(entry)));
    }
    match std::env::var_os("CREDENTIALS_DIRECTORY") {
        Some(folder) => credential_in(Path::new(&folder)),
        None => Ok(None),
    }
}

fn credential_in(folder: &Path) -> io::Result<Option<SealingKey>> {
    let secret = match std::fs::read(folder.join(CREDENTIAL)) {
        Ok(secret) => secret,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let no_secret = || {
        let range = SealingKey::LEN;
        let told =
            format!("the credential “{CREDENTIAL}” has not {} to {} bytes", range.start(), range.end());
        io::Error::new(io::ErrorKind::InvalidData, told)
    };
    SealingKey::of(secret.trim_ascii_end()).map(Some).ok_or_else(no_secret)
}

/// Makes the key that wraps members' keys anew, with its file sealed as it was, or as is said.
///
/// # Errors
/// If the keyring does not take the secret: then everything is as it was.
pub(crate) fn rotate(terminal: &mut Terminal, seal: Option<Seal>) -> Result<(), TerminalError> {
    let Some(seal) = seal else { return terminal.rotate_keys() };
    let before = match terminal.store().path().parent() {
        Some(folder) => stempel_store::keyring::entry_of(folder).map_err(stempel_store::StoreError::Io)?,
        None => None,
    };
    let sealing = match seal {
        Seal::Keyring => Some(entered().map_err(|error| {
            TerminalError::NotNow(format!("the keyring of this user cannot be used: {error}"))
        })?),
        Seal::None => None,
    };
    terminal.seal_keys(sealing)?;
    if let Some(before) = before {
        // It opens nothing any more; where it stays, it does no harm.
        let _ = ask(move || Entry::new(SERVICE, &before)?.delete_credential());
    }
    Ok(())
}

/// A new secret, put into the keyring and read back from it.
fn entered() -> Result<SealingKey, String> {
    let secret: [u8; 32] = draw(&mut SystemEntropy);
    let entry = format!("folder-{}", data_encoding::HEXLOWER.encode(&draw::<8>(&mut SystemEntropy)));
    let name = entry.clone();
    let kept = ask(move || {
        let entry = Entry::new(SERVICE, &name)?;
        entry.set_secret(&secret)?;
        entry.get_secret()
    })?;
    let key = SealingKey::of(&kept).filter(|_| kept == secret);
    key.map(|key| key.found_under(entry))
        .ok_or_else(|| "it gave back something else than it was given".into())
}

/// Asks the keyring on a thread of its own: it may wait for somebody, and must not be asked from within a runtime.
fn ask<T: Send + 'static>(
    question: impl FnOnce() -> keyring::Result<T> + Send + 'static,
) -> Result<T, String> {
    let (sender, answer) = mpsc::channel();
    std::thread::spawn(move || sender.send(question().map_err(reason)));
    answer.recv_timeout(PATIENCE).unwrap_or_else(|_| Err("it does not answer".into()))
}

fn reason(error: keyring::Error) -> String {
    match (error, Entry::store_status()) {
        (keyring::Error::NoDefaultStore, Err(why)) => why.to_string(),
        (error, _) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_read_where_systemd_puts_it_and_a_short_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("stempel-folder-key");
        assert_eq!(credential_in(folder.path()).unwrap(), None);
        std::fs::write(&file, "a secret of the machine\n").unwrap();
        assert_eq!(credential_in(folder.path()).unwrap(), SealingKey::of(b"a secret of the machine"));
        std::fs::write(&file, "short").unwrap();
        assert!(credential_in(folder.path()).is_err());
    }
}
