//! The YAML front end: rule, exclusion and configuration text to plain data.
