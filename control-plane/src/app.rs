//! Use cases: each is one transaction that changes rows and writes down what follows from it. Nothing foreign is called here.

pub mod account;
pub mod login;
pub mod mail;
pub mod throttle;
