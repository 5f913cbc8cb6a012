//! What an office is asked to issue, and when it is valid.

use praman_circuits::period::{Day, Period};
use praman_circuits::subject::SubjectCommitment;
use praman_language::calendar;
use praman_register::{Household, Person};

use crate::holder::Holder;
use crate::persons::ClaimsFrom;

/// What an office is asked to issue to one person or household.
pub struct Application<'a> {
    /// The person or household in the register.
    pub holder: Holder<'a>,
    /// The holder's commitment: all that the office learns of their secret.
    pub subject: SubjectCommitment,
    /// Whether an officer has reviewed it, if it may be for a person who has a live credential.
    pub reviewed: bool,
    /// The first period that a person may claim for who had a credential before; [`Store::issue`] finds it.
    pub(super) claims_from: Option<ClaimsFrom>,
}

impl<'a> Application<'a> {
    /// Creates a person's application with their commitment.
    pub fn new(person: &'a Person, subject: SubjectCommitment) -> Self {
        Self { holder: Holder::Person(person), subject, reviewed: false, claims_from: None }
    }

    /// Creates a household's application with the commitment to the secret that its members know.
    pub fn of_household(household: Household<'a>, subject: SubjectCommitment) -> Self {
        let holder = Holder::Household(household);
        Self { holder, subject, reviewed: false, claims_from: None }
    }

    /// Returns the same, after an officer has said whose it is.
    pub fn reviewed(self, reviewed: bool) -> Self {
        Self { reviewed, ..self }
    }
}

/// When credentials are valid.
#[derive(Clone, Copy, Debug)]
pub struct Validity {
    /// The day of issue.
    pub issued_on: Day,
    /// The last day.
    pub expires_on: Day,
    /// The first period that may be claimed for.
    pub claims_from: Period,
    /// The latest day known to have come: the day of issue, or a checkpoint's later one.
    latest: Day,
}

impl Validity {
    /// Returns a validity of ten years from a day, for claims of any period.
    ///
    /// A first credential needs no bound on its periods; one that replaces another does, so that the
    /// lost secret and the new one can't both claim for one period.
    pub fn from_today(today: Day) -> Self {
        const TEN_YEARS_DAYS: u32 = 3_652;
        Self {
            issued_on: today,
            expires_on: Day(today.0.saturating_add(TEN_YEARS_DAYS)),
            claims_from: Period::ONCE,
            latest: today,
        }
    }

    /// Returns the same when a day is known to have come, even if the clock is behind it.
    pub(super) fn known_on(self, day: Option<Day>) -> Self {
        Self { latest: self.latest.max(day.unwrap_or(self.latest)), ..self }
    }

    /// Returns the first period to claim for: for a replacement at the earliest the month after its issue, so that
    /// the revoked credential and the new one never both claim for one period.
    ///
    /// A replacement under the same secret, such as after a correction, may claim as before: what one has claimed,
    /// the other can't.
    pub(super) fn first_period(&self, application: &Application<'_>) -> Period {
        let next_month = calendar::date_of(self.latest)
            .and_then(calendar::month_of)
            .map_or(Period(u32::MAX), |month| Period(month.0 + 1));
        // A person whom another system has paid claims from the month after.
        let paid_until = application.holder.paid_until();
        // What the office says now corrects what it said before, except for the month that is always safe: why the
        // earlier bound was set is not known, and another secret may have claimed until now.
        let is_said = paid_until.is_some() || self.claims_from != Period::ONCE;
        let bound = match application.claims_from {
            None => self.claims_from,
            Some(ClaimsFrom::Period(period)) if is_said => {
                self.claims_from.max(period.min(next_month))
            }
            Some(ClaimsFrom::Period(period)) => self.claims_from.max(period),
            Some(ClaimsFrom::NextMonth) => self.claims_from.max(next_month),
        };
        paid_until.map_or(bound, |month| bound.max(Period(month.0 + 1)))
    }
}
