//! TODO(room head doc)
