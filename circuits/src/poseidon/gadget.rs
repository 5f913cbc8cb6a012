//! The hash inside a circuit.

use ark_bn254::Fr;
use ark_ff::One;

use super::parameters::{FULL_ROUNDS, Matrix, Parameters};
use crate::constraint_system::{ConstraintSystem, Num};

/// Poseidon of 1 to 16 expressions; the twin of [`hash`](super::hash).
///
/// Three rows to an S-box (`x², x⁴, x⁵`), none to a linear layer, which stays an expression. An
/// S-box on a constant, as the capacity element of the first round, takes none.
pub fn hash_gadget(cs: &mut ConstraintSystem, inputs: &[&Num]) -> Num {
    let parameters = Parameters::of(inputs.len());
    let mut state = vec![Num::zero()];
    state.extend(inputs.iter().map(|&input| input.clone()));
    let half = FULL_ROUNDS / 2;

    for constants in &parameters.full_constants[..half - 1] {
        substitute(cs, &mut state, constants);
        state = mix(&parameters.mds, &state);
    }
    substitute(cs, &mut state, &parameters.full_constants[half - 1]);
    state = mix(&parameters.before_partial, &state);

    for (constant, layer) in parameters.partial_constants.iter().zip(&parameters.sparse) {
        substitute(cs, &mut state[..1], &[*constant]);
        let mixed = inner_product(&layer.row, &state);
        let (lane, rest) = state.split_first_mut().expect("a state has at least two elements");
        for (element, factor) in rest.iter_mut().zip(&layer.column) {
            element.add_scaled(lane, *factor);
        }
        *lane = mixed;
    }

    for constants in &parameters.full_constants[half..FULL_ROUNDS - 1] {
        substitute(cs, &mut state, constants);
        state = mix(&parameters.mds, &state);
    }
    substitute(cs, &mut state, &parameters.full_constants[FULL_ROUNDS - 1]);
    inner_product(&parameters.mds[0], &state)
}

fn substitute(cs: &mut ConstraintSystem, state: &mut [Num], constants: &[Fr]) {
    for (element, constant) in state.iter_mut().zip(constants) {
        let constant = Num::constant(cs, *constant);
        element.add_scaled(&constant, Fr::one());
        *element = cs.fifth_power(element);
    }
}

fn mix(layer: &Matrix, state: &[Num]) -> Vec<Num> {
    layer.iter().map(|row| inner_product(row, state)).collect()
}

fn inner_product(factors: &[Fr], state: &[Num]) -> Num {
    let mut sum = Num::zero();
    for (factor, element) in factors.iter().zip(state) {
        sum.add_scaled(element, *factor);
    }
    sum
}
