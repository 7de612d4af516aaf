//! The life of a server under chaos: see [`e2e::chaos`].

use anyhow::Result;
use e2e::chaos::close::Close;
use e2e::chaos::create::Create;
use e2e::chaos::freeze::Freeze;
use e2e::chaos::go;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_gets_ready_whatever_happens() -> Result<()> {
    go(Create, "a_server_gets_ready_whatever_happens").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_freezes_and_thaws_whatever_happens() -> Result<()> {
    go(Freeze, "a_server_freezes_and_thaws_whatever_happens").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_closed_whatever_happens() -> Result<()> {
    go(Close, "a_server_is_closed_whatever_happens").await
}
