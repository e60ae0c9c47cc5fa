//! One input: which language, its text, and what it is run on.

use bytes::Bytes;
use language::event::{Split, split};
use language::filter::{Filter, Surroundings};
use language::manifest::{Manifests, Source};
use language::mapping::Mapping;
use language::template::{Json, Place, Scope, Template};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Bytes that a template may give, as `docs/templates.md` says.
const TEMPLATE_BYTES: usize = 1024 * 1024;

/// Which language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Template,
    Filter,
    Mapping,
    Manifest,
    /// Faults that the watch must see; never made by chance.
    Planted,
}

/// One input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) target: Target,
    pub(crate) text: String,
    pub(crate) record: String,
}

/// How far an input came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    Refused,
    Failed,
    Through,
}

impl Target {
    pub(crate) const CHANCE: [Self; 4] = [Self::Template, Self::Filter, Self::Mapping, Self::Manifest];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Filter => "filter",
            Self::Mapping => "mapping",
            Self::Manifest => "manifest",
            Self::Planted => "planted",
        }
    }

    fn called(name: &str) -> Option<Self> {
        let mut all = Self::CHANCE.into_iter().chain([Self::Planted]);
        all.find(|target| target.name() == name)
    }
}

impl Input {
    pub(crate) fn to_json(&self) -> String {
        let Self { target, text, record } = self;
        json!({"target": target.name(), "text": text, "record": record}).to_string()
    }

    pub(crate) fn from_json(json: &str) -> Self {
        let json: Value = serde_json::from_str(json).expect("an input is JSON");
        let text = |name: &str| json[name].as_str().expect("target, text and record").to_owned();
        let target = Target::called(&text("target")).expect("a target");
        Self { target, text: text("text"), record: text("record") }
    }

    /// Runs it; panics where something that is promised does not hold.
    pub(crate) fn run(&self) -> Came {
        let settings: Json =
            json!({"region": "eu", "list": [1, {"a": 2}], "n": 9_007_199_254_740_993_u64}).into();
        let listener: Json =
            json!({"name": "contacts", "namespace": "sales", "url": "https://a.example.com/b"}).into();
        if let Split::Elements(elements) = split(self.record.as_bytes()) {
            assert!(elements.iter().all(|element| self.record.get(element.span.clone()).is_some()));
        }
        match self.target {
            Target::Template => template(&self.text, &self.record, &settings, &listener),
            Target::Filter => filter(&self.text, &self.record, &settings, &listener),
            Target::Mapping => mapping(&self.text, &self.record, &settings, &listener),
            Target::Manifest => manifest(&self.text),
            Target::Planted => planted(&self.text),
        }
    }
}

fn template(text: &str, record: &str, settings: &Json, listener: &Json) -> Came {
    let more: Json = json!({"count": 2, "records": [{"a": 1}], "request": {"id": "x"}}).into();
    let mut came = Came::Refused;
    for place in [Place::Raw, Place::Uri, Place::Json] {
        let template = match Template::compile(text, place) {
            Ok(template) => template,
            Err(mistake) => {
                assert!(mistake.line > 0 && mistake.column > 0 && !mistake.remedy.is_empty(), "{mistake}");
                continue;
            }
        };
        let scope = Scope {
            record: Some(record.as_bytes()),
            settings: Some(settings),
            listener: Some(listener),
            more: Some(&more),
            ..Scope::default()
        };
        came = match template.render(&scope) {
            Ok(text) => {
                assert!(text.len() <= TEMPLATE_BYTES, "{} bytes", text.len());
                Came::Through
            }
            Err(_) => Came::Failed,
        };
    }
    came
}

fn filter(text: &str, record: &str, settings: &Json, listener: &Json) -> Came {
    let filter = match Filter::compile(text) {
        Ok(filter) => filter,
        Err(mistake) => {
            assert!(mistake.line > 0 && mistake.column > 0 && !mistake.remedy.is_empty(), "{mistake}");
            return Came::Refused;
        }
    };
    let surroundings = Surroundings::new(settings, listener);
    let once = filter.matches(record.as_bytes(), &surroundings);
    assert_eq!(once, filter.matches(record.as_bytes(), &surroundings), "the same twice");
    if once.is_ok() { Came::Through } else { Came::Failed }
}

fn mapping(text: &str, record: &str, settings: &Json, listener: &Json) -> Came {
    let Ok(transform) = serde_json::from_str::<crds::listener::Transform>(text) else { return Came::Refused };
    let mapping = match Mapping::compile(&transform) {
        Ok(mapping) => mapping,
        Err(wrong) => {
            assert!(wrong.iter().all(|wrong| wrong.mistake.line > 0 && !wrong.mistake.remedy.is_empty()));
            return Came::Refused;
        }
    };
    match mapping.apply(&Bytes::copy_from_slice(record.as_bytes()), settings, listener) {
        Ok(mapped) => {
            assert!(mapped.len() <= crds::limits::MAX_TRANSFORMED_BYTES, "{} bytes", mapped.len());
            if serde_json::from_str::<&RawValue>(record).is_ok() {
                let again = serde_json::from_slice::<&RawValue>(&mapped);
                assert!(again.is_ok(), "not JSON: {}", String::from_utf8_lossy(&mapped));
            }
            Came::Through
        }
        Err(error) => {
            assert!(!error.to_string().is_empty() && !error.code().is_empty());
            Came::Failed
        }
    }
}

fn manifest(text: &str) -> Came {
    let read = Manifests::parse(&[Source { file: "fuzz.yaml".to_owned(), text: text.to_owned() }]);
    for mistake in read.mistakes.iter().chain(&read.notes).chain(&read.missing) {
        assert!(mistake.line > 0 && mistake.column > 0, "{mistake}");
        assert!(!mistake.reason.is_empty() && !mistake.remedy.is_empty(), "{mistake}");
    }
    match (read.listeners.is_empty(), read.mistakes.is_empty()) {
        (false, _) => Came::Through,
        (true, true) => Came::Failed,
        (true, false) => Came::Refused,
    }
}

/// What a fault would do.
fn planted(text: &str) -> Came {
    match text {
        "panic" => panic!("planted"),
        "hang" => loop {
            std::thread::sleep(std::time::Duration::from_secs(1));
        },
        "memory" => {
            let hog: Vec<u8> = Vec::with_capacity(4096 * 1024 * 1024);
            assert!(hog.capacity() == 0, "the address space is not bounded");
            Came::Through
        }
        "stack" => {
            assert!(deep(u64::MAX) > 0);
            Came::Through
        }
        _ => Came::Through,
    }
}

#[expect(unconditional_recursion, reason = "what it is for")]
fn deep(levels: u64) -> u64 {
    std::hint::black_box(deep(std::hint::black_box(levels - 1)) + 1)
}
