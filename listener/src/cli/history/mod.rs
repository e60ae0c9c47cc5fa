//! `listener deliveries`, `records`, `refusals` and `replay`

pub mod deliveries;
mod filter;
pub mod records;
pub mod refusals;
pub mod replay;
mod shape;
