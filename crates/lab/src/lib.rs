//! The ground Steppe is tried on: a real Kubernetes on one bare Linux machine, its light sibling for most tests,
//! and the services a cell needs around it. Used by demo, tests and benchmarks; never part of the product.

pub mod browser;
pub mod cache;
mod child;
pub mod claim;
pub mod client;
pub mod control;
pub mod debian;
pub mod demo;
pub mod dns;
pub mod download;
pub mod fault;
pub mod images;
pub mod ingress;
pub mod install;
pub mod journey;
pub mod kubectl;
pub mod light;
pub mod mailpit;
pub mod node;
pub mod objects;
pub mod policy;
pub mod postgres;
pub mod preflight;
pub mod process;
mod python;
pub mod queries;
pub mod registry;
pub mod report;
pub mod restore;
pub mod schemathesis;
pub mod storage;
pub mod store;
pub mod tools;
pub mod wait;
pub mod watchers;
