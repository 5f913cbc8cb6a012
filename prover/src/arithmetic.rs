//! Which arithmetic is computed by, and whether this processor has it.

use std::sync::OnceLock;

#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
use crate::lanes::Relaxed;
#[cfg(target_arch = "x86_64")]
use crate::lanes::{Avx2, Ifma};
use crate::lanes::{Path, Portable};

/// The environment variable that forces an arithmetic, for tests and benches.
const VARIABLE: &str = "PRAMAN_ARITHMETIC";

/// Which arithmetic an engine computes by. The proofs are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// The fastest that this processor has, or the one that `PRAMAN_ARITHMETIC` names.
    Fastest,
    /// 52-bit multipliers of integers: AVX-512F and IFMA.
    Avx512Ifma,
    /// Fused multiplication and addition of doubles: AVX2 and FMA.
    Avx2Fma,
    /// The same in a browser: relaxed vectors of WASM, in a program that is built for them, where the engine rounds once.
    WasmRelaxedSimd,
    /// What every processor has.
    Portable,
}

/// Why an arithmetic that was asked for can't be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArithmeticError {
    /// No arithmetic has this name.
    #[error(
        "PRAMAN_ARITHMETIC is \"{0}\": give avx512-ifma, avx2-fma, wasm-relaxed-simd or portable, or leave it out for the fastest"
    )]
    Unknown(String),
    /// The processor lacks it.
    #[error("this processor has no {0}: leave PRAMAN_ARITHMETIC out for the fastest that it has")]
    Missing(&'static str),
}

impl Arithmetic {
    /// Each arithmetic, the fastest first.
    const EACH: [Self; 4] =
        [Self::Avx512Ifma, Self::Avx2Fma, Self::WasmRelaxedSimd, Self::Portable];

    /// Those that this processor has, the fastest first.
    pub fn available() -> Vec<Self> {
        Self::EACH.into_iter().filter(|by| by.is_available()).collect()
    }

    /// Its name, as `PRAMAN_ARITHMETIC` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fastest => Self::fastest().name(),
            Self::Avx512Ifma => "avx512-ifma",
            Self::Avx2Fma => "avx2-fma",
            Self::WasmRelaxedSimd => "wasm-relaxed-simd",
            Self::Portable => Portable::NAME,
        }
    }

    /// Whether this processor has it.
    pub fn is_available(self) -> bool {
        match self {
            Self::Fastest | Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Ifma => Ifma::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2Fma => Avx2::detect().is_some(),
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Self::WasmRelaxedSimd => Relaxed::detect().is_some(),
            #[allow(unreachable_patterns, reason = "which are left depends on the target")]
            _ => false,
        }
    }

    /// The arithmetic that `PRAMAN_ARITHMETIC` names, if it names one.
    ///
    /// # Errors
    /// [`ArithmeticError`] if there is no such arithmetic, or not on this processor.
    pub fn forced() -> Result<Option<Self>, ArithmeticError> {
        match std::env::var_os(VARIABLE) {
            Some(name) if !name.is_empty() => Self::named(&name.to_string_lossy()).map(Some),
            _ => Ok(None),
        }
    }

    /// The arithmetic of a name.
    fn named(name: &str) -> Result<Self, ArithmeticError> {
        let by = Self::EACH.into_iter().find(|by| by.name() == name);
        let by = by.ok_or_else(|| ArithmeticError::Unknown(name.to_owned()))?;
        if by.is_available() { Ok(by) } else { Err(ArithmeticError::Missing(by.name())) }
    }

    /// The one that [`Arithmetic::Fastest`] comes to, asked for once.
    fn fastest() -> Self {
        static FASTEST: OnceLock<Arithmetic> = OnceLock::new();
        *FASTEST.get_or_init(|| {
            let forced = Self::forced().unwrap_or_else(|error| panic!("{error}"));
            forced.unwrap_or_else(|| Self::available()[0])
        })
    }

    /// Does work on the path that it comes to.
    ///
    /// # Panics
    /// If the processor lacks it.
    pub(crate) fn run<W: OnPath>(self, work: W) -> W::Output {
        match self {
            Self::Fastest => Self::fastest().run(work),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Ifma => work.on(Ifma::detect().expect("the processor has AVX-512 IFMA")),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2Fma => work.on(Avx2::detect().expect("the processor has AVX2 and FMA")),
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Self::WasmRelaxedSimd => work.on(Relaxed::detect().expect("the engine rounds once")),
            Self::Portable => work.on(Portable),
            #[allow(unreachable_patterns, reason = "which are left depends on the target")]
            _ => panic!("the processor has no {}", self.name()),
        }
    }
}

/// Work that every path can do.
pub(crate) trait OnPath {
    /// What comes of it.
    type Output;

    /// Does it on a path.
    fn on<P: Path>(self, path: P) -> Self::Output;
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Name;

    impl OnPath for Name {
        type Output = &'static str;

        fn on<P: Path>(self, _: P) -> &'static str {
            P::NAME
        }
    }

    #[test]
    fn every_arithmetic_runs_on_the_path_of_its_name() {
        let available = Arithmetic::available();
        assert_eq!(available.last(), Some(&Arithmetic::Portable));
        for by in available {
            assert_eq!(by.run(Name), by.name());
            assert_eq!(Arithmetic::named(by.name()), Ok(by));
        }
        assert_eq!(Arithmetic::Fastest.run(Name), Arithmetic::Fastest.name());
    }

    #[test]
    fn unknown_and_missing_arithmetic_is_refused() {
        let unknown = Arithmetic::named("avx3").expect_err("refused").to_string();
        assert!(unknown.contains("\"avx3\"") && unknown.contains("avx2-fma"), "{unknown}");
        for by in Arithmetic::EACH {
            let expected = by.is_available().then_some(by);
            let named = Arithmetic::named(by.name());
            assert_eq!(named, expected.ok_or(ArithmeticError::Missing(by.name())));
        }
    }
}
