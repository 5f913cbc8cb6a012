//! Keys survive the disk and are refused where they don't fit; proofs hold and don't repeat.

use std::fs;
use std::path::Path;

use praman_circuits::Fr;
use praman_circuits::circuit::{self, Circuit, Witness};
use praman_prover::{ArkworksEngine, KeyError, KeyStore, Keys, Prover, ProvingError, setup};
use praman_testkit::fixture;
use praman_verifier::{Origin, PreparedKey};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

/// `x³ + x + 5 = y` with public y.
fn cubic() -> &'static Circuit {
    static CUBIC: std::sync::LazyLock<Circuit> =
        std::sync::LazyLock::new(|| Circuit::compile("cubic", |cs| cubic_constraints(cs, 0, 0)));
    &CUBIC
}

fn cubic_constraints(
    cs: &mut praman_circuits::constraint_system::ConstraintSystem,
    x: u64,
    y: u64,
) {
    use praman_circuits::constraint_system::Num;
    let y = cs.public("y", Fr::from(y));
    let x = cs.private("x", Fr::from(x));
    let square = cs.product("x2", &x, &x);
    let cube = cs.product("x3", &square, &x);
    let five = Num::constant(cs, Fr::from(5u64));
    cs.enforce_equal(&(&(&cube + &x) + &five), &y);
}

fn cubic_witness(x: u64, y: u64) -> Witness {
    let mut cs = praman_circuits::constraint_system::ConstraintSystem::assigning(5);
    cubic_constraints(&mut cs, x, y);
    Witness::from_assignment(cs.into_assignment(), 1)
}

fn cubic_keys() -> Keys {
    setup(cubic(), &mut ChaCha20Rng::seed_from_u64(7)).expect("keys")
}

fn stored(folder: &Path) -> KeyStore {
    let store = KeyStore::new(folder);
    store.save(cubic(), &cubic_keys()).expect("saved");
    store
}

#[test]
fn eligibility_claim_is_proved_and_verified() {
    let circuit = circuit::eligibility();
    let keys = setup(circuit, &mut ChaCha20Rng::seed_from_u64(1)).expect("keys");
    assert_eq!(keys.verifying().origin(), Some(Origin::Development));
    assert_eq!(keys.verifying().public_inputs(), circuit.public_inputs());
    let prover = Prover::new(circuit, ArkworksEngine::new(circuit, keys));
    let claim = fixture::claim(1);
    let public = claim.public().to_fields();
    let witness = circuit::eligibility_witness(&public, &claim.private());
    let proof = prover.prove(&witness).expect("an honest claim");
    assert_eq!(PreparedKey::new(prover.verifying_key()).verify(&public, &proof), Ok(()));
}

#[test]
fn false_statement_is_not_proved_and_its_error_shows_no_secret() {
    let prover = Prover::new(cubic(), ArkworksEngine::new(cubic(), cubic_keys()));
    let refused = prover.prove(&cubic_witness(3, 36)).expect_err("27 + 3 + 5 is 35");
    assert_eq!(refused, ProvingError::Unsatisfied { circuit: "cubic", row: 2, clause: None });
    assert_eq!(
        refused.to_string(),
        "the statement does not hold: row 2 of circuit cubic is not satisfied"
    );
}

#[test]
fn two_proofs_of_one_witness_differ() {
    let prover = Prover::new(cubic(), ArkworksEngine::new(cubic(), cubic_keys()));
    let witness = cubic_witness(3, 35);
    let (first, second) = (prover.prove(&witness), prover.prove(&witness));
    assert_ne!(first.expect("true"), second.expect("true"));
}

#[test]
fn saved_keys_are_loaded_and_prove() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = stored(folder.path());
    assert!(store.holds_keys());
    let keys = store.load(cubic()).expect("the keys just saved");
    assert_eq!(keys.verifying(), cubic_keys().verifying());
    let prover = Prover::new(cubic(), ArkworksEngine::new(cubic(), keys));
    prover.prove(&cubic_witness(3, 35)).expect("true");
    // Nothing but the three files is left behind.
    assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 3);
}

#[test]
fn keys_of_another_circuit_or_version_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = stored(folder.path());
    let error = store.load(circuit::eligibility()).err().expect("another circuit");
    assert!(matches!(&error, KeyError::WrongCircuit { found, expected, .. }
        if found == "cubic" && expected == "eligibility"));

    let newer = Circuit::compile("cubic", |cs| {
        cubic_constraints(cs, 0, 0);
        let one = praman_circuits::constraint_system::Num::constant(cs, Fr::from(1u64));
        cs.product("more", &one, &one);
    });
    let error = store.load(&newer).err().expect("another version");
    let names = [cubic().digest().to_string(), newer.digest().to_string()];
    assert!(matches!(error, KeyError::WrongVersion { .. }));
    assert!(names.iter().all(|name| error.to_string().contains(name)));
}

#[test]
fn missing_cut_and_altered_key_files_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = KeyStore::new(folder.path().join("none"));
    assert!(matches!(missing.load(cubic()), Err(KeyError::Missing(_))));

    for name in ["proving_key.bin", "verification_key.json", "keys.json"] {
        let store = stored(folder.path());
        let path = folder.path().join(name);
        let whole = fs::read(&path).expect("saved");
        fs::write(&path, &whole[..whole.len() / 2]).expect("cut");
        assert!(store.load(cubic()).is_err(), "half of {name}");
        fs::remove_file(&path).expect("removed");
        assert!(store.load(cubic()).is_err(), "no {name}");
        let mut altered = whole.clone();
        let middle = altered.len() / 2;
        altered[middle] ^= 1;
        fs::write(&path, &altered).expect("altered");
        assert!(store.load(cubic()).is_err(), "altered {name}");
    }
}

#[test]
fn folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "in the way").expect("written");
    let error = KeyStore::new(file.join("keys")).save(cubic(), &cubic_keys()).expect_err("a file");
    assert!(matches!(&error, KeyError::File { path, .. } if path.starts_with(&file)));
}
