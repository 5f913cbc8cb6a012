//! The whole way of a consent on one machine: three providers, two requesters, one patient.

mod timeline;

use std::path::PathBuf;
use std::time::Instant;

use crate::error::SandboxError;
use jiff::Timestamp;
use jiff::civil::date;
use praman_circuits::artefact::{Purpose, RecordTypes};
use praman_circuits::circuit;
use praman_circuits::health_record::RecordType;
use praman_consent::ConsentFailure;
use praman_consent::access::{AccessRequest, Asked, PreparedAccess, ProviderPaths, next_number};
use praman_consent::{
    ConsentDesk, ConsentError, ConsentFile, ConsentManager, ConsentStore, EmergencyScope, Gate,
    GateRefusal, MessageGateway, Narrowing, PatientAddress, RecordFile, SignedBy, SignerKey,
    Verdict, document, erasure_message, publish_consents, publish_records, write_time,
};
use praman_holder::wallet::Wallet;
use praman_language::Language;
use praman_ledger::{EmbeddedLedger, Ledger as _, ProviderId, RequesterNumber};
use praman_prover::{Cores, FixedKeyEngine, KeyStore, MemoryBudget, Prover, setup};
use praman_store::Store;
use praman_store::key_store::MasterKey;
use rand::rngs::OsRng;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::stages::Stages;
use super::{demo_passphrase, load_prover, new_run};
use timeline::Timeline;

const HOSPITAL: &str = "district-hospital";
const LABORATORY: &str = "city-laboratory";
const CLINIC: &str = "village-clinic";
const HEART_CLINIC: &str = "heart-clinic";
const INSURER: &str = "health-insurer";

/// The result of the demonstration.
#[derive(Debug, Serialize)]
pub struct ConsentSummary {
    /// Consents that were granted.
    pub granted: usize,
    /// Accesses that the gate released.
    pub accesses_allowed: usize,
    /// Accesses refused because the consent's count was used up.
    pub refused_by_count: usize,
    /// Accesses refused because they were for another purpose.
    pub refused_by_purpose: usize,
    /// Accesses refused because the consent was withdrawn, with proofs made before.
    pub refused_after_withdrawal: usize,
    /// Orders to erase that the requester confirmed.
    pub erasures_confirmed: usize,
    /// Emergency accesses that wait for their review.
    pub emergencies_to_review: usize,
    /// The median time of a proof.
    pub proof_ms: f64,
    /// Where the keys come from.
    pub keys: String,
    /// The timeline as a page.
    pub timeline: PathBuf,
    /// The patient's views, one page a language.
    pub views: Vec<PathBuf>,
    /// Wall time of everything.
    pub seconds: f64,
    /// The folder of everything.
    pub folder: PathBuf,
}

impl ConsentSummary {
    /// Whether everything was allowed and refused as it should be.
    pub fn is_as_it_should_be(&self) -> bool {
        self.granted == 2
            && self.accesses_allowed == 2
            && self.refused_by_count == 1
            && self.refused_by_purpose == 1
            && self.refused_after_withdrawal == 1
    }
}

/// Runs the demonstration in a folder; returns the timeline as text, and the result.
///
/// # Errors
/// [`SandboxError`] of the step that fails.
pub async fn run(
    folder: &std::path::Path,
    progress: bool,
) -> Result<(ConsentSummary, String), SandboxError> {
    let started = Instant::now();
    let run = new_run(folder)?;
    let mut scene = Scene::open(folder, run, &Stages::new(progress)).await?;
    let counts = scene.play().await?;
    let views = scene.write_views().await?;
    let page = scene.folder.join("timeline.html");
    praman_files::write(&page, scene.timeline.to_html().as_bytes())?;
    let text = scene.timeline.to_text();
    scene.proof_ms.sort_by(f64::total_cmp);
    let summary = ConsentSummary {
        granted: counts.granted,
        accesses_allowed: counts.allowed,
        refused_by_count: counts.by_count,
        refused_by_purpose: counts.by_purpose,
        refused_after_withdrawal: counts.after_withdrawal,
        erasures_confirmed: counts.erased,
        emergencies_to_review: scene.desk.to_review().await.map_err(SandboxError::from)?.len(),
        proof_ms: scene.proof_ms.get(scene.proof_ms.len() / 2).copied().unwrap_or_default(),
        keys: scene.prover.verifying_key().origin().map_or_else(String::new, |o| o.to_string()),
        timeline: page,
        views,
        seconds: started.elapsed().as_secs_f64(),
        folder: scene.folder,
    };
    Ok((summary, text))
}

#[derive(Default)]
struct Counts {
    granted: usize,
    allowed: usize,
    by_count: usize,
    by_purpose: usize,
    after_withdrawal: usize,
    erased: usize,
}

/// Everyone and everything.
struct Scene {
    folder: PathBuf,
    store: Store,
    ledger: EmbeddedLedger,
    desk: ConsentDesk,
    prover: Prover<FixedKeyEngine>,
    gate: Gate,
    patient: PatientAddress,
    wallet: Wallet,
    heart_clinic: (RequesterNumber, SignerKey),
    insurer: RequesterNumber,
    report: RecordFile,
    discharge: RecordFile,
    proof_ms: Vec<f64>,
    timeline: Timeline,
}

impl Scene {
    async fn open(
        keys_folder: &std::path::Path,
        folder: PathBuf,
        stages: &Stages,
    ) -> Result<Self, SandboxError> {
        let claims = load_prover(&keys_folder.join("keys"), stages)?;
        let prover = consent_prover(&keys_folder.join("consent-keys"), stages)?;
        let passphrase = demo_passphrase(&folder)?;
        let store = Store::open(&folder).await?;
        let mut ledger =
            EmbeddedLedger::open(&store, claims.verifying_key(), crate::EVENT_HANDLERS).await?;
        let master = MasterKey::new_in_file(&folder.join("master-key.json"), &passphrase)?;
        let path = folder.join("consent-manager.json");
        let manager = ConsentManager::generate(&path, "praman-cm", &passphrase, master)?;
        let desk = ConsentDesk::new(&store, manager);
        let number = ledger.admit_manager(&desk.manager().name).await?;
        let manager = desk.manager();
        ConsentStore(&store).keep_manager(number, &manager.name, &manager.public()).await?;
        let gate = Gate::on(&store, prover.verifying_key(), &ledger)?;

        let bar = stages.begin("providers and requesters", 5);
        for name in [HOSPITAL, LABORATORY, CLINIC] {
            ConsentStore(&store).keep_provider(ledger.admit_provider(name).await?, name).await?;
            bar.inc(1);
        }
        let mut requesters = Vec::new();
        for name in [HEART_CLINIC, INSURER] {
            let key = SignerKey::generate(name);
            key.save(&folder.join(format!("{name}.json")), &passphrase)?;
            let number = ledger.admit_requester(name).await?;
            ConsentStore(&store).keep_requester(number, name, &key.public()).await?;
            requesters.push((number, key));
            bar.inc(1);
        }
        let [heart_clinic, (insurer, _)] = <[_; 2]>::try_from(requesters)
            .map_err(|_| SandboxError::Unexpected("two requesters were made"))?;

        let patient = PatientAddress::new("rahima@praman-cm", "patient")?;
        let wallet = Wallet::generate();
        let telephone = "+919800000001".parse().expect("a number");
        desk.register_patient(&patient, Language::Bengali, Some(&telephone), &wallet).await?;
        let mut timeline = Timeline::default();
        let mut records = Vec::new();
        for (name, kind, day, content) in [
            (HOSPITAL, RecordType::DischargeSummary, date(2026, 3, 12), "angioplasty"),
            (LABORATORY, RecordType::DiagnosticReport, date(2026, 5, 4), "troponin"),
            (CLINIC, RecordType::Prescription, date(2026, 5, 20), "atorvastatin"),
        ] {
            let provider = named(&store, name).await?;
            let subject = wallet.at_provider(provider).subject();
            let record = ConsentStore(&store)
                .add_record(provider, subject, kind, day, content.as_bytes(), |_| Ok(()))
                .await?;
            publish_records(&store, &mut ledger, provider).await?;
            records.push(record);
            timeline.tell(true, name, &format!("keeps a record of the patient: {kind:?}"));
        }
        let [discharge, report, _] = <[RecordFile; 3]>::try_from(records)
            .map_err(|_| SandboxError::Unexpected("three records were made"))?;
        Ok(Self {
            folder,
            store,
            ledger,
            desk,
            prover,
            gate,
            patient,
            wallet,
            heart_clinic,
            insurer,
            report,
            discharge,
            proof_ms: Vec::new(),
            timeline,
        })
    }

    async fn play(&mut self) -> Result<Counts, SandboxError> {
        let mut counts = Counts::default();
        let heart_clinic = self.heart_clinic.0;
        let consents = self.ask_and_grant().await?;
        counts.granted = consents.len();
        let [laboratory, hospital] = <[ConsentFile; 2]>::try_from(consents)
            .map_err(|_| SandboxError::Unexpected("two consents were granted"))?;

        // The patient allowed two accesses of the laboratory's report a day.
        let mut last = None;
        for _ in 0..2 {
            let number = self.next_number(&laboratory).await?;
            let access = self.prove(&laboratory, Purpose::CareManagement, number).await?;
            counts.allowed += usize::from(self.ask(&access, LABORATORY).await?.is_ok());
            last = Some(number);
        }
        // The patient's app makes no third proof…
        let third = self.next_number(&laboratory).await?;
        self.app_refuses(&laboratory, heart_clinic, Purpose::CareManagement, third).await?;
        // …and a fresh proof of the last access counts as that access.
        let again =
            self.prove(&laboratory, Purpose::CareManagement, last.unwrap_or_default()).await?;
        let verdict = self.ask(&again, LABORATORY).await?;
        counts.by_count += usize::from(verdict == Err(GateRefusal::Used));

        // For another purpose, or another requester, there is no consent.
        self.app_refuses(&laboratory, self.insurer, Purpose::HealthcarePayment, 0).await?;
        let mut bent = self.prove(&hospital, Purpose::CareManagement, 0).await?;
        bent.purpose = Purpose::HealthcarePayment;
        let verdict = self.ask(&bent, HOSPITAL).await?;
        counts.by_purpose += usize::from(verdict == Err(GateRefusal::Proof));

        // A proof that is made before a withdrawal and submitted after it.
        let in_flight = self.prove(&hospital, Purpose::CareManagement, 0).await?;
        let provider = self.desk.withdraw(hospital.id(), Timestamp::now()).await?;
        publish_consents(&self.store, &mut self.ledger, provider).await?;
        self.timeline.tell(true, "patient", "withdraws the consent at the district hospital");
        let verdict = self.ask(&in_flight, HOSPITAL).await?;
        counts.after_withdrawal += usize::from(verdict == Err(GateRefusal::Roots));
        self.app_refuses(&hospital, heart_clinic, Purpose::CareManagement, 0).await?;

        let signature = self.heart_clinic.1.sign(&erasure_message(hospital.id()));
        let order = ConsentStore(&self.store)
            .confirm_erasure(hospital.id(), &signature, Timestamp::now())
            .await?;
        counts.erased += usize::from(order.confirmed_at.is_some());
        self.timeline.tell(true, HEART_CLINIC, "was ordered to erase, and confirms that it did");
        self.emergency().await?;
        Ok(counts)
    }

    async fn ask_and_grant(&mut self) -> Result<Vec<ConsentFile>, SandboxError> {
        let now = Timestamp::now();
        let at = |hours: i64| {
            let moved = now.checked_add(jiff::SignedDuration::from_hours(hours));
            moved.map(write_time).unwrap_or_default()
        };
        let request = json!({
            "requestId": Uuid::new_v4(),
            "timestamp": write_time(now),
            "consent": {
                "purpose": { "text": "Care Management", "code": "CAREMGT" },
                "patient": { "id": self.patient.expose() },
                "hiu": { "id": HEART_CLINIC },
                "requester": { "name": "Dr. S. Sen" },
                "hiTypes": ["DiagnosticReport", "DischargeSummary", "Prescription"],
                "permission": {
                    "accessMode": "STORE",
                    "dateRange": {
                        "from": "2024-01-01T00:00:00.000Z", "to": "2026-12-31T00:00:00.000Z",
                    },
                    "dataEraseAt": at(24 * 90),
                    "frequency": { "unit": "HOUR", "value": 1, "repeats": 24 },
                },
            },
        });
        let request = document::read::<document::RequestDocument>(&request.to_string())
            .map_err(ConsentError::from)?;
        let received = self.desk.receive(&request, now).await?;
        let what = "asks for three types, kept for 90 days, 24 times an hour";
        self.timeline.tell(true, HEART_CLINIC, what);
        let again = self.desk.receive(&request, now).await?;
        debug_assert!(again.repeated && again.number == received.number);

        let mut laboratory = Narrowing::none(LABORATORY);
        laboratory.hi_types = Some(vec!["DiagnosticReport".to_owned()]);
        laboratory.access_mode = Some("VIEW".to_owned());
        laboratory.data_erase_at = Some(at(24 * 30));
        laboratory.valid_until = Some(at(24 * 7));
        laboratory.frequency =
            Some(document::FrequencyDocument { unit: "DAY".to_owned(), value: 1, repeats: 2 });
        let mut hospital = Narrowing::none(HOSPITAL);
        hospital.hi_types = Some(vec!["DischargeSummary".to_owned()]);
        hospital.frequency = laboratory.frequency.clone();
        let narrowed = [laboratory, hospital];
        let files =
            self.desk.grant(&received.id, &narrowed, &self.wallet, Language::Bengali, now).await?;
        for file in &files {
            publish_consents(&self.store, &mut self.ledger, file.provider()).await?;
            let place = self.folder.join(format!("consent-{}.json", file.provider().0));
            praman_files::write_json(&place, file)?;
        }
        let what = "is shown the notice in Bengali, and grants less: two providers, one type each, \
                    twice a day, nothing of the village clinic";
        self.timeline.tell(true, "patient", what);
        Ok(files)
    }

    fn record_of(&self, consent: &ConsentFile) -> &RecordFile {
        let mine = |record: &&RecordFile| record.provider == consent.provider();
        [&self.report, &self.discharge].into_iter().find(mine).unwrap_or(&self.report)
    }

    async fn next_number(&self, consent: &ConsentFile) -> Result<u32, SandboxError> {
        Ok(next_number(&self.store, &self.wallet, consent, Timestamp::now()).await?)
    }

    async fn prepare(
        &self,
        consent: &ConsentFile,
        requester: RequesterNumber,
        purpose: Purpose,
        number: u32,
    ) -> Result<PreparedAccess, ConsentError> {
        let record = self.record_of(consent);
        let paths = ProviderPaths::of(&self.store, consent, record).await?;
        let asked = Asked { requester, purpose, number, at: Timestamp::now() };
        PreparedAccess::new(&self.wallet, consent, record, paths, self.ledger.context(), asked)
    }

    /// The patient's side of an access.
    async fn prove(
        &mut self,
        consent: &ConsentFile,
        purpose: Purpose,
        number: u32,
    ) -> Result<AccessRequest, SandboxError> {
        let prepared = self.prepare(consent, self.heart_clinic.0, purpose, number).await?;
        let started = Instant::now();
        let access = prepared.prove(&self.prover, Cores::All)?;
        self.proof_ms.push(started.elapsed().as_secs_f64() * 1_000.0);
        Ok(access)
    }

    /// Checks what the patient's app says if there is nothing to prove.
    async fn app_refuses(
        &mut self,
        consent: &ConsentFile,
        requester: RequesterNumber,
        purpose: Purpose,
        number: u32,
    ) -> Result<(), SandboxError> {
        match self.prepare(consent, requester, purpose, number).await {
            Err(ConsentError::Untrue(reason)) => {
                self.timeline.tell(
                    false,
                    "the patient's app",
                    &format!("makes no proof: {reason}"),
                );
                Ok(())
            }
            Err(error) => Err(error.into()),
            Ok(_) => Err(SandboxError::Unexpected("what is not consented to can be proved")),
        }
    }

    /// The provider's side of an access.
    async fn ask(
        &mut self,
        access: &AccessRequest,
        provider: &str,
    ) -> Result<Verdict, SandboxError> {
        let one = std::slice::from_ref(access);
        let verdicts = self.gate.release(&mut self.ledger, one, Timestamp::now()).await?;
        let verdict = verdicts
            .into_iter()
            .next()
            .ok_or(SandboxError::Unexpected("the gate gave no verdict"))?;
        match &verdict {
            Ok(release) => {
                let what = format!("releases the record; block {} has it", release.block);
                self.timeline.tell(true, provider, &what);
            }
            Err(refusal) => {
                let what = format!("refuses ({}): {refusal}", refusal.code());
                self.timeline.tell(false, provider, &what);
            }
        }
        Ok(verdict)
    }

    async fn emergency(&mut self) -> Result<(), SandboxError> {
        let clinic = named(&self.store, CLINIC).await?;
        let (first, second) = (SignerKey::generate("Dr. Das"), SignerKey::generate("Dr. Khatun"));
        for key in [&first, &second] {
            ConsentStore(&self.store).keep_clinician(clinic, &key.name, &key.public()).await?;
        }
        let scope = EmergencyScope {
            id: Uuid::new_v4(),
            provider: clinic,
            patient: self.patient.clone(),
            types: RecordTypes::of(&[RecordType::Prescription]),
            reason: "unconscious on arrival, medicines unknown".to_owned(),
            hours: 2,
            tell_later: None,
        };
        let signed = [&first, &second].map(|key| SignedBy::new(key, &scope));
        let now = Timestamp::now();
        self.desk.break_glass(&scope, signed, now).await?;
        let what = "opens prescriptions in an emergency, by two doctors, for two hours; it is \
                    pending review";
        self.timeline.tell(true, CLINIC, what);
        let mut heard = Heard::default();
        self.desk.tell_patients(&mut heard, now).await?;
        for text in heard.0 {
            self.timeline.tell(true, "SMS to the patient", &text);
        }
        Ok(())
    }

    async fn write_views(&self) -> Result<Vec<PathBuf>, SandboxError> {
        let mut pages = Vec::new();
        for language in Language::ALL {
            let view =
                self.desk.view(&self.patient, &self.wallet, language, Timestamp::now()).await?;
            let page = self.folder.join(format!("view-{}.html", language.code()));
            praman_files::write(&page, view.to_html().as_bytes())?;
            pages.push(page);
        }
        Ok(pages)
    }
}

/// Messages that the demonstration shows.
#[derive(Default)]
struct Heard(Vec<String>);

impl MessageGateway for Heard {
    fn send(&mut self, _: &str, text: &str) -> Result<(), ConsentFailure> {
        self.0.push(text.to_owned());
        Ok(())
    }
}

async fn named(store: &Store, name: &str) -> Result<ProviderId, SandboxError> {
    let provider = ConsentStore(store).provider_named(name).await?;
    provider.ok_or(SandboxError::Unexpected("a provider was added"))
}

fn consent_prover(
    folder: &std::path::Path,
    stages: &Stages,
) -> Result<Prover<FixedKeyEngine>, SandboxError> {
    let circuit = circuit::consent();
    let keys = KeyStore::new(folder);
    let bar = stages.begin("keys of consents", 1);
    if !keys.holds_keys() {
        keys.save(circuit, &setup(circuit, &mut OsRng)?)?;
    }
    let engine = keys.engine(circuit, MemoryBudget::SMALL)?;
    bar.inc(1);
    Ok(Prover::new(circuit, engine))
}
