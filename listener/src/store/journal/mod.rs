//! The journal: accepted deliveries, in order of arrival, in files that are only appended to.
