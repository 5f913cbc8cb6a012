//! What snarkjs 0.7.6 made with known randomness, byte for byte, and what must be refused.
//!
//! `vectors/toy.circom` compiled by circom2 0.2.23; the files by `powersoftau new | contribute | beacon | prepare phase2`,
//! `groth16 setup` and `zkey contribute | beacon`, with the system's generator replaced by constant bytes.

use std::path::{Path, PathBuf};

use praman_prover::ForeignCircuit;

use super::*;

const FIRST: [u8; 64] = [0; 64];
const SECOND: [u8; 64] = [0x5a; 64];

fn vector(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(vector(name)).expect("a vector")
}

fn toy() -> Constraints {
    Constraints::from(&ForeignCircuit::read(&vector("toy.r1cs")).expect("a circuit"))
}

fn powers(name: &str) -> VerifiedPowers {
    Powers::read(&vector(name)).expect("read").verify().expect("verified")
}

fn key(name: &str) -> CeremonyKey {
    CeremonyKey::read(&vector(name)).expect("read")
}

fn beacon(hex: &str, exponent: u8) -> Beacon {
    Beacon::from_hex(hex, exponent).expect("a beacon")
}

fn phase1_beacon() -> Beacon {
    beacon("0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", 10)
}

fn phase2_beacon() -> Beacon {
    beacon("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 11)
}

#[test]
fn phase_1_is_snarkjs_byte_for_byte() {
    let path = Path::new("powers.ptau");
    let file = Powers::begin(4);
    assert_eq!(file, bytes("power_4/pot_0000.ptau"));
    let contributors = [
        Contributor::known("First contribution", FIRST, "vector entropy one"),
        Contributor::known("", SECOND, "vector entropy two é"),
        Contributor::beacon("Beacon, größe", phase1_beacon()),
    ];
    let expected = ["0001", "0002", "beacon"];
    let mut file = file;
    for (contributor, expected) in contributors.iter().zip(expected) {
        let powers = Powers::parse(path, file).expect("read");
        file = powers.contribute(contributor).expect("contributed").file;
        assert_eq!(file, bytes(&format!("power_4/pot_{expected}.ptau")), "{expected}");
    }
    let prepared = Powers::parse(path, file).expect("read").prepare();
    assert_eq!(prepared, bytes("power_4/pot_final.ptau"));
}

#[test]
fn phase_2_is_snarkjs_byte_for_byte() {
    let path = Path::new("key.zkey");
    // From the raw powers as from the prepared ones.
    for phase1 in ["power_4/pot_beacon.ptau", "power_4/pot_final.ptau"] {
        let begun = CeremonyKey::begin(path, &toy(), &powers(phase1)).expect("begun");
        assert!(begun.file() == bytes("power_4/toy_0000.zkey"), "{phase1}");
    }
    let begun = CeremonyKey::begin(path, &toy(), &powers("power_3/pot_final.ptau"));
    assert_eq!(begun.expect("begun").file(), bytes("power_3/toy_0000.zkey"));
    let contributors = [
        Contributor::known("1st zkey contributor", FIRST, "zkey entropy one"),
        Contributor::known("", SECOND, "zkey entropy two"),
        Contributor::beacon("Final Beacon phase2", phase2_beacon()),
    ];
    let mut file = bytes("power_4/toy_0000.zkey");
    for (contributor, expected) in contributors.iter().zip(["0001", "0002", "final"]) {
        let key = CeremonyKey::parse(path, file).expect("read");
        file = key.contribute(contributor).expect("contributed").file;
        assert_eq!(file, bytes(&format!("power_4/toy_{expected}.zkey")), "{expected}");
    }
}

#[test]
fn files_of_snarkjs_are_verified_with_their_contributions() {
    for (phase1, name) in [
        ("power_4/pot_final.ptau", "power_4/toy_final.zkey"),
        ("power_4/pot_beacon.ptau", "power_4/toy_0002.zkey"),
        ("power_3/pot_final.ptau", "power_3/toy_final.zkey"),
    ] {
        let verified = key(name).verify(&toy(), &powers(phase1)).expect("verified");
        let contributions = verified.contributions();
        assert_eq!(contributions[0].name, "1st zkey contributor");
        assert_eq!(contributions[1].name, "");
        if let [_, _, last] = &contributions[..] {
            assert_eq!(last.beacon, Some(phase2_beacon()));
        }
    }
    for name in ["power_4/pot_final.ptau", "power_3/pot_final.ptau", "cut_to_3.ptau"] {
        powers(name).check_prepared().expect("prepared right");
    }
}

/// A file with fewer powers than its ceremony had serves as well.
#[test]
fn key_begins_on_the_first_powers_of_a_greater_ceremony() {
    let path = Path::new("key.zkey");
    let powers = powers("cut_to_3.ptau");
    assert_eq!(powers.power(), 3);
    let begun = CeremonyKey::begin(path, &toy(), &powers).expect("begun");
    let person = Contributor::person("Asha", String::new().into());
    let contributed = begun.contribute(&person).expect("contributed");
    let key = CeremonyKey::parse(path, contributed.file).expect("read");
    key.verify(&toy(), &powers).expect("verified");
    let refused = powers.powers().contribute(&person).err().expect("refused").to_string();
    assert!(refused.contains("contribute to the whole"), "{refused}");
}

#[test]
fn cut_file_that_claims_to_be_whole_is_refused() {
    let powers = Powers::read(&vector("cut_and_prepared_again.ptau")).expect("read");
    let refused = powers.verify().err().expect("refused").to_string();
    assert!(
        refused.contains("contribution 1 does not prove that its contributor knew tau"),
        "{refused}"
    );
}

fn refusal_of_key(bytes: Vec<u8>, powers: &VerifiedPowers) -> Option<String> {
    let key = CeremonyKey::parse(Path::new("key.zkey"), bytes);
    key.and_then(|key| key.verify(&toy(), powers)).err().map(|error| error.to_string())
}

fn refusal_of_powers(bytes: Vec<u8>) -> Option<String> {
    let powers = Powers::parse(Path::new("powers.ptau"), bytes).and_then(Powers::verify);
    powers.and_then(|powers| powers.check_prepared()).err().map(|error| error.to_string())
}

/// Where each section stands, from its own begin on.
fn sections(file: &[u8]) -> Vec<(u32, std::ops::Range<usize>)> {
    let number = |place: usize| u32::from_le_bytes(file[place..place + 4].try_into().expect("4"));
    let mut place = 12;
    (0..number(8))
        .map(|_| {
            let size = number(place + 4) as usize;
            let section = (number(place), place + 12..place + 12 + size);
            place += 12 + size;
            section
        })
        .collect()
}

/// One bit anywhere in a key makes it another, but in a name, which no hash covers.
#[test]
fn key_with_any_other_byte_is_refused() {
    let powers = powers("power_4/pot_final.ptau");
    let file = bytes("power_4/toy_final.zkey");
    let names: Vec<std::ops::Range<usize>> = ["1st zkey contributor", "Final Beacon phase2"]
        .iter()
        .map(|name| {
            let found = file.windows(name.len()).position(|found| found == name.as_bytes());
            let place = found.expect("the name is in the file");
            place..place + name.len()
        })
        .collect();
    (0..file.len()).step_by(3).for_each(|place| {
        let mut file = file.clone();
        file[place] ^= 1;
        let is_name = names.iter().any(|name| name.contains(&place));
        assert_eq!(refusal_of_key(file, &powers).is_none(), is_name, "byte {place}");
    });
}

/// The same of phase 1, but in what no hash covers: names, all of earlier contributions that the last one does not stand
/// on, and the unused end of the last one's block.
#[test]
fn powers_with_any_other_byte_are_refused() {
    let file = bytes("power_4/pot_final.ptau");
    let contributions = sections(&file).into_iter().find(|(number, _)| *number == 7).expect("7").1;
    let last = bytes("power_4/pot_beacon.ptau").len() - bytes("power_4/pot_0002.ptau").len();
    let last = contributions.end - last;
    let block_end = last + 1216 + 96..last + 1216 + 128;
    let name = "Beacon, größe".as_bytes();
    let found = file.windows(name.len()).position(|found| found == name).expect("a name");
    let uncovered = |place: usize| {
        let of_earlier = (contributions.start..last).contains(&place);
        of_earlier || block_end.contains(&place) || (found..found + name.len()).contains(&place)
    };
    (0..file.len()).step_by(53).for_each(|place| {
        let mut file = file.clone();
        file[place] ^= 1;
        let refusal = refusal_of_powers(file);
        assert!(refusal.is_some() || uncovered(place), "byte {place}");
    });
}

#[test]
fn file_cut_anywhere_is_refused_by_section_or_byte() {
    let powers = powers("power_4/pot_final.ptau");
    let (key, phase1) = (bytes("power_4/toy_final.zkey"), bytes("power_4/pot_final.ptau"));
    (0..key.len()).step_by(97).for_each(|length| {
        let refusal = refusal_of_key(key[..length].to_vec(), &powers).expect("refused");
        assert!(refusal.contains("it ends at byte") || refusal.contains("it is no"), "{refusal}");
    });
    (0..phase1.len()).step_by(397).for_each(|length| {
        assert!(refusal_of_powers(phase1[..length].to_vec()).is_some(), "{length} bytes");
    });
    let longer = [key.clone(), vec![0]].concat();
    assert!(refusal_of_key(longer, &powers).expect("refused").contains("1 bytes too many"));
}

fn replaced(file: &[u8], section: u32, at: usize, by: &[u8]) -> Vec<u8> {
    let range = sections(file).into_iter().find(|(number, _)| *number == section).expect("it").1;
    let mut file = file.to_vec();
    file[range.start + at..range.start + at + by.len()].copy_from_slice(by);
    file
}

#[test]
fn points_are_refused_by_name_with_section_and_byte() {
    use ark_bn254::{Fq2, G2Affine};
    use ark_ff::{BigInt, BigInteger, PrimeField, UniformRand};

    let powers = powers("power_4/pot_final.ptau");
    let file = bytes("power_4/toy_final.zkey");
    let refused = |file: Vec<u8>| refusal_of_key(file, &powers).expect("refused");
    // x + q is the same number: it is in no honest file.
    let range = sections(&file).into_iter().find(|(number, _)| *number == 5).expect("A").1;
    let word = |place: usize| {
        let begin = range.start + 64 + 8 * place;
        u64::from_le_bytes(file[begin..begin + 8].try_into().expect("eight bytes"))
    };
    let mut x = BigInt::<4>(std::array::from_fn(word));
    x.add_with_carry(&ark_bn254::Fq::MODULUS);
    let refusal = refused(replaced(&file, 5, 64, &x.to_bytes_le()));
    assert!(refusal.contains("section 5: the coordinate at byte"), "{refusal}");
    assert!(refusal.contains("is not canonical"), "{refusal}");
    let refusal = refused(replaced(&file, 5, 64, &[1; 32]));
    assert!(refusal.contains("section 5: the point at byte"), "{refusal}");
    assert!(refusal.contains("is not on its curve"), "{refusal}");
    let mut rng = rand::thread_rng();
    let outside =
        std::iter::repeat_with(|| G2Affine::get_point_from_x_unchecked(Fq2::rand(&mut rng), true));
    let outside = outside.flatten().next().expect("a point outside the subgroup");
    let mut bytes = Vec::new();
    encoding::CeremonyPoint::write(&outside, &mut bytes);
    let refusal = refused(replaced(&file, 7, 0, &bytes));
    assert!(refusal.contains("section 7: the point at byte"), "{refusal}");
    assert!(refusal.contains("is not in its subgroup"), "{refusal}");
}

#[test]
fn key_that_nobody_contributed_to_is_refused() {
    let powers = powers("power_4/pot_final.ptau");
    let refusal = refusal_of_key(bytes("power_4/toy_0000.zkey"), &powers).expect("refused");
    assert!(refusal.contains("no person has contributed"), "{refusal}");
    let begun = Powers::parse(Path::new("powers.ptau"), Powers::begin(3)).expect("read");
    let refusal = begun.verify().err().expect("refused").to_string();
    assert!(refusal.contains("no person has contributed"), "{refusal}");
}

#[test]
fn key_of_another_phase_1_or_circuit_is_refused() {
    let of_3 = powers("power_3/pot_final.ptau");
    let refusal = refusal_of_key(bytes("power_4/toy_final.zkey"), &of_3);
    assert!(refusal.is_none(), "the same tau, alpha and beta in fewer powers are the same phase 1");
    let contributed = Powers::read(&vector("power_4/pot_beacon.ptau")).expect("read");
    let person = Contributor::person("Asha", String::new().into());
    let other = contributed.contribute(&person).expect("contributed").file;
    let other = Powers::parse(Path::new("other.ptau"), other).expect("read").verify();
    let file = bytes("power_4/toy_final.zkey");
    let refusal = refusal_of_key(file, &other.expect("verified")).expect("refused");
    assert!(refusal.contains("alpha is not that of phase 1"), "{refusal}");
    let powers = powers("power_4/pot_final.ptau");
    let mut rows = toy();
    rows.swap_rows(0, 1);
    let key = key("power_4/toy_final.zkey").verify(&rows, &powers);
    let refusal = key.err().expect("refused").to_string();
    assert!(refusal.contains("section 4: its coefficients are not those"), "{refusal}");
}

#[test]
fn one_contribution_more_is_told_from_any_other_file() {
    let [base, next, last] =
        ["power_4/toy_0001.zkey", "power_4/toy_0002.zkey", "power_4/toy_final.zkey"].map(key);
    let hash = next.contributions()[1].hash;
    assert_eq!(next.verify_one_more(&base, None).expect("one more").hash, hash);
    let refused = |key: &CeremonyKey, base: &CeremonyKey| {
        key.verify_one_more(base, None).expect_err("refused").to_string()
    };
    assert!(refused(&last, &base).contains("another number of contributions"));
    assert!(refused(&last, &next).contains("contribution 3 is a beacon's"));
    last.verify_one_more(&next, Some(&phase2_beacon())).expect("the beacon that was announced");
    assert!(refused(&base, &base).contains("another number of contributions"));
    let other = Contributor::person("another first", String::new().into());
    let other = key("power_4/toy_0000.zkey").contribute(&other).expect("contributed").file;
    let other = CeremonyKey::parse(Path::new("other.zkey"), other).expect("read");
    assert!(refused(&next, &other).contains("its earlier contributions are others"));
    let swapped = bytes("power_4/toy_0002.zkey");
    let h = sections(&swapped).into_iter().find(|(number, _)| *number == 9).expect("H").1;
    let first = swapped[h.start..h.start + 64].to_vec();
    let swapped = CeremonyKey::parse(Path::new("swapped.zkey"), replaced(&swapped, 9, 64, &first));
    let refusal = refused(&swapped.expect("read"), &base);
    assert!(refusal.contains("section 9: its points are not divided by delta"), "{refusal}");
}

#[test]
fn file_of_beacons_alone_is_refused() {
    let path = Path::new("key.zkey");
    let beacon = Contributor::beacon("a lottery", phase1_beacon());
    let powers = Powers::parse(path, Powers::begin(3)).expect("read");
    let powers = Powers::parse(path, powers.contribute(&beacon).expect("contributed").file);
    let refusal = powers.expect("read").verify().err().expect("refused").to_string();
    assert!(refusal.contains("no person has contributed"), "{refusal}");
    let key = key("power_4/toy_0000.zkey").contribute(&beacon).expect("contributed").file;
    let of_4 = super::tests::powers("power_4/pot_final.ptau");
    let refusal = refusal_of_key(key, &of_4).expect("refused");
    assert!(refusal.contains("no person has contributed"), "{refusal}");
}

#[test]
fn beacon_that_takes_years_is_refused_before_it_is_hashed() {
    let (file, of_4) = (bytes("power_4/toy_final.zkey"), powers("power_4/pot_final.ptau"));
    let value = phase2_beacon();
    let at = file.windows(32).position(|found| found == value.value()).expect("the beacon");
    let mut long = file;
    assert_eq!(long[at - 3], 11, "the exponent stands before the value and its length");
    long[at - 3] = 63;
    let refusal = refusal_of_key(long, &of_4).expect("refused");
    assert!(refusal.contains("hashed 2^63 times; the check stops at 2^26"), "{refusal}");
}

/// What the relations between powers leave free in H is bound by itself.
#[test]
fn other_point_in_the_last_coordinate_of_h_is_refused() {
    use ark_bn254::{Fr, G1Affine};
    use ark_ec::{AffineRepr, CurveGroup};
    use ark_ff::Field;

    let of_4 = powers("power_4/pot_final.ptau");
    let file = bytes("power_4/toy_0000.zkey");
    let h: Vec<G1Affine> = key("power_4/toy_0000.zkey").points(9).expect("H");
    let (size, root) = (h.len(), powers::domain(h.len().ilog2()).group_gen);
    let shift = powers::domain(h.len().ilog2() + 1).group_gen;
    let by = (-Fr::from(2u64) * shift.pow([size as u64 - 1]) * Fr::from(size as u64)).inverse();
    let added = G1Affine::generator() * by.expect("it is not zero");
    let mut bytes = Vec::new();
    for (place, point) in h.iter().enumerate() {
        let turned = root.pow([(place * (size - 1)) as u64]).inverse().expect("a root");
        let point = (added * turned + point).into_affine();
        encoding::CeremonyPoint::write(&point, &mut bytes);
    }
    let changed = replaced(&file, 9, 0, &bytes);
    let person = Contributor::person("Asha", String::new().into());
    for (file, is_refused) in [(file, false), (changed, true)] {
        let key = CeremonyKey::parse(Path::new("key.zkey"), file).expect("read");
        let refusal = refusal_of_key(key.contribute(&person).expect("contributed").file, &of_4);
        assert_eq!(refusal.is_some(), is_refused, "{refusal:?}");
        assert!(refusal.is_none_or(|refusal| refusal.contains("section 9")));
    }
}
