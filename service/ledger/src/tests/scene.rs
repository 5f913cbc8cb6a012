//! A ledger with a key that proves anything.

use alloy_primitives::Address;
use alloy_sol_types::SolCall;
use praman_circuits::eligibility::PublicInputs;
use praman_circuits::nullifier::Nullifier;
use praman_circuits::office::OfficeId;
use praman_circuits::payout::{EnvelopeHash, PayoutCommitment};
use praman_circuits::period::Day;
use praman_rules::scheme::ClaimPeriod;
use praman_store::Store;
use praman_testkit::fixture;
use praman_testkit::simulation::SimulatedKey;
use praman_verifier::contracts::{Claims, proof_words};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use tempfile::TempDir;

use crate::chain::Chain;
use crate::contract_ledger::{OPERATOR, own_words};
use crate::{EmbeddedLedger, Ledger, LedgerClaim, LedgerError, OfficeState};

/// Public inputs of the eligibility statement.
pub(super) const PUBLIC_INPUTS: usize = 111;

/// The day of the scene.
pub(super) const TODAY: Day = Day(46_250);

/// The last day of the scene's openings.
pub(super) const LAST_DAY: Day = Day(46_400);

pub(super) struct Scene {
    _folder: TempDir,
    pub(super) store: Store,
    pub(super) key: SimulatedKey,
    pub(super) ledger: EmbeddedLedger,
    pub(super) rng: ChaCha20Rng,
}

/// A claim's own public inputs.
pub(super) type Own = (Nullifier, PayoutCommitment, EnvelopeHash);

pub(super) fn own_of(public: &PublicInputs) -> Own {
    (public.nullifier, public.payout, public.envelope)
}

/// Returns the key of scenes with a seed.
pub(super) fn key(seed: u64) -> SimulatedKey {
    SimulatedKey::draw(PUBLIC_INPUTS, &mut ChaCha20Rng::seed_from_u64(seed))
}

/// Returns the offices of a fixture's state.
pub(super) fn offices(claim: &fixture::Claim) -> Vec<OfficeState> {
    let schema = claim.claimant.credential.schema;
    let states = (0..).zip(&claim.offices);
    states
        .map(|(number, &root)| OfficeState { office: OfficeId(number), schema, root, live: 10 })
        .collect()
}

impl Scene {
    pub(super) async fn open() -> Self {
        Self::deployed_by(OPERATOR).await
    }

    /// Opens a scene on a ledger of other addresses, and so of another context.
    pub(super) async fn elsewhere(number: u8) -> Self {
        Self::deployed_by(Address::repeat_byte(0x60 + number)).await
    }

    async fn deployed_by(deployer: Address) -> Self {
        let folder = TempDir::new().expect("a folder");
        let store = Store::open(folder.path()).await.expect("a store");
        let key = key(3);
        let mut ledger = EmbeddedLedger::open_by(&store, key.verifying_key(), &[], deployer)
            .await
            .expect("deployed");
        ledger.set_day(TODAY);
        Self { _folder: folder, store, key, ledger, rng: ChaCha20Rng::seed_from_u64(7) }
    }

    /// Publishes a fixture's checkpoint and opens its period.
    pub(super) async fn ready(&mut self, claim: &fixture::Claim) -> (u64, ClaimPeriod) {
        let offices = offices(claim);
        let published = self.ledger.publish_checkpoint(&offices, claim.checkpoint).await;
        let period = claim.scheme_period.period;
        let period = ClaimPeriod { period, window: period };
        self.ledger.open_period(&claim.scheme_period, period, LAST_DAY).await.expect("opened");
        (published.expect("published"), period)
    }

    /// Proves a claim of the fixture for this ledger, with its checkpoint published and its
    /// period open.
    pub(super) async fn proved(&mut self, number: u64) -> LedgerClaim {
        let claim = fixture::claim(number);
        let (checkpoint, period) = self.ready(&claim).await;
        let public = claim.public();
        self.claim_with(&claim, checkpoint, period, own_of(&public))
    }

    /// Makes a claim with any nullifier, payout commitment and envelope, proved by the key's secret.
    pub(super) fn claim_with(
        &mut self,
        claim: &fixture::Claim,
        checkpoint: u64,
        period: ClaimPeriod,
        (nullifier, payout, envelope): Own,
    ) -> LedgerClaim {
        let mut public = claim.public();
        public.context = self.ledger.context();
        (public.nullifier, public.payout, public.envelope) = (nullifier, payout, envelope);
        let proof = self.key.prove(&public.to_fields(), &mut self.rng);
        let scheme = claim.scheme_period.scheme.clone();
        LedgerClaim { scheme, period, checkpoint, nullifier, payout, envelope, proof }
    }

    /// Makes a number of claims of one opening and checkpoint.
    pub(super) async fn many(&mut self, count: u64) -> Vec<LedgerClaim> {
        let claim = fixture::claim(1);
        let (checkpoint, period) = self.ready(&claim).await;
        (1..=count)
            .map(|number| {
                let public = claim.public_of(self.ledger.context(), number);
                self.claim_with(&claim, checkpoint, period, own_of(&public))
            })
            .collect()
    }

    /// Makes a call as any account could.
    pub(super) async fn send(
        &mut self,
        from: Address,
        target: Address,
        call: &impl SolCall,
    ) -> Result<u64, LedgerError> {
        let sent = self.ledger.network.chain.send(from, Some(target), call.abi_encode()).await;
        Ok(sent?.gas_used)
    }

    /// Calls the claims as the operator.
    pub(super) async fn call(&mut self, call: &impl SolCall) -> Result<u64, LedgerError> {
        let (from, to) = (OPERATOR, self.ledger.network.addresses.claims);
        self.send(from, to, call).await
    }

    /// Calls the archives as the operator.
    pub(super) async fn archive(&mut self, call: &impl SolCall) -> Result<u64, LedgerError> {
        let (from, to) = (OPERATOR, self.ledger.network.addresses.archives);
        self.send(from, to, call).await
    }

    /// Returns the claims' answer to a call that is not kept.
    pub(super) async fn verdict(&self, call: &impl SolCall) -> Result<(), LedgerError> {
        let (from, to) = (OPERATOR, self.ledger.network.addresses.claims);
        self.ledger.network.chain.view(from, to, call.abi_encode()).await?;
        Ok(())
    }

    /// Has the committee make a call.
    pub(super) async fn committee(
        &mut self,
        target: Address,
        call: &impl SolCall,
    ) -> Result<(), LedgerError> {
        let members = self.ledger.actors.members.clone();
        let reason = crate::text_hash("a test");
        self.ledger.network.committee(&members, target, call.abi_encode(), reason).await?;
        Ok(())
    }
}

/// Returns a claim as the contract takes it.
pub(super) fn raw(claim: &LedgerClaim) -> Claims::claimCall {
    Claims::claimCall {
        opening: 0,
        checkpoint: claim.checkpoint as u32,
        own: own_words(claim),
        proof: proof_words(&claim.proof),
    }
}
