//! Other people's keys and witnesses: iden3's `.zkey` and `.wtns`.
//!
//! Source: snarkjs 0.7, `zkey_utils.js`, `zkey_new.js`, `wtns_utils.js`.

use std::path::{Path, PathBuf};

use ark_bn254::{Bn254, Fq, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ec::pairing::Pairing;
use ark_groth16::ProvingKey;
use praman_circuits::circuit::Witness;
use praman_verifier::VerifyingKey;

use crate::key_store::KeyError;
use crate::sections::Sections;

/// A Groth16 key of snarkjs', with the rows of its circuit's A and B.
pub struct ForeignKey {
    /// Its file.
    path: PathBuf,
    pub(crate) proving: ProvingKey<Bn254>,
    pub(crate) verifying: VerifyingKey,
    /// Those of the public inputs among them. C is not in the file: it is the product, row by row.
    pub(crate) rows: Vec<[Vec<(u32, Fr)>; 2]>,
    pub(crate) domain: usize,
}

/// snarkjs' number of Groth16.
const GROTH16: u32 = 1;

impl ForeignKey {
    /// Reads a `.zkey`.
    ///
    /// # Errors
    /// [`KeyError::File`]; [`KeyError::Malformed`] where the file is cut, of another curve or proof
    /// system, a point is not on its curve or not in its subgroup, or beta or delta is another in G1 than
    /// in G2; [`KeyError::Verification`] for a degenerate key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let file = Sections::read(path, b"zkey", 1)?;
        let mut header = file.section(1)?;
        match header.number()? {
            GROTH16 => {}
            2 => return Err(header.malformed("it is a key of PLONK, not of Groth16")),
            10 => return Err(header.malformed("it is a key of fflonk, not of Groth16")),
            other => {
                let reason = format!("it is a key of proof system {other}, not of Groth16");
                return Err(header.malformed(reason));
            }
        }
        header.require_end()?;
        let mut header = file.section(2)?;
        header.require_field::<Fq>()?;
        header.require_field::<Fr>()?;
        let [wires, public, domain] = [header.number()?, header.number()?, header.number()?];
        let [wires, public, domain] = [wires, public, domain].map(|number| number as usize);
        if public + 1 > wires || !domain.is_power_of_two() || domain > 1 << 27 {
            return Err(header.malformed(format!(
                "{wires} wires, {public} public inputs and a domain of {domain} are no circuit"
            )));
        }
        let (alpha_g1, beta_g1) = (header.g1()?, header.g1()?);
        let (beta_g2, gamma_g2) = (header.g2()?, header.g2()?);
        let (delta_g1, delta_g2) = (header.g1()?, header.g2()?);
        header.require_end()?;
        for (name, in_g1, in_g2) in [("beta", beta_g1, beta_g2), ("delta", delta_g1, delta_g2)] {
            let (one, other) = (G1Affine::generator(), G2Affine::generator());
            if Bn254::pairing(in_g1, other) != Bn254::pairing(one, in_g2) {
                return Err(header.malformed(format!("its two {name}s are not of one number")));
            }
        }
        let gamma_abc_g1 = file.section(3)?.many(public + 1, |section| section.g1())?;
        let vk = ark_groth16::VerifyingKey { alpha_g1, beta_g2, gamma_g2, delta_g2, gamma_abc_g1 };
        let verifying = VerifyingKey::foreign(vk.clone())?;
        let proving = ProvingKey {
            vk,
            beta_g1,
            delta_g1,
            a_query: file.section(5)?.many(wires, |section| section.g1())?,
            b_g1_query: file.section(6)?.many(wires, |section| section.g1())?,
            b_g2_query: file.section(7)?.many(wires, |section| section.g2())?,
            l_query: file.section(8)?.many(wires - public - 1, |section| section.g1())?,
            h_query: file.section(9)?.many(domain, |section| section.g1())?,
        };
        let mut section = file.section(4)?;
        let mut rows = vec![[Vec::new(), Vec::new()]; domain];
        for _ in 0..section.number()? {
            let (matrix, row, wire) = (section.number()?, section.number()?, section.number()?);
            let coefficient = section.coefficient()?;
            if matrix > 1 || row as usize >= domain || wire as usize >= wires {
                return Err(section.malformed(format!(
                    "a coefficient of matrix {matrix}, row {row}, wire {wire} is of no circuit"
                )));
            }
            rows[row as usize][matrix as usize].push((wire, coefficient));
        }
        section.require_end()?;
        Ok(Self { path: path.to_owned(), proving, verifying, rows, domain })
    }

    /// Creates the error of a file that is not as it should be.
    pub(crate) fn malformed(&self, reason: &str) -> KeyError {
        KeyError::Malformed { path: self.path.clone(), reason: reason.to_owned() }
    }

    /// Reads a `.wtns` for this key.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] where the file is cut, of another curve, of another length than the key
    /// has wires, or its first wire is not one.
    pub fn read_witness(&self, path: &Path) -> Result<Witness, KeyError> {
        let wires = self.proving.a_query.len();
        read_witness(path, wires, self.verifying.public_inputs(), "key")
    }

    /// The verification key.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }
}

/// Reads a `.wtns` of so many wires, as many as another file of a kind has.
pub(crate) fn read_witness(
    path: &Path,
    wires: usize,
    public_inputs: usize,
    of: &str,
) -> Result<Witness, KeyError> {
    let file = Sections::read(path, b"wtns", 2)?;
    let mut header = file.section(1)?;
    header.require_field::<Fr>()?;
    let count = header.number()? as usize;
    header.require_end()?;
    if count != wires {
        return Err(header.malformed(format!("it has {count} wires, the {of} {wires}")));
    }
    let assignment = file.section(2)?.many(wires, |section| section.scalar())?;
    if assignment[0] != Fr::from(1u64) {
        return Err(header.malformed("its first wire is not the constant one"));
    }
    Ok(Witness::from_assignment(assignment, public_inputs))
}
