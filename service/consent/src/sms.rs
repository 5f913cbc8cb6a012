//! Consents by SMS: one keyword to see them, one message to give one, one to withdraw.

use jiff::Timestamp;
use praman_language::{Argument, Language};
use praman_ledger::{Chain, ContractLedger};

use super::desk::{ConsentDesk, KeptConsent, RequestState};
use super::patient::Caller;
use super::publishing::publish_consents;
use super::refusal::{ConsentError, ConsentRefusal};
use super::terms::Narrowing;
use super::time::time_of;
use super::uses::uses_of;
use super::view::PatientView;
use crate::ConsentStore;

/// What a message asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keyword {
    List,
    Give(u32),
    Withdraw(u32),
    Used(u32),
}

/// Parses digits of any of the three scripts as a number.
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

impl ConsentDesk {
    /// Answers a message. Giving and withdrawing each take one.
    ///
    /// # Errors
    /// [`ConsentError::Failed`]; the answer says what the sender did wrong.
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
                    publish_consents(&self.store, ledger, kept.file.provider()).await?;
                }
            }
            return Ok(numbered(language, "sms-already-decided", number));
        }
        let mut narrowings = Vec::new();
        for provider in ConsentStore(&self.store).providers().await? {
            let asked = request.terms.provider.as_ref().is_none_or(|asked| *asked == provider.name);
            let subject = caller.wallet.at_provider(provider.number).subject();
            if asked && ConsentStore(&self.store).has_records_of(provider.number, subject).await? {
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
            publish_consents(&self.store, ledger, file.provider()).await?;
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
        // Includes withdrawals of a program that died before the ledger knew; one provider's failure does not
        // stop the others.
        let mut published = Ok(());
        for kept in &of_number {
            published =
                publish_consents(&self.store, ledger, kept.file.provider()).await.and(published);
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
            let uses = uses_of(&self.store, &caller.wallet, &kept.file, now).await?;
            times.extend(uses.into_iter().filter_map(time_of));
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

    /// Returns the view of a patient who uses a telephone, for the person who registered them.
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
