//! Texts of many kinds through Pinpoint and through the loop over its rules.

mod material;
pub mod recovery;
mod rule_loop;

use std::time::Instant;

use waf_core::record::Stop;

pub use material::{Class, Material, base64, percent};

use crate::cost::cpu;
use crate::crs::Crs;
use crate::engine::{Engine, detecting, record};
use crate::report::{Cell, Table, median};
use rule_loop::{Question, RuleLoop};

/// What to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// Levels of the rule set.
    pub paranoia: Vec<u8>,
    /// Only classes whose name holds this.
    pub only: Option<String>,
    /// Passes over warm text.
    pub rounds: usize,
}

/// A row for each level and class. The first table is of text; the second says what forms cost
/// before and after the hostile classes went through the same engine.
///
/// # Errors
/// When the rules do not load or something was not inspected.
pub fn measure(crs: &Crs, material: &Material, options: &Options) -> Result<[Table; 2], String> {
    let mut table = Table::new(
        "texts",
        &[
            "PL",
            "text",
            "KB",
            "warm MB/s",
            "× regexes",
            "× all",
            "unseen MB/s",
            "× regexes, unseen",
            "× all, unseen",
        ],
    );
    let mut flooded = Table::new("flood", &["PL", "after", "form µs before", "after it", "ratio"]);
    let classes = material.classes();
    let wanted =
        |class: &&Class| options.only.as_ref().is_none_or(|only| class.name.contains(only));
    for &paranoia in &options.paranoia {
        for class in classes.iter().filter(wanted) {
            let begun = Instant::now();
            let mut bench = Bench::new(crs, paranoia)?;
            let [unseen, warm] = bench.class(class, options.rounds)?;
            let bytes: usize = class.requests.iter().map(length).sum();
            let speed = |taken: &Taken| Cell::Number(bytes as f64 / 1e6 / (taken.ours / 1e9), 2);
            let mut row = vec![Cell::count(paranoia.into()), class.name.into()];
            row.push(Cell::Number(bytes as f64 / 1e3, 0));
            for taken in [warm, unseen] {
                row.push(speed(&taken));
                row.push(Cell::Number(taken.regexes / taken.ours, 2));
                row.push(Cell::Number(taken.all / taken.ours, 2));
            }
            table.push(row);
            if class.hostile {
                flooded.push(bench.flooded(&classes[0], class, paranoia));
            }
            let seconds = begun.elapsed().as_secs();
            eprintln!(
                "PL{paranoia} {}: {seconds} s, {} rules in the loop",
                class.name, bench.rules
            );
        }
    }
    Ok([table, flooded])
}

fn length(request: &waf_corpus::Request) -> usize {
    let head = &request.head;
    let headers: usize =
        head.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    head.line.len() + headers + request.body.len()
}

/// Nanoseconds of a pass.
#[derive(Clone, Copy, Default)]
struct Taken {
    ours: f64,
    regexes: f64,
    all: f64,
}

/// Everything fresh: what is seen first is unseen for all.
struct Bench {
    crs: Crs,
    paranoia: u8,
    engine: Engine,
    regexes: RuleLoop,
    others: RuleLoop,
    rules: usize,
}

impl Bench {
    fn new(crs: &Crs, paranoia: u8) -> Result<Self, String> {
        let engine = fresh(crs, paranoia)?;
        let regexes = RuleLoop::new(engine.policy(), paranoia, true);
        let others = RuleLoop::new(engine.policy(), paranoia, false);
        let rules = others.len();
        if regexes.len() < 20 {
            return Err(format!("the loop has only {} regexes", regexes.len()));
        }
        Ok(Self { crs: crs.clone(), paranoia, engine, regexes, others, rules })
    }

    /// The first pass over the requests, and the median of later ones.
    fn class(&mut self, class: &Class, rounds: usize) -> Result<[Taken; 2], String> {
        let limits = self.engine.policy().settings().limits.clone();
        let ask = |to: &RuleLoop| -> Vec<Vec<Question>> {
            class.requests.iter().map(|request| to.questions(request, &limits)).collect()
        };
        let questions = [ask(&self.regexes), ask(&self.others)];
        let unseen = self.pass(class, &questions);
        let passes: Vec<Taken> = (0..rounds.max(1)).map(|_| self.pass(class, &questions)).collect();
        let middle = |part: fn(&Taken) -> f64| median(&passes.iter().map(part).collect::<Vec<_>>());
        let warm = Taken {
            ours: middle(|taken| taken.ours),
            regexes: middle(|taken| taken.regexes),
            all: middle(|taken| taken.all),
        };
        for request in &class.requests {
            let coverage = record(&self.engine.request(request)).coverage;
            let seen = coverage.body_seen == request.body.len() as u64;
            if !class.hostile && (!seen || coverage.stop.is_some_and(|stop| stop != Stop::Verdict))
            {
                return Err(format!("{}: not inspected: {coverage:?}", class.name));
            }
        }
        Ok([unseen, warm])
    }

    fn pass(&mut self, class: &Class, questions: &[Vec<Vec<Question>>; 2]) -> Taken {
        let ours = pass(&mut self.engine, class);
        let asked = |to: &mut RuleLoop, questions: &[Vec<Question>]| {
            timed(|| {
                for questions in questions {
                    std::hint::black_box(to.ask(questions));
                }
            })
        };
        let regexes = asked(&mut self.regexes, &questions[0]);
        let all = asked(&mut self.others, &questions[1]);
        Taken { ours, regexes, all }
    }

    /// What forms cost in a fresh engine, and in this one, where the class went through.
    fn flooded(&mut self, forms: &Class, class: &Class, paranoia: u8) -> Vec<Cell> {
        let mut clean = fresh(&self.crs, self.paranoia).expect("it has loaded before");
        let pass = |engine: &mut Engine| pass(engine, forms) / forms.requests.len() as f64 / 1e3;
        // Both warm, then by turns.
        pass(&mut clean);
        pass(&mut self.engine);
        let turns: Vec<(f64, f64)> =
            (0..7).map(|_| (pass(&mut clean), pass(&mut self.engine))).collect();
        let of = |part: fn(&(f64, f64)) -> f64| median(&turns.iter().map(part).collect::<Vec<_>>());
        vec![
            Cell::count(paranoia.into()),
            class.name.into(),
            Cell::Number(of(|turn| turn.0), 1),
            Cell::Number(of(|turn| turn.1), 1),
            Cell::Number(of(|turn| turn.1 / turn.0), 3),
        ]
    }
}

fn fresh(crs: &Crs, paranoia: u8) -> Result<Engine, String> {
    Ok(Engine::warm(crs.policy(paranoia, detecting())?))
}

/// CPU nanoseconds of all requests of a class.
fn pass(engine: &mut Engine, class: &Class) -> f64 {
    timed(|| {
        for request in &class.requests {
            engine.request(request);
        }
    })
}

fn timed(run: impl FnOnce()) -> f64 {
    let begun = cpu();
    run();
    (cpu() - begun) as f64
}
