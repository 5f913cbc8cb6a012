//! Claims.

use std::sync::Arc;
use std::time::Duration;

use praman_claims::{ClaimId, ClaimReceipt, ClaimState, ClientKey, HandedIn, Origin};
use praman_holder::claim::SubmittedClaim;
use tokio_stream::wrappers::ReceiverStream;

use super::following::Followed;
use super::{Application, Fault};

/// The longest name that a client gives its claim.
const KEY_BYTES_MAX: usize = 128;

impl Application {
    /// Checks that there is room for one more claim of an origin, before it is read.
    pub(crate) fn require_room_for_claim(&self, origin: Origin) -> Result<(), Fault> {
        Ok(self.desk.require_room(origin)?)
    }

    /// Hands in a claim, and waits a while for its decision.
    pub(crate) async fn submit(
        &self,
        (claim, origin): (SubmittedClaim, Origin),
        client_key: Option<&str>,
        district: Option<&str>,
        wait: Duration,
    ) -> Result<ClaimReceipt, Fault> {
        let client_key = client_key.map(|name| named_by_client(name, origin)).transpose()?;
        let named =
            |name: &str| name.trim().parse().map_err(|reason: String| Fault::malformed(reason));
        let district = district.map(named).transpose()?;
        let kept = self.desk.submit(HandedIn { claim, client_key, district }, origin).await?;
        if kept.state.is_decided() || wait.is_zero() {
            return Ok(kept);
        }
        self.claim(kept.id, wait).await
    }

    /// Returns what is known of a claim once it is decided, or after a while.
    pub(crate) async fn claim(&self, id: ClaimId, wait: Duration) -> Result<ClaimReceipt, Fault> {
        let is_old = |receipt: &ClaimReceipt| !receipt.state.is_decided();
        let receipt = self.desk.changed(id, is_old, self.patience(wait)).await?;
        receipt.ok_or_else(|| Fault::not_found("there is no such claim"))
    }

    /// Streams what is known of a claim now and at each change, until it is decided.
    pub(crate) fn watch_claim(
        self: &Arc<Self>,
        id: ClaimId,
    ) -> Result<ReceiverStream<Result<ClaimReceipt, Fault>>, Fault> {
        self.follow("there is no such claim", move |application, last, patience| async move {
            let is_old = |receipt: &ClaimReceipt| Some(receipt.state) == last;
            application.desk.changed(id, is_old, patience).await
        })
    }
}

impl Followed for ClaimReceipt {
    type State = ClaimState;

    fn state(&self) -> ClaimState {
        self.state
    }

    fn is_over(&self) -> bool {
        self.state.is_decided()
    }
}

/// Reads a client's own name for a claim. Each user has a name space of their own; all other clients share one,
/// since a claim's origin is not kept: there a random number is best.
fn named_by_client(name: &str, origin: Origin) -> Result<ClientKey, Fault> {
    let printable = name.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if !printable || !(1..=KEY_BYTES_MAX).contains(&name.len()) {
        return Err(Fault::malformed(format!(
            "an idempotency key must have 1 to {KEY_BYTES_MAX} printable ASCII characters"
        )));
    }
    let client = match origin {
        Origin::Admitted(number) => format!("principal {}", number.0),
        Origin::Peer(_) | Origin::Trusted => String::new(),
    };
    Ok(ClientKey { client, name: name.to_owned() })
}
