//! An engine where there is less memory than it is asked to use.
#![cfg(target_os = "linux")]

use praman_circuits::circuit;
use praman_prover::{Arithmetic, Cores, Engine, FixedKeyEngine, MemoryBudget, setup};
use praman_testkit::fixture;
use praman_verifier::PreparedKey;
use rand::rngs::OsRng;
use rustix::process::{Resource, getrlimit, setrlimit};

/// What this process has of addresses.
fn address_space() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmSize:")).expect("a line");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib << 10
}

#[test]
fn tables_shrink_to_the_memory_that_there_is() {
    let circuit = circuit::eligibility();
    let keys = setup(circuit, &mut OsRng).expect("keys");
    let claim = fixture::claim(1);
    let witness = circuit::eligibility_witness(&claim.public().to_fields(), &claim.private());
    let engine = |budget| FixedKeyEngine::new(circuit, &keys, budget, Arithmetic::Fastest);
    // Threads are there before memory is short.
    drop(engine(MemoryBudget(1 << 20)));
    let before = getrlimit(Resource::As);
    let mut short = before;
    short.current = Some(address_space() + (40 << 20));
    setrlimit(Resource::As, short).expect("less is always allowed");
    let engine = engine(MemoryBudget::LARGE);
    let taken = address_space();
    setrlimit(Resource::As, before).expect("up to the hard limit");
    assert!(taken <= short.current.expect("it was set"));
    let proof = engine.prove(&witness, &mut OsRng, Cores::All).expect("a true claim");
    let key = PreparedKey::new(engine.verifying_key());
    assert_eq!(key.verify(witness.public(), &proof), Ok(()));
}
