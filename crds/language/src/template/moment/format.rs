//! Prints a date by moment.js' tokens.

use super::{DAYS, MONTHS, Moment};

/// A piece of a format.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Literal(String),
    Token(String),
}

/// Tokens by their first letter, longest first, as moment.js finds them.
const TOKENS: &[&str] = &[
    "Hmmss",
    "Hmm",
    "HH",
    "H",
    "hmmss",
    "hmm",
    "hh",
    "h",
    "kk",
    "k",
    "Mo",
    "MMMM",
    "MMM",
    "MM",
    "M",
    "DDDo",
    "DDDD",
    "DDD",
    "Do",
    "DD",
    "D",
    "dddd",
    "ddd",
    "dd",
    "do",
    "d",
    "wo",
    "ww",
    "w",
    "Wo",
    "WW",
    "W",
    "Qo",
    "Q",
    "NNNNN",
    "NNNN",
    "NNN",
    "NN",
    "N",
    "YYYYYY",
    "YYYYY",
    "YYYY",
    "YY",
    "Y",
    "yyyy",
    "yyy",
    "yy",
    "yo",
    "y",
    "ggggg",
    "gggg",
    "gg",
    "GGGGG",
    "GGGG",
    "GG",
    "e",
    "E",
    "a",
    "A",
    "mm",
    "m",
    "ss",
    "s",
    "SSSSSSSSS",
    "SSSSSSSS",
    "SSSSSSS",
    "SSSSSS",
    "SSSSS",
    "SSSS",
    "SSS",
    "SS",
    "S",
    "x",
    "X",
    "zz",
    "z",
    "ZZ",
    "Z",
];

/// Formats that stand for longer ones.
const LOCALIZED: &[(&str, &str)] = &[
    ("LTS", "h:mm:ss A"),
    ("LT", "h:mm A"),
    ("LLLL", "dddd, MMMM D, YYYY h:mm A"),
    ("LLL", "MMMM D, YYYY h:mm A"),
    ("LL", "MMMM D, YYYY"),
    ("L", "MM/DD/YYYY"),
    ("llll", "ddd, MMM D, YYYY h:mm A"),
    ("lll", "MMM D, YYYY h:mm A"),
    ("ll", "MMM D, YYYY"),
    ("l", "M/D/YYYY"),
];

/// Cuts a format into tokens and literals; `[...]` is literal.
pub(super) fn pieces(format: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        let bracketed = rest.strip_prefix('[').and_then(|inside| {
            let until = inside.find('[').unwrap_or(inside.len());
            inside.get(..until)?.rfind(']')
        });
        if let Some(end) = bracketed {
            pieces.push(Piece::Literal(rest.get(1..=end).unwrap_or_default().to_owned()));
            rest = rest.get(end + 2..).unwrap_or_default();
        } else if let Some((short, long)) = LOCALIZED.iter().find(|(short, _)| rest.starts_with(short)) {
            // The long forms hold no localized token, so this goes one level down.
            pieces.extend(self::pieces(long));
            rest = rest.get(short.len()..).unwrap_or_default();
        } else if let Some(token) = TOKENS.iter().find(|token| rest.starts_with(**token)) {
            pieces.push(Piece::Token((*token).to_owned()));
            rest = rest.get(token.len()..).unwrap_or_default();
        } else {
            // A backslash makes the token after it literal.
            let escaped = rest.strip_prefix('\\');
            let token = escaped.and_then(|after| TOKENS.iter().find(|token| after.starts_with(**token)));
            if let (Some(token), Some(after)) = (token, escaped) {
                pieces.push(Piece::Literal((*token).to_owned()));
                rest = after.get(token.len()..).unwrap_or_default();
            } else {
                pieces.push(Piece::Literal(first.to_string()));
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
            }
        }
    }
    pieces
}

/// The moment by a format.
pub(in crate::template) fn format(moment: &Moment, format: &str) -> String {
    let mut out = String::new();
    for piece in pieces(format) {
        match piece {
            Piece::Literal(text) => out.push_str(&text),
            Piece::Token(token) => out.push_str(&one(moment, &token)),
        }
    }
    out
}

fn one(moment: &Moment, token: &str) -> String {
    let at = moment.local;
    let (year, month, day) = (i64::from(at.year()), i64::from(at.month()), i64::from(at.day()));
    let (hour, minute, second) = (i64::from(at.hour()), i64::from(at.minute()), i64::from(at.second()));
    let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
    let quarter = (month - 1) / 3 + 1;
    let weekday = i64::from(at.weekday().to_sunday_zero_offset());
    let of_year = i64::from(at.day_of_year());
    let week = || week_of(of_year, year, 0, 6);
    let iso_week = || week_of(of_year, year, 1, 4);
    let era_year = if year <= 0 { 1 - year } else { year };
    match token {
        "Y" => {
            if year > 9999 {
                format!("+{year}")
            } else {
                fill(year, 4)
            }
        }
        "YY" => fill(year.rem_euclid(100), 2),
        "YYYY" => fill(year, 4),
        "YYYYY" => fill(year, 5),
        "YYYYYY" => format!("{}{}", if year < 0 { '-' } else { '+' }, fill(year.abs(), 6)),
        "y" | "yy" | "yyy" | "yyyy" => fill(era_year, token.len()),
        "yo" => ordinal(era_year),
        "N" | "NN" | "NNN" | "NNNNN" => if year <= 0 { "BC" } else { "AD" }.to_owned(),
        "NNNN" => if year <= 0 { "Before Christ" } else { "Anno Domini" }.to_owned(),
        "Q" => quarter.to_string(),
        "Qo" => ordinal(quarter),
        "M" => month.to_string(),
        "Mo" => ordinal(month),
        "MM" => fill(month, 2),
        "MMM" => short(name(&MONTHS, month - 1), 3),
        "MMMM" => name(&MONTHS, month - 1).to_owned(),
        "D" => day.to_string(),
        "Do" => ordinal(day),
        "DD" => fill(day, 2),
        "DDD" => of_year.to_string(),
        "DDDo" => ordinal(of_year),
        "DDDD" => fill(of_year, 3),
        "d" | "e" => weekday.to_string(),
        "do" => ordinal(weekday),
        "dd" => short(name(&DAYS, weekday), 2),
        "ddd" => short(name(&DAYS, weekday), 3),
        "dddd" => name(&DAYS, weekday).to_owned(),
        "E" => (if weekday == 0 { 7 } else { weekday }).to_string(),
        "w" => week().0.to_string(),
        "wo" => ordinal(week().0),
        "ww" => fill(week().0, 2),
        "W" => iso_week().0.to_string(),
        "Wo" => ordinal(iso_week().0),
        "WW" => fill(iso_week().0, 2),
        "gg" => fill(week().1.rem_euclid(100), 2),
        "gggg" | "ggggg" => fill(week().1, token.len()),
        "GG" => fill(iso_week().1.rem_euclid(100), 2),
        "GGGG" | "GGGGG" => fill(iso_week().1, token.len()),
        "H" => hour.to_string(),
        "HH" => fill(hour, 2),
        "h" => twelve.to_string(),
        "hh" => fill(twelve, 2),
        "k" => (if hour == 0 { 24 } else { hour }).to_string(),
        "kk" => fill(if hour == 0 { 24 } else { hour }, 2),
        "Hmm" => format!("{hour}{}", fill(minute, 2)),
        "Hmmss" => format!("{hour}{}{}", fill(minute, 2), fill(second, 2)),
        "hmm" => format!("{twelve}{}", fill(minute, 2)),
        "hmmss" => format!("{twelve}{}{}", fill(minute, 2), fill(second, 2)),
        "m" => minute.to_string(),
        "mm" => fill(minute, 2),
        "s" => second.to_string(),
        "ss" => fill(second, 2),
        "A" => if hour < 12 { "AM" } else { "PM" }.to_owned(),
        "a" => if hour < 12 { "am" } else { "pm" }.to_owned(),
        "Z" => offset(moment, ":"),
        "ZZ" => offset(moment, ""),
        "z" => moment.abbreviation.clone().unwrap_or_else(|| "UTC".to_owned()),
        "zz" => moment.abbreviation.clone().unwrap_or_else(|| "Coordinated Universal Time".to_owned()),
        "X" => moment.milliseconds.div_euclid(1000).to_string(),
        "x" => moment.milliseconds.to_string(),
        fraction => {
            let digits = format!("{}000000", fill(i64::from(at.millisecond()), 3));
            digits.get(..fraction.len().min(9)).unwrap_or_default().to_owned()
        }
    }
}

fn fill(number: i64, width: usize) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{:0width$}", number.abs())
}

fn ordinal(number: i64) -> String {
    let text = number.to_string();
    format!("{text}{}", crate::template::helpers::ordinal(&text))
}

fn name(names: &'static [&'static str], at: i64) -> &'static str {
    usize::try_from(at).ok().and_then(|at| names.get(at)).copied().unwrap_or_default()
}

fn short(name: &str, letters: usize) -> String {
    name.get(..letters).unwrap_or(name).to_owned()
}

fn offset(moment: &Moment, between: &str) -> String {
    let minutes = i64::from(moment.offset.seconds()) / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{}{between}{}", fill(minutes.abs() / 60, 2), fill(minutes.abs() % 60, 2))
}

fn days_in_year(year: i64) -> i64 {
    if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) { 366 } else { 365 }
}

/// Days between the first of January and the first week's start, below zero for before. `first` is
/// the day that weeks start with, `within` the January day that is always in the first week.
fn week_offset(year: i64, first: i64, within: i64) -> i64 {
    let forward = 7 + first - within;
    // Days since the first of January of the year 1, which was a Monday.
    let before = year - 1;
    let january = before * 365 + before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400);
    let weekday = (january + forward).rem_euclid(7);
    -((7 + weekday - first).rem_euclid(7)) + forward - 1
}

/// The week of a day and the year that the week belongs to.
fn week_of(of_year: i64, year: i64, first: i64, within: i64) -> (i64, i64) {
    let offset = |year| week_offset(year, first, within);
    let weeks = |year| (days_in_year(year) - offset(year) + offset(year + 1)) / 7;
    let week = (of_year - offset(year) - 1).div_euclid(7) + 1;
    if week < 1 {
        (week + weeks(year - 1), year - 1)
    } else if week > weeks(year) {
        (week - weeks(year), year + 1)
    } else {
        (week, year)
    }
}
