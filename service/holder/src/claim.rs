//! A claim: prepared and proved on the holder's side, checked and accepted on the state's.

use std::path::Path;

use ark_ff::UniformRand;
use praman_circuits::Fr;
use praman_circuits::circuit::{self, Witness};
use praman_circuits::context::Context;
use praman_circuits::eligibility::{
    Checkpoint, Claimant, PrivateInputs, PublicInputs, SchemePeriod, check,
};
use praman_circuits::merkle::Path as TreePath;
use praman_circuits::nullifier::{Nullifier, nullifier};
use praman_circuits::office::{OFFICE_DEPTH, STATE_DEPTH};
use praman_circuits::payout::{EnvelopeHash, PayoutBlinding, PayoutCommitment, payout};
use praman_circuits::period::Period;
use praman_circuits::policy::TierIndex;
use praman_circuits::scope::SchemeId;
use praman_files::{self as files, FileError};
use praman_rules::scheme::ClaimPeriod;
use praman_verifier::{Proof, ReadError};
use rand::rngs::OsRng;
use serde::{Deserialize, Serialize};

use crate::HolderError;
use crate::envelope::{self, Payout, TreasuryPublicKey};
use crate::snapshot::{Snapshot, office_path};
use crate::wallet::{CredentialFile, Wallet};

/// What all claims of one scheme, period and snapshot share.
pub struct ClaimTerms<'a> {
    /// The ledger that the claims are for.
    pub context: Context,
    /// State root and day.
    pub checkpoint: Checkpoint,
    /// Scheme, period and policy.
    pub scheme: &'a SchemePeriod,
    /// The key that envelopes are sealed to.
    pub treasury: TreasuryPublicKey,
}

/// The paths from a credential to the state root.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialPaths {
    /// From the credential to its office's root.
    pub office: TreePath<OFFICE_DEPTH>,
    /// From the office's leaf to the state root.
    pub state: TreePath<STATE_DEPTH>,
}

impl CredentialPaths {
    /// Finds the paths of a credential in a snapshot.
    ///
    /// # Errors
    /// [`HolderError::Unfit`] if the snapshot lacks its office's tree, [`HolderError::Tree`] if it lacks its
    /// place.
    pub fn find(file: &CredentialFile, snapshot: &Snapshot) -> Result<Self, HolderError> {
        Ok(Self {
            office: office_path(snapshot.office_tree(file.office)?, file.position)?,
            state: snapshot.state_path(file.office)?,
        })
    }
}

/// A claim that is true and ready to be proved.
pub struct PreparedClaim {
    /// The public inputs.
    pub public: PublicInputs,
    /// The witness.
    pub witness: Witness,
    /// The sealed envelope.
    pub envelope: Vec<u8>,
}

impl ClaimTerms<'_> {
    /// Returns the one nullifier of a wallet under these terms: it is spent once the wallet's holder was paid for
    /// this period, by this scheme or by one that excludes it.
    pub fn nullifier(&self, wallet: &Wallet) -> Nullifier {
        nullifier(&wallet.secret, self.context, self.scheme.scope(), self.scheme.period)
    }

    /// Prepares a holder's claim to a tier.
    ///
    /// # Errors
    /// [`HolderError::Untrue`] with the clause of the statement that does not hold.
    pub fn prepare(
        &self,
        file: &CredentialFile,
        wallet: &Wallet,
        tier: TierIndex,
        paths: CredentialPaths,
    ) -> Result<PreparedClaim, HolderError> {
        let credential = file.credential().map_err(HolderError::Credential)?;
        let payee_salt = file.payee_salt().map_err(HolderError::Credential)?;
        let amount = self.scheme.policy.amount(&credential.attributes, tier);
        let blinding = PayoutBlinding::from_field(Fr::rand(&mut OsRng));
        let mut contents = Payout::new(amount, file.payee().clone(), &payee_salt, &blinding);
        if let Some(signature) = file.payee_signature() {
            contents = contents.registered_by(file.office, signature);
        }
        let envelope = envelope::seal(&contents, self.treasury)?;
        let hash = EnvelopeHash::of(&envelope);
        let public = PublicInputs {
            context: self.context,
            checkpoint: self.checkpoint,
            scheme_period: self.scheme.clone(),
            nullifier: self.nullifier(wallet),
            payout: payout(amount, credential.payee, hash, &blinding),
            envelope: hash,
        };
        let claimant = Claimant {
            secret: wallet.secret.clone(),
            blinding: wallet.blinding.clone(),
            credential,
            office: file.office,
            office_path: paths.office,
            state_path: paths.state,
        };
        let private = PrivateInputs::new(&claimant, tier, &blinding);
        let fields = public.to_fields();
        check(&fields, &private)?;
        let witness = circuit::eligibility_witness(&fields, &private);
        Ok(PreparedClaim { public, witness, envelope })
    }
}

/// A claim in the ledger's form. It names no person.
#[derive(Clone, Debug)]
pub struct LedgerClaim {
    /// The scheme.
    pub scheme: SchemeId,
    /// Its period.
    pub period: ClaimPeriod,
    /// The number of the checkpoint that the proof was made against.
    pub checkpoint: u64,
    /// The claim's nullifier.
    pub nullifier: Nullifier,
    /// The claim's payout commitment.
    pub payout: PayoutCommitment,
    /// The hash of the claim's sealed envelope.
    pub envelope: EnvelopeHash,
    /// The proof.
    pub proof: Proof,
}

/// A claim as it is submitted.
#[derive(Clone)]
pub struct Claim {
    /// What the ledger takes.
    pub ledger: LedgerClaim,
    /// What the treasury opens.
    pub envelope: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClaimFile {
    format: String,
    scheme: SchemeId,
    period: Period,
    window: Period,
    state_root: praman_circuits::office::StateRoot,
    as_of: praman_circuits::period::Day,
    nullifier: Nullifier,
    payout_commitment: PayoutCommitment,
    envelope: String,
    proof: serde_json::Value,
}

const CLAIM_FORMAT: &str = "praman-claim-2";

impl PreparedClaim {
    /// Returns the claim with its proof, for a checkpoint of a ledger.
    pub fn into_claim(self, period: ClaimPeriod, checkpoint: u64, proof: Proof) -> Claim {
        let PublicInputs { scheme_period, nullifier, payout, envelope, .. } = &self.public;
        let scheme = scheme_period.scheme.clone();
        let (nullifier, payout, envelope) = (*nullifier, *payout, *envelope);
        let ledger = LedgerClaim { scheme, period, checkpoint, nullifier, payout, envelope, proof };
        Claim { ledger, envelope: self.envelope }
    }

    /// Writes the claim's file. It holds nothing that names the holder.
    ///
    /// # Errors
    /// [`HolderError::File`].
    pub fn save(self, path: &Path, period: ClaimPeriod, proof: &Proof) -> Result<(), HolderError> {
        let checkpoint = self.public.checkpoint;
        let claim = SubmittedClaim::new(self.into_claim(period, 0, proof.clone()), checkpoint);
        Ok(files::write(path, format!("{}\n", claim.to_json()).as_bytes())?)
    }
}

/// A submitted claim, with the state it was proved against.
#[derive(Clone)]
pub struct SubmittedClaim {
    claim: Claim,
    checkpoint: Checkpoint,
}

/// Why a text is not a claim.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimFault {
    /// It does not have the form of a claim.
    #[error("{0}")]
    Form(String),
    /// The proof is invalid.
    #[error("proof: {0}")]
    Proof(ReadError),
}

impl SubmittedClaim {
    /// Creates a claim against a state. The envelope's hash is that of the envelope, whatever the claim says: a
    /// proof holds with no other.
    pub fn new(mut claim: Claim, checkpoint: Checkpoint) -> Self {
        claim.ledger.envelope = EnvelopeHash::of(&claim.envelope);
        Self { claim, checkpoint }
    }

    /// Creates a claim whose proof was checked and whose envelope is kept elsewhere.
    pub fn without_envelope(ledger: LedgerClaim, checkpoint: Checkpoint) -> Self {
        Self { claim: Claim { ledger, envelope: Vec::new() }, checkpoint }
    }

    /// Reads a claim's file.
    ///
    /// # Errors
    /// [`HolderError::File`] for a file that is not a claim; [`HolderError::Proof`] for an invalid proof.
    pub fn read(path: &Path) -> Result<Self, HolderError> {
        Self::from_json(&files::read_text(path)?).map_err(|fault| match fault {
            ClaimFault::Form(reason) => FileError::malformed(path, reason).into(),
            ClaimFault::Proof(fault) => HolderError::Proof { path: path.to_owned(), fault },
        })
    }

    /// Reads a claim as [`PreparedClaim::save`] writes it.
    ///
    /// # Errors
    /// [`ClaimFault`] naming line and member.
    pub fn from_json(text: &str) -> Result<Self, ClaimFault> {
        let file: ClaimFile = serde_json::from_str(text)
            .map_err(|error| ClaimFault::Form(files::json_fault(&error)))?;
        let form = |reason: &str| ClaimFault::Form(reason.to_owned());
        if file.format != CLAIM_FORMAT {
            return Err(form("not a claim in a known format"));
        }
        let proof = Proof::from_json(&file.proof.to_string()).map_err(ClaimFault::Proof)?;
        let envelope =
            hex::decode(&file.envelope).map_err(|_| form("envelope is not hexadecimal"))?;
        let ledger = LedgerClaim {
            scheme: file.scheme,
            period: ClaimPeriod { period: file.period, window: file.window },
            checkpoint: 0,
            nullifier: file.nullifier,
            payout: file.payout_commitment,
            // The proof is of this hash: it is refused with any other envelope.
            envelope: EnvelopeHash::of(&envelope),
            proof,
        };
        let checkpoint = Checkpoint { state_root: file.state_root, as_of: file.as_of };
        Ok(Self::new(Claim { ledger, envelope }, checkpoint))
    }

    /// Writes it as [`SubmittedClaim::from_json`] reads it.
    pub fn to_json(&self) -> String {
        let Claim { ledger, envelope } = &self.claim;
        let file = ClaimFile {
            format: CLAIM_FORMAT.to_owned(),
            scheme: ledger.scheme.clone(),
            period: ledger.period.period,
            window: ledger.period.window,
            state_root: self.checkpoint.state_root,
            as_of: self.checkpoint.as_of,
            nullifier: ledger.nullifier,
            payout_commitment: ledger.payout,
            envelope: hex::encode(envelope),
            proof: serde_json::from_str(&ledger.proof.to_json()).expect("a proof's JSON is JSON"),
        };
        serde_json::to_string_pretty(&file).expect("a claim is plain data")
    }

    /// Returns the claim, without the number of a checkpoint.
    pub fn claim(&self) -> &Claim {
        &self.claim
    }

    /// Returns the scheme claimed for.
    pub fn scheme(&self) -> &SchemeId {
        &self.claim.ledger.scheme
    }

    /// Returns the period claimed for.
    pub fn period(&self) -> ClaimPeriod {
        self.claim.ledger.period
    }

    /// Returns the state that the claim was proved against.
    pub fn checkpoint(&self) -> Checkpoint {
        self.checkpoint
    }
}
