//! Has this package compiled anew when the tables change, or what PostgreSQL says of the queries: the macros read both,
//! and cargo does not know.

fn main() {
    println!("cargo::rerun-if-changed=../migrations");
    println!("cargo::rerun-if-changed=../.sqlx");
}
