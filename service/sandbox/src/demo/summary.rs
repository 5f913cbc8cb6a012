//! What the demonstration reports at its end.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// The results.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Rows of the register.
    pub rows: usize,
    /// People.
    pub accepted: usize,
    /// Rejected rows.
    pub refused: usize,
    /// Rows about people of an earlier row.
    pub duplicates: usize,
    /// Rejected rows by field.
    pub refused_for: Vec<(String, usize)>,
    /// Credentials.
    pub issued: usize,
    /// Claims proved and sent.
    pub claims_sent: usize,
    /// Claims accepted by the ledger.
    pub claims_accepted: usize,
    /// Second claims of one person, refused.
    pub double_claims_refused: usize,
    /// Why the last of them was refused.
    pub double_claim_reason: String,
    /// Forged claims, refused.
    pub forged_claims_refused: usize,
    /// Why the last of them was refused.
    pub forged_claim_reason: String,
    /// Paid by the bank's files.
    pub paid_rupees: u64,
    /// The bank's files.
    pub bank_files: Vec<PathBuf>,
    /// The median gas of a claim.
    pub claim_gas: u64,
    /// Proofs made a second on this machine.
    pub proofs_per_second: f64,
    /// Where the keys come from.
    pub keys: String,
    /// Wall time of everything.
    pub seconds: f64,
    /// The folder of everything.
    pub folder: PathBuf,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, value: String| writeln!(f, "{name:<28}{value}");
        line("rows of the register", self.rows.to_string())?;
        let fields: Vec<String> =
            self.refused_for.iter().map(|(field, count)| format!("{field} {count}")).collect();
        line("refused", format!("{} ({})", self.refused, fields.join(", ")))?;
        line("duplicates", self.duplicates.to_string())?;
        line("people", self.accepted.to_string())?;
        line("credentials issued", self.issued.to_string())?;
        line("keys", format!("{} (never to be used for real money)", self.keys))?;
        line("claims proved", self.claims_sent.to_string())?;
        line("proofs a second", format!("{:.2}", self.proofs_per_second))?;
        line("claims accepted", self.claims_accepted.to_string())?;
        line("gas of a claim", self.claim_gas.to_string())?;
        let refused = |count: usize, reason: &str| match count {
            0 => "NOT REFUSED, or not tried".to_owned(),
            _ => format!("refused: {reason}"),
        };
        line("a double claim", refused(self.double_claims_refused, &self.double_claim_reason))?;
        line("a forged claim", refused(self.forged_claims_refused, &self.forged_claim_reason))?;
        line("paid, rupees", self.paid_rupees.to_string())?;
        for file in &self.bank_files {
            line("bank file", file.display().to_string())?;
        }
        line("seconds", format!("{:.1}", self.seconds))
    }
}
