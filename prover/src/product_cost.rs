//! What one product of the base field costs: the unit in which proofs are counted.

use std::hint::black_box;
use std::time::{Duration, Instant};

use ark_bn254::Fq;

use crate::arithmetic::{Arithmetic, OnPath};
use crate::lanes::{Kernel, LANES, Lanes, Numbers, Path};

/// Chains of products side by side, so that none waits for another.
const CHAINS: usize = 4;

struct Products {
    rounds: usize,
}

impl<P: Path> Kernel<P> for Products {
    type Output = Duration;

    #[inline(always)]
    fn run(self) -> Duration {
        let factor = [P::Base::splat(Fq::from(0x5eed_u64)); 2];
        let mut chains = [[P::Base::splat(Fq::from(3u64)); 2]; CHAINS];
        let started = Instant::now();
        for _ in 0..self.rounds {
            for chain in &mut chains {
                *chain = chain.mul(factor);
            }
        }
        let spent = started.elapsed();
        for chain in chains {
            black_box(chain[0].elements());
        }
        spent
    }
}

impl OnPath for Products {
    type Output = Duration;

    fn on<P: Path>(self, path: P) -> Duration {
        path.run(self)
    }
}

/// Nanoseconds that a product takes on one thread, many going side by side.
pub fn product_nanoseconds(by: Arithmetic, rounds: usize) -> f64 {
    let spent = by.run(Products { rounds });
    spent.as_secs_f64() * 1e9 / (rounds * CHAINS * 2 * LANES) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn product_takes_some_time() {
        for by in Arithmetic::available() {
            assert!(product_nanoseconds(by, 100) > 0.0);
        }
    }
}
