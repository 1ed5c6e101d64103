//! What more rules cost a request that none of them matches.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use waf_core::policy::PolicySettings;
use waf_core::seclang;

use crate::cost::cpu;
use crate::crs;
use crate::engine::{Engine, record};
use crate::inputs;
use crate::random::Random;
use crate::report::{Cell, Table, median};
use crate::workload::{self, Workload};

/// A row for each number of rules and workload.
///
/// # Errors
/// When the rules do not load, or one of them matches.
pub fn measure(counts: &[usize], rounds: usize) -> Result<Table, String> {
    let mut table = Table::new(
        "scaling",
        &["rules", "workload", "CPU µs", "× fewest", "loading, s", "signatures", "tables, MiB"],
    );
    let workloads = workload::all();
    let mut engines = Vec::new();
    for &count in counts {
        let begun = cpu();
        let engine = Engine::new(policy(count)?);
        engines.push((count, engine, (cpu() - begun) as f64 / 1e9));
    }
    for workload in &workloads[1..3] {
        let mut costs = vec![Vec::new(); engines.len()];
        for (_, engine, _) in &mut engines {
            nothing_matches(engine, workload)?;
        }
        for _ in 0..rounds.max(1) {
            for ((_, engine, _), costs) in engines.iter_mut().zip(&mut costs) {
                costs.push(pass(engine, workload));
            }
        }
        for ((count, engine, seconds), own) in engines.iter().zip(&costs) {
            let ratios: Vec<f64> = own.iter().zip(&costs[0]).map(|(own, few)| own / few).collect();
            let ruleset = engine.policy().ruleset();
            table.push(vec![
                Cell::count(*count as u64),
                workload.name.into(),
                Cell::Number(median(own), 1),
                Cell::Number(median(&ratios), 2),
                Cell::Number(*seconds, 2),
                Cell::count(ruleset.signature_count() as u64),
                Cell::Number(ruleset.table_bytes() as f64 / 1_048_576.0, 1),
            ]);
        }
    }
    Ok(table)
}

fn pass(engine: &mut Engine, workload: &Workload) -> f64 {
    let begun = cpu();
    for request in &workload.requests {
        engine.request(request);
    }
    (cpu() - begun) as f64 / 1e3 / workload.requests.len() as f64
}

fn nothing_matches(engine: &mut Engine, workload: &Workload) -> Result<(), String> {
    for request in &workload.requests {
        let record = record(&engine.request(request));
        if let Some(found) = record.matches.first() {
            return Err(format!("rule {} matches in {}", found.rule_id, workload.name));
        }
    }
    Ok(())
}

fn policy(count: usize) -> Result<std::sync::Arc<waf_core::policy::Policy>, String> {
    let text = Text(rules(count));
    let policy = crs::policy(&text, &["rules.conf".into()], PolicySettings::default())?;
    let loaded = policy.ruleset().rules().filter(|rule| rule.chain.is_some()).count();
    if loaded == count { Ok(policy) } else { Err(format!("{loaded} rules and not {count}")) }
}

struct Text(String);

impl seclang::Files for Text {
    fn read(&self, _path: &Path) -> Result<Vec<u8>, String> {
        Ok(self.0.clone().into_bytes())
    }

    fn find(&self, pattern: &Path) -> Result<Vec<PathBuf>, String> {
        Ok(vec![pattern.to_owned()])
    }
}

/// So many rules, texts and regexes by turns, over arguments, their names, cookies and headers. No
/// two ask for the same; the words are made up, so that no request has them.
fn rules(count: usize) -> String {
    let mut random = Random::new(77);
    let mut text = "SecRuleEngine On\nSecRequestBodyAccess On\n\
         SecDefaultAction \"phase:2,pass,log\"\n"
        .to_owned();
    for number in 0..count {
        let mut word = || format!("{}q{}", inputs::word(&mut random), inputs::word(&mut random));
        let (one, two) = (word(), word());
        let operator = match number % 8 {
            0 | 4 => format!("@contains {one}"),
            2 => format!("@pm {one} {two}"),
            6 => format!("@contains {one}={two}"),
            1 => format!("@rx (?i)\\b{one}\\s+{two}\\b"),
            3 => format!("@rx {one}[^a-z]{{0,10}}{two}="),
            5 => format!("@rx (?i)<{one}[^>]*{two}\\s*="),
            _ => format!("@rx (?:{one}|{two})[0-9]{{2,}}\\("),
        };
        let id = 100_000 + number;
        let _ = writeln!(
            text,
            "SecRule ARGS|ARGS_NAMES|REQUEST_COOKIES|REQUEST_HEADERS \"{operator}\" \
             \"id:{id},phase:2,deny,status:403,t:none,t:urlDecodeUni,t:lowercase,msg:'made'\""
        );
    }
    text
}
