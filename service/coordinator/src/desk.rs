//! What contributors ask of a coordinator.

use std::path::Path;
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use praman_ceremony::{Attestation, CeremonyKey, Contribution, Policy, Receipt, Taken};
use praman_files::signing_key::public_text;
use praman_store::failpoint::may_die;
use praman_store::sqlx::AnyConnection;
use praman_store::{Store, broken};
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::CoordinatorError;
use crate::record::{
    self, CeremonyName, CeremonyRow, CeremonyStatus, ContributionRow, NewCeremony,
    TakenContribution, Turn, TurnState,
};

/// What a contribution adds to a file at most.
const CONTRIBUTION_MAX: usize = 1 << 10;

/// A turn is at least a minute and at most a week.
const TURN_SECONDS: std::ops::RangeInclusive<u32> = 60..=7 * 24 * 3_600;

/// Takes contributions in turn.
#[derive(Clone)]
pub struct Coordinator {
    store: Store,
    key: Arc<SigningKey>,
    /// One file is checked at a time: a check needs memory for three.
    checking: Arc<Semaphore>,
    /// Room for files of contributors whose turn it is, and for those that are brought again.
    bringing: [Arc<Semaphore>; 2],
}

/// Files that are brought at a time, each of which waits in memory.
const BROUGHT_MAX: usize = 4;
/// Files that are brought again at a time.
const AGAIN_MAX: usize = 1;

/// Room for a file that is brought.
pub struct Room {
    _permit: OwnedSemaphorePermit,
    /// How long it may be.
    pub length: usize,
}

impl Coordinator {
    /// A coordinator of the ceremonies in a store, with the key that signs its receipts.
    pub fn new(store: &Store, key: SigningKey) -> Self {
        Self {
            store: store.clone(),
            key: Arc::new(key),
            checking: Arc::new(Semaphore::new(1)),
            bringing: [BROUGHT_MAX, AGAIN_MAX].map(|most| Arc::new(Semaphore::new(most))),
        }
    }

    /// Begins a ceremony with a file that nobody has contributed to.
    ///
    /// # Errors
    /// [`CoordinatorError::Exists`], [`CoordinatorError::Unfit`], [`CoordinatorError::TurnLength`].
    pub async fn open(
        &self,
        name: &CeremonyName,
        new: NewCeremony<'_>,
    ) -> Result<(), CoordinatorError> {
        if !TURN_SECONDS.contains(&new.turn_seconds) {
            return Err(CoordinatorError::TurnLength(new.turn_seconds));
        }
        let unfit = |reason: String| CoordinatorError::Unfit(reason);
        let policy =
            Policy::parse(new.policy).map_err(|fault| unfit(format!("its policy: {fault}")))?;
        if policy.contributor.iter().all(|listed| listed.identity.is_none()) {
            return Err(unfit(
                "its policy lists no user of the coordinator: give identities".to_owned(),
            ));
        }
        let key = parse(new.file.clone()).map_err(unfit)?;
        if !key.contributions().is_empty() {
            let reason = "it has contributions: begin with the one that `ceremony new` makes";
            return Err(unfit(reason.to_owned()));
        }
        let mut transaction = self.store.begin().await?;
        if record::ceremony(name, &mut *transaction).await?.is_some() {
            return Err(CoordinatorError::Exists(name.clone()));
        }
        let hash = hex::encode(key.circuit_hash());
        record::insert_ceremony(name, &new, &hash, now(), &mut transaction).await?;
        let first = ContributionRow {
            number: 0,
            file_sha256: hex::encode(Sha256::digest(&new.file)),
            hash: None,
            identity: None,
            receipt: None,
            attestation: None,
        };
        record::insert_contribution(name, &first, &mut transaction).await?;
        record::replace_file(name, 0, &new.file, &mut transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Takes no more contributions.
    ///
    /// # Errors
    /// [`CoordinatorError::Unknown`].
    pub async fn close(&self, name: &CeremonyName) -> Result<(), CoordinatorError> {
        let mut transaction = self.store.begin().await?;
        known(name, &mut transaction).await?;
        record::close(name, &mut transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// How a ceremony stands.
    ///
    /// # Errors
    /// [`CoordinatorError::Unknown`].
    pub async fn status(&self, name: &CeremonyName) -> Result<CeremonyStatus, CoordinatorError> {
        let mut transaction = self.store.begin_reading().await?;
        let row = record::ceremony(name, &mut *transaction).await?;
        let row = row.ok_or_else(|| CoordinatorError::Unknown(name.clone()))?;
        let rows = record::contributions(name, &mut *transaction).await?;
        let turns = record::turns(name, &mut *transaction).await?;
        let newest = rows.last().ok_or_else(|| broken("a ceremony has a file"))?;
        let newest_sha256 = newest.file_sha256.clone();
        let waiting = turns.iter().filter(|(_, state, _)| *state == TurnState::Waiting).count();
        let contributions = rows.iter().skip(1).map(taken).collect::<Result<_, _>>()?;
        let CeremonyRow { circuit_hash, policy, is_open, .. } = row;
        let waiting = waiting as u32;
        Ok(CeremonyStatus { circuit_hash, policy, is_open, newest_sha256, waiting, contributions })
    }

    /// The newest file.
    ///
    /// # Errors
    /// [`CoordinatorError::Unknown`].
    pub async fn newest_file(&self, name: &CeremonyName) -> Result<Vec<u8>, CoordinatorError> {
        let mut transaction = self.store.begin_reading().await?;
        let row = record::ceremony(name, &mut *transaction).await?;
        row.ok_or_else(|| CoordinatorError::Unknown(name.clone()))?;
        Ok(record::file(name, &mut *transaction).await?)
    }

    /// The newest file's number and its length, to read it part by part.
    ///
    /// # Errors
    /// [`CoordinatorError::Unknown`].
    pub async fn newest(&self, name: &CeremonyName) -> Result<(i64, usize), CoordinatorError> {
        let mut transaction = self.store.begin_reading().await?;
        let row = record::ceremony(name, &mut *transaction).await?;
        row.ok_or_else(|| CoordinatorError::Unknown(name.clone()))?;
        Ok(record::file_length(name, &mut *transaction).await?)
    }

    /// A part of a file; none behind its end, or if it is not the newest any more.
    ///
    /// # Errors
    /// [`CoordinatorError::Store`].
    pub async fn part(
        &self,
        name: &CeremonyName,
        number: i64,
        part: i64,
    ) -> Result<Option<Vec<u8>>, CoordinatorError> {
        Ok(record::part(name, number, part, self.store.pool()).await?)
    }

    /// Room for a file with one contribution more: for whose turn it is, and for who brings theirs again.
    ///
    /// # Errors
    /// [`CoordinatorError::NotYourTurn`]; [`CoordinatorError::Busy`] while others bring theirs.
    pub async fn room(
        &self,
        name: &CeremonyName,
        identity: &str,
    ) -> Result<Room, CoordinatorError> {
        let mut transaction = self.store.begin_reading().await?;
        let row = record::ceremony(name, &mut *transaction).await?;
        row.ok_or_else(|| CoordinatorError::Unknown(name.clone()))?;
        let contributions = record::contributions(name, &mut *transaction).await?;
        let turns = record::turns(name, &mut *transaction).await?;
        let has_contributed =
            contributions.iter().any(|found| found.identity.as_deref() == Some(identity));
        let is_next = turns.first().is_some_and(|(found, ..)| found == identity);
        if !is_next && !has_contributed {
            return Err(CoordinatorError::NotYourTurn);
        }
        let (_, length) = record::file_length(name, &mut *transaction).await?;
        let bringing = &self.bringing[usize::from(!is_next)];
        let permit = bringing.clone().try_acquire_owned();
        let _permit = permit.map_err(|_| CoordinatorError::Busy)?;
        Ok(Room { _permit, length: length + CONTRIBUTION_MAX })
    }

    /// Takes a turn, or tells how the one that was taken stands. A turn that is over is lost: then another is taken.
    ///
    /// # Errors
    /// [`CoordinatorError::Closed`], [`CoordinatorError::AlreadyContributed`], [`CoordinatorError::Unknown`];
    /// [`CoordinatorError::NotListed`] for whom the policy does not list by this identity.
    pub async fn take_turn(
        &self,
        name: &CeremonyName,
        identity: &str,
    ) -> Result<Turn, CoordinatorError> {
        let mut transaction = self.store.begin().await?;
        let row = open_one(name, &mut transaction).await?;
        let policy = Policy::parse(&row.policy).map_err(|_| broken("a policy"))?;
        let own = public_text(&self.key);
        if !policy.coordinator.as_ref().is_some_and(|key| key.eq_ignore_ascii_case(&own)) {
            return Err(CoordinatorError::OtherCoordinator);
        }
        if !policy.lists(identity) {
            return Err(CoordinatorError::NotListed(identity.to_owned()));
        }
        let contributions = record::contributions(name, &mut *transaction).await?;
        if contributions.iter().any(|found| found.identity.as_deref() == Some(identity)) {
            return Err(CoordinatorError::AlreadyContributed);
        }
        let now = now();
        record::go_on(name, row.turn_seconds, now, &mut transaction).await?;
        let turns = record::turns(name, &mut *transaction).await?;
        if !turns.iter().any(|(found, ..)| found == identity) {
            record::queue(name, identity, &mut transaction).await?;
            record::go_on(name, row.turn_seconds, now, &mut transaction).await?;
        }
        let turns = record::turns(name, &mut *transaction).await?;
        transaction.commit().await?;
        let place = turns.iter().position(|(found, ..)| found == identity);
        let place = place.ok_or_else(|| broken("who took a turn is in the queue"))?;
        let (_, state, ends_at) = turns[place];
        Ok(Turn { state, before: place as u32, ends_at })
    }

    /// Takes a file with one contribution more, and returns the receipt. The same file once more gets the same receipt.
    ///
    /// # Errors
    /// [`CoordinatorError::NotYourTurn`]: nothing is lost of what others did. [`CoordinatorError::Refused`] if the file is
    /// not the newest with one contribution more; the turn stays.
    pub async fn contribute(
        &self,
        name: &CeremonyName,
        identity: &str,
        file: Vec<u8>,
    ) -> Result<Receipt, CoordinatorError> {
        let file_sha256: [u8; 32] = Sha256::digest(&file).into();
        // It goes with the check, which ends by itself, also if nobody waits for it any more.
        let one = self.checking.clone().acquire_owned().await;
        let one = one.map_err(|_| broken("the check is open"))?;
        let mut transaction = self.store.begin().await?;
        let row = known(name, &mut transaction).await?;
        let contributions = record::contributions(name, &mut *transaction).await?;
        let sent_before = |found: &&ContributionRow| {
            found.file_sha256 == hex::encode(file_sha256)
                && found.identity.as_deref() == Some(identity)
        };
        if let Some(found) = contributions.iter().find(sent_before) {
            return Ok(taken(found)?.receipt);
        }
        require_turn(name, &row, identity, &mut transaction).await?;
        let base = contributions.last().ok_or_else(|| broken("a ceremony has a file"))?.number;
        let newest = record::file(name, &mut *transaction).await?;
        transaction.commit().await?;

        let most = newest.len() + CONTRIBUTION_MAX;
        if file.len() > most {
            return Err(CoordinatorError::TooLong(most));
        }
        let checked = tokio::task::spawn_blocking(move || {
            let contribution = one_more(newest, file.clone());
            (contribution, file, one)
        });
        let (contribution, file, _one) =
            checked.await.map_err(|_| broken("the check did not end"))?;
        let contribution = contribution.map_err(CoordinatorError::Refused)?;

        may_die!("coordinator::checked");
        let mut transaction = self.store.begin().await?;
        let row = known(name, &mut transaction).await?;
        // The turn may have ended while the file was checked, and another have contributed.
        require_turn(name, &row, identity, &mut transaction).await?;
        let stands = record::contributions(name, &mut *transaction).await?;
        if stands.last().map(|found| found.number) != Some(base) {
            return Err(CoordinatorError::NotYourTurn);
        }
        let number = base + 1;
        let receipt = self.receipt(&row, number, &contribution, file_sha256, identity)?;
        let kept = ContributionRow {
            number,
            file_sha256: hex::encode(file_sha256),
            hash: Some(hex::encode(contribution.hash)),
            identity: Some(identity.to_owned()),
            receipt: Some(serde_json::to_string(&receipt).map_err(|_| broken("a receipt"))?),
            attestation: None,
        };
        record::insert_contribution(name, &kept, &mut transaction).await?;
        record::replace_file(name, number, &file, &mut transaction).await?;
        may_die!("coordinator::written");
        record::finish_turn(name, identity, &mut transaction).await?;
        record::go_on(name, row.turn_seconds, now(), &mut transaction).await?;
        transaction.commit().await?;
        may_die!("coordinator::taken");
        Ok(receipt)
    }

    fn receipt(
        &self,
        row: &CeremonyRow,
        number: i64,
        contribution: &Contribution,
        file_sha256: [u8; 32],
        identity: &str,
    ) -> Result<Receipt, CoordinatorError> {
        let mut circuit_hash = [0; 64];
        hex::decode_to_slice(&row.circuit_hash, &mut circuit_hash)
            .map_err(|_| broken("a circuit hash"))?;
        let taken = Taken {
            circuit_hash: &circuit_hash,
            contribution: &contribution.hash,
            number: u32::try_from(number).map_err(|_| broken("a number of contributions"))?,
            file_sha256,
            identity,
            time: now(),
        };
        Ok(Receipt::sign(&taken, &self.key))
    }

    /// Keeps what a contributor signed of their contribution.
    ///
    /// # Errors
    /// [`CoordinatorError::Attestation`], [`CoordinatorError::NotYours`], [`CoordinatorError::OtherKey`],
    /// [`CoordinatorError::Unknown`].
    pub async fn attest(
        &self,
        name: &CeremonyName,
        identity: &str,
        attestation: &Attestation,
    ) -> Result<(), CoordinatorError> {
        attestation.check()?;
        let mut transaction = self.store.begin().await?;
        let row = known(name, &mut transaction).await?;
        let contributions = record::contributions(name, &mut *transaction).await?;
        let of = |found: &&ContributionRow| {
            found.hash.as_deref() == Some(&attestation.contribution)
                && found.identity.as_deref() == Some(identity)
        };
        let found = contributions.iter().find(of);
        let found = found.filter(|_| row.circuit_hash == attestation.circuit_hash);
        let number = found.ok_or(CoordinatorError::NotYours)?.number;
        let policy = Policy::parse(&row.policy).map_err(|_| broken("a policy"))?;
        let listed = policy.contributor.iter().find(|it| it.identity.as_deref() == Some(identity));
        let key = listed.and_then(|listed| listed.public_key.as_ref());
        if !key.is_some_and(|key| key.eq_ignore_ascii_case(&attestation.public_key)) {
            return Err(CoordinatorError::OtherKey);
        }
        let text = serde_json::to_string(attestation).map_err(|_| broken("an attestation"))?;
        record::keep_attestation(name, number, &text, &mut transaction).await?;
        transaction.commit().await?;
        Ok(())
    }
}

fn now() -> i64 {
    Timestamp::now().as_second()
}

async fn known(
    name: &CeremonyName,
    connection: &mut AnyConnection,
) -> Result<CeremonyRow, CoordinatorError> {
    let row = record::ceremony(name, connection).await?;
    row.ok_or_else(|| CoordinatorError::Unknown(name.clone()))
}

async fn open_one(
    name: &CeremonyName,
    connection: &mut AnyConnection,
) -> Result<CeremonyRow, CoordinatorError> {
    let row = known(name, connection).await?;
    if row.is_open { Ok(row) } else { Err(CoordinatorError::Closed(name.clone())) }
}

async fn require_turn(
    name: &CeremonyName,
    row: &CeremonyRow,
    identity: &str,
    connection: &mut AnyConnection,
) -> Result<(), CoordinatorError> {
    if !row.is_open {
        return Err(CoordinatorError::Closed(name.clone()));
    }
    record::go_on(name, row.turn_seconds, now(), connection).await?;
    let turns = record::turns(name, connection).await?;
    let holds =
        turns.iter().any(|(found, state, _)| found == identity && *state == TurnState::Holding);
    if holds { Ok(()) } else { Err(CoordinatorError::NotYourTurn) }
}

fn taken(row: &ContributionRow) -> Result<TakenContribution, CoordinatorError> {
    let receipt = row.receipt.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let attestation = row.attestation.as_deref().map(serde_json::from_str).transpose();
    Ok(TakenContribution {
        number: u32::try_from(row.number).map_err(|_| broken("a number of contributions"))?,
        hash: row.hash.clone().unwrap_or_default(),
        receipt: receipt.ok_or_else(|| broken("a receipt"))?,
        attestation: attestation.map_err(|_| broken("an attestation"))?,
    })
}

fn parse(file: Vec<u8>) -> Result<CeremonyKey, String> {
    CeremonyKey::parse(Path::new("the file"), file).map_err(|error| error.to_string())
}

fn one_more(base: Vec<u8>, file: Vec<u8>) -> Result<Contribution, String> {
    let (base, file) = (parse(base)?, parse(file)?);
    file.verify_one_more(&base, None).map_err(|error| error.to_string())
}
