//! From `helm install` to a page at a destination, on a real cluster, and what happens to a
//! listener there: one story, in order, since each chapter stands on the one before.
//!
//! The cluster has RBAC, audit and Pod Security on; the operator runs as its chart installs it.
//! At the end the audit log must hold no forbidden call of the operator, and every verb that the
//! chart grants must have been used.

mod chapters;
mod load;
mod people;
mod permissions;
mod replicas;
mod story;

use std::time::Instant;

use story::Story;
use tests::cluster::{Cluster, Options};

/// A chapter and what it tells.
type Chapter = (&'static str, fn(&Story<'_>));

const CHAPTERS: [Chapter; 16] = [
    ("helm installs the charts, and the operator leads", chapters::install),
    ("a manifest becomes a listener with a URL", chapters::apply),
    ("a signed request through the ingress becomes a page at the destination", chapters::deliver),
    ("what is refused and what failed is counted in kubectl get", chapters::count),
    ("the command finds the listener and goes through the API server", people::command),
    ("settings saved on the web page reach the resource and the pod", people::save),
    ("the console lists the listener", people::console),
    (
        "changed settings reach the listener without a restart and without a refused request",
        chapters::settings,
    ),
    ("a rotated secret: both are taken, then only the new one", chapters::rotate),
    ("a bad change is told in a condition and the old configuration goes on", chapters::bad_change),
    ("the operator killed and the API server away: no request is answered differently", chapters::absent),
    ("a pod deleted and its node drained: nothing that was acknowledged is lost", chapters::drain),
    ("an upgrade of the operator restarts no listener", chapters::upgrade),
    ("a manifest that wants something else: children come and go", chapters::prune),
    (
        "three replicas on one database: a rolling update refuses nothing, killed pods lose nothing",
        replicas::replicas,
    ),
    ("a deleted listener leaves nothing behind", chapters::delete),
];

#[test]
fn a_listener_lives_on_a_real_cluster() {
    let Some(cluster) = Cluster::start(&Options::whole()) else { return };
    let story = Story::new(&cluster);
    for (title, chapter) in CHAPTERS {
        let begin = Instant::now();
        eprintln!("== {title}");
        chapter(&story);
        eprintln!("== {:.1} s", begin.elapsed().as_secs_f32());
    }
    permissions::check(&story);
}
