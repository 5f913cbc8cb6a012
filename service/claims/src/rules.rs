//! What claims are checked against: the schemes of this service, and their terms at a checkpoint.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};

use praman_circuits::context::Context;
use praman_circuits::eligibility::{Checkpoint, PublicInputs, SHARED_INPUTS};
use praman_circuits::nullifier::Nullifier;
use praman_circuits::payout::{EnvelopeHash, PayoutCommitment};
use praman_circuits::scope::SchemeId;
use praman_files::FileError;
use praman_rules::scheme::{ClaimPeriod, SHIPPED, Scheme};
use praman_verifier::{FoldedInputs, PreparedKey};

use super::state::Reason;

/// How many schemes' terms are kept folded: more than are claimed in a state on one day.
const FOLDED_MAX: usize = 1_024;

/// A scheme with the text that it was read from.
pub struct PublishedScheme {
    /// The scheme.
    pub scheme: Scheme,
    /// Its text, which wallets compile for themselves.
    pub text: String,
}

/// Schemes by their ids.
pub struct Schemes(BTreeMap<SchemeId, PublishedScheme>);

impl Schemes {
    /// Returns the schemes that praman ships.
    pub fn shipped() -> Self {
        let read = |(_, text): (&str, &str)| {
            let scheme = Scheme::parse(text).expect("a test compiles every shipped scheme");
            (scheme.id.clone(), PublishedScheme { scheme, text: text.to_owned() })
        };
        Self(SHIPPED.into_iter().map(read).collect())
    }

    /// Reads a folder's `.toml` files.
    ///
    /// # Errors
    /// [`FileError::Malformed`] with file, line and reason; also if two have the same id.
    pub fn read(folder: &Path) -> Result<Self, FileError> {
        let (mut schemes, mut group_schemas) = (BTreeMap::new(), BTreeMap::new());
        let entries = std::fs::read_dir(folder).map_err(FileError::io(folder))?;
        for entry in entries {
            let path = entry.map_err(FileError::io(folder))?.path();
            if path.extension().is_none_or(|extension| extension != "toml") {
                continue;
            }
            let text = praman_files::read_text(&path)?;
            let scheme =
                Scheme::parse(&text).map_err(|error| FileError::malformed(&path, error))?;
            let id = scheme.id.clone();
            for group in scheme.versions.iter().filter_map(|version| version.group.as_ref()) {
                let schema = scheme.schema.name;
                let of_group = *group_schemas.entry(group.clone()).or_insert(schema);
                if of_group != schema {
                    let reason = format!(
                        "excludes_with: the group {group} has schemes of schema {of_group:?}, and this one is \
                         of {schema:?}: a group has one schema, since holders have another secret for each"
                    );
                    return Err(FileError::malformed(&path, reason));
                }
            }
            if schemes.insert(id.clone(), PublishedScheme { scheme, text }).is_some() {
                let reason =
                    format!("another file of the folder has the scheme {id}: remove one of them");
                return Err(FileError::malformed(&path, reason));
            }
        }
        Ok(Self(schemes))
    }

    /// Returns a single scheme.
    pub fn one(scheme: Scheme, text: String) -> Self {
        Self(BTreeMap::from([(scheme.id.clone(), PublishedScheme { scheme, text })]))
    }

    /// Finds a scheme.
    pub fn find(&self, id: &SchemeId) -> Option<&PublishedScheme> {
        self.0.get(id)
    }

    /// Iterates over all schemes, by id.
    pub fn iter(&self) -> impl Iterator<Item = &PublishedScheme> {
        self.0.values()
    }
}

/// What claims of one kind share.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Terms {
    pub(super) scheme: SchemeId,
    pub(super) period: ClaimPeriod,
    pub(super) checkpoint: Checkpoint,
}

/// The rules by which a service verifies.
pub(crate) struct Rules {
    pub(crate) schemes: Schemes,
    pub(crate) key: PreparedKey,
    context: Context,
    folded: Mutex<HashMap<Terms, Arc<FoldedInputs>>>,
}

impl Rules {
    pub(crate) fn new(schemes: Schemes, key: PreparedKey, context: Context) -> Self {
        Self { schemes, key, context, folded: Mutex::default() }
    }

    /// Returns the public inputs that all claims of some terms share, folded into a point once.
    pub(super) fn folded(&self, terms: &Terms) -> Result<Arc<FoldedInputs>, Reason> {
        if let Some(known) = self.cache().get(terms) {
            return Ok(known.clone());
        }
        let published = self.schemes.find(&terms.scheme).ok_or(Reason::SchemeUnknown)?;
        let in_period = published.scheme.in_period(terms.period);
        let public = PublicInputs {
            context: self.context,
            checkpoint: terms.checkpoint,
            scheme_period: in_period.map_err(|_| Reason::PeriodWithoutRules)?,
            // The inputs behind the shared ones are not folded.
            nullifier: Nullifier::from_field(0u64.into()),
            payout: PayoutCommitment::from_field(0u64.into()),
            envelope: EnvelopeHash::from_field(0u64.into()),
        };
        let shared = &public.to_fields()[..SHARED_INPUTS];
        let folded = Arc::new(self.key.fold(shared).map_err(|_| Reason::ProofInvalid)?);
        let mut cache = self.cache();
        if cache.len() >= FOLDED_MAX {
            cache.clear();
        }
        cache.insert(terms.clone(), folded.clone());
        Ok(folded)
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, HashMap<Terms, Arc<FoldedInputs>>> {
        // Its content is consistent even if another thread panicked.
        self.folded.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
