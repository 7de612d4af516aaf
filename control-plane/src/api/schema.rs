//! How our own types look in the description: ids, words, prices.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String))
}

macro_rules! described {
    ($(#[doc = $doc:literal] $name:ident, $as:literal, $build:expr;)+) => {$(
        #[doc = $doc]
        #[derive(Debug)]
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let build: fn(ObjectBuilder) -> ObjectBuilder = $build;
                build(text().description(Some($doc.trim()))).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($as)
            }
        }
    )+};
}

/// An id: 26 characters of base32 after the prefix.
fn id(text: ObjectBuilder, prefix: &str) -> ObjectBuilder {
    let example = format!("{prefix}_01kb0c9w40e8ar2xtk7c0h8v4f");
    text.pattern(Some(format!("^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$"))).examples([example])
}

fn words(text: ObjectBuilder, all: impl IntoIterator<Item = &'static str>) -> ObjectBuilder {
    text.enum_values(Some(all))
}

described! {
    #[doc = " Names a person."] AccountId, "AccountId", |text| id(text, "acc");
    #[doc = " Names an organization."] OrganizationId, "OrganizationId", |text| id(text, "org");
    #[doc = " Names an invitation."] InvitationId, "InvitationId", |text| id(text, "inv");
    #[doc = " Names a token."] TokenId, "TokenId", |text| id(text, "tok");
    #[doc = " Names one version of an offer."] OfferId, "OfferId", |text| id(text, "ofr");
    #[doc = " Names an order."] OrderId, "OrderId", |text| id(text, "ord");
    #[doc = " Names a server."] InstanceId, "InstanceId", |text| id(text, "inst");
    #[doc = " Names a bundle."] ExportId, "ExportId", |text| id(text, "exp");
    #[doc = " Names a change to an account on a server."] ChangeId, "ChangeId", |text| id(text, "chg");
    #[doc = " Names an operation."] OperationId, "OperationId", |text| id(text, "op");
    #[doc = " What somebody is in an organization."] Role, "Role",
        |text| words(text, domain::Role::ALL.iter().map(|word| word.as_str()));
    #[doc = " What a token may do."] Scope, "Scope",
        |text| words(text, domain::scope::Scope::ALL.iter().map(|word| word.as_str()));
    #[doc = " Which software a server runs."] Flavour, "Flavour",
        |text| words(text, names::Flavour::ALL.iter().map(|word| word.as_str()));
    #[doc = " How much room a server has."] Size, "Size",
        |text| words(text, names::Size::ALL.iter().map(|word| word.as_str()));
    #[doc = " How often a price is due."] Period, "Period",
        |text| words(text, domain::money::Period::ALL.iter().map(|word| word.as_str()));
    #[doc = " Whether a price contains the tax."] Tax, "Tax",
        |text| words(text, domain::money::Tax::ALL.iter().map(|word| word.as_str()));
    #[doc = " Who must agree before an order is carried out."] Approval, "Approval",
        |text| words(text, domain::offer::Approval::ALL.iter().map(|word| word.as_str()));
    #[doc = " What a server should be doing."] Mode, "Mode",
        |text| words(text, domain::Mode::ALL.iter().map(|word| word.as_str()));
    #[doc = " Why a server is held."] HoldKind, "HoldKind",
        |text| words(text, domain::HoldKind::ALL.iter().map(|word| word.as_str()));
    #[doc = " How a standing is meant."] Tone, "Tone",
        |text| words(text, domain::standing::Tone::ALL.iter().map(|word| word.as_str()));
    #[doc = " What can be done about a standing."] WayOut, "WayOut",
        |text| words(text, domain::standing::WayOut::ALL.iter().map(|word| word.as_str()));
    #[doc = " What an operation does."] Kind, "OperationKind",
        |text| words(text, domain::operation::Kind::ALL.iter().map(|word| word.as_str()));
    #[doc = " What was done. New ones may come."] Action, "Action",
        |text| words(text, domain::audit::Action::ALL.iter().map(|word| word.as_str()));
    #[doc = " An account on a server: 1 to 30 small letters, digits and underscores."] Handle, "Handle",
        |text| text.pattern(Some("^[a-z0-9_]{1,30}$")).examples(["ada"]);
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(title = "Money")]
pub struct MoneyBody {
    /// In the smallest unit of the currency: cents.
    #[schema(example = 500)]
    pub minor: i64,
    /// ISO 4217.
    #[schema(example = "EUR", pattern = "^[A-Z]{3}$")]
    pub currency: String,
}

impl From<domain::Money> for MoneyBody {
    fn from(money: domain::Money) -> Self {
        Self { minor: money.minor, currency: money.code().to_owned() }
    }
}

/// How long a page is.
#[derive(Debug)]
pub struct Limit;

impl PartialSchema for Limit {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer));
        let number =
            number.minimum(Some(1)).maximum(Some(super::cursor::MOST)).default(Some(super::cursor::USUAL.into()));
        number.description(Some("How many things the page has.")).into()
    }
}

impl ToSchema for Limit {}

/// The `ETag` of a thing as it was read.
#[derive(Debug)]
pub struct Tag;

impl PartialSchema for Tag {
    fn schema() -> RefOr<Schema> {
        text()
            .pattern(Some("^\"[0-9]{1,18}([.][0-9a-f]{16})?\"$"))
            .examples(["\"3\""])
            .description(Some("Its `ETag`, as it was read."))
            .into()
    }
}

impl ToSchema for Tag {}
