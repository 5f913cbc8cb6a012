//! The scalars of a proof's sums.

use ark_ff::BigInt;

/// The wires', the blinding's behind them, and the quotient's behind that.
#[derive(Clone, Copy)]
pub(crate) struct Scalars<'a> {
    pub(crate) wires: &'a [BigInt<4>],
    pub(crate) blinding: &'a BigInt<4>,
    pub(crate) quotient: &'a [BigInt<4>],
}

impl<'a> Scalars<'a> {
    /// The scalar of a number.
    #[inline(always)]
    pub(crate) fn get(self, number: u32) -> &'a BigInt<4> {
        let number = number as usize;
        match number.checked_sub(self.wires.len()) {
            None => &self.wires[number],
            Some(0) => self.blinding,
            Some(behind) => &self.quotient[behind - 1],
        }
    }
}
