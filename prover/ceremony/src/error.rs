//! Why a file of a ceremony is refused.

use std::path::PathBuf;

use praman_prover::KeyError;

/// Why a file of a ceremony can't be read, made or taken.
#[derive(Debug, thiserror::Error)]
pub enum CeremonyError {
    /// It can't be read, or is not what its name says.
    #[error(transparent)]
    File(#[from] KeyError),
    /// It is whole, and wrong.
    #[error("{path}: {fault}")]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: Fault,
    },
}

/// What is wrong with a file that is whole. Contributions count from 1, in the order that they were made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No person has contributed: anyone knows its secrets.
    #[error("no person has contributed to it: anyone knows its secrets")]
    NoContribution,
    /// A beacon is hashed more often than the check allows.
    #[error(
        "contribution {contribution} is a beacon's that is hashed 2^{exponent} times; the check stops at 2^{limit}"
    )]
    LongBeacon {
        /// Its number.
        contribution: usize,
        /// The power of two of times.
        exponent: u8,
        /// The limit.
        limit: u8,
    },
    /// A beacon contributed where only persons may.
    #[error("contribution {0} is a beacon's: only persons contribute now")]
    UnexpectedBeacon(usize),
    /// The secret of a contribution was one.
    #[error("contribution {contribution} changed nothing: its {secret} is one")]
    NothingChanged {
        /// Its number.
        contribution: usize,
        /// Which secret.
        secret: &'static str,
    },
    /// Its proof of knowledge is wrong.
    #[error("contribution {contribution} does not prove that its contributor knew {secret}")]
    Unknown {
        /// Its number.
        contribution: usize,
        /// Which secret.
        secret: &'static str,
    },
    /// It does not begin where the one before it ends.
    #[error(
        "contribution {contribution} was not made on the one before it: {secret} does not follow"
    )]
    OtherBase {
        /// Its number.
        contribution: usize,
        /// Which secret.
        secret: &'static str,
    },
    /// Its hash of all before it is another.
    #[error("contribution {0} was made on other contributions than those before it")]
    Transcript(usize),
    /// It is not what its beacon gives.
    #[error("contribution {0} is not what its beacon gives")]
    Beacon(usize),
    /// The hash chain of phase 1 is broken.
    #[error("contribution {0} names a challenge that is not the file's")]
    Challenge(usize),
    /// A value of the header, or a first point of a section, is not what it must be.
    #[error("{0}")]
    Value(&'static str),
    /// The points of a section are not what they must be.
    #[error("section {section}: {reason}")]
    Section {
        /// Its number.
        section: u32,
        /// What is wrong.
        reason: String,
    },
    /// Phase 1 has too few powers for the circuit.
    #[error("phase 1 has 2^{power} powers, the circuit needs 2^{needed}")]
    TooFewPowers {
        /// The power that phase 1 has.
        power: u32,
        /// The power that is needed.
        needed: u32,
    },
    /// It is of another circuit or another phase 1.
    #[error("its circuit hash is not that of this circuit and this phase 1")]
    CircuitHash,
    /// Two files that should differ by one contribution do not.
    #[error("it is not its base with one contribution more: {0}")]
    NotOneMore(&'static str),
}

impl Fault {
    pub(crate) fn section(section: u32, reason: impl Into<String>) -> Self {
        Self::Section { section, reason: reason.into() }
    }
}
