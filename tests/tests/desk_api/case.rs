//! One request, made from the description by chance.

use serde_json::{Map, Value};
use tests::Random;

use crate::description::{Description, Operation, Parameter, ROLES};
use crate::value;

/// A request, and what must come of it.
pub(crate) struct Case {
    /// Place in the description.
    pub(crate) operation: usize,
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) caller: Caller,
    pub(crate) expected: Expected,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Without a token.
    Nobody,
    /// With one that nobody gave them.
    Stranger,
    /// Place in [`ROLES`].
    Role(usize),
}

/// What must come of a request beside a good answer or a good refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Anything,
    /// All of it is as described: it is done, or what it names is not there.
    Taken,
    /// It is not as described.
    Refused,
    /// Who asks may not do this.
    Forbidden,
}

/// Bytes of a request's line and headers that the server reads; more is answered before the API sees it.
const HEAD: usize = 32 * 1024;

/// The tokens of the roles, in their order.
pub(crate) const TOKENS: [&str; 3] =
    ["view-token-of-vera-0001", "operate-token-of-olaf-0001", "admin-token-of-ada-00001"];

impl Case {
    /// Input `number` under `seed`.
    pub(crate) fn by_chance(description: &Description, seed: u64, number: u64) -> Self {
        let random = &mut Random::of(seed, number);
        let place = random.below(description.operations.len());
        let caller = match random.below(20) {
            0 => Caller::Nobody,
            1 => Caller::Stranger,
            2..5 => Caller::Role(0),
            5..12 => Caller::Role(1),
            _ => Caller::Role(2),
        };
        let mut case = Self::good(description, place, caller, random);
        let operation = &description.operations[place];
        if random.one_in(2) {
            case.spoil(operation, random);
        }
        case
    }

    /// As described.
    pub(crate) fn good(description: &Description, place: usize, caller: Caller, random: &mut Random) -> Self {
        let operation = &description.operations[place];
        let components = &description.components;
        let mut target = operation.path.clone();
        let mut query = Vec::new();
        let mut is_sure = operation.body.is_none();
        for parameter in &operation.parameters {
            let Parameter { name, is_in_path, is_required, schema, .. } = parameter;
            if *is_in_path {
                let text = match name.as_str() {
                    "namespace" => "sales".to_owned(),
                    "name" => "contacts".to_owned(),
                    _ => written(&value::good(random, schema, components)),
                };
                target = target.replace(&format!("{{{name}}}"), &encoded(&text));
            } else if *is_required || random.one_in(5) {
                let text = written(&value::good(random, schema, components));
                is_sure &= !parameter.is_free() || FREE.contains(&name.as_str());
                // An empty list is no list.
                is_sure &= parameter.takes(&text);
                query.push(format!("{name}={}", encoded(&text)));
            }
        }
        if !query.is_empty() {
            target = format!("{target}?{}", query.join("&"));
        }
        let mut headers = Vec::new();
        let mut body = Vec::new();
        if operation.method == "POST" {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
            is_sure = false;
        }
        if let Some(schema) = &operation.body {
            let mut made = value::good(random, schema, components);
            if let (Value::Object(fields), false) = (&mut made, random.one_in(8)) {
                keep_what_suits(&target, fields);
            }
            body = made.to_string().into_bytes();
        }
        match caller {
            Caller::Nobody => {}
            Caller::Stranger => headers.push(bearer("a-token-of-somebody-else")),
            Caller::Role(role) => headers.push(bearer(TOKENS[role])),
        }
        let may = matches!(caller, Caller::Role(role) if role >= operation.needs);
        let expected = match (may, is_sure) {
            (false, _) => Expected::Forbidden,
            (true, true) => Expected::Taken,
            (true, false) => Expected::Anything,
        };
        Self { operation: place, method: operation.method.clone(), target, headers, body, caller, expected }
    }

    /// Breaks it somewhere.
    fn spoil(&mut self, operation: &Operation, random: &mut Random) {
        let refused =
            if self.expected == Expected::Forbidden { Expected::Forbidden } else { Expected::Refused };
        match random.below(10) {
            0 => {
                self.method = random.word(&["DELETE", "PUT", "PATCH", "OPTIONS", "BREW"]).to_owned();
                self.expected = Expected::Refused;
            }
            1 => self.spoil_path(operation, random),
            2..5 => self.spoil_query(operation, refused, random),
            5 => self.spoil_headers(random),
            _ if operation.body.is_some() => {
                let mut body: Value = serde_json::from_slice(&self.body).expect("JSON");
                value::spoil(random, &mut body);
                let broken = random.one_in(4);
                self.body = value::bytes(random, &body, broken);
            }
            _ => self.body = value::bytes(random, &Value::Null, true),
        }
        if self.is_beyond_http() {
            self.expected = Expected::Anything;
        }
    }

    fn spoil_path(&mut self, operation: &Operation, random: &mut Random) {
        self.expected = Expected::Anything;
        let names: Vec<&Parameter> =
            operation.parameters.iter().filter(|parameter| parameter.is_in_path).collect();
        if names.is_empty() {
            self.target.insert_str("/api/v1".len(), random.word(&["/", "/%2e%2e", "/api", "//", "/nosuch"]));
            return;
        }
        let spoiled = random.below(names.len());
        self.target = names.iter().enumerate().fold(operation.path.clone(), |path, (at, parameter)| {
            let text = if at == spoiled { odd_text(&parameter.schema, random) } else { "1".to_owned() };
            path.replace(&format!("{{{}}}", parameter.name), &encoded(&text))
        });
    }

    fn spoil_query(&mut self, operation: &Operation, refused: Expected, random: &mut Random) {
        let names: Vec<&Parameter> =
            operation.parameters.iter().filter(|parameter| !parameter.is_in_path).collect();
        let (path, _) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let path = path.to_owned();
        if names.is_empty() || random.one_in(4) {
            // Not known, or written in a way that nobody can read.
            let query =
                random.word(&["nosuch=1", "=1", "&&&", "%ff=%fe", "a=%", "?", "limit[]=1", "Limit=1"]);
            self.target = format!("{path}?{query}");
            self.expected =
                if self.expected == Expected::Forbidden { Expected::Forbidden } else { Expected::Anything };
            return;
        }
        let parameter = random.of_list(&names);
        let text = odd_text(&parameter.schema, random);
        let pair = format!("{}={}", parameter.name, encoded(&text));
        let twice = random.one_in(3);
        self.target = if twice { format!("{path}?{pair}&{pair}") } else { format!("{path}?{pair}") };
        let allowed = !twice && parameter.takes(&text);
        self.expected = match (allowed, self.expected) {
            (false, _) => refused,
            (true, Expected::Forbidden) => Expected::Forbidden,
            (true, _) => Expected::Anything,
        };
    }

    fn spoil_headers(&mut self, random: &mut Random) {
        if self.expected != Expected::Forbidden {
            self.expected = Expected::Anything;
        }
        let long = "x".repeat(random.below(40_000));
        let (name, value) = match random.below(8) {
            0 => ("content-type", random.word(&["text/plain", "", "application/json; charset=utf-16", "é"])),
            1 => ("accept", "text/html;q=0.1, */*"),
            2 => (
                "authorization",
                random.word(&["Bearer", "Basic Og==", "Bearer é", "", "bearer  ", "Bearer a b"]),
            ),
            3 => ("range", "bytes=0-1"),
            4 => ("content-encoding", random.word(&["gzip", "br", "identity"])),
            5 => ("if-none-match", "*"),
            6 => ("cookie", "a=b; session=%00"),
            _ => ("x-long", long.as_str()),
        };
        if ["content-type", "authorization"].contains(&name) {
            self.headers.retain(|(known, _)| known != name);
            self.expected = Expected::Anything;
        }
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    fn head_bytes(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum::<usize>();
        self.method.len() + self.target.len() + headers + 80
    }

    /// Whether the server may answer before the API has seen it.
    pub(crate) fn is_beyond_http(&self) -> bool {
        self.head_bytes() > HEAD - 200
    }

    /// For people, to send it again.
    pub(crate) fn show(&self) -> String {
        let mut text = format!("{:?} {} {}\n", self.caller, self.method, beginning(&self.target));
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {}\n", beginning(value)));
        }
        text + &format!("\n{}\n", beginning(&String::from_utf8_lossy(&self.body).escape_debug().to_string()))
    }
}

/// Each act takes fields of its own, which the description says in words.
fn keep_what_suits(target: &str, fields: &mut Map<String, Value>) {
    let acts = [
        ("retry", &[][..]),
        ("resolve", &[]),
        ("reopen", &[]),
        ("wait", &["untilMs"]),
        ("assign", &["to"]),
        ("tag", &["add", "remove"]),
        ("note", &["text"]),
        ("edit", &["payload"]),
    ];
    if let Some((_, own)) = acts.iter().find(|(act, _)| target.ends_with(&format!("/{act}"))) {
        fields.retain(|name, _| own.contains(&name.as_str()));
    }
}

/// Text parameters that take any text; what others want is said in words.
const FREE: [&str; 6] = ["destination", "traceKey", "traceKeyPrefix", "tag", "assignee", "text"];

fn bearer(token: &str) -> (String, String) {
    ("authorization".to_owned(), format!("Bearer {token}"))
}

/// Of a role that is named.
pub(crate) fn role(name: &str) -> Caller {
    Caller::Role(ROLES.iter().position(|known| *known == name).expect("a role"))
}

fn odd_text(schema: &Value, random: &mut Random) -> String {
    let beside = [("minimum", -1), ("maximum", 1)].map(|(bound, step)| Some(schema[bound].as_i64()? + step));
    let beside: Vec<i64> = beside.into_iter().flatten().collect();
    if !beside.is_empty() && random.one_in(2) {
        return random.of_list(&beside).to_string();
    }
    match random.below(8) {
        0 => "x".repeat(random.below(12_000)),
        1 => "🙂".repeat(random.below(300)),
        2 => value::text(random),
        3 => String::new(),
        _ => random.word(value::ODD_WORDS).to_owned(),
    }
}

/// As it stands in a path or a query; a list is parted by commas.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(written).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~,:".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn beginning(text: &str) -> String {
    let mut shown: String = text.chars().take(2_000).collect();
    if shown.len() < text.len() {
        shown.push_str(&format!("... {} bytes", text.len()));
    }
    shown
}
