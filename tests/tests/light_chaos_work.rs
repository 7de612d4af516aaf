//! Work on a server under chaos: see [`e2e::chaos`].

use anyhow::Result;
use e2e::chaos::account::Account;
use e2e::chaos::export::Export;
use e2e::chaos::go;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_copied_whatever_happens() -> Result<()> {
    go(Export, "a_server_is_copied_whatever_happens").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_are_changed_whatever_happens() -> Result<()> {
    go(Account, "accounts_are_changed_whatever_happens").await
}
