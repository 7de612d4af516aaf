//! Schema fragments for types of other crates.

use schemars::{Schema, SchemaGenerator, json_schema};

/// A point in time, RFC 3339, UTC.
pub(crate) fn time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "date-time" })
}

/// A point in time that may be missing.
pub(crate) fn maybe_time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "date-time", "nullable": true })
}

/// An age recipient (an X25519 public key, bech32 with prefix `age`); its checksum is verified by the operator.
pub(crate) fn recipient(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "nullable": true, "maxLength": 100, "pattern": "^age1[02-9ac-hj-np-z]{58}$" })
}

/// Conditions: one per type, merged by type.
pub(crate) fn conditions(generator: &mut SchemaGenerator) -> Schema {
    let item = generator.subschema_for::<crate::Condition>();
    json_schema!({
        "type": "array",
        "items": item,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
    })
}
