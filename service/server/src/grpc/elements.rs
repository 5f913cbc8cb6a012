//! Values of the service as bytes of a message, and back.

use praman_circuits::Fr;
use praman_circuits::eligibility::Checkpoint;
use praman_circuits::field::{from_be_bytes, to_be_bytes};
use praman_circuits::nullifier::Nullifier;
use praman_circuits::office::StateRoot;
use praman_circuits::payout::{EnvelopeHash, PayoutCommitment};
use praman_circuits::period::{Day, Period};
use praman_holder::claim::{Claim, ClaimFault, SubmittedClaim};
use praman_ledger::LedgerClaim;
use praman_rules::scheme::ClaimPeriod;
use praman_verifier::Proof;

use super::v1;
use crate::application::Fault;

/// Reads 32 bytes.
pub(super) fn read_32(bytes: &[u8], name: &str) -> Result<[u8; 32], Fault> {
    bytes.try_into().map_err(|_| Fault::malformed(format!("{name} must have 32 bytes")))
}

/// Reads a field element in its canonical form.
pub(super) fn read_element(bytes: &[u8], name: &str) -> Result<Fr, Fault> {
    from_be_bytes(&read_32(bytes, name)?)
        .ok_or_else(|| Fault::malformed(format!("{name} is not below the field's modulus")))
}

pub(super) fn write_element(element: Fr) -> Vec<u8> {
    to_be_bytes(element).to_vec()
}

/// Writes elements one after the other.
pub(super) fn write_elements(elements: &[Fr]) -> Vec<u8> {
    elements.iter().flat_map(|&element| to_be_bytes(element)).collect()
}

/// Reads a proof and checks its points.
pub(super) fn read_proof(bytes: &[u8]) -> Result<Proof, Fault> {
    let (words, rest) = bytes.as_chunks::<32>();
    let words: [[u8; 32]; 8] = match (words.try_into(), rest) {
        (Ok(words), []) => words,
        _ => return Err(Fault::malformed("proof must have 256 bytes")),
    };
    Ok(Proof::from_words(&words).map_err(ClaimFault::Proof)?)
}

/// Reads a claim as it is handed in.
pub(super) fn read_claim(claim: v1::Claim) -> Result<SubmittedClaim, Fault> {
    let scheme = claim.scheme.parse();
    let ledger = LedgerClaim {
        scheme: scheme.map_err(|error| Fault::malformed(format!("scheme: {error}")))?,
        period: ClaimPeriod { period: Period(claim.period), window: Period(claim.window) },
        checkpoint: 0,
        nullifier: Nullifier::from_field(read_element(&claim.nullifier, "nullifier")?),
        payout: PayoutCommitment::from_field(read_element(
            &claim.payout_commitment,
            "payout_commitment",
        )?),
        envelope: EnvelopeHash::of(&claim.envelope),
        proof: read_proof(&claim.proof)?,
    };
    let checkpoint = Checkpoint {
        state_root: StateRoot::from_field(read_element(&claim.state_root, "state_root")?),
        as_of: Day(claim.as_of),
    };
    Ok(SubmittedClaim::new(Claim { ledger, envelope: claim.envelope }, checkpoint))
}

/// Writes the same.
pub(super) fn write_claim(claim: &SubmittedClaim) -> v1::Claim {
    let Claim { ledger, envelope } = claim.claim();
    v1::Claim {
        scheme: ledger.scheme.as_str().to_owned(),
        period: ledger.period.period.0,
        window: ledger.period.window.0,
        state_root: write_element(claim.checkpoint().state_root.to_field()),
        as_of: claim.checkpoint().as_of.0,
        nullifier: write_element(ledger.nullifier.to_field()),
        payout_commitment: write_element(ledger.payout.to_field()),
        envelope: envelope.clone(),
        proof: ledger.proof.to_words().as_flattened().to_vec(),
    }
}
