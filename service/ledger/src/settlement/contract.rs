//! The contract in which treasuries settle what they paid.

use alloy_primitives::{Address, B256, U256};
use praman_verifier::VerifyingKey;
use praman_verifier::contracts::{
    Disputes, Groth16Verifier, Settlements, create_constants_of_width_5, create_proxy,
    create_settlements_code, create_verifier,
};

use crate::LedgerError;
use crate::chain::{Chain, ChainReceipt};
use crate::network::{Network, create};
use crate::refusal::LedgerRefusal;

/// The edition of the settlement's statement.
const EDITION: u8 = 1;

impl<C: Chain> Network<C> {
    /// Returns where treasuries settle what they paid.
    ///
    /// # Errors
    /// [`LedgerRefusal::NoSettlements`] before that contract is created.
    pub fn settlements_contract(&self) -> Result<Address, LedgerError> {
        let address = self.addresses.settlements;
        if address.is_zero() {
            return Err(LedgerRefusal::NoSettlements.into());
        }
        Ok(address)
    }

    /// Creates the contract of settlements for a key of their statement, by any account, which gets no right over it.
    /// What an interrupted run has created is of no use to anyone, and does no harm.
    ///
    /// # Errors
    /// [`LedgerRefusal::OldDisputes`]; [`LedgerRefusal::NotCreated`] for a key of another statement.
    pub async fn create_settlements(
        &mut self,
        creator: Address,
        key: &VerifyingKey,
    ) -> Result<Address, LedgerError> {
        match self.freezes_of(0).await {
            Ok(_) => {}
            Err(LedgerError::Refused(_)) => return Err(LedgerRefusal::OldDisputes.into()),
            Err(error) => return Err(error),
        }
        let (chain, addresses) = (&mut self.chain, &self.addresses);
        let code = create_verifier(key, EDITION, addresses.committee);
        let verifier = create(chain, creator, "verifier of settlements", code).await?;
        let code = create_constants_of_width_5();
        let constants = create(chain, creator, "constants of width 5", code).await?;
        let code = create_settlements_code(verifier, constants, addresses);
        let implementation = create(chain, creator, "settlements' code", code).await?;
        let code = create_proxy(implementation, Vec::new());
        let settlements = create(chain, creator, "settlements", code).await?;
        self.addresses.settlements = settlements;
        Ok(settlements)
    }

    /// Takes an address for the contract of settlements, if the contract there is of this network.
    ///
    /// # Errors
    /// [`LedgerRefusal::OtherContract`]; [`LedgerRefusal::NotOurs`].
    pub async fn take_settlements(&mut self, settlements: Address) -> Result<(), LedgerError> {
        self.require_settlements(settlements).await?;
        self.addresses.settlements = settlements;
        Ok(())
    }

    /// Refuses a contract of settlements of another network.
    pub(crate) async fn require_settlements(
        &self,
        settlements: Address,
    ) -> Result<(), LedgerError> {
        let addresses = self.addresses;
        for (said, stands) in [
            (addresses.claims, self.view(settlements, &Settlements::CLAIMSCall {}).await?),
            (addresses.disputes, self.view(settlements, &Settlements::DISPUTESCall {}).await?),
            (addresses.committee, self.view(settlements, &Settlements::COMMITTEECall {}).await?),
        ] {
            if said != stands {
                return Err(LedgerRefusal::OtherContract { said, stands }.into());
            }
        }
        Ok(())
    }

    /// Refuses a key that the contract of settlements was not created for.
    ///
    /// # Errors
    /// [`LedgerRefusal::OtherKeys`]; [`LedgerRefusal::NoSettlements`].
    pub async fn require_settlement_key(&self, key: &VerifyingKey) -> Result<(), LedgerError> {
        let settlements = self.settlements_contract()?;
        let verifier = self.view(settlements, &Settlements::VERIFIERCall {}).await?;
        let stands = self.view(verifier, &Groth16Verifier::KEYCall {}).await?;
        if stands == B256::from(key.points_digest()) {
            return Ok(());
        }
        Err(LedgerRefusal::OtherKeys.into())
    }

    /// Returns how far an opening's settlement has come; zeros before its first chunk.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn settlement_of(
        &self,
        opening: u32,
    ) -> Result<Settlements::Settlement, LedgerError> {
        let target = self.settlements_contract()?;
        self.view(target, &Settlements::settlementOfCall { opening }).await
    }

    /// Returns how many claims of an opening were ever frozen.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn freezes_of(&self, opening: u32) -> Result<u64, LedgerError> {
        self.view(self.addresses.disputes, &Disputes::freezesOfCall { opening }).await
    }

    /// Proves chunks of an opening's claims: for each its own public inputs with its proof, and its bits.
    ///
    /// # Errors
    /// [`LedgerError::BatchInvalid`] if a proof does not hold; [`LedgerRefusal::OtherSettlementState`].
    pub async fn prove_settlement(
        &mut self,
        treasury: Address,
        opening: u32,
        (chunks, counted): (Vec<[U256; 11]>, Vec<U256>),
    ) -> Result<ChainReceipt, LedgerError> {
        let target = self.settlements_contract()?;
        let call = Settlements::proveCall { opening, chunks, counted };
        self.send(treasury, target, &call).await
    }

    /// Locks an opening's last state, if no more claims of it were frozen than are known.
    ///
    /// # Errors
    /// [`LedgerRefusal::FrozenMeanwhile`]; [`LedgerRefusal::OtherSettlementState`].
    pub async fn lock_settlement(
        &mut self,
        treasury: Address,
        call: &Settlements::lockCall,
    ) -> Result<ChainReceipt, LedgerError> {
        let target = self.settlements_contract()?;
        self.send(treasury, target, call).await
    }

    /// Settles an opening for good: shows its sum.
    ///
    /// # Errors
    /// [`LedgerRefusal::NotTheSum`] and others with what does not agree.
    pub async fn open_settlement(
        &mut self,
        treasury: Address,
        call: &Settlements::openCall,
    ) -> Result<ChainReceipt, LedgerError> {
        let target = self.settlements_contract()?;
        self.send(treasury, target, call).await
    }
}
