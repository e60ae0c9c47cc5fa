//! Evaluates a [`Plan`] for one event.

use std::rc::Rc;

use super::function;
use super::operate::operate;
use super::plan::{Each, Node, Plan, Section, What};
use crate::filter::fuel::{Failure, Fuel};
use crate::filter::json;
use crate::filter::surroundings::{self, Surroundings};
use crate::filter::value::Val;

/// Whether `event` passes.
pub(in crate::filter) fn evaluate(
    plan: &Plan,
    event: &[u8],
    surroundings: &Surroundings,
) -> Result<bool, Failure> {
    let fuel = Fuel::new();
    let slots = json::wanted(&fuel, event, &plan.wanted)?;
    let run = Run { plan, event, slots, surroundings, fuel };
    run.boolean(&plan.root, &mut Vec::new())
}

struct Run<'a> {
    plan: &'a Plan,
    event: &'a [u8],
    slots: Vec<Option<&'a [u8]>>,
    surroundings: &'a Surroundings,
    fuel: Fuel,
}

impl<'a> Run<'a> {
    fn value(&self, node: &'a Node, variables: &mut Vec<Val<'a>>) -> Result<Val<'a>, Failure> {
        self.fuel.burn(1)?;
        match node {
            Node::Literal(literal) => Ok(literal.value()),
            Node::Event => Ok(Val::Object(self.event.trim_ascii())),
            Node::Section(section) => Ok(Val::Object(&self.section(*section).whole)),
            Node::Member(place) => {
                let name = || self.plan.wanted.get(*place).map_or("", |name| name);
                let written = self.slots.get(*place).copied().flatten();
                Val::of(&self.fuel, written.ok_or_else(|| missing("event", name()))?)
            }
            Node::SectionMember(section, name) => {
                let written = self.section(*section).member(name);
                Val::of(&self.fuel, written.ok_or_else(|| missing(section.name(), name))?)
            }
            Node::Variable(place) => Ok(variables.get(*place).cloned().unwrap_or(Val::Null)),
            Node::Select(of, name) => match self.value(of, variables)? {
                Val::Object(object) => {
                    let written = json::member(&self.fuel, object, name)?;
                    Val::of(&self.fuel, written.ok_or_else(|| missing("the object", name))?)
                }
                other => Err(Failure::value(format!("{} has no member `{name}`", other.kind()))),
            },
            Node::HasMember(place) => Ok(Val::Bool(self.slots.get(*place).is_some_and(Option::is_some))),
            Node::HasSectionMember(section, name) => {
                Ok(Val::Bool(self.section(*section).member(name).is_some()))
            }
            Node::Has(of, name) => self.has(of, name, variables).map(Val::Bool),
            Node::Index(of, index) => {
                let (of, index) = (self.value(of, variables)?, self.value(index, variables)?);
                self.index(&of, &index)
            }
            Node::Not(of) => self.boolean(of, variables).map(|is| Val::Bool(!is)),
            Node::Negate(of) => match self.value(of, variables)? {
                Val::Int(int) => int
                    .checked_neg()
                    .map(Val::Int)
                    .ok_or_else(|| Failure::value("a whole number grows too large")),
                Val::Double(double) => Ok(Val::Double(-double)),
                other => Err(Failure::value(format!("{} has no negative", other.kind()))),
            },
            Node::And(left, right) => self.either(false, left, right, variables).map(Val::Bool),
            Node::Or(left, right) => self.either(true, left, right, variables).map(Val::Bool),
            Node::If(condition, yes, no) => {
                let chosen = if self.boolean(condition, variables)? { yes } else { no };
                self.value(chosen, variables)
            }
            Node::Binary(operator, left, right) => {
                let (left, right) = (self.value(left, variables)?, self.value(right, variables)?);
                operate(*operator, &left, &right, &self.fuel)
            }
            Node::Call(function, arguments) => function.call(&self.values(arguments, variables)?, &self.fuel),
            Node::Matches(of, pattern) => match self.value(of, variables)? {
                Val::Text(text) => function::matches(pattern, text.as_str(), &self.fuel).map(Val::Bool),
                other => Err(Failure::value(format!("`matches` cannot be used on {}", other.kind()))),
            },
            Node::List(elements) => Ok(Val::List(Rc::new(self.values(elements, variables)?))),
            Node::Each(each) => self.each(each, variables),
        }
    }

    fn values(&self, nodes: &'a [Node], variables: &mut Vec<Val<'a>>) -> Result<Vec<Val<'a>>, Failure> {
        nodes.iter().map(|node| self.value(node, variables)).collect()
    }

    fn boolean(&self, node: &'a Node, variables: &mut Vec<Val<'a>>) -> Result<bool, Failure> {
        match self.value(node, variables)? {
            Val::Bool(is) => Ok(is),
            other => Err(Failure::value(format!("true or false is needed, and {} is given", other.kind()))),
        }
    }

    /// `||` where `decides` is true, `&&` where it is false: one side that decides makes up for a
    /// failure of the other, in whatever order they stand.
    fn either(
        &self,
        decides: bool,
        left: &'a Node,
        right: &'a Node,
        variables: &mut Vec<Val<'a>>,
    ) -> Result<bool, Failure> {
        let left = self.boolean(left, variables);
        match left {
            Ok(is) if is == decides => return Ok(decides),
            Err(Failure::Exhausted) => return left,
            _ => {}
        }
        match (left, self.boolean(right, variables)) {
            (_, Err(Failure::Exhausted)) => Err(Failure::Exhausted),
            (_, Ok(is)) if is == decides => Ok(decides),
            (Err(failure), _) | (_, Err(failure)) => Err(failure),
            (Ok(_), Ok(is)) => Ok(is),
        }
    }

    fn has(&self, of: &'a Node, name: &str, variables: &mut Vec<Val<'a>>) -> Result<bool, Failure> {
        match self.value(of, variables)? {
            Val::Object(object) => Ok(json::member(&self.fuel, object, name)?.is_some()),
            _ => Ok(false),
        }
    }

    fn index(&self, of: &Val<'a>, index: &Val<'a>) -> Result<Val<'a>, Failure> {
        match (of, index) {
            (Val::Object(object), Val::Text(name)) => {
                let written = json::member(&self.fuel, object, name.as_str())?;
                Val::of(&self.fuel, written.ok_or_else(|| Failure::value("the object has no such member"))?)
            }
            (Val::Array(_) | Val::List(_), Val::Int(_) | Val::Uint(_)) => {
                let items = of.items(&self.fuel)?.unwrap_or_default();
                let place = match index {
                    Val::Int(place) => usize::try_from(*place).ok(),
                    Val::Uint(place) => usize::try_from(*place).ok(),
                    _ => None,
                };
                let item = place.and_then(|place| items.get(place));
                item.cloned().ok_or_else(|| Failure::value("the list has no element at that place"))
            }
            _ => Err(Failure::value(format!("{} cannot be looked up in {}", index.kind(), of.kind()))),
        }
    }

    fn each(&self, each: &'a Each, variables: &mut Vec<Val<'a>>) -> Result<Val<'a>, Failure> {
        let range = self.value(&each.range, variables)?;
        let items = range
            .items(&self.fuel)?
            .ok_or_else(|| Failure::value(format!("{} has no elements", range.kind())))?;
        let mut failure = None;
        let mut found = 0_usize;
        let mut list = Vec::new();
        for item in items.iter() {
            variables.push(item.clone());
            let step = self.step(each, variables, &mut list);
            variables.pop();
            match step {
                Err(Failure::Exhausted) => return Err(Failure::Exhausted),
                // As for `&&` and `||`: a later element may still decide.
                Err(other) if matches!(each.what, What::All | What::Exists) => failure = Some(other),
                Err(other) => return Err(other),
                Ok(is) => match each.what {
                    What::All if !is => return Ok(Val::Bool(false)),
                    What::Exists if is => return Ok(Val::Bool(true)),
                    _ => found += usize::from(is),
                },
            }
        }
        match (failure, each.what) {
            (Some(failure), _) => Err(failure),
            (None, What::All) => Ok(Val::Bool(true)),
            (None, What::Exists) => Ok(Val::Bool(false)),
            (None, What::ExistsOne) => Ok(Val::Bool(found == 1)),
            (None, What::List) => Ok(Val::List(Rc::new(list))),
        }
    }

    /// The body for one element: what it says, or true where a list grew.
    fn step(
        &self,
        each: &'a Each,
        variables: &mut Vec<Val<'a>>,
        list: &mut Vec<Val<'a>>,
    ) -> Result<bool, Failure> {
        if let Some(only) = &each.only
            && !self.boolean(only, variables)?
        {
            return Ok(false);
        }
        if each.what == What::List {
            list.push(self.value(&each.body, variables)?);
            return Ok(true);
        }
        self.boolean(&each.body, variables)
    }

    fn section(&self, section: Section) -> &'a surroundings::Section {
        match section {
            Section::Settings => &self.surroundings.settings,
            Section::Listener => &self.surroundings.listener,
        }
    }
}

impl Section {
    fn name(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Listener => "listener",
        }
    }
}

fn missing(of: &str, name: &str) -> Failure {
    Failure::value(format!("{of} has no member `{name}`; ask for it with `has` first"))
}
