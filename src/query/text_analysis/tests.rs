//! Tests of tokens, query rewriting and rank.

use super::*;
