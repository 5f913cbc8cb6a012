//! iden3's binary formats, as snarkjs reads them.
//!
//! Source: iden3, *r1cs binary format*, *wtns binary format*; snarkjs 0.7 `r1csfile`.

use std::io::{self, Write};

use ark_bn254::Fr;
use ark_ff::{BigInteger, PrimeField};

use crate::circuit::{Circuit, Witness};
use crate::linear_combination::LinearCombination;

/// Bytes of a field element.
const FIELD_BYTES: u32 = 32;

/// Writes a circuit as `.r1cs`: header, constraints, wire-to-label map.
///
/// # Errors
/// Whatever the writer returns.
pub fn write_r1cs(circuit: &Circuit, out: &mut impl Write) -> io::Result<()> {
    let mut constraints = Vec::new();
    for row in circuit.rows() {
        for form in [&row.a, &row.b, &row.c] {
            push_form(&mut constraints, form);
        }
    }
    let wires = circuit.wires() as u32;
    let mut header = Vec::new();
    header.extend(FIELD_BYTES.to_le_bytes());
    header.extend(Fr::MODULUS.to_bytes_le());
    header.extend(wires.to_le_bytes());
    header.extend(0u32.to_le_bytes()); // public outputs: praman's public values are all inputs
    header.extend((circuit.public_inputs() as u32).to_le_bytes());
    header.extend((circuit.private_inputs() as u32).to_le_bytes());
    header.extend(u64::from(wires).to_le_bytes());
    header.extend((circuit.rows().len() as u32).to_le_bytes());
    let labels: Vec<u8> = (0..u64::from(wires)).flat_map(u64::to_le_bytes).collect();

    out.write_all(b"r1cs")?;
    out.write_all(&1u32.to_le_bytes())?;
    out.write_all(&3u32.to_le_bytes())?;
    write_section(out, 1, &header)?;
    write_section(out, 2, &constraints)?;
    write_section(out, 3, &labels)
}

/// Writes a witness as `.wtns`.
///
/// # Errors
/// Whatever the writer returns.
pub fn write_wtns(witness: &Witness, out: &mut impl Write) -> io::Result<()> {
    let assignment = witness.assignment();
    let mut header = Vec::new();
    header.extend(FIELD_BYTES.to_le_bytes());
    header.extend(Fr::MODULUS.to_bytes_le());
    header.extend((assignment.len() as u32).to_le_bytes());
    out.write_all(b"wtns")?;
    out.write_all(&2u32.to_le_bytes())?;
    out.write_all(&2u32.to_le_bytes())?;
    write_section(out, 1, &header)?;
    let values = zeroize::Zeroizing::new(
        assignment.iter().flat_map(|value| value.into_bigint().to_bytes_le()).collect::<Vec<u8>>(),
    );
    write_section(out, 2, &values)
}

/// Writes the wires' names as `.sym`: label, wire, component, name.
///
/// # Errors
/// Whatever the writer returns.
pub fn write_sym(circuit: &Circuit, out: &mut impl Write) -> io::Result<()> {
    for (wire, name) in circuit.wire_names().iter().enumerate().skip(1) {
        writeln!(out, "{wire},{wire},0,main.{name}")?;
    }
    Ok(())
}

fn push_form(bytes: &mut Vec<u8>, form: &LinearCombination) {
    bytes.extend((form.terms().len() as u32).to_le_bytes());
    for &(wire, coefficient) in form.terms() {
        bytes.extend(wire.to_le_bytes());
        bytes.extend(coefficient.into_bigint().to_bytes_le());
    }
}

fn write_section(out: &mut impl Write, kind: u32, body: &[u8]) -> io::Result<()> {
    out.write_all(&kind.to_le_bytes())?;
    out.write_all(&(body.len() as u64).to_le_bytes())?;
    out.write_all(body)
}
