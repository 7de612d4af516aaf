//! What staff do, through their pages and their API: on a real database, with a cell, its store and a mail server in memory.
#![cfg(test)]

mod adopt;
mod api;
mod cells;
mod doctor;
mod holds;
mod login;
mod operations;
mod orders;
mod pages;
mod reports;
mod walk;
mod words;
