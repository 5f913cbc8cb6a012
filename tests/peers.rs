//! Other people's implementations agree: snarkjs on circuits, witnesses, keys and proofs, circomlibjs
//! on hashes.

use std::fs;
use std::path::Path;
use std::process::Command;

use ark_ff::{Field, Zero};
use praman_circuits::Fr;
use praman_circuits::circuit::{self, Circuit, Witness};
use praman_circuits::constraint_system::ConstraintSystem;
use praman_circuits::export::{write_r1cs, write_wtns};
use praman_prover::{Arithmetic, Cores, Engine, FixedKeyEngine, ForeignKey, MemoryBudget};
use praman_testkit::fixture;
use support::{State, peer, root, rounds, scheme};

use crate::support;

fn snarkjs(arguments: &[&str], folder: &Path) -> String {
    let ran = peer("snarkjs", arguments, folder);
    let said =
        format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "snarkjs {arguments:?}: {said}");
    said
}

#[test]
fn snarkjs_reads_what_praman_exports() {
    let state = State::with_everything("krishak-bandhu", support::year());
    assert_eq!(state.prove("WB070000002", "krishak-bandhu", support::year(), "proof").code, 0);
    let scheme = scheme("krishak-bandhu");
    state.json(&[
        "circuit",
        "export",
        "eligibility",
        "--r1cs",
        "e.r1cs",
        "--sym",
        "e.sym",
        "--wtns",
        "e.wtns",
        "--credential",
        "credentials/WB070000002.json",
        "--scheme",
        scheme.to_str().expect("UTF-8"),
        "--tier",
        "0",
        "--period",
        support::year(),
        "--snapshot",
        "snapshot.json",
        "--payout",
        "payout.json",
    ]);
    let folder = state.path(".");
    let info = snarkjs(&["r1cs", "info", "e.r1cs"], &folder);
    for words in ["# of Constraints: 7747", "# of Public Inputs: 111", "# of Wires: 7878"] {
        assert!(info.contains(words), "{info}");
    }
    assert!(
        snarkjs(&["wtns", "check", "e.r1cs", "e.wtns"], &folder).contains("WITNESS IS CORRECT")
    );
    // snarkjs checks praman's proof.
    let arguments = [
        "groth16",
        "verify",
        "keys/verification_key.json",
        "proof/public.json",
        "proof/proof.json",
    ];
    assert!(snarkjs(&arguments, &folder).contains("OK!"));
    // A witness with one wire changed is told from a correct one.
    let mut wtns = fs::read(state.path("e.wtns")).expect("exported");
    let last = wtns.len() - 32;
    wtns[last] ^= 1;
    fs::write(state.path("wrong.wtns"), wtns).expect("written");
    let wrong = peer("snarkjs", &["wtns", "check", "e.r1cs", "wrong.wtns"], &folder);
    assert!(!String::from_utf8_lossy(&wrong.stdout).contains("WITNESS IS CORRECT"));
}

/// A square again and again, and wires that may be anything.
fn squares(cs: &mut ConstraintSystem, x: Fr, times: usize) {
    let result = cs.public("result", (0..times).fold(x, |number, _| number.square()));
    let mut number = cs.private("x", x);
    for _ in 0..times {
        number = cs.product("square", &number, &number);
    }
    cs.enforce_equal(&number, &result);
    for _ in 0..times {
        let any = cs.private("any", x);
        cs.product("twice", &any, &any);
    }
}

/// A circuit of few rows, for which snarkjs makes a key in seconds.
fn small_circuit(times: usize) -> (Circuit, Witness) {
    let circuit = Circuit::compile("squares", |cs| squares(cs, Fr::zero(), times));
    let mut cs = ConstraintSystem::assigning(circuit.wires());
    squares(&mut cs, Fr::from(3u64), times);
    let witness = Witness::from_assignment(cs.into_assignment(), circuit.public_inputs());
    (circuit, witness)
}

#[test]
fn snarkjs_makes_a_key_of_its_own_and_each_proves_by_it() {
    // One of a hundred rows, and one of so few that no tables are made.
    for (times, power) in [(40, "8"), (3, "5")] {
        let (circuit, witness) = small_circuit(times);
        each_proves_by_the_key_of_snarkjs(&circuit, &witness, power);
    }
    // Of the whole statement a key takes minutes.
    if rounds(0, 1) == 1 {
        let claim = fixture::claim(1);
        let witness = circuit::eligibility_witness(&claim.public().to_fields(), &claim.private());
        each_proves_by_the_key_of_snarkjs(circuit::eligibility(), &witness, "13");
    }
}

/// snarkjs makes a key for an exported circuit of at most two to the `power` rows and proves an exported
/// witness; praman checks that proof, and proves by the same key.
fn each_proves_by_the_key_of_snarkjs(circuit: &Circuit, witness: &Witness, power: &str) {
    let state = State::new();
    let folder = state.path(".");
    let written = |name: &str| fs::File::create(state.path(name)).expect("created");
    write_r1cs(circuit, &mut written("e.r1cs")).expect("written");
    write_wtns(witness, &mut written("e.wtns")).expect("written");
    for arguments in [
        &["powersoftau", "new", "bn128", power, "p0.ptau"][..],
        &["powersoftau", "contribute", "p0.ptau", "p1.ptau", "--name=test", "-e=entropy"],
        &["powersoftau", "prepare", "phase2", "p1.ptau", "p.ptau"],
        &["groth16", "setup", "e.r1cs", "p.ptau", "e0.zkey"],
        &["zkey", "contribute", "e0.zkey", "e1.zkey", "--name=test", "-e=entropy"],
        &["zkey", "export", "verificationkey", "e1.zkey", "vk.json"],
        &["zkey", "export", "verificationkey", "e0.zkey", "vk0.json"],
        &["groth16", "prove", "e1.zkey", "e.wtns", "their-proof.json", "their-public.json"],
    ] {
        snarkjs(arguments, &folder);
    }
    let verify = |key: &'static str| {
        ["verify", "--vk", key, "--public", "their-public.json", "--proof", "their-proof.json"]
    };
    assert_eq!(state.json(&verify("vk.json"))["valid"], true);
    // praman's engine proves the witness by snarkjs' own key, and snarkjs takes the proof.
    let key = ForeignKey::read(&state.path("e1.zkey")).expect("snarkjs' key");
    let witness = key.read_witness(&state.path("e.wtns")).expect("the witness");
    for by in [Arithmetic::Fastest, Arithmetic::Portable] {
        let engine = FixedKeyEngine::of_foreign(&key, MemoryBudget::SMALL, by).expect("an engine");
        let proof = engine.prove(&witness, &mut rand::rngs::OsRng, Cores::All).expect("proved");
        fs::write(state.path("our-proof.json"), proof.to_json()).expect("written");
        let arguments = ["groth16", "verify", "vk.json", "their-public.json", "our-proof.json"];
        assert!(snarkjs(&arguments, &folder).contains("OK!"));
    }
    keys_of_others_are_reached_from_the_command_line(&state, &folder, circuit.public_inputs());
    damaged_files_are_refused(&state, &key, circuit.wires());
    // The key before any contribution has delta at the generator: refused.
    state.refused(&verify("vk0.json"), 1, "degenerate");
}

/// `praman prove` and `praman verify` take snarkjs' key as it is.
fn keys_of_others_are_reached_from_the_command_line(state: &State, folder: &Path, public: usize) {
    let prove = ["prove", "--zkey", "e1.zkey", "--wtns", "e.wtns", "--out", "ours"];
    assert_eq!(state.json(&prove)["public_inputs"], public);
    let theirs = ["groth16", "verify", "vk.json", "ours/public.json", "ours/proof.json"];
    assert!(snarkjs(&theirs, folder).contains("OK!"));
    let verify = ["verify", "--zkey", "e1.zkey", "--public", "ours/public.json", "--proof"];
    for proof in ["ours/proof.json", "their-proof.json"] {
        assert_eq!(state.json(&[&verify[..], &[proof]].concat())["valid"], true, "{proof}");
    }
    // Of another witness: the first private wire is another number.
    let mut wtns = fs::read(state.path("e.wtns")).expect("there");
    let (values, _) = section(&wtns, 2);
    wtns[values + (1 + public) * 32] ^= 1;
    fs::write(state.path("wrong.wtns"), wtns).expect("written");
    let wrong = ["prove", "--zkey", "e1.zkey", "--wtns", "wrong.wtns", "--out", "wrong"];
    state.refused(&wrong, 1, "no witness of this key's circuit");
    assert!(!state.path("wrong").exists());
    state.refused(
        &["verify", "--zkey", "e.r1cs", "--public", "a", "--proof", "b"],
        1,
        "no .zkey file",
    );
    state.refused(&[&prove[..], &["--tier", "0"]].concat(), 2, "leave them out");
    state.refused(&["prove", "--zkey", "e1.zkey", "--out", "ours"], 2, "--wtns");
}

/// Where a section of iden3's files begins and ends.
fn section(file: &[u8], number: u32) -> (usize, usize) {
    let word = |place: usize| u32::from_le_bytes(file[place..place + 4].try_into().expect("four"));
    let mut place = 12;
    loop {
        let begun = place + 12;
        let end = begun + word(place + 4) as usize;
        if word(place) == number {
            return (begun, end);
        }
        place = end;
    }
}

/// A point of the curve of G2 outside its subgroup, as snarkjs writes it.
fn g2_outside_subgroup() -> Vec<u8> {
    let points = (1u64..).filter_map(|x| {
        let x = ark_bn254::Fq2::new(x.into(), 1u64.into());
        ark_bn254::G2Affine::get_point_from_x_unchecked(x, false)
    });
    let mut outside = points.filter(|point| !point.is_in_correct_subgroup_assuming_on_curve());
    let point = outside.next().expect("most are");
    let coordinates = [point.x.c0, point.x.c1, point.y.c0, point.y.c1];
    // The Montgomery form.
    coordinates.iter().flat_map(|c| c.0.0).flat_map(u64::to_le_bytes).collect()
}

/// Keys and witnesses that are cut or changed are refused with what is wrong.
fn damaged_files_are_refused(state: &State, key: &ForeignKey, wires: usize) {
    let refused = |bytes: &[u8], words: &str| {
        fs::write(state.path("odd.zkey"), bytes).expect("written");
        let error = ForeignKey::read(&state.path("odd.zkey")).err().expect("refused").to_string();
        assert!(error.contains(words), "{error} does not say {words}");
    };
    let zkey = fs::read(state.path("e1.zkey")).expect("there");
    refused(&zkey[..zkey.len() / 2], "it ends at byte");
    refused(&[], "it ends at byte");
    refused(b"wtns\x01\0\0\0", "no .zkey file");
    let changed = |place: usize, by: u8| {
        let mut bytes = zkey.clone();
        bytes[place] ^= by;
        bytes
    };
    refused(&changed(4, 2), "version 3");
    let with = |place: usize, new: &[u8]| {
        let mut bytes = zkey.clone();
        bytes[place..place + new.len()].copy_from_slice(new);
        bytes
    };
    // Section 2 follows section 1's header and number; its primes come first.
    let header = 12 + 12 + 4 + 12;
    refused(&changed(header + 5, 1), "another curve");
    refused(&changed(header + 2 * 36 + 12 + 3, 1), "not on its curve");
    let first_of_g2 = header + 2 * 36 + 12 + 2 * 64;
    refused(&changed(first_of_g2 + 3, 1), "not on its curve");
    // Of G2's curve but not of its subgroup.
    refused(&with(first_of_g2, &g2_outside_subgroup()), "not in its subgroup");
    refused(&with(first_of_g2 - 128, &[0xff; 32]), "not canonical");
    // Delta in G1 as beta in G1, which is another number than delta in G2.
    let delta = first_of_g2 + 2 * 128;
    refused(&with(delta, &zkey[first_of_g2 - 64..first_of_g2]), "two deltas");
    refused(&[&zkey[..], &[0]].concat(), "1 bytes too many");
    // Section 1 named as section 2.
    refused(&with(12, &[2]), "section 2 twice");
    let (coefficients, _) = section(&zkey, 4);
    refused(&with(coefficients + 4, &[2]), "of no circuit");
    refused(&with(coefficients + 4 + 8, &[0xff; 4]), "of no circuit");
    let wtns = fs::read(state.path("e.wtns")).expect("there");
    let refused = |bytes: &[u8], words: &str| {
        fs::write(state.path("odd.wtns"), bytes).expect("written");
        let error = key.read_witness(&state.path("odd.wtns")).err().expect("refused").to_string();
        assert!(error.contains(words), "{error} does not say {words}");
    };
    refused(&wtns[..wtns.len() - 1], "it ends at byte");
    let mut odd = wtns.clone();
    let values = odd.len() - wires * 32;
    odd[values] = 2;
    refused(&odd, "not the constant one");
    odd[values + 32..values + 64].fill(0xff);
    refused(&odd, "not canonical");
}

#[test]
fn circomlibjs_agrees_on_hashes_of_every_width() {
    let cases = rounds(100, 1_000);
    let peers = root().join("tests/peers");
    assert!(peers.join("node_modules").exists(), "circomlibjs is missing: npm ci in tests/peers");
    let ran = Command::new("node")
        .args(["poseidon.mjs", &cases.to_string()])
        .current_dir(peers)
        .output()
        .expect("node is there");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let vectors = String::from_utf8(ran.stdout).expect("UTF-8");
    let mut widths = [0; 17];
    for line in vectors.lines() {
        let elements: Vec<_> = line
            .split(' ')
            .map(|text| praman_circuits::field::parse_decimal(text).expect("canonical"))
            .collect();
        let (hash, inputs) = elements.split_first().expect("a hash and its inputs");
        assert_eq!(praman_circuits::poseidon::hash(inputs), *hash, "{line}");
        widths[inputs.len()] += 1;
    }
    assert_eq!(widths[1..], [cases; 16]);
}
