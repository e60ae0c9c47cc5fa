use k8s_openapi::api::core::v1::Service;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use super::*;

fn service(name: &str, version: &str, owner: &str) -> Service {
    let owner = OwnerReference {
        api_version: "hubspot-listener.dev/v1alpha1".to_owned(),
        kind: "HubSpotListener".to_owned(),
        name: owner.to_owned(),
        uid: format!("uid-of-{owner}"),
        controller: Some(true),
        ..OwnerReference::default()
    };
    Service {
        metadata: ObjectMeta {
            namespace: Some("sales".to_owned()),
            name: Some(name.to_owned()),
            uid: Some(format!("uid-{name}")),
            resource_version: Some(version.to_owned()),
            owner_references: Some(vec![owner]),
            ..ObjectMeta::default()
        },
        ..Service::default()
    }
}

fn names(touched: &[Arc<Seen>]) -> Vec<&str> {
    let mut names: Vec<_> = touched.iter().map(|seen| seen.key.name.as_str()).collect();
    names.sort_unstable();
    names
}

fn list(shelf: &Shelf, objects: &[Service]) -> Vec<Arc<Seen>> {
    shelf.take::<Service>(&Event::Init);
    for object in objects {
        shelf.take(&Event::InitApply(object.clone()));
    }
    shelf.take::<Service>(&Event::InitDone)
}

#[test]
fn a_shelf_is_filled_when_the_first_listing_is_complete() {
    let shelf = Shelf::default();
    shelf.take::<Service>(&Event::Init);
    shelf.take(&Event::InitApply(service("a", "1", "contacts")));
    assert!(!shelf.filled());
    assert!(shelf.get(&Key::new("sales", "a")).is_none());
    shelf.take::<Service>(&Event::InitDone);
    assert!(shelf.filled());
    assert_eq!(shelf.get(&Key::new("sales", "a")).unwrap().listener(), Some(Key::new("sales", "contacts")));
}

#[test]
fn a_second_listing_touches_only_what_went_or_changed_or_came() {
    let shelf = Shelf::default();
    let first = [service("same", "1", "x"), service("changed", "1", "x"), service("gone", "1", "x")];
    assert_eq!(names(&list(&shelf, &first)), ["changed", "gone", "same"]);
    let second = [service("same", "1", "x"), service("changed", "2", "x"), service("new", "3", "x")];
    assert_eq!(names(&list(&shelf, &second)), ["changed", "gone", "new"]);
    assert!(shelf.get(&Key::new("sales", "gone")).is_none());
}

#[test]
fn what_a_listener_owns_follows_the_events() {
    let shelf = Shelf::default();
    list(&shelf, &[service("a", "1", "x"), service("b", "1", "x")]);
    assert_eq!(names(&shelf.owned("uid-of-x")), ["a", "b"]);
    shelf.take(&Event::Delete(service("a", "2", "x")));
    // Taken over by another listener: both are touched.
    let touched = shelf.take(&Event::Apply(service("b", "3", "y")));
    assert_eq!(touched.len(), 2);
    assert!(shelf.owned("uid-of-x").is_empty());
    assert_eq!(names(&shelf.owned("uid-of-y")), ["b"]);
}

#[test]
fn labels_of_what_the_operator_did_not_make_are_not_kept() {
    let mut foreign = service("a", "1", "x");
    foreign.metadata.labels = Some(BTreeMap::from([("big".to_owned(), "x".repeat(60))]));
    assert!(Seen::of(&foreign.metadata).labels.is_empty());
}
