//! TLS on the service's listener, with clients' certificates for those who have one.
//!
//! A certificate is a credential like an API key: the authority that signed it says that it is a machine of
//! ours, and the store says, by its digest, which user it is. One that the store does not know is no
//! credential, however well it is signed; a client without one may still do what anyone may.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use praman_access::{Credential, certificate_digest};
use praman_files::FileError;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

use crate::application::PeerCertificate;

/// The configuration of TLS.
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

/// The files of TLS, in PEM.
#[derive(Debug)]
pub struct TlsFiles {
    /// The service's certificate, with those between it and the authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities of clients' certificates; without one no client shows any.
    pub client_authorities: Option<PathBuf>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`FileError::Malformed`] naming the file.
    pub fn open(files: &TlsFiles) -> Result<Self, FileError> {
        let chain = certificates(&files.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&files.key)
            .map_err(|error| FileError::malformed(&files.key, error))?;
        let builder = ServerConfig::builder();
        let builder = match &files.client_authorities {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let mut roots = RootCertStore::empty();
                for authority in certificates(path)? {
                    let added = roots.add(authority);
                    added.map_err(|error| FileError::malformed(path, error))?;
                }
                let verifier = WebPkiClientVerifier::builder(Arc::new(roots))
                    .allow_unauthenticated()
                    .build()
                    .map_err(|error| FileError::malformed(path, error))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .map_err(|error| FileError::malformed(&files.certificate, error))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    /// Does the handshake; returns none if the client fails it.
    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
    ) -> Option<(TlsStream<TcpStream>, Option<PeerCertificate>)> {
        let stream = self.0.accept(stream).await.ok()?;
        let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let certificate = shown.map(|certificate| PeerCertificate(certificate_digest(certificate)));
        Some((stream, certificate))
    }
}

/// Returns the credential of the first certificate of a PEM file.
///
/// # Errors
/// [`FileError::Malformed`] if it holds none.
pub fn credential_of(path: &Path) -> Result<Credential, FileError> {
    Ok(certificate_digest(&certificates(path)?[0]))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, FileError> {
    let read = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| FileError::malformed(path, error))?;
    if read.is_empty() {
        return Err(FileError::malformed(path, "the file holds no certificate"));
    }
    Ok(read)
}
