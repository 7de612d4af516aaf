//! An operator that runs inside this process and can be killed: each life is a thread with a runtime of its own, and
//! with the runtime goes everything the operator ever spawned.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use futures::future::{BoxFuture, select_all};
use tokio::sync::{oneshot, watch};
use tokio::task::AbortHandle;

use super::proxy::Proxy;

/// An operator: given the configuration of its client, it runs until it fails or is killed.
pub type Program = Arc<dyn Fn(kube::Config) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// Pause before an operator that ended by itself is started again.
const AGAIN: Duration = Duration::from_millis(100);

/// How a life ended.
#[derive(Clone, Debug, Eq, PartialEq)]
enum End {
    Killed,
    Returned(String),
    Panicked(String),
}

struct Life {
    kill: Option<oneshot::Sender<()>>,
    end: oneshot::Receiver<End>,
}

impl Life {
    fn begin(program: Program, config: kube::Config) -> Result<Self> {
        let (kill, killed) = oneshot::channel::<()>();
        let (tell, end) = oneshot::channel();
        let live = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let end = match runtime {
                Err(error) => End::Returned(format!("no runtime: {error}")),
                Ok(runtime) => {
                    let work = async {
                        tokio::select! {
                            // Also when the sender is dropped.
                            _ = killed => End::Killed,
                            end = program(config) => End::Returned(match end {
                                Ok(()) => "ended".into(),
                                Err(error) => format!("{error:#}"),
                            }),
                        }
                    };
                    let end = catch_unwind(AssertUnwindSafe(|| runtime.block_on(work)));
                    runtime.shutdown_background();
                    end.unwrap_or_else(|panic| End::Panicked(words(&*panic)))
                }
            };
            let _ = tell.send(end);
        };
        std::thread::Builder::new().name("operator".into()).spawn(live).context("no thread for the operator")?;
        Ok(Self { kill: Some(kill), end })
    }

    /// Waits until it ends by itself.
    async fn ended(&mut self) -> End {
        (&mut self.end).await.unwrap_or_else(|_| End::Panicked("the operator's thread is gone".into()))
    }

    /// Ends it now and returns when nothing of it runs any more.
    async fn kill(mut self) {
        drop(self.kill.take());
        let _ = self.end.await;
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}

/// Keeps an operator alive: starts it, kills it with the proxy, starts it again.
pub(super) struct Keeper {
    state: Arc<State>,
    task: AbortHandle,
}

#[derive(Default)]
struct State {
    /// Whether the operator runs, by the proxy's count of its lives.
    alive: watch::Sender<Option<u32>>,
    /// What it said when it ended by itself.
    ends: Mutex<Vec<String>>,
    panics: Mutex<Vec<String>>,
}

impl Keeper {
    /// Starts `copies` of the program, and again whenever they end.
    pub fn start(program: Program, config: kube::Config, proxy: Arc<Proxy>, copies: u32) -> Self {
        let state = Arc::<State>::default();
        let task = tokio::spawn(keep(program, config, proxy, copies.max(1), state.clone())).abort_handle();
        Self { state, task }
    }

    /// Which life of the operator runs now.
    pub fn alive(&self) -> Option<u32> {
        *self.state.alive.borrow()
    }

    /// What the operator said when it ended by itself.
    pub fn ends(&self) -> Vec<String> {
        self.state.ends.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the operator said when it panicked.
    pub fn panics(&self) -> Vec<String> {
        self.state.panics.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // The lives end with the task that holds them.
        self.task.abort();
    }
}

async fn keep(program: Program, config: kube::Config, proxy: Arc<Proxy>, copies: u32, state: Arc<State>) {
    loop {
        let lives = (0..copies).map(|_| Life::begin(program.clone(), config.clone())).collect::<Result<Vec<_>>>();
        let mut lives = match lives {
            Ok(lives) => lives,
            Err(error) => return note(&state.panics, format!("{error:#}")),
        };
        state.alive.send_replace(Some(proxy.incarnation()));
        let by_itself = loop {
            let (end, index) = tokio::select! {
                biased;
                () = proxy.killed() => break false,
                (end, index, _) = select_all(lives.iter_mut().map(|life| Box::pin(life.ended()))) => (end, index),
            };
            match end {
                End::Killed => {}
                End::Returned(words) => note(&state.ends, words),
                End::Panicked(words) => note(&state.panics, words),
            }
            if lives.len() == 1 {
                break true;
            }
            // One of several: the others go on, and it begins anew.
            tokio::time::sleep(AGAIN).await;
            match Life::begin(program.clone(), config.clone()) {
                Ok(life) => lives[index] = life,
                Err(error) => return note(&state.panics, format!("{error:#}")),
            }
        };
        state.alive.send_replace(None);
        proxy.kill();
        for life in lives {
            life.kill().await;
        }
        if by_itself {
            tokio::time::sleep(AGAIN).await;
        }
        proxy.revive().await;
    }
}

fn note(list: &Mutex<Vec<String>>, words: String) {
    list.lock().unwrap_or_else(PoisonError::into_inner).push(words);
}
