//! What those who did something are called.

use sqlx::PgConnection;

use super::Result;
use crate::actor::Who;

/// What somebody is called today; nothing for who has no name or is forgotten.
///
/// # Errors
/// When the database refuses.
pub async fn name(connection: &mut PgConnection, who: Who) -> Result<Option<String>> {
    let name = match who {
        Who::Account(id) => {
            let name = sqlx::query_scalar!("SELECT name FROM accounts WHERE id = $1", id.uuid());
            name.fetch_optional(connection).await?
        }
        Who::Token(id) => {
            let name = sqlx::query_scalar!("SELECT name FROM api_tokens WHERE id = $1", id.uuid());
            name.fetch_optional(connection).await?
        }
        Who::Staff(id) => {
            let name = sqlx::query_scalar!("SELECT name FROM staff WHERE id = $1", id.uuid());
            name.fetch_optional(connection).await?
        }
        Who::Visitor | Who::System => None,
    };
    Ok(name.filter(|name| !name.is_empty()))
}
