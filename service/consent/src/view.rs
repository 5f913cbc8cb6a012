//! A patient's view: what is live now, who used it and when, and how to withdraw, in their language.

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};
use praman_circuits::artefact::Minute;
use praman_holder::wallet::Wallet;
use praman_language::{Argument, Language};
use praman_ledger::ProviderId;

use super::desk::{ConsentDesk, KeptConsent, KeptRequest, RequestState};
use super::notice::Texts;
use super::refusal::{ConsentError, ConsentRefusal};
use super::terms::PatientAddress;
use super::time::time_of;
use super::uses::uses_of;
use super::{BreakGlass, NamedParticipant};
use crate::ConsentStore;

/// A consent as its patient sees it.
pub struct SeenConsent {
    /// The consent.
    pub kept: KeptConsent,
    /// When it was used.
    pub uses: Vec<Minute>,
    /// By when the requester must have erased everything, once it must.
    pub erase_by: Option<Timestamp>,
    /// Whether the requester has confirmed that it did.
    pub erased: bool,
}

/// All that a patient sees.
pub struct PatientView {
    /// The language.
    pub language: Language,
    /// When it was made.
    pub at: Timestamp,
    /// What is live.
    pub live: Vec<SeenConsent>,
    /// What is pending.
    pub waiting: Vec<KeptRequest>,
    /// What has ended.
    pub ended: Vec<SeenConsent>,
    /// What was opened in an emergency.
    pub emergencies: Vec<BreakGlass>,
    /// Names of providers, by number.
    names: Vec<NamedParticipant<ProviderId>>,
}

impl ConsentDesk {
    /// Returns a patient's view. Only their wallet can show who used what.
    ///
    /// # Errors
    /// [`ConsentError::Failed`].
    pub async fn view(
        &self,
        patient: &PatientAddress,
        wallet: &Wallet,
        language: Language,
        now: Timestamp,
    ) -> Result<PatientView, ConsentError> {
        let tag = self.manager.patient_tag(patient);
        let (mut live, mut ended) = (Vec::new(), Vec::new());
        for kept in self.consents_of(tag).await? {
            let uses = uses_of(&self.store, wallet, &kept.file, now).await?;
            let order = match ConsentStore(&self.store).erasure_order(kept.file.id()).await {
                Err(ConsentError::Refused(ConsentRefusal::NoSuchOrder)) => None,
                order => Some(order?),
            };
            let seen = SeenConsent {
                uses,
                erase_by: order.as_ref().map(|order| order.due_at),
                erased: order.is_some_and(|order| order.confirmed_at.is_some()),
                kept,
            };
            if seen.kept.state(now) == "GRANTED" { live.push(seen) } else { ended.push(seen) }
        }
        let waits = |request: &KeptRequest| {
            request.state == RequestState::Requested && !request.is_over(now)
        };
        let waiting = self.requests_of(tag).await?.into_iter().filter(waits).collect();
        let emergencies = self.emergencies_of(tag).await?;
        let names = ConsentStore(&self.store).providers().await?;
        Ok(PatientView { language, at: now, live, waiting, ended, emergencies, names })
    }
}

impl PatientView {
    fn item(&self, name: &str, argument: &str, text: &str) -> String {
        self.language.format(name, &[(argument, Argument::Text(text))])
    }

    fn time(&self, minute: Minute) -> String {
        time_of(minute).map(|time| self.language.time(time)).unwrap_or_default()
    }

    /// Returns the requester, provider, purpose and types.
    fn what(&self, seen: &SeenConsent) -> Vec<String> {
        let texts = Texts(self.language);
        let granted = &seen.kept.granted;
        let terms = &granted.terms;
        let provider = terms.provider.as_deref().unwrap_or_default();
        vec![
            format!("{} ← {provider}", terms.requester),
            texts.purpose(granted),
            texts.types(granted),
        ]
    }

    fn uses(&self, seen: &SeenConsent) -> Vec<String> {
        if seen.uses.is_empty() {
            return vec![self.language.text("view-never-used")];
        }
        let mut lines = vec![self.language.text("view-used")];
        lines.extend(seen.uses.iter().map(|&at| self.item("view-use", "at", &self.time(at))));
        lines
    }

    fn live_lines(&self, seen: &SeenConsent) -> Vec<String> {
        let number = seen.kept.number.to_string();
        let until = self.language.time(seen.kept.granted.valid_until);
        let mut lines = vec![self.item("view-number", "number", &number)];
        lines.extend(self.what(seen));
        lines.push(self.item("view-until", "until", &until));
        lines.extend(self.uses(seen));
        lines.push(self.item("view-withdraw", "number", &number));
        lines
    }

    fn ended_lines(&self, seen: &SeenConsent) -> Vec<String> {
        let number = seen.kept.number.to_string();
        let mut lines = vec![self.item("view-number", "number", &number)];
        lines.extend(self.what(seen));
        lines.push(match seen.kept.revoked_at {
            Some(at) => self.item("view-withdrawn", "at", &self.language.time(at)),
            None => {
                let at = self.language.time(seen.kept.granted.valid_until);
                self.item("view-expired", "at", &at)
            }
        });
        lines.extend(self.uses(seen));
        if seen.erased {
            lines.push(self.language.text("view-erased"));
        } else if let Some(at) = seen.erase_by {
            lines.push(self.item("view-to-erase", "at", &self.language.time(at)));
        }
        lines
    }

    fn waiting_lines(&self, request: &KeptRequest) -> Vec<String> {
        let texts = Texts(self.language);
        let number = request.number.to_string();
        vec![
            self.item("view-number", "number", &number),
            request.terms.requester.clone(),
            self.language.text(&format!("purpose-{}", super::purpose_code(request.terms.purpose))),
            texts.named_types(request.terms.types),
            self.item("view-give", "number", &number),
        ]
    }

    /// Returns headings, and under each the lines of its items.
    fn sections(&self) -> Vec<(String, Vec<Vec<String>>)> {
        let mut sections = vec![
            ("view-live", self.live.iter().map(|seen| self.live_lines(seen)).collect::<Vec<_>>()),
            ("view-waiting", self.waiting.iter().map(|r| self.waiting_lines(r)).collect()),
            ("view-ended", self.ended.iter().map(|seen| self.ended_lines(seen)).collect()),
        ];
        if !self.emergencies.is_empty() {
            let told = |emergency| vec![emergency_text(self.language, &self.names, emergency)];
            let lines = self.emergencies.iter().map(told).collect();
            sections.push(("view-emergencies", lines));
        }
        sections.into_iter().map(|(name, items)| (self.language.text(name), items)).collect()
    }

    /// Returns the view as lines of text.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.language.text("view-title"));
        for (heading, items) in self.sections() {
            text += &format!("\n{heading}\n");
            if items.is_empty() {
                text += &format!("  {}\n", self.language.text("view-none"));
            }
            for lines in items {
                let mut lines = lines.into_iter();
                if let Some(first) = lines.next() {
                    text += &format!("  {first}\n");
                }
                lines.for_each(|line| text += &format!("      {line}\n"));
            }
        }
        text
    }

    /// Returns the view as a self-contained page.
    pub fn to_html(&self) -> String {
        let title = self.language.text("view-title");
        page(
            self.language,
            &title,
            html! {
                @for (heading, items) in self.sections() {
                    section {
                        h2 { (heading) }
                        @if items.is_empty() { p { (self.language.text("view-none")) } }
                        @for lines in items {
                            article {
                                @for (place, line) in lines.iter().enumerate() {
                                    @if place == 0 { h3 { (line) } } @else { p { (line) } }
                                }
                            }
                        }
                    }
                }
            },
        )
    }
}

/// Returns the notice to a patient of an emergency access.
pub(super) fn emergency_text(
    language: Language,
    providers: &[NamedParticipant<ProviderId>],
    emergency: &BreakGlass,
) -> String {
    let known = providers.iter().find(|known| known.number == emergency.scope.provider);
    let types = Texts(language).named_types(emergency.scope.types);
    let (at, until) = (language.time(emergency.opened_at), language.time(emergency.ends_at));
    let arguments = [
        ("provider", Argument::Text(known.map_or("", |known| &known.name))),
        ("types", Argument::Text(&types)),
        ("at", Argument::Text(&at)),
        ("until", Argument::Text(&until)),
    ];
    language.format("sms-emergency", &arguments)
}

/// Returns a self-contained page: no script, nothing fetched, readable on a small screen.
pub fn page(language: Language, title: &str, body: Markup) -> String {
    let style = "body{font:1.05rem/1.55 system-ui,'Noto Sans','Noto Sans Bengali','Noto Sans \
                 Devanagari',sans-serif;max-width:44rem;margin:0 auto;padding:1rem;color:#1b1b1b;\
                 background:#fff}h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}\
                 h3{font-size:1rem;margin:0}article{border:1px solid #767676;border-radius:.4rem;\
                 padding:.7rem 1rem;margin:.6rem 0}p{margin:.2rem 0}ol{padding-left:0;\
                 list-style:none}.no{color:#8a1c1c}.yes{color:#14532d}time{color:#4a4a4a}";
    html! {
        (DOCTYPE)
        html lang=(language.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'";
                title { (title) }
                style { (maud::PreEscaped(style)) }
            }
            body { main { h1 { (title) } (body) } }
        }
    }
    .into_string()
}
