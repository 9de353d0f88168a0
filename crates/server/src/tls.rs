//! TLS by the server itself: certificate and key from files, read anew when they change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::{Error, Result};

/// A certificate in use.
#[derive(Debug)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<(Arc<ServerConfig>, Stamps)>,
}

/// When the two files were last changed.
type Stamps = (Option<SystemTime>, Option<SystemTime>);

impl Tls {
    /// Reads certificate chain and key, both in PEM.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self> {
        let stamps = stamps(certificate, key);
        let config = config(certificate, key)?;
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        Ok(Self { certificate, key, current: RwLock::new((config, stamps)) })
    }

    /// What the next connection is answered with.
    pub fn current(&self) -> Arc<ServerConfig> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// Looks whether the files have changed, and takes the new ones if they can be used. Otherwise the old ones
    /// stay in use, and the log says why.
    pub fn look_again(&self) {
        let stamps = stamps(&self.certificate, &self.key);
        if stamps == self.current.read().unwrap_or_else(PoisonError::into_inner).1 {
            return;
        }
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        match config(&self.certificate, &self.key) {
            Ok(config) => {
                *current = (config, stamps);
                tracing::info!("a new certificate is in use");
            }
            // The other file may still be on its way: the stamps stay, so that it is tried again.
            Err(error) => tracing::warn!(%error, "the new certificate cannot be used; the old one stays"),
        }
    }
}

fn stamps(certificate: &Path, key: &Path) -> Stamps {
    let changed = |path: &Path| std::fs::metadata(path).and_then(|data| data.modified()).ok();
    (changed(certificate), changed(key))
}

fn config(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>> {
    let wrong = |path: &Path, what: String| {
        Error::refused("tls", 400, "The certificate cannot be used", format!("{}: {what}.", path.display()))
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
        .map_err(|error| wrong(certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(wrong(certificate, "it holds no certificate in PEM".to_owned()));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(certificate, error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| wrong(certificate, error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
