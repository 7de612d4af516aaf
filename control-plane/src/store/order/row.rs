//! What an order is in the table.

use domain::Money;
use domain::id::OrderId;
use domain::order::Order as State;
use jiff::Timestamp;
use jiff_sqlx::Timestamp as Stored;

use super::Order;
use crate::store::{Error, Result, word};

const TABLE: &str = "orders";

/// An order as it is stored.
#[derive(Debug)]
pub(super) struct Row {
    pub id: uuid::Uuid,
    pub organization_id: uuid::Uuid,
    pub account_id: uuid::Uuid,
    pub offer_id: uuid::Uuid,
    pub size: String,
    pub hostname: String,
    pub owner_handle: String,
    pub owner_email: String,
    pub price_minor: i64,
    pub currency: String,
    pub terms_version: String,
    pub processing_version: String,
    pub state: String,
    pub reason: Option<String>,
    pub waiting_since: Option<Stored>,
    pub until: Option<Stored>,
    pub cell_id: Option<uuid::Uuid>,
    pub instance_id: Option<uuid::Uuid>,
    pub created_at: Stored,
    pub updated_at: Stored,
    pub version: i64,
}

impl Row {
    fn state(&self, id: OrderId) -> Result<State> {
        let needed = |time: Option<Stored>, what: &str| {
            time.map(Stored::to_jiff).ok_or_else(|| Error::corrupt(TABLE, id, format!("{} without {what}", self.state)))
        };
        let reason = || self.reason.clone().unwrap_or_default();
        Ok(match self.state.as_str() {
            "waitlisted" => State::Waitlisted { since: needed(self.waiting_since, "waiting_since")? },
            "offered" => State::Offered {
                since: needed(self.waiting_since, "waiting_since")?,
                until: needed(self.until, "until")?,
            },
            "approval" => State::Approval { until: needed(self.until, "until")? },
            "provisioning" => State::Provisioning,
            "done" => State::Done,
            "declined" => State::Declined { reason: reason() },
            "cancelled" => State::Cancelled,
            "expired" => State::Expired,
            "failed" => State::Failed { reason: reason(), until: needed(self.until, "until")? },
            other => return Err(Error::corrupt(TABLE, id, format!("no state is called {other}"))),
        })
    }
}

impl TryFrom<Row> for Order {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let id = OrderId::from(row.id);
        let state = row.state(id)?;
        let price = Money::new(row.price_minor, &row.currency).map_err(|error| Error::corrupt(TABLE, id, error))?;
        Ok(Self {
            id,
            organization: row.organization_id.into(),
            account: row.account_id.into(),
            offer: row.offer_id.into(),
            size: word(TABLE, id, &row.size)?,
            hostname: word(TABLE, id, &row.hostname)?,
            owner_handle: word(TABLE, id, &row.owner_handle)?,
            owner_email: word(TABLE, id, &row.owner_email)?,
            price,
            terms_version: row.terms_version,
            processing_version: row.processing_version,
            state,
            cell: row.cell_id.map(Into::into),
            instance: row.instance_id.map(Into::into),
            created_at: row.created_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
            version: row.version,
        })
    }
}

/// Times and words that the state is made of.
pub(super) struct Written<'a> {
    pub reason: Option<&'a str>,
    pub waiting_since: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

impl<'a> Written<'a> {
    pub(super) const fn of(state: &'a State) -> Self {
        let nothing = Self { reason: None, waiting_since: None, until: None };
        match state {
            State::Waitlisted { since } => Self { waiting_since: Some(*since), ..nothing },
            State::Offered { since, until } => Self { waiting_since: Some(*since), until: Some(*until), ..nothing },
            State::Approval { until } => Self { until: Some(*until), ..nothing },
            State::Failed { reason, until } => Self { reason: Some(reason.as_str()), until: Some(*until), ..nothing },
            State::Declined { reason } => Self { reason: Some(reason.as_str()), ..nothing },
            State::Provisioning | State::Done | State::Cancelled | State::Expired => nothing,
        }
    }
}
