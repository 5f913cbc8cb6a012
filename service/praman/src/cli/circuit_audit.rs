//! `praman circuit audit`: does each wire of a circuit follow from its inputs?

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use praman_auditor::{
    Form, Options, Pair, Report, Row, Status, System, Unchecked, Wire, audit, unchecked,
};
use praman_circuits::Fr;
use praman_circuits::field::to_decimal;
use praman_prover::ForeignCircuit;
use serde_json::{Value, json};

use super::Outcome;
use super::circuit::find;
use crate::error::CommandError;
use crate::files;

/// Free wires that are named in full; the others are counted.
const NAMED_MAX: usize = 20;

/// What to audit, and how.
#[derive(Args)]
pub(super) struct Audit {
    /// One of our circuits: eligibility, consent or settlement.
    #[arg(required_unless_present = "r1cs", conflicts_with = "r1cs")]
    name: Option<String>,
    /// Another's circuit, as circom makes it, over BN254's scalars.
    #[arg(long, value_name = "FILE")]
    r1cs: Option<PathBuf>,
    /// The names of its wires.
    #[arg(long, value_name = "FILE", requires = "r1cs")]
    sym: Option<PathBuf>,
    /// A witness to look for a second one from. It may be given more than once; others are solved for.
    #[arg(long, value_name = "FILE", requires = "r1cs")]
    wtns: Vec<PathBuf>,
    /// For how many seconds to look for second witnesses at most.
    #[arg(long, value_name = "SECONDS", default_value_t = 100)]
    seconds: u64,
    /// What random choices begin with: the same number makes the same ones.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Write the pairs of witnesses to this folder, as JSON: a value for each wire, decimal.
    #[arg(long, value_name = "DIR")]
    pairs: Option<PathBuf>,
}

impl Audit {
    pub(super) fn run(self) -> Result<Outcome, CommandError> {
        let started = Instant::now();
        let subject = match (&self.name, &self.r1cs) {
            (Some(name), _) => {
                let system = System::of_circuit(find(name)?);
                let declared = (1..system.wires() as Wire).filter(|&wire| system.is_input(wire));
                Subject { declared: declared.count(), system, witnesses: Vec::new() }
            }
            (None, Some(r1cs)) => self.foreign(r1cs)?,
            (None, None) => return Err(CommandError::WrongUse("give a circuit".to_owned())),
        };
        let time = Duration::from_secs(self.seconds);
        let Subject { system, witnesses, declared } = subject;
        let options = Options { time, seed: self.seed, witnesses };
        let report = audit(&system, &options);
        let unchecked = unchecked(&system, &report.determination, &options);
        if let Some(folder) = &self.pairs {
            write_pairs(folder, &report.pairs)?;
            write_shown(folder, &unchecked)?;
        }
        Ok(outcome(&system, &report, &unchecked, declared, started.elapsed()))
    }

    fn foreign(&self, r1cs: &Path) -> Result<Subject, CommandError> {
        let circuit = ForeignCircuit::read(r1cs)?;
        let names = match &self.sym {
            Some(sym) => circuit.read_names(sym)?,
            None => circuit.numbered_names(),
        };
        let mut witnesses = Vec::new();
        for path in &self.wtns {
            let witness = circuit.read_witness(path)?;
            if let Some(row) = circuit.unsatisfied_row(&witness) {
                return Err(CommandError::Refused(format!(
                    "{}: it does not satisfy the circuit: constraint {row}, counted from 0, is broken",
                    path.display()
                )));
            }
            witnesses.push(witness.assignment().to_vec());
        }
        let form = |terms: &[(u32, Fr)]| Form::new(terms.iter().copied());
        let row = |[a, b, c]: &[Vec<(u32, Fr)>; 3]| Row { a: form(a), b: form(b), c: form(c) };
        let rows = circuit.combinations().iter().map(row).collect();
        let inputs = circuit.inputs().ok_or_else(|| {
            CommandError::malformed(
                r1cs,
                "section 3: the wires' labels do not tell which are private inputs: compile it with circom --O0",
            )
        })?;
        let outputs = (0..circuit.wires()).map(|wire| (1..=circuit.outputs()).contains(&wire));
        let outputs = outputs.collect();
        let system = System::new(rows, inputs, outputs, names)
            .map_err(|fault| CommandError::malformed(r1cs, fault))?;
        let declared = circuit.public_inputs() + circuit.private_inputs();
        Ok(Subject { system, witnesses, declared })
    }
}

/// What is audited.
struct Subject {
    system: System,
    witnesses: Vec<Vec<Fr>>,
    /// How many inputs the circuit declares; a compiler may have dropped some.
    declared: usize,
}

fn write_pairs(folder: &Path, pairs: &[Pair]) -> Result<(), CommandError> {
    std::fs::create_dir_all(folder).map_err(CommandError::file(folder))?;
    let decimal = |values: &[Fr]| values.iter().copied().map(to_decimal).collect::<Vec<_>>();
    for (place, pair) in pairs.iter().enumerate() {
        let both = json!({ "first": decimal(&pair.first), "second": decimal(&pair.second) });
        files::write_json(&folder.join(format!("pair-{place}.json")), &both)?;
    }
    Ok(())
}

fn write_shown(folder: &Path, unchecked: &[Unchecked]) -> Result<(), CommandError> {
    for (place, one) in unchecked.iter().enumerate() {
        let Some(witness) = &one.witness else { continue };
        let values: Vec<String> = witness.iter().copied().map(to_decimal).collect();
        files::write_json(&folder.join(format!("unchecked-{place}.json")), &json!(values))?;
    }
    Ok(())
}

/// Uses of wires that no row holds them to: how many of each kind, and a sentence for each, the shown ones first.
struct Uses {
    not_checked: usize,
    callers: usize,
    not_shown: usize,
    sentences: Vec<String>,
}

impl Uses {
    fn of(system: &System, unchecked: &[Unchecked]) -> Self {
        let kind = |one: &&Unchecked| (one.witness.is_none(), one.is_callers);
        let mut ordered: Vec<&Unchecked> = unchecked.iter().collect();
        ordered.sort_by_key(kind);
        let count = |wanted| ordered.iter().filter(|one| kind(one) == wanted).count();
        let (not_checked, callers) = (count((false, false)), count((false, true)));
        Self {
            not_checked,
            callers,
            not_shown: ordered.len() - not_checked - callers,
            sentences: ordered.iter().map(|one| one.sentence(system)).collect(),
        }
    }
}

fn outcome(
    system: &System,
    report: &Report,
    unchecked: &[Unchecked],
    declared: usize,
    took: Duration,
) -> Outcome {
    let uses = Uses::of(system, unchecked);
    let of = |wanted: fn(Status) -> bool| report.count(wanted);
    let (determined, undecided) =
        (of(|status| status == Status::Determined), of(|status| status == Status::NotDecided));
    let free = report.free(system);
    let inputs = of(|status| status == Status::Input) - 1;
    let output = |wanted: fn(Status) -> bool| {
        let wires = (0..system.wires() as Wire).filter(|&wire| system.is_output(wire));
        wires.filter(|&wire| wanted(report.status(wire))).count()
    };
    let free_outputs = output(|status| matches!(status, Status::Free { .. }));
    let determined_outputs = output(|status| status == Status::Determined);
    let undecided_outputs = output(|status| status == Status::NotDecided);
    let describe = |&(wire, pair): &(Wire, usize)| -> Value {
        let values = &report.pairs[pair];
        let value = |values: &[Fr]| to_decimal(values[wire as usize]);
        json!({
            "wire": wire,
            "name": system.name(wire),
            "output": system.is_output(wire),
            "rows": system.rows_of(wire),
            "pair": pair,
            "values": [value(&values.first), value(&values.second)],
        })
    };
    let structure: Vec<String> =
        report.structure.iter().map(|finding| finding.sentence(system)).collect();
    let undecided_names: Vec<&str> = (0..system.wires() as Wire)
        .filter(|&wire| report.status(wire) == Status::NotDecided)
        .map(|wire| system.name(wire))
        .collect();
    let json = json!({
        "constraints": system.rows().len(),
        "wires": system.wires(),
        "inputs": inputs,
        "dropped_inputs": declared.saturating_sub(inputs),
        "determined": determined,
        "free": free.len(),
        "not_decided": undecided,
        "determined_outputs": determined_outputs,
        "free_outputs": free_outputs,
        "undecided_outputs": undecided_outputs,
        "every_wire_is_determined": report.is_determined(),
        "steps": report.determination.steps.len(),
        "seconds": took.as_secs_f64(),
        "findings": free.iter().map(describe).collect::<Vec<_>>(),
        "undecided": undecided_names,
        "structure": structure,
        "not_checked": uses.not_checked,
        "for_the_caller": uses.callers,
        "uses_not_decided": uses.not_shown,
        "uses": uses.sentences,
    });
    let mut text = format!(
        "{} constraints, {} wires, of which {inputs} are inputs ({:.1} s)\n\
         outputs: {determined_outputs} follow from the inputs, {free_outputs} are free, \
         {undecided_outputs} are not decided\n\
         all wires: {determined} follow from the inputs, {} are free, {undecided} are not decided\n",
        system.rows().len(),
        system.wires(),
        took.as_secs_f64(),
        free.len(),
    );
    if declared > inputs {
        text += &format!(
            "{} inputs were dropped when the circuit was compiled: what is free may depend on them; compile it \
             with circom --O0\n",
            declared - inputs
        );
    }
    for (wire, pair) in free.iter().take(NAMED_MAX) {
        let kind = if system.is_output(*wire) { "the output " } else { "" };
        let values = &report.pairs[*pair];
        let value = |values: &[Fr]| to_decimal(values[*wire as usize]);
        text += &format!(
            "free: {kind}{} may be {} or {} with the same inputs; it stands in rows {:?}\n",
            system.name(*wire),
            value(&values.first),
            value(&values.second),
            system.rows_of(*wire)
        );
    }
    if free.len() > NAMED_MAX {
        text += &format!("and {} more\n", free.len() - NAMED_MAX);
    }
    for name in undecided_names.iter().take(NAMED_MAX) {
        text += &format!("not decided: {name}\n");
    }
    if undecided_names.len() > NAMED_MAX {
        text += &format!("and {} more\n", undecided_names.len() - NAMED_MAX);
    }
    for sentence in structure.iter().chain(uses.sentences.iter().take(NAMED_MAX)) {
        text += &format!("{sentence}\n");
    }
    if uses.sentences.len() > NAMED_MAX {
        text += &format!("and {} more\n", uses.sentences.len() - NAMED_MAX);
    }
    let nothing_is_computed = determined + free.len() + undecided == 0;
    if nothing_is_computed {
        text += "every wire is an input: there was nothing to audit\n";
        Outcome::no(json, text)
    } else if report.is_determined() && uses.not_checked == 0 {
        text += "every wire follows from the inputs: each step of the derivation was checked\n";
        Outcome::done(json, text)
    } else {
        Outcome::no(json, text)
    }
}
