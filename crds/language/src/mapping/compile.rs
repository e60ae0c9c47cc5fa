//! From a transform as written to what is applied.

use crds::limits::MAX_TRANSFORM_NAMES;
use crds::listener::{Transform, TransformRule};

use super::check::{self, Unfit};
use super::rule::{Rule, Step, Worth};
use super::{Kind, Wrong};
use crate::event::Wrong as NotJson;
use crate::mistake::Mistake;
use crate::template::{self, Place, Template};

/// Characters of the piece that is shown at most.
const PIECE: usize = 80;

/// Compiles a transform, or says everything that is wrong with it.
pub(super) fn compile(transform: &Transform) -> Result<Kind, Vec<Wrong>> {
    let mut compiling = Compiling { wrong: Vec::new() };
    let Transform { template, rules } = transform;
    let kind = if let Some(text) = template {
        compiling.json("template", text).map(Kind::Template)
    } else {
        let rules = rules.iter().enumerate();
        let rules: Vec<_> = rules.map(|(at, rule)| compiling.rule(at, rule)).collect();
        rules.into_iter().collect::<Option<Vec<_>>>().map(Kind::Rules)
    };
    match kind {
        Some(kind) if compiling.wrong.is_empty() => Ok(kind),
        _ => Err(compiling.wrong),
    }
}

struct Compiling {
    wrong: Vec<Wrong>,
}

impl Compiling {
    fn refuse<T>(&mut self, field: &str, what: &'static str, mistake: Mistake) -> Option<T> {
        self.wrong.push(Wrong { field: field.to_owned(), what, mistake });
        None
    }

    fn rule(&mut self, at: usize, rule: &TransformRule) -> Option<Rule> {
        let field = format!("rules[{at}]");
        let TransformRule { keep, rename, drop, set } = rule;
        let step = match (keep.as_slice(), rename, drop.as_slice(), set) {
            ([_, ..], None, [], None) => Step::Keep(self.paths(&format!("{field}.keep"), keep)?),
            ([], Some(rename), [], None) => {
                let from = self.path(&format!("{field}.rename.from"), &rename.from);
                let to = self.path(&format!("{field}.rename.to"), &rename.to);
                Step::Rename { from: from?, to: to? }
            }
            ([], None, [_, ..], None) => Step::Drop(self.paths(&format!("{field}.drop"), drop)?),
            ([], None, [], Some(set)) => {
                let path = self.path(&format!("{field}.set.field"), &set.field);
                let worth = match (&set.text, &set.json) {
                    (Some(text), None) => self.text(&format!("{field}.set.text"), text).map(Worth::Text),
                    (None, Some(json)) => self.json(&format!("{field}.set.json"), json).map(Worth::Json),
                    _ => {
                        let remedy = "write either text, or json";
                        self.refuse(&format!("{field}.set"), "rule", whole("it sets not one thing", remedy))
                    }
                };
                Step::Set { path: path?, worth: worth? }
            }
            _ => {
                let remedy = "write one of keep, rename, drop and set";
                return self.refuse(&field, "rule", whole("it does not exactly one thing", remedy));
            }
        };
        Some(Rule { number: at + 1, step })
    }

    fn paths(&mut self, field: &str, texts: &[String]) -> Option<Vec<Vec<Box<str>>>> {
        let texts = texts.iter().enumerate();
        let paths: Vec<_> = texts.map(|(at, text)| self.path(&format!("{field}[{at}]"), text)).collect();
        paths.into_iter().collect()
    }

    /// The names of a path from the record on.
    fn path(&mut self, field: &str, text: &str) -> Option<Vec<Box<str>>> {
        let mistake = match template::path(text) {
            Err(mistake) => mistake,
            Ok(names) => {
                let first = names.first().map(String::as_str);
                let own = usize::from(first == Some("record"));
                let names: Vec<Box<str>> = names.iter().skip(own).map(|name| name.as_str().into()).collect();
                let remedy = match first {
                    Some(root @ ("settings" | "listener")) => {
                        format!("write record.{root} for a field of that name")
                    }
                    _ if names.is_empty() => "name a field of it, such as objectId".to_owned(),
                    _ if names.len() > MAX_TRANSFORM_NAMES => {
                        format!("write at most {MAX_TRANSFORM_NAMES} names")
                    }
                    _ => return Some(names),
                };
                let reason = match first {
                    Some("settings" | "listener") => "rules change the record alone",
                    _ if names.is_empty() => "this is the record as a whole",
                    _ => "the path has too many names",
                };
                let piece = text.chars().take(PIECE).collect();
                Mistake { line: 1, column: 1, piece, reason: reason.to_owned(), remedy }
            }
        };
        self.refuse(field, "path", mistake)
    }

    fn text(&mut self, field: &str, text: &str) -> Option<Template> {
        match Template::compile(text, Place::Raw) {
            Ok(template) => Some(template),
            Err(mistake) => self.refuse(field, "template", mistake),
        }
    }

    /// A template that gives JSON; one without tags is looked at now.
    fn json(&mut self, field: &str, text: &str) -> Option<Template> {
        let template = match Template::compile(text, Place::Json) {
            Ok(template) => template,
            Err(mistake) => return self.refuse(field, "template", mistake),
        };
        let unfit = match template.literal().map(check::json) {
            None | Some(Ok(_)) => return Some(template),
            Some(Err(unfit)) => unfit,
        };
        let literal = template.literal().unwrap_or_default();
        let mistake = match unfit {
            Unfit::Empty => whole("there is no JSON here", "write a JSON value, null at least"),
            Unfit::TooDeep => whole("this is nested too deep", "write at most 128 levels"),
            Unfit::NotJson(NotJson { at, what }) => {
                let (line, column) = check::place(literal, at);
                let piece = literal.get(at..).unwrap_or_default();
                Mistake {
                    line,
                    column,
                    piece: piece.chars().take(PIECE).take_while(|letter| *letter != '\n').collect(),
                    reason: format!("this is not JSON: {what}"),
                    remedy: "write JSON, with names and texts in double quotes".to_owned(),
                }
            }
        };
        self.refuse(field, "JSON", mistake)
    }
}

/// A mistake about the whole of a field.
fn whole(reason: &str, remedy: &str) -> Mistake {
    Mistake { line: 1, column: 1, piece: String::new(), reason: reason.to_owned(), remedy: remedy.to_owned() }
}
