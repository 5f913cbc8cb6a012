//! Consents by SMS: one keyword to see them, one message to give, one to withdraw.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use super::BreakGlass;
use super::desk::{ConsentDesk, KeptConsent, RequestState};
use super::manager::PatientTag;
use super::provider::publish;
use super::refusal::{ConsentError, ConsentRefusal};
use super::terms::{Narrowing, PatientAddress};
use super::view::PatientView;
use crate::error::ServiceError;
use crate::language::{Argument, Language};
use crate::ledger::{Chain, ContractLedger};
use crate::wallet::Wallet;

/// Sends messages to telephones.
pub trait MessageGateway {
    /// Sends a message.
    ///
    /// # Errors
    /// [`ServiceError`] if it was not taken; it is sent again later.
    fn send(&mut self, telephone: &str, text: &str) -> Result<(), ServiceError>;
}

/// A gateway that prints messages where an operator reads them. The number's last two digits tell which.
pub struct ConsoleGateway;

impl MessageGateway for ConsoleGateway {
    fn send(&mut self, telephone: &str, text: &str) -> Result<(), ServiceError> {
        let shown = telephone.len().saturating_sub(2);
        println!("to …{}: {text}", telephone.get(shown..).unwrap_or_default());
        Ok(())
    }
}

/// What is kept of a patient who asks by telephone.
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

/// What a patient's row is sealed for: it opens in that row alone.
fn purpose_of_row(patient: PatientTag) -> String {
    format!("praman patient {}", patient.text())
}

/// What a message asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keyword {
    List,
    Give(u32),
    Withdraw(u32),
    Used(u32),
}

/// Digits of any of the three scripts as a number.
fn number(text: &str) -> Option<u32> {
    let digit = |c: char| match c {
        '0'..='9' => c.to_digit(10),
        '०'..='९' => Some(c as u32 - '०' as u32),
        '০'..='৯' => Some(c as u32 - '০' as u32),
        _ => None,
    };
    let mut number = 0u32;
    for c in text.chars() {
        number = number.checked_mul(10)?.checked_add(digit(c)?)?;
    }
    (!text.is_empty()).then_some(number)
}

impl Keyword {
    fn read(text: &str) -> Option<Self> {
        let text = text.trim().to_uppercase();
        let mut words = text.split_whitespace();
        let (word, rest) = (words.next()?, words.next());
        if words.next().is_some() {
            return None;
        }
        let asked = || number(rest?);
        match word {
            "CONSENT" | "সম্মতি" | "सहमति" => {
                rest.is_none().then_some(Self::List)
            }
            "YES" | "হ্যাঁ" | "हाँ" | "हां" => asked().map(Self::Give),
            "STOP" | "বন্ধ" | "बंद" | "बन्द" => asked().map(Self::Withdraw),
            "USED" | "ব্যবহার" | "इस्तेमाल" => {
                asked().map(Self::Used)
            }
            _ => None,
        }
    }
}

/// A patient who asks by telephone.
struct Caller {
    patient: PatientTag,
    address: PatientAddress,
    language: Language,
    wallet: Wallet,
}

impl ConsentDesk {
    /// Registers a patient by their wallet, which alone can grant from then on: in which language they are
    /// told, and, for one without a device, the telephone that they ask by; the wallet is then kept here,
    /// sealed. What is not said again stays as it is.
    ///
    /// # Errors
    /// [`ConsentRefusal::OtherWallet`] if the patient is registered with another;
    /// [`ServiceError::Refused`] if the telephone is another patient's.
    pub async fn register_patient(
        &self,
        address: &PatientAddress,
        language: Language,
        telephone: Option<&str>,
        wallet: &Wallet,
    ) -> Result<(), ConsentError> {
        let patient = self.manager.patient_tag(address);
        let known: Option<(Vec<u8>,)> = sqlx::query_as("SELECT sealed FROM patient WHERE tag = $1")
            .bind(patient.column())
            .fetch_optional(self.store.pool())
            .await?;
        let mut kept = SealedPatient { address: address.clone(), telephone: None, wallet: None };
        if let Some((sealed,)) = known {
            self.require_holder(patient, wallet).await?;
            kept = self.manager.unseal(&purpose_of_row(patient), &sealed)?;
        }
        if let Some(number) = telephone {
            kept.telephone = Some(number.to_owned());
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
                let reason = "this telephone is another patient's";
                Err(ServiceError::Refused(reason.to_owned()).into())
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

    /// In which language a patient is told; English for one who is not registered.
    ///
    /// # Errors
    /// [`ConsentError::Failed`].
    pub async fn language_of(&self, address: &PatientAddress) -> Result<Language, ConsentError> {
        let row: Option<(String,)> = sqlx::query_as("SELECT language FROM patient WHERE tag = $1")
            .bind(self.manager.patient_tag(address).column())
            .fetch_optional(self.store.pool())
            .await?;
        Ok(row.and_then(|(code,)| Language::of(&code)).unwrap_or(Language::English))
    }

    /// Answers a message. Giving and withdrawing each take one.
    ///
    /// # Errors
    /// [`ConsentError::Failed`]; what the sender did wrong is told in the answer.
    pub async fn answer<C: Chain>(
        &self,
        ledger: &mut ContractLedger<C>,
        telephone: &str,
        text: &str,
        now: Timestamp,
    ) -> Result<String, ConsentError> {
        let Some(caller) = self.caller(telephone).await? else {
            let told = Language::ALL.map(|language| language.text("sms-unknown"));
            return Ok(told.join("\n"));
        };
        let language = caller.language;
        match Keyword::read(text) {
            None => Ok(language.text("sms-help")),
            Some(Keyword::List) => self.list(&caller, now).await,
            Some(Keyword::Give(number)) => self.give(ledger, &caller, number, now).await,
            Some(Keyword::Withdraw(number)) => self.take_back(ledger, &caller, number, now).await,
            Some(Keyword::Used(number)) => self.used(&caller, number, now).await,
        }
    }

    async fn caller(&self, telephone: &str) -> Result<Option<Caller>, ConsentError> {
        let row: Option<(Vec<u8>, String, Vec<u8>)> =
            sqlx::query_as("SELECT tag, language, sealed FROM patient WHERE telephone = $1")
                .bind(self.manager.telephone_tag(telephone).to_vec())
                .fetch_optional(self.store.pool())
                .await?;
        let Some((tag, language, sealed)) = row else { return Ok(None) };
        let Some(patient) = PatientTag::of_column(&tag) else { return Ok(None) };
        let kept: SealedPatient = self.manager.unseal(&purpose_of_row(patient), &sealed)?;
        // What is sealed says whose telephone it is; the column beside it finds it.
        if kept.telephone.as_deref() != Some(telephone) {
            return Ok(None);
        }
        let wallet = kept.wallet.as_deref().and_then(Wallet::from_json);
        let Some(wallet) = wallet else { return Ok(None) };
        let language = Language::of(&language).unwrap_or(Language::English);
        Ok(Some(Caller { patient, address: kept.address.clone(), language, wallet }))
    }

    async fn list(&self, caller: &Caller, now: Timestamp) -> Result<String, ConsentError> {
        let language = caller.language;
        let consents = self.consents_of(caller.patient).await?;
        let mut lines = Vec::new();
        for request in self.requests_of(caller.patient).await? {
            let live = consents
                .iter()
                .filter(|kept| kept.request == request.id && kept.state(now) == "GRANTED")
                .map(|kept| kept.granted.valid_until)
                .max();
            let state = match live {
                Some(until) => {
                    let until = language.time(until);
                    language.format("sms-state-live", &[("until", Argument::Text(&until))])
                }
                None if request.state == RequestState::Requested && !request.is_over(now) => {
                    language.text("sms-state-waiting")
                }
                None => language.text("sms-state-ended"),
            };
            let number = request.number.to_string();
            let purpose = purpose(language, request.terms.purpose);
            let arguments = [
                ("number", Argument::Text(&number)),
                ("requester", Argument::Text(&request.terms.requester)),
                ("purpose", Argument::Text(&purpose)),
                ("state", Argument::Text(&state)),
            ];
            lines.push(language.format("sms-list-line", &arguments));
        }
        if lines.is_empty() {
            lines.push(language.text("view-none"));
        }
        lines.push(language.text("sms-help"));
        Ok(lines.join("\n"))
    }

    async fn give<C: Chain>(
        &self,
        ledger: &mut ContractLedger<C>,
        caller: &Caller,
        number: u32,
        now: Timestamp,
    ) -> Result<String, ConsentError> {
        let language = caller.language;
        let requests = self.requests_of(caller.patient).await?;
        let Some(request) = requests.into_iter().find(|request| request.number == number) else {
            return Ok(numbered(language, "sms-no-number", number));
        };
        if request.state != RequestState::Requested {
            // Given, but perhaps by a program that died before the ledger knew.
            for kept in self.consents_of(caller.patient).await? {
                if kept.request == request.id {
                    publish(&self.store, ledger, kept.file.provider()).await?;
                }
            }
            return Ok(numbered(language, "sms-already-decided", number));
        }
        let mut narrowings = Vec::new();
        for provider in self.store.providers().await? {
            let asked = request.terms.provider.as_ref().is_none_or(|asked| *asked == provider.name);
            let subject = caller.wallet.at_provider(provider.number).subject();
            if asked && self.store.has_records_of(provider.number, subject).await? {
                narrowings.push(Narrowing::none(&provider.name));
            }
        }
        if narrowings.is_empty() {
            return Ok(numbered(language, "sms-no-records", number));
        }
        let given = self.grant(&request.id, &narrowings, &caller.wallet, language, now).await;
        let files = match given {
            Ok(files) => files,
            Err(ConsentError::Failed(error)) => return Err(error.into()),
            Err(ConsentError::Refused(ConsentRefusal::Overlaps)) => {
                return Ok(numbered(language, "sms-overlaps", number));
            }
            Err(_) => return Ok(numbered(language, "sms-already-decided", number)),
        };
        for file in &files {
            publish(&self.store, ledger, file.provider()).await?;
        }
        let until = files.iter().filter_map(|file| Some(file.granted().ok()?.valid_until)).max();
        let until = until.map(|until| language.time(until)).unwrap_or_default();
        let (shown, purpose) = (number.to_string(), purpose(language, request.terms.purpose));
        Ok(language.format(
            "sms-given",
            &[
                ("number", Argument::Text(&shown)),
                ("requester", Argument::Text(&request.terms.requester)),
                ("purpose", Argument::Text(&purpose)),
                ("until", Argument::Text(&until)),
            ],
        ))
    }

    async fn take_back<C: Chain>(
        &self,
        ledger: &mut ContractLedger<C>,
        caller: &Caller,
        number: u32,
        now: Timestamp,
    ) -> Result<String, ConsentError> {
        let language = caller.language;
        let consents = self.consents_of(caller.patient).await?;
        let of_number: Vec<&KeptConsent> =
            consents.iter().filter(|kept| kept.number == number).collect();
        let Some(first) = of_number.first() else {
            return Ok(numbered(language, "sms-no-number", number));
        };
        let mut withdrawn = false;
        for kept in &of_number {
            match self.withdraw(kept.file.id(), now).await {
                Ok(_) => withdrawn = true,
                Err(ConsentError::Refused(
                    ConsentRefusal::AlreadyWithdrawn | ConsentRefusal::AlreadyExpired,
                )) => {}
                Err(error) => return Err(error),
            }
        }
        // Also of what a program withdrew that died before the ledger knew; one provider's trouble keeps no
        // other from being told.
        let mut published = Ok(());
        for kept in &of_number {
            published = publish(&self.store, ledger, kept.file.provider()).await.and(published);
        }
        published?;
        if !withdrawn {
            return Ok(numbered(language, "sms-already-withdrawn", number));
        }
        let shown = number.to_string();
        let requester = &first.granted.terms.requester;
        let arguments =
            [("number", Argument::Text(&shown)), ("requester", Argument::Text(requester))];
        Ok(language.format("sms-withdrawn", &arguments))
    }

    async fn used(
        &self,
        caller: &Caller,
        number: u32,
        now: Timestamp,
    ) -> Result<String, ConsentError> {
        let language = caller.language;
        let consents = self.consents_of(caller.patient).await?;
        let mut times = Vec::new();
        let mut known = false;
        for kept in consents.iter().filter(|kept| kept.number == number) {
            known = true;
            let uses = super::access::uses_of(&self.store, &caller.wallet, &kept.file, now).await?;
            times.extend(uses.into_iter().filter_map(super::terms::time_of));
        }
        if !known {
            return Ok(numbered(language, "sms-no-number", number));
        }
        times.sort_unstable();
        let told: Vec<String> = times.iter().map(|&time| language.time(time)).collect();
        let (shown, told) = (number.to_string(), told.join(", "));
        Ok(language.format(
            "sms-used",
            &[
                ("number", Argument::Text(&shown)),
                ("count", Argument::Count(times.len() as u64)),
                ("times", Argument::Text(&told)),
            ],
        ))
    }

    /// Tells patients of emergency accesses, those that are due by a time. One without a telephone finds
    /// it in their view.
    ///
    /// # Errors
    /// [`ConsentError::Failed`]; who was not told is told by the next call.
    pub async fn tell_patients(
        &self,
        gateway: &mut impl MessageGateway,
        now: Timestamp,
    ) -> Result<usize, ConsentError> {
        let mut told = 0;
        let mut failed = None;
        for emergency in self.untold(now).await? {
            // Marked first: two programs don't both tell.
            if !self.mark_told(emergency.scope.id, now).await? {
                continue;
            }
            match self.tell(gateway, &emergency, now).await {
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
        now: Timestamp,
    ) -> Result<(), ConsentError> {
        let row: Option<(String, Vec<u8>)> =
            sqlx::query_as("SELECT language, sealed FROM patient WHERE tag = $1")
                .bind(emergency.patient.column())
                .fetch_optional(self.store.pool())
                .await?;
        let Some((code, sealed)) = row else { return Ok(()) };
        let purpose = purpose_of_row(emergency.patient);
        let kept: SealedPatient = self.manager.unseal(&purpose, &sealed)?;
        let language = Language::of(&code).unwrap_or(Language::English);
        if let Some(telephone) = &kept.telephone {
            let view = PatientView::empty(language, self.store.providers().await?, now);
            gateway.send(telephone, &view.emergency(emergency))?;
        }
        Ok(())
    }

    /// What a patient who asks by telephone sees, as who registered them shows it.
    ///
    /// # Errors
    /// [`ConsentRefusal::UnknownPatient`].
    pub async fn view_of_telephone(
        &self,
        telephone: &str,
        now: Timestamp,
    ) -> Result<PatientView, ConsentError> {
        let caller = self.caller(telephone).await?.ok_or(ConsentRefusal::UnknownPatient)?;
        self.view(&caller.address, &caller.wallet, caller.language, now).await
    }
}

fn numbered(language: Language, name: &str, number: u32) -> String {
    language.format(name, &[("number", Argument::Text(&number.to_string()))])
}

fn purpose(language: Language, purpose: praman_circuits::artefact::Purpose) -> String {
    language.text(&format!("purpose-{}", super::purpose_code(purpose)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_read_in_three_languages() {
        for text in ["CONSENT", "consent", "  Consent ", "সম্মতি", "सहमति"] {
            assert_eq!(Keyword::read(text), Some(Keyword::List), "{text}");
        }
        for text in ["STOP 12", "stop 12", "বন্ধ ১২", "बंद १२", "STOP ১২"]
        {
            assert_eq!(Keyword::read(text), Some(Keyword::Withdraw(12)), "{text}");
        }
        assert_eq!(Keyword::read("हाँ ३"), Some(Keyword::Give(3)));
        assert_eq!(Keyword::read("USED 3"), Some(Keyword::Used(3)));
        let none = ["", "STOP", "STOP x", "STOP 1 2", "YES -1", "CONSENT 3", "STOP 99999999999"];
        for text in none {
            assert_eq!(Keyword::read(text), None, "{text}");
        }
    }
}
