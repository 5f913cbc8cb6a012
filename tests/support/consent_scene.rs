//! A consent manager, providers, a requester and a patient on an embedded ledger. Proofs are made by a key
//! whose maker kept the secret: whoever checks them has the same work, and a test can prove what is false.

use std::sync::Arc;

use alloy_sol_types::SolCall;
use jiff::Timestamp;
use jiff::civil::date;
use praman::consent::access::{AccessRequest, next_number};
use praman::consent::document::{self, RequestDocument};
use praman::consent::{
    ConsentDesk, ConsentError, ConsentFile, ConsentManager, ConsentStore, EndedAccesses, Gate,
    Narrowing, PatientAddress, RecordFile, SignerKey, Verdict, minute_of, publish_consents,
    publish_records, write_time,
};
use praman::key_store::MasterKey;
use praman::language::Language;
use praman::ledger::{
    EmbeddedLedger, Ledger as _, ManagerNumber, ProviderId, RequesterNumber, history, text_hash,
};
use praman::sealed::Passphrase;
use praman::store::{Location, Store};
use praman::wallet::Wallet;
use praman_circuits::Fr;
use praman_circuits::access::{AccessNullifier, access_lock, access_nullifier};
use praman_circuits::artefact::{AccessMode, Purpose};
use praman_circuits::consent::PUBLIC_INPUTS;
use praman_circuits::health_record::{HandleBlinding, RecordType};
use praman_testkit::simulation::SimulatedKey;
use praman_verifier::contracts::Participants;
use rand::SeedableRng;
use rand::rngs::OsRng;
use rand_chacha::ChaCha20Rng;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

/// Hours from now, in the standard's form.
pub(crate) fn in_hours(hours: i64) -> String {
    let moved = Timestamp::now().checked_add(jiff::SignedDuration::from_hours(hours));
    write_time(moved.expect("in the calendar"))
}

/// A well-formed request.
pub(crate) fn request_json() -> Value {
    json!({
        "requestId": Uuid::new_v4(),
        "timestamp": write_time(Timestamp::now()),
        "consent": {
            "purpose": { "text": "Care Management", "code": "CAREMGT", "refUri": "www.abdm.gov.in" },
            "patient": { "id": "rahima@praman-cm" },
            "hiu": { "id": "heart-clinic" },
            "requester": { "name": "Dr. S. Sen", "identifier": { "type": "REGNO", "value": "WB1" } },
            "hiTypes": ["DiagnosticReport", "Prescription"],
            "permission": {
                "accessMode": "VIEW",
                "dateRange": {
                    "from": "2024-01-01T00:00:00.000Z", "to": "2026-12-31T00:00:00.000Z",
                },
                "dataEraseAt": in_hours(24 * 30),
                "frequency": { "unit": "DAY", "value": 1, "repeats": 3 },
            },
        },
    })
}

/// Puts both roots of a provider on the ledger: what its own program and the consent manager's do.
pub(crate) async fn publish(
    store: &Store,
    ledger: &mut EmbeddedLedger,
    provider: ProviderId,
) -> Result<(), ConsentError> {
    publish_consents(store, ledger, provider).await?;
    publish_records(store, ledger, provider).await
}

pub(crate) struct ConsentScene {
    pub(crate) folder: Arc<TempDir>,
    pub(crate) location: Location,
    pub(crate) store: Store,
    pub(crate) ledger: EmbeddedLedger,
    pub(crate) desk: ConsentDesk,
    pub(crate) key: Arc<SimulatedKey>,
    claims_key: Arc<SimulatedKey>,
    pub(crate) gate: Gate,
    pub(crate) patient: PatientAddress,
    pub(crate) wallet: Wallet,
    pub(crate) manager: ManagerNumber,
    pub(crate) requester: RequesterNumber,
    pub(crate) requester_key: SignerKey,
    /// Each provider with the patient's record there.
    pub(crate) records: Vec<RecordFile>,
}

fn passphrase() -> Passphrase {
    Passphrase::new("a passphrase for tests".to_owned()).expect("not empty")
}

impl ConsentScene {
    /// A scene with its state in a folder, or on a database.
    pub(crate) async fn open(database: Option<String>) -> Self {
        let folder = Arc::new(TempDir::new().expect("a folder"));
        let location = Location::new(folder.path(), database.as_deref()).expect("an address");
        let store = Store::connect(&location).await.expect("a store");
        let mut rng = ChaCha20Rng::seed_from_u64(6);
        let claims_key =
            Arc::new(SimulatedKey::draw(praman_circuits::eligibility::PUBLIC_INPUTS, &mut rng));
        let key = Arc::new(SimulatedKey::draw(PUBLIC_INPUTS, &mut rng));
        let mut ledger =
            EmbeddedLedger::open(&store, claims_key.verifying_key(), praman::EVENT_HANDLERS)
                .await
                .expect("a ledger");
        let path = folder.path().join("master.json");
        let master = MasterKey::new_in_file(&path, &passphrase()).expect("a master key");
        let path = folder.path().join("manager.json");
        let manager = ConsentManager::generate(&path, "praman-cm", &passphrase(), master);
        let desk = ConsentDesk::new(&store, manager.expect("a manager"));
        let number = ledger.admit_manager("praman-cm").await.expect("admitted");
        let public = desk.manager().public();
        ConsentStore(&store).keep_manager(number, "praman-cm", &public).await.expect("kept");
        let gate = Gate::on(&store, key.verifying_key(), &ledger).expect("a gate");
        let requester_key = SignerKey::generate("heart-clinic");
        let requester = ledger.admit_requester("heart-clinic").await.expect("admitted");
        let public = requester_key.public();
        ConsentStore(&store)
            .keep_requester(requester, "heart-clinic", &public)
            .await
            .expect("kept");
        let wallet = Wallet::generate();
        let mut records = Vec::new();
        for name in ["city-laboratory", "village-clinic"] {
            let provider = ledger.admit_provider(name).await.expect("admitted");
            ConsentStore(&store).keep_provider(provider, name).await.expect("kept");
            let subject = wallet.at_provider(provider).subject();
            let day = date(2026, 5, 4);
            let kind = RecordType::DiagnosticReport;
            let record = ConsentStore(&store)
                .add_record(provider, subject, kind, day, b"troponin", |_| Ok(()))
                .await;
            publish(&store, &mut ledger, provider).await.expect("published");
            records.push(record.expect("kept"));
        }
        let patient = PatientAddress::new("rahima@praman-cm", "patient").expect("an address");
        let registered = desk.register_patient(&patient, Language::English, None, &wallet).await;
        registered.expect("registered");
        Self {
            folder,
            location,
            store,
            ledger,
            desk,
            key,
            claims_key,
            gate,
            patient,
            wallet,
            manager: number,
            requester,
            requester_key,
            records,
        }
    }

    /// Another program on the same state: its own connections, ledger and gate.
    pub(crate) async fn replica(&self) -> (Store, EmbeddedLedger, Gate) {
        let store = Store::connect(&self.location).await.expect("a store");
        let ledger =
            EmbeddedLedger::open(&store, self.claims_key.verifying_key(), praman::EVENT_HANDLERS)
                .await;
        let ledger = ledger.expect("a ledger");
        let gate = Gate::on(&store, self.key.verifying_key(), &ledger).expect("a gate");
        (store, ledger, gate)
    }

    pub(crate) fn provider(&self, place: usize) -> ProviderId {
        self.records[place].provider
    }

    /// Registers the patient as one who asks by telephone.
    pub(crate) async fn register(&self, language: Language, telephone: &str) {
        let (patient, wallet) = (&self.patient, &self.wallet);
        let telephone = telephone.parse().expect("a number");
        let registered = self.desk.register_patient(patient, language, Some(&telephone), wallet);
        registered.await.expect("registered");
    }

    /// Takes a request in; its id.
    pub(crate) async fn receive(&self, request: &Value) -> String {
        let document: RequestDocument = document::read(&request.to_string()).expect("a request");
        self.desk.receive(&document, Timestamp::now()).await.expect("taken in").id
    }

    /// A consent to so many accesses a day at a provider, on the ledger.
    pub(crate) async fn consent(&mut self, place: usize, accesses: u32) -> ConsentFile {
        let name = ["city-laboratory", "village-clinic"][place];
        let mut request = request_json();
        request["consent"]["permission"]["frequency"]["repeats"] = json!(accesses);
        let id = self.receive(&request).await;
        let narrowing = Narrowing::none(name);
        let now = Timestamp::now();
        let granted =
            self.desk.grant(&id, &[narrowing], &self.wallet, Language::Bengali, now).await;
        let [consent] = <[ConsentFile; 1]>::try_from(granted.expect("granted"))
            .map_err(|files| files.len())
            .expect("one consent");
        publish(&self.store, &mut self.ledger, consent.provider()).await.expect("published");
        consent
    }

    /// The nullifier of an access now.
    pub(crate) fn nullifier(&self, consent: &ConsentFile, number: u32) -> AccessNullifier {
        let artefact = consent.artefact().expect("an artefact");
        let now = minute_of(Timestamp::now()).expect("in the calendar");
        let window = artefact.frequency.window_of(artefact.valid_from, now).expect("begun");
        let lock = access_lock(&self.wallet.secret, artefact.commitment(), window);
        access_nullifier(&lock, self.ledger.context(), number)
    }

    /// A request for an access against the roots that stand, with a proof.
    pub(crate) async fn access(&self, consent: &ConsentFile, number: u32) -> AccessRequest {
        let record = self.records.iter().find(|record| record.provider == consent.provider());
        let record = record.expect("the patient has a record there").record().expect("a record");
        let (provider, manager) = (consent.provider(), consent.keeper());
        let records = self.ledger.records_state(provider).await.expect("known").root;
        let consents = self.ledger.consents_state(manager, provider).await.expect("known").root;
        let mut request = AccessRequest {
            request_id: Uuid::new_v4(),
            provider,
            manager,
            requester: self.requester,
            purpose: Purpose::CareManagement,
            record_type: record.record_type,
            mode: AccessMode::View,
            as_of: minute_of(Timestamp::now()).expect("in the calendar"),
            records,
            consents,
            record: record.commitment(),
            blinding: HandleBlinding::from_field(Fr::from(5u64)),
            nullifier: self.nullifier(consent, number),
            proof: self.key.prove(&[Fr::from(0u64); PUBLIC_INPUTS], &mut OsRng),
        };
        self.prove_again(&mut request);
        request
    }

    /// Puts a proof under what a request says.
    pub(crate) fn prove_again(&self, request: &mut AccessRequest) {
        let inputs = request.public_inputs(self.ledger.context()).to_fields();
        request.proof = self.key.prove(&inputs, &mut OsRng);
    }

    /// What the gate says of a request.
    pub(crate) async fn ask(&mut self, request: &AccessRequest) -> Verdict {
        self.ask_at(request, Timestamp::now()).await
    }

    pub(crate) async fn ask_at(&mut self, request: &AccessRequest, at: Timestamp) -> Verdict {
        let one = std::slice::from_ref(request);
        let verdicts = self.gate.release(&mut self.ledger, one, at).await.expect("a verdict");
        verdicts.into_iter().next().expect("one verdict")
    }

    /// Withdraws a consent, on the ledger too.
    pub(crate) async fn withdraw(&mut self, consent: &ConsentFile) {
        let provider = self.desk.withdraw(consent.id(), Timestamp::now()).await.expect("withdrawn");
        publish(&self.store, &mut self.ledger, provider).await.expect("published");
    }

    /// Ends what is left of a consent on the ledger, without the consent manager; how many accesses.
    pub(crate) async fn withdraw_directly(&mut self, consent: &ConsentFile) -> usize {
        let ended = EndedAccesses::of(&self.wallet, consent, Timestamp::now()).expect("left");
        let mut count = 0;
        for part in &ended.parts {
            count += part.bring(&mut self.ledger).await.expect("brought");
        }
        count
    }

    pub(crate) async fn next_number(&self, consent: &ConsentFile) -> u32 {
        let next = next_number(&self.store, &self.wallet, consent, Timestamp::now()).await;
        next.expect("told")
    }

    /// The ledger's history, which must have no fault.
    pub(crate) async fn history(&self) -> history::History {
        let (_, mut ledger, _) = self.replica().await;
        let history = history::verify(&mut ledger.network, None).await.expect("replayed");
        assert!(history.faults.is_empty(), "{:?}", history.faults);
        history
    }
}

/// Bars a participant of an embedded ledger, or lets it in again.
pub(crate) async fn bar(ledger: &mut EmbeddedLedger, id: u32, barred: bool) {
    let now = Timestamp::now().as_second() as u64;
    let reason = text_hash("a test");
    let call = if barred {
        Participants::barCall {
            id,
            debarment: true,
            reason,
            order: reason,
            from: now - 1,
            until: now + 86_400,
            appealBy: now + 30 * 86_400,
        }
        .abi_encode()
    } else {
        Participants::liftCall { id, reason }.abi_encode()
    };
    let members = ledger.actors.members.clone();
    let target = ledger.network.addresses.participants;
    ledger.network.committee(&members, target, call, reason).await.expect("carried");
}
