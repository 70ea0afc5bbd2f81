//! Writing dates, in full or as an example or a pattern asks.

use std::fmt::Write as _;

use super::calendar::{DAY, date_of, in_range};

/// What a written date consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    date: bool,
    /// Between date and time.
    separator: char,
    time: Time,
    zone: Zone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Time {
    None,
    Seconds,
    /// With milliseconds when they are not 0.
    Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zone {
    None,
    /// `±HHMM`
    Basic,
    /// `±HH:MM`
    Extended,
}

impl Default for Format {
    /// `YYYY-MM-DDTHH:MM:SS[.mmm]` and the zone.
    fn default() -> Self {
        Self {
            date: true,
            separator: 'T',
            time: Time::Millis,
            zone: Zone::Basic,
        }
    }
}

impl Format {
    /// Reads an example date or a `%` pattern; `None` when it is neither.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.contains('%') {
            Self::parse_pattern(text)
        } else {
            Self::parse_example(text.as_bytes())
        }
    }

    /// From the end, by position: zone, time, separator, date.
    fn parse_example(text: &[u8]) -> Option<Self> {
        let from_end = |back: usize| text.len().checked_sub(back).map(|index| text[index]);
        let sign = |byte: Option<u8>| matches!(byte, Some(b'+' | b'-'));
        let (zone, zone_len) = if from_end(1) == Some(b'Z') {
            (Zone::Basic, 1)
        } else if sign(from_end(6)) && from_end(3) == Some(b':') {
            (Zone::Extended, 6)
        } else if sign(from_end(5)) {
            (Zone::Basic, 5)
        } else {
            (Zone::None, 0)
        };
        let rest = &text[..text.len() - zone_len];
        let is_time = |time: &[u8]| time[2] == b':' && time[5] == b':';
        let (time, rest) = match (rest.split_last_chunk::<12>(), rest.split_last_chunk::<8>()) {
            (Some((rest, time)), _) if is_time(time) && time[8] == b'.' => (Time::Millis, rest),
            (_, Some((rest, time))) if is_time(time) => (Time::Seconds, rest),
            _ => (Time::None, rest),
        };
        let (separator, rest) = match (time, rest.split_last()) {
            (Time::None, _) | (_, None) => ('T', rest),
            (_, Some((b'T', rest))) => ('T', rest),
            (_, Some((b' ', rest))) => (' ', rest),
            _ => return None,
        };
        let date = match rest {
            [_, _, _, _, b'-', _, _, b'-', _, _] | [_, _, _, _, b'/', _, _, b'/', _, _] => true,
            // A separator without date is nothing either.
            [] if time != Time::None && separator == 'T' && text[2] == b':' => false,
            _ => return None,
        };
        Some(Self {
            date,
            separator,
            time,
            zone,
        })
    }

    fn parse_pattern(text: &str) -> Option<Self> {
        let mut rest = text;
        let mut take = |word: &str| match rest.strip_prefix(word) {
            Some(after) => {
                rest = after;
                true
            }
            None => false,
        };
        let date = take("%F") || take("%Y-%m-%d") || take("%Y/%m/%d");
        let separator = if !date || take("T") {
            'T'
        } else if take(" ") {
            ' '
        } else {
            '\0'
        };
        let mut time = Time::None;
        if separator != '\0' && (take("%T") || take("%H:%M:%S")) {
            time = if take(".%s") || take("%s") {
                Time::Millis
            } else {
                Time::Seconds
            };
        } else if date && separator != '\0' {
            return None;
        }
        let zone = if take("%z") {
            Zone::Basic
        } else if take("%Ez") {
            Zone::Extended
        } else {
            Zone::None
        };
        (rest.is_empty() && (date || time != Time::None)).then_some(Self {
            date,
            separator,
            time,
            zone,
        })
    }

    /// Writes an instant at an offset in seconds; `None` outside of the years that have four
    /// digits.
    pub(super) fn print(self, millis: i64, offset: i32) -> Option<String> {
        let local = millis.checked_add(i64::from(offset) * 1000)?;
        if !in_range(local) {
            return None;
        }
        let mut out = String::with_capacity(29);
        if self.date {
            let (year, month, day) = date_of(local.div_euclid(DAY));
            let minus = if year < 0 { "-" } else { "" };
            // Writing to a String cannot fail, here and below.
            let _ = write!(out, "{minus}{:04}-{month:02}-{day:02}", year.abs());
        }
        if self.time != Time::None {
            if self.date {
                out.push(self.separator);
            }
            let of_day = local.rem_euclid(DAY);
            let _ = write!(
                out,
                "{:02}:{:02}:{:02}",
                of_day / 3_600_000,
                of_day / 60_000 % 60,
                of_day / 1000 % 60
            );
            if self.time == Time::Millis && of_day % 1000 != 0 {
                let _ = write!(out, ".{:03}", of_day % 1000);
            }
        }
        if self.zone != Zone::None {
            if offset == 0 {
                out.push('Z');
            } else {
                let colon = if self.zone == Zone::Extended { ":" } else { "" };
                let minutes = offset.abs() / 60;
                let sign = if offset < 0 { '-' } else { '+' };
                let _ = write!(out, "{sign}{:02}{colon}{:02}", minutes / 60, minutes % 60);
            }
        }
        Some(out)
    }
}
