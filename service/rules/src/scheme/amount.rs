//! What a tier pays.

use praman_circuits::attributes::Slot;

use super::SchemeError;
use super::document::Node;
use super::rule::number;
use crate::schema::{FieldDefinition, Kind, Schema};

/// An amount: flat, or a rate for each unit of a slot between a floor and a cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) rate: u32,
    pub(super) slot: Slot,
    pub(super) floor: u32,
    pub(super) cap: u32,
}

/// Parses `amount = 1000`, or `amount = { rate = 10000, per = "land_acres", floor = 4000, cap = 10000 }`.
pub(super) fn parse(node: &Node, schema: &Schema) -> Result<Amount, SchemeError> {
    let rupees = FieldDefinition { name: "rupees", slot: first_slot(), kind: Kind::Whole };
    let money = |node: &Node| number(&rupees, node, &node.word()?);
    if !node.is_table() {
        let flat = money(node)?;
        return Ok(Amount { rate: 0, slot: first_slot(), floor: flat, cap: flat });
    }
    let table = node.table()?;
    table.allow(&["rate", "per", "floor", "cap"])?;
    let per = table.require("per")?;
    let field = schema.field(per.text()?).ok_or_else(|| {
        per.fault(format!("{:?} is no field of schema {}", per.text().unwrap_or(""), schema.name))
    })?;
    let rate_node = table.require("rate")?;
    let rate = money(rate_node)?;
    let rate = match field.kind {
        Kind::Whole => rate,
        // The slot counts hundredths: the rate must be whole for one of them.
        Kind::Hundredths if rate % 100 == 0 => rate / 100,
        Kind::Hundredths => {
            let reason = format!("a rate per unit of {} must be a multiple of 100", field.name);
            return Err(rate_node.fault(reason));
        }
        Kind::Age | Kind::Children | Kind::Code(_) => {
            return Err(per.fault(format!("{} can't be multiplied", field.name)));
        }
    };
    if rate == 0 {
        return Err(rate_node.fault("a rate of 0 pays the same to all: give the amount itself"));
    }
    let floor = table.get("floor").map_or(Ok(0), money)?;
    let cap_node = table.require("cap")?;
    let cap = money(cap_node)?;
    if floor > cap {
        return Err(cap_node.fault("the cap lies below the floor"));
    }
    Ok(Amount { rate, slot: field.slot, floor, cap })
}

fn first_slot() -> Slot {
    Slot::new(0).expect("a credential has slots")
}
