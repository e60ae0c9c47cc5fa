use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn answer(status: u16, body: &str) -> Answer {
    Answer { status, body: body.as_bytes().to_vec(), ..Answer::default() }
}

fn verdict(status: u16, body: &str) -> Verdict {
    classify(&Reply::Answer(answer(status, body)), 4)
}

#[rstest]
#[case(200)]
#[case(201)]
#[case(202)]
#[case(204)]
#[case(207)]
#[case(299)]
fn any_2xx_is_delivered(#[case] status: u16) {
    assert_eq!(verdict(status, ""), Verdict::Delivered);
}

#[rstest]
#[case(408, ErrorClass::Intermittent)]
#[case(425, ErrorClass::Intermittent)]
#[case(429, ErrorClass::RateLimit)]
#[case(500, ErrorClass::Intermittent)]
#[case(501, ErrorClass::Intermittent)]
#[case(503, ErrorClass::Intermittent)]
#[case(599, ErrorClass::Intermittent)]
fn what_may_pass_goes_again(#[case] status: u16, #[case] class: ErrorClass) {
    let Verdict::Again { failure, .. } = verdict(status, "busy") else { panic!("not again") };
    assert_eq!((failure.class, failure.status), (class, Some(status)));
    assert_eq!(failure.code, format!("http_{status}"));
    assert_eq!(failure.response.as_deref(), Some("busy"));
}

#[rstest]
#[case(400, ErrorClass::Value)]
#[case(401, ErrorClass::Value)]
#[case(404, ErrorClass::Missing)]
#[case(409, ErrorClass::Duplicate)]
#[case(410, ErrorClass::Missing)]
#[case(413, ErrorClass::TooLarge)]
#[case(422, ErrorClass::Value)]
#[case(499, ErrorClass::Value)]
#[case(100, ErrorClass::Value)]
#[case(999, ErrorClass::Value)]
fn what_will_not_pass_fails_at_once(#[case] status: u16, #[case] class: ErrorClass) {
    let Verdict::Refused(failure) = verdict(status, "") else { panic!("not refused") };
    assert_eq!(failure.class, class);
    assert_eq!(failure.response, None);
}

#[test]
fn a_redirect_fails_and_says_where_it_led() {
    let reply = Answer { location: Some("https://elsewhere/x".into()), ..answer(302, "") };
    let Verdict::Refused(failure) = classify(&Reply::Answer(reply), 1) else { panic!("not refused") };
    assert_eq!((failure.class, failure.code.as_str()), (ErrorClass::Value, "http_3xx"));
    assert!(failure.message.contains("302 Found"), "{}", failure.message);
    assert!(failure.message.contains("https://elsewhere/x"), "{}", failure.message);
}

#[test]
fn only_the_named_records_fail() {
    let body = r#" {"ok":2,"failed":[
        {"index":3,"code":"missing","message":"no such list","retryable":false,"more":1},
        {"index":0,"code":"busy","retryable":true},
        {"index":1}
    ]}"#;
    for status in [200, 207] {
        let Verdict::Partly(failures) = verdict(status, body) else { panic!("not partly") };
        let seen: Vec<_> = failures
            .iter()
            .map(|record| {
                (record.index, record.failure.class, record.failure.code.as_str(), record.retryable)
            })
            .collect();
        assert_eq!(
            seen,
            [
                (0, ErrorClass::Value, "busy", true),
                (1, ErrorClass::Value, "failed", false),
                (3, ErrorClass::Missing, "missing", false)
            ]
        );
        assert_eq!(failures[2].failure.message, "no such list");
    }
    assert_eq!(verdict(201, body), Verdict::Delivered);
}

#[rstest]
#[case(r#"{"failed":[]}"#)]
#[case(r#"{"failed":[{"index":4}]}"#)]
#[case(r#"{"failed":[{"index":-1},{"index":"0"},{"index":1.5},{},7,null]}"#)]
#[case(r#"{"failed":3}"#)]
#[case(r#"{"failed":[{"index":0}"#)]
#[case(r#"[{"failed":[{"index":0}]}]"#)]
#[case("\"failed\"")]
#[case("<html>failed</html>")]
fn a_body_that_names_no_record_is_delivered(#[case] body: &str) {
    assert_eq!(verdict(200, body), Verdict::Delivered);
}

#[test]
fn a_usable_entry_counts_beside_unusable_ones_and_the_first_of_two() {
    let body = r#"{"failed":[7,{"index":9},{"index":2,"code":"a"},{"index":2,"code":"b","retryable":true}]}"#;
    let Verdict::Partly(failures) = verdict(200, body) else { panic!("not partly") };
    assert_eq!(failures.len(), 1);
    assert_eq!((failures[0].index, failures[0].failure.code.as_str()), (2, "a"));
}

#[test]
fn an_answer_that_nobody_can_read_is_not_taken_for_a_yes() {
    let broken = Answer { end: BodyEnd::Broken, ..answer(200, "{\"fai") };
    assert!(matches!(classify(&Reply::Answer(broken), 1), Verdict::Again { .. }));
    let long = Answer { end: BodyEnd::TooLong, ..answer(200, "{\"failed\":[{\"index\":0}") };
    let Verdict::Refused(failure) = classify(&Reply::Answer(long), 1) else { panic!("not refused") };
    assert_eq!(failure.code, "answer_too_long");
    let long = Answer { end: BodyEnd::TooLong, ..answer(200, "<html>") };
    assert_eq!(classify(&Reply::Answer(long), 1), Verdict::Delivered);
    let broken = Answer { end: BodyEnd::Broken, ..answer(204, "") };
    assert_eq!(classify(&Reply::Answer(broken), 1), Verdict::Delivered);
}

#[test]
fn without_an_answer_it_goes_again_but_not_to_a_barred_address() {
    for reply in
        [Reply::NoConnection("x".into()), Reply::NoAnswerInTime("x".into()), Reply::Broken("x".into())]
    {
        let Verdict::Again { failure, .. } = classify(&reply, 1) else { panic!("not again") };
        assert_eq!(failure.class, ErrorClass::Connection);
        assert_eq!(reply.sign(), Sign::Silent);
    }
    let barred = Reply::Barred("x".into());
    let Verdict::Refused(failure) = classify(&barred, 1) else { panic!("not refused") };
    assert_eq!((failure.class, failure.code.as_str()), (ErrorClass::Connection, "address_barred"));
    assert_eq!(barred.sign(), Sign::Nothing);
}

#[test]
fn only_429_with_retry_after_makes_the_destination_wait() {
    let asked = Some(Duration::from_secs(3));
    let with = |status| Reply::Answer(Answer { retry_after: asked, ..answer(status, "") }).sign();
    assert_eq!(with(429), Sign::Wait(Duration::from_secs(3)));
    assert_eq!(with(503), Sign::Answered);
    assert_eq!(Reply::Answer(answer(429, "")).sign(), Sign::Answered);
}

proptest! {
    #[test]
    fn an_error_keeps_at_most_4_kib_of_any_answer(
        body in proptest::collection::vec(any::<u8>(), 0..10_000), status in any::<u16>(),
    ) {
        let reply = Reply::Answer(Answer { status, body, ..Answer::default() });
        if let Verdict::Refused(failure) | Verdict::Again { failure, .. } = classify(&reply, 3) {
            prop_assert!(failure.response.unwrap_or_default().len() <= KEPT_BYTES);
        }
    }

    #[test]
    fn named_records_are_within_the_page_and_once_each(
        indexes in proptest::collection::vec(-3_i64..12, 0..20), records in 1_usize..8,
    ) {
        let entries: Vec<String> = indexes.iter().map(|index| format!("{{\"index\":{index}}}")).collect();
        let reply = Reply::Answer(answer(200, &format!("{{\"failed\":[{}]}}", entries.join(","))));
        let mut expect: Vec<usize> =
            indexes.iter().filter_map(|&index| usize::try_from(index).ok()).filter(|&i| i < records).collect();
        expect.sort_unstable();
        expect.dedup();
        let seen: Vec<usize> = match classify(&reply, records) {
            Verdict::Partly(failures) => failures.iter().map(|failure| failure.index).collect(),
            _ => Vec::new(),
        };
        prop_assert_eq!(seen, expect);
    }
}
