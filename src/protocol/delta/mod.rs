//! Deltas between document bodies (wire §6.2), on JSON text.
//!
//! ```text
//! {"a":1,"t":[1,2,3],"gone":true}
//!     + {"a":2,"t":{"1":9,"2-":[]},"gone":[]}   a delta: an object for what changed within, [v] or a
//!     = {"a":2,"t":[1,9]}                        scalar for a new value, [] for "gone"
//! ```
//!
//! [`generate`] is lenient: when a delta does not pay or would be laborious it answers `None`, and the
//! body goes in full. [`apply`] is strict: what does not fit is `CorruptDelta`, which the sender is
//! told as `HTTP` 422 and answers with the full body (wire §6.1). Neither is recursive without a
//! bound, and a result is never longer than [`MAX_BODY_LEN`].

mod apply;
mod generate;
#[cfg(test)]
mod tests;
mod text;

pub use apply::apply;
pub use generate::{MIN_BODY_LEN, generate};

use crate::error::{Code, Error};
#[cfg(doc)]
use crate::model::body::MAX_BODY_LEN;

fn corrupt(what: &str) -> Error {
    Error::lite(Code::CorruptDelta, format!("delta {what}"))
}
