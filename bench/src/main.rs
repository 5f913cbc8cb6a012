//! Benches that print one JSON object each, for comparison by scripts; `table` prints them all.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it prints what it measured")]

mod capacity;
mod ceremony;
mod chain;
mod engine;
mod gate;
mod load;
mod proving;
mod sums;

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use bench::{generated_register, peak_mib, prover, witness};
use clap::{Parser, Subcommand};
use light_poseidon::{Poseidon, PoseidonHasher};
use praman::calendar;
use praman::ledger::{EmbeddedLedger, Ledger, LedgerClaim, OfficeState};
use praman::office_key::OfficeKey;
use praman::offices::{Application, Validity, make_credentials};
use praman::register::{self, Person};
use praman::scheme::ClaimPeriod;
use praman::store::Store;
use praman::wallet::Wallet;
use praman_circuits::office::{OfficeId, OfficeTree};
use praman_circuits::period::Day;
use praman_circuits::{Fr, circuit, poseidon};
use praman_testkit::fixture;
use praman_testkit::simulation::SimulatedKey;
use praman_verifier::PreparedKey;
use praman_verifier::batch::BatchItem;
use rand::SeedableRng;
use rand::rngs::OsRng;
use rayon::prelude::*;
use serde_json::{Value, json};

/// As in the program: the figures are those of memory that is wiped when it is freed.
#[cfg(not(feature = "plain-allocator"))]
#[global_allocator]
static WIPING: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

#[derive(Parser)]
#[command(name = "bench", about = "Measures praman")]
struct Arguments {
    /// Print one JSON object.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// Clean and de-duplicate a generated register.
    Register {
        #[arg(long, default_value_t = 1_000_000)]
        rows: usize,
    },
    /// Issue credentials, with the office's tree.
    Issue {
        #[arg(long, default_value_t = 50_000)]
        people: usize,
    },
    /// Compare Poseidon with light-poseidon, in one run.
    Poseidon {
        #[arg(long, default_value_t = 2_000)]
        hashes: usize,
    },
    /// Make proofs one after the other, each on all cores.
    Prove {
        #[arg(long, default_value_t = 10)]
        proofs: usize,
    },
    /// Make a batch of proofs on all cores.
    Batch {
        #[arg(long, default_value_t = 40)]
        proofs: usize,
    },
    /// Check proofs one by one and in a batch.
    Verify {
        #[arg(long, default_value_t = 256)]
        proofs: usize,
    },
    /// Compare the engine with ark-groth16, in turns; prints medians.
    Engine {
        #[arg(long, default_value_t = 11)]
        rounds: usize,
        /// How many threads [default: the machine's]; one thread uses one core.
        #[arg(long)]
        threads: Option<usize>,
        /// The largest plain circuit, as the logarithm of its domain; 12 for none.
        #[arg(long, default_value_t = 15)]
        largest: u32,
        /// How many MiB the tables of a key may take.
        #[arg(long, default_value_t = 64)]
        budget: usize,
    },
    /// Test whether proving time reveals attributes: two groups in turns, with Welch's t between them.
    Timing {
        #[arg(long, default_value_t = 400)]
        rounds: usize,
    },
    /// Make proofs on one thread with keys from a folder, and nothing else: for `bench/callgrind.sh`,
    /// which counts what each proof adds.
    Count {
        /// `eligibility`, `consent` or `settlement`.
        #[arg(long)]
        circuit: String,
        /// The folder that `praman setup` made.
        #[arg(long, value_name = "DIR")]
        keys: PathBuf,
        /// Prove with ark-groth16.
        #[arg(long)]
        arkworks: bool,
        #[arg(long)]
        proofs: usize,
    },
    /// Make proofs with any `.zkey` and `.wtns`; the last proof is written as snarkjs writes it.
    Foreign {
        #[arg(long, value_name = "FILE")]
        zkey: PathBuf,
        #[arg(long, value_name = "FILE")]
        wtns: PathBuf,
        /// A folder for proof.json and public.json.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        #[arg(long, default_value_t = 11)]
        rounds: usize,
        /// How many MiB the tables of the key may take.
        #[arg(long, default_value_t = 64)]
        budget: usize,
    },
    /// Measure the gas of a claim on chain.
    Gas,
    /// Submit claims at the given rates, and time them until the embedded chain accepts them.
    Load(load::Load),
    /// Open the embedded chain after millions of claims, and accept one more.
    Chain(chain::Chain),
    /// Request proofs through the queue; workers on one store make them.
    Proving(proving::Proving),
    /// Request accesses by consent from a provider's release gate.
    Gate(gate::GateBench),
    /// Contribute to keys and verify them, in turns with snarkjs.
    Ceremony {
        /// The circuits, as the powers of two of their rows.
        #[arg(long, value_delimiter = ',', default_values_t = [13, 16])]
        powers: Vec<u32>,
        #[arg(long, default_value_t = 3)]
        rounds: usize,
    },
    /// Prove the sum of a period's claims, check it, and bring it to a ledger.
    Sums {
        #[arg(long, default_value_t = 10_000)]
        claims: u64,
        /// How many MiB the tables of the key may take.
        #[arg(long, default_value_t = 64)]
        budget: usize,
    },
    /// Estimate what a caseload needs, from this machine's speed: cores, hours, rupees, disk.
    Capacity(capacity::Capacity),
    /// Run all of them.
    Table,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    praman_prover::Arithmetic::forced()?;
    let results = match arguments.bench {
        Bench::Table => vec![
            ("poseidon", poseidon_bench(2_000)),
            ("register", register_bench(1_000_000)),
            ("issue", issue_bench(50_000)),
            ("prove", prove_bench(10)),
            ("batch", engine::throughput_bench(100)),
            ("verify", verify_bench(256)),
            ("gas", gas_bench()),
        ],
        Bench::Register { rows } => vec![("register", register_bench(rows))],
        Bench::Issue { people } => vec![("issue", issue_bench(people))],
        Bench::Poseidon { hashes } => vec![("poseidon", poseidon_bench(hashes))],
        Bench::Prove { proofs } => vec![("prove", prove_bench(proofs))],
        Bench::Batch { proofs } => vec![("batch", engine::throughput_bench(proofs))],
        Bench::Verify { proofs } => vec![("verify", verify_bench(proofs))],
        Bench::Engine { rounds, threads, largest, budget } => {
            let threads = threads.unwrap_or_else(rayon::current_num_threads);
            vec![("engine", engine::engine_bench(rounds, threads, largest, budget))]
        }
        Bench::Timing { rounds } => vec![("timing", engine::timing_bench(rounds))],
        Bench::Count { circuit, keys, arkworks, proofs } => {
            vec![("count", engine::count_bench(&circuit, &keys, arkworks, proofs)?)]
        }
        Bench::Foreign { zkey, wtns, out, rounds, budget } => {
            vec![("foreign", engine::foreign_bench(&zkey, &wtns, &out, rounds, budget)?)]
        }
        Bench::Proving(proving) => vec![("proving", proving.run())],
        Bench::Chain(chain) => vec![("chain", chain.run())],
        Bench::Load(load) => vec![("load", load.run())],
        Bench::Gate(gate) => vec![("gate", gate.run())],
        Bench::Capacity(capacity) => vec![("capacity", capacity.run())],
        Bench::Ceremony { powers, rounds } => {
            vec![("ceremony", ceremony::ceremony_bench(&powers, rounds)?)]
        }
        Bench::Gas => vec![("gas", gas_bench())],
        Bench::Sums { claims, budget } => vec![("sums", sums::sums_bench(claims, budget)?)],
    };
    match (&results[..], arguments.json) {
        ([(_, only)], true) => println!("{only}"),
        (all, true) => {
            let object: serde_json::Map<_, _> =
                all.iter().map(|(name, result)| ((*name).to_owned(), result.clone())).collect();
            println!("{}", Value::Object(object));
        }
        (all, false) => {
            for (name, result) in all {
                for (member, value) in result.as_object().into_iter().flatten() {
                    println!("{name:<10}{member:<28}{value}");
                }
            }
        }
    }
    Ok(())
}

fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

fn per_second(count: usize, started: Instant) -> (f64, f64) {
    let seconds = started.elapsed().as_secs_f64();
    (rounded(count as f64 / seconds), rounded(seconds))
}

fn register_bench(rows: usize) -> Value {
    let text = generated_register(rows, 7);
    let started = Instant::now();
    let checked = register::check(&text[..], calendar::today(), |_| ()).expect("a register");
    let (rate, seconds) = per_second(rows, started);
    let counts = checked.counts();
    json!({
        "rows_per_second": rate,
        "seconds": seconds,
        "peak_mib": peak_mib(),
        "rows": counts.rows,
        "accepted": counts.accepted,
        "rejected": counts.rejected,
        "duplicates": counts.duplicates,
    })
}

fn issue_bench(people: usize) -> Value {
    let text = generated_register(people * 11 / 10 + 100, 8);
    let checked = register::check(&text[..], calendar::today(), |_| ()).expect("a register");
    let chosen: Vec<&Person> = checked.people().iter().take(people).collect();
    let subjects: Vec<_> = chosen.par_iter().map(|_| Wallet::generate().subject()).collect();
    let applications: Vec<Application<'_>> = chosen
        .iter()
        .zip(subjects)
        .map(|(&person, subject)| Application::new(person, subject))
        .collect();
    let key = OfficeKey::generate(OfficeId(0), "bench");
    let validity = Validity::from_today(calendar::today());
    let started = Instant::now();
    let (credentials, leaves) = make_credentials(&key, &applications, validity, 0);
    let mut tree = OfficeTree::new();
    tree.append(&leaves).expect("room");
    let (rate, seconds) = per_second(credentials.len(), started);
    let one = Instant::now();
    tree.empty(0).expect("there");
    let update_us = one.elapsed().as_secs_f64() * 1e6;
    json!({
        "per_second": rate,
        "seconds": seconds,
        "people": credentials.len(),
        "one_leaf_us": rounded(update_us),
        "peak_mib": peak_mib(),
    })
}

fn poseidon_bench(hashes: usize) -> Value {
    let mut result = json!({});
    for inputs in [2usize, 8, 12, 16] {
        let values: Vec<Fr> = (1..=inputs as u64).map(Fr::from).collect();
        poseidon::hash(&values);
        let time = |hash: &mut dyn FnMut() -> Fr| {
            let started = Instant::now();
            for _ in 0..hashes {
                black_box(hash());
            }
            started.elapsed().as_secs_f64() * 1e6 / hashes as f64
        };
        // The peer has widths up to 13; runs alternate and the least disturbed ones are compared.
        let mut peer = (inputs <= 12)
            .then(|| Poseidon::<Fr>::new_circom(inputs).expect("a width that it has"));
        let (mut ours, mut theirs) = (f64::MAX, f64::MAX);
        for _ in 0..5 {
            ours = ours.min(time(&mut || poseidon::hash(black_box(&values))));
            if let Some(peer) = &mut peer {
                let hash = &mut || peer.hash(black_box(&values)).expect("inputs fit");
                theirs = theirs.min(time(hash));
            }
        }
        result[format!("praman_{inputs}_us")] = rounded(ours).into();
        if peer.is_some() {
            result[format!("light_poseidon_{inputs}_us")] = rounded(theirs).into();
            result[format!("ratio_{inputs}")] = rounded(theirs / ours).into();
        }
    }
    result
}

fn prove_bench(proofs: usize) -> Value {
    let prover = prover();
    let started = Instant::now();
    let witnesses: Vec<_> = (0..proofs as u64).map(witness).collect();
    let witness_ms = started.elapsed().as_secs_f64() * 1e3 / proofs as f64;
    let mut milliseconds: Vec<f64> = witnesses
        .iter()
        .map(|witness| {
            let started = Instant::now();
            prover.prove(witness).expect("true");
            started.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    milliseconds.sort_by(f64::total_cmp);
    json!({
        "witness_with_trees_ms": rounded(witness_ms),
        "median_ms": rounded(milliseconds[proofs / 2]),
        "domain": circuit::eligibility().domain(),
    })
}

fn verify_bench(proofs: usize) -> Value {
    let prover = prover();
    let witness = witness(1);
    let proof = prover.prove(&witness).expect("true");
    let key = PreparedKey::new(prover.verifying_key());
    let shared = witness.public().len() - 2;
    let folded = key.fold(&witness.public()[..shared]).expect("fits");
    let rest = &witness.public()[shared..];
    let time = |count: usize, check: &mut dyn FnMut()| {
        let started = Instant::now();
        for _ in 0..count {
            check();
        }
        started.elapsed().as_secs_f64() * 1e3 / count as f64
    };
    let single = time(20, &mut || key.verify(witness.public(), &proof).expect("holds"));
    let prepared = time(50, &mut || key.verify_folded(&folded, rest, &proof).expect("holds"));
    let items: Vec<BatchItem<'_>> =
        (0..proofs).map(|_| BatchItem { folded: &folded, rest, proof: &proof }).collect();
    let batched = time(3, &mut || {
        assert!(key.find_invalid(&items, &mut OsRng).expect("complete").is_empty());
    }) / proofs as f64;
    json!({
        "single_ms": rounded(single),
        "folded_ms": rounded(prepared),
        "batched_ms_per_proof": rounded(batched),
    })
}

/// A ledger with an open period, and claims that it takes. Contracts can't tell a simulated proof from another;
/// both cost the same.
struct GasScene {
    key: SimulatedKey,
    rng: rand_chacha::ChaCha20Rng,
    fixture: fixture::Claim,
    offices: Vec<OfficeState>,
    ledger: EmbeddedLedger,
    claims: Vec<LedgerClaim>,
}

impl GasScene {
    const TODAY: Day = Day(46_250);

    async fn open(store: &Store, count: u64) -> Self {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(1);
        let fixture = fixture::claim(1);
        let inputs = fixture.public().to_fields().len();
        let key = SimulatedKey::draw(inputs, &mut rng);
        let mut ledger = EmbeddedLedger::open(store, key.verifying_key(), praman::EVENT_HANDLERS)
            .await
            .expect("deployed");
        ledger.set_day(Self::TODAY);
        let schema = fixture.claimant.credential.schema;
        let office =
            |(number, &root)| OfficeState { office: OfficeId(number), schema, root, live: 10 };
        let offices: Vec<OfficeState> = (0..).zip(&fixture.offices).map(office).collect();
        let checkpoint =
            ledger.publish_checkpoint(&offices, fixture.checkpoint).await.expect("published");
        let period = fixture.scheme_period.period;
        let period = ClaimPeriod { period, window: period };
        ledger.open_period(&fixture.scheme_period, period, Day(46_260)).await.expect("opened");
        let context = ledger.context();
        let claims = (0..count)
            .map(|number| {
                let public = fixture.public_of(context, number);
                LedgerClaim {
                    scheme: fixture.scheme_period.scheme.clone(),
                    period,
                    checkpoint,
                    nullifier: public.nullifier,
                    payout: public.payout,
                    envelope: public.envelope,
                    proof: key.prove(&public.to_fields(), &mut rng),
                }
            })
            .collect();
        Self { key, rng, fixture, offices, ledger, claims }
    }
}

fn gas_bench() -> Value {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).await.expect("a store");
        let GasScene { key, mut rng, fixture, mut offices, mut ledger, claims } =
            GasScene::open(&store, 66).await;
        let first = ledger.claim(&claims[0]).await.expect("accepted").gas_used;
        let single = ledger.claim(&claims[1]).await.expect("accepted").gas_used;
        let batch = ledger.claim_batch(&claims[2..]).await.expect("accepted").gas_used / 64;
        offices[3].live += 1;
        let update = ledger.update_office(&offices[3]).await.expect("updated").unwrap_or(0);
        let peer = snarkjs_gas(&key, &fixture.public().to_fields(), &mut rng);
        // What no contract on these precompiles can save: the transaction, the proof and the
        // claim's own inputs as calldata, the pairs, the multiplications, the nullifier's slot, a log.
        let calldata = 11 * 32 * 16;
        let single_bound = 21_000 + calldata + 181_000 + 3 * 6_000 + 3 * 150 + 22_100 + 375 + 768;
        let batch_bound = (21_000 + 45_000 + 3 * 34_000 + 5 * 6_000) / 64
            + calldata
            + 34_000
            + 2 * (6_000 + 150)
            + 22_100
            + 768;
        json!({
            "first_of_opening_gas": first,
            "single_gas": single,
            "single_bound_gas": single_bound,
            "batch64_gas_per_claim": batch,
            "batch64_bound_gas_per_claim": batch_bound,
            "snarkjs_verifier_gas": peer,
            "root_update_gas": update,
        })
    })
}

/// Returns the gas of snarkjs's generated verifier for the same key and one proof, which it only checks: it
/// spends no nullifier. Needs node and the peers' packages; none without.
fn snarkjs_gas(key: &SimulatedKey, public: &[Fr], rng: &mut impl rand::RngCore) -> Option<u64> {
    let folder = tempfile::tempdir().ok()?;
    let path = folder.path().join("verification_key.json");
    std::fs::write(&path, key.verifying_key().to_json()).ok()?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/peers/solidity_verifier.mjs");
    let made = std::process::Command::new("node").arg(script).arg(&path).output().ok()?;
    if !made.status.success() {
        eprintln!("no verifier by snarkjs: run `npm ci` in tests/peers and in verifier/contracts");
        return None;
    }
    let code = hex::decode(String::from_utf8(made.stdout).ok()?.trim()).ok()?;
    let call = praman_verifier::contracts::snarkjs_call(public, &key.prove(public, rng));
    praman::ledger::scratch_gas(code, call).ok()
}
