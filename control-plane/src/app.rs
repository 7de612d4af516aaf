//! Use cases: each is one transaction that changes rows and writes down what follows from it. Nothing foreign is called here.

pub mod account;
pub mod cell;
pub mod download;
pub mod export;
pub mod login;
pub mod mail;
pub mod offer;
pub mod operation;
pub mod order;
pub mod organization;
mod pace;
pub mod report;
pub mod server;
pub mod session;
pub mod staff;
pub mod tell;
pub mod throttle;
pub mod token;
