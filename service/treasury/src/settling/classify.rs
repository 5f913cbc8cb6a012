//! Which claims of an opening count, and why others do not.

use std::collections::HashMap;

use praman_circuits::nullifier::Nullifier;
use praman_circuits::payout::EnvelopeHash;
use praman_circuits::settlement::{Opening, SettledClaim};
use praman_claims::envelope_of;
use praman_store::named::named;
use praman_store::{Store, bytes};
use serde::Serialize;
use sqlx::AnyConnection;

use super::files_total::{FilesTotal, WrittenParts};
use super::refusal::{InTheWay, SettlingError};
use super::{AcceptedClaim, Case, OpeningOnLedger, Stands};
use crate::key::TreasuryKey;
use crate::payout_check::{NO_ENVELOPE, open_checked};
use crate::refusal::PaymentError;

named! {
    /// Why a claim is not in the sum, as anyone sees it.
    LeftOutReason {
        /// Its case is open.
        Frozen = "frozen",
        /// Its case ended, and it is not paid.
        Refused = "refused",
        /// The treasury could not pay it.
        Held = "held",
    }
}

impl LeftOutReason {
    /// Returns why a claim is left out, by the case over it.
    fn of(case: Option<Case>) -> Self {
        match case {
            Some(Case::Open) => Self::Frozen,
            Some(Case::Refuse | Case::Recover) => Self::Refused,
            Some(Case::Pay) | None => Self::Held,
        }
    }
}

/// A claim that is not in the sum. For the treasury alone: the detail says why it is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The claim.
    pub claim: Nullifier,
    /// Why, as anyone sees it.
    pub reason: LeftOutReason,
    /// Why exactly a claim is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'static str>,
}

impl LeftOut {
    /// Returns why, as the treasury sees it.
    pub fn why(&self) -> &'static str {
        self.detail.unwrap_or_else(|| self.reason.name())
    }
}

/// Why a claim is held that goes to the account of another.
const SAME_ACCOUNT: &str = "held: another claim of this period goes to the same account";

/// An opening's claims, told apart.
pub(super) struct Classified {
    /// All of them in the ledger's order, those that count with what their envelopes have.
    pub(super) claims: Vec<SettledClaim>,
    /// How many count.
    pub(super) counted: u32,
    /// What the bank's files have of those that count.
    pub(super) filed: FilesTotal,
    /// Those that do not count.
    pub(super) left_out: Vec<LeftOut>,
    /// Those because of which nothing is settled.
    pub(super) in_the_way: Vec<(Nullifier, InTheWay)>,
    /// Those that count though their cases ended with a refusal after they were paid.
    pub(super) paid_though_refused: Vec<Nullifier>,
}

/// What becomes of a claim.
enum Standing {
    Counted(Opening),
    LeftOut(LeftOutReason, Option<&'static str>),
    InTheWay(InTheWay),
}

/// The state of a batch whose files are in place, in the column `written`.
pub(super) const WRITTEN: i64 = 1;

praman_store::row! {
    /// An accepted claim, and how far its payment is.
    struct ClaimRow {
        nullifier: Vec<u8>,
        payout_commitment: Vec<u8>,
        batch: Option<String>,
        instalments: i64,
        written: i64,
        /// Whether it waits for two treasurers because of its account.
        held: i64,
    }
}

const CLAIMS: &str = "SELECT accepted_claim.nullifier, accepted_claim.payout_commitment, accepted_claim.batch, \
    coalesce(payment_batch.instalments, 1) AS instalments, coalesce(payment_batch.written, 0) AS written, \
    CAST(CASE WHEN EXISTS \
        (SELECT 1 FROM payment_held WHERE payment_held.nullifier = accepted_claim.nullifier \
             AND NOT EXISTS (SELECT 1 FROM payment_release \
                 WHERE payment_release.nullifier = payment_held.nullifier \
                     AND (payment_release.tag IS NULL OR payment_release.tag = payment_held.tag))) \
        THEN 1 ELSE 0 END AS BIGINT) AS held \
    FROM accepted_claim LEFT JOIN payment_batch ON payment_batch.id = accepted_claim.batch \
    WHERE accepted_claim.opening = $1";

/// Tells the claims of an opening apart.
pub(super) async fn classify(
    store: &Store,
    key: &TreasuryKey,
    opening: u32,
    on_ledger: &OpeningOnLedger,
) -> Result<Classified, SettlingError> {
    // One state of the store: a payment that is running is in all of it or in none.
    let mut reading = store.begin_reading().await?;
    let rows: Vec<ClaimRow> =
        sqlx::query_as(CLAIMS).bind(i64::from(opening)).fetch_all(&mut *reading).await?;
    let mut rows: HashMap<Vec<u8>, ClaimRow> =
        rows.into_iter().map(|row| (row.nullifier.clone(), row)).collect();
    let parts = WrittenParts::read(&mut reading, opening).await?;
    let mut found = Classified {
        claims: Vec::with_capacity(on_ledger.claims.len()),
        counted: 0,
        filed: FilesTotal::default(),
        left_out: Vec::new(),
        in_the_way: Vec::new(),
        paid_though_refused: Vec::new(),
    };
    let locked = match &on_ledger.stands {
        Stands::Locked { is_counted, .. } => Some(is_counted),
        Stands::Proved { .. } | Stands::Settled { .. } => None,
    };
    for (place, claim) in on_ledger.claims.iter().enumerate() {
        let row = rows.remove(&bytes(claim.nullifier.to_field()));
        let case = on_ledger.cases.get(&claim.nullifier).copied();
        let (filed, of) = (&mut found.filed, (claim, row.as_ref()));
        let standing = match locked.map(|is_counted| is_counted.get(place) == Some(&true)) {
            // What is locked is decided: a case that has begun since changes nothing.
            Some(true) => standing_of(&mut reading, key, of, None, &parts, filed).await?,
            Some(false) => Standing::LeftOut(LeftOutReason::of(case), None),
            None => standing_of(&mut reading, key, of, case, &parts, filed).await?,
        };
        found.keep(claim, case, standing);
    }
    reading.rollback().await?;
    Ok(found)
}

impl Classified {
    fn keep(&mut self, claim: &AcceptedClaim, case: Option<Case>, standing: Standing) {
        let mut opened = None;
        match standing {
            Standing::Counted(opening) => {
                opened = Some(opening);
                self.counted += 1;
                if case == Some(Case::Refuse) {
                    self.paid_though_refused.push(claim.nullifier);
                }
            }
            Standing::LeftOut(reason, detail) => {
                self.left_out.push(LeftOut { claim: claim.nullifier, reason, detail });
            }
            Standing::InTheWay(why) => self.in_the_way.push((claim.nullifier, why)),
        }
        self.claims.push(SettledClaim { payout: claim.payout, opened });
    }
}

/// Tells what becomes of a claim; one that counts is added to what was filed.
async fn standing_of(
    connection: &mut AnyConnection,
    key: &TreasuryKey,
    (claim, row): (&AcceptedClaim, Option<&ClaimRow>),
    case: Option<Case>,
    parts: &WrittenParts,
    filed: &mut FilesTotal,
) -> Result<Standing, SettlingError> {
    let is_same = |row: &&ClaimRow| row.payout_commitment == bytes(claim.payout.to_field());
    let Some(row) = row.filter(is_same) else {
        return Ok(Standing::InTheWay(InTheWay::Unknown));
    };
    if row.batch.is_none() {
        return match case {
            Some(Case::Open | Case::Refuse | Case::Recover) => {
                Ok(Standing::LeftOut(LeftOutReason::of(case), None))
            }
            Some(Case::Pay) | None => Ok(match open(connection, key, claim).await? {
                Err(reason) => Standing::LeftOut(LeftOutReason::Held, Some(reason)),
                Ok(_) if row.held != 0 => {
                    Standing::LeftOut(LeftOutReason::Held, Some(SAME_ACCOUNT))
                }
                Ok(_) => Standing::InTheWay(InTheWay::Unpaid),
            }),
        };
    }
    if row.written != WRITTEN {
        return Ok(Standing::InTheWay(InTheWay::NotWritten));
    }
    // No sum may have a claim in it whose case is open: the ledger shows both.
    if case == Some(Case::Open) {
        return Ok(Standing::InTheWay(InTheWay::FrozenInFile));
    }
    let opening = match open(connection, key, claim).await? {
        Ok(opening) => opening,
        Err(reason) => return Ok(Standing::InTheWay(InTheWay::PaidUnopened(reason))),
    };
    let of = (row.nullifier.as_slice(), opening.amount, row.instalments.max(1) as u32);
    Ok(match filed.add_claim(key, parts, of)? {
        Ok(()) => Standing::Counted(opening),
        Err(why) => Standing::InTheWay(why),
    })
}

/// Opens a claim's envelope to what its commitment is over: the payee is the envelope's, also where an office has
/// corrected the account since.
async fn open(
    connection: &mut AnyConnection,
    key: &TreasuryKey,
    claim: &AcceptedClaim,
) -> Result<Result<Opening, &'static str>, PaymentError> {
    let Some(sealed) = envelope_of(connection, &bytes(claim.nullifier.to_field())).await? else {
        return Ok(Err(NO_ENVELOPE));
    };
    let payout = match open_checked(&sealed, key, claim.payout) {
        Ok(payout) => payout,
        Err(reason) => return Ok(Err(reason)),
    };
    let (Some(salt), Some(blinding)) = (payout.payee_salt(), payout.blinding()) else {
        unreachable!("an envelope that was checked has both");
    };
    Ok(Ok(Opening {
        amount: payout.amount,
        payee: payout.payee.digest(&salt),
        envelope: EnvelopeHash::of(&sealed),
        blinding,
    }))
}
