//! The log as lines of JSON, for auditors.

use std::io::Write;
use std::path::Path;

use praman_files::FileError;
use praman_store::error::StoreError;

use super::log::AT_ONCE;
use crate::AuditStore;

impl AuditStore<'_> {
    /// Writes the log to a file, an entry a line; returns how many.
    ///
    /// # Errors
    /// [`StoreError::File`], [`StoreError::Database`].
    pub async fn export_audit(&self, path: &Path) -> Result<u64, StoreError> {
        let folder = praman_files::folder_of(path);
        let failed = FileError::io(path);
        let mut beside = tempfile::NamedTempFile::new_in(folder).map_err(FileError::io(folder))?;
        let mut count = 0;
        loop {
            let entries = self.audit_entries(count + 1).await?;
            let is_last = (entries.len() as i64) < AT_ONCE;
            for entry in entries {
                let line = serde_json::to_string(&entry).expect("an entry is plain data");
                writeln!(beside, "{line}").map_err(&failed)?;
                count = entry.number;
            }
            if is_last {
                break;
            }
        }
        beside.as_file().sync_all().map_err(&failed)?;
        beside.persist(path).map_err(|error| failed(error.error))?;
        praman_files::sync_folder_of(path)?;
        Ok(count)
    }
}
