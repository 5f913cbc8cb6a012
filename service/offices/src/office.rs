//! Offices in the store.

use praman_circuits::credential::SchemaId;
use praman_circuits::merkle::NodeChange;
use praman_circuits::office::{
    OfficeId, OfficeRoot, OfficeTree, STATE_DEPTH, StateRoot, StateTree,
};
use praman_files::FileError;
use praman_rules::schema::{SCHEMAS, Schema};
use praman_store::error::StoreError;
use praman_store::{
    TreeName, TreeVersion, WriteTransaction, broken, field, read_tree, write_nodes,
};
use sqlx::AnyConnection;

use crate::error::OfficeError;
use crate::office_key::OfficeKey;
use crate::{OfficeStore, standing};

/// An accredited office.
#[derive(Clone, Debug)]
pub struct Office {
    /// Its number.
    pub id: OfficeId,
    /// Its name.
    pub name: String,
    /// The schema that it may issue.
    pub schema: &'static Schema,
}

/// What an office reports to the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfficeState {
    /// The office.
    pub office: OfficeId,
    /// The schema that it may issue.
    pub schema: SchemaId,
    /// The root of its tree.
    pub root: OfficeRoot,
    /// How many credentials are live in it.
    pub live: u32,
}

/// Returns all offices, by number, as a connection sees them.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn read_offices(connection: &mut AnyConnection) -> Result<Vec<Office>, StoreError> {
    let rows: Vec<(i64, String, i64)> =
        sqlx::query_as("SELECT id, name, schema FROM office ORDER BY id")
            .fetch_all(&mut *connection)
            .await?;
    let office = |(id, name, schema): (i64, String, i64)| {
        let schema = SCHEMAS.into_iter().find(|known| i64::from(known.id.0) == schema);
        let schema = schema.ok_or_else(|| broken("an office's schema"))?;
        let id = u32::try_from(id).map_err(|_| broken("an office's number"))?;
        Ok(Office { id: OfficeId(id), name, schema })
    };
    rows.into_iter().map(office).collect()
}

impl OfficeStore<'_> {
    /// All offices, by number.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn offices(&self) -> Result<Vec<Office>, StoreError> {
        read_offices(&mut *self.0.pool().acquire().await?).await
    }

    /// Accredits a new office. `keep` stores its key before the office exists: an office without a key would be
    /// empty forever.
    ///
    /// # Errors
    /// [`OfficeError::NameTaken`]; [`OfficeError::NoRoom`].
    pub async fn new_office(
        &self,
        name: &str,
        schema: &'static Schema,
        keep: impl FnOnce(&OfficeKey) -> Result<(), FileError>,
    ) -> Result<OfficeKey, OfficeError> {
        // The lock first: no other process changes what is read under it.
        let mut transaction = self.0.begin().await?;
        let office = standing::next_number(&mut transaction).await?.ok_or(OfficeError::NoRoom)?;
        let key = OfficeKey::generate(office, name);
        let inserted = sqlx::query(
            "INSERT INTO office (id, name, schema, public_key) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
        )
        .bind(i64::from(office.0))
        .bind(name)
        .bind(i64::from(schema.id.0))
        .bind(key.public().to_vec())
        .execute(&mut *transaction)
        .await?;
        if inserted.rows_affected() == 0 {
            return Err(OfficeError::NameTaken(name.to_owned()));
        }
        let version = TreeVersion::next(&mut transaction).await?;
        standing::place(&mut transaction, version, office).await?;
        keep(&key)?;
        transaction.commit().await?;
        Ok(key)
    }

    /// Returns what the offices report to the ledger, by number.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn office_states(&self) -> Result<Vec<OfficeState>, StoreError> {
        let mut states = Vec::new();
        let mut reading = self.0.begin_reading().await?;
        for office in read_offices(&mut reading).await? {
            let tree: OfficeTree = read_tree(&mut reading, TreeName::Office(office.id.0)).await?;
            states.push(OfficeState {
                office: office.id,
                schema: office.schema.id,
                root: OfficeRoot::from_field(tree.root()),
                live: tree.live() as u32,
            });
        }
        Ok(states)
    }

    /// Returns the state root.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn state_root(&self) -> Result<StateRoot, StoreError> {
        // Read at each request of a snapshot: only the topmost node.
        let top: Option<(Vec<u8>,)> =
            sqlx::query_as("SELECT value FROM tree_node WHERE tree = 0 AND level = $1")
                .bind(STATE_DEPTH as i64)
                .fetch_optional(self.0.pool())
                .await?;
        let root = top.map(|(node,)| field(&node)).transpose()?;
        Ok(StateRoot::from_field(root.unwrap_or_else(|| StateTree::new().root())))
    }

    /// Writes an office's changed nodes, and those of the state's tree above it.
    pub(super) async fn write_office_tree(
        &self,
        transaction: &mut WriteTransaction,
        office: &Office,
        changes: &[NodeChange],
    ) -> Result<(), StoreError> {
        let version = TreeVersion::next(transaction).await?;
        write_nodes(transaction, version, TreeName::Office(office.id.0), changes).await?;
        standing::place(transaction, version, office.id).await
    }

    /// Returns the office of a key, if it is accredited here.
    pub async fn check_office(&self, key: &OfficeKey) -> Result<Office, OfficeError> {
        let public_key: Option<(Vec<u8>,)> =
            sqlx::query_as("SELECT public_key FROM office WHERE id = $1")
                .bind(i64::from(key.office.0))
                .fetch_optional(self.0.pool())
                .await?;
        let known = public_key.is_some_and(|(public_key,)| public_key == key.public());
        let office = self.offices().await?.into_iter().find(|office| office.id == key.office);
        match office {
            Some(office) if known => Ok(office),
            _ => Err(OfficeError::NotAccredited(key.name.clone())),
        }
    }
}
