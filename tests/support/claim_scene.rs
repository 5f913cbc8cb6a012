//! An open period on a ledger whose key proves anything, so that claims cost nothing to make.

use std::path::Path;

use praman::calendar;
use praman::claim::{Claim, SubmittedClaim};
use praman::claims::{ClaimMachine, Schemes};
use praman::envelope::{self, Payout, TreasuryPublicKey};
use praman::ledger::{JoinedLedger, Ledger, LedgerClaim};
use praman::offices::OfficeStore;
use praman::schema::RESIDENT;
use praman::scheme::ClaimPeriod;
use praman::store::{Location, Store};
use praman_circuits::context::Context;
use praman_circuits::eligibility::{Checkpoint, PUBLIC_INPUTS, PublicInputs, SchemePeriod};
use praman_circuits::nullifier::Nullifier;
use praman_circuits::payee::{Payee, PayeeSalt};
use praman_circuits::payout::{EnvelopeHash, PayoutBlinding, PayoutCommitment, payout};
use praman_circuits::{Fr, circuit};
use praman_testkit::simulation::{SimulatedKey, rerandomised};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use serde_json::json;
use sha2::{Digest, Sha256};

/// An open period, and a key that proves anything.
pub(crate) struct Scene {
    pub(crate) store: Store,
    pub(crate) location: Location,
    pub(crate) key: SimulatedKey,
    pub(crate) rng: ChaCha20Rng,
    pub(crate) context: Context,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) terms: SchemePeriod,
    pub(crate) period: ClaimPeriod,
}

impl Scene {
    pub(crate) async fn open(location: Location) -> Self {
        Self::open_for(location, "old-age-pension", super::month()).await
    }

    /// The same for a scheme's period.
    pub(crate) async fn open_for(location: Location, scheme: &str, period: &str) -> Self {
        let store = Store::connect(&location).await.expect("a store");
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let key = SimulatedKey::draw(PUBLIC_INPUTS, &mut rng);
        OfficeStore(&store).new_office("Block", &RESIDENT, |_| Ok(())).await.expect("an office");
        let mut ledger =
            JoinedLedger::join(&store, &[], key.verifying_key(), praman::EVENT_HANDLERS)
                .await
                .expect("a ledger");
        let state_root = OfficeStore(&store).state_root().await.expect("a root");
        let checkpoint = Checkpoint { state_root, as_of: calendar::today() };
        let offices = OfficeStore(&store).office_states().await.expect("offices");
        ledger.publish_checkpoint(&offices, checkpoint).await.expect("published");
        let schemes = Schemes::shipped();
        let id = scheme.parse().expect("an id");
        let scheme = &schemes.find(&id).expect("shipped").scheme;
        let period = scheme.parse_period(period).expect("a period");
        let terms = scheme.in_period(period).expect("rules");
        ledger.open_period(&terms, period, super::next_week()).await.expect("opened");
        let context = ledger.context();
        Self { store, location, key, rng, context, checkpoint, terms, period }
    }

    pub(crate) fn machine(&self) -> ClaimMachine {
        ClaimMachine::new(&self.store, self.key.verifying_key(), Schemes::shipped(), self.context)
    }

    pub(crate) async fn ledger(&self) -> JoinedLedger {
        JoinedLedger::join(&self.store, &[], self.key.verifying_key(), praman::EVENT_HANDLERS)
            .await
            .expect("a ledger")
    }

    /// A claim of a person, with a payout commitment.
    pub(crate) fn claim(&mut self, person: u64, payout: u64) -> SubmittedClaim {
        let envelope = vec![7; praman::envelope::SEALED_BYTES];
        self.claim_of(person, PayoutCommitment::from_field(Fr::from(payout)), envelope)
    }

    fn claim_of(
        &mut self,
        person: u64,
        payout: PayoutCommitment,
        envelope: Vec<u8>,
    ) -> SubmittedClaim {
        let public = PublicInputs {
            context: self.context,
            checkpoint: self.checkpoint,
            scheme_period: self.terms.clone(),
            nullifier: Nullifier::from_field(Fr::from(person)),
            payout,
            envelope: EnvelopeHash::of(&envelope),
        };
        let proof = self.key.prove(&public.to_fields(), &mut self.rng);
        let ledger = LedgerClaim {
            scheme: self.terms.scheme.clone(),
            period: self.period,
            checkpoint: 0,
            nullifier: public.nullifier,
            payout: public.payout,
            envelope: public.envelope,
            proof,
        };
        SubmittedClaim::new(Claim { ledger, envelope }, self.checkpoint)
    }

    /// A claim of a person with an envelope that a treasury opens to what was committed to.
    pub(crate) fn payable_claim(
        &mut self,
        person: u64,
        treasury: TreasuryPublicKey,
    ) -> SubmittedClaim {
        self.claim_paying(person, (1_000, 10_000 + person), treasury)
    }

    /// The same, of an amount to an account.
    pub(crate) fn claim_paying(
        &mut self,
        person: u64,
        (amount, account): (u32, u64),
        treasury: TreasuryPublicKey,
    ) -> SubmittedClaim {
        let salt = PayeeSalt::from_field(Fr::from(person + 1_000));
        let blinding = PayoutBlinding::from_field(Fr::from(person + 2_000));
        let payee = Payee {
            account: format!("{account:011}"),
            ifsc: "SBIN0000001".to_owned(),
            name: format!("Person {person}"),
        };
        let digest = payee.digest(&salt);
        let contents = Payout::new(amount, payee, &salt, &blinding);
        let envelope = envelope::seal(&contents, treasury).expect("sealed");
        let commitment = payout(amount, digest, EnvelopeHash::of(&envelope), &blinding);
        self.claim_of(person, commitment, envelope)
    }

    /// A folder of keys as a service reads it, without a key to prove with.
    pub(crate) fn write_keys(&self, folder: &Path) {
        std::fs::create_dir_all(folder).expect("a folder");
        let key = format!("{}\n", self.key.verifying_key().to_json());
        let manifest = json!({
            "format": 1,
            "circuit": "eligibility",
            "digest": circuit::eligibility().digest().to_string(),
            "origin": "development",
            "proving_key_sha256": "",
            "verification_key_sha256": hex::encode(Sha256::digest(&key)),
        });
        std::fs::write(folder.join("verification_key.json"), key).expect("written");
        std::fs::write(folder.join("keys.json"), manifest.to_string()).expect("written");
    }

    /// The same claim with its proof in another form.
    pub(crate) fn other_form(&mut self, claim: &SubmittedClaim) -> SubmittedClaim {
        let mut other = claim.claim().clone();
        other.ledger.proof = rerandomised(&other.ledger.proof, &mut self.rng);
        SubmittedClaim::new(other, self.checkpoint)
    }
}
