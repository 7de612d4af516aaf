//! The fault proxy: stands between an operator and a real API server, notes everything, and does what a plan says:
//! drops a request before it is forwarded or its answer after it took effect, answers in the server's stead, cuts,
//! refuses or freezes watches, and ends the operator in that very moment.
//!
//! ```no_run
//! # async fn example(light: &'static lab::light::Light, token: String) -> anyhow::Result<()> {
//! use lab::fault::{Action, Mask, Match, On, Plan, Proxy};
//! let plan = Plan::one("lose the third write's answer", On::Request(Match::write(3)), Action::DropAfterCommit);
//! let proxy = Proxy::start(light, plan, Mask::default()).await?;
//! let client = kube::Client::try_from(proxy.config(light, &token).await?)?; // tokens only, no client certificates
//! // … run something with the client …
//! println!("{:?}\n{}", proxy.log().counts(), proxy.log().ndjson());
//! let rights = lab::fault::rbac::used(proxy.log()); // compare with `rbac::diff`
//! # let _ = (client, rights); Ok(()) }
//! ```
//!
//! [`Exec`] makes a whole harness of it: a [`Scenario`] is run clean to learn its writes, then once for each write and
//! each way to fail, and every end is compared with the clean one.

mod call;
mod clean;
mod drama;
mod engine;
mod exec;
mod life;
mod log;
mod mask;
mod objects;
mod plan;
mod plans;
mod proxy;
pub mod rbac;
mod relay;
mod report;
mod scenario;
mod stream;

pub use call::Call;
pub use clean::Clean;
pub use exec::Exec;
pub use life::Program;
pub use log::{Effects, Frame, Log, Record};
pub use mask::Mask;
pub use objects::{Kind, Objects};
pub use plan::{Action, Fault, Match, On, Plan, Until};
pub use plans::{Moment, THEFT, WriteKey, spread};
pub use proxy::{Horizon, Mischief, Proxy};
pub use report::{Failure, Report};
pub use scenario::{LABEL, Run, Scenario};
