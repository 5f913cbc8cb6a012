//! Issuing: credentials become live in one transaction, or none does.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use praman_circuits::Fr;
use praman_circuits::office::{OfficeId, OfficeRoot, OfficeTree};
use praman_circuits::subject::SubjectCommitment;
use praman_files::FileError;
use praman_holder::wallet::CredentialFile;
use praman_register::Person;
use praman_rules::schema::{HOUSEHOLD, RESIDENT};
use praman_store::computation::compute;
use praman_store::error::StoreError;
use praman_store::key_store::MasterKey;
use praman_store::{Store, TreeName, WriteTransaction};
use tempfile::TempDir;

use crate::application::{Application, Validity};
use crate::credentials::make_credentials;
use crate::error::OfficeError;
use crate::holder::Holder;
use crate::office_key::OfficeKey;
use crate::persons::{self, Applicant, ClaimsFrom, NewCredential, Standing};
use crate::{OfficeStore, checkpoint, standing};

/// The result of issuing.
pub struct Issued {
    /// Credentials in the order of the applications.
    pub credentials: Vec<CredentialFile>,
    /// The office's new root.
    pub root: OfficeRoot,
}

/// Credentials that are issued on commit; if dropped, none was issued.
pub struct Issuing {
    store: Store,
    transaction: WriteTransaction,
    /// What is issued.
    pub issued: Issued,
}

impl Issuing {
    /// Returns the transaction, to write more with them.
    pub fn transaction(&mut self) -> &mut WriteTransaction {
        &mut self.transaction
    }

    /// Makes the credentials live.
    ///
    /// # Errors
    /// [`OfficeError::Store`]; then nothing is issued.
    pub async fn commit(self) -> Result<Issued, OfficeError> {
        self.transaction.commit().await?;
        Ok(self.issued)
    }

    /// Makes the credentials live, with their files staged beside a place. The files are moved there after the
    /// transaction, or when the store is next opened for issuing, so that no credential is live without its file.
    ///
    /// # Errors
    /// [`OfficeError::Store`]; then nothing is issued. [`OfficeError::File`] if the files are live but
    /// not moved yet.
    pub async fn commit_with_files(
        mut self,
        staged: TempDir,
        place: &Path,
    ) -> Result<Issued, OfficeError> {
        sqlx::query("INSERT INTO pending_output (staged, place) VALUES ($1, $2)")
            .bind(staged.path().to_string_lossy().into_owned())
            .bind(place.to_string_lossy().into_owned())
            .execute(&mut *self.transaction)
            .await?;
        let store = self.store.clone();
        let issued = self.commit().await?;
        // Up to here the guard removes the staged files.
        let _ = staged.keep();
        OfficeStore(&store).finish_pending_output().await?;
        Ok(issued)
    }
}

impl OfficeStore<'_> {
    /// Returns which register numbers have a live credential of an office.
    ///
    /// # Errors
    /// [`OfficeError::Store`].
    pub async fn has_issued(
        &self,
        key: &OfficeKey,
        register_nos: impl Iterator<Item = &str>,
    ) -> Result<Vec<bool>, OfficeError> {
        let rows: Vec<(Vec<u8>,)> =
            sqlx::query_as("SELECT tag FROM holder WHERE office = $1 AND revoked = 0")
                .bind(i64::from(key.office.0))
                .fetch_all(self.0.pool())
                .await?;
        let known: HashSet<Vec<u8>> = rows.into_iter().map(|(tag,)| tag).collect();
        Ok(register_nos.map(|no| known.contains(key.holder_tag(no).as_slice())).collect())
    }

    /// Issues credentials, all in one transaction, which is not yet committed.
    ///
    /// # Errors
    /// [`OfficeError`]; then nothing is issued.
    pub async fn issue(
        &self,
        key: &OfficeKey,
        master: &MasterKey,
        mut applications: Vec<Application<'_>>,
        validity: Validity,
    ) -> Result<Issuing, OfficeError> {
        require_own_commitments(&applications)?;
        let applicants: Vec<Applicant<'_>> =
            applications.iter().map(|one| (&one.holder, one.subject)).collect();
        let tags = persons::tags_of(master, &applicants)?;
        // The lock first: no other process changes what is read under it.
        let mut transaction = self.0.begin().await?;
        let office = self.check_office(key).await?;
        standing::require_standing(&mut transaction, &office).await?;
        let is_known = [RESIDENT.id, HOUSEHOLD.id].contains(&office.schema.id);
        let is_of_schema = |one: &Application<'_>| one.holder.schema().id == office.schema.id;
        if !is_known || !applications.iter().all(is_of_schema) {
            return Err(OfficeError::OtherSchema);
        }
        let revoked = self.revoked_tags(key.office).await?;
        // The day of the newest checkpoint, if this machine's clock is behind it: claims were made by then.
        let validity = validity.known_on(checkpoint::newest_day(&mut transaction).await?);
        // What was issued since a backup is not known: an unknown person may have claimed.
        let is_restored = standing::is_restored(&mut transaction).await?;
        let standing = {
            let of = (office.id, office.schema.id);
            persons::standing_of(&mut transaction, of, &tags).await?
        };
        let first_of = |known: Option<ClaimsFrom>, is_known: bool| match is_restored {
            true => Some(ClaimsFrom::NextMonth),
            false => known.or(is_known.then_some(ClaimsFrom::NextMonth)),
        };
        if let Some(place) = persons::shared_commitment(&mut transaction, &tags).await? {
            let register_no = applications[place].holder.number();
            return Err(OfficeError::CommitmentInUse(register_no.to_owned()));
        }
        for ((application, standing), tags) in applications.iter_mut().zip(standing).zip(&tags) {
            let tag = key.holder_tag(application.holder.number());
            let mut is_known = revoked.contains(tag.as_slice());
            if is_known && application.reviewed {
                // An officer may say that a mistyped register number was issued to another person.
                let earlier = persons::tags_of_revoked(&mut transaction, key.office, &tag).await?;
                is_known = !tags.is_other(&earlier);
            }
            application.claims_from = match standing {
                // Of a household an officer has looked at some members alone.
                Standing::Free { if_other, .. } if application.reviewed && !tags.is_household => {
                    first_of(if_other, is_known)
                }
                Standing::Free { claims_from, .. } => first_of(claims_from, is_known),
                // Not that person's, as an officer has said.
                Standing::Review { claims_from, .. } if application.reviewed => {
                    first_of(claims_from, is_known)
                }
                Standing::Enrolled { .. } | Standing::Review { .. } => {
                    return Err(OfficeError::NotReviewed);
                }
                Standing::SecretKnown(former) => {
                    let household = application.holder.number().to_owned();
                    return Err(OfficeError::SecretKnown { household, former });
                }
            };
        }
        let mut tree: OfficeTree = self.0.tree(TreeName::Office(key.office.0)).await?;
        let (credentials, leaves) =
            compute(|| make_credentials(key, &applications, validity, tree.len()));
        let changes = compute(|| tree.append(&leaves))?;
        let root = OfficeRoot::from_field(tree.root());
        for file in &credentials {
            let written = sqlx::query(
                "INSERT INTO holder (office, tag, position) VALUES ($1, $2, $3)
                 ON CONFLICT (office, tag) DO UPDATE
                     SET position = excluded.position, revoked = 0 WHERE holder.revoked = 1",
            )
            .bind(i64::from(key.office.0))
            .bind(key.holder_tag(&file.register_no).to_vec())
            .bind(file.position as i64)
            .execute(&mut *transaction)
            .await?;
            if written.rows_affected() == 0 {
                return Err(OfficeError::AlreadyLive);
            }
        }
        let new = credentials.iter().zip(&tags).zip(&applications);
        let new = new.map(|((file, tags), application)| NewCredential {
            tags,
            position: file.position,
            claims_from: validity.first_period(application),
        });
        persons::keep(&mut transaction, (office.id, office.schema.id), new).await?;
        self.write_office_tree(&mut transaction, &office, &changes).await?;
        Ok(Issuing { store: self.0.clone(), transaction, issued: Issued { credentials, root } })
    }

    /// Records the persons of an office's live credentials that were issued before persons were recognised, such as
    /// when a register is issued to a second time.
    ///
    /// # Errors
    /// [`OfficeError::Store`].
    pub async fn keep_known_people(
        &self,
        key: &OfficeKey,
        master: &MasterKey,
        people: &[&Person],
    ) -> Result<(), OfficeError> {
        let office = self.check_office(key).await?;
        let unknown = persons::not_known(&mut *self.0.pool().acquire().await?, office.id).await?;
        let people: Vec<&Person> = people
            .iter()
            .copied()
            .filter(|person| unknown.contains_key(&key.holder_tag(person.register_no())[..]))
            .collect();
        if people.is_empty() {
            return Ok(());
        }
        // Nothing is known here about their secrets.
        let unknown = SubjectCommitment::from_field(Fr::from(0u64));
        let holders: Vec<Holder<'_>> = people.iter().copied().map(Holder::Person).collect();
        let applicants: Vec<Applicant<'_>> =
            holders.iter().map(|holder| (holder, unknown)).collect();
        let tags = persons::tags_of(master, &applicants)?;
        let holders: Vec<_> =
            people.iter().map(|person| key.holder_tag(person.register_no())).zip(tags).collect();
        let mut transaction = self.0.begin().await?;
        persons::keep_known(&mut transaction, (office.id, office.schema.id), &holders).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Moves output to its place that a finished transaction left staged.
    ///
    /// # Errors
    /// [`OfficeError::File`]; it is retried next time.
    pub async fn finish_pending_output(&self) -> Result<(), OfficeError> {
        let pending: Vec<(String, String)> =
            sqlx::query_as("SELECT staged, place FROM pending_output")
                .fetch_all(self.0.pool())
                .await?;
        for (staged, place) in pending {
            move_output(Path::new(&staged), Path::new(&place))?;
            sqlx::query("DELETE FROM pending_output WHERE staged = $1")
                .bind(&staged)
                .execute(self.0.writer())
                .await?;
        }
        Ok(())
    }

    /// Returns the tags of an office's revoked holders.
    async fn revoked_tags(&self, office: OfficeId) -> Result<HashSet<Vec<u8>>, StoreError> {
        let rows: Vec<(Vec<u8>,)> =
            sqlx::query_as("SELECT tag FROM holder WHERE office = $1 AND revoked = 1")
                .bind(i64::from(office.0))
                .fetch_all(self.0.pool())
                .await?;
        Ok(rows.into_iter().map(|(tag,)| tag).collect())
    }
}

/// Refuses a commitment that two holders would share: the first to claim would have the others refused. Zero belongs
/// to no one: no secret has it.
fn require_own_commitments(applications: &[Application<'_>]) -> Result<(), OfficeError> {
    let mut seen = HashMap::with_capacity(applications.len());
    for application in applications {
        let (register_no, subject) = (application.holder.number(), application.subject.to_field());
        if subject == Fr::from(0u64) {
            return Err(OfficeError::CommitmentZero(register_no.to_owned()));
        }
        if let Some(other) = seen.insert(subject, register_no) {
            return Err(OfficeError::CommitmentShared(other.to_owned(), register_no.to_owned()));
        }
    }
    Ok(())
}

/// Moves a staged folder to its place, or beside it if something else is there by now.
fn move_output(staged: &Path, place: &Path) -> Result<(), OfficeError> {
    // An empty folder may be where the new one goes.
    let _ = std::fs::remove_dir(place);
    let mut recovered = place.as_os_str().to_owned();
    recovered.push(".recovered");
    let moved = std::fs::rename(staged, place).or_else(|error| match error.kind() {
        // Another process has moved it.
        std::io::ErrorKind::NotFound => Ok(()),
        _ => std::fs::rename(staged, &recovered),
    });
    moved.map_err(FileError::io(place))?;
    Ok(praman_files::sync_folder_of(place)?)
}
