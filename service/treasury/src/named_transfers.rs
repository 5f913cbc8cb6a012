//! Which transfers a report's names refer to.

use sqlx::AnyConnection;

use super::bank_report::Named;
use super::own_name::OwnName;
use super::transfer::{self, TransferRow, TransferState};
use crate::refusal::PaymentError;

/// Returns the transfers that the bank reports on: only those with a written file, since a bank knows no others; and
/// the names that match none.
pub(super) async fn sent_rows(
    connection: &mut AnyConnection,
    of: &[Named],
) -> Result<(Vec<TransferRow>, Vec<String>), PaymentError> {
    let (mut sent, mut unknown) = (Vec::new(), Vec::new());
    for named in of {
        let before = sent.len();
        for row in named_rows(connection, named).await? {
            if row.state != TransferState::Drafted {
                sent.push(row);
            }
        }
        if sent.len() == before {
            unknown.push(named.text().to_owned());
            if let Named::Cut { whole, .. } = named
                && whole_rows(connection, whole).await?.is_empty()
            {
                unknown.push(whole.text().to_owned());
            }
        }
    }
    Ok((sent, unknown))
}

/// Whether something that is named is only drafted here: the bank has seen a file that this state did not write.
pub(super) async fn is_drafted(
    connection: &mut AnyConnection,
    named: &Named,
) -> Result<bool, PaymentError> {
    for row in named_rows(connection, named).await? {
        if row.state == TransferState::Drafted {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a name is of a payment, part or message that is known here.
pub(super) async fn is_known(
    connection: &mut AnyConnection,
    name: &str,
) -> Result<bool, PaymentError> {
    let named = OwnName::of(name).map_or_else(|| Named::Transfer(name.to_owned()), Named::from);
    Ok(!named_rows(connection, &named).await?.is_empty())
}

async fn named_rows(
    connection: &mut AnyConnection,
    named: &Named,
) -> Result<Vec<TransferRow>, PaymentError> {
    Ok(match named {
        Named::Transfer(name) => transfer::find(connection, name).await?.into_iter().collect(),
        Named::Cut { start, whole } => {
            let Some((batch, _)) = place_of(whole) else { return Ok(Vec::new()) };
            let mut rows = transfer::beginning_with(connection, batch, start).await?;
            rows.retain(|row| is_in(row, whole));
            if rows.len() == 1 { rows } else { Vec::new() }
        }
        Named::Message(_) | Named::Part(_) => whole_rows(connection, named).await?,
    })
}

/// Returns the transfers of a message or part.
async fn whole_rows(
    connection: &mut AnyConnection,
    named: &Named,
) -> Result<Vec<TransferRow>, PaymentError> {
    let Some((batch, _)) = place_of(named) else { return Ok(Vec::new()) };
    let mut rows = transfer::of_batch(connection, batch).await?;
    rows.retain(|row| is_in(row, named));
    Ok(rows)
}

/// Whether a transfer belongs to a message or part.
pub(super) fn is_in(row: &TransferRow, named: &Named) -> bool {
    place_of(named).is_some_and(|(batch, number)| {
        row.batch == batch && number.is_none_or(|number| row.part() + 1 == number)
    })
}

/// Returns the batch that a message or part is of, and the part's number from 1.
fn place_of(named: &Named) -> Option<(&str, Option<u32>)> {
    match named {
        Named::Message(name) => Some((name, None)),
        Named::Part(name) => {
            let (batch, number) = name.rsplit_once('-')?;
            Some((batch, Some(number.parse().ok()?)))
        }
        Named::Transfer(_) | Named::Cut { .. } => None,
    }
}
