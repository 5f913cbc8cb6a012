//! What the settlement statement is about.

use ark_bn254::Fr;
use ark_ff::Zero;
use sha3::{Digest, Keccak256};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::claims_digest::{BLOCK, ClaimsDigest, NO_CLAIM, absorb};
use crate::constraint_system::{ConstraintSystem, Num};
use crate::field::{keccak_to_field, public_element};
use crate::payee::PayeeDigest;
use crate::payout::{EnvelopeHash, PayoutBlinding, PayoutCommitment};
use crate::settlement_state::{SettlementBlinding, SettlementState, Total, settlement_state};

/// Blocks of claims in a chunk: with six the rows fill a domain of 2¹⁵ to 96 in a hundred.
pub const BLOCKS: usize = 6;

/// Claims of a chunk.
pub const CLAIMS: usize = BLOCKS * BLOCK;

/// How many public inputs there are.
pub const PUBLIC_INPUTS: usize = 4;

/// How many of them, the first ones, all chunks of an opening share.
pub const SHARED_INPUTS: usize = 1;

public_element! {
    /// Which opening of which ledger is settled.
    SettlementContext
}

/// The upper 248 bits of `keccak256("praman.settlement.1" ‖ chain id ‖ address of Claims ‖ opening)`, the numbers of 32
/// and 4 bytes, big-endian.
///
/// Not the ledger's own context: a ledger that takes another's place inherits that, and counts its openings from 0.
pub fn settlement_context(chain_id: u64, claims: [u8; 20], opening: u32) -> SettlementContext {
    let mut hasher = Keccak256::new();
    hasher.update(b"praman.settlement.1");
    hasher.update([0; 24]);
    hasher.update(chain_id.to_be_bytes());
    hasher.update(claims);
    hasher.update(opening.to_be_bytes());
    SettlementContext::from_field(keccak_to_field(hasher))
}

/// The statement's public inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicInputs {
    /// Which opening of which ledger.
    pub context: SettlementContext,
    /// The state before the chunk.
    pub before: SettlementState,
    /// The state behind it.
    pub after: SettlementState,
    /// The digest of the opening's claims up to the chunk's end.
    pub digest: ClaimsDigest,
}

impl PublicInputs {
    /// The inputs in their one order, which [`PublicInputs::names`] names.
    pub fn to_fields(&self) -> [Fr; PUBLIC_INPUTS] {
        let [before, after, digest] = self.own();
        [self.context.to_field(), before, after, digest]
    }

    /// What a chunk does not share with others.
    pub fn own(&self) -> [Fr; PUBLIC_INPUTS - SHARED_INPUTS] {
        [self.before.to_field(), self.after.to_field(), self.digest.to_field()]
    }

    /// The names of the public inputs that the statement computes of the others and the private ones.
    pub const COMPUTED: [&'static str; 3] = ["state_before", "state_after", "digest"];

    /// The names of the public inputs, in order.
    pub const fn names() -> [&'static str; PUBLIC_INPUTS] {
        ["settlement", "state_before", "state_after", "digest"]
    }
}

/// What a payout commitment is to; wiped on drop, never printed.
#[derive(Clone)]
pub struct Opening {
    /// The amount in whole rupees.
    pub amount: u32,
    /// To whom, as the credential has it.
    pub payee: PayeeDigest,
    /// Of the envelope that the claim came with.
    pub envelope: EnvelopeHash,
    /// The commitment's blinding.
    pub blinding: PayoutBlinding,
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.amount.zeroize();
    }
}

/// A claim of an opening as the treasury settles it.
#[derive(Clone)]
pub struct SettledClaim {
    /// Its payout commitment, as the ledger has it.
    pub payout: PayoutCommitment,
    /// What that is to, where the claim is counted; none where it is left out.
    pub opened: Option<Opening>,
}

/// What the treasury knows between two chunks; wiped on drop, never printed.
#[derive(Clone)]
pub struct Carried {
    /// The digest so far.
    pub digest: ClaimsDigest,
    /// What was paid so far.
    pub total: Total,
    /// What hides it.
    pub blinding: SettlementBlinding,
}

impl Carried {
    /// Before the first chunk.
    pub fn start() -> Self {
        let blinding = SettlementBlinding::from_field(Fr::zero());
        Self { digest: ClaimsDigest::START, total: Total::default(), blinding }
    }

    /// The state as everyone sees it.
    pub fn state(&self) -> SettlementState {
        settlement_state(self.digest, self.total, &self.blinding)
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        self.total.rupees.zeroize();
        self.total.claims.zeroize();
    }
}

/// The digest behind a chunk of claims, each with whether it is counted.
///
/// # Panics
/// If there are more than a chunk's.
pub fn chunk_digest(before: ClaimsDigest, claims: &[(PayoutCommitment, bool)]) -> ClaimsDigest {
    digest_of(BLOCKS, before, claims)
}

fn digest_of(
    blocks: usize,
    before: ClaimsDigest,
    claims: &[(PayoutCommitment, bool)],
) -> ClaimsDigest {
    assert!(claims.len() <= blocks * BLOCK, "a chunk has at most {} claims", blocks * BLOCK);
    (0..blocks).fold(before, |digest, number| {
        let place = |place: usize| claims.get(number * BLOCK + place).copied();
        absorb(digest, &std::array::from_fn(|at| place(at).unwrap_or((NO_CLAIM, false))))
    })
}

/// Public and private inputs of a chunk, and what the next one goes on from. Places behind the last claim are filled
/// with claims that are not counted.
///
/// # Panics
/// If there are more claims than a chunk's.
pub fn chunk_inputs(
    context: SettlementContext,
    before: &Carried,
    claims: &[SettledClaim],
    blinding_after: SettlementBlinding,
) -> (PublicInputs, PrivateInputs, Carried) {
    inputs_of(BLOCKS, context, before, claims, blinding_after)
}

/// [`chunk_inputs`] of a chunk of so many blocks.
pub(crate) fn inputs_of(
    blocks: usize,
    context: SettlementContext,
    before: &Carried,
    claims: &[SettledClaim],
    blinding_after: SettlementBlinding,
) -> (PublicInputs, PrivateInputs, Carried) {
    let counted: Vec<_> =
        claims.iter().map(|claim| (claim.payout, claim.opened.is_some())).collect();
    let opened = claims.iter().filter_map(|claim| claim.opened.as_ref());
    let total = opened.fold(before.total, |total, opened| total.with(opened.amount));
    let digest = digest_of(blocks, before.digest, &counted);
    let after = Carried { digest, total, blinding: blinding_after };
    let public = PublicInputs { context, before: before.state(), after: after.state(), digest };
    let mut parts: Vec<_> = claims.iter().map(ClaimParts::of).collect();
    parts.resize_with(blocks * BLOCK, || ClaimParts::not_counted(NO_CLAIM));
    let private = PrivateInputs {
        digest_before: before.digest.to_field(),
        total_before: before.total.to_field(),
        blinding_before: before.blinding.expose(),
        blinding_after: after.blinding.expose(),
        claims: parts,
    };
    (public, private, after)
}

/// A claim's private parts.
#[derive(Clone)]
pub(crate) struct ClaimParts<T> {
    pub(crate) counted: T,
    pub(crate) payout: T,
    pub(crate) amount: T,
    pub(crate) payee: T,
    pub(crate) envelope: T,
    pub(crate) blinding: T,
}

impl ClaimParts<Fr> {
    fn of(claim: &SettledClaim) -> Self {
        let Some(opened) = &claim.opened else { return Self::not_counted(claim.payout) };
        Self {
            counted: Fr::from(1u64),
            payout: claim.payout.to_field(),
            amount: Fr::from(opened.amount),
            payee: opened.payee.to_field(),
            envelope: opened.envelope.to_field(),
            blinding: opened.blinding.expose(),
        }
    }

    fn not_counted(payout: PayoutCommitment) -> Self {
        let zero = Fr::zero();
        let payout = payout.to_field();
        Self { counted: zero, payout, amount: zero, payee: zero, envelope: zero, blinding: zero }
    }

    fn elements_mut(&mut self) -> [&mut Fr; 6] {
        let Self { counted, payout, amount, payee, envelope, blinding } = self;
        [counted, payout, amount, payee, envelope, blinding]
    }
}

/// The statement's private inputs as field elements; wiped on drop, never printed.
///
/// The form is deliberately untyped: a malicious prover may put any field element anywhere, and the tests do.
#[derive(Clone)]
pub struct PrivateInputs {
    pub(crate) digest_before: Fr,
    pub(crate) total_before: Fr,
    pub(crate) blinding_before: Fr,
    pub(crate) blinding_after: Fr,
    /// Whole blocks of claims.
    pub(crate) claims: Vec<ClaimParts<Fr>>,
}

impl PrivateInputs {
    /// Inputs for a statement that is compiled, not assigned.
    pub(crate) fn blank(blocks: usize) -> Self {
        let zero = Fr::zero();
        Self {
            digest_before: zero,
            total_before: zero,
            blinding_before: zero,
            blinding_after: zero,
            claims: vec![ClaimParts::not_counted(NO_CLAIM); blocks * BLOCK],
        }
    }

    /// Every element, to be tampered with or wiped.
    pub(crate) fn elements_mut(&mut self) -> Vec<&mut Fr> {
        let Self { digest_before, total_before, blinding_before, blinding_after, claims } = self;
        let mut elements = vec![digest_before, total_before, blinding_before, blinding_after];
        elements.extend(claims.iter_mut().flat_map(ClaimParts::elements_mut));
        elements
    }
}

impl Zeroize for PrivateInputs {
    fn zeroize(&mut self) {
        self.elements_mut().into_iter().for_each(Zeroize::zeroize);
    }
}

impl Drop for PrivateInputs {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl ZeroizeOnDrop for PrivateInputs {}

/// The public inputs as wires.
pub(super) struct PublicWires {
    pub(super) context: Num,
    pub(super) before: Num,
    pub(super) after: Num,
    pub(super) digest: Num,
}

impl PublicWires {
    pub(super) fn make(cs: &mut ConstraintSystem, fields: &[Fr; PUBLIC_INPUTS]) -> Self {
        let [context, before, after, digest] = cs.publics(PublicInputs::names(), fields);
        Self { context, before, after, digest }
    }
}

/// The private inputs as wires.
pub(super) struct PrivateWires {
    pub(super) digest_before: Num,
    pub(super) total_before: Num,
    pub(super) blinding_before: Num,
    pub(super) blinding_after: Num,
    pub(super) claims: Vec<ClaimParts<Num>>,
}

impl PrivateWires {
    pub(super) fn make(cs: &mut ConstraintSystem, inputs: &PrivateInputs) -> Self {
        Self {
            digest_before: cs.private("digest_before", inputs.digest_before),
            total_before: cs.private("total_before", inputs.total_before),
            blinding_before: cs.private("blinding_before", inputs.blinding_before),
            blinding_after: cs.private("blinding_after", inputs.blinding_after),
            claims: (0..)
                .zip(&inputs.claims)
                .map(|(place, claim)| {
                    cs.indexed_scope("claim", place, |cs| ClaimParts {
                        counted: cs.private("counted", claim.counted),
                        payout: cs.private("payout_commitment", claim.payout),
                        amount: cs.private("amount", claim.amount),
                        payee: cs.private("payee", claim.payee),
                        envelope: cs.private("envelope_hash", claim.envelope),
                        blinding: cs.private("payout_blinding", claim.blinding),
                    })
                })
                .collect(),
        }
    }
}

/// Private input wires of so many blocks: four of the chunk, six of each claim.
#[cfg(test)]
pub(crate) const fn private_inputs(blocks: usize) -> usize {
    4 + 6 * BLOCK * blocks
}
