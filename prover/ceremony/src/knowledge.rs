//! The proof that a contributor knows the number by which the keys were changed.
//!
//! Source: Bowe, Gabizon, Miers, *Scalable Multi-party Computation for zk-SNARK Parameters in the Random Beacon Model*
//! (eprint 2017/1050), section 3; snarkjs 0.7 `keypair.js`.

use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_ec::CurveGroup;

use crate::draw::Draw;
use crate::sums::same_ratio;

/// A point, its multiple by the secret number, and the multiple of the point of G2 that both name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Knowledge {
    pub(crate) one: G1Affine,
    pub(crate) multiple: G1Affine,
    pub(crate) multiple_g2: G2Affine,
}

impl Knowledge {
    /// Proves knowledge of a secret. `base` names the point of G2 by the two of G1.
    pub(crate) fn of(
        secret: &Fr,
        draw: &mut Draw,
        base: impl FnOnce(&G1Affine, &G1Affine) -> G2Affine,
    ) -> Self {
        let one = draw.g1();
        let multiple = (one * secret).into_affine();
        let multiple_g2 = (base(&one, &multiple) * secret).into_affine();
        Self { one, multiple, multiple_g2 }
    }

    /// Whether it proves knowledge of a number.
    pub(crate) fn holds(&self, base: G2Affine) -> bool {
        same_ratio((self.one, self.multiple), (base, self.multiple_g2))
    }

    /// Whether the number is one: then nothing was contributed.
    pub(crate) fn is_of_one(&self) -> bool {
        self.one == self.multiple
    }
}
