//! Examples of rules as requests.
