//! What the tests that need a ground share. The tests themselves are in `tests/tests`, one file a journey; the first
//! word of a file's name says which ground it needs: `db` (a database), `light` (an API server and doubles), `node` (real
//! pods) or `e2e` (real pods, a control plane and a browser).

pub mod brittle;
pub mod calls;
pub mod chaos;
pub mod chart;
pub mod control;
pub mod counter;
pub mod desk;
pub mod estate;
pub mod identity;
pub mod installed;
pub mod light;
pub mod node;
pub mod office;
pub mod page;
pub mod parcel;
pub mod pods;
pub mod program;
pub mod shore;
pub mod stage;
pub mod statements;
pub mod workshop;
pub mod yard;
