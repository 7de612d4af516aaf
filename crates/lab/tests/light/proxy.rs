//! Each thing that the fault proxy can do, seen from both sides: what the caller is told, and what took effect.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::runtime::{WatchStreamExt, reflector, watcher};
use kube::{Api, Client, ResourceExt};
use lab::fault::{Action, Mask, Match, On, Plan, Proxy, Until, rbac};
use lab::wait::until;
use serde_json::json;

use crate::{LIMIT, light, namespace};

struct Place {
    proxy: Proxy,
    /// Through the proxy.
    maps: Api<ConfigMap>,
    /// Straight.
    truth: Api<ConfigMap>,
}

impl Place {
    async fn new(name: &str, plan: Plan) -> Self {
        let light = light().await;
        namespace(light, name).await;
        let token = light.account(name, "operator", Some("cluster-admin")).await.unwrap();
        let proxy = Proxy::start(light, plan, Mask::default()).await.unwrap();
        let mut config = proxy.config(light, &token).await.unwrap();
        config.default_retry = false;
        let maps = Api::namespaced(Client::try_from(config).unwrap(), name);
        let truth = Api::namespaced(light.client().await.unwrap(), name);
        Self { proxy, maps, truth }
    }

    async fn at_write(name: &str, nth: u32, action: Action) -> Self {
        Self::new(name, Plan::one("test", On::Request(Match::write(nth)), action)).await
    }

    async fn create(&self, name: &str) -> Result<ConfigMap, kube::Error> {
        self.maps.create(&PostParams::default(), &map(name)).await
    }

    async fn there(&self, name: &str) -> bool {
        self.truth.get_opt(name).await.unwrap().is_some()
    }

    async fn touch(&self, name: &str, value: &str) {
        let patch = Patch::Merge(json!({ "data": { "k": value } }));
        self.truth.patch(name, &PatchParams::default(), &patch).await.unwrap();
    }

    /// A store fed by a kube watcher through the proxy, as an operator has one.
    async fn store(&self) -> reflector::Store<ConfigMap> {
        let (reader, writer) = reflector::store();
        let config = watcher::Config::default().labels("mine=yes");
        let stream = watcher(self.maps.clone(), config).default_backoff().reflect(writer).touched_objects();
        tokio::spawn(stream.for_each(async |_| ()));
        until("the store to be filled", LIMIT, async || {
            Ok(tokio::time::timeout(LIMIT, reader.wait_until_ready()).await?.is_ok().then_some(()))
        })
        .await
        .unwrap();
        reader
    }
}

fn map(name: &str) -> ConfigMap {
    let metadata = json!({ "name": name, "labels": { "mine": "yes" } });
    serde_json::from_value(json!({ "metadata": metadata, "data": { "k": "0" } })).unwrap()
}

fn value(store: &reflector::Store<ConfigMap>, name: &str) -> Option<String> {
    store.state().iter().find(|map| map.name_any() == name)?.data.as_ref()?.get("k").cloned()
}

#[tokio::test]
async fn what_passes_is_noted() {
    let place = Place::new("px-note", Plan::default()).await;
    place.create("a").await.unwrap();
    place.maps.list(&ListParams::default()).await.unwrap();
    place.maps.get("a").await.unwrap();
    let log = place.proxy.log();
    assert_eq!(log.counts()["create configmaps"], 1);
    assert_eq!(log.verbs()["list"], 1);
    let record = log.writes().remove(0);
    assert_eq!((record.call.namespace.as_str(), record.call.name.as_str(), record.code), ("px-note", "a", 201));
    assert!(record.changed && record.version.is_some() && record.digest.is_some());
    assert_eq!(record.body.unwrap()["data"]["k"], "0");
    let lines = log.ndjson();
    assert!(lines.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
}

#[tokio::test]
async fn a_request_dropped_before_it_is_forwarded_has_no_effect() {
    let place = Place::at_write("px-before", 2, Action::DropBeforeForward).await;
    place.create("a").await.unwrap();
    place.create("b").await.unwrap_err();
    assert!(place.there("a").await && !place.there("b").await);
    assert!(place.proxy.struck());
    place.create("b").await.unwrap();
}

#[tokio::test]
async fn an_answer_dropped_after_commit_hides_an_effect() {
    let place = Place::at_write("px-commit", 1, Action::DropAfterCommit).await;
    place.create("a").await.unwrap_err();
    assert!(place.there("a").await);
    assert_eq!(place.proxy.log().effects()["configmaps px-commit/a"].created, 1);
}

#[tokio::test]
async fn a_caller_dies_after_its_answer() {
    let plan = Plan::one("test", On::Request(Match::write(1)), Action::DropAfterAnswer).killing();
    let place = Place::new("px-after", plan).await;
    place.create("a").await.unwrap();
    place.create("b").await.unwrap_err();
    place.proxy.killed().await;
    assert!(place.there("a").await && !place.there("b").await);
    place.maps.list(&ListParams::default()).await.unwrap_err();
    place.proxy.revive().await;
    assert_eq!(place.proxy.incarnation(), 2);
    place.create("b").await.unwrap();
}

#[tokio::test]
async fn the_proxy_answers_in_the_servers_stead() {
    for (code, retry_after) in [(409, None), (429, Some(1)), (500, None), (503, None)] {
        let place = Place::at_write(&format!("px-answer-{code}"), 1, Action::Answer { code, retry_after }).await;
        let kube::Error::Api(status) = place.create("a").await.unwrap_err() else { panic!("not an answer") };
        assert_eq!(status.code, code);
        assert!(!place.there("a").await);
        place.create("a").await.unwrap();
    }
}

#[tokio::test]
async fn a_timeout_has_no_effect_and_a_delay_has_one() {
    let place = Place::at_write("px-time", 1, Action::Timeout { after: 50 }).await;
    place.create("a").await.unwrap_err();
    assert!(!place.there("a").await);
    let place = Place::at_write("px-delay", 1, Action::Delay { by: 50 }).await;
    let begin = tokio::time::Instant::now();
    place.create("b").await.unwrap();
    assert!(place.there("b").await && begin.elapsed().as_millis() >= 50);
}

#[tokio::test]
async fn a_cut_watch_ends_in_an_error_and_the_watcher_goes_on() {
    let action = Action::CutWatch { kind: "configmaps".into() };
    let place = Place::at_write("px-cut", 1, action).await;
    let watch = place.truth.get("kube-root-ca.crt").await.is_err(); // Nobody publishes it here.
    assert!(watch);
    let version = place.maps.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let mut events = place.maps.watch(&WatchParams::default(), &version).await.unwrap().boxed();
    let store = place.store().await;
    place.create("a").await.unwrap();
    // What was sent before the cut may still come; after it only the end does.
    let end = async {
        while let Ok(Some(event)) = events.try_next().await {
            assert!(matches!(event, WatchEvent::Added(_)));
        }
    };
    tokio::time::timeout(LIMIT, end).await.unwrap();
    until("the watcher to see the map", LIMIT, async || Ok(value(&store, "a"))).await.unwrap();
}

#[tokio::test]
async fn a_watch_that_is_gone_makes_the_watcher_list_anew() {
    let until_two = Action::Gone { kind: "configmaps".into(), until: Until::Watches(2) };
    let place = Place::at_write("px-gone", 2, until_two).await;
    place.create("a").await.unwrap();
    let store = place.store().await;
    let lists = || place.proxy.log().counts()["list configmaps"];
    let before = lists();
    place.create("b").await.unwrap();
    until("the watcher to see the second map", LIMIT, async || Ok(value(&store, "b"))).await.unwrap();
    // One for the watch that was open or one for the watch after it: which of the two hears of it first is chance.
    let anew = async || {
        anyhow::ensure!(lists() > before, "{}", place.proxy.log().ndjson());
        Ok(Some(()))
    };
    until("a new list", LIMIT, anew).await.unwrap();
    place.touch("b", "9").await;
    let seen = async || Ok((value(&store, "b").as_deref() == Some("9")).then_some(()));
    until("the watch to work again", LIMIT, seen).await.unwrap();
}

#[tokio::test]
async fn a_frozen_watch_brings_everything_after_its_writes() {
    let freeze = Action::Freeze { kind: "configmaps".into(), until: Until::Writes(2) };
    let place = Place::at_write("px-freeze", 1, freeze).await;
    let store = place.store().await;
    place.create("a").await.unwrap();
    place.touch("a", "1").await;
    let held = async || {
        let frames = place.proxy.log().frames();
        Ok((frames.iter().filter(|frame| frame.fault.as_deref() == Some("held")).count() >= 2).then_some(()))
    };
    until("two events to be held back", LIMIT, held).await.unwrap();
    assert_eq!(value(&store, "a"), None);
    assert_eq!(place.maps.get("a").await.unwrap().data.unwrap()["k"], "1");
    // A list that is content with any version gets the old one, and one that is not gets the truth.
    let any = ListParams::default().match_any();
    assert!(place.maps.list(&any).await.unwrap().items.is_empty());
    assert_eq!(place.maps.list(&ListParams::default()).await.unwrap().items.len(), 1);
    place.create("b").await.unwrap();
    let thawed =
        async || Ok((value(&store, "a").as_deref() == Some("1") && value(&store, "b").is_some()).then_some(()));
    until("the events to come", LIMIT, thawed).await.unwrap();
}

#[tokio::test]
async fn a_state_in_between_is_never_seen() {
    let moment = On::Event(Match { verb: "MODIFIED".into(), name: "a".into(), nth: 1, ..Match::default() });
    let action = Action::Gone { kind: "configmaps".into(), until: Until::NextOfObject };
    let place = Place::new("px-between", Plan::one("test", moment, action)).await;
    place.create("a").await.unwrap();
    let (reader, writer) = reflector::store::<ConfigMap>();
    let seen = Arc::new(std::sync::Mutex::new(BTreeSet::new()));
    let note = seen.clone();
    let stream = watcher(place.maps.clone(), watcher::Config::default().labels("mine=yes")).default_backoff();
    // Errors are part of it: the watcher goes on after each.
    let stream = stream.reflect(writer).touched_objects().for_each(move |map| {
        note.lock().unwrap().extend(map.into_iter().map(|map| map.data.unwrap()["k"].clone()));
        async {}
    });
    tokio::spawn(stream);
    until("the first state", LIMIT, async || Ok(value(&reader, "a"))).await.unwrap();
    place.touch("a", "between").await;
    until("the fault to strike", LIMIT, async || Ok(place.proxy.struck().then_some(()))).await.unwrap();
    place.touch("a", "after").await;
    let last = async || {
        anyhow::ensure!(value(&reader, "a").as_deref() == Some("after"), "{}", place.proxy.log().ndjson());
        Ok(Some(()))
    };
    until("the last state", LIMIT, last).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), BTreeSet::from(["0".to_owned(), "after".to_owned()]));
}

#[tokio::test]
async fn rights_are_learned_from_what_was_done() {
    let place = Place::new("px-rights", Plan::default()).await;
    place.create("a").await.unwrap();
    place.maps.list(&ListParams::default()).await.unwrap();
    let apply = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "b" } });
    place.maps.patch("b", &PatchParams::apply("test"), &Patch::Apply(apply)).await.unwrap();
    let used = rbac::used(place.proxy.log());
    let role = |verbs: &[&str]| {
        let rule = json!({ "apiGroups": [""], "resources": ["configmaps"], "verbs": verbs });
        rbac::Grant::of(&json!({ "kind": "Role", "metadata": { "name": "r" }, "rules": [rule] }), Some("px-rights"))
    };
    assert_eq!(rbac::diff(&used, &[role(&["create", "list", "patch"])]), rbac::Diff::default());
    let diff = rbac::diff(&used, &[role(&["create", "list", "delete"])]);
    assert_eq!(diff.unused, ["Role r: delete configmaps in px-rights"]);
    assert_eq!(diff.missing, ["patch configmaps in px-rights named b"]);
}
