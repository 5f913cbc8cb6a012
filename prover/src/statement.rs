//! The statements as arkworks' constraint systems take them.

use ark_bn254::Fr;
use ark_relations::gr1cs::{
    ConstraintSynthesizer, ConstraintSystemRef, LinearCombination, Result, SynthesisError, Variable,
};
use praman_circuits::circuit::{Circuit, Witness};
use praman_circuits::linear_combination::LinearCombination as Form;

/// A statement for arkworks: any proof system over its R1CS takes it, and a circuit of `ark-r1cs-std` can have
/// it as a part.
///
/// The rows are those that praman's own keys are made of, one for one and in the same order. So a key that
/// `ark-groth16` makes from this is a key of the same statement; praman's own keys are for circom's reduction
/// besides (see [`setup`](crate::setup)), so that they export as `.zkey`.
///
/// ```
/// use ark_relations::gr1cs::{ConstraintSynthesizer, ConstraintSystem};
/// use praman_circuits::circuit;
/// use praman_prover::Statement;
/// use praman_testkit::fixture;
///
/// let claim = fixture::claim(1);
/// let witness = circuit::eligibility_witness(&claim.public().to_fields(), &claim.private());
/// let cs = ConstraintSystem::new_ref();
/// Statement::with_witness(circuit::eligibility(), &witness).generate_constraints(cs.clone())?;
/// assert!(cs.is_satisfied()?);
/// assert_eq!(cs.num_constraints(), circuit::eligibility().rows().len());
/// # Ok::<(), ark_relations::gr1cs::SynthesisError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Statement<'a> {
    circuit: &'a Circuit,
    witness: Option<&'a Witness>,
}

impl<'a> Statement<'a> {
    /// A statement without values, to make keys for.
    pub fn new(circuit: &'a Circuit) -> Self {
        Self { circuit, witness: None }
    }

    /// A statement with a value for each wire, to prove.
    ///
    /// # Panics
    /// If the witness is another circuit's.
    pub fn with_witness(circuit: &'a Circuit, witness: &'a Witness) -> Self {
        assert_eq!(
            witness.assignment().len(),
            circuit.wires(),
            "the witness has the circuit's wires"
        );
        assert_eq!(witness.public().len(), circuit.public_inputs(), "the inputs are the circuit's");
        Self { circuit, witness: Some(witness) }
    }

    /// Adds the statement to a constraint system, behind what is in it already. The variables of its wires: the
    /// constant one, the public inputs, the rest. `AllocatedFp::new` of `ark-r1cs-std` makes an `FpVar` of one.
    ///
    /// # Errors
    /// [`SynthesisError`] from the system.
    pub fn allocate(self, cs: &ConstraintSystemRef<Fr>) -> Result<Vec<Variable>> {
        let value = |wire: usize| {
            let witness = self.witness.ok_or(SynthesisError::AssignmentMissing)?;
            Ok(witness.assignment()[wire])
        };
        let mut wires = Vec::with_capacity(self.circuit.wires());
        wires.push(Variable::One);
        for wire in 1..self.circuit.wires() {
            wires.push(if wire <= self.circuit.public_inputs() {
                cs.new_input_variable(|| value(wire))?
            } else {
                cs.new_witness_variable(|| value(wire))?
            });
        }
        let form = |form: &Form| {
            let terms = form.terms().iter();
            LinearCombination(terms.map(|&(wire, by)| (by, wires[wire as usize])).collect())
        };
        for row in self.circuit.rows() {
            cs.enforce_r1cs_constraint(|| form(&row.a), || form(&row.b), || form(&row.c))?;
        }
        Ok(wires)
    }
}

impl ConstraintSynthesizer<Fr> for Statement<'_> {
    fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<()> {
        self.allocate(&cs).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use ark_ff::One;
    use ark_groth16::Groth16;
    use ark_r1cs_std::eq::EqGadget;
    use ark_r1cs_std::fields::FieldVar;
    use ark_r1cs_std::fields::fp::{AllocatedFp, FpVar};
    use ark_relations::gr1cs::predicate::polynomial_constraint::R1CS_PREDICATE_LABEL;
    use ark_relations::gr1cs::{ConstraintSystem, SynthesisMode};
    use praman_circuits::circuit;
    use praman_circuits::constraint_system::Row;
    use praman_circuits::health_record::HandleBlinding;
    use praman_testkit::fixture;
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::*;

    fn eligibility_witness() -> Witness {
        let claim = fixture::claim(1);
        circuit::eligibility_witness(&claim.public().to_fields(), &claim.private())
    }

    /// Row for row: A, B and C of arkworks' system are ours.
    #[test]
    fn rows_of_each_statement_are_the_same_in_arkworks() {
        for circuit in circuit::NAMES.into_iter().filter_map(circuit::named) {
            let cs = ConstraintSystem::<Fr>::new_ref();
            cs.set_mode(SynthesisMode::Setup);
            Statement::new(circuit).generate_constraints(cs.clone()).expect("synthesised");
            cs.finalize();
            assert_eq!(cs.num_constraints(), circuit.rows().len());
            assert_eq!(cs.num_instance_variables(), circuit.public_inputs() + 1);
            assert_eq!(cs.num_variables(), circuit.wires());
            let matrices = &cs.to_matrices().expect("matrices")[R1CS_PREDICATE_LABEL];
            let parts: [fn(&Row) -> &Form; 3] = [|row| &row.a, |row| &row.b, |row| &row.c];
            assert_eq!(matrices.len(), parts.len());
            for (matrix, part) in matrices.iter().zip(parts) {
                assert_eq!(matrix.len(), circuit.rows().len());
                for (place, (row, own)) in matrix.iter().zip(circuit.rows()).enumerate() {
                    let mut row = row.clone();
                    row.sort_unstable_by_key(|&(_, wire)| wire);
                    let own: Vec<(Fr, usize)> =
                        part(own).terms().iter().map(|&(wire, by)| (by, wire as usize)).collect();
                    assert_eq!(row, own, "{}: row {place}", circuit.name());
                }
            }
        }
    }

    #[test]
    fn wrong_wire_is_not_satisfied_in_arkworks() {
        let (circuit, right) = (circuit::eligibility(), eligibility_witness());
        for wire in [1, circuit.public_inputs(), circuit.public_inputs() + 1, circuit.wires() - 1] {
            let mut wrong = right.assignment().to_vec();
            wrong[wire] += Fr::one();
            let wrong = Witness::from_assignment(wrong, circuit.public_inputs());
            let cs = ConstraintSystem::new_ref();
            Statement::with_witness(circuit, &wrong).allocate(&cs).expect("synthesised");
            assert!(!cs.is_satisfied().expect("decided"), "wire {wire}");
        }
    }

    /// As a user of arkworks would: keys, proof and check by ark-groth16 alone, with its own reduction.
    #[test]
    fn ark_groth16_proves_a_statement_by_itself() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let (circuit, witness) = (circuit::consent(), {
            let (grant, request) = fixture::grant(1);
            let blinding = HandleBlinding::from_field(Fr::from(3u64));
            let (public, private) = grant.inputs(request, 0, &blinding);
            circuit::consent_witness(&public.to_fields(), &private)
        });
        type Plain = Groth16<ark_bn254::Bn254>;
        let key =
            Plain::generate_random_parameters_with_reduction(Statement::new(circuit), &mut rng)
                .expect("keys");
        let statement = Statement::with_witness(circuit, &witness);
        let proof = Plain::create_random_proof_with_reduction(statement, &key, &mut rng);
        let key = ark_groth16::prepare_verifying_key(&key.vk);
        let valid = Plain::verify_proof(&key, &proof.expect("a proof"), witness.public());
        assert!(valid.expect("checked"));
    }

    /// A statement as a part of a circuit of `ark-r1cs-std`: the sum of two public inputs is a third.
    #[test]
    fn statement_is_a_part_of_another_circuit() {
        let (circuit, witness) = (circuit::eligibility(), eligibility_witness());
        for difference in [0u64, 1] {
            let cs = ConstraintSystem::<Fr>::new_ref();
            let total = witness.public()[0] + witness.public()[1] + Fr::from(difference);
            let total = cs.new_input_variable(|| Ok(total)).map(|variable| (total, variable));
            let (total, variable) = total.expect("an input");
            let total = FpVar::Var(AllocatedFp::new(Some(total), variable, cs.clone()));
            let wires = Statement::with_witness(circuit, &witness).allocate(&cs).expect("a part");
            let input = |place: usize| {
                let value = Some(witness.public()[place]);
                FpVar::Var(AllocatedFp::new(value, wires[1 + place], cs.clone()))
            };
            let sum = input(0) + input(1) + FpVar::<Fr>::zero();
            sum.enforce_equal(&total).expect("enforced");
            assert_eq!(cs.is_satisfied().expect("decided"), difference == 0);
        }
    }
}
