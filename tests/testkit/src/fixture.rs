//! One valid claim, for tests to prove, verify and tamper with.

use ark_bn254::Fr;
use praman_circuits::artefact::{
    AccessMode, Artefact, ConsentSalt, ConsentTree, ConsentsRoot, Frequency, Minute, Purpose,
    RecordTypes, RequesterId,
};
use praman_circuits::attributes::{Attributes, Slot};
use praman_circuits::consent::{Grant, Request};
use praman_circuits::context::{Context, context};
use praman_circuits::credential::{Credential, CredentialSalt, SchemaId};
use praman_circuits::eligibility::{
    Checkpoint, Claimant, PrivateInputs, PublicInputs, SchemePeriod,
};
use praman_circuits::health_record::{
    ContentDigest, HealthRecord, RecordSalt, RecordTree, RecordType, RecordsRoot,
};
use praman_circuits::nullifier::{Nullifier, nullifier};
use praman_circuits::office::{
    OfficeId, OfficeRoot, OfficeTree, StateRoot, StateTree, office_leaf,
};
use praman_circuits::payee::{Payee, PayeeSalt};
use praman_circuits::payout::{EnvelopeHash, PayoutBlinding, PayoutCommitment, payout};
use praman_circuits::period::{Day, Period, PeriodKind};
use praman_circuits::policy::{Clause, GroupSet, Policy, Tier, TierIndex};
use praman_circuits::poseidon;
use praman_circuits::settlement::{Opening, SettledClaim, SettlementContext, settlement_context};
use praman_circuits::subject::{HolderSecret, SubjectBlinding, subject};

/// The chain that the fixture's context names.
pub const CHAIN_ID: u64 = 7_201;

/// The contract that the fixture's context names.
pub const CONTRACT: [u8; 20] = [0x5a; 20];

/// The scheme of the fixture: women (slot 1 = 2) born in a range of days (slot 0); SC or ST
/// (slot 2 = 2 or 3) have a tier of their own; a third tier pays for land (slot 5).
pub fn policy() -> Policy {
    let slot = |number| Slot::new(number).expect("a slot");
    let clause = |number, lo, hi| Clause { slot: slot(number), lo, hi, ..Clause::ALWAYS };
    let clauses = [
        clause(0, 24_000, 36_000),
        clause(1, 2, 2),
        Clause { or_next: true, ..clause(2, 2, 2) },
        clause(2, 3, 3),
        Clause { negate: true, ..clause(4, 0, 0) },
    ];
    let flat = |groups, amount| Tier {
        groups: GroupSet::from_bits(groups),
        rate: 0,
        slot: slot(0),
        floor: amount,
        cap: amount,
    };
    let by_land = Tier {
        groups: GroupSet::from_bits(0b1_0011),
        rate: 100,
        slot: slot(5),
        floor: 4_000,
        cap: 10_000,
    };
    Policy::new(SchemaId(1), &clauses, &[flat(0b1_1011, 1_200), flat(0b1_0011, 1_000), by_land])
        .expect("a valid policy")
}

/// Everything behind a claim, before it is turned into inputs.
pub struct Claim {
    /// Who claims.
    pub claimant: Claimant,
    /// The scheme.
    pub scheme_period: SchemePeriod,
    /// State root and day.
    pub checkpoint: Checkpoint,
    /// The roots of all offices, by number; each may issue schema 1.
    pub offices: Vec<OfficeRoot>,
    /// The tier.
    pub tier: TierIndex,
    /// Hash of the sealed envelope.
    pub envelope: EnvelopeHash,
    /// Blinding of the payout commitment.
    pub payout_blinding: PayoutBlinding,
}

impl Claim {
    /// The claim's public inputs.
    pub fn public(&self) -> PublicInputs {
        let SchemePeriod { period, policy, .. } = &self.scheme_period;
        let credential = &self.claimant.credential;
        let amount = policy.amount(&credential.attributes, self.tier);
        let (context, scope) = (context(CHAIN_ID, CONTRACT), self.scheme_period.scope());
        PublicInputs {
            context,
            checkpoint: self.checkpoint,
            scheme_period: self.scheme_period.clone(),
            nullifier: nullifier(&self.claimant.secret, context, scope, *period),
            payout: payout(amount, credential.payee, self.envelope, &self.payout_blinding),
            envelope: self.envelope,
        }
    }

    /// The public inputs of one of many claims of this opening on a ledger: each has a nullifier,
    /// a payout commitment and an envelope of its own, that no witness belongs to.
    pub fn public_of(&self, context: Context, number: u64) -> PublicInputs {
        let own = |tag: u64| poseidon::hash(&[Fr::from(number), Fr::from(tag)]);
        PublicInputs {
            context,
            nullifier: Nullifier::from_field(own(1)),
            payout: PayoutCommitment::from_field(own(2)),
            envelope: EnvelopeHash::from_field(own(3)),
            ..self.public()
        }
    }

    /// The claim's private inputs.
    pub fn private(&self) -> PrivateInputs {
        PrivateInputs::new(&self.claimant, self.tier, &self.payout_blinding)
    }
}

/// A woman of category SC with 41 decimals of land claims the first tier.
///
/// `number` varies everything secret, so that two claims differ.
pub fn claim(number: u64) -> Claim {
    claim_with(number, |_| {})
}

/// [`claim`] with the credential changed before it is issued.
pub fn claim_with(number: u64, change: impl FnOnce(&mut Credential)) -> Claim {
    let element = |what: u64| praman_circuits::poseidon::hash(&[Fr::from(number), Fr::from(what)]);
    let secret = HolderSecret::from_field(element(1));
    let blinding = SubjectBlinding::from_field(element(2));
    let payee = Payee {
        account: format!("{number:011}"),
        ifsc: "SBIN0000001".to_owned(),
        name: "Ananya Roy".to_owned(),
    };
    let mut credential = Credential {
        schema: SchemaId(1),
        subject: subject(&secret, &blinding),
        issued_on: Day(46_000),
        expires_on: Day(48_000),
        claims_from: Period(1_500),
        salt: CredentialSalt::from_field(element(3)),
        payee: payee.digest(&PayeeSalt::from_field(element(4))),
        attributes: Attributes::new([30_000, 2, 2, 7, 1, 41, 0, 84_000, 3]),
    };
    change(&mut credential);

    let mut offices = OfficeTree::new();
    let neighbours = (0..9).map(|i| element(100 + i));
    let leaves: Vec<Fr> = neighbours.chain([credential.commitment().to_field()]).collect();
    offices.append(&leaves).expect("room");
    let office = OfficeId(3);
    let root = OfficeRoot::from_field(offices.root());
    let mut roots: Vec<OfficeRoot> =
        (0..3).map(|i| OfficeRoot::from_field(element(200 + i))).collect();
    roots.push(root);
    let mut state = StateTree::new();
    let leaves = (0u32..).zip(&roots);
    let leaves = leaves.map(|(i, &root)| office_leaf(OfficeId(i), SchemaId(1), root).to_field());
    state.append(&leaves.collect::<Vec<_>>()).expect("room");

    Claim {
        claimant: Claimant {
            secret,
            blinding,
            credential,
            office,
            office_path: offices.path(9).expect("appended"),
            state_path: state.path(3).expect("appended"),
        },
        scheme_period: SchemePeriod {
            scheme: "lakshmir-bhandar".parse().expect("a scheme id"),
            group: None,
            kind: PeriodKind::Month,
            period: Period(1_517),
            issued_by: Day(46_201),
            policy: policy(),
        },
        checkpoint: Checkpoint {
            state_root: StateRoot::from_field(state.root()),
            as_of: Day(46_200),
        },
        offices: roots,
        tier: TierIndex::new(0).expect("a tier"),
        envelope: EnvelopeHash::of(b"a sealed envelope"),
        payout_blinding: PayoutBlinding::from_field(element(5)),
    }
}

/// The opening that the fixture's settlement is of.
pub fn settled_opening() -> SettlementContext {
    settlement_context(CHAIN_ID, CONTRACT, 3)
}

/// So many claims as a treasury settles them; each seventh is left out.
pub fn settled_claims(count: u64) -> Vec<SettledClaim> {
    let element = |number: u64, what: u64| poseidon::hash(&[number, 2_000 + what].map(Fr::from));
    let claim = |number: u64| {
        let payee = Payee {
            account: format!("{number:011}"),
            ifsc: "SBIN0000001".to_owned(),
            name: "Ananya Roy".to_owned(),
        };
        let opened = Opening {
            amount: 1_000 + 200 * (number % 2) as u32,
            payee: payee.digest(&PayeeSalt::from_field(element(number, 1))),
            envelope: EnvelopeHash::from_field(element(number, 2)),
            blinding: PayoutBlinding::from_field(element(number, 3)),
        };
        let Opening { amount, payee, envelope, ref blinding } = opened;
        let payout = payout(amount, payee, envelope, blinding);
        SettledClaim { payout, opened: (number % 7 != 6).then_some(opened) }
    };
    (0..count).map(claim).collect()
}

/// A grant and the request that it covers: a care team asks for a diagnostic report, twice a day at most.
///
/// `number` varies everything secret.
pub fn grant(number: u64) -> (Grant, Request) {
    grant_with(number, |_, _| {})
}

/// [`grant`] with record and consent changed before the provider keeps them.
pub fn grant_with(
    number: u64,
    change: impl FnOnce(&mut HealthRecord, &mut Artefact),
) -> (Grant, Request) {
    let element = |what: u64| poseidon::hash(&[Fr::from(number), Fr::from(1_000 + what)]);
    let secret = HolderSecret::from_field(element(1));
    let blinding = SubjectBlinding::from_field(element(2));
    let subject = subject(&secret, &blinding);
    let requester = RequesterId::from_field(Fr::from(77u64));
    let mut record = HealthRecord {
        subject,
        record_type: RecordType::DiagnosticReport,
        date: Day(46_100),
        content: ContentDigest::from_field(element(3)),
        salt: RecordSalt::from_field(element(4)),
    };
    let begin = Minute(46_190 * 1_440);
    let mut artefact = Artefact {
        subject,
        requester,
        purpose: Purpose::CareManagement,
        types: RecordTypes::of(&[RecordType::DiagnosticReport, RecordType::Prescription]),
        from: Day(46_000),
        to: Day(46_200),
        valid_from: begin,
        valid_until: Minute(begin.0 + 30 * 1_440),
        erase_at: Minute(begin.0 + 60 * 1_440),
        mode: AccessMode::View,
        frequency: Frequency { window: 1_440, accesses: 2 },
        salt: ConsentSalt::from_field(element(5)),
    };
    change(&mut record, &mut artefact);
    let mut records = RecordTree::new();
    let mut consents = ConsentTree::new();
    let neighbours: Vec<Fr> = (0..9).map(|i| element(100 + i)).collect();
    records.append(&[&neighbours[..], &[record.commitment().to_field()]].concat()).expect("room");
    let consent = artefact.commitment().to_field();
    consents.append(&[&neighbours[..4], &[consent]].concat()).expect("room");
    let request = Request {
        context: context(CHAIN_ID, CONTRACT),
        records: RecordsRoot::from_field(records.root()),
        consents: ConsentsRoot::from_field(consents.root()),
        as_of: Minute(begin.0 + 3 * 1_440 + 500),
        requester,
        purpose: artefact.purpose,
        record_type: record.record_type,
        mode: artefact.mode,
    };
    let record_path = records.path(9).expect("appended");
    let consent_path = consents.path(4).expect("appended");
    (Grant { secret, blinding, record, record_path, artefact, consent_path }, request)
}
