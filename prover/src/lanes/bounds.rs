//! Lanes that compute bounds instead of numbers.
//!
//! What the engine does on lanes depends on no value, so one run with bounds in the place of elements
//! speaks for all inputs: no product's factors, no difference and no row is beyond what the vector
//! path takes. Bounds are counted in sixteenths of the modulus, rounded up.

use std::marker::PhantomData;

use ark_bn254::{Fq, Fr};
use ark_ff::{AdditiveGroup, BigInt, PrimeField};

use super::{Kernel, LANES, Lanes, Numbers, Path, Row};

const ONE: u64 = 16;
/// Just above one: what a reduction leaves, in sixteenths.
const REDUCED: u64 = ONE + 1;

/// Bounds of elements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds;

/// Everything in eight lanes is below so many sixteenths of the modulus.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound<F>(u64, PhantomData<F>);

impl Path for Bounds {
    type Base = Bound<Fq>;
    type Scalar = Bound<Fr>;

    const NAME: &'static str = "bounds";

    fn run<K: Kernel<Self>>(self, kernel: K) -> K::Output {
        kernel.run()
    }
}

impl<F: PrimeField> Bound<F> {
    fn new(sixteenths: u64) -> Self {
        assert!(sixteenths <= 84 * ONE, "it has no room in 260 bits");
        Self(sixteenths, PhantomData)
    }
}

impl<F: PrimeField> Numbers for Bound<F> {
    fn mul(self, other: Self) -> Self {
        assert!(self.0 * other.0 <= 84 * ONE * ONE, "factors are too large");
        Self::new(ONE + (self.0 * other.0).div_ceil(84 * ONE))
    }

    fn add(self, other: Self) -> Self {
        Self::new(self.0 + other.0)
    }

    fn sub<const K: usize>(self, other: Self) -> Self {
        assert!(K <= 8 && other.0 <= K as u64 * ONE, "what is taken off is too large");
        Self::new(self.0 + K as u64 * ONE)
    }

    fn negate<const K: usize>(self) -> Self {
        assert!(K <= 8 && self.0 <= K as u64 * ONE, "what is negated is too large");
        Self::new(K as u64 * ONE)
    }

    fn reduce(self) -> Self {
        assert!(self.0 < 8 * ONE, "what is reduced is too large");
        Self::new(REDUCED)
    }
}

impl<F: PrimeField> Lanes for Bound<F> {
    type Field = F;

    fn splat(_: F) -> Self {
        Self::new(ONE)
    }

    fn from_elements(_: [F; LANES]) -> Self {
        Self::new(ONE)
    }

    fn elements(self) -> [F; LANES] {
        assert!(self.0 <= 5 * ONE, "it has no room in 256 bits");
        [F::one(); LANES]
    }

    fn integers(self) -> [BigInt<4>; LANES] {
        self.mul(Self::new(1));
        [BigInt::from(0u64); LANES]
    }

    /// What rows hold was reduced when it was stored.
    fn load(_: [&Row; LANES]) -> (Self, Self) {
        (Self::new(REDUCED), Self::new(REDUCED))
    }

    fn store(first: Self, second: Self, rows: &mut [Row; LANES]) {
        assert!(first.0 <= REDUCED && second.0 <= REDUCED, "rows hold what is reduced");
        *rows = [Row([1; 8]); LANES];
    }

    fn turn(vectors: [Self; LANES]) -> [Self; LANES] {
        let largest = vectors.iter().map(|bound| bound.0).max().unwrap_or(0);
        [Self::new(largest); LANES]
    }

    fn pack(_: F) -> [u64; 4] {
        [1; 4]
    }

    fn unpack(_: [u64; 4]) -> F {
        F::one()
    }

    fn negate_where(self, _: u8) -> Self {
        assert!(self.0 <= 2 * ONE, "what is negated is too large");
        Self::new(2 * ONE)
    }

    fn prefetch(_: &Row) {}
}

/// What the engine runs on lanes.
fn engine_passes_no_bound<P: Path>(path: P) {
    use crate::coordinate::{Curve, G1, G2};
    use crate::quotient::{Quotient, QuotientProgram, QuotientSpace};

    fn additions<C: Curve, P: Path>(path: P) {
        let rows = vec![Row([1; 8]); 64 * C::ROWS];
        let mut sums = vec![Row::default(); 1_000 * C::ROWS];
        let point =
            |number: usize| crate::addition::PointRef::of_table(number, number.is_multiple_of(3));
        // So many steps that bounds which go from step to step have grown all they can; the last is not full.
        let pairs: Vec<_> =
            (0..1_000).map(|number: usize| [point(number % 30), point(number % 30 + 30)]).collect();
        let mut additions = crate::addition::Additions::<C, P>::new(path);
        additions.add(&rows, &mut sums, 0, &pairs);
        additions.double(&rows, &mut sums, &pairs);
    }
    additions::<G1, P>(path);
    additions::<G2, P>(path);
    // A long row and a short one, every step of the transforms.
    let long: Vec<(u32, Fr)> = (0..301).map(|wire| (wire % 7, Fr::from(u64::from(wire)))).collect();
    let rows = [[&long[..], &long[..2], &long[..1]]; 100];
    let program = QuotientProgram::new(path, &rows, 3);
    let witness = [Fr::ZERO; 7];
    let mut space = QuotientSpace::new(&program, witness.len());
    let quotient = Quotient { program: &program, witness: &witness, space: &mut space };
    path.run(quotient).expect("bounds satisfy everything");
    assert_eq!(space.quotient.len(), 128);
}

#[test]
fn no_bound_is_passed_whatever_the_input() {
    engine_passes_no_bound(Bounds);
    engine_passes_no_bound(super::doubles::DoubleBounds);
}
