//! One request from head to record: holds the stages and calls them in order, nothing more.
