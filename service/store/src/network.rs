//! Whether a store belongs to the embedded chain or to a network of real nodes.

use serde::Deserialize;
use sqlx::AnyConnection;

use crate::error::ServiceError;
use crate::setting::Setting;

/// The id of the embedded chain.
pub const EMBEDDED_CHAIN_ID: u64 = 7_726_261;

/// What the ledger stores about its network, as far as it matters here.
#[derive(Deserialize)]
struct KeptNetwork {
    chain_id: u64,
}

/// Whether the store belongs to a network of real nodes.
///
/// # Errors
/// [`ServiceError::Store`]; [`ServiceError::Ledger`] if what is stored about the network is broken.
pub async fn is_on_real_nodes(connection: &mut AnyConnection) -> Result<bool, ServiceError> {
    let Some(value) = Setting::Network.read(connection).await? else { return Ok(false) };
    let broken = |_| ServiceError::Ledger("the network's settings are broken".to_owned());
    let kept: KeptNetwork = serde_json::from_slice(&value).map_err(broken)?;
    Ok(kept.chain_id != EMBEDDED_CHAIN_ID)
}
