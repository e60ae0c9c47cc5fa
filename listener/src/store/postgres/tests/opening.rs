//! Opening: servers that would lose what they acknowledge, schemas of other versions, starters at once.

use postgres_server::Options as ServerOptions;

use super::*;

pub(super) async fn refusal(url: &str) -> String {
    match Postgres::open(options(url, &Clock::manual(BEGIN_MS), Arc::new(Plain))).await {
        Ok(_) => panic!("it was opened"),
        Err(StoreError::Open(reason)) => reason,
        Err(error) => panic!("not a refusal to open: {error}"),
    }
}

#[tokio::test]
async fn a_server_that_would_lose_what_it_acknowledged_is_refused_with_the_remedy() {
    let server = postgres_server::shared();
    let url = server.database();
    let name = url.rsplit('/').next().unwrap();
    server.execute(&format!("ALTER DATABASE {name} SET synchronous_commit = off"));
    let reason = refusal(&url).await;
    assert!(reason.contains("synchronous_commit is off") && reason.contains("ALTER ROLE"), "{reason}");
    let there = format!("SELECT 1 FROM pg_namespace WHERE nspname = '{SCHEMA}'");
    assert_eq!(postgres_server::query_rows(&url, &there), 0, "nothing was changed");
    server.execute(&format!("ALTER DATABASE {name} SET synchronous_commit = remote_write"));
    open(&url, &Clock::manual(BEGIN_MS)).await.close().await;
}

#[tokio::test]
async fn a_server_that_stops_keeping_what_it_commits_is_not_used_for_new_connections() {
    let server = postgres_server::shared();
    let url = server.database();
    let store = open(&url, &Clock::manual(BEGIN_MS)).await;
    let name = url.rsplit('/').next().unwrap();
    server.execute(&format!("ALTER DATABASE {name} SET synchronous_commit = off"));
    store.inner.pool.connection().await.unwrap().alone().unwrap().end();
    let mut all = Vec::new();
    let refused = loop {
        match store.inner.pool.connection().await {
            Ok(connection) => all.push(connection),
            Err(trouble) => break trouble.to_string(),
        }
        assert!(all.len() < 10);
    };
    assert!(refused.contains("synchronous_commit is off"), "{refused}");
    drop(all);
    store.close().await;
}

#[tokio::test]
async fn a_standby_is_refused_and_served_once_it_is_promoted() {
    let primary = Server::start();
    let url = primary.database();
    let store = open(&url, &Clock::manual(BEGIN_MS)).await;
    store.close().await;
    let standby = primary.standby(true);
    let name = url.rsplit('/').next().unwrap();
    let reason = refusal(&standby.url(name)).await;
    assert!(reason.contains("standby") && reason.contains("primary"), "{reason}");
    primary.kill();
    standby.promote();
    open(&standby.url(name), &Clock::manual(BEGIN_MS)).await.close().await;
}

#[tokio::test]
async fn a_schema_of_a_newer_listener_is_refused_unless_it_says_that_this_one_still_works() {
    let url = postgres_server::shared().database();
    open(&url, &Clock::manual(BEGIN_MS)).await.close().await;
    let newer = |compatible: i64| {
        postgres_server::execute(
            &url,
            &format!(
                "INSERT INTO {SCHEMA}.schema_version(number, compatible) VALUES (99, {compatible}) \
                 ON CONFLICT (number) DO UPDATE SET compatible = excluded.compatible"
            ),
        );
    };
    newer(99);
    let reason = refusal(&url).await;
    assert!(reason.contains("newer listener") && reason.contains("nothing was changed"), "{reason}");
    newer(1);
    open(&url, &Clock::manual(BEGIN_MS)).await.close().await;
}

#[tokio::test]
async fn a_schema_of_another_listener_is_refused() {
    let url = postgres_server::shared().database();
    open(&url, &Clock::manual(BEGIN_MS)).await.close().await;
    postgres_server::execute(&url, &format!("UPDATE {SCHEMA}.meta SET listener = 'deals'"));
    let reason = refusal(&url).await;
    assert!(reason.contains("belongs to the listener sales/deals"), "{reason}");
}

#[tokio::test]
async fn no_refusal_shows_the_password() {
    let url = postgres_server::shared().database();
    let wrong = url.replace("postgres@", "nobody:hunter2@");
    let reason = refusal(&wrong).await;
    assert!(!reason.contains("hunter2"), "{reason}");
    let reason = refusal("postgres://me:hunter2@127.0.0.1:1/hooks").await;
    assert!(!reason.contains("hunter2"), "{reason}");
    let store = open(&url, &Clock::manual(BEGIN_MS)).await;
    assert!(!format!("{store:?} {:?}", store.inner.pool).contains("postgres:"));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_that_start_at_once_make_one_schema() {
    let url = postgres_server::shared().database();
    let starters = (0..4).map(|_| {
        let url = url.clone();
        tokio::spawn(async move { open(&url, &Clock::manual(BEGIN_MS)).await })
    });
    let mut names = std::collections::BTreeSet::new();
    let mut stores = Vec::new();
    for starter in starters.collect::<Vec<_>>() {
        let store = starter.await.unwrap();
        names.insert(store.inner.names.newest().to_string());
        stores.push(store);
    }
    assert_eq!(names.len(), 1);
    let versions = format!("SELECT 1 FROM {SCHEMA}.schema_version");
    assert_eq!(postgres_server::query_rows(&url, &versions), schema::steps());
    for store in stores {
        store.close().await;
    }
}

#[tokio::test]
async fn another_password_is_taken_up_while_the_store_is_open() {
    let server = Server::with(ServerOptions { password: true, ..ServerOptions::default() });
    server.execute("CREATE ROLE app LOGIN PASSWORD 'one'");
    let url = server.database();
    let name = url.rsplit('/').next().unwrap().to_owned();
    server.execute(&format!("GRANT CREATE ON DATABASE {name} TO app"));
    let with = |password: &str| format!("postgres://app:{password}@{}/{name}", server.address());
    let clock = Clock::manual(BEGIN_MS);
    let world = world(&server);
    let store = Arc::new(open(&with("one"), &clock).await);
    server.execute("ALTER ROLE app PASSWORD 'two'");
    server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'");
    let wrong = store.replace_url(SecretString::from(with("three"))).await.unwrap_err().to_string();
    assert!(!wrong.contains("three"), "{wrong}");
    store.replace_url(SecretString::from(with("two"))).await.unwrap();
    let shared = Arc::clone(&store) as Arc<dyn Store>;
    suite::set_destinations(&shared, &["a"]).await;
    world.deliver(&shared, suite::body(&[suite::event(1)])).await;
    let other = server.database();
    let elsewhere = store.replace_url(SecretString::from(other)).await.unwrap_err().to_string();
    assert!(elsewhere.contains("another store"), "{elsewhere}");
    assert_eq!(store.status().await.unwrap().deliveries, 1);
    store.close().await;
}
