//! The engine against ark-groth16: the same proofs to the byte.

use ark_ff::{Field, One, UniformRand, Zero};
use praman_circuits::circuit;
use praman_circuits::constraint_system::{ConstraintSystem, Num};
use praman_testkit::fixture;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::*;
use crate::arkworks::ArkworksEngine;
use crate::compiled_key::ProductCount;
use crate::setup::setup;

/// Proofs on both paths and by ark-groth16 of witnesses with random blinding.
fn compare(circuit: &Circuit, witnesses: impl IntoIterator<Item = Witness>, seed: u64) {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let keys = setup(circuit, &mut rng).expect("keys");
    let engine = |by: Arithmetic| FixedKeyEngine::new(circuit, &keys, MemoryBudget(8 << 20), by);
    let fastest = FixedKeyEngine::new(circuit, &keys, MemoryBudget::SMALL, Arithmetic::Fastest);
    let smaller: Vec<_> = Arithmetic::available().into_iter().map(engine).collect();
    let peer = ArkworksEngine::new(circuit, keys);
    for (number, witness) in witnesses.into_iter().enumerate() {
        let (r, s) = match number {
            0 => (Fr::zero(), Fr::zero()),
            1 => (Fr::one(), -Fr::one()),
            _ => (Fr::rand(&mut rng), Fr::rand(&mut rng)),
        };
        let theirs = peer.prove_with(&witness, (r, s), Cores::All).expect("proved");
        assert_eq!(fastest.prove_with(&witness, (r, s), Cores::All).expect("proved"), theirs);
        if number % 8 == 0 {
            for engine in &smaller {
                assert_eq!(
                    engine.prove_with(&witness, (r, s), Cores::One).expect("proved"),
                    theirs
                );
            }
        }
    }
}

#[test]
fn proofs_of_eligibility_are_those_of_arkworks() {
    let witnesses = (0..4).map(|number| {
        let claim = fixture::claim(number);
        circuit::eligibility_witness(&claim.public().to_fields(), &claim.private())
    });
    compare(circuit::eligibility(), witnesses, 5);
}

#[test]
fn proofs_of_consent_are_those_of_arkworks() {
    let blinding = praman_circuits::health_record::HandleBlinding::from_field(Fr::from(3u64));
    let witnesses = (0..2u32).map(|number| {
        let (grant, request) = fixture::grant(u64::from(number));
        let (public, private) = grant.inputs(request, number, &blinding);
        circuit::consent_witness(&public.to_fields(), &private)
    });
    compare(circuit::consent(), witnesses, 6);
}

#[test]
fn proofs_of_settlement_are_those_of_arkworks() {
    use praman_circuits::settlement::{CLAIMS, Carried, chunk_inputs};
    use praman_circuits::settlement_state::SettlementBlinding;
    let claims = fixture::settled_claims(CLAIMS as u64 - 3);
    let blinding = SettlementBlinding::from_field(Fr::from(3u64));
    let (public, private, _) =
        chunk_inputs(fixture::settled_opening(), &Carried::start(), &claims, blinding);
    let witness = circuit::settlement_witness(&public.to_fields(), &private);
    compare(circuit::settlement(), [witness], 7);
}

/// `y = x^(2^n)`, and wires that any value satisfies.
fn powers(cs: &mut ConstraintSystem, x: Fr, free: Fr) {
    let mut last = x;
    for _ in 0..60 {
        last = last.square();
    }
    let y = cs.public("y", last);
    let mut number = cs.private("x", x);
    for _ in 0..60 {
        number = cs.product("square", &number, &number);
    }
    cs.enforce_equal(&number, &y);
    for _ in 0..60 {
        let any = cs.private("any", free);
        cs.product("any", &any, &Num::zero());
        cs.product("twice", &any, &any);
    }
}

#[test]
fn products_of_eligibility_are_pinned() {
    let circuit = circuit::eligibility();
    let keys = setup(circuit, &mut ChaCha20Rng::seed_from_u64(5)).expect("keys");
    let claim = fixture::claim(1);
    let witness = circuit::eligibility_witness(&claim.public().to_fields(), &claim.private());
    let by = Arithmetic::Portable;
    let engine = FixedKeyEngine::new(circuit, &keys, MemoryBudget::SMALL, by);
    let ProductCount { rows, transforms, g1, g2 } = engine.products(&witness);
    // The digits depend on the key and the witness by little.
    assert_eq!((rows, transforms), (190_008, 376_832));
    assert!((2_700_000..2_900_000).contains(&g1), "{g1}");
    assert!((1_200_000..1_300_000).contains(&g2), "{g2}");
}

#[test]
fn proofs_are_those_of_arkworks() {
    let zero = Fr::zero();
    let circuit = Circuit::compile("powers", |cs| powers(cs, zero, zero));
    let mut rng = ChaCha20Rng::seed_from_u64(6);
    let proofs = if std::env::var_os("PRAMAN_THOROUGH").is_some() { 1_000 } else { 100 };
    let edges = [Fr::zero(), Fr::one(), -Fr::one(), Fr::from(2u64)];
    let pairs = edges.iter().flat_map(|&x| edges.iter().map(move |&any| (x, any)));
    let random = std::iter::repeat_with(|| (Fr::rand(&mut rng), Fr::rand(&mut rng)));
    let witnesses = pairs.chain(random).take(proofs).map(|(x, any)| {
        let mut cs = ConstraintSystem::assigning(circuit.wires());
        powers(&mut cs, x, any);
        Witness::from_assignment(cs.into_assignment(), circuit.public_inputs())
    });
    compare(&circuit, witnesses, 7);
}

#[test]
fn witness_that_breaks_a_row_is_refused_with_the_rows_number() {
    let circuit = circuit::eligibility();
    let mut rng = ChaCha20Rng::seed_from_u64(8);
    let keys = setup(circuit, &mut rng).expect("keys");
    let claim = fixture::claim(1);
    let witness = circuit::eligibility_witness(&claim.public().to_fields(), &claim.private());
    for by in Arithmetic::available() {
        let engine = FixedKeyEngine::new(circuit, &keys, MemoryBudget(0), by);
        for wire in [1, 109, 2_000, circuit.wires() - 1] {
            let mut assignment = witness.assignment().to_vec();
            assignment[wire] += Fr::one();
            let expected = circuit.unsatisfied_row(&assignment).expect("no wire is free");
            let broken = Witness::from_assignment(assignment, circuit.public_inputs());
            let refused = engine.prove(&broken, &mut rng, Cores::All).expect_err("refused");
            let ProvingError::Unsatisfied { row, clause: Some(clause), .. } = refused else {
                panic!("another refusal: {refused}");
            };
            assert_eq!(row, expected);
            assert!(clause.starts_with('E'), "{clause}");
        }
        let mut assignment = witness.assignment().to_vec();
        assignment.push(Fr::one());
        let longer = Witness::from_assignment(assignment, circuit.public_inputs());
        let refused = engine.prove(&longer, &mut rng, Cores::One).expect_err("refused").to_string();
        assert!(refused.contains("7879 wires, the key is for 7878"), "{refused}");
    }
}

#[test]
fn circuit_too_small_for_vectors_is_still_proved() {
    let circuit = Circuit::compile("square", |cs| {
        let y = cs.public("y", Fr::from(9u64));
        let x = cs.private("x", Fr::from(3u64));
        cs.enforce(&x, &x, &y);
    });
    let witness = [1u64, 9, 3].map(Fr::from).to_vec();
    compare(&circuit, [Witness::from_assignment(witness, 1)], 9);
}

#[test]
fn good_tables_are_kept_and_bad_ones_are_made_again() {
    let zero = Fr::zero();
    let circuit = Circuit::compile("powers", |cs| powers(cs, zero, zero));
    let mut cs = ConstraintSystem::assigning(circuit.wires());
    powers(&mut cs, Fr::from(3u64), Fr::from(5u64));
    let witness = Witness::from_assignment(cs.into_assignment(), 1);
    let mut rng = ChaCha20Rng::seed_from_u64(10);
    let [keys, others] = [(); 2].map(|()| setup(&circuit, &mut rng).expect("keys"));
    let folder = tempfile::tempdir().expect("a folder");
    let peer = ArkworksEngine::new(&circuit, keys.clone());
    let (r, s) = (Fr::rand(&mut rng), Fr::rand(&mut rng));
    let expected = peer.prove_with(&witness, (r, s), Cores::All).expect("proved");
    let open = |keys: &Keys, budget| {
        let by = Arithmetic::Fastest;
        FixedKeyEngine::in_folder(folder.path(), &circuit, keys, budget, by)
    };
    let arithmetic = open(&keys, MemoryBudget(1 << 20)).arithmetic();
    let path = folder.path().join(format!("tables-{arithmetic}.bin"));
    let small = MemoryBudget(1 << 20);
    let good = || {
        let engine = open(&keys, small);
        assert_eq!(engine.prove_with(&witness, (r, s), Cores::All).expect("proved"), expected);
        std::fs::read(&path).expect("kept")
    };
    let kept = good();
    let written = || std::fs::metadata(&path).expect("there").modified().expect("a time");
    let before = written();
    assert_eq!(good(), kept);
    assert_eq!(written(), before, "what is good is not written again");
    // Cut, changed, of another key, of another budget: made anew, and right.
    std::fs::write(&path, &kept[..kept.len() / 2]).expect("written");
    assert_eq!(good(), kept);
    std::fs::write(&path, []).expect("written");
    assert_eq!(good(), kept);
    std::fs::write(&path, [&kept[..], &[0; 64]].concat()).expect("written");
    assert_eq!(good(), kept);
    for place in [0, 20, 50, 60, 70, 130, 200, kept.len() - 1] {
        let mut changed = kept.clone();
        changed[place] ^= 1;
        std::fs::write(&path, changed).expect("written");
        assert_eq!(good(), kept);
    }
    open(&others, small);
    assert_ne!(std::fs::read(&path).expect("kept"), kept);
    assert_eq!(good(), kept);
    open(&keys, MemoryBudget(1 << 14));
    assert_ne!(std::fs::read(&path).expect("kept"), kept);
    // Where no file can be, tables are made each time.
    let nowhere = folder.path().join("nowhere");
    let by = Arithmetic::Fastest;
    let engine = FixedKeyEngine::in_folder(&nowhere, &circuit, &keys, small, by);
    assert_eq!(engine.prove_with(&witness, (r, s), Cores::All).expect("proved"), expected);
}
