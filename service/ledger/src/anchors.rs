//! What a participant states on the ledger about its own books, for good.

use alloy_primitives::{Address, B256};
use alloy_sol_types::SolEvent;
use praman_store::named::number_id;
use praman_verifier::contracts::{Anchors, Participants};

use super::LedgerError;
use super::chain::Chain;
use super::network::{Network, Role};
use crate::refusal::LedgerRefusal;

number_id! {
    /// A participant, by its number on the ledger.
    ParticipantNumber
}

/// What is anchored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnchorSeries {
    /// Entries of the audit log: under an entry's number its hash, which stands for all before it.
    Audit,
    /// Files that were given to a bank: under a file's number its hash, and how many payments it has.
    Payments,
}

impl AnchorSeries {
    fn id(self) -> B256 {
        let name: &[u8] = match self {
            Self::Audit => b"audit",
            Self::Payments => b"payments",
        };
        let mut id = B256::ZERO;
        id[..name.len()].copy_from_slice(name);
        id
    }
}

/// What was anchored under a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerAnchor {
    /// By whom.
    pub participant: ParticipantNumber,
    /// The number.
    pub number: u64,
    /// The digest.
    pub digest: [u8; 32],
    /// How many items it covers.
    pub count: u64,
    /// The block that recorded it.
    pub block: u64,
}

impl<C: Chain> Network<C> {
    fn anchors_contract(&self) -> Result<Address, LedgerError> {
        let address = self.addresses.anchors;
        if address == Address::ZERO {
            return Err(LedgerRefusal::NoAnchors.into());
        }
        Ok(address)
    }

    /// Returns the role in which an account anchors: the first that it has now.
    async fn anchoring_role(&self, account: Address) -> Result<Role, LedgerError> {
        for role in [Role::Treasury, Role::Relayer, Role::Department, Role::Agency, Role::Auditor] {
            let call = Participants::hasRoleCall { role: role.id(), account };
            if self.view(self.addresses.participants, &call).await? {
                return Ok(role);
            }
        }
        Err(LedgerError::NotPermitted(account))
    }

    /// Returns whether a participant is or was a treasury.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn is_treasury(&self, participant: ParticipantNumber) -> Result<bool, LedgerError> {
        let call = Participants::participantCall { id: participant.0 };
        let known = self.view(self.addresses.participants, &call).await?;
        Ok(Role::of(known.role) == Some(Role::Treasury))
    }

    /// Anchors a digest under a number, for good; the same again changes nothing.
    ///
    /// # Errors
    /// [`LedgerError::NotPermitted`] for an account without a role that anchors;
    /// [`LedgerError::Refused`] if something else stands under the number.
    pub async fn anchor(
        &mut self,
        account: Address,
        series: AnchorSeries,
        (number, digest, count): (u64, [u8; 32], u64),
    ) -> Result<LedgerAnchor, LedgerError> {
        let role = self.anchoring_role(account).await?;
        let participant = ParticipantNumber(self.participant_of(role, account).await?);
        let target = self.anchors_contract()?;
        let call = Anchors::anchorCall {
            role: role.id(),
            series: series.id(),
            number,
            digest: B256::from(digest),
            count,
        };
        let block = self.send(account, target, &call).await?.block;
        Ok(LedgerAnchor { participant, number, digest, count, block })
    }

    /// Returns all that was anchored in a series, in the ledger's order.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn anchored(&self, series: AnchorSeries) -> Result<Vec<LedgerAnchor>, LedgerError> {
        let target = self.anchors_contract()?;
        let mut found = Vec::new();
        self.for_each_log(|log| {
            if log.address != target {
                return Ok(());
            }
            let topics = log.topics.iter().copied();
            let event = Anchors::Anchored::decode_raw_log(topics, &log.data)
                .map_err(|_| LedgerError::from(LedgerRefusal::AnchorUnreadable))?;
            if event.series == series.id() {
                found.push(LedgerAnchor {
                    participant: ParticipantNumber(event.participant),
                    number: event.number,
                    digest: event.digest.0,
                    count: event.count,
                    block: log.block,
                });
            }
            Ok(())
        })
        .await?;
        Ok(found)
    }
}
