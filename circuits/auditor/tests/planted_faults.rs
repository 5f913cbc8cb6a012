//! Our statements audited, whole and with faults planted in them: each fault is found by two witnesses, named, or shown
//! to free no wire.

use std::time::Duration;

use ark_bn254::Fr;
use praman_auditor::{Options, Row, Status, System, audit};
use praman_circuits::circuit::{self, Circuit, Witness};
use praman_circuits::health_record::HandleBlinding;
use praman_circuits::settlement::{Carried, chunk_inputs};
use praman_circuits::settlement_state::SettlementBlinding;
use praman_testkit::fixture;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

/// Faults of each statement; all of them under `PRAMAN_WHOLE`.
const FAULTS: usize = 10;
const FAULTS_WHOLE: usize = 100;

/// How many are planted: fewer in the settlement, whose rows are four times as many and 78 times the same.
fn faults(circuit: &Circuit) -> usize {
    match circuit.name() {
        _ if std::env::var_os("PRAMAN_WHOLE").is_some() => FAULTS_WHOLE,
        "settlement" => FAULTS / 3,
        _ => FAULTS,
    }
}

/// Our statements, each with a witness.
fn statements() -> [(&'static Circuit, Witness); 3] {
    let claim = fixture::claim(1);
    let claimed = circuit::eligibility_witness(&claim.public().to_fields(), &claim.private());
    let (grant, request) = fixture::grant(1);
    let blinding = HandleBlinding::from_field(Fr::from(5u64));
    let (public, private) = grant.inputs(request, 0, &blinding);
    let accessed = circuit::consent_witness(&public.to_fields(), &private);
    let blinding = SettlementBlinding::from_field(Fr::from(6u64));
    let (context, claims) = (fixture::settled_opening(), fixture::settled_claims(70));
    let (public, private, _) = chunk_inputs(context, &Carried::start(), &claims, blinding);
    let settled = circuit::settlement_witness(&public.to_fields(), &private);
    [
        (circuit::eligibility(), claimed),
        (circuit::consent(), accessed),
        (circuit::settlement(), settled),
    ]
}

#[test]
fn every_wire_of_our_statements_is_determined() {
    for ((circuit, _), outputs) in statements().into_iter().zip([3, 4, 3]) {
        let name = circuit.name();
        let system = System::of_circuit(circuit);
        let report =
            audit(&system, &Options { time: Duration::from_secs(60), ..Options::default() });
        let wires = 0..system.wires() as u32;
        let left: Vec<&str> = wires
            .filter(|&wire| !matches!(report.status(wire), Status::Input | Status::Determined))
            .map(|wire| system.name(wire))
            .collect();
        assert!(
            report.is_determined(),
            "{name}: {} wires, {:?}",
            left.len(),
            &left[..left.len().min(8)]
        );
        assert!(report.structure.is_empty(), "{name}: {:?}", report.structure);
        assert!(report.pairs.is_empty(), "{name}");
        // What is computed of the public inputs is among what is shown.
        let shown = (0..system.wires() as u32).filter(|&wire| system.is_output(wire));
        assert_eq!(shown.count(), outputs, "{name}");
    }
}

/// The wires of a row but the constant one.
fn wires_of(row: &Row) -> Vec<u32> {
    row.wires().into_iter().filter(|&wire| wire != 0).collect()
}

#[test]
fn planted_fault_is_found_named_or_shown_to_free_no_wire() {
    for (circuit, witness) in statements() {
        let (name, whole) = (circuit.name(), System::of_circuit(circuit));
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        let (mut found, mut named, mut harmless) = (0, 0, 0);
        for fault in 0..faults(circuit) {
            let mut rows = whole.rows().to_vec();
            let place = rng.gen_range(0..rows.len());
            // A row is left out; or two sums are held to be equal to two others only together.
            let next = place + 1;
            let sums =
                rows.get(next).and_then(|next| Some((rows[place].linear()?, next.linear()?)));
            let planted = match sums {
                Some((first, second)) if fault % 2 == 1 => {
                    rows[place] =
                        Row::zero(first.combined(Fr::from(1u64), &second, Fr::from(1u64)));
                    rows.remove(next);
                    format!("rows {place} and {next} added up")
                }
                _ => {
                    rows.remove(place);
                    format!("row {place} left out")
                }
            };
            let system = whole.with_rows(rows).expect("a system");
            let witnesses = vec![witness.assignment().to_vec()];
            let options = Options { time: Duration::from_secs(3), seed: 1, witnesses };
            let report = audit(&system, &options);
            assert!(report.pairs.iter().all(|pair| pair.holds(&system)), "{name}: {planted}");
            if report.is_determined() {
                // What was left out compares what is determined all the same: it is no matter of a free wire.
                harmless += 1;
            } else if report.pairs.is_empty() {
                // A wire in a hash that later rows compare: another value would be a preimage.
                let near = wires_of(&whole.rows()[place]);
                let is_named = near.iter().any(|&wire| report.status(wire) == Status::NotDecided);
                assert!(is_named, "{name}: {planted} is not found");
                named += 1;
            } else {
                found += 1;
            }
        }
        println!(
            "{name}: {found} are found by two witnesses, {named} named, {harmless} free no wire"
        );
        assert!(found > 0 && found + named + harmless == faults(circuit));
    }
}
