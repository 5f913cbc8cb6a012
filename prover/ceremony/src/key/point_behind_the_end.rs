//! A point that is none: what snarkjs hashes of circuits above 2^14 rows when phase 1 has no more powers than they need.
//!
//! It reads one point of section 2 too many, and so the number and size of the section behind it and the begin of the
//! generator of G2. Their "coordinates" are not below the modulus, so that the difference that it hashes follows from its
//! arithmetic, which does not reduce them. Contributors hashed it, so a check must hash it as well.
//!
//! Source: snarkjs 0.7 `zkey_new.js` (`hashHPoints`); wasmcurves 0.2 `build_f1m.js`, `build_curve_jacobian_a0.js`
//! (`addMixed`).

use ark_bn254::{Fq, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{Field, PrimeField};
use num_bigint::BigUint;

use crate::encoding::CeremonyPoint;

/// Numbers of 256 bits, as wasmcurves reckons with them: right below the modulus, and of a fixed result above it.
struct Unreduced {
    modulus: BigUint,
    /// -1/modulus, modulo 2^256.
    inverse: BigUint,
    size: BigUint,
}

impl Unreduced {
    fn new() -> Self {
        let modulus: BigUint = Fq::MODULUS.into();
        let size = BigUint::from(1u8) << 256u32;
        let inverse = modulus.modinv(&size).expect("the modulus is odd");
        Self { inverse: &size - inverse, modulus, size }
    }

    fn sub(&self, a: &BigUint, b: &BigUint) -> BigUint {
        if a >= b { a - b } else { (a + &self.size + &self.modulus - b) % &self.size }
    }

    fn reduce_once(&self, sum: BigUint) -> BigUint {
        if sum >= self.modulus { (sum - &self.modulus) % &self.size } else { sum }
    }

    fn double(&self, a: &BigUint) -> BigUint {
        self.reduce_once(a + a)
    }

    /// Montgomery's product.
    fn mul(&self, a: &BigUint, b: &BigUint) -> BigUint {
        let product = a * b;
        let by = (&product % &self.size) * &self.inverse % &self.size;
        self.reduce_once((product + by * &self.modulus) >> 256u32)
    }
}

/// The "difference" of what stands behind the last power and of a power, as snarkjs computes it.
pub(crate) fn difference(power: u32, subtrahend: &G1Affine) -> G1Affine {
    let field = Unreduced::new();
    let number = |bytes: &[u8]| BigUint::from_bytes_le(bytes);
    let mut behind = 3u32.to_le_bytes().to_vec();
    behind.extend((128u64 << power).to_le_bytes());
    G2Affine::generator().write(&mut behind);
    let (x1, y1) = (number(&behind[..32]), number(&behind[32..64]));
    let mut other = Vec::new();
    subtrahend.write(&mut other);
    let (x2, y2) = (number(&other[..32]), field.sub(&BigUint::default(), &number(&other[32..])));

    let h = field.sub(&x2, &x1);
    let d = field.sub(&y2, &y1);
    let i = field.double(&field.double(&field.mul(&h, &h)));
    let j = field.mul(&h, &i);
    let w = field.double(&d);
    let v = field.mul(&x1, &i);
    let x = field.sub(&field.sub(&field.mul(&w, &w), &j), &field.double(&v));
    let t = field.double(&field.mul(&y1, &j));
    let y = field.sub(&field.mul(&field.sub(&v, &x), &w), &t);
    let z = field.double(&h);
    // The number behind a Montgomery form, reduced.
    let r = Fq::from(2u64).pow([256]).inverse().expect("it is not zero");
    let value = |form: BigUint| Fq::from(form) * r;
    let inverse = value(z).inverse().expect("it is not zero");
    let square = inverse * inverse;
    G1Affine::new_unchecked(value(x) * square, value(y) * square * inverse)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a phase 1 with tau = 7 and 2^15 powers, made by snarkjs 0.7.6, whose circuit hash has this point in it.
    #[test]
    fn point_behind_the_end_is_snarkjs() {
        let power = G1Affine::generator() * ark_bn254::Fr::from(7u64).pow([(1 << 15) - 1]);
        let found = difference(15, &power.into());
        let expected = "27e5b60e449b96bdbed320f8d0b929768d21ce3d288e518e988f7b4d1321473c\
                        12410da0fd1220b94a9fa29ff55018719b6b534d63d9d0e40ec853f17978f443";
        assert_eq!(hex::encode(found.hashed()), expected);
    }
}
