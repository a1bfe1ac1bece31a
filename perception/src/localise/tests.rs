//! The localiser on synthetic scans.
