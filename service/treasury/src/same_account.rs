//! Two claims of one period to one account: the second one waits until two persons have reviewed it.
//!
//! One person with two credentials is paid twice into one account; a family that shares an account is two
//! persons. The treasury can't tell these apart, and the ledger sees no account.

use std::collections::{HashMap, HashSet};

use praman_access::{AccessStore, ApprovalKind, Caller};
use praman_circuits::nullifier::Nullifier;
use praman_circuits::payee::Payee;
use praman_store::{WriteTransaction, broken, bytes};
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

use super::envelopes::Envelopes;
use super::key::TreasuryKey;
use super::run::PaymentRun;
use crate::TreasuryStore;
use crate::refusal::PaymentError;
use crate::refusal::PaymentRefusal;
use crate::refusal::ReleaseFault;

/// Why a claim is held.
const HELD: &str = "another claim of this period goes to the same account: check whose account it \
    is, then have two treasurers approve: praman treasury release";

/// Why a claim is held that can't be compared with all others.
const BY_ANOTHER_KEY: &str = "claims of this period were paid with another treasury's key, so \
    accounts can't be compared: check whose account it is, then have two treasurers approve: \
    praman treasury release";

/// Why a claim is held that can't be compared with one whose envelope was lost.
const NOT_OPENED: &str = "a claim of this period was paid whose envelope is not here, so accounts \
    can't be compared: submit that claim again, or check whose account this is and have two \
    treasurers approve: praman treasury release";

/// All parts of a claim, as they are first paid.
const ALL_PARTS: i64 = -1;

/// Which payment of a claim goes to an account: the first one of all parts, or one that is paid again.
#[derive(Clone, Copy)]
pub(super) enum PaymentOf {
    /// The first one of all parts.
    Claim,
    /// A part, by its number, at an attempt.
    Part(u32, u32),
}

impl PaymentOf {
    fn columns(self) -> (i64, i64) {
        match self {
            Self::Claim => (ALL_PARTS, 0),
            Self::Part(part, attempt) => (i64::from(part), i64::from(attempt)),
        }
    }
}

/// What identifies an account: the tag at its bank, and a long number alone, which stays when banks merge.
struct AccountTags {
    at_bank: Vec<u8>,
    number: Option<Vec<u8>>,
}

/// Returns what identifies the key that makes tags, as stored in a column.
fn made_by(key: &TreasuryKey) -> Vec<u8> {
    key.tag(b"praman.account-tags.1", &[])[..8].to_vec()
}

/// Records that a payment of a claim of a scheme's period goes to an account.
pub(super) async fn keep_taken(
    connection: &mut AnyConnection,
    key: &TreasuryKey,
    of: (&str, u32),
    (nullifier, payment): (&[u8], PaymentOf),
    payee: &Payee,
) -> Result<(), PaymentError> {
    let (part, attempt) = payment.columns();
    for tag in AccountTags::of(key, of, payee).all() {
        sqlx::query(
            "INSERT INTO payment_payee (scheme, period, nullifier, part, attempt, tag, made_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        )
        .bind(of.0)
        .bind(i64::from(of.1))
        .bind(nullifier)
        .bind(part)
        .bind(attempt)
        .bind(tag)
        .bind(made_by(key))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

impl AccountTags {
    fn of(key: &TreasuryKey, (scheme, period): (&str, u32), payee: &Payee) -> Self {
        Self {
            at_bank: key.account_tag(scheme, period, payee).to_vec(),
            number: key.account_number_tag(scheme, period, payee).map(|tag| tag.to_vec()),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Vec<u8>> {
        std::iter::once(&self.at_bank).chain(&self.number)
    }
}

/// The accounts that claims of a period go to.
pub(super) struct SameAccount<'a> {
    key: &'a TreasuryKey,
    scheme: String,
    period: u32,
    /// The claims that go to an account, by its tags.
    taken: HashMap<Vec<u8>, HashSet<Vec<u8>>>,
    /// The account that each claim was released to.
    released: HashMap<Vec<u8>, Option<Vec<u8>>>,
    /// Why no account can be compared with all others of the period, if so.
    not_comparable: Option<&'static str>,
}

impl<'a> SameAccount<'a> {
    /// Loads what is known of a period; accounts of claims that an earlier version paid are looked up.
    pub(super) async fn begin(
        transaction: &mut WriteTransaction,
        envelopes: &Envelopes<'a>,
        run: &PaymentRun<'_>,
    ) -> Result<Self, PaymentError> {
        let (scheme, period) = (run.scheme.as_str().to_owned(), run.period.0);
        let mut known = Self {
            key: envelopes.key(),
            scheme,
            period,
            taken: HashMap::new(),
            released: HashMap::new(),
            not_comparable: None,
        };
        let unknown: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
            "SELECT nullifier, payout_commitment FROM accepted_claim
             WHERE scheme = $1 AND period = $2 AND batch IS NOT NULL
                 AND nullifier NOT IN (SELECT nullifier FROM payment_payee
                                       WHERE scheme = $1 AND period = $2)",
        )
        .bind(&known.scheme)
        .bind(i64::from(period))
        .fetch_all(&mut **transaction)
        .await?;
        for (nullifier, commitment) in unknown {
            match envelopes.payout(&nullifier, &commitment).await? {
                Ok(payout) => {
                    let of = (nullifier.as_slice(), PaymentOf::Claim);
                    known.keep(transaction, of, &payout.payee).await?;
                }
                Err(_) => known.not_comparable = Some(NOT_OPENED),
            }
        }
        let taken: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
            "SELECT tag, nullifier FROM payment_payee WHERE scheme = $1 AND period = $2",
        )
        .bind(&known.scheme)
        .bind(i64::from(period))
        .fetch_all(&mut **transaction)
        .await?;
        for (tag, nullifier) in taken {
            known.taken.entry(tag).or_default().insert(nullifier);
        }
        let (others,): (i64,) = sqlx::query_as(
            "SELECT count(*) FROM payment_payee
             WHERE scheme = $1 AND period = $2 AND made_by IS NOT NULL AND made_by <> $3",
        )
        .bind(&known.scheme)
        .bind(i64::from(period))
        .bind(made_by(envelopes.key()))
        .fetch_one(&mut **transaction)
        .await?;
        if others > 0 {
            known.not_comparable = Some(BY_ANOTHER_KEY);
        }
        let released: Vec<(Vec<u8>, Option<Vec<u8>>)> =
            sqlx::query_as("SELECT nullifier, tag FROM payment_release")
                .fetch_all(&mut **transaction)
                .await?;
        known.released = released.into_iter().collect();
        Ok(known)
    }

    fn tags(&self, payee: &Payee) -> AccountTags {
        AccountTags::of(self.key, (&self.scheme, self.period), payee)
    }

    /// Records that a payment of a claim goes to an account.
    pub(super) async fn keep(
        &mut self,
        connection: &mut AnyConnection,
        (nullifier, payment): (&[u8], PaymentOf),
        payee: &Payee,
    ) -> Result<(), PaymentError> {
        let of = (self.scheme.as_str(), self.period);
        keep_taken(connection, self.key, of, (nullifier, payment), payee).await?;
        for tag in self.tags(payee).all() {
            self.taken.entry(tag.clone()).or_default().insert(nullifier.to_vec());
        }
        Ok(())
    }

    /// Returns why a payment of a claim may not go to an account; none if no other claim of the period does, or two
    /// persons have released it.
    pub(super) async fn holds(
        &mut self,
        connection: &mut AnyConnection,
        (nullifier, payment): (&[u8], PaymentOf),
        payee: &Payee,
    ) -> Result<Option<&'static str>, PaymentError> {
        let tags = self.tags(payee);
        // A claim whose batch was denied does not count as another, nor does one that was released to it before.
        let is_own = self.taken.get(&tags.at_bank).is_some_and(|claims| claims.contains(nullifier));
        let is_taken = tags.all().filter_map(|tag| self.taken.get(tag)).flatten();
        let is_taken = is_taken.into_iter().any(|claim| claim.as_slice() != nullifier);
        let reason = if is_own {
            None
        } else if is_taken {
            Some(HELD)
        } else {
            self.not_comparable
        };
        if reason.is_some() {
            let released = self.released.get(nullifier);
            // A release of an earlier version does not name the account.
            let is_for_another = |tag: &Vec<u8>| *tag != tags.at_bank;
            if released.is_none_or(|tag| tag.as_ref().is_some_and(is_for_another)) {
                self.keep_held(connection, nullifier, payee).await?;
                return Ok(reason);
            }
            // The claim is reviewed again for yet another account.
            self.released.remove(nullifier);
            for table in ["payment_release", "payment_held"] {
                let statement = format!("DELETE FROM {table} WHERE nullifier = $1");
                sqlx::query(sqlx::AssertSqlSafe(statement))
                    .bind(nullifier)
                    .execute(&mut *connection)
                    .await?;
            }
        }
        self.keep(connection, (nullifier, payment), payee).await?;
        Ok(None)
    }

    /// Records the account that a claim is held for: two persons review that one.
    pub(super) async fn keep_held(
        &self,
        connection: &mut AnyConnection,
        nullifier: &[u8],
        payee: &Payee,
    ) -> Result<(), PaymentError> {
        sqlx::query(
            "INSERT INTO payment_held (nullifier, tag) VALUES ($1, $2)
             ON CONFLICT (nullifier) DO UPDATE SET tag = excluded.tag",
        )
        .bind(nullifier)
        .bind(self.tags(payee).at_bank)
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// What two persons decide: that a claim goes to an account that another claim of the period goes to.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseDocument {
    claim: String,
    scheme: String,
    period: u32,
    /// The account: a tag that the treasury's key makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<String>,
}

impl TreasuryStore<'_> {
    /// Asks a second treasurer to release an accepted claim to an account that another claim of its period goes to;
    /// returns the approval's number.
    ///
    /// # Errors
    /// [`PaymentError::Refused`] if there is no such claim, if it is in a file already, or if there are not
    /// two treasurers.
    pub async fn ask_release(
        &self,
        nullifier: Nullifier,
        by: &Caller,
    ) -> Result<u32, PaymentError> {
        let mut transaction = self.0.begin().await?;
        super::release::require_two_treasurers(self.0, &mut transaction, by).await?;
        let row: Option<(String, i64, Option<String>)> =
            sqlx::query_as("SELECT scheme, period, batch FROM accepted_claim WHERE nullifier = $1")
                .bind(bytes(nullifier.to_field()))
                .fetch_optional(&mut *transaction)
                .await?;
        let refused =
            |fault| Err(PaymentRefusal::NotReleased { claim: nullifier.to_string(), fault }.into());
        let Some((scheme, period, batch)) = row else {
            return refused(ReleaseFault::NoClaim);
        };
        // A returned one is paid again, to an account that an office has corrected.
        let (returned,): (i64,) = sqlx::query_as(
            "SELECT count(*) FROM payment_transfer WHERE nullifier = $1 AND state = 'returned'",
        )
        .bind(bytes(nullifier.to_field()))
        .fetch_one(&mut *transaction)
        .await?;
        if batch.is_some() && returned == 0 {
            return refused(ReleaseFault::InBatch);
        }
        let held: Option<(Vec<u8>,)> =
            sqlx::query_as("SELECT tag FROM payment_held WHERE nullifier = $1")
                .bind(bytes(nullifier.to_field()))
                .fetch_optional(&mut *transaction)
                .await?;
        let Some((held,)) = held else {
            return refused(ReleaseFault::NotHeld);
        };
        let (period, account) = (period as u32, Some(hex::encode(held)));
        let document = ReleaseDocument { claim: nullifier.to_string(), scheme, period, account };
        let document = serde_json::to_string(&document).expect("plain data");
        let (kind, tenant) = (ApprovalKind::Release, by.tenant_column());
        let number =
            AccessStore(self.0).ask_approval(&mut transaction, kind, tenant, &document, by).await?;
        transaction.commit().await?;
        Ok(number)
    }
}

/// Releases a claim to its account, as two persons have decided.
///
/// # Errors
/// [`PaymentError::Store`].
pub(super) async fn release(
    connection: &mut AnyConnection,
    document: &str,
    approval: i64,
) -> Result<(), PaymentError> {
    let about: ReleaseDocument =
        serde_json::from_str(document).map_err(|_| broken("an approval's document"))?;
    let nullifier: Nullifier = about.claim.parse().map_err(|_| broken("an approval's claim"))?;
    let account = about.account.map(hex::decode).transpose();
    let account = account.map_err(|_| broken("an approval's account"))?;
    sqlx::query(
        "INSERT INTO payment_release (nullifier, approval, tag) VALUES ($1, $2, $3)
         ON CONFLICT (nullifier) DO UPDATE SET approval = excluded.approval, tag = excluded.tag",
    )
    .bind(bytes(nullifier.to_field()))
    .bind(approval)
    .bind(account)
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use praman_circuits::period::Period;
    use praman_circuits::scope::SchemeId;
    use praman_store::Store;

    use super::*;
    use crate::payment_file::Debtor;
    use praman_rules::scheme::PaymentTerms;

    fn payee(account: &str) -> Payee {
        Payee { account: account.into(), ifsc: "SBIN0000001".into(), name: "A".into() }
    }

    /// A part that was corrected goes elsewhere; the claim's other parts still go where they went.
    #[tokio::test]
    async fn claim_to_the_account_of_any_part_of_another_is_held() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).await.expect("a store");
        let key = TreasuryKey::generate();
        let envelopes = Envelopes::new(&store, &key);
        let scheme: SchemeId = "farmers".parse().expect("an id");
        let by = Caller::operator();
        let debtor = Debtor {
            name: "State Treasury".into(),
            account: "41100200300".into(),
            ifsc: "PRMN0000001".into(),
        };
        let run = PaymentRun {
            scheme: &scheme,
            period: Period(7),
            terms: PaymentTerms { instalments: 2, shared_accounts: false },
            on: date(2026, 6, 1),
            debtor: &debtor,
            folder: folder.path(),
            format: None,
            by: &by,
        };
        let (first, second) = (payee("1111111111"), payee("2222222222"));
        let (one, other) = ([1_u8; 32], [2_u8; 32]);
        let mut transaction = store.begin().await.expect("begun");
        let mut accounts =
            SameAccount::begin(&mut transaction, &envelopes, &run).await.expect("known");
        for (payment, payee) in [(PaymentOf::Claim, &first), (PaymentOf::Part(1, 1), &second)] {
            let held = accounts.holds(&mut transaction, (&one, payment), payee).await;
            assert_eq!(held.expect("looked up"), None);
        }
        transaction.commit().await.expect("kept");
        let mut transaction = store.begin().await.expect("begun");
        let mut accounts =
            SameAccount::begin(&mut transaction, &envelopes, &run).await.expect("known");
        for taken in [&first, &second] {
            let claim = (other.as_slice(), PaymentOf::Claim);
            let held = accounts.holds(&mut transaction, claim, taken).await.expect("looked up");
            assert_eq!(held, Some(HELD));
        }
        // Two persons release it to the second, and only to that.
        let tag = AccountTags::of(&key, ("farmers", 7), &second).at_bank;
        accounts.released.insert(other.to_vec(), Some(tag));
        let claim = (other.as_slice(), PaymentOf::Claim);
        let held = accounts.holds(&mut transaction, claim, &first).await.expect("looked up");
        assert_eq!(held, Some(HELD));
        let held = accounts.holds(&mut transaction, claim, &second).await.expect("looked up");
        assert_eq!(held, None);
    }
}
