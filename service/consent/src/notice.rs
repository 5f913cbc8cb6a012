//! The notice to a patient before they consent: itemised, in plain words, in their language.
//!
//! Source: the Digital Personal Data Protection Act, 2023, section 5 (notice) and section 6 (consent, and
//! withdrawal as easy as giving).

use praman_circuits::health_record::RecordType;
use praman_language::{Argument, Language};

use super::code::{mode_code, purpose_code, type_code};
use super::terms::Granted;

/// The version of the notice's wording: raised with every change of its texts.
pub const NOTICE_VERSION: u32 = 2;

/// The legal basis for processing a person's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LegalBasis {
    /// A benefit that the state gives by law: section 7 (b).
    Statutory,
    /// The person's consent: section 6.
    Consent,
    /// A medical emergency: section 7 (f).
    Emergency,
}

impl LegalBasis {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Statutory => "statutory",
            Self::Consent => "consent",
            Self::Emergency => "emergency",
        }
    }
}

/// A notice as it was given.
pub struct Notice {
    /// Its language.
    pub language: Language,
    /// What it says, an item a line.
    pub text: String,
}

impl Notice {
    /// Returns the notice of what is granted, under the patient's number for it.
    pub fn of(granted: &Granted, number: u32, language: Language) -> Self {
        let terms = &granted.terms;
        let texts = Texts(language);
        let number = number.to_string();
        let item = |name: &str, arguments: &[(&str, &str)]| {
            let arguments: Vec<_> =
                arguments.iter().map(|&(name, text)| (name, Argument::Text(text))).collect();
            language.format(name, &arguments)
        };
        let [from, to, until, erase] = [terms.from, terms.to, granted.valid_until, terms.erase_at]
            .map(|time| language.time(time));
        let mode = language.text(&format!("mode-{}", mode_code(terms.mode)));
        let items = [
            item("notice-title", &[]),
            item("notice-who", &[("requester", &terms.requester), ("mode", &mode)]),
            item("notice-from", &[("provider", terms.provider.as_deref().unwrap_or_default())]),
            item("notice-why", &[("purpose", &texts.purpose(granted))]),
            item("notice-what", &[("types", &texts.types(granted))]),
            item("notice-care", &[("from", &from), ("to", &to)]),
            item("notice-often", &[("often", &texts.frequency(granted)), ("until", &until)]),
            item("notice-erase", &[("erase", &erase)]),
            item("notice-basis", &[]),
            item("notice-withdraw", &[("number", &number)]),
            item("notice-complain", &[]),
        ];
        Self { language, text: items.join("\n") }
    }
}

/// What is granted, in a language.
pub(super) struct Texts(pub(super) Language);

impl Texts {
    pub(super) fn purpose(&self, granted: &Granted) -> String {
        self.0.text(&format!("purpose-{}", purpose_code(granted.terms.purpose)))
    }

    pub(super) fn types(&self, granted: &Granted) -> String {
        self.named_types(granted.terms.types)
    }

    pub(super) fn named_types(&self, types: praman_circuits::artefact::RecordTypes) -> String {
        let contained = RecordType::ALL.into_iter().filter(|&kind| types.contains(kind));
        let names: Vec<String> =
            contained.map(|kind| self.0.text(&format!("type-{}", type_code(kind)))).collect();
        names.join(", ")
    }

    fn frequency(&self, granted: &Granted) -> String {
        // A window shorter than the whole time is shown as it is.
        let whole = u32::MAX;
        let frequency = granted.terms.frequency.of_validity(whole);
        let count = ("count", Argument::Count(u64::from(frequency.accesses)));
        if frequency.window == whole {
            return self.0.format("frequency-whole", &[count]);
        }
        let hours = self.0.digits(&(frequency.window / 60).to_string());
        self.0.format("frequency-window", &[count, ("hours", Argument::Text(&hours))])
    }
}
