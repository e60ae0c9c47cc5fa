//! What is not copied.

use std::fs;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_changed_meanwhile_and_a_target_in_use_are_refused() {
    let case = Case::new();
    let world = open_already(&case.clock);
    let store = case.embedded().await.unwrap();
    suite::set_destinations(&store.store, &["a"]).await;
    world.deliver(&store.store, suite::body(&[suite::event(1), suite::event(2)])).await;
    store.store.close().await;
    drop(store);
    assert!(case.to_postgres(3).await.unwrap_err().to_string().contains("killed"));
    let store = case.embedded().await.unwrap();
    world.deliver(&store.store, suite::body(&[suite::event(3)])).await;
    world.drain(&store.store, "a").await;
    store.store.close().await;
    drop(store);
    let refused = case.to_postgres(usize::MAX).await.unwrap_err().to_string();
    assert!(refused.contains("not like its source") && refused.contains("drop the schema"), "{refused}");
    assert!(case.in_postgres().await.is_err());

    let used = Case { url: postgres_server::shared().database(), ..case };
    let other = used.in_postgres().await.unwrap();
    world.deliver(&other.store, suite::body(&[suite::event(1)])).await;
    other.store.close().await;
    drop(other);
    let refused = used.to_postgres(usize::MAX).await.unwrap_err().to_string();
    assert!(refused.contains("rows in the table delivery") && refused.contains("DROP SCHEMA"), "{refused}");
}

/// A database in which a listener has run.
async fn worked(world: &World, case: &Case) {
    let store = case.in_postgres().await.unwrap();
    suite::set_destinations(&store.store, &["a"]).await;
    world.deliver(&store.store, suite::body(&[suite::event(1), suite::event(2)])).await;
    world.drain(&store.store, "a").await;
    store.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_changed_meanwhile_and_a_directory_in_use_are_refused() {
    let case = Case::new();
    let world = open_already(&case.clock);
    worked(&world, &case).await;
    assert!(case.to_embedded(3).await.unwrap_err().to_string().contains("killed"));
    worked(&world, &case).await;
    let refused = case.to_embedded(usize::MAX).await.unwrap_err().to_string();
    assert!(refused.contains("not like its source") && refused.contains("remove the directory"), "{refused}");
    assert!(case.embedded().await.is_err());

    let other = Case { url: postgres_server::shared().database(), ..case };
    worked(&world, &other).await;
    let refused = other.to_embedded(usize::MAX).await.unwrap_err().to_string();
    assert!(refused.contains("part of a copy of another store"), "{refused}");
    let place = |name: &str| other.directory.path().join(name);
    for (name, file, words) in [
        ("used", "store.db", "a store already"),
        ("backup", "store.db.partial", "a backup that was cut short"),
        ("home", "letter.txt", "something else"),
    ] {
        fs::create_dir(place(name)).unwrap();
        fs::write(place(name).join(file), "here").unwrap();
        let refused = other.to_directory(&place(name), usize::MAX).await.unwrap_err().to_string();
        assert!(refused.contains(words) && refused.contains("nothing was changed"), "{refused}");
        assert_eq!(fs::read_dir(place(name)).unwrap().count(), 1);
    }
    // What is no index at all, and one of a newer version.
    let odd = place("odd").join("store.db.copying");
    fs::create_dir(place("odd")).unwrap();
    for content in [&b"something else, and long enough for a header"[..], b"SQLite format 3\0"] {
        fs::write(&odd, content).unwrap();
        let refused = other.to_directory(&place("odd"), usize::MAX).await.unwrap_err().to_string();
        assert!(refused.contains("It was not changed"), "{refused}");
        assert_eq!(fs::read(&odd).unwrap(), content);
    }
    fs::remove_file(&odd).unwrap();
    let newer = "CREATE TABLE meta(one); PRAGMA application_id = 0x48534c69; PRAGMA user_version = 9999";
    rusqlite::Connection::open(&odd).unwrap().execute_batch(newer).unwrap();
    let refused = other.to_directory(&place("odd"), usize::MAX).await.unwrap_err().to_string();
    assert!(refused.contains("a newer listener") && refused.contains("9999"), "{refused}");
    // An empty one is as good as none.
    fs::create_dir(place("empty")).unwrap();
    other.to_directory(&place("empty"), usize::MAX).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_that_is_missing_newer_or_under_way_is_refused_and_nothing_is_made() {
    let case = Case::new();
    let refused = async |words: &[&str]| {
        let refused = case.to_embedded(usize::MAX).await.unwrap_err().to_string();
        assert!(words.iter().all(|word| refused.contains(word)), "{refused}");
        assert!(!case.store().exists());
    };
    refused(&["no schema hsl_sales_contacts", "--listener"]).await;
    let world = open_already(&case.clock);
    worked(&world, &case).await;
    let records = crate::desk::Selection::Records(RecordFilter::default());
    let store = case.in_postgres().await.unwrap();
    store.desk.plan(Actor("ann".to_owned()), records, Act::Replay { to: "a".to_owned() }).await.unwrap();
    store.store.close().await;
    drop(store);
    refused(&["1 replays are planned or under way", "listener errors bulk", "nothing was copied"]).await;
    // A plan is forgotten after an hour.
    world.pass(2 * HOUR_MS);
    let last = "WHERE number = (SELECT max(number) FROM schema_version)";
    case.sql(&format!("UPDATE schema_version SET compatible = compatible + 9000 {last}")).await;
    refused(&["a newer listener wrote", "nothing was changed"]).await;
    case.sql(&format!("UPDATE schema_version SET compatible = compatible - 9000 {last}")).await;
    case.to_embedded(usize::MAX).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_copied_is_refused_with_what_helps() {
    let url = || SecretString::from("postgres://nobody:secret@127.0.0.1:1/none".to_owned());
    let directory = || SecretString::from("/nowhere".to_owned());
    for (from, to, words) in [
        (url(), directory(), "the database cannot be used"),
        (directory(), directory(), "store backup"),
        (url(), url(), "pg_dump"),
    ] {
        let clock = Clock::manual(BEGIN_MS);
        let refused =
            blocking(move || copy(&from, &to, ("sales", "contacts"), &clock, &mut |_, _, _| {})).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(words), "{refused}");
        assert!(!refused.contains("nobody") && !refused.contains("secret"), "{refused}");
    }
}
