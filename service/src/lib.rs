//! The praman program.

pub mod calendar;
pub mod register;
