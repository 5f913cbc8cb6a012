//! A person as the register has them, cleaned.

use praman_circuits::payee::Payee;
use praman_circuits::period::Day;
use praman_circuits::subject::SubjectCommitment;

use super::codes::{Category, District, RationCard, Sex};

/// An accepted row. It holds what praman keeps from everyone, so it does not print.
pub struct Person {
    pub(crate) register_no: String,
    pub(super) id_no: Option<u64>,
    pub(super) name: String,
    pub(super) name_bn: String,
    pub(super) guardian: String,
    pub(super) mobile: u64,
    pub(super) block: String,
    pub(crate) sex: Sex,
    pub(crate) born: Day,
    pub(crate) district: District,
    pub(crate) category: Category,
    pub(crate) ration_card: RationCard,
    pub(crate) annual_income: u32,
    pub(crate) land_decimals: u32,
    pub(crate) disability_percent: u32,
    pub(super) ifsc: String,
    pub(super) account: String,
    pub(super) subject: Option<SubjectCommitment>,
}

impl Person {
    /// The register number.
    pub fn register_no(&self) -> &str {
        &self.register_no
    }

    /// The commitment that the holder gave, if the register has it.
    pub fn subject(&self) -> Option<SubjectCommitment> {
        self.subject
    }

    /// The account that the person registered.
    pub fn payee(&self) -> Payee {
        Payee { account: self.account.clone(), ifsc: self.ifsc.clone(), name: self.name.clone() }
    }
}
