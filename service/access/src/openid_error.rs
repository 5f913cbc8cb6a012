//! What can be wrong with the settings of an OpenID issuer.

/// Why an issuer, or the service as its client, can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum OpenIdSettingError {
    /// The address is malformed.
    #[error("{address:?} is no address: {source}")]
    NoAddress {
        /// The address, as it was given.
        address: String,
        /// What is wrong with it.
        source: oauth2::url::ParseError,
    },
    /// The address is without TLS, and not this machine's.
    #[error("{0}: an issuer's keys must come over https")]
    NotSecure(String),
    /// The service's own address has more than a host.
    #[error("{0}: expected an address without a path, as https://desk.example")]
    WithPath(String),
    /// No client can be made.
    #[error("a client of {issuer}: {source}")]
    Client {
        /// The issuer's address.
        issuer: String,
        /// What the system says.
        source: reqwest::Error,
    },
}

impl OpenIdSettingError {
    /// Returns 1 if refused, 2 for wrong use, 3 if failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Client { .. } => 3,
            Self::NoAddress { .. } | Self::NotSecure(_) | Self::WithPath(_) => 2,
        }
    }
}

impl OpenIdSettingError {
    pub(super) fn no_address(address: &str, source: oauth2::url::ParseError) -> Self {
        Self::NoAddress { address: address.to_owned(), source }
    }
}
