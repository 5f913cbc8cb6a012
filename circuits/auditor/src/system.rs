//! A rank-1 constraint system as an auditor sees it: rows over wires, and which wires are inputs.

use ark_bn254::Fr;
use ark_ff::{Field, One, Zero};
use praman_circuits::circuit::Circuit;
use praman_circuits::constraint_system;
use praman_circuits::linear_combination::LinearCombination;

/// A wire's place; wire 0 is the constant one.
pub type Wire = u32;

/// A sum of `coefficient · wire`, ascending by wire, without zero coefficients.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Form(Vec<(Wire, Fr)>);

impl Form {
    /// Makes a form of terms in any order; a wire may come more than once.
    pub fn new(terms: impl IntoIterator<Item = (Wire, Fr)>) -> Self {
        let mut terms: Vec<(Wire, Fr)> = terms.into_iter().collect();
        terms.sort_by_key(|term| term.0);
        let mut merged: Vec<(Wire, Fr)> = Vec::with_capacity(terms.len());
        for (wire, coefficient) in terms {
            match merged.last_mut() {
                Some(last) if last.0 == wire => last.1 += coefficient,
                _ => merged.push((wire, coefficient)),
            }
        }
        merged.retain(|term| !term.1.is_zero());
        Self(merged)
    }

    /// The terms, ascending by wire.
    pub fn terms(&self) -> &[(Wire, Fr)] {
        &self.0
    }

    /// The coefficient of a wire, zero if it does not stand in the form.
    pub fn coefficient(&self, wire: Wire) -> Fr {
        let place = self.0.binary_search_by_key(&wire, |term| term.0);
        place.map_or(Fr::zero(), |place| self.0[place].1)
    }

    /// The form's value if it has no wire but the constant one.
    pub fn constant(&self) -> Option<Fr> {
        match self.0.as_slice() {
            [] => Some(Fr::zero()),
            [(0, value)] => Some(*value),
            _ => None,
        }
    }

    /// `self · factor + other · other_factor`.
    pub fn combined(&self, factor: Fr, other: &Self, other_factor: Fr) -> Self {
        let ours = self.0.iter().map(|&(wire, coefficient)| (wire, coefficient * factor));
        let theirs = other.0.iter().map(|&(wire, coefficient)| (wire, coefficient * other_factor));
        Self::new(ours.chain(theirs))
    }

    /// The form with its first coefficient scaled to one: two forms that are multiples of each other have one. None
    /// for zero.
    pub fn normalized(&self) -> Option<Self> {
        let inverse = self.0.first()?.1.inverse()?;
        Some(Self(
            self.0.iter().map(|&(wire, coefficient)| (wire, coefficient * inverse)).collect(),
        ))
    }

    /// The form with the coefficient of its first wire but the constant one scaled to one: forms that differ by a constant,
    /// up to a factor, have that constant between them. None if it has no wire.
    pub fn by_first_wire(&self) -> Option<Self> {
        let first = self.0.iter().find(|term| term.0 != 0)?;
        let inverse = first.1.inverse()?;
        Some(self.combined(inverse, &Self::default(), Fr::ONE))
    }

    /// The value under an assignment of all wires.
    pub fn evaluate(&self, values: &[Fr]) -> Fr {
        self.0
            .iter()
            .fold(Fr::zero(), |sum, &(wire, coefficient)| sum + values[wire as usize] * coefficient)
    }
}

/// One constraint: `a · b = c`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    /// Left factor.
    pub a: Form,
    /// Right factor.
    pub b: Form,
    /// Product.
    pub c: Form,
}

impl Row {
    /// The row `form = 0`.
    pub fn zero(form: Form) -> Self {
        Self { a: form, b: Form::new([(0, Fr::one())]), c: Form::default() }
    }

    /// Whether an assignment satisfies the row.
    pub fn holds(&self, values: &[Fr]) -> bool {
        self.a.evaluate(values) * self.b.evaluate(values) == self.c.evaluate(values)
    }

    /// The wires of the row, each once, ascending.
    pub fn wires(&self) -> Vec<Wire> {
        let forms = [&self.a, &self.b, &self.c];
        let mut wires: Vec<Wire> =
            forms.iter().flat_map(|form| form.terms()).map(|term| term.0).collect();
        wires.sort_unstable();
        wires.dedup();
        wires
    }

    /// The form that the row holds at zero, if one of its factors is a constant.
    pub fn linear(&self) -> Option<Form> {
        match (self.a.constant(), self.b.constant()) {
            (Some(factor), _) => Some(self.b.combined(factor, &self.c, -Fr::one())),
            (_, Some(factor)) => Some(self.a.combined(factor, &self.c, -Fr::one())),
            _ => None,
        }
    }
}

/// Why rows and wires are no system.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SystemFault {
    /// A row names a wire beyond the last.
    #[error("row {row} names wire {wire} of {wires}")]
    NoSuchWire {
        /// The row.
        row: usize,
        /// The wire.
        wire: Wire,
        /// How many there are.
        wires: usize,
    },
    /// The lists of inputs, outputs and names are of other lengths than there are wires.
    #[error("inputs, outputs and names must be given for each of the {0} wires")]
    Lengths(usize),
}

/// A constraint system.
#[derive(Clone, Debug)]
pub struct System {
    rows: Vec<Row>,
    rows_of: Vec<Vec<u32>>,
    inputs: Vec<bool>,
    outputs: Vec<bool>,
    names: Vec<String>,
}

impl System {
    /// Makes a system of its rows; for each wire whether it is an input, whether it is an output, and its name. Wire 0
    /// counts as an input.
    ///
    /// # Errors
    /// [`SystemFault`].
    pub fn new(
        rows: Vec<Row>,
        mut inputs: Vec<bool>,
        outputs: Vec<bool>,
        names: Vec<String>,
    ) -> Result<Self, SystemFault> {
        let wires = inputs.len();
        if wires == 0 || outputs.len() != wires || names.len() != wires {
            return Err(SystemFault::Lengths(wires));
        }
        inputs[0] = true;
        let mut rows_of = vec![Vec::new(); wires];
        for (number, row) in rows.iter().enumerate() {
            for wire in row.wires() {
                let rows = rows_of.get_mut(wire as usize);
                let fault = SystemFault::NoSuchWire { row: number, wire, wires };
                rows.ok_or(fault)?.push(number as u32);
            }
        }
        Ok(Self { rows, rows_of, inputs, outputs, names })
    }

    /// One of our circuits: the public inputs that it computes are its outputs.
    pub fn of_circuit(circuit: &Circuit) -> Self {
        let form = |form: &LinearCombination| Form::new(form.terms().iter().copied());
        let row = |row: &constraint_system::Row| Row {
            a: form(&row.a),
            b: form(&row.b),
            c: form(&row.c),
        };
        let given = circuit.public_inputs() + circuit.private_inputs();
        let wires = 0..circuit.wires();
        Self::new(
            circuit.rows().iter().map(row).collect(),
            wires.clone().map(|wire| wire <= given && !circuit.is_computed(wire)).collect(),
            wires.map(|wire| circuit.is_computed(wire)).collect(),
            circuit.wire_names().to_vec(),
        )
        .expect("a circuit's rows name its own wires")
    }

    /// The same wires with other rows.
    ///
    /// # Errors
    /// [`SystemFault::NoSuchWire`].
    pub fn with_rows(&self, rows: Vec<Row>) -> Result<Self, SystemFault> {
        Self::new(rows, self.inputs.clone(), self.outputs.clone(), self.names.clone())
    }

    /// The rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// How many wires there are, with the constant one.
    pub fn wires(&self) -> usize {
        self.inputs.len()
    }

    /// The rows in which a wire stands.
    pub fn rows_of(&self, wire: Wire) -> &[u32] {
        &self.rows_of[wire as usize]
    }

    /// Whether a wire is an input, which the maker of a witness chooses.
    pub fn is_input(&self, wire: Wire) -> bool {
        self.inputs[wire as usize]
    }

    /// Whether a wire is an output.
    pub fn is_output(&self, wire: Wire) -> bool {
        self.outputs[wire as usize]
    }

    /// A wire's name.
    pub fn name(&self, wire: Wire) -> &str {
        &self.names[wire as usize]
    }

    /// The first row that an assignment of all wires does not satisfy.
    pub fn unsatisfied_row(&self, values: &[Fr]) -> Option<usize> {
        self.rows.iter().position(|row| !row.holds(values))
    }
}
