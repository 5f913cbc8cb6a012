//! Who claims what this month.

use crate::error::SandboxError;
use praman_circuits::eligibility::SchemePeriod;
use praman_circuits::period::Day;
use praman_circuits::policy::TierIndex;
use praman_holder::wallet::CredentialFile;
use praman_language::calendar;
use praman_rules::scheme::{ClaimPeriod, Scheme};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha20Rng;

use super::Options;

/// The schemes that are claimed.
const SCHEMES: [&str; 4] = ["annapurna", "old-age-pension", "krishak-bandhu", "manabik"];

/// A scheme in the period that is claimed.
pub(crate) struct DueScheme {
    pub(crate) scheme: Scheme,
    pub(crate) period: ClaimPeriod,
    pub(crate) terms: SchemePeriod,
}

impl DueScheme {
    /// Returns the last day on which its claims are taken: the scheme's, or two days on if a sandbox plays a
    /// later day.
    pub(crate) fn last_day(&self, today: Day) -> Day {
        self.scheme.last_day(self.period).max(Day(today.0 + 2))
    }
}

/// Who claims what.
pub(crate) struct Due {
    pub(crate) schemes: Vec<DueScheme>,
    /// Holder, scheme, tier.
    pub(crate) claims: Vec<(usize, usize, TierIndex)>,
}

/// Returns the first tier whose rules a credential meets.
pub(crate) fn tier_of(file: &CredentialFile, terms: &SchemePeriod) -> Option<TierIndex> {
    let attributes = file.credential().ok()?.attributes;
    let mut tiers = (0..terms.policy.used_tiers()).filter_map(|tier| TierIndex::new(tier as u8));
    tiers.find(|&tier| terms.policy.satisfies(&attributes, tier))
}

/// Returns the claims that are due this month, drawn by the seed, schemes in turn.
pub(crate) fn due_claims(
    credentials: &[CredentialFile],
    options: &Options,
    today: Day,
) -> Result<Due, SandboxError> {
    let date = calendar::date_of(today).expect("today is in the calendar");
    let mut schemes = Vec::with_capacity(SCHEMES.len());
    for id in SCHEMES {
        let scheme = Scheme::shipped(id).expect("its schemes ship");
        let month = format!("{:04}-{:02}", date.year(), date.month());
        let period = scheme
            .parse_period(&month)
            .or_else(|_| scheme.parse_period(&month[..4]))
            .map_err(SandboxError::Month)?;
        // A scheme that is not in force now is not claimed.
        if let Ok(terms) = scheme.in_period(period) {
            schemes.push(DueScheme { scheme, period, terms });
        }
    }
    let mut order: Vec<usize> = (0..credentials.len()).collect();
    order.shuffle(&mut ChaCha20Rng::seed_from_u64(options.seed));
    let mut by_scheme: Vec<Vec<(usize, TierIndex)>> = Vec::new();
    for due in &schemes {
        let tier_of = |&holder: &usize| Some((holder, tier_of(&credentials[holder], &due.terms)?));
        by_scheme.push(order.iter().filter_map(tier_of).collect());
    }
    let longest = by_scheme.iter().map(Vec::len).max().unwrap_or(0);
    let in_turn = (0..longest).flat_map(|turn| {
        by_scheme.iter().enumerate().filter_map(move |(scheme, holders)| {
            holders.get(turn).map(|&(holder, tier)| (holder, scheme, tier))
        })
    });
    let claims = in_turn.take(options.claims).collect();
    Ok(Due { schemes, claims })
}
