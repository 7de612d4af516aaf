//! People, organizations and tokens, through the pages' front door.
#![cfg(test)]

mod account;
mod buckets;
mod hostile;
mod invitations;
mod links;
mod organizations;
mod silence;
mod tokens;
mod work;
