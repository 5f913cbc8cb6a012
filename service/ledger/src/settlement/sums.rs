//! What was paid for openings, as anyone recomputes it.

use alloy_primitives::U256;
use praman_circuits::claims_digest::ClaimsDigest;
use praman_circuits::settlement_state::{SettlementBlinding, Total, settlement_state};
use praman_verifier::PreparedKey;
use serde::Serialize;

use super::chunks::element;
use super::{
    Case, CheckedChunks, FLOOR, OpeningClaims, SettlementFault, StateLocked, SumOpened,
    check_chunks, check_digests,
};

/// What was paid for an opening.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// The sum that is proved, in whole rupees.
    pub proved_rupees: u64,
    /// The sum of the treasury's files, as the treasury told the contract, which takes no other than the one that is
    /// proved.
    pub paid_rupees: u64,
    /// How many claims the opening has.
    pub claims: usize,
    /// How many of them are in the sum.
    pub counted: u32,
    /// How many are not, because they were frozen when the sum was shown.
    pub frozen: usize,
    /// How many are not, because their case had ended without payment.
    pub refused: usize,
    /// How many are not for a reason that the ledger does not have.
    pub held: usize,
    /// The digest of all claims and of which are counted, recomputed.
    pub digest: ClaimsDigest,
    /// The block that shows the sum.
    pub block: u64,
    /// The nullifiers of counted claims whose case ended with a refusal, before or since: the money went out, and the
    /// agency should have had it recovered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paid_though_refused: Vec<String>,
}

/// Checks an opening's settlement whole, and returns what it says.
///
/// Claims that are paid though their case ended with a refusal are named in the sums; everything else that is wrong
/// is a fault.
///
/// # Errors
/// [`SettlementFault`] of the first thing that does not hold.
pub fn verify(key: &PreparedKey, of: &OpeningClaims) -> Result<Sums, SettlementFault> {
    let told = told(of)?;
    sums(of, told, &check_chunks(key, of)?)
}

/// [`verify`] without the proofs, which the contract has checked.
///
/// # Errors
/// [`SettlementFault`] of the first thing that does not hold.
pub fn verify_but_proofs(of: &OpeningClaims) -> Result<Sums, SettlementFault> {
    let told = told(of)?;
    sums(of, told, &check_digests(of)?)
}

/// What the ledger says of a settlement: what was locked, and what was shown.
type Told<'a> = (&'a StateLocked, &'a SumOpened);

fn told(of: &OpeningClaims) -> Result<Told<'_>, SettlementFault> {
    let shown = of.opened.as_ref().ok_or(SettlementFault::NotSettled(of.opening))?;
    let locked = of.locked.as_ref().ok_or(SettlementFault::NotLocked(of.opening))?;
    Ok((locked, shown))
}

/// Opens the last state, and holds the counted claims against the cases over them.
fn sums(
    of: &OpeningClaims,
    (locked, shown): Told<'_>,
    checked: &CheckedChunks,
) -> Result<Sums, SettlementFault> {
    let opening = of.opening;
    let (state, digest) = (checked.state.to_field(), checked.digest.to_field());
    if element(locked.state) != Some(state) || element(locked.digest) != Some(digest) {
        return Err(SettlementFault::OtherLock(opening));
    }
    if element(shown.digest) != Some(digest) {
        return Err(SettlementFault::OtherDigest(opening));
    }
    let blinding = element(shown.blinding).ok_or(SettlementFault::BlindingElement(opening))?;
    let total = Total { rupees: shown.rupees, claims: shown.counted };
    let blinding = SettlementBlinding::from_field(blinding);
    if settlement_state(checked.digest, total, &blinding) != checked.state {
        return Err(SettlementFault::NotTheSum(opening));
    }
    let (said, counted) = (shown.counted, checked.counted);
    if said != counted {
        return Err(SettlementFault::Count { opening, said, counted });
    }
    if counted < FLOOR {
        return Err(SettlementFault::TooFew { opening, counted, floor: FLOOR });
    }
    let mut sums = Sums {
        proved_rupees: shown.rupees,
        paid_rupees: shown.rupees,
        claims: of.claims.len(),
        counted,
        frozen: 0,
        refused: 0,
        held: 0,
        digest: checked.digest,
        block: shown.block,
        paid_though_refused: Vec::new(),
    };
    for (place, (claim, &is_counted)) in (1..).zip(of.claims.iter().zip(&checked.is_counted)) {
        sums.take(of, (locked, shown), (place, claim.nullifier), is_counted)?;
    }
    Ok(sums)
}

impl Sums {
    /// Takes in a claim by its place and nullifier: a counted one by the case over it when the state was locked and by
    /// how that ended, another by the case over it when the sum was shown.
    fn take(
        &mut self,
        of: &OpeningClaims,
        (locked, shown): Told<'_>,
        (claim, nullifier): (usize, U256),
        is_counted: bool,
    ) -> Result<(), SettlementFault> {
        let cases = if is_counted { &locked.cases } else { &shown.cases };
        match (is_counted, cases.get(&nullifier)) {
            (true, Some(Case::Open)) => {
                let opening = of.opening;
                return Err(SettlementFault::CountedThoughFrozen { opening, claim, nullifier });
            }
            // A case over a claim that was paid may have begun and ended since.
            (true, _) if of.cases.get(&nullifier) == Some(&Case::Refuse) => {
                self.paid_though_refused.push(nullifier.to_string());
            }
            (true, _) => {}
            (false, Some(Case::Open)) => self.frozen += 1,
            (false, Some(Case::Refuse | Case::Recover)) => self.refused += 1,
            (false, Some(Case::Pay) | None) => self.held += 1,
        }
        Ok(())
    }

    /// Returns whether every counted claim may have been paid.
    pub fn is_valid(&self) -> bool {
        self.paid_though_refused.is_empty()
    }
}

/// What was paid for one of a period's openings, or why nobody knows.
#[derive(Clone, Debug, Serialize)]
pub struct OpeningSums {
    /// The opening's number.
    pub opening: u32,
    /// Whether it takes no claims any more.
    pub is_over: bool,
    /// Its sums, if they hold.
    #[serde(flatten)]
    pub sums: Option<Sums>,
    /// What does not hold, in words; or that it is not settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// What was paid for a scheme's period: its openings added up, those that hold.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PeriodSums {
    /// The sum that is proved, in whole rupees.
    pub proved_rupees: u64,
    /// The sum of the treasury's files.
    pub paid_rupees: u64,
    /// How many claims the settled openings have.
    pub claims: usize,
    /// How many of them are in the sum.
    pub counted: u64,
    /// How many were frozen.
    pub frozen: usize,
    /// How many were refused.
    pub refused: usize,
    /// How many are left out for a reason that the ledger does not have.
    pub held: usize,
    /// How many of those that are left out were paid since. The ledger does not know: its treasury's own books do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub later: Option<usize>,
    /// The digest, where the period has one opening.
    pub digest: Option<ClaimsDigest>,
    /// Each opening.
    pub openings: Vec<OpeningSums>,
    /// Whether everything holds: at least one opening is settled, and so is each that is over; of a benefit that is
    /// paid once in a life the newest month may still take claims.
    pub valid: bool,
}

impl PeriodSums {
    /// Verifies a period's openings and adds them up. A long computation.
    pub fn of(key: &PreparedKey, openings: &[OpeningClaims]) -> Self {
        let mut period = Self { valid: true, ..Self::default() };
        let mut settled = 0;
        for of in openings {
            let (sums, fault) = match verify(key, of) {
                Ok(sums) => {
                    settled += 1;
                    period.valid &= sums.is_valid();
                    period.add(&sums);
                    (Some(sums), None)
                }
                Err(fault) => {
                    let waits = matches!(fault, SettlementFault::NotSettled(_)) && !of.is_over;
                    period.valid &= waits;
                    (None, Some(fault.to_string()))
                }
            };
            let (opening, is_over) = (of.opening, of.is_over);
            period.openings.push(OpeningSums { opening, is_over, sums, fault });
        }
        period.valid &= settled > 0;
        if let [OpeningSums { sums: Some(sums), .. }] = period.openings.as_slice() {
            period.digest = Some(sums.digest);
        }
        period
    }

    fn add(&mut self, sums: &Sums) {
        self.proved_rupees += sums.proved_rupees;
        self.paid_rupees += sums.paid_rupees;
        self.claims += sums.claims;
        self.counted += u64::from(sums.counted);
        self.frozen += sums.frozen;
        self.refused += sums.refused;
        self.held += sums.held;
    }
}
