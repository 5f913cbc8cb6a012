//! Backups of a store, taken while it is in use, and checked when they are restored. A backup is a SQLite
//! file whatever the database, so that a state can move from one to the other.

use std::path::Path;

use super::database::FILE_NAME;
use super::{Database, Location, Store};
use crate::error::ServiceError;
use crate::files;

/// The setting that tells that the offices of a restored state have not caught up with the ledger.
pub(crate) const RESTORED_OFFICES: &str = "restored_offices";

impl Store {
    /// Writes all that is committed now to a file that must not be there yet; others go on meanwhile.
    ///
    /// # Errors
    /// [`ServiceError::WrongUse`] if the file is there.
    pub async fn back_up(&self, out: &Path) -> Result<(), ServiceError> {
        if out.exists() {
            let reason = format!(
                "{} exists, and a backup never overwrites a file: give another file",
                out.display()
            );
            return Err(ServiceError::WrongUse(reason));
        }
        let folder = files::folder_of(out);
        let begun = jiff::Timestamp::now();
        // Beside its place, so that none is ever half there.
        let beside = tempfile::tempdir_in(folder).map_err(ServiceError::file(folder))?;
        let copy = beside.path().join(FILE_NAME);
        match self.database() {
            Database::Sqlite => {
                sqlx::query("VACUUM INTO $1")
                    .bind(copy.to_string_lossy().into_owned())
                    .execute(self.pool())
                    .await?;
            }
            Database::Postgres => {
                let file = Self::open(beside.path()).await?;
                let copied = self.copy_into(&file).await;
                file.close().await;
                copied?;
            }
        }
        check(beside.path()).await?;
        mark(beside.path(), &["backed_up"], begun).await?;
        publish(&copy, out)
    }

    /// Puts a backup into a folder that has no store yet, or a database that holds nothing, after it was
    /// checked.
    ///
    /// # Errors
    /// [`ServiceError::WrongUse`] if there is a state; [`ServiceError::Malformed`] if the file is no
    /// whole store; [`ServiceError::Schema`] if a newer program wrote it.
    pub async fn restore(backup: &Path, location: &Location) -> Result<(), ServiceError> {
        match location {
            Location::Folder(folder) => Self::restore_file(backup, folder).await,
            Location::Server(_) => {
                let beside = tempfile::tempdir().map_err(ServiceError::file(backup))?;
                let folder = beside.path().join("backup");
                Self::restore_file(backup, &folder).await?;
                let file = Self::open(&folder).await?;
                let copied = match Self::connect(location).await {
                    Ok(database) => file.copy_into(&database).await,
                    Err(error) => Err(error),
                };
                file.close().await;
                copied
            }
        }
    }

    async fn restore_file(backup: &Path, folder: &Path) -> Result<(), ServiceError> {
        let place = folder.join(FILE_NAME);
        if place.exists() {
            let reason =
                format!("{} already holds a state; nothing was restored", folder.display());
            return Err(ServiceError::WrongUse(reason));
        }
        std::fs::create_dir_all(folder).map_err(ServiceError::file(folder))?;
        let beside = tempfile::tempdir_in(folder).map_err(ServiceError::file(folder))?;
        let copy = beside.path().join(FILE_NAME);
        std::fs::copy(backup, &copy).map_err(ServiceError::file(backup))?;
        let whole = check(beside.path()).await.map_err(|error| match error {
            ServiceError::Store(_) => ServiceError::malformed(backup, "not a complete backup"),
            other => other,
        });
        whole?;
        // It does not know what was done since: it pays nothing until it does, and tells the ledger of no office
        // that had other credentials then.
        mark(beside.path(), &["restored", RESTORED_OFFICES], jiff::Timestamp::now()).await?;
        publish(&copy, &place)
    }
}

/// Keeps in the store in a folder when things were done with it. When a state was backed up that had been
/// restored, and does not know yet what was done before, stays as it is: since then it does not know.
async fn mark(folder: &Path, what: &[&str], at: jiff::Timestamp) -> Result<(), ServiceError> {
    let store = Store::connect_as_it_is(&Location::Folder(folder.to_owned())).await?;
    let mut marked = Ok(());
    for what in what {
        let mark = sqlx::query(
            "INSERT INTO chain_setting (key, value) VALUES ($1, $2)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value
                 WHERE chain_setting.key <> 'backed_up'
                     OR NOT EXISTS (SELECT 1 FROM chain_setting WHERE key = 'restored')",
        )
        .bind(*what)
        .bind(at.as_millisecond().to_be_bytes().to_vec())
        .execute(store.writer())
        .await;
        marked = marked.and(mark.map(drop));
    }
    store.close().await;
    Ok(marked?)
}

/// Moves a finished file to its place.
fn publish(file: &Path, place: &Path) -> Result<(), ServiceError> {
    std::fs::File::open(file)
        .and_then(|file| file.sync_all())
        .and_then(|()| std::fs::rename(file, place))
        .map_err(ServiceError::file(place))?;
    Ok(files::sync_folder_of(place)?)
}

/// Whether the store in a folder is whole, and of a schema known here.
async fn check(folder: &Path) -> Result<(), ServiceError> {
    let store = Store::connect_as_it_is(&Location::Folder(folder.to_owned())).await?;
    let checked: Result<Vec<(String,)>, _> =
        sqlx::query_as("PRAGMA integrity_check").fetch_all(store.writer()).await;
    let checked = match checked {
        Ok(said) if said == [("ok".to_owned(),)] => store.migrate().await,
        Ok(_) => Err(super::broken("the database's pages")),
        Err(error) => Err(error.into()),
    };
    // Its journal is folded into the file.
    store.close().await;
    checked
}
