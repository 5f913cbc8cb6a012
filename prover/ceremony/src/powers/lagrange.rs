//! The powers of tau in the other basis: at each place the Lagrange polynomial of a domain, at tau.

use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{Field, One, Zero};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use rayon::prelude::*;

use super::{VerifiedPowers, section};
use crate::encoding::CeremonyPoint;
use crate::error::{CeremonyError, Fault};
use crate::sums::{pairs_equal, random_factors, sum};

/// Lagrange points of one domain, with what phase 2 needs beside.
pub(crate) struct Lagrange {
    pub(crate) tau_g1: Vec<G1Affine>,
    pub(crate) alpha_g1: Vec<G1Affine>,
    pub(crate) beta_g1: Vec<G1Affine>,
}

/// The domain of a level.
pub(crate) fn domain(level: u32) -> Radix2EvaluationDomain<Fr> {
    Radix2EvaluationDomain::new(1 << level).expect("a level is at most 28")
}

impl Lagrange {
    /// The Lagrange points of a level, computed from powers. One power more than there are is taken for infinity: of
    /// the level above the file's own there is no last one, and what is made of it must not need it.
    ///
    /// A transform by halves (Cooley, Tukey, "An algorithm for the machine calculation of complex Fourier series", 1965),
    /// with the inverse root: each stage is one call for all its products and one for all its sums.
    pub(crate) fn points<P: CeremonyPoint>(powers: &[P], level: u32) -> Vec<P> {
        let (size, domain) = (1usize << level, domain(level));
        let at = |place: usize| (place as u32).reverse_bits().checked_shr(32 - level).unwrap_or(0);
        let power = |place: usize| powers.get(at(place) as usize).copied();
        let mut points: Vec<P> =
            (0..size).map(|place| power(place).unwrap_or_else(P::zero)).collect();
        for stage in 0..level {
            let half = 1usize << stage;
            let root = domain.group_gen_inv.pow([(size / (2 * half)) as u64]);
            let roots: Vec<Fr> = std::iter::successors(Some(Fr::one()), |last| Some(*last * root))
                .take(half)
                .collect();
            let (upper, lower): (Vec<usize>, Vec<usize>) = (0..size)
                .filter(|place| place & half == 0)
                .map(|place| (place, place | half))
                .unzip();
            let of =
                |places: &[usize]| places.iter().map(|&place| points[place]).collect::<Vec<P>>();
            let by: Vec<Fr> = upper.iter().map(|place| roots[place & (half - 1)]).collect();
            let (upper_points, turned) = (of(&upper), P::multiply(&of(&lower), &by));
            let opposite: Vec<P> =
                turned.par_iter().map(|point| (-point.into_group()).into()).collect();
            let sums = P::add_pairs(&upper_points, &turned);
            let differences = P::add_pairs(&upper_points, &opposite);
            for ((place, sum), (other, difference)) in
                upper.into_iter().zip(sums).zip(lower.into_iter().zip(differences))
            {
                (points[place], points[other]) = (sum, difference);
            }
        }
        crate::sums::scale(&points, &domain.size_inv)
    }
}

impl VerifiedPowers {
    /// Lagrange points in G1 of a level up to the file's power: read where the file is prepared, else computed.
    pub(crate) fn lagrange(&self, level: u32) -> Result<Lagrange, CeremonyError> {
        Ok(Lagrange {
            tau_g1: self.level(section::LAGRANGE_TAU_G1, self.tau_g1(), level)?,
            alpha_g1: self.level(section::LAGRANGE_ALPHA_G1, &self.points().alpha_g1, level)?,
            beta_g1: self.level(section::LAGRANGE_BETA_G1, &self.points().beta_g1, level)?,
        })
    }

    /// Lagrange points of tau in G1, of a level up to one above the file's power.
    pub(crate) fn lagrange_tau_g1(&self, level: u32) -> Result<Vec<G1Affine>, CeremonyError> {
        let points = self.level(section::LAGRANGE_TAU_G1, self.tau_g1(), level)?;
        if level > self.power() {
            self.check_last_power(&points)?;
        }
        Ok(points)
    }

    /// That the one power which a level above the file's own has more than the file is what it may be: infinity, or the
    /// true one, in a file that was cut. No other relation binds it.
    pub(crate) fn check_last_power(&self, points: &[G1Affine]) -> Result<(), CeremonyError> {
        let (last, root) = (points.len() - 1, domain(points.len().ilog2()).element(1));
        let by = root.pow([last as u64]);
        let factors: Vec<Fr> = std::iter::successors(Some(Fr::one()), |power| Some(*power * by))
            .take(last + 1)
            .collect();
        let power = sum(points, &factors);
        let half = points.len() / 2;
        let (g2, highest) = (G2Affine::generator(), self.points().tau_g2[half - 1]);
        let true_power = (self.tau_g1()[half], highest);
        if power.is_zero() || pairs_equal((power, g2), true_power) {
            return Ok(());
        }
        let reason = "the last power of its greatest level is another";
        Err(self.refused(Fault::section(section::LAGRANGE_TAU_G1, reason)))
    }

    /// Lagrange points of tau in G2, of a level up to the file's power.
    pub(crate) fn lagrange_tau_g2(&self, level: u32) -> Result<Vec<G2Affine>, CeremonyError> {
        self.level(section::LAGRANGE_TAU_G2, &self.points().tau_g2, level)
    }

    /// One level of a section, checked against the powers.
    fn level<P: CeremonyPoint>(
        &self,
        number: u32,
        powers: &[P],
        level: u32,
    ) -> Result<Vec<P>, CeremonyError> {
        let Ok(mut section) = self.file().section(number) else {
            return Ok(Lagrange::points(powers, level));
        };
        let size = 1usize << level;
        // An old file may lack the level above its own.
        if level > self.power() && section.left() < (2 * size - 1) * P::BYTES {
            return Ok(Lagrange::points(powers, level));
        }
        section.take((size - 1) * P::BYTES)?;
        let points = P::read(&mut section, size)?;
        self.check_level(number, powers, &points, level)?;
        Ok(points)
    }

    /// That the points of a level are what the powers give, by a random sum of both.
    pub(crate) fn check_level<P: CeremonyPoint>(
        &self,
        number: u32,
        powers: &[P],
        points: &[P],
        level: u32,
    ) -> Result<(), CeremonyError> {
        let size = 1usize << level;
        let mut factors = random_factors(size);
        // The one power that the level above the file's own lacks is checked by itself.
        factors.iter_mut().skip(powers.len()).for_each(|factor| *factor = Fr::zero());
        let count = size.min(powers.len());
        let transformed = domain(level).fft(&factors);
        let (of_powers, of_points) =
            rayon::join(|| sum(&powers[..count], &factors[..count]), || sum(points, &transformed));
        if of_powers == of_points {
            return Ok(());
        }
        let reason = format!("its points for 2^{level} rows are not those of the powers");
        Err(self.refused(Fault::section(number, reason)))
    }
}
