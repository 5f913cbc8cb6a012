//! Checking a key: each contribution, and every point against the circuit's rows and phase 1.
//!
//! The points of A and B are not computed again, but compared in one random sum with what the rows give on the powers
//! of tau: that needs no Lagrange point of G2.

use ark_bn254::{Bn254, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ec::pairing::Pairing;
use ark_ff::{One, Zero};
use ark_groth16::ProvingKey;
use ark_poly::EvaluationDomain;
use blake2::Digest;
use praman_circuits::circuit::CircuitDigest;

use super::circuit_hash::{Points, differences, is_circuit_hash};
use super::contribution::transcript_with;
use super::initial::{coefficients, first_header, input_and_private_sums};
use super::{CeremonyKey, Contribution, Header, first_delta, section};
use crate::beacon::{Beacon, CHECKED_EXPONENT};
use crate::constraints::Constraints;
use crate::draw::{Draw, Hash, hash_to_g2};
use crate::error::{CeremonyError, Fault};
use crate::knowledge::Knowledge;
use crate::powers::{VerifiedPowers, domain};
use crate::sums::{pairs_equal, random_factors, same_ratio, sum};

/// A key that was checked: it is of a circuit and a phase 1, and nobody knows delta if one contributor kept their secret
/// to themselves.
pub struct VerifiedKey {
    key: CeremonyKey,
    statement: Option<CircuitDigest>,
    phase1: [u8; 32],
}

impl VerifiedKey {
    /// The file that was checked.
    pub fn key(&self) -> &CeremonyKey {
        &self.key
    }

    /// The contributions, in their order. There is at least one.
    pub fn contributions(&self) -> Vec<Contribution> {
        self.key.contributions()
    }

    /// The hash of circuit and phase 1.
    pub fn circuit_hash(&self) -> Hash {
        self.key.circuit_hash
    }

    /// The digest of the statement that the key is for, if it is one of praman's.
    pub fn statement(&self) -> Option<CircuitDigest> {
        self.statement
    }

    /// The digest of the phase 1 that the key is on.
    pub fn phase1(&self) -> [u8; 32] {
        self.phase1
    }

    /// The points, as provers take them.
    ///
    /// # Errors
    /// [`CeremonyError::File`] for a point that can't be.
    pub fn proving_key(&self) -> Result<ProvingKey<Bn254>, CeremonyError> {
        let key = &self.key;
        let header = &key.header;
        let vk = ark_groth16::VerifyingKey {
            alpha_g1: header.alpha_g1,
            beta_g2: header.beta_g2,
            gamma_g2: header.gamma_g2,
            delta_g2: header.delta_g2,
            gamma_abc_g1: key.points(section::INPUTS)?,
        };
        Ok(ProvingKey {
            vk,
            beta_g1: header.beta_g1,
            delta_g1: header.delta_g1,
            a_query: key.points(section::A)?,
            b_g1_query: key.points(section::B_G1)?,
            b_g2_query: key.points(section::B_G2)?,
            l_query: key.points(section::L)?,
            h_query: key.points(section::H)?,
        })
    }
}

impl CeremonyKey {
    /// Checks a key against the circuit and the phase 1 that it must be of. A beacon is hashed up to 2^26 times.
    ///
    /// No hash covers who a contribution is by, or that it is a beacon's: what is signed of the contributions' hashes does,
    /// and a [`Transcript`](crate::Transcript) holds it against a policy.
    ///
    /// # Errors
    /// [`CeremonyError::Refused`] with what is wrong; [`CeremonyError::File`] for a point that can't be.
    pub fn verify(
        self,
        constraints: &Constraints,
        powers: &VerifiedPowers,
    ) -> Result<VerifiedKey, CeremonyError> {
        self.verify_beacons_to(constraints, powers, CHECKED_EXPONENT)
    }

    /// As [`CeremonyKey::verify`], with beacons hashed up to 2 to a power of times.
    ///
    /// # Errors
    /// As [`CeremonyKey::verify`].
    pub fn verify_beacons_to(
        self,
        constraints: &Constraints,
        powers: &VerifiedPowers,
        exponent: u8,
    ) -> Result<VerifiedKey, CeremonyError> {
        if !self.has_person() {
            return Err(self.refused(Fault::NoContribution));
        }
        self.check_contributions(0, exponent).map_err(|fault| self.refused(fault))?;
        let first = first_header(constraints, powers)?;
        check_header(&self.header, &first).map_err(|fault| self.refused(fault))?;
        if self.bytes(section::COEFFICIENTS)? != coefficients(constraints) {
            let reason = "its coefficients are not those of the circuit";
            return Err(self.refused(Fault::section(section::COEFFICIENTS, reason)));
        }
        self.check_points(constraints, powers)?;
        let (statement, phase1) = (constraints.statement(), powers.powers().digest());
        Ok(VerifiedKey { key: self, statement, phase1 })
    }

    /// Checks the contributions without the circuit: that each was made on those before it by one who knew its secret,
    /// that it changed something, and that delta is what the last of them brought about. Beacons come last, which may take
    /// long: those before a place are left out, and those hashed more than 2 to a power of times are refused.
    ///
    /// # Errors
    /// The first [`Fault`].
    pub(crate) fn check_contributions(&self, first: usize, exponent: u8) -> Result<(), Fault> {
        let (mut delta, delta_g2) = first_delta();
        let mut before = self.transcript();
        for (number, contribution) in (1..).zip(&self.contributions) {
            let Knowledge { one, multiple, multiple_g2 } = contribution.knowledge;
            if transcript_with(&before, &one, &multiple) != contribution.transcript {
                return Err(Fault::Transcript(number));
            }
            before.update(contribution.hashed());
            let secret = "delta";
            let base = hash_to_g2(&contribution.transcript);
            if !contribution.knowledge.holds(base) {
                return Err(Fault::Unknown { contribution: number, secret });
            }
            if contribution.knowledge.is_of_one() {
                return Err(Fault::NothingChanged { contribution: number, secret });
            }
            if !same_ratio((delta, contribution.delta), (base, multiple_g2)) {
                return Err(Fault::OtherBase { contribution: number, secret });
            }
            delta = contribution.delta;
        }
        self.check_delta(delta, delta_g2)?;
        for (number, contribution) in (1..).zip(&self.contributions).skip(first) {
            if let Some(beacon) = &contribution.parameters.beacon {
                beacon.require_within(exponent, number)?;
                check_beacon(number, beacon, &contribution.knowledge)?;
            }
        }
        Ok(())
    }

    fn check_delta(&self, delta: G1Affine, delta_g2: G2Affine) -> Result<(), Fault> {
        if self.header.delta_g1 != delta {
            return Err(Fault::Value("delta in G1 is not that of the last contribution"));
        }
        if !self.contributions.is_empty() && delta == G1Affine::generator() {
            return Err(Fault::Value("delta is one after all contributions"));
        }
        let of_one_number =
            same_ratio((G1Affine::generator(), delta), (delta_g2, self.header.delta_g2));
        if !of_one_number {
            return Err(Fault::Value("delta in G2 is of another number than in G1"));
        }
        Ok(())
    }

    /// Checks that this is another file with one contribution more: what a coordinator asks of each, without the circuit.
    /// A beacon's must be the one that is expected; none else is taken, since checking it may take years.
    ///
    /// # Errors
    /// [`CeremonyError::Refused`] with what is wrong; [`CeremonyError::File`] for a point that can't be.
    pub fn verify_one_more(
        &self,
        base: &Self,
        expected: Option<&Beacon>,
    ) -> Result<Contribution, CeremonyError> {
        let not = |reason| self.refused(Fault::NotOneMore(reason));
        if self.circuit_hash != base.circuit_hash {
            return Err(not("it is of another ceremony"));
        }
        if self.contributions.len() != base.contributions.len() + 1 {
            return Err(not("it has another number of contributions"));
        }
        if self.contributions[..base.contributions.len()] != base.contributions {
            return Err(not("its earlier contributions are others"));
        }
        let same_but_delta = Header {
            delta_g1: base.header.delta_g1,
            delta_g2: base.header.delta_g2,
            ..self.header.clone()
        };
        if same_but_delta != base.header {
            return Err(not("its header is another"));
        }
        for number in section::INPUTS..=section::B_G2 {
            if self.bytes(number)? != base.bytes(number)? {
                return Err(not("a section that contributions do not change is another"));
            }
        }
        let number = self.contributions.len();
        let beacon = self.contributions[number - 1].parameters.beacon.as_ref();
        if beacon.is_some() && beacon != expected {
            return Err(self.refused(Fault::UnexpectedBeacon(number)));
        }
        let exponent = expected.map_or(0, Beacon::exponent);
        self.check_contributions(number - 1, exponent).map_err(|fault| self.refused(fault))?;
        let delta_before = base.header.delta_g2;
        let (l_before, l) = (base.points(section::L)?, self.points(section::L)?);
        self.check_divided(section::L, &l_before, delta_before, &l)?;
        let quotient = Quotient::new(self.header.domain);
        let h_before: [G1Affine; 2] = quotient.sums(&base.points(section::H)?);
        let h = quotient.sums(&self.points(section::H)?);
        let divided = |place: usize| {
            pairs_equal((h_before[place], delta_before), (h[place], self.header.delta_g2))
        };
        // A file that was in bellman's format on its way has infinity for the last coordinate.
        if !divided(0) || !(h[1].is_zero() || divided(1)) {
            return Err(self.not_divided(section::H));
        }
        Ok(self.contributions().pop().expect("there is one more"))
    }

    /// That points over delta are others, which are over another delta, divided by the ratio of both.
    fn check_divided(
        &self,
        number: u32,
        before: &[G1Affine],
        delta_before: G2Affine,
        after: &[G1Affine],
    ) -> Result<(), CeremonyError> {
        let factors = random_factors(before.len());
        let (before, after) = rayon::join(|| sum(before, &factors), || sum(after, &factors));
        if pairs_equal((before, delta_before), (after, self.header.delta_g2)) {
            return Ok(());
        }
        Err(self.not_divided(number))
    }

    fn not_divided(&self, number: u32) -> CeremonyError {
        self.refused(Fault::section(number, "its points are not divided by delta"))
    }

    fn check_points(
        &self,
        constraints: &Constraints,
        powers: &VerifiedPowers,
    ) -> Result<(), CeremonyError> {
        let Header { wires, public_inputs, domain, .. } = self.header;
        let (a, b_g1): (Vec<G1Affine>, Vec<G1Affine>) =
            (self.points(section::A)?, self.points(section::B_G1)?);
        let b_g2: Vec<G2Affine> = self.points(section::B_G2)?;
        let tau_g1 = &powers.tau_g1()[..domain];
        let tau_g2 = &powers.points().tau_g2[..domain];
        let factors = random_factors(wires);
        let left = on_powers(constraints.left(), &factors, domain);
        let right = on_powers(constraints.right(), &factors, domain);
        let holds = [
            (section::A, sum(&a, &factors) == sum(tau_g1, &left)),
            (section::B_G1, sum(&b_g1, &factors) == sum(tau_g1, &right)),
            (section::B_G2, sum(&b_g2, &factors) == sum(tau_g2, &right)),
        ];
        if let Some((number, _)) = holds.iter().find(|(_, holds)| !holds) {
            return Err(self.not_of_circuit(*number));
        }

        let sums = input_and_private_sums(constraints, &powers.lagrange(constraints.power())?);
        let (inputs, l) = sums.split_at(public_inputs + 1);
        if self.points::<G1Affine>(section::INPUTS)? != inputs {
            return Err(self.not_of_circuit(section::INPUTS));
        }
        let (_, delta_g2) = first_delta();
        self.check_divided(section::L, l, delta_g2, &self.points(section::L)?)?;
        self.check_quotient(powers)?;
        let points = Points { inputs, l, a: &a, b_g1: &b_g1, b_g2: &b_g2 };
        if !is_circuit_hash(&self.circuit_hash, &self.header, &points, powers) {
            return Err(self.refused(Fault::CircuitHash));
        }
        Ok(())
    }

    /// That H is made of the powers. In the basis of powers its first coordinates are `tau^(domain + i) - tau^i`, over
    /// delta. The last one serves no proof and may be the same, without the power that phase 1 may lack, or infinity.
    /// Nothing else: the maker of the first key could put a point there that they would like to have over delta.
    fn check_quotient(&self, powers: &VerifiedPowers) -> Result<(), CeremonyError> {
        let size = self.header.domain;
        let quotient = Quotient::new(size);
        let of_powers = differences(powers.tau_g1(), size, size - 1);
        let expected = sum(&of_powers, &quotient.factors);
        let [found, last] = quotient.sums(&self.points(section::H)?);
        let ((_, g2), delta_g2) = (first_delta(), self.header.delta_g2);
        let lower = powers.tau_g1()[size - 1];
        let upper = (powers.tau_g1()[size], powers.points().tau_g2[size - 1]);
        let is_last = last.is_zero()
            || pairs_equal((last, delta_g2), (-lower, g2))
            || Bn254::multi_pairing([last, lower, -upper.0], [delta_g2, g2, upper.1]).0.is_one();
        if is_last && pairs_equal((expected, g2), (found, delta_g2)) {
            return Ok(());
        }
        let reason = "its points are not those of phase 1, divided by delta";
        Err(self.refused(Fault::section(section::H, reason)))
    }

    fn not_of_circuit(&self, number: u32) -> CeremonyError {
        let reason = "its points are not those of the circuit on this phase 1";
        self.refused(Fault::section(number, reason))
    }
}

/// A random polynomial below the last power times `X^domain - 1`, and the last power times the same. Each has the same
/// value in two forms: by the powers, and by its values at the odd places of twice the domain, where `X^domain - 1` is -2.
struct Quotient {
    /// The polynomial's coefficients.
    factors: Vec<Fr>,
    values: Vec<Fr>,
    last_values: Vec<Fr>,
}

impl Quotient {
    fn new(size: usize) -> Self {
        let factors = random_factors(size - 1);
        let shift = domain(size.ilog2() + 1).element(1);
        let mut by = -Fr::from(2u64);
        let mut values: Vec<Fr> = Vec::with_capacity(size);
        for factor in &factors {
            values.push(*factor * by);
            by *= shift;
        }
        values.push(Fr::zero());
        let mut last_values = vec![Fr::zero(); size];
        last_values[size - 1] = by;
        domain(size.ilog2()).fft_in_place(&mut values);
        domain(size.ilog2()).fft_in_place(&mut last_values);
        Self { factors, values, last_values }
    }

    /// The sums of H's points for both.
    fn sums(&self, h: &[G1Affine]) -> [G1Affine; 2] {
        let (first, last) = rayon::join(|| sum(h, &self.values), || sum(h, &self.last_values));
        [first, last]
    }
}

/// That a contribution is what a beacon gives.
fn check_beacon(number: usize, beacon: &Beacon, found: &Knowledge) -> Result<(), Fault> {
    let mut draw = Draw::from_beacon(beacon);
    let secret = draw.scalar();
    let is_drawn = found.one == draw.g1() && found.multiple == found.one * *secret;
    if is_drawn { Ok(()) } else { Err(Fault::Beacon(number)) }
}

fn check_header(header: &Header, first: &Header) -> Result<(), Fault> {
    let Header { wires, public_inputs, domain, alpha_g1, beta_g1, beta_g2, gamma_g2, .. } = header;
    let counts = (*wires, *public_inputs, *domain);
    let of = [
        (counts == (first.wires, first.public_inputs, first.domain), "it is of another circuit"),
        (*alpha_g1 == first.alpha_g1, "alpha is not that of phase 1"),
        (*beta_g1 == first.beta_g1, "beta in G1 is not that of phase 1"),
        (*beta_g2 == first.beta_g2, "beta in G2 is not that of phase 1"),
        (*gamma_g2 == first.gamma_g2, "gamma is not the generator"),
    ];
    match of.into_iter().find(|(holds, _)| !holds) {
        None => Ok(()),
        Some((_, reason)) => Err(Fault::Value(reason)),
    }
}

/// The factors of the powers of tau in a random sum of the wires' points: what the rows are under the factors of their
/// wires, as coefficients of a polynomial.
fn on_powers(
    terms: impl Iterator<Item = (usize, u32, Fr)>,
    factors: &[Fr],
    size: usize,
) -> Vec<Fr> {
    let mut rows = vec![Fr::zero(); size];
    for (row, wire, by) in terms {
        rows[row] += factors[wire as usize] * by;
    }
    domain(size.ilog2()).ifft_in_place(&mut rows);
    rows
}
