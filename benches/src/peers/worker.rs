//! An engine in a process of its own, that answers over pipes.
//!
//! First it says `ready RULES NAME`, or ends with the reason. A question is `WORKLOAD MILLISECONDS`;
//! the answer `REQUESTS NANOSECONDS KIB VERDICTS`: how many were run, in whole rounds, until that
//! much CPU time was spent, what they took, the most resident memory so far, and for each request of
//! the workload whether it was refused.

use std::io::{BufRead, Write};

use super::{Engine, Kind, RuleFiles};
use crate::cost::{cpu, resident};
use crate::workload::{self, Workload};

/// Answers questions until there are none.
///
/// # Errors
/// When the rules do not load, or nobody listens.
pub fn serve(kind: Kind, rules: &RuleFiles) -> Result<(), String> {
    let workloads = workload::all();
    let mut engine = kind.load(rules)?;
    let told = |error: std::io::Error| error.to_string();
    println!("ready {} {kind}", engine.rules());
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(told)?;
        let mut numbers = line.split(' ').map(str::parse::<usize>);
        let (Some(Ok(workload)), Some(Ok(least))) = (numbers.next(), numbers.next()) else {
            return Err(format!("`{line}` is no question"));
        };
        let workload = workloads.get(workload).ok_or("no such workload")?;
        println!("{}", answer(&mut *engine, workload, least as u64 * 1_000_000));
        std::io::stdout().flush().map_err(told)?;
    }
    Ok(())
}

fn answer(engine: &mut dyn Engine, workload: &Workload, least: u64) -> String {
    let (begun, mut count) = (cpu(), 0);
    loop {
        let verdicts: Vec<bool> = workload.requests.iter().map(|one| engine.blocks(one)).collect();
        count += verdicts.len();
        let spent = cpu() - begun;
        if spent >= least {
            let verdicts: String =
                verdicts.iter().map(|&blocked| if blocked { '1' } else { '0' }).collect();
            return format!("{count} {spent} {} {verdicts}", resident().1);
        }
    }
}
