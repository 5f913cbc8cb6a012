//! Offices and what they issue.

mod persons;
pub(crate) mod standing;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

use ark_ff::UniformRand;
use praman_circuits::Fr;
use praman_circuits::credential::{Credential, CredentialSalt, SchemaId};
use praman_circuits::merkle::NodeChange;
use praman_circuits::office::{
    OfficeId, OfficeRoot, OfficeTree, STATE_DEPTH, StateRoot, StateTree,
};
use praman_circuits::payee::PayeeSalt;
use praman_circuits::period::{Day, Period};
use praman_circuits::subject::SubjectCommitment;
use rand::rngs::OsRng;
use rayon::prelude::*;
use sqlx::AnyConnection;
use tempfile::TempDir;

use crate::computation::compute;
use crate::error::ServiceError;
use crate::key_store::MasterKey;
use crate::office_key::OfficeKey;
use crate::register::Person;
use crate::register::attributes::resident_attributes;
use crate::schema::{RESIDENT, SCHEMAS, Schema};
use crate::store::{
    Store, TreeName, TreeVersion, WriteTransaction, broken, field, read_tree, write_nodes,
};
use crate::wallet::CredentialFile;
use crate::{calendar, files};
use persons::NewCredential;
pub use persons::{Applicant, ClaimsFrom, Standing};

/// What an office tells the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfficeState {
    /// The office.
    pub office: OfficeId,
    /// The schema that it may issue.
    pub schema: SchemaId,
    /// The root of its tree.
    pub root: OfficeRoot,
    /// How many credentials are live in it.
    pub live: u32,
}

/// Offices, what they issued and the state's tree, in a store.
#[derive(Clone, Copy)]
pub struct OfficeStore<'s>(pub &'s Store);

/// An accredited office.
#[derive(Clone, Debug)]
pub struct Office {
    /// Its number.
    pub id: OfficeId,
    /// Its name.
    pub name: String,
    /// The schema that it may issue.
    pub schema: &'static Schema,
}

/// What an office is asked to issue to one person.
pub struct Application<'a> {
    /// The person as the register has them.
    pub person: &'a Person,
    /// The holder's commitment: all that the office learns of their secret.
    pub subject: SubjectCommitment,
    /// Whether a person has looked at it, where it may be of somebody who has a live credential.
    pub reviewed: bool,
    /// From when on one may claim who had a credential before; [`Store::issue`] finds out.
    claims_from: Option<ClaimsFrom>,
}

impl<'a> Application<'a> {
    /// A person's application with their commitment.
    pub fn new(person: &'a Person, subject: SubjectCommitment) -> Self {
        Self { person, subject, reviewed: false, claims_from: None }
    }

    /// The same, after a person has said whose it is.
    pub fn reviewed(self, reviewed: bool) -> Self {
        Self { reviewed, ..self }
    }
}

/// When credentials are good.
#[derive(Clone, Copy, Debug)]
pub struct Validity {
    /// The day of issue.
    pub issued_on: Day,
    /// The last day.
    pub expires_on: Day,
    /// The first period that may be claimed for.
    pub claims_from: Period,
    /// The latest day that is known to have come: that of issue, or a later one of a checkpoint.
    latest: Day,
}

impl Validity {
    /// Good for ten years from a day, for claims of any period.
    ///
    /// A first credential needs no bound on its periods; one that replaces another does, so that the
    /// lost secret and the new one can't both claim for one period.
    pub fn from_today(today: Day) -> Self {
        const TEN_YEARS_DAYS: u32 = 3_652;
        Self {
            issued_on: today,
            expires_on: Day(today.0.saturating_add(TEN_YEARS_DAYS)),
            claims_from: Period::ONCE,
            latest: today,
        }
    }

    /// The same where a day is known to have come, though a clock may be behind it.
    fn known_on(self, day: Option<Day>) -> Self {
        Self { latest: self.latest.max(day.unwrap_or(self.latest)), ..self }
    }

    /// The first period to claim for: of a replacement at the earliest the month after its issue, so
    /// that the revoked credential and the new one never both claim for one period.
    ///
    /// One that replaces another under the same secret, as after a correction, may claim as before: what
    /// was claimed by the one can't be claimed by the other.
    fn first_period(&self, application: &Application<'_>) -> Period {
        let next_month = calendar::date_of(self.latest)
            .and_then(calendar::month_of)
            .map_or(Period(u32::MAX), |month| Period(month.0 + 1));
        // Whom another system has paid claims from the month after.
        let paid_until = application.person.paid_until();
        // What the office says now puts right what it said before, but for the month that is always safe: why the
        // earlier bound was set is not known, and another secret may have claimed until now.
        let is_said = paid_until.is_some() || self.claims_from != Period::ONCE;
        let bound = match application.claims_from {
            None => self.claims_from,
            Some(ClaimsFrom::Period(period)) if is_said => {
                self.claims_from.max(period.min(next_month))
            }
            Some(ClaimsFrom::Period(period)) => self.claims_from.max(period),
            Some(ClaimsFrom::NextMonth) => self.claims_from.max(next_month),
        };
        paid_until.map_or(bound, |month| bound.max(Period(month.0 + 1)))
    }
}

/// What came of issuing.
pub struct Issued {
    /// Credentials in the order of the applications.
    pub credentials: Vec<CredentialFile>,
    /// The office's new root.
    pub root: OfficeRoot,
}

/// Credentials that are issued once they are committed; dropped, they never were.
pub struct Issuing {
    store: Store,
    transaction: WriteTransaction,
    /// What is issued.
    pub issued: Issued,
}

impl Issuing {
    /// What else is written with them.
    pub fn transaction(&mut self) -> &mut WriteTransaction {
        &mut self.transaction
    }

    /// Makes the credentials live.
    ///
    /// # Errors
    /// [`ServiceError::Store`]; then nothing is issued.
    pub async fn commit(self) -> Result<Issued, ServiceError> {
        self.transaction.commit().await?;
        Ok(self.issued)
    }

    /// Makes the credentials live whose files are staged beside a place. They are moved there after the
    /// transaction, or when the store is next opened for issuing, so that no credential is live without
    /// its file.
    ///
    /// # Errors
    /// [`ServiceError::Store`]; then nothing is issued. [`ServiceError::File`] if the files are live but
    /// not moved yet.
    pub async fn commit_with_files(
        mut self,
        staged: TempDir,
        place: &Path,
    ) -> Result<Issued, ServiceError> {
        sqlx::query("INSERT INTO pending_output (staged, place) VALUES ($1, $2)")
            .bind(staged.path().to_string_lossy().into_owned())
            .bind(place.to_string_lossy().into_owned())
            .execute(&mut *self.transaction)
            .await?;
        let store = self.store.clone();
        let issued = self.commit().await?;
        // Until here the staged files are removed with their guard.
        let _ = staged.keep();
        OfficeStore(&store).finish_pending_output().await?;
        Ok(issued)
    }
}

/// Makes a credential for each application and their files, with `first` as the first place in the
/// office's tree. On all cores.
pub fn make_credentials(
    key: &OfficeKey,
    applications: &[Application<'_>],
    validity: Validity,
    first: usize,
) -> (Vec<CredentialFile>, Vec<Fr>) {
    let public_key = key.public();
    applications
        .par_iter()
        .enumerate()
        .map(|(index, application)| {
            let person = application.person;
            let payee_salt = PayeeSalt::from_field(Fr::rand(&mut OsRng));
            let payee = person.payee();
            let credential = Credential {
                schema: RESIDENT.id,
                subject: application.subject,
                issued_on: validity.issued_on,
                expires_on: validity.expires_on,
                claims_from: validity.first_period(application),
                salt: CredentialSalt::from_field(Fr::rand(&mut OsRng)),
                payee: payee.digest(&payee_salt),
                attributes: resident_attributes(person),
            };
            let commitment = credential.commitment();
            let file = CredentialFile::new(
                person.register_no(),
                key.office,
                first + index,
                &credential,
                payee,
                &payee_salt,
                &public_key,
                [&key.sign(commitment), &key.sign_payee(credential.payee)],
            );
            (file, commitment.to_field())
        })
        .unzip()
}

/// The day of the newest checkpoint that the ledger has; none if it has none.
async fn newest_checkpoint_day(
    connection: &mut AnyConnection,
) -> Result<Option<Day>, ServiceError> {
    let (day,): (Option<i64>,) =
        sqlx::query_as("SELECT max(as_of) FROM checkpoint").fetch_one(connection).await?;
    day.map(|day| u32::try_from(day).map(Day).map_err(|_| broken("a checkpoint's day"))).transpose()
}

/// All offices, by number, as a connection sees them.
///
/// # Errors
/// [`ServiceError::Store`].
pub(crate) async fn read_offices(
    connection: &mut AnyConnection,
) -> Result<Vec<Office>, ServiceError> {
    let rows: Vec<(i64, String, i64)> =
        sqlx::query_as("SELECT id, name, schema FROM office ORDER BY id")
            .fetch_all(&mut *connection)
            .await?;
    let office = |(id, name, schema)| {
        let schema = SCHEMAS.into_iter().find(|known| i64::from(known.id.0) == schema)?;
        Some(Office { id: OfficeId(id as u32), name, schema })
    };
    Ok(rows.into_iter().filter_map(office).collect())
}

impl OfficeStore<'_> {
    /// All offices, by number.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn offices(&self) -> Result<Vec<Office>, ServiceError> {
        read_offices(&mut *self.0.pool().acquire().await?).await
    }

    /// Accredits a new office. `keep` keeps its key, before the office exists: an office without a
    /// key would be for ever empty.
    ///
    /// # Errors
    /// [`ServiceError::Refused`] if the name is taken or the state tree full.
    pub async fn new_office(
        &self,
        name: &str,
        schema: &'static Schema,
        keep: impl FnOnce(&OfficeKey) -> Result<(), ServiceError>,
    ) -> Result<OfficeKey, ServiceError> {
        // The lock first: what is read under it, no other process changes.
        let mut transaction = self.0.begin().await?;
        let office = standing::next_number(&mut transaction).await?.ok_or_else(|| {
            let offices = StateTree::CAPACITY;
            ServiceError::Refused(format!("the state has {offices} offices, and no room for more"))
        })?;
        let key = OfficeKey::generate(office, name);
        let inserted = sqlx::query(
            "INSERT INTO office (id, name, schema, public_key) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
        )
        .bind(i64::from(office.0))
        .bind(name)
        .bind(i64::from(schema.id.0))
        .bind(key.public().to_vec())
        .execute(&mut *transaction)
        .await?;
        if inserted.rows_affected() == 0 {
            return Err(ServiceError::Refused(format!(
                "there is already an office {name:?}: give another name"
            )));
        }
        let version = TreeVersion::next(&mut transaction).await?;
        standing::place(&mut transaction, version, office).await?;
        keep(&key)?;
        transaction.commit().await?;
        Ok(key)
    }

    /// Which register numbers have a live credential of an office.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn has_issued(
        &self,
        key: &OfficeKey,
        register_nos: impl Iterator<Item = &str>,
    ) -> Result<Vec<bool>, ServiceError> {
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
    /// [`ServiceError`]; then nothing is issued.
    pub async fn issue(
        &self,
        key: &OfficeKey,
        master: &MasterKey,
        mut applications: Vec<Application<'_>>,
        validity: Validity,
    ) -> Result<Issuing, ServiceError> {
        require_own_commitments(&applications)?;
        let applicants: Vec<Applicant<'_>> =
            applications.iter().map(|one| (one.person, one.subject)).collect();
        let tags = persons::tags_of(master, &applicants)?;
        // The lock first: what is read under it, no other process changes.
        let mut transaction = self.0.begin().await?;
        let office = self.check_office(key).await?;
        standing::require_standing(&mut transaction, &office).await?;
        if office.schema.id != RESIDENT.id {
            let reason = "a register is of residents, but this office issues another schema";
            return Err(ServiceError::Refused(reason.to_owned()));
        }
        let revoked = self.revoked_tags(key.office).await?;
        // The day of the newest checkpoint, where this machine's clock is behind it: claims were made by then.
        let validity = validity.known_on(newest_checkpoint_day(&mut transaction).await?);
        // What was issued since a backup is not known: who is not known may have claimed.
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
            let register_no = applications[place].person.register_no();
            return Err(ServiceError::Refused(format!(
                "{register_no}: its commitment is in a live credential of another person: each person has a \
                 secret of their own; nothing was issued"
            )));
        }
        for ((application, standing), tags) in applications.iter_mut().zip(standing).zip(&tags) {
            let tag = key.holder_tag(application.person.register_no());
            let mut is_known = revoked.contains(tag.as_slice());
            if is_known && application.reviewed {
                // Under a mistyped register number another person may have been issued to, as an officer says.
                let earlier = persons::tags_of_revoked(&mut transaction, key.office, &tag).await?;
                is_known = !tags.is_other(&earlier);
            }
            application.claims_from = match standing {
                Standing::Free { if_other, .. } if application.reviewed => {
                    first_of(if_other, is_known)
                }
                Standing::Free { claims_from, .. } => first_of(claims_from, is_known),
                // Not that person's, as a person has said.
                Standing::Review { claims_from, .. } if application.reviewed => {
                    first_of(claims_from, is_known)
                }
                Standing::Enrolled(_) | Standing::Review { .. } => {
                    let reason = "a person has a live credential already, or is a possible \
                                  duplicate: review it; nothing was issued";
                    return Err(ServiceError::Refused(reason.to_owned()));
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
                let reason = "a holder already has a live credential; nothing was issued";
                return Err(ServiceError::Refused(reason.to_owned()));
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

    /// Keeps whose credentials live ones of an office are that were issued before people were known again,
    /// as when a register is issued to a second time.
    ///
    /// # Errors
    /// [`ServiceError::Store`], [`ServiceError::KeyStore`].
    pub(crate) async fn keep_known_people(
        &self,
        key: &OfficeKey,
        master: &MasterKey,
        people: &[&Person],
    ) -> Result<(), ServiceError> {
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
        // Of their secrets nothing is known here.
        let unknown = SubjectCommitment::from_field(Fr::from(0u64));
        let applicants: Vec<Applicant<'_>> =
            people.iter().map(|person| (*person, unknown)).collect();
        let tags = persons::tags_of(master, &applicants)?;
        let holders: Vec<_> =
            people.iter().map(|person| key.holder_tag(person.register_no())).zip(tags).collect();
        let mut transaction = self.0.begin().await?;
        persons::keep_known(&mut transaction, (office.id, office.schema.id), &holders).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Moves output that a finished transaction left staged to its place.
    ///
    /// # Errors
    /// [`ServiceError::File`]; it is tried again next time.
    pub async fn finish_pending_output(&self) -> Result<(), ServiceError> {
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

    /// Empties the leaves of some holders. Returns how many were emptied and the new root.
    ///
    /// # Errors
    /// [`ServiceError::Refused`] if the office never issued to one of them; then none is revoked.
    pub async fn revoke(
        &self,
        key: &OfficeKey,
        register_nos: &[String],
    ) -> Result<(usize, OfficeRoot), ServiceError> {
        let mut transaction = self.0.begin().await?;
        let office = self.check_office(key).await?;
        let mut tree: OfficeTree = self.0.tree(TreeName::Office(key.office.0)).await?;
        let mut changes = Vec::new();
        let register_nos: BTreeSet<&String> = register_nos.iter().collect();
        for register_no in &register_nos {
            let position: Option<(i64,)> = sqlx::query_as(
                "UPDATE holder SET revoked = 1 WHERE office = $1 AND tag = $2 AND revoked = 0
                 RETURNING position",
            )
            .bind(i64::from(key.office.0))
            .bind(key.holder_tag(register_no).to_vec())
            .fetch_optional(&mut *transaction)
            .await?;
            let Some((position,)) = position else {
                let (office, register_no) = (key.name.clone(), register_no.to_string());
                return Err(ServiceError::NotLive { office, register_no });
            };
            changes.extend(tree.empty(position as usize)?);
        }
        let root = OfficeRoot::from_field(tree.root());
        self.write_office_tree(&mut transaction, &office, &changes).await?;
        transaction.commit().await?;
        Ok((register_nos.len(), root))
    }

    /// What the offices tell the ledger, by number.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn office_states(&self) -> Result<Vec<OfficeState>, ServiceError> {
        let mut states = Vec::new();
        let mut reading = self.0.begin_reading().await?;
        for office in read_offices(&mut reading).await? {
            let tree: OfficeTree = read_tree(&mut reading, TreeName::Office(office.id.0)).await?;
            states.push(OfficeState {
                office: office.id,
                schema: office.schema.id,
                root: OfficeRoot::from_field(tree.root()),
                live: tree.live() as u32,
            });
        }
        Ok(states)
    }

    /// The state root.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn state_root(&self) -> Result<StateRoot, ServiceError> {
        // Asked at each request of a snapshot: the topmost node alone.
        let top: Option<(Vec<u8>,)> =
            sqlx::query_as("SELECT value FROM tree_node WHERE tree = 0 AND level = $1")
                .bind(STATE_DEPTH as i64)
                .fetch_optional(self.0.pool())
                .await?;
        let root = top.map(|(node,)| field(&node)).transpose()?;
        Ok(StateRoot::from_field(root.unwrap_or_else(|| StateTree::new().root())))
    }

    /// Writes an office's changed nodes, and those of the state's tree above it.
    async fn write_office_tree(
        &self,
        transaction: &mut WriteTransaction,
        office: &Office,
        changes: &[NodeChange],
    ) -> Result<(), ServiceError> {
        let version = TreeVersion::next(transaction).await?;
        write_nodes(transaction, version, TreeName::Office(office.id.0), changes).await?;
        standing::place(transaction, version, office.id).await
    }

    /// The tags of an office's revoked holders.
    async fn revoked_tags(&self, office: OfficeId) -> Result<HashSet<Vec<u8>>, ServiceError> {
        let rows: Vec<(Vec<u8>,)> =
            sqlx::query_as("SELECT tag FROM holder WHERE office = $1 AND revoked = 1")
                .bind(i64::from(office.0))
                .fetch_all(self.0.pool())
                .await?;
        Ok(rows.into_iter().map(|(tag,)| tag).collect())
    }

    /// The office of a key, if it is accredited here.
    pub(crate) async fn check_office(&self, key: &OfficeKey) -> Result<Office, ServiceError> {
        let public_key: Option<(Vec<u8>,)> =
            sqlx::query_as("SELECT public_key FROM office WHERE id = $1")
                .bind(i64::from(key.office.0))
                .fetch_optional(self.0.pool())
                .await?;
        let known = public_key.is_some_and(|(public_key,)| public_key == key.public());
        let office = self.offices().await?.into_iter().find(|office| office.id == key.office);
        match office {
            Some(office) if known => Ok(office),
            _ => Err(ServiceError::Refused(format!(
                "office {:?} is not accredited in this folder: make it with `praman office new`",
                key.name
            ))),
        }
    }
}

/// Refuses a commitment that two persons would share: the first of them who claims would have the others refused.
/// Zero is nobody's: no secret has it.
fn require_own_commitments(applications: &[Application<'_>]) -> Result<(), ServiceError> {
    let mut seen = HashMap::with_capacity(applications.len());
    for application in applications {
        let (register_no, subject) =
            (application.person.register_no(), application.subject.to_field());
        if subject == Fr::from(0u64) {
            return Err(ServiceError::Refused(format!(
                "{register_no}: its commitment is zero, which can't come from a secret; nothing \
                 was issued"
            )));
        }
        if let Some(other) = seen.insert(subject, register_no) {
            return Err(ServiceError::Refused(format!(
                "{other} and {register_no} have the same commitment, but each person needs a \
                 secret of their own; nothing was issued"
            )));
        }
    }
    Ok(())
}

/// Moves a staged folder to its place, or beside it if something has come to stand there.
fn move_output(staged: &Path, place: &Path) -> Result<(), ServiceError> {
    // An empty folder may stand where the new one goes.
    let _ = std::fs::remove_dir(place);
    let mut recovered = place.as_os_str().to_owned();
    recovered.push(".recovered");
    let moved = std::fs::rename(staged, place).or_else(|error| match error.kind() {
        // Another process has moved it.
        std::io::ErrorKind::NotFound => Ok(()),
        _ => std::fs::rename(staged, &recovered),
    });
    moved.map_err(ServiceError::file(place))?;
    Ok(files::sync_folder_of(place)?)
}
