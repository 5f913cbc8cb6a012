//! Checking an opening's chunks: that they are of its claims, follow each other, and are proved.

use alloy_primitives::U256;
use praman_circuits::Fr;
use praman_circuits::claims_digest::ClaimsDigest;
use praman_circuits::field::from_be_bytes;
use praman_circuits::payout::PayoutCommitment;
use praman_circuits::settlement::{CLAIMS, PublicInputs, chunk_digest};
use praman_circuits::settlement_state::SettlementState;
use praman_verifier::batch::BatchItem;
use praman_verifier::{PreparedKey, Proof};
use rand::rngs::OsRng;

use super::{CheckedChunks, OpeningClaims, SettledChunk, SettlementFault};

/// Checks the chunks of an opening whether or not its sum was shown: they follow each other from the first state, are
/// of all its claims in the ledger's order, and each proof holds.
///
/// # Errors
/// [`SettlementFault`] of the first chunk that does not hold.
pub fn check_chunks(
    key: &PreparedKey,
    of: &OpeningClaims,
) -> Result<CheckedChunks, SettlementFault> {
    let public = public_inputs(of)?;
    let checked = recompute(of, &public)?;
    check_proofs(key, of, &public)?;
    Ok(checked)
}

/// [`check_chunks`] without the proofs, which the contract has checked.
///
/// # Errors
/// [`SettlementFault`] of the first chunk that does not hold.
pub fn check_digests(of: &OpeningClaims) -> Result<CheckedChunks, SettlementFault> {
    recompute(of, &public_inputs(of)?)
}

/// A word as a field element; none if it is beyond the field.
pub(super) fn element(word: U256) -> Option<Fr> {
    from_be_bytes(&word.to_be_bytes::<32>())
}

/// The chunks' public inputs, in order.
fn public_inputs(of: &OpeningClaims) -> Result<Vec<PublicInputs>, SettlementFault> {
    let (opening, context) = (of.opening, of.context());
    let read = |(chunk, settled): (usize, &SettledChunk)| {
        let [before, after, digest] = settled.own.map(element);
        let fault = SettlementFault::ChunkElement { opening, chunk };
        let (Some(before), Some(after), Some(digest)) = (before, after, digest) else {
            return Err(fault);
        };
        Ok(PublicInputs {
            context,
            before: SettlementState::from_field(before),
            after: SettlementState::from_field(after),
            digest: ClaimsDigest::from_field(digest),
        })
    };
    (1..).zip(&of.chunks).map(read).collect()
}

/// The claims' payout commitments, in order.
fn payouts(of: &OpeningClaims) -> Result<Vec<PayoutCommitment>, SettlementFault> {
    let opening = of.opening;
    let read = |(claim, accepted): (usize, &super::OpeningClaim)| {
        let payout = element(accepted.payout);
        let payout = payout.ok_or(SettlementFault::ClaimElement { opening, claim })?;
        Ok(PayoutCommitment::from_field(payout))
    };
    (1..).zip(&of.claims).map(read).collect()
}

/// Follows the chunks' states from the first, and recomputes the digest over the ledger's claims and the bits.
fn recompute(
    of: &OpeningClaims,
    public: &[PublicInputs],
) -> Result<CheckedChunks, SettlementFault> {
    let OpeningClaims { opening, ref claims, ref chunks, .. } = *of;
    let expected = claims.len().div_ceil(CLAIMS);
    if chunks.len() != expected {
        let (claims, chunks) = (claims.len(), chunks.len());
        return Err(SettlementFault::ChunkCount { opening, claims, expected, chunks });
    }
    let mut state = SettlementState::initial();
    for (chunk, public) in (1..).zip(public) {
        if public.before != state {
            return Err(match chunk {
                1 => SettlementFault::Start(opening),
                _ => SettlementFault::Chain { opening, chunk },
            });
        }
        state = public.after;
    }
    let (payouts, mut digest) = (payouts(of)?, ClaimsDigest::START);
    let mut is_counted = Vec::with_capacity(payouts.len());
    let parts = payouts.chunks(CLAIMS).zip(chunks).zip(public);
    for (chunk, ((payouts, settled), public)) in (1..).zip(parts) {
        // A bit behind the last claim: padding that is counted, or beyond what a chunk has.
        let (place, claims) = (settled.counted.bit_len(), payouts.len());
        if place > claims {
            return Err(SettlementFault::Padding { opening, chunk, place, claims });
        }
        let bits = (0..).map(|place| settled.counted.bit(place));
        let counted: Vec<(PayoutCommitment, bool)> = payouts.iter().copied().zip(bits).collect();
        digest = chunk_digest(digest, &counted);
        if digest != public.digest {
            let first = is_counted.len() + 1;
            let last = is_counted.len() + claims;
            return Err(SettlementFault::Digest { opening, chunk, first, last });
        }
        is_counted.extend(counted.into_iter().map(|(_, counted)| counted));
    }
    let counted = is_counted.iter().filter(|&&counted| counted).count() as u32;
    Ok(CheckedChunks { state, digest, counted, is_counted })
}

/// Checks all proofs by one product of pairings; a bad one is found by halving.
fn check_proofs(
    key: &PreparedKey,
    of: &OpeningClaims,
    public: &[PublicInputs],
) -> Result<(), SettlementFault> {
    let opening = of.opening;
    let folded = key.fold(&[of.context().to_field()])?;
    let read = |(chunk, settled): (usize, &SettledChunk)| {
        Proof::from_words(&settled.proof.map(|word| word.to_be_bytes::<32>()))
            .map_err(|fault| SettlementFault::ProofMalformed { opening, chunk, fault })
    };
    let proofs = (1..).zip(&of.chunks).map(read).collect::<Result<Vec<Proof>, _>>()?;
    let own: Vec<[Fr; 3]> = public.iter().map(PublicInputs::own).collect();
    let items: Vec<BatchItem<'_>> = own
        .iter()
        .zip(&proofs)
        .map(|(own, proof)| BatchItem { folded: &folded, rest: own, proof })
        .collect();
    match key.find_invalid(&items, &mut OsRng)?.first() {
        None => Ok(()),
        Some(&place) => Err(SettlementFault::ProofInvalid { opening, chunk: place + 1 }),
    }
}
