//! What a proof leaves behind in memory.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{Read, Seek, SeekFrom};

use ark_bn254::Fr;
use ark_ff::{PrimeField, UniformRand};
use praman_circuits::circuit::{Circuit, Witness};
use praman_circuits::constraint_system::{ConstraintSystem, Num};
use praman_prover::{Arithmetic, Cores, Engine, FixedKeyEngine, MemoryBudget, setup};
use rand::rngs::OsRng;

const WIRES: usize = 300;

/// Wires that any value satisfies, the same in all.
fn free_wires(cs: &mut ConstraintSystem, value: Fr) {
    cs.public("one", Fr::from(1u64));
    for _ in 0..WIRES {
        let any = cs.private("any", value);
        cs.product("any", &any, &Num::zero());
        cs.product("square", &any, &any);
    }
}

/// Bytes that are looked for, never held as they are.
struct Canary([u64; 4]);

const MASK: u64 = 0x5a5a_a5a5_5a5a_a5a5;

impl Canary {
    fn new(words: [u64; 4]) -> Self {
        Self(words.map(|word| word ^ MASK))
    }

    /// How often the words stand in memory, aligned as numbers are.
    fn count(&self, memory: &[u8]) -> usize {
        let word = |bytes: &[u8]| u64::from_ne_bytes(bytes.try_into().expect("eight bytes")) ^ MASK;
        let stands =
            |bytes: &&[u8]| bytes.chunks(8).zip(self.0).all(|(at, canary)| word(at) == canary);
        memory.windows(32).step_by(8).filter(stands).count()
    }
}

/// How often canaries stand in what this process may write, but for what it is searched in.
fn found(canaries: &[Canary]) -> usize {
    let maps = fs::read_to_string("/proc/self/maps").expect("Linux tells");
    let mut memory = fs::File::open("/proc/self/mem").expect("ours to read");
    let mut buffer = vec![0u8; 1 << 20];
    let mut total = 0;
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (begin, end) =
            line.split_once(' ').expect("a range").0.split_once('-').expect("a range");
        let [mut place, end] = [begin, end].map(|text| u64::from_str_radix(text, 16).expect("hex"));
        while place < end {
            let length = (end - place).min(buffer.len() as u64) as usize;
            let ours = buffer.as_ptr() as u64;
            let overlaps = place < ours + buffer.len() as u64 && ours < place + length as u64;
            if !overlaps
                && memory.seek(SeekFrom::Start(place)).is_ok()
                && memory.read_exact(&mut buffer[..length]).is_ok()
            {
                total +=
                    canaries.iter().map(|canary| canary.count(&buffer[..length])).sum::<usize>();
            }
            place += length as u64;
        }
    }
    total
}

#[test]
fn no_wire_of_a_witness_is_left_in_memory_by_a_proof() {
    let circuit = Circuit::compile("free", |cs| free_wires(cs, Fr::from(0u64)));
    let keys = setup(&circuit, &mut OsRng).expect("keys");
    let engines = [Arithmetic::Fastest, Arithmetic::Portable]
        .map(|by| FixedKeyEngine::new(&circuit, &keys, MemoryBudget::SMALL, by));
    let canaries;
    {
        let value = Fr::rand(&mut OsRng);
        let square = value * value;
        // As an integer, in arkworks' form, in that of 52-bit limbs.
        let shifted = |value: Fr| value * Fr::from(16u64);
        let forms = |value: Fr| [value.into_bigint().0, value.0.0, shifted(value).0.0];
        let of = |value: Fr| forms(value).map(Canary::new);
        canaries = [of(value), of(square)].into_iter().flatten().collect::<Vec<_>>();
        let witness = || {
            let mut cs = ConstraintSystem::assigning(circuit.wires());
            free_wires(&mut cs, value);
            Witness::from_assignment(cs.into_assignment(), circuit.public_inputs())
        };
        let held = witness();
        assert!(found(&canaries) >= 2 * WIRES, "the search finds a witness");
        for engine in &engines {
            for cores in [Cores::All, Cores::One] {
                engine.prove(&held, &mut OsRng, cores).expect("any value satisfies them");
            }
        }
        drop(held);
    }
    // A few stand on stacks, where numbers were computed; none of the hundreds in a buffer.
    let left = found(&canaries);
    assert!(left < 20, "{left} wires are left");
}
