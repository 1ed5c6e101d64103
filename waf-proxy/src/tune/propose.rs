//! Which exclusions, in which order: again and again the one that brings the most records nearest to
//! passing, for what it lets in and for how wide it is.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::attacks::Attack;
use super::candidate::{Candidate, Reach, candidates};
use super::evidence::{Evidence, Likely};
use super::gather::{Gathered, Shape};
use super::limits;
use super::weighed::Weighed;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// No more exclusions than this.
    pub most: usize,
    /// No more attacks let in than this share of those that are caught; `None` for no bound.
    pub max_price: Option<f64>,
    /// Also for what evidence cannot tell from attacks.
    pub unclear: bool,
}

impl Default for Wish {
    fn default() -> Self {
        Self { most: 60, max_price: None, unclear: false }
    }
}

/// An exclusion that is proposed.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What it takes away.
    pub candidate: Candidate,
    /// The methods of its records; empty when they are many.
    pub methods: Vec<Box<str>>,
    /// What is known of its records.
    pub evidence: Evidence,
    /// Records that pass with it and all before it.
    pub passing: u64,
}

/// How many shares of attacks weigh as much as a share of records. Two: with equal shares an
/// operator would rather keep the rule.
const ATTACKS_WEIGH: f64 = 2.0;

/// How often exclusions that others made needless make room for more.
const PASSES: usize = 16;

/// Methods that are named in an exclusion.
const METHODS: usize = 3;

/// Chooses exclusions for what was gathered. What they let in of `attacks` is reckoned from the
/// attacks' records here; [`super::price`] replays them.
pub fn choose(log: &Gathered, attacks: &[Attack], wish: &Wish) -> Vec<Choice> {
    let shapes = log.shapes();
    let open = open(&shapes, log);
    let reaches = candidates(&shapes, &open);
    let mut search = Search::new(log, &shapes, attacks, reaches, wish);
    for _ in 0..PASSES {
        search.run();
        if !search.drop_idle() {
            break;
        }
    }
    search.choices()
}

/// A rule, a field and a path.
type Cell<'a> = (&'a str, &'a str, Option<&'a str>);

/// The hits of each shape that may be excluded: not those that are likely attacks, by what is known
/// of the rule in that field on that path.
fn open(shapes: &[&Shape], log: &Gathered) -> Vec<u128> {
    let mut cells: HashMap<Cell<'_>, Vec<(usize, usize)>> = HashMap::new();
    for (number, shape) in shapes.iter().enumerate() {
        for (at, hit) in shape.weighed.hits.iter().enumerate() {
            let cell = (&*hit.rule, &*hit.target, shape.path.as_deref());
            cells.entry(cell).or_default().push((number, at));
        }
    }
    let mut open = vec![0; shapes.len()];
    for places in cells.values() {
        let of_cell = places.iter().map(|(number, _)| shapes[*number]);
        if Evidence::of(of_cell, log).likely() != Likely::Attack {
            places.iter().for_each(|(number, at)| open[*number] |= 1 << at);
        }
    }
    open
}

/// What evidence says of the flagged records of a log.
pub fn judged(log: &Gathered) -> [(Likely, u64); 3] {
    let shapes = log.shapes();
    let mut cells: HashMap<Cell<'_>, Vec<usize>> = HashMap::new();
    for (number, shape) in shapes.iter().enumerate() {
        for hit in &shape.weighed.hits {
            let cell = (&*hit.rule, &*hit.target, shape.path.as_deref());
            cells.entry(cell).or_default().push(number);
        }
    }
    // A record is as bad as the worst that is known of its matches.
    let mut worst = vec![Likely::FalsePositive; shapes.len()];
    for numbers in cells.values() {
        let likely = Evidence::of(numbers.iter().map(|number| shapes[*number]), log).likely();
        for &number in numbers {
            let rank = |likely| likely as usize;
            if rank(likely) > rank(worst[number]) {
                worst[number] = likely;
            }
        }
    }
    [Likely::FalsePositive, Likely::Unclear, Likely::Attack].map(|likely| {
        let of_it = shapes.iter().zip(&worst).filter(|(_, known)| **known == likely);
        (likely, of_it.map(|(shape, _)| shape.seen.records).sum())
    })
}

/// A request, and which of its hits are gone by now.
struct Left {
    gone: u128,
    excess: u32,
    /// Before anything was excluded.
    at_first: u32,
}

impl Left {
    fn new(excess: u32) -> Self {
        Self { gone: 0, excess, at_first: excess.max(1) }
    }
}

/// What matches are taken from or by (a number), and which of them, one bit each.
type Taken = (u32, u128);

struct Search<'a> {
    log: &'a Gathered,
    shapes: &'a [&'a Shape],
    attacks: &'a [Attack],
    /// The attacks of each rule, and the place of its hit.
    of_rule: HashMap<&'a str, Vec<(u32, usize)>>,
    /// The attacks that each candidate takes matches from, and which, once that was asked.
    taken: Vec<OnceCell<Box<[Taken]>>>,
    reaches: Vec<Reach>,
    /// What each brings nearer to passing.
    nearer: Vec<f64>,
    /// Whether evidence allows it, once that was asked.
    wanted: Vec<OnceCell<bool>>,
    /// For every shape the candidates that take matches from it, and which.
    takers: Vec<Vec<Taken>>,
    wish: &'a Wish,
    left: Vec<Left>,
    attacks_left: Vec<Left>,
    let_in: usize,
    /// Records that an attack weighs as much as.
    attack_weight: f64,
    chosen: Vec<usize>,
}

/// Exclusions that together let a kind of record pass.
struct Bundle {
    reaches: Vec<usize>,
    /// Records that would pass, less the attacks let in, for their width.
    worth: f64,
    /// Attacks that would pass.
    let_in: usize,
}

impl<'a> Search<'a> {
    fn new(
        log: &'a Gathered,
        shapes: &'a [&'a Shape],
        attacks: &'a [Attack],
        reaches: Vec<Reach>,
        wish: &'a Wish,
    ) -> Self {
        let mut of_rule: HashMap<&str, Vec<(u32, usize)>> = HashMap::new();
        for (number, attack) in attacks.iter().enumerate() {
            for (at, hit) in attack.weighed.hits.iter().enumerate() {
                of_rule.entry(&hit.rule).or_default().push((number as u32, at));
            }
        }
        let mut takers = vec![Vec::new(); shapes.len()];
        for (number, reach) in reaches.iter().enumerate() {
            for (shape, bits) in &reach.takes {
                takers[*shape as usize].push((number as u32, *bits));
            }
        }
        let records: u64 = shapes.iter().map(|shape| shape.seen.records).sum();
        let mut search = Self {
            log,
            shapes,
            attacks,
            of_rule,
            taken: vec![OnceCell::new(); reaches.len()],
            nearer: vec![0.0; reaches.len()],
            wanted: vec![OnceCell::new(); reaches.len()],
            takers,
            reaches,
            wish,
            left: Vec::new(),
            attacks_left: Vec::new(),
            let_in: 0,
            attack_weight: ATTACKS_WEIGH * records as f64 / attacks.len().max(1) as f64,
            chosen: Vec::new(),
        };
        search.restart();
        search
    }

    /// Round by round the bundle of the most worth. A record that trips ten rules passes when all ten
    /// are seen to, so exclusions are not looked at one by one.
    fn run(&mut self) {
        let most = self.wish.most.min(limits::PROPOSALS);
        while self.chosen.len() < most {
            let seeds = self.left.iter().enumerate().filter(|(_, left)| left.excess > 0);
            let seeds: Vec<usize> = seeds.map(|(shape, _)| shape).take(limits::SEEDS).collect();
            let bundles = seeds.into_iter().filter_map(|shape| self.bundle(shape));
            let fits = |bundle: &Bundle| self.chosen.len() + bundle.reaches.len() <= most;
            let best = bundles
                .filter(|bundle| {
                    bundle.worth > 0.0 && fits(bundle) && self.is_within(bundle.let_in)
                })
                .reduce(|best, next| if next.worth > best.worth { next } else { best });
            let Some(best) = best else { break };
            best.reaches.into_iter().for_each(|reach| self.choose(reach));
            self.let_in = best.let_in;
        }
    }

    /// The exclusions with which a shape passes: for each match in turn the one that is worth most,
    /// or the narrowest, whichever comes to more. `None` when there are not enough.
    fn bundle(&self, shape: usize) -> Option<Bundle> {
        let most = self.bundle_by(shape, |reach| (0.0, self.nearer[reach]));
        let narrow = |reach: usize| -self.reaches[reach].candidate.width();
        let narrowest = self.bundle_by(shape, |reach| (narrow(reach), self.nearer[reach]));
        match (most, narrowest) {
            (Some(most), Some(narrow)) if narrow.worth > most.worth => Some(narrow),
            (most, _) => most,
        }
    }

    fn bundle_by(&self, shape: usize, rank: impl Fn(usize) -> (f64, f64)) -> Option<Bundle> {
        let weighed = &self.shapes[shape].weighed;
        let mut gone = self.left[shape].gone;
        let mut reaches = Vec::new();
        while weighed.excess(gone) > 0 {
            let useful = self.takers[shape].iter().filter(|(_, bits)| bits & !gone != 0);
            let useful = useful.filter(|(reach, _)| self.is_wanted(*reach as usize));
            let (reach, bits) = useful.max_by(|(a, _), (b, _)| {
                let (a, b) = (rank(*a as usize), rank(*b as usize));
                a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
            })?;
            reaches.push(*reach as usize);
            gone |= bits;
        }
        let width: f64 = reaches.iter().map(|&reach| self.reaches[reach].candidate.width()).sum();
        let let_in = self.let_in_with(&reaches);
        let price = self.attack_weight * (let_in - self.let_in) as f64;
        let worth = (self.passing_with(&reaches) as f64 - price) / width;
        Some(Bundle { reaches, worth, let_in })
    }

    /// Records that pass with some exclusions more, and not without.
    fn passing_with(&self, reaches: &[usize]) -> u64 {
        let mut gone: HashMap<u32, u128> = HashMap::new();
        for &reach in reaches {
            for (shape, bits) in &self.reaches[reach].takes {
                *gone.entry(*shape).or_insert(self.left[*shape as usize].gone) |= bits;
            }
        }
        let passing = gone.into_iter().filter(|&(shape, gone)| {
            let shape = shape as usize;
            self.left[shape].excess > 0 && self.shapes[shape].weighed.excess(gone) == 0
        });
        passing.map(|(shape, _)| self.shapes[shape as usize].seen.records).sum()
    }

    /// Attacks that pass with some exclusions more.
    fn let_in_with(&self, reaches: &[usize]) -> usize {
        let mut gone: HashMap<u32, u128> = HashMap::new();
        for &(attack, bits) in reaches.iter().flat_map(|&reach| self.taken(reach)) {
            *gone.entry(attack).or_insert(self.attacks_left[attack as usize].gone) |= bits;
        }
        let passing = gone.into_iter().filter(|&(attack, gone)| {
            let attack = attack as usize;
            self.attacks_left[attack].excess > 0 && self.attacks[attack].weighed.excess(gone) == 0
        });
        self.let_in + passing.count()
    }

    fn is_within(&self, let_in: usize) -> bool {
        self.wish.max_price.is_none_or(|most| let_in as f64 <= most * self.attacks.len() as f64)
    }

    /// What a candidate is worth by itself, for its width, is kept up to date for those that share
    /// a shape with the last one chosen.
    fn update(&mut self, shapes: &HashSet<u32>) {
        for number in 0..self.reaches.len() {
            if self.reaches[number].takes.iter().any(|(shape, _)| shapes.contains(shape)) {
                self.nearer[number] = self.worth(number);
            }
        }
    }

    /// Records brought nearer to passing, less the attacks let in, for its width.
    fn worth(&self, number: usize) -> f64 {
        let reach = &self.reaches[number];
        let nearer = |(shape, takes): &(u32, u128)| {
            let (shape, left) = (self.shapes[*shape as usize], &self.left[*shape as usize]);
            if left.excess == 0 {
                return 0.0;
            }
            let gained = left.excess - shape.weighed.excess(left.gone | takes).min(left.excess);
            shape.seen.records as f64 * f64::from(gained) / f64::from(left.at_first)
        };
        let gain: f64 = reach.takes.iter().map(nearer).sum();
        if gain <= 0.0 {
            return 0.0;
        }
        (gain - self.attack_weight * self.weakened(number)) / reach.candidate.width()
    }

    /// The attacks that would pass, and a tenth of how much nearer to it the others come.
    fn weakened(&self, number: usize) -> f64 {
        let weaker = |&(attack, gone): &(u32, u128)| {
            let (attack, left) =
                (&self.attacks[attack as usize], &self.attacks_left[attack as usize]);
            let excess = attack.weighed.excess(left.gone | gone);
            let nearer =
                f64::from(left.excess - excess.min(left.excess)) / f64::from(left.at_first);
            if left.excess > 0 && excess == 0 { 1.0 } else { nearer / 10.0 }
        };
        self.taken(number).iter().map(weaker).sum()
    }

    /// The attacks that a candidate takes matches from, with them.
    fn taken(&self, number: usize) -> &[Taken] {
        self.taken[number].get_or_init(|| self.taken_by(&self.reaches[number].candidate))
    }

    fn taken_by(&self, candidate: &Candidate) -> Box<[Taken]> {
        let mut taken: Vec<Taken> = Vec::new();
        for &(number, at) in self.of_rule.get(&*candidate.rule).into_iter().flatten() {
            let attack = &self.attacks[number as usize];
            let path = attack.path.as_deref();
            if candidate.takes(&attack.weighed.hits[at], path)
                && candidate.is_of(attack.alphabets[at])
            {
                match taken.last_mut() {
                    Some((same, bits)) if *same == number => *bits |= 1 << at,
                    _ => taken.push((number, 1 << at)),
                }
            }
        }
        taken.into()
    }

    /// Whether evidence allows it.
    fn is_wanted(&self, number: usize) -> bool {
        *self.wanted[number].get_or_init(|| match self.evidence(number).likely() {
            Likely::FalsePositive => true,
            Likely::Unclear => self.wish.unclear,
            Likely::Attack => false,
        })
    }

    fn evidence(&self, number: usize) -> Evidence {
        let takes = &self.reaches[number].takes;
        Evidence::of(takes.iter().map(|(shape, _)| self.shapes[*shape as usize]), self.log)
    }

    fn choose(&mut self, number: usize) {
        if !self.may_be_narrow(number) {
            self.reaches[number].candidate.characters = None;
            self.taken[number] = OnceCell::new();
        }
        self.chosen.push(number);
        for (shape, takes) in &self.reaches[number].takes {
            let left = &mut self.left[*shape as usize];
            left.gone |= takes;
            left.excess = self.shapes[*shape as usize].weighed.excess(left.gone);
        }
        let shapes = self.reaches[number].takes.iter().map(|(shape, _)| *shape).collect();
        self.update(&shapes);
        for (attack, gone) in self.taken(number).to_vec() {
            let left = &mut self.attacks_left[attack as usize];
            left.gone |= gone;
            left.excess = self.attacks[attack as usize].weighed.excess(left.gone);
        }
    }

    /// Whether there is room for another exclusion with `characters` of its rule.
    fn may_be_narrow(&self, number: usize) -> bool {
        let rule = &self.reaches[number].candidate.rule;
        let candidates = self.chosen.iter().map(|&chosen| &self.reaches[chosen].candidate);
        let narrow = candidates.filter(|one| one.rule == *rule && one.characters.is_some());
        narrow.count() < limits::NARROW
    }

    /// Takes back what others have made needless: without it as many records pass. Whether it did.
    fn drop_idle(&mut self) -> bool {
        let before = self.chosen.len();
        let all = self.passing(&self.chosen);
        for at in (0..self.chosen.len()).rev() {
            let mut fewer = self.chosen.clone();
            fewer.remove(at);
            if self.passing(&fewer) == all {
                self.chosen = fewer;
            }
        }
        let chosen = std::mem::take(&mut self.chosen);
        let is_shorter = chosen.len() < before;
        self.restart();
        chosen.into_iter().for_each(|reach| self.choose(reach));
        self.let_in = self.attacks_left.iter().filter(|left| left.excess == 0).count();
        is_shorter
    }

    /// As if nothing were chosen.
    fn restart(&mut self) {
        let fresh = |weighed: &Weighed| Left::new(weighed.excess(0));
        self.left = self.shapes.iter().map(|shape| fresh(&shape.weighed)).collect();
        self.attacks_left = self.attacks.iter().map(|attack| fresh(&attack.weighed)).collect();
        for number in 0..self.reaches.len() {
            self.nearer[number] = self.worth(number);
        }
    }

    /// Records that pass under some exclusions.
    fn passing(&self, chosen: &[usize]) -> u64 {
        let mut gone = vec![0_u128; self.shapes.len()];
        for &number in chosen {
            for (shape, takes) in &self.reaches[number].takes {
                gone[*shape as usize] |= takes;
            }
        }
        let passing =
            self.shapes.iter().zip(gone).filter(|(shape, gone)| shape.weighed.excess(*gone) == 0);
        passing.map(|(shape, _)| shape.seen.records).sum()
    }

    fn choices(&self) -> Vec<Choice> {
        let choice = |(at, &number): (usize, &usize)| Choice {
            candidate: self.candidate(number),
            methods: self.methods(number),
            evidence: self.evidence(number),
            passing: self.passing(&self.chosen[..=at]),
        };
        self.chosen.iter().enumerate().map(choice).collect()
    }

    /// The candidate as it is proposed: with its characters where they keep an attack out, or where
    /// nobody knows.
    fn candidate(&self, number: usize) -> Candidate {
        let candidate = &self.reaches[number].candidate;
        let wide = Candidate { characters: None, ..candidate.clone() };
        let is_idle = !self.attacks.is_empty() && *self.taken_by(&wide) == *self.taken(number);
        if is_idle { wide } else { candidate.clone() }
    }

    /// The methods of its records; none where one was seen a single time, so that others are to come.
    fn methods(&self, number: usize) -> Vec<Box<str>> {
        let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
        for (shape, _) in &self.reaches[number].takes {
            let shape = self.shapes[*shape as usize];
            *seen.entry(&shape.method).or_default() += shape.seen.records;
        }
        let is_plain = |method: &str| method.bytes().all(|byte| byte.is_ascii_uppercase());
        let are_known = seen.iter().all(|(method, records)| is_plain(method) && *records > 1);
        match are_known && seen.len() <= METHODS {
            true => seen.into_keys().map(Into::into).collect(),
            false => Vec::new(),
        }
    }
}
