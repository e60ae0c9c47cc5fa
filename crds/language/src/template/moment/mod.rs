//! Dates as moment.js reads and prints them, in English.
//!
//! A date is milliseconds since 1970, in UTC unless it says otherwise. Zones come from the time
//! zone data in the binary, so that a pod without any gives the same.

mod format;
mod parse;
mod text;

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

pub(super) use format::format;
pub(super) use parse::by_format;
pub(super) use text::by_itself;

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A moment as seen in a zone.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    pub(super) milliseconds: i64,
    local: DateTime,
    offset: Offset,
    /// The zone's abbreviation; UTC without a zone.
    abbreviation: Option<String>,
}

impl Moment {
    /// `None` when the date is beyond the year 9999 on either side.
    pub(super) fn new(milliseconds: i64, zone: Option<&TimeZone>) -> Option<Self> {
        let time = Timestamp::from_millisecond(milliseconds).ok()?;
        let (offset, abbreviation) = match zone {
            None => (Offset::UTC, None),
            Some(zone) => {
                let info = zone.to_offset_info(time);
                (info.offset(), Some(info.abbreviation().to_owned()))
            }
        };
        Some(Self { milliseconds, local: offset.to_datetime(time), offset, abbreviation })
    }

    /// `2024-02-29T23:05:09.042Z`, with the offset when the moment is in a zone.
    pub(super) fn iso(&self) -> String {
        let pattern = if self.abbreviation.is_some() {
            "YYYY-MM-DDTHH:mm:ss.SSSZ"
        } else {
            "YYYY-MM-DDTHH:mm:ss.SSS[Z]"
        };
        format(self, pattern)
    }
}

/// The IANA zone of that name.
pub(super) fn zone(name: &str) -> Option<TimeZone> {
    ZONES.get(name).ok()
}

/// The parts that a date was read from.
#[derive(Clone, Copy, Debug, Default)]
struct Parts {
    year: Option<i64>,
    /// From 1.
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    millisecond: i64,
    /// Minutes east of UTC.
    offset: Option<i64>,
}

impl Parts {
    /// Milliseconds since 1970. What is missing before the first part that is there comes from
    /// `today`, as in moment.js; what is missing after it is the least.
    fn milliseconds(self, today: DateTime) -> Option<i64> {
        let year = self.year.unwrap_or(i64::from(today.year()));
        let nothing =
            self.year.is_none() && self.month.is_none() && self.day.is_none() && self.day_of_year.is_none();
        let month = match self.month {
            Some(month) => month,
            None if self.year.is_none() && self.day_of_year.is_none() => i64::from(today.month()),
            None => 1,
        };
        let day = self.day.unwrap_or(if nothing { i64::from(today.day()) } else { 1 });
        let small = |number: i64| i8::try_from(number).ok();
        let date = jiff::civil::Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()?;
        let date = match self.day_of_year {
            None => date,
            Some(of_year) => date.with().day_of_year(i16::try_from(of_year).ok()?).build().ok()?,
        };
        let whole_day = self.hour == 24 && self.minute == 0 && self.second == 0 && self.millisecond == 0;
        let fits = (0..24).contains(&self.hour) || whole_day;
        if !fits || !(0..60).contains(&self.minute) || !(0..60).contains(&self.second) {
            return None;
        }
        let midnight = date.at(0, 0, 0, 0).to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond();
        let of_day = ((self.hour * 60 + self.minute) * 60 + self.second) * 1000 + self.millisecond;
        Some(midnight + of_day - self.offset.unwrap_or(0) * 60_000)
    }
}

/// The number of a month by its name or the first three letters, from 1.
fn month_number(name: &str) -> Option<i64> {
    let found = MONTHS.iter().position(|month| {
        month.eq_ignore_ascii_case(name)
            || month.get(..3).is_some_and(|short| short.eq_ignore_ascii_case(name))
    })?;
    i64::try_from(found + 1).ok()
}

#[cfg(test)]
mod tests;
