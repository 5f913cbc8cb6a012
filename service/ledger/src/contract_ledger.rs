//! The ledger on praman's contracts.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolCall;
use praman_circuits::context::Context;
use praman_circuits::eligibility::{Checkpoint, SchemePeriod};
use praman_circuits::office::OfficeId;
use praman_circuits::period::{Day, Period};
use praman_files::sealed::random_key;
use praman_offices::OfficeStore;
use praman_rules::scheme::ClaimPeriod;
use praman_store::Store;
use praman_store::error::StoreError;
use praman_verifier::VerifyingKey;
use praman_verifier::contracts::{
    Claims, Committee, Constitution, Offices, Participants, Scopes, batch_words, policy_data,
    policy_leaf, proof_words, rules_leaf, rules_terms, scheme_word, word,
};

use super::chain::Chain;
use super::chain_store::{NetworkSettings, keep_network, network_settings};
use super::embedded::{CHAIN_ID, EmbeddedChain};
use super::event_handler::EventHandlers;
use super::network::{Approver, Network, Role, text_hash};
use super::{Ledger, LedgerClaim, LedgerError, OfficeState, Receipt, SETTLING_DAYS};
use crate::LedgerStore;
use crate::failure::NetworkSettingError;
use crate::refusal::ClaimMalformation;
use crate::refusal::LedgerRefusal;

/// On the embedded chain a replaced checkpoint stays valid for a day.
const GRACE_SECONDS: u64 = 24 * 3_600;

/// The one operator of an embedded network: the account of every role except offices.
pub(super) const OPERATOR: Address = Address::new([0x11; 20]);

/// The accounts that a program acts with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actors {
    /// Members of the committee.
    pub members: Vec<Address>,
    /// The agency: publishes checkpoints.
    pub agency: Option<Address>,
    /// The department: accredits offices, opens periods.
    pub department: Option<Address>,
    /// The relayer: submits claims.
    pub relayer: Option<Address>,
}

impl Actors {
    /// Returns one account in every role.
    pub fn alone(account: Address) -> Self {
        let everyone = Some(account);
        let members = vec![account];
        Self { members, agency: everyone, department: everyone, relayer: everyone }
    }

    /// Finds the roles that some accounts have on a network: for each role the first account that has it.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn among<C: Chain>(
        network: &Network<C>,
        accounts: &[Address],
    ) -> Result<Self, LedgerError> {
        let mut found = Self::default();
        for &account in accounts {
            let call = Committee::isMemberCall { account };
            if network.view(network.addresses.committee, &call).await? {
                found.members.push(account);
            }
            for (role, place) in [
                (Role::Agency, &mut found.agency),
                (Role::Department, &mut found.department),
                (Role::Relayer, &mut found.relayer),
            ] {
                if place.is_none() && network.participant_of(role, account).await? != 0 {
                    *place = Some(account);
                }
            }
        }
        Ok(found)
    }
}

/// Returns the account of the role that an action needs.
pub(super) fn acting(account: Option<Address>, role: Role) -> Result<Address, LedgerError> {
    account.ok_or_else(|| NetworkSettingError::NoKeyOf(role).into())
}

/// A ledger on a chain.
pub struct ContractLedger<C> {
    pub(super) store: Store,
    /// The contracts.
    pub network: Network<C>,
    /// Who acts.
    pub actors: Actors,
    /// What proofs are bound to.
    pub(super) context: Context,
}

/// The ledger that starts with one command: embedded chain, one operator in every role.
pub type EmbeddedLedger = ContractLedger<EmbeddedChain>;

impl EmbeddedLedger {
    /// Opens the ledger in a store, deploying the contracts for a key on a new one.
    ///
    /// # Errors
    /// [`LedgerError::Refused`] if the chain's contracts are for another key or another network.
    pub async fn open(
        store: &Store,
        key: &VerifyingKey,
        handlers: EventHandlers,
    ) -> Result<Self, LedgerError> {
        Self::open_by(store, key, handlers, new_deployer()).await
    }

    /// Opens the ledger; a new one's contracts are created by an account. Their addresses, and with them the context
    /// that nullifiers are bound to, follow from it: nobody can link a person's claims on two embedded ledgers.
    pub(super) async fn open_by(
        store: &Store,
        key: &VerifyingKey,
        handlers: EventHandlers,
        deployer: Address,
    ) -> Result<Self, LedgerError> {
        let mut chain = EmbeddedChain::open(store).await?;
        let actors = Actors::alone(OPERATOR);
        let Some(settings) = network_settings(store).await? else {
            return Self::deploy(store, chain, actors, key, handlers, deployer).await;
        };
        if settings.chain_id != CHAIN_ID {
            return Err(LedgerRefusal::OnNodes.into());
        }
        require_key(&settings, key)?;
        let addresses = settings.addresses;
        chain.follow(addresses, handlers).await?;
        let context = settings.context();
        let network = Network { chain, addresses };
        Ok(Self { store: store.clone(), network, actors, context })
    }

    /// Begins a sandbox's ledger in an empty store. No other ledger accepts what is proved for it.
    ///
    /// # Errors
    /// [`LedgerError::Refused`] if the store has a network already.
    pub async fn begin_sandbox(
        store: &Store,
        key: &VerifyingKey,
        handlers: EventHandlers,
    ) -> Result<Self, LedgerError> {
        if network_settings(store).await?.is_some() {
            return Err(LedgerRefusal::NotEmpty.into());
        }
        let chain = EmbeddedChain::open(store).await?;
        Self::deploy(store, chain, Actors::alone(OPERATOR), key, handlers, new_deployer()).await
    }

    async fn deploy(
        store: &Store,
        chain: EmbeddedChain,
        actors: Actors,
        key: &VerifyingKey,
        handlers: EventHandlers,
        deployer: Address,
    ) -> Result<Self, LedgerError> {
        let constitution = Constitution {
            members: actors.members.clone(),
            quorum: 1,
            delay_seconds: 0,
            grace_seconds: GRACE_SECONDS,
        };
        let before = chain.head().await?.number;
        let mut network = Network::deploy(chain, key, &constitution, deployer).await?;
        network.chain.follow(network.addresses, handlers).await?;
        let mut agency = 0;
        for role in [Role::Agency, Role::Department, Role::Treasury, Role::Auditor, Role::Relayer] {
            let sponsor = if role == Role::Relayer { agency } else { 0 };
            let document = text_hash("one operator in every role");
            let committee = Approver::Committee(&actors.members);
            let id = network.admit(OPERATOR, role, sponsor, committee, document).await?;
            if role == Role::Agency {
                agency = id;
            }
        }
        // Last: the contracts are deployed again on a chain without this setting.
        let settings = NetworkSettings {
            chain_id: CHAIN_ID,
            endpoints: Vec::new(),
            confirmations: 0,
            key: key_id(key),
            addresses: network.addresses,
            before,
            inherited: None,
        };
        keep_network(store, &settings).await?;
        Ok(Self { store: store.clone(), network, actors, context: settings.context() })
    }

    /// Sets the time of blocks to the end of a day in UTC, instead of the clock's.
    pub fn set_day(&mut self, day: Day) {
        self.network.chain.set_day(day);
    }
}

impl<C: Chain> ContractLedger<C> {
    /// Creates a ledger on an existing network, with what proofs are bound to.
    pub fn new(store: &Store, network: Network<C>, actors: Actors, context: Context) -> Self {
        Self { store: store.clone(), network, actors, context }
    }

    /// Accredits an office that the ledger does not know: on a network of one operator the office's
    /// account follows from its number.
    async fn accredit(&mut self, state: &OfficeState) -> Result<(), LedgerError> {
        let account = office_account(state.office);
        let department = acting(self.actors.department, Role::Department)?;
        let sponsor = self.network.participant_of(Role::Department, department).await?;
        let document = text_hash("an office of this folder");
        let approver = Approver::Account(department);
        let id = self.network.admit(account, Role::Office, sponsor, approver, document).await?;
        let accredit = Offices::accreditCall {
            office: state.office.0,
            schema: state.schema.0,
            participant: id,
        };
        self.network.send(department, self.network.addresses.offices, &accredit).await?;
        Ok(())
    }

    /// Sends an office's root to the ledger, if the ledger has another and the office stands and can act here;
    /// returns what it cost.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn update_office(&mut self, state: &OfficeState) -> Result<Option<u64>, LedgerError> {
        let target = self.network.addresses.offices;
        let root = word(state.root.to_field());
        let office = state.office.0;
        let mut known = self.network.view(target, &Offices::officeOfCall { office }).await?;
        if known.participant == 0 {
            if self.network.chain.chain_id() != CHAIN_ID {
                // It has no leaf until its department accredits it, and delays no other office.
                return Ok(None);
            }
            self.accredit(state).await?;
            known = self.network.view(target, &Offices::officeOfCall { office }).await?;
        }
        // A barred or retired office has no leaf, here and on the ledger, and sends no root.
        if !known.standing || (known.root == root && known.live == state.live) {
            return Ok(None);
        }
        // A restored state would undo revocations that the ledger has, if it sent its own root.
        let elsewhere = self.network.chain.chain_id() != CHAIN_ID;
        if elsewhere && OfficeStore(&self.store).offices_are_restored().await? {
            tracing::warn!(
                "office {office} keeps the root that the ledger has: this state was \
                 restored, and does not know what was issued and revoked since the backup. Revoke \
                 again what was revoked, then run: praman office catch-up"
            );
            OfficeStore(&self.store).leave_behind(state.office).await?;
            return Ok(None);
        }
        let register = self.network.addresses.participants;
        let keeper = Participants::participantCall { id: known.participant };
        let account = self.network.view(register, &keeper).await?.account;
        let may = Participants::hasRoleCall { role: Role::Office.id(), account };
        if !self.network.chain.sends_as(account) || !self.network.view(register, &may).await? {
            // Its key is elsewhere or revoked, or a notice is overdue: its old root stands until then.
            OfficeStore(&self.store).leave_behind(state.office).await?;
            return Ok(None);
        }
        let call = Offices::updateRootCall { office, root, live: state.live };
        Ok(Some(self.network.send(account, target, &call).await?.gas_used))
    }

    /// Sends all offices' newest roots to the ledger, and has the ledger refresh orders that have begun or
    /// ended by their dates. An office that is barred or retired, or whose account can't act here, delays
    /// no other.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn bring_offices(&mut self, offices: &[OfficeState]) -> Result<(), LedgerError> {
        /// `State.Live` of the contract.
        const LIVE: u8 = 5;
        let (target, register) =
            (self.network.addresses.offices, self.network.addresses.participants);
        for state in offices {
            let known = Offices::officeOfCall { office: state.office.0 };
            let known = self.network.view(target, &known).await?;
            if known.participant != 0 {
                let id = known.participant;
                let live =
                    self.network.view(register, &Participants::stateOfCall { id }).await? == LIVE;
                if live != known.standing {
                    let agency = acting(self.actors.agency, Role::Agency)?;
                    self.network.send(agency, register, &Participants::refreshCall { id }).await?;
                }
            }
            self.update_office(state).await?;
        }
        Ok(())
    }

    /// Checks that there is a relayer's key to submit claims with.
    ///
    /// # Errors
    /// [`NetworkSettingError::NoKeyOf`].
    pub fn require_relayer(&self) -> Result<(), LedgerError> {
        acting(self.actors.relayer, Role::Relayer).map(drop)
    }

    /// Has the committee adopt the rules of one window with its last day, if it has not; returns the department
    /// that opens it.
    async fn adopt_rules(
        &mut self,
        scheme: &SchemePeriod,
        window: Period,
        last_day: Day,
    ) -> Result<Address, LedgerError> {
        let claims = self.network.addresses.claims;
        let word = scheme_word(&scheme.scheme);
        let account = acting(self.actors.department, Role::Department)?;
        // There is one rule for one window: its leaf is the root that the committee adopts.
        let leaf = rules_leaf(self.edition_of(scheme).await?, scheme, window, last_day);
        let rules = Claims::rulesOfCall { scheme: word };
        if B256::from(self.network.view(claims, &rules).await?) == leaf {
            return Ok(account);
        }
        let department = self.network.participant_of(Role::Department, account).await?;
        let adopt = Claims::adoptRulesCall { scheme: word, department, root: leaf };
        let members = self.actors.members.clone();
        if members.is_empty() {
            return Err(LedgerRefusal::NotAdopted.into());
        }
        let motion = self.network.committee(&members, claims, adopt.abi_encode(), leaf).await?;
        if B256::from(self.network.view(claims, &rules).await?) != leaf {
            return Err(LedgerRefusal::MotionWaits(motion).into());
        }
        Ok(account)
    }

    /// Returns the edition of statements under which a scheme's period opens: that of the first opening of its scope
    /// in the period, else the one in force.
    async fn edition_of(&self, scheme: &SchemePeriod) -> Result<u8, LedgerError> {
        let claims = self.network.addresses.claims;
        let edition = self.network.view(claims, &Claims::EDITIONCall {}).await?;
        let (scope, period) = (word(scheme.scope().to_field()), scheme.period.0);
        let scopes = self.network.addresses.scopes;
        let stands = self.network.view(scopes, &Scopes::useOfCall { scope, period }).await?;
        Ok(if stands.edition == 0 { edition } else { stands.edition })
    }

    /// Returns the number of a claim's opening.
    async fn opening(&self, claim: &LedgerClaim) -> Result<u32, LedgerError> {
        let ClaimPeriod { period, window } = claim.period;
        let opening =
            LedgerStore(&self.store).opening(claim.scheme.as_str(), period.0, window.0).await;
        opening.map_err(StoreError::from)?.ok_or(LedgerError::PeriodNotOpen)
    }

    /// Refuses rules other than those under which a period takes claims: an opening keeps its rules.
    async fn require_same_rules(
        &self,
        opening: u32,
        scheme: &SchemePeriod,
        window: Period,
    ) -> Result<(), LedgerError> {
        let claims = self.network.addresses.claims;
        let stands = self.network.view(claims, &Claims::openingAtCall { opening }).await?;
        if stands.policyLeaf == policy_leaf(stands.edition, scheme, window) {
            return Ok(());
        }
        Err(LedgerRefusal::OtherRules(scheme.scheme.clone()).into())
    }

    /// Returns the number of a period's opening on the chain, if it is open there.
    async fn opening_of(
        &self,
        scheme: &SchemePeriod,
        ClaimPeriod { period, window }: ClaimPeriod,
    ) -> Result<Option<u32>, LedgerError> {
        let scheme = scheme_word(&scheme.scheme);
        let call = Claims::openingOfCall { scheme, period: period.0, window: window.0 };
        let claims = self.network.addresses.claims;
        Ok(self.network.view(claims, &call).await?.checked_sub(1))
    }
}

impl<C: Chain> Ledger for ContractLedger<C> {
    fn context(&self) -> Context {
        self.context
    }

    async fn publish_checkpoint(
        &mut self,
        offices: &[OfficeState],
        checkpoint: Checkpoint,
    ) -> Result<u64, LedgerError> {
        for office in offices {
            self.update_office(office).await?;
        }
        let target = self.network.addresses.offices;
        let root = self.network.view(target, &Offices::stateRootCall {}).await?;
        if root != word(checkpoint.state_root.to_field()) {
            let own = checkpoint.state_root;
            return Err(LedgerRefusal::OtherStateRoot { stands: root, own }.into());
        }
        // A checkpoint that stands already is not replaced by itself.
        let claims = self.network.addresses.claims;
        let count = self.network.view(claims, &Claims::checkpointCountCall {}).await?;
        if let Some(last) = count.saturating_to::<u64>().checked_sub(1) {
            let call = Claims::checkpointAtCall { checkpoint: last as u32 };
            let stands = self.network.view(claims, &call).await?;
            if stands.stateRoot == root && stands.asOf == checkpoint.as_of.0 {
                return Ok(last);
            }
        }
        let call = Offices::checkpointCall { asOf: checkpoint.as_of.0 };
        let agency = acting(self.actors.agency, Role::Agency)?;
        // A transaction of the same call that a program sent before it died is found again: it may have
        // published what stood then. The next one is sent again.
        for _ in 0..2 {
            let receipt = self.network.send(agency, target, &call).await?;
            let mut published = receipt.events::<Claims::CheckpointPublished>(claims);
            let is_asked_for = |event: &Claims::CheckpointPublished| {
                event.stateRoot == root && event.asOf == checkpoint.as_of.0
            };
            if let Some(event) = published.find(is_asked_for) {
                return Ok(u64::from(event.checkpoint));
            }
        }
        Err(LedgerRefusal::OfficeChanged.into())
    }

    async fn find_checkpoint(&self, checkpoint: Checkpoint) -> Result<Option<u64>, LedgerError> {
        Ok(OfficeStore(&self.store).checkpoint_number(checkpoint).await?)
    }

    async fn open_period(
        &mut self,
        scheme: &SchemePeriod,
        period: ClaimPeriod,
        last_day: Day,
    ) -> Result<(), LedgerError> {
        let claims = self.network.addresses.claims;
        if let Some(opening) = self.opening_of(scheme, period).await? {
            return self.require_same_rules(opening, scheme, period.window).await;
        }
        let last_day = Day(last_day.0 + SETTLING_DAYS);
        let account = self.adopt_rules(scheme, period.window, last_day).await?;
        let open = Claims::openPeriodCall {
            terms: rules_terms(scheme, period.window),
            policy: policy_data(&scheme.policy),
            lastDay: last_day.0,
            approval: Vec::new(),
        };
        self.network.send(account, claims, &open).await?;
        Ok(())
    }

    async fn extend_period(
        &mut self,
        scheme: &SchemePeriod,
        period: ClaimPeriod,
        last_day: Day,
    ) -> Result<(), LedgerError> {
        let claims = self.network.addresses.claims;
        let Some(opening) = self.opening_of(scheme, period).await? else {
            return self.open_period(scheme, period, last_day).await;
        };
        self.require_same_rules(opening, scheme, period.window).await?;
        let last_day = Day(last_day.0 + SETTLING_DAYS);
        let stands = self.network.view(claims, &Claims::lastDayOfCall { opening }).await?;
        if stands >= last_day.0 {
            return Ok(());
        }
        let account = self.adopt_rules(scheme, period.window, last_day).await?;
        let extend =
            Claims::extendPeriodCall { opening, lastDay: last_day.0, approval: Vec::new() };
        self.network.send(account, claims, &extend).await?;
        Ok(())
    }

    async fn claim(&mut self, claim: &LedgerClaim) -> Result<Receipt, LedgerError> {
        let call = Claims::claimCall {
            opening: self.opening(claim).await?,
            checkpoint: checkpoint_number(claim)?,
            own: own_words(claim),
            proof: proof_words(&claim.proof),
        };
        let claims = self.network.addresses.claims;
        let relayer = acting(self.actors.relayer, Role::Relayer)?;
        let receipt = self.network.send(relayer, claims, &call).await?;
        Ok(Receipt { block: receipt.block, gas_used: receipt.gas_used })
    }

    async fn claim_batch(&mut self, claims: &[LedgerClaim]) -> Result<Receipt, LedgerError> {
        let empty = LedgerError::Malformed(ClaimMalformation::EmptyBatch);
        let first = claims.first().ok_or(empty)?;
        let same = |claim: &LedgerClaim| {
            (&claim.scheme, claim.period, claim.checkpoint)
                == (&first.scheme, first.period, first.checkpoint)
        };
        if !claims.iter().all(same) {
            return Err(LedgerError::Malformed(ClaimMalformation::MixedBatch));
        }
        let words = |claim: &LedgerClaim| batch_words(own_words(claim), &claim.proof);
        let call = Claims::claimBatchCall {
            opening: self.opening(first).await?,
            checkpoint: checkpoint_number(first)?,
            claims: claims.iter().map(words).collect(),
        };
        let target = self.network.addresses.claims;
        let relayer = acting(self.actors.relayer, Role::Relayer)?;
        let receipt = self.network.send(relayer, target, &call).await?;
        Ok(Receipt { block: receipt.block, gas_used: receipt.gas_used })
    }
}

/// Returns a claim's own public inputs as the contract takes them.
pub(super) fn own_words(claim: &LedgerClaim) -> [U256; 3] {
    let LedgerClaim { nullifier, payout, envelope, .. } = claim;
    [nullifier.to_field(), payout.to_field(), envelope.to_field()].map(word)
}

fn checkpoint_number(claim: &LedgerClaim) -> Result<u32, LedgerError> {
    u32::try_from(claim.checkpoint).map_err(|_| LedgerError::CheckpointNotGood)
}

/// Returns the account of an office on a network of one operator.
pub(super) fn office_account(office: OfficeId) -> Address {
    let hash =
        keccak256([b"praman.embedded-office.1".as_slice(), &office.0.to_be_bytes()].concat());
    Address::from_slice(&hash[12..])
}

/// Draws an account to create an embedded ledger's contracts.
fn new_deployer() -> Address {
    Address::from_slice(&random_key()[..20])
}

/// Refuses keys that a network's contracts were not deployed for.
pub(super) fn require_key(
    settings: &NetworkSettings,
    key: &VerifyingKey,
) -> Result<(), LedgerError> {
    if settings.key == key_id(key) {
        return Ok(());
    }
    Err(LedgerRefusal::OtherKeys.into())
}

/// Returns the id of a deployed key.
pub(super) fn key_id(key: &VerifyingKey) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(key.to_json()))
}
