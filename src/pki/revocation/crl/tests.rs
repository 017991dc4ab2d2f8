//! CRLs as they come, and as they must not be taken.
