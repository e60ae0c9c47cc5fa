//! How many connections there are, on a real server.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use postgres_server::Options as ServerOptions;

use super::opening::refusal;
use super::*;

#[tokio::test]
async fn a_server_without_a_connection_left_is_refused_with_what_helps() {
    let settings = [("max_connections", "4"), ("superuser_reserved_connections", "0")];
    let settings = settings.map(|(name, value)| (name, value.to_owned())).to_vec();
    let server = Server::with(ServerOptions { settings, ..ServerOptions::default() });
    let url = server.database();
    let secret = SecretString::from(url.clone());
    let mut held = Vec::new();
    while let Ok((client, _)) = connect::single(&secret, tokio::spawn).await {
        held.push(client);
        assert!(held.len() <= 4);
    }
    let reason = refusal(&url).await;
    assert!(reason.contains("too many clients") && reason.contains("max_connections"), "{reason}");
    assert!(reason.contains("smaller pool_size"), "{reason}");
    drop(held);
    let begin = std::time::Instant::now();
    let store = loop {
        match Postgres::open(options(&url, &Clock::manual(BEGIN_MS), Arc::new(Plain))).await {
            Ok(store) => break store,
            Err(error) => assert!(begin.elapsed() < Duration::from_secs(20), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_there_are_never_more_connections_than_were_allowed() {
    let server = postgres_server::shared();
    let world = Arc::new(world(server));
    let url = server.database();
    let store = Arc::new(open(&format!("{url}?pool_size=4"), &world.clock).await);
    let shared = Arc::clone(&store) as Arc<dyn Store>;
    suite::set_destinations(&shared, &["a"]).await;
    let over = Arc::new(AtomicBool::new(false));
    let (database, end) = (url.clone(), Arc::clone(&over));
    let counting = std::thread::spawn(move || {
        let ours = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() \
            AND application_name LIKE 'hubspot-listener/%'";
        let mut most = 0;
        while !end.load(Ordering::SeqCst) {
            most = most.max(postgres_server::query_rows(&database, ours));
        }
        most
    });
    let begin = std::time::Instant::now();
    let working = (0..24_u64).map(|worker| {
        let (world, store) = (Arc::clone(&world), Arc::clone(&shared));
        tokio::spawn(async move {
            let mut turn = 0;
            while begin.elapsed() < Duration::from_secs(3) {
                world.append(&store, suite::body(&[suite::event(worker << 32 | turn)])).await;
                if let Lease::Page(page) = store.lease(world.ask("a")).await.unwrap() {
                    world.done(&store, &page).await;
                }
                store.status().await.unwrap();
                turn += 1;
            }
        })
    });
    for worker in join_all(working).await {
        worker.unwrap();
    }
    over.store(true, Ordering::SeqCst);
    let most = counting.join().unwrap();
    // One beside the pool listens.
    assert!(most <= 5, "{most}");
    assert!(most >= 4, "they were needed: {most}");
    assert_eq!(store.inner.pool.size().1, 4);
    store.close().await;
}
