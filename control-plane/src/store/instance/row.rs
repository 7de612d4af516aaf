//! Rows to servers.

use domain::closing::Closing;
use domain::id::InstanceId;
use jiff_sqlx::Timestamp as Stored;
use names::Revision;

use super::{Instance, Observed};
use crate::store::{Error, Result, word};

pub(super) const TABLE: &str = "instances";

#[derive(Debug)]
pub(super) struct Row {
    pub id: uuid::Uuid,
    pub organization_id: uuid::Uuid,
    pub cell_id: uuid::Uuid,
    pub offer_id: uuid::Uuid,
    pub order_id: Option<uuid::Uuid>,
    pub object_name: String,
    pub hostname: String,
    pub flavour: String,
    pub software_version: String,
    pub size: String,
    pub owner_handle: String,
    pub owner_email: String,
    pub title: Option<String>,
    pub description: Option<String>,
    pub contact_email: Option<String>,
    pub export_recipient: Option<String>,
    pub entitlement: String,
    pub closing_at: Option<Stored>,
    pub purge_after: Option<Stored>,
    pub purged_at: Option<Stored>,
    pub revision: i64,
    pub object_uid: Option<String>,
    pub observed_revision: Option<i64>,
    pub observed_mode: Option<String>,
    #[expect(dead_code, reason = "all columns are read; this one is compared by the database")]
    pub observed_digest: Option<Vec<u8>>,
    pub conditions: serde_json::Value,
    pub address: Option<String>,
    pub last_export_digest: Option<String>,
    pub last_export_at: Option<Stored>,
    pub ready_at: Option<Stored>,
    pub claim_key_sealed: Option<Vec<u8>>,
    pub claim_answer: Option<String>,
    pub created_at: Stored,
    pub version: i64,
}

impl Row {
    fn closing(&self, id: InstanceId) -> Result<Option<Closing>> {
        match (self.closing_at, self.purge_after) {
            (None, None) => Ok(None),
            (Some(at), Some(after)) => Ok(Some(Closing { at: at.to_jiff(), purge_after: after.to_jiff() })),
            (Some(_), None) | (None, Some(_)) => {
                Err(Error::corrupt(TABLE, id, "closing_at and purge_after go together"))
            }
        }
    }

    fn observed(&self, id: InstanceId) -> Result<Observed> {
        Ok(Observed {
            uid: self.object_uid.clone(),
            revision: self.observed_revision.map(Revision),
            mode: self.observed_mode.as_deref().map(|mode| word(TABLE, id, mode)).transpose()?,
            conditions: serde_json::from_value(self.conditions.clone())
                .map_err(|error| Error::corrupt(TABLE, id, error))?,
            address: self.address.clone(),
            last_export: self.last_export_digest.clone().zip(self.last_export_at.map(Stored::to_jiff)),
        })
    }
}

impl TryFrom<Row> for Instance {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let id = InstanceId::from(row.id);
        Ok(Self {
            closing: row.closing(id)?,
            observed: row.observed(id)?,
            id,
            organization: row.organization_id.into(),
            cell: row.cell_id.into(),
            offer: row.offer_id.into(),
            order: row.order_id.map(Into::into),
            object_name: word(TABLE, id, &row.object_name)?,
            hostname: word(TABLE, id, &row.hostname)?,
            flavour: word(TABLE, id, &row.flavour)?,
            software_version: word(TABLE, id, &row.software_version)?,
            size: word(TABLE, id, &row.size)?,
            owner_handle: word(TABLE, id, &row.owner_handle)?,
            owner_email: word(TABLE, id, &row.owner_email)?,
            title: row.title,
            description: row.description,
            contact_email: row.contact_email.as_deref().map(|text| word(TABLE, id, text)).transpose()?,
            export_recipient: row.export_recipient,
            entitlement: word(TABLE, id, &row.entitlement)?,
            purged_at: row.purged_at.map(Stored::to_jiff),
            revision: Revision(row.revision),
            ready_at: row.ready_at.map(Stored::to_jiff),
            claim_key_sealed: row.claim_key_sealed,
            claim_answer: row.claim_answer,
            created_at: row.created_at.to_jiff(),
            version: row.version,
        })
    }
}
