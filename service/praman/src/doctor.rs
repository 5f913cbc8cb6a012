//! What is wrong with an installation, and what to do about it.
//!
//! Every check says what it looked at in a word, how it stands and, where that is not well, what to do.
//! Nothing is changed, and nothing that a check tells is of a person.

mod checks;

use std::path::PathBuf;

use serde::Serialize;

use crate::named::named;
use crate::store::Location;

named! {
    /// How something stands.
    Standing {
        /// It is well.
        Well = "well",
        /// It works, and somebody should look at it.
        Watch = "watch",
        /// It does not work.
        Wrong = "wrong",
    }
}

/// What was looked at, and what it came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How it stands.
    pub standing: Standing,
    /// In words.
    pub says: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<&'static str>,
}

impl Finding {
    fn well(check: &'static str, says: impl Into<String>) -> Self {
        Self { check, standing: Standing::Well, says: says.into(), advice: None }
    }

    fn watch(check: &'static str, says: impl Into<String>, advice: &'static str) -> Self {
        Self { check, standing: Standing::Watch, says: says.into(), advice: Some(advice) }
    }

    fn wrong(check: &'static str, says: impl Into<String>, advice: &'static str) -> Self {
        Self { check, standing: Standing::Wrong, says: says.into(), advice: Some(advice) }
    }
}

/// What is looked at.
pub struct Installation {
    /// The folder of the state.
    pub folder: PathBuf,
    /// Where the store is.
    pub location: Location,
    /// The folder of the keys, if it is given.
    pub keys: Option<PathBuf>,
    /// The service's certificate, if it is given.
    pub certificate: Option<PathBuf>,
}

impl Installation {
    /// Looks at all of it. What can't be looked at, because what it needs is wrong, is left out.
    pub async fn examine(&self) -> Vec<Finding> {
        let mut findings = self.files();
        findings.extend(self.keys());
        findings.extend(self.certificate());
        let (of_store, store) = self.store().await;
        findings.extend(of_store);
        if let Some(store) = store {
            findings.extend(checks::clock(&store).await);
            findings.extend(checks::ledger(&store).await);
            findings.extend(checks::offices(&store).await);
            findings.extend(checks::backlog(&store).await);
            findings.extend(checks::people(&store).await);
            findings.extend(checks::records(&store).await);
            store.close().await;
        }
        findings
    }
}
