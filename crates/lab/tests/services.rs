//! What stands around Kubernetes on a ground, used by real pods. Needs root; the ground is called `services` and stays
//! up for the next program; `cargo xtask test` takes it away in the end, `steppe-lab cluster down --name services` by hand.

#![allow(clippy::unwrap_used)] // What helpers of a test find wrong fails the test.
#![allow(clippy::needless_pass_by_value)] // Calls read better with json! by value.

mod services {
    pub mod control_plane;
    pub mod ground;
    pub mod images;
    pub mod ingress;
    pub mod names;
    pub mod policies;
    pub mod stores;
}
