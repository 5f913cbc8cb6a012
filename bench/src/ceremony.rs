//! A ceremony beside snarkjs: contributing and verifying, in turns, each from file to file.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, ensure};
use bench::peak_mib;
use praman_ceremony::{CeremonyKey, Constraints, Contributor, Powers};
use praman_circuits::circuit::{self, Circuit};
use praman_circuits::export::write_r1cs;
use serde_json::{Map, Value, json};

use crate::engine::plain_circuit;
use crate::rounded;

/// The command line of snarkjs, as the tests of peers install it.
const SNARKJS: &str = "tests/peers/node_modules/snarkjs/build/cli.cjs";

/// Measures circuits by the power of two of their rows: 13 is the eligibility statement, 15 the settlement's, others are
/// chains of products, whose rows have two terms.
pub(crate) fn ceremony_bench(powers: &[u32], rounds: usize) -> anyhow::Result<Value> {
    ensure!(Path::new(SNARKJS).exists(), "{SNARKJS} is missing: run `npm ci` in tests/peers");
    let folder = tempfile::tempdir()?;
    let mut results = Map::new();
    for &power in powers {
        let of = match power {
            13 => circuit::eligibility(),
            15 => circuit::settlement(),
            _ => plain_circuit(power),
        };
        let result = measure(of, power, rounds, folder.path())?;
        results.insert(format!("2^{power}"), result);
    }
    results.insert("peak_mib".to_owned(), json!(peak_mib()));
    Ok(Value::Object(results))
}

fn measure(circuit: &Circuit, power: u32, rounds: usize, folder: &Path) -> anyhow::Result<Value> {
    let file = |name: &str| folder.join(name);
    let person = || Contributor::person("bench", "typed".to_owned().into());
    write_r1cs(circuit, &mut std::io::BufWriter::new(std::fs::File::create(file("c.r1cs"))?))?;
    let started = Instant::now();
    let powers = Powers::parse(&file("p.ptau"), Powers::begin(power))?.contribute(&person())?.file;
    let phase1_seconds = started.elapsed().as_secs_f64();
    let started = Instant::now();
    std::fs::write(file("p.ptau"), Powers::parse(&file("p.ptau"), powers)?.prepare())?;
    let prepare_seconds = started.elapsed().as_secs_f64();
    let constraints = Constraints::from(circuit);
    let started = Instant::now();
    let powers = Powers::read(&file("p.ptau"))?.verify()?;
    let key = CeremonyKey::begin(&file("0.zkey"), &constraints, &powers)?;
    std::fs::write(file("0.zkey"), key.file())?;
    let begin_seconds = started.elapsed().as_secs_f64();
    drop((key, powers));

    // Contributing, verifying phase 1, and verifying a key of a phase 1 that is verified.
    let (mut ours, mut theirs) = ([(); 3].map(|()| Vec::new()), [(); 3].map(|()| Vec::new()));
    for _ in 0..rounds {
        let started = Instant::now();
        let contributed = CeremonyKey::read(&file("0.zkey"))?.contribute(&person())?;
        std::fs::write(file("1.zkey"), contributed.file)?;
        ours[0].push(started.elapsed().as_secs_f64());
        theirs[0].push(snarkjs(folder, &["zkey", "contribute", "0.zkey", "2.zkey", "-e=typed"])?);
        ensure!(file("2.zkey").exists(), "snarkjs did not contribute");

        // Each checks what the other made.
        let started = Instant::now();
        let powers = Powers::read(&file("p.ptau"))?.verify()?;
        ours[1].push(started.elapsed().as_secs_f64());
        theirs[1].push(snarkjs(folder, &["powersoftau", "verify", "p.ptau"])?);
        let started = Instant::now();
        CeremonyKey::read(&file("2.zkey"))?.verify(&constraints, &powers)?;
        ours[2].push(started.elapsed().as_secs_f64());
        theirs[2].push(snarkjs(folder, &["zkey", "verify", "c.r1cs", "p.ptau", "1.zkey"])?);
    }
    let compared = |place: usize| {
        let (ours, theirs) = (median(&ours[place]), median(&theirs[place]));
        json!({
            "praman_s": rounded(ours),
            "snarkjs_s": rounded(theirs),
            "ratio": rounded(theirs / ours),
        })
    };
    Ok(json!({
        "rows": circuit.rows().len(),
        "contribute": compared(0),
        "verify_phase1": compared(1),
        "verify_key": compared(2),
        "phase1_contribute_s": rounded(phase1_seconds),
        "phase1_prepare_s": rounded(prepare_seconds),
        "begin_s": rounded(begin_seconds),
    }))
}

/// Runs snarkjs and returns its seconds.
fn snarkjs(folder: &Path, arguments: &[&str]) -> anyhow::Result<f64> {
    let program = std::fs::canonicalize(SNARKJS)?;
    let started = Instant::now();
    let done = Command::new("node")
        .arg(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .context("node is missing")?;
    let seconds = started.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    ensure!(done.status.success() && !said.contains("ERROR"), "snarkjs {arguments:?}: {said}");
    Ok(seconds)
}

fn median(seconds: &[f64]) -> f64 {
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
