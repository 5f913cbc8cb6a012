//! What an officer has said about possible duplicates.

use std::collections::BTreeMap;

use praman_store::error::StoreError;
use praman_store::named::named;
use praman_store::{Database, WriteTransaction};

use super::upload::RegisterId;
use crate::IssuingStore;

named! {
    /// Whose row a possible duplicate is.
    ReviewVerdict {
        /// The same person: the row gets nothing.
        SamePerson = "same-person",
        /// A different person: a credential is issued.
        OtherPerson = "other-person",
    }
}

impl IssuingStore<'_> {
    /// Returns the reviews of a register's rows, by their places.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn register_reviews(
        &self,
        id: RegisterId,
    ) -> Result<BTreeMap<usize, ReviewVerdict>, StoreError> {
        let rows: Vec<(i64, ReviewVerdict)> =
            sqlx::query_as("SELECT place, verdict FROM register_review WHERE upload = $1")
                .bind(id.column())
                .fetch_all(self.0.pool())
                .await?;
        Ok(rows.into_iter().map(|(place, verdict)| (place as usize, verdict)).collect())
    }

    /// Records a review of a row; false if it was reviewed before, and that stays.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn review_row(&self, review: &RowReview) -> Result<bool, StoreError> {
        let mut transaction = self.0.begin_rows().await?;
        let is_first = keep_review(&mut transaction, self.0.database(), review).await?;
        transaction.commit().await?;
        Ok(is_first)
    }
}

/// A review of a row.
pub struct RowReview {
    /// The register.
    pub register: RegisterId,
    /// The row's place in it, from 0.
    pub place: usize,
    /// Whose it is.
    pub verdict: ReviewVerdict,
    /// Who reviewed it.
    pub by: String,
}

/// Records a review of a row, with what follows from it; false if it was reviewed before, and that stays.
pub(super) async fn keep_review(
    transaction: &mut WriteTransaction,
    database: Database,
    review: &RowReview,
) -> Result<bool, StoreError> {
    let now = database.now();
    let statement = sqlx::AssertSqlSafe(format!(
        "INSERT INTO register_review (upload, place, verdict, decided_by, decided_at)
         VALUES ($1, $2, $3, $4, {now}) ON CONFLICT DO NOTHING"
    ));
    let kept = sqlx::query(statement)
        .bind(review.register.column())
        .bind(review.place as i64)
        .bind(review.verdict)
        .bind(&review.by)
        .execute(&mut **transaction)
        .await?;
    Ok(kept.rows_affected() == 1)
}
