//! Backups of a store, taken while it is in use, and checked when they are restored. A backup is a SQLite
//! file whatever the database, so that a state can move from one to the other.

use std::path::Path;

use jiff::Timestamp;
use praman_files::FileError;

use super::database::FILE_NAME;
use super::{Database, Location, Store};
use crate::error::{BackupError, StoreError};
use crate::setting::Setting;

impl Store {
    /// Writes everything committed so far to a file that must not exist yet; others go on meanwhile.
    ///
    /// # Errors
    /// [`BackupError::Exists`].
    pub async fn back_up(&self, out: &Path) -> Result<(), StoreError> {
        if out.exists() {
            return Err(BackupError::Exists(out.to_owned()).into());
        }
        let folder = praman_files::folder_of(out);
        let begun = Timestamp::now();
        // Beside its place, so that no file is ever incomplete.
        let beside = tempfile::tempdir_in(folder).map_err(FileError::io(folder))?;
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
        mark(beside.path(), &[Setting::BackedUp], begun).await?;
        publish(&copy, out)
    }

    /// Puts a checked backup into a folder that has no store yet, or an empty database. `made_at` says when it was
    /// made, if the clock that marked it was ahead.
    ///
    /// # Errors
    /// [`BackupError`] if there is a state, or parts of one, or if the backup's time is in the future;
    /// [`FileError::Malformed`] if the file is not a complete store; [`StoreError::Schema`] if a newer program
    /// wrote it.
    pub async fn restore(
        backup: &Path,
        location: &Location,
        made_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        match location {
            Location::Folder(folder) => Self::restore_file(backup, folder, made_at).await,
            Location::Server(_) => {
                let beside = tempfile::tempdir().map_err(FileError::io(backup))?;
                let folder = beside.path().join("backup");
                Self::restore_file(backup, &folder, made_at).await?;
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

    async fn restore_file(
        backup: &Path,
        folder: &Path,
        made_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let place = folder.join(FILE_NAME);
        if place.exists() {
            return Err(BackupError::HoldsState(folder.to_owned()).into());
        }
        // SQLite would apply the remains of another state to the backup.
        for left in ["-wal", "-shm", "-journal"].map(|end| folder.join(format!("{FILE_NAME}{end}")))
        {
            if left.exists() {
                return Err(BackupError::LeftOver(left).into());
            }
        }
        std::fs::create_dir_all(folder).map_err(FileError::io(folder))?;
        let beside = tempfile::tempdir_in(folder).map_err(FileError::io(folder))?;
        let copy = beside.path().join(FILE_NAME);
        std::fs::copy(backup, &copy).map_err(FileError::io(backup))?;
        let whole = check(beside.path()).await.map_err(|error| match error {
            StoreError::Database(_) => FileError::malformed(backup, "not a complete backup").into(),
            other => other,
        });
        whole?;
        require_made_before_now(beside.path(), made_at).await?;
        // It does not know what was done since: it pays nothing until it does, and sends the ledger no office that
        // had other credentials then.
        let marks = [Setting::Restored, Setting::RestoredOffices];
        mark(beside.path(), &marks, Timestamp::now()).await?;
        publish(&copy, &place)
    }
}

/// Refuses a backup from the future by this machine's clock: the time from which the state does not know what went to
/// the bank would be wrong. The operator can give the right time, which is stored.
async fn require_made_before_now(
    folder: &Path,
    made_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let store = Store::connect_as_it_is(&Location::Folder(folder.to_owned())).await?;
    let checked = made_before_now(&store, made_at).await;
    store.close().await;
    checked
}

async fn made_before_now(store: &Store, made_at: Option<Timestamp>) -> Result<(), StoreError> {
    let now = Timestamp::now();
    let mut connection = store.writer().acquire().await?;
    let marked = Setting::BackedUp.read(&mut connection).await?;
    let marked = marked.map(|value| value.try_into().map(i64::from_be_bytes)).transpose();
    let marked = marked.map_err(|_| super::broken("when the backup was made"))?;
    let ahead = marked.filter(|marked| *marked > now.as_millisecond());
    match (ahead, made_at) {
        (_, Some(made_at)) if made_at > now => Err(BackupError::MadeAtAhead.into()),
        (_, Some(made_at)) if ahead.is_some() || marked.is_none() => {
            let value = made_at.as_millisecond().to_be_bytes();
            Setting::BackedUp.keep(&mut connection, &value).await
        }
        (Some(ahead), None) => {
            let ahead = Timestamp::from_millisecond(ahead).map_or_else(
                |_| "a time".to_owned(),
                |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            );
            Err(BackupError::MadeAhead(ahead).into())
        }
        (_, Some(_)) => Err(BackupError::MadeAtKnown.into()),
        (None, None) => Ok(()),
    }
}

/// Records in a folder's store when things were done with it. If the state was already restored and not resumed, the
/// time of its earlier backup stays: it does not know what was done since then.
async fn mark(folder: &Path, what: &[Setting], at: Timestamp) -> Result<(), StoreError> {
    let store = Store::connect_as_it_is(&Location::Folder(folder.to_owned())).await?;
    let mut marked = Ok(());
    for what in what {
        let mark = sqlx::query(
            "INSERT INTO chain_setting (key, value)
             SELECT $1, $2 WHERE $1 <> 'backed_up'
                 OR NOT EXISTS (SELECT 1 FROM chain_setting WHERE key = 'restored')
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )
        .bind(what.name())
        .bind(at.as_millisecond().to_be_bytes().to_vec())
        .execute(store.writer())
        .await;
        marked = marked.and(mark.map(drop));
    }
    store.close().await;
    Ok(marked?)
}

/// Moves a finished file to its place.
fn publish(file: &Path, place: &Path) -> Result<(), StoreError> {
    std::fs::File::open(file)
        .and_then(|file| file.sync_all())
        .and_then(|()| std::fs::rename(file, place))
        .map_err(FileError::io(place))?;
    Ok(praman_files::sync_folder_of(place)?)
}

/// Checks that the store in a folder is complete, and of a schema known here.
async fn check(folder: &Path) -> Result<(), StoreError> {
    let store = Store::connect_as_it_is(&Location::Folder(folder.to_owned())).await?;
    let checked: Result<Vec<(String,)>, _> =
        sqlx::query_as("PRAGMA integrity_check").fetch_all(store.writer()).await;
    let checked = match checked {
        Ok(said) if said == [("ok".to_owned(),)] => store.migrate().await,
        Ok(_) => Err(super::broken("the database's pages")),
        Err(error) => Err(error.into()),
    };
    // Its journal is merged into the file.
    store.close().await;
    checked
}
