//! The watches that fill [`Caches`] and say which listeners have to be looked at.
//!
//! Each is a task that never ends: kube's watcher begins again by itself, with a growing wait,
//! whatever the API server answers. There is no filter by generation: it would swallow
//! deletions of children.

use std::fmt::Debug;
use std::sync::Arc;

use futures_util::StreamExt;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ApiResource, DynamicObject};
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;
use tracing::warn;

use super::caches::{Caches, Guarded, Writers, slim_deployment, slim_meta, slim_pod};
use super::index::{Index, Referred};
use super::key::Key;
use super::metrics::{Metrics, ResourceLabels};
use super::queue::Queue;
use crate::apply::kind::Kind;
use crate::apply::label;
use crate::options::Defaults;
use crate::validate::public_url;

/// What every watch works with.
#[derive(Clone)]
pub(super) struct Watches {
    pub(super) client: Client,
    /// Only this namespace.
    pub(super) namespace: Option<String>,
    pub(super) caches: Arc<Caches>,
    pub(super) index: Arc<Index>,
    pub(super) queue: Queue,
    pub(super) metrics: Arc<Metrics>,
    pub(super) defaults: Arc<Defaults>,
}

impl Watches {
    /// Starts them all, but for that of `HTTPRoute`.
    pub(super) fn start(
        &self,
        writers: Writers,
        forget: impl Fn(&Key) + Send + Sync + 'static,
    ) -> JoinSet<()> {
        let Writers { listeners, deployments, claims, pods } = writers;
        let mut tasks = JoinSet::new();
        tasks.spawn(self.clone().listeners(listeners, forget));
        tasks.spawn(self.clone().secrets());
        for kind in Kind::ALL {
            if !matches!(kind, Kind::PersistentVolumeClaim | Kind::Deployment | Kind::HttpRoute) {
                tasks.spawn(self.clone().children(kind));
            }
        }
        let this = self.clone();
        let mut writer = deployments;
        tasks.spawn(self.clone().typed("deployments", slim_deployment, move |event| {
            writer.apply_watcher_event(event);
            this.child(Kind::Deployment, event);
            this.of_event(event);
        }));
        let this = self.clone();
        let mut writer = claims;
        tasks.spawn(self.clone().typed(
            "persistentvolumeclaims",
            |claim: &mut k8s_openapi::api::core::v1::PersistentVolumeClaim| slim_meta(&mut claim.metadata),
            move |event| {
                writer.apply_watcher_event(event);
                this.child(Kind::PersistentVolumeClaim, event);
            },
        ));
        let this = self.clone();
        let mut writer = pods;
        tasks.spawn(self.clone().typed("pods", slim_pod, move |event| {
            writer.apply_watcher_event(event);
            this.of_event(event);
        }));
        tasks
    }

    /// Watches one kind of child by its metadata; `HTTPRoute` once the cluster serves it.
    pub(super) async fn children(self, kind: Kind) {
        let resource = kind.resource();
        let api: Api<PartialObjectMeta<DynamicObject>> = match &self.namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        };
        // ConfigMaps are also read, and those have no label of ours.
        let all = kind == Kind::ConfigMap;
        let config = if all { plain() } else { plain().labels(label::SELECTOR) };
        let name = plural(&resource);
        follow(
            name,
            api,
            config,
            &self.metrics,
            |object| slim_meta(&mut object.metadata),
            |event| {
                self.child(kind, event);
            },
        )
        .await;
    }

    fn child<K: Resource>(&self, kind: Kind, event: &Event<K>) {
        let touched = self.caches.children(kind).take(event);
        self.queue.add(touched.iter().filter_map(|seen| seen.listener()));
        if kind == Kind::ConfigMap {
            self.queue.add(touched.iter().flat_map(|seen| self.index.users(Referred::ConfigMap, &seen.key)));
        }
    }

    async fn secrets(self) {
        let api: Api<PartialObjectMeta<Secret>> = match &self.namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        };
        // Helm's releases are many, large and never what a listener names.
        let config = plain().fields("type!=helm.sh/release.v1");
        follow(
            "secrets",
            api,
            config,
            &self.metrics,
            |object| slim_meta(&mut object.metadata),
            |event| {
                let touched = self.caches.secrets.take(event);
                self.queue.add(touched.iter().flat_map(|seen| self.index.users(Referred::Secret, &seen.key)));
            },
        )
        .await;
    }

    /// Watches something that is kept as it is, by our label.
    async fn typed<K>(self, name: &'static str, slim: fn(&mut K), take: impl FnMut(&Event<K>))
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + Debug
            + Send
            + 'static,
    {
        let api: Api<K> = match &self.namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        };
        follow(name, api, plain().labels(label::SELECTOR), &self.metrics, slim, take).await;
    }

    /// The listener that the label of an object names.
    fn of_event<K: Resource>(&self, event: &Event<K>) {
        let (Event::Apply(object) | Event::InitApply(object) | Event::Delete(object)) = event else { return };
        let name = object.labels().get(label::SELECTOR);
        self.queue.add(name.map(|name| Key::new(&object.namespace().unwrap_or_default(), name)));
    }

    async fn listeners(
        self,
        mut writer: kube::runtime::reflector::store::Writer<Guarded>,
        forget: impl Fn(&Key),
    ) {
        let api: Api<Guarded> = match &self.namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        };
        let slim = |object: &mut Guarded| slim_meta(object.meta_mut());
        follow("hubspotlisteners", api, plain(), &self.metrics, slim, |event| {
            writer.apply_watcher_event(event);
            match event {
                Event::Apply(object) | Event::InitApply(object) => {
                    let key = Key::of(object);
                    self.queue.add(self.note(&key, object));
                    self.queue.add([key]);
                }
                Event::Delete(object) => self.gone(&Key::of(object), &forget),
                Event::InitDone => {
                    // Deleted while the watch was down.
                    for key in self.index.listeners() {
                        if self.caches.listener(&key).is_none() {
                            self.gone(&key, &forget);
                        }
                    }
                }
                Event::Init => {}
            }
        })
        .await;
    }

    fn note(&self, key: &Key, object: &Guarded) -> std::collections::BTreeSet<Key> {
        match &object.0 {
            Ok(listener) => self.index.set(key, listener, public_url(listener, &self.defaults)),
            // What it refers to cannot be read; it is looked at again when it changes itself.
            Err(_) => self.index.remove(key),
        }
    }

    fn gone(&self, key: &Key, forget: &impl Fn(&Key)) {
        self.queue.add(self.index.remove(key));
        forget(key);
    }
}

/// Any version will do for a listing: what is newer comes as an event.
fn plain() -> Config {
    Config::default().any_semantic()
}

fn plural(resource: &ApiResource) -> &'static str {
    super::requests::known(&resource.plural)
}

/// Follows one kind for ever.
async fn follow<K>(
    name: &'static str,
    api: Api<K>,
    config: Config,
    metrics: &Metrics,
    slim: impl Fn(&mut K),
    mut take: impl FnMut(&Event<K>),
) where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let mut events = std::pin::pin!(watcher(api, config).modify(slim).default_backoff());
    let mut told = String::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                take(&event);
                told.clear();
            }
            Err(error) => {
                metrics.watch_restarts.get_or_create(&ResourceLabels { resource: name }).inc();
                // The same trouble again and again is one line.
                let error = error.to_string();
                if told != error {
                    warn!(%error, "the watch of {name} failed; it begins again");
                    told = error;
                }
            }
        }
    }
}
