//! What the consent statement is about.

use ark_bn254::Fr;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::access::{AccessNullifier, access_lock, access_nullifier};
use crate::artefact::{
    AccessMode, Artefact, CONSENT_DEPTH, ConsentsRoot, Minute, Purpose, RequesterId, TermFields,
    TermParts, TermWires,
};
use crate::constraint_system::{ConstraintSystem, Num};
use crate::context::Context;
use crate::health_record::{
    HandleBlinding, HealthRecord, RECORD_DEPTH, RecordHandle, RecordType, RecordsRoot,
    record_handle,
};
use crate::merkle::{Path, PathWires};
use crate::subject::{HolderSecret, SubjectBlinding};

/// How many public inputs there are.
pub const PUBLIC_INPUTS: usize = 10;

/// What is asked of a provider, as everyone sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The ledger.
    pub context: Context,
    /// The root of the provider's records.
    pub records: RecordsRoot,
    /// The root of the provider's consents.
    pub consents: ConsentsRoot,
    /// The minute for which everything holds.
    pub as_of: Minute,
    /// Who asks.
    pub requester: RequesterId,
    /// For what.
    pub purpose: Purpose,
    /// For a record of which type.
    pub record_type: RecordType,
    /// What may be done with it.
    pub mode: AccessMode,
}

/// The statement's public inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicInputs {
    /// What is asked.
    pub request: Request,
    /// For which record, as only the provider can read it.
    pub handle: RecordHandle,
    /// The access's nullifier.
    pub nullifier: AccessNullifier,
}

impl PublicInputs {
    /// The inputs in their one order, which [`PublicInputs::names`] names.
    pub fn to_fields(&self) -> [Fr; PUBLIC_INPUTS] {
        let Request { context, records, consents, as_of, requester, .. } = self.request;
        let Request { purpose, record_type, mode, .. } = self.request;
        [
            context.to_field(),
            records.to_field(),
            consents.to_field(),
            Fr::from(as_of.0),
            requester.to_field(),
            Fr::from(purpose.number()),
            Fr::from(record_type.number()),
            Fr::from(mode.number()),
            self.handle.to_field(),
            self.nullifier.to_field(),
        ]
    }

    /// The names of the public inputs that the statement computes of the others and the private ones.
    pub const COMPUTED: [&'static str; 4] =
        ["records_root", "consents_root", "record_handle", "access_nullifier"];

    /// The names of the public inputs, in order.
    pub const fn names() -> [&'static str; PUBLIC_INPUTS] {
        [
            "context",
            "records_root",
            "consents_root",
            "as_of",
            "requester",
            "purpose",
            "record_type",
            "access_mode",
            "record_handle",
            "access_nullifier",
        ]
    }
}

/// A record and a consent of one subject at one provider, with the paths that show them live.
pub struct Grant {
    /// The patient's secret.
    pub secret: HolderSecret,
    /// The blinding of the subject at this provider.
    pub blinding: SubjectBlinding,
    /// The record.
    pub record: HealthRecord,
    /// From the record to the root of records.
    pub record_path: Path<RECORD_DEPTH>,
    /// The consent.
    pub artefact: Artefact,
    /// From the consent to the root of consents.
    pub consent_path: Path<CONSENT_DEPTH>,
}

impl Grant {
    /// Public and private inputs of access `number` of the window that the request falls into.
    pub fn inputs(
        &self,
        request: Request,
        number: u32,
        handle_blinding: &HandleBlinding,
    ) -> (PublicInputs, PrivateInputs) {
        let artefact = &self.artefact;
        // Before the consent begins there is no window: the statement then fails at its validity.
        let window = artefact.frequency.window_of(artefact.valid_from, request.as_of).unwrap_or(0);
        let lock = access_lock(&self.secret, artefact.commitment(), window);
        let public = PublicInputs {
            request,
            handle: record_handle(self.record.commitment(), handle_blinding),
            nullifier: access_nullifier(&lock, request.context, number),
        };
        let private = PrivateInputs {
            secret: self.secret.expose(),
            blinding: self.blinding.expose(),
            record: RecordParts {
                date: Fr::from(self.record.date.0),
                content: self.record.content.expose(),
                salt: self.record.salt.expose(),
            },
            record_path: self.record_path.clone(),
            terms: artefact.terms(),
            consent_path: self.consent_path.clone(),
            window: Fr::from(window),
            number: Fr::from(number),
            handle_blinding: handle_blinding.expose(),
        };
        (public, private)
    }
}

/// A record's private parts.
#[derive(Clone)]
pub(crate) struct RecordParts<T> {
    pub(crate) date: T,
    pub(crate) content: T,
    pub(crate) salt: T,
}

/// The statement's private inputs as field elements; wiped on drop, never printed.
///
/// The form is deliberately untyped: a malicious prover may put any field element anywhere, and the
/// tests do.
#[derive(Clone)]
pub struct PrivateInputs {
    pub(crate) secret: Fr,
    pub(crate) blinding: Fr,
    pub(crate) record: RecordParts<Fr>,
    pub(crate) record_path: Path<RECORD_DEPTH>,
    pub(crate) terms: TermFields,
    pub(crate) consent_path: Path<CONSENT_DEPTH>,
    pub(crate) window: Fr,
    pub(crate) number: Fr,
    pub(crate) handle_blinding: Fr,
}

impl PrivateInputs {
    /// Inputs for a statement that is compiled, not assigned.
    pub(crate) fn blank() -> Self {
        let zero = Fr::from(0u64);
        Self {
            secret: zero,
            blinding: zero,
            record: RecordParts { date: zero, content: zero, salt: zero },
            record_path: Path::new([[zero; 8]; RECORD_DEPTH]),
            terms: TermParts::from_order(|_| zero),
            consent_path: Path::new([[zero; 8]; CONSENT_DEPTH]),
            window: zero,
            number: zero,
            handle_blinding: zero,
        }
    }

    /// Every element that is not on a path, to be tampered with or wiped.
    pub(crate) fn elements_mut(&mut self) -> Vec<&mut Fr> {
        let Self { secret, blinding, record, terms, window, number, handle_blinding, .. } = self;
        let RecordParts { date, content, salt: record_salt } = record;
        let TermParts { types, from, to, valid_from, valid_until, erase_at, .. } = terms;
        let TermParts { window: length, accesses, salt, .. } = terms;
        vec![
            secret,
            blinding,
            date,
            content,
            record_salt,
            types,
            from,
            to,
            valid_from,
            valid_until,
            erase_at,
            length,
            accesses,
            salt,
            window,
            number,
            handle_blinding,
        ]
    }
}

impl Zeroize for PrivateInputs {
    fn zeroize(&mut self) {
        self.elements_mut().into_iter().for_each(Zeroize::zeroize);
        self.record_path.zeroize();
        self.consent_path.zeroize();
    }
}

impl Drop for PrivateInputs {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl ZeroizeOnDrop for PrivateInputs {}

/// The public inputs as wires.
pub(super) struct PublicWires {
    pub(super) context: Num,
    pub(super) records_root: Num,
    pub(super) consents_root: Num,
    pub(super) as_of: Num,
    pub(super) requester: Num,
    pub(super) purpose: Num,
    pub(super) record_type: Num,
    pub(super) mode: Num,
    pub(super) handle: Num,
    pub(super) nullifier: Num,
}

impl PublicWires {
    pub(super) fn make(cs: &mut ConstraintSystem, fields: &[Fr; PUBLIC_INPUTS]) -> Self {
        let [context, records_root, consents_root, as_of, requester, rest @ ..] =
            cs.publics(PublicInputs::names(), fields);
        let [purpose, record_type, mode, handle, nullifier] = rest;
        Self {
            context,
            records_root,
            consents_root,
            as_of,
            requester,
            purpose,
            record_type,
            mode,
            handle,
            nullifier,
        }
    }
}

/// The private inputs as wires.
pub(super) struct PrivateWires {
    pub(super) secret: Num,
    pub(super) blinding: Num,
    pub(super) record: RecordParts<Num>,
    pub(super) record_path: PathWires<RECORD_DEPTH>,
    pub(super) terms: TermWires,
    pub(super) consent_path: PathWires<CONSENT_DEPTH>,
    pub(super) window: Num,
    pub(super) number: Num,
    pub(super) handle_blinding: Num,
}

impl PrivateWires {
    pub(super) fn make(cs: &mut ConstraintSystem, inputs: &PrivateInputs) -> Self {
        let RecordParts { date, content, salt } = &inputs.record;
        let mut terms = inputs.terms.in_order().into_iter();
        Self {
            secret: cs.private("secret", inputs.secret),
            blinding: cs.private("blinding", inputs.blinding),
            record: cs.scope("record", |cs| RecordParts {
                date: cs.private("date", *date),
                content: cs.private("content", *content),
                salt: cs.private("salt", *salt),
            }),
            record_path: cs.scope("record_path", |cs| PathWires::private(cs, &inputs.record_path)),
            terms: cs.scope("consent", |cs| {
                TermParts::from_order(|name| {
                    cs.private(name, *terms.next().expect("there are as many fields as parts"))
                })
            }),
            consent_path: cs
                .scope("consent_path", |cs| PathWires::private(cs, &inputs.consent_path)),
            window: cs.private("window", inputs.window),
            number: cs.private("number", inputs.number),
            handle_blinding: cs.private("handle_blinding", inputs.handle_blinding),
        }
    }
}

/// Private input wires: two of the patient, three of the record, nine of the consent, both paths, window,
/// number and the handle's blinding.
#[cfg(test)]
pub(crate) const PRIVATE_INPUTS: usize = 2 + 3 + 9 + 8 * (RECORD_DEPTH + CONSENT_DEPTH) + 3;
