//! Block helpers: what decides between the body and its `else`.

#![expect(clippy::unnecessary_wraps, reason = "the shape of all helpers")]

use super::logic::{CONDITIONS, OPERATORS, compare, holds};
use super::{BlockHelper, BlockRun, Choice, Doc, Helper, Outcome, Wrong, helper};
use crate::template::RenderError;
use crate::template::program::{Base, Expr, Literal};
use crate::template::render::Args;
use crate::template::value::{self, Value, strict_eq};

type Test = for<'a> fn(&Args<'_, 'a>) -> Result<Choice, RenderError>;

const fn block(
    name: &'static str,
    least: usize,
    args: &'static str,
    gives: &'static str,
    example: [&'static str; 3],
    run: BlockRun,
) -> BlockHelper {
    BlockHelper { name, least, exact: false, doc: Doc { args, gives, example }, check: None, run }
}

const fn exact(mut helper: BlockHelper) -> BlockHelper {
    helper.exact = true;
    helper
}

const fn test(run: Test) -> BlockRun {
    BlockRun::Test(run)
}

#[rustfmt::skip]
pub(super) const HELPERS: &[BlockHelper] = &[
    exact(block("and", 2, "value value", "When both are true.",
        ["{{#and a b}}both{{else}}no{{/and}}", r#"{"a":"x","b":0}"#, "no"], test(and))),
    BlockHelper { check: Some(check_operator), ..exact(block("compare", 3, "value operator value",
        "When the comparison holds: == === != !== < > <= >=. Two texts compare as text, so \"9\" > \"10\".",
        [r#"{{#compare a ">" 5}}large{{else compare a ">" 2}}middle{{else}}small{{/compare}}"#, r#"{"a":3}"#, "middle"], test(run_compare))) },
    block("contains", 2, "textOrList value", "When the text has the part, or the list the element.",
        [r#"{{#contains a "@x."}}ours{{else}}theirs{{/contains}}"#, r#"{"a":"jane@x.test"}"#, "ours"], test(contains)),
    block("each", 1, "listOrObject", "Once for each element, with it as the context. @index, @key, @first and @last are set; `as |value key|` names the two.",
        ["{{#each a}}{{@index}}:{{this}} {{else}}none{{/each}}", r#"{"a":["x","y"]}"#, "0:x 1:y "], BlockRun::Each),
    block("filter", 2, "list value [path]", "Once for each element that equals the value, or whose member at the path does, with the element as the context.",
        [r#"{{#filter a "won" "stage"}}{{id}} {{else}}none{{/filter}}"#, r#"{"a":[{"id":1,"stage":"won"},{"id":2,"stage":"lost"}]}"#, "1 "], BlockRun::Filter),
    exact(block("if", 1, "value [includeZero=true]", "When the value is true; an empty list is not.",
        ["{{#if a}}yes{{else if b}}maybe{{else}}no{{/if}}", r#"{"a":0,"b":1}"#, "maybe"], test(run_if))),
    block("ifEven", 1, "number", "When the number is even.",
        ["{{#ifEven a}}even{{else}}odd{{/ifEven}}", r#"{"a":5}"#, "odd"], test(if_even)),
    block("inArray", 2, "list value", "When the list has the value, of the same kind. A list with objects takes the else.",
        [r#"{{#inArray a "x"}}in{{else}}out{{/inArray}}"#, r#"{"a":["x"]}"#, "in"], test(in_array)),
    exact(block("isEmpty", 1, "value", "When there is nothing in the list or object, or the value is neither.",
        ["{{#isEmpty a}}empty{{else}}full{{/isEmpty}}", r#"{"a":[]}"#, "empty"], test(is_empty))),
    exact(block("neither", 2, "value value", "When both are false.",
        ["{{#neither a b}}none{{else}}some{{/neither}}", r#"{"a":"","b":null}"#, "none"], test(neither))),
    exact(block("not", 1, "value", "When the value is false.",
        ["{{#not a}}no{{else}}yes{{/not}}", r#"{"a":0}"#, "no"], test(not))),
    exact(block("or", 2, "value value", "When one of them is true.",
        ["{{#or a b}}one{{else}}none{{/or}}", r#"{"a":"","b":"x"}"#, "one"], test(or))),
    BlockHelper { check: Some(check_condition), ..block("some", 2, "list condition",
        "When the condition holds for an element: isFalsy, isTruthy, isArray, isString, isObject, isNumber, isBoolean.",
        ["{{#some a isNumber}}yes{{else}}no{{/some}}", r#"{"a":["x",4]}"#, "yes"], test(some)) },
    block("startsWith", 2, "prefix text", "When the text starts with the prefix. Nothing at all when one is missing.",
        [r#"{{#startsWith "contact." type}}contact{{else}}other{{/startsWith}}"#, r#"{"type":"contact.creation"}"#, "contact"], test(starts_with)),
    exact(block("unless", 1, "value", "The opposite of if.",
        ["{{#unless a}}none{{else}}{{a}}{{/unless}}", "{}", "none"], test(unless))),
    exact(block("with", 1, "value", "With the value as the context, when it is true.",
        ["{{#with a}}{{b}} {{../c}}{{/with}}", r#"{"a":{"b":1},"c":2}"#, "1 2"], BlockRun::With)),
];

/// Those that also stand in `( )`.
#[rustfmt::skip]
pub(super) const INLINE: &[Helper] = &[
    helper("and", 2, "value value", "", ["", "", ""], |args| inline(args, and)),
    helper("or", 2, "value value", "", ["", "", ""], |args| inline(args, or)),
    helper("neither", 2, "value value", "", ["", "", ""], |args| inline(args, neither)),
    helper("not", 1, "value", "", ["", "", ""], |args| inline(args, not)),
    helper("compare", 3, "value operator value", "", ["", "", ""], |args| inline(args, run_compare)).checked(check_operator),
];

fn inline<'a>(args: &Args<'_, 'a>, test: Test) -> Outcome<'a> {
    Ok(Value::Bool(test(args)? == Choice::Yes))
}

fn check_operator(args: &mut [Expr]) -> Option<Wrong> {
    let operator = args.get(1).and_then(Expr::literal_text)?;
    (!OPERATORS.contains(&operator)).then(|| Wrong {
        arg: Some(1),
        reason: format!("unknown operator {operator}"),
        remedy: format!("write one of {}", OPERATORS.join(" ")),
    })
}

/// The condition is a bare name in the reference: it is text, not a field.
fn check_condition(args: &mut [Expr]) -> Option<Wrong> {
    let condition = args.get_mut(1)?;
    let bare = match condition {
        Expr::Path(path) if path.base == Base::Context(0) => match path.names.as_slice() {
            [name] => Some(name.clone()),
            _ => None,
        },
        _ => None,
    };
    if let Some(name) = bare {
        *condition = Expr::Literal(Literal::Text(name));
    }
    let name = condition.literal_text()?;
    (!CONDITIONS.contains(&name)).then(|| Wrong {
        arg: Some(1),
        reason: format!("unknown condition {name}"),
        remedy: format!("write one of {}", CONDITIONS.join(" ")),
    })
}

fn and(args: &Args<'_, '_>) -> Result<Choice, RenderError> {
    Ok(Choice::from(args.get(0).is_true() && args.get(1).is_true()))
}

fn or(args: &Args<'_, '_>) -> Result<Choice, RenderError> {
    Ok(Choice::from(args.get(0).is_true() || args.get(1).is_true()))
}

fn neither(args: &Args<'_, '_>) -> Result<Choice, RenderError> {
    Ok(Choice::from(!args.get(0).is_true() && !args.get(1).is_true()))
}

fn not(args: &Args<'_, '_>) -> Result<Choice, RenderError> {
    Ok(Choice::from(!args.get(0).is_true()))
}

fn run_if(args: &Args<'_, '_>) -> Result<Choice, RenderError> {
    let value = args.get(0);
    let zero = matches!(value, Value::Int(_) | Value::Num(_)) && args.named("includeZero").is_true();
    Ok(Choice::from(zero || value.is_true_in_blocks()))
}

fn unless(args: &Args<'_, '_>) -> Result<Choice, RenderError> {
    Ok(if run_if(args)? == Choice::Yes { Choice::No } else { Choice::Yes })
}

fn run_compare(args: &Args<'_, '_>) -> Result<Choice, RenderError> {
    let operator = args.text(1);
    compare(args.get(0), &operator, args.get(2))
        .map(Choice::from)
        .ok_or_else(|| args.error(format_args!("unknown operator {operator}")))
}

fn contains(args: &Args<'_, '_>) -> Result<Choice, RenderError> {
    let wanted = args.get(1);
    Ok(Choice::from(match args.get(0) {
        Value::List(list) => {
            args.render.budget.take(list.len() / 16)?;
            list.items().iter().any(|item| strict_eq(item, wanted))
        }
        Value::Map(map) => map.has(&value::text(wanted)),
        nothing if nothing.is_nothing() || wanted.is_nothing() => false,
        plain => value::text(plain).contains(&*value::text(wanted)),
    }))
}

fn if_even(args: &Args<'_, '_>) -> Result<Choice, RenderError> {
    Ok(Choice::from(args.number(0)?.is_some_and(|number| number % 2.0 == 0.0)))
}

fn in_array(args: &Args<'_, '_>) -> Result<Choice, RenderError> {
    let Value::List(list) = args.get(0) else { return Ok(Choice::No) };
    args.render.budget.take(list.len() / 16)?;
    let items = list.items();
    let plain = !items.iter().any(|item| matches!(item, Value::Map(_)));
    Ok(Choice::from(plain && items.iter().any(|item| strict_eq(item, args.get(1)))))
}

fn is_empty(args: &Args<'_, '_>) -> Result<Choice, RenderError> {
    Ok(Choice::from(match args.get(0) {
        Value::List(list) => list.len() == 0,
        Value::Map(map) => map.len() == 0,
        // The reference counts what is no collection as empty, text too.
        _ => true,
    }))
}

fn some(args: &Args<'_, '_>) -> Result<Choice, RenderError> {
    let condition = args.text(1);
    let Value::List(list) = args.get(0) else { return Ok(Choice::No) };
    args.render.budget.take(list.len() / 16)?;
    for item in list.items() {
        match holds(&condition, &item) {
            Some(true) => return Ok(Choice::Yes),
            Some(false) => {}
            None => return Err(args.error(format_args!("unknown condition {condition}"))),
        }
    }
    Ok(Choice::No)
}

fn starts_with(args: &Args<'_, '_>) -> Result<Choice, RenderError> {
    if args.get(0).is_nothing() || args.get(1).is_nothing() {
        return Ok(Choice::Neither);
    }
    Ok(Choice::from(args.text(1).starts_with(&*args.text(0))))
}
