//! What nobody may read, and all the places where it could stand.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use kube::api::{Api, DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind};
use lab::control::Program;
use sqlx::AssertSqlSafe;

use super::Stage;

/// How an age key begins, whosever it is.
const AGE: &str = "AGE-SECRET-KEY-1";
/// The kinds of objects of ours that are looked through.
const KINDS: [&str; 4] = ["Instance", "Export", "AccountChange", "Cell"];

/// Secrets by what they are, as they were learnt.
#[derive(Debug, Default)]
pub struct Secrets(BTreeMap<String, String>);

impl Secrets {
    /// Remembers one.
    ///
    /// # Errors
    /// When it is too short to be looked for.
    pub fn add(&mut self, what: &str, secret: &str) -> Result<()> {
        let secret = secret.trim();
        ensure!(secret.len() >= 16, "{what} is too short to be looked for");
        self.0.insert(what.to_owned(), secret.to_owned());
        Ok(())
    }

    /// Looks for all of them, and for any age key, in logs, objects, events and every row of every table.
    ///
    /// # Errors
    /// When one is found, with where, or a place cannot be read.
    pub async fn are_nowhere(&self, stage: &Stage) -> Result<()> {
        let mut texts: Vec<(String, String)> = Vec::new();
        for program in Program::ALL {
            let path = stage.control.log(program);
            let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            ensure!(text.lines().count() > 1, "{} says nothing", path.display());
            texts.push((format!("the log of {}", program.name()), text));
        }
        for kind in KINDS {
            let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(crd::GROUP, crd::VERSION, kind));
            let all: Api<DynamicObject> = Api::all_with(stage.cell.site.client.clone(), &resource);
            texts.push((kind.to_owned(), serde_json::to_string(&all.list(&ListParams::default()).await?.items)?));
        }
        let events: Api<k8s_openapi::api::core::v1::Event> = Api::all(stage.cell.site.client.clone());
        texts.push(("events".to_owned(), serde_json::to_string(&events.list(&ListParams::default()).await?.items)?));
        for (place, text) in &texts {
            for (what, secret) in self.looked_for() {
                ensure!(!text.contains(secret), "{what} stands in {place}");
            }
        }
        self.in_no_row(stage).await
    }

    fn looked_for(&self) -> impl Iterator<Item = (&str, &str)> {
        let kinds = [("an age key", AGE)];
        self.0.iter().map(|(what, secret)| (what.as_str(), secret.as_str())).chain(kinds)
    }

    async fn in_no_row(&self, stage: &Stage) -> Result<()> {
        let mut database = stage.database().await?;
        let tables: Vec<String> =
            sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
                .fetch_all(&mut database)
                .await?;
        ensure!(tables.iter().any(|table| table == "outbox") && tables.len() > 20, "{tables:?}");
        for table in tables {
            // As bytes too: what is sealed is not text.
            let sql = format!(
                "SELECT count(*) FROM \"{table}\" t WHERE strpos(t::text, $1) > 0 OR strpos(t::text, encode($1::bytea, 'hex')) > 0"
            );
            for (what, secret) in self.looked_for() {
                let found: i64 =
                    sqlx::query_scalar(AssertSqlSafe(sql.clone())).bind(secret).fetch_one(&mut database).await?;
                ensure!(found == 0, "{what} stands in {found} rows of table {table}");
            }
        }
        Ok(())
    }
}
