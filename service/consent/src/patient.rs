//! Patients who are registered: their wallet, their language, and the telephone of one without a device.

use jiff::Timestamp;
use praman_holder::wallet::Wallet;
use praman_language::Language;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use super::BreakGlass;
use super::desk::ConsentDesk;
use super::manager::PatientTag;
use super::refusal::ConsentFailure;
use super::refusal::ParticipantRefusal;
use super::refusal::{ConsentError, ConsentRefusal};
use super::telephone::Telephone;
use super::terms::PatientAddress;
use super::view::emergency_text;
use crate::ConsentStore;

/// Sends messages to telephones.
pub trait MessageGateway {
    /// Sends a message.
    ///
    /// # Errors
    /// [`ConsentFailure::Message`] if it was not accepted; it is sent again later.
    fn send(&mut self, telephone: &str, text: &str) -> Result<(), ConsentFailure>;
}

/// A gateway that prints messages where an operator reads them. The number's last two digits show which
/// telephone.
pub struct ConsoleGateway;

impl MessageGateway for ConsoleGateway {
    #[expect(clippy::print_stdout, reason = "this gateway is the terminal")]
    fn send(&mut self, telephone: &str, text: &str) -> Result<(), ConsentFailure> {
        let shown = telephone.len().saturating_sub(2);
        println!("to …{}: {text}", telephone.get(shown..).unwrap_or_default());
        Ok(())
    }
}

/// What is stored about a patient who uses a telephone.
#[derive(Serialize, Deserialize)]
struct SealedPatient {
    address: PatientAddress,
    telephone: Option<String>,
    wallet: Option<String>,
}

impl Drop for SealedPatient {
    fn drop(&mut self) {
        self.telephone.zeroize();
        self.wallet.zeroize();
    }
}

/// Returns what a patient's row is sealed for: it opens in that row alone.
fn purpose_of_row(patient: PatientTag) -> String {
    format!("praman patient {}", patient.text())
}

/// A patient who uses a telephone.
pub(super) struct Caller {
    pub(super) patient: PatientTag,
    pub(super) address: PatientAddress,
    pub(super) language: Language,
    pub(super) wallet: Wallet,
}

impl ConsentDesk {
    /// Registers a patient by their wallet, which alone can grant from then on: the language of their messages
    /// and, for one without a device, their telephone; the wallet is then stored here, sealed. What is left out
    /// stays as it is.
    ///
    /// # Errors
    /// [`ConsentRefusal::OtherWallet`] if the patient is registered with another wallet;
    /// [`ParticipantRefusal::TelephoneUsed`].
    pub async fn register_patient(
        &self,
        address: &PatientAddress,
        language: Language,
        telephone: Option<&Telephone>,
        wallet: &Wallet,
    ) -> Result<(), ConsentError> {
        let patient = self.manager.patient_tag(address);
        let mut kept = match self.sealed_patient(patient).await? {
            None => SealedPatient { address: address.clone(), telephone: None, wallet: None },
            Some((_, kept)) => {
                self.require_holder(patient, wallet).await?;
                kept
            }
        };
        if let Some(number) = telephone {
            kept.telephone = Some(number.as_str().to_owned());
            kept.wallet = Some(wallet.to_json().to_string());
        }
        let tag = kept.telephone.as_deref().map(|number| self.manager.telephone_tag(number));
        let written = sqlx::query(
            "INSERT INTO patient (tag, telephone, holder, language, sealed)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (tag) DO UPDATE SET telephone = excluded.telephone,
                 language = excluded.language, sealed = excluded.sealed",
        )
        .bind(patient.column())
        .bind(tag.map(|tag| tag.to_vec()))
        .bind(self.manager.holder_tag(wallet).to_vec())
        .bind(language.code())
        .bind(self.manager.seal(&purpose_of_row(patient), &kept)?)
        .execute(self.store.writer())
        .await;
        match written {
            Ok(_) => Ok(()),
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                Err(ParticipantRefusal::TelephoneUsed.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Refuses a wallet that is not the one that a patient is registered with.
    pub(super) async fn require_holder(
        &self,
        patient: PatientTag,
        wallet: &Wallet,
    ) -> Result<(), ConsentError> {
        let row: Option<(Vec<u8>,)> = sqlx::query_as("SELECT holder FROM patient WHERE tag = $1")
            .bind(patient.column())
            .fetch_optional(self.store.pool())
            .await?;
        match row {
            None => Err(ConsentRefusal::UnknownPatient.into()),
            Some((holder,)) if holder == self.manager.holder_tag(wallet) => Ok(()),
            Some(_) => Err(ConsentRefusal::OtherWallet.into()),
        }
    }

    /// Whether a patient is registered here.
    ///
    /// # Errors
    /// [`ConsentError::Failed`].
    pub async fn is_registered(&self, address: &PatientAddress) -> Result<bool, ConsentError> {
        Ok(self.sealed_patient(self.manager.patient_tag(address)).await?.is_some())
    }

    /// Returns a patient's language; English for one who is not registered.
    ///
    /// # Errors
    /// [`ConsentError::Failed`].
    pub async fn language_of(&self, address: &PatientAddress) -> Result<Language, ConsentError> {
        let known = self.sealed_patient(self.manager.patient_tag(address)).await?;
        Ok(known.map_or(Language::English, |(language, _)| language))
    }

    pub(super) async fn caller(&self, telephone: &str) -> Result<Option<Caller>, ConsentError> {
        // Numbers stored before they had one form are looked up as typed.
        let number: Option<Telephone> = telephone.parse().ok();
        let typed = [number.as_ref().map(Telephone::as_str), Some(telephone)];
        for number in typed.into_iter().flatten() {
            let row: Option<(Vec<u8>,)> =
                sqlx::query_as("SELECT tag FROM patient WHERE telephone = $1")
                    .bind(self.manager.telephone_tag(number).to_vec())
                    .fetch_optional(self.store.pool())
                    .await?;
            let Some(patient) = row.and_then(|(tag,)| PatientTag::of_column(&tag)) else {
                continue;
            };
            // The sealed content says whose telephone it is; the column only finds it.
            match self.sealed_patient(patient).await? {
                Some((language, kept)) if kept.telephone.as_deref() == Some(number) => {
                    let wallet = kept.wallet.as_deref().and_then(Wallet::from_json);
                    let address = kept.address.clone();
                    return Ok(wallet.map(|wallet| Caller { patient, address, language, wallet }));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// Returns what is stored about a patient, and their language.
    async fn sealed_patient(
        &self,
        patient: PatientTag,
    ) -> Result<Option<(Language, SealedPatient)>, ConsentError> {
        let row: Option<(String, Vec<u8>)> =
            sqlx::query_as("SELECT language, sealed FROM patient WHERE tag = $1")
                .bind(patient.column())
                .fetch_optional(self.store.pool())
                .await?;
        let Some((code, sealed)) = row else { return Ok(None) };
        let kept = self.manager.unseal(&purpose_of_row(patient), &sealed)?;
        Ok(Some((Language::of(&code).unwrap_or(Language::English), kept)))
    }

    /// Informs patients of emergency accesses whose notice is due by a time. A patient without a telephone
    /// finds them in their view.
    ///
    /// # Errors
    /// [`ConsentError::Failed`]; the next call informs the remaining patients.
    pub async fn tell_patients(
        &self,
        gateway: &mut impl MessageGateway,
        now: Timestamp,
    ) -> Result<usize, ConsentError> {
        let mut told = 0;
        let mut failed = None;
        for emergency in self.untold(now).await? {
            // Marked first, so that two programs don't both send it.
            if !self.mark_told(emergency.scope.id, now).await? {
                continue;
            }
            match self.tell(gateway, &emergency).await {
                Ok(()) => told += 1,
                Err(error) => {
                    self.unmark_told(emergency.scope.id).await?;
                    failed = Some(error);
                }
            }
        }
        failed.map_or(Ok(told), Err)
    }

    async fn tell(
        &self,
        gateway: &mut impl MessageGateway,
        emergency: &BreakGlass,
    ) -> Result<(), ConsentError> {
        let Some((language, kept)) = self.sealed_patient(emergency.patient).await? else {
            return Ok(());
        };
        if let Some(telephone) = &kept.telephone {
            let providers = ConsentStore(&self.store).providers().await?;
            gateway.send(telephone, &emergency_text(language, &providers, emergency))?;
        }
        Ok(())
    }
}
