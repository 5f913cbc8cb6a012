//! What the eligibility statement is about.

use ark_bn254::Fr;
use ark_ff::Zero;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::constraint_system::{ConstraintSystem, Num};
use crate::context::Context;
use crate::credential::{Credential, CredentialFields, CredentialParts, CredentialWires};
use crate::merkle::{Path, PathWires};
use crate::nullifier::Nullifier;
use crate::office::{OFFICE_DEPTH, OfficeId, STATE_DEPTH, StateRoot};
use crate::payout::{EnvelopeHash, PayoutBlinding, PayoutCommitment};
use crate::period::{Day, Period, PeriodKind};
use crate::policy::{
    CLAUSES, ClauseParts, Policy, PolicyFields, PolicyParts, TIERS, TierIndex, TierParts,
};
use crate::scope::{GroupId, SchemeId, Scope, scope};
use crate::subject::{HolderSecret, SubjectBlinding};

/// The edition of the statement. Nullifiers of another edition are others, so a period that was opened under
/// one edition must never open under another.
pub const EDITION: u8 = 2;

/// Public inputs that all claims of one scheme, period and checkpoint share.
pub const SHARED_INPUTS: usize = 8 + 5 * CLAUSES + 5 * TIERS;

/// Public inputs of a claim's own: nullifier, payout commitment and the envelope's hash.
pub const OWN_INPUTS: usize = 3;

/// All public inputs: the shared ones and a claim's own.
pub const PUBLIC_INPUTS: usize = SHARED_INPUTS + OWN_INPUTS;

/// The state root that claims are made against, and the day it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Checkpoint {
    /// Root of the state tree.
    pub state_root: StateRoot,
    /// The day on which credentials must be valid.
    pub as_of: Day,
}

/// A scheme in one of its periods, with the policy that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemePeriod {
    /// The scheme.
    pub scheme: SchemeId,
    /// The group of schemes of which a person claims one in a period, if it is in one.
    pub group: Option<GroupId>,
    /// What kind of period it is.
    pub kind: PeriodKind,
    /// The period.
    pub period: Period,
    /// The day by which a credential must have been issued to claim for this period.
    pub issued_by: Day,
    /// The scheme's policy in this period.
    pub policy: Policy,
}

impl SchemePeriod {
    /// Within what a person claims once in this period.
    pub fn scope(&self) -> Scope {
        scope(&self.scheme, self.group.as_ref(), self.kind)
    }
}

/// The statement's public inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicInputs {
    /// The ledger.
    pub context: Context,
    /// State root and day.
    pub checkpoint: Checkpoint,
    /// Scheme, period and policy.
    pub scheme_period: SchemePeriod,
    /// The claim's nullifier.
    pub nullifier: Nullifier,
    /// The claim's payout commitment.
    pub payout: PayoutCommitment,
    /// The hash of the claim's sealed envelope.
    pub envelope: EnvelopeHash,
}

impl PublicInputs {
    /// The inputs in their one order, which [`PublicInputs::names`] names.
    pub fn to_fields(&self) -> [Fr; PUBLIC_INPUTS] {
        let SchemePeriod { scheme, period, issued_by, policy, .. } = &self.scheme_period;
        PublicParts {
            context: self.context.to_field(),
            state_root: self.checkpoint.state_root.to_field(),
            as_of: Fr::from(self.checkpoint.as_of.0),
            scheme: scheme.to_field(),
            scope: self.scheme_period.scope().to_field(),
            period: Fr::from(period.0),
            issued_by: Fr::from(issued_by.0),
            policy: policy.to_fields(),
            nullifier: self.nullifier.to_field(),
            payout: self.payout.to_field(),
            envelope: self.envelope.to_field(),
        }
        .in_order()
    }

    /// The names of the public inputs that the statement computes of the others and the private ones.
    pub const COMPUTED: [&'static str; 3] = ["state_root", "nullifier", "payout_commitment"];

    /// The names of the public inputs, in order.
    pub fn names() -> Vec<String> {
        let mut names = Vec::with_capacity(PUBLIC_INPUTS);
        PublicParts::try_from_order(|name| {
            names.push(name.to_owned());
            Some(())
        });
        names
    }
}

/// Who claims, and the paths that show their credential live.
pub struct Claimant {
    /// The holder's secret.
    pub secret: HolderSecret,
    /// The blinding of this credential's subject.
    pub blinding: SubjectBlinding,
    /// The credential.
    pub credential: Credential,
    /// The office that issued it.
    pub office: OfficeId,
    /// From the credential to the office's root.
    pub office_path: Path<OFFICE_DEPTH>,
    /// From the office's leaf to the state root.
    pub state_path: Path<STATE_DEPTH>,
}

/// The statement's private inputs as field elements; wiped on drop, never printed.
///
/// The form is deliberately untyped: a malicious prover may put any field element anywhere, and the
/// tests do.
#[derive(Clone)]
pub struct PrivateInputs {
    pub(crate) secret: Fr,
    pub(crate) blinding: Fr,
    pub(crate) credential: CredentialFields,
    pub(crate) office: Fr,
    pub(crate) office_path: Path<OFFICE_DEPTH>,
    pub(crate) state_path: Path<STATE_DEPTH>,
    pub(crate) tier_choice: [Fr; TIERS - 1],
    pub(crate) payout_blinding: Fr,
}

impl PrivateInputs {
    /// The private inputs of a claim to a tier.
    pub fn new(claimant: &Claimant, tier: TierIndex, payout_blinding: &PayoutBlinding) -> Self {
        let Claimant { secret, blinding, credential, office, office_path, state_path } = claimant;
        Self {
            secret: secret.expose(),
            blinding: blinding.expose(),
            credential: CredentialFields {
                subject: credential.subject.to_field(),
                issued_on: Fr::from(credential.issued_on.0),
                expires_on: Fr::from(credential.expires_on.0),
                claims_from: Fr::from(credential.claims_from.0),
                salt: credential.salt.expose(),
                payee: credential.payee.to_field(),
                attributes: credential.attributes.to_fields(),
            },
            office: Fr::from(office.0),
            office_path: office_path.clone(),
            state_path: state_path.clone(),
            tier_choice: std::array::from_fn(|i| Fr::from(i == tier.number() as usize)),
            payout_blinding: payout_blinding.expose(),
        }
    }

    /// Zeros everywhere: for compiling the constraints, which depend on no value.
    pub(crate) fn blank() -> Self {
        let zero = Fr::zero();
        Self {
            secret: zero,
            blinding: zero,
            credential: CredentialParts {
                subject: zero,
                issued_on: zero,
                expires_on: zero,
                claims_from: zero,
                salt: zero,
                payee: zero,
                attributes: [zero; 9],
            },
            office: zero,
            office_path: Path::new([[zero; 8]; OFFICE_DEPTH]),
            state_path: Path::new([[zero; 8]; STATE_DEPTH]),
            tier_choice: [zero; TIERS - 1],
            payout_blinding: zero,
        }
    }

    /// Every single element with its name, for tests that tamper with one at a time.
    #[cfg(test)]
    pub(crate) fn elements_mut(&mut self) -> Vec<(String, &mut Fr)> {
        let credential = &mut self.credential;
        let mut elements = vec![
            ("secret".to_owned(), &mut self.secret),
            ("blinding".to_owned(), &mut self.blinding),
            ("subject".to_owned(), &mut credential.subject),
            ("issued_on".to_owned(), &mut credential.issued_on),
            ("expires_on".to_owned(), &mut credential.expires_on),
            ("claims_from".to_owned(), &mut credential.claims_from),
            ("salt".to_owned(), &mut credential.salt),
            ("payee".to_owned(), &mut credential.payee),
            ("office".to_owned(), &mut self.office),
            ("payout_blinding".to_owned(), &mut self.payout_blinding),
        ];
        for (slot, attribute) in credential.attributes.iter_mut().enumerate() {
            elements.push((format!("attribute{slot}"), attribute));
        }
        for (tier, chosen) in self.tier_choice.iter_mut().enumerate() {
            elements.push((format!("tier_choice{tier}"), chosen));
        }
        let office = self.office_path.children_mut().iter_mut().flatten();
        for (place, child) in office.enumerate() {
            elements.push((format!("office_path.level{}.child{}", place / 8, place % 8), child));
        }
        let state = self.state_path.children_mut().iter_mut().flatten();
        for (place, child) in state.enumerate() {
            elements.push((format!("state_path.level{}.child{}", place / 8, place % 8), child));
        }
        elements
    }
}

impl Zeroize for PrivateInputs {
    fn zeroize(&mut self) {
        // Taken apart in full, so that a new part is not forgotten.
        let Self {
            secret,
            blinding,
            credential,
            office,
            office_path,
            state_path,
            tier_choice,
            payout_blinding,
        } = self;
        let CredentialParts {
            subject,
            issued_on,
            expires_on,
            claims_from,
            salt,
            payee,
            attributes,
        } = credential;
        let single = [
            secret,
            blinding,
            subject,
            issued_on,
            expires_on,
            claims_from,
            salt,
            payee,
            office,
            payout_blinding,
        ];
        single.into_iter().for_each(Zeroize::zeroize);
        attributes.zeroize();
        tier_choice.zeroize();
        office_path.zeroize();
        state_path.zeroize();
    }
}

impl Drop for PrivateInputs {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl ZeroizeOnDrop for PrivateInputs {}

/// The public inputs as field elements or wires. Their order is fixed here: by name in
/// `try_from_order`, and the other way in `in_order`, which a test holds to it.
pub(super) struct PublicParts<T> {
    pub(super) context: T,
    pub(super) state_root: T,
    pub(super) as_of: T,
    pub(super) scheme: T,
    pub(super) scope: T,
    pub(super) period: T,
    pub(super) issued_by: T,
    pub(super) policy: PolicyParts<T>,
    pub(super) nullifier: T,
    pub(super) payout: T,
    pub(super) envelope: T,
}

impl<T> PublicParts<T> {
    /// Reads the parts in their order, each by its name.
    fn try_from_order(mut next: impl FnMut(&str) -> Option<T>) -> Option<Self> {
        let (context, state_root, as_of) = (next("context")?, next("state_root")?, next("as_of")?);
        let (scheme, scope, period) = (next("scheme")?, next("scope")?, next("period")?);
        let (issued_by, schema) = (next("issued_by")?, next("schema")?);
        let mut clauses = Vec::with_capacity(CLAUSES);
        for number in 0..CLAUSES {
            let mut part = |name: &str| next(&format!("clause{number}.{name}"));
            clauses.push(ClauseParts {
                slot: part("slot")?,
                lo: part("lo")?,
                hi: part("hi")?,
                negate: part("negate")?,
                or_next: part("or_next")?,
            });
        }
        let mut tiers = Vec::with_capacity(TIERS);
        for number in 0..TIERS {
            let mut part = |name: &str| next(&format!("tier{number}.{name}"));
            tiers.push(TierParts {
                groups: part("groups")?,
                rate: part("rate")?,
                slot: part("slot")?,
                floor: part("floor")?,
                cap: part("cap")?,
            });
        }
        let policy = PolicyParts {
            schema,
            clauses: clauses.try_into().ok()?,
            tiers: tiers.try_into().ok()?,
        };
        Some(Self {
            context,
            state_root,
            as_of,
            scheme,
            scope,
            period,
            issued_by,
            policy,
            nullifier: next("nullifier")?,
            payout: next("payout_commitment")?,
            envelope: next("envelope_hash")?,
        })
    }
}

impl PublicParts<Fr> {
    pub(super) fn from_fields(fields: &[Fr; PUBLIC_INPUTS]) -> Self {
        let mut fields = fields.iter();
        Self::try_from_order(|_| fields.next().copied()).expect("there are as many fields as parts")
    }

    fn in_order(&self) -> [Fr; PUBLIC_INPUTS] {
        let PolicyFields { schema, clauses, tiers } = &self.policy;
        let mut fields = vec![self.context, self.state_root, self.as_of, self.scheme, self.scope];
        fields.extend([self.period, self.issued_by, *schema]);
        fields.extend(clauses.iter().flat_map(|c| [c.slot, c.lo, c.hi, c.negate, c.or_next]));
        fields.extend(tiers.iter().flat_map(|t| [t.groups, t.rate, t.slot, t.floor, t.cap]));
        fields.extend([self.nullifier, self.payout, self.envelope]);
        fields.try_into().expect("there are as many parts as fields")
    }
}

/// The public inputs as wires.
pub(super) type PublicWires = PublicParts<Num>;

impl PublicWires {
    pub(super) fn make(cs: &mut ConstraintSystem, fields: &[Fr; PUBLIC_INPUTS]) -> Self {
        let mut fields = fields.iter();
        Self::try_from_order(|name| fields.next().map(|&field| cs.public(name, field)))
            .expect("there are as many fields as parts")
    }
}

/// The private inputs as wires.
pub(super) struct PrivateWires {
    pub(super) secret: Num,
    pub(super) blinding: Num,
    pub(super) credential: CredentialWires,
    pub(super) office: Num,
    pub(super) office_path: PathWires<OFFICE_DEPTH>,
    pub(super) state_path: PathWires<STATE_DEPTH>,
    pub(super) tier_choice: [Num; TIERS - 1],
    pub(super) payout_blinding: Num,
}

impl PrivateWires {
    pub(super) fn make(cs: &mut ConstraintSystem, inputs: &PrivateInputs) -> Self {
        let credential = &inputs.credential;
        Self {
            secret: cs.private("secret", inputs.secret),
            blinding: cs.private("blinding", inputs.blinding),
            credential: CredentialParts {
                subject: cs.private("subject", credential.subject),
                issued_on: cs.private("issued_on", credential.issued_on),
                expires_on: cs.private("expires_on", credential.expires_on),
                claims_from: cs.private("claims_from", credential.claims_from),
                salt: cs.private("salt", credential.salt),
                payee: cs.private("payee", credential.payee),
                attributes: std::array::from_fn(|slot| {
                    cs.indexed_scope("attribute", slot, |cs| {
                        cs.private("value", credential.attributes[slot])
                    })
                }),
            },
            office: cs.private("office", inputs.office),
            office_path: cs.scope("office_path", |cs| PathWires::private(cs, &inputs.office_path)),
            state_path: cs.scope("state_path", |cs| PathWires::private(cs, &inputs.state_path)),
            tier_choice: std::array::from_fn(|tier| {
                cs.indexed_scope("tier", tier, |cs| cs.private("chosen", inputs.tier_choice[tier]))
            }),
            payout_blinding: cs.private("payout_blinding", inputs.payout_blinding),
        }
    }
}

/// Private input wires: two of the holder, fifteen of the credential, the office, its paths, the
/// tier and the payout's blinding.
#[cfg(test)]
pub(crate) const PRIVATE_INPUTS: usize =
    2 + 15 + 1 + 8 * (OFFICE_DEPTH + STATE_DEPTH) + (TIERS - 1) + 1;
