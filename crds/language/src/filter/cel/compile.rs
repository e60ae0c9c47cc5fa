//! From a text to a [`Plan`], or to what is wrong with it.

use std::ops::Range;
use std::thread;

use cel::common::ast::operators as op;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, SelectExpr};
use cel::parser::{ParseErrors, Parser};

use super::function::{Function, pattern};
use super::plan::{Binary, Each, Node, Plan, Section, What};
use super::token::{Kind, Token, tokens};
use crate::filter::MAX_DEPTH;
use crate::filter::place::{mistake, offset};
use crate::filter::value::Literal;
use crate::mistake::Mistake;

/// Stack for the parser, which recurses; [`tokens`] bounds how deep.
const STACK: usize = 64 << 20;
/// Comprehensions within one another.
const MAX_COMPREHENSIONS: usize = 4;
/// The name that the parser gives to what a comprehension gathers.
const GATHERED: &str = "@result";

/// Compiles `text`.
pub(in crate::filter) fn compile(text: &str) -> Result<Plan, Mistake> {
    let tokens = tokens(text)?;
    let compiled = thread::scope(|scope| {
        let work = || parse(text, &tokens);
        thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).map(thread::ScopedJoinHandle::join)
    });
    match compiled {
        Ok(Ok(result)) => result,
        Ok(Err(_panic)) => {
            Err(mistake(text, 0..text.len(), "the parser fails on this filter", "write it in another way"))
        }
        Err(error) => Err(mistake(text, 0..0, format!("no thread to compile it: {error}"), "try again")),
    }
}

fn parse(text: &str, tokens: &[Token]) -> Result<Plan, Mistake> {
    let tree = Parser::new().parse(text).map_err(|errors| syntax(text, tokens, &errors))?;
    let mut compiler =
        Compiler { text, tokens, wanted: Vec::new(), variables: Vec::new(), names: Vec::new(), texts: 0 };
    let root = compiler.boolean(&tree, 0)?;
    Ok(Plan { wanted: compiler.wanted, root })
}

fn syntax(text: &str, tokens: &[Token], errors: &ParseErrors) -> Mistake {
    let Some(first) = errors.errors.first() else {
        return mistake(text, 0..text.len(), "no CEL", "see docs/filters.md");
    };
    let number = |place: isize| usize::try_from(place).unwrap_or(1).max(1);
    let start = offset(text, number(first.pos.0), number(first.pos.1));
    let token = tokens.iter().find(|token| token.at.contains(&start) || token.at.start >= start);
    let at = token.map_or(start..text.len(), |token| token.at.clone());
    let said = first.msg.strip_prefix("Syntax error: ").unwrap_or(&first.msg);
    let remedy = match text.get(at.clone()) {
        Some("and" | "AND") => "write `&&`",
        Some("or" | "OR") => "write `||`",
        Some("not" | "NOT") => "write `!` before what is not to be",
        Some("") | None => "something is missing at the end",
        _ => "see docs/filters.md for what can be written",
    };
    let reason = match said.split_once(" expecting ") {
        Some((reason, _)) => reason,
        None => said,
    };
    mistake(text, at, reason.chars().take(200).collect::<String>(), remedy)
}

struct Compiler<'t> {
    text: &'t str,
    tokens: &'t [Token],
    wanted: Vec<Box<str>>,
    /// Variables of the comprehensions about the current place.
    variables: Vec<String>,
    /// Names met so far, in the order of the text: how often each, to find the place of the next.
    names: Vec<String>,
    /// Texts in quotes met so far.
    texts: usize,
}

impl Compiler<'_> {
    /// A part that has to give a boolean.
    fn boolean(&mut self, tree: &IdedExpr, depth: usize) -> Result<Node, Mistake> {
        let node = self.node(tree, depth)?;
        match node.no_boolean() {
            None => Ok(node),
            Some(kind) => {
                let reason = format!("true or false is needed where {kind} is given");
                Err(self.whole(reason, "compare it with something, as in `event.objectId == 5`"))
            }
        }
    }

    fn boxed(&mut self, tree: &IdedExpr, depth: usize) -> Result<Box<Node>, Mistake> {
        self.node(tree, depth).map(Box::new)
    }

    fn node(&mut self, tree: &IdedExpr, depth: usize) -> Result<Node, Mistake> {
        if depth > MAX_DEPTH {
            let reason = format!("the filter nests more than {MAX_DEPTH} deep");
            return Err(self.whole(reason, "use a list with `in`, or brackets"));
        }
        let depth = depth + 1;
        match &tree.expr {
            Expr::Literal(literal) => self.literal(literal),
            Expr::Ident(name) => self.name(name),
            Expr::Select(select) => self.select(select, depth),
            Expr::Call(call) => self.call(call, depth),
            Expr::List(list) => self.nodes(&list.elements, depth).map(Node::List),
            Expr::Comprehension(comprehension) => self.each(comprehension, depth),
            Expr::Map(_) | Expr::Struct(_) => {
                Err(self.whole("an object in braces cannot be used", "use a list in `[` and `]`"))
            }
            Expr::Unspecified => Err(self.whole("no CEL", "see docs/filters.md")),
        }
    }

    fn nodes(&mut self, trees: &[IdedExpr], depth: usize) -> Result<Vec<Node>, Mistake> {
        trees.iter().map(|tree| self.node(tree, depth)).collect()
    }

    fn literal(&mut self, literal: &LiteralValue) -> Result<Node, Mistake> {
        Ok(Node::Literal(match literal {
            LiteralValue::Boolean(bool) => Literal::Bool(*bool.inner()),
            LiteralValue::Int(int) => Literal::Int(*int.inner()),
            LiteralValue::UInt(uint) => Literal::Uint(*uint.inner()),
            LiteralValue::Double(double) => Literal::Double(*double.inner()),
            LiteralValue::Null => Literal::Null,
            LiteralValue::String(text) => {
                self.texts += 1;
                Literal::Text(text.inner().into())
            }
            LiteralValue::Bytes(_) => {
                return Err(self.whole("bytes are nothing that an event has", "write text in quotes"));
            }
        }))
    }

    fn name(&mut self, name: &str) -> Result<Node, Mistake> {
        if let Some(place) = self.variables.iter().rposition(|variable| variable == name) {
            self.names.push(name.to_owned());
            return Ok(Node::Variable(place));
        }
        self.names.push(name.to_owned());
        match name {
            "event" => Ok(Node::Event),
            "settings" => Ok(Node::Section(Section::Settings)),
            "listener" => Ok(Node::Section(Section::Listener)),
            _ => {
                let remedy = if matches!(name, "record" | "data" | "body") {
                    format!("write `event` in place of `{name}`")
                } else {
                    format!("write `event.{name}` for a member of the event, or \"{name}\" for text")
                };
                let reason = "only `event`, `settings` and `listener` are known";
                Err(mistake(self.text, self.place_of(name, false), reason, remedy))
            }
        }
    }

    fn select(&mut self, select: &SelectExpr, depth: usize) -> Result<Node, Mistake> {
        let of = self.node(&select.operand, depth)?;
        let name: Box<str> = select.field.as_str().into();
        Ok(match (of, select.test) {
            (Node::Event, false) => Node::Member(self.want(name)),
            (Node::Event, true) => Node::HasMember(self.want(name)),
            (Node::Section(section), false) => Node::SectionMember(section, name),
            (Node::Section(section), true) => Node::HasSectionMember(section, name),
            (of, false) => Node::Select(Box::new(of), name),
            (of, true) => Node::Has(Box::new(of), name),
        })
    }

    fn want(&mut self, name: Box<str>) -> usize {
        if let Some(place) = self.wanted.iter().position(|wanted| *wanted == name) {
            return place;
        }
        self.wanted.push(name);
        self.wanted.len() - 1
    }

    fn call(&mut self, call: &CallExpr, depth: usize) -> Result<Node, Mistake> {
        match (call.func_name.as_str(), call.args.as_slice()) {
            (op::LOGICAL_NOT, [of]) => Ok(Node::Not(Box::new(self.boolean(of, depth)?))),
            (op::NEGATE, [of]) => Ok(Node::Negate(self.boxed(of, depth)?)),
            (op::LOGICAL_AND, [left, right]) => {
                Ok(Node::And(Box::new(self.boolean(left, depth)?), Box::new(self.boolean(right, depth)?)))
            }
            (op::LOGICAL_OR, [left, right]) => {
                Ok(Node::Or(Box::new(self.boolean(left, depth)?), Box::new(self.boolean(right, depth)?)))
            }
            (op::CONDITIONAL, [condition, yes, no]) => Ok(Node::If(
                Box::new(self.boolean(condition, depth)?),
                self.boxed(yes, depth)?,
                self.boxed(no, depth)?,
            )),
            (op::INDEX, [of, index]) => {
                let (of, index) = (self.node(of, depth)?, self.node(index, depth)?);
                Ok(match (of, index) {
                    (Node::Event, Node::Literal(Literal::Text(name))) => Node::Member(self.want(name)),
                    (Node::Section(section), Node::Literal(Literal::Text(name))) => {
                        Node::SectionMember(section, name)
                    }
                    (of, index) => Node::Index(Box::new(of), Box::new(index)),
                })
            }
            (name, [left, right]) if let Some(operator) = binary(name) => {
                Ok(Node::Binary(operator, self.boxed(left, depth)?, self.boxed(right, depth)?))
            }
            _ => self.function(call, depth),
        }
    }

    fn function(&mut self, call: &CallExpr, depth: usize) -> Result<Node, Mistake> {
        let name = call.func_name.as_str();
        let target = call.target.as_deref();
        let mut values = Vec::with_capacity(call.args.len() + 1);
        if let Some(target) = target {
            values.push(self.node(target, depth)?);
        }
        let at = self.place_of(name, true);
        self.names.push(format!("{name}("));
        let known = Function::ALL.iter().find(|(_, known, _)| *known == name);
        let Some((function, _, usage)) = known else {
            return Err(mistake(self.text, at, unknown(name), remedy_for(name)));
        };
        if !function.takes(target.is_some(), values.len() + call.args.len()) {
            let reason = format!("`{name}` is not called like this");
            return Err(mistake(self.text, at, reason, format!("write {usage}")));
        }
        for argument in &call.args {
            values.push(self.node(argument, depth)?);
        }
        if *function != Function::Matches {
            return Ok(Node::Call(*function, values));
        }
        match values.pop() {
            Some(Node::Literal(Literal::Text(text))) => {
                let pattern = pattern(&text).map_err(|error| self.bad_pattern(&error))?;
                Ok(Node::Matches(Box::new(values.pop().unwrap_or(Node::Event)), pattern))
            }
            last => {
                values.extend(last);
                Ok(Node::Call(*function, values))
            }
        }
    }

    fn bad_pattern(&self, error: &regex::Error) -> Mistake {
        let texts = self.tokens.iter().filter(|token| token.kind == Kind::Text);
        let at = texts.map(|token| token.at.clone()).nth(self.texts.saturating_sub(1));
        pattern_mistake(self.text, at.unwrap_or(0..self.text.len()), error)
    }

    /// Recognises what the parser makes of `all`, `exists`, `exists_one`, `map` and `filter`.
    fn each(&mut self, tree: &ComprehensionExpr, depth: usize) -> Result<Node, Mistake> {
        if self.variables.len() == MAX_COMPREHENSIONS {
            let reason = format!("more than {MAX_COMPREHENSIONS} comprehensions within one another");
            return Err(self.whole(reason, "make the filter simpler"));
        }
        let range = self.node(&tree.iter_range, depth)?;
        let args = |tree: &'_ IdedExpr| match &tree.expr {
            Expr::Call(call) => (call.func_name.clone(), call.args.clone()),
            _ => (String::new(), Vec::new()),
        };
        let (name, parts) = args(&tree.loop_step);
        self.names.push(tree.iter_var.clone());
        self.variables.push(tree.iter_var.clone());
        let (what, only, body) = match (&tree.accu_init.expr, name.as_str(), parts.as_slice()) {
            (Expr::Literal(LiteralValue::Boolean(_)), op::LOGICAL_AND, [_, body]) => {
                (What::All, None, self.boolean(body, depth)?)
            }
            (Expr::Literal(LiteralValue::Boolean(_)), op::LOGICAL_OR, [_, body]) => {
                (What::Exists, None, self.boolean(body, depth)?)
            }
            (Expr::Literal(_), op::CONDITIONAL, [body, ..]) => {
                (What::ExistsOne, None, self.boolean(body, depth)?)
            }
            (Expr::List(_), op::CONDITIONAL, [only, grown, _]) => {
                let only = self.boolean(only, depth)?;
                (What::List, Some(only), self.element(grown, depth)?)
            }
            (Expr::List(_), op::ADD, _) => (What::List, None, self.element(&tree.loop_step, depth)?),
            _ => return Err(self.whole("this comprehension is not known", "see docs/filters.md")),
        };
        self.variables.pop();
        Ok(Node::Each(Box::new(Each { what, range, only, body })))
    }

    /// `x` of `@result + [x]`.
    fn element(&mut self, grown: &IdedExpr, depth: usize) -> Result<Node, Mistake> {
        if let Expr::Call(CallExpr { func_name, args, .. }) = &grown.expr
            && let (op::ADD, [gathered, list]) = (func_name.as_str(), args.as_slice())
            && gathered.expr == Expr::Ident(GATHERED.to_owned())
            && let Expr::List(list) = &list.expr
            && let [element] = list.elements.as_slice()
        {
            return self.node(element, depth);
        }
        Err(self.whole("this comprehension is not known", "see docs/filters.md"))
    }

    /// Where `name` stands: the first place after those that were met, else the last one.
    fn place_of(&self, name: &str, called: bool) -> Range<usize> {
        let met = if called { format!("{name}(") } else { name.to_owned() };
        let before = self.names.iter().filter(|other| **other == met).count() - usize::from(!called);
        let sign = |place: Option<usize>| {
            place.and_then(|place| self.tokens.get(place)).and_then(|token| self.text.get(token.at.clone()))
        };
        let mut places = (0_usize..).zip(self.tokens).filter(|(place, token)| {
            let call = sign(place.checked_add(1)) == Some("(");
            let member = sign(place.checked_sub(1)) == Some(".");
            self.text.get(token.at.clone()) == Some(name) && call == called && (called || !member)
        });
        let found = places.clone().nth(before).or_else(|| places.next());
        found.map_or(0..self.text.len(), |(_, token)| token.at.clone())
    }

    fn whole(&self, reason: impl Into<String>, remedy: &str) -> Mistake {
        mistake(self.text, 0..self.text.len(), reason, remedy)
    }
}

fn binary(name: &str) -> Option<Binary> {
    Some(match name {
        op::EQUALS => Binary::Equal,
        op::NOT_EQUALS => Binary::NotEqual,
        op::LESS => Binary::Less,
        op::LESS_EQUALS => Binary::LessOrEqual,
        op::GREATER => Binary::Greater,
        op::GREATER_EQUALS => Binary::GreaterOrEqual,
        op::IN => Binary::In,
        op::ADD => Binary::Add,
        op::SUBSTRACT => Binary::Subtract,
        op::MULTIPLY => Binary::Multiply,
        op::DIVIDE => Binary::Divide,
        op::MODULO => Binary::Remainder,
        _ => return None,
    })
}

fn unknown(name: &str) -> String {
    match name {
        "has" => "`has` takes one member".to_owned(),
        "all" | "exists" | "exists_one" | "map" | "filter" => {
            format!("`{name}` takes a name and what to do with it")
        }
        _ => format!("no function is called `{name}`"),
    }
}

fn remedy_for(name: &str) -> String {
    let known = |name: &str| format!("write `{name}`");
    match name {
        "has" => "write `has(event.objectId)`".to_owned(),
        "all" | "exists" | "exists_one" | "map" | "filter" => {
            format!("write `event.mergedObjectIds.{name}(id, id > 5)`")
        }
        _ => match Function::ALL
            .iter()
            .find(|(_, other, _)| other.eq_ignore_ascii_case(&name.replace('_', "")))
        {
            Some((_, other, _)) => known(other),
            None => "see docs/filters.md for those there are".to_owned(),
        },
    }
}

/// A mistake in the pattern at `at`.
pub(in crate::filter) fn pattern_mistake(text: &str, at: Range<usize>, error: &regex::Error) -> Mistake {
    let said = error.to_string();
    let last = said.lines().last().unwrap_or_default();
    let reason = format!("no regular expression: {}", last.strip_prefix("error: ").unwrap_or(last));
    let remedy = "look-around and back-references are not available; a backslash is written twice";
    mistake(text, at, reason, remedy)
}
