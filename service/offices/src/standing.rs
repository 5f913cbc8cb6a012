//! The standing of offices on the ledger, and what of it is under this store's state root.
//!
//! The ledger says which offices are in good standing and under which root. An office that it has barred or
//! retired has no leaf here either, so that the others' checkpoints go on; one that another folder issues for
//! has the leaf that the ledger has. An office of this store in good standing has its newest root, which the
//! next checkpoint puts on the ledger, or the ledger's older one while the newest can't be sent.

use praman_circuits::Fr;
use praman_circuits::credential::SchemaId;
use praman_circuits::merkle::empty_leaf;
use praman_circuits::office::{
    OFFICE_DEPTH, OfficeId, OfficeRoot, STATE_DEPTH, StateRoot, StateTree, office_leaf,
};
use praman_store::error::StoreError;
use praman_store::{
    Setting, TreeName, TreeVersion, WriteTransaction, broken, bytes, field, is_on_real_nodes,
    put_leaves, read_root, read_tree, write_nodes,
};
use sqlx::AnyConnection;

use crate::OfficeStore;
use crate::error::OfficeError;

/// What the ledger knows about an office.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerOffice {
    /// The schema that it may issue.
    pub(crate) schema: SchemaId,
    /// The root of its tree on the ledger.
    pub(crate) root: OfficeRoot,
    /// How many credentials are live under it.
    pub(crate) live: u32,
    /// Whether it has a leaf: it is neither barred nor retired.
    pub standing: bool,
    /// Its participant.
    participant: u32,
    /// Whether it has retired, for good.
    retired: bool,
}

/// What an event says about an office.
#[derive(Clone, Copy, Debug)]
pub enum OfficeNews {
    /// A participant may issue credentials of a schema.
    Accredited(u32, SchemaId),
    /// Its tree has a new root, with a number of live credentials.
    Root(OfficeRoot, u32),
    /// It lost its leaf, or has it back.
    Standing(bool),
    /// It has retired, for good.
    Retired,
}

/// An office in the state tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfficePlace {
    /// The schema that it issues.
    pub schema: SchemaId,
    /// The root of its tree.
    pub root: OfficeRoot,
    /// How many credentials are live under the root, if it is the ledger's.
    pub live_on_ledger: Option<u32>,
    /// Whether it has a leaf.
    pub standing: bool,
}

impl OfficePlace {
    /// Returns the leaf: empty for an office that is not in good standing.
    pub(crate) fn leaf(&self, office: OfficeId) -> Fr {
        match self.standing {
            true => office_leaf(office, self.schema, self.root).to_field(),
            false => empty_leaf(),
        }
    }
}

/// Records what an event says about an office, and updates the trees.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn keep_news(
    transaction: &mut WriteTransaction,
    block: u64,
    office: OfficeId,
    news: OfficeNews,
) -> Result<(), StoreError> {
    let known = on_ledger(transaction, office).await?;
    let known = match (news, known) {
        (OfficeNews::Accredited(participant, schema), _) => {
            let root = OfficeRoot::from_field(empty_office_root());
            LedgerOffice { schema, root, live: 0, standing: true, participant, retired: false }
        }
        (_, None) => return Err(broken("an office that the ledger never accredited")),
        (OfficeNews::Root(root, live), Some(known)) => LedgerOffice { root, live, ..known },
        (OfficeNews::Standing(standing), Some(known)) => LedgerOffice { standing, ..known },
        (OfficeNews::Retired, Some(known)) => LedgerOffice { retired: true, ..known },
    };
    sqlx::query(
        "INSERT INTO office_event
             (number, block, office, participant, schema, root, live, standing, retired)
         SELECT coalesce(max(number), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8 FROM office_event",
    )
    .bind(block as i64)
    .bind(i64::from(office.0))
    .bind(i64::from(known.participant))
    .bind(i64::from(known.schema.0))
    .bind(bytes(known.root.to_field()))
    .bind(i64::from(known.live))
    .bind(i64::from(known.standing))
    .bind(i64::from(known.retired))
    .execute(&mut **transaction)
    .await?;
    if let OfficeNews::Root(root, _) = news {
        // The ledger has it: the office is no longer behind.
        if own_root(transaction, office).await? == root {
            set_behind(transaction, office, false).await?;
        }
    }
    follow(transaction, office).await
}

/// Undoes what blocks above `last` said about offices.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn forget_news_after(
    transaction: &mut WriteTransaction,
    last: u64,
) -> Result<(), StoreError> {
    let offices: Vec<(i64,)> =
        sqlx::query_as("SELECT DISTINCT office FROM office_event WHERE block > $1 ORDER BY office")
            .bind(last as i64)
            .fetch_all(&mut **transaction)
            .await?;
    sqlx::query("DELETE FROM office_event WHERE block > $1")
        .bind(last as i64)
        .execute(&mut **transaction)
        .await?;
    for (office,) in offices {
        follow(transaction, OfficeId(office as u32)).await?;
    }
    Ok(())
}

/// Returns what the ledger knows about an office; none before it is accredited.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn on_ledger(
    connection: &mut AnyConnection,
    office: OfficeId,
) -> Result<Option<LedgerOffice>, StoreError> {
    type Row = (i64, i64, Vec<u8>, i64, i64, i64);
    let row: Option<Row> = sqlx::query_as(
        "SELECT participant, schema, root, live, standing, retired FROM office_event WHERE office = $1
         ORDER BY number DESC LIMIT 1",
    )
    .bind(i64::from(office.0))
    .fetch_optional(&mut *connection)
    .await?;
    row.map(|(participant, schema, root, live, standing, retired)| {
        Ok(LedgerOffice {
            schema: SchemaId(schema as u32),
            root: OfficeRoot::from_field(field(&root)?),
            live: live as u32,
            standing: standing != 0,
            participant: participant as u32,
            retired: retired != 0,
        })
    })
    .transpose()
}

/// Returns the office of a participant; none if it is not an office.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn of_participant(
    connection: &mut AnyConnection,
    participant: u32,
) -> Result<Option<OfficeId>, StoreError> {
    let row: Option<(i64,)> =
        sqlx::query_as("SELECT office FROM office_event WHERE participant = $1 LIMIT 1")
            .bind(i64::from(participant))
            .fetch_optional(connection)
            .await?;
    Ok(row.map(|(office,)| OfficeId(office as u32)))
}

/// Returns an office's place in the state tree; none for an unused number.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn place_of(
    connection: &mut AnyConnection,
    office: OfficeId,
) -> Result<Option<OfficePlace>, StoreError> {
    let known = on_ledger(connection, office).await?;
    let own: Option<(i64, i64)> = sqlx::query_as("SELECT schema, behind FROM office WHERE id = $1")
        .bind(i64::from(office.0))
        .fetch_optional(&mut *connection)
        .await?;
    Ok(match (own, known) {
        (None, None) => None,
        // Another folder's, or one of this folder's whose newest root can't reach the ledger.
        (None | Some((_, 1)), Some(known)) => Some(OfficePlace {
            schema: known.schema,
            root: known.root,
            live_on_ledger: Some(known.live),
            standing: known.standing,
        }),
        (Some((schema, _)), known) => Some(OfficePlace {
            schema: known.map_or(SchemaId(schema as u32), |known| known.schema),
            root: own_root(connection, office).await?,
            live_on_ledger: None,
            standing: match known {
                Some(known) => known.standing,
                // Real nodes know an office only once a department has accredited it.
                None => !is_on_real_nodes(connection).await?,
            },
        }),
    })
}

/// Puts an office's leaf where it belongs: under the ledger's state root and under this store's.
///
/// # Errors
/// [`StoreError::Database`] or [`StoreError::Tree`].
pub(crate) async fn follow(
    transaction: &mut WriteTransaction,
    office: OfficeId,
) -> Result<(), StoreError> {
    let known = on_ledger(transaction, office).await?;
    let leaf = match known {
        Some(known) if known.standing => office_leaf(office, known.schema, known.root).to_field(),
        _ => empty_leaf(),
    };
    let leaves = [(office.0 as usize, leaf)];
    put_leaves::<STATE_DEPTH>(transaction, TreeName::Ledger, &leaves).await?;
    let version = TreeVersion::next(transaction).await?;
    place(transaction, version, office).await
}

/// Puts an office's leaf under this store's state root, in a change of the trees.
///
/// # Errors
/// [`StoreError::Database`] or [`StoreError::Tree`].
pub async fn place(
    transaction: &mut WriteTransaction,
    version: TreeVersion,
    office: OfficeId,
) -> Result<(), StoreError> {
    let leaf =
        place_of(transaction, office).await?.map_or_else(empty_leaf, |place| place.leaf(office));
    let mut state: StateTree = read_tree(transaction, TreeName::State).await?;
    let index = office.0 as usize;
    let used = state.len();
    let changes = match index.checked_sub(used) {
        None if state.leaf(index) == leaf => Vec::new(),
        None => state.replace(index, leaf)?,
        // Places are used in order: those between are unused so far.
        Some(between) => {
            let mut leaves = vec![empty_leaf(); between];
            leaves.push(leaf);
            state.append(&leaves)?
        }
    };
    write_nodes(transaction, version, TreeName::State, &changes).await?;
    version.keep(transaction, StateRoot::from_field(state.root())).await
}

/// Records whether an office's newest root can't be sent to the ledger now.
///
/// # Errors
/// [`StoreError::Database`].
async fn set_behind(
    transaction: &mut WriteTransaction,
    office: OfficeId,
    behind: bool,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE office SET behind = $2 WHERE id = $1")
        .bind(i64::from(office.0))
        .bind(i64::from(behind))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

async fn own_root(
    connection: &mut AnyConnection,
    office: OfficeId,
) -> Result<OfficeRoot, StoreError> {
    let root = read_root::<OFFICE_DEPTH>(connection, TreeName::Office(office.0)).await?;
    Ok(OfficeRoot::from_field(root))
}

fn empty_office_root() -> Fr {
    praman_circuits::office::OfficeTree::new().root()
}

/// Refuses to issue for an office that is not in good standing: no credential would be live.
///
/// # Errors
/// [`OfficeError::NotStanding`].
pub(super) async fn require_standing(
    connection: &mut AnyConnection,
    office: &super::Office,
) -> Result<(), OfficeError> {
    match on_ledger(connection, office.id).await? {
        Some(known) if !known.standing => Err(OfficeError::NotStanding(office.name.clone())),
        _ => Ok(()),
    }
}

/// Whether the state was restored, without knowing what was issued and revoked since the backup.
pub(super) async fn is_restored(connection: &mut AnyConnection) -> Result<bool, StoreError> {
    Ok(Setting::RestoredOffices.read(connection).await?.is_some())
}

/// Returns the first number that no office has, here or on the ledger; none if all are taken.
///
/// # Errors
/// [`StoreError::Database`].
pub(super) async fn next_number(
    connection: &mut AnyConnection,
) -> Result<Option<OfficeId>, StoreError> {
    let taken: Vec<(i64,)> =
        sqlx::query_as("SELECT id FROM office UNION SELECT office FROM office_event")
            .fetch_all(connection)
            .await?;
    let taken: std::collections::HashSet<i64> = taken.into_iter().map(|(id,)| id).collect();
    let mut numbers = 0..StateTree::CAPACITY as i64;
    Ok(numbers.find(|number| !taken.contains(number)).map(|number| OfficeId(number as u32)))
}

impl OfficeStore<'_> {
    /// Leaves an office of this store under its root on the ledger, since the newest can't be sent: the other
    /// offices' checkpoints go on.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn leave_behind(&self, office: OfficeId) -> Result<(), StoreError> {
        let mut transaction = self.0.begin().await?;
        set_behind(&mut transaction, office, true).await?;
        let version = TreeVersion::next(&mut transaction).await?;
        place(&mut transaction, version, office).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Whether the state was restored and its offices have not caught up: what was issued and revoked since the
    /// backup is only on the ledger.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn offices_are_restored(&self) -> Result<bool, StoreError> {
        is_restored(&mut *self.0.pool().acquire().await?).await
    }

    /// Allows the offices' roots of this state to go to the ledger again.
    ///
    /// # Errors
    /// [`OfficeError::NotRestored`].
    pub async fn offices_catch_up(&self) -> Result<(), OfficeError> {
        let mut transaction = self.0.begin().await?;
        if !Setting::RestoredOffices.forget(&mut transaction).await? {
            return Err(OfficeError::NotRestored);
        }
        let behind: Vec<(i64,)> = sqlx::query_as("SELECT id FROM office WHERE behind = 1")
            .fetch_all(&mut *transaction)
            .await?;
        for (office,) in behind {
            let office = OfficeId(office as u32);
            // The ledger already has its newest root.
            let known = on_ledger(&mut transaction, office).await?;
            if known.map(|known| known.root) == Some(own_root(&mut transaction, office).await?) {
                set_behind(&mut transaction, office, false).await?;
            }
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Returns the ledger's state root according to its events.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn ledger_state_root(&self) -> Result<StateRoot, StoreError> {
        let mut connection = self.0.pool().acquire().await?;
        ledger_state_root(&mut connection).await
    }

    /// Returns the offices of this store that the ledger does not know: a department accredits them.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn offices_not_accredited(&self) -> Result<Vec<OfficeId>, StoreError> {
        let rows: Vec<(i64,)> = sqlx::query_as(
            "SELECT id FROM office
             WHERE NOT EXISTS (SELECT 1 FROM office_event WHERE office_event.office = office.id)
             ORDER BY id",
        )
        .fetch_all(self.0.pool())
        .await?;
        Ok(rows.into_iter().map(|(id,)| OfficeId(id as u32)).collect())
    }

    /// Returns the offices of this store that the ledger has barred or retired, or whose newest root can't be
    /// sent to it; and whether they are in good standing.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn offices_apart(&self) -> Result<Vec<(OfficeId, bool)>, StoreError> {
        let rows: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT office.id, office_event.standing FROM office
             JOIN office_event ON office_event.office = office.id
             WHERE office_event.number = (SELECT max(number) FROM office_event AS newest
                                          WHERE newest.office = office.id)
                 AND (office_event.standing = 0 OR office.behind = 1)
             ORDER BY office.id",
        )
        .fetch_all(self.0.pool())
        .await?;
        Ok(rows.into_iter().map(|(id, standing)| (OfficeId(id as u32), standing != 0)).collect())
    }
}

/// Returns the ledger's state root according to its events, as a connection sees it.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn ledger_state_root(connection: &mut AnyConnection) -> Result<StateRoot, StoreError> {
    Ok(StateRoot::from_field(read_root::<STATE_DEPTH>(connection, TreeName::Ledger).await?))
}
