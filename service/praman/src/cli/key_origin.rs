//! Keys that one party made: a service starts with them only if a flag allows it, and says so.

use std::path::Path;

use praman_verifier::contracts::Groth16Verifier;
use praman_verifier::{Origin, VerifyingKey};

use crate::error::CommandError;
use crate::ledger::{Chain, Network};

/// What is said at each start with keys of one party.
const WARNING: &str = "praman: DEVELOPMENT KEYS: the party that made them can forge proofs. Pay no \
                       real money by them.";

/// Refuses keys that one party made, unless they are allowed; true if there are such.
pub(super) fn require_ceremony(
    keys: &[(&Path, &VerifyingKey)],
    allowed: bool,
) -> Result<bool, CommandError> {
    let of_one_party =
        keys.iter().find(|(_, key)| key.origin() != Some(Origin::Ceremony)).map(|(path, _)| path);
    match (of_one_party, allowed) {
        (None, _) => Ok(false),
        (Some(_), true) => {
            eprintln!("{WARNING}");
            Ok(true)
        }
        (Some(path), false) => Err(CommandError::Refused(format!(
            "the keys in {} were made by one party, which can forge proofs: make keys in a \
             ceremony (`praman ceremony`), or allow these with --allow-development-keys",
            path.display()
        ))),
    }
}

/// Holds a key's ceremony against what the committee has registered on the ledger: a key of another one is refused, and a
/// key of which nothing is registered is as good as one that one party made. True if there is such a one, and it is
/// allowed.
pub(super) async fn require_registered<C: Chain>(
    network: &Network<C>,
    key: &VerifyingKey,
    allowed: bool,
) -> Result<bool, CommandError> {
    let Some(transcript) = key.transcript() else { return Ok(false) };
    let said = hex::encode(transcript);
    let call = Groth16Verifier::transcriptsCall { key: key.points_digest().into() };
    let registered = network.view(network.addresses.verifier, &call).await?;
    if registered.0 == transcript {
        return Ok(false);
    }
    if !registered.is_zero() {
        return Err(CommandError::Refused(format!(
            "the keys are of the ceremony with transcript {said}, the committee has registered {}",
            hex::encode(registered)
        )));
    }
    if allowed {
        eprintln!("{WARNING}");
        return Ok(true);
    }
    Err(CommandError::Refused(format!(
        "the committee has not registered transcript {said} of these keys on the ledger: `praman \
         ledger register-transcript` does"
    )))
}
