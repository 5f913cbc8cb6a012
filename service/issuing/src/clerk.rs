//! The task that checks uploaded registers and issues to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use praman_access::{AccessRefusal, AccessStore, Action, Caller};
use praman_audit::AuditStore;
use praman_circuits::office::OfficeId;
use praman_language::calendar;
use praman_offices::OfficeError;
use praman_offices::{OfficeStore, Validity};
use praman_register::{self as register, Register, RegisterError};
use praman_rules::schema::HOUSEHOLD;
use praman_store::computation::compute;
use praman_store::error::StoreError;
use praman_store::failpoint::may_die;
use praman_store::sealed_content::ContentSealer;
use tokio::time::{MissedTickBehavior, interval, sleep};
use zeroize::Zeroizing;

use super::applicants::{Applicants, Reviewed, Subjects, credential_line, wallet_line};
use super::desk::{IssuingDesk, Shared, whole};
use super::record::{TakenUpload, finish_upload, keep_part};
use super::upload::{IssuingFault, RegisterContent, SealedFor, UploadOutcome};
use crate::IssuingStore;

/// How often to look for registers that another program uploaded, or died over.
const LOOK: Duration = Duration::from_secs(2);

/// How often to report a register's progress.
const HEARTBEAT: Duration = Duration::from_millis(500);

/// Checks uploaded registers and issues to them, one at a time.
pub struct IssuingClerk {
    desk: IssuingDesk,
}

/// The result of looking for work.
enum Worked {
    /// There was none.
    Idle,
    /// A register is finished, or no longer belongs to this program.
    Done,
    /// A register is left to another program.
    Left,
}

/// How long work in progress may take when the program stops.
const GRACE: Duration = Duration::from_secs(5);

/// Why nothing is issued now.
enum Obstacle {
    /// For good.
    Final(IssuingFault, String),
    /// For now: it is retried soon.
    Passing(PassingFault),
}

/// Why nothing is issued now, and perhaps soon.
#[derive(Debug, thiserror::Error)]
enum PassingFault {
    /// The office can't issue now, or another program has issued in between.
    #[error(transparent)]
    Office(#[from] OfficeError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The service was started without the office's key.
    #[error("no key of office {}", .0.0)]
    NoKey(OfficeId),
    /// Checking the register failed.
    #[error("checking a register failed")]
    Checking,
}

impl From<StoreError> for Obstacle {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Tree(full) => Self::Final(IssuingFault::Refused, full.to_string()),
            other => Self::Passing(other.into()),
        }
    }
}

impl From<OfficeError> for Obstacle {
    fn from(error: OfficeError) -> Self {
        match error {
            OfficeError::Store(error) => error.into(),
            other => Self::Passing(other.into()),
        }
    }
}

impl IssuingClerk {
    /// Creates a clerk for a desk's offices.
    pub fn new(desk: &IssuingDesk) -> Self {
        Self { desk: desk.clone() }
    }

    /// Works until asked to stop; work in progress is finished first, if it is short.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut stopped = false;
        loop {
            let leave = async {
                stop.as_mut().await;
                stopped = true;
                sleep(GRACE).await;
            };
            let worked = self.work(leave).await;
            if stopped {
                return;
            }
            let found = match worked {
                Ok(Worked::Left) => return,
                Ok(Worked::Done) => Ok(true),
                Ok(Worked::Idle) => Ok(false),
                Err(error) => Err(error),
            };
            let rest = async {
                match found {
                    Ok(true) => {}
                    Ok(false) => {
                        let uploaded = self.shared().uploaded.notified();
                        let _ = tokio::time::timeout(LOOK, uploaded).await;
                    }
                    Err(error) => {
                        tracing::warn!("issuing: {error}");
                        sleep(LOOK).await;
                    }
                }
            };
            tokio::select! {
                () = rest => {}
                () = &mut stop => return,
            }
        }
    }

    fn shared(&self) -> &Shared {
        &self.desk.shared
    }

    /// Works on a register, if there is one, until asked to leave it.
    async fn work(&self, leave: impl Future<Output = ()>) -> Result<Worked, PassingFault> {
        let Shared { store, limits, offices, .. } = self.shared();
        let offices: Vec<OfficeId> = offices.keys().copied().collect();
        IssuingStore(store).tidy_uploads(limits).await?;
        let Some(upload) = IssuingStore(store).take_upload(&offices, limits).await? else {
            return Ok(Worked::Idle);
        };
        may_die!("issuing::taken");
        if upload.deaths > i64::from(limits.deaths_max) {
            let message = "a program stopped each time it worked on this register: read the \
                           service's log before you upload it again";
            IssuingStore(store).fail_upload(&upload, IssuingFault::GaveUp, message).await?;
            return Ok(Worked::Done);
        }
        // Progress is reported throughout, also while waiting for the database's lock.
        let checked = Arc::new(AtomicU64::new(0));
        let outcome = tokio::select! {
            outcome = self.issue(&upload, &checked) => outcome,
            // It was issued at this moment, or deleted, or another program has it: there is nothing more to do
            // here. A report can see the commit before `issue` hears of it.
            () = self.tell_of(&upload, &checked) => Ok(()),
            () = leave => {
                // Nothing of it is written yet: another program starts over.
                IssuingStore(store).let_go_of_upload(&upload, limits).await?;
                return Ok(Worked::Left);
            }
        };
        match outcome {
            Ok(()) => may_die!("issuing::issued"),
            Err(Obstacle::Final(reason, message)) => {
                IssuingStore(store).fail_upload(&upload, reason, &message).await?;
            }
            Err(Obstacle::Passing(error)) => {
                IssuingStore(store).let_go_of_upload(&upload, limits).await?;
                return Err(error);
            }
        }
        Ok(Worked::Done)
    }

    /// Reports that an upload is worked on, and how far it is checked, while this program has it.
    async fn tell_of(&self, upload: &TakenUpload, checked: &AtomicU64) {
        let Shared { store, limits, .. } = self.shared();
        let mut heartbeat = interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            heartbeat.tick().await;
            let bytes = checked.load(Ordering::Relaxed);
            match IssuingStore(store).tell_of_upload(upload, bytes, limits).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::warn!("telling of a register: {error}"),
            }
        }
    }

    async fn issue(&self, upload: &TakenUpload, checked: &Arc<AtomicU64>) -> Result<(), Obstacle> {
        let Shared { store, offices, master, .. } = self.shared();
        let no_key = || Obstacle::Passing(PassingFault::NoKey(upload.office));
        let key = offices.get(&upload.office).ok_or_else(no_key)?;
        if upload.reviewed && OfficeStore(store).check_office(key).await?.schema.id == HOUSEHOLD.id
        {
            let reason = "one row is not a household: correct the register and upload it whole, or issue to it \
                          with `praman issue --other-person`";
            return Err(Obstacle::Final(IssuingFault::Refused, reason.to_owned()));
        }
        let (content, register) = self.check(upload, checked).await?;
        let subjects = if upload.makes_secrets { Subjects::MadeHere } else { Subjects::Register };
        // An officer's answer about a row holds for that row, and its register has no other row.
        let reviewed = match upload.reviewed {
            true => Reviewed::All,
            false => Reviewed::These(&[]),
        };
        let applicants =
            Applicants::find(store, (key, master), &register, subjects, reviewed).await?;
        let matches = applicants.matches(&register);
        let told = matches.enrolled.len() + matches.to_review.len();
        self.account_for_matches(upload.office, told).await?;
        let (columns, pairs) =
            compute(|| register::duplicate_pairs(&content, &register, &matches.to_review))
                .map_err(|error| Obstacle::Final(IssuingFault::NoRegister, error.to_string()))?;
        let pairs = (!pairs.is_empty()).then(|| {
            Zeroizing::new(serde_json::to_vec(&(columns, pairs)).expect("rows are plain data"))
        });
        drop(content);
        let refused = applicants.refused.len();
        let Applicants { applications, wallets, already_issued, repeated, without_subject, .. } =
            applicants;
        let validity = Validity::from_today(calendar::today());
        let mut issuing = OfficeStore(store)
            .issue(key, master, applications, validity)
            .await
            .map_err(|error| match error {
                // Another program has issued to one of them in between: next time that person is known.
                failure @ (OfficeError::Store(_) | OfficeError::File(_)) => failure.into(),
                refusal if upload.attempt > 1 => {
                    Obstacle::Final(IssuingFault::Refused, refusal.to_string())
                }
                refusal => refusal.into(),
            })?;

        let outcome = UploadOutcome {
            counts: register.counts(),
            already_issued,
            repeated,
            without_subject,
            refused,
            enrolled: matches.enrolled.len(),
            to_review: matches.to_review.len(),
            issued: issuing.issued.credentials.len(),
            root: issuing.issued.root,
        };
        if !finish_upload(issuing.transaction(), store.database(), upload, &outcome).await? {
            // Another program was first; this one's credentials were never issued.
            return Ok(());
        }
        let TakenUpload { id, office, makes_secrets, .. } = *upload;
        let sealed_for = SealedFor { id, office, makes_secrets };
        let data_key = master.unwrap(&upload.data_key, &sealed_for.key_purpose())?;
        let sealer = |content| {
            let purpose = sealed_for.content_purpose(content);
            (content, ContentSealer::new(&data_key, &purpose))
        };
        let credentials = &issuing.issued.credentials;
        let sealed = compute(|| {
            let mut report = Zeroizing::new(Vec::new());
            register::write_report(&register, &matches, &mut *report).expect("memory takes all");
            let wallet_lines = wallets
                .iter()
                .map(|(place, wallet)| wallet_line(wallet, &credentials[*place].register_no));
            Ok::<_, StoreError>([
                seal(
                    sealer(RegisterContent::Credentials),
                    credentials.iter().map(credential_line),
                )?,
                seal(sealer(RegisterContent::Wallets), wallet_lines)?,
                seal(sealer(RegisterContent::Report), [report].into_iter())?,
                seal(sealer(RegisterContent::Duplicates), pairs.into_iter())?,
            ])
        })?;
        for (content, parts) in sealed {
            for (number, part) in parts.into_iter().enumerate() {
                keep_part(issuing.transaction(), upload.id, content, number, part).await?;
            }
        }
        may_die!("issuing::written");
        issuing.commit().await?;
        Ok(())
    }

    /// Counts and logs how many people an office learns to be, or possibly be, enrolled already: a register of
    /// guesses must not become a way to look people up.
    async fn account_for_matches(&self, office: OfficeId, people: usize) -> Result<(), Obstacle> {
        if people == 0 {
            return Ok(());
        }
        let store = &self.shared().store;
        let tenant = AccessStore(store).tenant_of_office(office).await?;
        let caller = Caller::office(office, tenant.clone());
        let times = u32::try_from(people).unwrap_or(u32::MAX);
        let subject = format!("{people} people of a register of office {}", office.0);
        let audit = AuditStore(store);
        match audit.admit_many(&caller, Action::LearnMatches, times, &subject).await {
            Ok(()) => Ok(()),
            Err(AccessRefusal::Failed(error)) => Err(error.into()),
            Err(_) => {
                audit.keep_refusal(&caller, Action::LearnMatches, &subject).await?;
                let reason = format!(
                    "{people} of its people are, or may be, enrolled already; that is more than this \
                     office may learn in a day: ask the operator for a larger quota (praman access \
                     quota)"
                );
                Err(Obstacle::Final(IssuingFault::Refused, reason))
            }
        }
    }

    /// Opens and checks a register.
    async fn check(
        &self,
        upload: &TakenUpload,
        checked: &Arc<AtomicU64>,
    ) -> Result<(Zeroizing<Vec<u8>>, Register), Obstacle> {
        let parts = self.desk.content(upload.id, RegisterContent::Register).await?;
        let parts = parts.ok_or_else(|| {
            Obstacle::Final(IssuingFault::NoRegister, "the file is empty".to_owned())
        })?;
        let content = whole(parts).await?;
        // With the shortest rows, a file within the limit would have more of them than memory holds.
        let most = self.shared().limits.register_lines_max;
        if content.iter().filter(|&&byte| byte == b'\n').count() > most {
            let reason = format!("a register may have at most {most} lines: split it");
            return Err(Obstacle::Final(IssuingFault::NoRegister, reason));
        }
        let told = checked.clone();
        // It stops once nothing waits for it any more.
        let left = StopWhenDropped(Arc::default());
        let stop = left.0.clone();
        let checking = tokio::task::spawn_blocking(move || {
            let (tell, today) = (|bytes| told.store(bytes, Ordering::Relaxed), calendar::today());
            let register = register::check_until(content.as_slice(), today, tell, &stop)?;
            Ok((content, register))
        });
        // A panic reveals nothing about what was checked.
        let register = checking.await.map_err(|_| Obstacle::Passing(PassingFault::Checking))?;
        register.map_err(|error: RegisterError| {
            Obstacle::Final(IssuingFault::NoRegister, error.to_string())
        })
    }
}

/// Stops a computation when nothing waits for it any more.
struct StopWhenDropped(Arc<AtomicBool>);

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

type SealedParts = (RegisterContent, Vec<Vec<u8>>);

/// Seals lines; none if there are none.
fn seal(
    (content, mut sealer): (RegisterContent, ContentSealer),
    lines: impl Iterator<Item = Zeroizing<Vec<u8>>>,
) -> Result<SealedParts, StoreError> {
    let (mut parts, mut is_empty) = (Vec::new(), true);
    for line in lines {
        is_empty = false;
        parts.extend(sealer.push(&line)?);
    }
    if !is_empty {
        parts.push(sealer.finish()?);
    }
    Ok((content, parts))
}
