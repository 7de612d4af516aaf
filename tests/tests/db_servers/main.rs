//! What customers do with servers, through the pages, as browsers do without script: on a real database, with a cell, its store
//! and a mail server in memory.
#![cfg(test)]

mod claim;
mod exports;
mod life;
mod live;
mod offers;
mod order;
mod roles;
mod users;
mod waitlist;
