//! Round constants and linear layers, in dense and in sparse form.

use std::sync::LazyLock;

use ark_bn254::Fr;
use ark_crypto_primitives::sponge::poseidon::find_poseidon_ark_and_mds;
use ark_ff::{Field, One, PrimeField, Zero};

/// The largest number of inputs: circomlib has widths up to 17.
pub const MAX_INPUTS: usize = 16;

/// Full rounds of every width, half before and half after the partial ones.
pub const FULL_ROUNDS: usize = 8;

/// Partial rounds by number of inputs less one (circomlib's `N_ROUNDS_P`).
const PARTIAL_ROUNDS: [usize; MAX_INPUTS] =
    [56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68];

/// Partial rounds for a hash of `inputs` elements.
///
/// # Panics
/// Unless `1 <= inputs <= 16`.
pub fn partial_rounds(inputs: usize) -> usize {
    PARTIAL_ROUNDS[inputs - 1]
}

/// A square matrix, row by row.
pub(super) type Matrix = Vec<Vec<Fr>>;

/// The linear layer of one partial round: the identity but for its first row and first column.
pub(super) struct SparseLayer {
    /// The whole first row.
    pub(super) row: Vec<Fr>,
    /// The first column below the first row.
    pub(super) column: Vec<Fr>,
}

/// All constants for one width.
///
/// The permutation is: four full rounds whose last linear layer is `before_partial`; the partial
/// rounds, each adding one constant to element 0; four full rounds.
pub struct Parameters {
    pub(super) width: usize,
    /// Constants of the full rounds; those of the fifth carry what the partial rounds left over.
    pub(super) full_constants: Vec<Vec<Fr>>,
    pub(super) partial_constants: Vec<Fr>,
    pub(super) mds: Matrix,
    /// `mds` times the part that the sparse layers left over.
    pub(super) before_partial: Matrix,
    pub(super) sparse: Vec<SparseLayer>,
    /// The constants as the specification lists them, round by round.
    dense_constants: Vec<Vec<Fr>>,
}

static PARAMETERS: [LazyLock<Parameters>; MAX_INPUTS] = {
    macro_rules! lazy {
        ($($inputs:literal)*) => { [$(LazyLock::new(|| Parameters::generate($inputs))),*] };
    }
    lazy!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
};

impl Parameters {
    /// The constants for a hash of `inputs` elements, made on first use.
    ///
    /// # Panics
    /// Unless `1 <= inputs <= 16`.
    pub fn of(inputs: usize) -> &'static Self {
        &PARAMETERS[inputs - 1]
    }

    /// The round constants and the MDS matrix as the specification lists them.
    pub fn dense(&self) -> (&[Vec<Fr>], &[Vec<Fr>]) {
        (&self.dense_constants, &self.mds)
    }

    /// All constants of the sparse form in the order in which they are used: the first four full
    /// rounds', the MDS matrix, the matrix before the partial rounds, for each partial round its
    /// constant, row and column, and the last four full rounds'. It is how the contract has them.
    pub fn sparse_words(&self) -> Vec<Fr> {
        let half = FULL_ROUNDS / 2;
        let mut words: Vec<Fr> = self.full_constants[..half].concat();
        words.extend(self.mds.concat());
        words.extend(self.before_partial.concat());
        for (constant, layer) in self.partial_constants.iter().zip(&self.sparse) {
            words.push(*constant);
            words.extend(&layer.row);
            words.extend(&layer.column);
        }
        words.extend(self.full_constants[half..].concat());
        words
    }

    fn generate(inputs: usize) -> Self {
        let width = inputs + 1;
        let partial = partial_rounds(inputs);
        // The Grain generator of the paper's appendix F; circomlib takes the first matrix it gives.
        let (dense_constants, mds) = find_poseidon_ark_and_mds::<Fr>(
            u64::from(Fr::MODULUS_BIT_SIZE),
            inputs,
            FULL_ROUNDS as u64,
            partial as u64,
            0,
        );

        let half = FULL_ROUNDS / 2;
        let (partial_constants, residue) =
            fold_partial_constants(&dense_constants[half..half + partial], &mds);
        let mut full_constants = dense_constants[..half].to_vec();
        full_constants.extend_from_slice(&dense_constants[half + partial..]);
        for (constant, rest) in full_constants[half].iter_mut().zip(&residue) {
            *constant += rest;
        }
        let (before_partial, sparse) = factor_partial_layers(&mds, partial);
        Self {
            width,
            full_constants,
            partial_constants,
            mds,
            before_partial,
            sparse,
            dense_constants,
        }
    }
}

/// Moves the constants of lanes that a partial round leaves alone through its linear layer.
///
/// Returns one constant per round for lane 0, and what is left to add after the last round.
fn fold_partial_constants(rounds: &[Vec<Fr>], mds: &Matrix) -> (Vec<Fr>, Vec<Fr>) {
    let mut carried = vec![Fr::zero(); mds.len()];
    let mut lane_zero = Vec::with_capacity(rounds.len());
    for constants in rounds {
        for (carry, constant) in carried.iter_mut().zip(constants) {
            *carry += constant;
        }
        lane_zero.push(std::mem::replace(&mut carried[0], Fr::zero()));
        carried = mds.iter().map(|row| dot(row, &carried)).collect();
    }
    (lane_zero, carried)
}

/// Writes `(M·S)ⁿ` as sparse layers behind one dense one: from the last round backwards each layer
/// `N` is `sparse · D` with `D = 1 ⊕ N̂`, and `D`, which leaves lane 0 alone, commutes with the
/// partial S-box and joins the layer before.
fn factor_partial_layers(mds: &Matrix, rounds: usize) -> (Matrix, Vec<SparseLayer>) {
    let width = mds.len();
    let mut layer = mds.clone();
    let mut sparse = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let block: Matrix = layer[1..].iter().map(|row| row[1..].to_vec()).collect();
        let inverse = invert(&block);
        let mut row = vec![layer[0][0]];
        row.extend(
            (0..width - 1)
                .map(|j| (0..width - 1).map(|i| layer[0][i + 1] * inverse[i][j]).sum::<Fr>()),
        );
        sparse.push(SparseLayer { row, column: layer[1..].iter().map(|r| r[0]).collect() });
        // The next layer (one round earlier) is D · M.
        let mut next = vec![mds[0].clone()];
        next.extend(block.iter().map(|block_row| {
            (0..width).map(|j| (1..width).map(|i| block_row[i - 1] * mds[i][j]).sum()).collect()
        }));
        layer = next;
    }
    sparse.reverse();
    (layer, sparse)
}

/// Gauss-Jordan inversion.
fn invert(matrix: &Matrix) -> Matrix {
    let size = matrix.len();
    let mut left = matrix.clone();
    let mut right: Matrix = (0..size)
        .map(|i| (0..size).map(|j| if i == j { Fr::one() } else { Fr::zero() }).collect())
        .collect();
    for column in 0..size {
        let pivot = (column..size)
            .find(|&row| !left[row][column].is_zero())
            .expect("every square block of a Cauchy matrix is invertible");
        left.swap(column, pivot);
        right.swap(column, pivot);
        let scale = left[column][column].inverse().expect("the pivot is not zero");
        for entry in left[column].iter_mut().chain(right[column].iter_mut()) {
            *entry *= scale;
        }
        let (pivot_left, pivot_right) = (left[column].clone(), right[column].clone());
        for row in (0..size).filter(|&row| row != column) {
            let factor = left[row][column];
            for (entry, pivot) in left[row].iter_mut().zip(&pivot_left) {
                *entry -= factor * pivot;
            }
            for (entry, pivot) in right[row].iter_mut().zip(&pivot_right) {
                *entry -= factor * pivot;
            }
        }
    }
    right
}

/// The inner product, two products to a reduction.
pub(super) fn dot(left: &[Fr], right: &[Fr]) -> Fr {
    let (pairs_left, pairs_right) = (left.chunks_exact(2), right.chunks_exact(2));
    let rest = pairs_left.remainder().iter().zip(pairs_right.remainder());
    let mut sum: Fr = rest.map(|(a, b)| *a * b).sum();
    for (a, b) in pairs_left.zip(pairs_right) {
        sum += Fr::sum_of_products(&[a[0], a[1]], &[b[0], b[1]]);
    }
    sum
}

#[cfg(test)]
mod tests {
    use light_poseidon::parameters::bn254_x5::get_poseidon_parameters;

    use super::*;

    #[test]
    fn drawn_constants_are_those_of_light_poseidon() {
        for inputs in 1..=12usize {
            let peer = get_poseidon_parameters::<Fr>(inputs as u8 + 1).expect("supported width");
            let (constants, mds) = Parameters::of(inputs).dense();
            assert_eq!(constants.concat(), peer.ark, "round constants of {inputs} inputs");
            assert_eq!(mds, peer.mds, "linear layer of {inputs} inputs");
            assert_eq!(peer.partial_rounds, partial_rounds(inputs));
            assert_eq!(peer.full_rounds, FULL_ROUNDS);
        }
    }

    #[test]
    fn matrix_times_its_inverse_is_the_identity() {
        let matrix = Parameters::of(4).mds.clone();
        let inverse = invert(&matrix);
        for (i, row) in matrix.iter().enumerate() {
            for j in 0..matrix.len() {
                let column: Vec<Fr> = inverse.iter().map(|r| r[j]).collect();
                assert_eq!(dot(row, &column), Fr::from(u64::from(i == j)));
            }
        }
    }
}
