//! What a log line looks like.

use std::fmt::{self, Write as _};

use tracing::Event;
use tracing::field::{Field, Visit};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};

use super::{LogDomain, LogLevel};

/// Longest line in bytes; what is over is cut off. Texts of a peer may be in it.
const LINE_MAX: usize = 4096;

/// One line with its end: time (UTC, ISO 8601), domain, level, message, fields.
///
/// ```text
/// 2026-11-25T09:30:00.123456Z [NETWORK] warning: handshake failed peer="192.0.2.7:50112"
/// ```
///
/// Control characters are escaped, so that no text from outside can pretend to be a line.
pub(super) fn print(event: &Event<'_>, level: LogLevel, domain: LogDomain) -> String {
    let mut line = Line(String::with_capacity(128));
    // Writing to a line fails only when it is full.
    let _ = line.head(level, domain);
    event.record(&mut Message(&mut line));
    event.record(&mut Fields(&mut line));
    line.0.push('\n');
    line.0
}

struct Line(String);

impl Line {
    fn head(&mut self, level: LogLevel, domain: LogDomain) -> fmt::Result {
        SystemTime.format_time(&mut Writer::new(self))?;
        write!(self, " [{}] {}:", domain.name(), level.name())
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if self.0.len() + 8 > LINE_MAX {
                return Err(fmt::Error);
            }
            if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') {
                self.0.extend(character.escape_default());
            } else {
                self.0.push(character);
            }
        }
        Ok(())
    }
}

/// Takes the message, which comes first wherever it was written.
struct Message<'a>(&'a mut Line);

impl Visit for Message<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.0, " {value:?}");
        }
    }
}

/// Takes everything else.
struct Fields<'a>(&'a mut Line);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() != "message" {
            let _ = write!(self.0, " {}={value:?}", field.name());
        }
    }
}
