//! How large the files become.

use super::*;

/// How many rows and bytes there are.
fn sizes(directory: &Path) -> Vec<(&'static str, u64)> {
    let database = Connection::open(directory.join("store.db")).unwrap();
    let count = |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap().unsigned_abs();
    let journal = std::fs::read_dir(directory.join("journal")).unwrap();
    vec![
        ("deliveries", count("SELECT count(*) FROM delivery")),
        ("keys", count("SELECT count(*) FROM dedupe")),
        ("pages", count("SELECT count(*) FROM page")),
        ("attempts", count("SELECT count(*) FROM attempt")),
        ("segments", count("SELECT count(*) FROM segment")),
        ("database", count("PRAGMA page_count")),
        ("journal", journal.map(|file| file.unwrap().metadata().unwrap().len()).sum()),
    ]
}

fn larger(largest: &mut Vec<(&'static str, u64)>, now: &[(&'static str, u64)]) {
    if largest.is_empty() {
        largest.extend_from_slice(now);
    }
    for ((_, largest), (_, now)) in largest.iter_mut().zip(now) {
        *largest = (*largest).max(*now);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_files_reach_a_steady_size() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let store = world.open(&["a"]).await;
    // The largest of ten hours each: a segment fills and goes in steps.
    let mut largest = [Vec::new(), Vec::new()];
    for hour in 0..40 {
        for part in 0..10 {
            let now = world.clock.now_ms();
            let events: Vec<_> = (0..40)
                .map(|number| {
                    format!(r#"{{"eventId":{},"occurredAt":{now},"hour":{hour}}}"#, part * 40 + number)
                })
                .collect();
            world.append(&store, suite::body(&events)).await;
        }
        suite::indexed(&store).await;
        assert_eq!(world.drain(&store, "a").await.len(), 400);
        world.pass(HOUR_MS);
        store.retain(&suite::short()).await.unwrap();
        let now = sizes(directory.path());
        match hour {
            10..20 => larger(&mut largest[0], &now),
            30..40 => larger(&mut largest[1], &now),
            _ => {}
        }
    }
    for ((what, middle), (_, end)) in largest[0].iter().zip(&largest[1]) {
        assert!(*middle > 0, "{what}");
        assert!(end * 10 <= middle * 12, "{what} grew from {middle} to {end}");
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn free_pages_are_given_back_beyond_a_reserve() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual(BEGIN_MS);
    let store = open(directory.path(), &clock).await;
    let pages = |connection: &Connection| {
        Ok(connection.pragma_query_value(None, "page_count", |row| row.get::<_, i64>(0))?)
    };
    let fill = |connection: &Connection| {
        connection.execute_batch(
            "CREATE TABLE filler(a BLOB); INSERT INTO filler VALUES (zeroblob(20000000)); DROP TABLE filler",
        )?;
        Ok(())
    };
    store.inner.writer.call(Durability::Synced, fill).await.unwrap();
    let before = store.inner.writer.call(Durability::Synced, pages).await.unwrap();
    store.retain(&suite::short()).await.unwrap();
    let after = store.inner.writer.call(Durability::Synced, pages).await.unwrap();
    assert!(before > 4_800, "{before}");
    assert!((1_024..1_200).contains(&after), "{after}");
    store.close().await;
}
