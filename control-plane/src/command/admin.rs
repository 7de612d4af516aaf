//! `steppe admin`: what is done by hand, once in a while.

pub mod adopt;
pub mod cells;
pub mod offers;
pub mod staff;
