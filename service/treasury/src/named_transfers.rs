//! Which transfers a report's names refer to.

use praman_store::error::ServiceError;
use sqlx::AnyConnection;

use super::bank_report::Named;
use super::transfer::{self, TransferRow, TransferState};

/// Returns the transfers that the bank reports on: only those with a written file, since a bank knows no others; and
/// the names that match none.
pub(super) async fn sent_rows(
    connection: &mut AnyConnection,
    of: &[Named],
) -> Result<(Vec<TransferRow>, Vec<String>), ServiceError> {
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
        }
    }
    Ok((sent, unknown))
}

/// Whether something that is named is only drafted here: the bank has seen a file that this state did not write.
pub(super) async fn is_drafted(
    connection: &mut AnyConnection,
    named: &Named,
) -> Result<bool, ServiceError> {
    for row in named_rows(connection, named).await? {
        if row.state == TransferState::Drafted {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn named_rows(
    connection: &mut AnyConnection,
    named: &Named,
) -> Result<Vec<TransferRow>, ServiceError> {
    Ok(match named {
        Named::Transfer(name) => transfer::find(connection, name).await?.into_iter().collect(),
        Named::Message(name) => transfer::of_batch(connection, name).await?,
        Named::Part(name) => {
            let part = name.rsplit_once('-');
            let part = part.and_then(|(batch, part)| Some((batch, part.parse::<u32>().ok()?)));
            let Some((batch, number)) = part else { return Ok(Vec::new()) };
            let all = transfer::of_batch(connection, batch).await?;
            all.into_iter().filter(|row| row.part() + 1 == number).collect()
        }
    })
}
