//! Where offices upload registers and revoke.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use praman_circuits::office::{OfficeId, OfficeRoot};
use praman_offices::OfficeError;
use praman_offices::OfficeStore;
use praman_offices::office_key::OfficeKey;
use praman_store::Store;
use praman_store::error::StoreError;
use praman_store::key_store::{DataKey, MasterKey};
use praman_store::sealed_content::{ContentOpener, ContentSealer};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};
use zeroize::Zeroizing;

use super::record::{IssuingLimits, UploadEnd};
use super::review::RowReview;
use super::upload::{RegisterContent, RegisterId, RegisterUpload, SealedFor};
use crate::IssuingStore;

/// How often a follower of a register checks.
const LOOK: Duration = Duration::from_millis(200);

/// Why a service refuses an office's request.
#[derive(Debug, thiserror::Error)]
pub enum IssuingRefusal {
    /// The service has no key of this office.
    #[error("this service does not issue for office {}", .0.0)]
    OtherOffice(OfficeId),
    /// The register is too long.
    #[error("a register may have at most {0} bytes: split it")]
    TooLong(u64),
    /// Too many at a time.
    #[error("too many registers are pending: try again in {} s", .retry_after.as_secs())]
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// A row has been reviewed before.
    #[error("this row was already reviewed")]
    SaidBefore,
    /// The office can't do it.
    #[error(transparent)]
    Office(#[from] OfficeError),
    /// The store failed.
    #[error(transparent)]
    Failed(#[from] StoreError),
}

pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) offices: BTreeMap<OfficeId, OfficeKey>,
    pub(super) master: MasterKey,
    pub(super) limits: IssuingLimits,
    /// A register was uploaded.
    pub(super) uploaded: Notify,
    uploads: BTreeMap<OfficeId, Arc<Semaphore>>,
}

/// Where offices upload registers and revoke.
#[derive(Clone)]
pub struct IssuingDesk {
    pub(super) shared: Arc<Shared>,
}

impl IssuingDesk {
    /// Opens a desk for the offices whose keys are given. The store keeps to its first master key.
    ///
    /// # Errors
    /// [`StoreError::KeyStore`] if data keys in the store are wrapped by another master key.
    pub async fn open(
        store: &Store,
        offices: Vec<OfficeKey>,
        master: MasterKey,
        limits: IssuingLimits,
    ) -> Result<Self, StoreError> {
        store.keep_to_master_key(&master).await?;
        let place = |key: &OfficeKey| (key.office, Arc::new(Semaphore::new(limits.uploads_max)));
        let uploads = offices.iter().map(place).collect();
        let shared = Shared {
            store: store.clone(),
            offices: offices.into_iter().map(|key| (key.office, key)).collect(),
            master,
            limits,
            uploaded: Notify::new(),
            uploads,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Returns the limits.
    pub fn limits(&self) -> &IssuingLimits {
        &self.shared.limits
    }

    /// Whether the service issues for an office.
    pub fn issues_for(&self, office: OfficeId) -> bool {
        self.shared.offices.contains_key(&office)
    }

    /// Returns the office of an access token; all are compared, whichever it is.
    pub fn office_of_token(&self, token: &str) -> Option<OfficeId> {
        let keys = self.shared.offices.values();
        keys.fold(
            None,
            |found, key| if key.is_access_token(token) { Some(key.office) } else { found },
        )
    }

    fn key(&self, office: OfficeId) -> Result<&OfficeKey, IssuingRefusal> {
        self.shared.offices.get(&office).ok_or(IssuingRefusal::OtherOffice(office))
    }

    /// Begins an upload of a register.
    ///
    /// # Errors
    /// [`IssuingRefusal`].
    pub async fn upload(
        &self,
        office: OfficeId,
        makes_secrets: bool,
    ) -> Result<RegisterUploading, IssuingRefusal> {
        let places = self.shared.uploads.get(&office);
        let places = places.ok_or(IssuingRefusal::OtherOffice(office))?;
        let place = places.clone().try_acquire_owned().map_err(|_| busy())?;
        if IssuingStore(&self.shared.store).too_many_wait(office, &self.shared.limits).await? {
            return Err(busy());
        }
        let (id, key) = (RegisterId::generate(), DataKey::generate());
        let sealed_for = SealedFor { id, office, makes_secrets };
        let wrapped = self.shared.master.wrap(&key, &sealed_for.key_purpose())?;
        IssuingStore(&self.shared.store).begin_upload(id, office, makes_secrets, wrapped).await?;
        let purpose = sealed_for.content_purpose(RegisterContent::Register);
        let sealer = Some(ContentSealer::new(&key, &purpose));
        Ok(RegisterUploading {
            shared: self.shared.clone(),
            id,
            office,
            sealer,
            parts: 0,
            bytes: 0,
            is_whole: false,
            _place: place,
        })
    }

    /// Returns what is known about an office's register.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn register(
        &self,
        office: OfficeId,
        id: RegisterId,
    ) -> Result<Option<RegisterUpload>, StoreError> {
        IssuingStore(&self.shared.store).register_upload(office, id).await
    }

    /// Returns the same once it differs from what the caller knows, or after a while.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn changed(
        &self,
        office: OfficeId,
        id: RegisterId,
        is_old: impl Fn(&RegisterUpload) -> bool,
        patience: Duration,
    ) -> Result<Option<RegisterUpload>, StoreError> {
        let end = Instant::now() + patience;
        loop {
            let known = self.register(office, id).await?;
            if !known.as_ref().is_some_and(&is_old) || Instant::now() >= end {
                return Ok(known);
            }
            sleep(LOOK).await;
        }
    }

    /// Whether secrets were made for a register's people.
    pub async fn makes_secrets(&self, id: RegisterId) -> Result<bool, StoreError> {
        let known = IssuingStore(&self.shared.store)
            .register_content(id, RegisterContent::Register)
            .await?;
        Ok(known.is_some_and(|(sealed_for, ..)| sealed_for.makes_secrets))
    }

    /// Returns an office's registers, newest first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn registers(&self, office: OfficeId) -> Result<Vec<RegisterUpload>, StoreError> {
        IssuingStore(&self.shared.store).register_uploads(office).await
    }

    /// Returns a content of a register, opened part by part; none if there is none.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::KeyStore`]; of a part, as the stream's last item.
    pub async fn content(
        &self,
        id: RegisterId,
        content: RegisterContent,
    ) -> Result<Option<ContentStream>, StoreError> {
        let found = IssuingStore(&self.shared.store).register_content(id, content).await?;
        let Some((sealed_for, wrapped, parts)) = found else {
            return Ok(None);
        };
        if parts == 0 {
            return Ok(None);
        }
        let key = self.shared.master.unwrap(&wrapped, &sealed_for.key_purpose())?;
        let opener = ContentOpener::new(&key, &sealed_for.content_purpose(content));
        let store = self.shared.store.clone();
        let begun = (opener, 0);
        Ok(Some(Box::pin(futures_util::stream::try_unfold(begun, move |(mut opener, number)| {
            let store = store.clone();
            async move {
                if number == parts {
                    return Ok(None);
                }
                let sealed = IssuingStore(&store).register_part(id, content, number).await?;
                let opened = opener.open(&sealed, number + 1 == parts)?;
                Ok(Some((opened, (opener, number + 1))))
            }
        }))))
    }

    /// Deletes a register and all its results except the credentials' leaves. False if it is being worked on,
    /// or there is none.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn forget(&self, office: OfficeId, id: RegisterId) -> Result<bool, StoreError> {
        IssuingStore(&self.shared.store).forget_upload(office, id).await
    }

    /// Empties the leaves of some holders.
    ///
    /// # Errors
    /// [`OfficeError::NotLive`] if one of them has no live credential; then none is revoked.
    pub async fn revoke(
        &self,
        office: OfficeId,
        register_nos: &[String],
    ) -> Result<(usize, OfficeRoot), IssuingRefusal> {
        Ok(OfficeStore(&self.shared.store).revoke(self.key(office)?, register_nos).await?)
    }
}

/// A content, part by part.
pub type ContentStream =
    std::pin::Pin<Box<dyn Stream<Item = Result<Zeroizing<Vec<u8>>, StoreError>> + Send>>;

/// Reads a whole content into memory that is wiped.
pub async fn whole(mut content: ContentStream) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let mut bytes = Zeroizing::new(Vec::new());
    while let Some(part) = content.next().await {
        bytes.extend_from_slice(&part?);
    }
    Ok(bytes)
}

fn busy() -> IssuingRefusal {
    IssuingRefusal::Busy { retry_after: Duration::from_secs(10) }
}

/// A register that is being uploaded. If dropped before its end, it is deleted.
pub struct RegisterUploading {
    shared: Arc<Shared>,
    id: RegisterId,
    office: OfficeId,
    /// None once it is complete.
    sealer: Option<ContentSealer>,
    parts: usize,
    bytes: u64,
    is_whole: bool,
    _place: OwnedSemaphorePermit,
}

impl Drop for RegisterUploading {
    fn drop(&mut self) {
        if self.is_whole {
            return;
        }
        let (shared, id) = (self.shared.clone(), self.id);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            // What this misses is cleaned up later.
            runtime
                .spawn(async move { drop(IssuingStore(&shared.store).forget_uploading(id).await) });
        }
    }
}

impl RegisterUploading {
    /// Adds bytes to it.
    ///
    /// # Errors
    /// [`IssuingRefusal::TooLong`]; [`IssuingRefusal::Failed`].
    pub async fn push(&mut self, bytes: &[u8]) -> Result<(), IssuingRefusal> {
        self.bytes += bytes.len() as u64;
        let most = self.shared.limits.register_bytes_max;
        if self.bytes > most {
            return Err(IssuingRefusal::TooLong(most));
        }
        let Some(sealer) = &mut self.sealer else { return Ok(()) };
        for part in sealer.push(bytes)? {
            IssuingStore(&self.shared.store).keep_uploaded_part(self.id, self.parts, part).await?;
            self.parts += 1;
        }
        Ok(())
    }

    /// Completes the upload: from here on it is not lost.
    ///
    /// # Errors
    /// [`IssuingRefusal::Busy`] if too many of its office wait; [`IssuingRefusal::Failed`].
    pub async fn finish(self) -> Result<RegisterUpload, IssuingRefusal> {
        self.end(None).await
    }

    /// Does the same for a register that follows from a review of a row: both are stored, or neither.
    ///
    /// # Errors
    /// Those of [`finish`](Self::finish); [`IssuingRefusal::SaidBefore`].
    pub async fn finish_with(self, review: &RowReview) -> Result<RegisterUpload, IssuingRefusal> {
        self.end(Some(review)).await
    }

    async fn end(mut self, review: Option<&RowReview>) -> Result<RegisterUpload, IssuingRefusal> {
        let (shared, id, office) = (self.shared.clone(), self.id, self.office);
        if let Some(sealer) = self.sealer.take() {
            let last = (self.parts, sealer.finish()?);
            let (store, limits) = (&shared.store, &shared.limits);
            match IssuingStore(store)
                .end_upload(id, office, last, self.bytes, limits, review)
                .await?
            {
                UploadEnd::Kept => {}
                UploadEnd::TooManyWait => return Err(busy()),
                UploadEnd::SaidBefore => return Err(IssuingRefusal::SaidBefore),
            }
            self.is_whole = true;
        }
        praman_store::failpoint::may_die!("issuing::uploaded");
        shared.uploaded.notify_one();
        let kept = IssuingStore(&shared.store).register_upload(office, id).await?;
        kept.ok_or_else(|| StoreError::from(sqlx::Error::RowNotFound).into())
    }
}
