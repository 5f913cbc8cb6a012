//! What is refused, and what is accepted in spite of looking different.

use std::sync::LazyLock;

use ark_bn254::{Bn254, Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInteger, Field, PrimeField, UniformRand};
use ark_groth16::Groth16;
use num_bigint::BigUint;
use praman_circuits::circuit;
use praman_circuits::eligibility::SHARED_INPUTS;
use praman_prover::{ArkworksEngine, Prover, setup};
use praman_testkit::fixture;
use praman_verifier::batch::BatchItem;
use praman_verifier::{
    DegenerateKey, PointFault, PreparedKey, Proof, ReadError, Refusal, VerifyingKey,
    public_from_json, public_to_json,
};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use serde_json::{Value, json};

type RawProof = ark_groth16::Proof<Bn254>;

struct Proved {
    key: VerifyingKey,
    public: Vec<Fr>,
    proof: Proof,
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(11)
}

fn prove_all(numbers: std::ops::Range<u64>) -> Vec<Proved> {
    let circuit = circuit::eligibility();
    let keys = setup(circuit, &mut rng()).expect("keys");
    let prover = Prover::new(circuit, ArkworksEngine::new(circuit, keys));
    numbers
        .map(|number| {
            let claim = fixture::claim(number);
            let public = claim.public().to_fields();
            let witness = circuit::eligibility_witness(&public, &claim.private());
            let proof = prover.prove(&witness).expect("honest");
            Proved { key: prover.verifying_key().clone(), public: public.to_vec(), proof }
        })
        .collect()
}

static PROVED: LazyLock<Proved> = LazyLock::new(|| prove_all(1..2).remove(0));

fn proved() -> &'static Proved {
    &PROVED
}

#[test]
fn any_public_input_changed_after_proving_is_refused() {
    let Proved { key, public, proof } = proved();
    let key = PreparedKey::new(key);
    assert_eq!(key.verify(public, proof), Ok(()));
    for index in 0..public.len() {
        for change in [Fr::from(1u64), -Fr::from(1u64), Fr::from(1u64 << 32)] {
            let mut changed = public.clone();
            changed[index] += change;
            assert_eq!(key.verify(&changed, proof), Err(Refusal::Invalid), "input {index}");
        }
        let mut negated = public.clone();
        negated[index] = -negated[index];
        if negated[index] != public[index] {
            assert_eq!(key.verify(&negated, proof), Err(Refusal::Invalid), "input {index}");
        }
    }
}

#[test]
fn wrong_number_of_public_inputs_is_refused() {
    // ark-groth16 0.6 alone would read a missing zero as zero and ignore what is too many.
    let Proved { key, public, proof } = proved();
    let key = PreparedKey::new(key);
    let expected = public.len();
    let extended = [public.as_slice(), &[Fr::from(9u64)]].concat();
    for given in [&[][..], &public[..1], &public[..expected - 1], &extended] {
        let refused = Err(Refusal::InputCount { given: given.len(), expected });
        assert_eq!(key.verify(given, proof), refused);
    }
    let folded = key.fold(&public[..SHARED_INPUTS]).expect("fits");
    assert!(key.verify_folded(&folded, &public[SHARED_INPUTS..], proof).is_ok());
    assert!(key.verify_folded(&folded, &public[SHARED_INPUTS..expected - 1], proof).is_err());
    assert!(key.fold(&extended).is_err());
}

#[test]
fn public_input_has_one_text() {
    let text = public_to_json(&proved().public);
    assert_eq!(public_from_json(&text).as_ref(), Ok(&proved().public));
    let texts: Vec<String> = serde_json::from_str(&text).expect("strings");
    for index in 0..texts.len() {
        let value: BigUint = texts[index].parse().expect("decimal");
        let alias = value + BigUint::from(Fr::MODULUS);
        for wrong in [alias.to_string(), format!("0{}", texts[index]), format!("-{}", texts[index])]
        {
            let mut changed = texts.clone();
            changed[index] = wrong;
            let refused = public_from_json(&json!(changed).to_string());
            assert!(matches!(refused, Err(ReadError::PublicInput { index: i, .. }) if i == index));
        }
    }
    for wrong in ["", "{}", "[\"1\"", "1"] {
        assert!(matches!(public_from_json(wrong), Err(ReadError::Json(_))), "{wrong}");
    }
    // A number is the one text of its value, where every reader has it exactly.
    assert_eq!(public_from_json("[1]"), public_from_json("[\"1\"]"));
    for wrong in ["[null]", "[[1]]", "[true]"] {
        assert_eq!(public_from_json(wrong), Err(ReadError::NoNumber { index: 0 }), "{wrong}");
    }
}

#[test]
fn rerandomised_proof_holds_though_it_is_another_proof() {
    let Proved { key, public, proof } = proved();
    let prepared = PreparedKey::new(key);
    let RawProof { a, b, c } = *proof.points();
    let mut rng = rng();
    let mut forms = vec![RawProof { a: -a, b: -b, c }];
    for _ in 0..5 {
        let r = Fr::rand(&mut rng);
        let inverse = r.inverse().expect("not zero");
        forms.push(RawProof { a: (a * r).into(), b: (b * inverse).into(), c });
        forms.push(Groth16::<Bn254>::rerandomize_proof(key.points(), proof.points(), &mut rng));
    }
    for form in forms {
        let form = Proof::new(form).expect("points");
        assert_ne!(&form, proof);
        assert_eq!(prepared.verify(public, &form), Ok(()));
    }
    // Of half a change nothing holds.
    let broken = Proof::new(RawProof { a: -a, b, c }).expect("points");
    assert_eq!(prepared.verify(public, &broken), Err(Refusal::Invalid));
}

fn proof_json() -> Value {
    serde_json::from_str(&proved().proof.to_json()).expect("JSON")
}

fn refused(change: impl FnOnce(&mut Value)) -> ReadError {
    let mut json = proof_json();
    change(&mut json);
    Proof::from_json(&json.to_string()).expect_err("a changed proof")
}

#[test]
fn proof_has_one_text() {
    assert_eq!(Proof::from_json(&proved().proof.to_json()).as_ref(), Ok(&proved().proof));
    let modulus = BigUint::from(Fq::MODULUS);
    let places =
        ["/pi_a/0", "/pi_a/1", "/pi_b/0/0", "/pi_b/0/1", "/pi_b/1/1", "/pi_c/0", "/pi_c/1"];
    for place in places {
        let text = proof_json().pointer(place).expect("there").as_str().expect("text").to_owned();
        let alias = text.parse::<BigUint>().expect("decimal") + &modulus;
        for wrong in [alias.to_string(), format!("0{text}"), format!("+{text}"), String::new()] {
            let error = refused(|json| *json.pointer_mut(place).expect("there") = json!(wrong));
            assert!(matches!(error, ReadError::Coordinate { .. }), "{place}: {error}");
        }
        let moved = text.parse::<BigUint>().expect("decimal") ^ BigUint::from(1u8);
        let error =
            refused(|json| *json.pointer_mut(place).expect("there") = json!(moved.to_string()));
        assert!(matches!(error, ReadError::Point { fault: PointFault::OffCurve, .. }), "{place}");
    }
}

#[test]
fn proof_has_one_form_in_words() {
    let words = proved().proof.to_words();
    assert_eq!(Proof::from_words(&words), Ok(proved().proof.clone()));
    for index in 0..8 {
        let mut other = words;
        other[index][31] ^= 1;
        assert!(Proof::from_words(&other).is_err(), "word {index}");
        let plus_modulus = Fq::MODULUS.to_bytes_le();
        let (mut sum, mut carry) = (words, 0);
        for (place, byte) in (0..32).rev().zip(plus_modulus) {
            carry += u16::from(sum[index][place]) + u16::from(byte);
            sum[index][place] = carry as u8;
            carry >>= 8;
        }
        assert!(Proof::from_words(&sum).is_err(), "word {index} above the modulus");
    }
    assert!(Proof::from_words(&[[0; 32]; 8]).is_err());
}

#[test]
fn points_at_infinity_in_other_forms_and_in_other_groups_are_refused() {
    let infinity = |member: &str, point: Value| refused(|json| json[member] = point);
    for error in [
        infinity("pi_a", json!(["0", "1", "0"])),
        infinity("pi_c", json!(["0", "0", "0"])),
        infinity("pi_b", json!([["0", "0"], ["1", "0"], ["0", "0"]])),
        infinity("pi_a", json!(["1", "2", "2"])),
    ] {
        assert!(matches!(error, ReadError::Point { fault: PointFault::NotAffine, .. }), "{error}");
    }
    let zero = infinity("pi_a", json!(["0", "0", "1"]));
    assert!(matches!(zero, ReadError::Point { .. }), "{zero}");
    let outside = outside_subgroup();
    let text = |element: Fq2| json!([element.c0.to_string(), element.c1.to_string()]);
    let error = infinity("pi_b", json!([text(outside.x), text(outside.y), ["1", "0"]]));
    assert!(matches!(error, ReadError::Point { fault: PointFault::WrongSubgroup, .. }), "{error}");
}

/// Provers spell the curve in several ways, or leave it out.
#[test]
fn proof_is_read_however_its_prover_spells_the_curve() {
    let text = proved().proof.to_json();
    let with = |curve: Option<&str>| {
        let mut json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let members = json.as_object_mut().expect("an object");
        match curve {
            Some(curve) => drop(members.insert("curve".to_owned(), json!(curve))),
            None => drop(members.remove("curve")),
        }
        Proof::from_json(&json.to_string())
    };
    for curve in
        [Some("bn128"), Some("bn254"), Some("BN128"), Some("BN254"), Some("alt_bn128"), None]
    {
        assert!(with(curve).is_ok_and(|proof| proof.to_json() == text), "{curve:?}");
    }
    for other in ["bls12-381", "bn256k", ""] {
        assert!(matches!(with(Some(other)), Err(ReadError::Curve(_))), "{other}");
    }
}

/// Provers other than snarkjs leave out what is the same in every proof, and its first versions had another name.
#[test]
fn proof_and_key_of_other_provers_are_read() {
    let proof = proved().proof.to_json();
    let json: Value = serde_json::from_str(&proof).expect("JSON");
    let read = |change: fn(&mut Value)| {
        let mut json = json.clone();
        change(&mut json);
        Proof::from_json(&json.to_string()).map(|proof| proof.to_json())
    };
    for change in [
        (|json| drop(json.as_object_mut().expect("an object").remove("protocol")))
            as fn(&mut Value),
        |json| json["protocol"] = Value::Null,
        |json| json["protocol"] = json!("Groth16"),
        |json| json["protocol"] = json!("groth"),
        |json| json["pi_a"][2] = json!(1),
        |json| {
            for point in ["pi_a", "pi_b", "pi_c"] {
                json[point].as_array_mut().expect("coordinates").pop();
            }
        },
    ] {
        assert_eq!(read(change).as_ref(), Ok(&proof));
    }
    assert!(Proof::from_json(&format!("\u{feff}{proof}")).is_ok(), "a byte order mark");
    // The first versions spelt a key's point otherwise.
    let key = proved().key.to_json().replace("vk_alpha_1", "vk_alfa_1");
    assert!(VerifyingKey::from_json(&key.replace("groth16", "groth")).is_ok());
    // A proof of another system is named, though its members are others.
    let plonk =
        Proof::from_json(r#"{"A": ["1", "2", "1"], "protocol": "plonk", "curve": "bn128"}"#);
    assert!(matches!(plonk, Err(ReadError::Protocol(_))), "{plonk:?}");

    let mut key: Value = serde_json::from_str(&proved().key.to_json()).expect("JSON");
    key.as_object_mut().expect("an object").remove("nPublic");
    assert_eq!(VerifyingKey::from_json(&key.to_string()).as_ref(), Ok(&proved().key));
    assert!(praman_verifier::public_from_json("\u{feff}[\"1\"]").is_ok());
}

/// A point of the twist outside the group of prime order.
fn outside_subgroup() -> G2Affine {
    (1u64..)
        .filter_map(|x| G2Affine::get_point_from_x_unchecked(Fq2::from(x), true))
        .find(|point| !point.is_in_correct_subgroup_assuming_on_curve())
        .expect("most of the twist")
}

#[test]
fn proofs_of_other_kinds_and_shapes_are_refused() {
    assert!(matches!(refused(|j| j["protocol"] = json!("plonk")), ReadError::Protocol(_)));
    assert!(matches!(refused(|j| j["curve"] = json!("bls12381")), ReadError::Curve(_)));
    for member in ["pi_a", "pi_b", "pi_c"] {
        let error = refused(|json| drop(json.as_object_mut().expect("object").remove(member)));
        assert!(matches!(error, ReadError::Json(_)), "{member}");
    }
    for point in [json!(["1", "2", "1", "0"]), json!(["1"]), json!([])] {
        let error = refused(|j| j["pi_a"] = point.clone());
        assert!(matches!(error, ReadError::Point { fault: PointFault::NotAffine, .. }), "{error}");
    }
    for number in [json!(-1), json!(1.5), json!(9_007_199_254_740_992_u64), json!(null)] {
        let error = refused(|j| j["pi_a"] = json!([number, "2", "1"]));
        assert!(matches!(error, ReadError::Json(_)), "{error}");
    }
    for text in ["", "{", "[]", "null", "\u{feff}{}"] {
        assert!(Proof::from_json(text).is_err());
    }
}

// --- keys ---

fn with_key(change: impl FnOnce(&mut ark_groth16::VerifyingKey<Bn254>)) -> Option<ReadError> {
    let mut key = proved().key.points().clone();
    change(&mut key);
    VerifyingKey::development(key, "eligibility", "").err()
}

#[test]
fn degenerate_key_is_refused_wherever_it_comes_from() {
    use DegenerateKey::*;
    let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
    assert_eq!(with_key(|_| ()), None);
    let degenerate = |fault| Some(ReadError::Degenerate(fault));
    assert_eq!(with_key(|key| key.delta_g2 = g2), degenerate(DeltaIsGenerator));
    assert_eq!(with_key(|key| key.delta_g2 = -g2), degenerate(DeltaIsGenerator));
    assert_eq!(with_key(|key| key.gamma_g2 = g2), degenerate(GammaAndOrigin));
    assert_eq!(with_key(|key| key.gamma_g2 = key.delta_g2), degenerate(GammaIsDelta));
    assert_eq!(with_key(|key| key.gamma_g2 = -key.delta_g2), degenerate(GammaIsDelta));
    assert_eq!(with_key(|key| key.alpha_g1 = g1), degenerate(AlphaOrBetaIsGenerator));
    assert_eq!(with_key(|key| key.beta_g2 = g2), degenerate(AlphaOrBetaIsGenerator));
    let dependent = degenerate(DependentInputs(4, 9));
    assert_eq!(with_key(|key| key.gamma_abc_g1[4] = key.gamma_abc_g1[9]), dependent);
    assert_eq!(with_key(|key| key.gamma_abc_g1[4] = -key.gamma_abc_g1[9]), dependent);
    let at_infinity = with_key(|key| key.gamma_abc_g1[2] = G1Affine::zero());
    assert!(matches!(at_infinity, Some(ReadError::Point { field: "IC", .. })));
    let outside = with_key(|key| key.gamma_g2 = outside_subgroup());
    assert!(matches!(outside, Some(ReadError::Point { fault: PointFault::WrongSubgroup, .. })));
}

#[test]
fn degenerate_key_file_is_refused() {
    // As snarkjs writes a key whose second phase was skipped: without praman's note, delta and gamma
    // at the generator.
    let mut json: Value = serde_json::from_str(&proved().key.to_json()).expect("JSON");
    let generator = json!([
        [
            "10857046999023057135944570762232829481370756359578518086990519993285655852781",
            "11559732032986387107991004021392285783925812861821192530917403151452391805634"
        ],
        [
            "8495653923123431417604973247489272438418190587263600148770280649306958101930",
            "4082367875863433681332203403145435568316851327593401208105741076214120093531"
        ],
        ["1", "0"]
    ]);
    json.as_object_mut().expect("object").remove("praman");
    assert!(VerifyingKey::from_json(&json.to_string()).is_ok());
    json["vk_gamma_2"] = generator.clone();
    assert!(VerifyingKey::from_json(&json.to_string()).is_ok(), "as any key of snarkjs");
    json["vk_delta_2"] = generator;
    let refused = VerifyingKey::from_json(&json.to_string());
    assert_eq!(refused, Err(ReadError::Degenerate(DegenerateKey::DeltaIsGenerator)));
    let mut json: Value = serde_json::from_str(&proved().key.to_json()).expect("JSON");
    json["nPublic"] = json!(107);
    let refused = VerifyingKey::from_json(&json.to_string());
    assert_eq!(refused, Err(ReadError::InputCount { declared: 107, points: 112 }));
}

#[test]
fn degenerate_key_would_accept_a_forgery() {
    // The reason for the refusal above: with gamma = delta, whoever knows nothing proves anything.
    let key = proved().key.points();
    let mut public = proved().public.clone();
    public[0] += Fr::from(1u64);
    let inputs = key.gamma_abc_g1[1..]
        .iter()
        .zip(&public)
        .fold(key.gamma_abc_g1[0].into_group(), |sum, (point, input)| sum + *point * input);
    let forgery = RawProof { a: key.alpha_g1, b: key.beta_g2, c: (-inputs).into_affine() };
    let mut degenerate = key.clone();
    degenerate.gamma_g2 = degenerate.delta_g2;
    let accepts = |key: &ark_groth16::VerifyingKey<Bn254>| {
        let prepared = ark_groth16::prepare_verifying_key(key);
        Groth16::<Bn254>::verify_proof(&prepared, &forgery, &public)
    };
    assert_eq!(accepts(&degenerate), Ok(true));
    assert_eq!(accepts(key), Ok(false));
    let honest = PreparedKey::new(&proved().key);
    let forgery = Proof::new(forgery).expect("points");
    assert_eq!(honest.verify(&public, &forgery), Err(Refusal::Invalid));
}

// --- batches ---

#[test]
fn bad_proofs_of_a_batch_are_found_even_where_their_errors_cancel() {
    let mut proved = prove_all(1..9);
    let key = PreparedKey::new(&proved[0].key);
    let folded = key.fold(&proved[0].public[..0]).expect("fits");
    let invalid = |proved: &[Proved]| {
        let items: Vec<BatchItem<'_>> = proved
            .iter()
            .map(|p| BatchItem { folded: &folded, rest: &p.public, proof: &p.proof })
            .collect();
        key.find_invalid(&items, &mut rng()).expect("complete")
    };
    assert_eq!(invalid(&proved), Vec::<usize>::new());
    assert_eq!(invalid(&[]), Vec::<usize>::new());
    // Opposite errors: their plain sum vanishes, the weighted one does not.
    let error = G1Affine::generator();
    for (index, error) in [(2, error), (5, -error)] {
        let RawProof { a, b, c } = *proved[index].proof.points();
        let shifted = RawProof { a, b, c: (c + error).into() };
        proved[index].proof = Proof::new(shifted).expect("points");
    }
    assert_eq!(invalid(&proved), vec![2, 5]);
    proved[7].public[106] += Fr::from(1u64);
    assert_eq!(invalid(&proved), vec![2, 5, 7]);
    // With more bad ones than halving is for, each is checked alone.
    for bad in [&[0, 1, 2, 3, 4, 5, 6][..], &[0, 2, 4, 6]] {
        let public: Vec<_> = proved.iter().map(|proved| proved.public.clone()).collect();
        for &index in bad {
            proved[index].public[105] += Fr::from(1u64);
        }
        let found = invalid(&proved);
        assert!(bad.iter().all(|index| found.contains(index)), "{bad:?}: {found:?}");
        assert!(found.iter().all(|index| bad.contains(index) || [2, 5, 7].contains(index)));
        for (proved, public) in proved.iter_mut().zip(public) {
            proved.public = public;
        }
    }
    proved[0].public.pop();
    let items = [BatchItem { folded: &folded, rest: &proved[0].public, proof: &proved[0].proof }];
    let refused = key.find_invalid(&items, &mut rng());
    assert_eq!(refused, Err(Refusal::InputCount { given: 110, expected: 111 }));
}
