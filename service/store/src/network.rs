//! Whether a store belongs to the embedded chain or to a network of real nodes.

use serde::Deserialize;
use sqlx::AnyConnection;

use crate::broken;
use crate::error::StoreError;
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
/// [`StoreError::Database`], also if what is stored about the network is broken.
pub async fn is_on_real_nodes(connection: &mut AnyConnection) -> Result<bool, StoreError> {
    let Some(value) = Setting::Network.read(connection).await? else { return Ok(false) };
    let kept: KeptNetwork =
        serde_json::from_slice(&value).map_err(|_| broken("the network's record"))?;
    Ok(kept.chain_id != EMBEDDED_CHAIN_ID)
}
