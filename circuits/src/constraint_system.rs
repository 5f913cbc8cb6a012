//! Rank-1 constraints and the assignment of their wires, from one description.
//!
//! A statement is written once, against [`ConstraintSystem`]. Run in *compile* mode it records the
//! sparse matrices, the names of the wires and how many rows each clause took; run in *assign* mode
//! it only computes the value of every wire and records nothing, so that making a witness costs
//! about as much as evaluating the statement natively. Both modes run the same code, so the wires
//! of an assignment always lie where the matrices expect them.
//!
//! A row is `⟨A, z⟩ · ⟨B, z⟩ = ⟨C, z⟩` over the assignment `z = (1, public…, private…)`.

use std::ops::{Add, Neg, Sub};

use ark_bn254::Fr;
use ark_ff::{Field, One, Zero};

use crate::linear_combination::LinearCombination;
use crate::memory_lock::MemoryLock;

/// The position of a wire in the assignment; wire 0 is the constant one.
pub type WireIndex = u32;

/// An expression over the wires: its value, and in compile mode its linear form.
#[derive(Clone)]
pub struct Num {
    value: Fr,
    form: LinearCombination,
    is_constant: bool,
}

impl Num {
    /// The constant `value`; makes no wire and no row.
    pub fn constant(cs: &ConstraintSystem, value: Fr) -> Self {
        let form = if cs.is_compiling() {
            LinearCombination::term(0, value)
        } else {
            LinearCombination::zero()
        };
        Self { value, form, is_constant: true }
    }

    /// Zero; makes no wire and no row.
    pub fn zero() -> Self {
        Self { value: Fr::zero(), form: LinearCombination::zero(), is_constant: true }
    }

    /// What the expression evaluates to under the current assignment.
    pub fn value(&self) -> Fr {
        self.value
    }

    /// Whether the expression was built from constants alone; the same in both modes.
    pub fn is_constant(&self) -> bool {
        self.is_constant
    }

    /// This expression times a constant; makes no row.
    pub fn scale(&self, factor: Fr) -> Self {
        Self {
            value: self.value * factor,
            form: self.form.scale(factor),
            is_constant: self.is_constant,
        }
    }

    /// `self += other * factor`, in place; makes no row.
    pub fn add_scaled(&mut self, other: &Self, factor: Fr) {
        self.value += other.value * factor;
        self.form.add_scaled(&other.form, factor);
        self.is_constant &= other.is_constant;
    }
}

impl Add for &Num {
    type Output = Num;

    fn add(self, other: &Num) -> Num {
        let mut sum = self.clone();
        sum.add_scaled(other, Fr::one());
        sum
    }
}

impl Sub for &Num {
    type Output = Num;

    fn sub(self, other: &Num) -> Num {
        let mut difference = self.clone();
        difference.add_scaled(other, -Fr::one());
        difference
    }
}

impl Neg for &Num {
    type Output = Num;

    fn neg(self) -> Num {
        self.scale(-Fr::one())
    }
}

/// An expression that a constraint holds to 0 or 1.
///
/// Made only by [`ConstraintSystem::boolean`] and by logic on other bits, so holding one *is* the
/// proof that it was constrained.
#[derive(Clone)]
pub struct Bit(Num);

impl Bit {
    /// The bit as a number.
    pub fn num(&self) -> &Num {
        &self.0
    }

    /// Takes `num` for a bit where other constraints already hold it to 0 or 1.
    pub(crate) fn assume(num: Num) -> Self {
        Self(num)
    }

    /// Whether the bit is set under the current assignment.
    pub fn is_set(&self) -> bool {
        self.0.value.is_one()
    }
}

/// One constraint: `a · b = c`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Left factor.
    pub a: LinearCombination,
    /// Right factor.
    pub b: LinearCombination,
    /// Product.
    pub c: LinearCombination,
}

/// How many rows one clause of the statement took.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ClauseCount {
    /// The clause's number and name, for example `E3 live in the office tree`.
    pub clause: String,
    /// Its rows.
    pub rows: usize,
}

impl ClauseCount {
    /// The clause that a row belongs to, among clauses in the order of their rows; none for a row that
    /// was enforced outside of clauses.
    pub fn of_row(clauses: &[Self], row: usize) -> Option<&str> {
        let mut end = 0;
        let found = clauses.iter().find(|clause| {
            end += clause.rows;
            row < end
        });
        found.map(|found| found.clause.as_str())
    }
}

/// What compile mode records.
#[derive(Default)]
struct Record {
    rows: Vec<Row>,
    names: Vec<String>,
    clauses: Vec<ClauseCount>,
    private_count: usize,
    path: Vec<String>,
}

/// What a compiling system has recorded.
pub(crate) struct Recorded {
    pub(crate) rows: Vec<Row>,
    /// The wires' names, in order.
    pub(crate) names: Vec<String>,
    /// Rows by clause.
    pub(crate) clauses: Vec<ClauseCount>,
    pub(crate) public_inputs: usize,
    pub(crate) private_inputs: usize,
}

/// Collects rows (compile mode) and values (both modes).
pub struct ConstraintSystem {
    _lock: MemoryLock,
    values: Vec<Fr>,
    public_count: usize,
    record: Option<Record>,
}

impl ConstraintSystem {
    /// A system that records rows and names as well as values.
    pub fn compiling() -> Self {
        let record = Record { names: vec!["one".to_owned()], ..Record::default() };
        let _lock = MemoryLock::default();
        Self { _lock, values: vec![Fr::one()], public_count: 0, record: Some(record) }
    }

    /// A system that computes values only; `wires` is the expected number of wires.
    pub fn assigning(wires: usize) -> Self {
        let mut values = Vec::with_capacity(wires);
        values.push(Fr::one());
        Self { _lock: MemoryLock::new(&values), values, public_count: 0, record: None }
    }

    /// Whether rows are recorded.
    pub fn is_compiling(&self) -> bool {
        self.record.is_some()
    }

    fn allocate(&mut self, name: &str, value: Fr) -> Num {
        let index = self.values.len() as WireIndex;
        self.values.push(value);
        let form = match &mut self.record {
            Some(record) => {
                let mut path = record.path.join(".");
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
                record.names.push(path);
                LinearCombination::term(index, Fr::one())
            }
            None => LinearCombination::zero(),
        };
        Num { value, form, is_constant: false }
    }

    /// A public input. All public inputs are made before the first private wire.
    pub fn public(&mut self, name: &str, value: Fr) -> Num {
        assert_eq!(
            self.public_count + 1,
            self.values.len(),
            "public inputs come before private wires"
        );
        self.public_count += 1;
        self.allocate(name, value)
    }

    /// Public inputs by their names, in order.
    pub(crate) fn publics<const N: usize>(
        &mut self,
        names: [&str; N],
        values: &[Fr; N],
    ) -> [Num; N] {
        std::array::from_fn(|place| self.public(names[place], values[place]))
    }

    /// A private input. A circuit makes all of them before any other private wire.
    pub fn private(&mut self, name: &str, value: Fr) -> Num {
        if let Some(record) = &mut self.record {
            record.private_count += 1;
        }
        self.allocate(name, value)
    }

    /// A wire that whoever makes the witness computes; makes no row, so the caller must hold it to what it is to be.
    pub fn hint(&mut self, name: &str, value: Fr) -> Num {
        self.allocate(name, value)
    }

    /// Adds the row `a · b = c`.
    pub fn enforce(&mut self, a: &Num, b: &Num, c: &Num) {
        if let Some(record) = &mut self.record {
            record.rows.push(Row { a: a.form.clone(), b: b.form.clone(), c: c.form.clone() });
            if let Some(clause) = record.clauses.last_mut() {
                clause.rows += 1;
            }
        }
    }

    /// Adds the row `(a - b) · 1 = 0`.
    pub fn enforce_equal(&mut self, a: &Num, b: &Num) {
        let one = Num::constant(self, Fr::one());
        self.enforce(&(a - b), &one, &Num::zero());
    }

    /// A new wire held to `a · b` by one row.
    pub fn product(&mut self, name: &str, a: &Num, b: &Num) -> Num {
        let product = self.allocate(name, a.value * b.value);
        self.enforce(a, b, &product);
        product
    }

    /// `x⁵` by three rows; of a constant, by none.
    ///
    /// An expression is constant here when *every* run of the statement builds it from constants
    /// alone, which compile and assign mode must agree on: see [`Num::is_constant`].
    pub fn fifth_power(&mut self, x: &Num) -> Num {
        if x.is_constant {
            return Num::constant(self, x.value * x.value.square().square());
        }
        let square = self.product("x2", x, x);
        let fourth = self.product("x4", &square, &square);
        self.product("x5", &fourth, x)
    }

    /// Holds `num` to 0 or 1 by one row, `num · (num - 1) = 0`.
    pub fn boolean(&mut self, num: Num) -> Bit {
        let one = Num::constant(self, Fr::one());
        self.enforce(&num, &(&num - &one), &Num::zero());
        Bit(num)
    }

    /// Runs `body` as a numbered clause of the statement: its rows are counted under `clause`.
    pub fn clause<T>(&mut self, clause: &str, body: impl FnOnce(&mut Self) -> T) -> T {
        if let Some(record) = &mut self.record {
            record.clauses.push(ClauseCount { clause: clause.to_owned(), rows: 0 });
        }
        let scope = clause.split(' ').next().unwrap_or(clause);
        self.scope(scope, body)
    }

    /// Runs `body` with `name` in front of the names of its wires.
    pub fn scope<T>(&mut self, name: &str, body: impl FnOnce(&mut Self) -> T) -> T {
        if let Some(record) = &mut self.record {
            record.path.push(name.to_owned());
        }
        let result = body(self);
        if let Some(record) = &mut self.record {
            record.path.pop();
        }
        result
    }

    /// Like [`Self::scope`] with an index after the name; the name is only built when recorded.
    pub fn indexed_scope<T>(
        &mut self,
        name: &str,
        index: usize,
        body: impl FnOnce(&mut Self) -> T,
    ) -> T {
        if self.is_compiling() { self.scope(&format!("{name}{index}"), body) } else { body(self) }
    }

    /// The values of all wires, consuming the system.
    pub fn into_assignment(self) -> Vec<Fr> {
        self.values
    }

    /// The recorded parts.
    ///
    /// # Panics
    /// In assign mode, where nothing was recorded.
    pub(crate) fn into_recorded(self) -> Recorded {
        let Record { rows, names, clauses, private_count, .. } =
            self.record.expect("only a compiling system is asked for its record");
        Recorded {
            rows,
            names,
            clauses,
            public_inputs: self.public_count,
            private_inputs: private_count,
        }
    }
}
