//! Tests of the order, the equality and the encodings.

use super::*;
