//! Whom a scheme would reach, without revealing any person.

use std::collections::BTreeMap;

use praman_circuits::eligibility::SchemePeriod;
use praman_circuits::policy::TierIndex;
use praman_holder::wallet::CredentialFile;
use praman_register::{District, Person, small_cells};
use serde::Serialize;

/// Whom a scheme would reach.
#[derive(Debug, Default, Serialize)]
pub struct Impact {
    /// How many people were checked.
    pub people: usize,
    /// How many meet the rules of any tier.
    pub eligible: usize,
    /// What it would cost if they all claimed, in rupees a period.
    pub rupees: u64,
    /// By tier, from 0.
    pub tiers: BTreeMap<u8, usize>,
    /// By district: how many were checked and how many meet the rules; none if these are few.
    pub districts: BTreeMap<String, Affected>,
}

/// How many in a district are reached.
#[derive(Debug, Default, Serialize, PartialEq, Eq)]
pub struct Affected {
    /// How many were checked.
    pub people: usize,
    /// How many meet the rules; none if they are too few to show.
    pub eligible: Option<usize>,
}

fn name_of(district: District) -> &'static str {
    let known = District::ALL.iter().find(|(known, _)| *known == district);
    known.map_or("", |(_, name)| name)
}

impl Impact {
    /// Returns the impact on people with credentials, given those who meet the rules, with the tier.
    pub(super) fn of(
        people: &[Person],
        credentials: &[CredentialFile],
        eligible: &[(usize, TierIndex)],
        terms: &SchemePeriod,
    ) -> Self {
        let mut impact =
            Self { people: credentials.len(), eligible: eligible.len(), ..Self::default() };
        let mut districts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for person in people {
            districts.entry(name_of(person.district).to_owned()).or_default().0 += 1;
        }
        for &(holder, tier) in eligible {
            let district = name_of(people[holder].district).to_owned();
            districts.entry(district).or_default().1 += 1;
            if let Ok(credential) = credentials[holder].credential() {
                impact.rupees += u64::from(terms.policy.amount(&credential.attributes, tier));
            }
            *impact.tiers.entry(tier.number()).or_default() += 1;
        }
        let counts = |of: fn(&(usize, usize)) -> usize| {
            let counts: Vec<u64> = districts.values().map(|known| of(known) as u64).collect();
            small_cells::hidden(&counts)
        };
        // That nearly everyone is reached would reveal the few who are not.
        let (few, few_others) = (counts(|known| known.1), counts(|known| known.0 - known.1));
        let hidden = few.into_iter().zip(few_others).map(|(one, other)| one || other);
        impact.districts = districts
            .into_iter()
            .zip(hidden)
            .map(|((name, (people, eligible)), hidden)| {
                (name, Affected { people, eligible: (!hidden).then_some(eligible) })
            })
            .collect();
        impact
    }
}
