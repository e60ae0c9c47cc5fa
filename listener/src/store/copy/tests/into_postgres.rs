//! From embedded to PostgreSQL.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_can_be_asked_of_a_store_its_copy_says_the_same_and_it_goes_on_from_there() {
    let case = Case::new();
    let world = open_already(&case.clock);
    let before = case.embedded().await.unwrap();
    fill(&before, &world).await;
    before.store.close().await;
    drop(before);
    let before = case.embedded().await.unwrap();
    let expected = told(&before).await;
    let refused = case.to_postgres(usize::MAX).await.unwrap_err().to_string();
    assert!(refused.contains("is open already"), "{refused}");
    before.store.close().await;
    drop(before);

    for chunks in [0, 1, 4] {
        assert!(case.to_postgres(chunks).await.unwrap_err().to_string().contains("killed"));
        let half = case.in_postgres().await.err().unwrap().to_string();
        assert!(half.contains("part of a copy") && half.contains("run the same command again"), "{half}");
        let half = case.to_directory(&case.directory.path().join("other"), 0).await.unwrap_err().to_string();
        assert!(half.contains("part of a copy") && half.contains("DROP SCHEMA"), "{half}");
    }
    let copied = case.to_postgres(usize::MAX).await.unwrap();
    assert!(copied.resumed);
    has_everything(&copied);
    // Without a block a list up to a time would not find its error.
    case.sql(
        "DO $$ BEGIN ASSERT EXISTS (SELECT FROM error) AND NOT EXISTS (SELECT FROM error WHERE NOT EXISTS \
         (SELECT FROM error_block WHERE number = id / 1024 AND earliest <= last_at)); END $$",
    )
    .await;

    let after = case.in_postgres().await.unwrap();
    for (before, after) in expected.iter().zip(told(&after).await) {
        assert_eq!(&before.replace("\\0", "\u{FFFD}"), &after);
    }
    let refused = case.to_postgres(usize::MAX).await.unwrap_err().to_string();
    assert!(refused.contains("is in use by a listener"), "{refused}");

    let source = case.embedded().await.unwrap();
    goes_on(&source, &after, &world, &expected).await;
    source.store.close().await;
    after.store.close().await;
    drop(after);
    let refused = case.to_postgres(usize::MAX).await.unwrap_err().to_string();
    assert!(refused.contains("a whole copy"), "{refused}");
}
