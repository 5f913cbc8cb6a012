//! Moves a transfer on, by what a line says of it and what is known of it.

use praman_store::broken;
use sqlx::AnyConnection;

use super::line::Import;
use super::reason_of;
use crate::bank_report::{Outcome, ReportKind, ReportedTransfer};
use crate::booked_on::BookedOn;
use crate::refusal::PaymentError;
use crate::transfer::{self, TransferRow, TransferState};

/// Why a payment that is booked a second time is contested.
const ONCE_MORE: &str =
    "booked once more: ask the bank, then have two treasurers resolve it: praman treasury resolve";

/// Why a payment that is reported after its return is contested.
pub(super) const AFTER_RETURN: &str = "paid after it was returned: ask the bank, then have two treasurers resolve it: \
                            praman treasury resolve";
impl Import<'_> {
    /// Moves a transfer on, or reports why not.
    pub(super) async fn advance(
        &mut self,
        connection: &mut AnyConnection,
        row: TransferRow,
        line: &ReportedTransfer,
    ) -> Result<(), PaymentError> {
        use TransferState::{Drafted, Ordered, Paid, Reissued, Returned};
        let outcome = &line.outcome;
        let booked = BookedOn::of(&line.booking);
        let statement = (line.message, line.booking.statement);
        let before = match outcome {
            Outcome::Paid => self.paid.insert(row.reference.clone(), statement),
            _ => None,
        };
        let is_first = before.is_none();
        let in_another = before.is_some_and(|before| before != statement);
        let (state, code) = match (row.state, outcome) {
            // The reversal of a return: it is known, or it is asked about.
            (Ordered, Outcome::Paid) if line.booking.is_reversal => {
                let reason = "a return of it is undone that is not known here: ask the bank";
                self.differs(&row.reference, reason);
                return Ok(());
            }
            // The same booking in another statement of the file; a bank may keep its reference when it pays again after a return.
            (Paid, Outcome::Paid)
                if in_another
                    && !self.has_return(&row.reference)
                    && row.booked_on().any(|one| one.is_known_as(&booked)) =>
            {
                self.imported.unchanged += 1;
                return Ok(());
            }
            (Paid, Outcome::Paid) if self.kind == ReportKind::Statement && !is_first => {
                let reason = "booked twice in one statement: ask the bank, then have two \
                              treasurers resolve it: praman treasury resolve";
                return self.contest(connection, &row, reason).await;
            }
            (Paid, Outcome::Paid) if self.keep_booking(connection, &row, line).await? => {
                return self.contest(connection, &row, ONCE_MORE).await;
            }
            (_, Outcome::Pending | Outcome::Unclear(_)) | (Paid, Outcome::Paid) => {
                self.imported.unchanged += 1;
                return Ok(());
            }
            // It is about the attempt that was returned, which is known; perhaps not yet its day.
            (Returned | Reissued, Outcome::Returned(_)) => {
                if let Some(day) = line.booking.day {
                    sqlx::query(
                        "UPDATE payment_transfer SET returned_on = $2
                         WHERE reference = $1 AND returned_on IS NULL",
                    )
                    .bind(&row.reference)
                    .bind(day.to_string())
                    .execute(&mut *connection)
                    .await?;
                }
                self.imported.unchanged += 1;
                return Ok(());
            }
            // It went out and came back, which is known: the statement is repeated, or another has both.
            (Returned | Reissued, Outcome::Paid) if is_first && self.comes_back(&row.reference) => {
                if self.keep_booking(connection, &row, line).await? {
                    return self.contest(connection, &row, ONCE_MORE).await;
                }
                self.excused.insert(row.reference.clone());
                self.imported.unchanged += 1;
                return Ok(());
            }
            // The same file, read again, perhaps with a better description: what came after it counts.
            (Returned | Reissued, Outcome::Paid)
                if self.imported.file.is_none()
                    && (self.kind == ReportKind::OwnFormat || self.was_read) =>
            {
                self.imported.unchanged += 1;
                return Ok(());
            }
            // An older statement that comes late: it was booked before it came back.
            (Returned | Reissued, Outcome::Paid)
                if is_first
                    && !line.booking.is_reversal
                    && row.came_back_since(line.booking.day) =>
            {
                if self.keep_booking(connection, &row, line).await? {
                    return self.contest(connection, &row, ONCE_MORE).await;
                }
                self.imported.unchanged += 1;
                return Ok(());
            }
            (Returned | Reissued, Outcome::Paid) => {
                return self.contest(connection, &row, AFTER_RETURN).await;
            }
            // A rejected transfer was not booked; if a booked one comes back, a statement reports it.
            (Paid, Outcome::Returned(_)) if self.kind.is_status() => {
                let reason = "rejected after it was paid: ask the bank, then have two treasurers \
                              resolve it: praman treasury resolve";
                return self.contest(connection, &row, reason).await;
            }
            (Paid, Outcome::Returned(_)) if row.is_resolved() => {
                let reason = "returned after two treasurers resolved it as paid: ask the bank, \
                              then have them resolve it again: praman treasury resolve";
                return self.contest(connection, &row, reason).await;
            }
            (Drafted, _) => return Err(broken("a transfer that no file was written for").into()),
            (Ordered, Outcome::Paid) => {
                self.keep_booking(connection, &row, line).await?;
                (Paid, None)
            }
            (Ordered | Paid, Outcome::Returned(reasons)) => (Returned, Some(reasons)),
        };
        // The first is the one that counts.
        let reason = code.and_then(|reasons| reasons.first());
        let returned_on = line.booking.day.filter(|_| state == Returned);
        sqlx::query(
            "UPDATE payment_transfer SET state = $2, reason = $3, returned_on = $4 WHERE reference = $1",
        )
        .bind(&row.reference)
        .bind(state)
        .bind(code.map(|reasons| reasons.join(" ")))
        .bind(returned_on.map(|day| day.to_string()))
        .execute(&mut *connection)
        .await?;
        match state {
            Paid => self.imported.paid += 1,
            _ => self.imported.returned += 1,
        }
        transfer::settle_part(connection, &row.nullifier, row.part()).await?;
        self.touched.push((row.nullifier, reason.map(|code| reason_of(code))));
        Ok(())
    }

    /// Records when a statement has booked a payment. Returns whether another booking was recorded before: the bank
    /// has paid twice.
    pub(super) async fn keep_booking(
        &self,
        connection: &mut AnyConnection,
        row: &TransferRow,
        line: &ReportedTransfer,
    ) -> Result<bool, PaymentError> {
        if self.kind != ReportKind::Statement {
            return Ok(false);
        }
        let new = BookedOn::of(&line.booking);
        let mut all: Vec<BookedOn> = row.booked_on().collect();
        let known = all.iter_mut().find(|booked| booked.is_same(&new));
        let is_new = known.is_none();
        match known {
            // What the new one says beside is kept.
            Some(known) => *known = known.with(&new),
            None => all.push(new),
        }
        let text: Vec<String> = all.iter().map(ToString::to_string).collect();
        sqlx::query("UPDATE payment_transfer SET booked_on = $2 WHERE reference = $1")
            .bind(&row.reference)
            .bind(text.join(" "))
            .execute(connection)
            .await?;
        Ok(is_new && all.len() > 1)
    }

    /// Marks a transfer as contested that the bank has reported in two ways: it stays so until two persons decide,
    /// whatever later reports say.
    pub(super) async fn contest(
        &mut self,
        connection: &mut AnyConnection,
        row: &TransferRow,
        reason: &'static str,
    ) -> Result<(), PaymentError> {
        sqlx::query("UPDATE payment_transfer SET contested = 1 WHERE reference = $1")
            .bind(&row.reference)
            .execute(connection)
            .await?;
        self.imported.contested += 1;
        self.differs(&row.reference, reason);
        Ok(())
    }
}
