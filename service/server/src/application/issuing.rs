//! What offices request: issuing to registers and revoking.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use praman_access::{AccessStore, Action, Caller, Role};
use praman_audit::AuditStore;
use praman_circuits::office::{OfficeId, OfficeRoot};
use praman_issuing::{
    ContentStream, IssuingDesk, IssuingRefusal, IssuingStore, RegisterContent, RegisterId,
    RegisterUpload, RegisterUploading, ReviewVerdict, RowReview, UploadState, whole,
};
use praman_language::sentence::Sentence;
use praman_offices::OfficeError;
use praman_offices::OfficeStore;
use praman_register::{DuplicatePair, of_one_row};
use praman_store::Store;
use praman_store::broken;
use tokio_stream::wrappers::ReceiverStream;
use zeroize::Zeroizing;

use super::following::Followed;
use super::{Application, Fault, Told};

/// The possible duplicates of a register.
#[derive(Default)]
pub(crate) struct Duplicates {
    /// The columns' names.
    pub(crate) columns: Vec<String>,
    /// Each beside the row that it may duplicate.
    pub(crate) pairs: Vec<DuplicatePair>,
    /// What officers answered, by their places.
    pub(crate) said: BTreeMap<usize, ReviewVerdict>,
}

const NO_REGISTER: Sentence = Sentence::of("fault-no-register");

fn no_content(content: RegisterContent) -> Told {
    let message = format!("the register has no {}", content.name());
    Told::with(message, Sentence::of("fault-no-content"))
}

/// Revocations in one request.
const REVOCATIONS_MAX: usize = 1_000;

/// An office that the caller may act for.
#[derive(Clone)]
pub(crate) struct ActingOffice {
    desk: IssuingDesk,
    office: OfficeId,
    store: Store,
    caller: Caller,
}

impl Application {
    /// Returns the office that the caller acts for. A department acts for its own; another's is unknown to it.
    pub(crate) async fn acting_office(
        &self,
        caller: &Caller,
        office: u32,
    ) -> Result<ActingOffice, Fault> {
        let office = OfficeId(office);
        let other = || IssuingRefusal::OtherOffice(office);
        let desk = self.issuing.clone().ok_or_else(other)?;
        if !desk.issues_for(office) {
            return Err(other().into());
        }
        if caller.role == Role::Office {
            caller.require_member(office.0)?;
        } else if !caller.sees(&AccessStore(self.store()).tenant_of_office(office).await?) {
            return Err(other().into());
        }
        Ok(ActingOffice { desk, office, store: self.store().clone(), caller: caller.clone() })
    }

    /// Returns the offices that the service issues for and the caller may act for, with their names.
    pub(crate) async fn offices_for(
        &self,
        caller: &Caller,
    ) -> Result<Vec<(OfficeId, String)>, Fault> {
        let mut found = Vec::new();
        for office in OfficeStore(self.store()).offices().await? {
            if self.acting_office(caller, office.id.0).await.is_ok() {
                found.push((office.id, office.name));
            }
        }
        Ok(found)
    }

    /// Streams what is known of a register now and at each change, until it is issued or failed.
    pub(crate) fn watch_register(
        self: &Arc<Self>,
        acting: ActingOffice,
        id: RegisterId,
    ) -> Result<ReceiverStream<Result<RegisterUpload, Fault>>, Fault> {
        self.follow(NO_REGISTER, move |_, last, patience| {
            let acting = acting.clone();
            async move {
                let is_old = |upload: &RegisterUpload| Some(upload.state()) == last;
                acting.desk.changed(acting.office, id, is_old, patience).await
            }
        })
    }

    /// Returns what is known of a register once it is issued or failed, or after a while.
    pub(crate) async fn register(
        &self,
        acting: &ActingOffice,
        id: RegisterId,
        wait: Duration,
    ) -> Result<RegisterUpload, Fault> {
        let is_old = |upload: &RegisterUpload| !upload.is_over();
        let known = acting.desk.changed(acting.office, id, is_old, self.patience(wait)).await?;
        known.ok_or_else(|| Fault::not_found(NO_REGISTER))
    }
}

impl ActingOffice {
    async fn perform<T>(
        &self,
        action: Action,
        subject: &str,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        AuditStore(&self.store).perform(&self.caller, action, subject, work).await
    }

    /// Begins the upload of a register.
    pub(crate) async fn upload(&self, makes_secrets: bool) -> Result<RegisterUploading, Fault> {
        self.perform(Action::UploadRegister, &format!("office {}", self.office.0), async {
            Ok(self.desk.upload(self.office, makes_secrets).await?)
        })
        .await
    }

    /// Returns the office's registers, newest first.
    pub(crate) async fn registers(&self) -> Result<Vec<RegisterUpload>, Fault> {
        Ok(self.desk.registers(self.office).await?)
    }

    /// Returns what is kept of a register, opened part by part.
    pub(crate) async fn content(
        &self,
        id: RegisterId,
        content: RegisterContent,
    ) -> Result<ContentStream, Fault> {
        if self.desk.register(self.office, id).await?.is_none() {
            return Err(Fault::not_found(NO_REGISTER));
        }
        let subject = format!("register {id}: {}", content.name());
        self.perform(Action::FetchRegister, &subject, async {
            let found = self.desk.content(id, content).await?;
            found.ok_or_else(|| Fault::not_found(no_content(content)))
        })
        .await
    }

    /// Reads the possible duplicates, beside the rows that they may duplicate, with the columns' names and the
    /// officers' answers: it opens what is sealed.
    async fn duplicates(&self, id: RegisterId) -> Result<Duplicates, Fault> {
        if self.desk.register(self.office, id).await?.is_none() {
            return Err(Fault::not_found(NO_REGISTER));
        }
        // A register without duplicates has no such content.
        let content = self.desk.content(id, RegisterContent::Duplicates).await?;
        let Some(content) = content else { return Ok(Duplicates::default()) };
        let json = whole(content).await?;
        let (columns, pairs) =
            serde_json::from_slice(&json).map_err(|_| broken("a register's duplicates"))?;
        Ok(Duplicates {
            columns,
            pairs,
            said: IssuingStore(&self.store).register_reviews(id).await?,
        })
    }

    /// Reads the same for an officer's review, and logs that.
    pub(crate) async fn look_at_duplicates(&self, id: RegisterId) -> Result<Duplicates, Fault> {
        let subject = format!("register {id}: duplicates");
        self.perform(Action::ReviewRegister, &subject, self.duplicates(id)).await
    }

    /// Records an officer's answer on a possible duplicate. A different person gets a credential, by a register of
    /// its own; the same register again issues nothing, since the person is known by their number.
    pub(crate) async fn review(
        &self,
        id: RegisterId,
        place: usize,
        verdict: ReviewVerdict,
    ) -> Result<(), Fault> {
        let duplicates = self.duplicates(id).await?;
        let pair = duplicates.pairs.iter().find(|pair| pair.place == place);
        let pair = pair.ok_or_else(|| Fault::not_found(Sentence::of("fault-no-row")))?;
        if duplicates.said.contains_key(&place) {
            return Err(IssuingRefusal::SaidBefore.into());
        }
        let subject = format!("register {id}: row {}: {}", place + 1, verdict.name());
        let review = RowReview { register: id, place, verdict, by: self.caller.name.clone() };
        self.perform(Action::ReviewRegister, &subject, async {
            match verdict {
                ReviewVerdict::OtherPerson => {
                    let row = Zeroizing::new(of_one_row(&duplicates.columns, &pair.cells));
                    let mut uploading = self.upload(self.desk.makes_secrets(id).await?).await?;
                    uploading.push(row.as_bytes()).await?;
                    uploading.finish_with(&review).await?;
                }
                ReviewVerdict::SamePerson => {
                    if !IssuingStore(&self.store).review_row(&review).await? {
                        return Err(IssuingRefusal::SaidBefore.into());
                    }
                }
            }
            Ok(())
        })
        .await
    }

    /// Forgets a register.
    pub(crate) async fn forget(&self, id: RegisterId) -> Result<(), Fault> {
        self.perform(Action::ForgetRegister, &format!("register {id}"), async {
            if self.desk.forget(self.office, id).await? {
                return Ok(());
            }
            Err(Fault::not_found(NO_REGISTER))
        })
        .await
    }

    /// Empties the leaves of some holders.
    pub(crate) async fn revoke(
        &self,
        register_nos: &[String],
    ) -> Result<(usize, OfficeRoot), Fault> {
        if !(1..=REVOCATIONS_MAX).contains(&register_nos.len()) {
            let most = REVOCATIONS_MAX as u64;
            return Err(Fault::malformed(
                Sentence::of("fault-revoke-too-many").count("most", most),
            ));
        }
        let subject = format!("office {}: {} credentials", self.office.0, register_nos.len());
        self.perform(Action::Revoke, &subject, async {
            self.desk.revoke(self.office, register_nos).await.map_err(|refusal| match refusal {
                IssuingRefusal::Office(
                    ref error @ OfficeError::NotLive { ref office, ref register_no },
                ) => {
                    let sentence = Sentence::of("fault-no-live-credential");
                    let sentence = sentence.text("office", office).text("number", register_no);
                    Fault::refused("no-live-credential", Told::with(error, sentence))
                }
                other => other.into(),
            })
        })
        .await
    }
}

impl Followed for RegisterUpload {
    /// Also changes each time more of it is checked.
    type State = (UploadState, u64);

    fn state(&self) -> Self::State {
        (self.state, self.checked_bytes)
    }

    fn is_over(&self) -> bool {
        matches!(self.state, UploadState::Issued | UploadState::Failed)
    }
}

impl From<IssuingRefusal> for Fault {
    fn from(refusal: IssuingRefusal) -> Self {
        match refusal {
            IssuingRefusal::OtherOffice(office) => {
                Self::not_found(Sentence::of("fault-other-office").count("office", office.0))
            }
            IssuingRefusal::TooLong(most) => {
                Self::malformed(Sentence::of("fault-register-too-long").count("most", most))
            }
            IssuingRefusal::Busy { retry_after } => {
                let seconds = retry_after.as_secs();
                let sentence = Sentence::of("fault-registers-wait").count("seconds", seconds);
                Self::busy(sentence, seconds)
            }
            IssuingRefusal::SaidBefore => {
                Self::conflict("reviewed", Sentence::of("fault-row-said"))
            }
            IssuingRefusal::Office(error) => error.into(),
            IssuingRefusal::Failed(error) => error.into(),
        }
    }
}
