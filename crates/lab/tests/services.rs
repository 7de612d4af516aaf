//! What stands around Kubernetes on a ground, used by real pods. Needs root; the ground is called `services` and stays
//! up for the next run (`steppe-lab down --name services` takes it away).

mod services {
    pub mod ground;
    pub mod images;
    pub mod ingress;
    pub mod names;
    pub mod policies;
    pub mod stores;
}
