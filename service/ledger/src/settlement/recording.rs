//! What events say of settlements, kept in the store.

use alloy_sol_types::SolEvent;
use praman_access::SchemeScope;
use praman_circuits::period::Period;
use praman_circuits::scope::SchemeId;
use praman_store::error::StoreError;
use praman_store::{WriteTransaction, broken};
use praman_verifier::contracts::Settlements;
use serde::Serialize;

use crate::LedgerStore;
use crate::chain::{ChainError, ChainLog};
use crate::journal::decode;

/// An opening's settlement, as the contract accepted it. Whether it is of the ledger's claims is recomputed by
/// [`verify`](super::verify) alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KnownSettlement {
    /// The opening's number.
    pub opening: u32,
    /// Its scheme.
    pub scheme: String,
    /// Its period.
    pub period: u32,
    /// The month whose rules hold.
    pub window: u32,
    /// The sum in whole rupees.
    pub rupees: u64,
    /// How many claims are in it.
    pub counted: u32,
    /// Which are left out; none where the store has claims of an earlier version, without their places.
    pub left_out: Option<LeftOut>,
    /// The block that shows the sum.
    pub block: u64,
}

/// How many claims a settlement leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Their case was open when the sum was shown.
    pub frozen: u32,
    /// Their case had ended without payment.
    pub refused: u32,
    /// The ledger does not have the reason.
    pub held: u32,
}

/// Writes what an event says of a settlement, if it is of one.
pub(crate) async fn record_settlement(
    transaction: &mut WriteTransaction,
    log: &ChainLog,
) -> Result<(), ChainError> {
    match log.topics.first().copied().unwrap_or_default() {
        Settlements::ChunksProved::SIGNATURE_HASH => {
            let event: Settlements::ChunksProved = decode(log)?;
            for (place, counted) in (i64::from(event.first)..).zip(&event.counted) {
                sqlx::query(
                    "INSERT INTO settlement_chunk (number, opening, place, counted, block)
                     SELECT coalesce(max(number), 0) + 1, $1, $2, $3, $4 FROM settlement_chunk",
                )
                .bind(i64::from(event.opening))
                .bind(place)
                .bind(counted.to_be_bytes_vec())
                .bind(log.block as i64)
                .execute(&mut **transaction)
                .await?;
            }
        }
        Settlements::SettlementOpened::SIGNATURE_HASH => {
            let event: Settlements::SettlementOpened = decode(log)?;
            let left_out = left_out(transaction, event.opening, log.block).await?;
            let rupees = i64::try_from(event.rupees)
                .map_err(|_| ChainError::failed("a settlement's sum is beyond all money"))?;
            sqlx::query(
                "INSERT INTO settlement (opening, rupees, counted, frozen, refused, held, block)
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
            )
            .bind(i64::from(event.opening))
            .bind(rupees)
            .bind(i64::from(event.counted))
            .bind(left_out.map(|left_out| i64::from(left_out.frozen)))
            .bind(left_out.map(|left_out| i64::from(left_out.refused)))
            .bind(left_out.map(|left_out| i64::from(left_out.held)))
            .bind(log.block as i64)
            .execute(&mut **transaction)
            .await?;
        }
        _ => {}
    }
    Ok(())
}

/// Counts which of an opening's claims are left out, and why, as it was in a block; none if the claims' order is not
/// known here.
async fn left_out(
    transaction: &mut WriteTransaction,
    opening: u32,
    block: u64,
) -> Result<Option<LeftOut>, ChainError> {
    // The newest run: what was proved before it began again counts no more.
    let words: Vec<(Vec<u8>,)> = sqlx::query_as(
        "SELECT counted FROM settlement_chunk WHERE opening = $1 AND number >=
             (SELECT max(number) FROM settlement_chunk WHERE opening = $1 AND place = 0)
         ORDER BY number",
    )
    .bind(i64::from(opening))
    .fetch_all(&mut **transaction)
    .await?;
    type Claim = (i64, Option<i64>, i64, Option<i64>);
    let claims: Vec<Claim> = sqlx::query_as(
        "SELECT block, position,
                (SELECT COUNT(*) FROM dispute_event
                 WHERE dispute_event.nullifier = accepted_claim.nullifier
                     AND dispute_event.block <= $2),
                (SELECT payable FROM dispute_event
                 WHERE dispute_event.nullifier = accepted_claim.nullifier
                     AND dispute_event.block <= $2
                 ORDER BY number DESC LIMIT 1)
         FROM accepted_claim WHERE opening = $1 ORDER BY block, position",
    )
    .bind(i64::from(opening))
    .bind(block as i64)
    .fetch_all(&mut **transaction)
    .await?;
    let unknown = |pair: &[Claim]| pair[0].0 == pair[1].0 && pair[1].1.is_none();
    if claims.windows(2).any(unknown) {
        return Ok(None);
    }
    let mut left_out = LeftOut::default();
    for (place, &(_, _, events, payable)) in claims.iter().enumerate() {
        if is_counted(&words, place) {
            continue;
        }
        // A claim has one case: an event that froze it, and one that ended it.
        match (payable, events) {
            (Some(0), ..=1) => left_out.frozen += 1,
            (Some(0), _) => left_out.refused += 1,
            _ => left_out.held += 1,
        }
    }
    Ok(Some(left_out))
}

/// Whether the bits of chunks count the claim at a place.
fn is_counted(words: &[(Vec<u8>,)], place: usize) -> bool {
    use praman_circuits::settlement::CLAIMS;
    let (chunk, bit) = (place / CLAIMS, place % CLAIMS);
    let byte = |(word,): &(Vec<u8>,)| word.len().checked_sub(1 + bit / 8).map(|at| word[at]);
    words.get(chunk).and_then(byte).is_some_and(|byte| (byte >> (bit % 8)) & 1 == 1)
}

/// Forgets what blocks above `last` said of settlements.
pub(crate) async fn forget_after(
    transaction: &mut WriteTransaction,
    last: u64,
) -> Result<(), StoreError> {
    for statement in
        ["DELETE FROM settlement WHERE block > $1", "DELETE FROM settlement_chunk WHERE block > $1"]
    {
        sqlx::query(statement).bind(last as i64).execute(&mut **transaction).await?;
    }
    Ok(())
}

/// What is read of a settlement.
const COLUMNS: &str =
    "opening.number, scheme, period, \"window\", rupees, counted, frozen, refused, held,
     settlement.block FROM settlement JOIN opening ON opening.number = settlement.opening";

/// A row of [`COLUMNS`].
type Row = (i64, String, i64, i64, i64, i64, Option<i64>, Option<i64>, Option<i64>, i64);

fn read(
    (opening, scheme, period, window, rupees, counted, frozen, refused, held, block): Row,
) -> Result<KnownSettlement, StoreError> {
    let number =
        |value: i64| u32::try_from(value).map_err(|_| broken("a count of a settlement's claims"));
    let left_out = match (frozen, refused, held) {
        (Some(frozen), Some(refused), Some(held)) => Some(LeftOut {
            frozen: number(frozen)?,
            refused: number(refused)?,
            held: number(held)?,
        }),
        _ => None,
    };
    Ok(KnownSettlement {
        opening: number(opening)?,
        scheme,
        period: period as u32,
        window: window as u32,
        rupees: rupees as u64,
        counted: number(counted)?,
        left_out,
        block: block as u64,
    })
}

impl LedgerStore<'_> {
    /// Returns the settled openings of a scope's schemes, the latest first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn settlements(
        &self,
        scope: &SchemeScope,
    ) -> Result<Vec<KnownSettlement>, StoreError> {
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} WHERE {} ORDER BY settlement.block DESC, opening.number DESC LIMIT 1000",
            SchemeScope::condition("scheme", "$1")
        ));
        let rows: Vec<Row> =
            sqlx::query_as(statement).bind(scope.column()).fetch_all(self.0.pool()).await?;
        rows.into_iter().map(read).collect()
    }

    /// Returns the settled openings of a scheme's period, in the order of their numbers.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn settlements_of(
        &self,
        scheme: &SchemeId,
        period: Period,
    ) -> Result<Vec<KnownSettlement>, StoreError> {
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} WHERE scheme = $1 AND period = $2 ORDER BY opening.number"
        ));
        let rows: Vec<Row> = sqlx::query_as(statement)
            .bind(scheme.as_str())
            .bind(i64::from(period.0))
            .fetch_all(self.0.pool())
            .await?;
        rows.into_iter().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, B256, U256};
    use praman_circuits::eligibility::EDITION;
    use praman_circuits::settlement::CLAIMS;
    use praman_store::Store;
    use praman_verifier::contracts::{Addresses, Claims, Disputes, scheme_word};

    use super::*;
    use crate::journal;

    /// Contracts at addresses of their own.
    fn contracts() -> Addresses {
        let at = Address::repeat_byte;
        Addresses {
            committee: at(1),
            participants: at(2),
            offices: at(3),
            claims: at(4),
            disputes: at(5),
            nodes: at(6),
            verifier: at(7),
            consents: at(8),
            anchors: at(9),
            archives: at(10),
            scopes: at(11),
            settlements: at(12),
        }
    }

    fn opened() -> Claims::PeriodOpened {
        Claims::PeriodOpened {
            opening: 0,
            scheme: scheme_word(&"annapurna".parse().expect("an id")),
            scope: U256::from(1),
            period: 1_517,
            window: 1_517,
            edition: EDITION,
            policyLeaf: B256::ZERO,
        }
    }

    /// So many chunks behind as many as stand, with these words of bits.
    fn proved(first: u32, counted: &[U256]) -> Settlements::ChunksProved {
        let chunks = vec![[U256::ZERO; 11]; counted.len()];
        Settlements::ChunksProved { opening: 0, first, chunks, counted: counted.to_vec() }
    }

    async fn left_out_of(store: &Store) -> Option<Option<LeftOut>> {
        let settled = LedgerStore(store).settlements(&SchemeScope::ALL).await.expect("read");
        settled.first().map(|settled| settled.left_out)
    }

    /// All claims share a block, so their places in it are what tells them apart.
    #[tokio::test]
    async fn left_out_claims_are_counted_by_the_newest_run() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).await.expect("a store");
        let contracts = contracts();
        let Addresses { claims, disputes, settlements, .. } = contracts;
        // Nullifiers descend, so that no order of theirs is that of the claims.
        let nullifier = |place: usize| U256::from(9_000 - place);
        let words =
            (0..CLAIMS + 22).flat_map(|place| [nullifier(place), U256::from(7), U256::from(8)]);
        let accepted = Claims::ClaimsAccepted { opening: 0, claims: words.collect() };
        let frozen = |place| Disputes::Frozen {
            nullifier: nullifier(place),
            reason: B256::ZERO,
            decideBy: 9,
        };
        let settled = |place, outcome| Disputes::Settled { nullifier: nullifier(place), outcome };
        let all = (U256::from(1) << CLAIMS) - U256::from(1);
        let without = |places: &[usize]| {
            places.iter().fold(all, |bits, &place| bits & !(U256::from(1) << place))
        };
        let rest = (U256::from(1) << 22) - U256::from(1);
        let shown = Settlements::SettlementOpened {
            opening: 0,
            rupees: 95_000,
            counted: 96,
            digest: U256::from(1),
            blinding: U256::from(2),
        };
        let logs = [
            ChainLog::of(2, claims, &opened()),
            ChainLog::of(3, claims, &accepted),
            ChainLog::of(4, disputes, &frozen(1)),
            ChainLog::of(4, disputes, &frozen(2)),
            ChainLog::of(4, disputes, &frozen(3)),
            ChainLog::of(5, disputes, &settled(2, 2)),
            // It went out before: it is counted, and recovered.
            ChainLog::of(5, disputes, &settled(3, 3)),
            // A run that began, and one that took its place.
            ChainLog::of(6, settlements, &proved(0, &[without(&[1, 2, 3, 4, 5, 6])])),
            ChainLog::of(7, settlements, &proved(0, &[without(&[1, 2, 9])])),
            ChainLog::of(7, settlements, &proved(1, &[rest & !U256::from(1)])),
            ChainLog::of(8, settlements, &shown),
        ];
        let mut transaction = store.begin().await.expect("begun");
        journal::record(&mut transaction, &contracts, &[], &logs).await.expect("kept");
        transaction.commit().await.expect("kept");
        let told =
            LedgerStore(&store).settlements(&SchemeScope::ALL).await.expect("read").remove(0);
        assert_eq!((told.opening, told.rupees, told.counted, told.block), (0, 95_000, 96, 8));
        assert_eq!(told.left_out, Some(LeftOut { frozen: 1, refused: 1, held: 2 }));
        for last in [7, 6] {
            let mut transaction = store.begin().await.expect("begun");
            LedgerStore(&store)
                .forget_after(&mut transaction, &[], last)
                .await
                .expect("taken back");
            transaction.commit().await.expect("kept");
            assert_eq!(left_out_of(&store).await, None, "after block {last}");
        }
        // The earlier run is the newest again.
        let mut transaction = store.begin().await.expect("begun");
        let again = [
            ChainLog::of(7, settlements, &proved(1, &[rest])),
            ChainLog::of(8, settlements, &shown),
        ];
        journal::record(&mut transaction, &contracts, &[], &again).await.expect("kept");
        transaction.commit().await.expect("kept");
        let expected = LeftOut { frozen: 1, refused: 2, held: 3 };
        assert_eq!(left_out_of(&store).await, Some(Some(expected)));
        // An earlier version kept no places.
        for statement in ["UPDATE accepted_claim SET position = NULL", "DELETE FROM settlement"] {
            sqlx::query(statement).execute(store.writer()).await.expect("changed");
        }
        let mut transaction = store.begin().await.expect("begun");
        journal::record(&mut transaction, &contracts, &[], &again[1..]).await.expect("kept");
        transaction.commit().await.expect("kept");
        assert_eq!(left_out_of(&store).await, Some(None));
    }
}
