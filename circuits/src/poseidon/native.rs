//! The hash outside a circuit.

use ark_bn254::Fr;
use ark_ff::{Field, Zero};

use super::parameters::{FULL_ROUNDS, MAX_INPUTS, Matrix, Parameters, dot};

type State = [Fr; MAX_INPUTS + 1];

/// Poseidon of 1 to 16 elements, as circomlib's `poseidon(inputs)`.
///
/// ```
/// use ark_bn254::Fr;
/// use praman_circuits::poseidon;
///
/// let hash = poseidon::hash(&[Fr::from(1u64), Fr::from(2u64)]);
/// assert_eq!(
///     hash.to_string(),
///     "7853200120776062878684798364095072458815029376092732009249414926327459813530"
/// );
/// ```
///
/// # Panics
/// Unless there are 1 to 16 inputs.
pub fn hash(inputs: &[Fr]) -> Fr {
    let parameters = Parameters::of(inputs.len());
    let width = parameters.width;
    let mut buffer: State = [Fr::zero(); MAX_INPUTS + 1];
    let state = &mut buffer[..width];
    state[1..].copy_from_slice(inputs);
    let half = FULL_ROUNDS / 2;

    for constants in &parameters.full_constants[..half - 1] {
        full_round(state, constants, &parameters.mds);
    }
    full_round(state, &parameters.full_constants[half - 1], &parameters.before_partial);

    for (constant, layer) in parameters.partial_constants.iter().zip(&parameters.sparse) {
        let lane = fifth_power(state[0] + constant);
        state[0] = lane;
        let mixed = dot(&layer.row, state);
        for (element, factor) in state[1..].iter_mut().zip(&layer.column) {
            *element += lane * factor;
        }
        state[0] = mixed;
    }

    for constants in &parameters.full_constants[half..FULL_ROUNDS - 1] {
        full_round(state, constants, &parameters.mds);
    }
    substitute(state, &parameters.full_constants[FULL_ROUNDS - 1]);
    dot(&parameters.mds[0], state)
}

fn full_round(state: &mut [Fr], constants: &[Fr], layer: &Matrix) {
    substitute(state, constants);
    let mut mixed: State = [Fr::zero(); MAX_INPUTS + 1];
    for (element, row) in mixed.iter_mut().zip(layer) {
        *element = dot(row, state);
    }
    let width = state.len();
    state.copy_from_slice(&mixed[..width]);
}

fn substitute(state: &mut [Fr], constants: &[Fr]) {
    for (element, constant) in state.iter_mut().zip(constants) {
        *element = fifth_power(*element + constant);
    }
}

fn fifth_power(x: Fr) -> Fr {
    x.square().square() * x
}

#[cfg(test)]
mod tests {
    use light_poseidon::{Poseidon, PoseidonHasher};
    use proptest::prelude::*;

    use super::*;

    /// The specification's permutation, round by round with dense layers.
    fn hash_dense(inputs: &[Fr]) -> Fr {
        let parameters = Parameters::of(inputs.len());
        let (constants, mds) = parameters.dense();
        let mut state = vec![Fr::zero()];
        state.extend_from_slice(inputs);
        let last_partial = constants.len() - FULL_ROUNDS / 2;
        for (round, constants) in constants.iter().enumerate() {
            for (element, constant) in state.iter_mut().zip(constants) {
                *element += constant;
            }
            let full = round < FULL_ROUNDS / 2 || round >= last_partial;
            let lanes = if full { state.len() } else { 1 };
            for element in &mut state[..lanes] {
                *element = fifth_power(*element);
            }
            state = mds.iter().map(|row| dot(row, &state)).collect();
        }
        state[0]
    }

    fn arb_element() -> impl Strategy<Value = Fr> {
        prop_oneof![
            4 => any::<[u64; 4]>().prop_map(|limbs| {
                limbs.iter().fold(Fr::zero(), |sum, &limb| sum * Fr::from(u64::MAX) + Fr::from(limb))
            }),
            1 => Just(Fr::zero()),
            1 => Just(-Fr::from(1u64)),
        ]
    }

    #[test]
    fn widest_hashes_are_those_of_circomlib() {
        // circomlib's own published vectors for sixteen inputs.
        let hash_of = |inputs: &[u64]| {
            crate::field::to_decimal(hash(
                &inputs.iter().copied().map(Fr::from).collect::<Vec<_>>(),
            ))
        };
        let one_to_sixteen: Vec<u64> = (1..=16).collect();
        assert_eq!(
            hash_of(&one_to_sixteen),
            "9989051620750914585850546081941653841776809718687451684622678807385399211877"
        );
        let padded = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(
            hash_of(&padded),
            "11882816200654282475720830292386643970958445617880627439994635298904836126497"
        );
    }

    proptest! {
        #[test]
        fn gadget_agrees_and_refuses_another_digest(
            inputs in prop::collection::vec((arb_element(), any::<bool>()), 1..=16),
        ) {
            use crate::constraint_system::Num;
            use crate::testing::Synthesis;
            let values: Vec<Fr> = inputs.iter().map(|&(value, _)| value).collect();
            for (digest, expected) in [(hash(&values), true), (hash(&values) + Fr::from(1u64), false)] {
                let synthesis = Synthesis::of(|cs| {
                    let wires: Vec<Num> = inputs
                        .iter()
                        .map(|&(value, constant)| {
                            if constant { Num::constant(cs, value) } else { cs.private("x", value) }
                        })
                        .collect();
                    let digest = cs.private("digest", digest);
                    let reached = crate::poseidon::hash_gadget(cs, &wires.iter().collect::<Vec<_>>());
                    cs.enforce_equal(&reached, &digest);
                });
                prop_assert_eq!(synthesis.is_satisfied(), expected);
            }
        }

        #[test]
        fn sparse_rounds_agree_with_the_dense_ones(inputs in prop::collection::vec(arb_element(), 1..=16)) {
            prop_assert_eq!(hash(&inputs), hash_dense(&inputs));
        }

        #[test]
        fn hash_agrees_with_light_poseidon(inputs in prop::collection::vec(arb_element(), 1..=12)) {
            let mut peer = Poseidon::<Fr>::new_circom(inputs.len()).expect("supported width");
            prop_assert_eq!(hash(&inputs), peer.hash(&inputs).expect("inputs fit"));
        }
    }
}
