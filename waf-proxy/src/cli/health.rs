//! `pinpoint health`: what images and scripts ask.

use std::path::PathBuf;

use clap::Args;

use super::{Exit, Failure, ask};
use crate::config::files::Disk;
use crate::config::{CommandLine, Config};

/// Tell whether the proxy that runs on this host takes requests
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The configuration that names the admin listener
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let config = Config::load(&Disk, arguments.config.as_deref(), &CommandLine::default())?;
    let address = config.admin.address;
    match ask::get(&config.admin, "/readyz") {
        Ok((200, _)) => Ok(Exit::Fine),
        Ok((status, _)) => {
            eprintln!("{address} answers {status}: it takes no new requests");
            Ok(Exit::Found)
        }
        Err(error) => {
            eprintln!("cannot ask {address}: {error}");
            Ok(Exit::Found)
        }
    }
}
