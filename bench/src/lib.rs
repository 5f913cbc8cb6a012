//! What the benches measure: generated registers, keys, claims.
//!
//! ```
//! let register = bench::generated_register(100, 1);
//! let checked = praman::register::check(&register[..], praman::calendar::today(), |_| ())?;
//! assert_eq!(checked.counts().rows, 100);
//! # Ok::<(), praman::register::RegisterError>(())
//! ```

use praman_circuits::circuit::{self, Witness};
use praman_prover::{Arithmetic, FixedKeyEngine, MemoryBudget, Prover, setup};
use praman_testkit::fixture;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

const GIVEN: [&str; 24] = [
    "Sabina",
    "Hasina",
    "Jharna",
    "Purnima",
    "Basanti",
    "Malati",
    "Ananya",
    "Shyamali",
    "Rehana",
    "Nasima",
    "Kartik",
    "Rina",
    "Sujit",
    "Debabrata",
    "Moumita",
    "Sandhya",
    "Sumitra",
    "Biplab",
    "Rahim",
    "Swapna",
    "Sanjoy",
    "Tapan",
    "Gopal",
    "Ratan",
];
const SURNAMES: [&str; 16] = [
    "Mondal",
    "Banerjee",
    "Mukherjee",
    "Das",
    "Roy",
    "Sheikh",
    "Khatun",
    "Bibi",
    "Halder",
    "Biswas",
    "Sarkar",
    "Ghosh",
    "Barman",
    "Molla",
    "Hansda",
    "Murmu",
];
const DISTRICTS: [&str; 6] = ["Malda", "NADIA", "Howrah", "Birbhum", "Purulia", "Cooch Behar"];

/// Returns a register of a number of rows with the dirt of real ones: about one row in twenty is a duplicate of
/// the one before it without an identity number, one in fifty is rejected.
pub fn generated_register(rows: usize, seed: u64) -> Vec<u8> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut text = format!("{}\r\n", praman::register::COLUMNS.join(",")).into_bytes();
    let mut before = String::new();
    for row in 0..rows {
        let duplicate = row > 0 && rng.gen_ratio(1, 20);
        if !duplicate {
            before = person(&mut rng);
        }
        let id = if duplicate { String::new() } else { identity_number(row as u64) };
        let mobile = rng.gen_range(6_000_000_000u64..10_000_000_000);
        let income = match rng.gen_range(0..50) {
            0 => "unknown".to_owned(),
            1..=20 => format!("\"{},{:03}\"", rng.gen_range(10..300), rng.gen_range(0..1_000)),
            _ => rng.gen_range(5_000..300_000).to_string(),
        };
        let line = before.replace("{id}", &id).replace("{mobile}", &mobile.to_string());
        text.extend(format!("WB{row:09},{}\r\n", line.replace("{income}", &income)).bytes());
    }
    text
}

/// Returns a row after its register number, with places for what differs in a duplicate.
fn person(rng: &mut StdRng) -> String {
    let mut pick = |from: &[&'static str]| *from.choose(rng).expect("not empty");
    let name = format!("{} {}", pick(&GIVEN), pick(&SURNAMES));
    let guardian = format!("{} {}", pick(&GIVEN), pick(&SURNAMES));
    let (district, sex) = (pick(&DISTRICTS), pick(&["F", "M", "Female"]));
    let (category, card) = (pick(&["GEN", "SC", "ST", "OBC-A"]), pick(&["AAY", "PHH", "RKSY-I"]));
    let born = format!(
        "{:02}/{:02}/{}",
        rng.gen_range(1..29),
        rng.gen_range(1..13),
        rng.gen_range(1930..2008)
    );
    let (block, land) = (rng.gen_range(1..40), rng.gen_range(0..300));
    let (branch, account) = (rng.gen_range(0..1_000_000), rng.gen_range(10_000_000..99_999_999u64));
    format!(
        "{{id}},{name},,{guardian},{sex},{born},{{mobile}},{district},Block {block},{category},\
         {card},{{income}},{}.{:02},0,SBIN0{branch:06},{account}",
        land / 100,
        land % 100
    )
}

/// Twelve digits, the last the Verhoeff check digit of the others; no issuer uses a leading zero.
fn identity_number(number: u64) -> String {
    let digits = format!("0{number:010}");
    let check =
        (0..10).find(|check| praman::register::is_identity_number(&format!("{digits}{check}")));
    format!("{digits}{}", check.expect("one of ten digits fits"))
}

/// Returns a prover of the eligibility statement on keys that anyone can make.
pub fn prover() -> Prover<FixedKeyEngine> {
    let circuit = circuit::eligibility();
    let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(1);
    let keys = setup(circuit, &mut rng).expect("the circuit has keys");
    let engine = FixedKeyEngine::new(circuit, &keys, MemoryBudget::SMALL, Arithmetic::Fastest);
    Prover::new(circuit, engine)
}

/// Returns the witness of a claim.
pub fn witness(number: u64) -> Witness {
    let claim = fixture::claim(number);
    circuit::eligibility_witness(&claim.public().to_fields(), &claim.private())
}

/// Returns the most memory this process ever had, in MiB; 0 if the system does not say.
pub fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) / 1_024
}
