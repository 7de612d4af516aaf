//! `steppe admin adopt`.

use anyhow::{Context as _, anyhow, bail};
use domain::Email;
use domain::id::OrganizationId;
use domain::offer::Slug;

use super::cells::named;
use crate::actor::Actor;
use crate::app::server::adopt::{Wish, adopt};
use crate::command::{config, platform, say};
use crate::worker::guard::{Look, look};
use crate::{Given, store};

/// What is adopted, for whom and as what.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Name of the cell
    cell: String,
    /// Name of the `Instance` in it
    instance: String,
    /// Whose it is from now on: `org_…`
    #[arg(long)]
    organization: OrganizationId,
    /// What it counts as having been ordered: an offer's slug, of the same software and size
    #[arg(long)]
    offer: Slug,
    /// Where its owner reads mail
    #[arg(long)]
    owner_email: Email,
}

/// Takes a server into the database that runs in a cell and is unknown.
///
/// # Errors
/// When the cell cannot be reached or is another cluster, there is no such server, or it cannot be adopted.
pub async fn run(given: Given, options: &Options) -> anyhow::Result<()> {
    let platform = platform(config(given)?, 2)?;
    let cell = named(&platform, &options.cell).await?;
    let connection = platform.cells.to(&cell.name).await?;
    let mut database = platform.pool.acquire().await?;
    match look(&platform, &mut database, &cell, &connection).await? {
        Look::Right => {}
        Look::Wrong(message) => bail!("{} is not the cluster it should be: {message}", cell.name),
        Look::Unknown => bail!("no operator in {} has said which cluster it is", cell.name),
    }
    let object = connection.cluster.instance(&options.instance).await?;
    let object = object.ok_or_else(|| anyhow!("there is no Instance {} in {}", options.instance, cell.name))?;
    let offers = store::offer::newest(&mut database).await?;
    let offer = offers.into_iter().find(|one| one.offer.slug == options.offer);
    let offer = offer.ok_or_else(|| anyhow!("there is no offer {}", options.offer))?;
    let wish =
        Wish { organization: options.organization, offer: offer.offer.id, owner_email: options.owner_email.clone() };
    let done = adopt(&platform, &Actor::system(), &cell, &object, &wish).await;
    let id = done.with_context(|| format!("{} was not adopted", options.instance))?;
    say(&format!("{} is adopted as {id}; it goes on as it was", object.spec.hostname))
}
