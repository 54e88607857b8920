//! TLS settings: the system's roots, more on request, HTTP/2 where both sides want it.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::SetupError;
use crate::config::Client as Config;

pub(super) fn client_config(config: &Config) -> Result<Arc<ClientConfig>, SetupError> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    for error in system.errors {
        tracing::warn!(%error, "some of the system's trusted certificates can't be read");
    }
    roots.add_parsable_certificates(system.certs);
    add_own(&mut roots, config)?;
    if roots.is_empty() {
        tracing::warn!(
            "no trusted certificates were found: no destination with TLS can be reached"
        );
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    if config.http2 {
        tls.alpn_protocols.push(b"h2".to_vec());
    }
    tls.alpn_protocols.push(b"http/1.1".to_vec());
    Ok(Arc::new(tls))
}

/// Adds the authorities that the operator names.
pub(super) fn add_own(roots: &mut RootCertStore, config: &Config) -> Result<(), SetupError> {
    let Some(path) = &config.ca_file else {
        return Ok(());
    };
    let certificates = read_certificates(path)?;
    if certificates.is_empty() {
        return Err(SetupError::NoCertificate { path: path.clone() });
    }
    for certificate in certificates {
        let added = roots.add(certificate);
        added.map_err(|source| SetupError::Certificate {
            path: path.clone(),
            source,
        })?;
    }
    Ok(())
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|source| SetupError::CaFile {
            path: path.to_owned(),
            source,
        })
}
