//! What contributors to keys request.

use futures_util::Stream;
use praman_access::{Action, Caller, PrincipalNumber};
use praman_audit::AuditStore;
use praman_ceremony::{Attestation, Receipt};
use praman_coordinator::{CeremonyName, CeremonyStatus, Coordinator, CoordinatorError, Room, Turn};

use super::{Application, Fault};

impl Application {
    fn coordinator(&self) -> Result<&Coordinator, Fault> {
        let none = || Fault::not_found("this service coordinates no ceremonies");
        self.coordinator.as_ref().ok_or_else(none)
    }

    /// Lets through what is of use where there are ceremonies.
    pub(crate) fn require_coordinator(&self) -> Result<(), Fault> {
        self.coordinator()?;
        Ok(())
    }

    /// Returns how a ceremony stands.
    pub(crate) async fn ceremony(&self, name: &CeremonyName) -> Result<CeremonyStatus, Fault> {
        Ok(self.coordinator()?.status(name).await?)
    }

    /// Streams the newest file of a ceremony; returns its length, too. It ends too early if another takes its place.
    pub(crate) async fn ceremony_file(
        &self,
        name: CeremonyName,
    ) -> Result<(usize, impl Stream<Item = Result<Vec<u8>, std::io::Error>> + use<>), Fault> {
        let coordinator = self.coordinator()?.clone();
        let (number, length) = coordinator.newest(&name).await?;
        let parts = futures_util::stream::try_unfold((0, length), move |(part, left)| {
            let (coordinator, name) = (coordinator.clone(), name.clone());
            async move {
                if left == 0 {
                    return Ok(None);
                }
                let content = coordinator.part(&name, number, part).await;
                let content = content.map_err(std::io::Error::other)?;
                let replaced = || std::io::Error::other("another file took its place");
                let content = content.ok_or_else(replaced)?;
                let left = left.saturating_sub(content.len());
                Ok(Some((content, (part + 1, left))))
            }
        });
        Ok((length, parts))
    }

    /// Returns room for a file that a contributor brings.
    pub(crate) async fn room_for_contribution(
        &self,
        caller: &Caller,
        name: &CeremonyName,
    ) -> Result<Room, Fault> {
        Ok(self.coordinator()?.room(name, &identity(caller)?).await?)
    }

    /// Takes a turn of a ceremony, or tells how it stands.
    pub(crate) async fn take_turn(
        &self,
        caller: &Caller,
        name: &CeremonyName,
    ) -> Result<Turn, Fault> {
        Ok(self.coordinator()?.take_turn(name, &identity(caller)?).await?)
    }

    /// Takes a file with one contribution more.
    pub(crate) async fn contribute_to_keys(
        &self,
        caller: &Caller,
        name: &CeremonyName,
        file: Vec<u8>,
    ) -> Result<Receipt, Fault> {
        let (coordinator, contributor) = (self.coordinator()?, identity(caller)?);
        let subject = format!("ceremony {name}");
        AuditStore(self.store())
            .perform(caller, Action::ContributeToKeys, &subject, async {
                Ok(coordinator.contribute(name, &contributor, file).await?)
            })
            .await
    }

    /// Keeps what a contributor signed of their contribution.
    pub(crate) async fn attest_contribution(
        &self,
        caller: &Caller,
        name: &CeremonyName,
        attestation: &Attestation,
    ) -> Result<(), Fault> {
        let (coordinator, contributor) = (self.coordinator()?, identity(caller)?);
        let subject = format!("attestation to {name}");
        AuditStore(self.store())
            .perform(caller, Action::ContributeToKeys, &subject, async {
                Ok(coordinator.attest(name, &contributor, attestation).await?)
            })
            .await
    }
}

/// Who a contributor is, as policies list them: by their number in the access table, since names are not theirs alone.
fn identity(caller: &Caller) -> Result<String, Fault> {
    let none = || Fault::forbidden("only a user of the access table contributes to keys");
    let PrincipalNumber(number) = caller.principal.ok_or_else(none)?;
    Ok(format!("principal {number}"))
}

impl From<CoordinatorError> for Fault {
    fn from(error: CoordinatorError) -> Self {
        use CoordinatorError::*;
        let said = error.to_string();
        match error {
            Unknown(_) => Self::not_found(said),
            Closed(_) => Self::conflict("closed", said),
            Exists(_) => Self::conflict("exists", said),
            NotYourTurn => Self::conflict("not-your-turn", said),
            NotListed(_) => Self::forbidden(said),
            Busy => Self::busy(said, 60),
            AlreadyContributed => Self::conflict("already-contributed", said),
            OtherCoordinator => Self::conflict("other-coordinator", said),
            Refused(_) | Attestation(_) | NotYours | OtherKey => {
                Self::refused("contribution", said)
            }
            TooLong(_) | Unfit(_) | TurnLength(_) => Self::malformed(said),
            Store(error) => error.into(),
        }
    }
}
