//! The API, as customers' programs call it: on a real database, with a cell, its store and a mail server in memory.
#![cfg(test)]

mod bad_input;
mod contract;
mod etags;
mod examples;
mod idempotency;
mod lists;
mod matrix;
mod orders;
mod organizations;
mod servers;
