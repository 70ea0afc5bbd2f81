//! Reading dates.

use super::calendar::{DAY, days_of};

/// A date as written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parsed {
    /// Milliseconds from 1970-01-01T00:00 on the clock of whoever wrote it.
    pub(super) local_millis: i64,
    /// Seconds east of UTC, if given.
    pub(super) offset: Option<i32>,
}

/// Reads `YYYY-MM-DD`, optionally with a time of day and a zone.
pub(super) fn parse_date(text: &str) -> Option<Parsed> {
    let mut rest = Rest(text.as_bytes());
    let negative = rest.take(b'-');
    let year = rest.digits(4)?;
    let year = if negative { -year } else { year };
    rest.expect(b'-')?;
    let month = rest.digits(2)?;
    rest.expect(b'-')?;
    let day = rest.digits(2)?;
    if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
        return None;
    }
    let midnight = days_of(year, month, day) * DAY;
    if rest.0.is_empty() {
        return Some(Parsed {
            local_millis: midnight,
            offset: None,
        });
    }
    if !rest.take(b'T') {
        rest.expect(b' ')?;
        while rest.take(b' ') {}
    }
    time(rest, midnight)
}

/// As [`parse_date`]; a time alone is on 2000-01-01.
pub(super) fn parse_date_or_time(text: &str) -> Option<Parsed> {
    parse_date(text).or_else(|| time(Rest(text.as_bytes()), days_of(2000, 1, 1) * DAY))
}

fn days_in(year: i64, month: i64) -> i64 {
    let (next_year, next_month) = if month == 12 {
        (year + 1, 1)
    } else {
        (year, month + 1)
    };
    days_of(next_year, next_month, 1) - days_of(year, month, 1)
}

/// `HH:MM[:SS[.f…]]` and a zone, to the end.
fn time(mut rest: Rest<'_>, midnight: i64) -> Option<Parsed> {
    let hour = rest.digits(2)?;
    rest.expect(b':')?;
    let minute = rest.digits(2)?;
    if hour > 24 || minute > 59 {
        return None;
    }
    let mut millis = (hour * 60 + minute) * 60_000;
    if rest.take(b':') {
        let second = rest.digits(2)?;
        if second > 59 {
            return None;
        }
        millis += second * 1000;
        if rest.take(b'.') {
            millis += rest.fraction()?;
        }
    }
    Some(Parsed {
        local_millis: midnight + millis,
        offset: rest.zone()?,
    })
}

struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take(&mut self, byte: u8) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if *first == byte => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.take(byte).then_some(())
    }

    /// Exactly so many digits.
    fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        let value = digits.iter().try_fold(0, |value, digit| {
            digit
                .is_ascii_digit()
                .then(|| value * 10 + i64::from(digit - b'0'))
        })?;
        self.0 = rest;
        Some(value)
    }

    /// One or more digits after the point, rounded to milliseconds.
    fn fraction(&mut self) -> Option<i64> {
        let count = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        digits.first()?;
        let digit = |index: usize| i64::from(digits.get(index).map_or(0, |digit| digit - b'0'));
        Some(digit(0) * 100 + digit(1) * 10 + digit(2) + i64::from(digit(3) >= 5))
    }

    /// `Z`, `±HH:MM`, `±HHMM` or nothing, to the end.
    fn zone(&mut self) -> Option<Option<i32>> {
        let offset = if self.0.is_empty() {
            None
        } else if self.take(b'Z') || self.take(b'z') {
            Some(0)
        } else {
            let west = self.take(b'-');
            if !west {
                self.expect(b'+')?;
            }
            let hours = self.digits(2)?;
            self.take(b':');
            let minutes = self.digits(2)?;
            if minutes > 59 {
                return None;
            }
            let seconds = (hours * 60 + minutes) as i32 * 60;
            Some(if west { -seconds } else { seconds })
        };
        self.0.is_empty().then_some(offset)
    }
}
