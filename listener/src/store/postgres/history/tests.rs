//! What PostgreSQL shows: the shared suite, but for searches by a former template.

use crate::store::postgres::desk::tests::world;
use crate::store::suite;

macro_rules! shared {
    ($($name:ident)*) => { $(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let url = postgres_server::shared().database();
            suite::$name(&world(&url)).await;
        }
    )* };
}

suite::history_tests!(shared);
