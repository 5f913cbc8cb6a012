//! Criterion benches of the parts; `cargo bench -p bench`.
#![allow(missing_docs)] // criterion's macros make undocumented items

use std::hint::black_box;

use bench::{generated_register, prover, witness};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use praman::office_key::OfficeKey;
use praman::offices::{Application, Validity, make_credentials};
use praman::wallet::Wallet;
use praman::{calendar, register};
use praman_circuits::office::{OfficeId, OfficeTree};
use praman_circuits::{Fr, circuit, poseidon};
use praman_testkit::fixture;
use praman_verifier::PreparedKey;

fn hashes(criterion: &mut Criterion) {
    for inputs in [2u64, 8, 16] {
        let values: Vec<Fr> = (1..=inputs).map(Fr::from).collect();
        criterion.bench_function(&format!("poseidon of {inputs}"), |bencher| {
            bencher.iter(|| poseidon::hash(black_box(&values)));
        });
    }
}

fn trees(criterion: &mut Criterion) {
    let leaves: Vec<Fr> = (1..=4_096u64).map(Fr::from).collect();
    let mut tree = OfficeTree::new();
    tree.append(&leaves).expect("room");
    criterion.bench_function("one leaf of an office tree", |bencher| {
        bencher.iter(|| tree.replace(17, Fr::from(5u64)).expect("there"));
    });
    criterion.bench_function("4,096 leaves", |bencher| {
        bencher.iter_batched(
            OfficeTree::new,
            |mut tree| tree.append(&leaves).expect("room"),
            BatchSize::LargeInput,
        );
    });
}

fn registers(criterion: &mut Criterion) {
    const ROWS: usize = 10_000;
    let text = generated_register(ROWS, 1);
    let checked = register::check(&text[..], calendar::today(), |_| ()).expect("a register");
    let mut group = criterion.benchmark_group("register");
    group.throughput(Throughput::Elements(ROWS as u64)).sample_size(20);
    group.bench_function("check", |bencher| {
        bencher.iter(|| register::check(&text[..], calendar::today(), |_| ()).expect("a register"));
    });
    let subject = Wallet::generate().subject();
    let applications: Vec<Application<'_>> =
        checked.people().iter().map(|person| Application::new(person, subject)).collect();
    let key = OfficeKey::generate(OfficeId(0), "bench");
    let validity = Validity::from_today(calendar::today());
    group.throughput(Throughput::Elements(applications.len() as u64)).sample_size(10);
    group.bench_function("issue", |bencher| {
        bencher.iter(|| make_credentials(&key, &applications, validity, 0));
    });
}

fn proofs(criterion: &mut Criterion) {
    let prover = prover();
    let claim = fixture::claim(1);
    let (public, private) = (claim.public().to_fields(), claim.private());
    criterion.bench_function("witness", |bencher| {
        bencher.iter(|| circuit::eligibility_witness(black_box(&public), &private));
    });
    let witness = witness(1);
    let mut group = criterion.benchmark_group("proof");
    group.sample_size(10);
    group.bench_function("prove", |bencher| {
        bencher.iter(|| prover.prove(&witness).expect("true"));
    });
    let proof = prover.prove(&witness).expect("true");
    let key = PreparedKey::new(prover.verifying_key());
    group.bench_function("verify", |bencher| {
        bencher.iter(|| key.verify(&public, &proof).expect("holds"));
    });
}

criterion_group!(benches, hashes, trees, registers, proofs);
criterion_main!(benches);
