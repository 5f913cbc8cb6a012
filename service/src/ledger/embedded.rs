//! The contracts on an EVM in this process, its chain in the store.
//!
//! Each transaction is a block. State, block and, for a claim, its acceptance are written in one
//! transaction of the store before anything is answered, so a crash at any point leaves a claim
//! either accepted in all of them or in none.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall, SolInterface};
use praman_circuits::context::{Context as ProofContext, context};
use praman_circuits::eligibility::{Checkpoint, SchemePeriod};
use praman_circuits::period::Day;
use praman_verifier::VerifyingKey;
use praman_verifier::contracts::{Claims, Groth16Verifier};
use praman_verifier::contracts::{create_claims, create_verifier, policy_data, proof_words, word};
use revm::context::result::{ExecutionResult, Output};
use revm::context::{BlockEnv, CfgEnv, TxEnv};
use revm::primitives::{TxKind, hardfork::SpecId};
use revm::state::EvmState;
use revm::{Context, ExecuteEvm, MainBuilder, MainContext};

use super::chain::{ChainState, changes};
use super::chain_store::{Effect, load_state, next_block, write_changes, write_effect};
use super::{Ledger, LedgerClaim, LedgerError, Receipt};
use crate::error::ServiceError;
use crate::scheme::ClaimPeriod;
use crate::store::{Store, bytes};

/// The embedded chain's EIP-155 id, in the range that public registries leave free.
pub const CHAIN_ID: u64 = 7_726_261;

/// A replaced checkpoint stays good for a day.
const GRACE_SECONDS: u64 = 24 * 3_600;

/// One claim or one deployment fits easily.
const BLOCK_GAS: u64 = 30_000_000;

/// The one account that sends: no key signs on the embedded chain, which only this process writes.
const OPERATOR: Address = Address::new([0x11; 20]);

/// Seconds from 1900-01-01 to 1970-01-01 in days.
const DAYS_BEFORE_EPOCH: u64 = 25_567;

/// The embedded ledger.
pub struct EmbeddedLedger {
    store: Store,
    state: ChainState,
    next_block: u64,
    claims: Address,
    /// The time of blocks, where it is not the clock's: a day that a demonstration stands for.
    day: Option<Day>,
}

#[cfg(test)]
impl EmbeddedLedger {
    /// A call as anyone could make it.
    pub(super) async fn call_raw(&mut self, call: &impl SolCall) -> Result<(), LedgerError> {
        self.send_raw(call.abi_encode()).await
    }

    /// What the contract says to a call that is then forgotten.
    pub(super) fn verdict(&self, call: &impl SolCall) -> Result<(), LedgerError> {
        let kind = TxKind::Call(self.claims);
        let (result, _) = self.run(kind, call.abi_encode(), self.timestamp())?;
        let output = result.output().cloned().unwrap_or_default();
        if result.is_success() { Ok(()) } else { Err(refusal(&output)) }
    }

    /// Call data as anyone could send it.
    pub(super) async fn send_raw(&mut self, data: Vec<u8>) -> Result<(), LedgerError> {
        let executed = self.send(TxKind::Call(self.claims), data, Effect::Nothing).await?;
        if executed.success { Ok(()) } else { Err(refusal(&executed.output)) }
    }

    /// Deploys the contracts once more, to other addresses.
    pub(super) async fn redeploy(&mut self, key: &VerifyingKey) -> Result<(), LedgerError> {
        self.deploy(key).await
    }
}

/// What comes of creating a contract on an empty chain.
#[cfg(test)]
pub(super) fn creation_outcome(code: &[u8]) -> Result<(), LedgerError> {
    let transaction = TxEnv::builder()
        .caller(OPERATOR)
        .kind(TxKind::Create)
        .data(code.to_vec().into())
        .gas_limit(BLOCK_GAS)
        .gas_price(0)
        .chain_id(Some(1))
        .build()
        .map_err(|error| LedgerError::Refused(format!("{error:?}")))?;
    let outcome = Context::mainnet()
        .with_ref_db(&ChainState::default())
        .with_cfg(CfgEnv::new_with_spec(SpecId::MERGE))
        .build_mainnet()
        .transact(transaction)
        .map_err(|error| LedgerError::Refused(error.to_string()))?;
    match outcome.result {
        ExecutionResult::Success { .. } => Ok(()),
        ExecutionResult::Revert { output, .. } => Err(refusal(&output)),
        ExecutionResult::Halt { reason, .. } => Err(LedgerError::Refused(format!("{reason:?}"))),
    }
}

struct Executed {
    success: bool,
    gas_used: u64,
    output: Bytes,
    created: Option<Address>,
    block: u64,
}

impl EmbeddedLedger {
    /// Opens the chain in a store, deploying the contracts for a key on a new one.
    ///
    /// # Errors
    /// [`LedgerError::Refused`] if the chain's contracts are for another key.
    pub async fn open(store: &Store, key: &VerifyingKey) -> Result<Self, LedgerError> {
        let mut ledger = Self {
            store: store.clone(),
            state: load_state(store).await?,
            next_block: next_block(store).await?,
            claims: Address::ZERO,
            day: None,
        };
        match ledger.setting("claims").await? {
            Some(address) => {
                ledger.claims = Address::from_slice(&address);
                let deployed = ledger.setting("key").await?;
                if deployed.as_deref() != Some(key_id(key).as_slice()) {
                    let reason = "the chain's contracts were deployed for other keys; use those, \
                                  or start a new chain in another folder";
                    return Err(LedgerError::Refused(reason.to_owned()));
                }
            }
            None => ledger.deploy(key).await?,
        }
        Ok(ledger)
    }

    /// Lets blocks have the time of a day, at its end in UTC, instead of the clock's.
    pub fn set_day(&mut self, day: Day) {
        self.day = Some(day);
    }

    async fn deploy(&mut self, key: &VerifyingKey) -> Result<(), LedgerError> {
        let verifier = self.create(create_verifier(key)).await?;
        self.claims = self.create(create_claims(verifier, OPERATOR, GRACE_SECONDS)).await?;
        // Last: a chain without this setting is deployed to anew.
        let mut transaction = self.store.begin().await?;
        for (name, value) in [
            ("verifier", verifier.to_vec()),
            ("key", key_id(key)),
            ("claims", self.claims.to_vec()),
        ] {
            sqlx::query(
                "INSERT INTO chain_setting (key, value) VALUES (?, ?)
                 ON CONFLICT DO UPDATE SET value = excluded.value",
            )
            .bind(name)
            .bind(value)
            .execute(&mut *transaction)
            .await
            .map_err(ServiceError::from)?;
        }
        transaction.commit().await.map_err(ServiceError::from)?;
        Ok(())
    }

    async fn create(&mut self, code: Vec<u8>) -> Result<Address, LedgerError> {
        let executed = self.send(TxKind::Create, code, Effect::Nothing).await?;
        match executed.created {
            Some(address) if executed.success => Ok(address),
            _ => Err(refusal(&executed.output)),
        }
    }

    async fn call(
        &mut self,
        call: &impl SolCall,
        effect: Effect<'_>,
    ) -> Result<Executed, LedgerError> {
        self.send(TxKind::Call(self.claims), call.abi_encode(), effect).await
    }

    /// Reads from the contract; nothing is written.
    pub(super) fn view<C: SolCall>(&self, call: &C) -> Result<C::Return, LedgerError> {
        let (result, _) =
            self.run(TxKind::Call(self.claims), call.abi_encode(), self.timestamp())?;
        let output = result.output().cloned().unwrap_or_default();
        C::abi_decode_returns(&output).map_err(|error| LedgerError::Refused(error.to_string()))
    }

    fn timestamp(&self) -> u64 {
        match self.day {
            Some(day) => (u64::from(day.0).saturating_sub(DAYS_BEFORE_EPOCH) + 1) * 86_400 - 1,
            None => u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default(),
        }
    }

    fn run(
        &self,
        kind: TxKind,
        data: Vec<u8>,
        timestamp: u64,
    ) -> Result<(ExecutionResult, EvmState), LedgerError> {
        let failed = |error: String| LedgerError::Failed(ServiceError::Ledger(error));
        let mut settings = CfgEnv::new_with_spec(SpecId::MERGE);
        settings.chain_id = CHAIN_ID;
        let block = BlockEnv {
            number: U256::from(self.next_block),
            timestamp: U256::from(timestamp),
            gas_limit: BLOCK_GAS,
            prevrandao: Some(B256::ZERO),
            ..Default::default()
        };
        let transaction = TxEnv::builder()
            .caller(OPERATOR)
            .kind(kind)
            .data(data.into())
            .gas_limit(BLOCK_GAS)
            .gas_price(0)
            .nonce(self.state.nonce(OPERATOR))
            .chain_id(Some(CHAIN_ID))
            .build()
            .map_err(|error| failed(format!("{error:?}")))?;
        let outcome = Context::mainnet()
            .with_ref_db(&self.state)
            .with_cfg(settings)
            .with_block(block)
            .build_mainnet()
            .transact(transaction)
            .map_err(|error| failed(error.to_string()))?;
        Ok((outcome.result, outcome.state))
    }

    /// Runs a transaction as the next block and writes it, with the acceptance of `claim` if it
    /// succeeds. A refused claim makes no block: nothing of it needs to be replayed.
    async fn send(
        &mut self,
        kind: TxKind,
        data: Vec<u8>,
        effect: Effect<'_>,
    ) -> Result<Executed, LedgerError> {
        // The lock first: another process may have made blocks since this one read the chain.
        let mut transaction = self.store.begin().await?;
        let next_block = next_block(&self.store).await?;
        if next_block != self.next_block {
            self.state = load_state(&self.store).await?;
            self.next_block = next_block;
        }
        let timestamp = self.timestamp();
        let (result, state) = self.run(kind, data.clone(), timestamp)?;
        let success = result.is_success();
        let gas_used = result.tx_gas_used();
        let (output, created) = match result {
            ExecutionResult::Success { output: Output::Create(code, address), .. } => {
                (code, address)
            }
            ExecutionResult::Success { output: Output::Call(data), .. } => (data, None),
            ExecutionResult::Revert { output, .. } => (output, None),
            ExecutionResult::Halt { reason, .. } => {
                let reason = format!("the transaction halted: {reason:?}");
                return Err(LedgerError::Refused(reason));
            }
        };
        let block = self.next_block;
        let executed = Executed { success, gas_used, output, created, block };
        if !success {
            return Ok(executed);
        }
        let changes = changes(&state);
        write_changes(&mut transaction, &changes).await?;
        let target = kind.to().map(|address| address.to_vec());
        sqlx::query(
            "INSERT INTO chain_block (number, timestamp, sender, target, data, success, gas_used)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(block as i64)
        .bind(timestamp as i64)
        .bind(OPERATOR.to_vec())
        .bind(target)
        .bind(data)
        .bind(success)
        .bind(gas_used as i64)
        .execute(&mut *transaction)
        .await
        .map_err(ServiceError::from)?;
        write_effect(&mut transaction, effect, block).await?;
        transaction.commit().await.map_err(ServiceError::from)?;
        self.state.apply(&changes);
        self.next_block += 1;
        Ok(executed)
    }

    async fn setting(&self, key: &str) -> Result<Option<Vec<u8>>, LedgerError> {
        let row: Option<(Vec<u8>,)> =
            sqlx::query_as("SELECT value FROM chain_setting WHERE key = ?")
                .bind(key)
                .fetch_optional(self.store.pool())
                .await
                .map_err(ServiceError::from)?;
        Ok(row.map(|(value,)| value))
    }
}

impl Ledger for EmbeddedLedger {
    fn context(&self) -> ProofContext {
        context(CHAIN_ID, self.claims.into_array())
    }

    async fn publish_checkpoint(&mut self, checkpoint: Checkpoint) -> Result<u64, LedgerError> {
        let count = self.view(&Claims::checkpointCountCall {})?.saturating_to::<u64>();
        // One that stands already is not replaced by itself.
        if let (Some(number), Some(last)) =
            (self.find_checkpoint(checkpoint).await?, count.checked_sub(1))
            && number == last
        {
            return Ok(number);
        }
        let call = Claims::publishCheckpointCall {
            stateRoot: word(checkpoint.state_root.to_field()),
            asOf: checkpoint.as_of.0,
        };
        let executed = self.call(&call, Effect::Checkpoint(checkpoint)).await?;
        if executed.success { Ok(count) } else { Err(refusal(&executed.output)) }
    }

    async fn find_checkpoint(&self, checkpoint: Checkpoint) -> Result<Option<u64>, LedgerError> {
        let row: Option<(i64,)> = sqlx::query_as(
            "SELECT number FROM checkpoint WHERE state_root = ? AND as_of = ?
             ORDER BY number DESC LIMIT 1",
        )
        .bind(bytes(checkpoint.state_root.to_field()))
        .bind(i64::from(checkpoint.as_of.0))
        .fetch_optional(self.store.pool())
        .await
        .map_err(ServiceError::from)?;
        Ok(row.map(|(number,)| number as u64))
    }

    async fn open_period(
        &mut self,
        scheme: &SchemePeriod,
        period: ClaimPeriod,
    ) -> Result<(), LedgerError> {
        let call = Claims::openPeriodCall {
            scheme: word(scheme.scheme.to_field()),
            period: period.period.0,
            window: period.window.0,
            policy: policy_data(&scheme.policy),
        };
        let is_open =
            Claims::isOpenCall { scheme: call.scheme, period: call.period, window: call.window };
        if self.view(&is_open)? {
            return Ok(());
        }
        let executed = self.call(&call, Effect::Nothing).await?;
        if executed.success { Ok(()) } else { Err(refusal(&executed.output)) }
    }

    async fn claim(&mut self, claim: &LedgerClaim) -> Result<Receipt, LedgerError> {
        let call = Claims::claimCall {
            scheme: word(claim.scheme.to_field()),
            period: claim.period.period.0,
            window: claim.period.window.0,
            checkpoint: U256::from(claim.checkpoint),
            own: [word(claim.nullifier.to_field()), word(claim.payout.to_field())],
            proof: proof_words(&claim.proof),
        };
        let executed = self.call(&call, Effect::Claim(claim)).await?;
        if executed.success {
            Ok(Receipt { block: executed.block, gas_used: executed.gas_used })
        } else {
            Err(refusal(&executed.output))
        }
    }
}

/// Why the contract reverted.
fn refusal(output: &[u8]) -> LedgerError {
    use Claims::ClaimsErrors as Reason;
    match Reason::abi_decode(output) {
        Ok(Reason::AlreadyClaimed(_)) => LedgerError::AlreadyClaimed,
        Ok(Reason::ProofInvalid(_)) => LedgerError::ProofInvalid,
        Ok(Reason::NotCanonical(error)) => {
            LedgerError::Malformed(format!("public input {} is not canonical", error.index))
        }
        Ok(Reason::InvalidPoint(_)) => LedgerError::Malformed("a point is no point".to_owned()),
        Ok(Reason::PeriodNotOpen(_)) => LedgerError::PeriodNotOpen,
        Ok(Reason::PeriodNotBegun(_)) => LedgerError::PeriodNotBegun,
        Ok(Reason::CheckpointNotGood(_)) => LedgerError::CheckpointNotGood,
        Ok(other) => LedgerError::Refused(format!("{other:?}")),
        Err(_) => match Groth16Verifier::Groth16VerifierErrors::abi_decode(output) {
            Ok(error) => LedgerError::Refused(format!("{error:?}")),
            Err(_) => LedgerError::Refused("without a reason".to_owned()),
        },
    }
}

/// What a deployed key is known by.
fn key_id(key: &VerifyingKey) -> Vec<u8> {
    use sha2::Digest;
    sha2::Sha256::digest(key.to_json()).to_vec()
}
