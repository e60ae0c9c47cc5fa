//! What an error of the client says, in a line for people. kube's own text of an answer is its
//! debug form, and leaves out what lies under a failed connection.

/// Characters of an error's text.
const MAX: usize = 512;

/// One line.
pub fn said(error: &kube::Error) -> String {
    let mut text = match error {
        kube::Error::Api(status) if !status.message.is_empty() => return cut(&status.message),
        kube::Error::Api(status) => return format!("status {}", status.code),
        // Its own text is that of what lies under it.
        kube::Error::Service(under) => under.to_string(),
        other => other.to_string(),
    };
    let mut under = std::error::Error::source(error);
    while let Some(source) = under {
        let more = source.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        under = source.source();
    }
    cut(&text)
}

/// Whether the API server does not serve what was asked for. Asked for a whole group it answers
/// in plain text, so only the code tells.
pub fn absent(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

fn cut(text: &str) -> String {
    text.chars().take(MAX).collect()
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    #[test]
    fn an_answer_is_told_by_its_message_and_a_failed_connection_by_its_cause() {
        let status = Status { code: 403, message: "secrets is forbidden".to_owned(), ..Status::default() };
        assert_eq!(said(&kube::Error::Api(Box::new(status))), "secrets is forbidden");
        let refused = std::io::Error::other("connection refused");
        let error = kube::Error::Service(Box::new(refused));
        assert_eq!(said(&error), "connection refused");
    }

    #[test]
    fn only_the_code_tells_that_a_group_is_absent() {
        let plain =
            Status { code: 404, reason: "Failed to parse error data".to_owned(), ..Status::default() };
        assert!(absent(&kube::Error::Api(Box::new(plain))));
        assert!(!absent(&kube::Error::Api(Box::new(Status { code: 403, ..Status::default() }))));
    }
}
