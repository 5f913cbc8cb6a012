//! Granting: what a patient grants of a request, for each provider.

use jiff::Timestamp;
use praman_holder::wallet::Wallet;
use praman_language::Language;
use praman_language::calendar::day_in_india;
use praman_store::failpoint::may_die;
use praman_store::{WriteTransaction, bytes};
use uuid::Uuid;

use super::desk::{ConsentDesk, KeptConsent, KeptRequest, RequestState, consent_purpose};
use super::document::FieldFault;
use super::file::{ConsentFile, Parties};
use super::notice::{LegalBasis, NOTICE_VERSION, Notice};
use super::provider::{Tree, change_leaf, next_place};
use super::refusal::{ConsentError, ConsentRefusal};
use super::terms::{Granted, Narrowing};
use crate::ConsentStore;

impl ConsentDesk {
    /// Grants a request for some providers, each as narrow as the patient wants: one artefact for each.
    ///
    /// The wallet must be the one that the patient is registered with. All are granted or none. They are valid
    /// once [`publish_consents`](super::publish_consents) has put the manager's roots on the ledger.
    ///
    /// # Errors
    /// [`ConsentError`] with what is wrong or refused.
    pub async fn grant(
        &self,
        id: &str,
        narrowings: &[Narrowing],
        wallet: &Wallet,
        language: Language,
        now: Timestamp,
    ) -> Result<Vec<ConsentFile>, ConsentError> {
        let request = self.request(id).await?;
        if !matches!(request.state, RequestState::Requested | RequestState::Granted)
            || request.is_over(now)
        {
            return Err(ConsentRefusal::AlreadyDecided.into());
        }
        self.require_holder(request.patient, wallet).await?;
        if narrowings.is_empty() {
            return Err(FieldFault::new("grants", "names no provider").into());
        }
        let manager = self.number().await?;
        let mut made = Vec::with_capacity(narrowings.len());
        for narrowing in narrowings {
            let provider = ConsentStore(&self.store).provider_named(&narrowing.hip.id).await?;
            let provider = provider.ok_or(ConsentRefusal::UnknownProvider)?;
            let granted = request.terms.narrowed(narrowing, now)?;
            let subject = wallet.at_provider(provider).subject();
            // A provider with a store of its own knows whose records it has.
            let store = ConsentStore(&self.store);
            if store.keeps_records(provider).await?
                && !store.has_records_of(provider, subject).await?
            {
                return Err(ConsentRefusal::NoRecords.into());
            }
            let notice = Notice::of(&granted, request.number, language);
            let consent = Uuid::new_v4().to_string();
            let parties = Parties { provider, requester: request.requester, manager, subject };
            let digest = self.notice_digest(&notice.text);
            let file =
                ConsentFile::grant(&self.manager, consent, &granted, parties, notice.text, now)?;
            made.push((file, granted, digest));
        }
        let mut transaction = self.store.begin().await?;
        let others = self.consents_of(request.patient).await?;
        let mut files = Vec::with_capacity(made.len());
        for (file, granted, digest) in made {
            if others.iter().any(|other| other.overlaps(&file, &granted, now)) {
                // The other may be of this same request.
                let same = |other: &KeptConsent| {
                    other.request == request.id && other.file.provider() == file.provider()
                };
                let again = others.iter().any(same);
                let refusal =
                    if again { ConsentRefusal::AlreadyGranted } else { ConsentRefusal::Overlaps };
                return Err(refusal.into());
            }
            let file = self.keep_consent(
                &mut transaction,
                &request,
                file,
                &granted,
                language,
                digest,
                now,
            );
            files.push(file.await?);
        }
        let updated = sqlx::query(
            "UPDATE consent_request SET state = 'GRANTED'
             WHERE id = $1 AND state IN ('REQUESTED', 'GRANTED')",
        )
        .bind(&request.id)
        .execute(&mut *transaction)
        .await?;
        if updated.rows_affected() == 0 {
            return Err(ConsentRefusal::AlreadyDecided.into());
        }
        may_die!("consent::grant");
        transaction.commit().await?;
        Ok(files)
    }

    #[allow(clippy::too_many_arguments)] // each is a column's source
    async fn keep_consent(
        &self,
        transaction: &mut WriteTransaction,
        request: &KeptRequest,
        file: ConsentFile,
        granted: &Granted,
        language: Language,
        notice_digest: [u8; 32],
        now: Timestamp,
    ) -> Result<ConsentFile, ConsentError> {
        let provider = file.provider();
        let place = next_place(transaction, provider, Tree::Consents).await?;
        let file = file.at(place);
        let leaf = file.commitment()?.to_field();
        change_leaf(transaction, provider, Tree::Consents, (place, leaf), false).await?;
        let inserted = sqlx::query(
            "INSERT INTO consent
                 (id, request, patient, provider, requester, position, commitment, state, valid_until,
                  erase_at, notice_version, notice_language, notice_digest, legal_basis, sealed,
                  granted_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'granted', $8, $9, $10, $11, $12, $13, $14, $15)
             ON CONFLICT DO NOTHING",
        )
        .bind(file.id())
        .bind(&request.id)
        .bind(request.patient.column())
        .bind(i64::from(provider.0))
        .bind(i64::from(request.requester.0))
        .bind(place as i64)
        .bind(bytes(leaf))
        .bind(granted.valid_until.as_millisecond())
        .bind(granted.terms.erase_at.as_millisecond())
        .bind(i64::from(NOTICE_VERSION))
        .bind(language.code())
        .bind(notice_digest.to_vec())
        .bind(LegalBasis::Consent.name())
        .bind(self.manager.seal(&consent_purpose(file.id()), &file)?)
        .bind(now.as_millisecond())
        .execute(&mut **transaction)
        .await?;
        if inserted.rows_affected() == 0 {
            return Err(ConsentRefusal::AlreadyGranted.into());
        }
        Ok(file)
    }

    /// Returns the files of a request's consents that were not withdrawn, e.g. if a program died before it
    /// wrote them.
    ///
    /// # Errors
    /// [`ConsentRefusal::OtherWallet`] for a wallet that is not the patient's.
    pub async fn granted_files(
        &self,
        request: &str,
        wallet: &Wallet,
    ) -> Result<Vec<ConsentFile>, ConsentError> {
        let request = self.request(request).await?;
        self.require_holder(request.patient, wallet).await?;
        let consents = self.consents_of(request.patient).await?.into_iter();
        let mine = |kept: &KeptConsent| kept.request == request.id && kept.revoked_at.is_none();
        Ok(consents.filter(mine).map(|kept| kept.file).collect())
    }

    fn notice_digest(&self, text: &str) -> [u8; 32] {
        self.manager.digest(b"praman.notice.1", text.as_bytes())
    }
}

impl KeptConsent {
    /// Whether another of the same requester, purpose and provider covers some of the same records while this
    /// one is valid: each would have its own count.
    fn overlaps(&self, file: &ConsentFile, granted: &Granted, now: Timestamp) -> bool {
        let (ours, theirs) = (&self.granted.terms, &granted.terms);
        self.revoked_at.is_none()
            && self.granted.valid_until >= now
            && self.file.provider() == file.provider()
            && self.file.requester() == file.requester()
            && ours.purpose == theirs.purpose
            && ours.types.0 & theirs.types.0 != 0
            // As in the statement: by days in India.
            && day_in_india(ours.from) <= day_in_india(theirs.to)
            && day_in_india(theirs.from) <= day_in_india(ours.to)
    }
}
