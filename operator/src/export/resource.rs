//! The export's Job. Pure.

use serde_json::{Value, json};

use crate::grants::AUDIENCE;
use crate::work::pod::{For, PROGRAM, container_security};

/// What the Job needs to be told.
#[derive(Debug, Clone)]
pub(super) struct Settings<'a> {
    pub(super) image: &'a str,
    pub(super) flavour: &'a str,
    /// The server's folder on its volume.
    pub(super) home: &'a str,
    pub(super) grants_url: &'a str,
    /// The grants endpoint's certificate, PEM; public.
    pub(super) grants_certificate: &'a str,
    pub(super) limit_seconds: u64,
    /// Whether the ConfigMap `trust` stands in for the system's certificates.
    pub(super) trust_bundle: bool,
}

/// The Job that copies. It needs no software of the flavour, no right in the API and no key.
pub(super) fn job(work: &For, settings: &Settings) -> Value {
    let mut mounts = vec![
        json!({ "name": "data", "mountPath": "/data", "readOnly": true }),
        json!({ "name": "grants", "mountPath": "/var/run/secrets/steppe-grants", "readOnly": true }),
    ];
    let mut volumes = vec![
        json!({ "name": "data", "persistentVolumeClaim": { "claimName": "data" } }),
        json!({ "name": "grants", "projected": { "sources": [
            { "serviceAccountToken": { "audience": AUDIENCE, "expirationSeconds": 600, "path": "token" } },
        ] } }),
    ];
    if settings.trust_bundle {
        mounts.push(json!({
            "name": "trust", "mountPath": "/etc/ssl/certs/ca-certificates.crt", "subPath": "ca-certificates.crt", "readOnly": true,
        }));
        volumes.push(json!({ "name": "trust", "configMap": { "name": "trust" } }));
    }
    let container = json!({
        "name": "export",
        "image": settings.image,
        "command": [
            PROGRAM, "job", "export",
            "--export-uid", work.work_uid,
            "--flavour", settings.flavour,
            "--data", settings.home,
            "--grants", settings.grants_url,
        ],
        "env": [{ "name": "STEPPE_GRANTS_CA", "value": settings.grants_certificate }],
        "securityContext": container_security(),
        "resources": {
            "requests": { "cpu": "50m", "memory": "64Mi" },
            "limits": { "cpu": "1", "memory": "256Mi" },
        },
        "volumeMounts": mounts,
    });
    work.job(settings.limit_seconds, json!({ "containers": [container], "volumes": volumes }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_job_as_text() {
        let work = For {
            instance: "birds",
            instance_uid: "instance-uid",
            kind: "Export",
            work: "birds-nightly-20260102",
            work_uid: "export-uid",
            role: "export",
            attempt: 2,
        };
        let settings = Settings {
            image: "registry.example/steppe-operator@sha256:0",
            flavour: "snac",
            home: "/data/d",
            grants_url: "https://steppe-operator-grants.steppe-system.svc:8443",
            grants_certificate: "PEM",
            limit_seconds: 7200,
            trust_bundle: true,
        };
        let job = job(&work, &settings);
        let typed: k8s_openapi::api::batch::v1::Job = serde_json::from_value(job.clone()).unwrap();
        assert_eq!(serde_json::to_value(typed).unwrap(), job, "a field that the API does not know");
        insta::assert_snapshot!(serde_saphyr::to_string(&job).unwrap());
    }
}
