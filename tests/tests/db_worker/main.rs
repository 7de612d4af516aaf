//! The back half of the control plane on a real database, with cells and mail in memory: what is asked for is carried out, once,
//! whatever is cut off.
#![cfg(test)]

mod cells;
mod expiry;
mod kills;
mod kinds;
mod mails;
mod queue;
