//! Our statements audited, whole and with faults planted in them: each fault is found by two witnesses, named, or shown
//! to free no wire.

use std::time::Duration;

use ark_bn254::Fr;
use praman_auditor::{Form, Options, Row, Status, System, audit};
use praman_circuits::access::AccessNullifier;
use praman_circuits::circuit::{self, Circuit, Witness};
use praman_circuits::consent;
use praman_circuits::eligibility;
use praman_circuits::health_record::HandleBlinding;
use praman_testkit::fixture;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

/// Faults of each statement; all of them under `PRAMAN_WHOLE`.
const FAULTS: usize = 10;
const FAULTS_WHOLE: usize = 100;

fn faults() -> usize {
    if std::env::var_os("PRAMAN_WHOLE").is_some() { FAULTS_WHOLE } else { FAULTS }
}

/// A statement with a witness, and the public inputs that it computes.
struct Statement {
    circuit: &'static Circuit,
    witness: Witness,
    computed: &'static [&'static str],
}

fn statements() -> [Statement; 2] {
    let claim = fixture::claim(1);
    let public = claim.public().to_fields();
    let eligibility = Statement {
        circuit: circuit::eligibility(),
        witness: circuit::eligibility_witness(&public, &claim.private()),
        computed: &eligibility::PublicInputs::COMPUTED,
    };
    let (grant, request) = fixture::grant(1);
    let blinding = HandleBlinding::from_field(Fr::from(5u64));
    let (public, private) = grant.inputs(request, 0, &blinding);
    assert_ne!(public.nullifier, AccessNullifier::from_field(Fr::from(0u64)));
    let consent = Statement {
        circuit: circuit::consent(),
        witness: circuit::consent_witness(&public.to_fields(), &private),
        computed: &consent::PublicInputs::COMPUTED,
    };
    [eligibility, consent]
}

impl Statement {
    fn rows(&self) -> Vec<Row> {
        let form = |terms: &[(u32, Fr)]| Form::new(terms.iter().copied());
        let row = |row: &praman_circuits::constraint_system::Row| Row {
            a: form(row.a.terms()),
            b: form(row.b.terms()),
            c: form(row.c.terms()),
        };
        self.circuit.rows().iter().map(row).collect()
    }

    fn system(&self, rows: Vec<Row>) -> System {
        let inputs = self.circuit.public_inputs() + self.circuit.private_inputs();
        let names = self.circuit.wire_names();
        let is_output: Vec<bool> = (0..)
            .zip(names)
            .map(|(wire, name)| {
                wire <= self.circuit.public_inputs() && self.computed.contains(&name.as_str())
            })
            .collect();
        let is_input =
            is_output.iter().zip(0..).map(|(out, wire)| wire <= inputs && !out).collect();
        System::new(rows, is_input, is_output, names.to_vec()).expect("a system")
    }
}

#[test]
fn every_wire_of_our_statements_is_determined() {
    for statement in statements() {
        let name = statement.circuit.name();
        let system = statement.system(statement.rows());
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
        // The outputs are among what is shown, each by its name.
        let outputs = (0..system.wires() as u32).filter(|&wire| system.is_output(wire));
        assert_eq!(outputs.count(), statement.computed.len(), "{name}");
    }
}

/// The wires of a row but the constant one.
fn wires_of(row: &Row) -> Vec<u32> {
    row.wires().into_iter().filter(|&wire| wire != 0).collect()
}

#[test]
fn planted_fault_is_found_named_or_shown_to_free_no_wire() {
    for statement in statements() {
        let name = statement.circuit.name();
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        let (mut found, mut named, mut harmless) = (0, 0, 0);
        for fault in 0..faults() {
            let mut rows = statement.rows();
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
            let system = statement.system(rows);
            let witnesses = vec![statement.witness.assignment().to_vec()];
            let options = Options { time: Duration::from_secs(3), seed: 1, witnesses };
            let report = audit(&system, &options);
            assert!(report.pairs.iter().all(|pair| pair.holds(&system)), "{name}: {planted}");
            if report.is_determined() {
                // What was left out compares what is determined all the same: it is no matter of a free wire.
                harmless += 1;
            } else if report.pairs.is_empty() {
                // A wire in a hash that later rows compare: another value would be a preimage.
                let near = wires_of(&statement.rows()[place]);
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
        assert!(found > 0 && found + named + harmless == faults());
    }
}
