//! What the contracts' events say, kept in the store.

use alloy_primitives::U256;
use alloy_sol_types::SolEvent;
use praman_circuits::context::Context;
use praman_circuits::credential::SchemaId;
use praman_circuits::eligibility::Checkpoint;
use praman_circuits::field::from_be_bytes;
use praman_circuits::office::{OfficeId, OfficeRoot, StateRoot};
use praman_circuits::period::Day;
use praman_offices::standing::{self, OfficeNews};
use praman_offices::{checkpoint, read_offices};
use praman_store::Setting;
use praman_store::error::StoreError;
use praman_store::{TreeVersion, WriteTransaction};
use praman_verifier::contracts::{
    Addresses, Claims, Consents, Disputes, Offices, Participants, Scopes,
};

use super::accepted_claim;
use super::chain::{ChainError, ChainLog};
use super::chain_store::{forget_inherited_after, keep_inherited_context};
use super::event_handler::{AcceptanceEvent, EventHandlers};
use super::opening::{forget_openings_after, record_opening};
use super::settlement::recording;
use super::spent;
use crate::LedgerStore;

/// What a disputed claim's outcome must be for it to be paid: `Outcome.Pay`.
const PAY: u8 = 1;

/// Writes what events say, in the transaction that also writes where they are from.
pub(super) async fn record(
    transaction: &mut WriteTransaction,
    addresses: &Addresses,
    handlers: EventHandlers,
    logs: &[ChainLog],
) -> Result<(), ChainError> {
    let mut places = Places::default();
    for log in logs {
        let topic = log.topics.first().copied().unwrap_or_default();
        if log.address == addresses.offices {
            record_office(transaction, log, topic).await?;
        } else if log.address == addresses.participants {
            record_participant(transaction, log, topic).await?;
        } else if log.address == addresses.claims {
            record_opening(transaction, log).await?;
            record_claims(transaction, handlers, (log, &mut places), topic).await?;
        } else if log.address == addresses.disputes {
            record_dispute(transaction, log, topic).await?;
        } else if log.address == addresses.settlements {
            recording::record_settlement(transaction, log).await?;
        } else if log.address == addresses.scopes {
            record_inheritance(transaction, log, topic).await?;
        } else if log.address == addresses.consents {
            record_access(transaction, log, topic).await?;
        }
    }
    Ok(())
}

/// The next claim's place in a block, whose events are recorded together.
#[derive(Default)]
struct Places {
    block: u64,
    next: u32,
}

impl Places {
    fn take(&mut self, block: u64) -> u32 {
        if self.block != block {
            *self = Self { block, next: 0 };
        }
        self.next += 1;
        self.next - 1
    }
}

pub(crate) fn decode<E: SolEvent>(log: &ChainLog) -> Result<E, ChainError> {
    E::decode_raw_log(log.topics.iter().copied(), &log.data).map_err(ChainError::failed)
}

/// Returns whether the store follows the offices' standing. One that an earlier version wrote does not yet.
pub(super) async fn follows_offices(
    connection: &mut sqlx::AnyConnection,
) -> Result<bool, ChainError> {
    Ok(Setting::FollowsOffices.read(connection).await?.is_some())
}

/// Makes the store follow the offices' standing, from all earlier events of the contracts of offices and of
/// participants, in order. Changes nothing if it does already.
pub(super) async fn begin_following_offices(
    transaction: &mut WriteTransaction,
    addresses: &Addresses,
    logs: &[ChainLog],
) -> Result<(), ChainError> {
    if follows_offices(transaction).await? {
        return Ok(());
    }
    for log in logs {
        let topic = log.topics.first().copied().unwrap_or_default();
        if log.address == addresses.offices {
            record_office(transaction, log, topic).await?;
        } else if log.address == addresses.participants {
            record_participant(transaction, log, topic).await?;
        }
    }
    // Offices of this store that the ledger never accredited have no leaf on real nodes.
    let version = TreeVersion::next(transaction).await?;
    for office in read_offices(transaction).await? {
        standing::place(transaction, version, office.id).await?;
    }
    Setting::FollowsOffices.keep(transaction, &[]).await?;
    Ok(())
}

async fn record_office(
    transaction: &mut WriteTransaction,
    log: &ChainLog,
    topic: alloy_primitives::B256,
) -> Result<(), ChainError> {
    let (office, news, state_root) = match topic {
        Offices::OfficeAccredited::SIGNATURE_HASH => {
            let event: Offices::OfficeAccredited = decode(log)?;
            let schema = SchemaId(event.schema);
            (event.office, OfficeNews::Accredited(event.participant, schema), None)
        }
        Offices::OfficeRootUpdated::SIGNATURE_HASH => {
            let event: Offices::OfficeRootUpdated = decode(log)?;
            let root = OfficeRoot::from_field(element(event.root)?);
            (event.office, OfficeNews::Root(root, event.live), Some(event.stateRoot))
        }
        Offices::OfficeStanding::SIGNATURE_HASH => {
            let event: Offices::OfficeStanding = decode(log)?;
            (event.office, OfficeNews::Standing(event.standing), Some(event.stateRoot))
        }
        _ => return Ok(()),
    };
    standing::keep_news(transaction, log.block, OfficeId(office), news).await?;
    let Some(state_root) = state_root else { return Ok(()) };
    // The root that the ledger reports must follow from its events of offices.
    let own = standing::ledger_state_root(transaction).await?;
    if own != StateRoot::from_field(element(state_root)?) {
        Setting::OfficesApart.keep_first(transaction, &log.block.to_be_bytes()).await?;
    }
    Ok(())
}

/// Records a participant's change. An office that retires does so for good.
async fn record_participant(
    transaction: &mut WriteTransaction,
    log: &ChainLog,
    topic: alloy_primitives::B256,
) -> Result<(), ChainError> {
    /// `Change.Retired` of the contract.
    const RETIRED: u8 = 4;
    if topic != Participants::NoticeIssued::SIGNATURE_HASH {
        return Ok(());
    }
    let event: Participants::NoticeIssued = decode(log)?;
    if event.change == RETIRED
        && let Some(office) = standing::of_participant(transaction, event.participant).await?
    {
        standing::keep_news(transaction, log.block, office, OfficeNews::Retired).await?;
    }
    Ok(())
}

/// Reads a word of an event as an element of the field.
fn element(word: U256) -> Result<praman_circuits::Fr, ChainError> {
    from_be_bytes(&word.to_be_bytes::<32>())
        .ok_or_else(|| ChainError::failed("an event has a word that is not a field element"))
}

async fn record_claims(
    transaction: &mut WriteTransaction,
    handlers: EventHandlers,
    (log, places): (&ChainLog, &mut Places),
    topic: alloy_primitives::B256,
) -> Result<(), ChainError> {
    match topic {
        Claims::CheckpointPublished::SIGNATURE_HASH => {
            let event: Claims::CheckpointPublished = decode(log)?;
            let state_root = StateRoot::from_field(element(event.stateRoot)?);
            let kept = Checkpoint { state_root, as_of: Day(event.asOf) };
            checkpoint::keep(transaction, (event.checkpoint, log.block), kept).await?;
        }
        Claims::ClaimAccepted::SIGNATURE_HASH => {
            let event: Claims::ClaimAccepted = decode(log)?;
            let claim = [event.nullifier, event.payoutCommitment, event.envelopeHash];
            let place = (log.block, places.take(log.block));
            accept(transaction, handlers, place, event.opening, claim).await?;
        }
        Claims::ClaimsAccepted::SIGNATURE_HASH => {
            let event: Claims::ClaimsAccepted = decode(log)?;
            for &claim in event.claims.as_chunks().0 {
                let place = (log.block, places.take(log.block));
                accept(transaction, handlers, place, event.opening, claim).await?;
            }
        }
        _ => {}
    }
    Ok(())
}

async fn accept(
    transaction: &mut WriteTransaction,
    handlers: EventHandlers,
    (block, position): (u64, u32),
    opening: u32,
    claim: [U256; 3],
) -> Result<(), ChainError> {
    accepted_claim::accept(transaction, (block, position), opening, claim).await?;
    let [nullifier, payout_commitment, _] = claim.map(|word| word.to_be_bytes());
    let event = AcceptanceEvent { nullifier, payout_commitment, block };
    for handler in handlers {
        handler.claim_accepted(transaction, event).await?;
    }
    Ok(())
}

async fn record_dispute(
    transaction: &mut WriteTransaction,
    log: &ChainLog,
    topic: alloy_primitives::B256,
) -> Result<(), ChainError> {
    let (nullifier, payable) = match topic {
        Disputes::Frozen::SIGNATURE_HASH => (decode::<Disputes::Frozen>(log)?.nullifier, false),
        Disputes::Settled::SIGNATURE_HASH => {
            let event: Disputes::Settled = decode(log)?;
            (event.nullifier, event.outcome == PAY)
        }
        _ => return Ok(()),
    };
    let nullifier = nullifier.to_be_bytes_vec();
    sqlx::query(
        "INSERT INTO dispute_event (number, nullifier, payable, block)
         SELECT coalesce(max(number), 0) + 1, $1, $2, $3 FROM dispute_event",
    )
    .bind(&nullifier)
    .bind(i64::from(payable))
    .bind(log.block as i64)
    .execute(&mut **transaction)
    .await?;
    follow_dispute(transaction, &nullifier).await
}

/// Sets a claim's dispute to its newest event; deletes it if there is no event.
async fn follow_dispute(
    transaction: &mut WriteTransaction,
    nullifier: &[u8],
) -> Result<(), ChainError> {
    sqlx::query("DELETE FROM dispute WHERE nullifier = $1")
        .bind(nullifier)
        .execute(&mut **transaction)
        .await?;
    sqlx::query(
        "INSERT INTO dispute (nullifier, payable, block)
         SELECT nullifier, payable, block FROM dispute_event WHERE nullifier = $1
         ORDER BY number DESC LIMIT 1",
    )
    .bind(nullifier)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Reverts disputes to what blocks up to `last` say.
async fn forget_disputes_after(
    transaction: &mut WriteTransaction,
    last: u64,
) -> Result<(), ChainError> {
    let told: Vec<(Vec<u8>,)> =
        sqlx::query_as("SELECT DISTINCT nullifier FROM dispute_event WHERE block > $1")
            .bind(last as i64)
            .fetch_all(&mut **transaction)
            .await?;
    sqlx::query("DELETE FROM dispute_event WHERE block > $1")
        .bind(last as i64)
        .execute(&mut **transaction)
        .await?;
    for (nullifier,) in told {
        follow_dispute(transaction, &nullifier).await?;
    }
    Ok(())
}

/// Records that the ledger takes the place of an earlier one: whose context its proofs are bound to, and what is
/// spent there.
async fn record_inheritance(
    transaction: &mut WriteTransaction,
    log: &ChainLog,
    topic: alloy_primitives::B256,
) -> Result<(), ChainError> {
    match topic {
        Scopes::Inherited::SIGNATURE_HASH => {
            let event: Scopes::Inherited = decode(log)?;
            let context = Context::from_field(element(event.context)?);
            Ok(keep_inherited_context(transaction, log.block, context).await?)
        }
        Scopes::SpentBrought::SIGNATURE_HASH => {
            let event: Scopes::SpentBrought = decode(log)?;
            Ok(spent::inherit(transaction, log.block, event).await?)
        }
        _ => Ok(()),
    }
}

async fn record_access(
    transaction: &mut WriteTransaction,
    log: &ChainLog,
    topic: alloy_primitives::B256,
) -> Result<(), ChainError> {
    match topic {
        Consents::AccessRecorded::SIGNATURE_HASH => {
            let event: Consents::AccessRecorded = decode(log)?;
            sqlx::query(
                "INSERT INTO recorded_access (nullifier, provider, requester, as_of, digest, block)
                 VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(event.nullifier.to_be_bytes_vec())
            .bind(i64::from(event.provider))
            .bind(i64::from(event.requester))
            .bind(i64::from(event.asOf))
            .bind(event.digest.to_vec())
            .bind(log.block as i64)
            .execute(&mut **transaction)
            .await?;
        }
        Consents::AccessWithdrawn::SIGNATURE_HASH => {
            let event: Consents::AccessWithdrawn = decode(log)?;
            sqlx::query(
                "INSERT INTO withdrawn_access (nullifier, provider, block) VALUES ($1, $2, $3)",
            )
            .bind(event.nullifier.to_be_bytes_vec())
            .bind(i64::from(event.provider))
            .bind(log.block as i64)
            .execute(&mut **transaction)
            .await?;
        }
        _ => {}
    }
    Ok(())
}

impl LedgerStore<'_> {
    /// Returns the block at which the ledger's state root was not the one that follows from its events; none if
    /// they always agreed.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn offices_apart_since(&self) -> Result<Option<u64>, StoreError> {
        let value = Setting::OfficesApart.read(&mut *self.0.pool().acquire().await?).await?;
        let block = value.map(|value| value.try_into().map(u64::from_be_bytes));
        block.transpose().map_err(|_| praman_store::broken("a block's number"))
    }

    /// Deletes what blocks above `last` said, when another chain has replaced them.
    pub(super) async fn forget_after(
        &self,
        transaction: &mut WriteTransaction,
        handlers: EventHandlers,
        last: u64,
    ) -> Result<(), ChainError> {
        accepted_claim::forget_after(transaction, last).await?;
        checkpoint::forget_after(transaction, last).await?;
        for statement in [
            "DELETE FROM recorded_access WHERE block > $1",
            "DELETE FROM withdrawn_access WHERE block > $1",
            "DELETE FROM recorded_block WHERE number > $1",
        ] {
            sqlx::query(statement).bind(last as i64).execute(&mut **transaction).await?;
        }
        forget_inherited_after(transaction, last).await?;
        spent::forget_after(transaction, last).await?;
        recording::forget_after(transaction, last).await?;
        forget_openings_after(transaction, last).await?;
        forget_disputes_after(transaction, last).await?;
        standing::forget_news_after(transaction, last).await?;
        Setting::OfficesApart.forget_above(transaction, last).await?;
        for handler in handlers {
            handler.blocks_replaced(transaction, last).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, B256, U256};
    use praman_offices::OfficeStore;
    use praman_store::Store;

    use super::*;

    fn log(block: u64, event: &impl SolEvent) -> ChainLog {
        ChainLog::of(block, Address::ZERO, event)
    }

    async fn payable(store: &Store) -> Option<i64> {
        let row: Option<(i64,)> = sqlx::query_as("SELECT payable FROM dispute")
            .fetch_optional(store.pool())
            .await
            .expect("read");
        row.map(|(payable,)| payable)
    }

    #[tokio::test]
    async fn dispute_settled_in_replaced_block_is_frozen_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).await.expect("a store");
        let nullifier = U256::from(7);
        let frozen = Disputes::Frozen { nullifier, reason: B256::ZERO, decideBy: 9 };
        let settled = Disputes::Settled { nullifier, outcome: PAY };
        let mut transaction = store.begin().await.expect("begun");
        for log in [log(3, &frozen), log(8, &settled)] {
            let topic = log.topics[0];
            record_dispute(&mut transaction, &log, topic).await.expect("kept");
        }
        transaction.commit().await.expect("kept");
        assert_eq!(payable(&store).await, Some(1));
        for (last, expected) in [(8, Some(1)), (7, Some(0)), (3, Some(0)), (2, None)] {
            let mut transaction = store.begin().await.expect("begun");
            LedgerStore(&store)
                .forget_after(&mut transaction, &[], last)
                .await
                .expect("taken back");
            transaction.commit().await.expect("kept");
            assert_eq!(payable(&store).await, expected, "after block {last}");
        }
    }

    #[tokio::test]
    async fn office_barred_in_replaced_block_stands_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).await.expect("a store");
        let key = OfficeStore(&store)
            .new_office("Block", &praman_rules::schema::RESIDENT, |_| Ok(()))
            .await
            .expect("an office");
        let standing_root = OfficeStore(&store).state_root().await.expect("a root");
        let told = |block, standing| {
            log(block, &Offices::OfficeStanding { office: 0, standing, stateRoot: U256::ZERO })
        };
        let accredited = Offices::OfficeAccredited { office: 0, participant: 5, schema: 1 };
        let mut transaction = store.begin().await.expect("begun");
        for log in [log(2, &accredited), told(5, false)] {
            let topic = log.topics[0];
            record_office(&mut transaction, &log, topic).await.expect("kept");
        }
        transaction.commit().await.expect("kept");
        assert_ne!(OfficeStore(&store).state_root().await.expect("a root"), standing_root);
        assert_eq!(OfficeStore(&store).offices_apart().await.expect("read"), [(key.office, false)]);
        // The event's root is forged, and that is found.
        assert_eq!(LedgerStore(&store).offices_apart_since().await.expect("read"), Some(5));
        let mut transaction = store.begin().await.expect("begun");
        LedgerStore(&store).forget_after(&mut transaction, &[], 4).await.expect("taken back");
        transaction.commit().await.expect("kept");
        assert_eq!(OfficeStore(&store).state_root().await.expect("a root"), standing_root);
        assert_eq!(OfficeStore(&store).offices_apart().await.expect("read"), []);
        assert_eq!(LedgerStore(&store).offices_apart_since().await.expect("read"), None);
    }
}
