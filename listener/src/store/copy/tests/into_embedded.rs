//! From PostgreSQL to embedded, and there and back.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_can_be_asked_of_a_store_its_copy_says_the_same_and_it_goes_on_from_there() {
    let case = Case::new();
    let world = open_already(&case.clock);
    let before = case.in_postgres().await.unwrap();
    fill(&before, &world).await;
    before.store.close().await;
    drop(before);
    let before = case.in_postgres().await.unwrap();
    let expected = told(&before).await;
    let refused = case.to_embedded(usize::MAX).await.unwrap_err().to_string();
    assert!(
        refused.contains("is in use by a listener") && refused.contains("nothing was copied"),
        "{refused}"
    );
    assert!(!case.store().exists());
    before.store.close().await;
    drop(before);

    for chunks in [0, 1, 4] {
        assert!(case.to_embedded(chunks).await.unwrap_err().to_string().contains("killed"));
        let half = case.embedded().await.err().unwrap().to_string();
        assert!(half.contains("part of a copy") && half.contains("run the same command again"), "{half}");
        let half = verified(&case.store()).await.unwrap_err().to_string();
        assert!(half.contains("part of a copy"), "{half}");
    }
    let copied = case.to_embedded(usize::MAX).await.unwrap();
    assert!(copied.resumed);
    has_everything(&copied);
    verified(&case.store()).await.unwrap();

    let after = case.embedded().await.unwrap();
    for (before, after) in expected.iter().zip(told(&after).await) {
        assert_eq!(before, &after);
    }
    let source = case.in_postgres().await.unwrap();
    let filter = RecordFilter { object_id: Some("9007199254740993".to_owned()), ..RecordFilter::default() };
    let (here, there) = (found(&source, &filter).await, found(&after, &filter).await);
    assert!(here.len() >= 30 && here == there, "{here:?} {there:?}");
    goes_on(&source, &after, &world, &expected).await;
    source.store.close().await;
    after.store.close().await;
    drop(after);
    let refused = case.to_embedded(usize::MAX).await.unwrap_err().to_string();
    assert!(refused.contains("a store already") && refused.contains("remove the directory"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_and_back_again_each_table_has_the_same_rows_and_the_same_sum() {
    let case = Case::new();
    let world = open_already(&case.clock);
    let before = case.embedded().await.unwrap();
    fill(&before, &world).await;
    before.store.close().await;
    drop(before);
    let before = case.embedded().await.unwrap();
    let expected = told(&before).await;
    before.store.close().await;
    drop(before);
    let there = case.to_postgres(usize::MAX).await.unwrap();
    let home = case.directory.path().join("home");
    let back = case.to_directory(&home, usize::MAX).await.unwrap();
    assert_eq!(there.tables, back.tables);
    assert!(!back.resumed);
    has_everything(&back);

    let after = embedded(&home, &case.clock).await.unwrap();
    for (before, after) in expected.iter().zip(told(&after).await) {
        assert_eq!(&before.replace("\\0", "\u{FFFD}"), &after);
    }
    let source = case.embedded().await.unwrap();
    goes_on(&source, &after, &world, &expected).await;
    source.store.close().await;
    after.store.close().await;
}

async fn verified(directory: &Path) -> Result<index::backup::Verified, StoreError> {
    let directory = directory.to_owned();
    blocking(move || index::backup::verify(&directory, &mut |_, _, _| {})).await
}

/// Records by a search, all of it.
async fn found(whole: &Sides, filter: &RecordFilter) -> Vec<String> {
    let mut query = Query { filter: filter.clone(), cursor: None, limit: 100 };
    let mut names = Vec::new();
    loop {
        let list = whole.history.records(query.clone()).await.unwrap().list;
        names.extend(list.items.into_iter().map(|item| item.record));
        let Some(next) = list.next else { return names };
        query.cursor = Some(next);
    }
}
