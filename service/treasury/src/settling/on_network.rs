//! Settling by the contract of settlements.

use alloy_primitives::{Address, U256};
use praman_circuits::Fr;
use praman_circuits::field::from_be_bytes;
use praman_circuits::nullifier::Nullifier;
use praman_circuits::payout::PayoutCommitment;
use praman_circuits::settlement_state::SettlementState;
use praman_ledger::settlement::{self, CheckedChunks, OpeningClaims};
use praman_ledger::{Chain, LedgerError, LedgerRefusal, Network};
use praman_store::computation::compute;
use praman_verifier::PreparedKey;
use praman_verifier::contracts::{Settlements, batch_words, word};

use super::refusal::{SettlingError, SettlingRefusal};
use super::{
    AcceptedClaim, Locked, OpeningOnLedger, ProvedChunk, SettlementLedger, Stands, TotalOpened,
};

/// The contract of settlements on a network, for a treasury's account.
pub struct SettlementsOnNetwork<'a, C> {
    /// The network.
    pub network: &'a mut Network<C>,
    /// The account of the treasury on it.
    pub account: Address,
    /// The key that chunks are proved with.
    pub key: &'a PreparedKey,
}

/// How often an opening is read again of which claims were frozen meanwhile.
const TRIES_MAX: usize = 5;

impl<C: Chain> SettlementLedger for SettlementsOnNetwork<'_, C> {
    async fn opening(&mut self, opening: u32) -> Result<OpeningOnLedger, LedgerError> {
        // Views are of the newest block, events of blocks that are as deep as configured: what is read is whole once the
        // events have all claims that the contract counts as frozen. They may have more: a contract of disputes that
        // was upgraded did not count before.
        for _ in 0..TRIES_MAX {
            let freezes = self.network.freezes_of(opening).await?;
            let read = settlement::read(self.network, opening).await?;
            if read.freezes >= freezes && self.network.freezes_of(opening).await? == freezes {
                let stands = self.stands(opening, &read).await?;
                return on_ledger(read, freezes, stands);
            }
        }
        Err(LedgerRefusal::FreezesUnconfirmed.into())
    }

    async fn prove(&mut self, opening: u32, chunks: &[ProvedChunk]) -> Result<(), LedgerError> {
        let counted = chunks.iter().map(|one| U256::from(one.counted)).collect();
        let chunks = chunks.iter().map(|one| batch_words(one.own.map(word), &one.proof)).collect();
        self.network.prove_settlement(self.account, opening, (chunks, counted)).await?;
        Ok(())
    }

    async fn check(&mut self, opening: u32) -> Result<CheckedChunks, SettlingError> {
        let read = settlement::read(self.network, opening).await?;
        let checked = compute(|| settlement::check_chunks(self.key, &read));
        Ok(checked.map_err(|_| SettlingRefusal::NotOnLedger("they do not hold"))?)
    }

    async fn lock(
        &mut self,
        opening: u32,
        state: SettlementState,
        freezes: u64,
    ) -> Result<Locked, LedgerError> {
        let state = word(state.to_field());
        let call = Settlements::lockCall { opening, state, freezes };
        match self.network.lock_settlement(self.account, &call).await {
            Ok(_) => Ok(Locked::Yes),
            Err(LedgerError::Refused(LedgerRefusal::FrozenMeanwhile)) => {
                Ok(Locked::FrozenMeanwhile)
            }
            Err(error) => Err(error),
        }
    }

    async fn open(&mut self, opening: u32, opened: &TotalOpened) -> Result<(), LedgerError> {
        let call = Settlements::openCall {
            opening,
            rupees: opened.total.rupees,
            counted: opened.total.claims,
            filed: opened.filed,
            blinding: word(opened.blinding.expose()),
        };
        self.network.open_settlement(self.account, &call).await?;
        Ok(())
    }
}

impl<C: Chain> SettlementsOnNetwork<'_, C> {
    async fn stands(&self, opening: u32, read: &OpeningClaims) -> Result<Stands, LedgerError> {
        let stands = self.network.settlement_of(opening).await?;
        if stands.settledAt != 0 {
            return Ok(Stands::Settled { rupees: stands.rupees, counted: stands.counted });
        }
        let state = SettlementState::from_field(element(stands.state)?);
        if stands.lockedAt == 0 {
            return Ok(Stands::Proved { chunks: stands.chunks, state });
        }
        // The proofs were checked before it was locked.
        let checked = settlement::check_digests(read);
        let is_counted = checked.map_err(|_| LedgerRefusal::OtherSettlementState)?.is_counted;
        Ok(Stands::Locked { state, is_counted })
    }
}

fn on_ledger(
    read: OpeningClaims,
    freezes: u64,
    stands: Stands,
) -> Result<OpeningOnLedger, LedgerError> {
    let claims = read.claims.iter().map(|claim| {
        Ok(AcceptedClaim {
            nullifier: Nullifier::from_field(element(claim.nullifier)?),
            payout: PayoutCommitment::from_field(element(claim.payout)?),
        })
    });
    let cases = read
        .cases
        .iter()
        .map(|(&nullifier, &case)| Ok((Nullifier::from_field(element(nullifier)?), case)));
    Ok(OpeningOnLedger {
        chain_id: read.chain_id,
        claims_contract: read.claims_contract,
        is_over: read.is_over,
        claims: claims.collect::<Result<_, LedgerError>>()?,
        cases: cases.collect::<Result<_, LedgerError>>()?,
        freezes,
        stands,
    })
}

fn element(word: U256) -> Result<Fr, LedgerError> {
    from_be_bytes(&word.to_be_bytes()).ok_or_else(|| LedgerRefusal::NotElement.into())
}
