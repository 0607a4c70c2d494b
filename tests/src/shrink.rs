//! Makes a disagreement small.
