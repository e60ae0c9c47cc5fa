//! Refused requests.

use super::*;
use crate::desk::RefusedFilter;

fn refused(world: &World, cause: &'static str, diagnosis: Option<&'static str>) -> Refused {
    Refused {
        id: Uuid::now_v7(),
        at_ms: world.clock.now_ms(),
        status: 401,
        cause,
        diagnosis: diagnosis.map(str::to_owned),
        diagnosis_code: diagnosis,
        request_line: "POST / HTTP/1.1".to_owned(),
        headers: vec![("host".to_owned(), "a".to_owned())],
        body: Bytes::from_static(b"[]"),
        body_bytes: 2,
        peer: None,
    }
}

pub(crate) async fn refused_requests_are_found_by_cause_diagnosis_and_time(world: &World) {
    let shows = open(world, FIRST, &["a"]).await;
    let mut all = Vec::new();
    for (cause, diagnosis) in [
        ("signature", Some("other_secret")),
        ("stale", None),
        ("signature", Some("http_for_https")),
        ("signature", Some("other_secret")),
        ("missing", None),
    ] {
        let one = refused(world, cause, diagnosis);
        shows.store.refuse(one.clone());
        all.insert(0, one);
        world.pass(1_000);
    }
    let begin = Instant::now();
    while shows.store.status().await.unwrap().refused_kept < 5 {
        assert!(begin.elapsed() < Duration::from_secs(20), "they are not kept");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let text = |text: &str| Some(text.to_owned());
    let none = RefusedFilter::default;
    for (filter, expected) in [
        (none(), &[0, 1, 2, 3, 4][..]),
        (RefusedFilter { cause: text("signature"), ..none() }, &[1, 2, 4]),
        (RefusedFilter { diagnosis: text("other_secret"), ..none() }, &[1, 4]),
        (RefusedFilter { diagnosis: text("other_secret"), from_ms: Some(BEGIN_MS + 1), ..none() }, &[1]),
        (RefusedFilter { until_ms: Some(BEGIN_MS + 1_001), ..none() }, &[3, 4]),
        (RefusedFilter { cause: text("other"), ..none() }, &[]),
    ] {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let query = Query { filter: filter.clone(), cursor, limit: 2 };
            let listing = shows.history.refusals(query).await.unwrap();
            assert!(listing.items.len() <= 2);
            found.extend(listing.items);
            cursor = listing.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(
            found,
            expected.iter().map(|at: &usize| all[*at].clone()).collect::<Vec<_>>(),
            "{filter:?}"
        );
    }
    assert_eq!(shows.history.refusal(all[2].id).await.unwrap(), all[2]);
    let gone = shows.history.refusal(Uuid::nil()).await;
    assert!(matches!(gone, Err(DeskError::NotFound { what: "refused request", .. })), "{gone:?}");
    shows.close().await;
}
