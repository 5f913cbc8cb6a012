//! The proving engine beside ark-groth16, alternating in one run.

use std::path::Path;
use std::time::Instant;

use ark_bn254::Fr;
use ark_ff::{Field, UniformRand};
use praman_circuits::attributes::Attributes;
use praman_circuits::circuit::{self, Circuit, Witness};
use praman_circuits::constraint_system::ConstraintSystem;
use praman_circuits::health_record::HandleBlinding;
use praman_circuits::settlement::{CLAIMS, Carried, chunk_inputs};
use praman_circuits::settlement_state::SettlementBlinding;
use praman_prover::{
    Arithmetic, ArkworksEngine, Cores, Engine, FixedKeyEngine, ForeignKey, KeyStore, MemoryBudget,
    ProvingPool, Stages, addition_nanoseconds, product_nanoseconds, setup,
};
use praman_testkit::fixture;
use praman_verifier::{PreparedKey, public_to_json};
use rand::SeedableRng;
use rand::rngs::OsRng;
use rand_chacha::ChaCha20Rng;
use serde_json::{Value, json};

use crate::rounded;

/// The subject of a proof.
struct Subject {
    name: String,
    circuit: &'static Circuit,
    witnesses: Vec<Witness>,
}

/// A chain of products.
pub(crate) fn plain_circuit(log_size: u32) -> &'static Circuit {
    plain(log_size).circuit
}

/// A chain of products: every wire is full-sized.
fn plain(log_size: u32) -> Subject {
    // The inputs' rows of Groth16 belong to the domain.
    let rows = (1usize << log_size) - 4;
    let body = move |cs: &mut ConstraintSystem, seed: Fr| {
        let mut last = seed;
        for _ in 0..rows {
            last = last.square() + Fr::from(1u64);
        }
        let output = cs.public("output", last);
        let one = praman_circuits::constraint_system::Num::constant(cs, Fr::from(1u64));
        let mut number = cs.private("seed", seed);
        for _ in 1..rows {
            number = &cs.product("step", &number, &number) + &one;
        }
        cs.enforce(&number, &number, &(&output - &one));
    };
    let compiled = Circuit::compile("plain", |cs| body(cs, Fr::from(0u64)));
    let circuit: &'static Circuit = Box::leak(Box::new(compiled));
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let witness = |_| {
        let mut cs = ConstraintSystem::assigning(circuit.wires());
        body(&mut cs, Fr::rand(&mut rng));
        Witness::from_assignment(cs.into_assignment(), circuit.public_inputs())
    };
    let witnesses = (0..4).map(witness).collect();
    Subject { name: format!("plain 2^{log_size}"), circuit, witnesses }
}

fn eligibility() -> Subject {
    let witnesses = (0..8).map(bench::witness).collect();
    Subject { name: "eligibility".to_owned(), circuit: circuit::eligibility(), witnesses }
}

fn consent() -> Subject {
    let blinding = HandleBlinding::from_field(Fr::from(3u64));
    let witnesses = (0..8)
        .map(|number| {
            let (grant, request) = fixture::grant(number);
            let (public, private) = grant.inputs(request, 0, &blinding);
            circuit::consent_witness(&public.to_fields(), &private)
        })
        .collect();
    Subject { name: "consent".to_owned(), circuit: circuit::consent(), witnesses }
}

fn settlement() -> Subject {
    let claims = fixture::settled_claims(4 * CLAIMS as u64);
    let context = fixture::settled_opening();
    let mut carried = Carried::start();
    let witnesses = (1u64..)
        .zip(claims.chunks(CLAIMS))
        .map(|(number, chunk)| {
            let blinding = SettlementBlinding::from_field(Fr::from(number));
            let (public, private, after) = chunk_inputs(context, &carried, chunk, blinding);
            carried = after;
            circuit::settlement_witness(&public.to_fields(), &private)
        })
        .collect();
    Subject { name: "settlement".to_owned(), circuit: circuit::settlement(), witnesses }
}

/// What is measured of the statement with a name.
fn statement(name: &str) -> Option<Subject> {
    match name {
        "eligibility" => Some(eligibility()),
        "consent" => Some(consent()),
        "settlement" => Some(settlement()),
        _ => None,
    }
}

fn median(mut milliseconds: Vec<f64>) -> f64 {
    milliseconds.sort_by(f64::total_cmp);
    milliseconds[milliseconds.len() / 2]
}

fn measure(subject: &Subject, rounds: usize, budget: MemoryBudget) -> Value {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let keys = setup(subject.circuit, &mut rng).expect("keys");
    let started = Instant::now();
    let engine = FixedKeyEngine::new(subject.circuit, &keys, budget, Arithmetic::Fastest);
    let tables_ms = started.elapsed().as_secs_f64() * 1e3;
    // The fastest, and every other that the processor has.
    let others: Vec<(&str, FixedKeyEngine)> = Arithmetic::available()
        .into_iter()
        .filter(|by| by.name() != engine.arithmetic())
        .map(|by| (by.name(), FixedKeyEngine::new(subject.circuit, &keys, budget, by)))
        .collect();
    let peer = ArkworksEngine::new(subject.circuit, keys);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut by_others = vec![Vec::new(); others.len()];
    let mut stages: Vec<Stages> = Vec::new();
    let time = |work: &mut dyn FnMut()| {
        let started = Instant::now();
        work();
        started.elapsed().as_secs_f64() * 1e3
    };
    for round in 0..rounds {
        let witness = &subject.witnesses[round % subject.witnesses.len()];
        let (r, s) = (Fr::rand(&mut rng), Fr::rand(&mut rng));
        let (mut proofs, cores) = (Vec::new(), Cores::All);
        theirs.push(time(&mut || {
            proofs.push(peer.prove_with(witness, (r, s), cores).expect("true"))
        }));
        ours.push(time(&mut || {
            let (proof, parts) = engine.prove_in_stages(witness, (r, s), cores).expect("true");
            proofs.push(proof);
            stages.push(parts);
        }));
        for ((_, other), times) in others.iter().zip(&mut by_others) {
            times.push(time(&mut || {
                proofs.push(other.prove_with(witness, (r, s), cores).expect("true"))
            }));
        }
        assert!(proofs.iter().all(|proof| *proof == proofs[0]), "all prove the same");
    }
    let stage = |part: fn(&Stages) -> std::time::Duration| {
        rounded(median(stages.iter().map(|stages| part(stages).as_secs_f64() * 1e3).collect()))
    };
    let count = engine.products(&subject.witnesses[0]);
    let product_ns = product_nanoseconds(Arithmetic::Fastest, 100_000);
    let floor_ms = count.total() as f64 * product_ns / 1e6;
    let (ours, theirs) = (median(ours), median(theirs));
    let mut slower = json!({});
    for ((name, _), times) in others.iter().zip(by_others) {
        let other = median(times);
        slower[name] = json!({ "praman_ms": rounded(other), "ratio": rounded(theirs / other) });
    }
    json!({
        "domain": subject.circuit.domain(),
        "ark_groth16_ms": rounded(theirs),
        "praman_ms": rounded(ours),
        "ratio": rounded(theirs / ours),
        "other_arithmetic": slower,
        "arithmetic": engine.arithmetic(),
        "mib_per_proof_in_flight": rounded(engine.bytes_per_proof() as f64 / f64::from(1 << 20)),
        "tables_ms": rounded(tables_ms),
        "products": {
            "g1": count.g1,
            "g2": count.g2,
            "rows": count.rows,
            "transforms": count.transforms,
            "total": count.total(),
        },
        "floor_one_core_ms": rounded(floor_ms),
        "stages_ms": {
            "quotient": stage(|stages| stages.quotient),
            "a": stage(|stages| stages.a),
            "b_g1": stage(|stages| stages.b1),
            "b_g2": stage(|stages| stages.b2),
            "c": stage(|stages| stages.c),
        },
    })
}

/// Measures the engine beside ark-groth16 on a number of threads; plain circuits up to a size beside praman's
/// own.
pub(crate) fn engine_bench(
    rounds: usize,
    threads: usize,
    largest: u32,
    budget_mib: usize,
) -> Value {
    if threads == 1 {
        // ark-ec makes its own thread pools: only the system can enforce one core.
        let mut one = rustix::thread::CpuSet::new();
        one.set(0);
        rustix::thread::sched_setaffinity(None, &one).expect("a core");
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    pool.install(|| {
        let mut results = json!({});
        let plain = (13..=largest).map(plain);
        for subject in circuit::NAMES.into_iter().filter_map(statement).chain(plain) {
            results[&subject.name] = measure(&subject, rounds, MemoryBudget(budget_mib << 20));
        }
        results["product_ns"] = json!({});
        for by in Arithmetic::available() {
            results["product_ns"][by.name()] = rounded(product_nanoseconds(by, 100_000)).into();
        }
        // A table of half a MiB against one of 48: what reading tables costs, and what sharing could save.
        let [cached, read] = [256, 24_576]
            .map(|points| rounded(addition_nanoseconds(points, Arithmetic::Fastest, 21)));
        results["addition_ns"] = json!({ "table_in_cache": cached, "table_in_memory": read });
        results["threads"] = threads.into();
        results["peak_mib"] = bench::peak_mib().into();
        results
    })
}

/// Makes proofs with another program's key and witness, each on all cores: run snarkjs, rapidsnark or gnark on
/// the same files beside it.
pub(crate) fn foreign_bench(
    zkey: &Path,
    wtns: &Path,
    out: &Path,
    rounds: usize,
    budget_mib: usize,
) -> anyhow::Result<Value> {
    let key = ForeignKey::read(zkey)?;
    let witness = key.read_witness(wtns)?;
    let budget = MemoryBudget(budget_mib << 20);
    let engine = FixedKeyEngine::of_foreign(&key, budget, Arithmetic::Fastest)?;
    let mut milliseconds = Vec::new();
    let mut last = None;
    for _ in 0..rounds.max(1) {
        let started = Instant::now();
        last = Some(engine.prove(&witness, &mut OsRng, Cores::All)?);
        milliseconds.push(started.elapsed().as_secs_f64() * 1e3);
    }
    let proof = last.expect("one round at least");
    PreparedKey::new(key.verifying_key()).verify(witness.public(), &proof)?;
    std::fs::create_dir_all(out)?;
    std::fs::write(out.join("proof.json"), proof.to_json())?;
    std::fs::write(out.join("public.json"), public_to_json(witness.public()))?;
    Ok(json!({
        "wires": witness.assignment().len(),
        "median_ms": rounded(median(milliseconds)),
        "arithmetic": engine.arithmetic(),
        "peak_mib": bench::peak_mib(),
    }))
}

/// Makes a number of proofs with a fixed blinding, by the engine or by ark-groth16.
pub(crate) fn count_bench(
    circuit: &str,
    keys: &Path,
    arkworks: bool,
    proofs: usize,
) -> anyhow::Result<Value> {
    let Subject { circuit, witnesses, .. } = statement(circuit).ok_or_else(|| {
        anyhow::anyhow!("there is no circuit {circuit:?}; there are {:?}", circuit::NAMES)
    })?;
    let made = KeyStore::new(keys).load(circuit)?;
    let blinding = (Fr::from(3u64), Fr::from(5u64));
    let prove: Box<dyn Fn() -> Result<_, _>> = if arkworks {
        let engine = ArkworksEngine::new(circuit, made);
        Box::new(move || engine.prove_with(&witnesses[0], blinding, Cores::One))
    } else {
        let (budget, by) = (MemoryBudget::SMALL, Arithmetic::Fastest);
        let engine = FixedKeyEngine::in_folder(keys, circuit, &made, budget, by);
        Box::new(move || engine.prove_with(&witnesses[0], blinding, Cores::One))
    };
    for _ in 0..proofs {
        prove()?;
    }
    Ok(json!({ "proofs": proofs }))
}

/// Makes proofs for a number of claims, one on each core at a time, each checked: as a proving service does.
pub(crate) fn throughput_bench(proofs: usize) -> Value {
    let prover = bench::prover();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let pool = ProvingPool::new(cores).expect("threads");
    let witnesses: Vec<_> = (0..proofs.min(250) as u64).map(bench::witness).collect();
    let before = bench::peak_mib();
    let started = Instant::now();
    let mut left = proofs;
    while left > 0 {
        let some = &witnesses[..left.min(witnesses.len())];
        for proof in pool.prove_each(&prover, some) {
            proof.expect("true");
        }
        left -= some.len();
    }
    let seconds = started.elapsed().as_secs_f64();
    json!({
        "proofs": proofs,
        "proofs_per_second": rounded(proofs as f64 / seconds),
        "seconds": rounded(seconds),
        "peak_mib": bench::peak_mib(),
        "peak_mib_before": before,
        "threads": pool.threads(),
        "mib_per_proof_in_flight": rounded(prover.engine().bytes_per_proof() as f64 / f64::from(1 << 20)),
    })
}

/// Measures whether proving time leaks attributes: two groups of claims that differ only in attributes, taken
/// in turns on one core, each with its own witness and blinding.
pub(crate) fn timing_bench(rounds: usize) -> Value {
    let circuit = circuit::eligibility();
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let keys = setup(circuit, &mut rng).expect("keys");
    let budget = MemoryBudget::SMALL;
    let engine = FixedKeyEngine::new(circuit, &keys, budget, Arithmetic::Fastest);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    // Slots 3, 5, 6, 7: what the fixture's policy leaves free for the claimed tier. The first group has zeros,
    // the second values with every bit set.
    let attributes = [
        [30_000, 2, 2, 0, 1, 0, 0, 0, 0],
        [30_000, 2, 2, u32::MAX, 1, u32::MAX, u32::MAX, u32::MAX, u32::MAX],
    ];
    let groups = attributes.map(|slots| -> Vec<Witness> {
        (0..32)
            .map(|number| {
                let claim = fixture::claim_with(number, |credential| {
                    credential.attributes = Attributes::new(slots);
                });
                circuit::eligibility_witness(&claim.public().to_fields(), &claim.private())
            })
            .collect()
    });
    let mut times = [Vec::new(), Vec::new()];
    let products = [0, 1].map(|group: usize| engine.products(&groups[group][0]).total());
    pool.install(|| {
        for round in 0..rounds {
            for group in [round % 2, 1 - round % 2] {
                let witness = &groups[group][round % 32];
                let (r, s) = (Fr::rand(&mut rng), Fr::rand(&mut rng));
                let started = Instant::now();
                engine.prove_with(witness, (r, s), Cores::One).expect("true");
                times[group].push(started.elapsed().as_secs_f64() * 1e3);
            }
        }
    });
    let moments = |times: &[f64]| {
        let mean = times.iter().sum::<f64>() / times.len() as f64;
        let squares = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>();
        (mean, squares / (times.len() as f64 - 1.0) / times.len() as f64)
    };
    let [(first, first_error), (second, second_error)] =
        times.each_ref().map(|times| moments(times));
    json!({
        "rounds": rounds,
        "zeros_median_ms": rounded(median(times[0].clone())),
        "ones_median_ms": rounded(median(times[1].clone())),
        "welch_t": rounded((second - first) / (first_error + second_error).sqrt()),
        "zeros_products": products[0],
        "ones_products": products[1],
    })
}
