//! The null writer: posts the objects that the operator makes for a server, and does nothing else. Nobody who wants
//! those objects in the cluster can be faster by much.

use anyhow::{Context as _, Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::{Method, Request, StatusCode, header};
use kube::Client;
use kube::client::Body;

use crate::recorder::Sent;

/// The objects of one server, to be made again for others.
#[derive(Debug, Clone)]
pub struct Model {
    objects: Vec<Sent>,
    /// Pond and name of the server whose objects these are: words that stand in them for nothing else.
    pond: &'static str,
    name: &'static str,
}

impl Model {
    /// The objects of the server `name` in `pond`.
    ///
    /// # Errors
    /// When there are none, or the first is not the namespace that the others lie in.
    pub fn of(mut objects: Vec<Sent>, pond: &'static str, name: &'static str) -> Result<Self> {
        let first = objects.first().context("the operator sent no object")?;
        ensure!(first.collection == "/api/v1/namespaces", "the operator sent {} first", first.collection);
        // Until a controller has counted what a quota is of, the API server refuses it: the operator tries again, the
        // null writer comes with the quota last.
        objects.sort_by_key(|sent| sent.collection.ends_with("/resourcequotas"));
        Ok(Self { objects, pond, name })
    }

    /// How many they are.
    pub fn objects(&self) -> usize {
        self.objects.len()
    }

    /// How many bytes they are.
    pub fn bytes(&self) -> usize {
        self.objects.iter().map(|sent| sent.body.len()).sum()
    }

    fn renamed(&self, text: &str, pond: &str, name: &str) -> String {
        text.replace(self.pond, pond).replace(self.name, name)
    }

    /// Posts them for `servers` servers of `pond`, for `at_once` of them at the same time.
    ///
    /// # Errors
    /// When the API server refuses one.
    pub async fn post(&self, client: &Client, pond: &str, servers: usize, at_once: usize) -> Result<()> {
        let all = stream::iter((0..servers).map(|number| self.post_one(client, pond, number)));
        all.buffer_unordered(at_once).try_collect::<()>().await
    }

    async fn post_one(&self, client: &Client, pond: &str, number: usize) -> Result<()> {
        let name = format!("{pond}{number}");
        for sent in &self.objects {
            let path = self.renamed(&sent.collection, pond, &name);
            let body = self.renamed(&sent.body, pond, &name);
            let request = Request::builder().method(Method::POST).uri(&path);
            let request =
                request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.into_bytes()))?;
            let answer = client.send(request).await?;
            let status = answer.status();
            let said = answer.into_body().collect_bytes().await?;
            // Kubernetes itself made some of them, such as a namespace's own ServiceAccount: asked for all the same.
            let good = status.is_success() || status == StatusCode::CONFLICT;
            ensure!(good, "POST {path}: {status}: {}", String::from_utf8_lossy(&said));
        }
        Ok(())
    }
}
