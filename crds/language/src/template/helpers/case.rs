//! Names and words: letters of any script are letters.

use super::{Helper, Outcome, helper};
use crate::template::render::Args;
use crate::template::scan::is_space;

#[rustfmt::skip]
pub(super) const HELPERS: &[Helper] = &[
    helper("camelcase", 1, "text", "The words of the text as oneName. Words end at anything that is no letter or digit, and where a small letter or digit meets a capital.",
        ["{{camelcase a}}", r#"{"a":"new-deal_stage 2"}"#, "newDealStage2"], |args| joined(args, "", |at, word| if at == 0 { word } else { first_up(&word) })),
    helper("capitalize", 1, "text", "The text with its first letter as a capital.",
        ["{{capitalize a}}", r#"{"a":"today is THE day"}"#, "Today is THE day"], |args| args.made(first_up(&args.text(0)))),
    helper("capitalizeAll", 1, "text", "The text with the first letter of each word as a capital; words end at white space.",
        ["{{capitalizeAll a}}", r#"{"a":"the quick-brown fox"}"#, "The Quick-brown Fox"], capitalize_all),
    helper("chop", 1, "text", "The text without what is no letter or digit at both ends.",
        ["{{chop a}}", r#"{"a":"_-ABC-_"}"#, "ABC"], |args| args.made(args.text(0).trim_matches(|letter: char| !letter.is_alphanumeric()).to_owned())),
    helper("dashcase", 1, "text", "The words of the text as one-name.",
        ["{{dashcase a}}", r#"{"a":"Deal Stage: Closed Won!"}"#, "deal-stage-closed-won"], |args| joined(args, "-", |_, word| word)),
    helper("dotcase", 1, "text", "The words of the text as one.name.",
        ["{{dotcase a}}", r#"{"a":"Customer Profile-Data"}"#, "customer.profile.data"], |args| joined(args, ".", |_, word| word)),
    helper("pascalcase", 1, "text", "The words of the text as OneName.",
        ["{{pascalcase a}}", r#"{"a":"hs lead status"}"#, "HsLeadStatus"], |args| joined(args, "", |_, word| first_up(&word))),
    helper("pathcase", 1, "text", "The words of the text as one/name.",
        ["{{pathcase a}}", r#"{"a":"a-b c_d"}"#, "a/b/c/d"], |args| joined(args, "/", |_, word| word)),
    helper("sentence", 1, "text", "Each sentence with a capital first and small letters after. A sentence ends at . ? or !",
        ["{{sentence a}}", r#"{"a":"hELLO wORLD. good DAY!"}"#, "Hello world. Good day!"], sentence),
    helper("snakecase", 1, "text", "The words of the text as one_name.",
        ["{{snakecase a}}", r#"{"a":"getUserProfile"}"#, "get_user_profile"], |args| joined(args, "_", |_, word| word)),
];

/// The text with its first letter as a capital.
fn first_up(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

fn joined<'a>(args: &Args<'_, 'a>, separator: &str, shape: fn(usize, String) -> String) -> Outcome<'a> {
    let text = args.text(0);
    let words = words(&text).into_iter().enumerate().map(|(at, word)| shape(at, word.to_lowercase()));
    args.made(words.collect::<Vec<String>>().join(separator))
}

/// The words of a text: they end at what is no letter or digit, at `aB` and `1B`, and before the
/// last capital of `ABc`.
fn words(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut words = Vec::new();
    let mut word = String::new();
    for (at, letter) in letters.iter().copied().enumerate() {
        if !letter.is_alphanumeric() && !is_mark(letter, &word) {
            words.push(std::mem::take(&mut word));
            continue;
        }
        let before = at.checked_sub(1).and_then(|at| letters.get(at)).copied().unwrap_or(' ');
        let after = letters.get(at + 1).copied().unwrap_or(' ');
        let hump = letter.is_uppercase() && (before.is_lowercase() || before.is_numeric());
        let last_capital = letter.is_uppercase() && before.is_uppercase() && after.is_lowercase();
        if hump || last_capital {
            words.push(std::mem::take(&mut word));
        }
        word.push(letter);
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// A combining mark belongs to the letter before it.
fn is_mark(letter: char, word: &str) -> bool {
    !word.is_empty() && matches!(letter, '\u{300}'..='\u{36f}')
}

fn capitalize_all<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let text = args.text(0);
    let mut out = String::with_capacity(text.len());
    let mut fresh = true;
    for letter in text.chars() {
        if is_space(letter) {
            fresh = true;
            out.push(letter);
        } else if fresh && letter.is_alphanumeric() {
            fresh = false;
            out.extend(letter.to_uppercase());
        } else {
            out.push(letter);
        }
    }
    args.made(out)
}

fn sentence<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let text = args.text(0);
    let mut out = String::with_capacity(text.len());
    let mut fresh = true;
    for letter in text.chars() {
        if fresh && letter.is_alphanumeric() {
            out.extend(letter.to_uppercase());
            fresh = false;
        } else {
            out.extend(letter.to_lowercase());
        }
        fresh |= matches!(letter, '.' | '?' | '!');
    }
    args.made(out)
}
