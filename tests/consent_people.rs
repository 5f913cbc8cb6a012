//! Consents and people: erasure, emergencies, what patients see and send, and what lies in the store of them.

use consent_scene::{ConsentScene, publish, request_json};
use jiff::{SignedDuration, Timestamp};
use praman::consent::ConsentFailure;
use praman::consent::{
    ConsentError, ConsentRefusal, ConsentStore, EmergencyScope, GateRefusal, MessageGateway,
    PatientAddress, ReviewOutcome, SignedBy, SignerKey, erasure_message,
};
use praman::language::Language;
use praman_circuits::artefact::RecordTypes;
use praman_circuits::health_record::RecordType;
use uuid::Uuid;

use crate::support::consent_scene;

fn later(hours: i64) -> Timestamp {
    Timestamp::now().checked_add(SignedDuration::from_hours(hours)).expect("in the calendar")
}

#[tokio::test]
async fn erasure_of_given_records_is_ordered_and_the_overdue_are_listed() {
    let mut scene = ConsentScene::open(None).await;
    let withdrawn = scene.consent(0, 3).await;
    let expiring = scene.consent(1, 3).await;
    scene.withdraw(&withdrawn).await;
    let open = ConsentStore(&scene.store).open_erasures(scene.requester).await.expect("listed");
    assert_eq!(open.len(), 1);
    assert_eq!((open[0].consent.as_str(), open[0].reason.as_str()), (withdrawn.id(), "withdrawn"));
    assert!(
        ConsentStore(&scene.store).overdue_erasures(later(71)).await.expect("listed").is_empty()
    );
    assert_eq!(
        ConsentStore(&scene.store).overdue_erasures(later(73)).await.expect("listed").len(),
        1
    );
    // The other's time comes by itself, with its leaf, and leaves other consents' proofs good.
    let changed = ConsentStore(&scene.store).end_what_is_over(later(24 * 31)).await.expect("ended");
    assert_eq!(changed, [expiring.provider()]);
    publish(&scene.store, &mut scene.ledger, expiring.provider()).await.expect("published");
    let state = scene.ledger.consents_state(scene.manager, expiring.provider()).await;
    assert_eq!(state.expect("known").live, 0);
    assert!(
        ConsentStore(&scene.store)
            .end_what_is_over(later(24 * 31))
            .await
            .expect("ended")
            .is_empty()
    );
    let order = ConsentStore(&scene.store).erasure_order(expiring.id()).await.expect("ordered");
    assert_eq!(order.reason, "erase-at");

    let now = Timestamp::now();
    let forged = SignerKey::generate("heart-clinic").sign(&erasure_message(withdrawn.id()));
    let other = scene.requester_key.sign(&erasure_message(expiring.id()));
    for signature in [&forged[..], &other[..], &[]] {
        let refused =
            ConsentStore(&scene.store).confirm_erasure(withdrawn.id(), signature, now).await;
        assert!(matches!(refused, Err(ConsentError::Refused(ConsentRefusal::NotSigned))));
    }
    let signature = scene.requester_key.sign(&erasure_message(withdrawn.id()));
    let confirmed =
        ConsentStore(&scene.store).confirm_erasure(withdrawn.id(), &signature, now).await;
    let first = confirmed.expect("confirmed").confirmed_at;
    let again =
        ConsentStore(&scene.store).confirm_erasure(withdrawn.id(), &signature, later(1)).await;
    assert_eq!(again.expect("confirmed").confirmed_at, first);
    let overdue =
        ConsentStore(&scene.store).overdue_erasures(later(24 * 40)).await.expect("listed");
    assert_eq!(overdue.len(), 1);
    assert_eq!(overdue[0].consent, expiring.id());
    let none = ConsentStore(&scene.store).confirm_erasure("none", &signature, now).await;
    assert!(matches!(none, Err(ConsentError::Refused(ConsentRefusal::NoSuchOrder))));
}

/// What was sent.
#[derive(Default)]
struct Sent(Vec<(String, String)>);

impl MessageGateway for Sent {
    fn send(&mut self, telephone: &str, text: &str) -> Result<(), ConsentFailure> {
        self.0.push((telephone.to_owned(), text.to_owned()));
        Ok(())
    }
}

const TELEPHONE: &str = "+919800000001";

#[tokio::test]
async fn emergency_takes_two_clinicians_a_notice_and_a_review() {
    let scene = ConsentScene::open(None).await;
    let provider = scene.provider(1);
    scene.register(Language::English, TELEPHONE).await;
    let [das, khatun, foreign] = ["Dr. Das", "Dr. Khatun", "Dr. Roy"].map(SignerKey::generate);
    for (at, key) in [(provider, &das), (provider, &khatun), (scene.provider(0), &foreign)] {
        ConsentStore(&scene.store)
            .keep_clinician(at, &key.name, &key.public())
            .await
            .expect("kept");
    }
    let scope = EmergencyScope {
        id: Uuid::new_v4(),
        provider,
        patient: scene.patient.clone(),
        types: RecordTypes::of(&[RecordType::Prescription]),
        reason: "unconscious on arrival, medicines unknown".to_owned(),
        hours: 2,
        tell_later: None,
    };
    let now = Timestamp::now();
    let both = |scope: &EmergencyScope| [&das, &khatun].map(|key| SignedBy::new(key, scope));
    let good = both(&scope);
    let refused = |expected: ConsentRefusal, found: Result<_, ConsentError>| match found {
        Err(ConsentError::Refused(refusal)) => assert_eq!(refusal, expected),
        Err(error) => panic!("{error}"),
        Ok(praman::consent::BreakGlass { .. }) => panic!("opened"),
    };
    // One clinician twice, one of another provider, a signature under another scope.
    let alone = [good[0].clone(), good[0].clone()];
    let found = scene.desk.break_glass(&scope, alone, now).await;
    refused(ConsentRefusal::TwoClinicians, found);
    let with_foreign = [good[0].clone(), SignedBy::new(&foreign, &scope)];
    let found = scene.desk.break_glass(&scope, with_foreign, now).await;
    refused(ConsentRefusal::TwoClinicians, found);
    let mut longer = scope.clone();
    longer.hours = 3;
    refused(
        ConsentRefusal::TwoClinicians,
        scene.desk.break_glass(&longer, good.clone(), now).await,
    );
    for widen in [
        (|scope: &mut EmergencyScope| scope.hours = 25) as fn(&mut EmergencyScope),
        |scope| scope.hours = 0,
        |scope| scope.types = RecordTypes(255),
        |scope| scope.types = RecordTypes(0),
        |scope| scope.reason = "fever".to_owned(),
        |scope| scope.tell_later = Some((73, "the patient would be harmed".to_owned())),
        |scope| scope.tell_later = Some((1, String::new())),
    ] {
        let mut wide = scope.clone();
        widen(&mut wide);
        refused(ConsentRefusal::TooWide, scene.desk.break_glass(&wide, both(&wide), now).await);
    }

    let opened = scene.desk.break_glass(&scope, good.clone(), now).await.expect("opened");
    assert!(opened.covers(RecordType::Prescription, now));
    assert!(!opened.covers(RecordType::Invoice, now));
    assert!(!opened.covers(RecordType::Prescription, later(2)));
    // Sent twice, it is one.
    scene.desk.break_glass(&scope, good, later(1)).await.expect("opened");
    assert_eq!(scene.desk.to_review().await.expect("listed").len(), 1);
    // The patient is told, once, and sees it, and it is not among the consents.
    let mut sent = Sent::default();
    assert_eq!(scene.desk.tell_patients(&mut sent, now).await.expect("told"), 1);
    assert_eq!(scene.desk.tell_patients(&mut sent, now).await.expect("told"), 0);
    assert_eq!(sent.0.len(), 1);
    assert_eq!(sent.0[0].0, TELEPHONE);
    assert!(sent.0[0].1.contains("village-clinic opened your prescriptions in an emergency"));
    let view = scene.desk.view(&scene.patient, &scene.wallet, Language::English, now).await;
    let view = view.expect("a view");
    assert!(view.live.is_empty() && view.ended.is_empty() && view.emergencies.len() == 1);
    assert!(view.to_text().contains("Opened in an emergency, without your consent"));

    // One that is told later is told when its time has come.
    let mut delayed = scope.clone();
    delayed.id = Uuid::new_v4();
    delayed.tell_later = Some((48, "the attacker reads the patient's messages".to_owned()));
    scene.desk.break_glass(&delayed, both(&delayed), now).await.expect("opened");
    assert_eq!(scene.desk.tell_patients(&mut sent, later(47)).await.expect("told"), 0);
    assert_eq!(scene.desk.tell_patients(&mut sent, later(49)).await.expect("told"), 1);

    scene.desk.review(scope.id, ReviewOutcome::Justified, now).await.expect("kept");
    let again = scene.desk.review(scope.id, ReviewOutcome::Unjustified, now).await;
    assert!(matches!(again, Err(ConsentError::Refused(ConsentRefusal::NothingToReview))));
    let waiting = scene.desk.to_review().await.expect("listed");
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].scope.id, delayed.id);
}

#[tokio::test]
async fn patient_sees_gives_and_withdraws_by_sms_in_their_language() {
    let mut scene = ConsentScene::open(None).await;
    scene.register(Language::Bengali, TELEPHONE).await;
    let second = PatientAddress::new("second@praman-cm", "patient").expect("an address");
    let spaced = format!(" {} {}", &TELEPHONE[..6], &TELEPHONE[6..]).parse().expect("the same");
    let taken =
        scene.desk.register_patient(&second, Language::Hindi, Some(&spaced), &scene.wallet).await;
    assert!(taken.is_err());
    scene.receive(&request_json()).await;
    async fn say(scene: &mut ConsentScene, text: &str) -> String {
        let now = Timestamp::now();
        // As another gateway writes the number.
        let telephone = TELEPHONE.trim_start_matches('+');
        let answered = scene.desk.answer(&mut scene.ledger, telephone, text, now).await;
        answered.expect("answered")
    }
    let unknown = scene.desk.answer(&mut scene.ledger, "+91", "CONSENT", Timestamp::now()).await;
    assert!(unknown.expect("answered").contains("not registered"));
    assert!(say(&mut scene, "hello").await.contains("সম্মতি দেখতে CONSENT"));
    let list = say(&mut scene, "সম্মতি").await;
    assert!(list.starts_with("1: heart-clinic, চিকিৎসা ও পরিচর্যা, আপনার YES-এর অপেক্ষায়"), "{list}");
    // One message gives, one takes back.
    let given = say(&mut scene, "YES 1").await;
    assert!(given.contains("1 নম্বরে সম্মতি দেওয়া হল"), "{given}");
    assert!(say(&mut scene, "হ্যাঁ ১").await.contains("আগেই দেওয়া হয়েছে"));
    let view = scene.desk.view_of_telephone(TELEPHONE, Timestamp::now()).await.expect("a view");
    assert_eq!(view.live.len(), 2, "one a provider");
    let consent = view.live[0].kept.file.clone();
    assert!(say(&mut scene, "USED 1").await.contains("ব্যবহার হয়নি"));
    let access = scene.access(&consent, 0).await;
    scene.ask(&access).await.expect("released");
    assert!(say(&mut scene, "ব্যবহার ১").await.contains("একবার ব্যবহার হয়েছে"));
    let late = scene.access(&consent, 1).await;
    assert!(say(&mut scene, "বন্ধ ১").await.contains("ফেরত নেওয়া হল"));
    assert!(say(&mut scene, "STOP 1").await.contains("আগেই ফেরত নেওয়া হয়েছে"));
    assert!(say(&mut scene, "STOP 9").await.contains("9 নেই"));
    assert_eq!(scene.ask(&late).await, Err(GateRefusal::Roots));
    let view = scene.desk.view_of_telephone(TELEPHONE, Timestamp::now()).await.expect("a view");
    assert!(view.live.is_empty());
    assert_eq!(view.ended.iter().map(|seen| seen.uses.len()).sum::<usize>(), 1);
    let page = view.to_html();
    assert!(page.contains("<html lang=\"bn\">") && page.contains("আপনার স্বাস্থ্য-সম্মতি"));
}

#[tokio::test]
async fn patient_data_is_never_in_the_store_in_clear() {
    let mut scene = ConsentScene::open(None).await;
    scene.register(Language::Bengali, TELEPHONE).await;
    let consent = scene.consent(0, 3).await;
    let access = scene.access(&consent, 0).await;
    scene.ask(&access).await.expect("released");
    scene.withdraw(&consent).await;
    scene.store.close().await;
    let secret = praman_circuits::field::to_be_bytes(scene.wallet.secret.expose());
    let decimal = praman_circuits::field::to_decimal(scene.wallet.secret.expose());
    let canaries: [&[u8]; 7] = [
        b"rahima",
        b"9800000001",
        b"Dr. S. Sen",
        b"DiagnosticReport",
        b"troponin",
        &secret,
        decimal.as_bytes(),
    ];
    let mut looked_at = 0;
    for entry in std::fs::read_dir(scene.folder.path()).expect("a folder") {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("readable");
        looked_at += bytes.len();
        for canary in canaries {
            let found = bytes.windows(canary.len()).any(|part| part == canary);
            assert!(!found, "{} in {}", String::from_utf8_lossy(canary), path.display());
        }
    }
    assert!(looked_at > 100_000);
}
