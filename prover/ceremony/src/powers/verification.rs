//! Checking phase 1: each contribution, the chain of them, and every relation between the points.

use ark_bn254::{G1Affine, G2Affine};
use ark_ec::AffineRepr;
use praman_prover::sections::Sections;

use super::challenge::{first_challenge, next_challenge};
use super::contribution::Secrets;
use super::{PowerPoints, Powers, PowersContribution, State, knowledge_base, section};
use crate::beacon::CHECKED_EXPONENT;
use crate::draw::{Draw, Hash};
use crate::encoding::CeremonyPoint;
use crate::error::{CeremonyError, Fault};
use crate::knowledge::Knowledge;
use crate::sums::{neighbours, same_ratio};

const SECRETS: [&str; 3] = ["tau", "alpha", "beta"];

/// A phase 1 that was checked: its powers are of numbers that nobody knows if one contributor kept their secrets to
/// themselves.
pub struct VerifiedPowers {
    powers: Powers,
}

impl VerifiedPowers {
    /// The power of two of powers that it has.
    pub fn power(&self) -> u32 {
        self.powers.power
    }

    /// The file that was checked.
    pub fn powers(&self) -> &Powers {
        &self.powers
    }

    pub(crate) fn points(&self) -> &PowerPoints {
        &self.powers.points
    }

    pub(crate) fn tau_g1(&self) -> &[G1Affine] {
        &self.powers.points.tau_g1
    }

    pub(crate) fn file(&self) -> &Sections {
        &self.powers.file
    }

    pub(crate) fn refused(&self, fault: Fault) -> CeremonyError {
        self.powers.refused(fault)
    }

    /// Checks the prepared points of all levels, which are otherwise checked where they are used.
    ///
    /// # Errors
    /// [`CeremonyError`]; a prepared section that is cut or too long, or whose points are not those of the powers.
    pub fn check_prepared(&self) -> Result<(), CeremonyError> {
        let PowerPoints { tau_g1, tau_g2, alpha_g1, beta_g1, .. } = self.points();
        if self.powers.is_prepared() {
            self.lagrange_tau_g1(self.power() + 1)?;
        }
        self.check_levels(section::LAGRANGE_TAU_G1, tau_g1, self.power() + 1)?;
        self.check_levels(section::LAGRANGE_TAU_G2, tau_g2, self.power())?;
        self.check_levels(section::LAGRANGE_ALPHA_G1, alpha_g1, self.power())?;
        self.check_levels(section::LAGRANGE_BETA_G1, beta_g1, self.power())
    }

    fn check_levels<P: CeremonyPoint>(
        &self,
        number: u32,
        powers: &[P],
        last: u32,
    ) -> Result<(), CeremonyError> {
        let Ok(mut section) = self.file().section(number) else { return Ok(()) };
        for level in 0..=last {
            let points = P::read(&mut section, 1 << level)?;
            self.check_level(number, powers, &points, level)?;
        }
        Ok(section.require_end()?)
    }
}

impl Powers {
    /// Checks it all but the prepared points, which are checked where they are used. A beacon is hashed up to 2^26 times.
    ///
    /// # Errors
    /// [`CeremonyError::Refused`] with what is wrong.
    pub fn verify(self) -> Result<VerifiedPowers, CeremonyError> {
        self.verify_beacons_to(CHECKED_EXPONENT)
    }

    /// As [`Powers::verify`], with beacons hashed up to 2 to a power of times.
    ///
    /// # Errors
    /// As [`Powers::verify`].
    pub fn verify_beacons_to(self, exponent: u8) -> Result<VerifiedPowers, CeremonyError> {
        let checked = self
            .check_points()
            .and_then(|()| self.check_contributions(exponent))
            .and_then(|()| self.check_challenge());
        checked.map_err(|fault| self.refused(fault))?;
        if self.contributions.iter().all(|it| it.parameters.beacon.is_some()) {
            return Err(self.refused(Fault::NoContribution));
        }
        Ok(VerifiedPowers { powers: self })
    }

    /// That each contribution was made on the one before it; beacons last, which may take long.
    pub(crate) fn check_contributions(&self, exponent: u8) -> Result<(), Fault> {
        let mut before = (State::first(), first_challenge(self.ceremony_power));
        let mut beacons = Vec::new();
        for (number, contribution) in (1..).zip(&self.contributions) {
            check_contribution(number, contribution, &before.0, &before.1)?;
            if let Some(beacon) = &contribution.parameters.beacon {
                beacon.require_within(exponent, number)?;
                beacons.push((number, beacon, before.1, contribution));
            }
            before = (contribution.after, contribution.next_challenge);
        }
        for (number, beacon, challenge, contribution) in beacons {
            let drawn = Secrets::draw(&mut Draw::from_beacon(beacon), &challenge);
            if drawn.knowledge != contribution.knowledge {
                return Err(Fault::Beacon(number));
            }
        }
        Ok(())
    }

    /// That the last contribution names the points that are there. A file that was cut does not have all of those that
    /// were hashed.
    pub(crate) fn check_challenge(&self) -> Result<(), Fault> {
        let Some(last) = self.contributions.last() else { return Ok(()) };
        let is_whole = self.power == self.ceremony_power;
        if is_whole && next_challenge(&last.response(), &self.points) != last.next_challenge {
            return Err(Fault::Challenge(self.contributions.len()));
        }
        Ok(())
    }

    /// That the points are powers of the numbers that the last contribution brought about.
    fn check_points(&self) -> Result<(), Fault> {
        let last = &self.contributions.last().ok_or(Fault::NoContribution)?.after;
        let PowerPoints { tau_g1, tau_g2, alpha_g1, beta_g1, beta_g2 } = &self.points;
        let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
        if [last.tau_g1, last.alpha_g1, last.beta_g1].contains(&g1) {
            return Err(Fault::Value("a secret of it is one after all contributions"));
        }
        let firsts = [
            (tau_g1[0] == g1 && tau_g1[1] == last.tau_g1, section::TAU_G1),
            (tau_g2[0] == g2 && tau_g2[1] == last.tau_g2, section::TAU_G2),
            (alpha_g1[0] == last.alpha_g1, section::ALPHA_G1),
            (beta_g1[0] == last.beta_g1, section::BETA_G1),
            (*beta_g2 == last.beta_g2, section::BETA_G2),
        ];
        if let Some((_, number)) = firsts.iter().find(|(holds, _)| !holds) {
            let reason = "its first points are not those of the last contribution";
            return Err(Fault::section(*number, reason));
        }
        for (number, points) in
            [(section::TAU_G1, tau_g1), (section::ALPHA_G1, alpha_g1), (section::BETA_G1, beta_g1)]
        {
            if !same_ratio(neighbours(points), (g2, last.tau_g2)) {
                return Err(not_powers(number));
            }
        }
        if !same_ratio((g1, last.tau_g1), neighbours(tau_g2)) {
            return Err(not_powers(section::TAU_G2));
        }
        Ok(())
    }
}

fn not_powers(number: u32) -> Fault {
    Fault::section(number, "its points are not the powers of one number")
}

/// That a contribution was made on the one before it by one who knew its secrets, and that none of them is one.
fn check_contribution(
    number: usize,
    contribution: &PowersContribution,
    before: &State,
    challenge: &Hash,
) -> Result<(), Fault> {
    let bases: [G2Affine; 3] = std::array::from_fn(|place| {
        let Knowledge { one, multiple, .. } = &contribution.knowledge[place];
        knowledge_base(place, challenge, one, multiple)
    });
    for (place, (known, base)) in contribution.knowledge.iter().zip(bases).enumerate() {
        let secret = SECRETS[place];
        if !known.holds(base) {
            return Err(Fault::Unknown { contribution: number, secret });
        }
        if known.is_of_one() {
            return Err(Fault::NothingChanged { contribution: number, secret });
        }
    }
    let [tau, _, beta] = &contribution.knowledge;
    let after = &contribution.after;
    let in_g1 = |from, to, place: usize| {
        same_ratio((from, to), (bases[place], contribution.knowledge[place].multiple_g2))
    };
    let in_g2 = |known: &Knowledge, from, to| same_ratio((known.one, known.multiple), (from, to));
    let follows = [
        in_g1(before.tau_g1, after.tau_g1, 0) && in_g2(tau, before.tau_g2, after.tau_g2),
        in_g1(before.alpha_g1, after.alpha_g1, 1),
        in_g1(before.beta_g1, after.beta_g1, 2) && in_g2(beta, before.beta_g2, after.beta_g2),
    ];
    match follows.iter().position(|follows| !follows) {
        None => Ok(()),
        Some(place) => Err(Fault::OtherBase { contribution: number, secret: SECRETS[place] }),
    }
}
