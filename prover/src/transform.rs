//! Number-theoretic transforms over the scalar field, eight elements side by side.
//!
//! Values on the domain come in natural order, eight neighbours to a vector. The first three steps of a
//! transform pair elements that lie `n/2`, `n/4` and `n/8` apart, vector by vector; then blocks of
//! eight vectors are turned, so that the eight parts of the domain lie in the eight lanes, and every
//! further step takes one twiddle for all lanes. Coefficients stay in that order, bit-reversed within
//! each part: what is done between two transforms is done to each by its own factor, and the way back
//! turns them again.
//!
//! Source: Cooley and Tukey, "An algorithm for the machine calculation of complex Fourier series",
//! 1965, and Gentleman and Sande, "Fast Fourier transforms for fun and profit", 1966, for the two
//! directions; the turning is Bailey's "FFTs in external or hierarchical memory", 1990.

use ark_bn254::Fr;
use ark_ff::{FftField, Field};

use crate::lanes::{LANES, Lanes, Numbers};

/// The smallest domain that is transformed so.
pub(crate) const SMALLEST: usize = LANES * LANES;

/// What transforms of one size take, computed once: twiddles and factors.
pub(crate) struct Transform<L> {
    /// Vectors in a part: an eighth of the domain's elements, an eighth of that.
    blocks: usize,
    back: Twiddles<L>,
    forth: Twiddles<L>,
    /// What takes each coefficient to the odd coset, with the transform's own `1 / n`.
    shift: Vec<L>,
}

/// Twiddles of one direction.
struct Twiddles<L> {
    /// For each block of eight places: those of the first three steps, four, two and one.
    between_parts: Vec<[L; 7]>,
    /// Of the steps within parts: `w^0, w^1, …` for the widest; each narrower step takes every second.
    within_parts: Vec<L>,
}

impl<L: Lanes<Field = Fr>> Twiddles<L> {
    fn new(root: Fr, size: usize) -> Self {
        let part = size / LANES;
        let vector = |exponent: usize, step: usize| {
            let first = root.pow([exponent as u64]);
            let step = root.pow([step as u64]);
            let mut power = first;
            L::from_elements(std::array::from_fn(|_| {
                let element = power;
                power *= step;
                element
            }))
        };
        let between_parts = (0..part / LANES)
            .map(|block| {
                let place = block * LANES;
                let first = |l: usize| vector(l * part + place, 1);
                let second = |l: usize| vector(2 * (l * part + place), 2);
                let third = vector(4 * place, 4);
                [first(0), first(1), first(2), first(3), second(0), second(1), third]
            })
            .collect();
        let step = root.pow([LANES as u64]);
        let powers = std::iter::successors(Some(Fr::from(1u64)), |power| Some(*power * step));
        let within_parts = powers.take((part / 2).max(1)).map(L::splat).collect();
        Self { between_parts, within_parts }
    }
}

impl<L: Lanes<Field = Fr>> Transform<L> {
    /// Transforms on a domain of a power of two, from [`SMALLEST`] on.
    pub(crate) fn new(size: usize) -> Self {
        assert!(size.is_power_of_two() && size >= SMALLEST);
        let part = size / LANES;
        let root = |size: usize| Fr::get_root_of_unity(size as u64).expect("the field has it");
        let omega = root(size);
        let inverse = |element: Fr| element.inverse().expect("it is not zero");
        // The odd coset is that of the domain's square root.
        let shift = root(2 * size);
        let scale = inverse(Fr::from(size as u64));
        let mut powers = vec![scale; size];
        for index in 1..size {
            powers[index] = powers[index - 1] * shift;
        }
        let bits = size.ilog2();
        let reversed = |place: usize| place.reverse_bits() >> (usize::BITS - bits);
        let shift = (0..part)
            .map(|i| L::from_elements(std::array::from_fn(|l| powers[reversed(l * part + i)])))
            .collect();
        Self {
            blocks: part / LANES,
            back: Twiddles::new(inverse(omega), size),
            forth: Twiddles::new(omega, size),
            shift,
        }
    }

    /// How many vectors hold the values.
    pub(crate) fn vectors(&self) -> usize {
        self.blocks * LANES
    }

    /// From values on the domain, in natural order, to values on its odd coset; `other` has room.
    #[inline(always)]
    pub(crate) fn to_odd_coset(&self, values: &mut [L], other: &mut [L]) {
        self.interpolate(values, other);
        for (value, factor) in other.iter_mut().zip(&self.shift) {
            *value = value.mul(*factor);
        }
        self.evaluate(other, values);
    }

    #[inline(always)]
    fn interpolate(&self, values: &[L], turned: &mut [L]) {
        let blocks = self.blocks;
        for (block, twiddles) in self.back.between_parts.iter().enumerate() {
            let mut u = [values[block]; LANES];
            for (l, u) in u.iter_mut().enumerate() {
                *u = values[l * blocks + block];
            }
            let [a0, a1, a2, a3, b0, b1, c] = *twiddles;
            for (l, twiddle) in [a0, a1, a2, a3].into_iter().enumerate() {
                pair::<L, Decimate>(&mut u, l, l + 4, twiddle);
            }
            for (l, twiddle) in [(0, b0), (1, b1), (4, b0), (5, b1)] {
                pair::<L, Decimate>(&mut u, l, l + 2, twiddle);
            }
            for l in [0, 2, 4, 6] {
                pair::<L, Decimate>(&mut u, l, l + 1, c);
            }
            turned[block * LANES..(block + 1) * LANES].copy_from_slice(&L::turn(u));
        }
        let mut half = self.vectors() / 2;
        while half > 0 {
            step::<L, Decimate>(turned, half, &self.back.within_parts);
            half /= 2;
        }
    }

    #[inline(always)]
    fn evaluate(&self, turned: &mut [L], values: &mut [L]) {
        let mut half = 1;
        while half < self.vectors() {
            step::<L, Combine>(turned, half, &self.forth.within_parts);
            half *= 2;
        }
        let blocks = self.blocks;
        for (block, twiddles) in self.forth.between_parts.iter().enumerate() {
            let mut part = [turned[block * LANES]; LANES];
            part.copy_from_slice(&turned[block * LANES..(block + 1) * LANES]);
            let mut u = L::turn(part);
            let [a0, a1, a2, a3, b0, b1, c] = *twiddles;
            for l in [0, 2, 4, 6] {
                pair::<L, Combine>(&mut u, l, l + 1, c);
            }
            for (l, twiddle) in [(0, b0), (1, b1), (4, b0), (5, b1)] {
                pair::<L, Combine>(&mut u, l, l + 2, twiddle);
            }
            for (l, twiddle) in [a0, a1, a2, a3].into_iter().enumerate() {
                pair::<L, Combine>(&mut u, l, l + 4, twiddle);
            }
            for (l, u) in u.into_iter().enumerate() {
                values[l * blocks + block] = u;
            }
        }
    }
}

/// What a step does with a pair, reduced before and after.
trait Butterfly {
    fn of<N: Numbers>(low: N, high: N, twiddle: N) -> (N, N);
    /// The same where the twiddle is one.
    #[inline(always)]
    fn of_ones<N: Numbers>(low: N, high: N) -> (N, N) {
        (low.add(high).reduce(), low.sub::<2>(high).reduce())
    }
}

/// From values to coefficients.
struct Decimate;

/// From coefficients to values.
struct Combine;

impl Butterfly for Decimate {
    #[inline(always)]
    fn of<N: Numbers>(low: N, high: N, twiddle: N) -> (N, N) {
        (low.add(high).reduce(), low.sub::<2>(high).mul(twiddle))
    }
}

impl Butterfly for Combine {
    #[inline(always)]
    fn of<N: Numbers>(low: N, high: N, twiddle: N) -> (N, N) {
        Self::of_ones(low, high.mul(twiddle))
    }
}

/// A step between vectors of a part that lie `half` apart, two of them side by side.
#[inline(always)]
fn step<L: Lanes, B: Butterfly>(values: &mut [L], half: usize, twiddles: &[L]) {
    let stride = values.len() / 2 / half;
    for chunk in values.chunks_exact_mut(2 * half) {
        let (low, high) = chunk.split_at_mut(half);
        let mut two = (low.chunks_exact_mut(2)).zip(high.chunks_exact_mut(2)).enumerate();
        for (place, (low, high)) in &mut two {
            let twiddles = [twiddles[2 * place * stride], twiddles[(2 * place + 1) * stride]];
            let (sum, difference) = B::of([low[0], low[1]], [high[0], high[1]], twiddles);
            low.copy_from_slice(&sum);
            high.copy_from_slice(&difference);
        }
        if half == 1 {
            // The only twiddle is one.
            (low[0], high[0]) = B::of_ones(low[0], high[0]);
        }
    }
}

/// A step between two of eight parts.
#[inline(always)]
fn pair<L: Lanes, B: Butterfly>(u: &mut [L; LANES], low: usize, high: usize, twiddle: L) {
    (u[low], u[high]) = B::of(u[low], u[high], twiddle);
}
