//! What is our own: database, keys, mail, and what must be in the database before anybody can work with it.

use jiff::SignedDuration;

use super::{Finding, patient};
use crate::gateway::mail::SmtpMailer;
use crate::platform::Platform;
use crate::{migrate, store};

/// A worker that was not heard of for so long is missing.
const SILENT: SignedDuration = SignedDuration::from_mins(2);

/// Whether the database answers and has what this version needs.
pub(super) async fn database(platform: &Platform) -> Vec<Finding> {
    let version = sqlx::query_scalar::<_, String>("SELECT current_setting('server_version')");
    let version = match patient(version.fetch_one(&platform.pool)).await {
        None => return vec![Finding::bad("database", "it does not answer; see database-url")],
        Some(Err(error)) => return vec![Finding::bad("database", format!("{error}; see database-url"))],
        Some(Ok(version)) => version,
    };
    let answers = Finding::good("database", format!("PostgreSQL {version} answers"));
    let migrations = match patient(migrate::require(&platform.pool)).await {
        Some(Ok(())) => Finding::good("migrations", "the database has all that this version needs"),
        Some(Err(error)) => Finding::bad("migrations", error.to_string()),
        None => Finding::bad("migrations", "the database does not answer"),
    };
    vec![answers, migrations]
}

/// Whether the platform's key opens what the database has, and staff's tokens can be signed.
pub(super) async fn keys(platform: &Platform) -> Vec<Finding> {
    let sealed = sqlx::query_scalar::<_, Vec<u8>>("SELECT totp_sealed FROM staff ORDER BY created_at DESC LIMIT 1");
    let ours = match sealed.fetch_optional(&platform.pool).await {
        Err(error) => Finding::bad("key", error.to_string()),
        Ok(None) => Finding::good("key", "it can be used; nothing is sealed to it yet"),
        Ok(Some(sealed)) => match platform.seal.open(&sealed) {
            Ok(_) => Finding::good("key", "it opens what this database has"),
            Err(_) => Finding::bad(
                "key",
                "it does not open what this database has sealed: key-file is another one than when that was written",
            ),
        },
    };
    let tokens = match platform.staff_keys.is_empty() {
        true => Finding::look("staff keys", "there are none, so the staff API gives out no tokens; see staff-keys-dir"),
        false => Finding::good("staff keys", "the staff API can sign tokens"),
    };
    vec![ours, tokens]
}

/// Whether there is what people need: staff, offers, workers.
pub(super) async fn rows(platform: &Platform) -> Vec<Finding> {
    match counted(platform).await {
        Ok(found) => found,
        Err(error) => vec![Finding::bad("database", error.to_string())],
    }
}

async fn counted(platform: &Platform) -> store::Result<Vec<Finding>> {
    let mut connection = platform.pool.acquire().await?;
    let now = platform.now();
    let staff: i64 =
        sqlx::query_scalar("SELECT count(*) FROM staff WHERE disabled_at IS NULL").fetch_one(&mut *connection).await?;
    let offers = store::offer::newest(&mut connection).await?;
    let offers = offers.iter().filter(|one| one.offer.is_current()).count();
    let workers = store::worker::all(&mut connection).await?;
    let workers = workers.iter().filter(|one| now.duration_since(one.seen_at) < SILENT).count();
    Ok(vec![
        match staff {
            0 => Finding::look("staff", "nobody of us can log in; see `steppe admin staff create`"),
            count => Finding::good("staff", format!("{count} of us can log in")),
        },
        match offers {
            0 => Finding::look("offers", "nothing can be ordered; see `steppe admin offers sync`"),
            count => Finding::good("offers", format!("{count} can be ordered")),
        },
        match workers {
            0 => Finding::look("workers", "none runs, so nothing is carried out; start `steppe worker`"),
            count => Finding::good("workers", format!("{count} at work")),
        },
    ])
}

/// Whether mail can be handed over.
pub(super) async fn mail(platform: &Platform) -> Finding {
    let Some(smtp) = &platform.config.smtp else {
        return Finding::look("mail", "no mail is sent, so nobody can confirm an address; see smtp-url");
    };
    let mailer = match SmtpMailer::new(smtp) {
        Ok(mailer) => mailer,
        Err(error) => return Finding::bad("mail", format!("{error:#}")),
    };
    match patient(mailer.test()).await {
        Some(Ok(())) => Finding::good("mail", format!("{} answers", smtp.url)),
        Some(Err(error)) => Finding::bad("mail", format!("{}: {error}", smtp.url)),
        None => Finding::bad("mail", format!("{} does not answer", smtp.url)),
    }
}
