//! The praman program.

pub mod calendar;
pub mod register;
pub mod schema;
pub mod scheme;
