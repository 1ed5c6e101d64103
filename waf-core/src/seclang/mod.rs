//! SecLang, the rule language of ModSecurity.

pub mod pcre;
